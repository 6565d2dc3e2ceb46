//! What goes when, and that the room that it took is given back.

use std::fs;
use std::path::PathBuf;

use pegboard_model::Timestamp;
use pegboard_store::{Batch, Close, DirtyMark, Retention, SegmentsWrite, SqliteOptions, SqliteStore, Store};

use crate::home::{SqliteHome, clock};
use crate::sample::{all_segments, at, batch, close, contact, event, row, segment, shard, source};

const DAY: i64 = 24 * 3600;

fn open(home: &SqliteHome, retention: Retention) -> SqliteStore {
    let options = SqliteOptions { retention, ..SqliteOptions::new(clock) };
    SqliteStore::open(&home.path(), options).unwrap()
}

/// Details of so many days before the beginning of the tests, `each` of them a day; closed up to `closed_until`.
async fn fill(store: &SqliteStore, days: i64, each: i64, closed_until: Timestamp) {
    store.take_partition(&source(), &shard(), &[]).await.unwrap();
    for (position, day) in (0..).zip(-days..0) {
        let times = (0..each).map(|n| day * DAY + n * (DAY / each));
        let segments = times.clone().map(|time| segment(time, Some(time + 60), &"x".repeat(200))).collect();
        let write = SegmentsWrite { agent: "ann".into(), from: at(day * DAY), segments, keep_mark: false };
        let contacts = times.map(|time| (contact(&format!("c{time}"), time, 0), Some(at(time)))).collect();
        store.commit(Batch { segments: vec![write], contacts, ..batch(1, position) }).await.unwrap();
    }
    let epoch = store.take_closer(&source()).await.unwrap().epoch;
    let rows = vec![row("ann", "{}", "first")];
    store.close(Close { rows, closed_until, ..close(epoch) }).await.unwrap();
}

async fn oldest(store: &SqliteStore) -> Timestamp {
    all_segments(store, "ann").await[0].start
}

#[tokio::test]
async fn r28_details_go_after_62_days_and_rows_stay() {
    let home = SqliteHome::new();
    let store = open(&home, Retention::default());
    fill(&store, 70, 1, at(0)).await;
    store.sweep(at(0)).await.unwrap();
    assert_eq!(oldest(&store).await, at(-62 * DAY));
    let contacts = store.contacts(&source(), Timestamp::MIN, Timestamp::MAX).await.unwrap();
    assert_eq!(contacts.len(), 62);
    store.sweep(at(100 * DAY)).await.unwrap();
    assert_eq!(all_segments(&store, "ann").await, [], "all of them are closed");
    assert_eq!(store.rows(&source(), "agent_interval", at(0), at(1)).await.unwrap().len(), 1);
}

#[tokio::test]
async fn details_that_are_not_closed_yet_stay_however_old() {
    let home = SqliteHome::new();
    let store = open(&home, Retention::default());
    fill(&store, 70, 1, at(-68 * DAY)).await;
    store.sweep(at(0)).await.unwrap();
    assert_eq!(oldest(&store).await, at(-68 * DAY));
}

#[tokio::test]
async fn nothing_is_derived_again_of_which_the_details_are_gone() {
    let home = SqliteHome::new();
    let store = open(&home, Retention::default());
    fill(&store, 70, 1, at(0)).await;
    store.sweep(at(0)).await.unwrap();
    let mark = |from: i64, to: i64| DirtyMark { agent: None, from: at(from * DAY), to: at(to * DAY) };
    store.commit(Batch { dirty: vec![mark(-65, -64)], ..batch(1, 70) }).await.unwrap();
    assert_eq!(store.dirty(&source(), 9).await.unwrap(), []);
    store.commit(Batch { dirty: vec![mark(-65, -61)], ..batch(1, 71) }).await.unwrap();
    assert_eq!(store.dirty(&source(), 9).await.unwrap(), [mark(-62, -61)]);
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
