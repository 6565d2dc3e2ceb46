//! Sends batches of events to a receiver.

use std::fmt;
use std::io::Write as _;

use async_trait::async_trait;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::Method;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, InvalidHeaderValue};
use pegboard_model::Timestamp;
use pegboard_net::signature::SigningKey;
use pegboard_net::{Call, CallError, Client, Target, ToldTime};
use sha2::{Digest as _, Sha256};

use super::answer::outcome;
use crate::cloudevents::{BATCH_TYPE, STATE_EVENTS};
use crate::{Document, Encoder, Outcome, Sink, SinkReport, StatesLane};

/// How a receiver is reached, and what it is sent.
#[derive(Debug)]
pub struct WebhookOptions {
    /// Where it is.
    pub target: Target,
    /// What messages are signed with: one key, or two while one replaces the other.
    pub keys: Vec<SigningKey>,
    /// Whether bodies are compressed.
    pub gzip: bool,
    /// Whether it is sent every change of an agent's state.
    pub states: bool,
    /// The reports that it is sent.
    pub reports: Vec<SinkReport>,
}

/// A receiver of events.
pub struct WebhookSink {
    client: Client,
    options: WebhookOptions,
    clock: fn() -> Timestamp,
}

impl fmt::Debug for WebhookSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookSink").field("target", &self.options.target).finish_non_exhaustive()
    }
}

impl WebhookSink {
    /// A receiver, which `client` may reach.
    pub fn new(client: Client, options: WebhookOptions, clock: fn() -> Timestamp) -> Self {
        Self { client, options, clock }
    }

    /// The signature is of the body as it is before it is compressed: what a receiver's program is handed.
    fn call(&self, body: &[u8], id: &str) -> Result<Call, InvalidHeaderValue> {
        let options = &self.options;
        let mut call = Call::new(Method::POST, options.target.clone())
            .with(CONTENT_TYPE, HeaderValue::from_static(BATCH_TYPE));
        call.body = body.to_vec().into();
        let mut call = call.signed(&options.keys, id, (self.clock)())?;
        if let Some(compressed) = compressed(body).filter(|_| options.gzip) {
            call.body = compressed.into();
            call = call.with(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        Ok(call)
    }

    async fn post(&self, body: &[u8], id: &str) -> Outcome {
        let call = match self.call(body, id) {
            Ok(call) => call,
            Err(error) => {
                return Outcome::Refused { reason: format!("the message cannot be signed: {error}") };
            }
        };
        match self.client.send(call).await {
            Ok(answer) => {
                let after = answer.retry_after().map(|after| after.pause((self.clock)()));
                outcome(answer.status.as_u16(), after, &answer.body)
            }
            Err(error @ CallError::Refused { .. }) => Outcome::Shut { reason: error.to_string() },
            Err(error) => Outcome::Again { reason: error.to_string(), after: None },
        }
    }
}

#[async_trait]
impl Sink for WebhookSink {
    fn kind(&self) -> &'static str {
        "webhook"
    }

    fn states(&self) -> Option<StatesLane> {
        self.options.states.then_some(StatesLane::every(&STATE_EVENTS).with_health())
    }

    fn reports(&self) -> &[SinkReport] {
        &self.options.reports
    }

    fn told_time(&self) -> Option<ToldTime> {
        self.client.told_time()
    }

    async fn send(&self, _: &'static Encoder, document: &Document, key: &str) -> Outcome {
        self.post(&document.body, &message_id(key)).await
    }

    fn split(&self, _: &'static Encoder, document: &Document) -> Option<[Document; 2]> {
        halves(document)
    }

    /// Sends an empty batch, which means nothing: whether the receiver takes the signature is known only if it is asked.
    async fn probe(&self) -> Result<String, String> {
        match self.post(b"[]", &message_id("probe")).await {
            Outcome::Accepted => Ok("the receiver takes an empty batch".to_owned()),
            Outcome::Again { reason, .. }
            | Outcome::Shut { reason }
            | Outcome::Refused { reason }
            | Outcome::TooLarge { reason } => Err(reason),
            Outcome::Partly(_) => Err("the receiver takes a part of nothing".to_owned()),
        }
    }
}

/// The id of the message that has a key: the same when it is sent again.
fn message_id(key: &str) -> String {
    let digest = Sha256::digest(key);
    digest.iter().take(16).fold("msg_".to_owned(), |id, byte| format!("{id}{byte:02x}"))
}

/// A batch as two; nothing for one event.
fn halves(document: &Document) -> Option<[Document; 2]> {
    let events: Vec<&serde_json::value::RawValue> = serde_json::from_slice(&document.body).ok()?;
    if events.len() < 2 {
        return None;
    }
    let batch = |name: &str, events: &[&serde_json::value::RawValue]| {
        let texts: Vec<_> = events.iter().map(|event| event.get()).collect();
        Document::new(format!("{}.{name}", document.name), format!("[{}]", texts.join(",")))
    };
    let (first, second) = events.split_at(events.len() / 2);
    Some([batch("1", first), batch("2", second)])
}

fn compressed(body: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}
