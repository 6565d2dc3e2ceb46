//! Rows that the ACD computed itself, as readers see them: under the columns of our reports.

use pegboard_engine::Window;
use pegboard_model::acd::{AcdReport, AcdRow, Column, ExtraValue, Value as Number};
use pegboard_model::policy::SessionPolicy;
use pegboard_model::{AgentId, Millis, SourceName, Timestamp};
use pegboard_store::StoreError;
use serde_json::{Map, Value};

use super::names::Directory;
use super::report_row::ReportRow;
use super::reports::days;
use super::rows::{AROUND_SESSIONS, OVER_TIME, OverTime, columns_of, is_of};
use super::source::Shared;
use super::view::ReportError;

/// The columns that such rows have besides those of our reports: what the site calls the ACD's report, what else it is
/// grouped by and says, and the file that told it.
const OWN_COLUMNS: [&str; 4] = ["acd_report", "groups", "extra", "file"];

/// The name under which rows are kept, if the ACD computes such rows.
pub(super) fn kept(name: &str) -> Option<&'static str> {
    AcdReport::KEPT.into_iter().map(|(kept, _)| kept).find(|kept| *kept == name)
}

/// The columns of rows that are kept under a name, in order.
pub(super) fn columns(kept: &str) -> Vec<&'static str> {
    let mut columns = columns_of(kept);
    columns.retain(|column| !OVER_TIME.contains(column));
    columns.into_iter().chain(OVER_TIME).chain(OWN_COLUMNS).collect()
}

/// The rows of one source whose interval starts in the window, and sessions that touch it. `room` is how many there may be.
pub(super) async fn rows(
    shared: &Shared,
    kept: &'static str,
    window: Window,
    agent: Option<&AgentId>,
    room: usize,
) -> Result<Vec<ReportRow>, ReportError> {
    let source = &shared.config.name;
    let directory = Directory::load(&*shared.store, source).await?;
    let before = if kept == AcdReport::Sessions.as_str() { AROUND_SESSIONS } else { Millis::ZERO };
    let mut rows = Vec::new();
    for day in days(Window { from: window.from - before, to: window.to }) {
        for stored in shared.store.acd_rows(source, kept, day.from, day.to).await? {
            let row = read(&stored.row.body)?;
            if row.interval_start < window.from && sign_out(&row).is_some_and(|end| end <= window.from) {
                continue;
            }
            let mut shown = show(source, &row, &directory);
            shown.insert("file".into(), (*stored.file).into());
            let row = OverTime::of_acd(&stored.row).annotate(Value::Object(shown).into());
            if is_of(agent, &row) {
                rows.push(row);
            }
        }
        if rows.len() > room {
            return Err(ReportError::too_many());
        }
    }
    Ok(rows)
}

/// A row as it is stored.
pub(super) fn read(body: &str) -> Result<AcdRow, StoreError> {
    serde_json::from_str(body)
        .map_err(|error| StoreError::Damaged { what: "row of the ACD", detail: error.to_string() })
}

/// A row under all columns of its report; what the ACD does not say is null.
pub(super) fn show(source: &SourceName, row: &AcdRow, directory: &Directory) -> Map<String, Value> {
    let mut shown: Map<String, Value> =
        row.report.columns().iter().map(|column| ((*column).to_owned(), Value::Null)).collect();
    let mut say = |column: &str, value: Value| {
        if let Some(cell) = shown.get_mut(column) {
            *cell = value;
        }
    };
    say("interval_start", row.interval_start.to_string().into());
    say("interval_s", seconds(row.interval_s));
    say("source", source.as_str().into());
    if let Some(queue) = &row.grouping.queue {
        let (id, name) = directory.queue(queue, row.interval_start);
        // A queue without a name is none; one with a name that nobody knows has an id all the same.
        say(
            "queue_id",
            if id.as_str().is_empty() && !name.is_empty() { Value::Null } else { id.as_str().into() },
        );
        say("queue_name", (*name).into());
    }
    if let Some(agent) = &row.grouping.agent {
        let (id, login, name) = directory.agent(agent);
        say("agent_id", known(id.as_str()));
        say("agent_login", known(&login));
        say("agent_name", known(&name));
    }
    if let Some(channel) = &row.grouping.channel {
        say("channel", channel.as_str().into());
    }
    if let Some(direction) = row.grouping.direction {
        say("direction", direction.as_str().into());
    }
    if let Some(pegging) = row.pegging {
        say("pegging", pegging.as_str().into());
    }
    if let Some(formula) = row.service_level_formula {
        say("service_level_formula", formula.as_str().into());
    }
    for (column, value) in row.values() {
        say(column.as_str(), number(*value));
    }
    if row.report == AcdReport::Sessions {
        say("sign_in", row.interval_start.to_string().into());
        say("sign_out", sign_out(row).map_or(Value::Null, |at| at.to_string().into()));
        say("policy", SessionPolicy::Login.as_str().into());
    }
    shown.insert("acd_report".into(), (*row.name).into());
    shown.insert("groups".into(), groups(row));
    shown.insert("extra".into(), extra(row));
    shown
}

/// When a session ended; nothing where the ACD has told of no end.
pub(super) fn sign_out(session: &AcdRow) -> Option<Timestamp> {
    match session.get(Column::Session) {
        Some(Number::Duration(length)) => Some(session.interval_start + length),
        _ => None,
    }
}

fn known(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { text.into() }
}

fn groups(row: &AcdRow) -> Value {
    let groups = row.grouping.further.iter().map(|(label, value)| (label.to_string(), Value::from(&**value)));
    Value::Object(groups.collect())
}

fn extra(row: &AcdRow) -> Value {
    let extra = row.extra().iter().map(|extra| {
        let value = match &extra.value {
            ExtraValue::Number(value) => number(*value),
            ExtraValue::Text(text) => (**text).into(),
        };
        (extra.label.to_string(), value)
    });
    Value::Object(extra.collect())
}

fn number(value: Number) -> Value {
    // A number is always JSON.
    serde_json::to_value(value).unwrap_or(Value::Null)
}

fn seconds(duration: Millis) -> Value {
    number(Number::Duration(duration))
}

#[cfg(test)]
mod tests {
    use pegboard_model::acd::{Extra, Grouping, Known};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_row_stands_under_the_columns_of_its_report_and_what_is_not_said_is_null() {
        let grouping = Grouping {
            queue: Some(Known::Name("Sales".into())),
            further: vec![("Routing profile".into(), "Basic".into())],
            ..Grouping::default()
        };
        let start = Timestamp::parse("2026-03-01T09:15:00Z").unwrap();
        let (quarter, report) = (Millis::from_minutes(15), AcdReport::QueueInterval);
        let mut row = AcdRow::new(report, "QR".into(), start, quarter, grouping);
        row.put(Column::Offered, Number::Count(3));
        row.put(Column::Talk, Number::Duration(Millis::new(12_005)));
        row.keep(Extra { label: "Zone".into(), metric: None, value: ExtraValue::Text("7".into()) });
        let body = serde_json::to_string(&row).unwrap();
        let shown = Value::Object(show(&"acme".into(), &read(&body).unwrap(), &Directory::default()));
        assert!(report.columns().iter().all(|column| shown.get(column).is_some()));
        let cell = |column: &str| shown[column].clone();
        assert_eq!((cell("interval_start"), cell("interval_s")), (json!("2026-03-01T09:15:00Z"), json!(900)));
        assert_eq!((cell("queue_id"), cell("queue_name")), (Value::Null, json!("Sales")));
        assert_eq!((cell("offered"), cell("talk_s"), cell("hold_s")), (json!(3), json!(12.005), Value::Null));
        assert_eq!(
            (cell("groups"), cell("extra")),
            (json!({"Routing profile": "Basic"}), json!({"Zone": "7"}))
        );
    }

    #[test]
    fn a_session_begins_with_its_sign_in_and_may_have_no_end() {
        let grouping = Grouping { agent: Some(Known::Name("ann".into())), ..Grouping::default() };
        let start = Timestamp::parse("2026-03-01T22:15:07Z").unwrap();
        let mut row = AcdRow::new(AcdReport::Sessions, "LoginLogout".into(), start, Millis::ZERO, grouping);
        let shown = |row: &AcdRow| {
            let shown = show(&"acme".into(), row, &Directory::default());
            let cells = ["agent_login", "sign_in", "sign_out", "duration_s", "policy"];
            cells.map(|column| shown[column].clone())
        };
        let at = |text: &str| json!(text);
        let open = [at("ann"), at("2026-03-01T22:15:07Z"), Value::Null, Value::Null, at("login")];
        assert_eq!(shown(&row), open);
        row.put(Column::Session, Number::Duration(Millis::from_hours(8)));
        let over =
            [at("ann"), at("2026-03-01T22:15:07Z"), at("2026-03-02T06:15:07Z"), json!(28800), at("login")];
        assert_eq!(shown(&row), over);
        let columns = columns(row.kept_as());
        assert!(columns.iter().all(|column| OVER_TIME.contains(column)
            || OWN_COLUMNS.contains(column)
            || AcdReport::Sessions.columns().contains(column)));
        assert_eq!(columns.len(), 9 + OVER_TIME.len() + OWN_COLUMNS.len());
    }
}
