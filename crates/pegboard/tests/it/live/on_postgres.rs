//! A hub over PostgreSQL serves what one over SQLite does, from the start or after its store has moved there.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pegboard_model::Millis;
use pegboard_store::{PostgresOptions, PostgresStore, PostgresUrl, SqliteOptions, SqliteStore, Store as _};

use crate::support::clock;
use crate::support::day::{Day, late};
use crate::support::feeding::{ONLY, all_arrived, feed_only, one_partition};
use crate::support::live::{Live, Tables, assert_alike, config, replayed_tables, settings};
use crate::support::replayed::replay;
use crate::support::script::Script;

/// A schema of the test's own; nothing, said on stderr, where there is no server.
#[expect(clippy::disallowed_methods, reason = "the address of the test server is the test's own setting")]
fn schema() -> Option<PostgresUrl> {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let Ok(server) = std::env::var("PEGBOARD_TEST_POSTGRES") else {
        eprintln!("skipped: PEGBOARD_TEST_POSTGRES names no server");
        return None;
    };
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    Some(format!("{server}?schema=live_{}_{number}", std::process::id()).parse().unwrap())
}

fn day() -> Day {
    Day::of(12, 6, 31).disturbed(&late(31, Millis::from_hours(1)))
}

async fn finish(script: &Script, day: &Day, url: &PostgresUrl) -> Tables {
    let store = PostgresStore::open(url, PostgresOptions::new(clock::noon)).await.unwrap();
    let live = Live::over(Arc::new(store), Box::new(script.clone()), &config()).await;
    live.settle(script, day.end).await;
    let tables = live.tables(day.start, day.end).await;
    let entries = live.feed(&live.beginning()).await;
    assert!((1..).zip(&entries).all(|(number, entry): (u64, _)| number == entry.0), "a number is missing");
    live.stop().await;
    tables
}

#[tokio::test]
async fn r12_a_disturbed_day_on_postgres_equals_replay() {
    let Some(url) = schema() else { return };
    let day = day();
    let found = finish(&one_partition(&day, false), &day, &url).await;
    assert_alike(&replayed_tables(&replay(&day, &settings(&day))), &found);
}

fn open_sqlite(folder: &Path) -> SqliteStore {
    SqliteStore::open(&folder.join("test.db"), SqliteOptions::new(clock::noon)).unwrap()
}

#[tokio::test]
async fn a_hub_whose_store_moves_to_postgres_reads_on_from_its_positions() {
    let Some(url) = schema() else { return };
    let (day, folder) = (day(), tempfile::tempdir().unwrap());
    let script = Script::new(false);
    script.add(ONLY, &[]);
    let half = day.start + Millis::from_hours(3);
    feed_only(&script, &day, day.start, half);
    clock::set(all_arrived(&day));
    let live = Live::start(&script, &config(), folder.path()).await;
    live.read_all(&script).await;
    let read = live.status().await.counts.records;
    assert!(read > 0);
    live.stop().await;

    let before = open_sqlite(folder.path());
    PostgresStore::copy_from(&before, &url, &PostgresOptions::new(clock::noon)).await.unwrap();
    before.shut_down().await.unwrap();

    feed_only(&script, &day, half, all_arrived(&day));
    let found = finish(&script, &day, &url).await;
    assert_alike(&replayed_tables(&replay(&day, &settings(&day))), &found);
}
