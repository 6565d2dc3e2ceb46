//! The feed of agents' states: complete, in order, prompt, and honest about silence.

use std::collections::BTreeMap;

use pegboard_model::{AgentNow, Class, Millis};

use crate::support::clock;
use crate::support::day::{Day, shuffled};
use crate::support::event::{AGENT, change, event, minute};
use crate::support::feeding::{ONLY, all_arrived, feed_only, one_partition};
use crate::support::live::{Live, config, settings, until};
use crate::support::replayed::replay;
use crate::support::script::Script;

/// The last entry of each agent.
fn applied(entries: &[(u64, AgentNow)]) -> BTreeMap<String, AgentNow> {
    entries.iter().map(|(_, now)| (now.agent_id.to_string(), now.clone())).collect()
}

fn assert_without_gaps(entries: &[(u64, AgentNow)], first: u64) {
    assert!((first..).zip(entries).all(|(number, entry)| number == entry.0), "a number is missing");
}

fn assert_each_entry_changes_something(entries: &[(u64, AgentNow)]) {
    let mut present: BTreeMap<&str, &AgentNow> = BTreeMap::new();
    for (number, now) in entries {
        assert_ne!(present.insert(now.agent_id.as_str(), now), Some(now), "entry {number} changes nothing");
    }
}

#[tokio::test]
async fn from_the_beginning_it_tells_each_segment_in_order_and_ends_at_the_snapshot() {
    let day = Day::of(12, 6, 11);
    let script = one_partition(&day, false);
    let folder = tempfile::tempdir().unwrap();
    let live = Live::start(&script, &config(), folder.path()).await;
    live.read_all(&script).await;
    let entries = live.feed(&live.beginning()).await;
    assert_without_gaps(&entries, 1);
    assert_each_entry_changes_something(&entries);
    assert_eq!(applied(&entries), live.agents().await);

    let replayed = replay(&day, &settings(&day));
    for agent in live.agents().await.keys() {
        let own = entries.iter().filter(|(_, now)| now.agent_id.as_str() == agent);
        let told: Vec<_> =
            own.map(|(_, now)| (now.since.max(day.start), now.class, now.event_id.clone())).collect();
        let segments = replayed.segments().into_iter().filter(|row| row.agent_id.as_str() == agent);
        let spent = segments.filter(|row| !row.duration_s.is_zero());
        // What lies before the first evidence is told by no event.
        let spent: Vec<_> = spent.map(|row| (row.start, row.class, row.event_id)).collect();
        let leading = spent.len() - told.len();
        assert!(leading <= 1, "{agent}: {} entries for {} segments", told.len(), spent.len());
        assert_eq!(told, spent[leading..]);
    }
    live.stop().await;
}

#[tokio::test]
async fn a_snapshot_and_the_entries_after_its_cursor_are_the_present() {
    let day = Day::of(12, 6, 12).disturbed(&shuffled(12));
    let script = Script::new(true);
    script.add(ONLY, &[]);
    let folder = tempfile::tempdir().unwrap();
    let live = Live::start(&script, &config(), folder.path()).await;
    clock::set(all_arrived(&day));
    let noon = day.start + Millis::from_hours(5);
    feed_only(&script, &day, day.start, noon);
    clock::set(all_arrived(&day));
    live.read_all(&script).await;
    let snapshot = live.store.agents(&[]).await.unwrap();
    let before = live.agents().await;

    feed_only(&script, &day, noon, all_arrived(&day));
    live.read_all(&script).await;
    let entries = live.feed(&snapshot.cursor).await;
    assert!(!entries.is_empty() && !before.is_empty());
    assert_without_gaps(&entries, snapshot.cursor.seen.values().sum::<u64>() + 1);
    assert_each_entry_changes_something(&entries);
    let mut present = before;
    present.extend(applied(&entries));
    assert_eq!(present, live.agents().await);
    live.stop().await;
}

/// A hub with one partition, and the clock at noon.
async fn one_agent(script: &Script, folder: &tempfile::TempDir) -> Live {
    clock::set(clock::noon());
    script.add(ONLY, &[]);
    Live::start(script, &config(), folder.path()).await
}

/// Class and beginning of every entry so far.
async fn told(live: &Live) -> Vec<(Class, pegboard_model::Timestamp)> {
    live.feed(&live.beginning()).await.into_iter().map(|(_, now)| (now.class, now.since)).collect()
}

#[tokio::test]
async fn r22_a_single_event_is_seen_without_a_second() {
    let (script, folder) = (Script::new(true), tempfile::tempdir().unwrap());
    let live = one_agent(&script, &folder).await;
    let mut woken = live.store.woken();
    woken.mark_unchanged();
    script.push(ONLY, &[change(minute(0), "Available")], minute(0));
    tokio::time::timeout(std::time::Duration::from_mins(1), woken.changed()).await.unwrap().unwrap();
    assert_eq!(told(&live).await, [(Class::Available, minute(0))]);
    let now = live.agents().await.remove(AGENT).unwrap();
    assert_eq!((now.class, &*now.agent_login), (Class::Available, "ann.a-1"));
    live.stop().await;
}

#[tokio::test]
async fn r09_silence_is_told_when_the_watermark_passes_and_ends_with_the_next_event() {
    let (script, folder) = (Script::new(true), tempfile::tempdir().unwrap());
    let live = one_agent(&script, &folder).await;
    script.push(ONLY, &[change(minute(0), "Available")], minute(0));
    script.push::<&str>(ONLY, &[], minute(5) - Millis::new(1));
    live.read_all(&script).await;
    let mut expected = vec![(Class::Available, minute(0))];
    assert_eq!(told(&live).await, expected);

    script.push::<&str>(ONLY, &[], minute(5));
    script.push::<&str>(ONLY, &[], minute(6));
    live.read_all(&script).await;
    expected.push((Class::Unknown, minute(0)));
    assert_eq!(told(&live).await, expected);

    script.push(ONLY, &[event(AGENT, "HEART_BEAT", minute(7), "Available")], minute(7));
    live.read_all(&script).await;
    expected.push((Class::Available, minute(7)));
    assert_eq!(told(&live).await, expected);

    clock::set(minute(20 * 60));
    script.push::<&str>(ONLY, &[], minute(7 + 12 * 60));
    live.read_all(&script).await;
    expected.push((Class::SignedOut, minute(7 + 12 * 60)));
    assert_eq!(told(&live).await, expected);
    live.stop().await;
}

#[tokio::test]
async fn r09_a_late_event_before_the_silence_tells_nothing() {
    let (script, folder) = (Script::new(true), tempfile::tempdir().unwrap());
    let live = one_agent(&script, &folder).await;
    script.push(ONLY, &[change(minute(0), "Available"), change(minute(2), "Break")], minute(9));
    live.read_all(&script).await;
    let before = told(&live).await;
    assert_eq!(before.last(), Some(&(Class::Unknown, minute(2))), "silent from its first batch on");
    script.push(ONLY, &[change(minute(1), "Lunch")], minute(10));
    live.read_all(&script).await;
    assert_eq!(told(&live).await, before);
    live.stop().await;
}

#[tokio::test]
async fn r09_an_agent_who_was_heard_in_an_ended_partition_falls_silent_too() {
    let (script, folder) = (Script::new(true), tempfile::tempdir().unwrap());
    clock::set(clock::noon());
    script.add("parent", &[]);
    script.add("left", &["parent"]);
    script.add("right", &["parent"]);
    let live = Live::start(&script, &config(), folder.path()).await;
    script.push("parent", &[change(minute(0), "Available")], minute(1));
    script.end("parent", minute(1));
    script.push::<&str>("left", &[], minute(20));
    live.read_all_but(&script, "right").await;
    assert_eq!(told(&live).await.len(), 1, "an event may still come in the other child");
    script.push::<&str>("right", &[], minute(20));
    script.push::<&str>("left", &[], minute(21));
    script.push::<&str>("right", &[], minute(21));
    let silent = async || live.agents().await[AGENT].class == Class::Unknown;
    until("the agent is unknown", silent).await;
    live.stop().await;
}
