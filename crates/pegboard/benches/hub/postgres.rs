//! Durable ingest into PostgreSQL, by one partition and by four, and beside it the bare driver that writes the very same
//! rows, prepared beforehand.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pegboard::clock;
use pegboard_store::{PostgresOptions, PostgresStore};
use tokio_postgres::{Client, NoTls};

use super::centre::Centre;
use super::ingest::{AGENTS, AT_ONCE, EVENTS, TABLES, rate};
use super::{Outcome, quantile, start_over, until_read};

const REPEATS: usize = 3;
const PARTITIONS: [u64; 2] = [1, 4];

/// Measures in schemas of its own of the database at `url`, which are gone afterwards.
pub(crate) async fn run(url: &str) -> Outcome {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    for partitions in PARTITIONS {
        let (mut hub, mut bare, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..REPEATS {
            let through_hub = ingest(&client, url, partitions).await?;
            let by_driver = write_same(&client).await?;
            ratios.push(by_driver.as_secs_f64() / through_hub.as_secs_f64());
            hub.push(rate(through_hub));
            bare.push(rate(by_driver));
        }
        println!(
            "| durable ingest into PostgreSQL, partitions of one source: {partitions} | {:.0} events/s (best {:.0}) | {:.2} of the bare driver ({:.0} events/s) | {AT_ONCE} records at once; the driver writes the same rows, ready made, a statement for each table and batch, on one connection |",
            quantile(&mut hub, 0.5),
            quantile(&mut hub, 1.0),
            quantile(&mut ratios, 0.5),
            quantile(&mut bare, 0.5),
        );
    }
    client.batch_execute("DROP SCHEMA IF EXISTS bench_hub, bench_bare CASCADE").await?;
    Ok(())
}

async fn ingest(client: &Client, url: &str, partitions: u64) -> Result<Duration, Box<dyn Error>> {
    client.batch_execute("DROP SCHEMA IF EXISTS bench_hub CASCADE").await?;
    let centre = Centre::ready(AGENTS, EVENTS, partitions);
    let url = format!("{url}?schema=bench_hub").parse()?;
    let store = PostgresStore::open(&url, PostgresOptions::new(clock::system)).await?;
    let began = Instant::now();
    let (_hub, running, store) = start_over(&centre, Arc::new(store)).await?;
    until_read(&*store, EVENTS).await?;
    let took = began.elapsed();
    running.stop().await?;
    Ok(took)
}

/// The rows of one table that came of the events, by column, each value as text.
struct Table {
    insert: String,
    columns: Vec<Vec<Option<String>>>,
}

impl Table {
    fn len(&self) -> usize {
        self.columns.first().map_or(0, Vec::len)
    }

    /// The rows of one of so many chunks. An agent's are written in every other one.
    fn chunk<'a>(&'a self, number: usize, chunks: usize) -> Vec<Vec<Option<&'a str>>> {
        let each = if self.len() > AT_ONCE * 2 { self.len().div_ceil(chunks) } else { AT_ONCE };
        let from = number * each % self.len().max(1);
        let part = |column: &'a Vec<Option<String>>| {
            column.iter().skip(from).take(each).map(Option::as_deref).collect()
        };
        self.columns.iter().map(part).collect()
    }
}

async fn write_same(client: &Client) -> Result<Duration, Box<dyn Error>> {
    client.batch_execute("DROP SCHEMA IF EXISTS bench_bare CASCADE; CREATE SCHEMA bench_bare").await?;
    let mut tables = Vec::new();
    for (name, order) in TABLES {
        client
            .batch_execute(&format!("CREATE TABLE bench_bare.{name} (LIKE bench_hub.{name} INCLUDING ALL)"))
            .await?;
        tables.push(load(client, name, order).await?);
    }
    let mut inserts = Vec::new();
    for table in &tables {
        inserts.push(client.prepare(&table.insert).await?);
    }
    let chunks = usize::try_from(EVENTS)?.div_ceil(AT_ONCE);
    let began = Instant::now();
    for number in 0..chunks {
        client.batch_execute("BEGIN").await?;
        for (table, insert) in tables.iter().zip(&inserts) {
            let chunk = table.chunk(number, chunks);
            let values: Vec<&(dyn tokio_postgres::types::ToSql + Sync)> =
                chunk.iter().map(|column| column as _).collect();
            client.execute(insert, &values).await?;
        }
        client.batch_execute("COMMIT").await?;
    }
    Ok(began.elapsed())
}

async fn load(client: &Client, name: &str, order: &str) -> Result<Table, Box<dyn Error>> {
    let types = "SELECT column_name::text, data_type::text FROM information_schema.columns
                 WHERE table_schema = 'bench_hub' AND table_name = $1 ORDER BY ordinal_position";
    let types: Vec<(String, String)> =
        client.query(types, &[&name]).await?.iter().map(|row| (row.get(0), row.get(1))).collect();
    let list = |each: &dyn Fn(usize, &str, &str) -> String| {
        let parts = types.iter().zip(1..).map(|((column, kind), number)| each(number, column, kind));
        parts.collect::<Vec<_>>().join(", ")
    };
    let texts = list(&|_, column, _| format!("{column}::text"));
    let rows = client.query(&format!("SELECT {texts} FROM bench_hub.{name} ORDER BY {order}"), &[]).await?;
    let columns = (0..types.len()).map(|column| rows.iter().map(|row| row.get(column)).collect()).collect();
    let (names, typed) =
        (list(&|_, column, _| column.to_owned()), list(&|_, column, kind| format!("{column}::{kind}")));
    let arrays = list(&|number, _, _| format!("${number}::text[]"));
    let mut insert = format!(
        "INSERT INTO bench_bare.{name} ({names}) SELECT {typed} FROM unnest({arrays}) AS given ({names})"
    );
    if name == "agents" {
        let set = list(&|_, column, _| format!("{column} = excluded.{column}"));
        insert.extend([" ON CONFLICT (source, agent) DO UPDATE SET ", &set]);
    }
    Ok(Table { insert, columns })
}
