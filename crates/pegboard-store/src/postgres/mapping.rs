//! The tables of mappings as people have edited them.

use async_trait::async_trait;
use pegboard_model::SinkName;
use tokio_postgres::Row;

use super::PostgresStore;
use super::codec::{get, get_instant, get_text, text, untext};
use super::fault::Tried;
use super::pool::Lent;
use super::read::all;
use super::session::{BEGIN, COMMIT, Call, Pipeline, Session};
use crate::column::{from_column, to_column};
use crate::mapping::{MOST_VERSIONS, MappingVersion, MappingWrite};
use crate::{Mappings, Result};

#[async_trait]
impl Mappings for PostgresStore {
    async fn mapping_versions(&self, sink: &SinkName) -> Result<Vec<MappingVersion>> {
        let work = |session: Lent| async move {
            let sql = "SELECT DISTINCT ON (name) name, version, at, who, length FROM mapping_tables
                       WHERE sink = $1 ORDER BY name, version DESC";
            all(&session, Call::new(sql).with(sink.as_str()), read).await
        };
        self.read("read the versions of a mapping", work).await
    }

    async fn mapping_history(&self, sink: &SinkName, table: &str) -> Result<Vec<MappingVersion>> {
        let work = |session: Lent| async move {
            let sql = "SELECT name, version, at, who, length FROM mapping_tables
                       WHERE sink = $1 AND name = $2 ORDER BY version DESC";
            all(&session, Call::new(sql).with(sink.as_str()).with(table), read).await
        };
        self.read("read the versions of a table", work).await
    }

    async fn mapping_content(&self, sink: &SinkName, table: &str, version: u64) -> Result<Option<String>> {
        let work = |session: Lent| async move {
            let sql = "SELECT content FROM mapping_tables WHERE sink = $1 AND name = $2 AND version = $3";
            let call = Call::new(sql).with(sink.as_str()).with(table).with(to_column(version));
            let content = all(&session, call, |row| get::<Option<String>>(row, 0)).await?.pop();
            Ok(content.flatten().map(untext))
        };
        self.read("read a table of a mapping", work).await
    }

    async fn write_mapping(&self, write: MappingWrite) -> Result<bool> {
        let write = &write;
        let work = |session: Lent| async move { add(&session, write).await };
        self.write("write a table of a mapping", work).await
    }
}

/// Of two that follow the same version one is first: the key is its own.
const ADD: &str = "
    INSERT INTO mapping_tables (sink, name, version, at, who, length, content)
    SELECT $1::text, $2::text, $3::bigint + 1, $4::bigint, $5::text, $6::bigint, $7::text
    WHERE $3 = (SELECT coalesce(max(version), 0) FROM mapping_tables WHERE sink = $1 AND name = $2)
    ON CONFLICT DO NOTHING RETURNING 1";

async fn add(session: &Session, write: &MappingWrite) -> Tried<bool> {
    let MappingWrite { sink, table, follows, at, by, content } = write;
    let (content, length) = content.as_ref().map(|(content, rows)| (text(content), to_column(*rows))).unzip();
    let mut adding = Pipeline::new(BEGIN);
    let added = adding.add(
        Call::new(ADD)
            .with(sink.as_str())
            .with(&**table)
            .with(to_column(*follows))
            .with(at.as_millis())
            .with(text(by))
            .with(length)
            .with(content),
    );
    // Only what lies behind the newest is let go of, whoever has written that.
    let forget = "DELETE FROM mapping_tables WHERE sink = $1 AND name = $2
                  AND version <= (SELECT max(version) FROM mapping_tables WHERE sink = $1 AND name = $2) - $3";
    adding.add(Call::new(forget).with(sink.as_str()).with(&**table).with(to_column(MOST_VERSIONS)));
    adding.add(Call::new(COMMIT));
    let answers = session.run(adding).await?;
    Ok(!answers[added].is_empty())
}

fn read(row: &Row) -> Tried<MappingVersion> {
    Ok(MappingVersion {
        table: get_text(row, 0)?.into(),
        version: from_column(get(row, 1)?),
        at: get_instant(row, 2)?,
        by: get_text(row, 3)?.into(),
        rows: get::<Option<i64>>(row, 4)?.map(from_column),
    })
}
