//! The fields that are read, as Amazon Connect writes them. Everything else is skipped.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::Kind;
use crate::sources::json::{Object, Present, Str};

/// An agent event or a contact record. One type for both, so that a stream that carries both is read once;
/// they share no field but for `InstanceARN` and `AWSAccountId`, which are not needed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Record<'a> {
    // An agent event.
    #[serde(borrow, rename = "AgentARN")]
    pub(super) agent_arn: Option<Str<'a>>,
    pub(super) event_id: Option<Str<'a>>,
    pub(super) event_timestamp: Option<Str<'a>>,
    pub(super) event_type: Option<Str<'a>>,
    pub(super) current_agent_snapshot: Option<Object<AgentSnapshot<'a>>>,

    // A contact record.
    #[serde(default, rename = "AWSContactTraceRecordFormatVersion")]
    pub(super) contact_version: Present,
    pub(super) contact_id: Option<Str<'a>>,
    pub(super) channel: Option<Str<'a>>,
    pub(super) initiation_method: Option<Str<'a>>,
    pub(super) initiation_timestamp: Option<Str<'a>>,
    pub(super) disconnect_timestamp: Option<Str<'a>>,
    pub(super) last_update_timestamp: Option<Str<'a>>,
    pub(super) transfer_completed_timestamp: Option<Str<'a>>,
    pub(super) transferred_to_endpoint: Option<IgnoredAny>,
    pub(super) next_contact_id: Option<Str<'a>>,
    pub(super) queue: Option<Object<QueueInfo<'a>>>,
    pub(super) agent: Option<Object<AgentInfo<'a>>>,
}

/// The fields that tell what a record is.
#[derive(Debug, Deserialize)]
pub(super) struct Markers {
    #[serde(default, rename = "AgentARN")]
    agent: Present,
    #[serde(default, rename = "EventType")]
    event_type: Present,
    #[serde(default, rename = "CurrentAgentSnapshot")]
    snapshot: Present,
    #[serde(default, rename = "AWSContactTraceRecordFormatVersion")]
    contact_version: Present,
}

impl Markers {
    pub(super) fn kind(&self) -> Kind {
        let Self { agent, event_type, snapshot, contact_version } = self;
        match (agent.0, event_type.0, snapshot.0, contact_version.0) {
            (true, true, ..) => Kind::AgentEvent,
            (.., true) => Kind::ContactRecord,
            (true, _, true, _) | (_, true, true, _) => Kind::AgentEvent,
            _ => Kind::Foreign,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AgentSnapshot<'a> {
    #[serde(borrow)]
    pub(super) agent_status: Option<Object<AgentStatus<'a>>>,
    pub(super) configuration: Option<Object<Configuration<'a>>>,
    pub(super) contacts: Option<Vec<Object<Contact<'a>>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AgentStatus<'a> {
    #[serde(borrow, rename = "ARN")]
    pub(super) arn: Option<Str<'a>>,
    pub(super) name: Option<Str<'a>>,
    pub(super) start_timestamp: Option<Str<'a>>,
    #[serde(rename = "Type")]
    pub(super) kind: Option<Str<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Configuration<'a> {
    #[serde(borrow)]
    pub(super) username: Option<Str<'a>>,
    pub(super) first_name: Option<Str<'a>>,
    pub(super) last_name: Option<Str<'a>>,
    pub(super) agent_hierarchy_groups: Option<Object<HierarchyGroups<'a>>>,
    pub(super) routing_profile: Option<Object<Named<'a>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct HierarchyGroups<'a> {
    #[serde(borrow)]
    pub(super) level1: Option<Object<Named<'a>>>,
    pub(super) level2: Option<Object<Named<'a>>>,
    pub(super) level3: Option<Object<Named<'a>>>,
    pub(super) level4: Option<Object<Named<'a>>>,
    pub(super) level5: Option<Object<Named<'a>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Named<'a> {
    #[serde(borrow)]
    pub(super) name: Option<Str<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Contact<'a> {
    #[serde(borrow, rename = "ContactId")]
    pub(super) id: Option<Str<'a>>,
    pub(super) channel: Option<Str<'a>>,
    pub(super) initiation_method: Option<Str<'a>>,
    pub(super) state: Option<Str<'a>>,
    pub(super) state_start_timestamp: Option<Str<'a>>,
    pub(super) queue: Option<Object<Queue<'a>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Queue<'a> {
    #[serde(borrow, rename = "ARN")]
    pub(super) arn: Option<Str<'a>>,
    pub(super) name: Option<Str<'a>>,
}

/// The queue of a contact record.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct QueueInfo<'a> {
    #[serde(borrow, rename = "ARN")]
    pub(super) arn: Option<Str<'a>>,
    pub(super) name: Option<Str<'a>>,
    pub(super) enqueue_timestamp: Option<Str<'a>>,
    pub(super) dequeue_timestamp: Option<Str<'a>>,
    /// In seconds, as all durations of a contact record.
    pub(super) duration: Option<i64>,
}

/// The agent of a contact record.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AgentInfo<'a> {
    #[serde(borrow, rename = "ARN")]
    pub(super) arn: Option<Str<'a>>,
    pub(super) username: Option<Str<'a>>,
    pub(super) connected_to_agent_timestamp: Option<Str<'a>>,
    pub(super) agent_interaction_duration: Option<i64>,
    pub(super) customer_hold_duration: Option<i64>,
    pub(super) agent_pause_duration: Option<i64>,
    pub(super) after_contact_work_duration: Option<i64>,
    pub(super) after_contact_work_end_timestamp: Option<Str<'a>>,
}
