//! `reconciliation`: where the ACD's own rows differ from the computed ones, and why, as far as that is known.

mod comparison;
mod reasons;
mod sessions;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use pegboard_engine::Window;
use pegboard_model::Timestamp;
use pegboard_model::acd::{AcdReport, AcdRow};
use pegboard_store::{ClosedUntil, RowsOf};
use serde_json::{Map, Value};

use self::comparison::{Comparison, Sides};
use crate::runtime::acd_rows;
use crate::runtime::known_from;
use crate::runtime::names::Directory;
use crate::runtime::report_row::ReportRow;
use crate::runtime::reports::days;
use crate::runtime::rows::over_time;
use crate::runtime::source::Shared;
use crate::runtime::view::{ReportError, ReportRequest};

/// The columns, in order.
pub(in crate::runtime) const COLUMNS: [&str; 17] = [
    "interval_start",
    "interval_s",
    "source",
    "report",
    "acd_report",
    "queue_id",
    "queue_name",
    "agent_id",
    "agent_login",
    "channel",
    "direction",
    "measure",
    "acd",
    "computed",
    "difference",
    "agrees",
    "reason",
];

type Row = Map<String, Value>;

/// A row of the ACD, as it is shown and as it is.
struct Told {
    row: AcdRow,
    shown: Row,
}

impl Told {
    fn end(&self) -> Timestamp {
        self.row.interval_start + self.row.interval_s
    }
}

/// The numbers of one source that differ, and those that agree where they are asked for.
pub(in crate::runtime) async fn rows(
    shared: &Shared,
    window: Window,
    request: &ReportRequest,
    room: usize,
) -> Result<Vec<Value>, ReportError> {
    let directory = Directory::load(&*shared.store, &shared.config.name).await?;
    let mut found = Vec::new();
    for report in AcdReport::INTERVALS {
        let intervals = told(shared, report.as_str(), window, &directory, room).await?;
        let days = match report.by_day().filter(|_| request.by_day) {
            Some(name) => told(shared, name, window, &directory, room).await?,
            None => Vec::new(),
        };
        let Some(latest) = intervals.iter().chain(&days).map(Told::end).max() else { continue };
        let window = Window { to: latest.max(window.to), ..window };
        let computed = closed_rows(shared, report.as_str(), window, room).await?;
        let unqueued = match report {
            AcdReport::QueueInterval => closed_rows(shared, AGENT_QUEUES, window, room).await?,
            _ => computed.clone(),
        };
        let (computed, unqueued) = (Computed::of(computed), Computed::of_no_queue(unqueued));
        let (tolerance, agreeing) = (request.tolerance, request.agreeing);
        let comparison = Comparison { config: &shared.config, report, tolerance, agreeing };
        let days = covered(shared, report, days).await?;
        let sides = Sides { intervals, days, computed, unqueued };
        found.extend(comparison.rows(&sides, window, request.by_day));
    }
    found.extend(sessions::rows(shared, window, request, &directory, room).await?);
    Ok(found)
}

const AGENT_QUEUES: &str = AcdReport::AgentQueueInterval.as_str();

/// What the ACD tells of the window.
async fn told(
    shared: &Shared,
    kept: &str,
    window: Window,
    directory: &Directory,
    room: usize,
) -> Result<Vec<Told>, ReportError> {
    let source = &shared.config.name;
    let mut told = Vec::new();
    for day in days(window) {
        for stored in shared.store.acd_rows(source, kept, day.from, day.to).await? {
            let row = acd_rows::read(&stored.row.body)?;
            let shown = acd_rows::show(source, &row, directory);
            told.push(Told { row, shown });
        }
        if told.len() > room {
            return Err(ReportError::too_many());
        }
    }
    Ok(told)
}

/// The computed rows of closed intervals.
async fn closed_rows(
    shared: &Shared,
    report: &'static str,
    window: Window,
    room: usize,
) -> Result<Vec<Row>, ReportError> {
    let rows = over_time(shared, report, window, None, room).await?;
    let rows = rows.iter().map(ReportRow::value);
    Ok(rows.filter(|row| row["provisional"] == false).filter_map(into_object).collect())
}

/// Those days of which every interval is closed, and of whose beginning anything is known.
async fn covered(shared: &Shared, report: AcdReport, days: Vec<Told>) -> Result<Vec<Told>, ReportError> {
    if days.is_empty() {
        return Ok(days);
    }
    let made_of = match report {
        AcdReport::QueueInterval | AcdReport::AgentQueueInterval => RowsOf::Contacts,
        AcdReport::AgentInterval | AcdReport::Sessions => RowsOf::Agents,
    };
    let from = known_from::of(shared, made_of).await?.unwrap_or(Timestamp::MAX);
    let until = ClosedUntil::get(shared.status.closed_until(), made_of).unwrap_or(Timestamp::MIN);
    let is_covered = |day: &Told| from <= day.row.interval_start && day.end() <= until;
    Ok(days.into_iter().filter(is_covered).collect())
}

fn into_object(row: Value) -> Option<Row> {
    match row {
        Value::Object(row) => Some(row),
        _ => None,
    }
}

/// Computed rows by the start of their interval.
#[derive(Default)]
struct Computed {
    by_start: BTreeMap<Timestamp, Vec<Row>>,
}

impl Computed {
    fn of(rows: impl IntoIterator<Item = Row>) -> Self {
        let mut by_start: BTreeMap<Timestamp, Vec<Row>> = BTreeMap::new();
        for row in rows {
            let start = row.get("interval_start").and_then(Value::as_str).map(Timestamp::parse);
            if let Some(Ok(start)) = start {
                by_start.entry(start).or_default().push(row);
            }
        }
        Self { by_start }
    }

    /// Those of contacts that never entered a queue.
    fn of_no_queue(rows: impl IntoIterator<Item = Row>) -> Self {
        Self::of(rows.into_iter().filter(|row| row.get("queue_id").is_some_and(|queue| queue == "")))
    }

    fn within<'a>(&'a self, told: &Told) -> impl Iterator<Item = &'a Row> {
        self.by_start.range(told.row.interval_start..told.end()).flat_map(|(_, rows)| rows)
    }

    /// The rows that say of their own what a row of the ACD says: within its interval, and about no more than it is grouped by.
    fn like<'a>(&'a self, told: &'a Told) -> impl Iterator<Item = &'a Row> {
        self.within(told).filter(move |row| is_about_the_same(&told.shown, row))
    }

    /// The rows within its interval that are about the same agent, if it is about one.
    fn of_agent<'a>(&'a self, told: &'a Told) -> impl Iterator<Item = &'a Row> {
        self.within(told).filter(move |row| is_about_the_same_agent(&told.shown, row))
    }
}

/// Whether a computed row is about what a row of the ACD is about. What the ACD does not tell apart is no matter; an id that
/// nobody knows is looked for by its name.
fn is_about_the_same(told: &Row, computed: &Row) -> bool {
    let same = |column: &str| is_same(told, computed, column);
    is_named(told, computed, "queue_id", "queue_name")
        && is_about_the_same_agent(told, computed)
        && same("channel")
        && same("direction")
}

fn is_about_the_same_agent(told: &Row, computed: &Row) -> bool {
    is_named(told, computed, "agent_id", "agent_login")
}

fn is_same(told: &Row, computed: &Row, column: &str) -> bool {
    told.get(column).is_none_or(|told| told.is_null() || computed.get(column) == Some(told))
}

fn is_named(told: &Row, computed: &Row, id: &str, name: &str) -> bool {
    match told.get(id) {
        Some(known) if !known.is_null() => computed.get(id) == Some(known),
        _ => is_same(told, computed, name),
    }
}
