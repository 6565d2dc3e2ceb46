//! A proxy in front of a Kinesis server that answers some requests itself, as a server in trouble would.
//!
//! It speaks just enough HTTP/1.1 for the SDK and kinesalite: one request at a time per connection, bodies
//! with a `Content-Length`.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

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
}

/// Decides, by the name of the operation, how many of that name came before, and the body.
type Script = dyn Fn(&str, usize, &str) -> Option<Fault> + Send + Sync;

#[derive(Debug, Default)]
struct Tally {
    requests: BTreeMap<String, usize>,
    faults: BTreeMap<String, usize>,
}

/// A running proxy; it stops when dropped.
pub(crate) struct Proxy {
    address: SocketAddr,
    tally: Arc<Mutex<Tally>>,
    server: JoinHandle<()>,
}

impl Proxy {
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
        Self { address, tally, server }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many requests of this operation came.
    pub(crate) fn requests(&self, operation: &str) -> usize {
        self.tally.lock().unwrap().requests.get(operation).copied().unwrap_or_default()
    }

    /// How many requests of this operation were met with a fault.
    pub(crate) fn faults(&self, operation: &str) -> usize {
        self.tally.lock().unwrap().faults.get(operation).copied().unwrap_or_default()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

struct Message {
    head: String,
    body: Vec<u8>,
}

impl Message {
    fn operation(&self) -> String {
        let target = header(&self.head, "x-amz-target").unwrap_or_default();
        target.rsplit('.').next().unwrap_or_default().to_owned()
    }

    fn bytes(&self) -> Vec<u8> {
        [self.head.as_bytes(), &self.body].concat()
    }
}

async fn serve(client: TcpStream, upstream: &str, script: &Script, tally: &Mutex<Tally>) -> io::Result<()> {
    let mut client = BufReader::new(client);
    let mut server = BufReader::new(TcpStream::connect(upstream).await?);
    while let Some(request) = read_message(&mut client).await? {
        match decide(&request, script, tally) {
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
            Some(Fault::Hang) => std::future::pending().await,
        }
        client.flush().await?;
    }
    Ok(())
}

fn decide(request: &Message, script: &Script, tally: &Mutex<Tally>) -> Option<Fault> {
    let operation = request.operation();
    let mut tally = tally.lock().unwrap();
    let count = tally.requests.entry(operation.clone()).or_default();
    let fault = script(&operation, *count, &String::from_utf8_lossy(&request.body));
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
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await? == 0 {
            return Ok(None);
        }
    }
    let length = header(&head, "content-length").map_or(0, |value| value.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(Some(Message { head, body }))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}
