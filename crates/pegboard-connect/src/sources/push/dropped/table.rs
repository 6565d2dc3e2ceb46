//! Rows of CSV as records: each column is named after a field, by its path. Pure.

use serde_json::{Map, Value};

use crate::sources::{DecodeError, Problem};

/// Fields that are true or false.
const YES_OR_NO: [&str; 4] = ["monitored", "handed_on", "transferred_in", "passed_on"];

/// The longest list that cells make, and so the highest index in a header.
const MOST_ITEMS: usize = 100;

/// What a column says.
#[derive(Debug)]
pub(super) struct Column {
    /// As it stands in the header, such as `contacts[0].queue.id`.
    pub(super) name: String,
    path: Vec<Step>,
}

/// One step into a record.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Field(String),
    Item(usize),
}

impl Column {
    /// That of a cell of the header; nothing if it is no path.
    pub(super) fn read(cell: &str) -> Option<Self> {
        let mut path = Vec::new();
        for word in cell.trim().split('.') {
            let (field, items) = word.split_once('[').map_or((word, ""), |(field, rest)| (field, rest));
            let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            if field.is_empty() || !field.bytes().all(is_of_name) {
                return None;
            }
            path.push(Step::Field(field.to_owned()));
            if word.contains('[') {
                let index = items.strip_suffix(']')?.parse().ok().filter(|index| *index < MOST_ITEMS)?;
                path.push(Step::Item(index));
            }
        }
        Some(Self { name: cell.trim().to_owned(), path })
    }

    /// A cell as what the field holds: a number or a truth where it is one, otherwise text.
    fn value(&self, cell: &str) -> Value {
        let text = || Value::String(cell.to_owned());
        let field = self.path.iter().rev().find_map(|step| match step {
            Step::Field(field) => Some(field.as_str()),
            Step::Item(_) => None,
        });
        let is_of_row = self.path.first() == Some(&Step::Field("values".to_owned()));
        match field.unwrap_or_default() {
            field if YES_OR_NO.contains(&field) => cell.parse().map_or_else(|_| text(), Value::Bool),
            field if is_of_row || field.ends_with("_s") => {
                serde_json::from_str(cell).map_or_else(|_| text(), Value::Number)
            }
            _ => text(),
        }
    }
}

/// The record that a row is. A cell without anything in it says nothing.
pub(super) fn record<'a>(
    columns: &[Column],
    cells: impl Iterator<Item = &'a str>,
) -> Result<Value, DecodeError> {
    let mut record = Value::Object(Map::new());
    for (column, cell) in columns.iter().zip(cells).filter(|(_, cell)| !cell.trim().is_empty()) {
        if !put(&mut record, &column.path, column.value(cell.trim())) {
            return Err(DecodeError::field(&column.name, Problem::Twice));
        }
    }
    Ok(record)
}

/// Puts a value where a path leads; false if something is there.
fn put(at: &mut Value, path: &[Step], value: Value) -> bool {
    let Some((step, rest)) = path.split_first() else {
        let is_free = at.is_null();
        *at = value;
        return is_free;
    };
    if at.is_null() {
        *at = match step {
            Step::Field(_) => Value::Object(Map::new()),
            Step::Item(_) => Value::Array(Vec::new()),
        };
    }
    match (step, at) {
        (Step::Field(field), Value::Object(fields)) => {
            put(fields.entry(field.as_str()).or_insert(Value::Null), rest, value)
        }
        (Step::Item(index), Value::Array(items)) => {
            if items.len() <= *index {
                items.resize(index + 1, Value::Null);
            }
            put(&mut items[*index], rest, value)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(header: &[&str], cells: &[&str]) -> Result<Value, String> {
        let columns: Vec<_> = header.iter().map(|cell| Column::read(cell).unwrap()).collect();
        record(&columns, cells.iter().copied()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_row_is_a_record_and_empty_cells_say_nothing() {
        let header =
            ["kind", "agent.talk_s", "agent.id", "contacts[1].id", "contacts[0].monitored", "values.offered"];
        let row = read(&header, &["contact", "12.5", "007", "c-2", "true", " 3 "]);
        let expected = json!({
            "kind": "contact", "agent": {"talk_s": 12.5, "id": "007"},
            "contacts": [{"monitored": true}, {"id": "c-2"}], "values": {"offered": 3},
        });
        assert_eq!(row, Ok(expected));
        assert_eq!(read(&header, &["contact", "", "", "", " ", ""]), Ok(json!({"kind": "contact"})));
        let odd = read(&header, &["contact", "12,5", "", "", "yes", ""]);
        let expected =
            json!({"kind": "contact", "agent": {"talk_s": "12,5"}, "contacts": [{"monitored": "yes"}]});
        assert_eq!(odd, Ok(expected), "the decoder says what is wrong");
    }

    #[test]
    fn a_field_is_said_once() {
        assert_eq!(read(&["id", "id"], &["1", "2"]), Err("id: given twice".to_owned()));
        assert_eq!(read(&["queue", "queue.id"], &["1", "2"]), Err("queue.id: given twice".to_owned()));
    }

    #[test]
    fn r28_a_header_leads_to_no_more_than_a_hundred_items_of_a_list() {
        assert!(Column::read("contacts[99].id").is_some());
        for text in
            ["contacts[100].id", "contacts[", "contacts[x]", "contacts[1]x", "", "a..b", "[0]", "kind;id"]
        {
            assert!(Column::read(text).is_none(), "{text}");
        }
    }
}
