//! Agent productivity, live: objects go to a bucket of S3, one after the other.

use std::collections::VecDeque;
use std::sync::Arc;

use async_trait::async_trait;
use pegboard_aws::{Bucket, BucketConfig, CallError, Clock};
use pegboard_engine::StatusTable;
use pegboard_model::Timestamp;
use tokio::sync::OnceCell;

use super::columns::Columns;
use super::object::{DeliveryStream, Object};
use super::productivity::Productivity;
use super::state_type::StateTypes;
use crate::{EventLane, EventOutcome, EventSource, SourceEvent};

/// Where objects go, and what stands in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductivityConfig {
    /// The bucket.
    pub bucket: BucketConfig,
    /// What objects are called there.
    pub stream: DeliveryStream,
    /// How many columns a line has.
    pub columns: Columns,
    /// Names of statuses that count as signed out.
    pub signed_out: Vec<String>,
}

/// The bucket, connected when it is first needed.
pub(super) struct ProductivityTarget {
    pub(super) config: ProductivityConfig,
    clock: Clock,
    seed: u64,
    bucket: OnceCell<Bucket>,
}

impl ProductivityTarget {
    pub(super) fn new(config: ProductivityConfig, clock: Clock, seed: u64) -> Self {
        Self { config, clock, seed, bucket: OnceCell::new() }
    }

    async fn put(&self, object: &Object) -> Result<(), CallError> {
        let connect = || Bucket::connect(self.config.bucket.clone(), self.clock.clone(), self.seed);
        let bucket = self.bucket.get_or_try_init(connect).await?;
        bucket.put(&object.key, "text/csv; charset=utf-8", &object.body).await
    }

    fn states(&self, statuses: &StatusTable) -> StateTypes {
        StateTypes::new(statuses.clone(), self.config.signed_out.iter().map(String::as_str))
    }
}

/// The objects of one source.
pub(super) struct ProductivityLane {
    target: Arc<ProductivityTarget>,
    productivity: Productivity,
    /// What is to be written. Nothing more is taken before that.
    finished: VecDeque<Object>,
    unusable: u64,
}

impl ProductivityLane {
    pub(super) fn open(target: Arc<ProductivityTarget>, source: EventSource<'_>) -> Self {
        let ProductivityConfig { stream, columns, .. } = &target.config;
        let (stream, states) = (stream.of_source(source.name), target.states(source.statuses));
        let productivity = Productivity::new(stream, *columns, states, source.done + 1);
        Self { target, productivity, finished: VecDeque::new(), unusable: 0 }
    }
}

impl std::fmt::Debug for ProductivityLane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProductivityLane").field("finished", &self.finished.len()).finish_non_exhaustive()
    }
}

#[async_trait]
impl EventLane for ProductivityLane {
    fn remember(&mut self, event: SourceEvent<'_>) {
        self.productivity.remember(event.data);
    }

    fn has_room(&self) -> bool {
        self.finished.is_empty()
    }

    fn take(&mut self, event: SourceEvent<'_>) {
        let mut finished = Vec::new();
        let taken = self.productivity.take(event.number, event.at, event.data, &mut finished);
        self.unusable += u64::from(taken.is_err());
        self.finished.extend(finished);
    }

    fn pass(&mut self, read_to: Timestamp) {
        let mut finished = Vec::new();
        self.productivity.pass(read_to, &mut finished);
        self.finished.extend(finished);
    }

    async fn send(&mut self) -> EventOutcome {
        let Some(object) = self.finished.front() else { return EventOutcome::Nothing };
        if let Err(error) = self.target.put(object).await {
            return EventOutcome::Again { reason: error.to_string() };
        }
        let done = object.next - 1;
        self.finished.pop_front();
        EventOutcome::Done { done, refused: Vec::new() }
    }

    fn left_out(&self) -> u64 {
        self.unusable + self.productivity.counts().without_user
    }

    fn trouble(&self) -> Option<String> {
        None
    }

    fn remark(&self) -> Option<String> {
        None
    }
}
