//! Connections that are lost, and what waits for them.
//!
//! Where exchanges are counted there is one thread: what is sent together leaves together.

use std::time::Duration;

use pegboard_model::Timestamp;
use pegboard_store::{FeedKind, PostgresOptions, PostgresStore, Store, StoreError};

use super::proxy::{Of, Proxy};
use crate::home::{PostgresHome, clock};
use crate::sample::{commit_events, event, first_event, number, shard, source, whole_feed};

/// One connection that writes, and one that reads, so that it is known which one is lost.
fn single() -> PostgresOptions {
    PostgresOptions { writers: 1, readers: 1, ..PostgresOptions::new(clock) }
}

#[tokio::test]
async fn a_store_goes_on_after_its_connections_are_lost() {
    let Some(home) = PostgresHome::new() else { return };
    let proxy = Proxy::start(&home).await;
    let store = PostgresStore::open(&proxy.url(&home), single()).await.unwrap();
    let epoch = commit_events(&store, &["ann"]).await;
    proxy.swallow(Of::Work, 1);
    let lost = store.commit(event(epoch, 1, "ann")).await.unwrap_err();
    assert_eq!(proxy.cuts(), 1, "the connection was lost before the commit was asked for");
    assert!(matches!(lost, StoreError::Database { operation: "commit a batch", .. }), "{lost}");
    assert!(lost.to_string().contains("the store then goes on by itself"), "{lost}");
    store.commit(event(epoch, 1, "ann")).await.unwrap();
    let evidence = store.evidence(&source(), &"ann".into(), Timestamp::MIN).await.unwrap();
    assert_eq!(evidence.len(), 2);
}

/// Nobody can know whether a commit took place whose answer is lost. It is an error of the caller's, who reads again
/// where the partition stands.
#[tokio::test]
async fn a_commit_of_unknown_outcome_is_an_error_and_counts_once() {
    let Some(home) = PostgresHome::new() else { return };
    let proxy = Proxy::start(&home).await;
    let store = PostgresStore::open(&proxy.url(&home), single()).await.unwrap();
    let epoch = commit_events(&store, &["ann"]).await;
    proxy.swallow(Of::Work, 2);
    let unknown = store.commit(event(epoch, 1, "ann")).await.unwrap_err();
    assert_eq!(proxy.cuts(), 1, "the answer to the commit was lost");
    assert!(matches!(unknown, StoreError::Database { .. }), "{unknown}");

    let again = store.commit(event(epoch, 1, "ann")).await;
    assert!(matches!(again, Err(StoreError::NotOwner { .. })), "it had been committed: {again:?}");
    let stands = store.take_partition(&source(), &shard(), &[]).await.unwrap();
    assert_eq!((stands.position, stands.counts.records), (Some(number(2)), 2));
    assert_eq!(whole_feed(&store, FeedKind::States).await.len(), 2);
    store.commit(event(stands.epoch, 2, "ann")).await.unwrap();
}

#[tokio::test]
async fn a_batch_takes_two_exchanges_and_a_snapshot_one() {
    let Some(home) = PostgresHome::new() else { return };
    let proxy = Proxy::start(&home).await;
    let store = PostgresStore::open(&proxy.url(&home), single()).await.unwrap();
    // The first of each kind has its statements prepared.
    let epoch = commit_events(&store, &["ann"; 2]).await;
    store.agents(&[]).await.unwrap();
    for position in 2..7 {
        let before = proxy.exchanges();
        store.commit(event(epoch, position, "ann")).await.unwrap();
        let committed = proxy.exchanges();
        store.agents(&[]).await.unwrap();
        assert_eq!((committed - before, proxy.exchanges() - committed), (2, 1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_gives_up_waiting_leaves_nothing_open() {
    let Some(home) = PostgresHome::new() else { return };
    let store = PostgresStore::open(&home.url(), single()).await.unwrap();
    let epoch = commit_events(&store, &["ann"]).await;
    let client = home.client().await;
    client.batch_execute("BEGIN; SELECT 1 FROM feeds FOR UPDATE").await.unwrap();
    let waiting =
        tokio::time::timeout(Duration::from_millis(100), store.commit(first_event(epoch, 1, "bob"))).await;
    assert!(waiting.is_err(), "it waits for the lock");
    client.batch_execute("ROLLBACK").await.unwrap();
    // Whether it was committed is for whoever asks again to find out; the one connection is usable.
    let stands = store.take_partition(&source(), &shard(), &[]).await.unwrap();
    let position = crate::sample::position_of(stands.position.as_ref());
    let mut next = event(stands.epoch, position, "bob");
    next.agents[0].version = position - 1;
    store.commit(next).await.unwrap();
    let open = "SELECT count(*) FROM pg_locks JOIN pg_class ON pg_class.oid = relation
                JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE nspname = $1";
    let open: i64 = client.query_one(open, &[&home.url().schema()]).await.unwrap().get(0);
    assert_eq!(open, 0, "no transaction is left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r28_a_lock_that_is_never_let_go_is_an_error() {
    let Some(home) = PostgresHome::new() else { return };
    let options = PostgresOptions { lock_timeout: Duration::from_millis(200), ..single() };
    let store = PostgresStore::open(&home.url(), options).await.unwrap();
    let epoch = commit_events(&store, &["ann"]).await;
    let client = home.client().await;
    client.batch_execute("BEGIN; LOCK TABLE agents").await.unwrap();
    let refused = store.commit(event(epoch, 1, "ann")).await.unwrap_err();
    assert!(refused.to_string().contains("another program holds the lock"), "{refused}");
    client.batch_execute("ROLLBACK").await.unwrap();
    store.commit(event(epoch, 1, "ann")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_are_woken_by_what_other_nodes_commit_even_when_nobody_listened() {
    let Some(home) = PostgresHome::new() else { return };
    let proxy = Proxy::start(&home).await;
    let writer = home.postgres().await;
    let reader = PostgresStore::open(&proxy.url(&home), single()).await.unwrap();
    let mut woken = reader.woken();
    let epoch = commit_events(&writer, &["ann"]).await;
    for position in 1..6 {
        if position == 3 {
            // The only connection of the reader is the one that listens; its next answer gets lost.
            proxy.swallow(Of::Listener, 1);
        }
        woken.borrow_and_update();
        writer.commit(event(epoch, position, "ann")).await.unwrap();
        tokio::time::timeout(Duration::from_secs(5), woken.changed()).await.unwrap().unwrap();
        tokio::time::sleep(Duration::from_millis(1200)).await;
    }
    assert_eq!(proxy.cuts(), 1, "the connection that listens was lost");
    let end = reader.feed_end(FeedKind::States).await.unwrap();
    assert_eq!(end.seen[&source()], 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_database_is_an_error_that_says_what_to_do() {
    let url = "postgres://nobody@127.0.0.1:9/nothing?sslmode=disable".parse().unwrap();
    let refused = PostgresStore::open(&url, single()).await.unwrap_err();
    let told = refused.to_string();
    assert!(told.starts_with("open the store: ") && told.contains("is reachable"), "{told}");
}
