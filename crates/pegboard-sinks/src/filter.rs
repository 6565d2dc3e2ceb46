//! Whom and what a sink is told of.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use pegboard_engine::Timeline;
use pegboard_model::{
    AgentId, AgentNow, AgentProfile, Channel, Millis, QueueId, SourceName, Text, Timestamp,
};

use crate::Known;

/// Limits what a sink is handed; what nothing limits it is handed whole.
///
/// Teams and the hierarchy limit agents: their states, and their rows. Queues and channels limit contacts: rows of queues, what agents
/// did for queues, and states and activities that are about a contact. An agent's time in an interval is that of all contacts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    teams: Names,
    hierarchy: Option<(Level, Names)>,
    queues: Names,
    channels: Names,
}

/// What can be limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limited {
    /// Agents, by their team.
    Teams,
    /// Agents, by a level of the hierarchy.
    Level(Level),
    /// Contacts, by the queue's id or name.
    Queues,
    /// Contacts, by channel: `voice`, `chat`, `task`, `email`.
    Channels,
}

/// A level of the hierarchy, 1 to 5 from the top.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level(u8);

/// Names whatever their case; without one nothing is limited.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Names(BTreeSet<String>);

/// Two levels of the hierarchy are limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("only one level of the hierarchy can be limited, and level {0} is already")]
pub struct TwoLevels(u8);

impl Level {
    /// How many there are.
    pub const COUNT: u8 = 5;

    /// The first.
    pub const TOP: Self = Self(1);

    /// The level of this number.
    pub fn new(number: u8) -> Option<Self> {
        (1..=Self::COUNT).contains(&number).then_some(Self(number))
    }

    fn of(self, profile: &[Text; 5]) -> &str {
        &profile[usize::from(self.0 - 1)]
    }
}

impl Names {
    fn add(&mut self, name: &str) {
        self.0.insert(name.trim().to_lowercase());
    }

    fn limit(&self) -> bool {
        !self.0.is_empty()
    }

    fn admit(&self, names: &[&str]) -> bool {
        !self.limit() || names.iter().any(|name| self.0.contains(&name.to_lowercase()))
    }
}

impl Filter {
    /// Admits what has this name, and of its kind nothing that no call names. Fails for a second level of the hierarchy.
    pub fn admit(&mut self, limited: Limited, name: &str) -> Result<(), TwoLevels> {
        match limited {
            Limited::Teams => self.teams.add(name),
            Limited::Queues => self.queues.add(name),
            Limited::Channels => self.channels.add(name),
            Limited::Level(level) => {
                let (known, names) = self.hierarchy.get_or_insert_with(|| (level, Names::default()));
                if *known != level {
                    return Err(TwoLevels(known.0));
                }
                names.add(name);
            }
        }
        Ok(())
    }

    /// Whether nothing is limited.
    pub fn is_whole(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it depends on an agent's groups what is told of him.
    pub fn limits_agents(&self) -> bool {
        self.teams.limit() || self.hierarchy.is_some()
    }

    fn limits_contacts(&self) -> bool {
        self.queues.limit() || self.channels.limit()
    }

    /// Whether a present state is told.
    pub fn admits(&self, now: &AgentNow) -> bool {
        self.admits_groups(&now.team, &now.levels)
            && self.admits_work(now.queue_id.as_ref(), now.queue_name.as_ref(), now.channel.as_ref())
    }

    fn admits_groups(&self, team: &Text, levels: &[Text; 5]) -> bool {
        let of_level = |(level, names): &(Level, Names)| names.admit(&[level.of(levels)]);
        self.teams.admit(&[team]) && self.hierarchy.as_ref().is_none_or(of_level)
    }

    fn admits_profile(&self, profile: Option<&AgentProfile>) -> bool {
        profile.is_some_and(|profile| self.admits_groups(&profile.team, &profile.levels))
    }

    /// Whether a state is told that is about a contact, or about none.
    fn admits_work(&self, id: Option<&QueueId>, name: Option<&Text>, channel: Option<&Channel>) -> bool {
        let Some(channel) = channel else { return true };
        self.admits_contact(id.map_or("", QueueId::as_str), name.map_or("", |name| name), channel)
    }

    fn admits_contact(&self, id: &str, name: &str, channel: &Channel) -> bool {
        self.queues.admit(&[id, name]) && self.channels.admit(&[channel.as_str()])
    }

    /// Takes out of what is known what is not told. `groups` says in which groups agents were.
    pub fn apply(&self, known: &mut Known, groups: &Groups) {
        if self.limits_agents() {
            self.keep_agents(known, groups);
        }
        if self.limits_contacts() {
            self.keep_contacts(known);
        }
    }

    fn keep_agents(&self, known: &mut Known, groups: &Groups) {
        let admits = |source: &SourceName, agent: &AgentId, at: Timestamp| {
            self.admits_profile(groups.of(source, agent, at))
        };
        // A row of an interval shows the groups of its end.
        let end = |start: Timestamp, length: Millis| start + length - Millis::new(1);
        known.states.retain(|row| admits(&row.source, &row.agent_id, row.start));
        known.changes.retain(|change| self.admits(&change.now));
        known.activities.retain(|row| admits(&row.source, &row.agent_id, row.start));
        known.sessions.retain(|row| admits(&row.source, &row.agent_id, row.sign_in));
        // They are sums over everybody, also over those who are not told of.
        known.groups.clear();
        known
            .agents
            .retain(|row| admits(&row.source, &row.agent_id, end(row.interval_start, row.interval_s)));
        known
            .agent_queues
            .retain(|row| admits(&row.source, &row.agent_id, end(row.interval_start, row.interval_s)));
        known.directory.retain(|entry| self.admits_profile(Some(&entry.profile)));
    }

    fn keep_contacts(&self, known: &mut Known) {
        known.states.retain(|row| {
            self.admits_work(row.queue_id.as_ref(), row.queue_name.as_ref(), row.channel.as_ref())
        });
        known.changes.retain(|change| self.admits(&change.now));
        known.activities.retain(|row| {
            self.admits_work(row.queue_id.as_ref(), row.queue_name.as_ref(), row.channel.as_ref())
        });
        known.queues.retain(|row| self.admits_contact(row.queue_id.as_str(), &row.queue_name, &row.channel));
        known
            .agent_queues
            .retain(|row| self.admits_contact(row.queue_id.as_str(), &row.queue_name, &row.channel));
    }
}

/// In which groups agents were, and from when on.
#[derive(Debug, Clone, Default)]
pub struct Groups(HashMap<(SourceName, AgentId), Profiles>);

/// Who an agent was, and from when on.
type Profiles = Vec<(Timestamp, Arc<AgentProfile>)>;

impl Groups {
    /// Adds what timelines of a source tell.
    pub fn add(&mut self, source: &SourceName, timelines: &[Timeline]) {
        for timeline in timelines {
            let own = self.0.entry((source.clone(), timeline.agent.clone())).or_default();
            let told = timeline.segments.iter().filter(|segment| !segment.state.profile.login.is_empty());
            for segment in told {
                let profile = &segment.state.profile;
                if own.last().is_none_or(|(_, last)| !last.same_groups(profile)) {
                    own.push((segment.start, profile.clone()));
                }
            }
        }
    }

    /// Who an agent was; before the first that is known of him, who he was then.
    fn of(&self, source: &SourceName, agent: &AgentId, at: Timestamp) -> Option<&AgentProfile> {
        let own = self.0.get(&(source.clone(), agent.clone()))?;
        let after = own.partition_point(|(from, _)| *from <= at);
        own.get(after.saturating_sub(1)).map(|(_, profile)| &**profile)
    }
}

#[cfg(test)]
mod tests {
    use pegboard_model::Class;

    use super::*;
    use crate::test_data::{agent, agent_queue, at, known, queue, state};

    fn filter(limits: &[(Limited, &str)]) -> Filter {
        let mut filter = Filter::default();
        for (limited, name) in limits {
            filter.admit(*limited, name).unwrap();
        }
        filter
    }

    fn level(number: u8) -> Limited {
        Limited::Level(Level::new(number).unwrap())
    }

    /// Agent `a` was in Sales until twelve and is in Service since; `b` is in Sales.
    fn groups() -> Groups {
        let profile = |team: &str| {
            let levels = ["Europe", team, "", "", ""].map(Text::from);
            Arc::new(AgentProfile { team: team.into(), levels, ..AgentProfile::default() })
        };
        let of =
            |agent: &str, profiles: Profiles| (("amazon-connect".into(), AgentId::from(agent)), profiles);
        let (early, noon) = (at("2025-08-01T11:00:00Z"), at("2025-08-01T12:00:00Z"));
        let moved = vec![(early, profile("Sales")), (noon, profile("Service"))];
        Groups([of("a", moved), of("b", vec![(early, profile("Sales"))])].into())
    }

    fn everything() -> Known {
        Known {
            agents: vec![agent("a"), agent("b"), agent("stranger")],
            states: vec![
                state("a", -1, Some(0), Class::Aux, "Lunch"),
                state("a", 0, None, Class::Aux, "Lunch"),
                state("b", 0, None, Class::Aux, "Lunch"),
            ],
            queues: vec![queue("q-1"), queue("q-2")],
            agent_queues: vec![agent_queue("a", "q-1"), agent_queue("b", "q-2")],
            ..known()
        }
    }

    #[test]
    fn nothing_is_left_out_where_nothing_is_limited() {
        let mut known = everything();
        Filter::default().apply(&mut known, &Groups::default());
        assert_eq!(format!("{known:?}"), format!("{:?}", everything()));
    }

    #[test]
    fn an_agent_is_told_of_while_in_the_team_or_level_whatever_its_case() {
        for limits in [[(Limited::Teams, "SALES")], [(level(2), "sales")]] {
            let mut known = everything();
            filter(&limits).apply(&mut known, &groups());
            let agents: Vec<_> = known.agents.iter().map(|row| row.agent_id.as_str()).collect();
            assert_eq!(agents, ["b"], "at the end of the interval; and who is not known is not told");
            let states: Vec<_> = known.states.iter().map(|row| row.start.to_string()).collect();
            assert_eq!(states, ["2025-08-01T11:59:59Z", "2025-08-01T12:00:00Z"]);
            assert_eq!((known.queues.len(), known.agent_queues.len()), (2, 1), "a queue is nobody's");
        }
    }

    #[test]
    fn contacts_are_told_of_by_queue_and_channel() {
        let mut known = everything();
        filter(&[(Limited::Queues, "Q-1"), (Limited::Channels, "voice")]).apply(&mut known, &groups());
        assert_eq!((known.queues.len(), known.agent_queues.len(), known.agents.len()), (1, 1, 3));
        filter(&[(Limited::Channels, "chat")]).apply(&mut known, &groups());
        assert_eq!((known.queues.len(), known.agent_queues.len()), (0, 0));
    }

    #[test]
    fn a_second_level_is_refused() {
        let mut filter = filter(&[(level(2), "Sales")]);
        assert_eq!(filter.admit(Limited::Level(Level::new(3).unwrap()), "x"), Err(TwoLevels(2)));
        assert_eq!((Level::new(0), Level::new(6)), (None, None));
    }
}
