//! Pieces of JSON text.

use std::fmt::Write;

use pegboard_model::{Millis, Timestamp};

use crate::events::Uuid;

/// A text as a JSON string.
pub(super) fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

pub(super) fn put(out: &mut String, arguments: std::fmt::Arguments<'_>) {
    out.write_fmt(arguments).expect("a String takes everything");
}

/// A text that needs no escaping, in quotation marks.
pub(super) fn put_plain(out: &mut String, text: &str) {
    out.push('"');
    out.push_str(text);
    out.push('"');
}

pub(super) fn put_id(out: &mut String, id: Uuid) {
    out.push('"');
    out.extend(id.text().map(char::from));
    out.push('"');
}

pub(super) fn put_id_or_null(out: &mut String, id: Option<Uuid>) {
    match id {
        Some(id) => put_id(out, id),
        None => out.push_str("null"),
    }
}

/// A time with exactly three decimals, as agent events have it.
pub(super) fn put_millis(out: &mut String, time: Timestamp) {
    let second = time.as_millis().div_euclid(1000);
    put(out, format_args!("\"{}", Timestamp::from_seconds(second)));
    out.truncate(out.len() - 1);
    put(out, format_args!(".{:03}Z\"", time.as_millis().rem_euclid(1000)));
}

pub(super) fn put_millis_or_null(out: &mut String, time: Option<Timestamp>) {
    match time {
        Some(time) => put_millis(out, time),
        None => out.push_str("null"),
    }
}

/// A time in whole seconds, as contact records have it.
pub(super) fn seconds(time: Option<Timestamp>) -> String {
    let whole = |time: Timestamp| Timestamp::from_seconds(time.as_millis().div_euclid(1000));
    time.map_or_else(|| "null".to_owned(), |time| format!("\"{}\"", whole(time)))
}

/// A duration in whole seconds, cut off as the platform does.
pub(super) const fn whole_seconds(duration: Millis) -> i64 {
    duration.get() / 1000
}
