//! Asking the running hub, by its API, on the address that the configuration says.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::header::{self, HeaderValue};
use axum::http::{Method, StatusCode};
use clap::Args;
use hyper::client::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

use super::Failure;
use crate::config::{Secret, SecretError, SecretRef, ServerSettings, TlsFiles};

/// How long one answer may take, from the connection on.
const PATIENCE: Duration = Duration::from_secs(10);

/// The same where the hub has much to do.
const LONG_PATIENCE: Duration = Duration::from_mins(11);

/// The longest answer that is read, in bytes.
const ANSWER_LIMIT: usize = 16 << 20;

/// By which token the running hub is asked.
#[derive(Debug, Args)]
pub(super) struct TokenPlace {
    /// Where the token is with which the running hub is asked: `env:NAME` or `file:PATH`.
    #[arg(long = "token", value_name = "REFERENCE", default_value = "env:PEGBOARD_TOKEN", global = true)]
    reference: String,
}

impl TokenPlace {
    /// Fetches the token; a path is relative to the folder of the configuration file. Nothing where the reference is
    /// to an environment variable that is not set.
    pub(super) fn fetch(&self, config: &Path) -> Result<Option<Secret>, Failure> {
        let folder = config.parent().unwrap_or_else(|| Path::new("."));
        let reference = SecretRef::parse(&self.reference, folder)
            .map_err(|error| Failure::Usage(format!("--token: {error}; write env:NAME or file:PATH")))?;
        match reference.resolve() {
            Ok(token) => Ok(Some(token)),
            Err(SecretError::Unset(_)) => Ok(None),
            Err(error) => Err(Failure::Usage(format!("--token: {error}"))),
        }
    }

    /// The same where nothing can be done without it.
    pub(super) fn require(&self, config: &Path) -> Result<Secret, Failure> {
        self.fetch(config)?.ok_or_else(|| {
            Failure::Usage(format!(
                "{} is not set: set it to a token of the hub, or name another place with --token",
                self.reference
            ))
        })
    }

    /// The reference as it was given. It names the token and does not hold it: only what [`Self::fetch`] took for a
    /// reference may be shown.
    pub(super) fn reference(&self) -> &str {
        &self.reference
    }
}

/// Why the hub did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum HubError {
    #[error("`server.listen` has port 0, so nobody knows where the hub listens: give it a port")]
    UnknownPort,
    #[error("the certificate {} cannot be used to know the hub by: {error}", path.display())]
    Certificate { path: PathBuf, error: String },
    #[error("the token is no text that a header can carry")]
    Token,
    #[error("there is no hub at {address}: is `pegboard serve` running? ({error})")]
    Nobody { address: SocketAddr, error: io::Error },
    #[error("the hub at {address} does not show that it is {name}, by its certificate: {error}")]
    Stranger { address: SocketAddr, name: String, error: io::Error },
    #[error("the hub at {0} does not answer within {1:?}")]
    Late(SocketAddr, Duration),
    #[error("the connection to the hub at {address} broke: {error}")]
    Broken { address: SocketAddr, error: hyper::Error },
    #[error(
        "the answer of {0} is longer than {ANSWER_LIMIT} bytes, or none of a hub: ask for less, or is this a hub?"
    )]
    Strange(SocketAddr),
    #[error("the hub refuses: {message} ({status})")]
    Refused { status: StatusCode, message: String },
}

impl From<HubError> for Failure {
    fn from(error: HubError) -> Self {
        match error {
            HubError::Refused { status: StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND, .. } => {
                Self::Usage(error.to_string())
            }
            error => Self::Other(error.into()),
        }
    }
}

/// The running hub on this machine.
pub(super) struct HubClient {
    address: SocketAddr,
    /// The header that carries the token.
    bearer: HeaderValue,
    tls: Option<Tls>,
}

/// By what the hub is known where it has TLS of its own.
struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl HubClient {
    /// The hub that has these settings. Connects to nobody yet.
    pub(super) fn new(server: &ServerSettings, token: &Secret) -> Result<Self, HubError> {
        if server.listen.port() == 0 {
            return Err(HubError::UnknownPort);
        }
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.expose().trim()))
            .map_err(|_| HubError::Token)?;
        bearer.set_sensitive(true);
        let tls = server.tls.as_ref().map(|files| Tls::new(files, server)).transpose()?;
        Ok(Self { address: reachable(server.listen), bearer, tls })
    }

    /// What the hub shows at `path`.
    pub(super) async fn get(&self, path: &str) -> Result<Value, HubError> {
        self.ask(Method::GET, path, None).await
    }

    /// What the hub shows at `path`, as it writes it.
    pub(super) async fn get_text(&self, path: &str) -> Result<Bytes, HubError> {
        self.ask_within(LONG_PATIENCE, Method::GET, path, None).await
    }

    /// Has the hub make what `body` describes.
    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Value, HubError> {
        self.ask(Method::POST, path, Some(body)).await
    }

    /// What the hub answers to `body`, as it writes it, where it has much to do.
    pub(super) async fn post_for_text(&self, path: &str, body: &Value) -> Result<Bytes, HubError> {
        self.ask_within(LONG_PATIENCE, Method::POST, path, Some(body)).await
    }

    /// Has the hub make something that takes long.
    pub(super) async fn post_and_wait(&self, path: &str) -> Result<Value, HubError> {
        self.json(&self.ask_within(LONG_PATIENCE, Method::POST, path, None).await?)
    }

    /// What came of it when the hub did what `path` says.
    pub(super) async fn post_empty(&self, path: &str) -> Result<Value, HubError> {
        self.ask(Method::POST, path, None).await
    }

    /// Has the hub end what is at `path`.
    pub(super) async fn delete(&self, path: &str) -> Result<(), HubError> {
        self.ask(Method::DELETE, path, None).await.map(drop)
    }

    async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, HubError> {
        self.json(&self.ask_within(PATIENCE, method, path, body).await?)
    }

    /// An answer as JSON; an empty one is null.
    fn json(&self, answer: &[u8]) -> Result<Value, HubError> {
        if answer.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(answer).map_err(|_| HubError::Strange(self.address))
    }

    async fn ask_within(
        &self,
        patience: Duration,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Bytes, HubError> {
        let exchange = self.exchange(self.request(method, path, body)?);
        let answer = tokio::time::timeout(patience, exchange).await;
        answer.map_err(|_| HubError::Late(self.address, patience))?
    }

    fn request(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Request<Body>, HubError> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, self.address.to_string())
            .header(header::AUTHORIZATION, &self.bearer);
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        request.body(body).map_err(|_| HubError::Strange(self.address))
    }

    async fn exchange(&self, request: Request<Body>) -> Result<Bytes, HubError> {
        let address = self.address;
        let stream =
            TcpStream::connect(address).await.map_err(|error| HubError::Nobody { address, error })?;
        let Some(tls) = &self.tls else { return self.send(stream, request).await };
        let stream = tls
            .connector
            .connect(tls.name.clone(), stream)
            .await
            .map_err(|error| HubError::Stranger { address, name: tls.name.to_str().into_owned(), error })?;
        self.send(stream, request).await
    }

    async fn send<S>(&self, stream: S, request: Request<Body>) -> Result<Bytes, HubError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let broken = |error| HubError::Broken { address: self.address, error };
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        let driver = tokio::spawn(connection);
        let response = sender.send_request(request).await.map_err(broken)?;
        let answer = self.read(response.map(Body::new)).await;
        driver.abort();
        answer
    }

    async fn read(&self, response: Response<Body>) -> Result<Bytes, HubError> {
        let status = response.status();
        let strange = || HubError::Strange(self.address);
        let bytes = to_bytes(response.into_body(), ANSWER_LIMIT).await.map_err(|_| strange())?;
        if status.is_success() {
            return Ok(bytes);
        }
        let answer = self.json(&bytes)?;
        let message = answer["error"]["message"].as_str().ok_or_else(strange)?;
        Err(HubError::Refused { status, message: message.to_owned() })
    }
}

impl Tls {
    /// Trusts the hub's own certificate, with whatever stands above it in its file, and nobody else.
    fn new(files: &TlsFiles, server: &ServerSettings) -> Result<Self, HubError> {
        let path = &files.certificate;
        let unusable = |error: &dyn std::fmt::Display| HubError::Certificate {
            path: path.clone(),
            error: error.to_string(),
        };
        let roots = roots(path).map_err(|error| unusable(&error))?;
        let config = client_config(roots).map_err(|error| unusable(&error))?;
        let url = server.public_url.as_ref().map_or("https://localhost", |url| url.as_str());
        let name = ServerName::try_from(host(url).to_owned()).map_err(|error| unusable(&error))?;
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), name })
    }
}

fn roots(certificate: &Path) -> Result<RootCertStore, pem::Error> {
    let chain: Vec<_> = CertificateDer::pem_file_iter(certificate)?.collect::<Result<_, _>>()?;
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(chain);
    Ok(roots)
}

fn client_config(roots: RootCertStore) -> Result<ClientConfig, rustls::Error> {
    let builder = ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into())
        .with_safe_default_protocol_versions()?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// The host of `scheme://host:port`, an IPv6 address without its brackets.
fn host(url: &str) -> &str {
    let authority = url.split_once("://").map_or(url, |(_, authority)| authority);
    match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    }
}

/// Where a hub that listens on `listen` is found from its own machine: one that listens everywhere, on loopback.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, listen.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_hub_is_the_host_of_its_url() {
        for (url, name) in [
            ("https://hub.example", "hub.example"),
            ("https://hub.example:8443", "hub.example"),
            ("https://192.0.2.1:8443", "192.0.2.1"),
            ("https://[2001:db8::1]:8443", "2001:db8::1"),
        ] {
            assert_eq!(host(url), name);
            assert!(ServerName::try_from(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn a_hub_that_listens_everywhere_is_found_on_loopback() {
        for (listen, found) in [
            ("0.0.0.0:1", "127.0.0.1:1"),
            ("[::]:1", "[::1]:1"),
            ("192.0.2.1:1", "192.0.2.1:1"),
            ("[::1]:1", "[::1]:1"),
        ] {
            assert_eq!(reachable(listen.parse().unwrap()).to_string(), found);
        }
    }

    #[tokio::test]
    async fn r28_a_longer_answer_than_any_hub_gives_is_not_read() {
        let hub = HubClient::new(&ServerSettings::default(), &Secret::new("pgb_x".to_owned())).unwrap();
        let answer = |length: usize| Response::new(Body::from(format!("\"{}\"", "x".repeat(length - 2))));
        assert!(hub.read(answer(ANSWER_LIMIT)).await.is_ok());
        let refused = hub.read(answer(ANSWER_LIMIT + 1)).await;
        assert!(matches!(refused, Err(HubError::Strange(_))), "{refused:?}");
    }

    #[test]
    fn without_a_port_nobody_is_asked() {
        let server = ServerSettings { listen: "127.0.0.1:0".parse().unwrap(), ..ServerSettings::default() };
        let refused = HubClient::new(&server, &Secret::new("pgb_x".to_owned())).err();
        assert!(matches!(refused, Some(HubError::UnknownPort)), "{refused:?}");
    }

    #[test]
    fn s20_a_token_that_no_header_can_carry_is_not_repeated() {
        let canary = "pgb_canary\nx: y";
        let refused = HubClient::new(&ServerSettings::default(), &Secret::new(canary.to_owned()));
        let shown = refused.err().map(|error| format!("{error} {error:?}")).unwrap_or_default();
        assert!(shown.contains("no text") && !shown.contains("canary"), "{shown}");
    }
}
