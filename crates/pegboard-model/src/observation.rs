//! What a source says about an agent: the one vocabulary that the engine eats.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    AgentContact, AgentId, AgentProfile, ContactId, EventId, PartitionId, Position, Status, Timestamp,
};

/// One piece of evidence about one agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// Whom it is about.
    pub agent: AgentId,
    /// When it happened, by the platform's clock.
    pub at: Timestamp,
    /// Where it stood in its stream; decides between events of the same instant.
    pub order: Order,
    /// The platform's id of the event. The same id again is a duplicate.
    pub id: EventId,
    /// What it says.
    pub what: What,
}

/// A place in a stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Which stream.
    pub partition: PartitionId,
    /// Where in it.
    pub position: Position,
}

/// What an observation says.
///
/// Platforms of one kind send the whole agent with every change ([`What::Snapshot`], [`What::Confirmation`]);
/// the others send a version of one entity at a time ([`What::Status`], [`What::Contact`], [`What::ContactGone`]).
/// Versions decide within an entity, time across entities.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Something changed, and this is the whole of the agent after it.
    Snapshot(Snapshot),
    /// Nothing new, and this is the whole of the agent: confirms and repairs, but never signs an agent in
    /// who has signed out.
    Confirmation(Snapshot),
    /// The whole of the agent up to an instant that is known already, as systems tell that log activities once they are over.
    /// From there on nothing is known until something else is told.
    Activity {
        /// The agent meanwhile.
        snapshot: Snapshot,
        /// The first instant after it, later than the observation.
        until: Timestamp,
    },
    /// The agent signed in, and is this from then on.
    SignIn(Snapshot),
    /// The agent signed out; the last snapshot, where there is one.
    SignOut(Option<Snapshot>),
    /// The agent's status, alone.
    Status {
        /// The status.
        status: Arc<Status>,
        /// Since when, as the platform says.
        since: Option<Timestamp>,
        /// The version of the agent's own record, where the platform counts.
        version: Option<u64>,
        /// Who the agent is, where the record tells.
        profile: Option<Arc<AgentProfile>>,
    },
    /// One contact of the agent.
    Contact {
        /// The contact as it is now.
        contact: AgentContact,
        /// The version of the contact's record, where the platform counts.
        version: Option<u64>,
    },
    /// One contact has left the agent.
    ContactGone {
        /// Which one.
        contact: ContactId,
        /// The version of the contact's record, where the platform counts.
        version: Option<u64>,
    },
}

/// The whole of an agent at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// What the agent selected.
    pub status: Arc<Status>,
    /// Since when, as the platform says.
    pub status_since: Option<Timestamp>,
    /// Every contact that the agent has.
    pub contacts: Vec<AgentContact>,
    /// Who the agent is; nothing where the platform did not tell (then the last known profile holds).
    pub profile: Option<Arc<AgentProfile>>,
}
