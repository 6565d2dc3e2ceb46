//! Rows that the ACD computed itself: into the store, and out of it.

use pegboard_model::AcdRow;
use pegboard_store::{AcdRowWrite, StoreError};

/// Why a revision after the first is written.
const LATE: &str = "late";

/// A row as it is stored.
pub(super) fn write(row: &AcdRow) -> Result<AcdRowWrite, StoreError> {
    let unfit = |error: serde_json::Error| StoreError::Database {
        operation: "write down a row of the ACD",
        cause: error.into(),
    };
    Ok(AcdRowWrite {
        report: row.kept_as().into(),
        interval_start: row.interval_start,
        key: row.key(),
        body: serde_json::to_string(row).map_err(unfit)?,
        file: row.telling.file.clone(),
        told: row.telling.made,
        reason: LATE.into(),
    })
}
