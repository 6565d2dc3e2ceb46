//! The lane into which records are handed, and being read. For every source that is told instead of asking.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pegboard_model::{Millis, PartitionId, Position, Timestamp};
use tokio::time::{Instant, timeout_at};

use super::file::Clock;
use crate::spec::{Chunk, HandedRecord, Inlet, Opening, PartitionReader, Plan, Progress, SourceError};

/// How many records are read at once.
const MOST: usize = 1000;

/// How often the watermark moves on while nothing comes.
const IDLE: Duration = Duration::from_secs(1);

/// After how many chunks in a row what was read is let go of, even if there is no end to what comes.
const LET_GO_EVERY: u32 = 16;

/// Puts a record where it belongs in a chunk: what it is decides.
pub(super) type Sort = fn(&PartitionId, HandedRecord, &mut Chunk);

/// The one lane of a source.
#[derive(Clone)]
pub(super) struct HandedLane {
    pub(super) name: &'static str,
    pub(super) inlet: Arc<dyn Inlet>,
    pub(super) clock: Clock,
    pub(super) sort: Sort,
}

impl std::fmt::Debug for HandedLane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HandedLane").field("name", &self.name).finish_non_exhaustive()
    }
}

impl HandedLane {
    /// Whether the lane can be looked at; there is nothing else to reach.
    pub(super) async fn probe(&self) -> Result<String, SourceError> {
        self.inlet.after(u64::MAX >> 1, 1).await?;
        Ok("records are handed in over HTTP: there is nothing to reach".to_owned())
    }

    pub(super) fn plan(&self, known: &BTreeMap<PartitionId, Progress>) -> Plan {
        Plan { open: vec![opening(PartitionId::from(self.name), known)], ..Plan::default() }
    }

    pub(super) fn open(&self, opening: &Opening) -> Result<Box<dyn PartitionReader>, SourceError> {
        let Position::Number(read) = opening.from else {
            let message = format!("{}: {} is no number of a record", opening.partition, opening.from);
            return Err(SourceError::permanent(message));
        };
        let partition = opening.partition.clone();
        Ok(Box::new(LaneReader { lane: self.clone(), partition, read, let_go: 0, chunks: 0 }))
    }
}

/// How a lane is opened: where it was, or at its beginning.
pub(super) fn opening(lane: PartitionId, known: &BTreeMap<PartitionId, Progress>) -> Opening {
    let (from, watermark) = match known.get(&lane) {
        Some(Progress::Started { position, watermark }) => (position.clone(), *watermark),
        Some(Progress::Finished) | None => (OLDEST, None),
    };
    Opening { partition: lane, from, watermark, parents: Vec::new() }
}

/// Before the first record.
pub(super) const OLDEST: Position = Position::Number(0);

/// The lane, being read.
struct LaneReader {
    lane: HandedLane,
    partition: PartitionId,
    /// The number of the last record that was handed out. All before it is committed.
    read: u64,
    /// Up to where records were let go of.
    let_go: u64,
    chunks: u32,
}

impl std::fmt::Debug for LaneReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LaneReader").field("read", &self.read).finish_non_exhaustive()
    }
}

impl LaneReader {
    /// Lets go of what was read: the next read is asked for once the last one is committed.
    async fn let_go(&mut self, until: u64) -> Result<(), SourceError> {
        if until > self.let_go {
            self.lane.inlet.let_go(until).await?;
            self.let_go = until;
        }
        self.chunks = 0;
        Ok(())
    }

    fn chunk(&self, handed: Vec<HandedRecord>, watermark: Timestamp) -> Chunk {
        let mut chunk = Chunk::at(Position::Number(self.read));
        chunk.watermark = Some(watermark);
        chunk.behind = handed.first().map(|first| watermark.since(first.at).max(Millis::ZERO));
        for record in handed {
            chunk.position = Position::Number(record.number);
            (self.lane.sort)(&self.partition, record, &mut chunk);
        }
        chunk
    }
}

#[async_trait]
impl PartitionReader for LaneReader {
    async fn next(&mut self) -> Result<Chunk, SourceError> {
        let until = Instant::now() + IDLE;
        loop {
            let asked = (self.lane.clock)();
            let handed = self.lane.inlet.after(self.read, MOST).await?;
            let read = self.read;
            self.chunks += 1;
            // Letting go is a commit of its own: not one for each small chunk of a steady stream.
            if handed.is_empty() || self.chunks >= LET_GO_EVERY {
                self.let_go(read).await?;
            }
            if let Some(last) = handed.last() {
                // What came after the last of them is not read yet.
                let watermark = if handed.len() < MOST { asked } else { last.at };
                self.read = last.number;
                return Ok(self.chunk(handed, watermark));
            }
            if timeout_at(until, self.lane.inlet.more()).await.is_err() {
                return Ok(self.chunk(Vec::new(), asked));
            }
        }
    }
}
