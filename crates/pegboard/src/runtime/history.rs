//! The history of rows: every revision, when, why, and what changed.

use pegboard_engine::Window;
use pegboard_store::{Origin, RowRevision, StoreError};
use serde_json::{Map, Value};

use super::acd_rows::{kept, read, show};
use super::names::Directory;
use super::report_row::ReportRow;
use super::reports::starting_in;
use super::rows::columns_of;
use super::source::Shared;
use super::view::{HistoryRequest, ReportError};

/// The columns that tell what a row is about, of those that the report has.
const ABOUT: [&str; 7] =
    ["agent_id", "agent_login", "group", "queue_id", "queue_name", "channel", "direction"];

/// The columns that tell of a revision.
const OF_REVISION: [&str; 7] = ["origin", "revision", "at", "reason", "file", "changed", "row"];

/// The columns of the history of a report.
pub(super) fn columns(report: &str) -> Vec<&'static str> {
    let own = columns_of(report);
    let about = ABOUT.into_iter().filter(|column| own.contains(column));
    ["interval_start", "source"].into_iter().chain(about).chain(OF_REVISION).collect()
}

/// All revisions of the rows of one source whose interval starts in the window. `room` is how many there may be.
pub(super) async fn rows(
    shared: &Shared,
    request: &HistoryRequest,
    report: &'static str,
    window: Window,
    room: usize,
) -> Result<Vec<ReportRow>, ReportError> {
    let (store, source) = (&shared.store, &shared.config.name);
    let window = starting_in(&shared.config, window);
    let found = store.row_history(source, request.origin, report, window.from, window.to, room + 1).await?;
    if found.len() > room {
        return Err(ReportError::too_many());
    }
    let directory = match request.origin {
        Origin::Acd => Directory::load(&**store, source).await?,
        Origin::Computed => Directory::default(),
    };
    let bodies = found.iter().map(|revision| match &revision.body {
        None => Ok(None),
        Some(body) if request.origin == Origin::Acd => {
            read(body).map(|row| Some(show(source, &row, &directory)))
        }
        Some(body) => computed(body).map(Some),
    });
    let bodies: Vec<Option<Map<String, Value>>> = bodies.collect::<Result<_, _>>()?;
    let mut rows = Vec::new();
    let mut before: Option<(&RowRevision, &Map<String, Value>)> = None;
    for (revision, body) in found.iter().zip(&bodies) {
        before = before.filter(|(known, _)| is_same_row(known, revision));
        let last = before.map(|(_, body)| body);
        if let Some(about) = body.as_ref().or(last)
            && request.wants(about)
        {
            let told = Told { report, source: source.as_str(), origin: request.origin, revision };
            rows.push(told.row(about, body.as_ref(), last).into());
        }
        before = body.as_ref().map(|body| (revision, body)).or(before);
    }
    Ok(rows)
}

fn is_same_row(one: &RowRevision, other: &RowRevision) -> bool {
    (one.interval_start, &one.key) == (other.interval_start, &other.key)
}

fn computed(body: &str) -> Result<Map<String, Value>, StoreError> {
    serde_json::from_str(body)
        .map_err(|error| StoreError::Damaged { what: "row of a report", detail: error.to_string() })
}

/// One revision, and where it belongs.
struct Told<'a> {
    report: &'static str,
    source: &'a str,
    origin: Origin,
    revision: &'a RowRevision,
}

impl Told<'_> {
    /// `about` tells which row it is; `body` is the row, if it exists, and `last` as it stood before.
    fn row(
        &self,
        about: &Map<String, Value>,
        body: Option<&Map<String, Value>>,
        last: Option<&Map<String, Value>>,
    ) -> Value {
        let revision = self.revision;
        let columns = columns(self.report).into_iter().map(|column| {
            let value = match column {
                "interval_start" => revision.interval_start.to_string().into(),
                "source" => self.source.into(),
                "origin" => self.origin.as_str().into(),
                "revision" => revision.revision.into(),
                "at" => revision.at.to_string().into(),
                "reason" => (*revision.reason).into(),
                "file" => revision.file.as_deref().map_or(Value::Null, Value::from),
                "changed" => body.zip(last).map_or(Value::Null, |(body, last)| changed(last, body)),
                "row" => body.map_or(Value::Null, |body| Value::Object(body.clone())),
                about_it => about.get(about_it).cloned().unwrap_or(Value::Null),
            };
            (column.to_owned(), value)
        });
        Value::Object(columns.collect())
    }
}

/// The columns that differ, each with what it was and what it is.
fn changed(last: &Map<String, Value>, body: &Map<String, Value>) -> Value {
    let differs = |column: &&String| last.get(*column) != body.get(*column);
    let before_and_after = |column: &String| {
        let of = |row: &Map<String, Value>| row.get(column).cloned().unwrap_or(Value::Null);
        (column.clone(), Value::Array(vec![of(last), of(body)]))
    };
    let mut columns: Vec<&String> = last.keys().chain(body.keys()).filter(differs).collect();
    columns.sort_unstable();
    columns.dedup();
    Value::Object(columns.into_iter().map(before_and_after).collect())
}

impl HistoryRequest {
    /// Whether a row is about what is asked for.
    fn wants(&self, row: &Map<String, Value>) -> bool {
        let is = |column: &str, wanted: &str| row.get(column).and_then(Value::as_str) == Some(wanted);
        self.agent.as_ref().is_none_or(|agent| is("agent_id", agent.as_str()))
            && self.queue.as_ref().is_none_or(|queue| is("queue_id", queue) || is("queue_name", queue))
    }
}

/// The report whose history is asked for, if rows of it are kept.
pub(super) fn kept_report(name: &str, origin: Origin) -> Option<&'static str> {
    match origin {
        Origin::Computed => super::derived::STORED_REPORTS.into_iter().find(|report| *report == name),
        Origin::Acd => kept(name),
    }
}
