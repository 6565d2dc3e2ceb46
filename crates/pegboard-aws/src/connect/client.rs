//! One request and its answer: signed, sent, capped, tried again.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningParams, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::{Connector, tls};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings};
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::DateTime;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::date_time::Format;
use http_body_util::{BodyExt, Limited};
use rand_core::Rng;
use rand_pcg::Pcg32;
use serde::Deserialize;
use tokio::time::Instant;

use super::pace::Paced;
use super::request::{ConnectRequest, Wire};
use super::{ConnectConfig, ConnectError};
use crate::access::Access;
use crate::fault::{Cause, Fault, cause_of};
use crate::stream::Clock;

/// The longest answer that is read. A page of 100 agents with ten contacts each has less than half of it.
const MOST_BYTES: usize = 1024 * 1024;

/// How long credentials are used that say nothing of their end.
const CREDENTIALS_LAST: Duration = Duration::from_mins(10);

/// How long before their end credentials are renewed.
const CREDENTIALS_MARGIN: Duration = Duration::from_mins(1);

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
    clock: HiddenClock,
    endpoint: String,
    region: String,
    credentials: SharedCredentialsProvider,
    identity: tokio::sync::Mutex<Option<Known>>,
    connector: Connector,
    paced: Mutex<Paced>,
    jitter: Mutex<Pcg32>,
    /// How far the clock of AWS is ahead of ours.
    ahead_ms: AtomicI64,
}

/// Credentials, and until when they are used.
#[derive(Debug)]
struct Known {
    identity: Identity,
    until: SystemTime,
}

struct HiddenClock(Clock);

impl std::fmt::Debug for HiddenClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
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
        let loaded = access.load().await;
        let refuse = |detail: &str| ConnectError::config(&config.instance, detail);
        let region = loaded
            .region()
            .map(ToString::to_string)
            .ok_or_else(|| refuse("no region is set, neither here nor in the AWS environment or profile"))?;
        let credentials = loaded.credentials_provider().ok_or_else(|| refuse("no credentials are set"))?;
        Ok(Self {
            endpoint: endpoint(&loaded, &region),
            connector: connector(&config, &loaded),
            region,
            credentials,
            identity: tokio::sync::Mutex::new(None),
            clock: HiddenClock(clock),
            paced: Mutex::default(),
            jitter: Mutex::new(Pcg32::new(seed, 0x0063_6f6e_6e65_6374)),
            ahead_ms: AtomicI64::new(0),
            config,
        })
    }

    /// One page of the answer: the first, or that of `token`. Failures that pass are tried again inside.
    pub async fn page(
        &self,
        request: &ConnectRequest<'_>,
        token: Option<&str>,
    ) -> Result<ConnectPage, ConnectError> {
        let wire = request.wire(&self.config.instance, token);
        let backoff = self.config.backoff;
        let mut failures = 0;
        loop {
            let fault = match self.try_page(&wire).await {
                Ok(page) => return Ok(page),
                Err(fault) => fault,
            };
            failures += 1;
            if !fault.cause.is_passing() || failures >= backoff.attempts {
                return Err(ConnectError::at(&self.config.instance, request, &fault));
            }
            let random = self.jitter.lock().unwrap_or_else(PoisonError::into_inner).next_u32();
            tokio::time::sleep(backoff.delay(failures, random)).await;
        }
    }

    async fn try_page(&self, wire: &Wire) -> Result<ConnectPage, Fault> {
        let due = {
            let mut paced = self.paced.lock().unwrap_or_else(PoisonError::into_inner);
            paced.take(self.config.pace, Instant::now())
        };
        tokio::time::sleep_until(due).await;
        let request = self.signed(wire).await?;
        let asked = Instant::now();
        let exchange = async {
            let response = self.connector.call(request).await.map_err(|error| unreachable(&error))?;
            read(response).await
        };
        let answer = tokio::time::timeout(self.config.request_timeout, exchange).await;
        let late = |_| Fault { cause: Cause::Unreachable, detail: "no answer in time".to_owned() };
        let answer = answer.map_err(late)??;
        let asked_ms = self.note_date(answer.date_ms, asked.elapsed());
        answer.page().map(|body| ConnectPage { body, asked_ms })
    }

    /// When the answer was asked for, by the clock of AWS, which is the one of the events. How far ours is off is kept for
    /// the next signature.
    fn note_date(&self, date_ms: Option<i64>, took: Duration) -> i64 {
        let now_ms = (self.clock.0)();
        let took_ms = i64::try_from(took.as_millis()).unwrap_or(i64::MAX);
        let Some(date_ms) = date_ms else { return now_ms - took_ms };
        self.ahead_ms.store(date_ms - now_ms, Ordering::Relaxed);
        date_ms - took_ms
    }

    fn aws_time(&self) -> SystemTime {
        let millis = (self.clock.0)().saturating_add(self.ahead_ms.load(Ordering::Relaxed));
        SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(millis).unwrap_or(0))
    }

    async fn identity(&self, now: SystemTime) -> Result<Identity, Fault> {
        let mut known = self.identity.lock().await;
        if let Some(known) = known.as_ref().filter(|known| now < known.until) {
            return Ok(known.identity.clone());
        }
        let provided = self.credentials.provide_credentials().await;
        let credentials =
            provided.map_err(|error| Fault { cause: Cause::Credentials, detail: chain(&error) })?;
        let last = now + CREDENTIALS_LAST;
        let until = credentials.expiry().map_or(last, |expiry| (expiry - CREDENTIALS_MARGIN).min(last));
        let identity = Identity::from(credentials);
        *known = Some(Known { identity: identity.clone(), until });
        Ok(identity)
    }

    async fn signed(&self, wire: &Wire) -> Result<HttpRequest, Fault> {
        let now = self.aws_time();
        let identity = self.identity(now).await?;
        let uri = format!("{}{}", self.endpoint, wire.path);
        let body = wire.body.as_ref().map_or_else(String::new, ToString::to_string);
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("connect")
            .time(now)
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| Fault::unreadable(error.to_string()))?;
        let headers = [("content-type", "application/json")];
        let signable = SignableRequest::new(
            wire.method,
            &uri,
            headers.into_iter(),
            SignableBody::Bytes(body.as_bytes()),
        );
        let unsigned = |error: aws_sigv4::http_request::SigningError| Fault::unreadable(chain(&error));
        let signing = sign(signable.map_err(unsigned)?, &SigningParams::V4(parameters)).map_err(unsigned)?;
        let mut request = http::Request::builder()
            .method(wire.method)
            .uri(uri)
            .header(headers[0].0, headers[0].1)
            .body(SdkBody::from(body))
            .map_err(|error| Fault::unreadable(error.to_string()))?;
        signing.into_parts().0.apply_to_request_http1x(&mut request);
        HttpRequest::try_from(request).map_err(|error| Fault::unreadable(error.to_string()))
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

/// The connection that the SDK makes for itself.
fn connector(config: &ConnectConfig, loaded: &SdkConfig) -> Connector {
    let settings = HttpConnectorSettings::builder()
        .connect_timeout(config.connect_timeout)
        .read_timeout(config.request_timeout)
        .build();
    let mut builder = Connector::builder().connector_settings(settings).proxy_config(ProxyConfig::from_env());
    builder.set_sleep_impl(loaded.sleep_impl());
    builder.tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc)).build()
}

/// An answer as it came.
struct Answer {
    status: u16,
    code: Option<String>,
    date_ms: Option<i64>,
    body: Vec<u8>,
}

async fn read(response: HttpResponse) -> Result<Answer, Fault> {
    let status = response.status().as_u16();
    let header = |name: &str| response.headers().get(name).map(str::to_owned);
    let date = header("date").and_then(|date| DateTime::from_str(&date, Format::HttpDate).ok());
    let date_ms = date.and_then(|date| date.to_millis().ok());
    // `ThrottlingException:http://internal.amazon.com/...`: the code is what stands before the colon.
    let code = header("x-amzn-errortype").map(|code| code.split(':').next().unwrap_or_default().to_owned());
    let body = Limited::new(response.into_body(), MOST_BYTES).collect().await;
    let body = body.map_err(|error| match error.downcast_ref::<http_body_util::LengthLimitError>() {
        Some(_) => Fault::unreadable(format!("the answer is longer than {MOST_BYTES} bytes")),
        None => Fault { cause: Cause::Unreachable, detail: format!("the answer broke off: {error}") },
    })?;
    Ok(Answer { status, code, date_ms, body: body.to_bytes().to_vec() })
}

/// What an error says of itself. The spelling of the message differs from service to service.
#[derive(Debug, Default, Deserialize)]
struct Complaint {
    #[serde(rename = "__type")]
    code: Option<String>,
    #[serde(alias = "Message")]
    message: Option<String>,
}

impl Answer {
    /// The body of a success.
    fn page(self) -> Result<Vec<u8>, Fault> {
        if self.status == 200 {
            return Ok(self.body);
        }
        let complaint: Complaint = serde_json::from_slice(&self.body).unwrap_or_default();
        let of_type = complaint.code.as_deref().and_then(|code| code.rsplit('#').next());
        let code = self.code.as_deref().or(of_type);
        let cause = cause_of(code, Some(self.status));
        let words = [code.map(str::to_owned), complaint.message, Some(format!("status {}", self.status))];
        Err(Fault { cause, detail: words.into_iter().flatten().collect::<Vec<_>>().join(": ") })
    }
}

fn unreachable(error: &(dyn std::error::Error + 'static)) -> Fault {
    Fault { cause: Cause::Unreachable, detail: chain(error) }
}

fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let errors = std::iter::successors(Some(error), |error| error.source());
    errors.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
