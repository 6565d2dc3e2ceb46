//! A hub that ends in the middle, in order or not, and the next one over the same store.

use std::collections::BTreeMap;
use std::path::Path;

use pegboard_model::{AgentNow, Millis};

use crate::support::clock;
use crate::support::day::{Day, late};
use crate::support::feeding::{ONLY, all_arrived, feed_only, one_partition};
use crate::support::live::{Live, Tables, assert_alike, config, replayed_tables, settings};
use crate::support::replayed::replay;
use crate::support::script::Script;

fn day() -> Day {
    Day::of(12, 6, 31).disturbed(&late(31, Millis::from_hours(1)))
}

async fn finish(script: &Script, day: &Day, folder: &Path) -> (Tables, BTreeMap<String, AgentNow>, usize) {
    let live = Live::start(script, &config(), folder).await;
    live.settle(script, day.end).await;
    let tables = live.tables(day.start, day.end).await;
    let agents = live.agents().await;
    let entries = live.feed(&live.beginning()).await;
    assert!((1..).zip(&entries).all(|(number, entry): (u64, _)| number == entry.0), "a number is missing");
    live.stop().await;
    (tables, agents, entries.len())
}

#[tokio::test]
async fn r14_a_stop_and_a_start_change_nothing() {
    let (day, folder) = (day(), tempfile::tempdir().unwrap());
    let uninterrupted = finish(&one_partition(&day, true), &day, folder.path()).await;

    let (script, folder) = (Script::new(true), tempfile::tempdir().unwrap());
    script.add(ONLY, &[]);
    let mut from = day.start;
    for hours in 1..=5 {
        let to = day.start + Millis::from_hours(hours);
        feed_only(&script, &day, from, to);
        clock::set(all_arrived(&day));
        let live = Live::start(&script, &config(), folder.path()).await;
        live.read_all(&script).await;
        live.stop().await;
        from = to;
    }
    feed_only(&script, &day, from, all_arrived(&day));
    let interrupted = finish(&script, &day, folder.path()).await;
    assert_alike(&uninterrupted.0, &interrupted.0);
    assert_eq!(uninterrupted.1, interrupted.1);
    assert_eq!(uninterrupted.2, interrupted.2, "the feed tells the same changes");
}

/// Runs a hub for as long as it takes to read half of everything, and then lets go of it as it is: its tasks end where
/// they wait, and nothing is closed in order.
fn crash_halfway(script: &Script, folder: &Path, half: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let live = Live::start(script, &config(), folder).await;
        let read = async || live.status().await.counts.records >= half;
        crate::support::live::until("half is read", read).await;
    });
    drop(runtime);
}

#[test]
fn r03_a_crash_loses_nothing_and_counts_nothing_twice() {
    let (day, folder) = (day(), tempfile::tempdir().unwrap());
    let script = one_partition(&day, false);
    let records = day.deliveries().len() as u64;
    for part in 1..4 {
        crash_halfway(&script, folder.path(), records * part / 4);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (tables, ..) = runtime.block_on(finish(&script, &day, folder.path()));
    assert_alike(&replayed_tables(&replay(&day, &settings(&day))), &tables);
}
