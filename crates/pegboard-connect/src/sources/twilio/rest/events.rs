//! Records of the Events resource, as they stand.

use pegboard_model::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

/// One event, as it stands on a page: what [`decode`](super::super::decode) reads as a body of one element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRecord {
    /// Its SID (`EV...`), where it has one.
    pub sid: Option<String>,
    /// When it happened, where it says.
    pub at: Option<Timestamp>,
    /// Its text.
    pub json: Vec<u8>,
}

/// What was read of a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventsRead {
    /// The events, as they were listed.
    pub records: Vec<EventRecord>,
    /// When the first page was asked for: by our clock or Twilio's, whichever is behind.
    pub asked: Timestamp,
    /// Whether that is all of them; otherwise the window has more pages than are read.
    pub whole: bool,
}

impl EventRecord {
    /// Takes a record, whatever stands in it: what is wrong with it the decoder tells.
    pub(super) fn of(raw: &RawValue) -> Self {
        #[derive(Deserialize, Default)]
        struct Known {
            sid: Option<String>,
            event_date_ms: Option<i64>,
        }

        let known: Known = serde_json::from_str(raw.get()).unwrap_or_default();
        let at = known.event_date_ms.map(Timestamp::from_millis);
        Self { sid: known.sid, at, json: raw.get().as_bytes().to_vec() }
    }
}
