//! Silence and loss: rows of zeros where a queue was open and nothing came, and none where nobody knows.

use std::collections::BTreeMap;

use pegboard::config::SourceConfig;
use pegboard::config::queue_settings::OpenQueue;
use pegboard_model::{Channel, Millis, Timestamp};
use pegboard_store::{Close, ClosedUntil, RowWrite};
use serde_json::Value;

use crate::support::clock;
use crate::support::day::Day;
use crate::support::feeding::{ONLY, all_arrived, feed_only};
use crate::support::live::{Live, SOURCE, config, open_store, until};
use crate::support::script::Script;

const QUARTER: Millis = Millis::from_minutes(15);

/// A source in which a queue, by its id or its name, is always open for telephone.
fn always_open(queue: &Value) -> SourceConfig {
    let open = OpenQueue { hours: "Mon-Sun 00:00-24:00".parse().unwrap(), channel: Channel::Voice };
    let open_queues = BTreeMap::from([(queue.as_str().unwrap().to_owned(), open)]);
    SourceConfig { open_queues, ..config() }
}

/// The rows of a day without any setting.
async fn plain_rows(day: &Day) -> Vec<Value> {
    let (script, folder) = (Script::new(false), tempfile::tempdir().unwrap());
    script.add(ONLY, &[]);
    feed_only(&script, day, day.start, all_arrived(day));
    let live = Live::start(&script, &config(), folder.path()).await;
    live.settle(&script, day.end).await;
    let rows = live.report("queue_interval", day.start, day.end).await;
    live.stop().await;
    rows
}

fn is_of(row: &Value, queue: &Value) -> bool {
    row["queue_id"] == *queue && row["channel"] == "VOICE" && row["direction"] == "inbound"
}

fn start_of(row: &Value) -> Timestamp {
    row["interval_start"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_queue_that_is_open_and_quiet_has_a_row_of_zeros() {
    let day = Day::of(4, 4, 11);
    let plain = plain_rows(&day).await;
    let busy = plain.iter().find(|row| row["channel"] == "VOICE" && row["direction"] == "inbound").unwrap();
    for setting in [&busy["queue_id"], &busy["queue_name"]] {
        let (script, folder) = (Script::new(false), tempfile::tempdir().unwrap());
        script.add(ONLY, &[]);
        feed_only(&script, &day, day.start, all_arrived(&day));
        let live = Live::start(&script, &always_open(setting), folder.path()).await;
        live.settle(&script, day.end).await;
        let rows = live.report("queue_interval", day.start, day.end).await;
        let own: Vec<_> = rows.iter().filter(|row| is_of(row, &busy["queue_id"])).collect();
        assert_eq!(own.len(), 16, "one for each interval");
        let (quiet, counted): (Vec<_>, Vec<_>) = own.into_iter().partition(|row| row["offered"] == 0);
        assert!(!quiet.is_empty() && !counted.is_empty(), "{} of 16 are quiet", quiet.len());
        for row in &quiet {
            assert_eq!((&row["queue_name"], &row["talk_s"]), (&busy["queue_name"], &0.into()));
            assert_eq!((&row["service_level_pct"], &row["service_level_s"]), (&Value::Null, &20.into()));
        }
        // What is not zero is as it was.
        let others: Vec<_> = rows.iter().filter(|row| row["offered"] != 0).collect();
        assert_eq!(others, plain.iter().collect::<Vec<_>>());
        live.stop().await;
    }
}

#[tokio::test]
async fn there_are_no_zeros_where_something_was_lost() {
    let day = Day::of(4, 4, 11);
    let plain = plain_rows(&day).await;
    let busy = plain.iter().find(|row| row["channel"] == "VOICE" && row["direction"] == "inbound").unwrap();
    let (script, folder) = (Script::new(false), tempfile::tempdir().unwrap());
    script.add(ONLY, &[]);
    script.add("lost", &[]);
    let known = day.start + Millis::from_hours(1);
    script.push::<&str>("lost", &[], known);
    feed_only(&script, &day, day.start, all_arrived(&day));
    let live = Live::start(&script, &always_open(&busy["queue_id"]), folder.path()).await;
    live.read_all(&script).await;
    live.stop().await;
    script.lose("lost");
    let live = Live::start(&script, &always_open(&busy["queue_id"]), folder.path()).await;
    live.close(day.end).await;
    let rows = live.report("queue_interval", day.start, day.end).await;
    let quiet = rows.iter().filter(|row| is_of(row, &busy["queue_id"]) && row["offered"] == 0);
    let last = quiet.map(start_of).max().expect("some are quiet before the loss");
    assert!(last + QUARTER <= known, "{last}");
    live.stop().await;
}

#[tokio::test]
async fn the_day_before_is_captured_again_and_what_differs_is_overwritten() {
    let day = Day::of(6, 2, 13);
    let (script, folder) = (Script::new(false), tempfile::tempdir().unwrap());
    script.add(ONLY, &[]);
    feed_only(&script, &day, day.start, all_arrived(&day));
    let live = Live::start(&script, &config(), folder.path()).await;
    live.settle(&script, day.end).await;
    let before = live.report("queue_interval", day.start, day.end).await;
    live.stop().await;

    // A row is wrong, and nothing marks it.
    let store = open_store(folder.path());
    let stored = store.rows(&SOURCE.into(), "queue_interval", day.start, day.end).await.unwrap();
    let epoch = store.take_closer(&SOURCE.into()).await.unwrap().epoch;
    let wrong = RowWrite {
        report: "queue_interval".into(),
        interval_start: stored[0].interval_start,
        key: stored[0].key.clone(),
        body: stored[0].body.replacen("\"offered\":", "\"offered\":9", 1),
        reason: "late".into(),
    };
    let close = Close {
        source: SOURCE.into(),
        epoch,
        closed_until: ClosedUntil::default(),
        rows: vec![wrong],
        gone: Vec::new(),
        answered: Vec::new(),
        at: day.end,
    };
    assert_eq!(store.close(close).await.unwrap().revised, 1);
    store.shut_down().await.unwrap();
    drop(store);

    let next_day: Timestamp = "2026-03-03T02:31:00Z".parse().unwrap();
    clock::set(next_day);
    script.push::<&str>(ONLY, &[], next_day);
    let nightly = SourceConfig { recapture_at: Some(Millis::from_minutes(150)), ..config() };
    let live = Live::start(&script, &nightly, folder.path()).await;
    let mended = async || live.report("queue_interval", day.start, day.end).await[0]["revision"] == 3;
    until("the day is captured again", mended).await;
    let after = live.report("queue_interval", day.start, day.end).await;
    assert_eq!((&after[0]["reason"], &after[0]["offered"]), (&"recapture".into(), &before[0]["offered"]));
    assert_eq!(after[1..], before[1..], "what was right has no new revision");
    live.stop().await;
}
