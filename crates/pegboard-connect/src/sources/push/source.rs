//! The lane of records that an ACD hands in, as a source.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use pegboard_model::acd::Telling;
use pegboard_model::{Order, PartitionId, Position, Text};

use super::decode::{Handed, PushDecoder};
use super::dropped::{Dropped, DroppedPosition, DroppedReader, FOLDER_LANE};
use crate::sources::file::Clock;
use crate::sources::handed::{self, HandedLane, OLDEST};
use crate::spec::{
    Broken, Carries, Chunk, Decode, HandedRecord, Inlet, Opening, PartitionReader, Plan, Progress, Record,
    Source, SourceError,
};

/// The kind, as the configuration names it.
pub const KIND: &str = "push";

/// The lane of what is handed in over HTTP.
pub const LANE: &str = "push";

/// Records that an ACD hands in.
#[derive(Debug, Clone)]
pub struct PushSource {
    lane: HandedLane,
    folder: Option<Arc<Dropped>>,
    has_heartbeat: bool,
}

impl PushSource {
    /// Reads what is handed in. `has_heartbeat` where the ACD confirms the state of everybody who is signed in now and then.
    pub fn new(inlet: Arc<dyn Inlet>, clock: Clock, has_heartbeat: bool) -> Self {
        Self { lane: HandedLane { name: LANE, inlet, clock, sort }, folder: None, has_heartbeat }
    }

    /// The same, which also reads the files that are dropped in a folder.
    #[must_use]
    pub fn with_folder(mut self, path: PathBuf) -> Self {
        self.folder = Some(Arc::new(Dropped::new(path)));
        self
    }

    fn open_folder(&self, opening: &Opening) -> Result<Box<dyn PartitionReader>, SourceError> {
        let from = match &opening.from {
            Position::Number(_) => DroppedPosition::default(),
            Position::Sequence(text) => text
                .parse()
                .map_err(|error| SourceError::permanent(format!("{}: {error}", opening.partition)))?,
        };
        Ok(Box::new(DroppedReader::new(self.folder.clone(), self.lane.clock.clone(), from)))
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
        let lane = self.lane.probe().await?;
        Ok(match &self.folder {
            Some(folder) => format!("{lane}; {}", folder.probe().await?),
            None => lane,
        })
    }

    async fn plan(&self, known: &BTreeMap<PartitionId, Progress>) -> Result<Plan, SourceError> {
        let mut plan = self.lane.plan(known);
        // One that is not configured any more goes on as an empty one: it is complete, and holds nothing back.
        let lane = PartitionId::from(FOLDER_LANE);
        if self.folder.is_some() || known.contains_key(&lane) {
            plan.open.push(handed::opening(lane, known));
        }
        Ok(plan)
    }

    fn oldest(&self, _partition: &PartitionId) -> Position {
        OLDEST
    }

    fn carries(&self, _partition: &PartitionId) -> Carries {
        Carries { rows: true, ..Carries::EVENTS }
    }

    fn open(&self, opening: &Opening) -> Result<Box<dyn PartitionReader>, SourceError> {
        match opening.partition.as_str() {
            FOLDER_LANE => self.open_folder(opening),
            _ => self.lane.open(opening),
        }
    }

    fn decoder(&self) -> Box<dyn Decode> {
        Box::new(PushDecoder::default())
    }
}

/// A row is no record: it leaves the lane here, and everything else is decoded when it is taken. What came over NATS was judged by
/// nobody yet, and one who publishes nonsense there does not stop the others.
fn sort(partition: &PartitionId, HandedRecord { number, body, .. }: HandedRecord, chunk: &mut Chunk) {
    chunk.is_judged = true;
    let position = Position::Number(number);
    if !PushDecoder::is_row(&body) {
        chunk.records.push(Record { position, data: body });
        return;
    }
    let order = Order { partition: partition.clone(), position: position.clone() };
    match PushDecoder::read(&body, order) {
        Ok(Handed::Record(_)) => chunk.records.push(Record { position, data: body }),
        Ok(Handed::Row(mut row)) => {
            row.telling = Telling { file: told_by(partition, number), ..row.telling };
            chunk.rows.push(row);
        }
        Err(error) => chunk.broken.push(Broken { position, data: body, reason: error.to_string() }),
    }
}

/// By what a row was told.
fn told_by(partition: &PartitionId, number: u64) -> Text {
    format!("{partition} {number}").into()
}
