//! The one HTTP client.

use std::error::Error as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::header::{self, HeaderMap, HeaderName, HeaderValue, InvalidHeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper_util::client::legacy::{self, Client as Pool};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use pegboard_model::Timestamp;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject as _};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

use crate::connect::{ConnectError, Connector, Resolve, System};
use crate::egress::{Egress, Refused};
use crate::signature::{SigningKey, seconds, sign_by_all};
use crate::told_time::ToldTime;
use crate::{RetryAfter, Target};

/// The longest answer that is read, in bytes, unless a call [says otherwise](Call::up_to).
pub const MAX_ANSWER_BYTES: usize = 1 << 20;

/// The most headers of an answer.
const MAX_HEADERS: usize = 100;

/// How many connections to one target wait for the next request.
const IDLE_CONNECTIONS: usize = 8;

/// For how long one does.
const IDLE_LASTS: Duration = Duration::from_secs(50);

/// By what a client is made.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// What may be reached.
    pub egress: Egress,
    /// Certificates that are trusted besides those of the operating system: a PEM file, such as that of a company's own authority.
    pub roots: Option<PathBuf>,
    /// How long making a connection may take.
    pub connect: Duration,
    /// How long a request may take, from its first byte to the last of the answer.
    pub total: Duration,
}

impl Default for ClientOptions {
    fn default() -> Self {
        let (connect, total) = (Duration::from_secs(10), Duration::from_secs(30));
        Self { egress: Egress::default(), roots: None, connect, total }
    }
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The file of certificates.
    #[error("the certificates in {} cannot be used: {error}", path.display())]
    Roots {
        /// The file.
        path: PathBuf,
        /// Why.
        error: String,
    },
    /// TLS itself.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// TLS with a server of mails.
    #[error("TLS for mails cannot be set up: {0}")]
    Mail(String),
}

/// A request.
#[derive(Debug, Clone)]
pub struct Call {
    /// What is done.
    pub method: Method,
    /// Where.
    pub target: Target,
    /// Its headers. A value that is a secret is marked as [sensitive](HeaderValue::set_sensitive).
    pub headers: HeaderMap,
    /// What is sent.
    pub body: Bytes,
    /// The longest answer that is read, in bytes.
    pub most: usize,
}

impl Call {
    /// A request without headers and body.
    pub fn new(method: Method, target: Target) -> Self {
        Self { method, target, headers: HeaderMap::new(), body: Bytes::new(), most: MAX_ANSWER_BYTES }
    }

    /// The same, whose answer may be as long as `most` bytes.
    #[must_use]
    pub const fn up_to(mut self, most: usize) -> Self {
        self.most = most;
        self
    }

    /// A POST of JSON.
    pub fn json(target: Target, body: impl Into<Bytes>) -> Self {
        let json = HeaderValue::from_static("application/json");
        Self { body: body.into(), ..Self::new(Method::POST, target).with(header::CONTENT_TYPE, json) }
    }

    /// The same, signed as the message `id` of the time `at` by all of `keys`, whose headers it gets. What is signed is the body
    /// as it is now. Fails if the id is no text that a header can carry.
    pub fn signed(self, keys: &[SigningKey], id: &str, at: Timestamp) -> Result<Self, InvalidHeaderValue> {
        let signature = HeaderValue::try_from(sign_by_all(keys, id, at, &self.body))?;
        Ok(self
            .with(HeaderName::from_static("webhook-id"), HeaderValue::from_str(id)?)
            .with(HeaderName::from_static("webhook-timestamp"), HeaderValue::from(seconds(at)))
            .with(HeaderName::from_static("webhook-signature"), signature))
    }

    /// The same with one header more.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }
}

/// An answer, whatever it says.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status. A redirect is an answer like any other: nobody follows it.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, no longer than its call allows.
    pub body: Bytes,
}

impl Answer {
    /// When it asks to be asked again.
    pub fn retry_after(&self) -> Option<RetryAfter> {
        self.headers.get(header::RETRY_AFTER)?.to_str().ok().and_then(RetryAfter::parse)
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// It may not be reached. Asking again changes nothing until somebody opens its network.
    #[error("{target} is not asked: {refused}")]
    Refused {
        /// Where.
        target: Target,
        /// Why.
        refused: Refused,
    },
    /// No connection. Nothing was sent.
    #[error("{target} cannot be reached: {reason}")]
    Unreachable {
        /// Where.
        target: Target,
        /// Why.
        reason: String,
    },
    /// Not in time. Whether it was received nobody knows.
    #[error("{target} does not answer within {limit:?}")]
    Late {
        /// Where.
        target: Target,
        /// The time it had.
        limit: Duration,
    },
    /// Cut off, or no HTTP. Whether the request was received nobody knows.
    #[error("the connection to {target} broke: {reason}")]
    Broken {
        /// Where.
        target: Target,
        /// Why.
        reason: String,
    },
    /// Longer than anything that is expected.
    #[error("{target} answers with {status} and more than {most} bytes: is it the right address?")]
    TooLong {
        /// Where.
        target: Target,
        /// What the answer began with.
        status: StatusCode,
        /// The most bytes that are read.
        most: usize,
    },
}

/// Sends requests, to what may be reached. Connections are kept for the next one.
#[derive(Clone)]
pub struct Client {
    pool: Pool<Connector, Full<Bytes>>,
    total: Duration,
    told: Arc<Mutex<Option<ToldTime>>>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("total", &self.total).finish_non_exhaustive()
    }
}

impl Client {
    /// Makes a client; connects to nobody yet. Neither environment nor configuration can put a proxy between: what a
    /// proxy connects to nobody here could judge.
    pub fn new(options: ClientOptions) -> Result<Self, ClientError> {
        Self::with_resolver(options, Arc::new(System))
    }

    fn with_resolver(options: ClientOptions, resolver: Arc<dyn Resolve>) -> Result<Self, ClientError> {
        let connector = Connector {
            egress: Arc::new(options.egress),
            resolver,
            tls: TlsConnector::from(Arc::new(tls(roots(options.roots)?)?)),
            limit: options.connect,
        };
        let pool = legacy::Builder::new(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_LASTS)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .http1_max_headers(MAX_HEADERS)
            .build(connector);
        Ok(Self { pool, total: options.total, told: Arc::default() })
    }

    /// What the last answer said that the time is, by its `Date`; nothing before the first that says so.
    pub fn told_time(&self) -> Option<ToldTime> {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a request and reads the whole answer.
    pub async fn send(&self, call: Call) -> Result<Answer, CallError> {
        let target = call.target.clone();
        let exchanged = timeout(self.total, self.exchange(call)).await;
        exchanged.unwrap_or(Err(CallError::Late { target, limit: self.total }))
    }

    async fn exchange(&self, call: Call) -> Result<Answer, CallError> {
        let Call { method, target, headers, body, most } = call;
        let unsendable = |reason: String| CallError::Unreachable { target: target.clone(), reason };
        let uri = target.uri().map_err(|error| unsendable(error.to_string()))?;
        let mut request = Request::builder().method(method).uri(uri).body(Full::new(body));
        if let Ok(request) = &mut request {
            *request.headers_mut() = headers;
        }
        let request = request.map_err(|error| unsendable(error.to_string()))?;
        let answer = self.pool.request(request).await.map_err(|error| unanswered(&target, &error))?;
        let date = answer.headers().get(header::DATE).and_then(|date| date.to_str().ok());
        if let Some(told) = date.and_then(ToldTime::parse) {
            *self.told.lock().unwrap_or_else(PoisonError::into_inner) = Some(told);
        }
        read(&target, answer, most).await
    }
}

async fn read(target: &Target, answer: Response<Incoming>, most: usize) -> Result<Answer, CallError> {
    let (head, body) = answer.into_parts();
    let body = Limited::new(body, most).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            return CallError::TooLong { target: target.clone(), status: head.status, most };
        }
        CallError::Broken { target: target.clone(), reason: error.to_string() }
    })?;
    Ok(Answer { status: head.status, headers: head.headers, body: body.to_bytes() })
}

/// What a failed request means: the reason of a failed connection stands somewhere below the error.
fn unanswered(target: &Target, error: &legacy::Error) -> CallError {
    let target = target.clone();
    let mut cause = error.source();
    while let Some(error) = cause {
        match error.downcast_ref::<ConnectError>() {
            Some(ConnectError::Refused(refused)) => {
                return CallError::Refused { target, refused: refused.clone() };
            }
            Some(other) => return CallError::Unreachable { target, reason: other.to_string() },
            None => cause = error.source(),
        }
    }
    let reason = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    CallError::Broken { target, reason }
}

/// TLS as every client here speaks it, for protocols that have a client of their own: it trusts whom the operating system trusts, and
/// whom the PEM file names. Fails if the file is of no use.
pub fn tls_client(trusted: Option<PathBuf>) -> Result<ClientConfig, ClientError> {
    Ok(tls(roots(trusted)?)?)
}

pub(crate) fn tls(roots: RootCertStore) -> Result<ClientConfig, rustls::Error> {
    let builder = ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into())
        .with_safe_default_protocol_versions()?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// How much of what somebody says is shown, in characters.
pub(crate) const SHOWN: usize = 200;

fn roots(file: Option<PathBuf>) -> Result<RootCertStore, ClientError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates(file)?);
    Ok(roots)
}

/// Whom the operating system trusts, and whom the file names.
pub(crate) fn certificates(file: Option<PathBuf>) -> Result<Vec<CertificateDer<'static>>, ClientError> {
    let mut trusted = rustls_native_certs::load_native_certs().certs;
    let Some(path) = file else { return Ok(trusted) };
    let read = || -> Result<Vec<_>, pem::Error> { CertificateDer::pem_file_iter(&path)?.collect() };
    let unusable = |error: String| ClientError::Roots { path: path.clone(), error };
    let own = read().map_err(|error| unusable(error.to_string()))?;
    let (usable, _) = RootCertStore::empty().add_parsable_certificates(own.iter().cloned());
    if usable == 0 {
        return Err(unusable("there is no certificate in it".to_owned()));
    }
    trusted.extend(own);
    Ok(trusted)
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
