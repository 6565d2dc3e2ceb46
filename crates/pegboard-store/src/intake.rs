//! What others hand to the hub: records that are acknowledged when they are durable, and read afterwards like those of any
//! stream.
//!
//! Records stand in lanes, one partition of a source each, numbered from 1 without a gap. Whoever hands something in may name a
//! key: the same key again, within a day, is answered as the first time and keeps nothing. What was read is let go of; the
//! facts that came of it are kept elsewhere.

use async_trait::async_trait;
use pegboard_model::{Millis, PartitionId, SourceName, Text, Timestamp};

use crate::Result;

/// For how long a key is known.
pub const KEYS_KEPT: Millis = Millis::from_hours(24);

/// Records that were handed in together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandIn {
    /// The source.
    pub source: SourceName,
    /// The lane.
    pub lane: PartitionId,
    /// What the sender calls it, if it may be sent again.
    pub key: Option<Text>,
    /// When it came.
    pub at: Timestamp,
    /// The records, in order.
    pub records: Vec<Vec<u8>>,
    /// What the sender is answered, now and whenever the key comes again.
    pub answer: String,
}

/// What became of records that were handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HandedIn {
    /// They are durable.
    Kept,
    /// Something with this key was handed in before, and this is what was answered.
    Before {
        /// The answer.
        answer: String,
    },
    /// Nothing was kept: too much waits to be read.
    Full,
}

/// A record that was handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandedRecord {
    /// Its number in its lane.
    pub number: u64,
    /// When it came.
    pub at: Timestamp,
    /// The record.
    pub body: Vec<u8>,
}

/// What a lane holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LaneEnds {
    /// The number of the newest record; 0 while there was none.
    pub last: u64,
    /// Up to which records were let go of.
    pub gone: u64,
}

/// What is handed to the hub.
#[async_trait]
pub trait Intake {
    /// Keeps records, all or none of them; durable when it answers. With `most` records waiting in the lane, or more, nothing is
    /// kept.
    async fn hand_in(&self, records: HandIn, most: u64) -> Result<HandedIn>;

    /// The records of a lane after number `after`, in order, at most `limit`.
    async fn handed_in(
        &self,
        source: &SourceName,
        lane: &PartitionId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<HandedRecord>>;

    /// Lets go of the records of a lane up to and with number `until`.
    async fn let_go(&self, source: &SourceName, lane: &PartitionId, until: u64) -> Result<()>;

    /// What a lane holds.
    async fn lane_ends(&self, source: &SourceName, lane: &PartitionId) -> Result<LaneEnds>;
}
