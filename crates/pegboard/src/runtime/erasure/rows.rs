//! Whom the rows of the store name.

use std::sync::{Mutex, PoisonError};

use pegboard_connect::archive::{learn_from_frame, rewrite_frame};
use pegboard_connect::person::{Named, Person, Place, Terms};
use pegboard_store::{Cell, Eraser};

/// Tables that are for people: no number is made of them.
const PROSE: [&str; 10] = [
    "alarms",
    "alarm_silences",
    "dead_letters",
    "deliveries",
    "gaps",
    "intake_keys",
    "refused_states",
    "reloads",
    "sink_holds",
    "unmapped",
];

/// Columns that name what belongs to the hub, whatever somebody is called.
const OWN: [&str; 10] =
    ["source", "sink", "report", "partition", "lane", "outlet", "position", "parents", "kind", "condition"];

/// Replaces a person in rows.
#[derive(Debug)]
pub(super) struct Replacing(pub(super) std::sync::Arc<Person>);

impl Eraser for Replacing {
    fn row(&self, table: &str, row: &[(&str, Cell)]) -> Vec<(usize, Cell)> {
        let shown = Shown::of(&self.0, table, row);
        let instead = |place: usize| {
            let (column, cell) = &row[place];
            if OWN.contains(column) {
                return None;
            }
            match cell {
                Cell::Text(text) => self.0.rewritten(text, shown.place(column)).map(Cell::Text),
                Cell::Bytes(bytes) => self.bytes(table, bytes, shown.place(column)).map(Cell::Bytes),
                Cell::Null | Cell::Number(_) => None,
            }
        };
        (0..row.len()).filter_map(|place| Some((place, instead(place)?))).collect()
    }
}

impl Replacing {
    /// What waits for the archive is packed. A step that cannot be unpacked could not be read from there either.
    fn bytes(&self, table: &str, bytes: &[u8], place: Place<'_>) -> Option<Vec<u8>> {
        match table {
            "archive" => rewrite_frame(bytes, &self.0).ok().flatten(),
            "tokens" => None,
            _ => self.0.rewritten_bytes(bytes, place),
        }
    }
}

/// Looks for more of a person's names, and changes nothing.
#[derive(Debug)]
pub(super) struct Learning {
    person: std::sync::Arc<Person>,
    more: Mutex<Terms>,
}

impl Learning {
    pub(super) fn of(person: std::sync::Arc<Person>) -> Self {
        Self { person, more: Mutex::default() }
    }

    /// What was found.
    pub(super) fn found(&self) -> Terms {
        self.more.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Eraser for Learning {
    fn row(&self, table: &str, row: &[(&str, Cell)]) -> Vec<(usize, Cell)> {
        let mut more = self.more.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, cell) in row {
            match cell {
                Cell::Text(text) => self.person.learn(text, Named::No, &mut more),
                // What cannot be unpacked tells nothing.
                Cell::Bytes(frame) if table == "archive" => {
                    drop(learn_from_frame(frame, &self.person, &mut more));
                }
                Cell::Bytes(bytes) => {
                    if let Ok(text) = std::str::from_utf8(bytes) {
                        self.person.learn(text, Named::No, &mut more);
                    }
                }
                Cell::Null | Cell::Number(_) => {}
            }
        }
        Vec::new()
    }
}

/// A row as it is looked at.
struct Shown {
    is_prose: bool,
    /// Whether it names the person.
    named: Named,
    /// Whether its key begins with an agent.
    is_of_agents: bool,
}

impl Shown {
    fn of(person: &Person, table: &str, row: &[(&str, Cell)]) -> Self {
        let text = |name: &str| {
            row.iter().find_map(|(column, cell)| match cell {
                Cell::Text(text) if *column == name => Some(text.as_str()),
                _ => None,
            })
        };
        let is_of_agents = table.starts_with("acd_row")
            || text("report").is_some_and(|report| report.starts_with("agent"))
            || matches!(text("kind"), Some("agent"))
            || (table == "mapping_tables" && text("name").is_some_and(|name| name.contains("agent")));
        let mut shown = Self { is_prose: PROSE.contains(&table), named: Named::No, is_of_agents };
        let names = |(column, cell): &(&str, Cell)| match cell {
            Cell::Text(text) if !OWN.contains(column) => person.is_named_by(text, shown.place(column)),
            _ => false,
        };
        if row.iter().any(names) {
            shown.named = Named::Beside;
        }
        shown
    }

    /// What a column is.
    fn place<'a>(&self, column: &'a str) -> Place<'a> {
        let key =
            if self.is_of_agents && matches!(column, "key" | "id" | "content") { "agent" } else { column };
        Place { key, named: self.named, is_prose: self.is_prose }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn changed(table: &str, row: &[(&str, &str)]) -> Vec<String> {
        let terms = Terms {
            identifiers: ["7".to_owned(), "aberg".to_owned()].into(),
            names: ["Anna Berg".to_owned()].into(),
        };
        let person = Arc::new(Person::new(terms, "erased-1").unwrap());
        let row: Vec<(&str, Cell)> =
            row.iter().map(|(name, text)| (*name, Cell::Text((*text).to_owned()))).collect();
        let changes = Replacing(person).row(table, &row);
        changes.into_iter().map(|(place, cell)| format!("{}={cell:?}", row[place].0)).collect()
    }

    #[test]
    fn the_key_of_a_row_of_agents_begins_with_one() {
        let row = [
            ("report", "agent_queue_interval"),
            ("key", "7\u{1f}q\u{1f}VOICE"),
            ("body", r#"{"agent_id":"7","talk_s":7}"#),
        ];
        let expected = [
            "key=Text(\"erased-1\\u{1f}q\\u{1f}VOICE\")",
            "body=Text(\"{\\\"agent_id\\\":\\\"erased-1\\\",\\\"talk_s\\\":7}\")",
        ];
        assert_eq!(changed("rows", &row), expected);
        let row = [
            ("report", "queue_interval"),
            ("key", "7\u{1f}VOICE"),
            ("body", r#"{"queue_id":"7","queue_name":"aberg"}"#),
        ];
        assert_eq!(changed("rows", &row), [""; 0], "a queue may be called so");
    }

    #[test]
    fn what_the_hub_calls_its_own_stays() {
        let row = [
            ("source", "aberg"),
            ("sink", "aberg"),
            ("agent", "aberg"),
            ("reason", "no agent aberg (Anna Berg)"),
        ];
        let expected = ["agent=Text(\"erased-1\")", "reason=Text(\"no agent erased-1 (erased-1)\")"];
        assert_eq!(changed("refused_states", &row), expected);
    }

    #[test]
    fn a_mapping_of_agents_that_somebody_edited_is_without_him() {
        let row = [
            ("sink", "wfm"),
            ("name", "agents"),
            ("content", "source,id,code\nacme,aberg,7007\nacme,berg,7\n"),
        ];
        let expected = ["content=Text(\"source,id,code\\nacme,erased-1,7007\\nacme,berg,erased-1\\n\")"];
        assert_eq!(changed("mapping_tables", &row), expected);
        let queues = [("sink", "wfm"), ("name", "queues"), ("content", "source,id\nacme,aberg\n")];
        assert_eq!(changed("mapping_tables", &queues), [""; 0]);
    }

    #[test]
    fn a_name_is_his_in_a_row_that_is_about_him() {
        let state = r#"{"profile":{"login":"","name":"Anna Berg"}}"#;
        assert_eq!(changed("segments", &[("agent", "7"), ("state", state)]).len(), 2);
        assert_eq!(changed("segments", &[("agent", "8"), ("state", state)]), [""; 0]);
    }
}
