//! A hub over a real store, fed by a [`Script`], and everything that it shows.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pegboard::config::{FileSettings, SourceConfig, SourceInput};
use pegboard::replay::{Cut, Inputs};
use pegboard::report_text::json_object;
use pegboard::runtime::deliver::SinkSetup;
use pegboard::runtime::hub::{Hub, NodeOptions, Running};
use pegboard::runtime::view::{REPORTS, ReportError, ReportRequest, SourceStatus, View as _};
use pegboard_connect::spec::Source;
use pegboard_model::report::Row;
use pegboard_model::{AgentNow, Millis, SourceName, Timestamp};
use pegboard_sim::truth::ReportSettings;
use pegboard_store::{Cursor, FeedEntry, FeedKind, SqliteOptions, SqliteStore, Store};
use serde_json::Value;

use super::clock;
use super::compare::first_difference;
use super::day::Day;
use super::script::Script;

/// The name of the source in all tests.
pub(crate) const SOURCE: &str = "centre";

/// How long anything may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// How often it is looked whether it has happened.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// The rows of every report, each a JSON object.
pub(crate) type Tables = BTreeMap<&'static str, Vec<Value>>;

/// Waits until `done`, for at most a minute.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, done: impl Fn() -> F) {
    let deadline = Instant::now() + PATIENCE;
    while !done().await {
        assert!(Instant::now() < deadline, "waited a minute, and not: {what}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// A source with every setting at its default.
pub(crate) fn config() -> SourceConfig {
    let input = SourceInput::File(FileSettings::new("script".into()));
    // A test closes everything at once unless it is about that.
    SourceConfig { close_delay_contacts: Millis::from_minutes(1), ..SourceConfig::new(SOURCE, input) }
}

pub(crate) fn open_store(folder: &Path) -> Arc<dyn Store> {
    Arc::new(SqliteStore::open(&folder.join("test.db"), SqliteOptions::new(clock::noon)).unwrap())
}

/// A running hub.
pub(crate) struct Live {
    pub(crate) hub: Arc<Hub>,
    pub(crate) store: Arc<dyn Store>,
    running: Running,
}

impl Live {
    /// A hub over the store in the folder, whatever it holds.
    pub(crate) async fn start(script: &Script, config: &SourceConfig, folder: &Path) -> Self {
        Self::reading(Box::new(script.clone()), config, folder).await
    }

    /// The same with a source of any kind.
    pub(crate) async fn reading(source: Box<dyn Source>, config: &SourceConfig, folder: &Path) -> Self {
        Self::over(open_store(folder), source, config).await
    }

    /// The same over any store.
    pub(crate) async fn over(store: Arc<dyn Store>, source: Box<dyn Source>, config: &SourceConfig) -> Self {
        Self::joining(store, source, config, NodeOptions::default()).await
    }

    /// The same as one of several nodes over a store.
    pub(crate) async fn joining(
        store: Arc<dyn Store>,
        source: Box<dyn Source>,
        config: &SourceConfig,
        options: NodeOptions,
    ) -> Self {
        let sources = vec![(config.clone(), source)];
        let (hub, running) = Hub::join(sources, store.clone(), clock::now, options).await.unwrap();
        Self { hub, store, running }
    }

    /// A hub over a store that delivers to a sink.
    pub(crate) async fn delivering(
        store: Arc<dyn Store>,
        script: &Script,
        config: &SourceConfig,
        sink: SinkSetup,
    ) -> Self {
        Self::delivering_to(store, script, config, vec![sink]).await
    }

    /// The same with any number of sinks.
    pub(crate) async fn delivering_to(
        store: Arc<dyn Store>,
        script: &Script,
        config: &SourceConfig,
        sinks: Vec<SinkSetup>,
    ) -> Self {
        Self::delivering_from(store, Box::new(script.clone()), config, sinks).await
    }

    /// The same with a source of any kind.
    pub(crate) async fn delivering_from(
        store: Arc<dyn Store>,
        source: Box<dyn Source>,
        config: &SourceConfig,
        sinks: Vec<SinkSetup>,
    ) -> Self {
        let sources = vec![(config.clone(), source)];
        let options = NodeOptions::default();
        let (hub, running) =
            Hub::join_and_deliver(sources, sinks, store.clone(), clock::now, options).await.unwrap();
        Self { hub, store, running }
    }

    /// Leaves the other nodes in order. The store stays open.
    pub(crate) async fn leave(self) {
        self.running.leave().await;
    }

    /// Ends where it is, as if it had been killed: its tasks end where they wait, and nobody is told.
    pub(crate) fn die(self) {
        drop(self.running);
    }

    /// Stops in order.
    pub(crate) async fn stop(self) {
        self.running.stop().await.unwrap();
    }

    pub(crate) async fn status(&self) -> SourceStatus {
        self.hub.sources().await.unwrap().remove(0)
    }

    /// Waits until everything in the script is read and committed.
    pub(crate) async fn read_all(&self, script: &Script) {
        self.read_all_but(script, "").await;
    }

    /// The same, whatever has become of one of the partitions.
    pub(crate) async fn read_all_but(&self, script: &Script, left_out: &str) {
        let mut ends = script.ends();
        ends.remove(left_out);
        let read = async || {
            let partitions = self.status().await.partitions;
            ends.iter().all(|(id, end)| {
                partitions.iter().any(|part| part.id == id.as_str() && part.position.as_ref() == Some(end))
            })
        };
        until("everything is read", read).await;
    }

    /// Waits until everything in the script is read, intervals are closed up to `end`, and what changed since then is
    /// in their rows.
    pub(crate) async fn settle(&self, script: &Script, end: Timestamp) {
        self.read_all(script).await;
        self.close(end).await;
    }

    /// Waits until intervals are closed up to `end`, and what changed since then is in their rows.
    pub(crate) async fn close(&self, end: Timestamp) {
        let closed = async || self.status().await.closed_until.is_some_and(|until| end <= until);
        until("intervals are closed", closed).await;
        let answered = async || self.store.dirty(&SOURCE.into(), 1).await.unwrap().is_empty();
        until("late changes are in the rows", answered).await;
    }

    /// The rows of a report, with the columns of rows over time.
    pub(crate) async fn report(&self, name: &str, from: Timestamp, to: Timestamp) -> Vec<Value> {
        report(&self.hub, &[], name, from, to).await.unwrap()
    }

    /// The rows of every report, without the columns of rows over time; none of them may be provisional.
    pub(crate) async fn tables(&self, from: Timestamp, to: Timestamp) -> Tables {
        tables(&self.hub, &[], from, to).await
    }

    /// All entries of the state feed after `cursor`.
    pub(crate) async fn feed(&self, cursor: &Cursor) -> Vec<(u64, AgentNow)> {
        let mut entries: Vec<FeedEntry> = Vec::new();
        let mut cursor = cursor.clone();
        loop {
            let page = self.store.feed(FeedKind::States, &cursor, &[], 100).await.unwrap();
            entries.extend(page.entries);
            cursor = page.cursor;
            if !page.more {
                break;
            }
        }
        let read = |entry: FeedEntry| (entry.number, serde_json::from_str(&entry.body).unwrap());
        entries.into_iter().map(read).collect()
    }

    /// The cursor before the first entry.
    pub(crate) fn beginning(&self) -> Cursor {
        Cursor { store: self.store.id().clone(), seen: BTreeMap::new() }
    }

    /// The present of all agents, by id.
    pub(crate) async fn agents(&self) -> BTreeMap<String, AgentNow> {
        let snapshot = self.store.agents(&[]).await.unwrap();
        snapshot.agents.into_iter().map(|entry| (entry.now.agent_id.to_string(), entry.now)).collect()
    }
}

/// The rows of a report of some sources, with the columns of rows over time.
pub(crate) async fn report(
    hub: &Hub,
    sources: &[SourceName],
    name: &str,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<Value>, ReportError> {
    let sources = sources.to_vec();
    let request = ReportRequest { sources, from: Some(from), to: Some(to), ..ReportRequest::new(name) };
    Ok(hub.report(request).await?.values())
}

/// The rows of every report of some sources, without the columns of rows over time; none of them may be provisional.
pub(crate) async fn tables(hub: &Hub, sources: &[SourceName], from: Timestamp, to: Timestamp) -> Tables {
    let mut tables = Tables::new();
    for name in REPORTS {
        let mut rows = report(hub, sources, name, from, to).await.unwrap();
        for row in &mut rows {
            let columns = row.as_object_mut().unwrap();
            assert!(columns.get("provisional").is_none_or(|provisional| *provisional == false), "{name}");
            for column in ["origin", "revision", "reason", "provisional"] {
                // A segment has a reason of its own.
                if column != "reason" || name.ends_with("_interval") {
                    columns.remove(column);
                }
            }
        }
        tables.insert(name, rows);
    }
    tables
}

/// What replay makes of its input, as [`tables`].
pub(crate) fn replayed_tables(replayed: &Inputs) -> Tables {
    let (interval, day) = (Cut::Interval, Cut::Day);
    BTreeMap::from([
        ("segments", values(&replayed.segments())),
        ("activities", values(&replayed.activities())),
        ("sessions", values(&replayed.sessions())),
        ("agent_interval", values(replayed.agent_rows(interval))),
        ("group_interval", values(replayed.group_rows(interval))),
        ("queue_interval", values(&replayed.queue_rows(interval))),
        ("agent_queue_interval", values(&replayed.agent_queue_rows(interval))),
        ("agent_daily", values(replayed.agent_rows(day))),
        ("group_daily", values(replayed.group_rows(day))),
        ("queue_daily", values(&replayed.queue_rows(day))),
        ("agent_queue_daily", values(&replayed.agent_queue_rows(day))),
    ])
}

/// Rows as JSON objects.
pub(crate) fn values<R: Row>(rows: &[R]) -> Vec<Value> {
    rows.iter().map(|row| serde_json::from_str(&json_object(row)).unwrap()).collect()
}

/// The settings of a day's reports, as the hub has them.
pub(crate) fn settings(day: &Day) -> ReportSettings {
    ReportSettings { source: SOURCE.into(), ..day.settings() }
}

/// Both hold the same rows in the same order, and some of every report.
pub(crate) fn assert_alike(expected: &Tables, found: &Tables) {
    assert!(expected.values().all(|rows| !rows.is_empty()), "a report without rows shows nothing");
    for (name, rows) in expected {
        if let Some(difference) = first_difference(name, rows, &found[name]) {
            panic!("{difference}");
        }
    }
}
