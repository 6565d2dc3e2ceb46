//! Amazon Connect through a Kinesis data stream.

use std::collections::BTreeMap;

use async_trait::async_trait;
use pegboard_model::{Order, PartitionId, Position, Timestamp};

use super::{ConnectSnapshots, Decoder};
use crate::sources::DecodeError;
use crate::sources::kinesis::KinesisStream;
use crate::spec::{
    Decode, Decoded, GivenAgain, Opening, PartitionReader, Plan, Progress, Snapshots, Source, SourceError,
};

/// The kind, as the configuration names it.
pub const KIND: &str = "amazon-connect";

/// Agent events and contact records on a Kinesis data stream.
#[derive(Debug)]
pub struct KinesisSource {
    stream: KinesisStream,
    snapshots: Option<ConnectSnapshots>,
}

impl KinesisSource {
    /// A source that reads this stream.
    pub const fn new(stream: KinesisStream) -> Self {
        Self { stream, snapshots: None }
    }

    /// The same, whose instance can also be asked who is signed in.
    #[must_use]
    pub fn with_snapshots(self, snapshots: ConnectSnapshots) -> Self {
        Self { snapshots: Some(snapshots), ..self }
    }

    /// The stream's ARN, with which the names of its partitions begin.
    pub(super) async fn arn(&self) -> Result<String, SourceError> {
        self.stream.arn().await
    }

    /// What the stream still keeps of what arrived from `from` on.
    pub(super) async fn given_again(&self, from: Timestamp) -> Result<GivenAgain, SourceError> {
        self.stream.given_again(from).await
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
        let found = self.stream.probe().await?;
        match &self.snapshots {
            Some(snapshots) => Ok(format!("{found}; {}", snapshots.probe().await?)),
            None => Ok(found),
        }
    }

    async fn plan(&self, known: &BTreeMap<PartitionId, Progress>) -> Result<Plan, SourceError> {
        self.stream.plan(known).await
    }

    fn oldest(&self, _partition: &PartitionId) -> Position {
        KinesisStream::oldest()
    }

    fn open(&self, opening: &Opening) -> Result<Box<dyn PartitionReader>, SourceError> {
        self.stream.open(opening)
    }

    fn can_give_again(&self) -> bool {
        true
    }

    async fn give_again(&self, from: Timestamp, _to: Timestamp) -> Result<Vec<GivenAgain>, SourceError> {
        Ok(vec![self.given_again(from).await?])
    }

    fn decoder(&self) -> Box<dyn Decode> {
        Box::new(Decoder::new())
    }

    fn fallback(&self) -> Option<String> {
        self.stream.fallback()
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
