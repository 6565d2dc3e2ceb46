//! One request and its answer, at the pace that the account allows.

use std::time::Duration;

use aws_config::SdkConfig;
use tokio::time::Instant;

use super::budget::Budget;
use super::request::{ConnectRequest, Wire};
use super::{ConnectConfig, ConnectError};
use crate::access::Access;
use crate::fault::Fault;
use crate::signed::{Outgoing, Service, Signed};
use crate::stream::Clock;

/// The longest answer that is read. A page of 100 agents with ten contacts each has less than half of it.
const MOST_BYTES: usize = 1024 * 1024;

/// One page of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectPage {
    /// The JSON.
    pub body: Vec<u8>,
    /// When it was asked for at the latest, in milliseconds since 1970 UTC by the clock of AWS: the date of the answer
    /// less the time that it took. Where the answer has no date, by this machine's clock.
    pub asked_ms: i64,
}

/// Asks one instance of Amazon Connect.
#[derive(Debug)]
pub struct ConnectClient {
    config: ConnectConfig,
    signed: Signed,
    endpoint: String,
    budget: Budget,
}

impl ConnectClient {
    /// Resolves region and credentials source; asks nobody yet. `clock` gives milliseconds since 1970 UTC; jitter starts
    /// from `seed`.
    pub async fn connect(config: ConnectConfig, clock: Clock, seed: u64) -> Result<Self, ConnectError> {
        let access = Access {
            region: config.region.as_deref(),
            endpoint: config.endpoint.as_deref(),
            credentials: &config.credentials,
            connect_timeout: config.connect_timeout,
            request_timeout: config.request_timeout,
        };
        let signed = Signed::new(Service::Connect, &access, config.backoff, clock, seed).await;
        let (signed, loaded) = signed.map_err(|detail| ConnectError::config(&config.instance, detail))?;
        let endpoint = endpoint(&loaded, &signed.region);
        let budget = Budget::of(&endpoint, &config.credentials);
        Ok(Self { config, signed, endpoint, budget })
    }

    /// One page of the answer: the first, or that of `token`. Failures that pass are tried again inside.
    pub async fn page(
        &self,
        request: &ConnectRequest<'_>,
        token: Option<&str>,
    ) -> Result<ConnectPage, ConnectError> {
        let wire = request.wire(&self.config.instance, token);
        let page = self.signed.patiently(|| self.try_page(&wire)).await;
        page.map_err(|fault| ConnectError::at(&self.config.instance, request, &fault))
    }

    async fn try_page(&self, wire: &Wire) -> Result<ConnectPage, Fault> {
        let due = self.budget.lock().take(self.config.pace, Instant::now());
        tokio::time::sleep_until(due).await;
        let body = wire.body.as_ref().map_or_else(String::new, ToString::to_string);
        let outgoing = Outgoing {
            method: wire.method,
            uri: format!("{}{}", self.endpoint, wire.path),
            headers: vec![("content-type", "application/json".to_owned())],
            body: body.as_bytes(),
            most_bytes: MOST_BYTES,
            wait: Duration::ZERO,
        };
        let answer = self.signed.send(&outgoing).await?;
        let asked_ms = answer.asked_ms;
        answer.json().map(|body| ConnectPage { body, asked_ms })
    }
}

/// By the endpoint rules of the service: all regions that have Amazon Connect are of `amazonaws.com`.
fn endpoint(loaded: &SdkConfig, region: &str) -> String {
    if let Some(endpoint) = loaded.endpoint_url() {
        return endpoint.trim_end_matches('/').to_owned();
    }
    let has_fips_host = loaded.use_fips() == Some(true) && !region.starts_with("us-gov-");
    let host = if has_fips_host { "connect-fips" } else { "connect" };
    format!("https://{host}.{region}.amazonaws.com")
}
