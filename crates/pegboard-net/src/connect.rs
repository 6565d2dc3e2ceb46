//! Connections: the place where addresses are judged.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use http::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::egress::{Egress, Refused};

/// How many addresses of a name are looked at.
const MOST_ADDRESSES: usize = 32;

/// Finds the addresses of a name.
#[async_trait]
pub(crate) trait Resolve: Send + Sync + std::fmt::Debug {
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>>;
}

/// As the operating system finds them.
#[derive(Debug)]
pub(crate) struct System;

#[async_trait]
impl Resolve for System {
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((host, port)).await?.collect())
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("the name {host} cannot be resolved: {error}")]
    Unresolved { host: String, error: io::Error },
    #[error("{host} stands for more than {MOST_ADDRESSES} addresses")]
    Crowd { host: String },
    #[error("nobody answers at {address}: {error}")]
    Nobody { address: SocketAddr, error: io::Error },
    #[error("there is no connection to {host} within {limit:?}")]
    Late { host: String, limit: Duration },
    #[error("{host} does not show by its certificate that it is {host}: {error}")]
    Stranger { host: String, error: io::Error },
    #[error("`{0}` is no address to connect to")]
    NoHost(String),
}

/// Makes connections to what may be reached.
#[derive(Clone)]
pub(crate) struct Connector {
    pub(crate) egress: Arc<Egress>,
    pub(crate) resolver: Arc<dyn Resolve>,
    pub(crate) tls: TlsConnector,
    pub(crate) limit: Duration,
}

impl Connector {
    async fn connect(self, uri: Uri) -> Result<Wire, ConnectError> {
        let tls = uri.scheme_str() == Some("https");
        let host = uri.host().ok_or_else(|| ConnectError::NoHost(uri.to_string()))?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let connected = timeout(self.limit, self.reach(&host, port, tls)).await;
        connected.map_err(|_| ConnectError::Late { host, limit: self.limit })?
    }

    async fn reach(&self, host: &str, port: u16, tls: bool) -> Result<Wire, ConnectError> {
        let stream = self.tcp(&self.addresses(host, port, tls).await?).await?;
        if !tls {
            return Ok(Wire(Box::new(stream)));
        }
        Ok(Wire(Box::new(self.secured(host, stream).await?)))
    }

    /// The same connection with TLS, with nobody but `host`.
    pub(crate) async fn secured(
        &self,
        host: &str,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, ConnectError> {
        let stranger = |error| ConnectError::Stranger { host: host.to_owned(), error };
        let name = ServerName::try_from(host.trim_end_matches('.').to_owned());
        let name = name.map_err(|error| stranger(io::Error::other(error)))?;
        self.tls.connect(name, stream).await.map_err(stranger)
    }

    /// The addresses of a host. One of them that may not be reached spoils all: a name that stands for a public and a private
    /// address is no mistake.
    pub(crate) async fn addresses(
        &self,
        host: &str,
        port: u16,
        tls: bool,
    ) -> Result<Vec<SocketAddr>, ConnectError> {
        let unresolved = |error| ConnectError::Unresolved { host: host.to_owned(), error };
        let addresses = self.resolver.resolve(host, port).await.map_err(unresolved)?;
        if addresses.is_empty() {
            return Err(unresolved(io::Error::new(io::ErrorKind::NotFound, "it has no address")));
        }
        if addresses.len() > MOST_ADDRESSES {
            return Err(ConnectError::Crowd { host: host.to_owned() });
        }
        for address in &addresses {
            self.egress.check(host, address.ip(), tls)?;
        }
        Ok(addresses)
    }

    /// A connection to the first that answers.
    pub(crate) async fn tcp(&self, addresses: &[SocketAddr]) -> Result<TcpStream, ConnectError> {
        let share = self.limit / u32::try_from(addresses.len()).unwrap_or(1).max(1);
        let mut failed = None;
        for address in addresses {
            let connected = timeout(share, TcpStream::connect(address)).await;
            let connected = connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
            match connected.and_then(|stream| stream.set_nodelay(true).map(|()| stream)) {
                Ok(stream) => return Ok(stream),
                Err(error) => failed = failed.or(Some(ConnectError::Nobody { address: *address, error })),
            }
        }
        Err(failed.unwrap_or_else(|| ConnectError::NoHost(String::new())))
    }
}

impl tower_service::Service<Uri> for Connector {
    type Response = TokioIo<Wire>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<TokioIo<Wire>, ConnectError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move { connector.connect(uri).await.map(TokioIo::new) })
    }
}

/// What bytes go through, with TLS or without.
trait ReadWrite: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> ReadWrite for T {}

/// A connection.
pub(crate) struct Wire(Box<dyn ReadWrite>);

impl Connection for Wire {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
