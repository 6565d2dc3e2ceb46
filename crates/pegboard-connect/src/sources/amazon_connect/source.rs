//! Amazon Connect through a Kinesis data stream: a partition is a shard.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use pegboard_aws as aws;
use pegboard_model::{Millis, Order, PartitionId, Position, Timestamp};
use tokio::sync::OnceCell;

use super::polled::PolledShards;
use super::{ConnectSnapshots, Decoder};
use crate::sources::DecodeError;
use crate::spec::{
    Chunk, Decode, Decoded, Lost, Opening, PartitionReader, Plan, Progress, Record, Snapshots, Source,
    SourceError,
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
    snapshots: Option<ConnectSnapshots>,
    stream: OnceCell<aws::Stream>,
    listing: SharedListing,
    polled: Arc<PolledShards>,
}

impl KinesisSource {
    /// A source that reads the stream of `config`, from `start` where nothing is remembered.
    pub fn new(config: aws::KinesisConfig, environment: aws::Environment, start: aws::Position) -> Self {
        let polled = Arc::new(PolledShards::telling(environment.observer.clone()));
        let environment = aws::Environment { observer: polled.clone(), ..environment };
        let (stream, listing) = (OnceCell::new(), Arc::default());
        Self { config, environment, start, snapshots: None, stream, listing, polled }
    }

    /// The same, whose instance can also be asked who is signed in.
    #[must_use]
    pub fn with_snapshots(self, snapshots: ConnectSnapshots) -> Self {
        Self { snapshots: Some(snapshots), ..self }
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
}

/// What becomes of the consumer.
fn of_consumer(state: aws::ConsumerState) -> &'static str {
    match state {
        aws::ConsumerState::Active => "is active",
        aws::ConsumerState::Changing => "is being made or deleted",
        aws::ConsumerState::ToBeRegistered => "will be registered",
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
        if let Some(snapshots) = &self.snapshots {
            found = format!("{found}; {}", snapshots.probe().await?);
        }
        Ok(found)
    }

    async fn plan(&self, known: &BTreeMap<PartitionId, Progress>) -> Result<Plan, SourceError> {
        let stream = self.stream().await?;
        // Asked anew each time: the stream may have been deleted and made again.
        let described = stream.describe().await.map_err(|error| source_error(&error))?;
        let listed = stream.shards().await.map_err(|error| source_error(&error))?;
        let identity = format!("{}@{}", described.arn, described.created_ms);
        lock(&self.listing).plan(&identity, &listed, known, &self.start())
    }

    fn oldest(&self, _partition: &PartitionId) -> Position {
        Position::Sequence(aws::Position::TrimHorizon.to_string().into())
    }

    fn open(&self, opening: &Opening) -> Result<Box<dyn PartitionReader>, SourceError> {
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

    fn decoder(&self) -> Box<dyn Decode> {
        Box::new(Decoder::new())
    }

    fn fallback(&self) -> Option<String> {
        self.polled.told()
    }

    fn snapshots(&self) -> Option<&dyn Snapshots> {
        self.snapshots.as_ref().map(|snapshots| snapshots as &dyn Snapshots)
    }
}

impl Decode for Decoder {
    fn decode(&mut self, bytes: &[u8], order: Order) -> Result<Decoded, DecodeError> {
        Self::decode(self, bytes, order)
    }
}

type SharedListing = Arc<Mutex<Listing>>;

fn lock(listing: &SharedListing) -> MutexGuard<'_, Listing> {
    listing.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the last listing of the stream gave.
#[derive(Debug, Default)]
struct Listing {
    shards: BTreeMap<PartitionId, aws::Shard>,
    /// Where partitions start that are not remembered yet. Openings are remembered one by one, and the first one makes
    /// late-comers of the others, which are read whole; so every plan names the start that the first one named.
    starts: BTreeMap<PartitionId, Position>,
}

impl Listing {
    /// Decides over the stream `identity`, of which `listed` are all shards.
    fn plan(
        &mut self,
        identity: &str,
        listed: &[aws::Shard],
        known: &BTreeMap<PartitionId, Progress>,
        start: &aws::Position,
    ) -> Result<Plan, SourceError> {
        let name = |shard: &aws::ShardId| PartitionId::from(format!("{identity}/{shard}"));
        let mut remembered = BTreeMap::new();
        // What was not read of another stream, or of this one before it was made again, is not to be had any more.
        let mut lost = Vec::new();
        for (partition, progress) in known {
            let shard = partition.as_str().strip_prefix(identity).and_then(|rest| rest.strip_prefix('/'));
            let progress = match (progress, shard) {
                (Progress::Finished, _) => aws::Progress::Finished,
                (Progress::Started { .. }, None) => {
                    lost.push(partition.clone());
                    continue;
                }
                (Progress::Started { position, .. }, Some(_)) => {
                    aws::Progress::Started(stored_position(position)?)
                }
            };
            remembered.extend(shard.map(|shard| (aws::ShardId::new(shard), progress)));
        }
        let plan = aws::plan(listed, &remembered, start);
        self.shards = listed.iter().map(|shard| (name(&shard.id), shard.clone())).collect();
        self.starts
            .retain(|partition, _| self.shards.contains_key(partition) && !known.contains_key(partition));
        let open = plan.open.iter().map(|opening| {
            let partition = name(&opening.shard.id);
            let planned = Position::Sequence(opening.from.to_string().into());
            let (from, watermark) = match known.get(&partition) {
                Some(Progress::Started { watermark, .. }) => (planned, *watermark),
                _ => (self.starts.entry(partition.clone()).or_insert(planned).clone(), None),
            };
            let parents = opening.shard.parents.iter().map(name).collect();
            Opening { partition, from, watermark, parents }
        });
        let open = open.collect();
        lost.extend(plan.lost.iter().map(name));
        Ok(Plan { open, waiting: plan.waiting.iter().map(|waiting| name(&waiting.shard)).collect(), lost })
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

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:kinesis:eu-central-1:1:stream/agents@1";
    const NOW: aws::Position = aws::Position::AtTimestamp(1_800_000_000_000);

    fn shard(id: &str) -> aws::Shard {
        aws::Shard {
            id: aws::ShardId::new(id),
            parents: Vec::new(),
            closed: false,
            starting_sequence: "1".parse().unwrap(),
        }
    }

    fn started(from: &Position) -> Progress {
        Progress::Started { position: from.clone(), watermark: None }
    }

    fn froms(plan: &Plan) -> Vec<(&str, String)> {
        plan.open.iter().map(|opening| (opening.partition.as_str(), opening.from.to_string())).collect()
    }

    #[test]
    fn the_oldest_record_of_a_shard_is_at_its_trim_horizon() {
        let config = aws::KinesisConfig::new("agents".parse().unwrap());
        let observer = Arc::new(aws::Counters::default());
        let environment = aws::Environment { clock: Arc::new(|| 0), seed: 0, observer };
        let source = KinesisSource::new(config, environment, NOW);
        let oldest = source.oldest(&format!("{ARN}/s0").into());
        assert_eq!(stored_position(&oldest), Ok(aws::Position::TrimHorizon));
    }

    #[test]
    fn what_was_not_read_of_another_stream_is_lost() {
        let oldest = Position::Sequence("TRIM_HORIZON".into());
        let other = |created: &str| PartitionId::from(format!("{}{created}/s0", ARN.trim_end_matches('1')));
        let known = BTreeMap::from([
            (other("0"), started(&oldest)),
            (other("11"), started(&oldest)),
            (other("2"), Progress::Finished),
        ]);
        let plan = Listing::default().plan(ARN, &[shard("s0")], &known, &NOW).unwrap();
        assert_eq!(plan.lost, [other("0"), other("11")]);
        let name = format!("{ARN}/s0");
        assert_eq!(froms(&plan), [(name.as_str(), NOW.to_string())], "to this stream it is the first start");
    }

    #[test]
    fn a_start_that_was_named_once_is_named_until_it_is_remembered() {
        let mut listing = Listing::default();
        let listed = [shard("s0"), shard("s1")];
        let first = listing.plan(ARN, &listed, &BTreeMap::new(), &NOW).unwrap();
        let known = BTreeMap::from([(first.open[0].partition.clone(), started(&first.open[0].from))]);
        let later = aws::Position::AtTimestamp(1_800_000_060_000);
        assert_eq!(listing.plan(ARN, &listed, &known, &later).unwrap(), first);

        let listed = [shard("s0"), shard("s1"), shard("s2")];
        let third = listing.plan(ARN, &listed, &known, &later).unwrap();
        assert_eq!(third.open[2].from.to_string(), "TRIM_HORIZON", "that one is new indeed");
    }

    #[test]
    fn a_stream_made_again_is_another_one() {
        let mut listing = Listing::default();
        let first = listing.plan(ARN, &[shard("s0")], &BTreeMap::new(), &NOW).unwrap();
        let known = BTreeMap::from([(first.open[0].partition.clone(), started(&first.open[0].from))]);
        let again = listing.plan("arn@2", &[shard("s0")], &known, &NOW).unwrap();
        assert_eq!(again.lost, [first.open[0].partition.clone()]);
        assert_eq!(again.open[0].partition.as_str(), "arn@2/s0");
        assert!(!listing.shards.contains_key(&first.open[0].partition), "its reader sees that it is gone");
    }
}
