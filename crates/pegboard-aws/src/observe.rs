//! What a reader tells while it works, so that the program can show lag and errors as they happen.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::error::KinesisError;
use crate::sequence::ShardId;

/// Something that happened inside a call. Calls that succeed in the end are not silent on the way.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// A request failed for a passing reason and is made again.
    Retry {
        /// What would have been returned.
        error: &'a KinesisError,
        /// Failures in a row so far.
        failures: u32,
        /// How long until the next try.
        wait: Duration,
    },
    /// The iterator of a shard was no longer accepted and is asked for again from the last position.
    IteratorRenewed {
        /// The shard.
        shard: &'a ShardId,
    },
    /// A subscription of enhanced fan-out was begun, or renewed before its end.
    Subscribed {
        /// The shard.
        shard: &'a ShardId,
    },
    /// Enhanced fan-out cannot be had: the shard is polled instead.
    PolledInstead {
        /// The shard.
        shard: &'a ShardId,
        /// Why, and what to do.
        error: &'a KinesisError,
    },
    /// A read succeeded, perhaps with nothing to read.
    Read {
        /// The shard.
        shard: &'a ShardId,
        /// How many records came.
        records: usize,
        /// The size of their data.
        bytes: usize,
        /// How far the reader is behind the tip of the shard, in milliseconds.
        millis_behind_latest: i64,
    },
}

/// Who is told. Called from within reads: it must not block.
pub trait Observer: fmt::Debug + Send + Sync {
    /// Takes note of an event.
    fn notice(&self, event: &Event<'_>);
}

/// An [`Observer`] that counts.
#[derive(Debug, Default)]
pub struct Counters {
    reads: AtomicU64,
    records: AtomicU64,
    bytes: AtomicU64,
    throttled: AtomicU64,
    unreachable: AtomicU64,
    iterators_renewed: AtomicU64,
    subscriptions: AtomicU64,
    polled_instead: AtomicU64,
}

/// The counts of [`Counters`] since its making.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Reads that succeeded.
    pub reads: u64,
    /// Records handed out.
    pub records: u64,
    /// The size of their data in bytes.
    pub bytes: u64,
    /// Requests made again because an allowance was used up.
    pub throttled: u64,
    /// Requests made again because there was no answer, or a server error.
    pub unreachable: u64,
    /// Iterators that were no longer accepted.
    pub iterators_renewed: u64,
    /// Subscriptions begun or renewed.
    pub subscriptions: u64,
    /// Shards that are polled because enhanced fan-out cannot be had.
    pub polled_instead: u64,
}

impl Counters {
    /// The counts now. They are read one after another: sums over them may be off by what happens
    /// meanwhile.
    pub fn counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            reads: read(&self.reads),
            records: read(&self.records),
            bytes: read(&self.bytes),
            throttled: read(&self.throttled),
            unreachable: read(&self.unreachable),
            iterators_renewed: read(&self.iterators_renewed),
            subscriptions: read(&self.subscriptions),
            polled_instead: read(&self.polled_instead),
        }
    }
}

impl Observer for Counters {
    fn notice(&self, event: &Event<'_>) {
        let add = |counter: &AtomicU64, n: usize| counter.fetch_add(n as u64, Ordering::Relaxed);
        match event {
            Event::Retry { error, .. } if error.kind() == crate::ErrorKind::Throttled => {
                add(&self.throttled, 1);
            }
            Event::Retry { .. } => {
                add(&self.unreachable, 1);
            }
            Event::IteratorRenewed { .. } => {
                add(&self.iterators_renewed, 1);
            }
            Event::Subscribed { .. } => {
                add(&self.subscriptions, 1);
            }
            Event::PolledInstead { .. } => {
                add(&self.polled_instead, 1);
            }
            Event::Read { records, bytes, .. } => {
                add(&self.reads, 1);
                add(&self.records, *records);
                add(&self.bytes, *bytes);
            }
        }
    }
}
