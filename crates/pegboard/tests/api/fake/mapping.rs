//! Mappings of the store that the API is tested with.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use pegboard::config::mapping::{Folder, Table, TableName};
use pegboard_model::SinkName;
use pegboard_store::{MappingVersion, MappingWrite, Mappings, Result};

use super::FakeStore;

/// The folder of the configuration: a table of states.
pub(crate) fn folder() -> Folder {
    let text = b"event_id,activity_code,status\nCoaching,Meeting,closed\nTraining,Training,closed\n";
    let table = Table::parse(TableName::States, Path::new("states.csv"), text).unwrap();
    let mut folder = Folder::default();
    table.put_into(&mut folder.mapping);
    folder.tables.put(Arc::new(table));
    folder
}

fn version(write: &MappingWrite) -> MappingVersion {
    MappingVersion {
        table: write.table.clone(),
        version: write.follows + 1,
        at: write.at,
        by: write.by.clone(),
        rows: write.content.as_ref().map(|(_, rows)| *rows),
    }
}

#[async_trait]
impl Mappings for FakeStore {
    async fn mapping_versions(&self, sink: &SinkName) -> Result<Vec<MappingVersion>> {
        let mut newest = Vec::new();
        for table in TableName::ALL {
            newest.extend(self.mapping_history(sink, table.as_str()).await?.into_iter().next());
        }
        Ok(newest)
    }

    async fn mapping_history(&self, _: &SinkName, table: &str) -> Result<Vec<MappingVersion>> {
        let kept = self.kept.lock().unwrap();
        Ok(kept.mappings.iter().rev().filter(|write| &*write.table == table).map(version).collect())
    }

    async fn mapping_content(&self, _: &SinkName, table: &str, version: u64) -> Result<Option<String>> {
        let kept = self.kept.lock().unwrap();
        let mut writes = kept.mappings.iter();
        let found = writes.find(|write| &*write.table == table && write.follows + 1 == version);
        Ok(found.and_then(|write| Some(write.content.clone()?.0)))
    }

    async fn write_mapping(&self, write: MappingWrite) -> Result<bool> {
        self.works()?;
        let newest = self.mapping_history(&write.sink, &write.table).await?.first().map_or(0, |v| v.version);
        let is_next = newest == write.follows;
        if is_next {
            self.kept.lock().unwrap().mappings.push(write);
        }
        Ok(is_next)
    }
}
