//! A Kinesis data stream, for every platform that writes to one: a partition is a shard.

mod listing;
mod polled;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use pegboard_aws as aws;
use pegboard_model::{Millis, PartitionId, Position, Timestamp};
use tokio::sync::OnceCell;

use self::listing::{Listing, SharedListing, lock, partition_of, stored_position};
use self::polled::PolledShards;
use crate::spec::{
    Chunk, Ending, GivenAgain, Lost, Opening, PartitionReader, Plan, Progress, Record, SourceError,
};

/// A stream of records.
///
/// Partitions are named `STREAM-ARN@CREATED/SHARD`: a stream that was deleted and made again under its old name is
/// another one.
#[derive(Debug)]
pub struct KinesisStream {
    config: aws::KinesisConfig,
    environment: aws::Environment,
    start: aws::Position,
    stream: OnceCell<aws::Stream>,
    listing: SharedListing,
    polled: Arc<PolledShards>,
}

impl KinesisStream {
    /// The stream of `config`, from `start` where nothing is remembered. Asks nobody yet.
    pub fn new(config: aws::KinesisConfig, environment: aws::Environment, start: aws::Position) -> Self {
        let polled = Arc::new(PolledShards::telling(environment.observer.clone()));
        let environment = aws::Environment { observer: polled.clone(), ..environment };
        Self { config, environment, start, stream: OnceCell::new(), listing: Arc::default(), polled }
    }

    /// The stream, connected when first asked for.
    async fn stream(&self) -> Result<&aws::Stream, SourceError> {
        let connect = || aws::Stream::connect(self.config.clone(), self.environment.clone());
        self.stream.get_or_try_init(connect).await.map_err(|error| source_error(&error))
    }

    /// The stream's ARN, with which the names of its partitions begin.
    pub(super) async fn arn(&self) -> Result<String, SourceError> {
        let described = self.stream().await?.describe().await;
        described.map(|described| described.arn).map_err(|error| source_error(&error))
    }

    /// Where a partition without a memory starts. "Now" is a time, so that it is the same after a restart.
    fn start(&self) -> aws::Position {
        match &self.start {
            aws::Position::Latest => aws::Position::AtTimestamp((self.environment.clock)()),
            start => start.clone(),
        }
    }

    /// What the stream is like.
    pub(super) async fn probe(&self) -> Result<String, SourceError> {
        let stream = self.stream().await?;
        let described = stream.describe().await.map_err(|error| source_error(&error))?;
        let shards = stream.shards().await.map_err(|error| source_error(&error))?;
        let open = shards.iter().filter(|shard| !shard.closed).count();
        let mut found = format!(
            "stream {} is {}, with {open} open shards and {} hours of retention",
            described.arn, described.status, described.retention_hours
        );
        if let Some(consumer) = stream.consumer_state().await.map_err(|error| source_error(&error))? {
            found = format!("{found}; its consumer for enhanced fan-out {}", of_consumer(consumer));
        }
        Ok(found)
    }

    /// Which of its shards may be read now. What else is `known` is of a stream that is no more.
    pub(super) async fn plan(&self, known: &BTreeMap<PartitionId, Progress>) -> Result<Plan, SourceError> {
        let stream = self.stream().await?;
        // Asked anew each time: the stream may have been deleted and made again.
        let described = stream.describe().await.map_err(|error| source_error(&error))?;
        let listed = stream.shards().await.map_err(|error| source_error(&error))?;
        let identity = format!("{}@{}", described.arn, described.created_ms);
        lock(&self.listing).plan(&identity, &listed, known, &self.start())
    }

    /// Where the oldest record of a shard stands.
    pub(super) fn oldest() -> Position {
        Position::Sequence(aws::Position::TrimHorizon.to_string().into())
    }

    /// Reads a shard of the last plan.
    pub(super) fn open(&self, opening: &Opening) -> Result<Box<dyn PartitionReader>, SourceError> {
        let listing = lock(&self.listing);
        let planned = self.stream.get().zip(listing.shards.get(&opening.partition));
        let Some((stream, shard)) = planned else {
            let message = format!("{} is not in the last listing of the stream", opening.partition);
            return Err(SourceError::passing(message));
        };
        let mut reader = stream.open(shard, stored_position(&opening.from)?);
        if let Some(watermark) = opening.watermark {
            reader = reader.read_until(watermark.as_millis());
        }
        Ok(Box::new(ShardPartition {
            reader,
            listing: self.listing.clone(),
            partition: opening.partition.clone(),
            position: opening.from.clone(),
            watermark: opening.watermark,
        }))
    }

    /// What the stream still keeps of what arrived from `from` on. It is polled, whatever the source does: who has a consumer
    /// subscribed to a shard cannot do so twice. Nobody is told of these reads, which are no part of how far the source is.
    pub(super) async fn given_again(&self, from: Timestamp) -> Result<GivenAgain, SourceError> {
        let config = aws::KinesisConfig { read: aws::ReadMode::Polling, ..self.config.clone() };
        let observer = Arc::new(aws::Counters::default());
        let environment = aws::Environment { observer, ..self.environment.clone() };
        let stream = aws::Stream::connect(config, environment).await.map_err(|error| source_error(&error))?;
        let described = stream.describe().await.map_err(|error| source_error(&error))?;
        let listed = stream.shards().await.map_err(|error| source_error(&error))?;
        let now = Timestamp::from_millis((self.environment.clock)());
        let kept = now - Millis::from_hours(described.retention_hours.into());
        let reaches = kept.max(Timestamp::from_millis(described.created_ms));
        let start = aws::Position::AtTimestamp(from.max(reaches).as_millis());
        let identity = format!("{}@{}", described.arn, described.created_ms);
        let listing = Arc::new(Mutex::new(Listing::of(&identity, &listed)));
        let reader = |shard: &aws::Shard| {
            let partition = partition_of(&identity, &shard.id);
            let shard = ShardPartition {
                reader: stream.open(shard, start.clone()),
                listing: listing.clone(),
                partition: partition.clone(),
                position: Position::Sequence(start.to_string().into()),
                watermark: None,
            };
            (partition, Ending::at(now, Box::new(shard)))
        };
        Ok(GivenAgain {
            name: format!("stream {}", described.arn),
            reaches: Some(reaches),
            readers: listed.iter().map(reader).collect(),
        })
    }

    /// What is done instead of what was asked for, and why.
    pub(super) fn fallback(&self) -> Option<String> {
        self.polled.told()
    }
}

/// What becomes of the consumer.
fn of_consumer(state: aws::ConsumerState) -> &'static str {
    match state {
        aws::ConsumerState::Active => "is active",
        aws::ConsumerState::Changing => "is being made or deleted",
        aws::ConsumerState::ToBeRegistered => "will be registered",
    }
}

/// A shard being read.
#[derive(Debug)]
struct ShardPartition {
    reader: aws::ShardReader,
    listing: SharedListing,
    partition: PartitionId,
    position: Position,
    watermark: Option<Timestamp>,
}

impl ShardPartition {
    /// The end of a shard that the stream no longer has. The plan says so too, and whichever is remembered first ends
    /// the partition.
    fn gone(&self) -> Chunk {
        let reason = "the stream no longer has this shard".into();
        let gap = Some(Lost { from: self.watermark, to: None, reason });
        Chunk { ended: true, gap, ..Chunk::at(self.position.clone()) }
    }
}

#[async_trait]
impl PartitionReader for ShardPartition {
    async fn next(&mut self) -> Result<Chunk, SourceError> {
        let closed = lock(&self.listing).shards.get(&self.partition).map(|shard| shard.closed);
        match closed {
            None => return Ok(self.gone()),
            Some(true) => self.reader.mark_closed(),
            Some(false) => {}
        }
        let batch = self.reader.next().await.map_err(|error| source_error(&error))?;
        let watermark = Timestamp::from_millis(batch.read_until_ms());
        self.position = Position::Sequence(batch.position.to_string().into());
        self.watermark = Some(watermark);
        let records = batch.records.into_iter().map(|record| Record {
            position: Position::Sequence(record.sequence.to_string().into()),
            data: record.data,
        });
        Ok(Chunk {
            records: records.collect(),
            watermark: Some(watermark),
            behind: Some(Millis::new(batch.millis_behind_latest)),
            ended: batch.end.is_some(),
            gap: batch.gap.map(|gap| Lost {
                from: Some(Timestamp::from_millis(gap.from_ms)),
                to: Some(Timestamp::from_millis(gap.to_ms)),
                reason: "older than the retention of the stream when it was read".into(),
            }),
            ..Chunk::at(self.position.clone())
        })
    }
}

fn source_error(error: &aws::KinesisError) -> SourceError {
    SourceError {
        needs_action: !error.kind().is_transient(),
        position_expired: error.kind() == aws::ErrorKind::PositionExpired,
        message: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_record_of_a_shard_is_at_its_trim_horizon() {
        assert_eq!(stored_position(&KinesisStream::oldest()), Ok(aws::Position::TrimHorizon));
    }
}
