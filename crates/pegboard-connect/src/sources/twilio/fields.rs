//! The named values of an event, whichever way it came.

use std::collections::BTreeMap;

use pegboard_model::Timestamp;
use serde_json::{Map, Value};

use crate::sources::{DecodeError, Problem};

/// The names that mean something to us, in order. Everything else is dropped at the door: much of it is personal.
const KEPT: [&str; 34] = [
    "activity_name",
    "event_date",
    "event_date_ms",
    "event_type",
    "reason",
    "reservation_sid",
    "reservation_version",
    "sid",
    "task_attributes",
    "task_canceled_reason",
    "task_channel_unique_name",
    "task_queue_entered_date",
    "task_queue_name",
    "task_queue_sid",
    "task_sid",
    "task_version",
    "timestamp",
    "timestamp_ms",
    "transfer_initiating_reservation_sid",
    "transfer_initiating_worker_sid",
    "transfer_mode",
    "transfer_status",
    "transfer_to",
    "transfer_type",
    "worker_activity_name",
    "worker_activity_sid",
    "worker_attributes",
    "worker_name",
    "worker_previous_activity_name",
    "worker_previous_activity_sid",
    "worker_sid",
    "worker_version",
    "workflow_sid",
    "workspace_sid",
];

/// Beyond this many, digits are milliseconds, not seconds: the year 5138.
const MOST_SECONDS: i64 = 99_999_999_999;

/// The last millisecond of the year 9999: what is later is no time, and no sum of two times overflows.
const LAST_MILLIS: i64 = 253_402_300_799_999;

/// What an event says, by name in `snake_case`.
#[derive(Debug, Default)]
pub(super) struct Fields(BTreeMap<&'static str, String>);

impl Fields {
    /// Those of a form, whose names are in `PascalCase`. Of a name that is there twice the first value counts.
    pub(super) fn of_form(body: &[u8]) -> Self {
        let mut fields = Self::default();
        for (name, value) in form_urlencoded::parse(body) {
            fields.insert(&snake_case(&name), value.into_owned());
        }
        fields
    }

    /// Takes over those of an object. What is there already stays.
    pub(super) fn take(&mut self, object: &Map<String, Value>) {
        for (name, value) in object {
            let text = match value {
                Value::Null => continue,
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let name = if name == "eventtype" { "event_type" } else { name };
            self.insert(name, text);
        }
    }

    /// A value that is not blank.
    pub(super) fn get(&self, name: &'static str) -> Option<&str> {
        debug_assert!(KEPT.binary_search(&name).is_ok(), "{name} is not kept");
        self.0.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// A value that must be there.
    pub(super) fn required(&self, name: &'static str) -> Result<&str, DecodeError> {
        self.get(name).ok_or_else(|| DecodeError::missing(name))
    }

    /// A counter, which is text in most places.
    pub(super) fn number(&self, name: &'static str) -> Result<Option<u64>, DecodeError> {
        let parse = |text: &str| text.parse().map_err(|_| DecodeError::field(name, Problem::TooLarge));
        let digits = self.get(name).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        digits.map(parse).transpose()
    }

    /// A time: seconds or milliseconds since 1970 UTC in digits, or RFC 3339.
    pub(super) fn time(&self, name: &'static str) -> Result<Option<Timestamp>, DecodeError> {
        let not_a_time = || DecodeError::field(name, Problem::NotATime);
        let Some(text) = self.get(name) else { return Ok(None) };
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Timestamp::parse(text).map(Some).map_err(|_| not_a_time());
        }
        let number: i64 = text.parse().map_err(|_| not_a_time())?;
        let in_millis = name.ends_with("_ms") || number > MOST_SECONDS;
        let millis = if in_millis { Some(number) } else { number.checked_mul(1000) };
        let millis = millis.filter(|millis| *millis <= LAST_MILLIS);
        millis.map(Timestamp::from_millis).map(Some).ok_or_else(not_a_time)
    }

    fn insert(&mut self, name: &str, value: String) {
        if let Ok(at) = KEPT.binary_search(&name) {
            self.0.entry(KEPT[at]).or_insert(value);
        }
    }
}

/// `TaskQueueSid` as `task_queue_sid`.
fn snake_case(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 4);
    for character in name.chars() {
        if character.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(character.to_ascii_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_order_to_be_found() {
        assert!(KEPT.is_sorted());
        assert_eq!(snake_case("WorkerTimeInPreviousActivityMs"), "worker_time_in_previous_activity_ms");
        assert_eq!(snake_case("Sid"), "sid");
    }

    #[test]
    fn times_are_seconds_milliseconds_or_text() {
        let fields = Fields::of_form(
            b"Timestamp=1767225600&TimestampMs=1767225600123&TaskQueueEnteredDate=2026-01-01T00:00:00Z",
        );
        let millis = |name| fields.time(name).unwrap().unwrap().as_millis();
        assert_eq!(millis("timestamp"), 1_767_225_600_000);
        assert_eq!(millis("timestamp_ms"), 1_767_225_600_123);
        assert_eq!(millis("task_queue_entered_date"), 1_767_225_600_000);
        assert!(Fields::of_form(b"Timestamp=soon").time("timestamp").is_err());
        for digits in ["253402300800000", "9223372036854775807", "99999999999999999999"] {
            assert!(Fields::of_form(format!("Timestamp={digits}").as_bytes()).time("timestamp").is_err());
        }
    }
}
