//! Events as they came.

use pegboard_model::{Millis, PartitionId};
use pegboard_store::{
    Batch, DeliveryNote, EventMark, EventPage, EventWrite, RawEvent, Retention, Store, StoreError,
};

use crate::home::Home;
use crate::sample::{at, batch, event_write, events_write, number, shard, source, whole_events};

/// Commits events of a partition whose position is `expected`.
async fn commit(store: &dyn Store, partition: &PartitionId, expected: u64, events: Vec<EventWrite>) {
    commit_at(store, partition, expected, 0, events).await;
}

/// The same, read so many seconds from the morning of the tests.
async fn commit_at(
    store: &dyn Store,
    partition: &PartitionId,
    expected: u64,
    seconds: i64,
    events: Vec<EventWrite>,
) {
    let events = Some(events_write(seconds, events));
    let step = Batch { partition: partition.clone(), events, ..batch(1, expected) };
    store.commit(step).await.unwrap();
}

async fn taken(store: &dyn Store) {
    store.take_partition(&source(), &shard(), &[]).await.unwrap();
}

fn sized(bytes: usize) -> EventWrite {
    EventWrite { position: number(1), data: vec![7; bytes] }
}

fn numbers(page: &EventPage) -> Vec<u64> {
    page.events.iter().map(|event| event.number).collect()
}

pub(crate) async fn events_of_a_source_have_one_order_and_come_as_they_were(home: &dyn Home) {
    let store = home.open().await;
    let other = PartitionId::from("shard-1\u{0}");
    taken(&*store).await;
    store.take_partition(&source(), &other, &[]).await.unwrap();
    assert_eq!(store.raw_events(&source(), 0, 9).await.unwrap(), EventPage::default());
    let odd = EventWrite { position: number(9), data: b"\0\xff {}\n".to_vec() };
    commit(&*store, &shard(), 0, vec![event_write(1), event_write(2)]).await;
    commit_at(&*store, &other, 0, 5, vec![odd.clone()]).await;
    commit(&*store, &shard(), 1, Vec::new()).await;
    commit_at(&*store, &shard(), 2, 4, vec![event_write(3)]).await;
    drop(store);

    let store = home.open().await;
    let event = |number: u64, seconds, partition: &PartitionId, EventWrite { position, data }| RawEvent {
        number,
        at: at(seconds),
        partition: partition.clone(),
        position,
        data,
    };
    // By a clock that is behind, the last was read before the one before it.
    let all = [
        event(1, 0, &shard(), event_write(1)),
        event(2, 0, &shard(), event_write(2)),
        event(3, 5, &other, odd),
        event(4, 5, &shard(), event_write(3)),
    ];
    assert_eq!(whole_events(&*store).await, all);
    let page = store.raw_events(&source(), 1, 2).await.unwrap();
    assert_eq!((page.events.as_slice(), page.head), (&all[1..3], 4));
    assert_eq!(store.raw_events(&source(), 4, 9).await.unwrap(), EventPage { events: Vec::new(), head: 4 });
    assert_eq!(store.raw_events(&"another".into(), 0, 9).await.unwrap(), EventPage::default());
}

pub(crate) async fn a_batch_that_is_refused_leaves_no_events(home: &dyn Home) {
    let store = home.open().await;
    taken(&*store).await;
    let refused =
        store.commit(Batch { events: Some(events_write(0, vec![event_write(1)])), ..batch(1, 7) }).await;
    assert!(matches!(refused, Err(StoreError::NotOwner { .. })), "{refused:?}");
    assert_eq!(store.raw_events(&source(), 0, 9).await.unwrap(), EventPage::default());
    commit(&*store, &shard(), 0, vec![event_write(1)]).await;
    assert_eq!(numbers(&store.raw_events(&source(), 0, 9).await.unwrap()), [1], "no number is lost");
}

pub(crate) async fn r28_a_page_of_events_has_8_mib(home: &dyn Home) {
    let store = home.open().await;
    taken(&*store).await;
    commit(&*store, &shard(), 0, vec![sized((8 << 20) - 1), sized(1), sized(1), sized(9 << 20)]).await;
    let page = |after| {
        let store = store.clone();
        async move { numbers(&store.raw_events(&source(), after, 99).await.unwrap()) }
    };
    assert_eq!(page(0).await, [1, 2], "those that begin within eight mebibytes");
    assert_eq!(page(2).await, [3, 4]);
    assert_eq!(page(3).await, [4], "one is always given");
}

pub(crate) async fn r28_events_go_after_24_hours_or_beyond_4_gib(home: &dyn Home) {
    let defaults = Retention::default();
    assert_eq!((defaults.events, defaults.event_bytes), (Millis::from_hours(24), 4 << 30));
    let store = home.open_with(Retention { event_bytes: 5000, ..defaults }).await;
    taken(&*store).await;
    // More than one bite of the sweep.
    commit(&*store, &shard(), 0, (0..5000).map(|_| sized(1)).collect()).await;
    store.sweep(at(0)).await.unwrap();
    assert_eq!(whole_events(&*store).await.len(), 5000, "the limit itself is kept");
    commit(&*store, &shard(), 1, vec![sized(2501)]).await;
    store.sweep(at(0)).await.unwrap();
    let page = store.raw_events(&source(), 0, 9999).await.unwrap();
    assert_eq!((page.events[0].number, page.events.len(), page.head), (2502, 2500, 5001));

    store.sweep(at(24 * 3600)).await.unwrap();
    assert_eq!(whole_events(&*store).await.len(), 2500);
    store.sweep(at(24 * 3600) + Millis::new(1)).await.unwrap();
    let page = store.raw_events(&source(), 0, 9).await.unwrap();
    assert_eq!(page, EventPage { events: Vec::new(), head: 5001 }, "numbers are not given twice");
    commit(&*store, &shard(), 2, vec![sized(5001)]).await;
    store.sweep(at(0)).await.unwrap();
    assert_eq!(whole_events(&*store).await, [], "larger than what is kept");
}

pub(crate) async fn how_far_a_sink_has_taken_events_is_kept_under_its_epoch(home: &dyn Home) {
    let store = home.open().await;
    let sink = || "wfm".into();
    let epoch = store.take_sink(&sink()).await.unwrap().epoch;
    let mark = |lane: &str, done| EventMark { lane: lane.into(), source: source(), done };
    let note = |epoch, marks| DeliveryNote { marks, ..DeliveryNote::new(sink(), epoch) };
    store.note_deliveries(note(epoch, vec![mark("b", 1), mark("a", 2)])).await.unwrap();
    store.note_deliveries(note(epoch, vec![mark("b", 7)])).await.unwrap();
    let refused = store.note_deliveries(note(epoch + 1, vec![mark("b", 9)])).await;
    assert!(matches!(refused, Err(StoreError::NotOwner { .. })), "{refused:?}");
    drop(store);
    let store = home.open().await;
    assert_eq!(store.event_marks(&sink()).await.unwrap(), [mark("a", 2), mark("b", 7)]);
    assert_eq!(store.event_marks(&"other".into()).await.unwrap(), []);
}
