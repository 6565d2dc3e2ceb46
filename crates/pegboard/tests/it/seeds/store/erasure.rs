//! Persons who are to be forgotten, on the same unreliable store.

use std::sync::Arc;

use async_trait::async_trait;
use pegboard_model::SourceName;
use pegboard_store::{Eraser, Erasure, ErasureNote, ErasureWrite, Erasures, Result, RowChange};

use super::Unreliable;

#[async_trait]
impl Erasures for Unreliable {
    async fn add_erasure(&self, erasure: ErasureWrite, most_open: usize) -> Result<Option<u64>> {
        self.write("note an erasure", self.store.add_erasure(erasure, most_open)).await
    }

    async fn erasures(
        &self,
        sources: &[SourceName],
        before: Option<u64>,
        only_open: bool,
        limit: usize,
    ) -> Result<Vec<Erasure>> {
        self.read("erasures", self.store.erasures(sources, before, only_open, limit)).await
    }

    async fn note_erasure(&self, note: ErasureNote) -> Result<()> {
        self.write("note an erasure", self.store.note_erasure(note)).await
    }

    async fn find_rows(&self, source: &SourceName, eraser: Arc<dyn Eraser>) -> Result<Vec<RowChange>> {
        self.read("every row", self.store.find_rows(source, eraser)).await
    }

    async fn change_rows(&self, changes: Vec<RowChange>) -> Result<u64> {
        self.write("change rows", self.store.change_rows(changes)).await
    }

    async fn wipe(&self) -> Result<()> {
        self.write("wipe", self.store.wipe()).await
    }
}
