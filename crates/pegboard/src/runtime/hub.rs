//! The hub: all sources over one store, and what readers see of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use pegboard_connect::spec::Source;
use pegboard_engine::{IntervalLength, Window};
use pegboard_model::report::Row;
use pegboard_model::{AgentId, Millis, SourceName, Text, Timestamp};
use pegboard_store::{NodeId, Part, Roll, Store, StoreError, StoredRow, failpoint};
use serde_json::Value;
use tokio::task::JoinSet;

use super::folding;
use super::node::report::{NodeReport, told_by_others};
use super::node::{Node, Pace};
use super::reports::{Facts, Kind, Wanted, days, interval_at, starting_in};
use super::source::{self, Shared};
use super::view::{
    GAPS_SHOWN, LONGEST_WINDOW, LostStretch, PartitionStatus, REPORTS, Report, ReportError, ReportRequest,
    SourceStatus, View,
};
use super::watch;
use crate::clock::Clock;
use crate::config::SourceConfig;
use crate::report_text::json_object;

/// How many rows a report may have, and from how many segments or contacts it may be computed.
const MOST_ROWS: usize = 500_000;

/// How far before and after its window a report of sessions looks.
const AROUND_SESSIONS: Millis = Millis::from_hours(48);

/// The window of a report without one.
const DEFAULT_WINDOW: Millis = Millis::from_hours(24);

/// How often the store removes what is too old.
const SWEEP_EVERY: std::time::Duration = std::time::Duration::from_mins(10);

/// The columns that rows over time have besides their own.
const OVER_TIME: [&str; 4] = ["origin", "revision", "reason", "provisional"];

/// All sources at work.
#[derive(Debug)]
pub struct Hub {
    sources: Vec<Arc<Shared>>,
    clock: Clock,
    node: Arc<Node>,
}

/// How a hub is one node of several.
#[derive(Debug, Clone, Default)]
pub struct NodeOptions {
    /// What people call it; its identity where it has no name.
    pub name: Option<Text>,
    /// How it shows that it lives.
    pub pace: Pace,
}

/// The tasks of a running hub.
#[derive(Debug)]
pub struct Running {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
    store: Arc<dyn Store>,
    node: Arc<Node>,
}

impl Hub {
    /// Loads what is stored and starts to read.
    pub async fn start(
        sources: Vec<(SourceConfig, Box<dyn Source>)>,
        store: Arc<dyn Store>,
        clock: Clock,
    ) -> Result<(Arc<Self>, Running), StoreError> {
        Self::join(sources, store, clock, NodeOptions::default()).await
    }

    /// The same, as one of several nodes that share the store: what there is to read is shared out among them, and each of
    /// them shows all of it.
    pub async fn join(
        sources: Vec<(SourceConfig, Box<dyn Source>)>,
        store: Arc<dyn Store>,
        clock: Clock,
        options: NodeOptions,
    ) -> Result<(Arc<Self>, Running), StoreError> {
        let node = Node::join(store.clone(), options.name, options.pace).await?;
        let mut loaded = Vec::with_capacity(sources.len());
        for (config, source) in sources {
            let shared = Shared::load(config, source, store.clone(), clock, node.clone()).await?;
            loaded.push(Arc::new(shared));
        }
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for shared in &loaded {
            tasks.spawn(source::run(shared.clone(), stopped.clone()));
        }
        tasks.spawn(sweep(loaded.clone(), store.clone(), clock, stopped.clone()));
        tasks.spawn(live(node.clone(), loaded.clone(), stopped));
        let running = Running { stop, tasks, store, node: node.clone() };
        Ok((Arc::new(Self { sources: loaded, clock, node }), running))
    }

    fn chosen(&self, names: &[SourceName]) -> Result<Vec<&Arc<Shared>>, ReportError> {
        let known = |name: &&SourceName| self.sources.iter().any(|shared| shared.config.name == **name);
        if let Some(unknown) = names.iter().find(|name| !known(name)) {
            return Err(ReportError::UnknownSource(unknown.clone()));
        }
        let chosen =
            self.sources.iter().filter(|shared| names.is_empty() || names.contains(&shared.config.name));
        Ok(chosen.collect())
    }
}

impl Running {
    /// Stops reading, waits for what is on its way, and closes the store.
    pub async fn stop(mut self) -> Result<(), StoreError> {
        failpoint!("stop.begun");
        self.end().await;
        failpoint!("stop.sources_ended");
        self.store.shut_down().await?;
        failpoint!("stop.store_closed");
        Ok(())
    }

    /// The same, but leaves the store open for the other nodes of this process.
    pub async fn leave(mut self) {
        self.end().await;
    }

    /// Ends all work, and lets the other nodes go on with it at once.
    async fn end(&mut self) {
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
        self.node.leave().await;
    }
}

impl Drop for Running {
    /// Who lets go of it without stopping ends its tasks where they wait, as a crash would.
    fn drop(&mut self) {
        self.tasks.abort_all();
        self.stop.send_replace(true);
    }
}

/// Says that the node lives, and what fails on it.
async fn live(node: Arc<Node>, sources: Vec<Arc<Shared>>, stop: watch::Receiver<bool>) {
    let told = || NodeReport::of(sources.iter().map(|shared| shared.status.faults(&shared.config.name)));
    node.live(told, stop).await;
}

/// Says which node reads which partition.
fn name_nodes(roll: &Roll, source: &SourceName, partitions: &mut [PartitionStatus]) {
    let name =
        |node: &NodeId| roll.nodes.iter().find(|seen| seen.node == *node).map(|seen| seen.name.to_string());
    let leases = roll.leases.iter().filter(|lease| lease.source == *source);
    let readers: BTreeMap<&str, &NodeId> = leases
        .filter_map(|lease| match &lease.part {
            Part::Partition(partition) => Some((partition.as_str(), &lease.node)),
            Part::Closer => None,
        })
        .collect();
    for partition in partitions {
        partition.node = readers.get(partition.id.as_str()).copied().and_then(name);
    }
}

async fn sweep(
    sources: Vec<Arc<Shared>>,
    store: Arc<dyn Store>,
    clock: Clock,
    mut stop: watch::Receiver<bool>,
) {
    while !*stop.borrow() {
        for shared in &sources {
            if let Err(error) = folding::fold(shared, &stop).await {
                tracing::warn!(source.name = %shared.config.name, "cannot fold old evidence: {error}");
            }
        }
        if let Err(error) = store.sweep(clock()).await {
            tracing::warn!("cannot remove what is too old: {error}");
        }
        tokio::select! {
            biased;
            _ = stop.changed() => {}
            () = tokio::time::sleep(SWEEP_EVERY) => {}
        }
    }
}

#[async_trait]
impl View for Hub {
    fn now(&self) -> Timestamp {
        (self.clock)()
    }

    async fn sources(&self) -> Result<Vec<SourceStatus>, StoreError> {
        let now = (self.clock)();
        let roll = self.node.roll().await?;
        let mut sources = Vec::with_capacity(self.sources.len());
        for shared in &self.sources {
            let name = &shared.config.name;
            shared.refresh_status().await?;
            let gaps = shared.store.gaps(name, GAPS_SHOWN).await?;
            let told = told_by_others(&roll, self.node.id(), name);
            let mut shown = shared.status.show(now, shared.config.stale_after, told);
            name_nodes(&roll, name, &mut shown.partitions);
            sources.push(SourceStatus {
                name: name.clone(),
                kind: shared.source.kind(),
                health: shown.health,
                watermark: shown.watermark,
                behind: shown.behind,
                closed_until: shown.closed_until,
                agents: shown.agents,
                counts: shown.counts,
                partitions: shown.partitions,
                reconciler: shown.reconciler,
                error: shown.error,
                gaps: gaps.into_iter().map(LostStretch::from).collect(),
            });
        }
        Ok(sources)
    }

    async fn report(&self, request: ReportRequest) -> Result<Report, ReportError> {
        let name = REPORTS.into_iter().find(|name| *name == request.name);
        let name = name.ok_or_else(|| ReportError::UnknownReport(request.name.clone()))?;
        let to = request.to.unwrap_or_else(|| (self.clock)());
        let from = request.from.unwrap_or(to - DEFAULT_WINDOW);
        let window = checked_window(from, to)?;
        if request.agent.is_some() && !columns_of(name).contains(&"agent_id") {
            return Err(ReportError::NoAgents(name));
        }
        let mut rows = Vec::new();
        for shared in self.chosen(&request.sources)? {
            let room = MOST_ROWS - rows.len();
            rows.extend(source_rows(shared, name, window, request.agent.as_ref(), room).await?);
            if rows.len() > MOST_ROWS {
                return Err(ReportError::TooMany(MOST_ROWS));
            }
        }
        Ok(Report { name, from, to, columns: columns_of(name), rows })
    }
}

fn checked_window(from: Timestamp, to: Timestamp) -> Result<Window, ReportError> {
    if from >= to {
        return Err(ReportError::BadWindow(format!(
            "the window is empty: from {from} is not before to {to}"
        )));
    }
    if to.since(from) > LONGEST_WINDOW {
        return Err(ReportError::BadWindow("the window is longer than 31 days: ask for it in parts".into()));
    }
    Ok(Window { from, to })
}

/// The rows of one source. `room` is how many more there may be, of them and of the facts behind them.
async fn source_rows(
    shared: &Shared,
    name: &'static str,
    window: Window,
    agent: Option<&AgentId>,
    room: usize,
) -> Result<Vec<Value>, ReportError> {
    shared.refresh_status().await?;
    let mut rows = if name.ends_with("_interval") {
        over_time(shared, name, window, agent, room).await?
    } else {
        computed(shared, &facts(shared, name, window, agent, room).await?, name)
    };
    rows.retain(|row| is_of(agent, row));
    Ok(rows)
}

/// Whether a row is about the agent, if one is asked for.
fn is_of(agent: Option<&AgentId>, row: &Value) -> bool {
    agent.is_none_or(|agent| row.get("agent_id").and_then(Value::as_str) == Some(agent.as_str()))
}

/// What the rows of a report are computed from. A sign-in before the window, and what lies on both sides of unknown time,
/// tell what a session is: it sees more than its window.
async fn facts(
    shared: &Shared,
    name: &'static str,
    window: Window,
    agent: Option<&AgentId>,
    room: usize,
) -> Result<Facts, ReportError> {
    let known_until = shared.status.known_until().unwrap_or(window.from);
    let kind = if name.contains("queue") { Kind::Contacts } else { Kind::Timelines };
    let around = if name == "sessions" { AROUND_SESSIONS } else { Millis::ZERO };
    let seen = Window { from: window.from - around, to: window.to + around };
    let wanted = Wanted { window: seen, agent, kind };
    let (store, config) = (&*shared.store, &shared.config);
    let facts = Facts::load_at_most(room, store, config, wanted, known_until).await?;
    Ok(facts.ok_or(ReportError::TooMany(MOST_ROWS))?.seen_through(window))
}

/// Stored rows of closed intervals, then those of open ones, computed now: all intervals that start in the window, whole.
async fn over_time(
    shared: &Shared,
    name: &'static str,
    window: Window,
    agent: Option<&AgentId>,
    room: usize,
) -> Result<Vec<Value>, ReportError> {
    // Asked first: what is closed meanwhile is left out of the stored rows, so that it is there once.
    let closed_until = shared.status.closed_until().unwrap_or(Timestamp::MIN);
    let mut rows = Vec::new();
    for day in days(window) {
        for row in shared.store.rows(&shared.config.name, name, day.from, day.to).await? {
            let value = stored_value(&row)?;
            if row.interval_start < closed_until && is_of(agent, &value) {
                rows.push(value);
            }
        }
        if rows.len() > room {
            return Err(ReportError::TooMany(MOST_ROWS));
        }
    }
    let Some(known_until) = shared.status.known_until() else { return Ok(rows) };
    let starting = starting_in(&shared.config, window);
    let end = interval_at(&shared.config, known_until).to;
    let open = Window { from: starting.from.max(closed_until), to: starting.to.min(end) };
    if open.from < open.to {
        // Groups are made of all agents.
        let agent = agent.filter(|_| name == "agent_interval");
        let facts = facts(shared, name, open, agent, room - rows.len()).await?;
        rows.extend(computed(shared, &facts, name).into_iter().map(provisional));
    }
    Ok(rows)
}

fn stored_value(row: &StoredRow) -> Result<Value, StoreError> {
    let mut value: Value = serde_json::from_str(&row.body)
        .map_err(|error| StoreError::Damaged { what: "row of a report", detail: error.to_string() })?;
    annotate(&mut value, Some(row.revision), &row.reason, false);
    Ok(value)
}

fn provisional(mut value: Value) -> Value {
    annotate(&mut value, None, "", true);
    value
}

fn annotate(value: &mut Value, revision: Option<u32>, reason: &str, provisional: bool) {
    let Some(columns) = value.as_object_mut() else { return };
    columns.insert("origin".into(), "computed".into());
    columns.insert("revision".into(), revision.map_or(Value::Null, Value::from));
    columns.insert("reason".into(), if reason.is_empty() { Value::Null } else { reason.into() });
    columns.insert("provisional".into(), provisional.into());
}

fn computed(shared: &Shared, facts: &Facts, name: &str) -> Vec<Value> {
    let config = &shared.config;
    let interval = config.interval;
    match name {
        "segments" => values(&facts.segments(config)),
        "activities" => values(&facts.activities(config)),
        "sessions" => values(&facts.sessions(config)),
        "agent_interval" => values(&facts.agent_and_group_rows(config, interval).0),
        "group_interval" => values(&facts.agent_and_group_rows(config, interval).1),
        "queue_interval" => values(&facts.queue_rows(config, interval)),
        "agent_queue_interval" => values(&facts.agent_queue_rows(config, interval)),
        "agent_daily" => values(&facts.agent_and_group_rows(config, IntervalLength::Day).0),
        "group_daily" => values(&facts.agent_and_group_rows(config, IntervalLength::Day).1),
        "queue_daily" => values(&facts.queue_rows(config, IntervalLength::Day)),
        "agent_queue_daily" => values(&facts.agent_queue_rows(config, IntervalLength::Day)),
        _ => Vec::new(),
    }
}

fn values<R: Row>(rows: &[R]) -> Vec<Value> {
    rows.iter().map(|row| serde_json::from_str(&json_object(row)).unwrap_or(Value::Null)).collect()
}

fn columns_of(name: &str) -> Vec<&'static str> {
    use pegboard_model::report as rows;
    let columns: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("segments", rows::SegmentRow::COLUMNS),
        ("activities", rows::Activity::COLUMNS),
        ("sessions", rows::Session::COLUMNS),
        ("agent_interval", rows::AgentInterval::COLUMNS),
        ("group_interval", rows::GroupInterval::COLUMNS),
        ("queue_interval", rows::QueueInterval::COLUMNS),
        ("agent_queue_interval", rows::AgentQueueInterval::COLUMNS),
    ]);
    if let Some(daily) = name.strip_suffix("_daily") {
        return columns.get(format!("{daily}_interval").as_str()).map_or(Vec::new(), |own| own.to_vec());
    }
    let own = columns.get(name).copied().unwrap_or_default();
    let over_time = name.ends_with("_interval").then_some(OVER_TIME);
    own.iter().copied().chain(over_time.into_iter().flatten()).collect()
}
