//! The queue report with its three lists to rows that the ACD computed. Pure.

use std::collections::HashSet;

use pegboard_client::{AgentPerformanceRow, AgentQueueRow, QueueRow};
use pegboard_model::Timestamp;
use serde_json::{Value, json};

use super::body::{Body, Faults, Sorted};
use crate::api::error::ApiError;
use crate::config::SdkSettings;

/// What all rows of a report have in common.
struct Report {
    start: Timestamp,
    seconds: i64,
    made: Timestamp,
}

/// Reads a report. Rows are known by their interval and what they are about; of two tellings the one that came later, at `now`, holds.
pub(super) fn read(body: &[u8], sdk: &SdkSettings, now: Timestamp) -> Result<Sorted, ApiError> {
    let mut body = Body::read(body, sdk)?;
    let window = body.window();
    let queues = body.list("queueReport")?;
    let agent_queues = body.list("agentQueueReport")?;
    let agents = body.list("agentSystemPerformanceReport")?;
    let mut sorted = body.end();
    let Some((start, end)) = window else { return Ok(sorted) };
    let report = Report { start, seconds: end.since(start).get() / 1000, made: now };
    let mut known = HashSet::new();
    sorted.take("queueReport", queues, |row: QueueRow, faults| {
        faults.name("queueId", &row.queue_id);
        check_times(row.handle_time, row.hold_time, faults);
        if !known.insert(row.queue_id.clone()) {
            faults.note("DUPLICATE", "queueId", "this queue stands in the report already");
        }
        vec![(0, report.queue(&row))]
    });
    let mut known = HashSet::new();
    sorted.take("agentQueueReport", agent_queues, |row: AgentQueueRow, faults| {
        faults.name("agentId", &row.agent_id);
        faults.name("queueId", &row.queue_id);
        check_times(row.handle_time, row.hold_time, faults);
        if !known.insert((row.agent_id.clone(), row.queue_id.clone())) {
            faults.note("DUPLICATE", "agentId", "this agent stands in the report already with this queue");
        }
        vec![(0, report.agent_queue(&row))]
    });
    let mut known = HashSet::new();
    sorted.take("agentSystemPerformanceReport", agents, |row: AgentPerformanceRow, faults| {
        faults.name("agentId", &row.agent_id);
        if !known.insert(row.agent_id.clone()) {
            faults.note("DUPLICATE", "agentId", "this agent stands in the report already");
        }
        vec![(0, report.agent(&row))]
    });
    Ok(sorted)
}

/// Talk is handle time without hold.
fn check_times(handle: u64, hold: u64, faults: &mut Faults) {
    if hold > handle {
        faults.note("IDENTITY", "handleTime", "handle time holds hold time, and is less here");
    }
}

impl Report {
    fn row(&self, report: &str, name: &str, values: &Value) -> Value {
        json!({
            "kind": "report_row", "report": report, "name": name, "interval_start": self.start,
            "interval_s": self.seconds, "made": self.made, "values": values,
        })
    }

    fn queue(&self, told: &QueueRow) -> Value {
        let mut values = json!({
            "offered": told.contacts_received,
            "answered": told.handled_short.saturating_add(told.handled_long),
            "answered_in_sl": told.handled_short,
            "abandoned": told.abandoned_short.saturating_add(told.abandoned_long),
            "abandoned_in_sl": told.abandoned_short,
            "queue_answered_s": told.queue_delay_time,
            "talk_s": told.handle_time.saturating_sub(told.hold_time),
            "hold_s": told.hold_time,
            "acw_s": told.work_time,
            "handle_s": told.handle_time,
            "backlog": told.backlog,
            "backlog_expired": told.backlog_expired,
            "right_party": told.right_party_contacts,
            "right_party_talk_s": told.right_party_talk_time,
            "right_party_acw_s": told.right_party_work_time,
            "wrong_party": told.wrong_party_contacts,
            "wrong_party_talk_s": told.wrong_party_talk_time,
            "wrong_party_acw_s": told.wrong_party_work_time,
            "active": told.active,
        });
        if let Some(percent) = told.service_level_percent {
            values["service_level_pct"] = json!(percent);
        }
        let mut row = self.row("queue_interval", "QR", &values);
        row["queue"] = json!({ "id": told.queue_id });
        row
    }

    fn agent_queue(&self, told: &AgentQueueRow) -> Value {
        let values = json!({
            "answered": told.contacts_handled,
            "talk_s": told.handle_time.saturating_sub(told.hold_time),
            "hold_s": told.hold_time,
            "acw_s": told.work_time,
            "handle_s": told.handle_time,
        });
        let mut row = self.row("agent_queue_interval", "AQR", &values);
        row["queue"] = json!({ "id": told.queue_id });
        row["agent"] = json!({ "id": told.agent_id });
        row
    }

    /// What is not ready is `aux_s` here, as that of other ACDs is.
    fn agent(&self, told: &AgentPerformanceRow) -> Value {
        let values =
            json!({ "login_s": told.login_time, "available_s": told.ready_time, "aux_s": told.not_ready });
        let mut row = self.row("agent_interval", "ASPR", &values);
        row["agent"] = json!({ "id": told.agent_id });
        row
    }
}
