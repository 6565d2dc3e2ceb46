//! Who is to be forgotten, and how far that is.

use pegboard_connect::person::Terms;
use pegboard_model::{AgentId, SourceName, Timestamp};
use pegboard_store::{Erasure, ErasureState, StoreError};
use serde::{Deserialize, Serialize};

/// What is to be known of what the hub cannot reach.
pub const NOTES: [&str; 3] = [
    "what was delivered stays with whom it was delivered to: have it erased in the WFM, and in files and buckets that sinks wrote",
    "copies of the store and of the archive, and mappings and settings in files, are not the hub's: erase him again after a copy is restored",
    "the audit log is not changed: it may hold his id or login where somebody reloaded his rows, gave up a refused state of his or edited a mapping that names him, for 400 days",
];

/// How many other spellings may be named.
pub const MOST_OTHERS: usize = 50;

/// Who is to be forgotten.
#[derive(Clone, PartialEq, Eq)]
pub struct ErasureRequest {
    /// The source.
    pub source: SourceName,
    /// The platform's id of the agent.
    pub agent: AgentId,
    /// What else names him and nobody else: addresses, earlier logins, names that only he has.
    pub also: Vec<String>,
    /// Whether it is only counted what names him.
    pub dry_run: bool,
}

/// A person is not shown.
impl std::fmt::Debug for ErasureRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ErasureRequest")
            .field("source", &self.source)
            .field("dry_run", &self.dry_run)
            .finish_non_exhaustive()
    }
}

/// The same as it is stored until it is over.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    pub(super) agent: String,
    pub(super) terms: Terms,
    pub(super) pseudonym: String,
}

impl Asked {
    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(super) fn read(json: &str) -> Result<Self, StoreError> {
        read_json("request of an erasure", json)
    }
}

/// Why nobody is forgotten.
#[derive(Debug, thiserror::Error)]
pub enum ErasureError {
    /// There is no such source.
    #[error("there is no source '{0}'")]
    UnknownSource(SourceName),
    /// He works.
    #[error("the agent is signed in: remove him in the ACD first, or he is heard of again at once")]
    SignedIn,
    /// Too many wait.
    #[error("{} erasures of this source are under way or wait: let some of them end first", super::MOST_OPEN)]
    TooManyOpen,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How far an erasure is. Nothing in it names anybody.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ErasureProgress {
    /// Who asked for it.
    pub by: String,
    /// Whether it is only counted what names the person.
    pub dry_run: bool,
    /// What he is called from now on.
    pub pseudonym: String,
    /// How many rows of the store named him.
    pub rows: u64,
    /// How many files there are in the archive.
    pub files: u64,
    /// How many of them were looked at.
    pub files_read: u64,
    /// How many of their records named him.
    pub records: u64,
    /// When it began.
    pub began: Option<Timestamp>,
    /// When it was over.
    pub ended: Option<Timestamp>,
    /// Why it cannot be done.
    pub error: Option<String>,
}

impl ErasureProgress {
    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(super) fn read(json: &str) -> Result<Self, StoreError> {
        read_json("progress of an erasure", json)
    }
}

fn read_json<T: for<'de> Deserialize<'de>>(what: &'static str, json: &str) -> Result<T, StoreError> {
    // What the parser says may repeat what it read.
    let damaged = |_| StoreError::Damaged { what, detail: "it is no JSON of this program".to_owned() };
    serde_json::from_str(json).map_err(damaged)
}

/// An erasure, for readers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ErasureStatus {
    /// Its number.
    pub id: u64,
    /// The source.
    pub source: SourceName,
    /// How it stands.
    pub state: ErasureState,
    /// When it was asked for.
    pub at: Timestamp,
    /// How far it is.
    #[serde(flatten)]
    pub progress: ErasureProgress,
    /// What the hub cannot reach.
    pub notes: [&'static str; 3],
}

impl ErasureStatus {
    /// How a stored erasure stands.
    pub(in crate::runtime) fn of(erasure: &Erasure) -> Result<Self, StoreError> {
        let Erasure { id, source, at, state, progress, .. } = erasure;
        let progress = ErasureProgress::read(progress)?;
        Ok(Self { id: *id, source: source.clone(), state: *state, at: *at, progress, notes: NOTES })
    }
}
