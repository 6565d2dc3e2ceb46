//! The lane of records that an ACD hands in, as a source.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use pegboard_model::acd::Telling;
use pegboard_model::{Order, PartitionId, Position, Text};

use super::decode::{Handed, PushDecoder};
use crate::sources::file::Clock;
use crate::sources::handed::{HandedLane, OLDEST};
use crate::spec::{
    Broken, Carries, Chunk, Decode, HandedRecord, Inlet, Opening, PartitionReader, Plan, Progress, Record,
    Source, SourceError,
};

/// The kind, as the configuration names it.
pub const KIND: &str = "push";

/// The one lane of a source.
pub const LANE: &str = "push";

/// Records that an ACD hands in.
#[derive(Debug, Clone)]
pub struct PushSource {
    lane: HandedLane,
    has_heartbeat: bool,
}

impl PushSource {
    /// Reads what is handed in. `has_heartbeat` where the ACD confirms the state of everybody who is signed in now and then.
    pub fn new(inlet: Arc<dyn Inlet>, clock: Clock, has_heartbeat: bool) -> Self {
        Self { lane: HandedLane { name: LANE, inlet, clock, sort }, has_heartbeat }
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
        self.lane.probe().await
    }

    async fn plan(&self, known: &BTreeMap<PartitionId, Progress>) -> Result<Plan, SourceError> {
        Ok(self.lane.plan(known))
    }

    fn oldest(&self, _partition: &PartitionId) -> Position {
        OLDEST
    }

    fn carries(&self, _partition: &PartitionId) -> Carries {
        Carries { rows: true, ..Carries::EVENTS }
    }

    fn open(&self, opening: &Opening) -> Result<Box<dyn PartitionReader>, SourceError> {
        self.lane.open(opening)
    }

    fn decoder(&self) -> Box<dyn Decode> {
        Box::new(PushDecoder::default())
    }
}

/// A row is no record: it leaves the lane here, and everything else is decoded.
fn sort(partition: &PartitionId, HandedRecord { number, body, .. }: HandedRecord, chunk: &mut Chunk) {
    let position = Position::Number(number);
    if !PushDecoder::is_row(&body) {
        chunk.records.push(Record { position, data: body });
        return;
    }
    let order = Order { partition: partition.clone(), position: position.clone() };
    match PushDecoder::read(&body, order) {
        Ok(Handed::Row(mut row)) => {
            row.telling = Telling { file: told_by(partition, number), ..row.telling };
            chunk.rows.push(row);
        }
        Ok(Handed::Record(_)) => chunk.records.push(Record { position, data: body }),
        Err(error) => chunk.broken.push(Broken { position, data: body, reason: error.to_string() }),
    }
}

/// By what a row was told.
fn told_by(partition: &PartitionId, number: u64) -> Text {
    format!("{partition} {number}").into()
}
