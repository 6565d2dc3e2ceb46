//! The server: accepts connections, speaks HTTP/1.1 on them, and lets go of them within seconds when asked to.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::server::TlsStream;
use tower::ServiceExt as _;

use crate::api::caller::Peer;
use crate::api::patient::Patient;
use crate::api::tls::Tls;
use crate::config::TlsFiles;

/// What a connection may cost.
#[derive(Debug, Clone, Copy)]
pub struct ServeLimits {
    /// Connections at once. The next one waits in the system's queue.
    pub connections: usize,
    /// How long a TLS handshake may take.
    pub handshake: Duration,
    /// How long the head of a request may take, counted from the answer before.
    pub head: Duration,
    /// How long a connection may take nothing while there is something to send.
    pub stall: Duration,
    /// How long answers that are under way may take after the end was asked for.
    pub drain: Duration,
    /// The pause between two looks at the certificate files.
    pub reload: Duration,
}

impl Default for ServeLimits {
    fn default() -> Self {
        Self {
            connections: 1024,
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(30),
            stall: Duration::from_secs(20),
            drain: Duration::from_secs(8),
            reload: Duration::from_mins(1),
        }
    }
}

/// The most bytes of the head of a request.
const HEAD_LIMIT: usize = 32 * 1024;
/// The pause after the system refused a connection, usually for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Tells answers that last, such as streams, that the server ends. It is an extension of every request.
#[derive(Debug, Clone)]
pub(crate) struct Draining(watch::Receiver<bool>);

impl Draining {
    /// Waits until the server begins to end.
    pub(crate) async fn begun(mut self) {
        if self.0.wait_for(|begun| *begun).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Whether it has.
    pub(crate) fn has_begun(&self) -> bool {
        *self.0.borrow()
    }
}

impl Default for Draining {
    /// Of a server that never ends: for a router that is called without one.
    fn default() -> Self {
        Self(watch::channel(false).1)
    }
}

/// Serves `router` on `listener` until `shutdown` is done, by TLS where there are files; then ends what is under
/// way, within the ten seconds that an orderly stop may take.
///
/// Fails only if the certificate or its key cannot be used.
pub async fn serve(
    listener: TcpListener,
    tls: Option<TlsFiles>,
    router: Router,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    serve_within(ServeLimits::default(), listener, tls, router, shutdown).await
}

/// [`serve`], within other limits.
pub async fn serve_within(
    limits: ServeLimits,
    listener: TcpListener,
    tls: Option<TlsFiles>,
    router: Router,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let tls = tls.map(Tls::load).transpose()?;
    let (drain, draining) = watch::channel(false);
    let server = Server { limits, router, tls, draining: Draining(draining) };
    let mut connections = JoinSet::new();
    tokio::select! {
        () = shutdown => {}
        never = server.accept(&listener, &mut connections) => match never {},
    }
    drop(listener);
    drain.send_replace(true);
    let drained = timeout(limits.drain, async { while connections.join_next().await.is_some() {} }).await;
    if drained.is_err() {
        tracing::warn!(connections = connections.len(), "connections that did not end in time are cut off");
        connections.shutdown().await;
    }
    Ok(())
}

/// What all connections share.
#[derive(Clone)]
struct Server {
    limits: ServeLimits,
    router: Router,
    tls: Option<Tls>,
    draining: Draining,
}

impl Server {
    async fn accept(
        &self,
        listener: &TcpListener,
        connections: &mut JoinSet<()>,
    ) -> std::convert::Infallible {
        let permits = Arc::new(Semaphore::new(self.limits.connections));
        let mut reload = tokio::time::interval(self.limits.reload);
        loop {
            tokio::select! {
                (stream, peer, permit) = next(listener, &permits) => {
                    connections.spawn(self.clone().connection(stream, peer, permit));
                }
                Some(_) = connections.join_next() => {}
                _ = reload.tick() => self.reload(),
            }
        }
    }

    fn reload(&self) {
        if let Some(tls) = self.tls.clone() {
            tokio::task::spawn_blocking(move || tls.reload());
        }
    }

    async fn connection(self, stream: TcpStream, peer: Peer, permit: OwnedSemaphorePermit) {
        // Events are small, and each should arrive at once. Where the system cannot, they arrive a little later.
        let _best_effort = stream.set_nodelay(true);
        let stream = Patient::new(stream, self.limits.stall);
        let ended = match &self.tls {
            None => self.speak(stream, peer).await,
            Some(tls) => match self.shake_hands(tls, stream).await {
                Ok(stream) => self.speak(stream, peer).await,
                Err(error) => Err(error.into()),
            },
        };
        if let Err(error) = ended {
            tracing::debug!(error = %error, "a connection failed");
        }
        drop(permit);
    }

    async fn shake_hands<S>(&self, tls: &Tls, stream: S) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        tokio::select! {
            shaken = timeout(self.limits.handshake, tls.acceptor().accept(stream)) => shaken?,
            () = self.draining.clone().begun() => Err(io::ErrorKind::Interrupted.into()),
        }
    }

    async fn speak<S>(&self, stream: S, peer: Peer) -> Result<(), Box<dyn std::error::Error + Send + Sync>>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let asked = AtomicBool::new(false);
        let service = service_fn(|request: Request<Incoming>| {
            asked.store(true, Ordering::Relaxed);
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(peer);
            request.extensions_mut().insert(self.draining.clone());
            self.router.clone().oneshot(request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.head)
            .max_buf_size(HEAD_LIMIT)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        tokio::select! {
            ended = connection.as_mut() => return Ok(ended?),
            () = self.draining.clone().begun() => {}
        }
        // One that has not asked for anything yet would be waited for until it does.
        if asked.load(Ordering::Relaxed) {
            connection.as_mut().graceful_shutdown();
            connection.await?;
        }
        Ok(())
    }
}

/// The next connection, when there is room for it.
async fn next(listener: &TcpListener, permits: &Arc<Semaphore>) -> (TcpStream, Peer, OwnedSemaphorePermit) {
    let permit = permits.clone().acquire_owned().await.expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, Peer(peer), permit),
            Err(error) => {
                tracing::warn!(error = %error, "a connection could not be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
