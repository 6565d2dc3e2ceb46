//! Between the model's types and what SQLite stores.

use pegboard_model::{ContactVersion, SourceName};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::fault::{Fault, Tried};
use crate::StoreError;

/// A value as JSON.
pub(super) fn to_json<T: Serialize + ?Sized>(value: &T) -> Tried<String> {
    serde_json::to_string(value).map_err(Fault::Unfit)
}

/// A value from the JSON of a column; `what` names it in the error.
pub(super) fn from_json<T: DeserializeOwned>(what: &'static str, json: &str) -> Tried<T> {
    serde_json::from_str(json)
        .map_err(|error| Fault::Store(StoreError::Damaged { what, detail: error.to_string() }))
}

/// A count, epoch or number of an entry, for a column. What does not fit is beyond anything that is ever counted.
pub(super) fn to_column(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A count, epoch or number of an entry, from a column that never holds negative numbers.
pub(super) const fn from_column(number: i64) -> u64 {
    number.unsigned_abs()
}

/// A limit of a query, for `LIMIT`.
pub(super) fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// The content hash of a version, moved so that SQLite's signed comparison orders it as the unsigned number.
pub(super) const fn content_column(version: &ContactVersion) -> i64 {
    (version.content ^ (1 << 63)).cast_signed()
}

/// A filter of sources for `json_each`; NULL, and so everything, where none is named.
pub(super) fn source_filter(sources: &[SourceName]) -> Tried<Option<String>> {
    if sources.is_empty() { Ok(None) } else { to_json(sources).map(Some) }
}

#[cfg(test)]
mod tests {
    use pegboard_model::Timestamp;

    use super::*;

    #[test]
    fn contents_keep_their_order_in_a_column() {
        let column = |content| content_column(&ContactVersion { updated: Timestamp::MIN, content });
        let contents = [0, 1, (1 << 63) - 1, 1 << 63, (1 << 63) + 1, u64::MAX];
        assert!(contents.map(column).is_sorted());
        assert_eq!(column(0), i64::MIN);
    }
}
