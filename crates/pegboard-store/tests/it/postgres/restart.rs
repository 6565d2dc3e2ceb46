//! The database is restarted, or dies, while it is written to.

use std::ffi::OsString;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pegboard_model::Timestamp;
use pegboard_store::{Batch, FeedKind, PostgresStore, Store, StoreError};
use tempfile::TempDir;

use crate::home::PostgresHome;
use crate::sample::{event, position_of, source, whole_feed};

/// A server of the test's own, which it may treat as it likes.
struct Server {
    programs: PathBuf,
    folder: TempDir,
    port: u16,
}

impl Server {
    /// Nothing where there is no PostgreSQL.
    fn start() -> Option<Self> {
        let Some(programs) = std::env::var_os("PEGBOARD_TEST_POSTGRES_BIN") else {
            eprintln!("skipped: PEGBOARD_TEST_POSTGRES_BIN is not set (see scripts/with-servers)");
            return None;
        };
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Self { programs: programs.into(), folder: tempfile::tempdir().unwrap(), port };
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(server.folder.path()));
        }
        let data = server.data();
        run(server
            .program("initdb")
            .arg("-D")
            .arg(&data)
            .args(["-U", "postgres", "-A", "trust", "-E", "UTF8"]));
        server.control(&["start"]);
        Some(server)
    }

    fn data(&self) -> OsString {
        self.folder.path().join("data").into_os_string()
    }

    /// A program of PostgreSQL, which refuses to run as root.
    fn program(&self, name: &str) -> Command {
        let program = self.programs.join(name);
        if !is_root() {
            return Command::new(program);
        }
        let mut command = Command::new("setpriv");
        command.args(["--reuid", "postgres", "--regid", "postgres", "--init-groups"]).arg(program);
        command
    }

    fn control(&self, what: &[&str]) {
        let settings = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c wal_writer_delay=10s",
            self.port
        );
        let log = self.folder.path().join("data").join("log");
        run(self
            .program("pg_ctl")
            .arg("-D")
            .arg(self.data())
            .arg("-w")
            .arg("-l")
            .arg(log)
            .args(["-o", &settings])
            .args(what));
    }

    fn url(&self) -> pegboard_store::PostgresUrl {
        format!("postgres://postgres@127.0.0.1:{}/postgres?schema=hub", self.port).parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.program("pg_ctl").arg("-D").arg(self.data()).args(["-m", "immediate", "stop"]).output());
    }
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().unwrap().stdout.starts_with(b"0\n")
}

fn run(command: &mut Command) {
    // Not `output`: the server keeps the pipes open.
    let done =
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).status().unwrap();
    assert!(done.success(), "{command:?}: {done}");
}

/// Commits as the hub does: after an error it reads again where the partition stands. Answers how many commits were
/// acknowledged and how many failed.
async fn commit_until(store: Arc<PostgresStore>, lane: usize, end: Instant) -> (u64, u64) {
    let partition: pegboard_model::PartitionId = format!("lane-{lane}").into();
    let agent = format!("agent-{lane}");
    let (mut acknowledged, mut failed) = (0, 0);
    while Instant::now() < end {
        let Ok(taken) = store.take_partition(&source(), &partition, &[]).await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let mut position = position_of(taken.position.as_ref());
        assert!(position >= acknowledged, "{acknowledged} acknowledged, {position} there");
        while Instant::now() < end {
            let batch = Batch { partition: partition.clone(), ..event(taken.epoch, position, &agent) };
            match store.commit(batch).await {
                Ok(_) => (position, acknowledged) = (position + 1, position + 1),
                Err(StoreError::Database { .. }) => {
                    failed += 1;
                    break;
                }
                Err(other) => panic!("{other}"),
            }
        }
    }
    (acknowledged, failed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_acknowledged_survives_restarts_of_the_database() {
    const LANES: usize = 4;
    let Some(server) = Server::start() else { return };
    let store = Arc::new(PostgresStore::open(&server.url(), PostgresHome::options()).await.unwrap());
    let end = Instant::now() + Duration::from_secs(9);
    let lanes: Vec<_> = (0..LANES).map(|lane| tokio::spawn(commit_until(store.clone(), lane, end))).collect();
    // In turn: with its sessions ended in order, and as by a crash.
    let server = tokio::task::spawn_blocking(move || {
        for mode in ["fast", "immediate", "fast"] {
            std::thread::sleep(Duration::from_millis(1500));
            server.control(&["-m", mode, "restart"]);
        }
        server
    });
    let server = server.await.unwrap();
    let mut failures = 0;
    let mut total = 0;
    for (lane, task) in lanes.into_iter().enumerate() {
        let (acknowledged, failed) = task.await.unwrap();
        failures += failed;
        let name = format!("lane-{lane}");
        let stands = store.take_partition(&source(), &name.as_str().into(), &[]).await.unwrap();
        let position = position_of(stands.position.as_ref());
        assert!(position >= acknowledged, "{name}: {acknowledged} acknowledged, {position} there");
        assert_eq!(stands.counts.records, position, "{name}: each batch once");
        let agent = format!("agent-{lane}").as_str().into();
        let evidence = store.evidence(&source(), &agent, Timestamp::MIN).await.unwrap();
        assert_eq!(evidence.len() as u64, position, "{name}: each event once");
        total += position;
    }
    assert!(failures >= 3, "{failures}: no commit met a restart");
    let numbers: Vec<u64> =
        whole_feed(&*store, FeedKind::States).await.iter().map(|entry| entry.number).collect();
    assert_eq!(numbers, (1..=total).collect::<Vec<_>>());
    drop(server);
}
