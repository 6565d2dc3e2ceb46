//! Publishes events, and waits until JetStream has them.

use std::fmt;
use std::time::Duration;

use async_nats::jetstream::context::{
    ContextBuilder, GetStreamByNameErrorKind, PublishError, PublishErrorKind,
};
use async_nats::jetstream::{Context, message::PublishMessage};
use async_nats::rustls::ClientConfig;
use async_nats::{ConnectError, ConnectErrorKind, ConnectOptions};
use async_trait::async_trait;
use pegboard_net::Secret;
use tokio::sync::Mutex;

use super::{NatsServer, SubjectTemplate};
use crate::cloudevents::{BatchedEvent, EVENT_TYPE, STATE_EVENTS, in_rounds};
use crate::{Document, Encoder, Outcome, RefusedItem, Sink, SinkReport, StatesLane};

/// How long a connection, and the answer to a message, may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How the server is told who comes.
#[derive(Debug, Clone)]
pub enum NatsLogin {
    /// It is not.
    Nobody,
    /// By a token.
    Token(Secret),
    /// By a name and a password.
    User(String, Secret),
}

/// How the servers are reached.
#[derive(Debug, Clone)]
pub struct NatsAddress {
    /// Servers of one cluster, at least one.
    pub servers: Vec<NatsServer>,
    /// How the server is told who comes.
    pub login: NatsLogin,
    /// Whom TLS trusts.
    pub tls: ClientConfig,
}

impl NatsAddress {
    /// A connection, which is not made again by itself when it is lost for good.
    pub async fn connect(&self) -> Result<Context, ConnectError> {
        let options = match &self.login {
            NatsLogin::Nobody => ConnectOptions::new(),
            NatsLogin::Token(token) => ConnectOptions::with_token(token.expose().to_owned()),
            NatsLogin::User(name, password) => {
                ConnectOptions::with_user_and_password(name.clone(), password.expose().to_owned())
            }
        };
        let client = options
            .name("pegboard")
            // Whom else the servers name as theirs nobody has configured, and they would be told the password.
            .ignore_discovered_servers()
            .connection_timeout(PATIENCE)
            .max_reconnects(1)
            .require_tls(self.servers.iter().any(NatsServer::needs_tls))
            .tls_client_config(self.tls.clone())
            .connect(self.servers.iter().map(NatsServer::address).collect::<Vec<_>>())
            .await?;
        Ok(ContextBuilder::new().timeout(PATIENCE).build(client))
    }
}

/// Where changes are published, and under which subject.
#[derive(Debug, Clone)]
pub struct NatsOptions {
    /// The servers.
    pub at: NatsAddress,
    /// The subject of a change.
    pub subject: SubjectTemplate,
}

/// A stream of JetStream that changes of agents' states are published to.
pub struct NatsSink {
    options: NatsOptions,
    /// Connected when it is first needed. One that fails is left for a new one: what it might still send by itself would come late.
    connected: Mutex<Option<Context>>,
}

impl fmt::Debug for NatsSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsSink").field("servers", &self.options.at.servers).finish_non_exhaustive()
    }
}

impl NatsSink {
    /// A target; asks nobody yet.
    pub fn new(options: NatsOptions) -> Self {
        Self { options, connected: Mutex::new(None) }
    }

    async fn context(&self) -> Result<Context, ConnectError> {
        let mut connected = self.connected.lock().await;
        if let Some(context) = &*connected {
            return Ok(context.clone());
        }
        let context = self.options.at.connect().await?;
        *connected = Some(context.clone());
        Ok(context)
    }

    /// Publishes one message of each agent at most, and waits for all of them. Answers what was refused of them.
    async fn publish_round(&self, round: &[BatchedEvent]) -> Result<Vec<RefusedItem>, Outcome> {
        let context = self.context().await.map_err(|error| not_connected(&error))?;
        let (mut refused, mut acknowledgements) = (Vec::new(), Vec::with_capacity(round.len()));
        for event in round {
            let subject = self.options.subject.of(&event.source, &event.subject);
            match context.send_publish(subject.clone(), message(event)).await {
                Ok(acknowledgement) => acknowledgements.push((subject, acknowledgement)),
                Err(error) if error.kind() == PublishErrorKind::MaxPayloadExceeded => {
                    refused.push(RefusedItem {
                        subject: event.subject.clone(),
                        payload: event.json.clone(),
                        reason: format!("NATS says {error}"),
                    });
                }
                Err(error) => return Err(self.not_published(&subject, &error).await),
            }
        }
        for (subject, acknowledgement) in acknowledgements {
            if let Err(error) = acknowledgement.await {
                return Err(self.not_published(&subject, &error).await);
            }
        }
        Ok(refused)
    }

    async fn not_published(&self, subject: &str, error: &PublishError) -> Outcome {
        if error.kind() == PublishErrorKind::StreamNotFound {
            let reason = format!("no stream of JetStream takes {subject}: make one that does");
            return Outcome::Shut { reason };
        }
        *self.connected.lock().await = None;
        Outcome::Again { reason: format!("NATS says {error}"), after: None }
    }
}

#[async_trait]
impl Sink for NatsSink {
    fn kind(&self) -> &'static str {
        "nats"
    }

    fn states(&self) -> Option<StatesLane> {
        Some(StatesLane::every(&STATE_EVENTS).with_health())
    }

    fn reports(&self) -> &[SinkReport] {
        &[]
    }

    async fn send(&self, _: &'static Encoder, document: &Document, _: &str) -> Outcome {
        in_rounds(&document.body, |round| async move { self.publish_round(&round).await }).await
    }

    /// Connects, and asks which stream takes the messages; who may only publish is not told.
    async fn probe(&self) -> Result<String, String> {
        let context = self.context().await.map_err(|error| error.to_string())?;
        let subject = self.options.subject.all();
        match context.stream_by_subject(&subject).await {
            Ok(stream) => Ok(format!("the stream {stream} takes {subject}")),
            Err(error) if error.kind() == GetStreamByNameErrorKind::NotFound => {
                Err(format!("no stream of JetStream takes {subject}: make one that does"))
            }
            Err(_) => Ok(format!(
                "the server answers; whether a stream takes {subject} shows with the first message"
            )),
        }
    }
}

/// JetStream keeps a message once under its id, for as long as the stream remembers ids.
fn message(event: &BatchedEvent) -> PublishMessage {
    PublishMessage::build()
        .payload(event.json.clone().into())
        .message_id(&event.id)
        .header("Content-Type", EVENT_TYPE)
}

fn not_connected(error: &ConnectError) -> Outcome {
    let reason = format!("cannot connect to NATS: {error}");
    match error.kind() {
        ConnectErrorKind::Authentication
        | ConnectErrorKind::AuthorizationViolation
        | ConnectErrorKind::ServerParse
        | ConnectErrorKind::Tls => Outcome::Shut { reason },
        ConnectErrorKind::Dns
        | ConnectErrorKind::TimedOut
        | ConnectErrorKind::Io
        | ConnectErrorKind::MaxReconnects => Outcome::Again { reason, after: None },
    }
}
