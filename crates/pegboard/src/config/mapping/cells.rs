//! The cells of tables: what they may hold.

use std::collections::HashMap;

use pegboard_model::{SourceName, Text, Timestamp};
use pegboard_sinks::mapping::Scope;

use super::MAX_MAPPING_ROWS;
use crate::config::sheet::{Cell, Sheet};

/// The longest name in a cell, in bytes.
const MAX_NAME_BYTES: usize = 512;

/// What the rows of a table are for, to find two for the same.
#[derive(Default)]
pub(super) struct Keys(HashMap<Vec<String>, usize>);

impl Keys {
    pub(super) fn check<const N: usize, const P: usize>(
        &mut self,
        sheet: &mut Sheet<'_, N>,
        column: &str,
        cell: &Cell<'_>,
        parts: [String; P],
    ) {
        if self.0.len() == MAX_MAPPING_ROWS {
            let message = format!("the table has more than {MAX_MAPPING_ROWS} rows");
            self.0.insert(parts.into(), 0);
            sheet.note(&cell.span, None, message, None);
            return;
        }
        let line = sheet.line_of(cell);
        if let Some(line) = self.0.insert(parts.into(), line).filter(|line| *line > 0) {
            let message = format!("a row for the same is already there, on line {line}");
            sheet.note(&cell.span, Some(column), message, Some("case does not matter".to_owned()));
        }
    }
}

pub(super) fn scope<const N: usize>(
    sheet: &mut Sheet<'_, N>,
    source: &Cell<'_>,
    from: &Cell<'_>,
) -> Option<Scope> {
    let source = optional(source).map(SourceName::from);
    if from.text.is_empty() {
        return Some(Scope { source, from: None });
    }
    match Timestamp::parse(&from.text) {
        Ok(from) => Some(Scope { source, from: Some(from) }),
        Err(error) => {
            sheet.note(&from.span, Some("from"), format!("{:?} is {error}", from.text), None);
            None
        }
    }
}

pub(super) fn check_name<const N: usize>(sheet: &mut Sheet<'_, N>, column: &str, cell: &Cell<'_>) {
    if cell.text.is_empty() {
        sheet.note(&cell.span, Some(column), "a name is missing".to_owned(), None);
    }
    check_text(sheet, column, cell);
}

/// The same of a cell that may be empty.
pub(super) fn check_text<const N: usize>(sheet: &mut Sheet<'_, N>, column: &str, cell: &Cell<'_>) {
    if cell.text.len() > MAX_NAME_BYTES {
        let message = format!("a name has at most {MAX_NAME_BYTES} bytes");
        sheet.note(&cell.span, Some(column), message, None);
    } else if cell.text.contains(char::is_control) {
        let message = "a name has no tabs, line ends or other control characters".to_owned();
        sheet.note(&cell.span, Some(column), message, None);
    }
}

pub(super) fn text(cell: &Cell<'_>) -> Text {
    (*cell.text).into()
}

pub(super) fn optional(cell: &Cell<'_>) -> Option<Text> {
    (!cell.text.is_empty()).then(|| text(cell))
}
