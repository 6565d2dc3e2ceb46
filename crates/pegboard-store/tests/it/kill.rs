//! The process is killed at any moment.

use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use pegboard_model::{AgentNow, PartitionId, Timestamp};
use pegboard_store::{Batch, FeedKind, PostgresStore, SqliteStore, Store};

use crate::home::{Home, PostgresHome, SqliteHome};
use crate::sample::{event, event_write, events_write, position_of, source, whole_events, whole_feed};

/// Tells the child where the store is, and by being there that it is the child.
const STORE: &str = "PEGBOARD_KILL_TEST_STORE";

/// Tells the child to write one lane only: then nothing is written while a commit is acknowledged.
const LANES_OF_CHILD: &str = "PEGBOARD_KILL_TEST_ONE_LANE";

const KILLS: u64 = 20;
const LANES: usize = 4;

fn lane(number: usize) -> PartitionId {
    format!("lane-{number}").into()
}

fn agent(number: usize) -> String {
    format!("agent-{number}")
}

/// Commits numbered batches of one partition until the process dies, and prints each number once it is
/// acknowledged.
async fn commit_for_ever(store: Arc<dyn Store>, number: usize) {
    let partition = lane(number);
    let taken = store.take_partition(&source(), &partition, &[]).await.unwrap();
    let mut position = position_of(taken.position.as_ref());
    loop {
        let batch = Batch {
            partition: partition.clone(),
            events: Some(events_write(0, vec![event_write(position)])),
            ..event(taken.epoch, position, &agent(number))
        };
        store.commit(batch).await.unwrap();
        position += 1;
        // Not `println!`: the test harness would hold it back. One write, so that lanes do not mix.
        std::io::stderr().write_all(format!("acknowledged {number} {position}\n").as_bytes()).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the process that the tests of this file start and kill: they run it by its name"]
async fn child_that_is_killed() {
    let Some(place) = env::var_os(STORE) else { return };
    let store = open(&place).await;
    let lanes = env::var_os(LANES_OF_CHILD).map_or(LANES, |_| 1);
    let lanes: Vec<_> = (0..lanes).map(|lane| tokio::spawn(commit_for_ever(store.clone(), lane))).collect();
    for lane in lanes {
        lane.await.unwrap();
    }
}

/// The store at a path or a URL.
async fn open(place: &OsStr) -> Arc<dyn Store> {
    match place.to_str().and_then(|url| url.parse().ok()) {
        Some(url) => Arc::new(PostgresStore::open(&url, PostgresHome::options()).await.unwrap()),
        None => Arc::new(SqliteStore::open(Path::new(place), SqliteHome::options()).unwrap()),
    }
}

/// Runs the child until `lines` batches are acknowledged and `delay` has passed; answers the last number of each
/// lane that it was told.
fn run_and_kill(place: OsString, lines: u64, delay: Duration) -> BTreeMap<usize, u64> {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "kill::child_that_is_killed", "--ignored", "--nocapture"])
        .env(STORE, place)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stderr.take().unwrap());
    let mut acknowledged = BTreeMap::new();
    let mut line = String::new();
    for _ in 0..lines {
        line.clear();
        assert!(output.read_line(&mut line).unwrap() > 0, "the child ended by itself");
        note(&line, &mut acknowledged);
    }
    std::thread::sleep(delay);
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success());
    // What it was told before it died counts as well.
    for line in output.lines() {
        note(&line.unwrap(), &mut acknowledged);
    }
    acknowledged
}

fn note(line: &str, acknowledged: &mut BTreeMap<usize, u64>) {
    let words: Vec<&str> = line.split_whitespace().collect();
    let ["acknowledged", lane, number] = words[..] else { panic!("the child said: {line}") };
    acknowledged.insert(lane.parse().unwrap(), number.parse().unwrap());
}

#[tokio::test]
async fn r03_kill_loses_nothing_that_was_acknowledged() {
    let home = SqliteHome::new();
    kill_often(&home, home.path().into_os_string()).await;
}

#[tokio::test]
async fn r03_kill_loses_nothing_that_postgres_acknowledged() {
    let Some(home) = PostgresHome::new() else { return };
    kill_often(&home, home.url().to_string().into()).await;
}

async fn kill_often(home: &dyn Home, place: OsString) {
    let mut told: BTreeMap<usize, u64> = BTreeMap::new();
    for turn in 0..KILLS {
        let (lines, delay) = (turn * turn % 37 + turn % 3, Duration::from_micros(turn * 977 % 5000));
        let place = place.clone();
        told.extend(tokio::task::spawn_blocking(move || run_and_kill(place, lines, delay)).await.unwrap());
        check(&*home.open().await, &told).await;
    }
    assert!(told.values().sum::<u64>() > 4 * KILLS, "hardly anything was written: the test shows nothing");
}

/// Every acknowledged batch is there once, and position, counts, evidence and feed agree.
async fn check(store: &dyn Store, told: &BTreeMap<usize, u64>) {
    let partitions = store.partitions(&source()).await.unwrap();
    let feed = whole_feed(store, FeedKind::States).await;
    let numbers: Vec<u64> = feed.iter().map(|entry| entry.number).collect();
    assert_eq!(numbers, (1..=feed.len() as u64).collect::<Vec<_>>());
    let changes: Vec<AgentNow> =
        feed.iter().map(|entry| serde_json::from_str(&entry.body).unwrap()).collect();
    let events = whole_events(store).await;
    assert!(events.iter().map(|event| event.number).eq(1..=events.len() as u64), "no event is missing");
    let mut total = 0;
    for number in 0..LANES {
        let partition = partitions.iter().find(|state| state.partition == lane(number));
        let position = position_of(partition.and_then(|state| state.position.as_ref()));
        let acknowledged = told.get(&number).copied().unwrap_or(0);
        assert!(position >= acknowledged, "lane {number}: {acknowledged} acknowledged, {position} kept");
        let records = partition.map_or(0, |state| state.counts.records);
        assert_eq!(records, position, "lane {number}");
        let name = agent(number);
        let evidence = store.evidence(&source(), &name.as_str().into(), Timestamp::MIN).await.unwrap();
        let mut ids: Vec<u64> =
            evidence.iter().map(|seen| seen.id.to_string()["event-".len()..].parse().unwrap()).collect();
        ids.sort_unstable();
        assert_eq!(ids, (0..position).collect::<Vec<_>>(), "lane {number}: each event once");
        let of_agent = changes.iter().filter(|change| change.agent_id.as_str() == name);
        assert_eq!(of_agent.count() as u64, position, "lane {number}: each change once");
        let of_lane = events.iter().filter(|event| event.partition == lane(number));
        let came = of_lane.map(|event| event.data.clone());
        assert!(
            came.eq((0..position).map(|position| event_write(position).data)),
            "lane {number}: each as it came"
        );
        total += position;
    }
    assert_eq!(feed.len() as u64, total);
}

/// What happened to the files of the store, in the order in which the system was asked.
#[derive(Debug, Default)]
struct Traced {
    /// Whether the log, or the file, was written and is not on the disk yet.
    log_unsynced: bool,
    file_unsynced: bool,
    acknowledged: u64,
    written_back: u64,
}

impl Traced {
    /// Takes one line of strace, of a call that was made and has ended.
    fn take(&mut self, line: &str) {
        let of_log = line.contains("pegboard.db-wal>");
        let of_file = line.contains("pegboard.db>");
        let call = |name: &str| line.contains(&format!(" {name}("));
        if call("write") && line.contains("acknowledged") {
            assert!(!self.log_unsynced, "acknowledged before it was on the disk: {line}");
            self.acknowledged += 1;
        } else if call("pwrite64") && of_log {
            let begins_anew = line.contains(", 0) = ") || line.contains(", 32, 0)");
            assert!(!(begins_anew && self.file_unsynced), "the log is begun anew too early: {line}");
            self.log_unsynced = true;
        } else if call("pwrite64") && of_file {
            assert!(!self.log_unsynced, "written back from a log that is not on the disk: {line}");
            self.file_unsynced = true;
            self.written_back += 1;
        } else if call("fdatasync") || call("fsync") {
            self.log_unsynced &= !of_log;
            self.file_unsynced &= !of_file;
        }
    }
}

/// The order of writing and waiting for the disk, on which everything else rests, as the system sees it.
#[test]
fn r24_the_disk_has_a_commit_before_it_is_acknowledged() {
    let home = SqliteHome::new();
    let trace = home.path().with_file_name("trace");
    let traced = Command::new("timeout")
        .args(["--signal=KILL", "4", "strace", "-f", "-y", "-qq", "-s", "16"])
        .args(["-e", "trace=write,pwrite64,fsync,fdatasync", "-o"])
        .arg(&trace)
        .arg(env::current_exe().unwrap())
        .args(["--exact", "kill::child_that_is_killed", "--ignored", "--nocapture"])
        .env(STORE, home.path())
        .env(LANES_OF_CHILD, "")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let lines = std::fs::read_to_string(&trace).unwrap_or_default();
    if traced.is_err() || !lines.contains("acknowledged") {
        eprintln!("skipped: no strace, or no right to use it");
        return;
    }
    let mut found = Traced::default();
    let mut begun: BTreeMap<&str, &str> = BTreeMap::new();
    for line in lines.lines() {
        let Some((thread, call)) = line.split_once(' ') else { continue };
        // A call that another thread interrupts is shown in two halves.
        if let Some((start, _)) = call.split_once(" <unfinished") {
            begun.insert(thread, start);
        } else if call.contains(" resumed>") {
            if let Some(start) = begun.remove(thread) {
                found.take(&format!(" {start}{call}"));
            }
        } else {
            found.take(&format!(" {call}"));
        }
    }
    assert!(found.acknowledged > 20, "{found:?}");
}
