//! What the platform calls its measures: in the columns of report files, and in its statistics API.

use pegboard_model::Millis;

use super::measure::{AgentTime, Begun, Measure, Part};

/// The thresholds that the platform offers, in seconds. With any other the column's label loses a word.
pub const PRESETS: [i64; 12] = [15, 20, 25, 30, 45, 60, 90, 120, 180, 240, 300, 600];

impl Measure {
    /// The label of the column.
    pub fn label(self) -> String {
        let within = |what: &str, limit: Millis| {
            let seconds = limit.get() / 1000;
            let word = if PRESETS.contains(&seconds) { " in" } else { "" };
            format!("Contacts {what}{word} {seconds} seconds")
        };
        match self {
            Self::AbandonedIn(limit) => within("abandoned", limit),
            Self::AnsweredIn(limit) => within("answered", limit),
            Self::ServiceLevel(limit) => format!("Service level {} seconds", limit.get() / 1000),
            other => other.plain_label().to_owned(),
        }
    }

    const fn plain_label(self) -> &'static str {
        match self {
            Self::Queued => "Contacts queued",
            Self::Created(begun) => match begun {
                Begun::Anyhow => "Contacts created",
                Begun::Incoming => "Contacts incoming",
                Begun::Outbound => "Outbound contacts",
                Begun::Api => "API contacts",
                Begun::Callback => "Callback contacts",
                Begun::HandedOver => "Contacts transferred in",
                Begun::ByAgent => "Contacts transferred in by agent",
                Begun::ByQueue => "Contacts transferred in from queue",
            },
            Self::Handled(begun) => match begun {
                Begun::Incoming => "Contacts handled incoming",
                Begun::Outbound => "Contacts handled outbound",
                Begun::Api => "API contacts handled",
                Begun::Callback => "Callback contacts handled",
                Begun::Anyhow | Begun::HandedOver | Begun::ByAgent | Begun::ByQueue => "Contacts handled",
            },
            Self::HungUpFirst => "Contacts agent hung up first",
            Self::Abandoned => "Contacts abandoned",
            Self::AbandonedIn(_) => "Contacts abandoned in",
            Self::AnsweredIn(_) => "Contacts answered in",
            Self::ServiceLevel(_) => "Service level",
            Self::PutOnHold => "Contacts put on hold",
            Self::TransferredOut => "Contacts transferred out",
            Self::TransferredOutByAgent => "Contacts transferred out by agent",
            Self::TransferredOutFromQueue => "Contacts transferred out queue",
            Self::Sum(part) => match part {
                Part::Interaction => "Agent interaction time",
                Part::Hold => "Customer hold time",
                Part::InteractionAndHold => "Agent interaction and hold time",
                Part::AfterContactWork => "After contact work time",
                Part::Handle => "Contact handle time",
                Part::Flow => "Contact flow time",
            },
            Self::Average(part) => match part {
                Part::Interaction => "Average agent interaction time",
                Part::Hold => "Average customer hold time",
                Part::InteractionAndHold => "Average agent interaction and customer hold time",
                Part::AfterContactWork => "Average after contact work time",
                Part::Handle => "Average handle time",
                Part::Flow => "Average contact flow time",
            },
            Self::QueueAnswerTime => "Average queue answer time",
            Self::QueueAbandonTime => "Average queue abandon time",
            Self::MaximumQueuedTime => "Maximum queued time",
            Self::Agents(time) => match time {
                AgentTime::Online => "Online time",
                AgentTime::Idle => "Agent idle time",
                AgentTime::NonProductive => "Non-Productive Time",
                AgentTime::OnContact => "Agent on contact time",
                AgentTime::Error => "Error status time",
            },
            Self::Occupancy => "Occupancy",
            Self::Missed => "Contacts missed",
        }
    }

    /// The name in the statistics API. Which contacts count is told beside it, by filters and thresholds.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Queued => "CONTACTS_QUEUED",
            Self::Created(_) => "CONTACTS_CREATED",
            Self::Handled(_) | Self::HungUpFirst => "CONTACTS_HANDLED",
            Self::Abandoned => "CONTACTS_ABANDONED",
            Self::AbandonedIn(_) => "SUM_CONTACTS_ABANDONED_IN_X",
            Self::AnsweredIn(_) => "SUM_CONTACTS_ANSWERED_IN_X",
            Self::ServiceLevel(_) => "SERVICE_LEVEL",
            Self::PutOnHold => "CONTACTS_PUT_ON_HOLD",
            Self::TransferredOut => "CONTACTS_TRANSFERRED_OUT",
            Self::TransferredOutByAgent => "CONTACTS_TRANSFERRED_OUT_BY_AGENT",
            Self::TransferredOutFromQueue => "CONTACTS_TRANSFERRED_OUT_FROM_QUEUE",
            Self::Sum(part) => match part {
                Part::Interaction => "SUM_INTERACTION_TIME",
                Part::Hold => "SUM_HOLD_TIME",
                Part::InteractionAndHold => "SUM_INTERACTION_AND_HOLD_TIME",
                Part::AfterContactWork => "SUM_AFTER_CONTACT_WORK_TIME",
                Part::Handle => "SUM_HANDLE_TIME",
                Part::Flow => "SUM_CONTACT_FLOW_TIME",
            },
            Self::Average(part) => match part {
                Part::Interaction => "AVG_INTERACTION_TIME",
                Part::Hold => "AVG_HOLD_TIME",
                Part::InteractionAndHold => "AVG_INTERACTION_AND_HOLD_TIME",
                Part::AfterContactWork => "AVG_AFTER_CONTACT_WORK_TIME",
                Part::Handle => "AVG_HANDLE_TIME",
                Part::Flow => "AVG_FLOW_TIME",
            },
            Self::QueueAnswerTime => "AVG_QUEUE_ANSWER_TIME",
            Self::QueueAbandonTime => "AVG_ABANDON_TIME",
            Self::MaximumQueuedTime => "MAX_QUEUED_TIME",
            Self::Agents(time) => match time {
                AgentTime::Online => "SUM_ONLINE_TIME_AGENT",
                AgentTime::Idle => "SUM_IDLE_TIME_AGENT",
                AgentTime::NonProductive => "SUM_NON_PRODUCTIVE_TIME_AGENT",
                AgentTime::OnContact => "SUM_CONTACT_TIME_AGENT",
                AgentTime::Error => "SUM_ERROR_STATUS_TIME_AGENT",
            },
            Self::Occupancy => "AGENT_OCCUPANCY",
            Self::Missed => "AGENT_NON_RESPONSE",
        }
    }
}
