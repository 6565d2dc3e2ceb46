//! What the delivery loop asks of a target that takes events as they came.
//!
//! A target has lanes, one beside the other, and each is opened for each source. A lane is handed the events of a source in
//! their order, and says how far it is done with them: whoever opens it again behind that loses nothing, and what it sends
//! again the target takes for the same.

use std::fmt;

use async_trait::async_trait;
use pegboard_engine::StatusTable;
use pegboard_model::{SourceName, Timestamp};

use crate::RefusedItem;

/// A lane of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventLaneKind {
    /// Its name: how far it is, is kept under it.
    pub name: &'static str,
    /// Where it begins the first time.
    pub begins: Begins,
}

/// Where a lane begins that was never opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begins {
    /// With the oldest event that is kept.
    Oldest,
    /// With the next one.
    Newest,
}

/// What a lane is opened for.
#[derive(Debug, Clone, Copy)]
pub struct EventSource<'a> {
    /// The source.
    pub name: &'a SourceName,
    /// What its statuses mean for staffing.
    pub statuses: &'a StatusTable,
    /// The number of the last event that is done with.
    pub done: u64,
}

/// An event of a source.
#[derive(Clone, Copy)]
pub struct SourceEvent<'a> {
    /// Its number: those of a source follow each other.
    pub number: u64,
    /// When it was read; never before the one before it.
    pub at: Timestamp,
    /// The event, byte for byte.
    pub data: &'a [u8],
}

/// Without what it says of a person.
impl fmt::Debug for SourceEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceEvent")
            .field("number", &self.number)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

/// What came of sending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventOutcome {
    /// There is nothing to send.
    Nothing,
    /// The target has something more.
    Done {
        /// The number of the last event that is done with.
        done: u64,
        /// What the target refuses for good, and is not sent again.
        refused: Vec<RefusedItem>,
    },
    /// The target has not taken it. It is to be sent again after a pause.
    Again {
        /// Why.
        reason: String,
    },
    /// The lane is to be opened again behind what is done: it needs events that it no longer has.
    Reopen,
}

/// A lane, opened for a source.
#[async_trait]
pub trait EventLane: Send + fmt::Debug {
    /// Remembers an event of those that are done with.
    fn remember(&mut self, event: SourceEvent<'_>);

    /// Whether it can be handed an event before something is sent.
    fn has_room(&self) -> bool;

    /// Takes the next event.
    fn take(&mut self, event: SourceEvent<'_>);

    /// Notes that it was handed everything that was read up to `read_to`.
    fn pass(&mut self, read_to: Timestamp);

    /// Sends something of what is to be sent.
    async fn send(&mut self) -> EventOutcome;

    /// How many events were left out because the target could do nothing with them.
    fn left_out(&self) -> u64;

    /// What does not go well although events are taken.
    fn trouble(&self) -> Option<String>;

    /// What else people should know of it.
    fn remark(&self) -> Option<String>;
}
