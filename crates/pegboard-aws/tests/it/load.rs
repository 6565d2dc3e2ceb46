//! How much one process reads, and how much it holds.

use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

use pegboard_aws::{KinesisConfig, Position, ShardReader};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::proxy::{Fault, Proxy};
use crate::server::{Server, connect, open_only, soon, through};

const MIB: usize = 1 << 20;

/// The most that one `GetRecords` answers with: ten records of 1 MiB.
fn largest_answer() -> String {
    let data = "A".repeat(MIB.div_ceil(3) * 4);
    let mut body = r#"{"MillisBehindLatest":60000,"NextShardIterator":"next","Records":["#.to_owned();
    for number in 1..=10 {
        let comma = if number == 1 { "" } else { "," };
        write!(body, r#"{comma}{{"SequenceNumber":"{number}","PartitionKey":"a","Data":"{data}"}}"#).unwrap();
    }
    body + "]}"
}

#[tokio::test]
async fn r28_a_reader_holds_one_answer_of_ten_mib_and_asks_for_no_more_until_it_is_taken() {
    let Some(server) = Server::from_env() else { return };
    let test = server.make_stream(1).await;
    let answer = largest_answer();
    let proxy = Proxy::start(server.address(), move |operation, _, _| {
        (operation == "GetRecords").then(|| Fault::Answer(200, answer.clone()))
    })
    .await;
    let config = KinesisConfig { request_timeout: Duration::from_secs(20), ..through(&proxy, &test) };
    let (stream, _) = connect(config).await;
    let mut reader = open_only(&stream, Position::TrimHorizon).await;
    let asked = Instant::now();
    let held = soon(reader.next()).await.unwrap();
    let bytes: usize = held.records.iter().map(|record| record.data.len()).sum();
    assert!((10 * MIB..10 * MIB + 100).contains(&bytes), "{bytes}");
    // A slow store: whoever does not ask, gets nothing.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(proxy.requests("GetRecords"), 1);
    drop(held);
    soon(reader.next()).await.unwrap();
    assert_eq!(proxy.requests("GetRecords"), 2);
    assert!(asked.elapsed() >= Duration::from_secs(5), "10 MiB are five seconds of a shard's allowance");
}

/// The processor time that this process has taken.
fn processor_time() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let after_name = stat.rsplit_once(") ").unwrap().1;
    let ticks: u64 = after_name.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10)
}

/// The memory that this process has in use, in MiB.
fn memory_mib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

async fn read_for(mut reader: ShardReader, time: Duration) -> (usize, i64) {
    let end = Instant::now() + time;
    let (mut records, mut behind) = (0, 0);
    while Instant::now() < end {
        let batch = reader.next().await.unwrap();
        records += batch.records.len();
        behind = batch.millis_behind_latest;
    }
    (records, behind)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a minute and measures: scripts/bench shards runs it"]
async fn many_shards_are_read_by_one_process() {
    let Some(server) = Server::from_env() else { return };
    let time = Duration::from_secs(10);
    for shards in [1, 16, 64] {
        let test = server.make_stream(shards).await;
        for number in 0..2_000 {
            test.put(&format!("agent-{number}"), &"x".repeat(1_500)).await;
        }
        let config = KinesisConfig { poll_interval: Duration::from_secs(1), ..test.config() };
        let (stream, counters) = connect(config).await;
        let (before, began) = (processor_time(), Instant::now());
        let mut readers = JoinSet::new();
        for shard in stream.shards().await.unwrap() {
            readers.spawn(read_for(stream.open(&shard, Position::TrimHorizon), time));
        }
        let read = readers.join_all().await;
        let records: usize = read.iter().map(|(records, _)| records).sum();
        assert_eq!((records, read.iter().map(|(_, behind)| *behind).max()), (2_000, Some(0)));
        let taken =
            processor_time().saturating_sub(before).as_secs_f64() / began.elapsed().as_secs_f64() * 100.0;
        let (reads, memory) = (counters.counts().reads, memory_mib());
        eprintln!("{shards:>3} shards: {reads:>4} reads, {taken:.1}% of a processor, {memory} MiB");
    }
}
