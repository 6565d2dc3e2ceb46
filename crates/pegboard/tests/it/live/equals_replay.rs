//! What the hub serves in the end is what replay makes of the same input, however it arrived.

use std::path::Path;

use pegboard::config::SourceConfig;
use pegboard_model::{Millis, Timestamp};
use pegboard_sim::truth::{ReportSettings, Silence};

use crate::support::clock;
use crate::support::day::{Day, late, shuffled};
use crate::support::feeding::{all_arrived, feed, one_partition, part_of};
use crate::support::live::{Live, Tables, assert_alike, config, replayed_tables, settings, values};
use crate::support::replayed::replay;
use crate::support::script::Script;

/// Everything that the hub serves once all is read and closed.
async fn settled(script: &Script, config: &SourceConfig, day: &Day, folder: &Path) -> Tables {
    let live = Live::start(script, config, folder).await;
    live.settle(script, day.end).await;
    let tables = live.tables(day.start, day.end).await;
    live.stop().await;
    tables
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
fn knowable(day: &Day) -> Tables {
    let silence = Silence { stale_after: Millis::from_minutes(5), watermark: all_arrived(day) };
    let truth = day.knowable(&ReportSettings { silence: Some(silence), ..settings(day) });
    Tables::from([
        ("segments", values(&truth.segments)),
        ("sessions", values(&truth.sessions)),
        ("agent_interval", values(&truth.agent_intervals)),
        ("group_interval", values(&truth.group_intervals)),
        ("queue_interval", values(&truth.queue_intervals)),
        ("agent_queue_interval", values(&truth.agent_queue_intervals)),
    ])
}

async fn assert_equals_truth(day: &Day) {
    let folder = tempfile::tempdir().unwrap();
    let found = settled(&one_partition(day, true), &config(), day, folder.path()).await;
    assert_alike(&knowable(day), &found);
}

#[tokio::test]
async fn r09_silence_is_known_as_it_can_be() {
    assert_equals_truth(&Day::of(15, 9, 4)).await;
}

#[tokio::test]
async fn r09_silence_is_known_as_it_can_be_in_any_order() {
    assert_equals_truth(&Day::of(15, 9, 5).disturbed(&shuffled(5))).await;
}

/// Two partitions; the first is split at `split`, so that its agents go on in one of two children.
fn split_in_the_middle(day: &Day, has_heartbeat: bool, split: Timestamp) -> Script {
    let script = Script::new(has_heartbeat);
    for (partition, parents) in [("0", &[][..]), ("1", &[]), ("2", &["0"]), ("3", &["0"])] {
        script.add(partition, parents);
    }
    let (deliveries, end) = (day.deliveries(), all_arrived(day));
    feed(&script, "0", &deliveries, |delivery| part_of(delivery, 2) == 0, day.start, split);
    script.end("0", split);
    feed(&script, "1", &deliveries, |delivery| part_of(delivery, 2) == 1, day.start, end);
    feed(&script, "2", &deliveries, |delivery| part_of(delivery, 4) == 0, split, end);
    feed(&script, "3", &deliveries, |delivery| part_of(delivery, 4) == 2, split, end);
    clock::set(end);
    script
}

#[tokio::test]
async fn r04_a_day_over_partitions_of_which_one_is_split() {
    let day = Day::of(14, 6, 6).disturbed(&late(6, Millis::from_hours(2)));
    let script = split_in_the_middle(&day, false, day.start + Millis::from_minutes(183));
    let folder = tempfile::tempdir().unwrap();
    let expected = replayed_tables(&replay(&day, &settings(&day)));
    assert_alike(&expected, &settled(&script, &config(), &day, folder.path()).await);
}

#[tokio::test]
async fn r04_silence_over_partitions_of_which_one_is_split() {
    let day = Day::of(25, 10, 7);
    // Late in the day, so that agents have left without a word before.
    let script = split_in_the_middle(&day, true, day.end - Millis::from_minutes(30));
    let folder = tempfile::tempdir().unwrap();
    assert_alike(&knowable(&day), &settled(&script, &config(), &day, folder.path()).await);
}
