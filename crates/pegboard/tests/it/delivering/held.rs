//! Everybody's present state is held back while it may be wrong.

use pegboard::runtime::view::{HoldShown, View as _};
use pegboard_model::{Millis, Timestamp};
use pegboard_sim::stand_in::asc_manager::AscManager;
use pegboard_store::{DeliveryNote, FeedKind, Present, Store};

use super::{assert_states_are_there, manager, setup, wfm};
use crate::support::clock;
use crate::support::day::Day;
use crate::support::feeding::{all_arrived, feed, feed_only, one_partition};
use crate::support::live::{Live, config, open_store, until};
use crate::support::script::Script;

async fn hold(live: &Live) -> Option<HoldShown> {
    live.hub.sinks().await.unwrap()[0].hold.clone()
}

async fn is_held_because(live: &Live, reason: &str) {
    let held = async || hold(live).await.is_some_and(|hold| hold.reason.contains(reason));
    until("it is held back", held).await;
}

fn states(manager: &AscManager) -> usize {
    manager.look(|kept| kept.states.len())
}

/// A source that is read up to the middle of its day, at the end of it.
fn half_read(day: &Day, middle: Timestamp) -> Script {
    let script = Script::new(false);
    script.add("0", &[]);
    feed(&script, "0", &day.deliveries(), |_| true, day.start, middle);
    clock::set(all_arrived(day));
    script
}

#[tokio::test]
async fn r15_nobody_is_told_states_of_a_source_that_is_not_read_up_to_the_present() {
    let day = Day::of(12, 4, 31);
    let (manager, folder) = (manager(&day), tempfile::tempdir().unwrap());
    let script = Script::new(false);
    script.add("0", &[]);
    clock::set(all_arrived(&day));
    let sink = setup(&day, &manager, Some(day.start));
    let live = Live::delivering(open_store(folder.path()), &script, &config(), sink).await;
    is_held_because(&live, "nothing of source centre has been read yet").await;
    let middle = day.start + Millis::from_hours(2);
    feed(&script, "0", &day.deliveries(), |_| true, day.start, middle);
    is_held_because(&live, "source centre is stale").await;
    assert_eq!(states(&manager), 0);
    feed(&script, "0", &day.deliveries(), |_| true, middle, all_arrived(&day));
    live.read_all(&script).await;
    assert_states_are_there(&live, &manager).await;
    assert_eq!(hold(&live).await, None);
    live.stop().await;
}

#[tokio::test]
async fn r15_an_operator_has_them_told_all_the_same_and_is_not_asked_twice() {
    let day = Day::of(12, 4, 31);
    let (manager, folder) = (manager(&day), tempfile::tempdir().unwrap());
    let middle = day.start + Millis::from_hours(2);
    let script = half_read(&day, middle);
    let sink = setup(&day, &manager, Some(day.start));
    let live = Live::delivering(open_store(folder.path()), &script, &config(), sink).await;
    live.read_all(&script).await;
    is_held_because(&live, "source centre is stale").await;
    assert_eq!(states(&manager), 0);
    assert!(live.store.release_hold(&wfm(), clock::now()).await.unwrap());
    let over = async || hold(&live).await.is_none();
    until("what was released has arrived", over).await;
    assert!(states(&manager) > 0);
    live.stop().await;
    let sink = setup(&day, &manager, Some(day.start));
    let live = Live::delivering(open_store(folder.path()), &script, &config(), sink).await;
    feed(&script, "0", &day.deliveries(), |_| true, middle, all_arrived(&day));
    live.read_all(&script).await;
    assert_states_are_there(&live, &manager).await;
    assert_eq!(hold(&live).await, None);
    live.stop().await;
}

/// As if the target had been told so many agents long ago, and of a feed that no longer reaches back.
async fn was_told(store: &dyn Store, agents: u64, at: Timestamp) {
    let epoch = store.take_sink(&wfm()).await.unwrap().epoch;
    let gone = format!("{}~a=1", "0".repeat(32)).parse().unwrap();
    let note = DeliveryNote {
        cursors: vec![(FeedKind::States, gone)],
        present: Some(Present { agents, at }),
        ..DeliveryNote::new(wfm(), epoch)
    };
    store.note_deliveries(note).await.unwrap();
}

#[tokio::test]
async fn r15_agents_out_of_sight_are_not_told_as_gone() {
    let day = Day::of(12, 4, 63);
    let (manager, folder) = (manager(&day), tempfile::tempdir().unwrap());
    let store = open_store(folder.path());
    was_told(&*store, 1000, day.end).await;
    let script = one_partition(&day, false);
    let sink = setup(&day, &manager, Some(day.start));
    let live = Live::delivering(store, &script, &config(), sink).await;
    live.read_all(&script).await;
    is_held_because(&live, "of the 1000 agents who were signed in at").await;
    assert_eq!(states(&manager), 0);
    assert!(live.store.release_hold(&wfm(), clock::now()).await.unwrap());
    assert_states_are_there(&live, &manager).await;
    live.stop().await;
}

#[tokio::test]
async fn r15_agents_who_went_home_are_told_as_gone() {
    let day = Day::of(12, 4, 64);
    let (manager, folder) = (manager(&day), tempfile::tempdir().unwrap());
    let store = open_store(folder.path());
    was_told(&*store, 12, day.start).await;
    let script = Script::new(false);
    script.add("only", &[]);
    let live = {
        let sink = setup(&day, &manager, Some(day.start));
        feed_only(&script, &day, day.start, all_arrived(&day));
        Live::delivering(store, &script, &config(), sink).await
    };
    live.read_all(&script).await;
    assert_states_are_there(&live, &manager).await;
    live.stop().await;
}
