//! Between the model's types and what PostgreSQL stores.

use std::borrow::Cow;

use pegboard_model::{SourceName, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use super::fault::{Fault, Tried};
use crate::StoreError;

/// Stands before a character that was replaced.
const ESCAPE: char = '\u{1a}';

/// Text of somebody else for a column. PostgreSQL's text has no NUL: it is replaced, so that one mad record cannot stop
/// a partition for ever. Texts without control characters stay as they are.
pub(super) fn text(given: &str) -> Cow<'_, str> {
    if !given.contains(['\0', ESCAPE]) {
        return Cow::Borrowed(given);
    }
    let mut stored = String::with_capacity(given.len() + 2);
    for character in given.chars() {
        match character {
            '\0' => stored.extend([ESCAPE, '0']),
            ESCAPE => stored.extend([ESCAPE, '1']),
            other => stored.push(other),
        }
    }
    Cow::Owned(stored)
}

/// The text that [`text`] was given.
pub(super) fn untext(stored: String) -> String {
    if !stored.contains(ESCAPE) {
        return stored;
    }
    let mut given = String::with_capacity(stored.len());
    let mut characters = stored.chars();
    while let Some(character) = characters.next() {
        given.push(match character {
            ESCAPE if characters.next() == Some('0') => '\0',
            other => other,
        });
    }
    given
}

/// A value as JSON. It has no control characters but escaped ones.
pub(super) fn to_json<T: Serialize + ?Sized>(value: &T) -> Tried<String> {
    serde_json::to_string(value).map_err(Fault::Unfit)
}

/// A value from the JSON of a column; `what` names it in the error.
pub(super) fn from_json<T: DeserializeOwned>(what: &'static str, json: &str) -> Tried<T> {
    serde_json::from_str(json)
        .map_err(|error| Fault::Store(StoreError::Damaged { what, detail: error.to_string() }))
}

/// The names of sources as a parameter: an array, empty for all.
pub(super) fn names(sources: &[SourceName]) -> Vec<&str> {
    sources.iter().map(SourceName::as_str).collect()
}

/// A column.
pub(super) fn get<'row, T: FromSql<'row>>(row: &'row Row, column: usize) -> Tried<T> {
    Ok(row.try_get(column)?)
}

/// A column with a text of somebody else.
pub(super) fn get_text(row: &Row, column: usize) -> Tried<String> {
    get(row, column).map(untext)
}

pub(super) fn get_instant(row: &Row, column: usize) -> Tried<Timestamp> {
    get(row, column).map(Timestamp::from_millis)
}

pub(super) fn get_maybe_instant(row: &Row, column: usize) -> Tried<Option<Timestamp>> {
    Ok(get::<Option<i64>>(row, column)?.map(Timestamp::from_millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_without_control_characters_stays_as_it_is() {
        assert!(matches!(text("Zoë \u{1f} \u{1b}"), Cow::Borrowed(_)));
    }

    #[test]
    fn every_text_comes_back_and_none_like_another() {
        let texts = ["", "\0", "\u{1a}", "\u{1a}0", "\u{1a}\0", "a\0b\u{1a}1c"];
        let mut stored: Vec<String> = texts.map(|given| text(given).into_owned()).to_vec();
        assert!(stored.iter().all(|stored| !stored.contains('\0')));
        assert_eq!(stored.iter().cloned().map(untext).collect::<Vec<_>>(), texts);
        stored.sort();
        stored.dedup();
        assert_eq!(stored.len(), texts.len());
    }
}
