//! The lane of records that an ACD hands in, as a source.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use pegboard_model::{PartitionId, Position};

use super::decode::PushDecoder;
use super::reader::LaneReader;
use crate::sources::file::Clock;
use crate::spec::{Carries, Decode, Inlet, Opening, PartitionReader, Plan, Progress, Source, SourceError};

/// The kind, as the configuration names it.
pub const KIND: &str = "push";

/// The one lane of a source.
pub const LANE: &str = "push";

/// Records that an ACD hands in.
#[derive(Clone)]
pub struct PushSource {
    inlet: Arc<dyn Inlet>,
    clock: Clock,
    has_heartbeat: bool,
}

impl std::fmt::Debug for PushSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PushSource").field("has_heartbeat", &self.has_heartbeat).finish_non_exhaustive()
    }
}

impl PushSource {
    /// Reads what is handed in. `has_heartbeat` where the ACD confirms the state of everybody who is signed in now and then.
    pub fn new(inlet: Arc<dyn Inlet>, clock: Clock, has_heartbeat: bool) -> Self {
        Self { inlet, clock, has_heartbeat }
    }
}

#[async_trait]
impl Source for PushSource {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn has_heartbeat(&self) -> bool {
        self.has_heartbeat
    }

    async fn probe(&self) -> Result<String, SourceError> {
        self.inlet.after(u64::MAX >> 1, 1).await?;
        Ok("records are handed in over HTTP: there is nothing to reach".to_owned())
    }

    async fn plan(&self, known: &BTreeMap<PartitionId, Progress>) -> Result<Plan, SourceError> {
        let lane = PartitionId::from(LANE);
        let (from, watermark) = match known.get(&lane) {
            Some(Progress::Started { position, watermark }) => (position.clone(), *watermark),
            Some(Progress::Finished) | None => (self.oldest(&lane), None),
        };
        let opening = Opening { partition: lane, from, watermark, parents: Vec::new() };
        Ok(Plan { open: vec![opening], ..Plan::default() })
    }

    fn oldest(&self, _partition: &PartitionId) -> Position {
        Position::Number(0)
    }

    fn carries(&self, _partition: &PartitionId) -> Carries {
        Carries { rows: true, ..Carries::EVENTS }
    }

    fn open(&self, opening: &Opening) -> Result<Box<dyn PartitionReader>, SourceError> {
        let Position::Number(read) = opening.from else {
            let message = format!("{}: {} is no number of a record", opening.partition, opening.from);
            return Err(SourceError::permanent(message));
        };
        let (inlet, clock) = (self.inlet.clone(), self.clock.clone());
        Ok(Box::new(LaneReader::new(inlet, clock, opening.partition.clone(), read)))
    }

    fn decoder(&self) -> Box<dyn Decode> {
        Box::new(PushDecoder::default())
    }
}
