use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use pegboard_model::Millis;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::*;

/// Answers every request that comes over a connection with the same bytes, and counts connections.
struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Server {
    async fn start(answer: Vec<u8>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let (counted, answer) = (connections.clone(), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(answer_all(stream, answer.clone()));
            }
        });
        Self { address, connections }
    }

    fn target(&self) -> Target {
        format!("http://{}/x", self.address).parse().unwrap()
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Requests of these tests are short enough to come in one piece. An empty answer is none: the connection stays open.
async fn answer_all(mut stream: impl AsyncReadExt + AsyncWriteExt + Unpin, answer: Arc<Vec<u8>>) {
    let mut request = [0; 4096];
    while let Ok(1..) = stream.read(&mut request).await {
        if stream.write_all(&answer).await.is_err() {
            return;
        }
        if answer.windows(17).any(|bytes| bytes == b"Connection: close") {
            return;
        }
    }
}

fn answer(head: &str, body: &[u8]) -> Vec<u8> {
    let mut answer = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
    answer.extend_from_slice(body);
    answer
}

fn options(openings: &[&str]) -> ClientOptions {
    let egress = Egress::new(openings.iter().map(|text| text.parse().unwrap()).collect());
    ClientOptions { egress, ..ClientOptions::default() }
}

fn local() -> Client {
    Client::new(options(&["127.0.0.1"])).unwrap()
}

async fn get(client: &Client, target: Target) -> Result<Answer, CallError> {
    client.send(Call::new(Method::GET, target)).await
}

/// A resolver that says something else each time.
#[derive(Debug)]
struct Scripted(Mutex<Vec<Vec<[u8; 4]>>>);

#[async_trait]
impl Resolve for Scripted {
    async fn resolve(&self, _: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let next = self.0.lock().unwrap().remove(0);
        Ok(next.into_iter().map(|ip| SocketAddr::new(IpAddr::from(ip), port)).collect())
    }
}

fn resolving(openings: &[&str], answers: &[&[[u8; 4]]]) -> Client {
    let answers = answers.iter().map(|answer| answer.to_vec()).collect();
    Client::with_resolver(options(openings), Arc::new(Scripted(Mutex::new(answers)))).unwrap()
}

#[tokio::test]
async fn an_answer_is_had_whole_and_the_connection_serves_the_next_request() {
    let server = Server::start(answer("429 Too Many\r\nRetry-After: 7", b"slow")).await;
    let client = local();
    for _ in 0..3 {
        let answer = get(&client, server.target()).await.unwrap();
        assert_eq!((answer.status.as_u16(), &answer.body[..]), (429, &b"slow"[..]));
        assert_eq!(answer.retry_after(), Some(RetryAfter::Pause(Duration::from_secs(7))));
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn the_time_that_the_last_answer_told_is_kept() {
    let client = local();
    assert_eq!(client.told_time(), None);
    let silent = Server::start(answer("204 No Content", b"")).await;
    get(&client, silent.target()).await.unwrap();
    assert_eq!(client.told_time(), None);
    let server = Server::start(answer("503 Busy\r\nDate: Mon, 02 Mar 2026 09:01:30 GMT", b"")).await;
    get(&client, server.target()).await.unwrap();
    let (date, year) = (Timestamp::parse("2026-03-02T09:01:30Z").unwrap(), Millis::from_hours(24 * 365));
    let now = client.clone().told_time().unwrap().now();
    assert!(date <= now && now < date + year, "{now}");
}

#[tokio::test]
async fn s01_without_an_opening_this_machine_is_not_asked() {
    let server = Server::start(answer("200 OK", b"")).await;
    let client = Client::new(ClientOptions::default()).unwrap();
    for target in ["127.0.0.1", "[::ffff:127.0.0.1]", "localhost", "0x7f.1", "2130706433"] {
        let target = format!("http://{target}:{}/", server.address.port()).parse().unwrap();
        let refused = get(&client, target).await.unwrap_err();
        assert!(matches!(refused, CallError::Refused { .. }), "{refused}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn s03_a_name_that_changes_what_it_stands_for_is_judged_anew_at_each_connection() {
    let server = Server::start(answer("200 OK\r\nConnection: close", b"")).await;
    let client = resolving(&["127.0.0.1/32"], &[&[[127, 0, 0, 1]], &[[127, 0, 0, 2]]]);
    let target: Target = format!("http://x.example:{}/", server.address.port()).parse().unwrap();
    assert_eq!(get(&client, target.clone()).await.unwrap().status, 200);
    let refused = get(&client, target.clone()).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!(
            "{target} is not asked: 127.0.0.2 is not public but this machine: if the target really is there, list its network under `allow`"
        )
    );
}

#[tokio::test]
async fn s03_one_address_that_may_not_be_reached_spoils_all_of_a_name() {
    let server = Server::start(answer("200 OK", b"")).await;
    let client = resolving(&["127.0.0.1/32"], &[&[[127, 0, 0, 1], [10, 0, 0, 1]]]);
    let target = format!("http://x.example:{}/", server.address.port()).parse().unwrap();
    assert!(matches!(get(&client, target).await, Err(CallError::Refused { .. })));
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn r28_a_name_stands_for_32_addresses_at_most() {
    let server = Server::start(answer("200 OK", b"")).await;
    let client = resolving(&["127.0.0.1/32"], &[&[[127, 0, 0, 1]; 32], &[[127, 0, 0, 1]; 33]]);
    let target = |n: u8| format!("http://x{n}.example:{}/", server.address.port()).parse().unwrap();
    assert_eq!(get(&client, target(1)).await.unwrap().status, 200);
    let refused = get(&client, target(2)).await.unwrap_err();
    assert!(refused.to_string().ends_with("x2.example stands for more than 32 addresses"), "{refused}");
}

#[tokio::test]
async fn s04_a_redirect_is_an_answer_and_nobody_follows_it() {
    let elsewhere = Server::start(answer("200 OK", b"")).await;
    let head = format!("307 Temporary\r\nLocation: {}", elsewhere.target());
    let server = Server::start(answer(&head, b"")).await;
    assert_eq!(get(&local(), server.target()).await.unwrap().status, 307);
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn r28_s07_an_answer_is_read_up_to_one_mebibyte() {
    let longest = Server::start(answer("200 OK", &vec![b'x'; MAX_ANSWER_BYTES])).await;
    assert_eq!(get(&local(), longest.target()).await.unwrap().body.len(), MAX_ANSWER_BYTES);
    let longer = Server::start(answer("200 OK", &vec![b'x'; MAX_ANSWER_BYTES + 1])).await;
    assert!(matches!(get(&local(), longer.target()).await, Err(CallError::TooLong { .. })));
    let mut chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    let chunk = [b"10000\r\n".to_vec(), vec![b'x'; 0x10000], b"\r\n".to_vec()].concat();
    (0..17).for_each(|_| chunks.extend_from_slice(&chunk));
    let endless = Server::start(chunks).await;
    assert!(matches!(get(&local(), endless.target()).await, Err(CallError::TooLong { .. })));
}

#[tokio::test]
async fn r28_s07_an_answer_has_a_hundred_headers_at_most() {
    let with = |headers: usize| {
        let head = (1..headers).fold("200 OK".to_owned(), |head, n| format!("{head}\r\nX-{n}: y"));
        Server::start(answer(&head, b""))
    };
    assert_eq!(get(&local(), with(MAX_HEADERS).await.target()).await.unwrap().headers.len(), MAX_HEADERS);
    assert!(matches!(
        get(&local(), with(MAX_HEADERS + 1).await.target()).await,
        Err(CallError::Broken { .. })
    ));
}

#[tokio::test]
async fn s07_who_never_answers_is_not_waited_for() {
    let server = Server::start(Vec::new()).await;
    let total = Duration::from_millis(200);
    let client = Client::new(ClientOptions { total, ..options(&["127.0.0.1"]) }).unwrap();
    let late = get(&client, server.target()).await.unwrap_err();
    assert!(matches!(late, CallError::Late { limit, .. } if limit == total), "{late}");
}

#[tokio::test]
async fn what_is_cut_within_an_answer_is_no_answer() {
    let cut = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\nabc".to_vec();
    let server = Server::start(cut).await;
    assert!(matches!(get(&local(), server.target()).await, Err(CallError::Broken { .. })));
}

#[tokio::test]
async fn where_nobody_listens_nothing_is_sent_and_that_is_said() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let target: Target = format!("http://{address}/").parse().unwrap();
    let unreachable = get(&local(), target.clone()).await.unwrap_err();
    let message =
        format!("{target} cannot be reached: nobody answers at {address}: Connection refused (os error 111)");
    assert_eq!(unreachable.to_string(), message);
}

#[tokio::test]
async fn s06_a_target_shows_by_its_certificate_that_it_is_the_target() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(aws_lc_rs::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(stream) = acceptor.accept(stream).await {
                tokio::spawn(answer_all(stream, Arc::new(answer("200 OK", b"hello"))));
            }
        }
    });
    let file = std::env::temp_dir().join(format!("pegboard-net-{port}.pem"));
    std::fs::write(&file, made.cert.pem()).unwrap();
    let target = |host: &str| format!("https://{host}:{port}/").parse::<Target>().unwrap();
    let openings = options(&["127.0.0.1", "localhost"]);
    let trusting = Client::new(ClientOptions { roots: Some(file.clone()), ..openings.clone() }).unwrap();
    std::fs::remove_file(&file).unwrap();
    assert_eq!(&get(&trusting, target("localhost")).await.unwrap().body[..], b"hello");
    for (client, host) in [(Client::new(openings).unwrap(), "localhost"), (trusting, "127.0.0.1")] {
        let stranger = get(&client, target(host)).await.unwrap_err().to_string();
        assert!(stranger.contains("does not show by its certificate"), "{stranger}");
    }
}

#[test]
fn certificates_that_are_none_are_refused_at_the_start() {
    let file = std::env::temp_dir().join(format!("pegboard-net-{}-empty.pem", std::process::id()));
    std::fs::write(&file, "nothing").unwrap();
    let refused = Client::new(ClientOptions { roots: Some(file.clone()), ..ClientOptions::default() });
    std::fs::remove_file(&file).unwrap();
    let message =
        format!("the certificates in {} cannot be used: there is no certificate in it", file.display());
    assert_eq!(refused.unwrap_err().to_string(), message);
}

#[test]
fn s20_a_header_that_is_a_secret_is_not_shown() {
    let mut bearer = HeaderValue::from_static("Bearer hunter2");
    bearer.set_sensitive(true);
    let call =
        Call::new(Method::GET, "https://x.example/".parse().unwrap()).with(header::AUTHORIZATION, bearer);
    assert!(!format!("{call:?}").contains("hunter2"));
}
