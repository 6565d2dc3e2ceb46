//! What all files together state: of every row what the newest file says.

use std::collections::BTreeMap;

use super::rows::{RowKey, StatedRow};
use super::schedule::{ReportFile, Stated};
use pegboard_model::Timestamp;

/// What all files together state about intervals.
#[derive(Debug, Default)]
pub struct AcdTruth {
    rows: BTreeMap<RowKey, (Timestamp, StatedRow)>,
}

impl AcdTruth {
    /// Takes in what a file states.
    pub fn learn(&mut self, file: &ReportFile) {
        let Stated::Rows(rows) = &file.stated else { return };
        for row in rows {
            match self.rows.get_mut(&row.key) {
                Some((created, _)) if *created > file.created => {}
                Some(known) => *known = (file.created, row.clone()),
                None => drop(self.rows.insert(row.key.clone(), (file.created, row.clone()))),
            }
        }
    }

    /// The rows in order: by report, then interval, then what they are grouped by.
    pub fn rows(&self) -> impl Iterator<Item = &StatedRow> {
        self.rows.values().map(|(_, row)| row)
    }
}
