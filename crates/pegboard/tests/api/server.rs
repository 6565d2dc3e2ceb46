//! The server: what a connection may cost, how it ends, and TLS.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use pegboard::api::TlsFiles;
use pegboard::api::serve::{ServeLimits, serve_within};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::client::{Connection, Events};
use crate::hub::Hub;

const SOON: Duration = Duration::from_secs(5);

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<io::Result<()>>,
}

impl Server {
    pub(crate) async fn start(hub: &Hub, limits: ServeLimits, tls: Option<TlsFiles>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let shutdown = async { drop(stopped.await) };
        let ended = tokio::spawn(serve_within(limits, listener, tls, hub.router.clone(), shutdown));
        Self { address, stop, ended }
    }

    async fn connect(&self) -> Connection<TcpStream> {
        Connection::new(TcpStream::connect(self.address).await.unwrap())
    }

    /// Asks the server to end, and says how long that took.
    async fn stop(self) -> Duration {
        let started = Instant::now();
        self.stop.send(()).unwrap();
        timeout(SOON, self.ended).await.expect("the server ends").unwrap().unwrap();
        started.elapsed()
    }
}

async fn status_of(connection: &mut Connection<TcpStream>, path: &str) -> Option<u16> {
    connection.get(path, &[]).await;
    timeout(SOON, connection.answer()).await.expect("in time").map(|(head, _)| head.status)
}

#[tokio::test]
async fn many_requests_go_over_one_connection() {
    let hub = Hub::new();
    let server = Server::start(&hub, ServeLimits::default(), None).await;
    let mut connection = server.connect().await;
    for path in ["/healthz", "/metrics", "/readyz"] {
        assert_eq!(
            status_of(&mut connection, path).await,
            Some(200),
            "{path}: the server knows who connects"
        );
    }
}

#[tokio::test]
async fn a_stop_ends_streams_and_connections_that_do_nothing() {
    let hub = Hub::new();
    let server = Server::start(&hub, ServeLimits::default(), None).await;
    let mut stream = server.connect().await;
    let bearer = format!("Bearer {}", hub.viewer);
    stream.get("/api/v1/agents/stream", &[("authorization", &bearer)]).await;
    assert_eq!(stream.head().await.unwrap().status, 200);
    let mut events = Events::default();
    events.push(&stream.chunk().await.unwrap());
    assert_eq!(events.pop().unwrap().kind, "heartbeat");
    let mut used = server.connect().await;
    assert_eq!(status_of(&mut used, "/healthz").await, Some(200));
    let _silent = server.connect().await;
    let mut half = server.connect().await;
    half.send("GET /healthz HTTP/1.1\r\nhost:").await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let took = server.stop().await;
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert_eq!(stream.chunk().await, None, "the stream ended");
}

#[tokio::test]
async fn a_stop_lets_answers_that_are_under_way_finish() {
    let hub = Hub::new();
    let server = Server::start(&hub, ServeLimits::default(), None).await;
    let (mut connection, stopping) = report_under_way(&hub, server).await;
    hub.view.go_on.notify_waiters();
    assert_eq!(connection.answer().await.unwrap().0.status, 200);
    stopping.await.unwrap();
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever() {
    let hub = Hub::new();
    let limits = ServeLimits { drain: Duration::from_millis(200), ..ServeLimits::default() };
    let server = Server::start(&hub, limits, None).await;
    let (mut connection, stopping) = report_under_way(&hub, server).await;
    let took = stopping.await.unwrap();
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert!(connection.answer().await.is_none());
}

/// A server that is asked to end while it computes a report.
async fn report_under_way(hub: &Hub, server: Server) -> (Connection<TcpStream>, JoinHandle<Duration>) {
    hub.view.hold_reports.store(true, Ordering::SeqCst);
    let mut connection = server.connect().await;
    let bearer = format!("Bearer {}", hub.viewer);
    connection.get("/api/v1/reports/segments", &[("authorization", &bearer)]).await;
    while hub.view.asked.lock().unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let stopping = tokio::spawn(server.stop());
    tokio::time::sleep(Duration::from_millis(50)).await;
    (connection, stopping)
}

#[tokio::test]
async fn r28_s32_a_head_that_does_not_come_is_not_waited_for() {
    let hub = Hub::new();
    let limits = ServeLimits { head: Duration::from_millis(100), ..ServeLimits::default() };
    let server = Server::start(&hub, limits, None).await;
    for start in ["", "GET /healthz HTTP/1.1\r\nhost: loc"] {
        let mut connection = server.connect().await;
        connection.send(start).await.unwrap();
        timeout(SOON, connection.ended()).await.expect("the server ends it");
    }
}

#[tokio::test]
async fn r28_s32_a_head_has_a_limit() {
    let hub = Hub::new();
    let server = Server::start(&hub, ServeLimits::default(), None).await;
    let mut connection = server.connect().await;
    let long = "x".repeat(20_000);
    connection.get("/healthz", &[("x-long", &long)]).await;
    assert_eq!(connection.answer().await.unwrap().0.status, 200);
    let too_long = "x".repeat(40_000);
    connection.get("/healthz", &[("x-long", &too_long)]).await;
    assert_eq!(connection.answer().await.unwrap().0.status, 431);
}

#[tokio::test]
async fn r28_s32_a_body_without_an_end_is_cut_off() {
    let hub = Hub::new();
    let server = Server::start(&hub, ServeLimits::default(), None).await;
    let mut connection = server.connect().await;
    let head = "POST /api/v1/session HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
    connection.send(&format!("{head}transfer-encoding: chunked\r\n\r\n")).await.unwrap();
    let chunk = format!("8000\r\n{}\r\n", "x".repeat(0x8000));
    for _ in 0..3 {
        // The server may have ended it already.
        let _ended = connection.send(&chunk).await;
    }
    assert_eq!(connection.answer().await.unwrap().0.status, 413);
}

#[tokio::test]
async fn r28_s32_connections_have_a_limit() {
    let hub = Hub::new();
    let limits = ServeLimits { connections: 2, ..ServeLimits::default() };
    let server = Server::start(&hub, limits, None).await;
    let mut first = server.connect().await;
    let mut second = server.connect().await;
    assert_eq!(status_of(&mut first, "/healthz").await, Some(200));
    assert_eq!(status_of(&mut second, "/healthz").await, Some(200));
    let mut third = server.connect().await;
    third.get("/healthz", &[]).await;
    assert!(timeout(Duration::from_millis(200), third.answer()).await.is_err(), "it waits");
    drop(first);
    assert_eq!(timeout(SOON, third.head()).await.expect("there is room").unwrap().status, 200);
}

#[tokio::test]
async fn r28_s32_a_reader_that_takes_nothing_is_cut_off() {
    let hub = Hub::new();
    hub.view.rows.store(200_000, Ordering::SeqCst);
    let limits = ServeLimits { connections: 1, stall: Duration::from_millis(200), ..ServeLimits::default() };
    let server = Server::start(&hub, limits, None).await;
    let mut stalled = server.connect().await;
    let bearer = format!("Bearer {}", hub.viewer);
    stalled.get("/api/v1/reports/segments", &[("authorization", &bearer)]).await;
    assert_eq!(stalled.head().await.unwrap().status, 200);
    let mut other = server.connect().await;
    assert_eq!(status_of(&mut other, "/healthz").await, Some(200), "his place is free again");
    drop(stalled);
}

/// A certificate for `localhost` and its key, written where the server reads them; what a client trusts.
pub(crate) fn certificate(folder: &Path) -> (TlsFiles, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_string()]).unwrap();
    let files = TlsFiles { certificate: folder.join("cert.pem"), key: folder.join("key.pem") };
    std::fs::write(&files.certificate, made.cert.pem()).unwrap();
    std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    (files, made.cert.der().clone())
}

async fn connect_tls(
    server: &Server,
    trusted: &CertificateDer<'static>,
) -> io::Result<Connection<TlsStream<TcpStream>>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(server.address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    Ok(Connection::new(TlsConnector::from(Arc::new(config)).connect(name, stream).await?))
}

#[tokio::test]
async fn tls_is_spoken_by_certificate_files() {
    let folder = tempfile::tempdir().unwrap();
    let (files, trusted) = certificate(folder.path());
    let hub = Hub::new();
    let limits = ServeLimits { handshake: Duration::from_millis(300), ..ServeLimits::default() };
    let server = Server::start(&hub, limits, Some(files)).await;
    let mut connection = connect_tls(&server, &trusted).await.unwrap();
    connection.get("/healthz", &[]).await;
    assert_eq!(connection.answer().await.unwrap().0.status, 200);
    let mut plain = server.connect().await;
    plain.get("/healthz", &[]).await;
    timeout(SOON, plain.ended()).await.expect("who speaks no TLS is not answered");
    let mut silent = server.connect().await;
    timeout(SOON, silent.ended()).await.expect("who does not shake hands is not waited for");
    drop(connection);
    server.stop().await;
}

#[tokio::test]
async fn a_renewed_certificate_is_served_without_a_restart_and_a_broken_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let (files, first) = certificate(folder.path());
    let hub = Hub::new();
    let limits = ServeLimits { reload: Duration::from_millis(20), ..ServeLimits::default() };
    let server = Server::start(&hub, limits, Some(files.clone())).await;
    assert!(connect_tls(&server, &first).await.is_ok());
    let good = std::fs::read(&files.certificate).unwrap();
    std::fs::write(&files.certificate, "half a certifi").unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(connect_tls(&server, &first).await.is_ok(), "the one before is kept");
    std::fs::write(&files.certificate, good).unwrap();
    let (_, second) = certificate(folder.path());
    let renewed = async {
        while connect_tls(&server, &second).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(SOON, renewed).await.expect("the new one is served");
    assert!(connect_tls(&server, &first).await.is_err());
}

#[tokio::test]
async fn a_server_without_a_usable_certificate_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let (files, _) = certificate(folder.path());
    let start = |files: TlsFiles| async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let hub = Hub::new();
        let served =
            serve_within(ServeLimits::default(), listener, Some(files), hub.router, std::future::pending());
        timeout(SOON, served).await.expect("it says so at once").unwrap_err().to_string()
    };
    let missing = TlsFiles { certificate: folder.path().join("nowhere.pem"), ..files.clone() };
    assert!(start(missing).await.contains("nowhere.pem"));
    let swapped = TlsFiles { certificate: files.certificate.clone(), key: files.certificate.clone() };
    assert!(start(swapped).await.contains("the TLS key"));
}
