//! The status table as a file: `StateName,StateType`.

use std::collections::HashMap;
use std::path::Path;

use pegboard_engine::{StatusTable, StatusType};

use super::document::read_side_file;
use super::fault::ConfigErrors;
use super::sheet::Sheet;

const NAME: &str = "StateName";
const TYPE: &str = "StateType";

/// Reads a status table: a CSV file with the columns `StateName` (a name or an id) and `StateType` (`A`, `P`, `1` or
/// `0`).
pub fn read(path: &Path) -> Result<StatusTable, ConfigErrors> {
    parse(path, &read_side_file(path)?)
}

pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<StatusTable, ConfigErrors> {
    let mut sheet = Sheet::read(path, bytes, [NAME, TYPE])?;
    let mut table = StatusTable::default();
    let mut lines = HashMap::new();
    for [name, kind] in sheet.take_rows() {
        if name.text.is_empty() {
            sheet.note(&name.span, Some(NAME), "the name of the status is missing".to_owned(), None);
        } else if let Some(line) = lines.insert(name.text.to_lowercase(), sheet.line_of(&name)) {
            let message = format!("the status {:?} is already there, on line {line}", name.text);
            sheet.note(&name.span, Some(NAME), message, Some("case does not matter".to_owned()));
        }
        if let Some(kind) = StatusType::parse(&kind.text) {
            table.set(&name.text, kind);
        } else {
            let message = format!("expected one of A, P, 1, 0, found {:?}", kind.text);
            let help = "A is available, P productive, 1 signed in, 0 signed out".to_owned();
            sheet.note(&kind.span, Some(TYPE), message, Some(help));
        }
    }
    sheet.finish(table)
}
