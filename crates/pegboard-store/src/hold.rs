//! Whole pictures of who is in which state that sinks are not sent yet, and what sinks were told of sources.

use pegboard_model::{SourceName, Text, Timestamp};

/// A whole picture that a sink is not sent, because it may be wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Since when it waits.
    pub since: Timestamp,
    /// Why.
    pub reason: Text,
    /// When a person said that it is to be sent all the same.
    pub released: Option<Timestamp>,
}

/// What becomes of the whole picture of a sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HoldNote {
    /// It waits: since then, if it did not wait before.
    Waits {
        /// Since when, the first time.
        since: Timestamp,
        /// Why, now.
        reason: Text,
    },
    /// It has been sent, or nothing speaks against that any more.
    Over,
}

/// How many agents a sink knows as signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Present {
    /// How many.
    pub agents: u64,
    /// When that was so.
    pub at: Timestamp,
}

/// Whether a sink is told that a source is stale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaleNote {
    /// The source.
    pub source: SourceName,
    /// Since when it is; nothing where it is fresh again, and the sink knows.
    pub since: Option<Timestamp>,
}
