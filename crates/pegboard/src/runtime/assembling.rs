//! Contacts that a platform tells of piece by piece: from the events of a batch to the legs that they make.

use std::collections::{BTreeMap, BTreeSet};

use pegboard_connect::spec::Assemble;
use pegboard_model::{ContactEvent, ContactId, ContactLeg, EventId, SourceName};
use pegboard_store::{ContactEventsWrite, Store, StoreError};

/// What came of the events of a batch.
#[derive(Debug, Default)]
pub(super) struct Assembled {
    /// The legs that differ from what was known.
    pub(super) legs: Vec<ContactLeg>,
    /// The events that are new, with how many were known of their contacts.
    pub(super) writes: Vec<ContactEventsWrite>,
}

/// Puts contacts together from all that is kept of them and what is told now. Of what is known already nothing is written again.
pub(super) async fn assemble(
    source: &SourceName,
    assembler: &dyn Assemble,
    told: Vec<ContactEvent>,
    store: &dyn Store,
) -> Result<Assembled, StoreError> {
    let contacts: BTreeSet<&ContactId> = told.iter().map(|event| &event.contact).collect();
    if contacts.is_empty() {
        return Ok(Assembled::default());
    }
    let contacts: Vec<ContactId> = contacts.into_iter().cloned().collect();
    let kept = store.contact_events(source, &contacts).await?;
    let new = new_of(&kept, told);
    let legs = assembler
        .legs(&kept, &new)
        .map_err(|detail| StoreError::Damaged { what: "events of contacts", detail })?;
    Ok(Assembled { legs, writes: by_contact(&kept, new) })
}

/// What is new of what is told, each once.
fn new_of(kept: &[ContactEvent], mut told: Vec<ContactEvent>) -> Vec<ContactEvent> {
    let key = |event: &ContactEvent| (event.contact.clone(), event.id.clone());
    let mut seen: BTreeSet<(ContactId, EventId)> = kept.iter().map(key).collect();
    told.retain(|event| seen.insert(key(event)));
    told
}

/// New events by contact, with how many were known of each.
fn by_contact(kept: &[ContactEvent], new: Vec<ContactEvent>) -> Vec<ContactEventsWrite> {
    let mut known: BTreeMap<&ContactId, u64> = BTreeMap::new();
    for event in kept {
        *known.entry(&event.contact).or_default() += 1;
    }
    let mut writes: BTreeMap<ContactId, Vec<ContactEvent>> = BTreeMap::new();
    for event in new {
        writes.entry(event.contact.clone()).or_default().push(event);
    }
    let write = |(contact, events): (ContactId, Vec<ContactEvent>)| {
        let known = known.get(&contact).copied().unwrap_or_default();
        ContactEventsWrite { contact, known, events }
    };
    writes.into_iter().map(write).collect()
}

#[cfg(test)]
mod tests {
    use pegboard_model::Timestamp;

    use super::*;

    fn event(contact: &str, id: &str) -> ContactEvent {
        let at = Timestamp::from_seconds(1_800_000_000);
        ContactEvent { contact: contact.into(), id: id.into(), at, body: "{}".to_owned() }
    }

    #[test]
    fn what_is_known_is_counted_and_not_written_again() {
        let kept = [event("WT1", "EV1"), event("WT1", "EV2"), event("WT2", "EV3")];
        let told = ["EV2", "EV4", "EV4"].map(|id| event("WT1", id)).to_vec();
        let told = [told, vec![event("WT2", "EV3"), event("WT3", "EV5")]].concat();
        let written = |contact: &str, known, id| ContactEventsWrite {
            contact: contact.into(),
            known,
            events: vec![event(contact, id)],
        };
        assert_eq!(
            by_contact(&kept, new_of(&kept, told)),
            [written("WT1", 2, "EV4"), written("WT3", 0, "EV5")]
        );
    }
}
