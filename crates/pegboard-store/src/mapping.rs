//! The tables of mappings as people have edited them: the versions of each, of which the newest holds.

use async_trait::async_trait;
use pegboard_model::{SinkName, Text, Timestamp};

use crate::Result;

/// How many versions of a table are kept: the newest.
pub(crate) const MOST_VERSIONS: u64 = 10;

/// A version of a table, without what stands in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingVersion {
    /// The name of the table.
    pub table: Text,
    /// Its number, from 1.
    pub version: u64,
    /// When it was written.
    pub at: Timestamp,
    /// Who has written it.
    pub by: Text,
    /// How many rows it has; nothing where the table is given back to the configuration from then on.
    pub rows: Option<u64>,
}

/// A new version of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingWrite {
    /// Whose it is.
    pub sink: SinkName,
    /// The name of the table.
    pub table: Text,
    /// The version that it follows; 0 where there is none.
    pub follows: u64,
    /// When it is written.
    pub at: Timestamp,
    /// Who writes it.
    pub by: Text,
    /// What stands in it, and how many rows that is; nothing where the table is given back to the configuration.
    pub content: Option<(String, u64)>,
}

/// What the editing of mappings asks of a database.
#[async_trait]
pub trait Mappings: Send + Sync {
    /// The newest version of every table of a sink that was ever edited, by name.
    async fn mapping_versions(&self, sink: &SinkName) -> Result<Vec<MappingVersion>>;

    /// The kept versions of one table, the newest first.
    async fn mapping_history(&self, sink: &SinkName, table: &str) -> Result<Vec<MappingVersion>>;

    /// What stands in a version of a table. Nothing where it is not kept, or gives the table back.
    async fn mapping_content(&self, sink: &SinkName, table: &str, version: u64) -> Result<Option<String>>;

    /// Writes a version. Answers whether it was written: not where another one was first. The oldest versions go, so that
    /// ten are kept.
    async fn write_mapping(&self, write: MappingWrite) -> Result<bool>;
}
