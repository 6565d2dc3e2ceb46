//! Durable ingest into SQLite, and beside it the bare driver that writes the very same rows, prepared beforehand.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::centre::Centre;
use super::{Outcome, quantile, start, until_read};

pub(crate) const AGENTS: u64 = 1000;
pub(crate) const EVENTS: u64 = 20_000;
/// Events in a transaction, as the hub reads them.
pub(crate) const AT_ONCE: usize = 500;
const REPEATS: usize = 5;

pub(crate) async fn run() -> Outcome {
    let (mut hub, mut bare, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..REPEATS {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("bench.db");
        let through_hub = ingest(&path).await?;
        let by_driver = write_same(&path, &folder.path().join("bare.db"))?;
        ratios.push(by_driver.as_secs_f64() / through_hub.as_secs_f64());
        hub.push(rate(through_hub));
        bare.push(rate(by_driver));
    }
    println!(
        "| durable ingest into SQLite | {:.0} events/s (best {:.0}) | {:.2} of the bare driver ({:.0} events/s) | decode, fold and commit, {AT_ONCE} records at once; the driver writes the same rows, ready made |",
        quantile(&mut hub, 0.5),
        quantile(&mut hub, 1.0),
        quantile(&mut ratios, 0.5),
        quantile(&mut bare, 0.5),
    );
    Ok(())
}

/// Events a second.
#[expect(clippy::cast_precision_loss, reason = "a small number")]
pub(crate) fn rate(took: Duration) -> f64 {
    EVENTS as f64 / took.as_secs_f64()
}

async fn ingest(path: &Path) -> Result<Duration, Box<dyn std::error::Error>> {
    let centre = Centre::ready(AGENTS, EVENTS, 1);
    let began = Instant::now();
    let (_hub, running, store) = start(&centre, path).await?;
    until_read(&*store, EVENTS).await?;
    let took = began.elapsed();
    running.stop().await?;
    Ok(took)
}

/// The rows of one table that came of the events, in the order in which they were written.
struct Table {
    insert: String,
    rows: Vec<Vec<Value>>,
}

/// Tables, and how often each of their rows is written in an ingest: once, but an agent's with each of its events.
pub(crate) const TABLES: [(&str, &str); 4] =
    [("evidence", "at, id"), ("segments", "start"), ("feed_entries", "number"), ("agents", "agent")];

fn write_same(from: &Path, to: &Path) -> Result<Duration, Box<dyn std::error::Error>> {
    let source = Connection::open(from)?;
    let mut bare = Connection::open(to)?;
    bare.pragma_update(None, "journal_mode", "WAL")?;
    bare.pragma_update(None, "synchronous", "FULL")?;
    // As the store has them, so that the difference is what is done and not how much memory it is done in.
    bare.pragma_update(None, "cache_size", -(32 << 10))?;
    bare.pragma_update(None, "wal_autocheckpoint", 4096)?;
    let mut tables = Vec::new();
    for (name, order) in TABLES {
        let schema: String = source.query_row(
            "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?1",
            [name],
            |row| row.get(0),
        )?;
        bare.execute_batch(&schema)?;
        tables.push(load(&source, name, order)?);
    }
    let chunks = usize::try_from(EVENTS)?.div_ceil(AT_ONCE);
    let began = Instant::now();
    for chunk in 0..chunks {
        let transaction = bare.transaction()?;
        for table in &tables {
            let mut insert = transaction.prepare_cached(&table.insert)?;
            let each = table.rows.len().div_ceil(chunks);
            let rows: Vec<_> = if table.rows.len() == usize::try_from(AGENTS)? {
                table.rows.iter().cycle().skip(chunk * AT_ONCE).take(AT_ONCE).collect()
            } else {
                table.rows.iter().skip(chunk * each).take(each).collect()
            };
            for row in rows {
                insert.execute(params_from_iter(row))?;
            }
        }
        transaction.commit()?;
    }
    Ok(began.elapsed())
}

fn load(source: &Connection, name: &str, order: &str) -> rusqlite::Result<Table> {
    let mut select = source.prepare(&format!("SELECT * FROM {name} ORDER BY {order}"))?;
    let columns = select.column_count();
    let rows = select.query_map([], |row| (0..columns).map(|column| row.get(column)).collect())?;
    let rows = rows.collect::<rusqlite::Result<_>>()?;
    let marks = vec!["?"; columns].join(", ");
    Ok(Table { insert: format!("INSERT OR REPLACE INTO {name} VALUES ({marks})"), rows })
}
