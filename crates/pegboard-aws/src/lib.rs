//! Reads Amazon Kinesis Data Streams, shard by shard, and decides nothing about what is read.
//!
//! The program drives: it lists the shards, asks [`plan`] which of them may be read and from where,
//! opens a [`ShardReader`] for each and takes a [`Batch`] after the other. This crate owns no task and
//! no store. It is the only one that sees the AWS SDK.
//!
//! Beside that it asks for objects of S3 and messages of SQS, and writes objects, messages and rows of DynamoDB.
//!
//! What it takes care of: the pace that a shared shard allows, subscriptions of enhanced fan-out, expired iterators, throttling and outages
//! with back-off, parents before children, the end of shards, and what retention removed.
//!
//! ```no_run
//! use std::collections::BTreeMap;
//! use std::sync::Arc;
//!
//! use pegboard_aws::{Counters, Environment, KinesisConfig, Position, Progress, Stream, plan};
//!
//! # async fn read(now_ms: fn() -> i64) -> Result<(), Box<dyn std::error::Error>> {
//! let config = KinesisConfig::new("connect-agent-events".parse()?);
//! let counters = Arc::new(Counters::default());
//! let environment =
//!     Environment { clock: Arc::new(now_ms), seed: 7, observer: counters.clone() };
//! let stream = Stream::connect(config, environment).await?;
//!
//! // Positions are named by the ARN and the creation time; `known` is what the store has for them.
//! let _identity = stream.describe().await?;
//! let mut known = BTreeMap::new();
//! loop {
//!     let plan = plan(&stream.shards().await?, &known, &Position::TrimHorizon);
//!     for opening in plan.open {
//!         // A real program reads the shards side by side, and lists again every minute.
//!         let mut reader = stream.open(&opening.shard, opening.from);
//!         let batch = reader.next().await?;
//!         // In one transaction: the records, and where to go on.
//!         let progress = match batch.end {
//!             Some(_) => Progress::Finished,
//!             None => Progress::Started(batch.position.clone()),
//!         };
//!         known.insert(opening.shard.id, progress);
//!     }
//! }
//! # }
//! ```

mod access;
mod backoff;
mod batch;
mod call_error;
mod client;
mod config;
mod connect;
mod consumer;
mod cursor;
mod encoded;
mod error;
mod fault;
mod fifo;
mod function;
mod objects;
mod observe;
mod on_demand;
mod position;
mod queue;
mod reader;
mod sequence;
mod shards;
mod signed;
mod stream;
mod subscription;
mod table;

pub use backoff::Backoff;
pub use batch::{Batch, EndOfShard, Ending, Record};
pub use call_error::CallError;
pub use config::{
    ConfigFault, Credentials, FanOut, InvalidStreamRef, KinesisConfig, LEAST_POLL_INTERVAL, MAX_RECORDS,
    ReadMode, SecretText, StreamRef,
};
pub use connect::{
    AskedMetric, ConnectClient, ConnectConfig, ConnectError, ConnectPage, ConnectRequest, MOST_FILTERED,
    MOST_SERVICE_LEVELS, MetricDataQuery, MetricPeriod, MetricScope, Pace,
};
pub use consumer::ConsumerState;
pub use encoded::decoded;
pub use error::{ErrorKind, KinesisError, Operation};
pub use fifo::{FifoMessage, FifoQueue, FifoQueueRef, InvalidFifoQueueRef, MOST_BATCH_BYTES, Sent};
pub use function::{Function, FunctionConfig, FunctionName, InvalidFunctionName};
pub use objects::{Bucket, BucketConfig, Fetched, Kept, Listed, ObjectPage, OnlyIf, Piece};
pub use observe::{Counters, Counts, Event, Observer};
pub use on_demand::BucketOnDemand;
pub use position::{Gap, InvalidPosition, Position};
pub use queue::{
    InvalidQueueRef, LONGEST_POLL, MOST_MESSAGES, Message, Queue, QueueConfig, QueueRef, QueueState,
};
pub use reader::ShardReader;
pub use sequence::{InvalidSequenceNumber, SequenceNumber, ShardId};
pub use shards::{Opening, Plan, Progress, Shard, Waiting, plan};
pub use stream::{Clock, Environment, Stream, StreamDescription};
pub use table::{ScanPage, Table, TableConfig, Written};
