//! Days that are reloaded: wholly old, then wholly new.

use pegboard_store::{
    Close, FeedKind, Origin, ReloadDay, ReloadState, ReloadStep, ReloadWork, ReloadWrite, Reloaded, Store,
    StoreError,
};

use crate::home::Home;
use crate::sample::{at, close, row, source, whole_feed};

fn asked() -> ReloadWrite {
    let (asked, progress) = ("{\"from\":1}".to_owned(), "{}".to_owned());
    ReloadWrite { source: source(), at: at(0), asked, progress }
}

fn step(epoch: u64, id: u64, work: ReloadWork) -> ReloadStep {
    let progress = "{\"days\":1}".to_owned();
    ReloadStep { source: source(), epoch, id, state: ReloadState::Running, progress, at: at(1000), work }
}

const BEGIN: ReloadWork = ReloadWork::Begin { from: at_0(), to: at_900() };

const fn at_0() -> pegboard_model::Timestamp {
    pegboard_model::Timestamp::from_seconds(1_772_355_600)
}

const fn at_900() -> pegboard_model::Timestamp {
    pegboard_model::Timestamp::from_seconds(1_772_355_600 + 900)
}

/// Ann, Bob and Cy have rows; Ann's is to be another, Bob's stays, Cy's goes, and Dee's is new.
async fn set_aside(store: &dyn Store) -> (u64, u64) {
    let epoch = store.take_closer(&source()).await.unwrap().epoch;
    let rows = ["ann", "bob", "cy"].map(|key| row(key, "{\"n\":1}", "first")).into();
    store.close(Close { rows, ..close(epoch) }).await.unwrap();
    let id = store.add_reload(asked(), 1).await.unwrap().unwrap();
    store.reload_step(step(epoch, id, BEGIN)).await.unwrap();
    let rows = vec![
        row("ann", "{\"n\":2}", "reload"),
        row("bob", "{\"n\":1}", "reload"),
        row("dee", "{\"n\":2}", "reload"),
    ];
    let gone = vec![("agent_interval".into(), at(0), "cy".to_owned())];
    let set = store.reload_step(step(epoch, id, ReloadWork::SetAside { rows, gone })).await.unwrap();
    assert_eq!(set, Reloaded { state: ReloadState::Running, rows: 3, goes_on: true }, "Bob's is the same");
    (epoch, id)
}

async fn shown(store: &dyn Store) -> Vec<(String, u32, String)> {
    let rows = store.rows(&source(), "agent_interval", at(0), at(900)).await.unwrap();
    rows.into_iter().map(|row| (row.key, row.revision, row.body)).collect()
}

async fn revisions(store: &dyn Store) -> Vec<(String, u32, String)> {
    let (from, to) = (at(0), at(900));
    let list = store.row_history(&source(), Origin::Computed, "agent_interval", from, to, 99).await.unwrap();
    list.into_iter().map(|row| (row.key, row.revision, row.reason.to_string())).collect()
}

fn rows(rows: &[(&str, u32, &str)]) -> Vec<(String, u32, String)> {
    rows.iter().map(|(key, revision, text)| (key.to_string(), *revision, text.to_string())).collect()
}

const OLD: [(&str, u32, &str); 3] =
    [("ann", 1, "{\"n\":1}"), ("bob", 1, "{\"n\":1}"), ("cy", 1, "{\"n\":1}")];
const NEW: [(&str, u32, &str); 3] =
    [("ann", 2, "{\"n\":2}"), ("bob", 1, "{\"n\":1}"), ("dee", 1, "{\"n\":2}")];
const HISTORY: [(&str, u32, &str); 6] = [
    ("ann", 1, "first"),
    ("ann", 2, "reload"),
    ("bob", 1, "first"),
    ("cy", 1, "first"),
    ("cy", 2, "gone"),
    ("dee", 1, "reload"),
];

pub(crate) async fn a_day_is_wholly_old_until_it_is_swapped_and_wholly_new_from_then_on(home: &dyn Home) {
    let store = home.open().await;
    let (epoch, id) = set_aside(&*store).await;
    assert_eq!((shown(&*store).await, revisions(&*store).await.len()), (rows(&OLD), 3), "set aside");
    let feed = whole_feed(&*store, FeedKind::Rows).await.len();
    let swap = ReloadWork::Swap { rows: 3, answered: Vec::new(), reason: "reload".into() };
    store.reload_step(step(epoch, id, swap)).await.unwrap();
    let held = ReloadDay { id, from: at(0), to: at(900), swapped: true };
    assert_eq!(store.reload_day(&source()).await.unwrap(), Some(held));
    for (moved, goes_on) in [(0, true), (1, true), (2, false)] {
        let step = step(epoch, id, ReloadWork::Move(if moved == 1 { 1 } else { 9 }));
        if moved > 0 {
            let done = store.reload_step(step).await.unwrap();
            assert_eq!((done.rows, done.goes_on), (moved, goes_on));
        }
        assert_eq!(shown(&*store).await, rows(&NEW), "{moved}");
        assert_eq!(revisions(&*store).await, rows(&HISTORY), "{moved}");
    }
    assert_eq!(store.reload_day(&source()).await.unwrap(), None);
    let told = whole_feed(&*store, FeedKind::Rows).await;
    assert_eq!(told.len(), feed + 1, "one entry tells of the swap");
    let told: serde_json::Value = serde_json::from_str(&told[feed].body).unwrap();
    let expected = serde_json::json!({
        "origin": "computed", "swapped": {"from": "2026-03-01T09:00:00Z", "to": "2026-03-01T09:15:00Z"},
        "rows": 3, "reason": "reload",
    });
    assert_eq!(told, expected);
    // Rows go on from there.
    let late = vec![row("ann", "{\"n\":3}", "late"), row("cy", "{\"n\":3}", "late")];
    store.close(Close { rows: late, ..close(epoch) }).await.unwrap();
    let found = shown(&*store).await;
    assert_eq!((found[0].1, &*found[2].0, found[2].1), (3, "cy", 3));
}

pub(crate) async fn what_was_set_aside_and_not_swapped_is_dropped_without_a_trace(home: &dyn Home) {
    let store = home.open().await;
    let (epoch, id) = set_aside(&*store).await;
    let first = store.reload_step(step(epoch, id, ReloadWork::Drop(2))).await.unwrap();
    let last = store.reload_step(step(epoch, id, ReloadWork::Drop(2))).await.unwrap();
    assert_eq!((first.rows, first.goes_on, last.rows, last.goes_on), (2, true, 1, false));
    assert_eq!((shown(&*store).await, revisions(&*store).await.len()), (rows(&OLD), 3));
    assert_eq!(store.reload_day(&source()).await.unwrap(), None);
}

pub(crate) async fn a_reload_of_another_epoch_is_refused(home: &dyn Home) {
    let store = home.open().await;
    let (epoch, id) = set_aside(&*store).await;
    store.take_closer(&source()).await.unwrap();
    let swap = ReloadWork::Swap { rows: 3, answered: Vec::new(), reason: "reload".into() };
    let refused = store.reload_step(step(epoch, id, swap)).await.unwrap_err();
    assert!(matches!(refused, StoreError::NotOwner { .. }), "{refused}");
    assert_eq!(shown(&*store).await, rows(&OLD));
}

pub(crate) async fn a_reload_waits_runs_and_can_be_ended(home: &dyn Home) {
    let store = home.open().await;
    let epoch = store.take_closer(&source()).await.unwrap().epoch;
    let first = store.add_reload(asked(), 2).await.unwrap().unwrap();
    let second = store.add_reload(asked(), 2).await.unwrap().unwrap();
    assert_eq!(store.add_reload(asked(), 2).await.unwrap(), None, "two are open");
    store.reload_step(step(epoch, first, ReloadWork::Note)).await.unwrap();
    assert_eq!(store.reloads(&[], None, true, 9).await.unwrap().len(), 2);
    assert_eq!(store.cancel_reload(second).await.unwrap(), Some(ReloadState::Cancelled));
    assert_eq!(store.cancel_reload(first).await.unwrap(), Some(ReloadState::Cancelling));
    assert_eq!(store.cancel_reload(99).await.unwrap(), None);
    let goes_on = store.reload_step(step(epoch, first, ReloadWork::Note)).await.unwrap();
    assert_eq!(goes_on.state, ReloadState::Cancelling, "it does not go back to running");
    let done = ReloadStep { state: ReloadState::Cancelled, ..step(epoch, first, ReloadWork::Note) };
    store.reload_step(done).await.unwrap();
    assert_eq!(store.cancel_reload(first).await.unwrap(), Some(ReloadState::Cancelled));
    assert_eq!(store.reloads(&[], None, true, 9).await.unwrap(), []);
    let list = store.reloads(&[source()], None, false, 9).await.unwrap();
    let ids: Vec<_> = list.iter().map(|reload| (reload.id, reload.state)).collect();
    assert_eq!(ids, [(second, ReloadState::Cancelled), (first, ReloadState::Cancelled)], "newest first");
    assert_eq!((&*list[1].asked, &*list[1].progress), ("{\"from\":1}", "{\"days\":1}"));
    assert_eq!(store.reloads(&[], Some(second), false, 9).await.unwrap().len(), 1);
    assert_eq!(store.reloads(&["other".into()], None, false, 9).await.unwrap(), []);
}
