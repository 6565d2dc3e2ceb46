//! That a file stays within its budget, and that the room that things took is given back.

use std::fs;
use std::path::PathBuf;

use pegboard_store::{Batch, Retention, SqliteOptions, SqliteStore, Store};

use crate::home::{SqliteHome, clock};
use crate::sample::{at, event, shard, source};
use crate::suite::retention::{fill, oldest};

const DAY: i64 = 24 * 3600;

fn open(home: &SqliteHome, retention: Retention) -> SqliteStore {
    let options = SqliteOptions { retention, ..SqliteOptions::new(clock) };
    SqliteStore::open(&home.path(), options).unwrap()
}

fn size(path: PathBuf) -> u64 {
    fs::metadata(path).unwrap().len()
}

#[tokio::test]
async fn r28_the_oldest_details_go_when_the_disk_budget_is_used_up_and_the_room_is_given_back() {
    let home = SqliteHome::new();
    let store = open(&home, Retention::default());
    fill(&store, 40, 800, at(0)).await;
    store.shut_down().await.unwrap();
    let full = size(home.path());
    assert!(full > 20 << 20, "{full}");

    let budget = full / 2;
    let store = open(&home, Retention { disk_budget: Some(budget), ..Retention::default() });
    store.sweep(at(0)).await.unwrap();
    let kept = oldest(&store).await;
    assert!(at(-39 * DAY) < kept && kept <= at(-8 * DAY), "{kept}");
    store.shut_down().await.unwrap();
    let left = size(home.path());
    assert!(left < budget + (5 << 20), "of {full} bytes {left} are left, with a budget of {budget}");

    let store = open(&home, Retention { disk_budget: Some(1 << 20), ..Retention::default() });
    let over = store.sweep(at(0)).await.unwrap_err();
    assert!(over.to_string().contains("raise the budget"), "{over}");
    assert_eq!(oldest(&store).await, at(-8 * DAY), "what may still change stays");
}

#[tokio::test]
async fn r28_the_log_is_written_back_as_it_grows() {
    let home = SqliteHome::new();
    let store = open(&home, Retention::default());
    let epoch = store.take_partition(&source(), &shard(), &[]).await.unwrap().epoch;
    let log = home.path().with_file_name("pegboard.db-wal");
    let mut written = 0;
    let mut largest = 0;
    let payload = vec![7; 60_000];
    for position in 0..120 {
        let letters = (0..10).map(|n| crate::sample::dead_letter(n, payload.clone())).collect();
        store.commit(Batch { dead_letters: letters, ..event(epoch, position, "ann") }).await.unwrap();
        written += 600_000;
        largest = largest.max(size(log.clone()));
    }
    assert!(written > 64 << 20 && largest < 20 << 20, "{written} bytes written, a log of {largest}");
}
