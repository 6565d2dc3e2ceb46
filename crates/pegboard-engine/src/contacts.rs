//! The contacts that an agent has, and what is remembered of those that have left.

use pegboard_model::policy::Precedence;
use pegboard_model::{AgentContact, ContactId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::dominance::dominant;
use crate::pool::Pool;

/// How many versions of departed contacts are remembered, so that an older version of one of them that comes
/// with a later time does not bring it back.
const REMEMBERED_DEPARTURES: usize = 32;

/// An agent's contacts, each with the start of its phase as the timeline has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub(crate) struct Contacts {
    present: Vec<ContactNow>,
    departed: Vec<(ContactId, u64)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ContactNow {
    contact: AgentContact,
    since: Timestamp,
    version: Option<u64>,
}

impl Contacts {
    /// The contact that decides, where one does.
    pub(crate) fn dominant(&self, precedence: Precedence) -> Option<&AgentContact> {
        let contacts = self.present.iter().map(|now| (&now.contact, now.since));
        dominant(contacts, precedence).map(|(contact, _)| contact)
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &AgentContact> {
        self.present.iter().map(|now| &now.contact)
    }

    /// These are all contacts now. `started` tells when a contact came into a phase that is new. Does not allocate
    /// where nothing changed, as in most snapshots.
    pub(crate) fn replace(
        &mut self,
        contacts: &[AgentContact],
        started: impl Fn(&AgentContact) -> Timestamp,
    ) {
        if self.present.iter().map(|now| &now.contact).eq(contacts) {
            return;
        }
        let known = std::mem::take(&mut self.present);
        let now = contacts.iter().map(|contact| {
            let now = known.iter().find(|now| now.contact.id == contact.id);
            let since = since(now, contact, &started);
            ContactNow { contact: contact.clone(), since, version: now.and_then(|now| now.version) }
        });
        self.present = now.collect();
        for gone in known {
            if self.slot(&gone.contact.id).is_none() {
                self.remember(gone.contact.id, gone.version);
            }
        }
    }

    /// Takes in one contact, unless a newer version of it is known; answers whether it did.
    pub(crate) fn take(
        &mut self,
        contact: &AgentContact,
        version: Option<u64>,
        started: impl Fn(&AgentContact) -> Timestamp,
    ) -> bool {
        let known = self.known_version(&contact.id);
        if is_outdated(version, known) {
            return false;
        }
        let slot = self.slot(&contact.id);
        let since = since(slot.map(|slot| &self.present[slot]), contact, &started);
        let now = ContactNow { contact: contact.clone(), since, version: version.or(known) };
        match slot {
            Some(slot) => self.present[slot] = now,
            None => self.present.push(now),
        }
        true
    }

    /// One contact has left, unless a newer version of it is known.
    pub(crate) fn lose(&mut self, contact: &ContactId, version: Option<u64>) {
        let known = self.known_version(contact);
        if is_outdated(version, known) {
            return;
        }
        if let Some(slot) = self.slot(contact) {
            self.present.remove(slot);
        }
        self.remember(contact.clone(), version.or(known));
    }

    /// All contacts have left.
    pub(crate) fn clear(&mut self) {
        for gone in std::mem::take(&mut self.present) {
            self.remember(gone.contact.id, gone.version);
        }
    }

    /// Keeps one copy, with those of other agents, of what contacts name.
    pub(crate) fn share(&mut self, pool: &mut Pool) {
        self.present.shrink_to_fit();
        self.departed.shrink_to_fit();
        self.present.iter_mut().for_each(|now| pool.contact(&mut now.contact));
    }

    fn slot(&self, contact: &ContactId) -> Option<usize> {
        self.present.iter().position(|now| now.contact.id == *contact)
    }

    /// The newest version seen of a contact, whether the agent still has it or not.
    fn known_version(&self, contact: &ContactId) -> Option<u64> {
        let present = self.slot(contact).and_then(|slot| self.present[slot].version);
        let departed = || self.departed.iter().find(|(id, _)| id == contact).map(|(_, version)| *version);
        present.or_else(departed)
    }

    fn remember(&mut self, contact: ContactId, version: Option<u64>) {
        let Some(version) = version else { return };
        self.departed.retain(|(id, _)| *id != contact);
        if self.departed.len() == REMEMBERED_DEPARTURES {
            self.departed.remove(0);
        }
        self.departed.push((contact, version));
    }
}

/// Since when the contact is in its phase: as known if the phase is the same, else as `started` tells.
fn since(
    now: Option<&ContactNow>,
    contact: &AgentContact,
    started: &impl Fn(&AgentContact) -> Timestamp,
) -> Timestamp {
    let same = |known: &AgentContact| known.phase == contact.phase && known.phase_text == contact.phase_text;
    now.filter(|now| same(&now.contact)).map_or_else(|| started(contact), |now| now.since)
}

/// Whether `version` of an entity is older than, or the same as, the one already known.
pub(crate) fn is_outdated(version: Option<u64>, known: Option<u64>) -> bool {
    matches!((version, known), (Some(version), Some(known)) if version <= known)
}
