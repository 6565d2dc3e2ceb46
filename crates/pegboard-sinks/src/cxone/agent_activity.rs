//! The agent activity report: what agents did, each activity whole, in the interval in which it was completed.

use std::collections::BTreeMap;

use pegboard_model::report::Activity;
use pegboard_model::{AgentId, Text};

use super::{INTERVAL_MINUTES, document_name, envelope};
use crate::json::Json;
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
    let documents = known.intervals.iter().map(|interval| report(known, *interval)).collect();
    Encoded { documents, ..Encoded::default() }
}

fn report(known: &Known, interval: Interval) -> Document {
    let mut agents: BTreeMap<&AgentId, (&Text, Vec<Json>)> = BTreeMap::new();
    for activity in completed_in(&known.activities, interval) {
        let (_, activities) = agents.entry(&activity.agent_id).or_insert((&activity.agent_login, Vec::new()));
        activities.push(line(activity));
    }
    let agents = agents.into_iter().map(|(id, (login, activities))| {
        Json::Object(vec![
            ("agentValue", login.into()),
            ("agentId", id.to_string().into()),
            ("activities", Json::List(activities)),
        ])
    });
    let mut body = envelope(interval);
    body.push(("reportData", Json::List(agents.collect())));
    Document::new(document_name(interval), Json::Object(body).to_text())
}

/// Of the activities, which are in order of their end, those that end in the interval and say what they are.
fn completed_in(activities: &[Activity], interval: Interval) -> impl Iterator<Item = &Activity> {
    let is_before = |activity: &Activity| activity.end.is_some_and(|end| end < interval.start);
    let first = activities.partition_point(is_before);
    activities[first..]
        .iter()
        .take_while(move |activity| activity.end.is_some_and(|end| end < interval.end))
        .filter(|activity| !activity.event_id.is_empty())
}

fn line(activity: &Activity) -> Json {
    Json::Object(vec![
        ("eventId", (&activity.event_id).into()),
        ("eventReason", (&activity.reason).into()),
        ("startTime", activity.start.into()),
        ("endTime", activity.end.unwrap_or(activity.start).into()),
        ("duration", whole_seconds(activity.duration_s).into()),
    ])
}
