//! Limits of what a Kinesis endpoint may answer, against one that is not Kinesis at all.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use pegboard_aws::{
    Backoff, Bucket, BucketConfig, Counters, Credentials, Environment, KinesisConfig, SecretText, Stream,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// How many pages a listing may have.
const PAGES: usize = 100;

/// The page with this number, of so many.
fn page(number: usize, pages: usize) -> String {
    let next = if number < pages { format!(r#","NextToken":"page-{number}""#) } else { String::new() };
    format!(
        r#"{{"Shards":[{{"ShardId":"shardId-{number:012}","HashKeyRange":{{"StartingHashKey":"0","EndingHashKey":"1"}},"SequenceNumberRange":{{"StartingSequenceNumber":"1"}}}}]{next}}}"#
    )
}

async fn answer(mut stream: TcpStream, body: String) {
    let mut request = Vec::new();
    while !request.windows(4).any(|window| window == b"\r\n\r\n") {
        if stream.read_buf(&mut request).await.unwrap() == 0 {
            return;
        }
    }
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.1\r\nconnection: close\r\n";
    let answer = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(answer.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
}

/// A stream whose listing has so many pages, and how often it was asked for one.
async fn stream_of(pages: usize) -> (Stream, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = KinesisConfig::new("agents".parse().unwrap());
    config.region = Some("eu-central-1".to_owned());
    config.endpoint = Some(format!("http://{}", listener.local_addr().unwrap()));
    config.credentials = Credentials::Static {
        key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
        secret: SecretText::new("none"),
        session_token: None,
    };
    config.backoff = Backoff { base: Duration::from_millis(1), ..config.backoff };
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let number = count.fetch_add(1, Ordering::SeqCst) + 1;
            answer(stream, page(number, pages)).await;
        }
    });
    let environment = Environment { clock: Arc::new(|| 0), seed: 0, observer: Arc::new(Counters::default()) };
    (Stream::connect(config, environment).await.unwrap(), asked)
}

#[tokio::test]
async fn r28_a_listing_of_shards_has_100_pages_at_most() {
    let (stream, asked) = stream_of(PAGES).await;
    assert_eq!(stream.shards().await.unwrap().len(), PAGES);
    assert_eq!(asked.load(Ordering::SeqCst), PAGES);

    let (stream, asked) = stream_of(PAGES + 1).await;
    let refused = stream.shards().await.unwrap_err().to_string();
    assert!(refused.contains("more than 100 pages"), "{refused}");
    assert_eq!(asked.load(Ordering::SeqCst), PAGES, "and no page beyond is asked for");
}

/// A bucket that answers every request with so many bytes, whatever was asked for.
async fn bucket_of(bytes: usize) -> Bucket {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = BucketConfig::new("records");
    config.region = Some("eu-central-1".to_owned());
    config.endpoint = Some(format!("http://{}", listener.local_addr().unwrap()));
    config.credentials = Credentials::Static {
        key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
        secret: SecretText::new("none"),
        session_token: None,
    };
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.windows(4).any(|window| window == b"\r\n\r\n") {
                stream.read_buf(&mut request).await.unwrap();
            }
            let head = format!(
                "HTTP/1.1 200 OK\r\netag: \"e\"\r\ncontent-length: {bytes}\r\nconnection: close\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).await.unwrap();
            // The reader may have seen enough before the end.
            stream.write_all(&vec![b' '; bytes]).await.ok();
            stream.shutdown().await.ok();
        }
    });
    Bucket::connect(config, Arc::new(|| 0), 0).await.unwrap()
}

#[tokio::test]
async fn r28_of_an_object_no_more_than_the_piece_is_read_into_memory() {
    const PIECE: u32 = 100_000;
    assert!(bucket_of(PIECE as usize).await.get("key", 0, PIECE, None).await.is_ok());
    let refused = bucket_of(PIECE as usize + 1).await.get("key", 0, PIECE, None).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("longer than 100000 bytes"), "{refused}");
}
