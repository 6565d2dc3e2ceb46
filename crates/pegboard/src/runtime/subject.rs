//! Records that an ACD publishes on a subject of NATS: what JetStream delivers is put where handed-in records wait, and acknowledged
//! once it is on disk there.
//!
//! A message whose acknowledgement is lost is delivered again. That does no harm: an event is known by its id, or by everything it says,
//! and a contact by its id and version.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::Message;
use async_nats::jetstream::consumer::pull;
use futures_util::StreamExt as _;
use pegboard_connect::sources::push::MAX_RECORD_BYTES;
use pegboard_model::SourceName;
use pegboard_sinks::nats::NatsAddress;
use pegboard_store::HandedIn;

use super::hub::Hub;
use super::intake::Gate;

/// The part of a source that fails while its subject cannot be read.
const PART: &str = "messages of NATS";

/// The most messages that are kept at once.
const MOST: usize = 500;

/// The pause after a failure, and while too much waits to be read.
const PAUSE: Duration = Duration::from_secs(5);

/// Where messages are read from.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The servers.
    pub at: NatsAddress,
    /// The stream of JetStream that holds them.
    pub stream: String,
    /// The durable consumer of ours, made where there is none.
    pub consumer: String,
    /// Only messages of such a subject; all of the stream where nothing is said.
    pub filter: Option<String>,
}

impl Subject {
    /// Whether the stream is there; makes nothing.
    pub async fn probe(&self) -> Result<String, String> {
        let context = self.at.connect().await.map_err(|error| error.to_string())?;
        let stream = context.get_stream(&self.stream).await;
        stream.map(|_| format!("the stream {} is there", self.stream)).map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &dyn std::error::Error) -> String {
        format!("the stream {} of NATS cannot be read: {error}", self.stream)
    }

    /// Reads until something fails, and says what.
    async fn read(&self, gate: &Gate, working: impl Fn()) -> Result<Infallible, String> {
        let failed = |error: &dyn std::error::Error| self.failed(error);
        let context = self.at.connect().await.map_err(|error| failed(&error))?;
        let stream = context.get_stream(&self.stream).await.map_err(|error| failed(&error))?;
        let settings = pull::Config {
            durable_name: Some(self.consumer.clone()),
            filter_subject: self.filter.clone().unwrap_or_default(),
            ..pull::Config::default()
        };
        let consumer = stream.get_or_create_consumer(&self.consumer, settings).await;
        let messages = consumer.map_err(|error| failed(&error))?.messages().await;
        let mut messages = messages.map_err(|error| failed(&error))?.ready_chunks(MOST);
        working();
        while let Some(ready) = messages.next().await {
            let (good, mut bad): (Vec<_>, Vec<_>) = ready.into_iter().partition(Result::is_ok);
            let good: Vec<Message> = good.into_iter().filter_map(Result::ok).collect();
            keep(gate, &good).await?;
            for message in &good {
                message.ack().await.map_err(|error| failed(&*error))?;
            }
            if let Some(Err(error)) = bad.pop() {
                return Err(failed(&error));
            }
        }
        Err(format!("the stream {} of NATS ended", self.stream))
    }
}

/// Reads messages into a source for as long as it is not dropped.
pub async fn run(subject: Subject, gate: Arc<Gate>, hub: Arc<Hub>, source: SourceName) {
    loop {
        let Err(message) = subject.read(&gate, || hub.note_part(&source, PART, None)).await;
        tracing::warn!(source.name = %source, "{message}");
        hub.note_part(&source, PART, Some(message));
        tokio::time::sleep(PAUSE).await;
    }
}

/// Puts messages where records wait, durably; waits for room. What is longer than a record is cut, and a dead letter.
async fn keep(gate: &Gate, messages: &[Message]) -> Result<(), String> {
    let body =
        |message: &Message| message.payload[..message.payload.len().min(MAX_RECORD_BYTES + 1)].to_vec();
    loop {
        let records = messages.iter().map(body).collect();
        match gate.hand_in(None, records, String::new()).await {
            Ok(HandedIn::Kept | HandedIn::Before { .. }) => return Ok(()),
            Ok(HandedIn::Full) => tokio::time::sleep(PAUSE).await,
            Err(error) => return Err(format!("messages of NATS cannot be kept: {error}")),
        }
    }
}
