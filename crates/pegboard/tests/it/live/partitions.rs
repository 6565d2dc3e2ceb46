//! Partitions that disappear or cannot be opened, and what stands in them alone.

use pegboard_model::{Class, Millis};

use crate::support::clock;
use crate::support::day::Day;
use crate::support::event::{AGENT, change, event, minute};
use crate::support::feeding::{ONLY, one_partition};
use crate::support::live::{Live, SOURCE, Tables, assert_alike, config, replayed_tables, settings, until};
use crate::support::replayed::replay;
use crate::support::script::Script;

#[tokio::test]
async fn r04_a_partition_that_is_gone_leaves_a_gap_and_holds_nobody_up() {
    let (script, folder) = (Script::new(true), tempfile::tempdir().unwrap());
    clock::set(minute(60));
    for partition in ["gone", "ended", "other"] {
        script.add(partition, &[]);
    }
    script.push("gone", &[change(minute(0), "Available")], minute(1));
    script.push("other", &[event("a-2", "LOGIN", minute(0), "Available")], minute(2));
    let live = Live::start(&script, &config(), folder.path()).await;
    live.read_all_but(&script, "ended").await;
    script.lose("gone");
    // The end of a partition has the source planned again.
    script.end("ended", minute(2));
    let noted = async || !live.store.gaps(&SOURCE.into(), 10).await.unwrap().is_empty();
    until("a gap is noted", noted).await;
    let gaps = live.store.gaps(&SOURCE.into(), 10).await.unwrap();
    assert_eq!((gaps.len(), gaps[0].partition.as_str(), gaps[0].from), (1, "gone", Some(minute(1))));
    assert_eq!(live.status().await.agents, 2);

    script.push::<&str>("other", &[], minute(30));
    script.push::<&str>("other", &[], minute(31));
    until("the watermark goes on", async || live.status().await.watermark == Some(minute(31))).await;
    let silent = async || live.agents().await[AGENT].class == Class::Unknown;
    until("the agent of the lost partition is unknown", silent).await;
    live.stop().await;
}

#[tokio::test]
async fn a_partition_that_cannot_be_opened_is_told_and_tried_again_after_a_pause() {
    let (script, folder) = (Script::new(false), tempfile::tempdir().unwrap());
    clock::set(minute(60));
    script.add(ONLY, &[]);
    script.push(ONLY, &[change(minute(0), "Available")], minute(1));
    script.shut(true);
    let live = Live::start(&script, &config(), folder.path()).await;
    until("a fault is told", async || live.status().await.error.is_some()).await;
    script.shut(false);
    until("the event is read", async || live.agents().await.contains_key(AGENT)).await;
    live.read_all(&script).await;
    assert!(script.opened() <= 3, "opened {} times", script.opened());
    live.stop().await;
}

#[tokio::test]
async fn r05_a_position_older_than_what_is_kept_leaves_a_gap_and_reading_goes_on_at_the_oldest_record() {
    let (script, folder) = (Script::new(false), tempfile::tempdir().unwrap());
    clock::set(minute(60));
    script.add(ONLY, &[]);
    script.push(ONLY, &[change(minute(0), "Available")], minute(1));
    let live = Live::start(&script, &config(), folder.path()).await;
    live.read_all(&script).await;
    live.stop().await;

    script.push(ONLY, &[change(minute(10), "Lunch")], minute(11));
    script.push(ONLY, &[change(minute(20), "Break")], minute(21));
    script.expire(ONLY, 2);
    let live = Live::start(&script, &config(), folder.path()).await;
    live.read_all(&script).await;
    let gaps = live.store.gaps(&SOURCE.into(), 10).await.unwrap();
    assert_eq!(gaps.len(), 1);
    assert!(gaps[0].reason.contains("older than what is kept") && gaps[0].from.is_some(), "{:?}", gaps[0]);
    let segments = live.report("segments", minute(0), minute(21)).await;
    let told: Vec<_> = segments.iter().map(|row| row["event_id"].as_str().unwrap()).collect();
    assert_eq!(told, ["Available", "Break"]);
    until("nothing is wrong any more", async || live.status().await.error.is_none()).await;
    live.stop().await;
}

/// What is left of the tables when only these reports are looked at.
fn only(mut tables: Tables, reports: &[&str]) -> Tables {
    tables.retain(|name, _| reports.contains(name));
    tables
}

#[tokio::test]
async fn contacts_without_agent_events_have_their_rows() {
    let mut day = Day::of(12, 6, 51);
    day.events.clear();
    let (script, folder) = (one_partition(&day, true), tempfile::tempdir().unwrap());
    let live = Live::start(&script, &config(), folder.path()).await;
    live.settle(&script, day.end).await;
    let reports = ["queue_interval", "agent_queue_interval", "queue_daily", "agent_queue_daily"];
    let expected = only(replayed_tables(&replay(&day, &settings(&day))), &reports);
    assert_alike(&expected, &only(live.tables(day.start, day.end).await, &reports));
    live.stop().await;
}

#[tokio::test]
async fn contacts_from_before_the_first_agent_event_have_their_rows() {
    let mut day = Day::of(12, 6, 52);
    let last_minutes = day.end - Millis::from_minutes(20);
    day.events.retain(|event| event.at >= last_minutes);
    let (script, folder) = (one_partition(&day, false), tempfile::tempdir().unwrap());
    let live = Live::start(&script, &config(), folder.path()).await;
    live.settle(&script, day.end).await;
    let segments = live.report("segments", day.start, day.end).await;
    let known: Vec<_> = segments.iter().filter(|row| row["class"] != "unknown").collect();
    assert!(known.iter().all(|row| row["start"].as_str() > Some("2026-03-02T08:00")), "contacts come first");
    assert_alike(&replayed_tables(&replay(&day, &settings(&day))), &live.tables(day.start, day.end).await);
    live.stop().await;
}
