//! What one read of a shard gives.

use crate::position::{Gap, Position};
use crate::sequence::{SequenceNumber, ShardId};

/// A record as it lies in the shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its place in the shard.
    pub sequence: SequenceNumber,
    /// About when it arrived in the stream, in milliseconds since 1970 UTC: not exact, and not
    /// guaranteed to grow (`ApproximateArrivalTimestamp` in the API reference).
    pub arrived_ms: Option<i64>,
    /// What the producer wrote.
    pub data: Vec<u8>,
}

/// The outcome of one read: records in shard order, possibly none, and how complete the reading is.
///
/// Commit the records, [`position`](Self::position) and [`end`](Self::end) together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The records, in the order of their sequence numbers.
    pub records: Vec<Record>,
    /// How far behind the tip of the shard the last record is, in milliseconds; 0 at the tip.
    pub millis_behind_latest: i64,
    /// When the read was asked for, by the injected clock, in milliseconds since 1970 UTC. By enhanced fan-out, a time
    /// before which it was not sent.
    pub read_at_ms: i64,
    /// Where to go on after this batch. Never [`Position::Latest`]: while nothing has been read since
    /// opening there, it is a time shortly before, so that a restart skips nothing.
    pub position: Position,
    /// What retention removed before it was read; on the first batch after it was noticed, once.
    pub gap: Option<Gap>,
    /// That the shard is finished: no record will ever follow.
    pub end: Option<EndOfShard>,
}

impl Batch {
    /// The time up to which the shard has been read, by the injected clock, in milliseconds since 1970
    /// UTC: the watermark, which moves on idle shards too.
    pub fn read_until_ms(&self) -> i64 {
        self.read_at_ms - self.millis_behind_latest
    }
}

/// The end of a closed shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndOfShard {
    /// How it was noticed.
    pub ending: Ending,
    /// The shards that carry on, as far as the answer named them (Kinesis does, the emulators do not).
    /// List the shards again whatever it says.
    pub children: Vec<ShardId>,
}

/// How the end of a shard was noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ending {
    /// The answer carried no further iterator, as Kinesis documents it.
    Reported,
    /// The shard is listed as closed and three reads in a row found nothing, with the reader at its tip,
    /// but the server went on handing out iterators. moto does so for ever.
    Drained,
}
