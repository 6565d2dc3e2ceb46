//! An agent event, with what the two halves need of it.

use std::fmt;

use pegboard_model::{Status, StatusId, StatusKind, Timestamp};
use serde_json::{Map, Value};

use super::reduced;

/// Why a record is not an agent event that could be used. Says where and what, and never repeats contents.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// Bytes that are not text.
    #[error("not UTF-8 from byte {at} on")]
    NotUtf8 {
        /// How many bytes before it are.
        at: usize,
    },
    /// Text that is not JSON.
    #[error("not JSON at line {line} column {column}")]
    NotJson {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// JSON, but a text, a number or a list.
    #[error("not a JSON object")]
    NotAnObject,
    /// A field without which nothing can be done with an event.
    #[error("{field}: missing, empty or not a text")]
    Missing {
        /// Its name.
        field: &'static str,
    },
    /// A time that is none.
    #[error("{field}: not a time in RFC 3339")]
    NotATime {
        /// The name of its field.
        field: &'static str,
    },
    /// More than a queue takes.
    #[error("longer than {limit} bytes without what is left out of a message")]
    TooLong {
        /// The most that it takes.
        limit: usize,
    },
}

/// An agent event of Amazon Connect.
///
/// Fields as in "Agent event streams data model" of its administrator guide. A field that is absent, null or of another type is `None`.
#[derive(Clone, PartialEq, Eq)]
pub struct AgentEvent<'a> {
    text: &'a str,
    /// `AgentARN`.
    pub agent: String,
    /// `EventId`.
    pub id: String,
    /// `EventTimestamp`.
    pub at: Timestamp,
    /// `EventType`, such as `STATE_CHANGE`.
    pub kind: String,
    /// `AWSAccountId`.
    pub account: Option<String>,
    /// `CurrentAgentSnapshot`; until the end of 2018 a `LOGIN` came without one.
    pub snapshot: Option<Snapshot>,
}

/// How the agent is.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// `Configuration.Username`.
    pub user: Option<String>,
    /// `Configuration.AgentHierarchyGroups.Level1` to `Level5`, each by its name.
    pub levels: [Option<String>; 5],
    /// `Configuration.RoutingProfile.Name`.
    pub routing_profile: Option<String>,
    /// `AgentStatus`.
    pub status: Option<AgentStatus>,
    /// `Contacts[0].State`.
    pub contact_state: Option<String>,
}

/// The status that the agent has chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AgentStatus {
    /// `ARN`.
    pub arn: Option<String>,
    /// `Name`.
    pub name: Option<String>,
    /// `Type`, which came in 2022: `ROUTABLE`, `CUSTOM` or `OFFLINE`.
    pub kind: Option<String>,
    /// `StartTimestamp`.
    pub since: Option<Timestamp>,
}

impl<'a> AgentEvent<'a> {
    /// Reads a record; nothing where it is an object of something else, such as a contact record on the same stream.
    pub fn read(bytes: &'a [u8]) -> Result<Option<Self>, Unusable> {
        let not_utf8 = |error: std::str::Utf8Error| Unusable::NotUtf8 { at: error.valid_up_to() };
        let text = std::str::from_utf8(bytes).map_err(not_utf8)?;
        let not_json =
            |error: serde_json::Error| Unusable::NotJson { line: error.line(), column: error.column() };
        let Value::Object(mut event) = serde_json::from_str(text).map_err(not_json)? else {
            return Err(Unusable::NotAnObject);
        };
        let has = |field| event.contains_key(field);
        let is_event = has("AgentARN") && has("EventType");
        // One that lost one of the two fails, and is not passed over.
        if !is_event && !(has("CurrentAgentSnapshot") && (has("AgentARN") || has("EventType"))) {
            return Ok(None);
        }
        let at = required(&mut event, "EventTimestamp")?;
        let not_a_time = |_| Unusable::NotATime { field: "EventTimestamp" };
        Ok(Some(Self {
            text,
            agent: required(&mut event, "AgentARN")?,
            id: required(&mut event, "EventId")?,
            at: Timestamp::parse(&at).map_err(not_a_time)?,
            kind: required(&mut event, "EventType")?,
            account: take_text(&mut event, "AWSAccountId"),
            snapshot: take_object(&mut event, "CurrentAgentSnapshot").map(snapshot),
        }))
    }

    /// Whether it only says that nothing has changed.
    pub fn is_heartbeat(&self) -> bool {
        self.kind == "HEART_BEAT"
    }

    /// The login of the agent, by which the WFM knows them.
    pub fn user(&self) -> Option<&str> {
        self.snapshot.as_ref()?.user.as_deref().filter(|user| !user.is_empty())
    }

    /// The status, where the event tells it.
    pub fn status(&self) -> Option<&AgentStatus> {
        self.snapshot.as_ref()?.status.as_ref()
    }

    /// The event as it is passed on: see [`reduced::reduce`].
    pub fn reduced(&self) -> Result<String, Unusable> {
        let not_json =
            |error: serde_json::Error| Unusable::NotJson { line: error.line(), column: error.column() };
        reduced::reduce(self.text).map_err(not_json)
    }
}

/// Without what it says of a person.
impl fmt::Debug for AgentEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, kind, at, .. } = self;
        f.debug_struct("AgentEvent")
            .field("id", id)
            .field("kind", kind)
            .field("at", at)
            .finish_non_exhaustive()
    }
}

/// Without what it says of a person.
impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("status", &self.status).finish_non_exhaustive()
    }
}

impl AgentStatus {
    /// The status in the words of the model.
    ///
    /// Without a type, or with one of the future, the names decide that every instance starts with.
    pub fn status(&self) -> Status {
        let name = self.name.as_deref().unwrap_or_default();
        let kind = match self.kind.as_deref() {
            Some("ROUTABLE") => StatusKind::Routable,
            Some("CUSTOM") => StatusKind::Aux,
            Some("OFFLINE") => StatusKind::Offline,
            _ if name.eq_ignore_ascii_case("Available") => StatusKind::Routable,
            _ if name.eq_ignore_ascii_case("Offline") => StatusKind::Offline,
            _ => StatusKind::Aux,
        };
        let id = self.arn.as_deref().and_then(|arn| arn.rsplit('/').next()).filter(|id| !id.is_empty());
        Status { id: id.map(StatusId::from), name: name.into(), kind }
    }
}

fn snapshot(mut snapshot: Map<String, Value>) -> Snapshot {
    let mut configuration = take_object(&mut snapshot, "Configuration").unwrap_or_default();
    let mut groups = take_object(&mut configuration, "AgentHierarchyGroups").unwrap_or_default();
    let levels = ["Level1", "Level2", "Level3", "Level4", "Level5"];
    Snapshot {
        user: take_text(&mut configuration, "Username"),
        levels: levels.map(|level| take_name(&mut groups, level)),
        routing_profile: take_name(&mut configuration, "RoutingProfile"),
        status: take_object(&mut snapshot, "AgentStatus").map(status),
        contact_state: first_contact(&mut snapshot).and_then(|mut contact| take_text(&mut contact, "State")),
    }
}

fn status(mut status: Map<String, Value>) -> AgentStatus {
    AgentStatus {
        arn: take_text(&mut status, "ARN"),
        name: take_text(&mut status, "Name"),
        kind: take_text(&mut status, "Type"),
        since: take_text(&mut status, "StartTimestamp").and_then(|since| Timestamp::parse(&since).ok()),
    }
}

fn first_contact(snapshot: &mut Map<String, Value>) -> Option<Map<String, Value>> {
    let Some(Value::Array(contacts)) = snapshot.remove("Contacts") else { return None };
    match contacts.into_iter().next() {
        Some(Value::Object(contact)) => Some(contact),
        _ => None,
    }
}

fn take_name(parent: &mut Map<String, Value>, field: &str) -> Option<String> {
    take_text(&mut take_object(parent, field)?, "Name")
}

fn take_object(parent: &mut Map<String, Value>, field: &str) -> Option<Map<String, Value>> {
    match parent.remove(field) {
        Some(Value::Object(object)) => Some(object),
        _ => None,
    }
}

fn take_text(parent: &mut Map<String, Value>, field: &str) -> Option<String> {
    match parent.remove(field) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

fn required(parent: &mut Map<String, Value>, field: &'static str) -> Result<String, Unusable> {
    let text = take_text(parent, field).filter(|text| !text.is_empty());
    text.ok_or(Unusable::Missing { field })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EVENT: &str = r#"{"AgentARN":"a","EventType":"LOGIN","EventId":"e","EventTimestamp":"2026-03-02T09:00:00Z",
        "CurrentAgentSnapshot":{"Configuration":{"RoutingProfile":{"Name":"\\"}}}, "PreviousAgentSnapshot":null}"#;

    proptest! {
        #[test]
        fn no_record_is_a_danger(cut in 0..=EVENT.len(), at in 0..EVENT.len(), byte: u8) {
            let mut record = EVENT.as_bytes().to_vec();
            record[at] = byte;
            for record in [&record[..], &record[..cut], &record[cut..]] {
                if let Ok(Some(event)) = AgentEvent::read(record) {
                    prop_assert!(event.reduced().is_ok());
                }
            }
        }
    }

    fn refusal(record: &str) -> String {
        AgentEvent::read(record.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn objects_of_something_else_are_passed_over() {
        for foreign in [
            "{}",
            r#"{"ContactId":"c","AWSContactTraceRecordFormatVersion":"2017-03-10"}"#,
            r#"{"EventType":"x"}"#,
        ] {
            assert_eq!(AgentEvent::read(foreign.as_bytes()), Ok(None), "{foreign}");
        }
    }

    #[test]
    fn a_refusal_says_where_and_never_what() {
        assert_eq!(refusal("\"Jane Doe\""), "not a JSON object");
        assert_eq!(refusal("[1]"), "not a JSON object");
        assert_eq!(refusal("{\"AgentARN\":\n\"Jane"), "not JSON at line 2 column 5");
        assert_eq!(
            refusal(r#"{"AgentARN":"a","EventType":"LOGIN"}"#),
            "EventTimestamp: missing, empty or not a text"
        );
        assert_eq!(
            refusal(r#"{"AgentARN":"a","EventType":"LOGIN","EventTimestamp":"Jane","EventId":"e"}"#),
            "EventTimestamp: not a time in RFC 3339"
        );
        assert_eq!(
            refusal(
                r#"{"EventType":"LOGIN","CurrentAgentSnapshot":null,"EventTimestamp":"2026-03-02T09:00:00Z"}"#
            ),
            "AgentARN: missing, empty or not a text"
        );
        assert_eq!(AgentEvent::read(b"{\xff").unwrap_err().to_string(), "not UTF-8 from byte 1 on");
    }

    #[test]
    fn without_a_type_the_default_names_decide() {
        let kind = |kind: Option<&str>, name: &str| {
            let (name, kind) = (Some(name.to_owned()), kind.map(str::to_owned));
            AgentStatus { name, kind, ..AgentStatus::default() }.status().kind
        };
        assert_eq!(kind(None, "available"), StatusKind::Routable);
        assert_eq!(kind(None, "OFFLINE"), StatusKind::Offline);
        assert_eq!(kind(Some("FUTURE"), "Break"), StatusKind::Aux);
        assert_eq!(kind(Some("CUSTOM"), "Offline"), StatusKind::Aux);
        assert_eq!(kind(Some("ROUTABLE"), "Verfügbar"), StatusKind::Routable);
    }
}
