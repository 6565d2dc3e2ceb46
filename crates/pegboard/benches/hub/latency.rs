//! From the moment at which an event is due to the moment at which a client of the stream has it, with every commit on
//! disk before it is shown.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use pegboard::api::{self, Access, ApiOptions, ApiState, Transport};
use pegboard::console;
use serde::Deserialize;
use tokio::net::TcpListener;

use super::centre::Centre;
use super::{Outcome, quantile, start};

const AGENTS: u64 = 5000;
/// Events at the beginning that are not counted: connections and caches are new then.
const WARM_UP: f64 = 0.2;

#[derive(Deserialize)]
pub(crate) struct Entry {
    agent_id: String,
    status_name: String,
}

impl Entry {
    /// The number of the event that made it, where there are so many agents.
    pub(crate) fn number(&self, agents: u64) -> Option<u64> {
        let turn: u64 = self.status_name.rsplit_once(' ')?.1.parse().ok()?;
        Some(turn * agents + self.agent_id.parse::<u64>().ok()?)
    }
}

pub(crate) async fn run() -> Outcome {
    for (rate, seconds) in [(100, 20), (1000, 15), (5000, 10)] {
        measure(rate, seconds).await?;
    }
    Ok(())
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "small numbers"
)]
async fn measure(rate: u64, seconds: u64) -> Outcome {
    let folder = tempfile::tempdir()?;
    let events = rate * seconds;
    let centre = Centre::new(AGENTS, events, Some(rate as f64));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (hub, running, store) = start(&centre, &folder.path().join("bench.db")).await?;
    let state = ApiState::new(store, hub, ApiOptions::new(Access::Open, Transport::Plain));
    let serving = tokio::spawn(api::serve(
        listener,
        None,
        api::router(state, console::router()),
        std::future::pending(),
    ));
    let (sender, received) = channel();
    let client =
        std::thread::spawn(move || read(address, |entry| sender.send((entry, Instant::now())).is_ok()));
    let deadline = Instant::now() + Duration::from_secs(seconds + 10);
    let (mut taken, mut seen) = (Vec::new(), 0);
    let first = (events as f64 * WARM_UP) as u64;
    while seen < events && Instant::now() < deadline {
        let Ok((entry, at)) = received.recv_timeout(Duration::from_secs(5)) else { break };
        let Some((number, due)) = entry.number(AGENTS).and_then(|number| Some((number, centre.due(number)?)))
        else {
            continue;
        };
        seen = seen.max(number + 1);
        if number >= first {
            taken.push(at.saturating_duration_since(due).as_secs_f64() * 1000.0);
        }
    }
    let shown = taken.len();
    println!(
        "| event to stream client, {rate} events/s | p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms | {:.0}% of {} changes shown | commits with FULL sync, server-sent events over TCP |",
        quantile(&mut taken, 0.5),
        quantile(&mut taken, 0.99),
        quantile(&mut taken, 1.0),
        shown as f64 * 100.0 / (events - first) as f64,
        events - first,
    );
    serving.abort();
    running.stop().await?;
    drop(received);
    drop(client);
    Ok(())
}

/// Reads the stream until `take` has had enough.
pub(crate) fn read(address: SocketAddr, mut take: impl FnMut(Entry) -> bool) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    write!(
        stream,
        "GET /api/v1/agents/stream HTTP/1.1\r\nHost: {address}\r\nAccept: text/event-stream\r\n\r\n"
    )?;
    for line in BufReader::new(stream).lines() {
        let line = line?;
        let Some(data) = line.strip_prefix("data:") else { continue };
        let Ok(entry) = serde_json::from_str::<Entry>(data.trim()) else { continue };
        if !take(entry) {
            return Ok(());
        }
    }
    Ok(())
}
