//! The hub: all sources over one store, and what readers see of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use pegboard_connect::spec::Source;
use pegboard_engine::{IntervalLength, Window};
use pegboard_model::report::Row;
use pegboard_model::{Millis, SourceName, Timestamp};
use pegboard_store::{Store, StoreError, StoredRow};
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::reports::{Facts, interval_at};
use super::source::{self, Shared};
use super::view::{GAPS_SHOWN, LostStretch, REPORTS, Report, ReportError, ReportRequest, SourceStatus, View};
use crate::clock::Clock;
use crate::config::SourceConfig;
use crate::report_text::json_object;

/// The longest window of a report.
const LONGEST_WINDOW: Millis = Millis::from_hours(31 * 24);

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
}

/// The tasks of a running hub.
#[derive(Debug)]
pub struct Running {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
    store: Arc<dyn Store>,
}

impl Hub {
    /// Loads what is stored and starts to read.
    pub async fn start(
        sources: Vec<(SourceConfig, Box<dyn Source>)>,
        store: Arc<dyn Store>,
        clock: Clock,
    ) -> Result<(Arc<Self>, Running), StoreError> {
        let mut loaded = Vec::with_capacity(sources.len());
        for (config, source) in sources {
            loaded.push(Arc::new(Shared::load(config, source, store.clone(), clock).await?));
        }
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for shared in &loaded {
            tasks.spawn(source::run(shared.clone(), stopped.clone()));
        }
        tasks.spawn(sweep(store.clone(), clock, stopped));
        Ok((Arc::new(Self { sources: loaded, clock }), Running { stop, tasks, store }))
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
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
        self.store.shut_down().await
    }
}

async fn sweep(store: Arc<dyn Store>, clock: Clock, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        if let Err(error) = store.sweep(clock()).await {
            tracing::warn!("cannot remove what is too old: {error}");
        }
        tokio::select! {
            () = tokio::time::sleep(SWEEP_EVERY) => {}
            _ = stop.changed() => {}
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
        let mut sources = Vec::with_capacity(self.sources.len());
        for shared in &self.sources {
            let name = &shared.config.name;
            let gaps = shared.store.gaps(name, GAPS_SHOWN).await?;
            let shown = shared.status.show(now, shared.config.stale_after);
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
        let mut rows = Vec::new();
        let mut columns = Vec::new();
        for shared in self.chosen(&request.sources)? {
            let (own, part) = source_rows(shared, name, window, &request).await?;
            columns = own;
            rows.extend(part);
        }
        if columns.is_empty() {
            columns = columns_of(name);
        }
        Ok(Report { name, from, to, columns, rows })
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

/// The rows of one source, and their columns.
async fn source_rows(
    shared: &Shared,
    name: &'static str,
    window: Window,
    request: &ReportRequest,
) -> Result<(Vec<&'static str>, Vec<Value>), ReportError> {
    let rows = match name {
        "agent_interval" | "group_interval" | "queue_interval" | "agent_queue_interval" => {
            over_time(shared, name, window, request).await?
        }
        _ => {
            let facts = facts(shared, window, request).await?;
            computed(shared, &facts, name)
        }
    };
    let wanted = |row: &Value| match (&request.agent, row.get("agent_id")) {
        (Some(agent), Some(Value::String(id))) => id == agent.as_str(),
        _ => true,
    };
    Ok((columns_of(name), rows.into_iter().filter(wanted).collect()))
}

async fn facts(shared: &Shared, window: Window, request: &ReportRequest) -> Result<Facts, StoreError> {
    let beginnings = shared.beginnings().await;
    let known_until = shared.status.watermark().unwrap_or(window.from);
    let agent = request.agent.as_ref();
    Facts::load(&*shared.store, &shared.config, window, agent, &beginnings, known_until).await
}

/// Stored rows of closed intervals, then those of open ones, computed now.
async fn over_time(
    shared: &Shared,
    name: &'static str,
    window: Window,
    request: &ReportRequest,
) -> Result<Vec<Value>, ReportError> {
    // Asked first: what is closed meanwhile is left out of the stored rows, so that it is there once.
    let closed_until = shared.status.closed_until().unwrap_or(Timestamp::MIN);
    let stored = shared.store.rows(&shared.config.name, name, window.from, window.to).await?;
    let mut rows = Vec::with_capacity(stored.len());
    for row in stored.iter().filter(|row| row.interval_start < closed_until) {
        rows.push(stored_value(row)?);
    }
    let Some(watermark) = shared.status.watermark() else { return Ok(rows) };
    let first_open =
        if window.from > closed_until { interval_at(&shared.config, window.from).from } else { closed_until };
    let end = window.to.min(interval_at(&shared.config, watermark).to);
    let open = Window { from: first_open.max(closed_until), to: end };
    if open.from < open.to {
        let request = ReportRequest { agent: None, ..request.clone() };
        let facts = facts(shared, open, &request).await?;
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
        "agent_interval" => values(&facts.agent_rows(config, interval)),
        "group_interval" => values(&facts.group_rows(config, interval)),
        "queue_interval" => values(&facts.queue_rows(config, interval)),
        "agent_queue_interval" => values(&facts.agent_queue_rows(config, interval)),
        "agent_daily" => values(&facts.agent_rows(config, IntervalLength::Day)),
        "group_daily" => values(&facts.group_rows(config, IntervalLength::Day)),
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
