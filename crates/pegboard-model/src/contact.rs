//! Contacts as their records tell them once they are over.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{AgentId, Channel, ContactId, EventId, Millis, Queue, Text, Timestamp};

/// One leg of a contact: one stay in a queue, or one agent, or both. Counted once, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactLeg {
    /// Which contact.
    pub id: ContactId,
    /// Which telling of it; the newest wins.
    pub version: ContactVersion,
    /// Its channel.
    pub channel: Channel,
    /// How it began, as the platform writes it.
    pub initiation: Text,
    /// Who began it.
    pub direction: Direction,
    /// Whether somebody only listened. Such a leg is not a contact of its own and is not counted.
    pub monitored: bool,
    /// Its stay in a queue, where it names one.
    pub queue: Option<QueueStay>,
    /// What an agent did with it, where it reached one.
    pub agent: Option<AgentLeg>,
    /// When the customer's end of it was over.
    pub disconnected: Option<Timestamp>,
    /// Whether another leg carries on where this one ended.
    pub handed_on: bool,
    /// Whether it came from another queue or agent.
    pub transferred_in: bool,
}

/// The version of a record: the time of its last update, then a hash of its content, so that of two tellings
/// with equal times the same one wins whichever came first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ContactVersion {
    /// When the platform last touched the record.
    pub updated: Timestamp,
    /// A hash of the content that is stable across machines and releases.
    pub content: u64,
}

/// An event of a contact, on a platform that tells of contacts piece by piece: the legs are put together from all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactEvent {
    /// The contact, by the id under which the platform tells of the whole of it.
    pub contact: ContactId,
    /// The event's own id. A second copy says nothing new.
    pub id: EventId,
    /// When it happened, by the platform's clock.
    pub at: Timestamp,
    /// What the source understands of it, in the source's own words.
    pub body: String,
}

/// Who began a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The customer (transfers, callbacks and API chats count here too).
    Inbound,
    /// The agent or the system.
    Outbound,
}

impl Direction {
    /// The name that reports use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
        }
    }
}

/// A stay in a queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueStay {
    /// Which queue.
    pub queue: Arc<Queue>,
    /// When the contact entered it. Nothing where it only names the queue, as outbound contacts do.
    pub entered: Option<Timestamp>,
    /// How long it stayed.
    pub waited: Option<Millis>,
    /// How long of that it rang at agents, where the platform tells the two apart.
    pub rang: Option<Millis>,
}

/// What an agent did with a contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentLeg {
    /// Which agent.
    pub agent: AgentId,
    /// The name with which the agent signs in.
    pub login: Text,
    /// When they were connected. Nothing where the agent was offered it and never had it.
    pub connected: Option<Timestamp>,
    /// Conversation without hold.
    pub talk: Millis,
    /// Hold, and pauses of tasks.
    pub hold: Millis,
    /// After-contact work.
    pub acw: Millis,
    /// When the after-contact work was over.
    pub acw_end: Option<Timestamp>,
    /// Whether the agent passed the contact on.
    pub passed_on: bool,
}
