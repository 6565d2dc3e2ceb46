//! Signed requests to services of AWS of which only a few operations are needed: with the SDK's signer, credentials, region,
//! proxy and TLS, and without the SDK's crate for the service.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningParams, SigningSettings,
    UriPathNormalizationMode, sign,
};
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

use crate::access::Access;
use crate::backoff::Backoff;
use crate::fault::{Cause, Fault, cause_of};
use crate::stream::Clock;

/// How long credentials are used that say nothing of their end.
const CREDENTIALS_LAST: Duration = Duration::from_mins(10);

/// How long before their end credentials are renewed.
const CREDENTIALS_MARGIN: Duration = Duration::from_mins(1);

/// A service that is asked by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    Connect,
    Functions,
    Objects,
    Queues,
    Tables,
}

impl Service {
    /// What requests are signed for.
    fn signing_name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Functions => "lambda",
            Self::Objects => "s3",
            Self::Queues => "sqs",
            Self::Tables => "dynamodb",
        }
    }

    /// Where it is, of services that have one address in a region: at `given`, without its last slash, or where AWS has it.
    pub(crate) fn endpoint(self, given: Option<&str>, region: &str) -> String {
        let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        match given {
            Some(given) => given.trim_end_matches('/').to_owned(),
            None => format!("https://{}.{region}.{suffix}", self.signing_name()),
        }
    }

    /// S3 takes paths as they are, encoded once, and wants the hash of the body among the headers (API reference,
    /// "Authenticating Requests: Using the Authorization Header").
    fn signing_settings(self) -> SigningSettings {
        let mut settings = SigningSettings::default();
        if self == Self::Objects {
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        }
        settings
    }
}

/// How requests are sent, and sent again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    pub(crate) connect_timeout: Duration,
    pub(crate) request_timeout: Duration,
    pub(crate) backoff: Backoff,
}

/// A request, still to be signed.
#[derive(Debug)]
pub(crate) struct Outgoing<'a> {
    pub(crate) method: &'static str,
    /// The whole address, percent-encoded.
    pub(crate) uri: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: &'a [u8],
    /// The longest answer that is read.
    pub(crate) most_bytes: usize,
    /// How long the service itself may take on purpose, as in a long poll.
    pub(crate) wait: Duration,
}

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// What the service calls its error in a header.
    code: Option<String>,
    pub(crate) etag: Option<String>,
    pub(crate) content_range: Option<String>,
    /// When what was asked for was last written, in milliseconds since 1970 UTC, to the second.
    pub(crate) modified_ms: Option<i64>,
    date_ms: Option<i64>,
    /// When it was asked for at the latest, in milliseconds since 1970 UTC by the clock of AWS: the date of the answer
    /// less the time that it took. Where the answer has no date, by this machine's clock.
    pub(crate) asked_ms: i64,
    pub(crate) body: Vec<u8>,
}

/// Sends signed requests to one service.
#[derive(Debug)]
pub(crate) struct Signed {
    service: Service,
    patience: Patience,
    clock: HiddenClock,
    pub(crate) region: String,
    credentials: SharedCredentialsProvider,
    identity: tokio::sync::Mutex<Option<Known>>,
    connector: Connector,
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

impl Signed {
    /// Resolves region and credentials; asks nobody yet. Fails with what is not set. `clock` gives milliseconds since 1970
    /// UTC; jitter starts from `seed`.
    pub(crate) async fn new(
        service: Service,
        access: &Access<'_>,
        backoff: Backoff,
        clock: Clock,
        seed: u64,
    ) -> Result<(Self, SdkConfig), &'static str> {
        let loaded = access.load().await;
        let region = loaded.region().map(ToString::to_string);
        let region = region.ok_or("no region is set, neither here nor in the AWS environment or profile")?;
        let credentials = loaded.credentials_provider().ok_or("no credentials are set")?;
        let patience = Patience {
            connect_timeout: access.connect_timeout,
            request_timeout: access.request_timeout,
            backoff,
        };
        let signed = Self {
            service,
            connector: connector(patience, &loaded),
            patience,
            clock: HiddenClock(clock),
            region,
            credentials,
            identity: tokio::sync::Mutex::new(None),
            jitter: Mutex::new(Pcg32::new(seed, 0x0063_6f6e_6e65_6374)),
            ahead_ms: AtomicI64::new(0),
        };
        Ok((signed, loaded))
    }

    /// Tries again while failures pass, and waits longer each time.
    pub(crate) async fn patiently<T, F>(&self, mut attempt: impl FnMut() -> F) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        let backoff = self.patience.backoff;
        let mut failures = 0;
        loop {
            let fault = match attempt().await {
                Ok(done) => return Ok(done),
                Err(fault) => fault,
            };
            failures += 1;
            if !fault.cause.is_passing() || failures >= backoff.attempts {
                return Err(fault);
            }
            let random = self.jitter.lock().unwrap_or_else(PoisonError::into_inner).next_u32();
            tokio::time::sleep(backoff.delay(failures, random)).await;
        }
    }

    /// Sends a request once. Any answer is a success here, whatever its status.
    pub(crate) async fn send(&self, outgoing: &Outgoing<'_>) -> Result<Answer, Fault> {
        let request = self.signed(outgoing).await?;
        let asked = Instant::now();
        let exchange = async {
            let response = self.connector.call(request).await.map_err(|error| unreachable(&error))?;
            read(response, outgoing.most_bytes).await
        };
        let within = self.patience.request_timeout + outgoing.wait;
        let late = |_| Fault { cause: Cause::Unreachable, detail: "no answer in time".to_owned() };
        let mut answer = tokio::time::timeout(within, exchange).await.map_err(late)??;
        answer.asked_ms = self.note_date(answer.date_ms, asked.elapsed());
        Ok(answer)
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

    async fn signed(&self, outgoing: &Outgoing<'_>) -> Result<HttpRequest, Fault> {
        let now = self.aws_time();
        let identity = self.identity(now).await?;
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(self.service.signing_name())
            .time(now)
            .settings(self.service.signing_settings())
            .build()
            .map_err(|error| Fault::unreadable(error.to_string()))?;
        let headers = outgoing.headers.iter().map(|(name, value)| (*name, value.as_str()));
        let body = SignableBody::Bytes(outgoing.body);
        let signable = SignableRequest::new(outgoing.method, &outgoing.uri, headers.clone(), body);
        let unsigned = |error: aws_sigv4::http_request::SigningError| Fault::unreadable(chain(&error));
        let signing = sign(signable.map_err(unsigned)?, &SigningParams::V4(parameters)).map_err(unsigned)?;
        let mut request = http::Request::builder().method(outgoing.method).uri(&outgoing.uri);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let mut request = request
            .body(SdkBody::from(outgoing.body))
            .map_err(|error| Fault::unreadable(error.to_string()))?;
        signing.into_parts().0.apply_to_request_http1x(&mut request);
        HttpRequest::try_from(request).map_err(|error| Fault::unreadable(error.to_string()))
    }
}

/// The connection that the SDK makes for itself.
fn connector(patience: Patience, loaded: &SdkConfig) -> Connector {
    let settings = HttpConnectorSettings::builder()
        .connect_timeout(patience.connect_timeout)
        .read_timeout(patience.request_timeout + LONGEST_WAIT)
        .build();
    let mut builder = Connector::builder().connector_settings(settings).proxy_config(ProxyConfig::from_env());
    builder.set_sleep_impl(loaded.sleep_impl());
    builder.tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc)).build()
}

/// The longest that a service takes on purpose: a long poll.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

async fn read(response: HttpResponse, most_bytes: usize) -> Result<Answer, Fault> {
    let status = response.status().as_u16();
    let header = |name: &str| response.headers().get(name).map(str::to_owned);
    let instant = |name: &str| {
        let date = header(name).and_then(|date| DateTime::from_str(&date, Format::HttpDate).ok());
        date.and_then(|date| date.to_millis().ok())
    };
    let (date_ms, modified_ms) = (instant("date"), instant("last-modified"));
    // `ThrottlingException:http://internal.amazon.com/...`: the code is what stands before the colon.
    let code = header("x-amzn-errortype").map(|code| code.split(':').next().unwrap_or_default().to_owned());
    let (etag, content_range) = (header("etag"), header("content-range"));
    let body = Limited::new(response.into_body(), most_bytes).collect().await;
    let body = body.map_err(|error| match error.downcast_ref::<http_body_util::LengthLimitError>() {
        Some(_) => Fault::unreadable(format!("the answer is longer than {most_bytes} bytes")),
        None => Fault { cause: Cause::Unreachable, detail: format!("the answer broke off: {error}") },
    })?;
    let body = body.to_bytes().to_vec();
    Ok(Answer { status, code, etag, content_range, modified_ms, date_ms, asked_ms: 0, body })
}

/// What an error says of itself. The spelling of the message differs from service to service, and some write both.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Complaint {
    #[serde(rename = "__type")]
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
    #[serde(rename = "Message")]
    other_message: Option<String>,
}

impl Complaint {
    /// One of a service that does not speak JSON.
    pub(crate) fn new(code: Option<String>, message: Option<String>) -> Self {
        Self { code, message, other_message: None }
    }
}

impl Answer {
    /// The body of a success of a service that speaks JSON.
    pub(crate) fn json(self) -> Result<Vec<u8>, Fault> {
        if self.status == 200 {
            return Ok(self.body);
        }
        let complaint = serde_json::from_slice(&self.body).unwrap_or_default();
        Err(self.fault(complaint))
    }

    /// The failure that the answer is.
    pub(crate) fn fault(self, complaint: Complaint) -> Fault {
        // `com.amazonaws.sqs#QueueDoesNotExist`: the code is what stands behind the hash.
        let code =
            self.code.as_deref().or(complaint.code.as_deref()).and_then(|code| code.rsplit('#').next());
        let mut cause = cause_of(code, Some(self.status));
        let message = complaint.message.or(complaint.other_message);
        // S3 says of its key's refusal only in words that it is not its own.
        let of_key = message.as_deref().is_some_and(|message| message.contains("kms:Decrypt"));
        if cause == Cause::AccessDenied && of_key {
            cause = Cause::KeyDenied;
        }
        let words = [code.map(str::to_owned), message, Some(format!("status {}", self.status))];
        Fault { cause, detail: words.into_iter().flatten().collect::<Vec<_>>().join(": ") }
    }
}

fn unreachable(error: &(dyn std::error::Error + 'static)) -> Fault {
    Fault { cause: Cause::Unreachable, detail: chain(error) }
}

fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let errors = std::iter::successors(Some(error), |error| error.source());
    errors.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: Option<&str>, body: &str) -> Fault {
        let answer = Answer {
            status: 400,
            code: code.map(str::to_owned),
            etag: None,
            content_range: None,
            modified_ms: None,
            date_ms: None,
            asked_ms: 0,
            body: body.as_bytes().to_vec(),
        };
        answer.json().unwrap_err()
    }

    #[test]
    fn a_refusal_is_read_in_every_spelling() {
        let both = r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"none","Message":"none"}"#;
        for code in [None, Some("com.amazonaws.sqs#QueueDoesNotExist")] {
            let fault = refused(code, both);
            assert_eq!(fault.cause, Cause::NotFound);
            assert_eq!(fault.detail, "QueueDoesNotExist: none: status 400");
        }
        let fault = refused(Some("AccessDenied"), r#"{"Message":"not allowed to kms:Decrypt"}"#);
        assert_eq!(fault.cause, Cause::KeyDenied);
        assert_eq!(refused(None, "<html>").cause, Cause::Other);
    }
}
