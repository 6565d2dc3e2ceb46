//! Agent states: the state feed as messages.

use std::collections::HashMap;

use pegboard_model::{AgentNow, Millis, Text};

use super::{Seen, agent_keys, sent_event};
use crate::json::Json;
use crate::mapping::{Inbox, Mapping};
use crate::merge::{self, Change, People};
use crate::{Document, Encoded, Encoder, Known};

/// Messages of a few changes each, in the order of the feed.
pub const AGENT_STATES: Encoder = Encoder {
    name: "cxone-agent-states",
    about: "NICE CXone WFM: every change of an agent's state, as messages for real-time adherence",
    pegging: None,
    interval_minutes: &[],
    raw_events: false,
    encode,
};

/// Whether the WFM is told of what an agent is in.
pub(super) fn tells(mapping: &Mapping, now: &AgentNow) -> bool {
    let is_ours = mapping.settings.stale_event.as_ref() == Some(&now.event_id);
    merge::tells(now.class, &now.event_id) && (is_ours || !mapping.holds_back(now))
}

fn encode(known: &Known) -> Encoded {
    let mapping = &known.mapping;
    let mut unmapped = Inbox::default();
    let changes = People::of(known).changes(&mut unmapped);
    let changes = long_enough(changes, mapping.settings.shortest_state);
    let mut lines = Vec::with_capacity(changes.len());
    for change in &changes {
        let seen = Seen {
            source: &change.source,
            agent: &change.agent,
            event_id: &change.event_id,
            reason: &change.reason,
            class: change.class,
            at: change.at,
        };
        if let Some(event_id) = sent_event(mapping, &seen, &mut unmapped) {
            lines.push(line(change, &event_id));
        }
    }
    Encoded { documents: messages(known, lines), unmapped, ..Encoded::default() }
}

/// The changes without states that were over too soon, and without those that are then no change any more. A sign-in is an event
/// and stays.
fn long_enough(changes: Vec<Change>, shortest: Millis) -> Vec<Change> {
    if shortest.is_zero() {
        return changes;
    }
    let mut last: HashMap<Text, (Text, Text)> = HashMap::new();
    let is_short = |change: &Change| change.end.is_some_and(|end| end.since(change.at) < shortest);
    let mut changes = changes;
    changes.retain(|change| {
        if change.is_mark {
            last.remove(&change.agent.id);
            return true;
        }
        let state = (change.event_id.clone(), change.reason.clone());
        if is_short(change) || last.get(&change.agent.id) == Some(&state) {
            return false;
        }
        last.insert(change.agent.id.clone(), state);
        true
    });
    changes
}

fn line(change: &Change, event_id: &Text) -> Json {
    let mut keys = agent_keys(&change.agent);
    keys.extend([
        ("eventId", event_id.into()),
        ("eventReason", (&change.reason).into()),
        ("eventTime", change.at.into()),
        ("sequence", sequence(change).into()),
    ]);
    Json::Object(keys)
}

/// The place of a change among all of its agent: the same whenever it is sent, and higher than that of whatever it corrects. A sign-in
/// comes before the state that begins with it.
fn sequence(change: &Change) -> i64 {
    change.place.as_millis() * 2 + i64::from(!change.is_mark)
}

fn messages(known: &Known, lines: Vec<Json>) -> Vec<Document> {
    let settings = &known.mapping.settings;
    let count = lines.len().div_ceil(settings.states_per_message);
    let digits = count.to_string().len().max(6);
    let mut lines = lines.into_iter();
    (1..=count)
        .map(|number| {
            let states = lines.by_ref().take(settings.states_per_message).collect();
            let body = vec![("acdType", (&settings.acd_type).into()), ("agentStates", Json::List(states))];
            let text = Json::Object(body).to_text(&known.mapping.keys);
            Document::new(format!("{number:0digits$}.json"), text)
        })
        .collect()
}
