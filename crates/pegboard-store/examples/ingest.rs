//! How fast batches become durable: the same ones into a SQLite file and into a PostgreSQL schema, and beside them the
//! bare disk, which waits for as many small writes.
//!
//! ```text
//! cargo run --release -p pegboard-store --example ingest -- sqlite:/path/to/new.db
//! cargo run --release -p pegboard-store --example ingest -- 'postgres://postgres@127.0.0.1/pegboard?schema=bench'
//! cargo run --release -p pegboard-store --example ingest -- disk:/path/to/new.file
//! ```
//!
//! One line of JSON for each size of a batch and number of partitions that commit at once. Each event brings what it brings
//! the hub: evidence, a replaced timeline, the agent's state and an entry of the feed.

#![expect(clippy::print_stdout, reason = "its answer")]

use std::error::Error;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pegboard_model::{
    AgentNow, AgentProfile, Class, Observation, Order, PartitionId, Position, Segment, Snapshot, SourceName,
    State, Status, StatusKind, Timestamp, What,
};
use pegboard_store::{
    AgentWrite, Batch, Counts, PostgresOptions, PostgresStore, SegmentsWrite, SqliteOptions, SqliteStore,
    Store,
};

/// How long each line measures.
const LASTS: Duration = Duration::from_secs(5);

/// Events in a batch, and partitions that commit at once.
const SHAPES: [(u64, u64); 6] = [(1, 1), (1, 8), (100, 1), (100, 4), (1000, 1), (1000, 4)];

/// Agents of one partition: no batch has two events of the same.
const AGENTS: u64 = 1000;

fn clock() -> Timestamp {
    Timestamp::from_seconds(1_772_355_600)
}

fn source() -> SourceName {
    "bench".into()
}

/// The events of one partition, batch after batch.
struct Lane {
    partition: PartitionId,
    epoch: u64,
    events: u64,
}

impl Lane {
    fn batch(&self, size: u64) -> Batch {
        let events = self.events..self.events + size;
        Batch {
            source: source(),
            partition: self.partition.clone(),
            epoch: self.epoch,
            expected: (self.events > 0).then_some(Position::Number(self.events)),
            position: Some(Position::Number(self.events + size)),
            watermark: None,
            behind: None,
            finished: false,
            counts: Counts { records: size, events: size, ..Counts::default() },
            agents: events.clone().map(|event| self.agent(event)).collect(),
            evidence: events.clone().map(|event| self.evidence(event)).collect(),
            segments: events.clone().map(|event| self.segments(event)).collect(),
            contacts: Vec::new(),
            dirty: Vec::new(),
            states: events.map(|event| self.now(event)).collect(),
            dead_letters: Vec::new(),
            gaps: Vec::new(),
            contact_events: Vec::new(),
            acd_rows: Vec::new(),
            queue_names: Vec::new(),
            events: None,
            archive: None,
        }
    }

    fn id(&self, event: u64) -> String {
        format!(
            "arn:aws:connect:eu-central-1:123456789012:instance/i/agent/{}-{:06}",
            self.partition,
            event % AGENTS
        )
    }

    fn at(event: u64) -> Timestamp {
        Timestamp::from_millis(clock().as_millis() + event.cast_signed() * 10)
    }

    fn now(&self, event: u64) -> AgentNow {
        AgentNow::new(&source(), &self.id(event).as_str().into(), Self::at(event), &state(event), &profile())
    }

    fn agent(&self, event: u64) -> AgentWrite {
        AgentWrite {
            agent: self.id(event).as_str().into(),
            track: format!(
                "{{\"since\":\"{}\",\"heard\":{event},\"open\":{{\"class\":\"available\"}}}}",
                Self::at(event)
            ),
            now: self.now(event),
            heard: Self::at(event),
            begins: Some((clock(), Class::Available)),
            version: event / AGENTS,
        }
    }

    fn evidence(&self, event: u64) -> Observation {
        let snapshot = Snapshot {
            status: Arc::new(status(event)),
            status_since: Some(Self::at(event)),
            contacts: Vec::new(),
            profile: Some(profile()),
        };
        Observation {
            agent: self.id(event).as_str().into(),
            at: Self::at(event),
            order: Order { partition: self.partition.clone(), position: Position::Number(event) },
            id: format!("{event:08x}-a6b4-4c3c-8599-08c355a20f80").as_str().into(),
            what: What::Snapshot(snapshot),
        }
    }

    fn segments(&self, event: u64) -> SegmentsWrite {
        let segment = Segment { start: Self::at(event), end: None, state: state(event), mark: None };
        SegmentsWrite {
            agent: self.id(event).as_str().into(),
            from: Self::at(event),
            segments: vec![segment],
            until: None,
            keep_mark: false,
        }
    }
}

fn status(event: u64) -> Status {
    Status {
        id: Some("s-1".into()),
        name: format!("status {}", event % 7).as_str().into(),
        kind: StatusKind::Routable,
    }
}

fn state(event: u64) -> State {
    State {
        class: Class::Available,
        status: Some(Arc::new(status(event))),
        contact: None,
        signed_out: false,
        profile: profile(),
    }
}

fn profile() -> Arc<AgentProfile> {
    Arc::new(AgentProfile {
        login: "jdoe".into(),
        name: "Jane Doe".into(),
        team: "Billing".into(),
        ..AgentProfile::default()
    })
}

async fn commit_until(
    store: Arc<dyn Store>,
    mut lane: Lane,
    size: u64,
    end: Instant,
) -> pegboard_store::Result<u64> {
    let mut batches = 0;
    while Instant::now() < end {
        store.commit(lane.batch(size)).await?;
        lane.events += size;
        batches += 1;
    }
    Ok(batches)
}

async fn measure(store: &Arc<dyn Store>, size: u64, lanes: u64) -> Result<(), Box<dyn Error>> {
    let begun = Instant::now();
    let mut running = Vec::new();
    for number in 0..lanes {
        let partition = PartitionId::from(format!("{size}-{lanes}-{number}"));
        let epoch = store.take_partition(&source(), &partition, &[]).await?.epoch;
        let lane = Lane { partition, epoch, events: 0 };
        running.push(tokio::spawn(commit_until(store.clone(), lane, size, begun + LASTS)));
    }
    let mut batches = 0;
    for lane in running {
        batches += lane.await??;
    }
    tell(size, lanes, batches, begun.elapsed());
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "rates for people")]
fn tell(size: u64, lanes: u64, batches: u64, took: Duration) {
    let per_second = batches as f64 / took.as_secs_f64();
    println!(
        "{{\"events_in_batch\":{size},\"partitions\":{lanes},\"batches\":{batches},\"batches_per_s\":{per_second:.1},\
         \"events_per_s\":{:.0}}}",
        per_second * size as f64
    );
}

/// How often a second the disk keeps 8 KiB.
fn measure_disk(path: &Path) -> Result<(), Box<dyn Error>> {
    let mut file = std::fs::File::create_new(path)?;
    let (begun, mut writes) = (Instant::now(), 0);
    while begun.elapsed() < LASTS {
        file.write_all(&[7; 8192])?;
        file.sync_data()?;
        writes += 1;
    }
    tell(1, 1, writes, begun.elapsed());
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let place = std::env::args().nth(1).ok_or("name a store: sqlite:PATH, postgres://... or disk:PATH")?;
    if let Some(path) = place.strip_prefix("disk:") {
        return measure_disk(Path::new(path));
    }
    let store: Arc<dyn Store> = match place.strip_prefix("sqlite:") {
        Some(path) => Arc::new(SqliteStore::open(Path::new(path), SqliteOptions::new(clock))?),
        None => Arc::new(PostgresStore::open(&place.parse()?, PostgresOptions::new(clock)).await?),
    };
    for (size, lanes) in SHAPES {
        measure(&store, size, lanes).await?;
    }
    store.shut_down().await?;
    Ok(())
}
