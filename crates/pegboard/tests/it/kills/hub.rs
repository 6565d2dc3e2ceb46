//! The program as a process that dies.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pegboard_model::{AgentId, Segment, Timestamp};
use pegboard_store::{PostgresOptions, PostgresStore, PostgresUrl, SqliteOptions, SqliteStore, Store};
use tempfile::TempDir;

use super::input::{Conserved, Input, SOURCES};
use super::outcome::Outcome;
use crate::support::binary::program;

/// How long anything may take, unless there is very much to do.
const PATIENCE: Duration = Duration::from_mins(1);

/// How old the end of the last closed interval may be once everything is closed: interval, delay (a minute, of agents and of
/// contacts), and a little.
const CLOSED_AGE: f64 = 17.0 * 60.0;

/// How often the program looks for marks of what came late.
const LOOKS_EVERY: Duration = Duration::from_millis(500);

/// What ends a process that aborts.
const SIGABRT: i32 = 6;

/// What ends a process that is killed.
const SIGKILL: i32 = 9;

/// A folder with a configuration, input, and a store that outlives its processes.
pub(super) struct Folder {
    kept: TempDir,
    place: Place,
    patience: Duration,
}

/// Where the store is.
enum Place {
    /// At a path below the folder.
    Sqlite(&'static str),
    /// On a server, in a schema of its own.
    Postgres(Box<PostgresUrl>),
}

/// A running hub; it is killed if a test fails.
struct Process {
    child: Child,
    port: u16,
    folder: PathBuf,
    patience: Duration,
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[expect(clippy::disallowed_methods, reason = "how long to try is the test's own setting")]
fn number_in(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

/// How many random kills a soak asks for.
pub(super) fn soak_kills() -> Option<u64> {
    number_in("PEGBOARD_SOAK_KILLS")
}

/// How many events a soak asks for.
pub(super) fn soak_events() -> Option<u64> {
    number_in("PEGBOARD_SOAK_EVENTS")
}

/// What all randomness follows from: never 0.
pub(super) fn seed() -> u64 {
    let fresh = || pegboard::clock::system().as_millis().unsigned_abs();
    number_in("PEGBOARD_SEED").unwrap_or_else(fresh).max(1)
}

pub(super) fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

impl Folder {
    pub(super) fn new() -> Self {
        let kept = tempfile::tempdir().unwrap();
        Self { kept, place: Place::Sqlite("pegboard.db"), patience: PATIENCE }
    }

    /// A folder whose store is on the server that `PEGBOARD_TEST_POSTGRES` names; says so on stderr if there is none.
    #[expect(clippy::disallowed_methods, reason = "the address of the test server is the test's own setting")]
    pub(super) fn on_postgres() -> Option<Self> {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let Ok(server) = std::env::var("PEGBOARD_TEST_POSTGRES") else {
            eprintln!("skipped: PEGBOARD_TEST_POSTGRES names no server");
            return None;
        };
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let url = format!("{server}?schema=kills_{}_{number}", std::process::id());
        Some(Self { place: Place::Postgres(Box::new(url.parse().unwrap())), ..Self::new() })
    }

    /// Lets everything take so long.
    pub(super) fn has_time(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// The kind of its store, in a word.
    pub(super) fn store_kind(&self) -> &'static str {
        match self.place {
            Place::Sqlite(_) => "SQLite",
            Place::Postgres(_) => "PostgreSQL",
        }
    }

    pub(super) fn path(&self) -> &Path {
        self.kept.path()
    }

    /// Has the store below the folder at `path`, of the configuration that was written.
    pub(super) fn put_store(&mut self, path: &'static str) {
        self.place = Place::Sqlite(path);
        self.configure_store();
    }

    /// Has the configuration that was written name the store, as far as it is not where it would be anyway.
    pub(super) fn configure_store(&self) {
        let url = match &self.place {
            Place::Sqlite(path) => format!("sqlite:{path}"),
            Place::Postgres(url) => url.to_string(),
        };
        let file = self.path().join("pegboard.toml");
        let settings = fs::read_to_string(&file).unwrap();
        fs::write(file, format!("[store]\nurl = \"{url}\"\n{settings}")).unwrap();
    }

    /// Runs the program until a source fails, lets `mend` do what helps, and waits until all is read. Answers what the
    /// program said.
    pub(super) fn mend_while_it_runs(&self, records: u64, mend: impl FnOnce()) -> String {
        let mut process = self.start("");
        let failing = |process: &Process| {
            let numbers = process.metrics().unwrap_or_default();
            let fails = |source| {
                let name = format!("pegboard_source_health{{source=\"{source}\",health=\"failing\"}}");
                numbers.get(&name).is_some_and(|is| *is > 0.0)
            };
            SOURCES.iter().any(fails)
        };
        process.until("a source fails", failing);
        mend();
        process.until("everything is read and closed", |process| process.is_done(records));
        process.terminate();
        let status = process.ended("it stops");
        assert!(status.success(), "{status}: {}", process.said());
        fs::read_to_string(self.path().join("stderr.log")).unwrap()
    }

    fn log(&self) -> PathBuf {
        self.path().join("failpoints.log")
    }

    fn start(&self, failpoints: &str) -> Process {
        drop(fs::remove_file(self.log()));
        let settings = fs::read_to_string(self.path().join("pegboard.toml")).unwrap();
        let port = settings
            .split("listen = \"127.0.0.1:")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        let stderr =
            fs::File::options().create(true).append(true).open(self.path().join("stderr.log")).unwrap();
        let child = armed(program(self.path()).arg("serve"), failpoints, &self.log())
            .stdout(Stdio::null())
            .stderr(stderr)
            .spawn()
            .unwrap();
        Process { child, port, folder: self.path().to_owned(), patience: self.patience }
    }

    /// Runs the program until it dies at the point, at the given passing of it.
    #[track_caller]
    pub(super) fn kill_at(&self, name: &str, hit: u64) {
        let slow = match name {
            // A writer that begins slowly finds more than one job waiting.
            "group.between_jobs" => "group.begun=sleep(10);",
            // Folded is once for ten minutes, what a node has taken by then: it has to wait until it has.
            name if name.starts_with("rebase.") => "folding.before=sleep(3000)@1;",
            _ => "",
        };
        let mut process = self.start(&format!("{slow}{name}=kill@{hit}"));
        let status = process.ended(&format!("it dies at {name}"));
        self.assert_died(status, name, hit);
        self.bury_the_dead();
    }

    /// Runs the program until it dies at the point, or until it has had so much time: then there is nothing left to be done there,
    /// and it is killed wherever it is. Answers whether it died at the point.
    #[track_caller]
    pub(super) fn kill_at_or_after(&self, name: &str, hit: u64, time: Duration) -> bool {
        let mut process = self.start(&format!("{name}=kill@{hit}"));
        let deadline = Instant::now() + time;
        let status = loop {
            if let Some(status) = process.child.try_wait().unwrap() {
                break Some(status);
            }
            if Instant::now() > deadline {
                process.child.kill().unwrap();
                process.child.wait().unwrap();
                break None;
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        if let Some(status) = status {
            self.assert_died(status, name, hit);
        }
        self.bury_the_dead();
        status.is_some()
    }

    /// Runs the program, stops it in order, and has it die at the point on the way.
    #[track_caller]
    pub(super) fn kill_in_stopping(&self, name: &str, hit: u64) {
        let mut process = self.start(&format!("{name}=kill@{hit}"));
        process.until("it answers", |process| process.metrics().is_some());
        process.terminate();
        let status = process.ended(&format!("it dies at {name}"));
        self.assert_died(status, name, hit);
        self.bury_the_dead();
    }

    /// Runs another command of the program, and has it die at the point.
    #[track_caller]
    pub(super) fn kill_command(&self, arguments: &[&str], name: &str, hit: u64) {
        drop(fs::remove_file(self.log()));
        let points = format!("{name}=kill@{hit}");
        let ended = armed(program(self.path()).args(arguments), &points, &self.log()).output().unwrap();
        self.assert_died(ended.status, name, hit);
    }

    #[track_caller]
    fn assert_died(&self, status: ExitStatus, name: &str, hit: u64) {
        let fired = fs::read_to_string(self.log()).unwrap_or_default();
        let line = format!("{name} Kill {hit}\n");
        assert!(fired.contains(&line), "{name} was not passed {hit} times: {status}; {fired}");
        assert_eq!(status.signal(), Some(SIGABRT), "{name}: {status}");
    }

    /// Runs the program for so long, and kills it; answers how many records are committed.
    pub(super) fn kill_after(&self, delay: Duration) -> u64 {
        let mut process = self.start("");
        std::thread::sleep(delay);
        process.child.kill().unwrap();
        assert_eq!(process.child.wait().unwrap().signal(), Some(SIGKILL), "it ended before it was killed");
        self.bury_the_dead();
        self.records()
    }

    /// Runs the program until so many records are read and all intervals closed, and stops it in order. Answers how
    /// long it took the first time.
    pub(super) fn finish(&self, records: u64) -> Duration {
        let started = Instant::now();
        let mut took = None;
        for pauses in 1..=5 {
            let mut process = self.start("");
            process.until("everything is read and closed", |process| process.is_done(records));
            let took = *took.get_or_insert_with(|| started.elapsed());
            // Nothing that it shows says that it has looked for marks.
            std::thread::sleep(LOOKS_EVERY * pauses);
            process.terminate();
            let status = process.ended("it stops");
            assert!(status.success(), "{status}: {}", process.said());
            if self.nothing_is_marked() {
                return took;
            }
        }
        panic!("marks are not answered");
    }

    /// Runs the program until no reload of a source is under way or waits.
    pub(super) fn finish_reloads(&self, source: &str) {
        let mut process = self.start("");
        let number = format!("pegboard_reloads{{source=\"{source}\"}}");
        let are_over =
            |process: &Process| process.metrics().is_some_and(|all| all.get(&number) == Some(&0.0));
        process.until("reloads are over", are_over);
        process.terminate();
        let status = process.ended("it stops");
        assert!(status.success(), "{status}: {}", process.said());
    }

    /// Runs the program until `done` with the numbers that it shows and all is read and closed, and for a while longer; then stops
    /// it in order.
    pub(super) fn run_until(
        &self,
        what: &str,
        records: u64,
        pause: Duration,
        done: impl Fn(&BTreeMap<String, f64>) -> bool,
    ) {
        let mut process = self.start("");
        process.until(what, |process| {
            process.is_done(records) && process.metrics().is_some_and(|numbers| done(&numbers))
        });
        std::thread::sleep(pause);
        process.terminate();
        let status = process.ended("it stops");
        assert!(status.success(), "{status}: {}", process.said());
    }

    /// Runs the program until nobody of a source is to be forgotten any more.
    pub(super) fn finish_erasures(&self, source: &str) {
        let mut process = self.start("");
        let file = self.path().join("stderr.log");
        let are_over = |_: &Process| {
            let said = fs::read_to_string(&file).unwrap();
            said.lines().any(|line| line.contains("an erasure is over") && line.contains(source))
        };
        process.until("erasures are over", are_over);
        process.terminate();
        let status = process.ended("it stops");
        assert!(status.success(), "{status}: {}", process.said());
    }

    async fn open(&self) -> Box<dyn Store> {
        match &self.place {
            Place::Sqlite(path) => {
                let options = SqliteOptions::new(pegboard::clock::system);
                Box::new(SqliteStore::open(&self.path().join(path), options).unwrap())
            }
            Place::Postgres(url) => {
                let options = PostgresOptions::new(pegboard::clock::system);
                Box::new(PostgresStore::open(url, options).await.unwrap())
            }
        }
    }

    /// What the store knows, whoever wrote it.
    pub(super) fn look<T>(&self, look: impl AsyncFnOnce(&dyn Store) -> T) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let store = self.open().await;
            let seen = look(&*store).await;
            store.shut_down().await.unwrap();
            seen
        })
    }

    /// Spares the next process the seconds for which a dead one counts as alive where several may share the store.
    fn bury_the_dead(&self) {
        if matches!(self.place, Place::Sqlite(_)) {
            return;
        }
        self.look(async |store| {
            for dead in store.roll().await.unwrap().nodes {
                store.leave(&dead.node).await.unwrap();
            }
        });
    }

    /// The version of the store on PostgreSQL; nothing while there is none.
    pub(super) fn version(&self) -> Option<u32> {
        let Place::Postgres(url) = &self.place else { panic!("of PostgreSQL alone") };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let options = PostgresOptions::new(pegboard::clock::system);
        runtime.block_on(PostgresStore::probe(url, options)).unwrap().version
    }

    /// Whether every mark of what came late is answered.
    pub(super) fn nothing_is_marked(&self) -> bool {
        self.look(async |store| {
            let mut marked = false;
            for source in SOURCES {
                marked |= !store.dirty(&source.into(), 1).await.unwrap().is_empty();
            }
            !marked
        })
    }

    fn records(&self) -> u64 {
        self.look(async |store| {
            let mut records = 0;
            for source in SOURCES {
                let partitions = store.partitions(&source.into()).await.unwrap();
                records += partitions.iter().map(|partition| partition.counts.records).sum::<u64>();
            }
            records
        })
    }

    /// What every record came to.
    pub(super) fn conserved(&self) -> Conserved {
        self.look(async |store| {
            let mut conserved = Conserved::default();
            for source in SOURCES {
                for partition in store.partitions(&source.into()).await.unwrap() {
                    conserved.add(partition.counts);
                }
            }
            conserved
        })
    }

    /// The timelines of a source.
    pub(super) fn segments(&self, source: &str) -> Vec<(AgentId, Segment)> {
        self.look(async |store| {
            store.segments(&source.into(), None, Timestamp::MIN, Timestamp::MAX).await.unwrap()
        })
    }

    pub(super) fn outcome(&self, input: &Input) -> Outcome {
        let path = self.path().display().to_string();
        self.look(async |store| Outcome::read(store, input.end, &path).await)
    }
}

fn armed<'a>(command: &'a mut Command, failpoints: &str, log: &Path) -> &'a mut Command {
    command.env("PEGBOARD_FAILPOINTS", failpoints).env("PEGBOARD_FAILPOINTS_LOG", log)
}

impl Process {
    #[track_caller]
    fn ended(&mut self, what: &str) -> ExitStatus {
        let deadline = Instant::now() + self.patience;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(
                Instant::now() < deadline,
                "waited for {:?}, and not: {what}; {}",
                self.patience,
                self.said()
            );
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    #[track_caller]
    fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + self.patience;
        while !done(self) {
            let status = self.child.try_wait().unwrap();
            assert_eq!(status, None, "it ended while: {what}; {}", self.said());
            assert!(
                Instant::now() < deadline,
                "waited for {:?}, and not: {what}; {}",
                self.patience,
                self.said()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn terminate(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }

    /// The end of what it said.
    fn said(&self) -> String {
        let said = fs::read_to_string(self.folder.join("stderr.log")).unwrap_or_default();
        let from = said.len().saturating_sub(2000);
        said.get(from..).unwrap_or_default().to_owned()
    }

    /// Its numbers, by name with labels; nothing while it does not answer.
    fn metrics(&self) -> Option<BTreeMap<String, f64>> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let host = format!("127.0.0.1:{}", self.port);
        write!(stream, "GET /metrics HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let numbers = answer.lines().filter(|line| !line.starts_with('#'));
        let read = |line: &str| {
            let (name, number) = line.rsplit_once(' ')?;
            Some((name.to_owned(), number.parse().ok()?))
        };
        Some(numbers.filter_map(read).collect())
    }

    fn is_done(&self, records: u64) -> bool {
        let Some(metrics) = self.metrics() else { return false };
        let of = |name: &str, source: &str| {
            metrics.get(&format!("{name}{{source=\"{source}\"}}")).copied().unwrap_or(f64::INFINITY)
        };
        let read: f64 = SOURCES.iter().map(|source| of("pegboard_source_records_total", source)).sum();
        let closed = |source: &&str| of("pegboard_source_closed_age_seconds", source) < CLOSED_AGE;
        #[expect(clippy::cast_precision_loss, reason = "thousands")]
        let all = records as f64;
        read.is_finite() && read >= all && SOURCES.iter().all(closed)
    }
}
