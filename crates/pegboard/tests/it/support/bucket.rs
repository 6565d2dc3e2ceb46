//! A bucket and its queue on the test server, and how a hub reads them.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use pegboard::config::{Config, PlaceSettings};
use pegboard_aws as aws;
use pegboard_connect::archive::ArchiveBucket;
use pegboard_connect::sources::objects::{Content, LaneConfig};
use pegboard_model::Millis;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::clock;

/// Below it is what the lane reads.
pub(crate) const PREFIX: &str = "in/";

/// A bucket of its own for a test, which tells a queue of its own of new objects.
pub(crate) struct TestBucket {
    /// The server, as `host:port`.
    address: String,
    name: String,
}

impl TestBucket {
    /// Makes both on the server that `PEGBOARD_TEST_MOTO` names; says so on stderr if there is none.
    #[expect(clippy::disallowed_methods, reason = "the address of the test server is the test's own setting")]
    pub(crate) async fn make() -> Option<Self> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let Ok(url) = std::env::var("PEGBOARD_TEST_MOTO") else {
            eprintln!("skipped: PEGBOARD_TEST_MOTO names no server of S3 and SQS");
            return None;
        };
        let address = url.trim_start_matches("http://").to_owned();
        let name = format!("test-{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::SeqCst));
        let bucket = Self { address, name };
        bucket.s3("PUT", "", b"").await;
        bucket.sqs("CreateQueue", json!({ "QueueName": bucket.name })).await;
        let mut notify = String::from("<NotificationConfiguration><QueueConfiguration><Id>1</Id>");
        write!(notify, "<Queue>arn:aws:sqs:us-east-1:123456789012:{}</Queue>", bucket.name).unwrap();
        notify.push_str("<Event>s3:ObjectCreated:*</Event></QueueConfiguration></NotificationConfiguration>");
        bucket.s3("PUT", "?notification", notify.as_bytes()).await;
        Some(bucket)
    }

    /// The server, as `host:port`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// A name that no other test has.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The URL of a queue.
    pub(crate) fn url_of(&self, queue: &str) -> String {
        format!("http://{}/123456789012/{queue}", self.address)
    }

    /// Writes an object.
    pub(crate) async fn put(&self, key: &str, content: &[u8]) {
        self.s3("PUT", &format!("/{}", encoded(key)), content).await;
    }

    pub(crate) async fn delete(&self, key: &str) {
        self.s3("DELETE", &format!("/{}", encoded(key)), b"").await;
    }

    /// The keys of all objects.
    pub(crate) async fn keys(&self) -> Vec<String> {
        let config = self.own_lane().bucket;
        let bucket =
            aws::Bucket::connect(config, std::sync::Arc::new(|| clock::now().as_millis()), 1).await.unwrap();
        let page = bucket.list("", None).await.unwrap();
        page.objects.into_iter().map(|object| object.key).collect()
    }

    /// Says something on the queue.
    pub(crate) async fn say(&self, body: &str) {
        let message = json!({ "QueueUrl": self.queue_url(), "MessageBody": body });
        self.sqs("SendMessage", message).await;
    }

    /// How many messages wait on the queue, and how many were received and are not deleted.
    pub(crate) async fn messages(&self) -> (u64, u64) {
        let names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"];
        let asked = json!({ "QueueUrl": self.queue_url(), "AttributeNames": names });
        let answer = self.sqs("GetQueueAttributes", asked).await;
        let count = |name: &str| answer["Attributes"][name].as_str().unwrap().parse().unwrap();
        (count(names[0]), count(names[1]))
    }

    /// The lane of contact records below [`PREFIX`], impatient, through `endpoint`.
    pub(crate) fn lane(&self, endpoint: &str) -> LaneConfig {
        let backoff =
            aws::Backoff { base: Duration::from_millis(20), cap: Duration::from_millis(100), attempts: 4 };
        let credentials = aws::Credentials::Static {
            key_id: "test".to_owned(),
            secret: aws::SecretText::new("test"),
            session_token: None,
        };
        let bucket = aws::BucketConfig {
            region: Some("us-east-1".to_owned()),
            endpoint: Some(endpoint.to_owned()),
            credentials: credentials.clone(),
            backoff,
            ..aws::BucketConfig::new(&self.name)
        };
        let queue = format!("{endpoint}/123456789012/{}", self.name).parse().unwrap();
        let queue = aws::QueueConfig {
            region: Some("us-east-1".to_owned()),
            credentials,
            backoff,
            ..aws::QueueConfig::new(queue)
        };
        LaneConfig {
            list_every: Duration::from_secs(1),
            held_back: Millis::ZERO,
            hidden_for: Duration::from_secs(4),
            ..LaneConfig::new(Content::ContactRecords, bucket, PREFIX, Some(queue))
        }
    }

    /// The same through the server itself.
    pub(crate) fn own_lane(&self) -> LaneConfig {
        self.lane(&format!("http://{}", self.address))
    }

    /// An archive in the bucket, through the server itself, for whoever reads settings from a file in `folder`.
    pub(crate) fn archive(&self, folder: &Path) -> PlaceSettings {
        let file = folder.join("archive-settings.toml");
        let table = self.archive_table(folder);
        let source = "[[source]]\nname = \"a\"\nkind = \"file\"\nfile.path = \"x\"\n";
        fs::write(&file, format!("{table}{source}")).unwrap();
        Config::load(&file).unwrap().archive.unwrap().place.clone()
    }

    /// The table of a configuration in `folder` that names it.
    pub(crate) fn archive_table(&self, folder: &Path) -> String {
        let key = folder.join("archive-key");
        fs::write(&key, "test").unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        format!(
            "[archive]\nbucket = \"{}\"\nprefix = \"kept/\"\nregion = \"us-east-1\"\nendpoint = \"http://{}\"\n\
             access_key_id = \"file:archive-key\"\nsecret_access_key = \"file:archive-key\"\n",
            self.name, self.address
        )
    }

    /// The same archive, impatient, through `endpoint`.
    pub(crate) fn archive_through(&self, endpoint: &str) -> ArchiveBucket {
        let config = self.lane(endpoint).bucket;
        ArchiveBucket::new(config, "kept/", std::sync::Arc::new(|| clock::now().as_millis()), 1)
    }

    fn queue_url(&self) -> String {
        self.url_of(&self.name)
    }

    async fn s3(&self, method: &str, path: &str, body: &[u8]) {
        let head = format!("{method} /{}{path} HTTP/1.1\r\n", self.name);
        let (status, answer) = self.exchange(&head, "s3", body).await;
        assert!((200..300).contains(&status), "{head}{status}: {}", String::from_utf8_lossy(&answer));
    }

    async fn sqs(&self, operation: &str, body: Value) -> Value {
        self.call("sqs", &format!("AmazonSQS.{operation}"), body).await
    }

    /// Asks a service that tells what is asked for by method and path: `head` is both, and ends its line.
    pub(crate) async fn request(&self, head: &str, service: &str, content_type: &str, body: &str) -> String {
        let head = format!("{head} HTTP/1.1\r\ncontent-type: {content_type}\r\n");
        let (status, answer) = self.exchange(&head, service, body.as_bytes()).await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!((200..300).contains(&status), "{head}{status}: {answer}");
        answer
    }

    /// Asks any service that speaks JSON.
    pub(crate) async fn call(&self, service: &str, target: &str, body: Value) -> Value {
        let head = format!(
            "POST / HTTP/1.1\r\nx-amz-target: {target}\r\ncontent-type: application/x-amz-json-1.0\r\n"
        );
        let (status, answer) = self.exchange(&head, service, body.to_string().as_bytes()).await;
        assert_eq!(status, 200, "{target}: {}", String::from_utf8_lossy(&answer));
        serde_json::from_slice(&answer).unwrap_or_default()
    }

    /// The server believes any signature, and reads only which service it is for.
    async fn exchange(&self, head: &str, service: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
        );
        let head = format!(
            "{head}host: {}\r\nconnection: close\r\nauthorization: {authorization}\r\ncontent-length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(body).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        let status = std::str::from_utf8(&answer[9..12]).unwrap().parse().unwrap();
        (status, answer[end + 4..].to_vec())
    }
}

/// As a client writes a key into an address.
fn encoded(key: &str) -> String {
    key.bytes().fold(String::new(), |mut text, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                text.push(char::from(byte));
            }
            _ => write!(text, "%{byte:02X}").unwrap(),
        }
        text
    })
}
