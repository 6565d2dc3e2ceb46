//! Messages on the FIFO queues.

use std::fmt;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::event::{AgentEvent, Unusable};

/// The most bytes that a message may have on a queue that is set up as the Quick Start's: 256 KiB.
pub const MAX_MESSAGE_BYTES: usize = 256 << 10;
/// The one message group of the Quick Start, in which the queue keeps all events in order.
pub const GROUP_OF_ALL: &str = "AspectConnectEventsForWfmRTListen_GroupId";
/// The most bytes of a group or of a de-duplication id ("Quotas related to messages" of the SQS developer guide).
const MOST_ID_BYTES: usize = 128;

/// How many queues there are: 1 to 10.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueCount(u8);

/// A number of queues that the adherence product does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there are 1 to 10 queues, not {0}")]
pub struct BadQueueCount(pub u8);

/// One of the queues, from 0. The Quick Start counts its URLs from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueNumber(u8);

/// What is kept in order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MessageGroup {
    /// All events of a queue, as the Quick Start does: one batch is on its way at a time.
    #[default]
    All,
    /// The events of each agent.
    Agent,
}

/// A message.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// `AgentARN` of whom it is about.
    pub agent: String,
    /// The queue it goes to.
    pub queue: QueueNumber,
    /// `MessageGroupId`.
    pub group: String,
    /// `MessageDeduplicationId`: the id of the event, so that one that is sent again within five minutes is there once.
    pub deduplication: String,
    /// The event, reduced.
    pub body: String,
}

impl Default for QueueCount {
    fn default() -> Self {
        Self(1)
    }
}

impl TryFrom<u8> for QueueCount {
    type Error = BadQueueCount;

    fn try_from(count: u8) -> Result<Self, BadQueueCount> {
        if (1..=10).contains(&count) { Ok(Self(count)) } else { Err(BadQueueCount(count)) }
    }
}

impl QueueCount {
    /// The queue of an agent: the first eight bytes of the SHA-256 of the ARN, as a little-endian signed number, modulo the number of queues.
    pub fn queue_of(self, agent_arn: &str) -> QueueNumber {
        let digest = Sha256::digest(agent_arn);
        let number = digest.iter().take(8).rev().fold(0, |number: u64, byte| number << 8 | u64::from(*byte));
        let remainder = number.cast_signed().rem_euclid(i64::from(self.0));
        QueueNumber(u8::try_from(remainder).unwrap_or_default())
    }
}

impl fmt::Display for QueueNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl QueueNumber {
    /// Its place in a list of the queues.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl Message {
    /// The message of an event.
    pub(super) fn of(
        event: &AgentEvent<'_>,
        body: String,
        queues: QueueCount,
        group: MessageGroup,
    ) -> Result<Self, Unusable> {
        if body.len() > MAX_MESSAGE_BYTES {
            return Err(Unusable::TooLong { limit: MAX_MESSAGE_BYTES });
        }
        let group = match group {
            MessageGroup::All => GROUP_OF_ALL.to_owned(),
            MessageGroup::Agent => id(event.agent.rsplit('/').next().unwrap_or_default()),
        };
        let (agent, queue) = (event.agent.clone(), queues.queue_of(&event.agent));
        Ok(Self { agent, queue, group, deduplication: id(&event.id), body })
    }

    /// What is said of it in a request of SQS, but for the queue.
    pub fn entry(&self) -> Value {
        json!({
            "MessageBody": self.body,
            "MessageDeduplicationId": self.deduplication,
            "MessageGroupId": self.group,
        })
    }
}

/// Without what it says of a person.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("queue", &self.queue)
            .field("deduplication", &self.deduplication)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// The text itself where SQS takes it as an id, else the hexadecimal SHA-256 of it.
fn id(text: &str) -> String {
    let fits = (1..=MOST_ID_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if fits {
        return text.to_owned();
    }
    let digits = |byte: &u8| [byte >> 4, byte & 0xf].map(|digit| char::from_digit(digit.into(), 16));
    Sha256::digest(text).iter().flat_map(digits).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queue_of_an_agent_is_the_one_that_the_quick_start_chooses() {
        let agent = "arn:aws:connect:us-east-1:123456789012:instance/6e3230e5-2dd2-4464-ade8-b032cdd0abef/agent/dfe8970a-ee78-4fa2-b79b-b6b3e92d35c0";
        let queue = |count: u8| QueueCount::try_from(count).unwrap().queue_of(agent).index();
        assert_eq!([1, 2, 3, 5, 10].map(queue), [0, 1, 1, 0, 5]);
    }

    #[test]
    fn a_negative_number_chooses_a_queue_too_and_all_are_used() {
        let three = QueueCount::try_from(3).unwrap();
        let mut used = [0; 3];
        for agent in 0..3000 {
            used[three.queue_of(&format!("arn:agent/{agent}")).index()] += 1;
        }
        assert!(used.iter().all(|count| (900..1100).contains(count)), "{used:?}");
        let number = |arn: &str| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&Sha256::digest(arn)[..8]);
            i64::from_le_bytes(bytes)
        };
        let negative =
            (0..100).map(|agent| format!("arn:agent/{agent}")).find(|arn| number(arn) < 0).unwrap();
        let remainder = (number(&negative) % 3 + 3) % 3;
        assert_eq!(three.queue_of(&negative).index(), usize::try_from(remainder).unwrap());
    }

    #[test]
    fn r28_there_are_one_to_ten_queues() {
        assert_eq!(QueueCount::try_from(0), Err(BadQueueCount(0)));
        assert_eq!(QueueCount::try_from(11), Err(BadQueueCount(11)));
        assert!(QueueCount::try_from(10).is_ok());
        assert_eq!(QueueCount::default(), QueueCount(1));
    }

    #[test]
    fn what_sqs_takes_as_no_id_is_hashed() {
        assert_eq!(id("8d2daa4f-a6b4-4c3c-8599-08c355a20f80"), "8d2daa4f-a6b4-4c3c-8599-08c355a20f80");
        assert_eq!(id(&"x".repeat(128)).len(), 128);
        for odd in ["", "two words", "ä", &"x".repeat(129)] {
            assert_eq!(id(odd).len(), 64, "{odd}");
        }
        assert_ne!(id("ä"), id("ö"));
    }

    #[test]
    fn r28_a_message_has_256_kib_at_most() {
        let event =
            r#"{"AgentARN":"a","EventType":"LOGIN","EventId":"e","EventTimestamp":"2026-03-02T09:00:00Z"}"#;
        let event = AgentEvent::read(event.as_bytes()).unwrap().unwrap();
        let message =
            |length: usize| Message::of(&event, "x".repeat(length), QueueCount::default(), MessageGroup::All);
        assert!(message(MAX_MESSAGE_BYTES).is_ok());
        assert_eq!(message(MAX_MESSAGE_BYTES + 1), Err(Unusable::TooLong { limit: 262_144 }));
    }
}
