//! What the hub serves in the end is what replay makes of the same input, however it arrived.

use std::path::Path;

use pegboard::config::SourceConfig;
use pegboard_model::{Millis, Timestamp};
use pegboard_sim::Delivery;
use pegboard_sim::truth::{ReportSettings, Silence};

use crate::support::clock;
use crate::support::compare::first_difference;
use crate::support::day::{Day, late, shuffled};
use crate::support::live::{Live, SOURCE, Tables, config, replayed_tables, values};
use crate::support::replayed::replay;
use crate::support::script::Script;

/// How much time a chunk covers.
const STRIDE: Millis = Millis::from_minutes(10);

/// When all of a day has arrived, and its last interval can be closed.
fn all_arrived(day: &Day) -> Timestamp {
    let last = day.deliveries().iter().map(|delivery| delivery.at).max().unwrap();
    last.max(day.end) + Millis::from_minutes(5)
}

/// Which of `parts` a record belongs to.
fn part_of(delivery: &Delivery, parts: u64) -> u64 {
    let sum: u64 = delivery.partition_key.bytes().map(u64::from).sum();
    sum % parts
}

/// Puts into a partition what of the deliveries is its own and arrives in `[from, to)`, a stride at a time.
fn feed(
    script: &Script,
    partition: &str,
    deliveries: &[Delivery],
    own: impl Fn(&Delivery) -> bool,
    from: Timestamp,
    to: Timestamp,
) {
    let mut start = from;
    while start < to {
        let end = (start + STRIDE).min(to);
        let within = |delivery: &&Delivery| start <= delivery.at && delivery.at < end && own(delivery);
        let records: Vec<&str> =
            deliveries.iter().filter(within).map(|delivery| delivery.json.as_str()).collect();
        script.push(partition, &records, end);
        start = end;
    }
}

fn settings(day: &Day) -> ReportSettings {
    ReportSettings { source: SOURCE.into(), ..day.settings() }
}

fn assert_alike(expected: &Tables, found: &Tables) {
    assert!(expected.values().all(|rows| !rows.is_empty()), "a report without rows shows nothing");
    for (name, rows) in expected {
        if let Some(difference) = first_difference(name, rows, &found[name]) {
            panic!("{difference}");
        }
    }
}

/// Everything that the hub serves once all is read and closed.
async fn settled(script: &Script, config: &SourceConfig, day: &Day, folder: &Path) -> Tables {
    let live = Live::start(script, config, folder).await;
    live.settle(script, day.end).await;
    let tables = live.tables(day.start, day.end).await;
    live.stop().await;
    tables
}

/// One partition with all of the day.
fn one_partition(day: &Day, has_heartbeat: bool) -> Script {
    let script = Script::new(has_heartbeat);
    script.add("only", &[]);
    let end = all_arrived(day);
    feed(&script, "only", &day.deliveries(), |_| true, day.start, end);
    clock::set(end);

    script
}

async fn assert_equals_replay(day: &Day) {
    let folder = tempfile::tempdir().unwrap();
    let expected = replayed_tables(&replay(day, &settings(day)));
    let found = settled(&one_partition(day, false), &config(), day, folder.path()).await;
    assert_alike(&expected, &found);
}

#[tokio::test]
async fn a_clean_day() {
    assert_equals_replay(&Day::of(12, 6, 1)).await;
}

#[tokio::test]
async fn r12_a_day_with_late_and_doubled_records() {
    assert_equals_replay(&Day::of(12, 6, 2).disturbed(&late(2, Millis::from_hours(2)))).await;
}

#[tokio::test]
async fn r02_a_day_in_any_order() {
    assert_equals_replay(&Day::of(12, 6, 3).disturbed(&shuffled(3))).await;
}

/// What can be known where silence means something.
async fn assert_equals_truth(day: &Day) {
    let folder = tempfile::tempdir().unwrap();
    let found = settled(&one_partition(day, true), &config(), day, folder.path()).await;
    let silence = Silence { stale_after: Millis::from_minutes(5), watermark: all_arrived(day) };
    let truth = day.knowable(&ReportSettings { silence: Some(silence), ..settings(day) });
    let expected = Tables::from([
        ("segments", values(&truth.segments)),
        ("sessions", values(&truth.sessions)),
        ("agent_interval", values(&truth.agent_intervals)),
        ("group_interval", values(&truth.group_intervals)),
        ("queue_interval", values(&truth.queue_intervals)),
        ("agent_queue_interval", values(&truth.agent_queue_intervals)),
    ]);
    assert_alike(&expected, &found);
}

#[tokio::test]
async fn r09_silence_is_known_as_it_can_be() {
    assert_equals_truth(&Day::of(15, 9, 4)).await;
}

#[tokio::test]
async fn r09_silence_is_known_as_it_can_be_in_any_order() {
    assert_equals_truth(&Day::of(15, 9, 5).disturbed(&shuffled(5))).await;
}
