//! Between the model's types and what SQLite stores.

use pegboard_model::SourceName;
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

/// A filter of sources for `json_each`; NULL, and so everything, where none is named.
pub(super) fn source_filter(sources: &[SourceName]) -> Tried<Option<String>> {
    if sources.is_empty() { Ok(None) } else { to_json(sources).map(Some) }
}
