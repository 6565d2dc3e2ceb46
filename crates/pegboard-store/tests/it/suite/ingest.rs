//! Batches of partitions.

use std::sync::Arc;

use pegboard_model::{Mark, Millis, PartitionId, Position, Segment, Text, Timestamp};
use pegboard_store::{Batch, Counts, GapWrite, QueueName, SegmentsWrite, Store, StoreError};

use crate::home::Home;
use crate::sample::{
    all_agents, all_segments, at, batch, commit_events, contact, dead_letter, event, first_event, number,
    observation, position_of, queue_name, segment, shard, source, whole_feed,
};

pub(crate) async fn a_batch_is_all_there_after_a_restart(home: &dyn Home) {
    let store = home.open().await;
    let id = store.id().clone();
    let epoch = commit_events(&*store, &["ann"]).await;
    let full = Batch {
        contacts: vec![(contact("c-1", 5, 7), Some(at(4)))],
        dead_letters: vec![dead_letter(2, b"{".to_vec())],
        watermark: Some(at(30)),
        behind: Some(Millis::new(250)),
        ..first_event(epoch, 1, "bob")
    };
    let committed = store.commit(full.clone()).await.unwrap();
    assert_eq!(committed.last_state, 2);
    drop(store);

    let store = home.open().await;
    assert_eq!(*store.id(), id, "it is the same store");
    let partition = &store.partitions(&source()).await.unwrap()[0];
    assert_eq!((partition.epoch, partition.position.as_ref()), (1, Some(&number(2))));
    assert_eq!((partition.watermark, partition.behind), (Some(at(30)), Some(Millis::new(250))));
    let stored = all_agents(&*store).await;
    assert_eq!(stored.iter().map(|agent| agent.agent.as_str()).collect::<Vec<_>>(), ["ann", "bob"]);
    assert_eq!((&stored[1].track, &stored[1].now), (&full.agents[0].track, &full.agents[0].now));
    assert_eq!(store.evidence(&source(), &"bob".into(), at(0)).await.unwrap(), full.evidence);
    assert_eq!(all_segments(&*store, "bob").await, full.segments[0].segments);
    let kept = store.contact(&source(), &"c-1".into()).await.unwrap();
    assert_eq!(kept.as_ref(), Some(&full.contacts[0].0));
    assert_eq!(store.contacts(&source(), at(4), at(5)).await.unwrap(), [full.contacts[0].0.clone()]);
    assert_eq!(store.first_contact(&source()).await.unwrap(), Some(at(4)));
    assert_eq!(store.first_contact(&"other".into()).await.unwrap(), None);
    assert_eq!(store.contacts(&source(), at(5), at(9)).await.unwrap(), [], "it is pegged at 4");
    let snapshot = store.agents(&[]).await.unwrap();
    assert_eq!((&snapshot.agents[1].now, snapshot.agents[1].heard), (&full.states[0], at(1)));
    assert_eq!(whole_feed(&*store, pegboard_store::FeedKind::States).await.len(), 2);
    assert_eq!(store.dead_letters(&[], None, 9).await.unwrap().len(), 1);
}

pub(crate) async fn a_partition_adds_up_its_batches(home: &dyn Home) {
    let store = home.open().await;
    let parents: Vec<PartitionId> = vec!["old-1".into(), "old-2".into()];
    let taken = store.take_partition(&source(), &shard(), &parents).await.unwrap();
    assert_eq!((taken.epoch, taken.position, taken.finished), (1, None, false));
    assert_eq!(taken.parents, parents);
    let counts = Counts { records: 7, events: 1, contacts: 2, duplicates: 3, foreign: 4, failed: 5 };
    store.commit(Batch { counts, ..batch(1, 0) }).await.unwrap();
    store.commit(Batch { counts, finished: true, ..batch(1, 1) }).await.unwrap();
    // A batch without a position leaves it, and what has ended has ended.
    store.commit(Batch { position: None, ..batch(1, 2) }).await.unwrap();

    let taken = store.take_partition(&source(), &shard(), &[]).await.unwrap();
    assert_eq!((taken.epoch, taken.position, taken.finished), (2, Some(number(2)), true));
    assert_eq!(taken.parents, parents, "parents are those of its creation");
    let twice = Counts { records: 15, events: 2, contacts: 4, duplicates: 6, foreign: 8, failed: 10 };
    assert_eq!(taken.counts, twice);
    assert_eq!(store.partitions(&"other".into()).await.unwrap(), []);
}

pub(crate) async fn the_watermark_never_goes_back(home: &dyn Home) {
    let store = home.open().await;
    store.take_partition(&source(), &shard(), &[]).await.unwrap();
    for (expected, watermark) in [Some(at(60)), Some(at(30)), None].into_iter().enumerate() {
        let expected = expected as u64;
        store.commit(Batch { watermark, ..batch(1, expected) }).await.unwrap();
        assert_eq!(store.partitions(&source()).await.unwrap()[0].watermark, Some(at(60)));
    }
}

/// A batch with something for every table.
fn everything(epoch: u64, expected: u64) -> Batch {
    Batch {
        contacts: vec![(contact("c-1", 5, 7), Some(at(4)))],
        dirty: vec![pegboard_store::DirtyMark { agent: None, from: at(0), to: at(1) }],
        dead_letters: vec![dead_letter(1, Vec::new())],
        gaps: vec![GapWrite { reason: "expired".into(), from: None, to: None, at: at(0) }],
        ..first_event(epoch, expected, "eve")
    }
}

async fn assert_nothing_of_eve(store: &dyn Store) {
    assert_eq!(all_agents(store).await, []);
    assert_eq!(store.evidence(&source(), &"eve".into(), Timestamp::MIN).await.unwrap(), []);
    assert_eq!(all_segments(store, "eve").await, []);
    assert_eq!(store.contact(&source(), &"c-1".into()).await.unwrap(), None);
    assert_eq!(store.dirty(&source(), 9).await.unwrap(), []);
    assert_eq!(whole_feed(store, pegboard_store::FeedKind::States).await, []);
    assert_eq!(store.dead_letters(&[], None, 9).await.unwrap(), []);
    assert_eq!(store.gaps(&source(), 9).await.unwrap(), []);
    assert_eq!(store.partitions(&source()).await.unwrap()[0].counts, Counts::default());
}

pub(crate) async fn an_earlier_owner_is_refused_and_writes_nothing(home: &dyn Home) {
    let store = home.open().await;
    let first = store.take_partition(&source(), &shard(), &[]).await.unwrap().epoch;
    let second = store.take_partition(&source(), &shard(), &[]).await.unwrap().epoch;
    assert!(second > first);
    let refused = store.commit(everything(first, 0)).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "partition shard-0 of source connect is no longer ours: expected epoch 1 before the first position, \
         found epoch 2 before the first position"
    );
    assert!(matches!(refused, StoreError::NotOwner { .. }));
    assert_nothing_of_eve(&*store).await;
    store.commit(batch(second, 0)).await.unwrap();
}

pub(crate) async fn a_batch_for_another_position_is_refused_and_writes_nothing(home: &dyn Home) {
    let store = home.open().await;
    let epoch = store.take_partition(&source(), &shard(), &[]).await.unwrap().epoch;
    let refused = store.commit(everything(epoch, 3)).await.unwrap_err();
    assert!(matches!(refused, StoreError::NotOwner { .. }), "{refused}");
    assert_nothing_of_eve(&*store).await;
    store.commit(batch(epoch, 0)).await.unwrap();
    // The same batch again, as after an answer that got lost.
    assert!(matches!(store.commit(batch(epoch, 0)).await, Err(StoreError::NotOwner { .. })));
    // A number and a sequence number that look alike are not the same position.
    let alike = Batch { expected: Some(Position::Sequence("1".into())), ..batch(epoch, 1) };
    assert!(matches!(store.commit(alike).await, Err(StoreError::NotOwner { .. })));
}

pub(crate) async fn a_partition_that_nobody_took_is_refused(home: &dyn Home) {
    let store = home.open().await;
    let refused = store.commit(batch(1, 0)).await.unwrap_err();
    assert!(matches!(refused, StoreError::NotOwner { .. }), "{refused}");
    assert_eq!(store.partitions(&source()).await.unwrap(), []);
}

/// Two owners take the partition from each other and commit as fast as they can: whoever is refused takes it
/// again. No position is written twice and none is left out.
pub(crate) async fn two_owners_race_and_one_chain_of_positions_remains(home: &dyn Home) {
    const COMMITS: usize = 60;
    let store = home.open().await;
    let owner = |store: Arc<dyn Store>| async move {
        let (mut committed, mut refused) = (0, 0);
        while committed < COMMITS {
            let taken = store.take_partition(&source(), &shard(), &[]).await.unwrap();
            let next = position_of(taken.position.as_ref());
            for position in next..next + 5 {
                match store.commit(event(taken.epoch, position, "ann")).await {
                    Ok(_) => committed += 1,
                    Err(StoreError::NotOwner { .. }) => {
                        refused += 1;
                        break;
                    }
                    Err(other) => panic!("{other}"),
                }
            }
        }
        (committed, refused)
    };
    let (one, two) = tokio::join!(tokio::spawn(owner(store.clone())), tokio::spawn(owner(store.clone())));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert!(one.1 + two.1 > 0, "they never met: the test shows nothing");
    let total = (one.0 + two.0) as u64;
    let partition = &store.partitions(&source()).await.unwrap()[0];
    assert_eq!(partition.position, Some(number(total)));
    assert_eq!(partition.counts.records, total);
    let evidence = store.evidence(&source(), &"ann".into(), Timestamp::MIN).await.unwrap();
    assert_eq!(evidence.len() as u64, total, "each event once");
}

pub(crate) async fn a_child_begins_only_after_its_parents(home: &dyn Home) {
    let store = home.open().await;
    let child = PartitionId::from("child");
    store.take_partition(&source(), &shard(), &[]).await.unwrap();
    store.commit(batch(1, 0)).await.unwrap();
    // A parent that nobody knows ended long ago, and one that was never begun is nothing to wait for.
    let parents = [shard(), "forgotten".into(), "taken".into()];
    store.take_partition(&source(), &parents[2], &[]).await.unwrap();
    store.take_partition(&source(), &child, &parents).await.unwrap();
    let of_child = |expected| Batch { partition: child.clone(), ..batch(1, expected) };
    let refused = store.commit(of_child(0)).await.unwrap_err();
    assert!(refused.to_string().contains("parent shard-0 has not ended"), "{refused}");
    // It may say how far it is without beginning.
    store.commit(Batch { position: None, ..of_child(0) }).await.unwrap();
    store.commit(Batch { finished: true, ..batch(1, 1) }).await.unwrap();
    store.commit(of_child(0)).await.unwrap();
    store.commit(of_child(1)).await.unwrap();
}

pub(crate) async fn a_second_copy_of_evidence_changes_nothing(home: &dyn Home) {
    let store = home.open().await;
    store.take_partition(&source(), &shard(), &[]).await.unwrap();
    let first = observation("ann", 1, "e-1");
    let mut copy = first.clone();
    copy.order.position = number(9_999_999_999_999);
    let other = observation("ann", 1, "e-2");
    let evidence = vec![first.clone(), copy.clone(), other.clone()];
    store.commit(Batch { evidence, ..batch(1, 0) }).await.unwrap();
    store.commit(Batch { evidence: vec![copy], ..batch(1, 1) }).await.unwrap();
    let mut kept = store.evidence(&source(), &"ann".into(), at(1)).await.unwrap();
    kept.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(kept, [first.clone(), other]);
    assert_eq!(store.evidence(&source(), &"ann".into(), at(2)).await.unwrap(), []);
    let mut earlier = first;
    earlier.order.position = number(0);
    store.commit(Batch { evidence: vec![earlier.clone()], ..batch(1, 2) }).await.unwrap();
    let kept = store.evidence(&source(), &"ann".into(), at(1)).await.unwrap();
    assert!(kept.contains(&earlier), "the copy that stands earlier counts: {kept:?}");
}

pub(crate) async fn a_base_stands_for_the_evidence_that_it_replaces(home: &dyn Home) {
    let store = home.open().await;
    store.take_partition(&source(), &shard(), &[]).await.unwrap();
    let evidence = [1, 2, 3].map(|seconds| observation("ann", seconds, &format!("e-{seconds}"))).to_vec();
    store.commit(Batch { evidence, ..event(1, 0, "ann") }).await.unwrap();
    let ann = "ann".into();
    assert_eq!(store.base(&source(), &ann).await.unwrap(), None);
    let early = store.rebase(&source(), &ann, 0, at(2), "track".into()).await;
    assert!(matches!(early, Err(StoreError::AgentMoved { .. })), "{early:?}");
    store.rebase(&source(), &ann, 1, at(2), "track".into()).await.unwrap();
    assert_eq!(store.base(&source(), &ann).await.unwrap().as_deref(), Some("track"));
    let kept = store.evidence(&source(), &ann, Timestamp::MIN).await.unwrap();
    assert_eq!(kept.iter().map(|seen| seen.at).collect::<Vec<_>>(), [at(3)]);
    // An agent who is not stored has nothing to stand for.
    assert!(store.rebase(&source(), &"nobody".into(), 0, at(2), "track".into()).await.is_err());
    assert_eq!(store.base(&source(), &"nobody".into()).await.unwrap(), None);
    // A later batch leaves the base alone.
    let mut later = event(1, 1, "ann");
    later.agents[0].version = 2;
    store.commit(later).await.unwrap();
    assert!(store.base(&source(), &ann).await.unwrap().is_some());
}

pub(crate) async fn the_newest_version_of_a_contact_wins_in_any_order(home: &dyn Home) {
    let store = home.open().await;
    store.take_partition(&source(), &shard(), &[]).await.unwrap();
    // Contents on both sides of the sign bit: they are compared as unsigned numbers.
    let versions = [(1, u64::MAX), (2, 1), (2, 1 << 63), (2, u64::MAX)];
    let newest = contact("c", 2, u64::MAX);
    for (turn, order) in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 3, 0, 1]].into_iter().enumerate() {
        let id = format!("c-{turn}");
        let contacts = order.map(|index: usize| {
            let (updated, content) = versions[index];
            (contact(&id, updated, content), Some(at(updated)))
        });
        store.commit(Batch { contacts: contacts.to_vec(), ..batch(1, turn as u64) }).await.unwrap();
        let kept = store.contact(&source(), &id.as_str().into()).await.unwrap().unwrap();
        assert_eq!(kept.version, newest.version);
    }
    assert_eq!(store.contacts(&source(), at(1), at(2)).await.unwrap(), [], "pegged with the version");
    assert_eq!(store.contacts(&source(), at(2), at(3)).await.unwrap().len(), 3);
    // Told anew without a place in time: it belongs to no interval any more.
    store.commit(Batch { contacts: vec![(contact("c-0", 3, 0), None)], ..batch(1, 3) }).await.unwrap();
    assert_eq!(store.contacts(&source(), Timestamp::MIN, Timestamp::MAX).await.unwrap().len(), 2);
}

fn replace(expected: u64, from: i64, segments: Vec<Segment>) -> Batch {
    let write =
        SegmentsWrite { agent: "ann".into(), from: at(from), segments, until: None, keep_mark: false };
    Batch { segments: vec![write], ..batch(1, expected) }
}

pub(crate) async fn a_timeline_is_replaced_from_an_instant_on(home: &dyn Home) {
    let store = home.open().await;
    store.take_partition(&source(), &shard(), &[]).await.unwrap();
    let first = vec![segment(0, Some(10), "A"), segment(10, Some(20), "B"), segment(20, None, "C")];
    store.commit(replace(0, 0, first)).await.unwrap();

    store.commit(replace(1, 30, vec![segment(30, None, "D")])).await.unwrap();
    let cut = [
        segment(0, Some(10), "A"),
        segment(10, Some(20), "B"),
        segment(20, Some(30), "C"),
        segment(30, None, "D"),
    ];
    assert_eq!(all_segments(&*store, "ann").await, cut, "the open one ends where the next begins");

    store.commit(replace(2, 15, vec![segment(15, Some(30), "E"), segment(30, None, "F")])).await.unwrap();
    let cut = [
        segment(0, Some(10), "A"),
        segment(10, Some(15), "B"),
        segment(15, Some(30), "E"),
        segment(30, None, "F"),
    ];
    assert_eq!(all_segments(&*store, "ann").await, cut, "a late one cuts what reaches beyond");

    store.commit(replace(3, 10, vec![segment(10, None, "G")])).await.unwrap();
    let cut = [segment(0, Some(10), "A"), segment(10, None, "G")];
    assert_eq!(all_segments(&*store, "ann").await, cut, "one that starts there is replaced, not cut");

    store.commit(replace(4, 12, Vec::new())).await.unwrap();
    let cut = [segment(0, Some(10), "A"), segment(10, Some(12), "G")];
    assert_eq!(all_segments(&*store, "ann").await, cut, "nothing in its place is an end");
}

pub(crate) async fn a_stretch_of_a_timeline_is_replaced_and_what_follows_stays(home: &dyn Home) {
    let store = home.open().await;
    store.take_partition(&source(), &shard(), &[]).await.unwrap();
    let first = vec![segment(0, Some(10), "A"), segment(10, Some(20), "B"), segment(20, None, "C")];
    store.commit(replace(0, 0, first)).await.unwrap();
    let segments = vec![segment(5, Some(12), "D"), sign_in(12), segment(12, Some(20), "E")];
    let write =
        SegmentsWrite { agent: "ann".into(), from: at(5), segments, until: Some(at(20)), keep_mark: false };
    store.commit(Batch { segments: vec![write], ..batch(1, 1) }).await.unwrap();
    let expected = [
        segment(0, Some(5), "A"),
        segment(5, Some(12), "D"),
        sign_in(12),
        segment(12, Some(20), "E"),
        segment(20, None, "C"),
    ];
    assert_eq!(all_segments(&*store, "ann").await, expected);
}

fn sign_in(start: i64) -> Segment {
    Segment { mark: Some(Mark::SignIn), ..segment(start, Some(start), "A") }
}

pub(crate) async fn a_sign_in_stands_before_the_segment_that_shares_its_start(home: &dyn Home) {
    let store = home.open().await;
    store.take_partition(&source(), &shard(), &[]).await.unwrap();
    let timeline = vec![segment(0, Some(10), "A"), sign_in(10), segment(10, None, "A")];
    store.commit(replace(0, 0, timeline.clone())).await.unwrap();
    assert_eq!(all_segments(&*store, "ann").await, timeline);
    // Replacing from the same instant replaces both; cutting later leaves the mark a point.
    store.commit(replace(1, 10, timeline[1..].to_vec())).await.unwrap();
    assert_eq!(all_segments(&*store, "ann").await, timeline);
    store.commit(replace(2, 20, vec![segment(20, None, "B")])).await.unwrap();
    let cut = [segment(0, Some(10), "A"), sign_in(10), segment(10, Some(20), "A"), segment(20, None, "B")];
    assert_eq!(all_segments(&*store, "ann").await, cut);
}

pub(crate) async fn segments_that_touch_a_window_are_found(home: &dyn Home) {
    let store = home.open().await;
    store.take_partition(&source(), &shard(), &[]).await.unwrap();
    let ann =
        vec![segment(0, Some(10), "A"), sign_in(10), segment(10, Some(20), "B"), segment(20, None, "C")];
    let bob = vec![segment(5, Some(8), "A"), segment(30, None, "B")];
    let writes = [("ann", ann), ("bob", bob)].map(|(agent, segments)| SegmentsWrite {
        agent: agent.into(),
        from: at(0),
        segments,
        until: None,
        keep_mark: false,
    });
    store.commit(Batch { segments: writes.to_vec(), ..batch(1, 0) }).await.unwrap();
    let cases: [(i64, i64, &[&str]); 7] = [
        (0, 5, &["ann 0"]),
        (9, 10, &["ann 0"]),
        (10, 11, &["ann 10 LOGIN", "ann 10"]),
        (11, 20, &["ann 10"]),
        (6, 31, &["ann 0", "ann 10 LOGIN", "ann 10", "ann 20", "bob 5", "bob 30"]),
        (8, 30, &["ann 0", "ann 10 LOGIN", "ann 10", "ann 20"]),
        (99, 100, &["ann 20", "bob 30"]),
    ];
    for (from, to, expected) in cases {
        let found = store.segments(&source(), None, at(from), at(to)).await.unwrap();
        let shown: Vec<String> = found
            .iter()
            .map(|(agent, segment)| {
                let mark = if segment.mark.is_some() { " LOGIN" } else { "" };
                format!("{agent} {}{mark}", segment.start.since(at(0)))
            })
            .collect();
        assert_eq!(shown, expected, "[{from}, {to})");
        let of_ann = store.segments(&source(), Some(&"ann".into()), at(from), at(to)).await.unwrap();
        let expected: Vec<_> = found.into_iter().filter(|(agent, _)| agent.as_str() == "ann").collect();
        assert_eq!(of_ann, expected, "one agent sees what all see, [{from}, {to})");
    }
    assert_eq!(store.segments(&"other".into(), None, at(0), at(99)).await.unwrap(), []);
}

pub(crate) async fn r28_dead_letters_come_newest_first_and_cut(home: &dyn Home) {
    let store = home.open().await;
    for name in ["connect", "webex"] {
        store.take_partition(&name.into(), &shard(), &[]).await.unwrap();
        let letters = [(1, 65_535), (2, 65_536), (3, 65_537)]
            .map(|(position, length)| dead_letter(position, vec![b'x'; length]));
        let batch = Batch { source: name.into(), dead_letters: letters.to_vec(), ..batch(1, 0) };
        store.commit(batch).await.unwrap();
    }
    let all = store.dead_letters(&[], None, 9).await.unwrap();
    assert_eq!(all.len(), 6);
    assert!(all.is_sorted_by_key(|letter| std::cmp::Reverse(letter.id)));
    let (newest, reason): (_, Text) = (&all[0], "AgentARN: missing".into());
    assert_eq!((newest.source.as_str(), &newest.partition, &newest.reason), ("webex", &shard(), &reason));
    assert_eq!(newest.position, number(3));
    assert_eq!(newest.at, at(0) + Millis::new(3));
    let lengths: Vec<usize> = all[..3].iter().map(|letter| letter.payload.len()).collect();
    assert_eq!(lengths, [65_536, 65_536, 65_535], "64 KiB are kept");

    let page = store.dead_letters(&["connect".into()], None, 2).await.unwrap();
    assert_eq!(page, all[3..5]);
    let rest = store.dead_letters(&["connect".into()], Some(page[1].id), 2).await.unwrap();
    assert_eq!(rest, all[5..]);
}

pub(crate) async fn gaps_come_newest_first(home: &dyn Home) {
    let store = home.open().await;
    store.take_partition(&source(), &shard(), &[]).await.unwrap();
    let gap = |seconds, from: Option<i64>| GapWrite {
        reason: format!("gap {seconds}").into(),
        from: from.map(at),
        to: Some(at(seconds)),
        at: at(seconds),
    };
    store.commit(Batch { gaps: vec![gap(1, None), gap(2, Some(1))], ..batch(1, 0) }).await.unwrap();
    let found = store.gaps(&source(), 9).await.unwrap();
    let reasons: Vec<&str> = found.iter().map(|gap| &*gap.reason).collect();
    assert_eq!(reasons, ["gap 2", "gap 1"]);
    assert_eq!((found[0].from, found[0].to, found[0].at), (Some(at(1)), Some(at(2)), at(2)));
    assert_eq!((&found[1].partition, found[1].from), (&shard(), None));
    assert_eq!(store.gaps(&source(), 1).await.unwrap(), found[..1]);
}

pub(crate) async fn a_queue_keeps_all_its_names_and_when_it_was_called_so(home: &dyn Home) {
    let store = home.open().await;
    store.take_partition(&source(), &shard(), &[]).await.unwrap();
    let commit = async |expected, names| {
        store.commit(Batch { queue_names: names, ..batch(1, expected) }).await.unwrap();
    };
    commit(
        0,
        vec![queue_name("q-1", "Sales", 5), queue_name("q-1", "Sales", 2), queue_name("q-2", "Sales", 1)],
    )
    .await;
    commit(1, vec![queue_name("q-1", "Sales", 3), queue_name("q-1", "Service", 9)]).await;
    let names = store.queue_names(&source()).await.unwrap();
    let shown =
        |seen: &QueueName| (seen.queue.to_string(), seen.name.to_string(), seen.first_seen, seen.last_seen);
    let one =
        |queue: &str, name: &str, first, last| (queue.to_string(), name.to_string(), at(first), at(last));
    let expected = [one("q-1", "Sales", 2, 5), one("q-1", "Service", 9, 9), one("q-2", "Sales", 1, 1)];
    assert_eq!(names.iter().map(shown).collect::<Vec<_>>(), expected);
    assert_eq!(store.queue_names(&"other".into()).await.unwrap(), []);
    store.sweep(at(400 * 24 * 3600 + 5)).await.unwrap();
    assert_eq!(
        store.queue_names(&source()).await.unwrap().len(),
        2,
        "a name goes 400 days after it was last seen"
    );
}
