//! NICE CXone WFM.
//!
//! Public are the names of the reports and of their metrics, that the queue report comes with two others, and the head of the agent
//! activity report (NICE, "Third-Party ACD SDK Developer Guide"). The bodies as a whole are Pegboard's: `docs/sinks/cxone.md`.

mod agent_activity;
mod agent_states;
mod history;
mod queue_report;
pub mod sink;
#[cfg(test)]
mod tests;
mod validate;

use pegboard_model::{Class, SourceName, Text, Timestamp};

pub use agent_activity::AGENT_ACTIVITY;
pub use agent_states::AGENT_STATES;
pub use history::{Columns, Dates, HISTORY, HISTORY_KEYS, InvalidColumns, Times};
pub use queue_report::QUEUE_REPORT;
pub use sink::CxoneSink;

use crate::json::Json;
use crate::mapping::{Inbox, MappedKind, Mapping, Unmapped, WfmAgent};
use crate::settings::UnmappedPolicy;
use crate::{Interval, Settings};

/// How long an interval is that CXone WFM takes from a foreign ACD.
const INTERVAL_MINUTES: &[u8] = &[15];

/// Every key of every body, which a site can give another name.
pub const KEYS: &[&str] = &[
    "abandonedLong",
    "abandonedShort",
    "acdType",
    "active",
    "activities",
    "agentId",
    "agentQueueReport",
    "agentStates",
    "agentSystemPerformanceReport",
    "agentValue",
    "backlog",
    "backlogExpired",
    "backlogNotExpired",
    "contactsHandled",
    "contactsReceived",
    "duration",
    "endDate",
    "endTime",
    "eventId",
    "eventReason",
    "eventTime",
    "handleTime",
    "handledLong",
    "handledShort",
    "holdTime",
    "loginTime",
    "notReady",
    "queueDelayTime",
    "queueId",
    "queueReport",
    "queueValue",
    "readyTime",
    "reportData",
    "reportVersion",
    "rightPartyContacts",
    "rightPartyTalkTime",
    "rightPartyWorkTime",
    "sequence",
    "serviceLevelPercent",
    "startDate",
    "startTime",
    "workTime",
    "wrongPartyContacts",
    "wrongPartyTalkTime",
    "wrongPartyWorkTime",
];

/// The keys that every report begins with.
fn envelope(settings: &Settings, interval: Interval) -> Vec<(&'static str, Json)> {
    vec![
        ("acdType", (&settings.acd_type).into()),
        ("reportVersion", (&settings.report_version).into()),
        ("startDate", interval.start.into()),
        ("endDate", interval.end.into()),
    ]
}

/// The keys that everything of an agent begins with.
fn agent_keys(agent: &WfmAgent) -> Vec<(&'static str, Json)> {
    vec![("agentValue", (&agent.value).into()), ("agentId", (&agent.id).into())]
}

/// The name of the document of an interval: those of an encoder sort by time.
fn document_name(interval: Interval) -> String {
    let digits: String = interval.start.to_string().chars().filter(char::is_ascii_alphanumeric).collect();
    format!("{digits}.json")
}

/// A state as it is looked up.
struct Seen<'a> {
    source: &'a SourceName,
    agent: &'a WfmAgent,
    event_id: &'a Text,
    reason: &'a Text,
    class: Class,
    at: Timestamp,
}

/// The event id as it is sent; nothing where it waits for a row. What no row names is listed.
fn sent_event(mapping: &Mapping, seen: &Seen<'_>, inbox: &mut Inbox) -> Option<Text> {
    let Seen { source, agent, event_id, reason, class, at } = *seen;
    if mapping.settings.stale_event.as_ref() == Some(event_id) {
        return Some(event_id.clone());
    }
    if let Some(state) = mapping.states.find(source, event_id, reason, class, at) {
        return Some(state.send_as.as_ref().unwrap_or(event_id).clone());
    }
    let suggestion = if class == Class::Aux { format!("{event_id},closed") } else { "Open,open".to_owned() };
    inbox.note(Unmapped {
        kind: MappedKind::State,
        source: source.clone(),
        id: event_id.clone(),
        detail: reason.clone(),
        count: 1,
        first: at,
        last: at,
        suggestion: suggestion.into(),
        agents: [agent.id.clone()].into(),
    });
    (mapping.settings.unmapped == UnmappedPolicy::Send).then(|| event_id.clone())
}
