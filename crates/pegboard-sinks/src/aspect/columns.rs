//! The CSV line of an event.

use super::event::AgentEvent;
use super::state_type::StateType;
use super::time;

/// What is written where nothing is known.
const NULL: &str = "null";

/// How many columns a line has. The Quick Start wrote eleven at first, the routing profile as the twelfth since February 2021, and the type of
/// the status as the thirteenth since August 2023.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Columns {
    /// Up to `StateType`.
    Eleven,
    /// And `RoutingProfile`.
    Twelve,
    /// And the type of the status.
    #[default]
    Thirteen,
}

/// A number of columns that lines never had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("lines of {0} columns were never written: take 11, 12 or 13")]
pub struct NoSuchProfile(pub u8);

impl TryFrom<u8> for Columns {
    type Error = NoSuchProfile;

    fn try_from(count: u8) -> Result<Self, NoSuchProfile> {
        match count {
            11 => Ok(Self::Eleven),
            12 => Ok(Self::Twelve),
            13 => Ok(Self::Thirteen),
            other => Err(NoSuchProfile(other)),
        }
    }
}

impl Columns {
    /// How many there are.
    pub const fn count(self) -> usize {
        match self {
            Self::Eleven => 11,
            Self::Twelve => 12,
            Self::Thirteen => 13,
        }
    }

    /// The line of an event with its line end; nothing for an event that names no user.
    ///
    /// `AWSAccountId, Username, AHGLevel1..5, EventTimestamp, StateName, ContactState, StateType, RoutingProfile, StatusType`. A value is
    /// quoted where it must be (RFC 4180).
    pub fn line(self, event: &AgentEvent<'_>, state: StateType) -> Option<String> {
        let user = event.user()?;
        let snapshot = event.snapshot.as_ref()?;
        let status = snapshot.status.as_ref();
        let at = time::in_line(event.at);
        let [level1, level2, level3, level4, level5] = &snapshot.levels;
        let values = [
            event.account.as_deref(),
            Some(user),
            level1.as_deref(),
            level2.as_deref(),
            level3.as_deref(),
            level4.as_deref(),
            level5.as_deref(),
            Some(&at),
            status.and_then(|status| status.name.as_deref()),
            snapshot.contact_state.as_deref(),
            Some(state.as_str()),
            snapshot.routing_profile.as_deref(),
            status.and_then(|status| status.kind.as_deref()),
        ];
        let mut line = String::with_capacity(192);
        for value in values.iter().take(self.count()) {
            put_value(value.unwrap_or(NULL), &mut line);
            line.push(',');
        }
        line.pop();
        line.push('\n');
        Some(line)
    }
}

fn put_value(value: &str, line: &mut String) {
    if !value.contains([',', '"', '\r', '\n']) {
        line.push_str(value);
        return;
    }
    line.push('"');
    line.push_str(&value.replace('"', "\"\""));
    line.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = r#"{"AWSAccountId":"111122223333","AgentARN":"arn:a/agent/1","CurrentAgentSnapshot":{
        "AgentStatus":{"ARN":"arn:s/agent-state/7","Name":"Break","StartTimestamp":"2026-03-02T09:00:00Z","Type":"CUSTOM"},
        "Configuration":{"AgentHierarchyGroups":{"Level1":{"Name":"Service"},"Level2":null,"Level3":{"Name":"North"}},
            "RoutingProfile":{"Name":"Blended"},"Username":"zoe.sample"},
        "Contacts":[{"State":"CONNECTED"},{"State":"ENDED"}]},
        "EventId":"e-1","EventTimestamp":"2026-03-02T09:00:00.5Z","EventType":"STATE_CHANGE"}"#;

    fn line(event: &str, columns: Columns) -> Option<String> {
        let event = AgentEvent::read(event.as_bytes()).unwrap().unwrap();
        columns.line(&event, StateType::SignedIn)
    }

    #[test]
    fn the_profiles_differ_in_what_stands_at_the_end() {
        let eleven =
            "111122223333,zoe.sample,Service,null,North,null,null,2026-03-02 09:00:00.500,Break,CONNECTED,1";
        assert_eq!(line(EVENT, Columns::Eleven), Some(format!("{eleven}\n")));
        assert_eq!(line(EVENT, Columns::Twelve), Some(format!("{eleven},Blended\n")));
        assert_eq!(line(EVENT, Columns::default()), Some(format!("{eleven},Blended,CUSTOM\n")));
        for count in [11, 12, 13] {
            assert_eq!(Columns::try_from(count).unwrap().count(), usize::from(count));
        }
        let refusal = Columns::try_from(14).unwrap_err().to_string();
        assert_eq!(refusal, "lines of 14 columns were never written: take 11, 12 or 13");
    }

    #[test]
    fn what_is_missing_is_null() {
        let bare = r#"{"AgentARN":"a","CurrentAgentSnapshot":{"AgentStatus":null,"Configuration":{"Username":"u"},"Contacts":[]},
            "EventId":"e","EventTimestamp":"2026-03-02T09:00:00Z","EventType":"NEW_ONE"}"#;
        let expected = "null,u,null,null,null,null,null,2026-03-02 09:00:00.000,null,null,1,null,null\n";
        assert_eq!(line(bare, Columns::Thirteen).as_deref(), Some(expected));
    }

    #[test]
    fn a_value_is_quoted_only_where_it_must_be() {
        for (value, written) in [
            ("Sales, EMEA", "\"Sales, EMEA\""),
            ("the \"A\" team", "\"the \"\"A\"\" team\""),
            ("two\nlines", "\"two\nlines\""),
            (" Größe; 'x' ", " Größe; 'x' "),
            ("", ""),
        ] {
            let mut line = String::new();
            put_value(value, &mut line);
            assert_eq!(line, written);
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(line.as_bytes());
            let read = reader.records().next().map(|record| record.unwrap()[0].to_owned());
            assert_eq!(read.unwrap_or_default(), value, "read back");
        }
    }
}
