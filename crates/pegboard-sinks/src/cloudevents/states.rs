//! Changes of agents' states as events.

use pegboard_model::AgentNow;

use super::{Event, health, id_of};
use crate::{Document, Encoded, Encoder, Known, StateChange};

/// The most events of a batch.
pub const EVENTS_AT_ONCE: usize = 100;

/// Batches of events, one for each change of the feed of states, and of the health of a source.
pub const STATE_EVENTS: Encoder = Encoder {
    name: "agent-state-events",
    about: "CloudEvents: every change of an agent's state, and whether sources are fresh",
    pegging: None,
    interval_minutes: &[],
    raw_events: false,
    encode,
};

fn encode(known: &Known) -> Encoded {
    let events: Vec<_> =
        known.health.iter().map(health::event).chain(known.changes.iter().map(event)).collect();
    let documents = events.chunks(EVENTS_AT_ONCE).enumerate().map(|(number, events)| {
        Document::new(format!("{:06}.json", number + 1), format!("[{}]", events.join(",")))
    });
    Encoded { documents: documents.collect(), ..Encoded::default() }
}

fn event(change: &StateChange) -> String {
    let now: &AgentNow = &change.now;
    let said = serde_json::to_string(now).unwrap_or_default();
    let event = Event {
        specversion: "1.0",
        id: id_of(&["state", &said]),
        source: format!("/sources/{}", now.source),
        kind: "pegboard.agent.state",
        subject: now.agent_id.as_str(),
        time: now.since.to_string(),
        datacontenttype: "application/json",
        // Numbers of other digits would not sort as texts.
        sequence: change.number.map(|number| format!("{number:020}")),
        data: now,
    };
    serde_json::to_string(&event).unwrap_or_default()
}
