//! Sends events to a FIFO queue.

use std::fmt;

use async_trait::async_trait;
use pegboard_aws::{CallError, Clock, FifoMessage, FifoQueue, FifoQueueRef, QueueConfig, Sent};
use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;

use crate::cloudevents::{BatchedEvent, STATE_EVENTS, in_rounds};
use crate::{Document, Encoder, Outcome, RefusedItem, Sink, SinkReport, StatesLane};

/// The longest name of a group (SQS, `MessageGroupId`).
const MOST_GROUP_BYTES: usize = 128;

/// A FIFO queue that changes of agents' states are sent to.
pub struct SqsSink {
    config: QueueConfig<FifoQueueRef>,
    clock: Clock,
    seed: u64,
    /// Connected when it is first needed.
    queue: OnceCell<FifoQueue>,
}

impl fmt::Debug for SqsSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqsSink").field("queue", &self.config.queue.to_string()).finish_non_exhaustive()
    }
}

impl SqsSink {
    /// A queue; asks nobody yet. `clock` gives milliseconds since 1970 UTC; jitter starts from `seed`.
    pub fn new(config: QueueConfig<FifoQueueRef>, clock: Clock, seed: u64) -> Self {
        Self { config, clock, seed, queue: OnceCell::new() }
    }

    async fn queue(&self) -> Result<&FifoQueue, CallError> {
        self.queue
            .get_or_try_init(|| FifoQueue::connect(self.config.clone(), self.clock.clone(), self.seed))
            .await
    }

    /// Sends one message of each agent at most. Answers what was refused of them.
    async fn send_round(&self, round: &[BatchedEvent]) -> Result<Vec<RefusedItem>, Outcome> {
        let queue = self.queue().await.map_err(|error| outcome(&error))?;
        let messages: Vec<_> = round.iter().map(message).collect();
        let (mut refused, mut sent) = (Vec::new(), 0);
        while sent < messages.len() {
            let answers = queue.send(&messages[sent..]).await.map_err(|error| outcome(&error))?;
            for (event, answer) in round[sent..].iter().zip(&answers) {
                match answer {
                    Sent::Accepted => {}
                    Sent::Failed { detail } => {
                        return Err(Outcome::Again {
                            reason: format!("the queue says {detail}"),
                            after: None,
                        });
                    }
                    Sent::Rejected { detail } => refused.push(RefusedItem {
                        subject: event.subject.clone(),
                        payload: event.json.clone(),
                        reason: format!("the queue says {detail}"),
                    }),
                }
            }
            sent += answers.len();
        }
        Ok(refused)
    }
}

#[async_trait]
impl Sink for SqsSink {
    fn kind(&self) -> &'static str {
        "sqs"
    }

    fn states(&self) -> Option<StatesLane> {
        Some(StatesLane::every(&STATE_EVENTS).with_health())
    }

    fn reports(&self) -> &[SinkReport] {
        &[]
    }

    async fn send(&self, _: &'static Encoder, document: &Document, _: &str) -> Outcome {
        in_rounds(&document.body, |round| async move { self.send_round(&round).await }).await
    }

    /// Whether there is a queue is found out with the first message: what a sender is allowed asks nothing.
    async fn probe(&self) -> Result<String, String> {
        self.queue().await.map_err(|error| error.to_string())?;
        Ok(format!(
            "there are credentials for {}; whether it takes messages shows with the first",
            self.config.queue
        ))
    }
}

/// An agent's messages are a group, which stays in order; the same event again is taken and not kept for five minutes.
fn message(event: &BatchedEvent) -> FifoMessage {
    FifoMessage { body: event.json.clone(), group: group(event), deduplication: event.id.clone() }
}

/// A group's name has letters, digits and punctuation; any other agent has a hash.
fn group(event: &BatchedEvent) -> String {
    let plain = format!("{}/{}", event.source, event.subject);
    if plain.len() <= MOST_GROUP_BYTES && plain.bytes().all(|byte| byte.is_ascii_graphic()) {
        return plain;
    }
    Sha256::digest(plain).iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

fn outcome(error: &CallError) -> Outcome {
    let reason = error.to_string();
    if error.is_transient() { Outcome::Again { reason, after: None } } else { Outcome::Shut { reason } }
}

#[cfg(test)]
pub(super) fn group_of(source: &str, agent: &str) -> String {
    let (id, json) = (String::new(), String::new());
    group(&BatchedEvent { id, source: source.to_owned(), subject: agent.to_owned(), json })
}
