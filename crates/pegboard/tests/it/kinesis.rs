//! The hub on a real Kinesis server: what it serves is what replay makes of the same records.

use std::sync::Arc;

use pegboard_aws as aws;
use pegboard_connect::sources::amazon_connect::KinesisSource;
use pegboard_model::{Millis, Timestamp};
use pegboard_sim::Config;

use crate::support::clock;
use crate::support::day::Day;
use crate::support::live::{Live, assert_alike, config, replayed_tables, settings, until};
use crate::support::replayed::replay;
use crate::support::stream::TestStream;

/// A morning that ended three hours ago: the server dates what arrives by the machine's clock, and up to that the hub
/// closes intervals.
fn recent_morning() -> Day {
    let hour = 3_600_000;
    let hours = pegboard::clock::system().as_millis().div_euclid(hour) - 7;
    let local_offset = (8 - hours.rem_euclid(24)) * 60;
    let start = Timestamp::from_millis(hours * hour);
    Day::simulate(Config { utc_offset_minutes: local_offset, ..Config::new(12, start, 4, 71) })
}

#[tokio::test]
async fn r04_a_stream_with_a_split_shard_equals_replay() {
    let Some(stream) = TestStream::make(2).await else { return };
    let day = recent_morning();
    let deliveries = day.deliveries();
    assert!(deliveries.len() > 300, "from {}: {} records", day.start, deliveries.len());
    clock::set(pegboard::clock::system());
    let environment = aws::Environment {
        clock: Arc::new(|| pegboard::clock::system().as_millis()),
        seed: 1,
        observer: Arc::new(aws::Counters::default()),
    };
    let source = KinesisSource::new(stream.config(), environment, aws::Position::TrimHorizon);
    // Replay takes no notice of silence.
    let config = pegboard::config::SourceConfig { stale_after: Millis::from_hours(1000), ..config() };
    let folder = tempfile::tempdir().unwrap();
    let live = Live::reading(Box::new(source), &config, folder.path()).await;

    let (first, second) = deliveries.split_at(deliveries.len() / 2);
    stream.put(first).await;
    stream.split_first().await;
    stream.put(second).await;
    let read = async || live.status().await.counts.records == deliveries.len() as u64;
    until("every record is read", read).await;
    live.close(day.end).await;

    let status = live.status().await;
    assert_eq!((status.counts.failed, status.counts.duplicates, status.counts.foreign), (0, 0, 0));
    let ended: Vec<bool> = status.partitions.iter().map(|partition| partition.finished).collect();
    assert_eq!(ended, [false, false, false, true], "one shard became two");
    assert_alike(&replayed_tables(&replay(&day, &settings(&day))), &live.tables(day.start, day.end).await);
    live.stop().await;
    stream.delete().await;
}
