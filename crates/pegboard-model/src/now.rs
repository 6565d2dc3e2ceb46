//! Who is in which state right now: what live readers get.

use serde::{Deserialize, Serialize};

use crate::{
    AgentId, AgentProfile, Channel, Class, ContactId, QueueId, SourceName, State, StatusId, Text, Timestamp,
};

/// One agent's present state. An entry of the state feed is one of these: the whole, never a difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentNow {
    /// The source.
    pub source: SourceName,
    /// The platform's id of the agent.
    pub agent_id: AgentId,
    /// The name with which the agent signs in.
    pub agent_login: Text,
    /// The name for people.
    pub agent_name: Text,
    /// The team.
    pub team: Text,
    /// The levels of the hierarchy, from the top; empty where a level is not set.
    #[serde(default)]
    pub levels: [Text; 5],
    /// The routing profile.
    pub routing_profile: Text,
    /// The class.
    pub class: Class,
    /// Since when.
    pub since: Timestamp,
    /// The state as a WFM's real-time adherence knows it.
    pub event_id: Text,
    /// The status name or idle code where it differs.
    pub reason: Text,
    /// The platform's id of the status.
    pub status_id: Option<StatusId>,
    /// The name of the status.
    pub status_name: Text,
    /// The contact that decides.
    pub contact_id: Option<ContactId>,
    /// Its channel.
    pub channel: Option<Channel>,
    /// How it began.
    pub initiation: Option<Text>,
    /// The platform's id of its queue.
    pub queue_id: Option<QueueId>,
    /// The name of its queue.
    pub queue_name: Option<Text>,
}

impl AgentNow {
    /// The present state of `agent`: `state`, since `since`. Where the state does not tell who the agent is, `known`
    /// does.
    pub fn new(
        source: &SourceName,
        agent: &AgentId,
        since: Timestamp,
        state: &State,
        known: &AgentProfile,
    ) -> Self {
        let profile = if state.profile.login.is_empty() { known } else { &state.profile };
        let work = state.contact.as_ref();
        let queue = work.and_then(|work| work.queue.as_ref());
        Self {
            source: source.clone(),
            agent_id: agent.clone(),
            agent_login: profile.login.clone(),
            agent_name: profile.name.clone(),
            team: profile.team.clone(),
            levels: profile.levels.clone(),
            routing_profile: profile.routing_profile.clone(),
            class: state.class,
            since,
            event_id: state.event_id(),
            reason: state.reason(),
            status_id: state.status.as_ref().and_then(|status| status.id.clone()),
            status_name: state.status_name(),
            contact_id: work.map(|work| work.id.clone()),
            channel: work.map(|work| work.channel.clone()),
            initiation: work.map(|work| work.initiation.clone()),
            queue_id: queue.map(|queue| queue.id.clone()),
            queue_name: queue.map(|queue| queue.name.clone()),
        }
    }
}
