//! What goes when.

use pegboard_model::Timestamp;
use pegboard_store::{Batch, Close, ClosedUntil, DirtyMark, Retention, SegmentsWrite, Store};

use crate::home::Home;
use crate::sample::{all_segments, at, batch, close, contact, row, segment, shard, source};

const DAY: i64 = 24 * 3600;

/// Details of so many days before the beginning of the tests, `each` of them a day; closed up to `closed_until`.
pub(crate) async fn fill(store: &dyn Store, days: i64, each: i64, closed_until: Timestamp) {
    store.take_partition(&source(), &shard(), &[]).await.unwrap();
    for (position, day) in (0..).zip(-days..0) {
        let times = (0..each).map(|n| day * DAY + n * (DAY / each));
        let segments = times.clone().map(|time| segment(time, Some(time + 60), &"x".repeat(200))).collect();
        let write = SegmentsWrite {
            agent: "ann".into(),
            from: at(day * DAY),
            segments,
            until: None,
            keep_mark: false,
        };
        let contacts = times.map(|time| (contact(&format!("c{time}"), time, 0), Some(at(time)))).collect();
        store.commit(Batch { segments: vec![write], contacts, ..batch(1, position) }).await.unwrap();
    }
    let epoch = store.take_closer(&source()).await.unwrap().epoch;
    let rows = vec![row("ann", "{}", "first")];
    store.close(Close { rows, closed_until: ClosedUntil::both(closed_until), ..close(epoch) }).await.unwrap();
}

pub(crate) async fn oldest(store: &dyn Store) -> Timestamp {
    all_segments(store, "ann").await[0].start
}

pub(crate) async fn r28_details_go_after_62_days_and_rows_stay(home: &dyn Home) {
    let store = home.open_with(Retention::default()).await;
    fill(&*store, 70, 1, at(0)).await;
    store.sweep(at(0)).await.unwrap();
    assert_eq!(oldest(&*store).await, at(-62 * DAY));
    let contacts = store.contacts(&source(), Timestamp::MIN, Timestamp::MAX).await.unwrap();
    assert_eq!(contacts.len(), 62);
    store.sweep(at(100 * DAY)).await.unwrap();
    assert_eq!(all_segments(&*store, "ann").await, [], "all of them are closed");
    assert_eq!(store.rows(&source(), "agent_interval", at(0), at(1)).await.unwrap().len(), 1);
}

pub(crate) async fn details_that_are_not_closed_yet_stay_however_old(home: &dyn Home) {
    let store = home.open_with(Retention::default()).await;
    fill(&*store, 70, 1, at(-68 * DAY)).await;
    store.sweep(at(0)).await.unwrap();
    assert_eq!(oldest(&*store).await, at(-68 * DAY));
}

pub(crate) async fn nothing_is_derived_again_of_which_the_details_are_gone(home: &dyn Home) {
    let store = home.open_with(Retention::default()).await;
    fill(&*store, 70, 1, at(0)).await;
    store.sweep(at(0)).await.unwrap();
    let mark = |from: i64, to: i64| DirtyMark { agent: None, from: at(from * DAY), to: at(to * DAY) };
    store.commit(Batch { dirty: vec![mark(-65, -64)], ..batch(1, 70) }).await.unwrap();
    assert_eq!(store.dirty(&source(), 9).await.unwrap(), []);
    store.commit(Batch { dirty: vec![mark(-65, -61)], ..batch(1, 71) }).await.unwrap();
    assert_eq!(store.dirty(&source(), 9).await.unwrap(), [mark(-62, -61)]);
}
