//! Snapshot, then stream, shows every change once and in order: on the real store, through the real server, to
//! clients that are killed while it goes on.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use pegboard::api::{Access, ApiOptions, ApiState, Rate, Transport, router, serve, tokens};
use pegboard_model::{AgentNow, PartitionId, Position, SourceName, Timestamp};
use pegboard_store::{AgentWrite, Batch, Counts, Role, SqliteOptions, SqliteStore, Store};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::client::{Connection, Event, Events};
use crate::fake::{FakeView, NOW, agent};

const SOURCES: [&str; 2] = ["acme", "globex"];
/// Agents of each source.
const AGENTS: u64 = 20;
/// How often each agent's state changes.
const CHANGES: u64 = 100;
const SOON: Duration = Duration::from_secs(20);

fn clock() -> Timestamp {
    NOW
}

/// The state of an agent that says how often it has changed.
fn changed(source: &SourceName, number: u64, times: u64) -> AgentNow {
    let mut agent = agent(source.as_str(), &format!("a-{number}"));
    agent.reason = times.to_string().into();
    agent
}

/// Changes every agent of a source again and again, a few in each batch.
async fn write_changes(store: Arc<dyn Store>, source: SourceName) {
    let partition = PartitionId::from("shard-1");
    let taken = store.take_partition(&source, &partition, &[]).await.unwrap();
    let mut position = None;
    for times in 1..=CHANGES {
        for first in (0..AGENTS).step_by(5) {
            let states: Vec<_> = (first..first + 5).map(|number| changed(&source, number, times)).collect();
            let expected = position.replace(Position::Number(times * AGENTS + first));
            let batch = Batch {
                source: source.clone(),
                partition: partition.clone(),
                epoch: taken.epoch,
                expected,
                position: position.clone(),
                watermark: None,
                behind: None,
                finished: false,
                counts: Counts::default(),
                agents: states.iter().map(agent_write).collect(),
                evidence: vec![],
                segments: vec![],
                contacts: vec![],
                dirty: vec![],
                states,
                dead_letters: vec![],
                gaps: vec![],
                contact_events: vec![],
                acd_rows: vec![],
                queue_names: vec![],
                events: None,
                archive: None,
            };
            store.commit(batch).await.unwrap();
        }
    }
}

fn agent_write(now: &AgentNow) -> AgentWrite {
    AgentWrite {
        agent: now.agent_id.clone(),
        track: "{}".to_string(),
        now: now.clone(),
        heard: now.since,
        begins: None,
        // Every change of the test is one write, and the reason counts them.
        version: now.reason.parse::<u64>().unwrap() - 1,
    }
}

/// What a client knows: how often the state of each agent has changed.
#[derive(Default)]
struct Known(HashMap<String, u64>);

impl Known {
    fn key(agent: &Value) -> String {
        format!("{}/{}", agent["source"], agent["agent_id"])
    }

    fn times(agent: &Value) -> u64 {
        agent["reason"].as_str().unwrap().parse().unwrap()
    }

    fn of_snapshot(snapshot: &Value) -> Self {
        let agents = snapshot["agents"].as_array().unwrap();
        Self(agents.iter().map(|agent| (Self::key(agent), Self::times(agent))).collect())
    }

    fn hear(&mut self, event: &Event) {
        if event.kind == "state" {
            let agent = event.json();
            let before = self.0.insert(Self::key(&agent), Self::times(&agent)).unwrap_or_default();
            assert_eq!(Self::times(&agent), before + 1, "{agent}: every change once, in order");
        }
    }

    fn is_whole(&self) -> bool {
        self.0.len() as u64 == AGENTS * 2 && self.0.values().all(|times| *times == CHANGES)
    }
}

/// Takes the snapshot, follows the stream from its cursor, and is killed again and again. Answers how often.
async fn follow(address: SocketAddr, token: String, seed: u64) -> u64 {
    let bearer = format!("Bearer {token}");
    let mut connection = Connection::new(TcpStream::connect(address).await.unwrap());
    connection.get("/api/v1/agents", &[("authorization", &bearer)]).await;
    let snapshot: Value = serde_json::from_str(&connection.answer().await.unwrap().1).unwrap();
    let mut known = Known::of_snapshot(&snapshot);
    let mut cursor = snapshot["cursor"].as_str().unwrap().to_string();
    let mut lives = 0;
    while !known.is_whole() {
        lives += 1;
        let mut left = 1 + (seed * 7919 + lives * 104_729) % 300;
        let mut connection = Connection::new(TcpStream::connect(address).await.unwrap());
        connection
            .get("/api/v1/agents/stream", &[("authorization", &bearer), ("last-event-id", &cursor)])
            .await;
        assert_eq!(connection.head().await.unwrap().status, 200);
        let mut events = Events::default();
        // Then it is dropped with whatever is on its way: the next life starts after the last event that was heard.
        while left > 0 && !known.is_whole() {
            events.push(
                &timeout(SOON, connection.chunk()).await.expect("in time").expect("the stream goes on"),
            );
            while let Some(event) = if left > 0 { events.pop() } else { None } {
                known.hear(&event);
                cursor = event.id;
                left -= 1;
            }
        }
    }
    lives
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn snapshot_then_stream_shows_every_change_once_even_to_a_client_that_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> =
        Arc::new(SqliteStore::open(&folder.path().join("store.db"), SqliteOptions::new(clock)).unwrap());
    let (token, write) = tokens::create("test", Role::Viewer, vec![], None, NOW);
    store.add_token(write).await.unwrap();
    let mut options = ApiOptions::new(Access::Tokens, Transport::Plain);
    options.limits.requests = Rate { per_second: 1e6, burst: 1e6 };
    let api = router(ApiState::new(store.clone(), FakeView::new(&SOURCES), options), axum::Router::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(serve(listener, None, api, std::future::pending()));
    let writers = SOURCES.map(|source| tokio::spawn(write_changes(store.clone(), source.into())));
    let clients: Vec<_> =
        (0..4).map(|seed| tokio::spawn(follow(address, token.expose().to_string(), seed))).collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let mut lives = 0;
    for client in clients {
        lives += timeout(SOON, client).await.expect("in time").unwrap();
    }
    assert!(lives > 20, "the clients were killed {lives} times: too few to show anything");
    server.abort();
}
