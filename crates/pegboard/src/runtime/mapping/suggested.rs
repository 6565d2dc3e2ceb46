//! From a name that no row names to the row that it could have.

use std::collections::BTreeMap;

use pegboard_sinks::mapping::MappedKind;
use pegboard_store::UnmappedSeen;

use crate::config::mapping::TableName;

/// The channels and directions that a queue is seen with.
const CHANNELS: [&str; 4] = ["VOICE", "CHAT", "TASK", "EMAIL"];
const DIRECTIONS: [&str; 2] = ["inbound", "outbound"];

/// A row that a listed name could have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggested {
    /// The table that it belongs to.
    pub table: TableName,
    /// Its cells by the names of columns; those that are not said are empty.
    pub cells: BTreeMap<&'static str, String>,
    /// Whether it says all that it must, so that it can be taken as it is.
    pub is_complete: bool,
}

impl Suggested {
    /// The row for what is listed; nothing for a note, which is about no name.
    pub fn of(seen: &UnmappedSeen) -> Option<Self> {
        let (table, cells) = match MappedKind::from_name(&seen.kind)? {
            MappedKind::State => (TableName::States, state(&seen.id, &seen.suggestion)),
            MappedKind::Queue => (TableName::Queues, queue(seen)),
            MappedKind::Agent => (TableName::Agents, agent(seen)),
        };
        let cells = cells.into_iter().filter(|(_, text)| !text.is_empty()).collect();
        Some(Self { table, cells, is_complete: !seen.id.is_empty() && !seen.suggestion.is_empty() })
    }

    /// Its cells, one for each column of the table.
    pub fn row(&self) -> Vec<String> {
        self.table.columns().iter().map(|name| self.cells.get(name).cloned().unwrap_or_default()).collect()
    }
}

type Cells = Vec<(&'static str, String)>;

/// A status means the same in every ACD, and with every reason, until somebody says otherwise.
fn state(id: &str, suggestion: &str) -> Cells {
    let (code, status) = suggestion.rsplit_once(',').unwrap_or((suggestion, ""));
    vec![("event_id", id.to_owned()), ("activity_code", code.to_owned()), ("status", status.to_owned())]
}

/// A WFM's queue has one channel and one direction: those of the contacts that were seen.
fn queue(seen: &UnmappedSeen) -> Cells {
    let (rest, direction) = without_last(&seen.detail, &DIRECTIONS);
    let (name, channel) = without_last(rest, &CHANNELS);
    vec![
        ("queue", seen.id.to_string()),
        ("wfm_queue_id", seen.suggestion.to_string()),
        ("wfm_queue_name", name.to_owned()),
        ("channel", channel.to_owned()),
        ("direction", direction.to_owned()),
        ("source", seen.source.to_string()),
    ]
}

fn agent(seen: &UnmappedSeen) -> Cells {
    vec![
        ("agent", seen.id.to_string()),
        ("wfm_agent_id", seen.suggestion.to_string()),
        ("wfm_agent_value", seen.detail.to_string()),
        ("source", seen.source.to_string()),
    ]
}

/// The text without its last word, and that word, where it is one of these.
fn without_last<'a>(text: &'a str, words: &[&str]) -> (&'a str, &'a str) {
    let (rest, last) = text.rsplit_once(' ').unwrap_or(("", text));
    if words.contains(&last) { (rest, last) } else { (text, "") }
}

#[cfg(test)]
mod tests {
    use pegboard_model::Timestamp;

    use super::*;

    fn seen(kind: &str, id: &str, detail: &str, suggestion: &str) -> UnmappedSeen {
        UnmappedSeen {
            kind: kind.into(),
            source: "acme".into(),
            id: id.into(),
            detail: detail.into(),
            count: 1,
            first: Timestamp::default(),
            last: Timestamp::default(),
            suggestion: suggestion.into(),
            agents: Vec::new(),
        }
    }

    fn row(kind: &str, id: &str, detail: &str, suggestion: &str) -> String {
        Suggested::of(&seen(kind, id, detail, suggestion)).unwrap().row().join("|")
    }

    #[test]
    fn a_name_gets_the_row_that_says_of_it_what_was_seen() {
        let state = row("state", "Lunch, long", "late", "Lunch, long,closed");
        assert_eq!(state, "Lunch, long|Lunch, long|closed|||||");
        assert_eq!(row("queue", "q", "Web chat CHAT inbound", "q"), "q|q|Web chat|CHAT|inbound|acme|");
        assert_eq!(row("queue", "q", "VOICE outbound", "q"), "q|q||VOICE|outbound|acme|");
        assert_eq!(row("queue", "q", "Web chat", "q"), "q|q|Web chat|||acme|");
        assert_eq!(row("agent", "7", "ann", "7"), "7|7|ann|acme|");
    }

    #[test]
    fn a_note_has_no_row_and_what_a_queue_without_an_id_is_called_nobody_can_know() {
        assert_eq!(Suggested::of(&seen("note", "left out", "", "left out: 3")), None);
        let complete =
            |id: &str, suggestion: &str| Suggested::of(&seen("queue", id, "VOICE", suggestion)).unwrap();
        assert!(!complete("", "").is_complete && !complete("q", "").is_complete);
        assert!(complete("q", "q").is_complete);
    }
}
