//! Everything that a store holds, table by table, for another kind of database.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension};
use tokio::sync::mpsc;

use super::SqliteStore;
use super::fault::Tried;
use crate::copy::{CHUNK, Rows, Table, Value};
use crate::{Result, StoreError};

/// Of this kind of database alone: the identity goes its own way.
const OWN: &str = "meta";

impl SqliteStore {
    /// The tables that move.
    pub(crate) async fn tables(&self) -> Result<Vec<Table>> {
        self.readers.run("read the tables", tables).await
    }

    /// From when on the details of sources are there, in milliseconds.
    pub(crate) async fn details_from(&self) -> Result<Vec<(String, i64)>> {
        self.readers.run("read what is kept", details_from).await
    }

    /// Hands over all rows of a table, chunk by chunk.
    pub(crate) async fn export(&self, table: Table, chunks: mpsc::Sender<Rows>) -> Result<()> {
        self.readers.run("copy a table", move |connection| export(connection, &table, &chunks)).await
    }
}

fn tables(connection: &Connection) -> Tried<Vec<Table>> {
    let mut names = connection.prepare(
        "SELECT name FROM sqlite_schema
         WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name <> ?1 ORDER BY name",
    )?;
    let names: Vec<String> = names.query_map([OWN], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let mut columns = connection.prepare("SELECT name FROM pragma_table_info(?1) ORDER BY cid")?;
    let mut number = connection.prepare("SELECT seq FROM sqlite_sequence WHERE name = ?1")?;
    let mut tables = Vec::with_capacity(names.len());
    for name in names {
        let columns = columns.query_map([&name], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        let last_number = number.query_row([&name], |row| row.get(0)).optional()?;
        tables.push(Table { name, columns, last_number });
    }
    Ok(tables)
}

fn details_from(connection: &Connection) -> Tried<Vec<(String, i64)>> {
    let mut query = connection.prepare(
        "SELECT substr(name, length('details_from:') + 1), CAST(value AS INTEGER) FROM meta
         WHERE name LIKE 'details\\_from:%' ESCAPE '\\'",
    )?;
    let rows = query.query_map([], |row| row.try_into())?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn export(connection: &Connection, table: &Table, chunks: &mpsc::Sender<Rows>) -> Tried<()> {
    // The names come from the schema itself.
    let columns: Vec<String> = table.columns.iter().map(|name| format!("\"{name}\"")).collect();
    let mut query = connection.prepare(&format!("SELECT {} FROM \"{}\"", columns.join(", "), table.name))?;
    let mut rows = query.query([])?;
    let mut chunk = Rows::new();
    while let Some(row) = rows.next()? {
        let values = (0..columns.len()).map(|column| value(row.get_ref(column)?));
        chunk.push(values.collect::<Tried<_>>()?);
        if chunk.len() == CHUNK {
            hand_over(chunks, std::mem::take(&mut chunk))?;
        }
    }
    if chunk.is_empty() { Ok(()) } else { hand_over(chunks, chunk) }
}

fn hand_over(chunks: &mpsc::Sender<Rows>, chunk: Rows) -> Tried<()> {
    Ok(chunks.blocking_send(chunk).map_err(|_| StoreError::Closed)?)
}

/// A value of a column.
pub(super) fn value(column: ValueRef<'_>) -> Tried<Value> {
    Ok(match column {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Number(number),
        ValueRef::Text(_) => Value::Text(column.as_str().map_err(rusqlite::Error::from)?.to_owned()),
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
        ValueRef::Real(_) => {
            let detail = "a number with a fraction in a table that has none".to_owned();
            return Err(StoreError::Damaged { what: "column", detail }.into());
        }
    })
}
