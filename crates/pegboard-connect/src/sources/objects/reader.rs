//! The reader of a lane: one step after the other, each as a task of its own, so that a call that is cancelled loses no message
//! that was just received.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::task::JoinSet;

use super::input::Lane;
use super::lane::Reading;
use super::position::LanePosition;
use crate::spec::{Chunk, PartitionReader, SourceError};

/// What a step gives, and where the lane stands after it.
type Stepped = (Reading, Result<Chunk, SourceError>);

/// Reads a lane.
#[derive(Debug)]
pub(super) struct LaneReader {
    /// The lane, while no step is on its way.
    reading: Option<Reading>,
    /// The step that is on its way; it ends with the reader.
    step: JoinSet<Stepped>,
}

impl LaneReader {
    /// Reads from `from` on.
    pub(super) fn new(lane: Arc<Lane>, from: LanePosition) -> Self {
        Self { reading: Some(Reading::new(lane, from)), step: JoinSet::new() }
    }
}

#[async_trait]
impl PartitionReader for LaneReader {
    async fn next(&mut self) -> Result<Chunk, SourceError> {
        if let Some(mut reading) = self.reading.take() {
            self.step.spawn(async move {
                let stepped = reading.step().await;
                (reading, stepped)
            });
        }
        let Some(stepped) = self.step.join_next().await else {
            return Err(SourceError::permanent("a step of the lane has failed; restart pegboard"));
        };
        let (reading, outcome) = stepped
            .map_err(|error| SourceError::permanent(format!("a step of the lane has failed: {error}")))?;
        self.reading = Some(reading);
        outcome
    }
}
