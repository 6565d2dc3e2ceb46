//! Events that come after their interval was closed.

use std::collections::BTreeMap;

use pegboard_model::{Millis, Timestamp};
use serde_json::Value;

use crate::support::clock;
use crate::support::day::Day;
use crate::support::event::{change, minute};
use crate::support::feeding::{ONLY, all_arrived, feed_only};
use crate::support::live::{Live, SOURCE, assert_alike, config, replayed_tables, settings};
use crate::support::replayed::replay;
use crate::support::script::Script;

const INTERVALS: [&str; 4] = ["agent_interval", "group_interval", "queue_interval", "agent_queue_interval"];

/// What a row is about, and the rest of it.
fn split(report: &str, row: &Value) -> (String, Value) {
    let keys = ["interval_start", "agent_id", "group", "queue_id", "channel", "direction"];
    let key: Vec<String> = keys.iter().filter_map(|key| Some(row.get(*key)?.to_string())).collect();
    let mut rest = row.clone();
    for column in ["revision", "reason"] {
        rest.as_object_mut().unwrap().remove(column);
    }
    (format!("{report} {}", key.join(" ")), rest)
}

/// The rows of the interval reports, by what they are about.
async fn rows(live: &Live, from: Timestamp, to: Timestamp) -> BTreeMap<String, (Value, Value)> {
    let mut rows = BTreeMap::new();
    for report in INTERVALS {
        for row in live.report(report, from, to).await {
            let (key, rest) = split(report, &row);
            assert!(rows.insert(key, (rest, row)).is_none(), "two rows of one key");
        }
    }
    rows
}

/// The day without every `nth` record of each stream, and the day with those alone.
fn without_every(nth: usize, day: &Day) -> (Day, Day) {
    let (mut early, mut held_back) = (day.clone(), day.clone());
    for (part, held) in [(&mut early, false), (&mut held_back, true)] {
        let mut numbers = 1..;
        part.events.retain(|_| numbers.next().is_some_and(|number| (number % nth == 0) == held));
        let mut numbers = 1..;
        part.records.retain(|_| numbers.next().is_some_and(|number| (number % nth == 0) == held));
    }
    (early, held_back)
}

#[tokio::test]
async fn r12_late_events_revise_the_rows_that_change_and_no_others() {
    let day = Day::of(12, 6, 21);
    let (early, held_back) = without_every(30, &day);
    let (script, folder) = (Script::new(false), tempfile::tempdir().unwrap());
    script.add(ONLY, &[]);
    feed_only(&script, &early, day.start, all_arrived(&day));
    let live = Live::start(&script, &config(), folder.path()).await;
    live.settle(&script, day.end).await;
    let before = rows(&live, day.start, day.end).await;
    assert!(before.values().all(|(_, row)| row["revision"] == 1 && row["reason"] == "first"));

    let held_back: Vec<String> = held_back.deliveries().into_iter().map(|delivery| delivery.json).collect();
    script.push(ONLY, &held_back, all_arrived(&day));
    live.settle(&script, day.end).await;
    let after = rows(&live, day.start, day.end).await;
    let mut revised = 0;
    for (key, (content, row)) in &after {
        let (revision, reason) = match before.get(key) {
            Some((known, _)) if known == content => (1, "first"),
            Some(_) => (2, "late"),
            None => (1, "late"),
        };
        revised += u32::from(revision == 2);
        assert_eq!((&row["revision"], &row["reason"]), (&revision.into(), &reason.into()), "{key}");
    }
    assert!(revised > 10 && (revised as usize) < after.len() / 2, "{revised} of {}", after.len());
    assert_alike(&replayed_tables(&replay(&day, &settings(&day))), &live.tables(day.start, day.end).await);
    live.stop().await;
}

#[tokio::test]
async fn r28_r12_what_comes_later_than_the_lateness_window_is_listed_and_changes_nothing() {
    let (script, folder) = (Script::new(false), tempfile::tempdir().unwrap());
    clock::set(minute(26 * 60));
    script.add(ONLY, &[]);
    let live = Live::start(&script, &config(), folder.path()).await;
    let day = 24 * 60;
    script.push(ONLY, &[change(minute(day), "Available")], minute(day));
    script.push(ONLY, &[change(minute(0), "Break")], minute(day + 1));
    script.push(ONLY, &[change(minute(0) - Millis::new(1), "Lunch")], minute(day + 2));
    live.read_all(&script).await;

    let letters = live.store.dead_letters(&[], None, 10).await.unwrap();
    assert_eq!(letters.len(), 1, "exactly on the edge of the window is inside");
    let letter = &letters[0];
    assert_eq!((letter.source.as_str(), letter.partition.as_str()), (SOURCE, ONLY));
    assert_eq!(letter.position.to_string(), "3");
    assert!(letter.reason.contains("lateness window"), "{}", letter.reason);
    assert!(String::from_utf8_lossy(&letter.payload).contains("Lunch"));
    let segments = live.report("segments", minute(-60), minute(day + 60)).await;
    let told: Vec<_> = segments.iter().map(|row| row["event_id"].as_str().unwrap()).collect();
    assert_eq!(told.last(), Some(&"Available"));
    assert!(told.contains(&"Break") && !told.contains(&"Lunch"), "{told:?}");
    live.stop().await;
}

/// A file tells up to when it is complete only at its end.
#[tokio::test]
async fn r12_who_was_silent_after_a_late_event_stays_silent_whatever_partition_brings_it() {
    let (script, folder) = (Script::new(true), tempfile::tempdir().unwrap());
    clock::set(minute(60));
    script.add("one", &[]);
    script.add("two", &[]);
    script.push("one", &[change(minute(0), "Available")], minute(60));
    script.push::<&str>("two", &[], minute(60));
    let live = Live::start(&script, &config(), folder.path()).await;
    live.settle(&script, minute(45)).await;
    let told = live.feed(&live.beginning()).await.len();

    script.push_untold("two", &[change(minute(-3), "Break")]);
    live.settle(&script, minute(45)).await;
    script.push::<&str>("one", &[], minute(61));
    live.settle(&script, minute(45)).await;
    let rows = live.report("agent_interval", minute(-15), minute(45)).await;
    let revisions = rows.iter().map(|row| (row["interval_start"].clone(), row["revision"].clone()));
    let expected = [(-15, 1), (0, 1), (15, 1), (30, 1)];
    let expected =
        expected.map(|(start, revision)| (minute(start).to_string().into(), Value::from(revision)));
    assert_eq!(revisions.collect::<Vec<_>>(), expected, "he was unknown from nine on, before and after");
    assert_eq!(live.feed(&live.beginning()).await.len(), told, "nothing of his present has changed");
    live.stop().await;
}
