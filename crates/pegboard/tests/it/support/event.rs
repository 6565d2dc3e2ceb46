//! Single agent events of one agent, as small as Amazon Connect would write them.

use pegboard_model::{Millis, Timestamp};

/// The platform's id of the agent.
pub(crate) const AGENT: &str = "a-1";

/// The start of the tests with single events.
pub(crate) fn nine() -> Timestamp {
    "2026-03-02T09:00:00Z".parse().unwrap()
}

/// So many minutes after nine.
pub(crate) fn minute(minutes: i64) -> Timestamp {
    nine() + Millis::from_minutes(minutes)
}

/// A change of the agent's status.
pub(crate) fn change(at: Timestamp, status: &str) -> String {
    event(AGENT, "STATE_CHANGE", at, status)
}

/// Any event. Its id follows from the agent and the time.
pub(crate) fn event(agent: &str, kind: &str, at: Timestamp, status: &str) -> String {
    format!(
        r#"{{"AgentARN":"arn:aws:connect:eu-central-1:111122223333:instance/i-1/agent/{agent}","CurrentAgentSnapshot":{{"AgentStatus":{{"ARN":"arn:aws:connect:eu-central-1:111122223333:instance/i-1/agent-state/{status}","Name":"{status}","StartTimestamp":"{at}"}},"Configuration":{{"FirstName":"Ann","LastName":"Example","Username":"ann.{agent}"}},"Contacts":[]}},"EventId":"{agent}@{at}","EventTimestamp":"{at}","EventType":"{kind}"}}"#
    )
}
