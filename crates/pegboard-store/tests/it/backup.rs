//! Copies of a store, and stores from copies.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pegboard_model::Timestamp;
use pegboard_store::{FeedKind, SqliteStore, Store, StoreError};
use rusqlite::OpenFlags;

use crate::home::{Home, SqliteHome};
use crate::sample::{commit_events, event, position_of, shard, source, whole_feed};

async fn position(store: &dyn Store) -> u64 {
    position_of(store.partitions(&source()).await.unwrap()[0].position.as_ref())
}

/// The batches that a store holds, each as a whole.
async fn whole_batches(store: &dyn Store) -> u64 {
    let position = position(store).await;
    let evidence = store.evidence(&source(), &"ann".into(), Timestamp::MIN).await.unwrap();
    assert_eq!(evidence.len() as u64, position);
    assert_eq!(whole_feed(store, FeedKind::States).await.len() as u64, position);
    position
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_is_of_one_moment_while_writing_goes_on() {
    let home = SqliteHome::new();
    let store = Arc::new(home.sqlite());
    let epoch = commit_events(&*store, &["ann"; 300]).await;
    let stop = Arc::new(AtomicBool::new(false));
    let (writing, stopped) = (store.clone(), stop.clone());
    let writer = tokio::spawn(async move {
        let mut position = 300;
        while !stopped.load(Ordering::SeqCst) {
            writing.commit(event(epoch, position, "ann")).await.unwrap();
            position += 1;
        }
        position
    });
    let before = position(&*store).await;
    let backup = store.backup().await.unwrap();
    let after = position(&*store).await;
    stop.store(true, Ordering::SeqCst);
    assert!(writer.await.unwrap() >= after && after >= before);
    assert_eq!(fs::metadata(&backup.path).unwrap().len(), backup.bytes);

    let restored = SqliteHome::new();
    let id = SqliteStore::restore(&backup.path, &restored.path(), false).unwrap();
    let copy = restored.sqlite();
    assert_eq!(*copy.id(), id);
    let copied = whole_batches(&copy).await;
    assert!((before..=after).contains(&copied), "{before} <= {copied} <= {after}");
    // It reads on from where it was.
    let taken = copy.take_partition(&source(), &shard(), &[]).await.unwrap();
    copy.commit(event(taken.epoch, copied, "ann")).await.unwrap();
    assert_eq!(whole_batches(&copy).await, copied + 1);
}

#[tokio::test]
async fn cursors_of_the_store_that_was_copied_are_refused() {
    let home = SqliteHome::new();
    let store = home.sqlite();
    commit_events(&store, &["ann"; 3]).await;
    let cursor = store.agents(&[]).await.unwrap().cursor;
    let backup = store.backup().await.unwrap();
    store.shut_down().await.unwrap();
    SqliteStore::restore(&backup.path, &home.path(), true).unwrap();
    let restored = home.sqlite();
    let refused = restored.feed(FeedKind::States, &cursor, &[], 9).await;
    assert!(matches!(refused, Err(StoreError::CursorGone)), "{refused:?}");
}

#[tokio::test]
async fn a_store_that_is_there_is_replaced_only_if_told_and_kept_aside() {
    let home = SqliteHome::new();
    let store = home.sqlite();
    let epoch = commit_events(&store, &["ann"; 3]).await;
    let backup = store.backup().await.unwrap();
    store.commit(event(epoch, 3, "ann")).await.unwrap();
    let in_use = SqliteStore::restore(&backup.path, &home.path(), true);
    assert!(matches!(in_use, Err(StoreError::InUse { .. })), "{in_use:?}");
    store.shut_down().await.unwrap();
    let refused = SqliteStore::restore(&backup.path, &home.path(), false).unwrap_err();
    assert!(refused.to_string().contains("exists already"), "{refused}");
    assert_eq!(position(&home.sqlite()).await, 4, "it was left alone");

    SqliteStore::restore(&backup.path, &home.path(), true).unwrap();
    assert_eq!(whole_batches(&home.sqlite()).await, 3);
    let aside = home.path().with_file_name("pegboard.db.replaced");
    let kept = SqliteStore::open(&aside, SqliteHome::options()).unwrap();
    assert_eq!(whole_batches(&kept).await, 4);
    let again = SqliteStore::restore(&backup.path, &home.path(), true).unwrap_err();
    assert!(again.to_string().contains("move it away"), "{again}");
}

#[tokio::test]
async fn what_is_no_whole_copy_of_a_store_is_refused() {
    let home = SqliteHome::new();
    let store = home.open().await;
    commit_events(&*store, &["ann"; 50]).await;
    let backup = store.backup().await.unwrap().path;
    let to = SqliteHome::new();
    let refused = |bytes: &[u8]| {
        let copy = to.path().with_file_name("copy");
        fs::write(&copy, bytes).unwrap();
        let refused = SqliteStore::restore(&copy, &to.path(), false).unwrap_err();
        assert!(!to.path().exists(), "{refused}");
        refused.to_string()
    };
    let mut bytes = fs::read(&backup).unwrap();
    bytes[4096 * 3..4096 * 3 + 16].fill(0x5a);
    let damaged = refused(&bytes);
    assert!(damaged.contains("does not read back"), "{damaged}");
    refused(b"name,team\n");
    let empty = refused(b"");
    assert!(empty.contains("no copy of a store"), "{empty}");
    let newer = pegboard_pages::open(&backup, OpenFlags::default()).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    drop(newer);
    let newer = refused(&fs::read(&backup).unwrap());
    assert!(newer.contains("schema version 99"), "{newer}");
    let missing = SqliteStore::restore(&backup.with_file_name("nowhere"), &to.path(), false);
    assert!(missing.is_err() && !to.path().exists());
}
