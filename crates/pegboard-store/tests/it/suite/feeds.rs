//! Feeds and snapshots.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use pegboard_model::{AgentNow, PartitionId, SourceName};
use pegboard_store::{AgentWrite, Batch, Cursor, FeedEntry, FeedKind, Store, StoreError};
use tokio::sync::Barrier;

use crate::home::Home;
use crate::sample::{agent_write, at, batch, beginning, commit_events, now, shard, source, whole_feed};

const PARTITIONS: u64 = 8;
const BATCHES: u64 = 40;
const CHANGES: u64 = PARTITIONS * BATCHES * 3;

/// Commits batches of one partition, each with a change of three agents of its own. In the middle it waits for the
/// others.
async fn write_changes(store: Arc<dyn Store>, lane: u64, half: Arc<Barrier>) {
    let partition = PartitionId::from(format!("lane-{lane}"));
    let epoch = store.take_partition(&source(), &partition, &[]).await.unwrap().epoch;
    let mut last = 0;
    for step in 0..BATCHES {
        if step == BATCHES / 2 {
            half.wait().await;
        }
        let changes: Vec<AgentNow> = (0..3)
            .map(|agent| now(&format!("agent-{lane}-{agent}"), step.cast_signed(), &format!("status {step}")))
            .collect();
        let batch = Batch {
            partition: partition.clone(),
            agents: changes.iter().map(|now| AgentWrite { version: step, ..agent_write(now) }).collect(),
            states: changes,
            ..batch(epoch, step)
        };
        let committed = store.commit(batch).await.unwrap();
        assert!(committed.last_state >= last + 3, "numbers only grow");
        last = committed.last_state;
    }
}

fn changes_of(entries: &[FeedEntry]) -> BTreeMap<String, Vec<AgentNow>> {
    let mut changes: BTreeMap<String, Vec<AgentNow>> = BTreeMap::new();
    for entry in entries {
        let change: AgentNow = serde_json::from_str(&entry.body).unwrap();
        changes.entry(change.agent_id.to_string()).or_default().push(change);
    }
    changes
}

pub(crate) async fn numbers_have_no_gaps_under_concurrent_partitions(home: &dyn Home) {
    let store = home.open().await;
    let half = Arc::new(Barrier::new(usize::try_from(PARTITIONS).unwrap()));
    let writers: Vec<_> =
        (0..PARTITIONS).map(|lane| tokio::spawn(write_changes(store.clone(), lane, half.clone()))).collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let feed = whole_feed(&*store, FeedKind::States).await;
    let numbers: Vec<u64> = feed.iter().map(|entry| entry.number).collect();
    let expected: Vec<u64> = (1..=CHANGES).collect();
    assert_eq!(numbers, expected);
    let changes = changes_of(&feed);
    assert_eq!(changes.len() as u64, PARTITIONS * 3);
    for changes in changes.values() {
        assert_eq!(changes.len() as u64, BATCHES);
        assert!(changes.is_sorted_by_key(|change| change.since), "in order per agent");
    }
    assert_eq!(store.feed_end(FeedKind::States).await.unwrap().seen[&source()], expected.len() as u64);
}

/// What a reader knows: a snapshot, and every change since.
struct Reader {
    agents: BTreeMap<String, AgentNow>,
    cursor: Cursor,
    applied: u64,
}

impl Reader {
    /// An agent that stands at its change n has been told of n times, so the agents of a snapshot add up to its cursor.
    async fn new(store: &dyn Store) -> Self {
        let snapshot = store.agents(&[]).await.unwrap();
        let changes = snapshot.agents.iter().map(|entry| entry.now.since.since(at(0)).get() / 1000 + 1);
        let told = snapshot.cursor.seen.get(&source()).copied().unwrap_or(0);
        assert_eq!(changes.sum::<i64>(), told.cast_signed(), "snapshot and cursor are of one moment");
        let agents = snapshot.agents.into_iter().map(|entry| (entry.now.agent_id.to_string(), entry.now));
        Self { agents: agents.collect(), cursor: snapshot.cursor, applied: 0 }
    }

    /// The number of the last change that it knows.
    fn seen(&self) -> u64 {
        self.cursor.seen.get(&source()).copied().unwrap_or(0)
    }

    /// Applies a page. Every change is newer than what is known of its agent: none came twice, none was missed.
    async fn catch_up(&mut self, store: &dyn Store) {
        loop {
            let page = store.feed(FeedKind::States, &self.cursor, &[], 10).await.unwrap();
            for entry in &page.entries {
                let change: AgentNow = serde_json::from_str(&entry.body).unwrap();
                let known = self.agents.insert(change.agent_id.to_string(), change.clone());
                if let Some(known) = known {
                    assert_eq!(known.since.since(change.since).get(), -1000, "the very next change");
                }
                self.applied += 1;
            }
            self.cursor = page.cursor;
            if !page.more {
                return;
            }
        }
    }
}

/// Snapshots from the first half of the changes on, then the feed, woken only by the store, to the very end.
async fn read_along(store: Arc<dyn Store>, begins: u64, half: Arc<Barrier>) -> Reader {
    let mut woken = store.woken();
    let mut reader = Reader::new(&*store).await;
    while reader.seen() < begins {
        woken.changed().await.unwrap();
        reader = Reader::new(&*store).await;
    }
    let first = reader.seen();
    half.wait().await;
    loop {
        woken.borrow_and_update();
        reader.catch_up(&*store).await;
        if reader.seen() == CHANGES {
            break;
        }
        woken.changed().await.unwrap();
        Reader::new(&*store).await;
    }
    assert_eq!(first + reader.applied, CHANGES);
    assert!(reader.applied >= CHANGES / 2, "it began while others wrote");
    reader
}

pub(crate) async fn snapshot_and_feed_show_every_change_once(home: &dyn Home) {
    const READERS: u64 = 4;
    let store = home.open().await;
    let half = Arc::new(Barrier::new(usize::try_from(PARTITIONS + READERS).unwrap()));
    for lane in 0..PARTITIONS {
        tokio::spawn(write_changes(store.clone(), lane, half.clone()));
    }
    let readers: Vec<_> = (0..READERS)
        .map(|turn| tokio::spawn(read_along(store.clone(), turn * CHANGES / 2 / READERS, half.clone())))
        .collect();
    for reader in readers {
        let reader = tokio::time::timeout(Duration::from_mins(1), reader).await.unwrap().unwrap();
        let last = store.agents(&[]).await.unwrap();
        assert_eq!(reader.cursor, last.cursor);
        let known: Vec<&AgentNow> = reader.agents.values().collect();
        assert_eq!(known, last.agents.iter().map(|entry| &entry.now).collect::<Vec<_>>());
    }
}

async fn fill(store: &dyn Store, source: &str, changes: i64) {
    let source = SourceName::from(source);
    let epoch = store.take_partition(&source, &shard(), &[]).await.unwrap().epoch;
    let states = (0..changes).map(|seconds| now("ann", seconds, "Available")).collect();
    store.commit(Batch { source, states, ..batch(epoch, 0) }).await.unwrap();
}

pub(crate) async fn r28_a_page_is_fair_and_bounded(home: &dyn Home) {
    let store = home.open().await;
    fill(&*store, "busy", 10_001).await;
    fill(&*store, "quiet", 2).await;
    let page = store.feed(FeedKind::States, &beginning(&*store), &[], 10).await.unwrap();
    let of = |name: &str| page.entries.iter().filter(|entry| entry.source.as_str() == name).count();
    assert_eq!((of("busy"), of("quiet"), page.more), (8, 2, true));
    assert_eq!((page.cursor.seen["busy"], page.cursor.seen["quiet"]), (8, 2));

    let whole =
        store.feed(FeedKind::States, &beginning(&*store), &["busy".into()], usize::MAX).await.unwrap();
    assert_eq!((whole.entries.len(), whole.more), (10_000, true), "a page has a limit of its own");
    let rest = store.feed(FeedKind::States, &whole.cursor, &["busy".into()], usize::MAX).await.unwrap();
    assert_eq!((rest.entries.len(), rest.more), (1, false));
    let none = store.feed(FeedKind::States, &rest.cursor, &["busy".into()], 10).await.unwrap();
    assert_eq!((none.entries.len(), none.more, none.cursor), (0, false, rest.cursor));
    let nothing = store.feed(FeedKind::States, &beginning(&*store), &[], 0).await.unwrap();
    assert_eq!((nothing.entries.len(), nothing.more), (0, true));
}

pub(crate) async fn a_cursor_that_does_not_fit_is_refused(home: &dyn Home) {
    let store = home.open().await;
    commit_events(&*store, &["ann", "bob"]).await;
    let end = store.feed_end(FeedKind::States).await.unwrap();
    let read: Cursor = end.to_string().parse().unwrap();
    assert_eq!(read, end);
    let page = store.feed(FeedKind::States, &end, &[], 9).await.unwrap();
    assert_eq!((page.entries, page.more, page.cursor), (Vec::new(), false, end.clone()));

    let refused = |cursor: Cursor| {
        let store = store.clone();
        async move {
            let answer = store.feed(FeedKind::States, &cursor, &[], 9).await;
            assert!(matches!(answer, Err(StoreError::CursorGone)), "{cursor}");
        }
    };
    refused(format!("{}~connect=1", "0123456789abcdef".repeat(2)).parse().unwrap()).await;
    refused(Cursor { seen: [(source(), 3)].into(), ..end.clone() }).await;
    refused(Cursor { seen: [("nobody".into(), 1)].into(), ..end.clone() }).await;
    // Who does not ask for a source need not fit it.
    let other = Cursor { seen: [(source(), 1), ("nobody".into(), 1)].into(), ..end };
    let page = store.feed(FeedKind::States, &other, &[source()], 9).await.unwrap();
    assert_eq!(page.entries.len(), 1);
    assert_eq!(page.cursor.seen["nobody"], 1, "it is kept for who asks again");
    // The feed of rows is another feed.
    let page = store.feed(FeedKind::Rows, &beginning(&*store), &[], 9).await.unwrap();
    assert_eq!(page.entries, []);
}

pub(crate) async fn sources_are_kept_apart(home: &dyn Home) {
    let store = home.open().await;
    for (name, changes) in [("connect", 2), ("webex", 3)] {
        fill(&*store, name, changes).await;
        let source = SourceName::from(name);
        let present = AgentNow { source: source.clone(), ..now("ann", 0, "Available") };
        let agents = vec![agent_write(&present)];
        store.commit(Batch { source, agents, ..batch(1, 1) }).await.unwrap();
    }
    let only = store.agents(&["webex".into()]).await.unwrap();
    assert_eq!(only.agents.len(), 1);
    assert_eq!(only.agents[0].now.source.as_str(), "webex");
    assert_eq!(only.cursor.seen, [("webex".into(), 3)].into(), "nothing of other sources leaks");
    let both = store.agents(&[]).await.unwrap();
    let sources: Vec<&str> = both.agents.iter().map(|entry| entry.now.source.as_str()).collect();
    assert_eq!(sources, ["connect", "webex"]);
    assert_eq!(both.cursor.seen, [("connect".into(), 2), ("webex".into(), 3)].into());
    assert_eq!(store.agents(&["nobody".into()]).await.unwrap().agents, []);
}
