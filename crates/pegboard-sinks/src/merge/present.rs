//! What persons are in now who are several agents: the state of the one who decides, told when it begins to decide.

use std::collections::{BTreeMap, HashMap};

use pegboard_model::{AgentId, AgentNow, Millis, SourceName, Text, Timestamp};

use super::people::{Change, rank, tells};
use crate::mapping::WfmAgent;
use crate::{Known, StateChange};

/// An agent of an ACD.
type AcdAgent<'k> = (&'k SourceName, &'k AgentId);

/// What each agent of a person is in.
type States<'k> = BTreeMap<AcdAgent<'k>, &'k AgentNow>;

/// The changes of persons who are several agents, by the id of the person. Each has an entry, also of whom nothing changes.
pub(super) fn changes(known: &Known) -> HashMap<Text, Vec<Change>> {
    let mut persons: HashMap<Text, Person<'_>> = HashMap::new();
    if known.mapping.agents.rows().is_empty() {
        return HashMap::new();
    }
    for now in &known.before {
        person(&mut persons, known, now).before.insert(key(now), now);
    }
    for change in &known.changes {
        person(&mut persons, known, &change.now).changes.push(change);
    }
    let several = persons.into_iter().filter(|(_, person)| person.is_several());
    several.map(|(id, person)| (id, person.told())).collect()
}

/// A person: what was told last of its agents, and what they changed to.
struct Person<'k> {
    agent: WfmAgent,
    before: States<'k>,
    changes: Vec<&'k StateChange>,
}

fn person<'p, 'k>(
    persons: &'p mut HashMap<Text, Person<'k>>,
    known: &'k Known,
    now: &'k AgentNow,
) -> &'p mut Person<'k> {
    let agent = known.mapping.person(now);
    let anew = || Person { agent: agent.clone(), before: States::new(), changes: Vec::new() };
    persons.entry(agent.id.clone()).or_insert_with(anew)
}

fn key(now: &AgentNow) -> AcdAgent<'_> {
    (&now.source, &now.agent_id)
}

/// The state that decides, of equals the one that began first.
fn deciding<'k>(states: &States<'k>) -> Option<&'k AgentNow> {
    states.values().copied().min_by_key(|now| (rank(now.class), now.since, &now.agent_id))
}

/// What a WFM is told of a state.
fn said(now: &AgentNow) -> (&Text, &Text) {
    (&now.event_id, &now.reason)
}

impl Person<'_> {
    fn is_several(&self) -> bool {
        let mut agents: Vec<_> = self.changes.iter().map(|change| key(&change.now)).collect();
        agents.extend(self.before.keys());
        agents.sort_unstable();
        agents.dedup();
        agents.len() > 1
    }

    /// What the WFM is told, by time.
    fn told(mut self) -> Vec<Change> {
        self.changes.sort_by_key(|change| change.now.since);
        // After a restart what was told last is not known of whoever changes: then what decides is told, whether or not it is the same.
        let is_told = |change: &StateChange| {
            self.before.get(&key(&change.now)).is_some_and(|before| **before == change.now)
        };
        let is_known = !self.changes.iter().copied().any(is_told);
        let mut states = self.before;
        let mut last = deciding(&states).filter(|_| is_known).map(said);
        let mut told = Vec::new();
        for change in self.changes {
            let latest = states.values().map(|now| now.since).max();
            states.insert(key(&change.now), &change.now);
            let Some(now) = deciding(&states).filter(|now| tells(now.class, &now.event_id)) else {
                last = None;
                continue;
            };
            if last != Some(said(now)) {
                last = Some(said(now));
                told.push(change_of(&self.agent, now, begins(now, &change.now, latest)));
            }
        }
        told
    }
}

/// When a state begins to decide, because of a change. A WFM must not be told an older one after a newer, and what came of another ACD may
/// be a little ahead.
fn begins(now: &AgentNow, because: &AgentNow, latest: Option<Timestamp>) -> Timestamp {
    let begins = now.since.max(because.since);
    let after = latest.filter(|latest| *latest > begins).map(|latest| latest + Millis::new(1));
    after.unwrap_or(begins)
}

fn change_of(agent: &WfmAgent, now: &AgentNow, at: Timestamp) -> Change {
    Change {
        agent: agent.clone(),
        source: now.source.clone(),
        at,
        place: at,
        end: None,
        class: now.class,
        event_id: now.event_id.clone(),
        reason: now.reason.clone(),
        is_mark: false,
    }
}

#[cfg(test)]
mod tests {
    use pegboard_model::Class;

    use super::*;
    use crate::mapping::{AgentMapping, AgentRow, Mapping, Scope};
    use crate::test_data::{START, at, known, seconds};

    fn now(agent: &str, class: Class, second: i64) -> AgentNow {
        AgentNow {
            source: "main".into(),
            agent_id: agent.into(),
            agent_login: "".into(),
            agent_name: "".into(),
            team: "".into(),
            levels: Default::default(),
            routing_profile: "".into(),
            class,
            since: at(START) + seconds(second),
            event_id: class.as_str().into(),
            reason: "".into(),
            status_id: None,
            status_name: "".into(),
            contact_id: None,
            channel: None,
            initiation: None,
            queue_id: None,
            queue_name: None,
        }
    }

    /// What is told of the person who is `a` and `b`: the state, and the second from which on.
    fn told(before: &[AgentNow], changed: &[AgentNow]) -> Vec<(String, i64)> {
        let row = |agent: &str| AgentRow {
            agent: agent.into(),
            scope: Scope::default(),
            to: WfmAgent { id: "ann".into(), value: "".into() },
        };
        let agents = AgentMapping::new(vec![row("a"), row("b")]);
        let changes =
            changed.iter().zip(1..).map(|(now, number)| StateChange::new(Some(number), now.clone()));
        let known = Known {
            before: before.to_vec(),
            changes: changes.collect(),
            mapping: Mapping { agents, ..Mapping::default() },
            ..known()
        };
        let told = changes_of(&known);
        told.iter()
            .map(|change| (change.event_id.to_string(), change.at.since(at(START)).get() / 1000))
            .collect()
    }

    fn changes_of(known: &Known) -> Vec<Change> {
        super::changes(known).remove("ann").unwrap_or_default()
    }

    fn of(told: &[(&str, i64)]) -> Vec<(String, i64)> {
        told.iter().map(|(state, second)| ((*state).to_owned(), *second)).collect()
    }

    #[test]
    fn a_person_is_in_what_decides_of_all_agents_also_of_those_who_do_not_change() {
        let (talk, aux) = (now("a", Class::Talk, 10), now("b", Class::Aux, 0));
        let before = [talk, aux];
        assert_eq!(told(&before, &[now("b", Class::Available, 20)]), [], "the other one talks");
        assert_eq!(
            told(&before, &[now("a", Class::SignedOut, 30)]),
            of(&[("aux", 30)]),
            "now the other one decides"
        );
        assert_eq!(told(&before, &[now("b", Class::Hold, 20)]), [], "talk before hold");
        assert_eq!(told(&before, &[now("a", Class::Acw, 40)]), of(&[("acw", 40)]));
    }

    #[test]
    fn changes_of_both_are_told_in_order_of_time() {
        let before = [now("a", Class::Talk, 10), now("b", Class::Aux, 0)];
        let changed = [now("a", Class::SignedOut, 30), now("b", Class::Available, 20)];
        assert_eq!(told(&before, &changed), of(&[("available", 30)]));
        let changed = [now("b", Class::SignedOut, 20), now("a", Class::SignedOut, 30)];
        assert_eq!(told(&before, &changed), of(&[("signed_out", 30)]));
    }

    #[test]
    fn what_comes_late_of_one_agent_is_not_told_as_older_than_what_was_told_of_the_other() {
        let before = [now("a", Class::Aux, 50), now("b", Class::SignedOut, 0)];
        let told_at: Vec<_> = changes_of_two(&before, &now("b", Class::Talk, 40));
        assert_eq!(told_at, [at(START) + seconds(50) + Millis::new(1)]);
    }

    fn changes_of_two(before: &[AgentNow], changed: &AgentNow) -> Vec<Timestamp> {
        let row = |agent: &str| AgentRow {
            agent: agent.into(),
            scope: Scope::default(),
            to: WfmAgent { id: "ann".into(), value: "".into() },
        };
        let agents = AgentMapping::new(vec![row("a"), row("b")]);
        let known = Known {
            before: before.to_vec(),
            changes: vec![StateChange::new(Some(1), changed.clone())],
            mapping: Mapping { agents, ..Mapping::default() },
            ..known()
        };
        changes_of(&known).iter().map(|change| change.at).collect()
    }

    #[test]
    fn after_a_restart_what_decides_is_told_once_more() {
        let changed = now("b", Class::Available, 20);
        let before = [now("a", Class::Talk, 10), changed.clone()];
        assert_eq!(
            told(&before, &[changed]),
            of(&[("talk", 20)]),
            "what was told of the one who changes is not known"
        );
        assert_eq!(told(&[], &[now("a", Class::Talk, 10)]), [], "one agent is no matter of this");
    }
}
