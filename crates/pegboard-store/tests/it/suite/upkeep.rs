//! The end of a store's work, and of what it keeps.

use pegboard_model::{Millis, Timestamp};
use pegboard_store::{
    AcdRowWrite, Batch, Close, FeedKind, GapWrite, Origin, Retention, SegmentsWrite, Store, StoreError,
};

use crate::home::Home;
use crate::sample::{
    acd_row, all_segments, at, batch, beginning, close, commit_events, contact, dead_letter, event, now,
    observation, row, segment, shard, source, whole_feed,
};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

pub(crate) async fn what_was_handed_in_before_the_end_is_kept(home: &dyn Home) {
    let store = home.open().await;
    let epoch = store.take_partition(&source(), &shard(), &[]).await.unwrap().epoch;
    let commits: Vec<_> = (0..20)
        .map(|position| {
            let store = store.clone();
            tokio::spawn(async move { store.commit(event(epoch, position, "ann")).await })
        })
        .collect();
    tokio::task::yield_now().await;
    store.shut_down().await.unwrap();
    let mut acknowledged = 0;
    for commit in commits {
        match commit.await.unwrap() {
            Ok(_) => acknowledged += 1,
            // Tasks start in any order, so that one may come before its turn.
            Err(StoreError::Closed | StoreError::NotOwner { .. }) => {}
            Err(other) => panic!("{other}"),
        }
    }
    drop(store);
    let store = home.open().await;
    let kept = store.evidence(&source(), &"ann".into(), Timestamp::MIN).await.unwrap();
    assert_eq!(kept.len(), acknowledged);
}

pub(crate) async fn a_store_that_was_shut_down_says_so(home: &dyn Home) {
    let store = home.open().await;
    let epoch = commit_events(&*store, &["ann"]).await;
    store.shut_down().await.unwrap();
    store.shut_down().await.unwrap();
    assert!(matches!(store.commit(event(epoch, 1, "ann")).await, Err(StoreError::Closed)));
    assert!(matches!(store.agents(&[]).await, Err(StoreError::Closed)));
    // It can be opened again although the old handle is still there.
    let again = home.open().await;
    assert_eq!(again.agents(&[]).await.unwrap().agents.len(), 1);
}

/// A store with something young, something old, and something at the very edge in every table.
async fn fill(store: &dyn Store) {
    let epoch = store.take_partition(&source(), &shard(), &[]).await.unwrap().epoch;
    let evidence = [-1, 0, 1, 48 * HOUR].map(|seconds| observation("ann", seconds, &format!("e{seconds}")));
    let quiet = [-2, -1].map(|seconds| observation("quiet", seconds, &format!("q{seconds}")));
    let segments = vec![segment(-20, Some(-10), "A"), segment(-10, Some(1), "B"), segment(1, None, "C")];
    let pegged = |id, seconds: i64| (contact(id, seconds, 0), Some(at(seconds)));
    store
        .commit(Batch {
            evidence: evidence.into_iter().chain(quiet).collect(),
            segments: vec![SegmentsWrite {
                agent: "ann".into(),
                from: at(-20),
                segments,
                until: None,
                keep_mark: false,
            }],
            contacts: vec![pegged("c-old", -1), pegged("c-edge", 0), (contact("c-open", -1, 0), None)],
            states: vec![now("ann", 0, "A"), now("ann", 1, "B")],
            dead_letters: vec![dead_letter(0, Vec::new()), dead_letter(1, Vec::new())],
            gaps: [-1, 0]
                .map(|seconds| GapWrite { reason: "lost".into(), from: None, to: None, at: at(seconds) })
                .to_vec(),
            ..batch(epoch, 0)
        })
        .await
        .unwrap();
    let of_acd = |body: &str, told| {
        let young = acd_row("q", body, "f1", told);
        vec![AcdRowWrite { interval_start: at(-900), ..young.clone() }, young]
    };
    store.commit(Batch { acd_rows: of_acd("{\"n\":1}", 1), ..batch(epoch, 1) }).await.unwrap();
    store.commit(Batch { acd_rows: of_acd("{\"n\":2}", 2), ..batch(epoch, 2) }).await.unwrap();
    let closer = store.take_closer(&source()).await.unwrap().epoch;
    let old = pegboard_store::RowWrite { interval_start: at(-900), ..row("ann", "{}", "first") };
    store.close(Close { rows: vec![old, row("ann", "{}", "first")], ..close(closer) }).await.unwrap();
}

pub(crate) async fn r28_a_sweep_keeps_what_it_promises(home: &dyn Home) {
    let store =
        home.open_with(Retention { details: Millis::from_hours(400 * 24), ..Retention::default() }).await;
    fill(&*store).await;
    let times = |agent: &'static str| {
        let store = store.clone();
        async move {
            let evidence = store.evidence(&source(), &agent.into(), Timestamp::MIN).await.unwrap();
            evidence.iter().map(|seen| seen.at.since(at(0)).get() / 1000).collect::<Vec<_>>()
        }
    };
    store.sweep(at(0) + Millis::from_hours(24)).await.unwrap();
    assert_eq!(whole_feed(&*store, FeedKind::States).await.len(), 2, "24 hours of feed are kept");

    // Evidence stays until a base stands for it, however old it is.
    store.sweep(at(7 * DAY)).await.unwrap();
    assert_eq!(times("ann").await, [-1, 0, 1, 48 * HOUR]);
    assert_eq!(times("quiet").await, [-2, -1]);
    let end = store.feed_end(FeedKind::States).await.unwrap();
    assert_eq!(end.seen[&source()], 2, "the end of a feed outlives its entries");
    assert_eq!(store.feed(FeedKind::States, &end, &[], 9).await.unwrap().entries, []);
    let old = store.feed(FeedKind::States, &beginning(&*store), &[], 9).await;
    assert!(matches!(old, Err(StoreError::CursorGone)));
    assert_eq!(store.dead_letters(&[], None, 9).await.unwrap().len(), 2);

    store.sweep(at(30 * DAY) + Millis::new(1)).await.unwrap();
    assert_eq!(store.dead_letters(&[], None, 9).await.unwrap().len(), 1, "30 days of dead letters");
    assert_eq!(all_segments(&*store, "ann").await.len(), 3);

    for _ in 0..2 {
        store.sweep(at(400 * DAY)).await.unwrap();
        let starts: Vec<_> = all_segments(&*store, "ann").await.iter().map(|one| one.start).collect();
        assert_eq!(starts, [at(-10), at(1)], "a segment that reaches into the time is kept");
        assert_eq!(store.contacts(&source(), Timestamp::MIN, Timestamp::MAX).await.unwrap().len(), 1);
        assert_eq!(store.contact(&source(), &"c-open".into()).await.unwrap(), None);
        assert_eq!(store.gaps(&source(), 9).await.unwrap().len(), 1);
        let rows = store.rows(&source(), "agent_interval", at(-900), at(900)).await.unwrap();
        assert_eq!(rows.iter().map(|row| row.interval_start).collect::<Vec<_>>(), [at(0)]);
        let of_acd =
            store.row_history(&source(), Origin::Acd, "queue_interval", at(-900), at(900), 99).await.unwrap();
        assert_eq!(of_acd.iter().map(|row| row.interval_start).collect::<Vec<_>>(), [at(0), at(0)]);
        assert_eq!(store.partitions(&source()).await.unwrap().len(), 1, "one that goes on is kept");
    }
    store.commit(Batch { finished: true, ..batch(1, 3) }).await.unwrap();
    store.sweep(at(400 * DAY)).await.unwrap();
    assert_eq!(store.partitions(&source()).await.unwrap().len(), 1);
    store.sweep(at(400 * DAY) + Millis::new(1)).await.unwrap();
    assert_eq!(store.partitions(&source()).await.unwrap(), [], "one that ended goes with the time it was in");
}

pub(crate) async fn r28_feeds_and_dead_letters_are_bounded_by_number(home: &dyn Home) {
    let retention = Retention { feed_entries: 2500, dead_letter_count: 3, ..Retention::default() };
    let store = home.open_with(retention).await;
    store.take_partition(&source(), &shard(), &[]).await.unwrap();
    // More than one bite of the sweep.
    let states = |count| (0..count).map(|seconds| now("ann", seconds, "A")).collect();
    store.commit(Batch { states: states(2500), ..batch(1, 0) }).await.unwrap();
    let letters = |count: u64| (0..count).map(|position| dead_letter(position, Vec::new())).collect();
    store.commit(Batch { dead_letters: letters(3), ..batch(1, 1) }).await.unwrap();
    store.sweep(at(1)).await.unwrap();
    assert_eq!(whole_feed(&*store, FeedKind::States).await.len(), 2500, "the limit itself is kept");
    assert_eq!(store.dead_letters(&[], None, 9).await.unwrap().len(), 3);

    store.commit(Batch { states: states(2501), dead_letters: letters(1), ..batch(1, 2) }).await.unwrap();
    store.sweep(at(1)).await.unwrap();
    let after = |number| {
        let cursor = pegboard_store::Cursor { seen: [(source(), number)].into(), ..beginning(&*store) };
        let store = store.clone();
        async move { store.feed(FeedKind::States, &cursor, &[], 9999).await }
    };
    assert_eq!(after(2501).await.unwrap().entries.len(), 2500);
    assert!(matches!(after(2500).await, Err(StoreError::CursorGone)), "one entry of it is gone");
    let ids: Vec<i64> = store.dead_letters(&[], None, 9).await.unwrap().iter().map(|one| one.id).collect();
    assert_eq!(ids, [4, 3, 2], "the oldest goes");
}
