//! Persons who are to be forgotten.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use pegboard_model::SourceName;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row, Statement};

use super::PostgresStore;
use super::codec::{get, get_instant, names, text, untext};
use super::connect::DURABLE;
use super::fault::{Fault, Tried};
use super::pool::Lent;
use super::read::all;
use super::session::Call;
use crate::column::{from_column, limit, to_column};
use crate::copy::CHUNK;
use crate::erasure::{MOST_CHANGES, NOT_SHOWN, ShownTable};
use crate::{
    Cell, Eraser, Erasure, ErasureNote, ErasureState, ErasureWrite, Erasures, Result, RowChange, failpoint,
};

const ADD: &str = "
    WITH open AS (
        SELECT count(*) AS count FROM erasures
        WHERE source = $1 AND state IN ('waiting', 'running', 'wiping')
    )
    INSERT INTO erasures (source, at, state, asked, progress)
    SELECT $1, $2, 'waiting', $3, $4 FROM open WHERE open.count < $5
    RETURNING id";

const LIST: &str = "
    SELECT id, source, at, state, asked, progress FROM erasures
    WHERE id < $1 AND (cardinality($2::text[]) = 0 OR source = ANY($2))
      AND (NOT $3 OR state IN ('waiting', 'running', 'wiping'))
    ORDER BY id DESC LIMIT $4";

const NOTE: &str = "UPDATE erasures SET state = $2, asked = $3, progress = $4 WHERE id = $1";

/// The tables of the schema, with their columns in order, and which of these a row is known by.
const TABLES: &str = "
    SELECT tables.relname::text, columns.attname::text, coalesce(columns.attnum = ANY (keys.indkey), false),
           columns.atttypid = 'boolean'::regtype
    FROM pg_class AS tables
    JOIN pg_attribute AS columns ON columns.attrelid = tables.oid AND columns.attnum > 0 AND NOT columns.attisdropped
    LEFT JOIN pg_index AS keys ON keys.indrelid = tables.oid AND keys.indisprimary
    WHERE tables.relkind = 'r' AND tables.relnamespace = current_schema()::regnamespace
    ORDER BY tables.relname, columns.attnum";

#[async_trait]
impl Erasures for PostgresStore {
    async fn add_erasure(&self, erasure: ErasureWrite, most_open: usize) -> Result<Option<u64>> {
        let erasure = &erasure;
        let work = |session: Lent| async move {
            let call = Call::new(ADD)
                .with(erasure.source.as_str())
                .with(erasure.at.as_millis())
                .with(text(&erasure.asked))
                .with(text(&erasure.progress))
                .with(limit(most_open));
            session.call(call).await?.first().map(|row| get(row, 0).map(from_column)).transpose()
        };
        self.write("note an erasure", work).await
    }

    async fn erasures(
        &self,
        sources: &[SourceName],
        before: Option<u64>,
        only_open: bool,
        most: usize,
    ) -> Result<Vec<Erasure>> {
        let before = before.map_or(i64::MAX, to_column);
        let work = |session: Lent| async move {
            let call = Call::new(LIST).with(before).with(names(sources)).with(only_open).with(limit(most));
            all(&session, call, read).await
        };
        self.read("read erasures", work).await
    }

    async fn note_erasure(&self, note: ErasureNote) -> Result<()> {
        let note = &note;
        let work = |session: Lent| async move {
            let call = Call::new(NOTE)
                .with(to_column(note.id))
                .with(note.state.as_str())
                .with(text(&note.asked))
                .with(text(&note.progress));
            session.call(call).await.map(drop)
        };
        self.write("note an erasure", work).await
    }

    async fn find_rows(&self, source: &SourceName, eraser: Arc<dyn Eraser>) -> Result<Vec<RowChange>> {
        let found = async {
            let client = self.connector.client().await?;
            let mut changes = Vec::new();
            for table in tables(&client).await? {
                find(&client, source, &Arc::new(table), &*eraser, &mut changes).await?;
            }
            Ok(changes)
        };
        found.await.map_err(|fault: Fault| fault.during("look over the tables"))
    }

    async fn change_rows(&self, changes: Vec<RowChange>) -> Result<u64> {
        let work = async {
            let client = self.connector.client().await?;
            client.batch_execute(DURABLE).await?;
            // Without a commit the end of the connection takes everything back.
            client.batch_execute("BEGIN").await?;
            failpoint!("erasure.before", fails);
            let (mut changed, mut statements) = (0, HashMap::new());
            for change in &changes {
                changed += change_row(&client, change, &mut statements).await?;
            }
            failpoint!("erasure.after", fails);
            client.batch_execute("COMMIT").await?;
            Ok(changed)
        };
        work.await.map_err(|fault: Fault| fault.during("change rows"))
    }

    async fn wipe(&self) -> Result<()> {
        let work = async {
            failpoint!("erasure.wiping", fails);
            let client = self.connector.client().await?;
            // As long as it takes: nobody waits for it.
            client.batch_execute("SET statement_timeout = 0").await?;
            for table in tables(&client).await? {
                client.batch_execute(&format!("VACUUM \"{}\"", table.name)).await?;
            }
            Ok(())
        };
        work.await.map_err(|fault: Fault| fault.during("free what was written over"))
    }
}

fn read(row: &Row) -> Tried<Erasure> {
    Ok(Erasure {
        id: from_column(get(row, 0)?),
        source: get::<&str>(row, 1)?.into(),
        at: get_instant(row, 2)?,
        state: ErasureState::from_name(get(row, 3)?)?,
        asked: untext(get(row, 4)?),
        progress: untext(get(row, 5)?),
    })
}

/// Every table that is shown.
async fn tables(client: &Client) -> Tried<Vec<ShownTable>> {
    let mut tables: Vec<ShownTable> = Vec::new();
    for row in client.query(TABLES, &[]).await? {
        let (name, column): (String, String) = (get(&row, 0)?, get(&row, 1)?);
        let (is_key, is_flag): (bool, bool) = (get(&row, 2)?, get(&row, 3)?);
        if NOT_SHOWN.contains(&name.as_str()) {
            continue;
        }
        if tables.last().is_none_or(|table| table.name != name) {
            tables.push(ShownTable { name, columns: Vec::new(), key: Vec::new(), flags: Vec::new() });
        }
        let Some(table) = tables.last_mut() else { continue };
        if is_key {
            table.key.push(table.columns.len());
        }
        if is_flag {
            table.flags.push(table.columns.len());
        }
        table.columns.push(column);
    }
    Ok(tables)
}

async fn find(
    client: &Client,
    source: &SourceName,
    table: &Arc<ShownTable>,
    eraser: &dyn Eraser,
    changes: &mut Vec<RowChange>,
) -> Tried<()> {
    let columns: Vec<String> = table.columns.iter().map(|name| format!("\"{name}\"")).collect();
    // No cursor takes a parameter; a name of a source has no quotation marks, and is quoted all the same.
    let quoted = source.as_str().replace('\'', "''");
    let own = if table.has_source() {
        format!(" WHERE source = '{quoted}' OR source IS NULL")
    } else {
        String::new()
    };
    let select = format!("SELECT {} FROM \"{}\"{own}", columns.join(", "), table.name);
    client.batch_execute(&format!("BEGIN READ ONLY; DECLARE shown NO SCROLL CURSOR FOR {select}")).await?;
    let fetch = client.prepare(&format!("FETCH {CHUNK} FROM shown")).await?;
    loop {
        let rows = client.query(&fetch, &[]).await?;
        for row in &rows {
            let cells = (0..columns.len()).map(|place| cell(row, place)).collect::<Tried<_>>()?;
            changes.extend(table.show(cells, eraser));
        }
        if rows.is_empty() || changes.len() >= MOST_CHANGES {
            break;
        }
    }
    changes.truncate(MOST_CHANGES);
    client.batch_execute("COMMIT").await?;
    Ok(())
}

fn cell(row: &Row, place: usize) -> Tried<Cell> {
    let kind = row.columns().get(place).map(tokio_postgres::Column::type_);
    let found = match kind {
        Some(&Type::BOOL) => get::<Option<bool>>(row, place)?.map(|value| Cell::Number(value.into())),
        Some(&Type::INT8) => get::<Option<i64>>(row, place)?.map(Cell::Number),
        Some(&Type::BYTEA) => get::<Option<Vec<u8>>>(row, place)?.map(Cell::Bytes),
        _ => get::<Option<String>>(row, place)?.map(untext).map(Cell::Text),
    };
    Ok(found.unwrap_or(Cell::Null))
}

async fn change_row(client: &Client, change: &RowChange, statements: &mut Statements) -> Tried<u64> {
    let RowChange { table, row, instead } = change;
    let places: Vec<usize> = instead.iter().map(|(place, _)| *place).collect();
    let mut wheres = Where::default();
    let sets: Vec<String> = instead.iter().map(|(place, cell)| wheres.bind(table, *place, cell)).collect();
    let stands: Vec<String> =
        table.key.iter().chain(&places).map(|place| wheres.is(table, *place, &row[*place])).collect();
    let stands = stands.join(" AND ");
    let taken = if change.moves() {
        let key: Vec<String> = table
            .key
            .iter()
            .zip(change.new_key())
            .map(|(place, cell)| format!("other.{}", wheres.is(table, *place, cell)))
            .collect();
        format!("EXISTS (SELECT 1 FROM \"{}\" AS other WHERE {})", table.name, key.join(" AND "))
    } else {
        "false".to_owned()
    };
    let version = if table.name == "agents" { ", version = version + 1" } else { "" };
    let update = format!(
        "UPDATE \"{0}\" SET {1}{version} WHERE {stands} AND NOT {taken}",
        table.name,
        sets.join(", ")
    );
    let changed = wheres.execute(client, update, statements).await?;
    if changed > 0 || !change.moves() {
        return Ok(changed);
    }
    // What has the new key already stays.
    let mut wheres = Where::default();
    let stands: Vec<String> =
        table.key.iter().chain(&places).map(|place| wheres.is(table, *place, &row[*place])).collect();
    let delete = format!("DELETE FROM \"{}\" WHERE {}", table.name, stands.join(" AND "));
    wheres.execute(client, delete, statements).await
}

/// Values of a statement that is made as it is needed.
#[derive(Default)]
struct Where {
    values: Vec<Box<dyn ToSql + Sync + Send>>,
}

impl Where {
    fn value(&mut self, cell: &Cell) -> String {
        let (value, kind): (Box<dyn ToSql + Sync + Send>, &str) = match cell {
            Cell::Null => return "NULL".to_owned(),
            Cell::Number(number) => (Box::new(*number), "bigint"),
            Cell::Text(given) => (Box::new(text(given).into_owned()), "text"),
            Cell::Bytes(bytes) => (Box::new(bytes.clone()), "bytea"),
        };
        self.values.push(value);
        format!("${}::{kind}", self.values.len())
    }

    fn bind(&mut self, table: &ShownTable, place: usize, cell: &Cell) -> String {
        format!("\"{}\" = {}", table.columns[place], self.value(cell))
    }

    /// A column that holds a value. Yes and no are numbers here.
    fn is(&mut self, table: &ShownTable, place: usize, cell: &Cell) -> String {
        let column = &table.columns[place];
        match cell {
            Cell::Null => format!("\"{column}\" IS NULL"),
            Cell::Number(number) if table.flags.contains(&place) => {
                format!("\"{column}\" = {}", *number != 0)
            }
            _ => format!("\"{column}\" = {}", self.value(cell)),
        }
    }

    async fn execute(&self, client: &Client, sql: String, statements: &mut Statements) -> Tried<u64> {
        let values: Vec<&(dyn ToSql + Sync)> =
            self.values.iter().map(|value| &**value as &(dyn ToSql + Sync)).collect();
        let known = statements.get(&sql).cloned();
        let statement = if let Some(known) = known { known } else { client.prepare(&sql).await? };
        statements.insert(sql, statement.clone());
        Ok(client.execute(&statement, &values).await?)
    }
}

/// Statements that were made; rows of a table that are changed alike share one.
type Statements = HashMap<String, Statement>;
