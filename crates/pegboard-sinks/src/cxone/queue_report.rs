//! The queue report with the two that come with it: by agent and queue, and agent system performance.

use pegboard_model::policy::Pegging;
use pegboard_model::report::QueueInterval;
use pegboard_model::{Fixed, Millis};

use super::validate::violations;
use super::{INTERVAL_MINUTES, agent_keys, document_name, envelope};
use crate::json::Json;
use crate::merge::{AgentLine, AgentQueueLine, Lines, Merged, QueueLine};
use crate::settings::Received;
use crate::whole::whole_seconds;
use crate::{Document, Encoded, Encoder, Interval, Known, Refused, Settings};

/// One report for each interval, also where nothing happened. CXone WFM pegs a contact to the interval in which it ends.
pub const QUEUE_REPORT: Encoder = Encoder {
    name: "cxone-queue-report",
    about: "NICE CXone WFM: queues, agents by queue, and agent system performance, every 15 minutes",
    pegging: Some(Pegging::Disconnect),
    interval_minutes: INTERVAL_MINUTES,
    raw_events: false,
    encode,
};

fn encode(known: &Known) -> Encoded {
    let merged = Merged::of(known);
    let notes = merged.notes();
    let mut encoded = Encoded { notes, ..Encoded::default() };
    for (interval, lines) in &merged.intervals {
        let reasons = violations(*interval, lines);
        if reasons.is_empty() {
            encoded.documents.push(report(known, *interval, lines));
        } else {
            encoded.refused.push(Refused { name: document_name(*interval), reasons });
        }
    }
    encoded.unmapped = merged.inbox;
    encoded
}

fn report(known: &Known, interval: Interval, lines: &Lines) -> Document {
    let settings = &known.mapping.settings;
    let mut body = envelope(settings, interval);
    let queues = lines.queues.iter().map(|line| Json::Object(queue(line, settings)));
    body.push(("queueReport", Json::List(queues.collect())));
    body.push(("agentQueueReport", Json::List(lines.agent_queues.iter().map(agent_queue).collect())));
    body.push(("agentSystemPerformanceReport", Json::List(lines.agents.iter().map(agent).collect())));
    Document::new(document_name(interval), Json::Object(body).to_text(&known.mapping.keys))
}

/// What is said of a queue.
pub(super) fn queue(line: &QueueLine, settings: &Settings) -> Vec<(&'static str, Json)> {
    let sum = &line.sum;
    let received = match settings.received {
        Received::Offered => sum.offered,
        Received::HandledAndAbandoned => sum.answered + sum.abandoned,
    };
    let backlog = sum.backlog.unwrap_or(0);
    let expired = sum.backlog_expired.unwrap_or(0);
    vec![
        ("queueValue", (&line.queue.name).into()),
        ("queueId", (&line.queue.id).into()),
        ("contactsReceived", received.into()),
        ("handledShort", sum.answered_in_sl.into()),
        ("handledLong", (sum.answered - sum.answered_in_sl).into()),
        ("abandonedShort", sum.abandoned_in_sl.into()),
        ("abandonedLong", (sum.abandoned - sum.abandoned_in_sl).into()),
        ("handleTime", seconds(sum.handle_s)),
        ("holdTime", seconds(sum.hold_s)),
        ("workTime", seconds(sum.acw_s)),
        ("queueDelayTime", seconds(sum.queue_answered_s)),
        ("serviceLevelPercent", service_level(sum).into()),
        ("backlog", backlog.into()),
        ("backlogExpired", expired.into()),
        ("backlogNotExpired", backlog.saturating_sub(expired).into()),
        ("rightPartyContacts", sum.right_party.unwrap_or(0).into()),
        ("rightPartyTalkTime", seconds(sum.right_party_talk_s.unwrap_or_default())),
        ("rightPartyWorkTime", seconds(sum.right_party_acw_s.unwrap_or_default())),
        ("wrongPartyContacts", sum.wrong_party.unwrap_or(0).into()),
        ("wrongPartyTalkTime", seconds(sum.wrong_party_talk_s.unwrap_or_default())),
        ("wrongPartyWorkTime", seconds(sum.wrong_party_acw_s.unwrap_or_default())),
        ("active", sum.active.unwrap_or(0).into()),
    ]
}

/// What no source says by agent and queue is 0: outbound outcomes, and what is active.
fn agent_queue(line: &AgentQueueLine) -> Json {
    let sum = &line.sum;
    let mut keys = agent_keys(&line.agent);
    keys.extend([
        ("queueId", (&line.queue.id).into()),
        ("contactsHandled", sum.answered.into()),
        ("handleTime", seconds(sum.handle_s)),
        ("holdTime", seconds(sum.hold_s)),
        ("workTime", seconds(sum.acw_s)),
    ]);
    let unsaid = [
        "rightPartyContacts",
        "rightPartyTalkTime",
        "rightPartyWorkTime",
        "wrongPartyContacts",
        "wrongPartyTalkTime",
        "wrongPartyWorkTime",
        "active",
    ];
    keys.extend(unsaid.map(|key| (key, Json::Whole(0))));
    Json::Object(keys)
}

fn agent(line: &AgentLine) -> Json {
    let mut keys = agent_keys(&line.agent);
    keys.extend([
        ("readyTime", seconds(line.ready)),
        ("notReady", seconds(line.not_ready)),
        ("loginTime", seconds(line.login)),
    ]);
    Json::Object(keys)
}

fn seconds(duration: Millis) -> Json {
    whole_seconds(duration).into()
}

/// Nothing where there was nothing to measure.
fn service_level(sum: &QueueInterval) -> Option<Fixed> {
    sum.service_level_pct
}
