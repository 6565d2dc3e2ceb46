//! All inputs of one instance of Amazon Connect, as one source.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use pegboard_model::{Order, PartitionId, Position, Timestamp};

use super::metric_data::MetricInput;
use super::reports::MissingFile;
use super::{Decoder, KIND, KinesisSource, ReportFiles};
use crate::sources::DecodeError;
use crate::sources::objects::ObjectInput;
use crate::sources::probing::all_of;
use crate::spec::{
    Carries, Chunk, Decode, Decoded, GivenAgain, Opening, PartitionReader, Plan, Progress, Remark, Snapshots,
    Source, SourceError,
};

/// The inputs of one instance: streams, whose partitions are shards, and lanes of objects, each of which is a partition.
#[derive(Debug, Default)]
pub struct ConnectInputs {
    /// The stream of agent events first, on which contact records may be, too; then one of contact records alone.
    streams: Vec<Stream>,
    lanes: Vec<ObjectInput>,
    /// What one of the lanes reads.
    reports: Option<Arc<ReportFiles>>,
    metrics: Option<MetricInput>,
}

#[derive(Debug)]
struct Stream {
    source: KinesisSource,
    carries: Carries,
    /// How the names of its partitions begin, once it was planned.
    prefix: OnceLock<String>,
}

impl ConnectInputs {
    /// A source without an input, to be given some.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, with the stream of agent events.
    #[must_use]
    pub fn with_agent_events(mut self, source: KinesisSource) -> Self {
        self.streams.insert(0, Stream { source, carries: Carries::EVENTS, prefix: OnceLock::new() });
        self
    }

    /// The same, with a stream of contact records alone.
    #[must_use]
    pub fn with_contact_records(mut self, source: KinesisSource) -> Self {
        self.streams.push(Stream { source, carries: Carries::CONTACTS, prefix: OnceLock::new() });
        self
    }

    /// The same, with a lane of objects.
    #[must_use]
    pub fn with_lane(mut self, lane: ObjectInput) -> Self {
        self.lanes.push(lane);
        self
    }

    /// The same, with a lane of scheduled reports, which reads `files`.
    #[must_use]
    pub fn with_reports(mut self, files: Arc<ReportFiles>, lane: ObjectInput) -> Self {
        self.reports = Some(files);
        self.with_lane(lane)
    }

    /// The same, with statistics that are asked for.
    #[must_use]
    pub fn with_metrics(mut self, metrics: MetricInput) -> Self {
        self.metrics = Some(metrics);
        self
    }

    /// The statistics, if the partition is theirs.
    fn metrics(&self, partition: &PartitionId) -> Option<&MetricInput> {
        self.metrics.as_ref().filter(|metrics| metrics.partition() == partition)
    }

    fn lane(&self, partition: &PartitionId) -> Option<&ObjectInput> {
        self.lanes.iter().find(|lane| lane.partition() == partition)
    }

    /// The stream that a partition is of. An only stream also answers for those of another one that was read before.
    fn stream(&self, partition: &PartitionId) -> Option<&Stream> {
        match &self.streams[..] {
            [only] => Some(only),
            streams => streams.iter().find(|stream| stream.has(partition)),
        }
    }
}

impl Stream {
    fn has(&self, partition: &PartitionId) -> bool {
        self.prefix.get().is_some_and(|prefix| partition.as_str().starts_with(prefix))
    }

    async fn learn_prefix(&self) -> Result<(), SourceError> {
        if self.prefix.get().is_none() {
            let arn = self.source.arn().await?;
            self.prefix.get_or_init(|| format!("{arn}@"));
        }
        Ok(())
    }
}

#[async_trait]
impl Source for ConnectInputs {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn has_heartbeat(&self) -> bool {
        self.streams.iter().any(|stream| stream.carries.agents)
    }

    /// Every input is tried, and every failure told.
    async fn probe(&self) -> Result<String, SourceError> {
        let mut outcomes = Vec::new();
        for stream in &self.streams {
            outcomes.push(stream.source.probe().await);
        }
        for lane in &self.lanes {
            outcomes.push(lane.probe().await);
        }
        if let Some(metrics) = &self.metrics {
            outcomes.push(metrics.probe().await);
        }
        all_of(outcomes)
    }

    async fn plan(&self, known: &BTreeMap<PartitionId, Progress>) -> Result<Plan, SourceError> {
        let mut all = Plan::default();
        if self.streams.len() > 1 {
            for stream in &self.streams {
                stream.learn_prefix().await?;
            }
        }
        for stream in &self.streams {
            let is_its = |partition: &PartitionId| {
                self.lane(partition).is_none()
                    && self.metrics(partition).is_none()
                    && self.stream(partition).is_some_and(|of| std::ptr::eq(of, stream))
            };
            let its = known.iter().filter(|(partition, _)| is_its(partition));
            let its = its.map(|(partition, progress)| (partition.clone(), progress.clone())).collect();
            let Plan { open, waiting, lost } = stream.source.plan(&its).await?;
            all.open.extend(open);
            all.waiting.extend(waiting);
            all.lost.extend(lost);
        }
        all.open.extend(self.lanes.iter().map(|lane| lane.opening(known)));
        all.open.extend(self.metrics.iter().map(|metrics| metrics.opening(known)));
        Ok(all)
    }

    fn oldest(&self, partition: &PartitionId) -> Position {
        if self.metrics(partition).is_some() {
            return Position::Number(0);
        }
        match (self.lane(partition), self.streams.first()) {
            (None, Some(stream)) => stream.source.oldest(partition),
            (Some(lane), _) => lane.start(),
            (None, None) => Position::Number(0),
        }
    }

    fn carries(&self, partition: &PartitionId) -> Carries {
        if self.metrics(partition).is_some() {
            return Carries::ROWS;
        }
        let of_lane = self.lane(partition).map(ObjectInput::carries);
        of_lane.or_else(|| Some(self.stream(partition)?.carries)).unwrap_or(Carries::EVENTS)
    }

    fn open(&self, opening: &Opening) -> Result<Box<dyn PartitionReader>, SourceError> {
        if let Some(lane) = self.lane(&opening.partition) {
            return lane.open(opening);
        }
        if let Some(metrics) = self.metrics(&opening.partition) {
            return Ok(metrics.open(opening));
        }
        let stream = self.stream(&opening.partition);
        let unknown = || SourceError::passing(format!("{} is of no input of this source", opening.partition));
        stream.ok_or_else(unknown)?.source.open(opening)
    }

    async fn again(
        &self,
        partition: &PartitionId,
        position: &Position,
    ) -> Result<Option<Chunk>, SourceError> {
        match self.lane(partition) {
            Some(lane) => lane.again(position).await,
            None => Ok(None),
        }
    }

    fn capture_again(&self, from: Timestamp) {
        for lane in &self.lanes {
            lane.capture_again(from);
        }
    }

    fn is_capturing_again(&self) -> bool {
        self.lanes.iter().any(ObjectInput::is_capturing_again)
    }

    fn can_give_again(&self) -> bool {
        true
    }

    async fn give_again(&self, from: Timestamp, to: Timestamp) -> Result<Vec<GivenAgain>, SourceError> {
        let mut given = Vec::new();
        for stream in &self.streams {
            given.push(stream.source.given_again(from).await?);
        }
        given.extend(self.lanes.iter().map(|lane| lane.given_again(from)));
        given.extend(self.metrics.iter().map(|metrics| metrics.given_again(from, to)));
        Ok(given)
    }

    fn decoder(&self) -> Box<dyn Decode> {
        if self.lanes.is_empty() {
            return Box::new(Decoder::new());
        }
        let lanes = self.lanes.iter().map(|lane| lane.partition().clone()).collect();
        Box::new(InputDecoder { decoder: Decoder::new(), lanes })
    }

    fn fallback(&self) -> Option<String> {
        self.streams.iter().find_map(|stream| stream.source.fallback())
    }

    fn missing(&self, now: Timestamp) -> Vec<MissingFile> {
        self.reports.iter().flat_map(|files| files.missing(now)).collect()
    }

    fn remarks(&self) -> Vec<Remark> {
        self.reports.iter().flat_map(|files| files.remarks()).collect()
    }

    fn snapshots(&self) -> Option<&dyn Snapshots> {
        self.streams.iter().find_map(|stream| stream.source.snapshots())
    }
}

/// Decodes records of any input. An agent event among objects of contact records is something else: agents' reports do not
/// wait for that lane.
#[derive(Debug)]
struct InputDecoder {
    decoder: Decoder,
    lanes: Arc<[PartitionId]>,
}

impl Decode for InputDecoder {
    fn decode(&mut self, bytes: &[u8], order: Order) -> Result<Decoded, DecodeError> {
        let is_of_lane = self.lanes.contains(&order.partition);
        match self.decoder.decode(bytes, order)? {
            Decoded::Agent(_) if is_of_lane => Ok(Decoded::Foreign),
            decoded => Ok(decoded),
        }
    }
}

#[cfg(test)]
mod tests {
    use pegboard_aws as aws;

    use super::*;
    use crate::sources::kinesis::KinesisStream;
    use crate::sources::objects::{Content, LaneConfig};

    fn environment() -> aws::Environment {
        aws::Environment { clock: Arc::new(|| 0), seed: 0, observer: Arc::new(aws::Counters::default()) }
    }

    fn stream(name: &str) -> KinesisSource {
        let config = aws::KinesisConfig::new(name.parse().unwrap());
        KinesisSource::new(KinesisStream::new(config, environment(), aws::Position::TrimHorizon))
    }

    fn lane() -> ObjectInput {
        let bucket = aws::BucketConfig::new("records");
        ObjectInput::new(LaneConfig::new(Content::ContactRecords, bucket, "ctr/", None), environment())
    }

    #[tokio::test]
    async fn a_source_of_objects_alone_is_one_partition_that_carries_contacts() {
        let source = ConnectInputs::new().with_lane(lane());
        let plan = source.plan(&BTreeMap::new()).await.unwrap();
        let [opening] = &plan.open[..] else { panic!("{plan:?}") };
        assert_eq!(opening.partition.as_str(), "contact-records:s3://records/ctr/");
        assert_eq!(opening.from.to_string(), "0/0/0");
        assert_eq!(source.carries(&opening.partition), Carries::CONTACTS);
        assert!(!source.has_heartbeat() && source.open(opening).is_ok());
        let position = Position::Sequence("0/5/7".into());
        let started = Progress::Started { position: position.clone(), watermark: None };
        let known = BTreeMap::from([(opening.partition.clone(), started)]);
        assert_eq!(source.plan(&known).await.unwrap().open[0].from, position);
        assert_eq!(source.oldest(&opening.partition).to_string(), "0/0/0");
    }

    #[test]
    fn what_a_partition_carries_is_known_by_its_input() {
        let both =
            ConnectInputs::new().with_contact_records(stream("contacts")).with_agent_events(stream("agents"));
        for (input, arn) in both.streams.iter().zip(["arn:agents", "arn:contacts"]) {
            input.prefix.set(format!("{arn}@")).unwrap();
        }
        assert!(both.has_heartbeat());
        assert_eq!(both.carries(&"arn:agents@1/s0".into()), Carries::EVENTS);
        assert_eq!(both.carries(&"arn:contacts@1/s0".into()), Carries::CONTACTS);
        assert_eq!(both.carries(&"arn:gone@1/s0".into()), Carries::EVENTS);
    }

    #[test]
    fn an_agent_event_among_contact_records_is_foreign() {
        let source = ConnectInputs::new().with_lane(lane());
        let events = include_str!("fixtures/agent-events.ndjson");
        let event = events.lines().next().unwrap();
        let order = |partition: &str| Order { partition: partition.into(), position: Position::Number(0) };
        let mut decoder = source.decoder();
        let of_lane = decoder.decode(event.as_bytes(), order("contact-records:s3://records/ctr/"));
        assert_eq!(of_lane, Ok(Decoded::Foreign));
        let of_stream = decoder.decode(event.as_bytes(), order("arn:agents@1/s0"));
        assert!(matches!(of_stream, Ok(Decoded::Agent(_))));
    }
}
