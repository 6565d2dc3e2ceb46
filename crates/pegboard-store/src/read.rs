//! What is read.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use pegboard_model::{
    AgentId, AgentNow, Class, Millis, PartitionId, Position, QueueId, SourceName, Text, Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::Counts;

/// The identity of a store: 32 hexadecimal digits, made when it is created or restored.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StoreId(pub(crate) String);

impl StoreId {
    /// A new identity. Fails if the operating system gives no randomness.
    pub(crate) fn random() -> crate::Result<Self> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| crate::StoreError::Database {
            operation: "make the store's identity",
            cause: error.into(),
        })?;
        Ok(Self(format!("{:032x}", u128::from_be_bytes(random))))
    }

    /// The identity as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A partition as the store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionState {
    /// The partition.
    pub partition: PartitionId,
    /// The epoch of its owner.
    pub epoch: u64,
    /// Where it stands; nothing if no record was committed.
    pub position: Option<Position>,
    /// Up to when it is complete.
    pub watermark: Option<Timestamp>,
    /// How far its reader was behind, when it last said.
    pub behind: Option<Millis>,
    /// Whether it has ended.
    pub finished: bool,
    /// The partitions that had to end before it could start.
    pub parents: Vec<PartitionId>,
    /// All that was ever read from it.
    pub counts: Counts,
}

/// What the engine keeps of one agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAgent {
    /// Which agent.
    pub agent: AgentId,
    /// The engine's track, as JSON.
    pub track: String,
    /// The present state, as readers see it.
    pub now: AgentNow,
    /// How often it was written.
    pub version: u64,
}

/// Where the timeline of an agent begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentBeginning {
    /// Which agent.
    pub agent: AgentId,
    /// The start of its first segment.
    pub at: Timestamp,
    /// What it was before.
    pub before: Class,
}

/// What rows are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowsOf {
    /// Agents' states.
    Agents,
    /// Contacts.
    Contacts,
}

impl RowsOf {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Agents, Self::Contacts];
}

/// Up to when the intervals of a source are closed: every interval that ends at or before it is; nothing if none is. Rows
/// that are made of agents' states do not wait for contacts, nor the other way round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClosedUntil {
    /// Of rows that are made of agents' states.
    pub agents: Option<Timestamp>,
    /// Of rows that are made of contacts.
    pub contacts: Option<Timestamp>,
}

impl ClosedUntil {
    /// The same instant for all rows.
    pub const fn both(at: Timestamp) -> Self {
        Self { agents: Some(at), contacts: Some(at) }
    }

    /// An instant for some rows, and nothing for the others.
    pub const fn of(rows: RowsOf, at: Timestamp) -> Self {
        match rows {
            RowsOf::Agents => Self { agents: Some(at), contacts: None },
            RowsOf::Contacts => Self { agents: None, contacts: Some(at) },
        }
    }

    /// That of some rows.
    pub const fn get(self, rows: RowsOf) -> Option<Timestamp> {
        match rows {
            RowsOf::Agents => self.agents,
            RowsOf::Contacts => self.contacts,
        }
    }

    /// Up to when all rows are there.
    pub fn least(self) -> Option<Timestamp> {
        Some(self.agents?.min(self.contacts?))
    }

    /// The later of both, for each kind of rows.
    #[must_use]
    pub fn raised(self, to: Self) -> Self {
        Self { agents: self.agents.max(to.agents), contacts: self.contacts.max(to.contacts) }
    }
}

/// How a source stands, as all of its writers have left it: of one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceState {
    /// All partitions that were ever taken.
    pub partitions: Vec<PartitionState>,
    /// Up to when its intervals are closed.
    pub closed_until: ClosedUntil,
    /// From when on its segments and contacts are all there: what lies before cannot be derived from them again.
    pub details_from: Timestamp,
    /// How many agents there are.
    pub agents: u64,
}

/// The present state of one agent, for readers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentEntry {
    /// The state.
    pub now: AgentNow,
    /// The instant of the last evidence.
    pub heard: Timestamp,
}

/// All agents at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentsSnapshot {
    /// The agents, by source and id.
    pub agents: Vec<AgentEntry>,
    /// The end of the state feed at that moment.
    pub cursor: Cursor,
}

/// Where the closing of a source stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloserState {
    /// The epoch under which the caller may close.
    pub epoch: u64,
    /// Up to when intervals are closed.
    pub closed_until: ClosedUntil,
}

/// A feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FeedKind {
    /// Changes of agents' present states.
    States,
    /// New and revised rows.
    Rows,
}

/// A place in a feed of all sources: opaque to readers, `store~source=number~...` inside.
///
/// Text and back: [`fmt::Display`] and [`FromStr`]. It is safe in a URL, a header and an event id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The store it belongs to.
    pub store: StoreId,
    /// The number of the last entry seen, by source. A source that is missing was not there yet: 0.
    pub seen: BTreeMap<SourceName, u64>,
}

/// A text that is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseCursorError;

impl fmt::Display for ParseCursorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a cursor: take the one that a snapshot or an event carried, unchanged")
    }
}

impl std::error::Error for ParseCursorError {}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.store.0)?;
        self.seen.iter().try_for_each(|(source, number)| write!(f, "~{source}={number}"))
    }
}

impl FromStr for Cursor {
    type Err = ParseCursorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split('~');
        let store =
            parts.next().filter(|id| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let store = StoreId(store.ok_or(ParseCursorError)?.to_string());
        let mut seen = BTreeMap::new();
        for part in parts {
            let (source, number) = part.rsplit_once('=').ok_or(ParseCursorError)?;
            let number = number.parse().map_err(|_| ParseCursorError)?;
            seen.insert(SourceName::from(source), number);
        }
        Ok(Self { store, seen })
    }
}

/// One entry of a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedEntry {
    /// The source.
    pub source: SourceName,
    /// Its number: of one source they follow each other without gaps.
    pub number: u64,
    /// The content, as JSON: an [`AgentNow`], or a row with its report and revision.
    pub body: String,
}

/// Some entries of a feed, in order of each source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedPage {
    /// The entries.
    pub entries: Vec<FeedEntry>,
    /// The cursor after the last of them.
    pub cursor: Cursor,
    /// Whether there were more when it was read.
    pub more: bool,
}

/// A stored row, with the history of its making.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRow {
    /// The start of the interval.
    pub interval_start: Timestamp,
    /// The key within report and interval.
    pub key: String,
    /// The columns, as a JSON object.
    pub body: String,
    /// 1 when the interval closed, one more with every correction.
    pub revision: u32,
    /// Why this revision was written.
    pub reason: Text,
    /// When.
    pub at: Timestamp,
}

/// Who computed a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The hub, from what it read.
    Computed,
    /// The ACD itself.
    Acd,
}

impl Origin {
    /// The name that rows carry.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Computed => "computed",
            Self::Acd => "acd",
        }
    }
}

/// The latest revision of a row that the ACD computed itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAcdRow {
    /// The row.
    pub row: StoredRow,
    /// What told this revision: the name of a file.
    pub file: Text,
    /// As of when it was last told the same.
    pub told: Timestamp,
}

/// One revision of a row, the latest or an earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowRevision {
    /// The start of the interval.
    pub interval_start: Timestamp,
    /// The key within report and interval.
    pub key: String,
    /// Its number; the first is 1.
    pub revision: u32,
    /// Why it was written.
    pub reason: Text,
    /// When.
    pub at: Timestamp,
    /// What told it, of a row that the ACD computed itself: the name of a file.
    pub file: Option<Text>,
    /// The columns, as a JSON object; nothing where the row no longer existed.
    pub body: Option<String>,
}

/// A name of a queue, and when the queue was seen under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueName {
    /// The queue.
    pub queue: QueueId,
    /// What it was called.
    pub name: Text,
    /// The first time.
    pub first_seen: Timestamp,
    /// The last time, to about an hour.
    pub last_seen: Timestamp,
}

/// A record that could not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its number.
    pub id: i64,
    /// The source.
    pub source: SourceName,
    /// The partition.
    pub partition: PartitionId,
    /// Where it stood.
    pub position: Position,
    /// Why, naming the field.
    pub reason: Text,
    /// The record.
    pub payload: Vec<u8>,
    /// When it was read.
    pub at: Timestamp,
    /// How often it was tried, the reading included.
    pub tries: u64,
    /// When it was last tried again.
    pub tried: Option<Timestamp>,
}

/// A stretch of a stream that was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The partition.
    pub partition: PartitionId,
    /// Why.
    pub reason: Text,
    /// The last time before it, if known.
    pub from: Option<Timestamp>,
    /// The first time after it, if known.
    pub to: Option<Timestamp>,
    /// When it was noticed.
    pub at: Timestamp,
}

/// How full a store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fullness {
    /// The bytes that are in use.
    pub used: u64,
    /// How many may be.
    pub budget: u64,
}

/// A copy of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// The file.
    pub path: PathBuf,
    /// How large it is.
    pub bytes: u64,
}

/// What the bearer of a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// See.
    Viewer,
    /// See, and repair data.
    Operator,
    /// Everything.
    Admin,
}

/// A token as stored: never the token itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its public id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it allows.
    pub role: Role,
    /// The sources it is limited to; all where empty.
    pub sources: Vec<SourceName>,
    /// When it was made.
    pub created: Timestamp,
    /// From when on it is refused.
    pub expires: Option<Timestamp>,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
}

/// A new token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenWrite {
    /// All but the secret.
    pub token: Token,
    /// SHA-256 of the secret.
    pub hash: [u8; 32],
}
