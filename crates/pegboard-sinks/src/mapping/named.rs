//! Whether a mapping names what once was listed as unmapped.

use pegboard_model::{AgentId, AgentNow, Channel, Class, Direction, QueueId, SourceName, Text, Timestamp};

use super::{AcdQueue, MappedKind, Mapping};
use crate::settings::UnmappedPolicy;

/// A name as an [inbox](super::Inbox) lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListedName<'a> {
    /// What it is of.
    pub kind: MappedKind,
    /// The source.
    pub source: &'a SourceName,
    /// The event id, or the id of the queue or agent.
    pub id: &'a Text,
    /// The reason of a state, name, channel and direction of a queue, the login of an agent.
    pub detail: &'a Text,
    /// When it was seen last.
    pub at: Timestamp,
}

/// The classes that states can be of which nothing names: every other one has a row that comes with Pegboard.
const UNNAMED: [Class; 2] = [Class::Aux, Class::Unknown];

impl Mapping {
    /// Whether a row is for it, by the time when it was seen last.
    pub fn names(&self, listed: ListedName<'_>) -> bool {
        let ListedName { kind, source, id, detail, at } = listed;
        match kind {
            MappedKind::State => {
                UNNAMED.into_iter().any(|class| self.states.find(source, id, detail, class, at).is_some())
            }
            MappedKind::Agent => self.agent(source, &AgentId::from(id.clone()), detail, at).1,
            MappedKind::Queue => self.names_queue(listed),
        }
    }

    /// What a target may have been told a listed name as, while no row named it.
    pub fn told_as(&self, listed: ListedName<'_>) -> Vec<Text> {
        let own = self.prefixed(listed.source, listed.id);
        let mut told = vec![listed.id.clone(), own.clone()];
        if let (MappedKind::Queue, [direction, channel, ..]) =
            (listed.kind, &*listed.detail.rsplitn(3, ' ').collect::<Vec<_>>())
        {
            told.push(format!("{own}-{}-{direction}", channel.to_lowercase()).into());
        }
        told.retain(|name| !name.is_empty());
        told.dedup();
        told
    }

    /// Whether the state that an agent is in is left out, because no row names it, or the agent.
    pub fn holds_back(&self, now: &AgentNow) -> bool {
        let AgentNow { source, agent_id, agent_login, event_id, reason, class, since, .. } = now;
        let names_agent =
            || self.agents.rows().is_empty() || self.agent(source, agent_id, agent_login, *since).1;
        let names_state = || self.states.find(source, event_id, reason, *class, *since).is_some();
        self.settings.unmapped == UnmappedPolicy::Hold && !(names_agent() && names_state())
    }

    /// The detail of a queue is its name, where it has one, its channel and its direction.
    fn names_queue(&self, listed: ListedName<'_>) -> bool {
        let mut parts = listed.detail.rsplitn(3, ' ');
        let direction = match parts.next() {
            Some("outbound") => Direction::Outbound,
            _ => Direction::Inbound,
        };
        let channel = Channel::from(Text::from(parts.next().unwrap_or_default()));
        let name = Text::from(parts.next().unwrap_or_default());
        let id = QueueId::from(listed.id.clone());
        let acd = AcdQueue { source: listed.source, id: &id, name: &name, channel: &channel, direction };
        self.queues.find(acd, listed.at).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::{
        AgentMapping, AgentRow, EventMatch, MappedState, Pattern, QueueMapping, QueueRow, Scope, StateRow,
        WfmAgent, WfmQueue,
    };

    fn mapping() -> Mapping {
        let mut mapping = Mapping::default();
        let state = MappedState { activity: "Lunch".into(), open: false, send_as: None };
        let scope = Scope { source: None, from: Some(Timestamp::from_seconds(10)) };
        let event = EventMatch::Id(Pattern::new("Lunch*"));
        mapping.states.rows = vec![StateRow { event, reason: Some("late".into()), scope, state }];
        let to = WfmQueue { id: "B".into(), name: "".into() };
        let queue = |queue: &str, channel| QueueRow {
            queue: queue.into(),
            channel,
            direction: Some(Direction::Outbound),
            scope: Scope::default(),
            to: to.clone(),
        };
        let rows = vec![queue("Sales Team", Some(Channel::Chat)), queue("", None)];
        mapping.queues = QueueMapping::new(rows);
        let to = WfmAgent { id: "P".into(), value: "".into() };
        let rows = vec![AgentRow { agent: "ANN".into(), scope: Scope::default(), to }];
        mapping.agents = AgentMapping::new(rows);
        mapping
    }

    #[test]
    fn a_target_was_told_the_own_name_or_the_one_with_a_prefix() {
        let mut mapping = mapping();
        mapping.prefixes.insert("acme".into(), "emea-".into());
        let told = |kind, id: &str, detail: &str| {
            let (source, id, detail, at) = ("acme".into(), id.into(), detail.into(), Timestamp::default());
            mapping.told_as(ListedName { kind, source: &source, id: &id, detail: &detail, at })
        };
        let texts = |names: &[&str]| names.iter().map(|name| Text::from(*name)).collect::<Vec<_>>();
        let queue = texts(&["q", "emea-q", "emea-q-chat-inbound"]);
        assert_eq!(told(MappedKind::Queue, "q", "My Queue CHAT inbound"), queue);
        assert_eq!(told(MappedKind::Agent, "7", "ann"), texts(&["7", "emea-7"]));
    }

    #[test]
    fn a_listed_name_is_looked_up_as_it_was_when_it_was_listed() {
        use MappedKind::{Agent, Queue, State};
        let mapping = mapping();
        let source = SourceName::from("acme");
        for (kind, id, detail, at, is_named) in [
            (State, "lunch 2", "Late", 10, true),
            (State, "lunch 2", "late", 9, false),
            (State, "lunch 2", "", 10, false),
            (Queue, "q-1", "sales team CHAT outbound", 0, true),
            (Queue, "q-1", "sales team CHAT inbound", 0, false),
            (Queue, "q-1", "sales team VOICE outbound", 0, false),
            (Queue, "", "VOICE outbound", 0, true),
            (Agent, "7", "ann", 0, true),
            (Agent, "7", "bob", 0, false),
        ] {
            let (id, detail, at) = (&id.into(), &detail.into(), Timestamp::from_seconds(at));
            let listed = ListedName { kind, source: &source, id, detail, at };
            assert_eq!(mapping.names(listed), is_named, "{listed:?}");
        }
    }
}
