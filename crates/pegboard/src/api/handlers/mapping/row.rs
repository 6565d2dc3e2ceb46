//! One row that is set or removed.

use serde_json::{Map, Value};

use crate::api::error::{ApiError, Code};
use crate::api::json_body::Fields;
use crate::config::mapping::{Row, Table, TableName};

/// What is asked for.
pub(super) struct Edit {
    how: How,
    /// The cells of the row; of one that is removed, those that say what it is for.
    cells: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Set,
    Remove,
}

impl Edit {
    /// Reads the one of `set` and `remove` that is there.
    pub(super) fn take(fields: &mut Fields, name: TableName) -> Result<Self, ApiError> {
        let what = "an object of texts by the names of columns";
        let set: Option<Map<String, Value>> = fields.optional("set", what)?;
        let remove: Option<Map<String, Value>> = fields.optional("remove", what)?;
        match (set, remove) {
            (Some(row), None) => Ok(Self { how: How::Set, cells: cells(name, "set", row)? }),
            (None, Some(row)) => Ok(Self { how: How::Remove, cells: cells(name, "remove", row)? }),
            _ => Err(ApiError::bad_request("body", "a row is set or removed: either set or remove is there")),
        }
    }

    /// The name of what is done, for the audit log.
    pub(super) fn action(&self) -> &'static str {
        match self.how {
            How::Set => "mapping.row_set",
            How::Remove => "mapping.row_removed",
        }
    }

    /// The table as it is then. A row for the same is replaced where it stands, a new one is the last.
    pub(super) fn applied_to(&self, table: &Table) -> Result<String, ApiError> {
        let (name, mut rows) = (table.name(), table.rows().to_vec());
        let key = name.key_of(&self.cells);
        let place = rows.iter().position(|row| name.key_of(&row.cells) == key);
        match (self.how, place) {
            (How::Set, Some(place)) => rows[place].cells.clone_from(&self.cells),
            (How::Set, None) => rows.push(Row { line: rows.len() + 2, cells: self.cells.clone() }),
            (How::Remove, Some(place)) => drop(rows.remove(place)),
            (How::Remove, None) => {
                let message = "the table has no row for this: source and from belong to what a row is for";
                return Err(ApiError::new(Code::NotFound, message).at("body.remove"));
            }
        }
        Ok(name.to_csv(&rows))
    }
}

fn cells(name: TableName, field: &str, mut row: Map<String, Value>) -> Result<Vec<String>, ApiError> {
    let columns = name.columns();
    let mut cells = Vec::with_capacity(columns.len());
    for column in columns {
        match row.remove(*column) {
            None | Some(Value::Null) => cells.push(String::new()),
            Some(Value::String(text)) => cells.push(text.trim().to_owned()),
            Some(_) => {
                let message = format!("{column} must be a text");
                return Err(ApiError::bad_request(format!("body.{field}.{column}"), message));
            }
        }
    }
    let Some(unknown) = row.keys().next() else { return Ok(cells) };
    let shown: String = unknown.chars().take(40).collect();
    let message = format!("there is no column '{shown}': the columns are {}", columns.join(", "));
    Err(ApiError::bad_request(format!("body.{field}.{shown}"), message))
}
