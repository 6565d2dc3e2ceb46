//! The hub on bad days of the service, and where a restart goes on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use pegboard::config::SourceConfig;
use pegboard::runtime::hub::Hub;
use pegboard::runtime::view::View as _;
use pegboard_aws as aws;
use pegboard_model::{Class, Millis, Timestamp};
use pegboard_sim::{Delivery, Stream};

use super::{Morning, ended, open_store, patient, read, source};
use crate::support::clock;
use crate::support::event::{AGENT, change};
use crate::support::live::{Live, SOURCE, config, until};
use crate::support::proxy::{Fault, Proxy};
use crate::support::stream::TestStream;

#[tokio::test]
async fn r05_a_day_of_faults_equals_replay_and_the_lag_comes_back() {
    let Some(morning) = Morning::on(2).await else { return };
    let proxy = Proxy::start(morning.stream.address(), |_, n, _| match n % 10 {
        1 | 4 => Some(Fault::Refuse(500, "InternalFailure")),
        5 => Some(Fault::Reset),
        6 => Some(Fault::Refuse(400, "ProvisionedThroughputExceededException")),
        7 => Some(Fault::Truncate),
        8 => Some(Fault::Refuse(503, "ServiceUnavailable")),
        9 => Some(Fault::Refuse(400, "ExpiredIteratorException")),
        _ => None,
    })
    .await;
    let few = aws::KinesisConfig {
        max_records: 40,
        endpoint: Some(proxy.url()),
        backoff: aws::Backoff { attempts: 12, ..morning.stream.config().backoff },
        ..morning.stream.config()
    };
    let live = morning.reading(few).await;
    morning.put(0, 2).await;
    morning.stream.split(0).await;
    morning.put(1, 2).await;
    let all = morning.deliveries.len();
    read(&live, all).await;
    until("the lag is back", async || live.status().await.behind == Some(Millis::new(0))).await;
    let (faults, requests) = (proxy.faults("GetRecords"), proxy.requests("GetRecords"));
    assert!(faults * 100 > requests * 40, "{faults} of {requests} reads failed");
    morning.assert_equals_replay(live).await;
}

#[tokio::test]
async fn r05_a_shard_that_fails_starves_no_other_and_goes_on_without_a_restart() {
    let Some(morning) = Morning::on(2).await else { return };
    let denied = Arc::new(AtomicBool::new(true));
    let is_denied = denied.clone();
    let proxy = Proxy::start(morning.stream.address(), move |operation, _, body| {
        let first = operation == "GetShardIterator" && body.contains("shardId-000000000000");
        (first && is_denied.load(Ordering::SeqCst)).then_some(Fault::Refuse(400, "AccessDeniedException"))
    })
    .await;
    morning.put(0, 1).await;
    let live = morning.hub_behind(&proxy).await;
    let others = async || {
        let partitions = live.status().await.partitions;
        let second = partitions.iter().find(|partition| partition.id.ends_with('1'));
        second.is_some_and(|second| second.behind == Some(Millis::new(0)))
    };
    until("the other shard is read to its tip", others).await;
    let told = async || live.status().await.error.is_some();
    until("the fault is told", told).await;
    let error = live.status().await.error.unwrap();
    assert!(error.message.contains("allow kinesis:GetShardIterator"), "{}", error.message);
    assert_eq!(live.status().await.watermark, None, "the failing shard holds the watermark");

    denied.store(false, Ordering::SeqCst);
    morning.assert_equals_replay(live).await;
    assert!(proxy.faults("GetShardIterator") > 0);
}

#[tokio::test]
async fn r04_a_restart_goes_on_after_the_last_record_and_never_asks_for_what_has_ended() {
    let Some(morning) = Morning::on(2).await else { return };
    let live = morning.hub().await;
    morning.put(0, 3).await;
    morning.stream.split(0).await;
    morning.put(1, 3).await;
    read(&live, morning.part(0, 3).len() + morning.part(1, 3).len()).await;
    until("the parent has ended", async || ended(&live).await == [0]).await;
    live.stop().await;

    let sought = Arc::new(Mutex::new(Vec::new()));
    let seen = sought.clone();
    let proxy = Proxy::start(morning.stream.address(), move |operation, n, body| {
        if operation == "GetShardIterator" {
            seen.lock().unwrap().push(body.to_owned());
        }
        (operation == "GetRecords" && n == 0).then_some(Fault::Reset)
    })
    .await;
    let live = morning.hub_behind(&proxy).await;
    morning.put(2, 3).await;
    morning.assert_equals_replay(live).await;
    let sought = sought.lock().unwrap();
    assert!(sought.len() >= 3);
    assert!(sought.iter().all(|body| body.contains("\"AFTER_SEQUENCE_NUMBER\"")), "{sought:?}");
    assert!(!sought.iter().any(|body| body.contains("shardId-000000000000")), "{sought:?}");
}

#[tokio::test]
async fn r04_two_sources_of_one_stream_have_their_own_positions() {
    let Some(morning) = Morning::on(1).await else { return };
    let reader = || source(morning.stream.config(), pegboard::clock::system);
    let other = SourceConfig { name: "other".into(), ..patient() };
    let store = open_store(morning.folder.path());
    let sources = vec![(patient(), reader()), (other, reader())];
    let (hub, running) = Hub::start(sources, store.clone(), clock::now).await.unwrap();
    morning.put(0, 1).await;
    let all = morning.deliveries.len() as u64;
    let read = async || hub.sources().await.unwrap().iter().all(|source| source.counts.records == all);
    until("both have read everything", read).await;
    for source in ["centre", "other"] {
        let partitions = store.partitions(&source.into()).await.unwrap();
        assert_eq!(partitions.len(), 1, "{source}");
        assert!(partitions[0].position.as_ref().is_some_and(|at| at.to_string().starts_with("AFTER")));
    }
    running.stop().await.unwrap();
    morning.stream.delete().await;
}

/// A record as a test writes it by hand.
fn delivery(json: String, at: Timestamp) -> Delivery {
    Delivery { at, stream: Stream::AgentEvents, partition_key: AGENT.into(), json }
}

/// 30 hours later: longer than the stream keeps its records.
fn late() -> Timestamp {
    pegboard::clock::system() + Millis::from_hours(30)
}

#[tokio::test]
async fn r05_what_retention_removed_is_a_recorded_gap_and_unknown_time() {
    let Some(stream) = TestStream::make(1).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let now = pegboard::clock::system();
    clock::set(now);
    let live =
        Live::reading(source(stream.config(), pegboard::clock::system), &config(), folder.path()).await;
    stream.put(&[delivery(change(now - Millis::from_minutes(1), "Available"), now)]).await;
    read(&live, 1).await;
    live.stop().await;

    clock::set(late());
    let live = Live::reading(source(stream.config(), late), &config(), folder.path()).await;
    stream.put(&[delivery(change(late() - Millis::from_minutes(1), "Available"), late())]).await;
    read(&live, 2).await;
    let status = live.status().await;
    let [gap] = &status.gaps[..] else { panic!("{:?}", status.gaps) };
    let length = gap.to.unwrap().since(gap.from.unwrap());
    assert!((Millis::from_hours(5)..=Millis::from_hours(7)).contains(&length), "{gap:?}");
    assert!(gap.reason.contains("retention"), "{gap:?}");
    let segments = live.report("segments", now - Millis::from_hours(1), late()).await;
    let unknown = segments.iter().any(|row| row["class"] == Class::Unknown.as_str());
    assert!(unknown, "the agent's time in the gap is not unknown: {segments:?}");
    live.stop().await;
    stream.delete().await;
}

#[tokio::test]
async fn r05_a_position_that_is_refused_is_a_recorded_gap_and_reading_goes_on_at_the_oldest_record() {
    let Some(morning) = Morning::on(1).await else { return };
    let live = morning.hub().await;
    morning.put(0, 2).await;
    read(&live, morning.part(0, 2).len()).await;
    live.stop().await;
    let proxy = Proxy::start(morning.stream.address(), |operation, n, _| {
        let refused = operation == "GetShardIterator" && n == 0;
        refused.then_some(Fault::Refuse(400, "InvalidArgumentException"))
    })
    .await;
    let live = morning.hub_behind(&proxy).await;
    morning.put(1, 2).await;
    // The server has kept everything, so the oldest record is one that was read before: it changes nothing.
    read(&live, morning.part(0, 2).len() + morning.deliveries.len()).await;
    let gaps = live.store.gaps(&SOURCE.into(), 10).await.unwrap();
    assert_eq!(gaps.len(), 1);
    assert!(gaps[0].reason.contains("expired") && gaps[0].from.is_some(), "{:?}", gaps[0]);
    until("nothing is wrong any more", async || live.status().await.error.is_none()).await;
    assert_eq!(proxy.faults("GetShardIterator"), 1);
    live.stop().await;
    morning.stream.delete().await;
}
