//! How long live commits wait while days are reloaded of which every row is another: the worst there is.
//!
//! ```text
//! cargo run --release -p pegboard-store --example reload -- /path/to/new.db
//! ```
//!
//! A day has 100,000 rows, as a centre of 1,000 agents. One line of JSON for each phase: how long it took for a day, and how
//! long a small batch, of which one is committed every 20 ms meanwhile, took from being handed in until it was durable.

#![expect(clippy::print_stdout, reason = "its answer")]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use pegboard_model::{Millis, PartitionId, Position, SourceName, Timestamp};
use pegboard_store::{
    Batch, Close, ClosedUntil, Counts, ReloadState, ReloadStep, ReloadWork, ReloadWrite, RowWrite,
    SqliteOptions, SqliteStore, Store,
};

/// Days, agents with a row in every interval, and intervals of a day.
const DAYS: i64 = 5;
const AGENTS: usize = 1042;
const INTERVALS: i64 = 96;

/// Rows of one step, as the hub does it.
const ROWS_AT_ONCE: usize = 500;

/// How often a small batch is committed meanwhile.
const EVERY: Duration = Duration::from_millis(20);

fn clock() -> Timestamp {
    Timestamp::from_seconds(1_772_323_200)
}

fn source() -> SourceName {
    "bench".into()
}

fn day(number: i64) -> Timestamp {
    clock() + Millis::from_hours(24 * number)
}

/// The rows of a day. Their columns are as long as those of `agent_interval`.
fn rows(number: i64, version: u32) -> impl Iterator<Item = RowWrite> {
    let intervals = (0..INTERVALS).map(move |interval| day(number) + Millis::from_minutes(15 * interval));
    intervals.flat_map(move |interval_start| {
        (0..AGENTS).map(move |agent| RowWrite {
            report: "agent_interval".into(),
            interval_start,
            key: format!("arn:aws:connect:eu-central-1:123456789012:instance/i/agent/{agent:06}"),
            body: format!(
                "{{\"agent_id\":\"{agent:06}\",\"version\":{version},\"filler\":\"{}\"}}",
                "x".repeat(700)
            ),
            reason: "reload".into(),
        })
    })
}

/// Commits small batches until told to stop; answers how long each took.
async fn live(store: Arc<SqliteStore>, ends: Arc<AtomicBool>, partition: &str) -> Vec<Duration> {
    let partition = PartitionId::from(partition);
    let epoch = store.take_partition(&source(), &partition, &[]).await.map_or(0, |taken| taken.epoch);
    let mut took = Vec::new();
    let mut position = 0;
    while !ends.load(Ordering::SeqCst) {
        let batch = Batch {
            source: source(),
            partition: partition.clone(),
            epoch,
            expected: (position > 0).then_some(Position::Number(position)),
            position: Some(Position::Number(position + 1)),
            watermark: None,
            behind: None,
            finished: false,
            counts: Counts { records: 1, ..Counts::default() },
            agents: Vec::new(),
            evidence: Vec::new(),
            segments: Vec::new(),
            contacts: Vec::new(),
            dirty: Vec::new(),
            states: Vec::new(),
            dead_letters: Vec::new(),
            gaps: Vec::new(),
            contact_events: Vec::new(),
            acd_rows: Vec::new(),
            queue_names: Vec::new(),
            events: None,
            archive: None,
        };
        let started = Instant::now();
        if store.commit(batch).await.is_ok() {
            position += 1;
            took.push(started.elapsed());
        }
        tokio::time::sleep(EVERY).await;
    }
    took.sort_unstable();
    took
}

/// Does something while small batches are committed, and prints how long they took.
async fn beside_live<T>(store: &Arc<SqliteStore>, phase: &str, work: impl Future<Output = T>) -> T {
    let ends = Arc::new(AtomicBool::new(false));
    let (own, end, lane) = (store.clone(), ends.clone(), phase.to_owned());
    let lane = tokio::spawn(async move { live(own, end, &lane).await });
    let started = Instant::now();
    let done = work.await;
    let whole = started.elapsed();
    ends.store(true, Ordering::SeqCst);
    let took = lane.await.unwrap_or_default();
    let millis = |part: usize| {
        let at = (took.len() * part / 1000).min(took.len().saturating_sub(1));
        took.get(at).map_or(0.0, |took| took.as_secs_f64() * 1000.0)
    };
    println!(
        "{{\"phase\":\"{phase}\",\"day_s\":{:.3},\"commits\":{},\"p50_ms\":{:.1},\"p99_ms\":{:.1},\"max_ms\":{:.1}}}",
        whole.as_secs_f64() / f64::from(i32::try_from(DAYS).unwrap_or(1)),
        took.len(),
        millis(500),
        millis(990),
        millis(1000),
    );
    done
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("name a new file")?;
    let store = Arc::new(SqliteStore::open(Path::new(&path), SqliteOptions::new(clock))?);
    let epoch = store.take_closer(&source()).await?.epoch;
    for number in 0..DAYS {
        let all: Vec<RowWrite> = rows(number, 1).collect();
        for some in all.chunks(20_000) {
            let closed_until = ClosedUntil::both(day(number + 1));
            let (rows, gone, answered) = (some.to_vec(), Vec::new(), Vec::new());
            store
                .close(Close { source: source(), epoch, closed_until, rows, gone, answered, at: clock() })
                .await?;
        }
    }
    beside_live(&store, "nothing", tokio::time::sleep(Duration::from_secs(10))).await;
    let (asked, progress) = ("{}".to_owned(), "{}".to_owned());
    let write = ReloadWrite { source: source(), at: clock(), asked, progress };
    let id = store.add_reload(write, 1).await?.ok_or("another reload is there")?;
    let step = async |work: ReloadWork| {
        let (state, progress) = (ReloadState::Running, "{}".to_owned());
        store
            .reload_step(ReloadStep { source: source(), epoch, id, state, progress, at: clock(), work })
            .await
    };
    let reload = async {
        let (mut aside, mut swaps, mut moved) = (Duration::ZERO, Vec::new(), Duration::ZERO);
        for number in 0..DAYS {
            let all: Vec<RowWrite> = rows(number, 2).collect();
            let started = Instant::now();
            step(ReloadWork::Begin { from: day(number), to: day(number + 1) }).await?;
            for some in all.chunks(ROWS_AT_ONCE) {
                step(ReloadWork::SetAside { rows: some.to_vec(), gone: Vec::new() }).await?;
            }
            aside += started.elapsed();
            let started = Instant::now();
            step(ReloadWork::Swap { rows: all.len() as u64, answered: Vec::new(), reason: "reload".into() })
                .await?;
            swaps.push(started.elapsed());
            let started = Instant::now();
            while step(ReloadWork::Move(ROWS_AT_ONCE)).await?.goes_on {}
            moved += started.elapsed();
        }
        Ok::<_, Box<dyn Error>>((aside, swaps, moved))
    };
    let (aside, swaps, moved) = beside_live(&store, "reload", reload).await?;
    let days = f64::from(i32::try_from(DAYS)?);
    println!(
        "{{\"rows_a_day\":{},\"set_aside_s\":{:.2},\"longest_swap_ms\":{:.1},\"move_s\":{:.2}}}",
        AGENTS * usize::try_from(INTERVALS)?,
        aside.as_secs_f64() / days,
        swaps.iter().max().map_or(0.0, |took| took.as_secs_f64() * 1000.0),
        moved.as_secs_f64() / days,
    );
    store.shut_down().await?;
    Ok(())
}
