//! Who may write: one process holds a store, one owner a partition.

use pegboard_model::Millis;
use pegboard_store::{SqliteOptions, SqliteStore, StoreError};

use crate::support::clock;
use crate::support::day::Day;
use crate::support::feeding::{ONLY, all_arrived, feed_only};
use crate::support::live::{
    Live, SOURCE, assert_alike, config, open_store, replayed_tables, settings, until,
};
use crate::support::replayed::replay;
use crate::support::script::Script;

#[tokio::test]
async fn r06_a_second_store_on_the_same_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_store(folder.path());
    let path = folder.path().join("test.db");
    let second = SqliteStore::open(&path, SqliteOptions::new(clock::noon));
    assert!(matches!(second, Err(StoreError::InUse { .. })), "{second:?}");
    drop(store);
}

#[tokio::test]
async fn r06_a_hub_whose_partition_was_taken_notices_and_goes_on_from_what_is_stored() {
    let (day, folder) = (Day::of(12, 6, 41), tempfile::tempdir().unwrap());
    let script = Script::new(false);
    script.add(ONLY, &[]);
    clock::set(all_arrived(&day));
    let live = Live::start(&script, &config(), folder.path()).await;
    let mut from = day.start;
    for hour in 1..=3 {
        let to = day.start + Millis::from_hours(hour);
        feed_only(&script, &day, from, to);
        clock::set(all_arrived(&day));
        live.read_all(&script).await;
        let taken = live.store.take_partition(&SOURCE.into(), &ONLY.into(), &[]).await.unwrap();
        live.store.take_closer(&SOURCE.into()).await.unwrap();
        assert!(taken.epoch > 1);
        from = to;
    }
    feed_only(&script, &day, from, all_arrived(&day));
    let read = async || {
        let status = live.status().await;
        status.counts.records == day.deliveries().len() as u64
    };
    until("everything is read", read).await;
    assert_eq!(script.opened(), 4, "opened anew each time");
    live.settle(&script, day.end).await;
    assert_alike(&replayed_tables(&replay(&day, &settings(&day))), &live.tables(day.start, day.end).await);
    live.stop().await;
}

#[tokio::test]
async fn who_lets_go_of_a_hub_without_stopping_it_ends_its_tasks() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::new(false);
    script.add(ONLY, &[]);
    let live = Live::start(&script, &config(), folder.path()).await;
    until("it reads", async || script.opened() > 0).await;
    let store = std::sync::Arc::downgrade(&live.store);
    drop(live);
    until("nobody holds the store any more", async || store.strong_count() == 0).await;
}
