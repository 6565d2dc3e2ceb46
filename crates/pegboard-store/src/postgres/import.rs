//! A SQLite store that moves into a PostgreSQL database.

use std::collections::BTreeMap;

use tokio::sync::mpsc;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row};

use super::codec::{get, text, untext};
use super::connect::{Connector, Use};
use super::fault::{Fault, Tried};
use super::{PostgresOptions, PostgresStore, PostgresUrl, migrate, prepare};
use crate::copy::{CHUNK, Checksum, CopiedTable, Rows, Table, Value};
use crate::{Result, SqliteStore, Store, StoreError};

/// How many chunks wait between the two databases.
const CHUNKS: usize = 4;

/// From when on the details of a source are there.
const DETAILS_FROM: &str = "details_from";

/// Longer than any copy takes.
const PATIENCE: std::time::Duration = std::time::Duration::from_hours(24);

impl PostgresStore {
    /// Moves everything that a SQLite store holds into an empty schema, in one transaction: positions, epochs, rows with
    /// their revisions, feeds with their numbers, and the identity, so that readers go on from their cursors. What was
    /// written is read back and compared. Whoever starts on the schema meanwhile waits.
    ///
    /// Fails if the schema holds anything; then, and after any other failure, it is left as it was. Afterwards nobody
    /// may go on with the SQLite store: there would be two that claim to be one.
    pub async fn copy_from(
        from: &SqliteStore,
        to: &PostgresUrl,
        options: &PostgresOptions,
    ) -> Result<Vec<CopiedTable>> {
        let options = PostgresOptions { statement_timeout: PATIENCE, ..options.clone() };
        prepare(to, &options).await?;
        let copied = async {
            let client = Connector::new(to, &options, Use::Read)?.client().await?;
            client.batch_execute("BEGIN").await?;
            migrate::wait_for_others(&client, to.schema()).await?;
            // Without a commit the end of the connection takes everything back.
            let copied = copy(from, &client, to.schema()).await?;
            client.batch_execute("COMMIT").await?;
            for table in &copied {
                // One by one, and of this schema alone: whoever has others in the database is not waited for. Without them the
                // database makes its statistics by itself, in a while.
                client.batch_execute(&format!("ANALYZE \"{}\"", table.name)).await.ok();
            }
            Ok(copied)
        };
        copied.await.map_err(|fault: Fault| fault.during("copy the store"))
    }
}

async fn copy(from: &SqliteStore, client: &Client, schema: &str) -> Tried<Vec<CopiedTable>> {
    let tables = from.tables().await?;
    let mut shapes = Vec::with_capacity(tables.len());
    for table in &tables {
        let shape = Shape::find(client, schema, table).await?;
        client.batch_execute(&format!("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE", shape.name)).await?;
        refuse_unless_empty(client, schema, &shape.name).await?;
        shapes.push(shape);
    }
    refuse_unless_empty(client, schema, "nodes").await?;
    let mut copied = Vec::with_capacity(tables.len());
    for (table, shape) in tables.into_iter().zip(&shapes) {
        let (name, last_number) = (table.name.clone(), table.last_number);
        let written = write(from, client, table, shape).await?;
        let found = read_back(client, shape).await?;
        if written != found {
            let detail = format!(
                "table {name}: {} rows were written, {} read back, and they differ",
                written.rows, found.rows
            );
            return Err(StoreError::Damaged { what: "copy", detail }.into());
        }
        if let Some(number) = last_number {
            let sequence = "SELECT setval(pg_get_serial_sequence($1, 'id'), $2)";
            client.execute(sequence, &[&name, &number.max(1)]).await?;
        }
        copied.push(found.of(&name));
    }
    // Every batch of a source holds its closer's row until it commits, so there has to be one.
    client
        .batch_execute(
            "INSERT INTO closers (source, epoch) SELECT DISTINCT source, 0 FROM partitions ON CONFLICT DO NOTHING",
        )
        .await?;
    for (source, details_from) in from.details_from().await? {
        let keep = "UPDATE closers SET details_from = $2 WHERE source = $1";
        client.execute(keep, &[&source, &details_from]).await?;
    }
    client.execute("UPDATE pegboard_store SET id = $1", &[&from.id().as_str()]).await?;
    Ok(copied)
}

async fn refuse_unless_empty(client: &Client, schema: &str, table: &str) -> Tried<()> {
    let row = client.query_one(&format!("SELECT EXISTS (SELECT 1 FROM {table})"), &[]).await?;
    if !get::<bool>(&row, 0)? {
        return Ok(());
    }
    let cause =
        format!("schema {schema} is not empty (table {table}): name another one by ?schema= in the URL");
    Err(StoreError::Database { operation: "copy the store", cause: cause.into() }.into())
}

/// A table as it is here.
struct Shape {
    /// In quotes.
    name: String,
    columns: Vec<(String, Kind)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Boolean,
    Number,
    Text,
    Bytes,
}

impl Shape {
    /// Fails unless the table has the same columns here.
    async fn find(client: &Client, schema: &str, table: &Table) -> Tried<Self> {
        let sql = "SELECT column_name::text, data_type::text FROM information_schema.columns
                   WHERE table_schema = $1 AND table_name = $2";
        let mut kinds: BTreeMap<String, String> = BTreeMap::new();
        for row in client.query(sql, &[&schema, &table.name]).await? {
            kinds.insert(get(&row, 0)?, get(&row, 1)?);
        }
        let strange = |column: &str| {
            let detail = format!("column {column} of table {}: PostgreSQL has another one", table.name);
            Fault::from(StoreError::Damaged { what: "schema", detail })
        };
        let mut columns = Vec::with_capacity(table.columns.len());
        for name in &table.columns {
            let kind = match kinds.remove(name).as_deref() {
                Some("boolean") => Kind::Boolean,
                Some("bigint") => Kind::Number,
                Some("text") => Kind::Text,
                Some("bytea") => Kind::Bytes,
                _ => return Err(strange(name)),
            };
            columns.push((format!("\"{name}\""), kind));
        }
        // SQLite keeps this one elsewhere.
        kinds.remove(DETAILS_FROM);
        if let Some(name) = kinds.keys().next() {
            return Err(strange(name));
        }
        Ok(Self { name: format!("\"{}\"", table.name), columns })
    }

    fn names(&self) -> String {
        self.columns.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
    }
}

async fn write(from: &SqliteStore, client: &Client, table: Table, shape: &Shape) -> Tried<Checksum> {
    let kinds = shape.columns.iter().map(|(_, kind)| match kind {
        Kind::Boolean => "boolean[]",
        Kind::Number => "bigint[]",
        Kind::Text => "text[]",
        Kind::Bytes => "bytea[]",
    });
    let arrays: Vec<String> = kinds.zip(1..).map(|(kind, number)| format!("${number}::{kind}")).collect();
    let insert =
        format!("INSERT INTO {} ({}) SELECT * FROM unnest({})", shape.name, shape.names(), arrays.join(", "));
    let insert = client.prepare(&insert).await?;
    let (sender, mut chunks) = mpsc::channel::<Rows>(CHUNKS);
    let writing = async {
        let mut sum = Checksum::default();
        while let Some(rows) = chunks.recv().await {
            for row in &rows {
                sum.add(row);
            }
            let columns: Vec<Box<dyn ToSql + Sync + Send + '_>> =
                (0..).zip(&shape.columns).map(|(place, (_, kind))| array(&rows, place, *kind)).collect();
            let columns: Vec<&(dyn ToSql + Sync)> =
                columns.iter().map(|column| &**column as &(dyn ToSql + Sync)).collect();
            client.execute(&insert, &columns).await?;
        }
        // Whoever reads is told that nobody listens.
        drop(chunks);
        Ok::<_, Fault>(sum)
    };
    let (sum, exported) = tokio::join!(writing, from.export(table, sender));
    // A failure to write is why reading stopped.
    let sum = sum?;
    exported?;
    Ok(sum)
}

/// One column of some rows.
fn array(rows: &Rows, place: usize, kind: Kind) -> Box<dyn ToSql + Sync + Send + '_> {
    let values = rows.iter().map(move |row| &row[place]);
    let number = |value: &Value| match value {
        Value::Number(number) => Some(*number),
        _ => None,
    };
    match kind {
        Kind::Boolean => {
            Box::new(values.map(|value| number(value).map(|number| number != 0)).collect::<Vec<_>>())
        }
        Kind::Number => Box::new(values.map(number).collect::<Vec<_>>()),
        Kind::Text => Box::new(
            values
                .map(|value| match value {
                    Value::Text(given) => Some(text(given)),
                    _ => None,
                })
                .collect::<Vec<_>>(),
        ),
        Kind::Bytes => Box::new(
            values
                .map(|value| match value {
                    Value::Bytes(bytes) => Some(bytes.as_slice()),
                    _ => None,
                })
                .collect::<Vec<_>>(),
        ),
    }
}

async fn read_back(client: &Client, shape: &Shape) -> Tried<Checksum> {
    let all = format!("DECLARE copied NO SCROLL CURSOR FOR SELECT {} FROM {}", shape.names(), shape.name);
    client.batch_execute(&all).await?;
    let fetch = client.prepare(&format!("FETCH {CHUNK} FROM copied")).await?;
    let mut sum = Checksum::default();
    loop {
        let rows = client.query(&fetch, &[]).await?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            let values = (0..).zip(&shape.columns).map(|(place, (_, kind))| value(row, place, *kind));
            sum.add(&values.collect::<Tried<Vec<_>>>()?);
        }
    }
    client.batch_execute("CLOSE copied").await?;
    Ok(sum)
}

fn value(row: &Row, place: usize, kind: Kind) -> Tried<Value> {
    let found = match kind {
        Kind::Boolean => get::<Option<bool>>(row, place)?.map(|value| Value::Number(value.into())),
        Kind::Number => get::<Option<i64>>(row, place)?.map(Value::Number),
        Kind::Text => get::<Option<String>>(row, place)?.map(untext).map(Value::Text),
        Kind::Bytes => get::<Option<Vec<u8>>>(row, place)?.map(Value::Bytes),
    };
    Ok(found.unwrap_or(Value::Null))
}
