//! What Event Streams writes to a Kinesis stream is what callbacks tell.

use std::path::Path;
use std::sync::Arc;

use pegboard::config::SourceConfig;
use pegboard_aws as aws;
use pegboard_connect::sources::kinesis::KinesisStream;
use pegboard_connect::sources::twilio::TwilioSource;
use pegboard_model::Millis;
use pegboard_sim::disturb::Disturbance;
use pegboard_sim::stand_in::task_router::Happening;
use pegboard_store::{SqliteOptions, SqliteStore, Store};
use serde_json::Value;

use super::site::{Site, gates, hand_in};
use crate::support::clock;
use crate::support::day::begun;
use crate::support::live::{Live, Tables, assert_alike, config, until};
use crate::support::stream::TestStream;

/// A morning that ended three hours ago: the server dates what arrives by the machine's clock.
fn recent() -> Site {
    clock::set(pegboard::clock::system());
    let site = Site::of(begun(7, 12, 4, 73));
    site.pass_to(clock::now());
    assert!(site.told.len() > 300, "{} events", site.told.len());
    site
}

fn open_store(folder: &Path) -> Arc<dyn Store> {
    Arc::new(SqliteStore::open(&folder.join("test.db"), SqliteOptions::new(clock::now)).unwrap())
}

/// What reads the stream besides.
fn reading(source: TwilioSource, stream: &TestStream) -> TwilioSource {
    let environment = aws::Environment {
        clock: Arc::new(|| pegboard::clock::system().as_millis()),
        seed: 1,
        observer: Arc::new(aws::Counters::default()),
    };
    source.streamed(KinesisStream::new(stream.config(), environment, aws::Position::TrimHorizon))
}

fn patient() -> SourceConfig {
    SourceConfig { lateness: Millis::from_hours(7 * 24), ..config() }
}

/// Waits until so many records are read, and answers with the reports; stops the hub.
async fn tables_of(site: &Site, hub: Live, records: usize) -> Tables {
    let all_read = async || hub.status().await.counts.records >= records as u64;
    until(&format!("{records} records are read"), all_read).await;
    let end = site.day.config.end();
    hub.close(end).await;
    let tables = hub.tables(site.start(), end).await;
    let status = hub.status().await;
    assert!(status.error.is_none() && status.counts.failed == 0 && status.gaps.is_empty(), "{status:?}");
    hub.stop().await;
    tables
}

/// The reports of a hub to which everything is posted.
async fn posted(site: &Site) -> Tables {
    let folder = tempfile::tempdir().unwrap();
    let store = open_store(folder.path());
    let gates = gates(&store, folder.path());
    let hub = Live::over(store, Box::new(Site::posted(&gates)), &patient()).await;
    hand_in(&gates, site.told.iter().map(|told| told.form().into_bytes()).collect()).await;
    tables_of(site, hub, site.told.len()).await
}

/// As the sink writes them: one event a record; or several, should it do so.
fn records(told: &[Happening], together: usize) -> Vec<String> {
    let events: Vec<Value> = told.iter().map(Happening::cloud_event).collect();
    match together {
        1 => events.iter().map(Value::to_string).collect(),
        _ => events.chunks(together).map(|some| Value::from(some).to_string()).collect(),
    }
}

async fn put(stream: &TestStream, records: &[String]) {
    let keys: Vec<String> = (0..records.len()).map(|number| number.to_string()).collect();
    let records = keys.iter().zip(records).map(|(key, record)| (&**key, &**record));
    stream.put_all(&records.collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn r02_a_stream_of_events_makes_the_reports_of_callbacks_whatever_becomes_of_its_shards() {
    let Some(stream) = TestStream::make(2).await else { return };
    let site = recent();
    let truth = posted(&site).await;
    let disturbance = Disturbance { twice: 0.05, late: 0.2, ..Disturbance::none(73) };
    let told = disturbance.disturb(&site.told);
    let (before, after) = told.split_at(told.len() / 2);
    let folder = tempfile::tempdir().unwrap();
    let store = open_store(folder.path());
    let gates = gates(&store, folder.path());
    let source = reading(Site::posted(&gates), &stream);
    let hub = Live::over(store, Box::new(source), &patient()).await;
    put(&stream, &records(before, 1)).await;
    stream.split(0).await;
    put(&stream, &records(after, 3)).await;
    let has_ended = async || hub.status().await.partitions.iter().any(|partition| partition.finished);
    until("the shard that was split has ended", has_ended).await;
    assert_alike(&truth, &tables_of(&site, hub, told.len()).await);
    stream.delete().await;
}

/// Posts, the stream and what is asked for tell each a part, and some of it twice.
#[tokio::test]
async fn r10_a_stream_posts_and_repair_are_one_stream_of_events() {
    let Some(stream) = TestStream::make(1).await else { return };
    let site = recent();
    let truth = posted(&site).await;
    let every = |which: fn(usize) -> bool| -> Vec<Happening> {
        let told = site.told.iter().enumerate().filter(|(number, _)| which(*number));
        told.map(|(_, told)| told.clone()).collect()
    };
    let (by_post, by_stream) =
        (every(|number| number % 4 < 2), every(|number| number % 4 == 1 || number % 4 == 2));
    let folder = tempfile::tempdir().unwrap();
    let store = open_store(folder.path());
    let gates = gates(&store, folder.path());
    put(&stream, &records(&by_stream, 1)).await;
    let source = reading(site.asked(&gates, Some(site.first())), &stream);
    let hub = Live::over(store, Box::new(source), &patient()).await;
    hand_in(&gates, by_post.iter().map(|told| told.form().into_bytes()).collect()).await;
    let watermark = async || {
        hub.status()
            .await
            .watermark
            .is_some_and(|watermark| watermark >= clock::now() - Millis::from_minutes(1))
    };
    until("everything was asked for", watermark).await;
    assert_alike(&truth, &tables_of(&site, hub, by_post.len() + by_stream.len()).await);
    stream.delete().await;
}
