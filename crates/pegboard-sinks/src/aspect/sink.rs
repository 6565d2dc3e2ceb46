//! The AWS side of Aspect WFM's Quick Start as a target: two lanes of events, and nothing else.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use pegboard_aws::Clock;

use super::productivity_lane::{ProductivityConfig, ProductivityLane, ProductivityTarget};
use super::queue::BadQueueCount;
use super::rta_lane::RtaLane;
use super::rta_target::{RtaConfig, RtaTarget};
use crate::{
    Begins, Document, Encoder, EventLane, EventLaneKind, EventSource, Outcome, Sink, SinkReport, StatesLane,
};

/// Objects on S3. The Quick Start reads its stream from now on.
const PRODUCTIVITY: EventLaneKind = EventLaneKind { name: "productivity", begins: Begins::Newest };

/// Rows and messages. The Quick Start reads all that the stream has, so that the table is soon complete.
const RTA: EventLaneKind = EventLaneKind { name: "rta", begins: Begins::Oldest };

/// Agent productivity, real-time adherence, or both.
pub struct AspectSink {
    lanes: Vec<EventLaneKind>,
    productivity: Option<Arc<ProductivityTarget>>,
    rta: Option<Arc<RtaTarget>>,
}

impl AspectSink {
    /// Asks nobody yet. `clock` gives milliseconds since 1970 UTC; jitter starts from `seed`.
    pub fn new(
        productivity: Option<ProductivityConfig>,
        rta: Option<RtaConfig>,
        clock: &Clock,
        seed: u64,
    ) -> Result<Self, BadQueueCount> {
        let productivity =
            productivity.map(|config| Arc::new(ProductivityTarget::new(config, clock.clone(), seed)));
        let rta = rta.map(|config| RtaTarget::new(config, clock.clone(), seed).map(Arc::new)).transpose()?;
        let lanes = [productivity.as_ref().map(|_| PRODUCTIVITY), rta.as_ref().map(|_| RTA)];
        Ok(Self { lanes: lanes.into_iter().flatten().collect(), productivity, rta })
    }
}

impl fmt::Debug for AspectSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AspectSink").field("lanes", &self.lanes).finish_non_exhaustive()
    }
}

#[async_trait]
impl Sink for AspectSink {
    fn kind(&self) -> &'static str {
        "aspect"
    }

    fn states(&self) -> Option<StatesLane> {
        None
    }

    fn reports(&self) -> &[SinkReport] {
        &[]
    }

    fn event_lanes(&self) -> &[EventLaneKind] {
        &self.lanes
    }

    fn open_events(&self, lane: &EventLaneKind, source: EventSource<'_>) -> Option<Box<dyn EventLane>> {
        match lane.name {
            name if name == PRODUCTIVITY.name => {
                let target = self.productivity.clone()?;
                Some(Box::new(ProductivityLane::open(target, source)))
            }
            name if name == RTA.name => Some(Box::new(RtaLane::open(self.rta.clone()?, source))),
            _ => None,
        }
    }

    async fn send(&self, encoder: &'static Encoder, _document: &Document, _key: &str) -> Outcome {
        Outcome::Refused { reason: format!("Aspect WFM takes events as they came, and no {}", encoder.name) }
    }

    async fn probe(&self) -> Result<String, String> {
        let Some(rta) = &self.rta else {
            let bucket = self.productivity.as_ref().map(|target| target.config.bucket.bucket.as_str());
            return Ok(format!(
                "the bucket {} is only written to: whether it may be shows with the first object",
                bucket.unwrap_or_default()
            ));
        };
        let connected = rta.connected().await.map_err(|error| error.to_string())?;
        connected.probe().await.map_err(|error| error.to_string())?;
        let flag = connected.switch.look().await.map_err(|error| error.to_string())?;
        Ok(format!("the table can be written, and the queues are switched {}", flag.as_str()))
    }
}
