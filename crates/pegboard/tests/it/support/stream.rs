//! A stream of a Kinesis server that runs beside the tests.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{PutRecordsRequestEntry, StreamStatus};
use pegboard_aws as aws;
use pegboard_sim::Delivery;

use super::live::until;

/// How many records are put at once.
const AT_ONCE: usize = 50;

/// A stream of its own for a test.
pub(crate) struct TestStream {
    endpoint: String,
    name: String,
    client: Client,
}

/// Settings that read a stream of a test server impatiently.
pub(crate) fn kinesis_config(endpoint: &str, stream: &str) -> aws::KinesisConfig {
    aws::KinesisConfig {
        region: Some("us-east-1".to_owned()),
        endpoint: Some(endpoint.to_owned()),
        credentials: aws::Credentials::Static {
            key_id: "test".to_owned(),
            secret: aws::SecretText::new("test"),
            session_token: None,
        },
        poll_interval: Duration::from_millis(250),
        backoff: aws::Backoff {
            base: Duration::from_millis(50),
            cap: Duration::from_millis(400),
            attempts: 4,
        },
        ..aws::KinesisConfig::new(stream.parse().unwrap())
    }
}

impl TestStream {
    /// Makes a stream on the server that `PEGBOARD_TEST_KINESALITE` names; says so on stderr if there is none.
    pub(crate) async fn make(shards: i32) -> Option<Self> {
        Self::make_on("PEGBOARD_TEST_KINESALITE", shards).await
    }

    /// The same on the server that this variable names.
    #[expect(clippy::disallowed_methods, reason = "the address of the test server is the test's own setting")]
    pub(crate) async fn make_on(variable: &str, shards: i32) -> Option<Self> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let Ok(endpoint) = std::env::var(variable) else {
            eprintln!("skipped: {variable} names no Kinesis server");
            return None;
        };
        let config = aws_sdk_kinesis::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .endpoint_url(&endpoint);
        let client = Client::from_conf(config.build());
        let name = format!("hub-{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        client.create_stream().stream_name(&name).shard_count(shards).send().await.unwrap();
        let stream = Self { endpoint, name, client };
        stream.wait_until_active().await;
        Some(stream)
    }

    /// Settings that read it impatiently.
    pub(crate) fn config(&self) -> aws::KinesisConfig {
        kinesis_config(&self.endpoint, &self.name)
    }

    /// Its name, and the server's URL.
    pub(crate) fn place(&self) -> (&str, &str) {
        (&self.name, &self.endpoint)
    }

    /// `host:port` of the server.
    pub(crate) fn address(&self) -> &str {
        self.endpoint.trim_start_matches("http://").trim_end_matches('/')
    }

    /// Puts records, in order.
    pub(crate) async fn put(&self, deliveries: &[Delivery]) {
        let records = deliveries.iter().map(|delivery| (&*delivery.partition_key, &*delivery.json));
        self.put_all(&records.collect::<Vec<_>>()).await;
    }

    /// Puts anything, each with its partition key.
    pub(crate) async fn put_all(&self, records: &[(&str, &str)]) {
        for some in records.chunks(AT_ONCE) {
            let entries = some.iter().map(|(key, data)| {
                let data = Blob::new(data.as_bytes());
                PutRecordsRequestEntry::builder().partition_key(*key).data(data).build().unwrap()
            });
            let request =
                self.client.put_records().stream_name(&self.name).set_records(Some(entries.collect()));
            assert_eq!(request.send().await.unwrap().failed_record_count(), Some(0));
        }
    }

    /// Splits a shard, by its number, in the middle of its hash range.
    pub(crate) async fn split(&self, shard: usize) {
        let listed = self.client.list_shards().stream_name(&self.name).send().await.unwrap();
        let parent = listed.shards().iter().find(|listed| listed.shard_id() == shard_id(shard)).unwrap();
        let range = parent.hash_key_range().unwrap();
        let bound = |text: &str| text.parse::<u128>().unwrap();
        let middle = bound(range.starting_hash_key()).midpoint(bound(range.ending_hash_key()));
        let request = self.client.split_shard().stream_name(&self.name).shard_to_split(parent.shard_id());
        request.new_starting_hash_key(middle.to_string()).send().await.unwrap();
        self.wait_until_active().await;
    }

    /// Merges two neighbours, by their numbers.
    pub(crate) async fn merge(&self, left: usize, right: usize) {
        let request = self.client.merge_shards().stream_name(&self.name);
        request.shard_to_merge(shard_id(left)).adjacent_shard_to_merge(shard_id(right)).send().await.unwrap();
        self.wait_until_active().await;
    }

    /// Registers a consumer of enhanced fan-out.
    pub(crate) async fn register(&self, consumer: &str) {
        let described = self.client.describe_stream_summary().stream_name(&self.name).send().await.unwrap();
        let arn = described.stream_description_summary().unwrap().stream_arn();
        let request = self.client.register_stream_consumer().stream_arn(arn);
        request.consumer_name(consumer).send().await.unwrap();
    }

    /// Deletes it: servers limit the number of shards.
    pub(crate) async fn delete(self) {
        self.client.delete_stream().stream_name(&self.name).send().await.unwrap();
    }

    async fn wait_until_active(&self) {
        let active = async || {
            let described =
                self.client.describe_stream_summary().stream_name(&self.name).send().await.unwrap();
            *described.stream_description_summary().unwrap().stream_status() == StreamStatus::Active
        };
        until("the stream is active", active).await;
    }
}

/// The id of the shard with this number.
pub(crate) fn shard_id(number: usize) -> String {
    format!("shardId-{number:012}")
}
