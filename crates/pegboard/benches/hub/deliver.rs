//! Changes of agents' states to a WFM: from the moment an event is due to the moment the WFM has acknowledged its change, and how fast
//! a backlog goes out. The WFM is the stand-in for NICE's service, which checks whatever it is sent; beside the hub a bare client
//! posts the very same messages to another one.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use pegboard::clock;
use pegboard::config::{FileSettings, SourceConfig, SourceInput};
use pegboard::runtime::deliver::SinkSetup;
use pegboard::runtime::deliver::hold::HoldPolicy;
use pegboard::runtime::hub::{Hub, NodeOptions, Running};
use pegboard_client::Connection;
use pegboard_sim::stand_in::asc_manager::{AscManager, Options};
use pegboard_sinks::cxone::CxoneSink;
use pegboard_sinks::{Changes, Document, Encoder, Outcome as Sent, Pace, Sink, SinkReport, StatesLane};
use pegboard_store::{Retention, SqliteOptions, SqliteStore};
use serde::Deserialize;

use super::centre::Centre;
use super::{Outcome, quantile, start_over, until_read};

const AGENTS: u64 = 5000;
/// Events at the beginning that are not counted: connections and caches are new then.
const WARM_UP: f64 = 0.2;
/// More than the stand-in takes: what is measured is not a setting.
const PACE: Pace = Pace { per_second: 100_000, at_once: 100_000 };

/// A message that the WFM has acknowledged, and when.
type Acknowledged = (Vec<u8>, Instant);

/// Tells of what is acknowledged.
#[derive(Debug)]
struct Watched {
    target: CxoneSink,
    told: Sender<Acknowledged>,
}

#[async_trait]
impl Sink for Watched {
    fn kind(&self) -> &'static str {
        self.target.kind()
    }

    fn states(&self) -> Option<StatesLane> {
        self.target.states()
    }

    fn reports(&self) -> &[SinkReport] {
        &[]
    }

    async fn send(&self, encoder: &'static Encoder, document: &Document, key: &str) -> Sent {
        let sent = self.target.send(encoder, document, key).await;
        if sent == Sent::Accepted {
            // Nobody listens any more once enough has arrived.
            drop(self.told.send((document.body.clone(), Instant::now())));
        }
        sent
    }

    async fn probe(&self) -> Result<String, String> {
        self.target.probe().await
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    agent_states: Vec<State>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct State {
    agent_id: String,
    event_id: String,
}

impl State {
    /// The number of the event that made it.
    fn number(&self) -> Option<u64> {
        let turn: u64 = self.event_id.rsplit_once(' ')?.1.parse().ok()?;
        Some(turn * AGENTS + self.agent_id.parse::<u64>().ok()?)
    }
}

pub(crate) async fn run(backlog: u64) -> Outcome {
    for (rate, seconds) in [(100, 20), (1000, 15)] {
        latency(rate, seconds).await?;
    }
    drain(backlog).await
}

fn stand_in() -> std::io::Result<AscManager> {
    AscManager::serve(Options::at(clock::system()))
}

/// A store whose feed reaches back to the beginning of any backlog: by default the oldest of more than a million entries are swept, and
/// then everybody's present state would be delivered in place of every change.
fn store(path: &Path) -> Result<Arc<SqliteStore>, Box<dyn std::error::Error>> {
    let retention = Retention { feed_entries: u64::from(u32::MAX), ..Retention::default() };
    Ok(Arc::new(SqliteStore::open(path, SqliteOptions { retention, ..SqliteOptions::new(clock::system) })?))
}

/// A hub over a store that delivers what it reads from the centre.
async fn deliver(
    centre: &Centre,
    path: &Path,
    manager: &AscManager,
    changes: Changes,
) -> Result<(Running, Receiver<Acknowledged>), Box<dyn std::error::Error>> {
    let connection = Connection::builder()
        .service_url(manager.url())
        .access_key("KEYID====")
        .secret_key("KEYSECRET====")
        .tenant("demo")
        .allow("127.0.0.1")
        .build()?;
    let (told, acknowledged) = channel();
    let target = CxoneSink::new(connection, Some(changes), Vec::new(), clock::system);
    // The centre does not say up to when it is read: it would be waited for.
    let hold = HoldPolicy { while_stale: false, collapse: None };
    let setup = SinkSetup::new("wfm".into(), Box::new(Watched { target, told }));
    let sink = SinkSetup { pace: Some(PACE), hold, ..setup };
    let config = SourceConfig::new("bench", SourceInput::File(FileSettings::new("bench".into())));
    let store = store(path)?;
    let (sources, options): (Vec<_>, _) =
        (vec![(config, Box::new(centre.clone()) as _)], NodeOptions::default());
    let (_, running) = Hub::join_and_deliver(sources, vec![sink], store, clock::system, options).await?;
    Ok((running, acknowledged))
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "small numbers"
)]
async fn latency(rate: u64, seconds: u64) -> Outcome {
    let folder = tempfile::tempdir()?;
    let events = rate * seconds;
    let (centre, manager) = (Centre::new(AGENTS, events, Some(rate as f64)), stand_in()?);
    let (running, acknowledged) =
        deliver(&centre, &folder.path().join("bench.db"), &manager, Changes::Latest).await?;
    let first = (events as f64 * WARM_UP) as u64;
    let (mut taken, mut messages, mut seen) = (Vec::new(), Vec::new(), 0);
    while seen < events {
        // It is awaited on another thread: this one may be needed to deliver.
        let Ok((body, at)) =
            tokio::task::block_in_place(|| acknowledged.recv_timeout(Duration::from_secs(5)))
        else {
            break;
        };
        for state in serde_json::from_slice::<Message>(&body)?.agent_states {
            let Some((number, due)) = state.number().and_then(|number| Some((number, centre.due(number)?)))
            else {
                continue;
            };
            seen = seen.max(number + 1);
            if number >= first {
                taken.push(at.saturating_duration_since(due).as_secs_f64() * 1000.0);
            }
        }
        messages.push(body);
    }
    running.stop().await?;
    let (mut bare, _) = post(&messages)?;
    println!(
        "| event to acknowledged by the WFM, {rate} changes/s | p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms | a bare client posts such a message, {:.1} changes on average, in p50 {:.1} ms, p99 {:.1} ms | {:.0}% of {} changes acknowledged; the stand-in for NICE's service over TCP, in the same process |",
        quantile(&mut taken, 0.5),
        quantile(&mut taken, 0.99),
        quantile(&mut taken, 1.0),
        events as f64 / messages.len() as f64,
        quantile(&mut bare, 0.5),
        quantile(&mut bare, 0.99),
        taken.len() as f64 * 100.0 / (events - first) as f64,
        events - first,
    );
    Ok(())
}

/// A hub that has a backlog because the sink is new, and every change counts.
#[expect(clippy::cast_precision_loss, reason = "a few million at most")]
async fn drain(backlog: u64) -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("bench.db");
    let manager = stand_in()?;
    // The sink is known from before the first event on.
    let nothing = Centre::new(AGENTS, 0, None);
    let (running, _) = deliver(&nothing, &path, &manager, Changes::Every).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    running.stop().await?;
    let centre = Centre::new(AGENTS, backlog, None);
    let filling = Instant::now();
    let (_, running, store) = start_over(&centre, store(&path)?).await?;
    until_read(&*store, backlog).await?;
    running.stop().await?;
    drop(store);
    let filled = filling.elapsed();

    let began = Instant::now();
    let (running, acknowledged) = deliver(&centre, &path, &manager, Changes::Every).await?;
    let (mut messages, mut arrived, mut last) = (Vec::new(), 0, began);
    while arrived < backlog {
        let Ok((body, at)) =
            tokio::task::block_in_place(|| acknowledged.recv_timeout(Duration::from_secs(10)))
        else {
            return Err(format!("{arrived} of {backlog} changes arrived").into());
        };
        arrived += serde_json::from_slice::<Message>(&body)?.agent_states.len() as u64;
        last = at;
        messages.push(body);
    }
    running.stop().await?;
    let took = last.duration_since(began);
    let (_, bare) = post(&messages)?;
    println!(
        "| a backlog of {backlog} changes, every one in order | {:.1} s, {:.0} changes/s | {:.2} of a bare client that posts the same {} messages ({:.0} changes/s) | from the start of the hub; the stand-in in the same process; the backlog was read in {:.1} s |",
        took.as_secs_f64(),
        backlog as f64 / took.as_secs_f64(),
        bare.as_secs_f64() / took.as_secs_f64(),
        messages.len(),
        backlog as f64 / bare.as_secs_f64(),
        filled.as_secs_f64(),
    );
    Ok(())
}

/// Posts messages one after the other over one connection, and does nothing else. Answers how many milliseconds each took, and how
/// long all of them.
fn post(messages: &[Vec<u8>]) -> Result<(Vec<f64>, Duration), Box<dyn std::error::Error>> {
    let manager = stand_in()?;
    let host = manager.url().trim_start_matches("http://").to_owned();
    let stream = TcpStream::connect(&host)?;
    stream.set_nodelay(true)?;
    let (mut writer, mut reader) = (stream.try_clone()?, BufReader::new(stream));
    let mut exchange = |path: &str, headers: &str, body: &[u8]| -> std::io::Result<Vec<u8>> {
        let mut request = format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n{headers}content-length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(body);
        writer.write_all(&request)?;
        answer(&mut reader)
    };
    let login = r#"{"accessKeyId":"KEYID====","accessKeySecret":"KEYSECRET===="}"#;
    let token: serde_json::Value = serde_json::from_slice(&exchange("/asc/v1/token", "", login.as_bytes())?)?;
    let token = token["access_token"].as_str().ok_or("no token")?.to_owned();
    let (began, mut each) = (Instant::now(), Vec::with_capacity(messages.len()));
    for (number, message) in messages.iter().enumerate() {
        let sent = Instant::now();
        let headers = format!("authorization: Bearer {token}\r\nidempotency-key: bare/{number}\r\n");
        exchange("/asc/v1/agent-states", &headers, message)?;
        each.push(sent.elapsed().as_secs_f64() * 1000.0);
    }
    let took = began.elapsed();
    let refused = manager.counts().refused;
    if refused.is_empty() { Ok((each, took)) } else { Err(format!("refused: {refused:?}").into()) }
}

/// The body of an answer.
fn answer(reader: &mut BufReader<TcpStream>) -> std::io::Result<Vec<u8>> {
    let (mut length, mut line) = (0, String::new());
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim().split_once(':') else {
            if line.trim().is_empty() {
                break;
            }
            continue;
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(body)
}
