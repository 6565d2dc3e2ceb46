//! Nobody is forgotten by a store in memory.

use std::sync::Arc;

use async_trait::async_trait;
use pegboard::runtime::erasure::{ErasureProgress, ErasureStatus, NOTES};
use pegboard_model::SourceName;
use pegboard_store::{Eraser, Erasure, ErasureNote, ErasureState, ErasureWrite, Erasures, Result, RowChange};

use super::{FakeStore, NOW};

#[async_trait]
impl Erasures for FakeStore {
    async fn add_erasure(&self, _: ErasureWrite, _: usize) -> Result<Option<u64>> {
        Ok(None)
    }

    async fn erasures(&self, _: &[SourceName], _: Option<u64>, _: bool, _: usize) -> Result<Vec<Erasure>> {
        Ok(Vec::new())
    }

    async fn note_erasure(&self, _: ErasureNote) -> Result<()> {
        Ok(())
    }

    async fn find_rows(&self, _: &SourceName, _: Arc<dyn Eraser>) -> Result<Vec<RowChange>> {
        Ok(Vec::new())
    }

    async fn change_rows(&self, _: Vec<RowChange>) -> Result<u64> {
        Ok(0)
    }

    async fn wipe(&self) -> Result<()> {
        Ok(())
    }
}

/// An erasure that has begun.
pub(crate) fn erasure(id: u64, source: &str, pseudonym: &str, dry_run: bool) -> ErasureStatus {
    let progress = ErasureProgress {
        by: "ops".into(),
        dry_run,
        pseudonym: pseudonym.into(),
        rows: 7,
        began: Some(NOW),
        ..ErasureProgress::default()
    };
    ErasureStatus { id, source: source.into(), state: ErasureState::Running, at: NOW, progress, notes: NOTES }
}
