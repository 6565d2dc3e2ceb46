//! Answers of platforms that are asked.

use serde::Deserialize;

/// How much is told of the place of a fault, in characters: keys that nobody knows are part of it, whatever their length.
const LONGEST_PLACE: usize = 120;

/// Why an answer cannot be read: where, and never what stands there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the answer cannot be read at {0}")]
pub(crate) struct Unreadable(pub(crate) String);

/// Reads an answer, whatever else stands in it.
pub(crate) fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Unreadable> {
    let mut json = serde_json::Deserializer::from_slice(body);
    serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let (line, column) = (error.inner().line(), error.inner().column());
        let place: String = error.path().to_string().chars().take(LONGEST_PLACE).collect();
        Unreadable(format!("{place} (line {line}, column {column})"))
    })
}
