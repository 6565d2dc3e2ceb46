//! Events of a source as they came, for sinks that pass them on.
//!
//! They are kept only of sources of which a sink asks for them, and commit with the batch that read them. Of a source they
//! have one sequence of numbers without gaps, in which each partition's events have the order in which they were read; what
//! is numbered later was read at no earlier time.

use async_trait::async_trait;
use pegboard_model::{PartitionId, Position, SinkName, SourceName, Text, Timestamp};

use crate::Result;

/// The most bytes of events that one page holds, unless its first event alone has more.
pub(crate) const MOST_PAGE_BYTES: i64 = 8 << 20;

/// The events that a batch read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventsWrite {
    /// When they were read.
    pub read: Timestamp,
    /// The events, in order.
    pub events: Vec<EventWrite>,
}

/// An event that a batch read.
#[derive(Clone, PartialEq, Eq)]
pub struct EventWrite {
    /// Where it stood.
    pub position: Position,
    /// The event, byte for byte.
    pub data: Vec<u8>,
}

/// An event as it came.
#[derive(Clone, PartialEq, Eq)]
pub struct RawEvent {
    /// Its number: of one source they follow each other without gaps, from 1.
    pub number: u64,
    /// When it was read, though never before the one before it.
    pub at: Timestamp,
    /// The partition it was read from.
    pub partition: PartitionId,
    /// Where it stood.
    pub position: Position,
    /// The event, byte for byte.
    pub data: Vec<u8>,
}

/// Some events of a source, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventPage {
    /// The events. If the first is not the one that was asked for, those before it are no longer kept.
    pub events: Vec<RawEvent>,
    /// The number of the last event of the source, kept or not; 0 before the first.
    pub head: u64,
}

/// How far a sink has taken the events of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventMark {
    /// The lane, as the sink names it.
    pub lane: Text,
    /// The source.
    pub source: SourceName,
    /// The number of the last event that is done with.
    pub done: u64,
}

/// Without what they say of a person.
impl std::fmt::Debug for EventWrite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { position, data } = self;
        f.debug_struct("EventWrite").field("position", position).field("bytes", &data.len()).finish()
    }
}

/// Without what they say of a person.
impl std::fmt::Debug for RawEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { number, at, partition, position, data } = self;
        f.debug_struct("RawEvent")
            .field("number", number)
            .field("at", at)
            .field("partition", partition)
            .field("position", position)
            .field("bytes", &data.len())
            .finish()
    }
}

/// What those ask of a database who pass events on as they came.
#[async_trait]
pub trait Events: Send + Sync {
    /// The events of a source behind number `after`, as far as they are kept: at most `limit`, and 8 MiB together, though
    /// always one.
    async fn raw_events(&self, source: &SourceName, after: u64, limit: usize) -> Result<EventPage>;

    /// How far a sink has taken events. It is written by [`Deliveries::note_deliveries`](crate::Deliveries::note_deliveries).
    async fn event_marks(&self, sink: &SinkName) -> Result<Vec<EventMark>>;
}
