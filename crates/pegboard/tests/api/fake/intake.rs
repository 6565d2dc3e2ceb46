//! A store into which nobody hands anything.

use async_trait::async_trait;
use pegboard_model::{PartitionId, SourceName};
use pegboard_store::{HandIn, HandedIn, HandedRecord, Intake, LaneEnds, Result};

use super::FakeStore;

#[async_trait]
impl Intake for FakeStore {
    async fn hand_in(&self, _: HandIn, _: u64) -> Result<HandedIn> {
        Ok(HandedIn::Kept)
    }

    async fn handed_in(
        &self,
        _: &SourceName,
        _: &PartitionId,
        _: u64,
        _: usize,
    ) -> Result<Vec<HandedRecord>> {
        Ok(Vec::new())
    }

    async fn let_go(&self, _: &SourceName, _: &PartitionId, _: u64) -> Result<()> {
        Ok(())
    }

    async fn lane_ends(&self, _: &SourceName, _: &PartitionId) -> Result<LaneEnds> {
        Ok(LaneEnds::default())
    }
}
