//! What is written together.

use pegboard_model::{
    AgentId, AgentNow, Class, ContactEvent, ContactId, ContactLeg, Millis, Observation, PartitionId,
    Position, Segment, SourceName, Text, Timestamp,
};

use crate::{ArchiveWrite, ClosedUntil, EventsWrite, QueueName, RowsOf};

/// What is kept of the payload of a dead letter, in bytes.
pub const PAYLOAD_BYTES: usize = 64 << 10;

/// What one step of one partition writes, all or nothing.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The source.
    pub source: SourceName,
    /// The partition.
    pub partition: PartitionId,
    /// The epoch under which the writer owns the partition.
    pub epoch: u64,
    /// The position that the partition must stand at; nothing if it has none yet.
    pub expected: Option<Position>,
    /// The position that it stands at afterwards; nothing leaves it as it is.
    pub position: Option<Position>,
    /// Up to when the partition is complete, if that is known; it never goes back.
    pub watermark: Option<Timestamp>,
    /// How far the reader is behind the newest record, if it knows.
    pub behind: Option<Millis>,
    /// Whether the partition has ended: there will be no more records.
    pub finished: bool,
    /// What was read.
    pub counts: Counts,
    /// Agents whose stored state changes.
    pub agents: Vec<AgentWrite>,
    /// Evidence to keep. A second copy (same agent, instant and id) changes nothing.
    pub evidence: Vec<Observation>,
    /// Changes of timelines.
    pub segments: Vec<SegmentsWrite>,
    /// Contacts, with the instant they are pegged to; an older version than the stored one changes nothing.
    pub contacts: Vec<(ContactLeg, Option<Timestamp>)>,
    /// Events that contacts are put together from, each contact once.
    pub contact_events: Vec<ContactEventsWrite>,
    /// Where timelines changed. What begins before the announced closing is kept for the closer as a mark, merged with
    /// that of the same agent. Contacts are marked without being named here: where they were pegged, and where they are
    /// now.
    pub dirty: Vec<DirtyMark>,
    /// New entries of the state feed, in order.
    pub states: Vec<AgentNow>,
    /// Records that could not be used.
    pub dead_letters: Vec<DeadLetterWrite>,
    /// Stretches of the stream that were lost.
    pub gaps: Vec<GapWrite>,
    /// Rows that the ACD computed itself.
    pub acd_rows: Vec<AcdRowWrite>,
    /// What queues were called, and when: the spans of names grow by it.
    pub queue_names: Vec<QueueName>,
    /// Events as they came, where a sink passes them on.
    pub events: Option<EventsWrite>,
    /// What was read, for the archive, where there is one.
    pub archive: Option<ArchiveWrite>,
}

/// How many records of each kind a batch read; added to the totals of the partition.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// All records.
    pub records: u64,
    /// Events of agents that were new.
    pub events: u64,
    /// Versions of contacts.
    pub contacts: u64,
    /// Events that had been seen before.
    pub duplicates: u64,
    /// Records of something else.
    pub foreign: u64,
    /// Records that went to the dead letters.
    pub failed: u64,
}

/// The stored state of one agent, after the batch.
#[derive(Debug, Clone)]
pub struct AgentWrite {
    /// Which agent.
    pub agent: AgentId,
    /// The engine's track, as JSON.
    pub track: String,
    /// The present state, for readers.
    pub now: AgentNow,
    /// The instant of the last evidence.
    pub heard: Timestamp,
    /// Where the timeline begins, and what stands before it; nothing while it has not begun.
    pub begins: Option<(Timestamp, Class)>,
    /// The stored version that this was derived from; 0 for an agent that is not stored. The batch fails with
    /// [`AgentMoved`](crate::StoreError::AgentMoved) if another one is stored; it is one more afterwards.
    pub version: u64,
}

/// New events of one contact, from which its legs were put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactEventsWrite {
    /// Which contact.
    pub contact: ContactId,
    /// How many events of it were kept when its legs were put together. The batch fails with
    /// [`ContactsMoved`](crate::StoreError::ContactsMoved) if there are more or fewer: the legs would lack what others have
    /// told meanwhile.
    pub known: u64,
    /// The new ones. A second copy (same id) changes nothing.
    pub events: Vec<ContactEvent>,
}

/// A change of one agent's timeline: what starts at or after `from`, and before `until` where there is one, is replaced by
/// `segments`.
#[derive(Debug, Clone)]
pub struct SegmentsWrite {
    /// Which agent.
    pub agent: AgentId,
    /// Segments that start here or later are removed; an earlier one that reaches beyond is cut here.
    pub from: Timestamp,
    /// Segments that start here or later stay; nothing: there are none to stay. What is written must not reach into them.
    pub until: Option<Timestamp>,
    /// What stands in their place; the last may be open.
    pub segments: Vec<Segment>,
    /// Whether a mark that stands exactly at `from` stays.
    pub keep_mark: bool,
}

/// Something that changed within `[from, to)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirtyMark {
    /// The agent; nothing where contacts changed.
    pub agent: Option<AgentId>,
    /// The first instant that changed.
    pub from: Timestamp,
    /// The first instant after.
    pub to: Timestamp,
}

impl DirtyMark {
    /// The rows that have to be looked at again.
    pub fn rows(&self) -> RowsOf {
        if self.agent.is_some() { RowsOf::Agents } else { RowsOf::Contacts }
    }

    /// A mark of contacts that were or are pegged to `at`.
    pub fn of_contacts_at(at: Timestamp) -> Self {
        Self { agent: None, from: at, to: at + Millis::new(1) }
    }
}

/// A record that could not be used.
#[derive(Debug, Clone)]
pub struct DeadLetterWrite {
    /// Where it stood.
    pub position: Position,
    /// Why, naming the field.
    pub reason: Text,
    /// The record, as it came (cut by the caller if it is too long).
    pub payload: Vec<u8>,
    /// When it was read.
    pub at: Timestamp,
}

impl DeadLetterWrite {
    /// What is kept of the record: its first 64 KiB.
    pub(crate) fn kept(&self) -> &[u8] {
        &self.payload[..self.payload.len().min(PAYLOAD_BYTES)]
    }
}

/// A stretch of a stream that was lost.
#[derive(Debug, Clone)]
pub struct GapWrite {
    /// Why.
    pub reason: Text,
    /// The last time before the gap, if known.
    pub from: Option<Timestamp>,
    /// The first time after it, if known.
    pub to: Option<Timestamp>,
    /// When it was noticed.
    pub at: Timestamp,
}

/// A row that the ACD computed itself. It stands under its report, the start of its interval and its key; where the same
/// content stands already, no revision is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcdRowWrite {
    /// The report under whose columns it stands.
    pub report: Text,
    /// The start of the interval.
    pub interval_start: Timestamp,
    /// The key within report and interval: what it is grouped by, joined by U+001F.
    pub key: String,
    /// The values, as a JSON object.
    pub body: String,
    /// What told it: the name of a file.
    pub file: Text,
    /// As of when it was told. What was told as of an earlier instant than what stands changes nothing.
    pub told: Timestamp,
    /// Why a revision after the first is written: `late`, `recapture`, `reload`. The first says `first`.
    pub reason: Text,
}

/// What a committed batch came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Committed {
    /// The number of the last entry of the source's state feed.
    pub last_state: u64,
}

/// The rows of closed intervals of one source, all or nothing.
#[derive(Debug, Clone)]
pub struct Close {
    /// The source.
    pub source: SourceName,
    /// The epoch under which the writer closes this source.
    pub epoch: u64,
    /// Up to when intervals are closed afterwards; it never goes back, and where nothing is said it stays as it is.
    pub closed_until: ClosedUntil,
    /// The rows. The embedded store writes nothing else meanwhile: give it parts of some ten thousand.
    pub rows: Vec<RowWrite>,
    /// Keys of rows that must no longer exist, as (report, start of interval, key).
    pub gone: Vec<(Text, Timestamp, String)>,
    /// The marks that this answers; a mark that grew meanwhile stays.
    pub answered: Vec<DirtyMark>,
    /// When.
    pub at: Timestamp,
}

/// One row of a closed interval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowWrite {
    /// The report.
    pub report: Text,
    /// The start of the interval.
    pub interval_start: Timestamp,
    /// The key within report and interval: its key columns, joined by U+001F.
    pub key: String,
    /// The columns, as a JSON object.
    pub body: String,
    /// Why it is written: `first`, `late`, `recapture`, `reload`, `mapping`.
    pub reason: Text,
}

/// What a closing came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Closed {
    /// Rows written for the first time.
    pub first: u64,
    /// Rows written as a new revision.
    pub revised: u64,
    /// Rows that stood already as they are.
    pub unchanged: u64,
}

impl std::ops::AddAssign for Closed {
    /// Adds up parts of one closing.
    fn add_assign(&mut self, other: Self) {
        self.first += other.first;
        self.revised += other.revised;
        self.unchanged += other.unchanged;
    }
}
