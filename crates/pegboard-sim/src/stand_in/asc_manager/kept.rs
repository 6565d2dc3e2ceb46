//! What was accepted: what the WFM sees.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use pegboard_model::Timestamp;
use serde_json::{Value, json};

use super::Route;
use super::read::{Read, Window};

/// How many states of an agent are kept: the oldest go.
pub const MOST_STATES: usize = 10_000;

/// How many intervals of a report are kept: the oldest go.
pub const MOST_INTERVALS: usize = 10_000;

/// How many breaches of the order are written out; all of them are counted.
const MOST_WRITTEN_OUT: usize = 100;

/// What a stand-in accepted.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    /// The queue report of each interval, by its start.
    pub queue_reports: BTreeMap<Timestamp, Report>,
    /// The agent activity report of each interval, by its start.
    pub activity_reports: BTreeMap<Timestamp, Report>,
    /// The states of each agent in the order in which they came, by his id.
    pub states: BTreeMap<String, VecDeque<AgentState>>,
    /// How many states came after a newer one of the same agent.
    pub older_after_newer: u64,
    /// The first of these.
    pub disorder: Vec<String>,
    /// How often it was told that the other side lives.
    pub heartbeats: u64,
    /// And when it was told so last.
    pub last_heartbeat: Option<Timestamp>,
}

/// What is known of an interval.
#[derive(Debug, Clone)]
pub struct Report {
    /// The last report, without the rows that were refused.
    pub latest: Value,
    /// The same as it was sent.
    pub sent: Arc<[u8]>,
    /// Every report that was accepted, in order.
    pub revisions: Vec<Revision>,
}

/// A report that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// Under which idempotency key.
    pub key: String,
    /// When.
    pub at: Timestamp,
    /// How many of its rows were refused.
    pub refused: usize,
}

/// The state of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentState {
    /// His name.
    pub agent_value: String,
    /// What he does.
    pub event_id: String,
    /// Why.
    pub event_reason: String,
    /// Since when.
    pub event_time: Timestamp,
    /// Its place among all states: what has a lower one is older.
    pub sequence: u64,
    /// Under which idempotency key it came.
    pub key: String,
    /// When it came.
    pub at: Timestamp,
}

/// A request that was accepted.
pub(super) struct Accepted<'a> {
    pub(super) key: &'a str,
    pub(super) at: Timestamp,
    pub(super) sent: &'a [u8],
    pub(super) body: &'a Value,
    pub(super) read: &'a Read,
}

impl Kept {
    pub(super) fn heartbeat(&mut self, now: Timestamp) {
        self.heartbeats += 1;
        self.last_heartbeat = Some(now);
    }

    /// The report of an interval.
    pub(super) fn latest(&self, route: Route, start: Timestamp) -> Option<&Report> {
        let reports = match route {
            Route::QueueReport => &self.queue_reports,
            Route::AgentActivity => &self.activity_reports,
            _ => return None,
        };
        reports.get(&start)
    }

    pub(super) fn queue_report(&mut self, window: Window, accepted: &Accepted<'_>) {
        keep(&mut self.queue_reports, window, accepted);
    }

    pub(super) fn activity_report(&mut self, window: Window, accepted: &Accepted<'_>) {
        keep(&mut self.activity_reports, window, accepted);
    }

    pub(super) fn states(&mut self, accepted: &Accepted<'_>) {
        let good = accepted.read.good_of(accepted.body);
        let states = good["agentStates"].as_array().map(Vec::as_slice).unwrap_or_default();
        for state in states {
            let text = |key: &str| state[key].as_str().unwrap_or_default().to_owned();
            let agent = text("agentId");
            let state = AgentState {
                agent_value: text("agentValue"),
                event_id: text("eventId"),
                event_reason: text("eventReason"),
                event_time: Timestamp::parse(&text("eventTime")).unwrap_or_default(),
                sequence: state["sequence"].as_u64().unwrap_or_default(),
                key: accepted.key.to_owned(),
                at: accepted.at,
            };
            self.state(agent, state);
        }
    }

    fn state(&mut self, agent: String, state: AgentState) {
        let states = self.states.entry(agent).or_default();
        if let Some(last) = states.back().filter(|last| state.sequence < last.sequence) {
            self.older_after_newer += 1;
            if self.disorder.len() < MOST_WRITTEN_OUT {
                let told = format!(
                    "{}: {} ({}) after {} ({})",
                    state.agent_value, state.event_id, state.sequence, last.event_id, last.sequence
                );
                self.disorder.push(told);
            }
        }
        states.push_back(state);
        if states.len() > MOST_STATES {
            states.pop_front();
        }
    }

    /// Everything that is known now, as JSON: by kind, and by agent or interval.
    pub(super) fn shown(&self, kind: &str) -> Option<Value> {
        Some(match kind {
            "queue-reports" => reports(&self.queue_reports),
            "activity-reports" => reports(&self.activity_reports),
            "agent-states" => self
                .states
                .iter()
                .map(|(agent, states)| {
                    json!({
                        "agentId": agent, "count": states.len(), "now": states.back().map(state),
                    })
                })
                .collect(),
            "health" => json!({
                "heartbeats": self.heartbeats,
                "lastHeartbeat": self.last_heartbeat.map(|at| at.to_string()),
                "olderAfterNewer": self.older_after_newer,
                "disorder": self.disorder,
            }),
            _ => return None,
        })
    }

    /// The states of one agent, in the order in which they came.
    pub(super) fn states_of(&self, agent: &str) -> Value {
        self.states.get(agent).into_iter().flatten().map(state).collect()
    }
}

fn keep(reports: &mut BTreeMap<Timestamp, Report>, window: Window, accepted: &Accepted<'_>) {
    let refused = accepted.read.items.iter().filter(|item| !item.problems.is_empty()).count();
    let revision = Revision { key: accepted.key.to_owned(), at: accepted.at, refused };
    let (latest, sent) = (accepted.read.good_of(accepted.body), accepted.sent.into());
    let mut revisions = reports.remove(&window.start).map(|report| report.revisions).unwrap_or_default();
    revisions.push(revision);
    reports.insert(window.start, Report { latest, sent, revisions });
    if reports.len() > MOST_INTERVALS {
        reports.pop_first();
    }
}

fn reports(reports: &BTreeMap<Timestamp, Report>) -> Value {
    let shown = reports.iter().map(|(start, report)| {
        let revisions = report.revisions.iter().map(|revision| {
            json!({ "key": revision.key, "at": revision.at.to_string(), "refused": revision.refused })
        });
        json!({
            "startDate": start.to_string(), "latest": report.latest, "revisions": revisions.collect::<Vec<_>>(),
        })
    });
    shown.collect()
}

fn state(state: &AgentState) -> Value {
    json!({
        "agentValue": state.agent_value, "eventId": state.event_id, "eventReason": state.event_reason,
        "eventTime": state.event_time.to_string(), "sequence": state.sequence, "key": state.key,
        "at": state.at.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use pegboard_model::Millis;

    use super::*;

    #[test]
    fn r28_the_stand_in_keeps_the_last_10_000_intervals() {
        let (body, read, mut kept) = (Value::Null, Read::default(), Kept::default());
        let accepted = Accepted { key: "k", at: Timestamp::default(), sent: b"", body: &body, read: &read };
        for number in 0..=i64::try_from(MOST_INTERVALS).unwrap() {
            let start = Timestamp::from_seconds(900 * number);
            kept.queue_report(Window { start, end: start + Millis::from_minutes(15) }, &accepted);
        }
        let first = kept.queue_reports.keys().next();
        assert_eq!((kept.queue_reports.len(), first), (MOST_INTERVALS, Some(&Timestamp::from_seconds(900))));
    }
}
