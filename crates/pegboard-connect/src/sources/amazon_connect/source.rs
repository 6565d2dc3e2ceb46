//! Amazon Connect through a Kinesis data stream: a partition is a shard.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use pegboard_aws as aws;
use pegboard_model::{Millis, Order, PartitionId, Position, Timestamp};
use tokio::sync::OnceCell;

use super::{Decoded, Decoder};
use crate::sources::DecodeError;
use crate::spec::{
    Chunk, Decode, Lost, Opening, PartitionReader, Plan, Progress, Record, Source, SourceError,
};

/// The kind, as the configuration names it.
pub const KIND: &str = "amazon-connect";

/// Agent events and contact records on a Kinesis data stream.
///
/// Partitions are named `STREAM-ARN@CREATED/SHARD`: a stream that was deleted and made again under its old name is
/// another one.
#[derive(Debug)]
pub struct KinesisSource {
    config: aws::KinesisConfig,
    environment: aws::Environment,
    start: aws::Position,
    stream: OnceCell<(aws::Stream, String)>,
    shards: Arc<std::sync::Mutex<BTreeMap<PartitionId, aws::Shard>>>,
}

impl KinesisSource {
    /// A source that reads the stream of `config`, from `start` where nothing is remembered.
    pub fn new(config: aws::KinesisConfig, environment: aws::Environment, start: aws::Position) -> Self {
        Self { config, environment, start, stream: OnceCell::new(), shards: Arc::default() }
    }

    /// The stream, connected and named when first asked for.
    async fn stream(&self) -> Result<&(aws::Stream, String), SourceError> {
        let connect = || async {
            let stream = aws::Stream::connect(self.config.clone(), self.environment.clone()).await?;
            let described = stream.describe().await?;
            Ok((stream, format!("{}@{}", described.arn, described.created_ms)))
        };
        self.stream.get_or_try_init(connect).await.map_err(|error| source_error(&error))
    }

    /// Where a partition without a memory starts. "Now" is a time, so that it is the same after a restart.
    fn start(&self) -> aws::Position {
        match &self.start {
            aws::Position::Latest => aws::Position::AtTimestamp((self.environment.clock)()),
            start => start.clone(),
        }
    }
}

#[async_trait]
impl Source for KinesisSource {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn has_heartbeat(&self) -> bool {
        true
    }

    async fn probe(&self) -> Result<String, SourceError> {
        let (stream, _) = self.stream().await?;
        let described = stream.describe().await.map_err(|error| source_error(&error))?;
        let shards = stream.shards().await.map_err(|error| source_error(&error))?;
        let open = shards.iter().filter(|shard| !shard.closed).count();
        Ok(format!(
            "stream {} is {}, with {open} open shards and {} hours of retention",
            described.arn, described.status, described.retention_hours
        ))
    }

    async fn plan(&self, known: &BTreeMap<PartitionId, Progress>) -> Result<Plan, SourceError> {
        let (stream, identity) = self.stream().await?;
        let listed = stream.shards().await.map_err(|error| source_error(&error))?;
        let name = |shard: &aws::ShardId| PartitionId::from(format!("{identity}/{shard}"));
        let mut remembered = BTreeMap::new();
        for (partition, progress) in known {
            let Some(shard) = partition.as_str().strip_prefix(&format!("{identity}/")) else { continue };
            let progress = match progress {
                Progress::Finished => aws::Progress::Finished,
                Progress::Started { position, .. } => aws::Progress::Started(stored_position(position)?),
            };
            remembered.insert(aws::ShardId::new(shard), progress);
        }
        let plan = aws::plan(&listed, &remembered, &self.start());
        let mut shards = self.shards.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *shards = listed.iter().map(|shard| (name(&shard.id), shard.clone())).collect();
        let open = plan.open.iter().map(|opening| {
            let partition = name(&opening.shard.id);
            let watermark = match known.get(&partition) {
                Some(Progress::Started { watermark, .. }) => *watermark,
                _ => None,
            };
            let parents = opening.shard.parents.iter().map(name).collect();
            Opening {
                partition,
                from: Position::Sequence(opening.from.to_string().into()),
                watermark,
                parents,
            }
        });
        Ok(Plan {
            open: open.collect(),
            waiting: plan.waiting.iter().map(|waiting| name(&waiting.shard)).collect(),
            lost: plan.lost.iter().map(name).collect(),
        })
    }

    fn open(&self, opening: &Opening) -> Result<Box<dyn PartitionReader>, SourceError> {
        let shards = self.shards.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let planned = self.stream.get().zip(shards.get(&opening.partition));
        let Some(((stream, _), shard)) = planned else {
            let message = format!("{} is not in the last listing of the stream", opening.partition);
            return Err(SourceError::passing(message));
        };
        let mut reader = stream.open(shard, stored_position(&opening.from)?);
        if let Some(watermark) = opening.watermark {
            reader = reader.read_until(watermark.as_millis());
        }
        Ok(Box::new(ShardPartition {
            reader,
            shards: self.shards.clone(),
            partition: opening.partition.clone(),
        }))
    }

    fn decoder(&self) -> Box<dyn Decode> {
        Box::new(Decoder::new())
    }
}

impl Decode for Decoder {
    fn decode(&mut self, bytes: &[u8], order: Order) -> Result<Decoded, DecodeError> {
        Self::decode(self, bytes, order)
    }
}

/// A shard being read.
#[derive(Debug)]
struct ShardPartition {
    reader: aws::ShardReader,
    shards: Arc<std::sync::Mutex<BTreeMap<PartitionId, aws::Shard>>>,
    partition: PartitionId,
}

#[async_trait]
impl PartitionReader for ShardPartition {
    async fn next(&mut self) -> Result<Chunk, SourceError> {
        let closed = {
            let shards = self.shards.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            shards.get(&self.partition).is_some_and(|shard| shard.closed)
        };
        if closed {
            self.reader.mark_closed();
        }
        let batch = self.reader.next().await.map_err(|error| source_error(&error))?;
        let watermark = Timestamp::from_millis(batch.read_until_ms());
        let records = batch.records.into_iter().map(|record| Record {
            position: Position::Sequence(record.sequence.to_string().into()),
            data: record.data,
        });
        Ok(Chunk {
            records: records.collect(),
            position: Position::Sequence(batch.position.to_string().into()),
            watermark: Some(watermark),
            behind: Some(Millis::new(batch.millis_behind_latest)),
            ended: batch.end.is_some(),
            gap: batch.gap.map(|gap| Lost {
                from: Some(Timestamp::from_millis(gap.from_ms)),
                to: Some(Timestamp::from_millis(gap.to_ms)),
                reason: "older than the retention of the stream when it was read".into(),
            }),
            broken: Vec::new(),
        })
    }
}

fn stored_position(position: &Position) -> Result<aws::Position, SourceError> {
    position.to_string().parse().map_err(|error| SourceError::permanent(format!("stored position: {error}")))
}

fn source_error(error: &aws::KinesisError) -> SourceError {
    SourceError {
        needs_action: !error.kind().is_transient(),
        position_expired: error.kind() == aws::ErrorKind::PositionExpired,
        message: error.to_string(),
    }
}
