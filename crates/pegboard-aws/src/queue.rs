//! Messages of a queue of Amazon SQS.
//!
//! Five operations are needed (the fifth, sending to a FIFO queue, is in `fifo.rs`), so they are written here and signed and sent with the SDK's own parts. As documented in the API
//! reference (version `2012-11-05`, JSON protocol):
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html>

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::access::Access;
use crate::backoff::Backoff;
use crate::call_error::CallError;
use crate::config::Credentials;
use crate::fault::{Cause, Fault};
use crate::signed::{Outgoing, Service, Signed};
use crate::stream::Clock;

/// The most messages of one request (API reference).
pub const MOST_MESSAGES: usize = 10;

/// The longest wait of one request (API reference).
pub const LONGEST_POLL: Duration = Duration::from_secs(20);

/// The longest answer that is read: ten messages of a mebibyte each, twice as long where their text is escaped.
const MOST_BYTES: usize = 24 * 1024 * 1024;

/// A queue as it is configured: by its URL or its ARN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueRef {
    pub(crate) text: String,
    /// What the queue is named by in requests, and its host is asked.
    pub(crate) url: String,
    pub(crate) region: Option<String>,
}

impl QueueRef {
    /// The region that the URL or the ARN names.
    pub fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }

    /// The name, without account and region.
    pub fn name(&self) -> &str {
        self.url.rsplit('/').next().unwrap_or_default()
    }

    /// Scheme, host and port.
    fn endpoint(&self) -> &str {
        let host = self.url.find("://").map_or(0, |at| at + 3);
        let end = self.url[host..].find('/').map_or(self.url.len(), |at| host + at);
        &self.url[..end]
    }
}

impl fmt::Display for QueueRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Why a text names no queue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` names no standard queue of Amazon SQS: arn:aws:sqs:<region>:<account>:<name> or \
     https://sqs.<region>.amazonaws.com/<account>/<name> is expected (S3 notifies no FIFO queue)"
)]
pub struct InvalidQueueRef(String);

impl FromStr for QueueRef {
    type Err = InvalidQueueRef;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = if text.starts_with("arn:") { of_arn(text) } else { of_url(text) };
        let (url, region) = parsed.ok_or_else(|| InvalidQueueRef(text.to_owned()))?;
        Ok(Self { text: text.to_owned(), url, region })
    }
}

fn of_arn(arn: &str) -> Option<(String, Option<String>)> {
    let parts: Vec<&str> = arn.split(':').collect();
    let ["arn", partition, "sqs", region, account, name] = parts[..] else { return None };
    let suffix = if partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
    let is_right = partition.starts_with("aws") && !region.is_empty() && is_account(account) && is_name(name);
    is_right.then(|| (format!("https://sqs.{region}.{suffix}/{account}/{name}"), Some(region.to_owned())))
}

fn of_url(url: &str) -> Option<(String, Option<String>)> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    let parts: Vec<&str> = rest.split('/').collect();
    let [host, account, name] = parts[..] else { return None };
    let region = host
        .strip_prefix("sqs.")
        .and_then(|rest| rest.split_once(".amazonaws.com"))
        .map(|(region, _)| region);
    let is_right = !host.is_empty() && is_account(account) && is_name(name);
    is_right.then(|| (url.to_owned(), region.map(str::to_owned)))
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_name(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    (1..=80).contains(&text.len()) && text.bytes().all(is_allowed)
}

/// How a queue is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueConfig<Q = QueueRef> {
    /// Which one.
    pub queue: Q,
    /// Its region; without one that of its URL or ARN, then that of the usual AWS chain.
    pub region: Option<String>,
    /// Where the credentials come from.
    pub credentials: Credentials,
    /// How long making a connection may take.
    pub connect_timeout: Duration,
    /// How long a request may take beyond its wait, with its answer.
    pub request_timeout: Duration,
    /// What happens after failures that pass.
    pub backoff: Backoff,
}

impl<Q> QueueConfig<Q> {
    /// A queue with every setting at its default.
    pub fn new(queue: Q) -> Self {
        Self {
            queue,
            region: None,
            credentials: Credentials::Chain,
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(10),
            backoff: Backoff { attempts: 4, ..Backoff::default() },
        }
    }
}

/// A message that was received and is hidden from others for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What it is deleted with.
    pub receipt: String,
    /// What it says.
    pub body: String,
    /// How often it was received, this time included.
    pub received: u32,
}

/// How a queue stands, about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueueState {
    /// Messages that can be received.
    pub waiting: u64,
    /// Messages that were received and not deleted yet.
    pub hidden: u64,
    /// Whether what is received again and again goes to a dead-letter queue.
    pub has_dead_letters: bool,
}

/// Receives the messages of one queue.
#[derive(Debug)]
pub struct Queue {
    config: QueueConfig,
    signed: Signed,
}

impl Queue {
    /// Resolves region and credentials; asks nobody yet. `clock` gives milliseconds since 1970 UTC; jitter starts from
    /// `seed`.
    pub async fn connect(config: QueueConfig, clock: Clock, seed: u64) -> Result<Self, CallError> {
        let access = Access {
            region: config.region.as_deref().or_else(|| config.queue.region()),
            endpoint: Some(config.queue.endpoint()),
            credentials: &config.credentials,
            connect_timeout: config.connect_timeout,
            request_timeout: config.request_timeout,
        };
        let signed = Signed::new(Service::Queues, &access, config.backoff, clock, seed).await;
        let (signed, _) = signed.map_err(|detail| CallError::config(place(&config.queue), detail))?;
        Ok(Self { config, signed })
    }

    /// At most ten messages, waiting up to `wait` for the first; they stay hidden from others for `hidden_for`. With the
    /// time at which was asked at the latest, in milliseconds since 1970 UTC by the clock of SQS.
    pub async fn receive(
        &self,
        wait: Duration,
        hidden_for: Duration,
    ) -> Result<(Vec<Message>, i64), CallError> {
        let wait = wait.min(LONGEST_POLL);
        let body = json!({
            "QueueUrl": self.config.queue.url,
            "MaxNumberOfMessages": MOST_MESSAGES,
            "WaitTimeSeconds": wait.as_secs(),
            "VisibilityTimeout": hidden_for.as_secs(),
            "AttributeNames": ["ApproximateReceiveCount"],
        });
        let (answer, asked_ms) = self.call("ReceiveMessage", "sqs:ReceiveMessage", &body, wait).await?;
        let received: Received = self.parse("sqs:ReceiveMessage", &answer)?;
        Ok((received.messages.into_iter().map(Message::from).collect(), asked_ms))
    }

    /// Deletes a message; one that is gone already is no failure.
    pub async fn delete(&self, receipt: &str) -> Result<(), CallError> {
        let body = json!({ "QueueUrl": self.config.queue.url, "ReceiptHandle": receipt });
        self.of_receipt("DeleteMessage", "sqs:DeleteMessage", &body).await
    }

    /// Keeps a message hidden for another `hidden_for`; one that is gone already is no failure.
    pub async fn hide(&self, receipt: &str, hidden_for: Duration) -> Result<(), CallError> {
        let body = json!({
            "QueueUrl": self.config.queue.url,
            "ReceiptHandle": receipt,
            "VisibilityTimeout": hidden_for.as_secs(),
        });
        self.of_receipt("ChangeMessageVisibility", "sqs:ChangeMessageVisibility", &body).await
    }

    /// How the queue stands.
    pub async fn state(&self) -> Result<QueueState, CallError> {
        let names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "RedrivePolicy"];
        let body = json!({ "QueueUrl": self.config.queue.url, "AttributeNames": names });
        let action = "sqs:GetQueueAttributes";
        let (answer, _) = self.call("GetQueueAttributes", action, &body, Duration::ZERO).await?;
        let attributes: Attributes = self.parse(action, &answer)?;
        let count = |name: &str| attributes.attributes.get(name).and_then(|text| text.parse().ok());
        Ok(QueueState {
            waiting: count(names[0]).unwrap_or_default(),
            hidden: count(names[1]).unwrap_or_default(),
            has_dead_letters: attributes.attributes.contains_key(names[2]),
        })
    }

    /// A receipt that is no longer good stands for a message that was deleted, or that others may receive again.
    async fn of_receipt(&self, operation: &str, action: &'static str, body: &Value) -> Result<(), CallError> {
        let done =
            self.signed.patiently(async || match self.try_call(operation, body, Duration::ZERO).await {
                Err(fault) if fault.cause == Cause::InvalidArgument => Ok(()),
                outcome => outcome.map(|_| ()),
            });
        done.await.map_err(|fault| self.error(action, &fault))
    }

    pub(crate) async fn call(
        &self,
        operation: &str,
        action: &'static str,
        body: &Value,
        wait: Duration,
    ) -> Result<(Vec<u8>, i64), CallError> {
        let answer = self.signed.patiently(|| self.try_call(operation, body, wait)).await;
        answer.map_err(|fault| self.error(action, &fault))
    }

    async fn try_call(&self, operation: &str, body: &Value, wait: Duration) -> Result<(Vec<u8>, i64), Fault> {
        let body = body.to_string();
        let outgoing = Outgoing {
            method: "POST",
            uri: format!("{}/", self.config.queue.endpoint()),
            headers: vec![
                ("content-type", "application/x-amz-json-1.0".to_owned()),
                ("x-amz-target", format!("AmazonSQS.{operation}")),
            ],
            body: body.as_bytes(),
            most_bytes: MOST_BYTES,
            wait,
        };
        let answer = self.signed.send(&outgoing).await?;
        let asked_ms = answer.asked_ms;
        answer.json().map(|body| (body, asked_ms))
    }

    pub(crate) fn parse<'a, T: Deserialize<'a>>(
        &self,
        action: &'static str,
        answer: &'a [u8],
    ) -> Result<T, CallError> {
        let unreadable = |error: serde_json::Error| self.error(action, &Fault::unreadable(error.to_string()));
        serde_json::from_slice(answer).map_err(unreadable)
    }

    fn error(&self, action: &'static str, fault: &Fault) -> CallError {
        CallError::at(place(&self.config.queue), action, fault)
    }
}

fn place(queue: &QueueRef) -> String {
    format!("queue `{}`", queue.name())
}

#[derive(Debug, Deserialize)]
struct Received {
    #[serde(rename = "Messages", default)]
    messages: Vec<WireMessage>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WireMessage {
    receipt_handle: String,
    body: String,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
struct Attributes {
    #[serde(rename = "Attributes", default)]
    attributes: BTreeMap<String, String>,
}

impl From<WireMessage> for Message {
    fn from(wire: WireMessage) -> Self {
        let received = wire.attributes.get("ApproximateReceiveCount").and_then(|text| text.parse().ok());
        Self { receipt: wire.receipt_handle, body: wire.body, received: received.unwrap_or(1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_known_by_arn_or_url() {
        let by_arn: QueueRef = "arn:aws:sqs:eu-central-1:123456789012:connect-reports".parse().unwrap();
        assert_eq!(by_arn.url, "https://sqs.eu-central-1.amazonaws.com/123456789012/connect-reports");
        assert_eq!((by_arn.name(), by_arn.region()), ("connect-reports", Some("eu-central-1")));
        assert_eq!(by_arn.endpoint(), "https://sqs.eu-central-1.amazonaws.com");
        let by_url: QueueRef = by_arn.url.parse().unwrap();
        assert_eq!((by_url.url.as_str(), by_url.region()), (by_arn.url.as_str(), Some("eu-central-1")));
        let own: QueueRef = "http://127.0.0.1:5500/123456789012/q".parse().unwrap();
        assert_eq!((own.endpoint(), own.region()), ("http://127.0.0.1:5500", None));
    }

    #[test]
    fn what_names_no_queue_is_refused() {
        let too_long = format!("arn:aws:sqs:eu-central-1:123456789012:{}", "a".repeat(81));
        for text in [
            "",
            "connect-reports",
            "arn:aws:sns:eu-central-1:123456789012:connect-reports",
            "arn:aws:sqs:eu-central-1:1234:connect-reports",
            "arn:aws:sqs:eu-central-1:123456789012:reports.fifo",
            "https://sqs.eu-central-1.amazonaws.com/connect-reports",
            "ftp://host/123456789012/q",
            too_long.as_str(),
        ] {
            assert!(text.parse::<QueueRef>().is_err(), "{text:?} was taken for a queue");
        }
    }

    #[test]
    fn a_message_says_how_often_it_came() {
        let answer = r#"{"Messages":[{"MessageId":"m","ReceiptHandle":"r","Body":"{}","Attributes":{"ApproximateReceiveCount":"3"}},{"ReceiptHandle":"s","Body":""}]}"#;
        let received: Received = serde_json::from_str(answer).unwrap();
        let messages: Vec<Message> = received.messages.into_iter().map(Message::from).collect();
        assert_eq!((messages[0].receipt.as_str(), messages[0].received), ("r", 3));
        assert_eq!(messages[1].received, 1);
        let none: Received = serde_json::from_str("{}").unwrap();
        assert!(none.messages.is_empty());
    }
}
