//! What a row that was read says, beside what its file states.

use pegboard_model::acd::{AcdReport, Column, ExtraValue, Known, Value};
use pegboard_model::{AcdRow, Millis};
use pegboard_sim::reports::{
    AgentTime, Begun, Measure, Part, Report, RowKey, StatedRow, StatedSession, StatedValue,
};

/// The report of ours that has such rows.
pub(crate) const fn ours(report: Report) -> AcdReport {
    match report {
        Report::Queue => AcdReport::QueueInterval,
        Report::AgentQueue => AcdReport::AgentQueueInterval,
        Report::Agent => AcdReport::AgentInterval,
    }
}

/// What a row is about.
pub(crate) fn key_of(row: &AcdRow) -> RowKey {
    let report = Report::ALL.into_iter().find(|report| ours(*report) == row.report);
    let channel = row.grouping.channel.as_ref();
    RowKey {
        report: report.expect("one of the three"),
        name: row.name.clone(),
        start: row.interval_start,
        queue: row.grouping.queue.as_ref().and_then(Known::name).map(Into::into),
        agent: row.grouping.agent.as_ref().and_then(Known::name).map(Into::into),
        channel: channel.map(|channel| {
            ["VOICE", "CHAT", "TASK"]
                .into_iter()
                .find(|word| *word == channel.as_str())
                .expect("one of the three")
        }),
    }
}

/// The column of ours that means the same, by `docs/reports.md` and with its default thresholds: 20 seconds for the service
/// level, 5 for short abandons.
fn column(report: Report, measure: Measure) -> Option<&'static str> {
    let in_service_level = |limit: Millis| limit == Millis::from_seconds(20);
    match (report, measure) {
        (Report::Queue, Measure::Queued) => Some("offered"),
        (Report::Queue, Measure::Abandoned) => Some("abandoned"),
        (Report::Queue, Measure::AnsweredIn(limit)) if in_service_level(limit) => Some("answered_in_sl"),
        (Report::Queue, Measure::AbandonedIn(limit)) if in_service_level(limit) => Some("abandoned_in_sl"),
        (Report::Queue, Measure::Created(Begun::HandedOver)) => Some("transferred_in"),
        (Report::AgentQueue, Measure::TransferredOutByAgent) => Some("transferred_by_agent"),
        (Report::Queue | Report::AgentQueue, Measure::Handled(Begun::Anyhow)) => Some("answered"),
        (Report::Queue | Report::AgentQueue, Measure::Sum(Part::Interaction)) => Some("talk_s"),
        (Report::Queue | Report::AgentQueue, Measure::Sum(Part::Hold)) => Some("hold_s"),
        (Report::Queue | Report::AgentQueue, Measure::Sum(Part::AfterContactWork)) => Some("acw_s"),
        (Report::Queue | Report::AgentQueue, Measure::Sum(Part::InteractionAndHold)) => Some("handle_s"),
        (Report::Agent, Measure::Agents(AgentTime::Online)) => Some("login_s"),
        (Report::Agent, Measure::Agents(AgentTime::Idle)) => Some("available_s"),
        (Report::Agent, Measure::Agents(AgentTime::NonProductive)) => Some("aux_s"),
        (Report::Agent, Measure::Agents(AgentTime::Error)) => Some("error_s"),
        _ => None,
    }
}

/// What the row says where `stated` stands, and whether that is a column of ours.
fn said(row: &AcdRow, report: Report, stated: &StatedValue) -> Option<String> {
    let column = stated.measure.and_then(|measure| column(report, measure));
    if let Some(column) = column.and_then(Column::from_name) {
        return row.get(column).map(|value| value.to_string());
    }
    let extra = row.extra().iter().find(|extra| *extra.label == *stated.label)?;
    if let Some(measure) = stated.measure {
        let metric = extra.metric.as_deref().unwrap_or_default();
        assert!(metric.starts_with(measure.id()), "{} is told to be {metric}", stated.label);
    }
    Some(match &extra.value {
        ExtraValue::Number(value) => value.to_string(),
        ExtraValue::Text(text) => text.to_string(),
    })
}

/// Fails unless the row says what is stated and nothing else.
pub(crate) fn assert_says(row: &AcdRow, stated: &StatedRow, seed: u64) {
    let at = || format!("seed {seed}, {}: {:?}", row.telling.file, stated.key);
    assert_eq!(row.interval_start + row.interval_s, stated.end, "{}", at());
    let mut columns = 0;
    for value in &stated.values {
        assert_eq!(said(row, stated.key.report, value), value.value, "{}, {}", at(), value.label);
        let is_column = value.measure.and_then(|measure| column(stated.key.report, measure)).is_some();
        columns += usize::from(is_column && value.value.is_some());
    }
    // The threshold of the service level is told by the label.
    let told = row.values().iter().filter(|(column, _)| column.as_str() != "service_level_s").count();
    assert_eq!(told, columns, "nothing else stands under a column: {}", at());
}

/// Fails unless the rows are the sessions that are stated. Answers how many they are.
pub(crate) fn assert_says_sessions(rows: &[AcdRow], stated: &[StatedSession]) -> usize {
    let read: Vec<_> = rows
        .iter()
        .map(|row| {
            let length = match row.get(Column::Session) {
                Some(Value::Duration(length)) => Some(length),
                _ => None,
            };
            StatedSession {
                agent: row.grouping.agent.as_ref().and_then(Known::name).expect("a login").into(),
                login: row.interval_start,
                logout: length.map(|length| row.interval_start + length),
            }
        })
        .collect();
    assert_eq!(read, stated);
    assert!(rows.iter().all(|row| row.extra().len() >= 4), "names, profile and team are kept");
    read.len()
}
