//! The tables of mappings as people have edited them.

use async_trait::async_trait;
use pegboard_model::SinkName;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::SqliteStore;
use super::fault::Tried;
use super::read::{all, instant, text};
use super::writer::Step;
use crate::column::{from_column, to_column};
use crate::mapping::{MOST_VERSIONS, MappingVersion, MappingWrite};
use crate::{Mappings, Result};

#[async_trait]
impl Mappings for SqliteStore {
    async fn mapping_versions(&self, sink: &SinkName) -> Result<Vec<MappingVersion>> {
        let sink = sink.clone();
        let query = move |connection: &Connection| {
            let sql = "SELECT name, version, at, who, length FROM mapping_tables AS known
                       WHERE sink = ?1 AND version = (SELECT max(version) FROM mapping_tables
                                                      WHERE sink = known.sink AND name = known.name)
                       ORDER BY name";
            all(connection, sql, [sink.as_str()], read)
        };
        self.readers.run("read the versions of a mapping", query).await
    }

    async fn mapping_history(&self, sink: &SinkName, table: &str) -> Result<Vec<MappingVersion>> {
        let (sink, table) = (sink.clone(), table.to_owned());
        let query = move |connection: &Connection| {
            let sql = "SELECT name, version, at, who, length FROM mapping_tables
                       WHERE sink = ?1 AND name = ?2 ORDER BY version DESC";
            all(connection, sql, [sink.as_str(), &table], read)
        };
        self.readers.run("read the versions of a table", query).await
    }

    async fn mapping_content(&self, sink: &SinkName, table: &str, version: u64) -> Result<Option<String>> {
        let (sink, table) = (sink.clone(), table.to_owned());
        let query = move |connection: &Connection| {
            let sql = "SELECT content FROM mapping_tables WHERE sink = ?1 AND name = ?2 AND version = ?3";
            let mut query = connection.prepare_cached(sql)?;
            let bounds = params![sink.as_str(), table, to_column(version)];
            Ok(query.query_row(bounds, |row| row.get(0)).optional()?.flatten())
        };
        self.readers.run("read a table of a mapping", query).await
    }

    async fn write_mapping(&self, write: MappingWrite) -> Result<bool> {
        self.writer.run("write a table of a mapping", move |step| add(step, &write)).await
    }
}

const ADD: &str = "
    INSERT INTO mapping_tables (sink, name, version, at, who, length, content)
    SELECT ?1, ?2, ?3 + 1, ?4, ?5, ?6, ?7
    WHERE ?3 = (SELECT coalesce(max(version), 0) FROM mapping_tables WHERE sink = ?1 AND name = ?2)";

fn add(step: &Step<'_>, write: &MappingWrite) -> Tried<bool> {
    let MappingWrite { sink, table, follows, at, by, content } = write;
    let (content, length) = content.as_ref().map(|(content, rows)| (content, to_column(*rows))).unzip();
    let added = step.connection.prepare_cached(ADD)?.execute(params![
        sink.as_str(),
        table,
        to_column(*follows),
        at.as_millis(),
        by,
        length,
        content,
    ])?;
    let forget = "DELETE FROM mapping_tables WHERE sink = ?1 AND name = ?2 AND version <= ?3";
    if added > 0 {
        let kept_after = to_column((follows + 1).saturating_sub(MOST_VERSIONS));
        step.connection.prepare_cached(forget)?.execute(params![sink.as_str(), table, kept_after])?;
    }
    Ok(added > 0)
}

fn read(row: &Row<'_>) -> Tried<MappingVersion> {
    Ok(MappingVersion {
        table: text(row, 0)?.into(),
        version: from_column(row.get(1)?),
        at: instant(row, 2)?,
        by: text(row, 3)?.into(),
        rows: row.get::<_, Option<i64>>(4)?.map(from_column),
    })
}
