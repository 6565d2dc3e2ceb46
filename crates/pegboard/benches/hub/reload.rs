//! A month of a centre made anew while live events flow: how long that takes, what it takes of memory, how long live events wait
//! meanwhile, and whether its rows are the truth.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use pegboard::api::{self, Access, ApiOptions, ApiState, Transport};
use pegboard::config::{FileSettings, SourceConfig, SourceInput};
use pegboard::runtime::hub::{Hub, Running};
use pegboard::runtime::reload::{ReloadRequest, ReloadStatus};
use pegboard::runtime::view::View as _;
use pegboard::{clock, console};
use pegboard_engine::queues::QueueGoals;
use pegboard_model::{SourceName, Timestamp};
use pegboard_store::{ReloadState, SqliteOptions, SqliteStore, Store};
use tokio::net::TcpListener;

use super::centre::Centre;
use super::latency::read;
use super::month::{Month, SERVICE_LEVELS, Told, fingerprint};
use super::{Outcome, quantile};

/// Live events a second, and the agents whose they are.
const RATE: f64 = 100.0;
const LIVE_AGENTS: u64 = 1000;

/// How long nobody looks at live events after the start.
const WARM_UP: Duration = Duration::from_secs(3);

/// How long they are looked at before the reload, to compare with.
const BEFORE: Duration = Duration::from_secs(10);

/// The reports that are made of contacts.
const OF_CONTACTS: [&str; 2] = ["queue_interval", "agent_queue_interval"];

fn source() -> SourceName {
    "bench".into()
}

/// So many days of so many agents in a folder, which keeps what was read for the next time; each step in a process of its own.
pub(crate) fn run(days: &str, agents: &str, folder: &Path) -> Outcome {
    fs::create_dir_all(folder)?;
    let own = folder.join(format!("month-{days}x{agents}"));
    if !own.join("told.json").exists() {
        // What was broken off is begun again.
        drop(fs::remove_dir_all(&own));
        fs::create_dir(&own)?;
        step(&["reload", "fill", days, agents], &own)?;
    }
    for goals in ["1", "0"] {
        step(&["reload", "measure", goals, agents], &own)?;
    }
    Ok(())
}

fn step(words: &[&str], folder: &Path) -> Outcome {
    let status = Command::new(std::env::current_exe()?).args(words).arg(folder).status()?;
    if status.success() { Ok(()) } else { Err(format!("{words:?} failed: {status}").into()) }
}

fn config(goals: usize) -> SourceConfig {
    let default_goals = QueueGoals { service_level: SERVICE_LEVELS[goals], ..QueueGoals::default() };
    let input = SourceInput::File(FileSettings::new("bench".into()));
    SourceConfig { default_goals, ..SourceConfig::new("bench", input) }
}

async fn start(
    month: &Month,
    goals: usize,
    folder: &Path,
) -> Result<(Arc<Hub>, Running, Arc<dyn Store>), Box<dyn std::error::Error>> {
    let options = SqliteOptions::new(clock::system);
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&folder.join("bench.db"), options)?);
    let sources = vec![(config(goals), Box::new(month.clone()) as _)];
    let (hub, running) = Hub::start(sources, store.clone(), clock::system).await?;
    Ok((hub, running, store))
}

/// Has the hub read the days and close their intervals.
pub(crate) async fn fill(days: u32, agents: usize, folder: &Path) -> Outcome {
    let (month, began) = (Month::lived(days, agents, clock::system()), Instant::now());
    let (_hub, running, store) = start(&month, 0, folder).await?;
    let told = loop {
        if let Some(told) = month.told() {
            break told;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    let records = told.events + told.contacts;
    super::until_read(&*store, records).await?;
    let end = told.days.last().map_or(Timestamp::MIN, |day| day.to);
    loop {
        let closed = store.source_state(&source()).await?.closed_until.least();
        if closed.is_some_and(|until| end <= until) && store.dirty(&source(), 1).await?.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    println!(
        "| {days} days of {agents} agents read and closed | {:.0} s | {} agent events, {} contact records | once; kept for the next time |",
        began.elapsed().as_secs_f64(),
        told.events,
        told.contacts
    );
    running.stop().await?;
    check(&told, 0, folder).await?;
    fs::write(folder.join("told.json"), serde_json::to_vec(&told)?)?;
    Ok(())
}

/// Has all of the days made anew by other goals, beside live events.
pub(crate) async fn measure(goals: usize, agents: usize, folder: &Path) -> Outcome {
    let told: Told = serde_json::from_slice(&fs::read(folder.join("told.json"))?)?;
    let centre = Centre::new(LIVE_AGENTS, u64::MAX / 2, Some(RATE));
    let (hub, running, store) = start(&Month::beside(centre.clone()), goals, folder).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let state = ApiState::new(store.clone(), hub.clone(), ApiOptions::new(Access::Open, Transport::Plain));
    let router = api::router(state, console::router());
    let serving = tokio::spawn(api::serve(listener, None, router, std::future::pending()));
    let (sender, received) = channel();
    std::thread::spawn(move || {
        read(address, |entry| {
            let due = entry.number(LIVE_AGENTS).and_then(|number| centre.due(number));
            due.is_none_or(|due| sender.send((due, due.elapsed())).is_ok())
        })
    });

    tokio::time::sleep(WARM_UP).await;
    let looked = Instant::now();
    tokio::time::sleep(BEFORE).await;
    let idle_mb = memory_mb("VmRSS:")?;
    // From here on the most that it takes is counted anew.
    fs::write("/proc/self/clear_refs", "5")?;
    let began = Instant::now();
    let done = reload(&hub, &told).await?;
    let took = began.elapsed();
    let peak_mb = memory_mb("VmHWM:")?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    running.stop().await?;
    serving.abort();
    drop((hub, store));
    let taken: Vec<_> = received.try_iter().collect();
    let of = |from: Instant, to: Instant| -> Vec<f64> {
        let within = taken.iter().filter(|(due, _)| from <= *due && *due < to);
        within.map(|(_, took)| took.as_secs_f64() * 1000.0).collect()
    };
    let (mut before, mut meanwhile) = (of(looked, began), of(began, began + took));
    check(&told, goals, folder).await?;
    let progress = done.progress;
    println!(
        "| reload of {} days of {agents} agents, {} agent events, {} contact records | {:.1} s: {} rows derived, {} differ; {idle_mb} MB before, {peak_mb} MB at most | live, {RATE} events/s to a stream client: p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms; before the reload {:.1}, {:.1} and {:.1} ms | once; every row of contacts is the truth |",
        progress.days,
        told.events,
        told.contacts,
        took.as_secs_f64(),
        progress.rows,
        progress.differ,
        quantile(&mut meanwhile, 0.5),
        quantile(&mut meanwhile, 0.99),
        quantile(&mut meanwhile, 1.0),
        quantile(&mut before, 0.5),
        quantile(&mut before, 0.99),
        quantile(&mut before, 1.0),
    );
    Ok(())
}

async fn reload(hub: &Hub, told: &Told) -> Result<ReloadStatus, Box<dyn std::error::Error>> {
    let (Some(first), Some(last)) = (told.days.first(), told.days.last()) else {
        return Err("there are no days".into());
    };
    let date = |at: Timestamp| at.to_string()[..10].parse();
    let (from, to) = (date(first.from)?, date(last.from)?);
    let asked = hub.reload(ReloadRequest { to, ..ReloadRequest::of_day(source(), from) }, "bench").await?;
    loop {
        let found = hub.reloads(&[], Some(asked.id + 1), 1).await?.remove(0);
        match found.state {
            ReloadState::Done if found.progress.notes.is_empty() => return Ok(found),
            state if state.is_open() => tokio::time::sleep(Duration::from_millis(20)).await,
            _ => return Err(format!("the reload ends as {found:?}").into()),
        }
    }
}

/// Fails unless every row of contacts is what the simulator says that it must be.
async fn check(told: &Told, goals: usize, folder: &Path) -> Outcome {
    let store = SqliteStore::open(&folder.join("bench.db"), SqliteOptions::new(clock::system))?;
    for day in &told.days {
        let mut rows = Vec::new();
        for report in OF_CONTACTS {
            let stored = store.rows(&source(), report, day.from, day.to).await?;
            rows.extend(stored.into_iter().map(|row| (report, row.body)));
        }
        let found = fingerprint(rows);
        if found != day.rows[goals] {
            let expected = day.rows[goals];
            return Err(
                format!("{}: rows and their hash are {found:?}, and must be {expected:?}", day.from).into()
            );
        }
    }
    store.shut_down().await?;
    Ok(())
}

/// What the process holds in memory, by the kernel's name of it.
fn memory_mb(name: &str) -> Result<u64, Box<dyn std::error::Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).ok_or("no such line")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse::<u64>()? / 1024)
}
