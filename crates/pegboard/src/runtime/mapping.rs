//! The mapping of a sink as it holds: tables that people have edited, and those of the configuration in place of the others.
//!
//! What people edit is in the store, so that all nodes see the same. A table that was edited holds whatever the configuration says of
//! it, until it is given back.

mod suggested;

use std::path::Path;
use std::sync::Arc;

use pegboard_model::SinkName;
use pegboard_sinks::mapping::{ListedName, MappedKind, Mapping};
use pegboard_store::{MappingVersion, Store, StoreError, UnmappedSeen};

pub use self::suggested::Suggested;
use crate::config::mapping::{Folder, Table, TableName, Tables};

/// A mapping as it holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Held {
    /// What it means.
    pub mapping: Mapping,
    /// The tables that can be edited, as they are written.
    pub tables: Tables,
    /// The newest version of each table that was ever edited.
    versions: Vec<MappingVersion>,
}

impl Held {
    /// The mapping of the configuration, of which no table was edited.
    pub fn unedited(folder: &Folder) -> Self {
        let Folder { mapping, tables } = folder.clone();
        Self { mapping, tables, versions: Vec::new() }
    }

    /// Reads what holds now.
    pub async fn load(store: &dyn Store, sink: &SinkName, folder: &Folder) -> Result<Self, StoreError> {
        let versions = store.mapping_versions(sink).await?;
        Self::load_versions(store, sink, folder, versions).await
    }

    /// Reads what holds by these versions.
    pub async fn load_versions(
        store: &dyn Store,
        sink: &SinkName,
        folder: &Folder,
        versions: Vec<MappingVersion>,
    ) -> Result<Self, StoreError> {
        let mut held = Self::unedited(folder);
        for version in versions.iter().filter(|version| version.rows.is_some()) {
            // A table of a newer release is none of this one.
            let Some(name) = TableName::from_name(&version.table) else { continue };
            let table = Arc::new(read(store, sink, name, version.version).await?);
            table.put_into(&mut held.mapping);
            held.tables.put(table);
        }
        held.versions = versions;
        Ok(held)
    }

    /// Whether it is what holds by these versions.
    pub fn is_of(&self, versions: &[MappingVersion]) -> bool {
        self.versions == versions
    }

    /// The newest version of a table; nothing where it was never edited.
    pub fn version(&self, name: TableName) -> Option<&MappingVersion> {
        self.versions.iter().find(|version| &*version.table == name.as_str())
    }

    /// The number of that; 0 where there is none.
    pub fn number(&self, name: TableName) -> u64 {
        self.version(name).map_or(0, |version| version.version)
    }

    /// A table; one without rows where there is none.
    pub fn table(&self, name: TableName) -> Arc<Table> {
        self.tables.get(name).cloned().unwrap_or_else(|| Arc::new(Table::empty(name)))
    }
}

/// Reads a version of a table as it stands in the store.
pub async fn read(
    store: &dyn Store,
    sink: &SinkName,
    name: TableName,
    version: u64,
) -> Result<Table, StoreError> {
    let damaged = |detail: String| StoreError::Damaged { what: "table of a mapping", detail };
    let place = format!("{sink}, {}, version {version}", name.as_str());
    let content = store.mapping_content(sink, name.as_str(), version).await?;
    let content = content.ok_or_else(|| damaged(format!("{place}: not there")))?;
    let path = Path::new(name.file());
    Table::parse(name, path, content.as_bytes()).map_err(|errors| damaged(format!("{place}: {errors}")))
}

/// Those listed names that a mapping has a row for.
pub fn named(mapping: &Mapping, listed: Vec<UnmappedSeen>) -> Vec<UnmappedSeen> {
    let is_named = |seen: &UnmappedSeen| listed_name(seen).is_some_and(|name| mapping.names(name));
    listed.into_iter().filter(is_named).collect()
}

/// Those listed names that `after` has a row for and `before` has none.
pub fn newly_named(before: &Mapping, after: &Mapping, listed: Vec<UnmappedSeen>) -> Vec<UnmappedSeen> {
    let is_new = |seen: &UnmappedSeen| listed_name(seen).is_some_and(|name| !before.names(name));
    named(after, listed.into_iter().filter(is_new).collect())
}

/// What is listed as a name; nothing of a note.
pub fn listed_name(seen: &UnmappedSeen) -> Option<ListedName<'_>> {
    let UnmappedSeen { kind, source, id, detail, last, .. } = seen;
    Some(ListedName { kind: MappedKind::from_name(kind)?, source, id, detail, at: *last })
}
