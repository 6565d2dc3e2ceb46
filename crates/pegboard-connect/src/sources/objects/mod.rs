//! Objects of a bucket as an input: everything below a prefix is one partition, a *lane*.
//!
//! What is new is found in two ways. Messages on a queue tell of objects as they are written; a message is deleted once what it told of is
//! committed, and stays hidden from others meanwhile. A listing at the start, and again now and then, finds what no message told of;
//! without a queue it finds everything. An object that is found twice is read once, or twice without harm: contacts have versions.
//!
//! Its position is an instant of the bucket's clock up to which everything that was written is read, and the place within an object that
//! was read in part. Its watermark is the last instant at which nothing was left to be read, less the time for which whoever writes
//! the objects holds records back.
//!
//! Files are read as a whole, and only those that are wanted by their keys.
//!
//! What cannot be unpacked or read is a dead letter, and done with. What is gone before it was read is a recorded gap. What
//! cannot be fetched is never given up: the lane waits where the bucket as a whole fails; an object that may not be read is told,
//! left to its message, and sought by every listing, and the position and the watermark wait for it.

mod content;
mod file;
mod finding;
mod input;
mod lane;
mod messages;
pub mod notification;
mod position;
mod reader;

use std::sync::Arc;
use std::time::Duration;

use pegboard_aws::{BucketConfig, QueueConfig};
use pegboard_model::{Millis, Position, Timestamp};

pub use self::file::{FileFault, ReadFile};
pub use self::input::ObjectInput;

/// What the objects of a lane hold.
#[derive(Debug, Clone)]
pub enum Content {
    /// Contact records, one after the other, packed or not.
    ContactRecords,
    /// Reports of the ACD, each a file.
    Reports(Arc<dyn ReadFile>),
}

impl Content {
    /// What partitions with such content are named after.
    const fn name(&self) -> &'static str {
        match self {
            Self::ContactRecords => "contact-records",
            Self::Reports(_) => "reports",
        }
    }

    /// The same, for whoever reads it aside.
    fn aside(&self) -> Self {
        match self {
            Self::ContactRecords => Self::ContactRecords,
            Self::Reports(files) => Self::Reports(Arc::new(file::Aside(files.clone()))),
        }
    }

    /// Whether an object can be such content, by its key.
    fn is_wanted(&self, key: &str) -> bool {
        !key.ends_with('/')
            && match self {
                Self::ContactRecords => true,
                Self::Reports(files) => files.is_wanted(key),
            }
    }
}

/// A lane of objects.
#[derive(Debug, Clone)]
pub struct LaneConfig {
    /// What the objects hold.
    pub content: Content,
    /// The bucket.
    pub bucket: BucketConfig,
    /// What the keys begin with.
    pub prefix: String,
    /// The queue that tells of new objects; nobody else may receive from it.
    pub queue: Option<QueueConfig>,
    /// How often the bucket is listed.
    pub list_every: Duration,
    /// From when on objects are read where nothing is remembered; without it, from the oldest on.
    pub start: Option<Timestamp>,
    /// For how long whoever writes the objects may hold a record back: the watermark stays so far behind.
    pub held_back: Millis,
    /// For how long a message is hidden from others when it is received, and again while its objects are read.
    pub hidden_for: Duration,
}

impl LaneConfig {
    /// A lane with every setting at its default.
    pub fn new(
        content: Content,
        bucket: BucketConfig,
        prefix: impl Into<String>,
        queue: Option<QueueConfig>,
    ) -> Self {
        Self {
            content,
            bucket,
            prefix: prefix.into(),
            queue,
            list_every: Duration::from_mins(5),
            start: None,
            held_back: Millis::from_minutes(5),
            hidden_for: Duration::from_mins(5),
        }
    }
}

/// A place within an object, as people find it: its key, and what its content counts its places by.
fn place(key: &str, within: &Position) -> Position {
    Position::Sequence(format!("{key}#{within}").into())
}
