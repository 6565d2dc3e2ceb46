//! Reloads: days whose rows are made anew beside live work.
//!
//! The new rows of a day are written aside, some at a time, where no reader sees them. One mark swaps the day: from then on
//! readers see the new rows in place of the old ones, whole. What was set aside is then moved to where rows are kept, some
//! at a time, which no reader notices.

use pegboard_model::{SourceName, Text, Timestamp};
use serde::Serialize;

use crate::{DirtyMark, RowWrite};

/// What was asked for, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reload {
    /// Its number.
    pub id: u64,
    /// The source.
    pub source: SourceName,
    /// When it was asked for.
    pub at: Timestamp,
    /// How it stands.
    pub state: ReloadState,
    /// What was asked for: JSON of whoever asks.
    pub asked: String,
    /// How far it is: JSON of whoever does it.
    pub progress: String,
}

/// How a reload stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReloadState {
    /// Others of the source come first.
    Waiting,
    /// It is being done.
    Running,
    /// It is being done, and is to end with the day that was swapped last.
    Cancelling,
    /// Every day is done.
    Done,
    /// It cannot be done.
    Failed,
    /// Somebody ended it. Days that were swapped until then stay so.
    Cancelled,
}

impl ReloadState {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Waiting, Self::Running, Self::Cancelling, Self::Done, Self::Failed, Self::Cancelled];

    /// The name that stands in the store and in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Cancelling => "cancelling",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether there is something left to do.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Running | Self::Cancelling)
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// A reload that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReloadWrite {
    /// The source.
    pub source: SourceName,
    /// When.
    pub at: Timestamp,
    /// What is asked for, as JSON.
    pub asked: String,
    /// How far it is before it has begun, as JSON.
    pub progress: String,
}

/// The day of a source that is being reloaded. The rows of its intervals are not the closer's until it is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReloadDay {
    /// The reload.
    pub id: u64,
    /// The first instant.
    pub from: Timestamp,
    /// The first instant after.
    pub to: Timestamp,
    /// Whether readers see the new rows already.
    pub swapped: bool,
}

/// What is done next of a reload, all or nothing.
#[derive(Debug, Clone)]
pub struct ReloadStep {
    /// The source.
    pub source: SourceName,
    /// The epoch under which the writer closes this source.
    pub epoch: u64,
    /// The reload.
    pub id: u64,
    /// How it stands afterwards. One that is being cancelled does not go back to running.
    pub state: ReloadState,
    /// How far it is afterwards, as JSON.
    pub progress: String,
    /// When.
    pub at: Timestamp,
    /// What is done.
    pub work: ReloadWork,
}

/// What is done in a step of a reload.
#[derive(Debug, Clone)]
pub enum ReloadWork {
    /// Nothing: how far it is is noted.
    Note,
    /// A day is held. What is set aside must be empty.
    Begin {
        /// The first instant.
        from: Timestamp,
        /// The first instant after.
        to: Timestamp,
    },
    /// Rows of the day are set aside, as the next revisions of those that are kept; those that are the same are not. The
    /// embedded store writes nothing else meanwhile: give it parts of some hundred.
    SetAside {
        /// New rows and rows that differ.
        rows: Vec<RowWrite>,
        /// Rows that no longer exist, as (report, start of interval, key).
        gone: Vec<(Text, Timestamp, String)>,
    },
    /// Readers see the new rows from now on, and the feed of rows tells so in one entry.
    Swap {
        /// How many there are.
        rows: u64,
        /// Marks that this answers; a mark that grew meanwhile stays.
        answered: Vec<DirtyMark>,
        /// Why: `reload`, `recapture`.
        reason: Text,
    },
    /// So many rows at most are moved to where rows are kept; with the last of them the day is over.
    Move(usize),
    /// So many rows at most that were set aside and not swapped are dropped; with the last of them the day is over.
    Drop(usize),
}

/// What a step of a reload came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reloaded {
    /// How the reload stands.
    pub state: ReloadState,
    /// How many rows were set aside, moved or dropped.
    pub rows: u64,
    /// Whether the day goes on.
    pub goes_on: bool,
}

/// The entry of the feed of rows that tells of a swap.
#[derive(Debug, Serialize)]
pub(crate) struct SwapEntry<'a> {
    origin: &'static str,
    /// What was swapped: every row of the reports of intervals within it may have another revision.
    swapped: Swapped,
    /// How many have.
    rows: u64,
    reason: &'a str,
}

#[derive(Debug, Serialize)]
struct Swapped {
    from: Timestamp,
    to: Timestamp,
}

impl<'a> SwapEntry<'a> {
    pub(crate) fn new(day: ReloadDay, rows: u64, reason: &'a str) -> Self {
        let swapped = Swapped { from: day.from, to: day.to };
        Self { origin: crate::Origin::Computed.as_str(), swapped, rows, reason }
    }
}
