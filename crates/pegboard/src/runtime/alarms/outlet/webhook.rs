//! Alarms as `CloudEvents`, signed by the Standard Webhooks scheme.

use async_trait::async_trait;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use pegboard_net::signature::SigningKey;
use pegboard_net::{Call, Client, Target};

use super::message::cloud_event;
use super::{NotTold, Notice, Outlet};

/// Posts alarms to an address.
#[derive(Debug)]
pub struct Webhook {
    client: Client,
    target: Target,
    /// Two while one replaces the other.
    keys: Vec<SigningKey>,
    /// What the events name as their source.
    hub: String,
}

impl Webhook {
    /// Connects to nobody yet.
    pub fn new(client: Client, target: Target, keys: Vec<SigningKey>, hub: impl Into<String>) -> Self {
        Self { client, target, keys, hub: hub.into() }
    }
}

#[async_trait]
impl Outlet for Webhook {
    async fn tell(&self, notice: Notice<'_>) -> Result<(), NotTold> {
        let Notice { id, at, telling } = notice;
        let body = cloud_event(id, &self.hub, at, telling).to_string();
        let call = Call::json(self.target.clone(), body)
            .with(CONTENT_TYPE, HeaderValue::from_static("application/cloudevents+json"))
            .signed(&self.keys, id, at)
            .map_err(|error| refused(error.to_string()))?;
        let answer = self.client.send(call).await.map_err(|error| refused(error.to_string()))?;
        if answer.status.is_success() {
            return Ok(());
        }
        let after = answer.retry_after().map(|after| after.pause(at));
        Err(NotTold { reason: format!("{} answers with {}", self.target, answer.status), after })
    }
}

fn refused(reason: String) -> NotTold {
    NotTold { reason, after: None }
}
