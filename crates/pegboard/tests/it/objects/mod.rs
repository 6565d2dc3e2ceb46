//! The hub on objects of a bucket: contact records as Firehose writes them, and everything that can go wrong with them.

mod faults;
pub(crate) mod policy;
mod reports;
mod restarts;

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use pegboard::config::SourceConfig;
use pegboard_aws as aws;
use pegboard_connect::sources::amazon_connect::ConnectInputs;
use pegboard_connect::sources::objects::{LaneConfig, ObjectInput};
use pegboard_connect::spec::Source;
use pegboard_model::Millis;
use pegboard_sim::Stream;
use pegboard_store::{SqliteOptions, SqliteStore, Store};
use tempfile::TempDir;

use crate::support::bucket::TestBucket;
use crate::support::clock;
use crate::support::compare::first_difference;
use crate::support::day::{Day, begun};
use crate::support::live::{Live, SOURCE, config, replayed_tables, settings, until};
use crate::support::replayed::replay;

/// Reports that are made of contacts alone.
const OF_CONTACTS: [&str; 2] = ["queue_interval", "agent_queue_interval"];

/// A morning that ended three hours ago, whose contact records come as objects.
struct Morning {
    bucket: TestBucket,
    day: Day,
    /// One JSON object each, in order of arrival.
    records: Vec<String>,
    folder: TempDir,
}

impl Morning {
    /// Nothing if there is no server.
    async fn make() -> Option<Self> {
        let bucket = TestBucket::make().await?;
        clock::set(pegboard::clock::system());
        let day = Day::simulate(begun(7, 24, 4, 71));
        let of_contacts = |delivery: &pegboard_sim::Delivery| delivery.stream == Stream::ContactRecords;
        let deliveries = day.deliveries().into_iter().filter(of_contacts);
        let records: Vec<String> = deliveries.map(|delivery| delivery.json).collect();
        assert!(records.len() > 100, "{} records", records.len());
        Some(Self { bucket, day, records, folder: tempfile::tempdir().unwrap() })
    }

    /// The records in so many objects: one after the other without anything between, and every second one packed.
    fn objects(&self, number: usize) -> Vec<(String, Vec<u8>)> {
        let parts = self.records.chunks(self.records.len().div_ceil(number)).enumerate();
        let object = |(index, part): (usize, &[String])| match index % 2 {
            0 => (format!("in/2026/{index:03} a+b:c.gz"), packed(part.concat().as_bytes())),
            _ => (format!("in/2026/{index:03}"), part.concat().into_bytes()),
        };
        parts.map(object).collect()
    }

    async fn hub(&self, lane: LaneConfig) -> Live {
        Live::over(open_store(self.folder.path()), source(lane), &patient()).await
    }

    /// Waits until everything is read and closed, and sees that contacts' reports are what replay makes of the same records,
    /// and that no message is left.
    async fn assert_equals_replay(&self, live: &Live) {
        let contacts = self.records.len() as u64;
        let read = async || live.status().await.counts.contacts >= contacts;
        until(&format!("{contacts} contacts are read"), read).await;
        live.close(self.day.end).await;
        self.assert_rows_equal_replay(live).await;
    }

    /// Sees that contacts' reports are what replay makes of the same records.
    async fn assert_rows_equal_replay(&self, live: &Live) {
        let expected = replayed_tables(&replay(&self.day, &settings(&self.day)));
        let found = live.tables(self.day.start, self.day.end).await;
        for name in OF_CONTACTS {
            assert!(!expected[name].is_empty());
            if let Some(difference) = first_difference(name, &expected[name], &found[name]) {
                panic!("{difference}");
            }
        }
    }

    async fn assert_no_message_is_left(&self) {
        until("no message is left", async || self.bucket.messages().await == (0, 0)).await;
    }
}

/// Replay takes no notice of silence.
fn patient() -> SourceConfig {
    SourceConfig { stale_after: Millis::from_hours(1000), ..config() }
}

/// A source of objects alone.
fn source(lane: LaneConfig) -> Box<dyn Source> {
    Box::new(ConnectInputs::new().with_lane(ObjectInput::new(lane, environment())))
}

fn environment() -> aws::Environment {
    aws::Environment {
        clock: Arc::new(|| pegboard::clock::system().as_millis()),
        seed: 1,
        observer: Arc::new(aws::Counters::default()),
    }
}

fn open_store(folder: &Path) -> Arc<dyn Store> {
    let options = SqliteOptions::new(pegboard::clock::system);
    Arc::new(SqliteStore::open(&folder.join("test.db"), options).unwrap())
}

fn packed(content: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(content).unwrap();
    packer.finish().unwrap()
}

/// Why things stand in the dead letters, each once.
async fn dead_letters(live: &Live) -> Vec<String> {
    let letters = live.store.dead_letters(&[SOURCE.into()], None, 100).await.unwrap();
    let mut told: Vec<String> =
        letters.into_iter().map(|letter| format!("{}: {}", letter.position, letter.reason)).collect();
    told.sort_unstable();
    told
}

#[tokio::test]
async fn messages_tell_of_objects_as_they_are_written() {
    let Some(morning) = Morning::make().await else { return };
    // Listed at the start only, so that whatever is read was told of.
    let lane = LaneConfig { list_every: std::time::Duration::from_hours(1), ..morning.bucket.own_lane() };
    let live = morning.hub(lane).await;
    until("the empty bucket is listed", async || live.status().await.watermark.is_some()).await;
    for (key, content) in morning.objects(12).into_iter().rev() {
        morning.bucket.put(&key, &content).await;
    }
    morning.assert_equals_replay(&live).await;
    morning.assert_no_message_is_left().await;
    assert_eq!(live.status().await.counts.contacts, morning.records.len() as u64, "each is read once");
    assert_eq!(dead_letters(&live).await, Vec::<String>::new());
    live.stop().await;
}

#[tokio::test]
async fn a_listing_finds_what_no_message_told_of() {
    let Some(morning) = Morning::make().await else { return };
    let objects = morning.objects(12);
    for (key, content) in &objects[..6] {
        morning.bucket.put(key, content).await;
    }
    let live = morning.hub(LaneConfig { queue: None, ..morning.bucket.own_lane() }).await;
    until("the first are read", async || live.status().await.counts.contacts > 0).await;
    for (key, content) in &objects[6..] {
        morning.bucket.put(key, content).await;
    }
    morning.assert_equals_replay(&live).await;
    assert_eq!(live.status().await.counts.contacts, morning.records.len() as u64, "each is read once");
    assert!(morning.bucket.messages().await.0 > 0, "nobody reads the queue");
    live.stop().await;
}

#[tokio::test]
async fn duplicates_deleted_objects_poison_and_foreign_messages_cost_only_themselves() {
    let Some(morning) = Morning::make().await else { return };
    let objects = morning.objects(6);
    for (key, content) in objects.iter().rev().chain(&objects) {
        morning.bucket.put(key, content).await;
    }
    morning.bucket.put("in/again", &objects[1].1).await;
    morning.bucket.put("in/deleted", &objects[1].1).await;
    morning.bucket.delete("in/deleted").await;
    let cut = packed(morning.records.concat().as_bytes());
    morning.bucket.put("in/cut.gz", &cut[..cut.len() / 100]).await;
    morning.bucket.put("in/text", b"no record at all").await;
    morning.bucket.put("elsewhere/object", b"not ours").await;
    morning.bucket.say("{\"order\": 17}").await;
    let live = morning.hub(morning.bucket.own_lane()).await;
    morning.assert_equals_replay(&live).await;
    let told = async || dead_letters(&live).await.len() >= 2 && live.status().await.counts.foreign > 0;
    until("bad objects are in the dead letters", told).await;
    let letters = dead_letters(&live).await;
    assert!(
        letters.iter().any(|letter| letter.starts_with("in/cut.gz#") && letter.contains("cannot be read")),
        "{letters:?}"
    );
    assert!(letters.iter().any(|letter| letter == "in/text#0: not a JSON object"), "{letters:?}");
    assert_eq!(letters.len(), 2, "each once: {letters:?}");
    let gaps = live.status().await.gaps;
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert!(gaps[0].reason.contains("`in/deleted` was deleted before it was read"), "{gaps:?}");
    let only_the_foreign = async || {
        let (waiting, hidden) = morning.bucket.messages().await;
        waiting + hidden == 1
    };
    until("only the foreign message is left", only_the_foreign).await;
    assert_eq!(live.status().await.counts.foreign, 1, "and is counted once");
    live.stop().await;
}
