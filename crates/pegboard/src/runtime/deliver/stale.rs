//! What is told in place of agents' states that are no longer known to be true. Pure: time comes in.

use pegboard_model::{AgentNow, Class, Millis, Text, Timestamp};
use pegboard_sinks::StateChange;

/// What becomes of agents' states at a target that is not told how sources do, while their source is stale.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum StalePolicy {
    /// It keeps the last one.
    #[default]
    Keep,
    /// It is told another one.
    Send(StaleState),
}

/// The state that is told of every agent who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaleState {
    /// As the target knows it.
    pub event_id: Text,
    /// The reason beside it; empty where there is none.
    pub reason: Text,
}

impl StalePolicy {
    /// What is told, if anything is.
    pub(super) const fn state(&self) -> Option<&StaleState> {
        match self {
            Self::Keep => None,
            Self::Send(state) => Some(state),
        }
    }
}

impl StaleState {
    /// What is told of an agent from `at` on.
    pub(super) fn in_place_of(&self, now: AgentNow, at: Timestamp) -> StateChange {
        let now = AgentNow {
            class: Class::Aux,
            since: at.max(now.since + Millis::new(1)),
            event_id: self.event_id.clone(),
            reason: self.reason.clone(),
            status_id: None,
            status_name: self.event_id.clone(),
            contact_id: None,
            channel: None,
            initiation: None,
            queue_id: None,
            queue_name: None,
            ..now
        };
        StateChange::new(None, now)
    }
}

/// The true state of an agent of whom another was told from `told` on: where it is older than that it is told as if it began `at`, for a
/// target must not be told an older one after a newer.
pub(super) fn true_again(now: AgentNow, told: Timestamp, at: Timestamp) -> AgentNow {
    let since = if now.since > told { now.since } else { at.max(told + Millis::new(1)) };
    AgentNow { since, ..now }
}
