//! HTTP by hand, over a connection that a test can keep, stall or break.

use std::pin::Pin;

use axum::body::Body;
use hyper::body::Body as _;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};

/// The head of an answer.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
}

impl Head {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }
}

/// One connection.
pub(crate) struct Connection<S> {
    stream: BufReader<S>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream: BufReader::new(stream) }
    }

    /// Sends a GET with these header lines.
    pub(crate) async fn get(&mut self, path: &str, headers: &[(&str, &str)]) {
        let headers: String = headers.iter().flat_map(|(name, value)| [name, ": ", value, "\r\n"]).collect();
        self.send(&format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n")).await.unwrap();
    }

    pub(crate) async fn send(&mut self, text: &str) -> std::io::Result<()> {
        self.stream.write_all(text.as_bytes()).await?;
        self.stream.flush().await
    }

    /// The head of the answer; nothing if the connection ended first.
    pub(crate) async fn head(&mut self) -> Option<Head> {
        let status = self.line().await?.split(' ').nth(1)?.parse().ok()?;
        let mut headers = Vec::new();
        loop {
            let line = self.line().await?;
            let Some((name, value)) = line.split_once(": ") else { break };
            headers.push((name.to_string(), value.to_string()));
        }
        Some(Head { status, headers })
    }

    /// The next piece of a chunked body; nothing at its end, or at the end of the connection.
    pub(crate) async fn chunk(&mut self) -> Option<String> {
        let length = usize::from_str_radix(&self.line().await?, 16).ok()?;
        let mut bytes = vec![0; length + 2];
        self.stream.read_exact(&mut bytes).await.ok()?;
        bytes.truncate(length);
        (length > 0).then(|| String::from_utf8(bytes).unwrap())
    }

    /// Head and body of an answer whose length is said.
    pub(crate) async fn answer(&mut self) -> Option<(Head, String)> {
        let head = self.head().await?;
        let mut body = String::new();
        if let Some(length) = head.header("content-length") {
            let mut bytes = vec![0; length.parse().unwrap()];
            self.stream.read_exact(&mut bytes).await.ok()?;
            body = String::from_utf8(bytes).unwrap();
        } else {
            while let Some(chunk) = self.chunk().await {
                body += &chunk;
            }
        }
        Some((head, body))
    }

    /// Waits until the other side ends the connection, whatever it still sends.
    pub(crate) async fn ended(&mut self) {
        let mut rest = Vec::new();
        let _reset_is_an_end = self.stream.read_to_end(&mut rest).await;
    }

    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.stream.read_line(&mut line).await {
            Ok(length) if length > 0 => Some(line.trim_end().to_string()),
            _ => None,
        }
    }
}

/// A server-sent event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) kind: String,
    pub(crate) id: String,
    pub(crate) data: String,
}

impl Event {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.data).unwrap()
    }
}

/// Cuts text into events. What is not whole stays.
#[derive(Debug, Default)]
pub(crate) struct Events {
    text: String,
}

impl Events {
    pub(crate) fn push(&mut self, text: &str) {
        self.text += text;
    }

    pub(crate) fn pop(&mut self) -> Option<Event> {
        let end = self.text.find("\n\n")?;
        let block: String = self.text.drain(..end + 2).collect();
        let field = |name: &str| {
            let lines: Vec<_> =
                block.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).collect();
            assert_eq!(lines.len(), 1, "every event has one {name}: {block}");
            lines[0].to_string()
        };
        Some(Event { kind: field("event"), id: field("id"), data: field("data") })
    }
}

/// Events of a body that is read without a server.
pub(crate) struct BodyEvents {
    body: Body,
    events: Events,
}

impl BodyEvents {
    pub(crate) fn new(response: axum::response::Response) -> Self {
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { body: response.into_body(), events: Events::default() }
    }

    /// The next event; nothing at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.events.pop() {
                return Some(event);
            }
            let frame = std::future::poll_fn(|context| Pin::new(&mut self.body).poll_frame(context)).await?;
            let data = frame.unwrap().into_data().unwrap();
            self.events.push(std::str::from_utf8(&data).unwrap());
        }
    }
}
