//! The agent activity report: what agents did, each activity whole, in the interval in which it was completed.

use std::collections::BTreeMap;

use pegboard_model::Text;

use super::{INTERVAL_MINUTES, Seen, agent_keys, document_name, envelope, sent_event};
use crate::json::Json;
use crate::mapping::{Inbox, WfmAgent};
use crate::merge::{Done, People};
use crate::whole::whole_seconds;
use crate::{Document, Encoded, Encoder, Interval, Known};

/// One report for each interval, also where nothing was completed.
pub const AGENT_ACTIVITY: Encoder = Encoder {
    name: "cxone-agent-activity",
    about: "NICE CXone WFM: what agents did, in the interval in which they completed it",
    pegging: None,
    interval_minutes: INTERVAL_MINUTES,
    raw_events: false,
    encode,
};

fn encode(known: &Known) -> Encoded {
    let mut unmapped = Inbox::default();
    let done = People::of(known).done(&mut unmapped);
    let documents =
        known.intervals.iter().map(|interval| report(known, *interval, &done, &mut unmapped)).collect();
    Encoded { documents, unmapped, ..Encoded::default() }
}

fn report(known: &Known, interval: Interval, done: &[Done], inbox: &mut Inbox) -> Document {
    let mut agents: BTreeMap<&Text, (&WfmAgent, Vec<Json>)> = BTreeMap::new();
    for done in completed_in(done, interval) {
        let seen = Seen {
            source: &done.source,
            agent: &done.agent,
            event_id: &done.event_id,
            reason: &done.reason,
            class: done.class,
            at: done.start,
        };
        let Some(event_id) = sent_event(&known.mapping, &seen, inbox) else { continue };
        agents.entry(&done.agent.id).or_insert((&done.agent, Vec::new())).1.push(line(done, &event_id));
    }
    let agents = agents.into_values().map(|(agent, activities)| {
        let mut keys = agent_keys(agent);
        keys.push(("activities", Json::List(activities)));
        Json::Object(keys)
    });
    let mut body = envelope(&known.mapping.settings, interval);
    body.push(("reportData", Json::List(agents.collect())));
    Document::new(document_name(interval), Json::Object(body).to_text(&known.mapping.keys))
}

/// Of what is in order of its end, what ends in the interval.
fn completed_in(done: &[Done], interval: Interval) -> &[Done] {
    let first = done.partition_point(|done| done.end < interval.start);
    let length = done[first..].partition_point(|done| done.end < interval.end);
    &done[first..first + length]
}

fn line(done: &Done, event_id: &Text) -> Json {
    Json::Object(vec![
        ("eventId", event_id.into()),
        ("eventReason", (&done.reason).into()),
        ("startTime", done.start.into()),
        ("endTime", done.end.into()),
        ("duration", whole_seconds(done.duration).into()),
    ])
}
