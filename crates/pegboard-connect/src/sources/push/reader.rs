//! The lane into which records are handed, being read.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pegboard_model::acd::Telling;
use pegboard_model::{Millis, Order, PartitionId, Position, Text, Timestamp};
use tokio::time::{Instant, timeout_at};

use super::decode::{Handed, PushDecoder};
use crate::sources::file::Clock;
use crate::spec::{Broken, Chunk, HandedRecord, Inlet, PartitionReader, Record, SourceError};

/// How many records are read at once.
const MOST: usize = 1000;

/// How often the watermark moves on while nothing comes.
const IDLE: Duration = Duration::from_secs(1);

/// After how many chunks in a row what was read is let go of, even if there is no end to what comes.
const LET_GO_EVERY: u32 = 16;

/// The lane, being read.
pub(super) struct LaneReader {
    inlet: Arc<dyn Inlet>,
    clock: Clock,
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
    pub(super) fn new(inlet: Arc<dyn Inlet>, clock: Clock, partition: PartitionId, read: u64) -> Self {
        Self { inlet, clock, partition, read, let_go: 0, chunks: 0 }
    }

    /// Lets go of what was read: the next read is asked for once the last one is committed.
    async fn let_go(&mut self, until: u64) -> Result<(), SourceError> {
        if until > self.let_go {
            self.inlet.let_go(until).await?;
            self.let_go = until;
        }
        self.chunks = 0;
        Ok(())
    }

    fn chunk(&self, handed: Vec<HandedRecord>, watermark: Timestamp) -> Chunk {
        let mut chunk = Chunk::at(Position::Number(self.read));
        chunk.watermark = Some(watermark);
        chunk.behind = handed.first().map(|first| watermark.since(first.at).max(Millis::ZERO));
        for HandedRecord { number, body, .. } in handed {
            let position = Position::Number(number);
            chunk.position = position.clone();
            if !PushDecoder::is_row(&body) {
                chunk.records.push(Record { position, data: body });
                continue;
            }
            let order = Order { partition: self.partition.clone(), position: position.clone() };
            match PushDecoder::read(&body, order) {
                Ok(Handed::Row(mut row)) => {
                    row.telling = Telling { file: told_by(&self.partition, number), ..row.telling };
                    chunk.rows.push(row);
                }
                Ok(Handed::Record(_)) => chunk.records.push(Record { position, data: body }),
                Err(error) => chunk.broken.push(Broken { position, data: body, reason: error.to_string() }),
            }
        }
        chunk
    }
}

/// By what a row was told.
fn told_by(partition: &PartitionId, number: u64) -> Text {
    format!("{partition} {number}").into()
}

#[async_trait]
impl PartitionReader for LaneReader {
    async fn next(&mut self) -> Result<Chunk, SourceError> {
        let until = Instant::now() + IDLE;
        loop {
            let asked = (self.clock)();
            let handed = self.inlet.after(self.read, MOST).await?;
            let read = self.read;
            self.chunks += 1;
            if handed.len() < MOST || self.chunks >= LET_GO_EVERY {
                self.let_go(read).await?;
            }
            if let Some(last) = handed.last() {
                // What came after the last of them is not read yet.
                let watermark = if handed.len() < MOST { asked } else { last.at };
                self.read = last.number;
                return Ok(self.chunk(handed, watermark));
            }
            if timeout_at(until, self.inlet.more()).await.is_err() {
                return Ok(self.chunk(Vec::new(), asked));
            }
        }
    }
}
