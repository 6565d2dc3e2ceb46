//! The rows of reports for readers: those that are stored, and those of open intervals, computed now.

use std::collections::BTreeMap;

use pegboard_engine::{IntervalLength, Window};
use pegboard_model::report::Row;
use pegboard_model::{AgentId, Millis, Timestamp};
use pegboard_store::{Origin, RowsOf, StoreError, StoredRow};
use serde_json::Value;

use super::report_row::ReportRow;
use super::reports::{Facts, Wanted, days, interval_at, starting_in};
use super::source::Shared;
use super::view::ReportError;
use crate::report_text::json_object;

/// How many rows a report may have, and from how many segments or contacts it may be computed.
pub(super) const MOST_ROWS: usize = 500_000;

/// How far before and after its window a report of sessions looks.
pub(super) const AROUND_SESSIONS: Millis = Millis::from_hours(48);

/// The columns that rows over time have besides their own.
pub(super) const OVER_TIME: [&str; 4] = ["origin", "revision", "reason", "provisional"];

/// The rows of one source. `room` is how many more there may be, of them and of the facts behind them.
pub(super) async fn source_rows(
    shared: &Shared,
    name: &'static str,
    window: Window,
    agent: Option<&AgentId>,
    room: usize,
) -> Result<Vec<ReportRow>, ReportError> {
    shared.refresh_status().await?;
    let mut rows = if name.ends_with("_interval") {
        over_time(shared, name, window, agent, room).await?
    } else {
        computed(shared, &facts(shared, name, window, agent, room).await?, name)
    };
    rows.retain(|row| is_of(agent, row));
    Ok(rows)
}

/// What the rows of a report are made of.
fn made_of(name: &str) -> RowsOf {
    if name.contains("queue") { RowsOf::Contacts } else { RowsOf::Agents }
}

/// Whether a row is about the agent, if one is asked for.
pub(super) fn is_of(agent: Option<&AgentId>, row: &ReportRow) -> bool {
    agent.is_none_or(|agent| row.is_of(agent))
}

/// What the rows of a report are computed from. A sign-in before the window, and what lies on both sides of unknown time,
/// tell what a session is: it sees more than its window.
pub(super) async fn facts(
    shared: &Shared,
    name: &'static str,
    window: Window,
    agent: Option<&AgentId>,
    room: usize,
) -> Result<Facts, ReportError> {
    let made_of = made_of(name);
    let known_until = shared.status.known_until(made_of).unwrap_or(window.from);
    let around = if name == "sessions" { AROUND_SESSIONS } else { Millis::ZERO };
    let seen = Window { from: window.from - around, to: window.to + around };
    let wanted = Wanted { window: seen, agent, rows: made_of };
    let (store, config) = (&*shared.store, &shared.config);
    let facts = Facts::load_at_most(room, store, config, wanted, known_until).await?;
    Ok(facts.ok_or_else(ReportError::too_many)?.seen_through(window))
}

/// Stored rows of closed intervals, then those of open ones, computed now: all intervals that start in the window, whole.
pub(super) async fn over_time(
    shared: &Shared,
    name: &'static str,
    window: Window,
    agent: Option<&AgentId>,
    room: usize,
) -> Result<Vec<ReportRow>, ReportError> {
    // Asked first: what is closed meanwhile is left out of the stored rows, so that it is there once.
    let made_of = made_of(name);
    let closed_until = shared.status.closed_until().get(made_of).unwrap_or(Timestamp::MIN);
    let mut rows = Vec::new();
    for day in days(window) {
        for row in shared.store.rows(&shared.config.name, name, day.from, day.to).await? {
            let shown = stored(&row)?;
            if row.interval_start < closed_until && is_of(agent, &shown) {
                rows.push(shown);
            }
        }
        if rows.len() > room {
            return Err(ReportError::too_many());
        }
    }
    let Some(known_until) = shared.status.known_until(made_of) else { return Ok(rows) };
    let starting = starting_in(&shared.config, window);
    let end = interval_at(&shared.config, known_until).to;
    let open = Window { from: starting.from.max(closed_until), to: starting.to.min(end) };
    if open.from < open.to {
        // Groups are made of all agents.
        let agent = agent.filter(|_| name == "agent_interval");
        let facts = facts(shared, name, open, agent, room - rows.len()).await?;
        rows.extend(
            computed(shared, &facts, name).into_iter().map(|row| OverTime::PROVISIONAL.annotate(row)),
        );
    }
    Ok(rows)
}

fn stored(row: &StoredRow) -> Result<ReportRow, StoreError> {
    let shown = ReportRow::parse(&row.body)
        .map_err(|error| StoreError::Damaged { what: "row of a report", detail: error.to_string() })?;
    Ok(OverTime::of_stored(row).annotate(shown))
}

/// What rows over time say besides their own columns.
#[derive(Debug, Clone, Copy)]
pub(super) struct OverTime<'a> {
    origin: Origin,
    /// Nothing while the interval is open.
    stored: Option<&'a StoredRow>,
}

impl<'a> OverTime<'a> {
    const PROVISIONAL: Self = Self { origin: Origin::Computed, stored: None };

    fn of_stored(row: &'a StoredRow) -> Self {
        Self { origin: Origin::Computed, stored: Some(row) }
    }

    /// Of a row that the ACD computed itself.
    pub(super) fn of_acd(row: &'a StoredRow) -> Self {
        Self { origin: Origin::Acd, stored: Some(row) }
    }

    /// Adds the columns to a row.
    pub(super) fn annotate(self, row: ReportRow) -> ReportRow {
        let [origin, revision, reason, provisional] = OVER_TIME;
        row.with(&[
            (origin, self.origin.as_str().into()),
            (revision, self.stored.map_or(Value::Null, |row| row.revision.into())),
            (reason, self.stored.map_or(Value::Null, |row| (*row.reason).into())),
            (provisional, self.stored.is_none().into()),
        ])
    }
}

/// Makes a queue that serves several channels and directions one queue for each: `queue / channel / direction`.
pub(super) fn name_virtually(shown: &mut ReportRow) {
    let mut row = shown.value();
    let (Some(channel), Some(direction)) = (text_of(&row, "channel"), text_of(&row, "direction")) else {
        return;
    };
    for column in ["queue_id", "queue_name"] {
        if let Some(queue) = text_of(&row, column).filter(|queue| !queue.is_empty()) {
            row[column] = format!("{queue} / {channel} / {direction}").into();
        }
    }
    *shown = row.into();
}

fn text_of(row: &Value, column: &str) -> Option<String> {
    row.get(column).and_then(Value::as_str).map(str::to_owned)
}

fn computed(shared: &Shared, facts: &Facts, name: &str) -> Vec<ReportRow> {
    let config = &shared.config;
    let interval = config.interval;
    match name {
        "segments" => shown(&facts.segments(config)),
        "activities" => shown(&facts.activities(config)),
        "sessions" => shown(&facts.sessions(config, config.session_policy)),
        "agent_interval" => shown(&facts.agent_and_group_rows(config, interval).0),
        "group_interval" => shown(&facts.agent_and_group_rows(config, interval).1),
        "queue_interval" => shown(&facts.queue_rows(config, interval)),
        "agent_queue_interval" => shown(&facts.agent_queue_rows(config, interval)),
        "agent_daily" => shown(&facts.agent_and_group_rows(config, IntervalLength::Day).0),
        "group_daily" => shown(&facts.agent_and_group_rows(config, IntervalLength::Day).1),
        "queue_daily" => shown(&facts.queue_rows(config, IntervalLength::Day)),
        "agent_queue_daily" => shown(&facts.agent_queue_rows(config, IntervalLength::Day)),
        _ => Vec::new(),
    }
}

fn shown<R: Row>(rows: &[R]) -> Vec<ReportRow> {
    rows.iter().map(|row| ReportRow::written(json_object(row))).collect()
}

/// The columns of a report, in order.
pub(super) fn columns_of(name: &str) -> Vec<&'static str> {
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
