//! Agents as a platform shows them at one moment.

use serde::{Deserialize, Serialize};

use crate::{ContactId, QueueId, StatusId, Text, Timestamp};

/// Who an agent is and where in the organisation. A change of team, level or routing profile cuts the
/// timeline; a change of login or name does not.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct AgentProfile {
    /// The name with which the agent signs in.
    pub login: Text,
    /// The name for people.
    pub name: Text,
    /// The team, as one text.
    pub team: Text,
    /// The levels of the hierarchy, from the top; empty where a level is not set.
    pub levels: [Text; 5],
    /// The routing profile, by name.
    pub routing_profile: Text,
}

impl AgentProfile {
    /// Whether time spent under `other` counts for the same team, levels and routing profile.
    pub fn same_groups(&self, other: &Self) -> bool {
        self.team == other.team
            && self.levels == other.levels
            && self.routing_profile == other.routing_profile
    }
}

/// An entry of the platform's status list: what the agent selected.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Status {
    /// The platform's id, where it gives one.
    pub id: Option<StatusId>,
    /// The label that people know it by.
    pub name: Text,
    /// What it means for routing.
    pub kind: StatusKind,
}

/// What a status means for routing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusKind {
    /// Contacts are routed to the agent.
    Routable,
    /// Signed in, but no contacts are routed.
    Aux,
    /// Not signed in, as the platform sees it.
    Offline,
}

/// The kind of conversation. Ordered by its text, so that rows of reports are.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Text", into = "Text")]
pub enum Channel {
    /// Telephone.
    Voice,
    /// Chat and messaging.
    Chat,
    /// A task.
    Task,
    /// E-mail.
    Email,
    /// Anything else, as the platform writes it.
    Other(Text),
}

impl Channel {
    /// The channel in capital letters, as reports and event ids write it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Voice => "VOICE",
            Self::Chat => "CHAT",
            Self::Task => "TASK",
            Self::Email => "EMAIL",
            Self::Other(text) => text,
        }
    }
}

impl Ord for Channel {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl PartialOrd for Channel {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl From<&str> for Channel {
    fn from(text: &str) -> Self {
        match text {
            "VOICE" => Self::Voice,
            "CHAT" => Self::Chat,
            "TASK" => Self::Task,
            "EMAIL" => Self::Email,
            other => Self::Other(other.into()),
        }
    }
}

impl From<Text> for Channel {
    fn from(text: Text) -> Self {
        Self::from(&*text)
    }
}

impl From<Channel> for Text {
    fn from(channel: Channel) -> Self {
        channel.as_str().into()
    }
}

/// A queue by id and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Queue {
    /// The platform's id.
    pub id: QueueId,
    /// The name at the time.
    pub name: Text,
    /// Whether it is one agent's personal queue.
    pub personal: bool,
}

/// How far a contact has come with an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContactPhase {
    /// Offered and not yet alerting, such as a callback that waits for the agent's word.
    Offered,
    /// Ringing at the agent, or being dialled by the agent.
    Alerting,
    /// Agent and customer are talking.
    Connected,
    /// The customer is on hold.
    Held,
    /// A task that was set aside.
    Paused,
    /// The conversation is over and the agent works on it still.
    Wrapping,
    /// The agent did not answer.
    Missed,
    /// The agent declined.
    Rejected,
    /// The attempt failed.
    Failed,
    /// A phase that this version does not know.
    Unrecognised,
}

/// A contact as one agent has it at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AgentContact {
    /// Which contact.
    pub id: ContactId,
    /// Its channel.
    pub channel: Channel,
    /// How it began, as the platform writes it (`INBOUND`, `TRANSFER`, ...).
    pub initiation: Text,
    /// Whether the agent or the system placed it, rather than the customer.
    pub outbound: bool,
    /// Whether the agent only listens to somebody else's contact. Such a contact never decides the state.
    pub monitored: bool,
    /// How far it has come.
    pub phase: ContactPhase,
    /// The platform's own word for the phase.
    pub phase_text: Text,
    /// Since when it has been in this phase, as the platform says; it may be silent, or wrong for hold.
    pub since: Option<Timestamp>,
    /// The queue that it came through.
    pub queue: Option<std::sync::Arc<Queue>>,
}
