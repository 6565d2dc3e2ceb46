//! A proxy in front of a Kinesis server that answers some requests itself, as a server in trouble would.
//!
//! It speaks just enough HTTP/1.1 for the SDK, kinesalite, ministack and moto: one request at a time per connection, bodies
//! with a `Content-Length`, and subscriptions in chunks.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What to do with a request instead of passing it on.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// Answer with this status, error code and message.
    Refuse(u16, &'static str),
    /// Answer with this status and this body.
    Answer(u16, String),
    /// Close the connection without an answer.
    Reset,
    /// Pass it on, then close the connection in the middle of the answer.
    Truncate,
    /// Never answer.
    Hang,
    /// Pass it on, and the answer back after this time.
    Delay(Duration),
    /// Pass it on, and take this shard out of the listing that comes back, as retention does.
    Hide(&'static str),
    /// Pass a subscription on, then close the connection in the middle of the chunk after so many.
    CutAfter(usize),
    /// Pass a subscription on, then let nothing through after so many chunks.
    StallAfter(usize),
}

/// Decides, by the name of the operation, how many of that name came before, and the body, or the address where there is
/// none.
type Script = dyn Fn(&str, usize, &str) -> Option<Fault> + Send + Sync;

#[derive(Debug, Default)]
struct Tally {
    requests: BTreeMap<String, usize>,
    faults: BTreeMap<String, usize>,
}

/// A running proxy; it stops when dropped. One that was to make faults and made none fails its test then: what passes
/// without its fault shows nothing.
pub(crate) struct Proxy {
    address: SocketAddr,
    must_fire: bool,
    tally: Arc<Mutex<Tally>>,
    server: JoinHandle<()>,
}

impl Proxy {
    /// Starts a proxy that makes no faults, only counts.
    pub(crate) async fn watching(upstream: &str) -> Self {
        let mut proxy = Self::start(upstream, |_, _, _| None).await;
        proxy.must_fire = false;
        proxy
    }

    /// Starts a proxy in front of `upstream`, a `host:port`.
    pub(crate) async fn start(
        upstream: &str,
        script: impl Fn(&str, usize, &str) -> Option<Fault> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let tally = Arc::new(Mutex::new(Tally::default()));
        let script: Arc<Script> = Arc::new(script);
        let (upstream, shared) = (upstream.to_owned(), Arc::clone(&tally));
        let server = tokio::spawn(async move {
            loop {
                let Ok((client, _)) = listener.accept().await else { return };
                let (upstream, script, tally) = (upstream.clone(), Arc::clone(&script), Arc::clone(&shared));
                // A connection that breaks is the client's to notice.
                tokio::spawn(async move { serve(client, &upstream, &*script, &tally).await.ok() });
            }
        });
        Self { address, must_fire: true, tally, server }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many requests of this operation came.
    pub(crate) fn requests(&self, operation: &str) -> usize {
        self.tally.lock().unwrap().requests.get(operation).copied().unwrap_or_default()
    }

    /// The names of all operations that were asked for.
    pub(crate) fn operations(&self) -> BTreeSet<String> {
        self.tally.lock().unwrap().requests.keys().cloned().collect()
    }

    /// How many requests of this operation were met with a fault.
    pub(crate) fn faults(&self, operation: &str) -> usize {
        self.tally.lock().unwrap().faults.get(operation).copied().unwrap_or_default()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.server.abort();
        if self.must_fire && !std::thread::panicking() {
            assert!(!self.tally.lock().unwrap().faults.is_empty(), "no fault of the proxy fired");
        }
    }
}

struct Message {
    head: String,
    body: Vec<u8>,
}

impl Message {
    fn operation(&self) -> String {
        let Some(target) = header(&self.head, "x-amz-target") else { return self.of_objects().to_owned() };
        target.rsplit('.').next().unwrap_or_default().to_owned()
    }

    /// S3 and Lambda tell what is asked for by the address.
    fn of_objects(&self) -> &'static str {
        match self.head.split(' ').nth(1).unwrap_or_default() {
            _ if self.head.starts_with("PUT ") => "PutObject",
            _ if self.head.starts_with("DELETE ") => "DeleteObject",
            address if address.contains("/2015-03-31/functions/") => "GetFunctionConfiguration",
            address if address.contains("list-type=2") => "ListObjectsV2",
            _ => "GetObject",
        }
    }

    /// What follows the head, or the address where nothing does.
    fn asked(&self) -> String {
        let address = || self.head.split(' ').nth(1).unwrap_or_default().to_owned();
        if self.body.is_empty() { address() } else { String::from_utf8_lossy(&self.body).into_owned() }
    }

    fn bytes(&self) -> Vec<u8> {
        [self.head.as_bytes(), &self.body].concat()
    }
}

async fn serve(client: TcpStream, upstream: &str, script: &Script, tally: &Mutex<Tally>) -> io::Result<()> {
    let mut client = BufReader::new(client);
    let mut server = BufReader::new(TcpStream::connect(upstream).await?);
    while let Some(request) = read_message(&mut client).await? {
        let fault = decide(&request, script, tally);
        if request.operation() == SUBSCRIPTION && fault.as_ref().is_none_or(Fault::lets_a_subscription_begin)
        {
            return subscribe(&mut client, &mut server, &request, fault).await;
        }
        match fault {
            None => {
                let answer = forward(&mut server, &request).await?;
                client.write_all(&answer.bytes()).await?;
            }
            Some(Fault::Refuse(status, code)) => {
                let body = format!(r#"{{"__type":"{code}","message":"made up by the proxy"}}"#);
                client.write_all(answer(status, &body).as_bytes()).await?;
            }
            Some(Fault::Answer(status, body)) => client.write_all(answer(status, &body).as_bytes()).await?,
            Some(Fault::Reset) => return Ok(()),
            Some(Fault::Truncate) => {
                let answer = forward(&mut server, &request).await?.bytes();
                client.write_all(&answer[..answer.len() - 2]).await?;
                return Ok(());
            }
            Some(Fault::Delay(time)) => {
                let answer = forward(&mut server, &request).await?;
                tokio::time::sleep(time).await;
                client.write_all(&answer.bytes()).await?;
            }
            Some(Fault::Hide(shard)) => {
                let listing = forward(&mut server, &request).await?;
                client.write_all(answer(200, &without(&listing.body, shard)).as_bytes()).await?;
            }
            Some(Fault::Hang | Fault::CutAfter(_) | Fault::StallAfter(_)) => std::future::pending().await,
        }
        client.flush().await?;
    }
    Ok(())
}

/// The one operation whose answer is a stream.
const SUBSCRIPTION: &str = "SubscribeToShard";

impl Fault {
    fn lets_a_subscription_begin(&self) -> bool {
        matches!(self, Self::CutAfter(_) | Self::StallAfter(_))
    }
}

/// Passes a subscription on, chunk by chunk, on a connection that serves nothing else.
async fn subscribe(
    client: &mut BufReader<TcpStream>,
    server: &mut BufReader<TcpStream>,
    request: &Message,
    fault: Option<Fault>,
) -> io::Result<()> {
    server.write_all(&request.bytes()).await?;
    let Some(head) = read_head(server).await? else { return Ok(()) };
    let head = head.replacen("\r\n", "\r\nConnection: close\r\n", 1);
    client.write_all(head.as_bytes()).await?;
    if let Some(length) = header(&head, "content-length") {
        let mut refusal = vec![0; length.parse().unwrap()];
        server.read_exact(&mut refusal).await?;
        return client.write_all(&refusal).await;
    }
    for number in 0.. {
        let chunk = tokio::select! {
            chunk = read_chunk(server) => chunk?,
            // The reader has gone, and so must its subscription.
            _ = client.read_u8() => return Ok(()),
        };
        match fault {
            Some(Fault::CutAfter(chunks)) if number >= chunks => {
                return client.write_all(&chunk[..chunk.len() / 2]).await;
            }
            Some(Fault::StallAfter(chunks)) if number >= chunks => std::future::pending().await,
            _ => client.write_all(&chunk).await?,
        }
        client.flush().await?;
        if chunk.starts_with(b"0\r\n") {
            break;
        }
    }
    Ok(())
}

/// Reads a chunk with its size and its end. Not cancel-safe, and need not be: the connection ends with it.
async fn read_chunk(server: &mut BufReader<TcpStream>) -> io::Result<Vec<u8>> {
    let mut size = String::new();
    if server.read_line(&mut size).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let length = usize::from_str_radix(size.trim(), 16).unwrap();
    let mut data = vec![0; length + 2];
    server.read_exact(&mut data).await?;
    Ok([size.as_bytes(), &data].concat())
}

/// A listing without one of its shards.
fn without(listing: &[u8], shard: &str) -> String {
    let mut listing: Value = serde_json::from_slice(listing).unwrap();
    let shards = listing["Shards"].as_array_mut().unwrap();
    shards.retain(|listed| listed["ShardId"] != shard);
    listing.to_string()
}

fn decide(request: &Message, script: &Script, tally: &Mutex<Tally>) -> Option<Fault> {
    let operation = request.operation();
    let mut tally = tally.lock().unwrap();
    let count = tally.requests.entry(operation.clone()).or_default();
    let fault = script(&operation, *count, &request.asked());
    *count += 1;
    if fault.is_some() {
        *tally.faults.entry(operation).or_default() += 1;
    }
    fault
}

async fn forward(server: &mut BufReader<TcpStream>, request: &Message) -> io::Result<Message> {
    server.write_all(&request.bytes()).await?;
    read_message(server).await?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

fn answer(status: u16, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} Made-Up\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

/// Reads a head and its body; `None` if the other side has closed.
async fn read_message(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Message>> {
    let Some(head) = read_head(stream).await? else { return Ok(None) };
    let length = header(&head, "content-length").map_or(0, |value| value.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(Some(Message { head, body }))
}

async fn read_head(stream: &mut BufReader<TcpStream>) -> io::Result<Option<String>> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await? == 0 {
            return Ok(None);
        }
    }
    Ok(Some(head))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}
