//! Messages to a FIFO queue of Amazon SQS.
//!
//! As documented in the API reference (version `2012-11-05`, JSON protocol):
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html>

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use crate::call_error::CallError;
use crate::queue::{MOST_MESSAGES, Queue, QueueConfig, QueueRef};
use crate::stream::Clock;

/// The most bytes that the messages of one request may have together, on a queue that nobody has allowed more: 256 KiB.
pub const MOST_BATCH_BYTES: usize = 256 * 1024;

const SUFFIX: &str = ".fifo";

/// A FIFO queue as it is configured: by its URL or its ARN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FifoQueueRef(QueueRef);

/// Why a text names no FIFO queue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` names no FIFO queue of Amazon SQS: arn:aws:sqs:<region>:<account>:<name>.fifo or \
     https://sqs.<region>.amazonaws.com/<account>/<name>.fifo is expected"
)]
pub struct InvalidFifoQueueRef(String);

impl FromStr for FifoQueueRef {
    type Err = InvalidFifoQueueRef;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidFifoQueueRef(text.to_owned());
        let standard: QueueRef =
            text.strip_suffix(SUFFIX).and_then(|text| text.parse().ok()).ok_or_else(invalid)?;
        let url = standard.url.clone() + SUFFIX;
        let queue = QueueRef { text: text.to_owned(), url, ..standard };
        // The suffix counts.
        if queue.name().len() > 80 { Err(invalid()) } else { Ok(Self(queue)) }
    }
}

impl FifoQueueRef {
    /// The region of its URL or ARN, where that tells it.
    pub fn region(&self) -> Option<&str> {
        self.0.region()
    }
}

impl fmt::Display for FifoQueueRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A message to send.
#[derive(Clone, PartialEq, Eq)]
pub struct FifoMessage {
    /// What it says.
    pub body: String,
    /// Messages of a group stay in order.
    pub group: String,
    /// What is sent again under this id within five minutes is taken and not kept.
    pub deduplication: String,
}

impl fmt::Debug for FifoMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FifoMessage")
            .field("group", &self.group)
            .field("deduplication", &self.deduplication)
            .field("bytes", &self.body.len())
            .finish()
    }
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// It is on the queue.
    Accepted,
    /// It is not, and may be if it is sent again.
    Failed {
        /// What SQS says.
        detail: String,
    },
    /// It is not, and never will be.
    Rejected {
        /// What SQS says.
        detail: String,
    },
}

/// Sends messages to one FIFO queue.
#[derive(Debug)]
pub struct FifoQueue {
    queue: Queue,
    url: String,
}

impl FifoQueue {
    /// Resolves region and credentials; asks nobody yet. `clock` gives milliseconds since 1970 UTC; jitter starts from
    /// `seed`.
    pub async fn connect(
        config: QueueConfig<FifoQueueRef>,
        clock: Clock,
        seed: u64,
    ) -> Result<Self, CallError> {
        let QueueConfig { queue, region, credentials, connect_timeout, request_timeout, backoff } = config;
        let url = queue.0.url.clone();
        let config =
            QueueConfig { queue: queue.0, region, credentials, connect_timeout, request_timeout, backoff };
        Ok(Self { queue: Queue::connect(config, clock, seed).await?, url })
    }

    /// Sends the first messages, at most ten and 256 KiB together, though always one. Answers what became of each of them; the others
    /// were not sent.
    ///
    /// Where one was not taken, messages of its group behind it may have been: whoever must keep the order sends one message
    /// of a group at a time.
    pub async fn send(&self, messages: &[FifoMessage]) -> Result<Vec<Sent>, CallError> {
        let messages = &messages[..fitting(messages)];
        if messages.is_empty() {
            return Ok(Vec::new());
        }
        let entries = messages.iter().enumerate().map(|(number, message)| {
            json!({
                "Id": number.to_string(),
                "MessageBody": message.body,
                "MessageGroupId": message.group,
                "MessageDeduplicationId": message.deduplication,
            })
        });
        let body = json!({ "QueueUrl": self.url, "Entries": entries.collect::<Vec<_>>() });
        let action = "sqs:SendMessage";
        let (answer, _) = self.queue.call("SendMessageBatch", action, &body, Duration::ZERO).await?;
        let answer: Batch = self.queue.parse(action, &answer)?;
        Ok((0..messages.len()).map(|number| answer.of(&number.to_string())).collect())
    }
}

/// How many of the first messages go into one request.
fn fitting(messages: &[FifoMessage]) -> usize {
    let mut bytes = 0;
    let fits = |message: &&FifoMessage| {
        bytes += message.body.len();
        bytes <= MOST_BATCH_BYTES
    };
    let count = messages.iter().take(MOST_MESSAGES).take_while(fits).count();
    count.max(1).min(messages.len())
}

#[derive(Debug, Deserialize)]
struct Batch {
    #[serde(rename = "Successful", default)]
    successful: Vec<Taken>,
    #[serde(rename = "Failed", default)]
    failed: Vec<Refused>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Taken {
    id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Refused {
    id: String,
    code: String,
    message: Option<String>,
    sender_fault: bool,
}

impl Batch {
    fn of(&self, id: &str) -> Sent {
        if let Some(refused) = self.failed.iter().find(|refused| refused.id == id) {
            let detail = match &refused.message {
                Some(message) => format!("{}: {message}", refused.code),
                None => refused.code.clone(),
            };
            return if refused.sender_fault { Sent::Rejected { detail } } else { Sent::Failed { detail } };
        }
        if self.successful.iter().any(|taken| taken.id == id) {
            return Sent::Accepted;
        }
        Sent::Failed { detail: "the answer says nothing of it".to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifo_queue_is_known_by_arn_or_url() {
        let by_arn: FifoQueueRef = "arn:aws:sqs:eu-central-1:123456789012:states.fifo".parse().unwrap();
        assert_eq!(by_arn.0.url, "https://sqs.eu-central-1.amazonaws.com/123456789012/states.fifo");
        assert_eq!((by_arn.0.name(), by_arn.0.region()), ("states.fifo", Some("eu-central-1")));
        let by_url: FifoQueueRef = by_arn.0.url.parse().unwrap();
        assert_eq!(by_url.0.url, by_arn.0.url);
        assert_eq!(by_arn.to_string(), "arn:aws:sqs:eu-central-1:123456789012:states.fifo");
        let arn =
            |length: usize| format!("arn:aws:sqs:eu-central-1:123456789012:{}.fifo", "a".repeat(length));
        assert!(arn(75).parse::<FifoQueueRef>().is_ok());
        for text in ["arn:aws:sqs:eu-central-1:123456789012:states", ".fifo", &arn(76), &arn(0)] {
            assert!(text.parse::<FifoQueueRef>().is_err(), "{text:?} was taken for a FIFO queue");
        }
    }

    #[test]
    fn r28_a_request_has_ten_messages_and_256_kib_at_most() {
        let message = |length: usize| FifoMessage {
            body: "x".repeat(length),
            group: "g".to_owned(),
            deduplication: "d".to_owned(),
        };
        let fit =
            |lengths: &[usize]| fitting(&lengths.iter().map(|length| message(*length)).collect::<Vec<_>>());
        assert_eq!(fit(&[1; 10]), 10);
        assert_eq!(fit(&[1; 11]), 10);
        let half = MOST_BATCH_BYTES / 2;
        assert_eq!(fit(&[half, half]), 2);
        assert_eq!(fit(&[half, half + 1]), 1);
        assert_eq!(fit(&[MOST_BATCH_BYTES + 1, 1]), 1, "SQS says what it thinks of it");
        assert_eq!(fit(&[]), 0);
    }

    #[test]
    fn each_message_has_its_own_answer() {
        let answer = r#"{"Successful":[{"Id":"0","MessageId":"m"}],"Failed":[{"Id":"1","Code":"InternalError","SenderFault":false},
            {"Id":"2","Code":"InvalidParameterValue","Message":"no","SenderFault":true}]}"#;
        let batch: Batch = serde_json::from_str(answer).unwrap();
        assert_eq!(batch.of("0"), Sent::Accepted);
        assert_eq!(batch.of("1"), Sent::Failed { detail: "InternalError".to_owned() });
        assert_eq!(batch.of("2"), Sent::Rejected { detail: "InvalidParameterValue: no".to_owned() });
        assert!(matches!(batch.of("3"), Sent::Failed { .. }));
    }
}
