//! Whom silence concerns next, and when: a batch looks at those who are due, and at nobody else.

use std::collections::{BTreeMap, BTreeSet};

use pegboard_engine::TimelinePolicy;
use pegboard_model::{AgentId, Class, PartitionId, Timestamp};

use super::Agent;

/// Agents by the partition of their last evidence, and by the instant from which on silence changes what they are in.
#[derive(Debug, Default)]
pub(super) struct Silences {
    of: BTreeMap<PartitionId, BTreeSet<(Timestamp, AgentId)>>,
}

/// What an agent is known by here.
type Turn<'a> = (&'a PartitionId, Timestamp);

impl Silences {
    /// Takes an agent in whose track is new.
    pub(super) fn add(&mut self, agent: &AgentId, known: &Agent, policy: &TimelinePolicy) {
        let Some((partition, at)) = turn(known, policy) else { return };
        let turn = (at, agent.clone());
        match self.of.get_mut(partition) {
            Some(turns) => drop(turns.insert(turn)),
            None => drop(self.of.insert(partition.clone(), BTreeSet::from([turn]))),
        }
    }

    /// Takes an agent out, who is known as he was when he was added.
    pub(super) fn remove(&mut self, agent: &AgentId, known: &Agent, policy: &TimelinePolicy) {
        let Some((partition, at)) = turn(known, policy) else { return };
        let Some(turns) = self.of.get_mut(partition) else { return };
        turns.remove(&(at, agent.clone()));
        if turns.is_empty() {
            self.of.remove(partition);
        }
    }

    /// Those whose turn has come, where `complete` says up to when a partition is complete.
    pub(super) fn due(
        &self,
        complete: impl Fn(&PartitionId) -> Option<Timestamp>,
    ) -> impl Iterator<Item = &AgentId> {
        let told = self.of.iter().filter_map(move |(partition, turns)| Some((complete(partition)?, turns)));
        told.flat_map(|(until, turns)| {
            turns.iter().take_while(move |(at, _)| *at <= until).map(|(_, agent)| agent)
        })
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.of.values().map(BTreeSet::len).sum()
    }
}

/// From when on nothing heard of an agent changes what he is in. Never for who is signed out, by silence or otherwise.
fn turn<'a>(known: &'a Agent, policy: &TimelinePolicy) -> Option<Turn<'a>> {
    let (last, silence) = known.track.silence(policy)?;
    let (_, lasting) = known.track.current()?;
    let after = match known.silent {
        Some(Class::SignedOut) => return None,
        Some(Class::Unknown) => silence.gone_after,
        _ => silence.stale_after,
    };
    (lasting.class != Class::SignedOut).then_some((known.track.last_partition()?, last + after))
}
