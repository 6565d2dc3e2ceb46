//! The calls.

use std::borrow::Cow;
use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use pegboard_net::{Answer, Call, Client, Secret, Target, TokenKeeper, ToldTime};
use serde::Serialize;
use serde_json::Value;

use crate::answer::judge;
use crate::login::AccessKey;
use crate::{
    AgentActivityReport, AgentStates, Builder, Error, FieldMap, IdempotencyKey, Paths, QueueReport, Receipt,
    Refusal,
};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// [`AgentStates`].
    AgentStates,
    /// [`AgentActivityReport`].
    AgentActivity,
    /// [`QueueReport`].
    QueueReport,
}

/// A connection to the service: `WFMConnection`. Clones are the same connection; it may be used by many at once.
///
/// Nothing is sent twice, with one exception: where the token is not taken, another one is had by a login, once, and the
/// request is made again. Everything else is for the caller to decide, by [`Error::retry`].
#[derive(Debug, Clone)]
pub struct Connection(pub(crate) Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) client: Client,
    pub(crate) tokens: TokenKeeper<AccessKey>,
    pub(crate) base: Target,
    pub(crate) paths: Paths,
    pub(crate) fields: FieldMap,
    /// The names of what is answered, under which they are known here.
    pub(crate) answers: FieldMap,
    /// What no answer may repeat to those who read errors.
    pub(crate) hidden: [Secret; 2],
}

impl Connection {
    /// The settings of a connection.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Logs in, and asks for the kind of ACD that is configured for the tenant: the `acd_type` of all bodies.
    pub async fn connect(&self) -> Result<String, Error> {
        let target = self.0.base.below(&self.0.paths.acd_type);
        let answer = self.0.ask(&Call::new(Method::GET, target)).await?;
        if !answer.status.is_success() {
            return Err(Error::of(&answer));
        }
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let acd_type = body["acdType"].as_str().filter(|name| !name.is_empty());
        acd_type.map(str::to_owned).ok_or_else(|| Error::Unreadable(Refusal::of(&answer)))
    }

    /// What the service said last that the time is, by the `Date` of an answer.
    pub fn told_time(&self) -> Option<ToldTime> {
        self.0.client.told_time()
    }

    /// Says that this side lives. The SDK does so now and then, NICE does not say how often.
    pub async fn heartbeat(&self) -> Result<(), Error> {
        let target = self.0.base.below(&self.0.paths.heartbeat);
        let answer = self.0.ask(&Call::json(target, "{}")).await?;
        if answer.status.is_success() { Ok(()) } else { Err(Error::of(&answer)) }
    }

    /// Sends what agents do now: `processAgentStates`.
    pub async fn process_agent_states(
        &self,
        key: &IdempotencyKey,
        states: &AgentStates,
    ) -> Result<Receipt, Error> {
        self.send(Kind::AgentStates, key, &json(states)).await
    }

    /// Sends what agents did in an interval: `processAgentActivityReport`.
    pub async fn process_agent_activity_report(
        &self,
        key: &IdempotencyKey,
        report: &AgentActivityReport,
    ) -> Result<Receipt, Error> {
        self.send(Kind::AgentActivity, key, &json(report)).await
    }

    /// Sends what happened in queues in an interval: `processQueueReport`.
    pub async fn process_queue_report(
        &self,
        key: &IdempotencyKey,
        report: &QueueReport,
    ) -> Result<Receipt, Error> {
        self.send(Kind::QueueReport, key, &json(report)).await
    }

    /// Sends a body that is written already, in JSON, with the keys of this crate's types.
    pub async fn send(&self, kind: Kind, key: &IdempotencyKey, body: &str) -> Result<Receipt, Error> {
        let paths = &self.0.paths;
        let path = match kind {
            Kind::AgentStates => &paths.agent_states,
            Kind::AgentActivity => &paths.agent_activity,
            Kind::QueueReport => &paths.queue_report,
        };
        let body = self.0.fields.rename(body).into_owned();
        let call = Call::json(self.0.base.below(path), body).with(IDEMPOTENCY_KEY, key.header());
        judge(&self.0.ask(&call).await?)
    }
}

impl Inner {
    /// Asks with a token; once more with another one where the first is not taken.
    async fn ask(&self, call: &Call) -> Result<Answer, Error> {
        let token = self.tokens.token().await.map_err(Error::Login)?;
        let answer = self.once(call, &token).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        self.tokens.refused(&token).await;
        let token = self.tokens.token().await.map_err(Error::Login)?;
        self.once(call, &token).await
    }

    async fn once(&self, call: &Call, token: &Secret) -> Result<Answer, Error> {
        let bearer = HeaderValue::from_str(&format!("Bearer {}", token.expose()));
        let mut bearer = bearer.unwrap_or_else(|_| HeaderValue::from_static("Bearer"));
        bearer.set_sensitive(true);
        let mut answer = self
            .client
            .send(call.clone().with(AUTHORIZATION, bearer))
            .await
            .map_err(|error| Error::NoAnswer(error.into()))?;
        tracing::debug!(address = %call.target, status = answer.status.as_u16(), bytes = call.body.len(), "asked");
        self.hide(&mut answer, token);
        self.translate(&mut answer);
        Ok(answer)
    }

    /// An answer whose keys have other names is read as if they had ours.
    fn translate(&self, answer: &mut Answer) {
        if let Ok(Cow::Owned(renamed)) =
            std::str::from_utf8(&answer.body).map(|body| self.answers.rename(body))
        {
            answer.body = renamed.into();
        }
    }

    /// What an answer repeats of the secrets is made unreadable before anybody sees it.
    fn hide(&self, answer: &mut Answer, token: &Secret) {
        let text = String::from_utf8_lossy(&answer.body);
        let hidden = self.hidden.iter().chain([token]).map(Secret::expose);
        let repeated: Vec<_> = hidden.filter(|secret| text.contains(secret)).collect();
        if !repeated.is_empty() {
            let clean =
                repeated.into_iter().fold(text.into_owned(), |text, secret| text.replace(secret, "***"));
            answer.body = clean.into();
        }
    }
}

fn json(body: &impl Serialize) -> String {
    serde_json::to_string(body).expect("bodies are names, texts and numbers")
}
