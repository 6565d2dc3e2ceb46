//! What is handed in, on the same unreliable store.

use async_trait::async_trait;
use pegboard_model::{PartitionId, SourceName};
use pegboard_store::{HandIn, HandedIn, HandedRecord, Intake, LaneEnds, Result};

use super::Unreliable;

#[async_trait]
impl Intake for Unreliable {
    async fn hand_in(&self, records: HandIn, most: u64) -> Result<HandedIn> {
        self.write("hand in", self.store.hand_in(records, most)).await
    }

    async fn handed_in(
        &self,
        source: &SourceName,
        lane: &PartitionId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<HandedRecord>> {
        self.read("what was handed in", self.store.handed_in(source, lane, after, limit)).await
    }

    async fn let_go(&self, source: &SourceName, lane: &PartitionId, until: u64) -> Result<()> {
        self.write("let go", self.store.let_go(source, lane, until)).await
    }

    async fn lane_ends(&self, source: &SourceName, lane: &PartitionId) -> Result<LaneEnds> {
        self.read("a lane", self.store.lane_ends(source, lane)).await
    }
}
