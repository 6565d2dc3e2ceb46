//! Contacts from the events that are kept of them.

use std::collections::BTreeMap;

use pegboard_model::{ContactEvent, ContactId, ContactLeg, EventId};

use super::contact::{ContactSettings, MAX_TASK_EVENTS, legs, taken_back};
use super::event::Event;
use crate::spec::Assemble;

/// Puts contacts together as a site says.
#[derive(Debug)]
pub(super) struct Assembler {
    pub(super) contacts: ContactSettings,
}

/// What is kept of an event of a task: what is understood of it, and nothing of the site's own attributes.
pub(super) fn kept(event: &Event) -> Option<ContactEvent> {
    let task = event.task.as_ref()?;
    let body = serde_json::to_string(event).ok()?;
    Some(ContactEvent { contact: (&*task.id).into(), id: event.id.clone(), at: event.at, body })
}

type Events = BTreeMap<EventId, Event>;

impl Assemble for Assembler {
    fn legs(&self, known: &[ContactEvent], new: &[ContactEvent]) -> Result<Vec<ContactLeg>, String> {
        let mut tasks: BTreeMap<ContactId, (Events, Events)> = BTreeMap::new();
        for told in known {
            let (before, _) = tasks.entry(told.contact.clone()).or_default();
            take(before, told)?;
        }
        for told in new {
            let (before, after) = tasks.entry(told.contact.clone()).or_default();
            if !before.contains_key(&told.id) {
                take(after, told)?;
            }
        }
        let changed = tasks.into_values().filter(|(_, new)| !new.is_empty());
        Ok(changed.flat_map(|(before, new)| self.changes(before, new)).collect())
    }
}

impl Assembler {
    /// The legs of a task that differ once `new` events are known.
    fn changes(&self, known: Events, new: Events) -> Vec<ContactLeg> {
        let by_id = |events: &Events| -> BTreeMap<ContactId, ContactLeg> {
            legs(events.values(), &self.contacts).into_iter().map(|leg| (leg.id.clone(), leg)).collect()
        };
        let before = by_id(&known);
        let mut events = known;
        events.extend(new);
        let mut after = by_id(&events);
        for (id, leg) in &before {
            after.entry(id.clone()).or_insert_with(|| taken_back(leg, &events));
        }
        after.retain(|id, leg| before.get(id).is_none_or(|known| !is_same(known, leg)));
        after.into_values().collect()
    }
}

/// Takes an event. More than are kept of a task are left out: Twilio cancels it long before, and nobody else is to wait for it.
fn take(events: &mut Events, told: &ContactEvent) -> Result<(), String> {
    if events.len() < MAX_TASK_EVENTS {
        let event = serde_json::from_str(&told.body)
            .map_err(|error| format!("event {} of {}: {error}", told.id, told.contact))?;
        events.insert(told.id.clone(), event);
    }
    Ok(())
}

/// Whether two tellings of a leg say the same, however much each is made of.
fn is_same(one: &ContactLeg, other: &ContactLeg) -> bool {
    ContactLeg { version: other.version, ..one.clone() } == *other
}
