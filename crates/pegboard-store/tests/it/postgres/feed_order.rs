//! The numbers of feeds under many nodes. The classic mistake is a sequence: a transaction takes number 7 and another
//! number 8, the second commits first, a reader sees 8 and goes on from there, and 7 is never seen.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use pegboard_model::{PartitionId, Timestamp};
use pegboard_store::{Batch, Cursor, FeedKind, PostgresStore, Store};

use crate::home::PostgresHome;
use crate::sample::{beginning, commit_events, event, now, source};

const TASKS: usize = 8;
const BATCHES: u64 = 60;

async fn commit_batches(store: Arc<PostgresStore>, task: usize, left: Arc<AtomicUsize>) {
    let partition = PartitionId::from(format!("lane-{task}"));
    let epoch = store.take_partition(&source(), &partition, &[]).await.unwrap().epoch;
    for position in 0..BATCHES {
        let agent = format!("agent-{task}");
        let batch = event(epoch, position, &agent);
        // Of different lengths, so that they take different times.
        let more = (0..position * 7 % 23).map(|more| now(&agent, more.cast_signed(), "more"));
        let states = batch.states.iter().cloned().chain(more).collect();
        store.commit(Batch { partition: partition.clone(), states, ..batch }).await.unwrap();
    }
    left.fetch_sub(1, Ordering::SeqCst);
}

/// Reads as fast as it can until the writers are done; answers every number it saw, in order.
async fn follow(store: Arc<PostgresStore>, left: Arc<AtomicUsize>) -> Vec<u64> {
    let mut cursor: Cursor = beginning(&*store);
    let mut seen = Vec::new();
    loop {
        let done = left.load(Ordering::SeqCst) == 0;
        let page = store.feed(FeedKind::States, &cursor, &[], 1000).await.unwrap();
        seen.extend(page.entries.iter().map(|entry| entry.number));
        cursor = page.cursor;
        if done && !page.more {
            return seen;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_number_is_missed_and_none_is_seen_out_of_order() {
    let Some(home) = PostgresHome::new() else { return };
    let nodes = [Arc::new(home.postgres().await), Arc::new(home.postgres().await)];
    let reader = Arc::new(home.postgres().await);
    let left = Arc::new(AtomicUsize::new(TASKS));
    let readers: Vec<_> = (0..3).map(|_| tokio::spawn(follow(reader.clone(), left.clone()))).collect();
    let writers: Vec<_> = (0..TASKS)
        .map(|task| tokio::spawn(commit_batches(nodes[task % 2].clone(), task, left.clone())))
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let last = reader.feed_end(FeedKind::States).await.unwrap().seen[&source()];
    assert!(last > TASKS as u64 * BATCHES);
    for reader in readers {
        let seen = tokio::time::timeout(Duration::from_mins(1), reader).await.unwrap().unwrap();
        assert_eq!(seen, (1..=last).collect::<Vec<_>>());
    }
    for task in 0..TASKS {
        let agent = format!("agent-{task}").as_str().into();
        let evidence = reader.evidence(&source(), &agent, Timestamp::MIN).await.unwrap();
        assert_eq!(evidence.len() as u64, BATCHES);
    }
}

/// The reason why: whoever has taken a number and not committed keeps all others from taking the next.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_that_is_taken_and_not_committed_holds_up_the_next() {
    let Some(home) = PostgresHome::new() else { return };
    let store = Arc::new(home.postgres().await);
    let epoch = commit_events(&*store, &["ann"]).await;
    let other = home.client().await;
    other.batch_execute("BEGIN; UPDATE feeds SET head = head + 1").await.unwrap();
    let committing = {
        let store = store.clone();
        tokio::spawn(async move { store.commit(event(epoch, 1, "ann")).await })
    };
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!committing.is_finished(), "it would be visible before the number in front of it");
    other.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(committing.await.unwrap().unwrap().last_state, 2, "what was not committed leaves no gap");
}
