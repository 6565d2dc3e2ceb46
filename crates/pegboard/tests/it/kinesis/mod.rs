//! The hub on a real Kinesis server: what it serves is what replay makes of the same records.

mod check;
mod fan_out;
mod faults;
mod resharding;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pegboard::config::SourceConfig;
use pegboard_aws as aws;
use pegboard_connect::sources::amazon_connect::{ConnectInputs, KinesisSource};
use pegboard_connect::sources::kinesis::KinesisStream;
use pegboard_connect::spec::Source;
use pegboard_model::{Millis, Timestamp};
use pegboard_sim::Delivery;
use pegboard_store::{ReloadState, SqliteOptions, SqliteStore, Store};
use tempfile::TempDir;

use crate::live::reload::reload;
use crate::live::reload_source::from_source;
use crate::support::clock;
use crate::support::day::{Day, begun};
use crate::support::live::{Live, assert_alike, config, replayed_tables, settings, until};
use crate::support::proxy::Proxy;
use crate::support::replayed::replay;
use crate::support::stream::TestStream;

/// A morning that ended three hours ago: the server dates what arrives by the machine's clock, and up to that the hub
/// closes intervals.
fn recent_morning() -> Day {
    Day::simulate(begun(7, 12, 4, 71))
}

/// Replay takes no notice of silence.
fn patient() -> SourceConfig {
    SourceConfig { stale_after: Millis::from_hours(1000), ..config() }
}

/// A source that reads by this clock.
fn source(config: aws::KinesisConfig, clock: fn() -> Timestamp) -> Box<dyn Source> {
    let environment = aws::Environment {
        clock: Arc::new(move || clock().as_millis()),
        seed: 1,
        observer: Arc::new(aws::Counters::default()),
    };
    let stream = KinesisStream::new(config, environment, aws::Position::TrimHorizon);
    Box::new(ConnectInputs::new().with_agent_events(KinesisSource::new(stream)))
}

/// A morning on its way through a stream into a store.
struct Morning {
    stream: TestStream,
    day: Day,
    deliveries: Vec<Delivery>,
    folder: TempDir,
}

impl Morning {
    /// Nothing if there is no server.
    async fn on(shards: i32) -> Option<Self> {
        Some(Self::through(TestStream::make(shards).await?))
    }

    fn through(stream: TestStream) -> Self {
        clock::set(pegboard::clock::system());
        let day = recent_morning();
        let deliveries = day.deliveries();
        assert!(deliveries.len() > 300, "from {}: {} records", day.start, deliveries.len());
        Self { stream, day, deliveries, folder: tempfile::tempdir().unwrap() }
    }

    /// One of so many parts of all records.
    fn part(&self, number: usize, parts: usize) -> &[Delivery] {
        let bound = |number: usize| self.deliveries.len() * number / parts;
        &self.deliveries[bound(number)..bound(number + 1)]
    }

    async fn put(&self, number: usize, parts: usize) {
        self.stream.put(self.part(number, parts)).await;
    }

    /// A hub that reads the stream directly.
    async fn hub(&self) -> Live {
        self.reading(self.stream.config()).await
    }

    /// A hub that reads it through a proxy.
    async fn hub_behind(&self, proxy: &Proxy) -> Live {
        self.reading(aws::KinesisConfig { endpoint: Some(proxy.url()), ..self.stream.config() }).await
    }

    async fn reading(&self, config: aws::KinesisConfig) -> Live {
        let source = source(config, pegboard::clock::system);
        Live::over(open_store(self.folder.path()), source, &patient()).await
    }

    /// Waits until everything is read and closed, and sees that it is what replay makes of it.
    async fn assert_equals_replay(self, live: Live) {
        read(&live, self.deliveries.len()).await;
        live.close(self.day.end).await;
        let counts = live.status().await.counts;
        assert_eq!((counts.failed, counts.duplicates, counts.foreign), (0, 0, 0));
        assert_nobody_goes_back(&live).await;
        let expected = replayed_tables(&replay(&self.day, &settings(&self.day)));
        assert_alike(&expected, &live.tables(self.day.start, self.day.end).await);
        live.stop().await;
        self.stream.delete().await;
    }
}

/// A store that goes by the clock of the machine, as the records do.
fn open_store(folder: &Path) -> Arc<dyn Store> {
    let options = SqliteOptions::new(pegboard::clock::system);
    Arc::new(SqliteStore::open(&folder.join("test.db"), options).unwrap())
}

/// Waits until so many records were read, and not one more.
async fn read(live: &Live, records: usize) {
    let read = async || live.status().await.counts.records >= records as u64;
    until(&format!("{records} records are read"), read).await;
    assert_eq!(live.status().await.counts.records, records as u64);
}

/// In the order in which it was told, the state of every agent begins later each time.
async fn assert_nobody_goes_back(live: &Live) {
    let mut since = BTreeMap::new();
    for (number, now) in live.feed(&live.beginning()).await {
        let before = since.insert(now.agent_id.clone(), now.since);
        assert!(before <= Some(now.since), "entry {number}: {} goes back to {}", now.agent_id, now.since);
    }
    assert!(!since.is_empty());
}

/// Which partitions have ended, by the number of their shard.
async fn ended(live: &Live) -> Vec<usize> {
    let partitions = live.status().await.partitions;
    let ended = partitions.iter().filter(|partition| partition.finished);
    let mut numbers: Vec<usize> =
        ended.map(|partition| partition.id.rsplit('-').next().unwrap().parse().unwrap()).collect();
    numbers.sort_unstable();
    numbers
}

#[tokio::test]
async fn what_a_stream_keeps_is_there_once_its_day_is_reloaded_from_the_source() {
    let Some(morning) = Morning::on(2).await else { return };
    morning.put(0, 2).await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let begins = pegboard::clock::system().as_millis();
    morning.put(1, 2).await;
    let environment = aws::Environment {
        clock: Arc::new(|| pegboard::clock::system().as_millis()),
        seed: 1,
        observer: Arc::new(aws::Counters::default()),
    };
    let start = aws::Position::AtTimestamp(begins);
    let source = KinesisSource::new(KinesisStream::new(morning.stream.config(), environment, start));
    let live = Live::over(open_store(morning.folder.path()), Box::new(source), &patient()).await;
    read(&live, morning.part(1, 2).len()).await;
    live.close(morning.day.end).await;
    let done = reload(&live, from_source(morning.day.start, morning.day.end)).await;
    assert_eq!(done.state, ReloadState::Done, "{done:?}");
    assert!(done.progress.notes.iter().all(|note| note.contains("on only")), "the stream is young: {done:?}");
    live.close(morning.day.end).await;
    let expected = replayed_tables(&replay(&morning.day, &settings(&morning.day)));
    assert_alike(&expected, &live.tables(morning.day.start, morning.day.end).await);
    live.stop().await;
    morning.stream.delete().await;
}
