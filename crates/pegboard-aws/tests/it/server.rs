//! The server under test, its streams, and a program in miniature that reads them.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::{BehaviorVersion, Credentials as Key, Region};
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{ScalingType, StreamStatus};
use pegboard_aws::{
    Backoff, Batch, Counters, Credentials, Environment, KinesisConfig, Position, Progress, SecretText, Shard,
    ShardId, ShardReader, Stream, plan,
};

use crate::proxy::Proxy;

/// How long anything in these tests may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// Waits for something that must happen.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("it took longer than a minute")
}

#[expect(clippy::disallowed_methods, reason = "a test looks at the clock that the server looks at")]
pub(crate) fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_millis()).unwrap()
}

fn admin(address: &str) -> Client {
    let config = aws_sdk_kinesis::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Key::new("test", "test", None, None, "test"))
        .endpoint_url(format!("http://{address}"))
        .build();
    Client::from_conf(config)
}

/// The server, and a way to change what it holds.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    address: String,
    admin: Client,
}

impl Server {
    /// The kinesalite that the environment names; says so on stderr if there is none.
    pub(crate) fn from_env() -> Option<Self> {
        Self::named_by("PEGBOARD_TEST_KINESALITE")
    }

    /// The ministack that the environment names; says so on stderr if there is none.
    pub(crate) fn with_fan_out() -> Option<Self> {
        Self::named_by("PEGBOARD_TEST_MINISTACK")
    }

    #[expect(clippy::disallowed_methods, reason = "the address of the test server is the test's own setting")]
    fn named_by(variable: &str) -> Option<Self> {
        let Ok(address) = std::env::var(variable) else {
            eprintln!("skipped: {variable} names no Kinesis server");
            return None;
        };
        let address = address.trim_start_matches("http://").trim_end_matches('/').to_owned();
        Some(Self { admin: admin(&address), address })
    }

    /// `host:port`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Settings that read a stream directly and impatiently.
    pub(crate) fn config(&self, stream: &str) -> KinesisConfig {
        KinesisConfig {
            region: Some("us-east-1".to_owned()),
            endpoint: Some(format!("http://{}", self.address)),
            credentials: Credentials::Static {
                key_id: "test".to_owned(),
                secret: SecretText::new("test"),
                session_token: None,
            },
            poll_interval: Duration::from_millis(220),
            ..KinesisConfig::new(stream.parse().unwrap())
        }
    }

    /// Makes a stream that no other test uses.
    pub(crate) async fn make_stream(&self, shards: i32) -> TestStream {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("it-{}-{}-{number}", std::process::id(), now_ms());
        self.admin.create_stream().stream_name(&name).shard_count(shards).send().await.unwrap();
        let stream = TestStream { server: self.clone(), name };
        stream.wait_until_active().await;
        stream
    }
}

/// A stream of the server; it is deleted when dropped, since servers limit the number of shards.
#[derive(Debug)]
pub(crate) struct TestStream {
    server: Server,
    pub(crate) name: String,
}

impl TestStream {
    pub(crate) fn config(&self) -> KinesisConfig {
        self.server.config(&self.name)
    }

    pub(crate) async fn connect(&self) -> Stream {
        connect(self.config()).await.0
    }

    pub(crate) async fn put(&self, key: &str, data: &str) {
        let put = self.server.admin.put_record().stream_name(&self.name).partition_key(key);
        put.data(Blob::new(data)).send().await.unwrap();
    }

    /// Writes `key:from`, .. `key:(to - 1)` one after the other.
    pub(crate) async fn put_numbered(&self, key: &str, numbers: std::ops::Range<usize>) {
        for number in numbers {
            self.put(key, &format!("{key}:{number}")).await;
        }
    }

    /// Deletes it before the test ends.
    pub(crate) async fn delete(&self) {
        self.server.admin.delete_stream().stream_name(&self.name).send().await.unwrap();
    }

    /// Splits a shard in the middle of its hash range.
    pub(crate) async fn split(&self, shard: &str) {
        let listed = self.server.admin.list_shards().stream_name(&self.name).send().await.unwrap();
        let parent = listed.shards().iter().find(|listed| listed.shard_id() == shard).unwrap();
        let range = parent.hash_key_range().unwrap();
        let bound = |text: &str| text.parse::<u128>().unwrap();
        let middle = bound(range.starting_hash_key()).midpoint(bound(range.ending_hash_key()));
        let request = self.server.admin.split_shard().stream_name(&self.name).shard_to_split(shard);
        request.new_starting_hash_key(middle.to_string()).send().await.unwrap();
        self.wait_until_active().await;
    }

    pub(crate) async fn update_shard_count(&self, shards: i32) {
        let request = self.server.admin.update_shard_count().stream_name(&self.name);
        let uniform = ScalingType::UniformScaling;
        request.target_shard_count(shards).scaling_type(uniform).send().await.unwrap();
        self.wait_until_active().await;
    }

    /// Registers a consumer of enhanced fan-out.
    pub(crate) async fn register(&self, consumer: &str) {
        let arn = self.connect().await.describe().await.unwrap().arn;
        let request = self.server.admin.register_stream_consumer().stream_arn(arn);
        request.consumer_name(consumer).send().await.unwrap();
    }

    /// The names of its registered consumers.
    pub(crate) async fn consumers(&self) -> Vec<String> {
        let arn = self.connect().await.describe().await.unwrap().arn;
        let listed = self.server.admin.list_stream_consumers().stream_arn(arn).send().await.unwrap();
        listed.consumers().iter().map(|consumer| consumer.consumer_name().to_owned()).collect()
    }

    pub(crate) async fn merge(&self, shard: &str, adjacent: &str) {
        let request = self.server.admin.merge_shards().stream_name(&self.name);
        request.shard_to_merge(shard).adjacent_shard_to_merge(adjacent).send().await.unwrap();
        self.wait_until_active().await;
    }

    async fn wait_until_active(&self) {
        soon(async {
            loop {
                let answer =
                    self.server.admin.describe_stream_summary().stream_name(&self.name).send().await.unwrap();
                if *answer.stream_description_summary().unwrap().stream_status() == StreamStatus::Active {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
    }
}

impl Drop for TestStream {
    fn drop(&mut self) {
        let (address, name) = (self.server.address.clone(), self.name.clone());
        // The runtime of the test does not turn while it drops things.
        let deletion = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async { admin(&address).delete_stream().stream_name(name).send().await.is_ok() })
        });
        let deleted = deletion.join().unwrap_or_default();
        if !deleted {
            eprintln!("stream {} is left over", self.name);
        }
    }
}

/// The settings of a stream, read through a proxy, with short waits.
pub(crate) fn through(proxy: &Proxy, test: &TestStream) -> KinesisConfig {
    KinesisConfig {
        endpoint: Some(proxy.url()),
        max_records: 2,
        request_timeout: Duration::from_secs(2),
        backoff: Backoff { base: Duration::from_millis(20), cap: Duration::from_millis(100), attempts: 4 },
        ..test.config()
    }
}

pub(crate) async fn connect(config: KinesisConfig) -> (Stream, Arc<Counters>) {
    let counters = Arc::new(Counters::default());
    let observer = counters.clone();
    let environment = Environment { clock: Arc::new(now_ms), seed: 1, observer };
    (Stream::connect(config, environment).await.unwrap(), counters)
}

/// Opens the only shard of a stream.
pub(crate) async fn open_only(stream: &Stream, from: Position) -> ShardReader {
    let shards = soon(stream.shards()).await.unwrap();
    assert_eq!(shards.len(), 1);
    stream.open(&shards[0], from)
}

pub(crate) fn texts(batch: &Batch) -> Vec<String> {
    batch.records.iter().map(|record| String::from_utf8(record.data.clone()).unwrap()).collect()
}

/// Reads until that many records have come, and once more to see that no other follows.
pub(crate) async fn read_exactly(reader: &mut ShardReader, records: usize) -> Vec<String> {
    let mut got = Vec::new();
    soon(async {
        while got.len() < records {
            got.extend(texts(&reader.next().await.unwrap()));
        }
        got.extend(texts(&reader.next().await.unwrap()));
    })
    .await;
    got
}

/// What the program does with a stream, one shard at a time: plan, read, remember.
#[derive(Debug)]
pub(crate) struct Program {
    stream: Stream,
    start: Position,
    pub(crate) known: BTreeMap<ShardId, Progress>,
    readers: BTreeMap<ShardId, ShardReader>,
    /// Every record read, in the order of reading.
    pub(crate) read: Vec<String>,
    /// Every shard that was opened, in that order.
    pub(crate) opened: Vec<(ShardId, Position)>,
    /// Every shard that ended, in that order.
    pub(crate) ended: Vec<ShardId>,
    /// Every shard that was gone before it ended.
    pub(crate) lost: Vec<ShardId>,
    /// How many calls failed for a reason that passes.
    pub(crate) failures: usize,
}

impl Program {
    pub(crate) fn new(stream: Stream, start: Position) -> Self {
        let (known, readers) = (BTreeMap::new(), BTreeMap::new());
        let (read, opened, ended, lost) = (vec![], vec![], vec![], vec![]);
        Self { stream, start, known, readers, read, opened, ended, lost, failures: 0 }
    }

    /// Forgets everything that is not stored.
    pub(crate) fn restart(&mut self) {
        self.readers.clear();
    }

    /// Lists the shards and reads each that may be read once. Returns the listing.
    pub(crate) async fn round(&mut self) -> Vec<Shard> {
        let listed = self.stream.shards().await.unwrap();
        let plan = plan(&listed, &self.known, &self.start);
        for lost in plan.lost {
            self.readers.remove(&lost);
            self.known.insert(lost.clone(), Progress::Finished);
            self.lost.push(lost);
        }
        for opening in plan.open {
            let id = opening.shard.id.clone();
            let reader = self.readers.entry(id.clone()).or_insert_with(|| {
                self.opened.push((id.clone(), opening.from.clone()));
                self.stream.open(&opening.shard, opening.from)
            });
            if opening.shard.closed {
                reader.mark_closed();
            }
            let batch = match reader.next().await {
                Ok(batch) => batch,
                Err(error) => {
                    assert!(error.is_transient(), "{error}");
                    self.failures += 1;
                    continue;
                }
            };
            self.read.extend(texts(&batch));
            let progress = if batch.end.is_some() {
                self.readers.remove(&id);
                self.ended.push(id.clone());
                Progress::Finished
            } else {
                Progress::Started(batch.position)
            };
            self.known.insert(id, progress);
        }
        listed
    }

    /// Goes on until that many records have been read and that many shards have ended.
    ///
    /// Every shard is read in turn, so that one that waits for news holds up the others.
    pub(crate) async fn run_until(&mut self, records: usize, ended: usize) {
        soon(async {
            while self.read.len() < records || self.ended.len() < ended {
                self.round().await;
            }
            self.round().await;
        })
        .await;
    }

    /// The numbers that were read of a key, in the order of reading.
    pub(crate) fn numbers(&self, key: &str) -> Vec<usize> {
        let of_key = |text: &String| text.strip_prefix(key)?.strip_prefix(':')?.parse().ok();
        self.read.iter().filter_map(of_key).collect()
    }
}
