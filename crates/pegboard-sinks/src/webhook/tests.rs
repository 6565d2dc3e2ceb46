//! What a receiver gets, and whom the sink never asks.

use std::io::Read as _;
use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use hmac::{Hmac, KeyInit as _, Mac as _};
use pegboard_model::Timestamp;
use pegboard_net::signature::SigningKey;
use pegboard_net::{Client, ClientOptions, Egress, Secret};
use sha2::Sha256;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::*;
use crate::cloudevents::STATE_EVENTS;
use crate::{Document, Outcome, Sink as _};

const NOW: i64 = 1_772_438_400;
const KEY: &str = "doc/1/abc";

fn clock() -> Timestamp {
    Timestamp::from_millis(NOW * 1000 + 7)
}

fn key(byte: u8) -> SigningKey {
    SigningKey::parse(&Secret::new(format!("whsec_{}", STANDARD.encode([byte; 32])))).unwrap()
}

fn sink(url: &str, allow: &[&str], gzip: bool) -> WebhookSink {
    let openings = allow.iter().map(|text| text.parse().unwrap()).collect();
    let options = ClientOptions { egress: Egress::new(openings), ..ClientOptions::default() };
    let options_of = WebhookOptions {
        target: url.parse().unwrap(),
        keys: vec![key(1), key(2)],
        gzip,
        states: true,
        reports: Vec::new(),
    };
    WebhookSink::new(Client::new(options).unwrap(), options_of, clock)
}

/// A request as it came.
struct Request {
    head: String,
    body: Vec<u8>,
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.lines().filter_map(|line| line.split_once(": "));
        headers.find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// Takes one request and gives one answer.
async fn receiver(answer: &'static str) -> (SocketAddr, JoinHandle<Request>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let taken = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut bytes = Vec::new();
        loop {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if let Some((head, _)) = text.split_once("\r\n\r\n") {
                let request = Request { head: head.to_owned(), body: Vec::new() };
                let length: usize = request.header("content-length").unwrap().parse().unwrap();
                if bytes.len() == head.len() + 4 + length {
                    stream.write_all(answer.as_bytes()).await.unwrap();
                    return Request { body: bytes.split_off(head.len() + 4), ..request };
                }
            }
            assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "cut off");
        }
    });
    (address, taken)
}

const TAKEN: &str = "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";

async fn sent(gzip: bool) -> Request {
    let (address, taken) = receiver(TAKEN).await;
    let sink = sink(&format!("http://{address}/hook?a=b"), &["127.0.0.1"], gzip);
    let outcome = sink.send(&STATE_EVENTS, &Document::new("1", "[1,2]"), KEY).await;
    assert_eq!(outcome, Outcome::Accepted);
    taken.await.unwrap()
}

/// As a receiver checks it, from the text of the specification.
fn is_signed(request: &Request, body: &[u8], byte: u8) -> bool {
    let (id, at) = (request.header("webhook-id").unwrap(), request.header("webhook-timestamp").unwrap());
    let mut code = Hmac::<Sha256>::new_from_slice(&[byte; 32]).unwrap();
    code.update(format!("{id}.{at}.").as_bytes());
    code.update(body);
    let expected = format!("v1,{}", STANDARD.encode(code.finalize().into_bytes()));
    request.header("webhook-signature").unwrap().split(' ').any(|signature| signature == expected)
}

#[tokio::test]
async fn s11_a_batch_is_signed_by_both_keys_and_by_no_other() {
    let request = sent(false).await;
    assert!(request.head.starts_with("POST /hook?a=b HTTP/1.1\r\n"), "{}", request.head);
    assert_eq!(request.header("content-type"), Some("application/cloudevents-batch+json; charset=utf-8"));
    assert_eq!(request.header("webhook-timestamp"), Some(NOW.to_string().as_str()));
    assert_eq!((request.body.as_slice(), request.header("content-encoding")), (&b"[1,2]"[..], None));
    assert!(is_signed(&request, &request.body, 1) && is_signed(&request, &request.body, 2));
    assert!(!is_signed(&request, &request.body, 3) && !is_signed(&request, b"[1,3]", 1));
}

#[tokio::test]
async fn what_is_compressed_is_signed_as_it_was_before() {
    let (request, plain) = (sent(true).await, sent(false).await);
    assert_eq!(request.header("content-encoding"), Some("gzip"));
    let mut body = Vec::new();
    GzDecoder::new(request.body.as_slice()).read_to_end(&mut body).unwrap();
    assert_eq!(body, b"[1,2]");
    assert!(is_signed(&request, &body, 1));
    assert_eq!(request.header("webhook-id"), plain.header("webhook-id"), "the same key is the same message");
}

#[tokio::test]
async fn s04_a_redirect_is_not_followed() {
    let (address, taken) =
        receiver("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
    let outcome = sink(&format!("http://{address}/"), &["127.0.0.1"], false).probe().await;
    assert!(outcome.as_ref().is_err_and(|reason| reason.contains("302")), "{outcome:?}");
    taken.await.unwrap();
}

#[tokio::test]
async fn s01_s02_s03_s05_what_is_not_public_is_not_asked_however_it_is_spelt() {
    let private = [
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://0x7f.1/",
        "https://127.0.0.1./",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://LOCALHOST/",
        "https://10.1.2.3/",
        "https://100.64.0.1/",
        "https://172.16.0.1/",
        "https://192.168.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[fe80::1]/",
        "https://[fc00::1]/",
        "https://[fd00:ec2::254]/",
        "https://[64:ff9b::a00:1]/",
        "https://[2002:a00:1::]/",
        "https://0.0.0.0/",
        "https://[::]/",
        "https://224.0.0.1/",
        "https://255.255.255.255/",
        "https://198.18.0.1/",
        "https://192.0.2.1/",
        "https://240.0.0.1/",
        "https://[2001:db8::1]/",
        "https://[3fff::1]/",
        "https://[5f00::1]/",
        "https://[100::1]/",
        "https://[ff02::1]/",
        "https://1２7.0.0.1/",
    ];
    for url in private {
        let outcome = sink(url, &[], false).send(&STATE_EVENTS, &Document::new("1", "[]"), KEY).await;
        assert!(
            matches!(&outcome, Outcome::Shut { reason } if reason.contains("is not asked")),
            "{url}: {outcome:?}"
        );
    }
    // What is opened is opened, and where a cloud tells its machines their credentials is not even then.
    let metadata = sink("https://169.254.169.254/", &["169.254.0.0/16"], false);
    let outcome = metadata.send(&STATE_EVENTS, &Document::new("1", "[]"), KEY).await;
    assert!(matches!(outcome, Outcome::Shut { .. }), "{outcome:?}");
    for url in ["https://user:pass@example.com/", "ftp://example.com/", "https://[fe80::1%25eth0]/"] {
        assert!(url.parse::<pegboard_net::Target>().is_err(), "{url} was taken");
    }
}

#[tokio::test]
async fn s07_an_answer_without_an_end_is_cut_off() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let endless = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n[]") {
            assert_ne!(stream.read_buf(&mut request).await.unwrap(), 0, "cut off");
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 999999999\r\n\r\n").await.unwrap();
        let (mut sent, piece) = (0_usize, vec![b'x'; 65536]);
        while stream.write_all(&piece).await.is_ok() {
            sent += 65536;
            assert!(sent < 64 << 20, "somebody reads on");
        }
    });
    let outcome = sink(&format!("http://{address}/"), &["127.0.0.1"], false)
        .send(&STATE_EVENTS, &Document::new("1", "[]"), KEY)
        .await;
    assert!(matches!(&outcome, Outcome::Again { reason, .. } if reason.contains("bytes")), "{outcome:?}");
    endless.await.unwrap();
}

#[test]
fn a_batch_is_split_between_events_until_there_is_one() {
    let sink = sink("https://example.com/", &[], false);
    let batch = Document::new("1.json", r#"[{"a":[1,2]},{"b":"],["},{"c":3}]"#);
    let [first, second] = sink.split(&STATE_EVENTS, &batch).unwrap();
    assert_eq!(String::from_utf8_lossy(&first.body), r#"[{"a":[1,2]}]"#);
    assert_eq!(String::from_utf8_lossy(&second.body), r#"[{"b":"],["},{"c":3}]"#);
    assert!(sink.split(&STATE_EVENTS, &first).is_none());
}
