//! Persons who are several agents of ACDs: what each of their agents was told to be in last. Pure.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use pegboard_model::{AgentNow, Text};
use pegboard_sinks::StateChange;

use super::waiting::{Key, key};
use crate::runtime::mapping::Held;

/// What every agent was told to be in last, by person; nothing where no row of the mapping names an agent.
#[derive(Debug)]
pub(super) struct Persons {
    /// The mapping that says who is whom.
    held: Arc<Held>,
    agents: HashMap<Key, AgentNow>,
    of: HashMap<Text, BTreeSet<Key>>,
}

impl Persons {
    /// Nobody, yet.
    pub(super) fn new(held: Arc<Held>) -> Self {
        Self { held, agents: HashMap::new(), of: HashMap::new() }
    }

    /// Whether this mapping says who is whom.
    pub(super) fn is_of(&self, held: &Arc<Held>) -> bool {
        Arc::ptr_eq(&self.held, held)
    }

    /// Forgets them for these.
    pub(super) fn begin_anew<'a>(
        &mut self,
        held: Arc<Held>,
        present: impl IntoIterator<Item = &'a AgentNow>,
    ) {
        *self = Self::new(held);
        present.into_iter().for_each(|now| self.note(now));
    }

    /// Notes what an agent was told to be in.
    pub(super) fn note(&mut self, now: &AgentNow) {
        let mapping = &self.held.mapping;
        if mapping.agents.rows().is_empty() {
            return;
        }
        self.of.entry(mapping.person(now).id).or_default().insert(key(now));
        self.agents.insert(key(now), now.clone());
    }

    /// What the agents of whoever changes were told to be in last.
    pub(super) fn before(&self, changes: &[StateChange]) -> Vec<AgentNow> {
        if self.of.is_empty() {
            return Vec::new();
        }
        let mut keys: BTreeSet<&Key> = BTreeSet::new();
        for StateChange { now, .. } in changes {
            let own = self.of.get(&self.held.mapping.person(now).id).into_iter().flatten();
            keys.extend(own);
        }
        keys.into_iter().filter_map(|key| self.agents.get(key).cloned()).collect()
    }
}
