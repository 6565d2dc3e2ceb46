//! What is kept for the archive until it is written there.

use pegboard_model::{PartitionId, Timestamp};

/// An hour, in milliseconds.
pub(crate) const HOUR: i64 = 3_600_000;

/// What one batch leaves for the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveWrite {
    /// When it was read.
    pub read: Timestamp,
    /// The step, packed.
    pub frame: Vec<u8>,
}

/// The steps of one partition that were read in one hour: a file of the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveFile {
    /// The partition.
    pub partition: PartitionId,
    /// The first instant of the hour, in UTC.
    pub hour: Timestamp,
    /// The number of the first step.
    pub first: u64,
    /// The number of the last.
    pub last: u64,
    /// How many there are. Numbers are those of all partitions together: between two of one there may be others.
    pub steps: u64,
}

/// How much waits for the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ArchiveBacklog {
    /// When the oldest of it was read; nothing where nothing waits.
    pub oldest: Option<Timestamp>,
    /// How many bytes all of it has, packed.
    pub bytes: u64,
}

/// A step that waits for the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveStep {
    /// Its number: steps of a partition have the order of their commits.
    pub number: u64,
    /// The step, packed.
    pub frame: Vec<u8>,
}
