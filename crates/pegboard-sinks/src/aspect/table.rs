//! The table of present states in DynamoDB.

use std::collections::HashMap;
use std::fmt;

use pegboard_model::{StatusKind, Timestamp};
use serde_json::{Map, Value, json};

use super::event::{AgentEvent, AgentStatus};
use super::time;

/// The agents of whom it is remembered what was applied last.
pub const MOST_AGENTS: usize = 100_000;

/// Writes only over what is not newer, whoever wrote it.
const NOT_NEWER: &str = "attribute_not_exists(AgentARN) OR LastEventTimeStamp <= :at";

/// A change of the table.
#[derive(Clone, PartialEq, Eq)]
pub enum TableWrite {
    /// The row of an agent who is not offline.
    Put {
        /// Its attributes, all of them texts.
        attributes: Vec<(&'static str, String)>,
        /// The time of the event.
        at: Timestamp,
    },
    /// An agent is offline and has no row any more.
    Delete {
        /// `AgentARN`.
        agent: String,
        /// The time of the event.
        at: Timestamp,
    },
}

impl TableWrite {
    /// What an event does to the table; nothing for a heartbeat. `reduced` is what is passed on of the event.
    pub(super) fn of(event: &AgentEvent<'_>, reduced: &str) -> Option<Self> {
        if event.is_heartbeat() {
            return None;
        }
        let status = event.status();
        let kind = status.map(|status| status.status().kind);
        if kind == Some(StatusKind::Offline) {
            return Some(Self::Delete { agent: event.agent.clone(), at: event.at });
        }
        let since = status.and_then(|status| status.since).map(time::in_table);
        let state = status.and_then(|status: &AgentStatus| status.name.clone());
        let attributes = [
            ("AgentARN", Some(event.agent.clone())),
            ("AgentUsername", event.user().map(str::to_owned)),
            ("LastEventType", Some(event.kind.clone())),
            ("LastEventTimeStamp", Some(time::in_table(event.at))),
            ("LastStateChangeTimeStamp", since),
            ("CurrentState", state),
            ("RawAgentEventJSon", Some(reduced.to_owned())),
        ];
        let known = attributes.into_iter().filter_map(|(name, value)| Some((name, value?)));
        Some(Self::Put { attributes: known.collect(), at: event.at })
    }

    /// The operation of DynamoDB.
    pub const fn operation(&self) -> &'static str {
        match self {
            Self::Put { .. } => "PutItem",
            Self::Delete { .. } => "DeleteItem",
        }
    }

    /// The name of its document, without the number.
    pub(super) fn document(&self) -> String {
        match self {
            Self::Put { .. } => "put-item".to_owned(),
            Self::Delete { .. } => "delete-item".to_owned(),
        }
    }

    /// The body of the request. It does nothing where the row is newer already.
    pub fn request(&self, table: &str) -> Value {
        let mut request = json!({
            "TableName": table,
            "ConditionExpression": NOT_NEWER,
            "ExpressionAttributeValues": { ":at": { "S": time::in_table(self.at()) } },
        });
        match self {
            Self::Put { attributes, .. } => {
                let item = attributes.iter().map(|(name, value)| ((*name).to_owned(), json!({ "S": value })));
                request["Item"] = Value::Object(item.collect::<Map<_, _>>());
            }
            Self::Delete { agent, .. } => request["Key"] = json!({ "AgentARN": { "S": agent } }),
        }
        request
    }

    const fn at(&self) -> Timestamp {
        match self {
            Self::Put { at, .. } | Self::Delete { at, .. } => *at,
        }
    }
}

/// Without what it says of a person.
impl fmt::Debug for TableWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(self.operation()).field("at", &self.at()).finish_non_exhaustive()
    }
}

/// The last event of each agent that was applied, of those who are offline too: the table itself forgets them, and would take an older event
/// for their first.
#[derive(Debug, Default)]
pub struct Applied {
    last: HashMap<String, (Timestamp, u64)>,
}

impl Applied {
    /// Notes an event, unless one of the agent that is newer was applied: by its time, and by its place in the stream where that is the same.
    /// Answers whether it is to be applied.
    pub fn is_newest(&mut self, agent: &str, at: Timestamp, sequence: u64) -> bool {
        let this = (at, sequence);
        if let Some(last) = self.last.get_mut(agent) {
            let newest = this >= *last;
            *last = this.max(*last);
            return newest;
        }
        if self.last.len() >= MOST_AGENTS {
            // The condition of every request still guards the rows that are there.
            self.last.clear();
        }
        self.last.insert(agent.to_owned(), this);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_newest_is_the_one_of_the_latest_time_and_then_of_the_latest_place() {
        let (nine, ten) = (at("2026-03-02T09:00:00Z"), at("2026-03-02T10:00:00Z"));
        let mut applied = Applied::default();
        assert!(applied.is_newest("a", ten, 5));
        assert!(applied.is_newest("a", ten, 5), "the same again, after a crash");
        assert!(!applied.is_newest("a", nine, 6), "late");
        assert!(!applied.is_newest("a", ten, 4), "earlier in the same millisecond");
        assert!(applied.is_newest("a", ten, 7));
        assert!(applied.is_newest("b", nine, 8), "another agent");
    }

    #[test]
    fn r28_of_a_hundred_thousand_agents_it_is_remembered_what_was_applied() {
        let time = at("2026-03-02T09:00:00Z");
        let mut applied = Applied::default();
        for agent in 0..MOST_AGENTS {
            applied.is_newest(&agent.to_string(), time, 1);
        }
        assert!(!applied.is_newest("7", time, 0), "remembered");
        assert!(applied.is_newest("one more", time, 1));
        assert_eq!(applied.last.len(), 1, "forgotten, and kept anew");
    }
}
