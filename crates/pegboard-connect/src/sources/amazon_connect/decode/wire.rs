//! The fields that are read, as Amazon Connect writes them. Everything else is skipped.

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use super::Kind;
use crate::sources::json::{Object, Present, Str};
use crate::sources::scan::{Read, Repeated, Scanner, read_object};

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
    pub(super) current_agent_snapshot: Option<Repeated<AgentSnapshot<'a>>>,

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
    pub(super) agent_status: Option<Repeated<AgentStatus<'a>>>,
    pub(super) configuration: Option<Configured<'a>>,
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

/// The configuration of the agent, which every event repeats.
#[derive(Debug)]
pub(super) enum Configured<'a> {
    /// It is, to the byte, the one that the scanner knows.
    Known,
    /// Another one, with its text where a scanner has read it.
    New(Box<Configuration<'a>>, Option<&'a str>),
}

impl<'de: 'a, 'a> Deserialize<'de> for Configured<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Object::deserialize(deserializer)
            .map(|Object(configuration)| Self::New(Box::new(configuration), None))
    }
}

impl<'a> Read<'a> for Configured<'a> {
    fn read(scan: &mut Scanner<'a, '_>) -> Option<Self> {
        if scan.pass_known() {
            return Some(Self::Known);
        }
        let (text, configuration) = scan.with_text()?;
        Some(Self::New(Box::new(configuration), Some(text)))
    }
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

// The same names once more, for the scanner. That both read alike is tested.

read_object!(Record {
    "AgentARN" => agent_arn,
    "EventId" => event_id,
    "EventTimestamp" => event_timestamp,
    "EventType" => event_type,
    "CurrentAgentSnapshot" => current_agent_snapshot,
    "AWSContactTraceRecordFormatVersion" => contact_version,
    "ContactId" => contact_id,
    "Channel" => channel,
    "InitiationMethod" => initiation_method,
    "InitiationTimestamp" => initiation_timestamp,
    "DisconnectTimestamp" => disconnect_timestamp,
    "LastUpdateTimestamp" => last_update_timestamp,
    "TransferCompletedTimestamp" => transfer_completed_timestamp,
    "TransferredToEndpoint" => transferred_to_endpoint,
    "NextContactId" => next_contact_id,
    "Queue" => queue,
    "Agent" => agent,
});

read_object!(AgentSnapshot {
    "AgentStatus" => agent_status,
    "Configuration" => configuration,
    "Contacts" => contacts,
});

read_object!(AgentStatus {
    "ARN" => arn,
    "Name" => name,
    "StartTimestamp" => start_timestamp,
    "Type" => kind,
});

read_object!(Configuration {
    "Username" => username,
    "FirstName" => first_name,
    "LastName" => last_name,
    "AgentHierarchyGroups" => agent_hierarchy_groups,
    "RoutingProfile" => routing_profile,
});

read_object!(HierarchyGroups {
    "Level1" => level1,
    "Level2" => level2,
    "Level3" => level3,
    "Level4" => level4,
    "Level5" => level5,
});

read_object!(Named {
    "Name" => name,
});

read_object!(Contact {
    "ContactId" => id,
    "Channel" => channel,
    "InitiationMethod" => initiation_method,
    "State" => state,
    "StateStartTimestamp" => state_start_timestamp,
    "Queue" => queue,
});

read_object!(Queue {
    "ARN" => arn,
    "Name" => name,
});

read_object!(QueueInfo {
    "ARN" => arn,
    "Name" => name,
    "EnqueueTimestamp" => enqueue_timestamp,
    "DequeueTimestamp" => dequeue_timestamp,
    "Duration" => duration,
});

read_object!(AgentInfo {
    "ARN" => arn,
    "Username" => username,
    "ConnectedToAgentTimestamp" => connected_to_agent_timestamp,
    "AgentInteractionDuration" => agent_interaction_duration,
    "CustomerHoldDuration" => customer_hold_duration,
    "AgentPauseDuration" => agent_pause_duration,
    "AfterContactWorkDuration" => after_contact_work_duration,
    "AfterContactWorkEndTimestamp" => after_contact_work_end_timestamp,
});
