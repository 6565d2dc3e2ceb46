//! A body, item by item: what is good is kept whatever is wrong with the others, which are named by their path. Pure.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use pegboard_client::{ItemError, ReportStatus, ReportVersion, WfmReportResponse};
use pegboard_connect::sources::push::{LANE, PushDecoder};
use pegboard_model::{Millis, Order, Position, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::api::error::{ApiError, Code};
use crate::config::SdkSettings;

/// The most items of a body, those of all its lists.
pub(crate) const MOST_ITEMS: usize = 20_000;

/// How many faults an answer names.
const MOST_NAMED: usize = 1_000;

/// The longest name, as stores index it.
const MAX_NAME_BYTES: usize = 512;

/// The longest interval of a report.
const LONGEST: Millis = Millis::from_hours(24);

/// The keys of a body. A key that nobody has asked for in the end is unknown.
pub(super) struct Body<'a> {
    keys: BTreeMap<String, &'a RawValue>,
    faults: Vec<ItemError>,
    items: usize,
}

impl<'a> Body<'a> {
    pub(super) fn read(body: &'a [u8], sdk: &SdkSettings) -> Result<Self, ApiError> {
        let keys = serde_json::from_slice(body)
            .map_err(|error| ApiError::bad_request("body", format!("the body is no JSON object: {error}")))?;
        let mut body = Self { keys, faults: Vec::new(), items: 0 };
        if let (Some(told), Some(own)) = (body.value::<String>("acdType"), &sdk.acd_type)
            && told != *own
        {
            body.fault("ACD_NAME", "acdType", format!("the ACD of this source is {own}"));
        }
        Ok(body)
    }

    fn fault(&mut self, code: &str, path: impl Into<String>, message: impl Into<String>) {
        self.faults.push(ItemError { code: code.to_owned(), path: path.into(), message: message.into() });
    }

    fn value<T: Deserialize<'a>>(&mut self, key: &str) -> Option<T> {
        let Some(raw) = self.keys.remove(key) else {
            self.fault("REQUIRED", key, "this key is left out");
            return None;
        };
        let read = serde_json::from_str(raw.get());
        read.map_err(|error| self.fault("TYPE", key, without_place(&error.to_string()))).ok()
    }

    /// The interval of a report.
    pub(super) fn window(&mut self) -> Option<(Timestamp, Timestamp)> {
        self.value::<ReportVersion>("reportVersion");
        let (start, end) = (self.value("startDate"), self.value("endDate"));
        let (start, end): (Timestamp, Timestamp) = (start?, end?);
        if end <= start || end.since(start) > LONGEST {
            self.fault("BAD_WINDOW", "endDate", "an interval ends after its start, within a day");
            return None;
        }
        Some((start, end))
    }

    /// The items of a list, which may be empty and may not be left out (NICE: an empty array where there is nothing).
    pub(super) fn list(&mut self, key: &str) -> Result<Vec<&'a RawValue>, ApiError> {
        let list: Vec<_> = self.value(key).unwrap_or_default();
        self.items += list.len();
        if self.items > MOST_ITEMS {
            let message = format!("at most {MOST_ITEMS} items in a body: send the others in another one");
            return Err(ApiError::new(Code::TooLarge, message).at(format!("body.{key}")));
        }
        Ok(list)
    }

    /// What is wrong with the whole of it, unknown keys too.
    pub(super) fn end(mut self) -> Sorted {
        for key in std::mem::take(&mut self.keys).into_keys() {
            self.fault("UNKNOWN_KEY", key, "nobody knows this key");
        }
        Sorted { faults: self.faults, items: self.items, ..Sorted::default() }
    }
}

/// What is wrong with an item.
pub(super) struct Faults {
    at: String,
    found: Vec<ItemError>,
}

impl Faults {
    /// Something is wrong at `key` of the item; with the whole of it where that is empty.
    pub(super) fn note(&mut self, code: &str, key: &str, message: impl Into<String>) {
        let path = if key.is_empty() { self.at.clone() } else { format!("{}.{key}", self.at) };
        self.found.push(ItemError { code: code.to_owned(), path, message: message.into() });
    }

    /// Looks at what names something.
    pub(super) fn name(&mut self, key: &str, name: &str) {
        match name.len() {
            _ if name.trim() != name => self.note("NOT_TRIMMED", key, "there are blanks around this name"),
            0 => self.note("BLANK", key, "this name is empty"),
            1..=MAX_NAME_BYTES => {}
            _ => self.note("TOO_LONG", key, format!("a name has at most {MAX_NAME_BYTES} bytes")),
        }
    }
}

/// A body that was read: the records that it becomes, and what is wrong with it.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    /// By their place, where they tell one.
    records: Vec<(u64, Vec<u8>)>,
    items: usize,
    bad: usize,
    /// Of the body as a whole: then nothing of it is taken.
    faults: Vec<ItemError>,
    of_items: Vec<ItemError>,
}

impl Sorted {
    /// Takes the items of a list; `records` says what an item becomes, and in which place, unless something is wrong with it.
    pub(super) fn take<T: DeserializeOwned>(
        &mut self,
        list: &str,
        items: Vec<&RawValue>,
        mut records: impl FnMut(T, &mut Faults) -> Vec<(u64, Value)>,
    ) {
        for (index, raw) in items.into_iter().enumerate() {
            let mut faults = Faults { at: format!("{list}[{index}]"), found: Vec::new() };
            let told = item(raw, &mut faults).map(|item| records(item, &mut faults)).unwrap_or_default();
            let told: Vec<_> =
                told.into_iter().map(|(place, record)| (place, record.to_string().into_bytes())).collect();
            for (_, record) in &told {
                let order = Order { partition: LANE.into(), position: Position::Number(0) };
                if let Err(error) = PushDecoder::read(record, order) {
                    faults.note("RECORD", "", error.to_string());
                }
            }
            if faults.found.is_empty() {
                self.records.extend(told);
            } else {
                self.bad += 1;
                self.of_items.extend(faults.found);
            }
        }
    }

    /// What became of it, and the status with which that is said.
    pub(super) fn verdict(&self, request_id: String) -> (StatusCode, WfmReportResponse) {
        let is_refused = !self.faults.is_empty() || (self.bad > 0 && self.bad == self.items);
        let (status, word, rejected) = match (is_refused, self.bad) {
            (true, _) => (StatusCode::UNPROCESSABLE_ENTITY, ReportStatus::Rejected, self.items),
            (false, 0) => (StatusCode::ACCEPTED, ReportStatus::Accepted, 0),
            (false, bad) => (StatusCode::ACCEPTED, ReportStatus::Partial, bad),
        };
        let errors = self.faults.iter().chain(&self.of_items).take(MOST_NAMED).cloned().collect();
        let (accepted, rejected) = ((self.items - rejected) as u64, rejected as u64);
        (status, WfmReportResponse { status: word, request_id, accepted, rejected, errors })
    }

    /// The records, in the order of their places.
    pub(super) fn into_records(mut self) -> Vec<Vec<u8>> {
        self.records.sort_by_key(|(place, _)| *place);
        self.records.into_iter().map(|(_, record)| record).collect()
    }
}

fn item<T: DeserializeOwned>(raw: &RawValue, faults: &mut Faults) -> Option<T> {
    if !raw.get().starts_with('{') {
        faults.note("TYPE", "", "this is no object");
        return None;
    }
    let mut reader = serde_json::Deserializer::from_str(raw.get());
    let read = serde_path_to_error::deserialize::<_, T>(&mut reader);
    read.map_err(|error| {
        let (path, words) = (error.path().to_string(), error.inner().to_string());
        note_unread(faults, path.trim_start_matches('.'), without_place(&words));
    })
    .ok()
}

/// Notes why an item cannot be read. Of a key that is missing or unknown the path is that of the object around it, or its own.
fn note_unread(faults: &mut Faults, path: &str, words: &str) {
    let named = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    let missing = words.strip_prefix("missing field `").and_then(|rest| rest.split_once('`'));
    match missing {
        Some((name, _)) => faults.note("REQUIRED", &named(name), "this key is left out"),
        None if words.starts_with("unknown field") => {
            faults.note("UNKNOWN_KEY", path, "nobody knows this key");
        }
        None => faults.note("TYPE", path, words),
    }
}

/// Without the place that the reader means within the item: the path says more.
fn without_place(words: &str) -> &str {
    words.split_once(" at line ").map_or(words, |(words, _)| words)
}
