//! The smallest HTTP server that a client of a vendor's API can talk to: a thread for each connection, one request after
//! the other.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// The longest head that is read.
const MOST_HEAD_BYTES: u64 = 1024 * 1024;

/// The longest body that is read.
const MOST_BODY_BYTES: u64 = 64 * 1024 * 1024;

/// How long a connection may say nothing.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: BTreeMap<String, String>,
    /// By name in small letters.
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
    pub(super) ending: Ending,
}

/// How much of an answer is sent before the connection is what it was, or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// All of it.
    Whole,
    /// The head and half of the body.
    WithinBody,
    /// Nothing.
    Before,
}

/// A server until it is dropped.
#[derive(Debug)]
pub(super) struct Server {
    address: SocketAddr,
    stopped: Arc<AtomicBool>,
}

impl Server {
    /// Listens on a free port of this machine.
    pub(super) fn start(answer: impl Fn(&Request) -> Response + Send + Sync + 'static) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let stopped = Arc::new(AtomicBool::new(false));
        let (answer, until) = (Arc::new(answer), stopped.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if until.load(Ordering::SeqCst) {
                    return;
                }
                let (answer, until) = (answer.clone(), until.clone());
                // A client that goes away is no concern of the server.
                thread::spawn(move || drop(serve(stream, &*answer, &until)));
            }
        });
        Ok(Self { address, stopped })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Wakes the listener, which then sees that it is over.
        drop(TcpStream::connect(self.address));
    }
}

fn serve(stream: TcpStream, answer: &impl Fn(&Request) -> Response, until: &AtomicBool) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader)? {
        if until.load(Ordering::SeqCst) {
            return Ok(());
        }
        let response = answer(&request);
        write(&mut writer, &response)?;
        if response.ending != Ending::Whole {
            return Ok(());
        }
    }
    Ok(())
}

/// The next request; nothing at the end of the connection.
fn read(reader: &mut BufReader<TcpStream>) -> io::Result<Option<Request>> {
    let bad = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let mut head = reader.by_ref().take(MOST_HEAD_BYTES);
    let mut line = String::new();
    if head.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace();
    let (Some(method), Some(target)) = (words.next(), words.next()) else { return Err(bad("no request")) };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (method, path, query) = (method.to_owned(), decoded(path), pairs(query));
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        if head.read_line(&mut line)? == 0 {
            return Err(bad("the head breaks off"));
        }
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length: u64 =
        headers.get("content-length").map_or(Ok(0), |length| length.parse()).map_err(|_| bad("length"))?;
    if length > MOST_BODY_BYTES {
        return Err(bad("too long"));
    }
    let mut body = Vec::new();
    reader.by_ref().take(length).read_to_end(&mut body)?;
    Ok(Some(Request { method, path, query, headers, body }))
}

fn write(writer: &mut TcpStream, response: &Response) -> io::Result<()> {
    let sent = match response.ending {
        Ending::Whole => response.body.len(),
        Ending::WithinBody => response.body.len() / 2,
        Ending::Before => return Ok(()),
    };
    let mut answer = Vec::with_capacity(response.body.len() + 512);
    // The reason after the status is for people only.
    write!(answer, "HTTP/1.1 {} -\r\ncontent-length: {}\r\n", response.status, response.body.len())?;
    for (name, value) in &response.headers {
        write!(answer, "{name}: {value}\r\n")?;
    }
    answer.extend_from_slice(b"\r\n");
    answer.extend_from_slice(&response.body[..sent]);
    writer.write_all(&answer)?;
    writer.flush()
}

fn pairs(query: &str) -> BTreeMap<String, String> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.map(|(name, value)| (decoded(name), decoded(value))).collect()
}

/// Resolves percent-encoding; what is none stays as it is.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|code| str::from_utf8(code).ok());
        let byte = code.filter(|_| *first == b'%').and_then(|code| u8::from_str_radix(code, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
