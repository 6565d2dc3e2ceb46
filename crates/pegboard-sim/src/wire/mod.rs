//! Amazon Connect's own words: agent events and contact records as it writes them into its streams.
//!
//! Field names, shapes and habits (which values may be null, whole seconds in contact records, truncated durations)
//! follow the Amazon Connect administrator guide, "Agent event streams data model" and "Contact records data model".

mod agent_event;
mod contact_record;
mod text;

use std::sync::Arc;

use self::agent_event::Fragments;
use crate::events::{AgentEventRecord, ContactRecordOut, Uuid, Via};
use crate::organisation::{AgentNo, Organisation, QueueNo};
use crate::world::{Delivery, Stream};

/// The region of the simulated instance.
const REGION: &str = "eu-central-1";

/// The account of the simulated instance: one that the platform's own documentation uses for examples.
const ACCOUNT: &str = "111122223333";

/// Writes what one simulated contact centre tells, one record a line.
#[derive(Debug)]
pub struct Writer {
    organisation: Arc<Organisation>,
    instance_arn: String,
    fragments: Fragments,
}

impl Writer {
    /// A writer for the centre. Prepares what every event repeats.
    pub fn new(organisation: Arc<Organisation>) -> Self {
        let instance_arn = format!("arn:aws:connect:{REGION}:{ACCOUNT}:instance/{}", organisation.instance);
        let fragments = Fragments::prepare(&organisation, &instance_arn);
        Self { organisation, instance_arn, fragments }
    }

    /// An agent event as one line of JSON, without a line end.
    pub fn agent_event_json(&self, event: &AgentEventRecord) -> String {
        let mut out = String::with_capacity(4096);
        self.write_agent_event(event, &mut out);
        out
    }

    /// A contact record as one line of JSON, without a line end.
    pub fn contact_record_json(&self, record: &ContactRecordOut) -> String {
        let mut out = String::with_capacity(2560);
        self.write_contact_record(record, &mut out);
        out
    }

    pub(crate) fn deliver_event(&self, event: &AgentEventRecord) -> Delivery {
        Delivery {
            at: event.delivered,
            stream: Stream::AgentEvents,
            partition_key: self.agent_arn(event.agent),
            json: self.agent_event_json(event),
        }
    }

    pub(crate) fn deliver_record(&self, record: &ContactRecordOut) -> Delivery {
        Delivery {
            at: record.delivered,
            stream: Stream::ContactRecords,
            partition_key: record.leg.id.to_string(),
            json: self.contact_record_json(record),
        }
    }

    /// The ARN of an agent, which is the partition key of his events.
    pub fn agent_arn(&self, agent: AgentNo) -> String {
        self.arn("agent", self.organisation.agent(agent).id)
    }

    fn arn(&self, kind: &str, id: Uuid) -> String {
        arn(&self.instance_arn, kind, id)
    }

    fn queue_arn(&self, queue: QueueNo) -> String {
        self.arn("queue", self.organisation.queue(queue).id)
    }

    fn personal_queue_arn(&self, agent: AgentNo) -> String {
        self.arn("queue/agent", self.organisation.agent(agent).id)
    }

    /// The queue's ARN and its name as JSON; personal queues have none.
    fn queue_arn_and_name(&self, via: Via) -> (String, String) {
        match via {
            Via::Queue(queue) => (self.queue_arn(queue), text::json(&self.organisation.queue(queue).name)),
            Via::Personal(agent) => (self.personal_queue_arn(agent), "null".to_owned()),
        }
    }
}

fn arn(instance: &str, kind: &str, id: Uuid) -> String {
    format!("{instance}/{kind}/{id}")
}
