//! A server of S3, SQS, DynamoDB and Lambda, and a way to make what the tests write to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use pegboard_aws::{
    Backoff, Bucket, BucketConfig, Clock, Credentials, FifoQueue, Function, FunctionConfig, QueueConfig,
    SecretText, Table, TableConfig,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::server::now_ms;

const REGION: &str = "us-east-1";

const IMPATIENT: Backoff =
    Backoff { base: Duration::from_millis(20), cap: Duration::from_millis(100), attempts: 3 };

/// The server, and a name that no other test has.
pub(crate) struct Moto {
    /// `host:port`.
    address: String,
    pub(crate) name: String,
}

impl Moto {
    /// The moto that the environment names; says so on stderr if there is none.
    #[expect(clippy::disallowed_methods, reason = "the address of the test server is the test's own setting")]
    pub(crate) fn from_env() -> Option<Self> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let Ok(url) = std::env::var("PEGBOARD_TEST_MOTO") else {
            eprintln!("skipped: PEGBOARD_TEST_MOTO names no server of S3, SQS and DynamoDB");
            return None;
        };
        let address = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let name = format!("written-{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::SeqCst));
        Some(Self { address, name })
    }

    fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) async fn bucket(&self) -> Bucket {
        self.ask(&format!("PUT /{} HTTP/1.1\r\n", self.name), "s3", "").await;
        self.bucket_unmade().await
    }

    pub(crate) async fn bucket_unmade(&self) -> Bucket {
        let config = BucketConfig {
            region: Some(REGION.to_owned()),
            endpoint: Some(self.endpoint()),
            credentials: credentials(),
            backoff: IMPATIENT,
            ..BucketConfig::new(&self.name)
        };
        Bucket::connect(config, clock(), 1).await.unwrap()
    }

    /// A FIFO queue, to send to.
    pub(crate) async fn fifo(&self) -> FifoQueue {
        let queue =
            json!({ "QueueName": format!("{}.fifo", self.name), "Attributes": { "FifoQueue": "true" } });
        self.call("sqs", "AmazonSQS.CreateQueue", &queue).await;
        let url = format!("{}/123456789012/{}.fifo", self.endpoint(), self.name);
        FifoQueue::connect(reached(QueueConfig::new(url.parse().unwrap())), clock(), 1).await.unwrap()
    }

    /// A queue that nobody has made.
    pub(crate) async fn no_fifo(&self) -> FifoQueue {
        let url = format!("{}/123456789012/none.fifo", self.endpoint());
        FifoQueue::connect(reached(QueueConfig::new(url.parse().unwrap())), clock(), 1).await.unwrap()
    }

    /// What is on the FIFO queue: of each message body and group, in order.
    pub(crate) async fn received(&self) -> Vec<(String, String)> {
        let url = format!("{}/123456789012/{}.fifo", self.endpoint(), self.name);
        let asked = json!({ "QueueUrl": url, "MaxNumberOfMessages": 10, "AttributeNames": ["All"] });
        let answer = self.call("sqs", "AmazonSQS.ReceiveMessage", &asked).await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
        messages
            .iter()
            .map(|message| (text(&message["Body"]), text(&message["Attributes"]["MessageGroupId"])))
            .collect()
    }

    /// A table whose rows have the key `AgentARN`.
    pub(crate) async fn table(&self) -> Table {
        let table = json!({
            "TableName": self.name,
            "KeySchema": [{ "AttributeName": "AgentARN", "KeyType": "HASH" }],
            "AttributeDefinitions": [{ "AttributeName": "AgentARN", "AttributeType": "S" }],
            "BillingMode": "PAY_PER_REQUEST",
        });
        self.call("dynamodb", "DynamoDB_20120810.CreateTable", &table).await;
        self.table_unmade().await
    }

    pub(crate) async fn table_unmade(&self) -> Table {
        let config = TableConfig {
            region: Some(REGION.to_owned()),
            endpoint: Some(self.endpoint()),
            credentials: credentials(),
            backoff: IMPATIENT,
            ..TableConfig::new(&self.name)
        };
        Table::connect(config, clock(), 1).await.unwrap()
    }

    /// A function with this variable.
    pub(crate) async fn function(&self, name: &str, value: &str) -> Function {
        let form = "POST / HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded\r\n";
        let role = format!(
            "Action=CreateRole&Version=2010-05-08&RoleName={}&AssumeRolePolicyDocument=%7B%22Version%22%3A%222012-10-17%22%7D",
            self.name
        );
        self.ask(form, "iam", &role).await;
        let function = json!({
            "FunctionName": self.name,
            "Runtime": "python3.12",
            "Role": format!("arn:aws:iam::123456789012:role/{}", self.name),
            "Handler": "nothing.at_all",
            "Code": { "ZipFile": "bm90aGluZw==" },
            "Environment": { "Variables": { name: value } },
        });
        let make = "POST /2015-03-31/functions HTTP/1.1\r\ncontent-type: application/json\r\n";
        self.ask(make, "lambda", &function.to_string()).await;
        self.function_unmade().await
    }

    pub(crate) async fn function_unmade(&self) -> Function {
        let config = FunctionConfig {
            region: Some(REGION.to_owned()),
            endpoint: Some(self.endpoint()),
            credentials: credentials(),
            backoff: IMPATIENT,
            ..FunctionConfig::new(self.name.parse().unwrap())
        };
        Function::connect(config, clock(), 1).await.unwrap()
    }

    async fn call(&self, service: &str, target: &str, body: &Value) -> Value {
        let head = format!(
            "POST / HTTP/1.1\r\nx-amz-target: {target}\r\ncontent-type: application/x-amz-json-1.0\r\n"
        );
        self.ask(&head, service, &body.to_string()).await
    }

    /// The server believes any signature, and reads only which service it is for.
    async fn ask(&self, head: &str, service: &str, body: &str) -> Value {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        let scope = format!("test/20260101/{REGION}/{service}/aws4_request");
        let request = format!(
            "{head}host: {}\r\nconnection: close\r\nauthorization: AWS4-HMAC-SHA256 Credential={scope}, \
             SignedHeaders=host, Signature=0\r\ncontent-length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 20"), "{head}{answer}");
        answer
            .split_once("\r\n\r\n")
            .and_then(|(_, body)| serde_json::from_str(body).ok())
            .unwrap_or_default()
    }
}

fn reached<Q>(config: QueueConfig<Q>) -> QueueConfig<Q> {
    QueueConfig { region: Some(REGION.to_owned()), credentials: credentials(), backoff: IMPATIENT, ..config }
}

fn credentials() -> Credentials {
    Credentials::Static { key_id: "test".to_owned(), secret: SecretText::new("test"), session_token: None }
}

fn clock() -> Clock {
    Arc::new(now_ms)
}
