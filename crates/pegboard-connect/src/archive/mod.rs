//! The archive: everything that was taken from a source, as it came but for attributes that are not to be kept.
//!
//! What a partition brought in one step is a [`Step`]. A file of the archive holds the steps of one partition and one
//! hour, in order, each a Zstandard frame of its own: files can be put together and cut between frames, and `zstd -d`
//! shows them. Unpacked, a frame is a sequence of JSON values: a head, then the records.
//!
//! ```json
//! {"pegboard_archive":1,"partition":"...","parents":[],"read":"2026-05-04T09:15:02Z","from":"41","position":"57",
//!  "watermark":"2026-05-04T09:15:01Z","ended":false,"records":2}
//! {"position":"48","json":{"AgentARN":"..."}}
//! {"position":"57","base64":"AAECAw==","broken":"not JSON"}
//! ```
//!
//! Rows that the ACD computed itself stand there as they were understood.
//!
//! Files are in a folder or in a bucket. [`ArchiveSource`] reads those of a source as that source.

mod attributes;
mod bucket;
mod error;
mod file_name;
mod pack;
mod place;
mod rewrite;
mod source;
mod unpack;

#[cfg(test)]
mod tests;

pub use self::attributes::Attributes;
pub use self::bucket::{ArchiveBucket, BucketError, OBJECT_BYTES, Stored};
pub use self::error::ArchiveError;
pub use self::file_name::FileName;
pub use self::pack::pack;
pub use self::place::{Archive, ArchivePlace};
pub use self::rewrite::{learn_from_frame, rewrite_frame};
pub use self::source::{ArchiveDecoder, ArchiveSource, Exhausted};
pub use self::unpack::{MAX_STEP_BYTES, Steps};

use pegboard_model::{PartitionId, Position, Timestamp};

use crate::spec::Chunk;

/// The version of the format.
const VERSION: u32 = 1;

/// What one step of a partition brought.
#[derive(Debug, Clone)]
pub struct Step {
    /// The partition.
    pub partition: PartitionId,
    /// The partitions that had to end before it could start.
    pub parents: Vec<PartitionId>,
    /// When it was read.
    pub read: Timestamp,
    /// Where the partition stood before.
    pub from: Position,
    /// What came.
    pub chunk: Chunk,
}

impl Step {
    /// Whether there is anything in it that cannot be had again by asking for what comes after.
    pub fn is_worth_keeping(from: &Position, chunk: &Chunk) -> bool {
        let Chunk { records, broken, rows, position, ended, gap, foreign, .. } = chunk;
        !records.is_empty()
            || !broken.is_empty()
            || !rows.is_empty()
            || *ended
            || gap.is_some()
            || *foreign > 0
            || position != from
    }
}
