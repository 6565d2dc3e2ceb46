//! Persons who are to be forgotten.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pegboard_model::SourceName;
use rusqlite::types::ToSqlOutput;
use rusqlite::{Connection, OptionalExtension, ToSql, params, params_from_iter};

use super::SqliteStore;
use super::codec::source_filter;
use super::export::value;
use super::fault::Tried;
use super::read::{all, instant, text};
use super::writer::Step;
use crate::column::{from_column, limit, to_column};
use crate::erasure::{MOST_CHANGES, NOT_SHOWN, ShownTable};
use crate::{
    Cell, Eraser, Erasure, ErasureNote, ErasureState, ErasureWrite, Erasures, Result, RowChange, StoreError,
    failpoint,
};

/// How often the log is asked to end where readers hold it.
const CHECKPOINTS: u32 = 300;

/// The pause before it is asked again.
const UNTIL_READ: Duration = Duration::from_millis(100);

#[async_trait]
impl Erasures for SqliteStore {
    async fn add_erasure(&self, erasure: ErasureWrite, most_open: usize) -> Result<Option<u64>> {
        self.writer.run("note an erasure", move |step| add(step, &erasure, most_open)).await
    }

    async fn erasures(
        &self,
        sources: &[SourceName],
        before: Option<u64>,
        only_open: bool,
        limit: usize,
    ) -> Result<Vec<Erasure>> {
        let sources = sources.to_vec();
        let query = move |connection: &Connection| list(connection, &sources, before, only_open, limit);
        self.readers.run("read erasures", query).await
    }

    async fn note_erasure(&self, note: ErasureNote) -> Result<()> {
        self.writer.run("note an erasure", move |step| note_erasure(step, &note)).await
    }

    async fn find_rows(&self, source: &SourceName, eraser: Arc<dyn Eraser>) -> Result<Vec<RowChange>> {
        let mut changes = Vec::new();
        // One reading for each table: the log cannot be written back behind one that takes long.
        for table in self.readers.run("read the tables", tables).await? {
            let (source, eraser, table) = (source.clone(), eraser.clone(), Arc::new(table));
            let room = MOST_CHANGES - changes.len();
            let query = move |connection: &Connection| find(connection, &source, &table, &*eraser, room);
            changes.extend(self.readers.run("look over a table", query).await?);
        }
        Ok(changes)
    }

    async fn change_rows(&self, changes: Vec<RowChange>) -> Result<u64> {
        self.writer.run("change rows", move |step| change(step, &changes)).await
    }

    async fn wipe(&self) -> Result<()> {
        self.writer.run_alone("write the store anew", vacuum).await?;
        for _ in 0..CHECKPOINTS {
            if self.writer.run_alone("end the log", end_log).await? {
                return Ok(());
            }
            tokio::time::sleep(UNTIL_READ).await;
        }
        let cause = "somebody reads it for so long that its log cannot be ended: try again".into();
        Err(StoreError::Database { operation: "end the log", cause })
    }
}

fn add(step: &Step<'_>, write: &ErasureWrite, most_open: usize) -> Tried<Option<u64>> {
    let sql = "INSERT INTO erasures (source, at, state, asked, progress)
               SELECT ?1, ?2, 'waiting', ?3, ?4
               WHERE (SELECT count(*) FROM erasures
                      WHERE source = ?1 AND state IN ('waiting', 'running', 'wiping')) < ?5
               RETURNING id";
    let ErasureWrite { source, at, asked, progress } = write;
    let values = params![source.as_str(), at.as_millis(), asked, progress, limit(most_open)];
    let row = step.connection.prepare_cached(sql)?.query_row(values, |row| row.get(0).map(from_column));
    Ok(row.optional()?)
}

fn list(
    connection: &Connection,
    sources: &[SourceName],
    before: Option<u64>,
    only_open: bool,
    most: usize,
) -> Tried<Vec<Erasure>> {
    let sql = "SELECT id, source, at, state, asked, progress FROM erasures
               WHERE id < ?1 AND (?2 IS NULL OR source IN (SELECT value FROM json_each(?2)))
                 AND (?3 = 0 OR state IN ('waiting', 'running', 'wiping'))
               ORDER BY id DESC LIMIT ?4";
    let before = before.map_or(i64::MAX, to_column);
    all(connection, sql, params![before, source_filter(sources)?, only_open, limit(most)], |row| {
        Ok(Erasure {
            id: from_column(row.get(0)?),
            source: text(row, 1)?.into(),
            at: instant(row, 2)?,
            state: ErasureState::from_name(&text(row, 3)?)?,
            asked: text(row, 4)?,
            progress: text(row, 5)?,
        })
    })
}

fn note_erasure(step: &Step<'_>, note: &ErasureNote) -> Tried<()> {
    let ErasureNote { id, state, asked, progress } = note;
    step.connection
        .prepare_cached("UPDATE erasures SET state = ?2, asked = ?3, progress = ?4 WHERE id = ?1")?
        .execute(params![to_column(*id), state.as_str(), asked, progress])?;
    Ok(())
}

/// Every table that is shown.
fn tables(connection: &Connection) -> Tried<Vec<ShownTable>> {
    let mut names = connection.prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
    )?;
    let names: Vec<String> = names.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let mut columns = connection.prepare("SELECT name, pk FROM pragma_table_info(?1) ORDER BY cid")?;
    let mut tables = Vec::new();
    for name in names.into_iter().filter(|name| !NOT_SHOWN.contains(&name.as_str())) {
        let found = columns.query_map([&name], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let found: Vec<(String, i64)> = found.collect::<rusqlite::Result<_>>()?;
        let key = (0..found.len()).filter(|place| found[*place].1 > 0).collect();
        let columns = found.into_iter().map(|(column, _)| column).collect();
        tables.push(ShownTable { name, columns, key, flags: Vec::new() });
    }
    Ok(tables)
}

fn find(
    connection: &Connection,
    source: &SourceName,
    table: &Arc<ShownTable>,
    eraser: &dyn Eraser,
    room: usize,
) -> Tried<Vec<RowChange>> {
    let columns: Vec<String> = table.columns.iter().map(|name| format!("\"{name}\"")).collect();
    let own = if table.has_source() { "source = ?1 OR source IS NULL" } else { "?1 IS NOT NULL" };
    let sql = format!("SELECT {} FROM \"{}\" WHERE {own}", columns.join(", "), table.name);
    let mut query = connection.prepare(&sql)?;
    let mut rows = query.query([source.as_str()])?;
    let mut changes = Vec::new();
    while changes.len() < room
        && let Some(row) = rows.next()?
    {
        let cells = (0..columns.len()).map(|column| value(row.get_ref(column)?)).collect::<Tried<_>>()?;
        changes.extend(table.show(cells, eraser));
    }
    Ok(changes)
}

fn change(step: &Step<'_>, changes: &[RowChange]) -> Tried<u64> {
    failpoint!("erasure.before", fails);
    let mut changed = 0;
    for change in changes {
        changed += u64::from(change_row(step.connection, change)?);
    }
    failpoint!("erasure.after", fails);
    Ok(changed)
}

fn change_row(connection: &Connection, change: &RowChange) -> Tried<bool> {
    let RowChange { table, row, instead } = change;
    let name = |place: usize| format!("\"{}\"", table.columns[place]);
    let mut number = instead.len();
    let mut stands = Vec::new();
    let mut bound: Vec<&Cell> = instead.iter().map(|(_, cell)| cell).collect();
    for place in table.key.iter().copied().chain(instead.iter().map(|(place, _)| *place)) {
        number += 1;
        stands.push(format!("{} IS ?{number}", name(place)));
        bound.push(&row[place]);
    }
    let mut sets: Vec<String> =
        instead.iter().zip(1..).map(|((place, _), number)| format!("{} = ?{number}", name(*place))).collect();
    if table.name == "agents" {
        sets.push("version = version + 1".to_owned());
    }
    let stands = stands.join(" AND ");
    let update = format!("UPDATE OR IGNORE \"{}\" SET {} WHERE {stands}", table.name, sets.join(", "));
    let bind = || params_from_iter(bound.iter().map(|cell| Bound(cell)));
    if connection.prepare_cached(&update)?.execute(bind())? > 0 {
        return Ok(true);
    }
    if !change.moves() {
        return Ok(false);
    }
    // What has the new key already stays.
    let delete = format!("DELETE FROM \"{}\" WHERE {stands}", table.name);
    Ok(connection.prepare_cached(&delete)?.execute(bind())? > 0)
}

/// A cell as a parameter.
struct Bound<'a>(&'a Cell);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        use rusqlite::types::ValueRef;
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Cell::Null => ValueRef::Null,
            Cell::Number(number) => ValueRef::Integer(*number),
            Cell::Text(text) => ValueRef::Text(text.as_bytes()),
            Cell::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// Writes the file anew. What does not fit into memory lies in a file without a name meanwhile.
fn vacuum(connection: &Connection) -> Tried<()> {
    failpoint!("erasure.wiping", fails);
    connection.execute_batch("PRAGMA temp_store = 1")?;
    let written = connection.execute_batch("VACUUM");
    connection.execute_batch("PRAGMA temp_store = 2")?;
    Ok(written?)
}

/// Writes the log back and empties it. False if somebody still reads from it.
fn end_log(connection: &Connection) -> Tried<bool> {
    let busy: i64 = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    Ok(busy == 0)
}
