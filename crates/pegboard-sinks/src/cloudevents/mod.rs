//! What is known as CloudEvents 1.0: changes of agents' states and rows of reports, for targets that take events.
//!
//! As specified in <https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md>.

mod batch;
mod health;
mod rows;
mod states;
#[cfg(test)]
mod tests;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

pub use self::batch::{BatchedEvent, events_of, in_rounds, rounds};
pub use self::rows::{MOST_EVENT_BYTES, RowReport};
pub use self::states::{EVENTS_AT_ONCE, STATE_EVENTS};

/// What the body of a document of these encoders is: a batch of events.
pub const BATCH_TYPE: &str = "application/cloudevents-batch+json; charset=utf-8";

/// What one event is.
pub const EVENT_TYPE: &str = "application/cloudevents+json; charset=utf-8";

/// An event as it is written.
#[derive(Debug, Serialize)]
struct Event<'a, D> {
    specversion: &'static str,
    id: String,
    /// A reference to the source, as the API has it.
    source: String,
    #[serde(rename = "type")]
    kind: &'static str,
    subject: &'a str,
    time: String,
    datacontenttype: &'static str,
    /// The place of the event in the feed of its source (the extension `sequence`).
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<String>,
    data: D,
}

/// What an event is known by: who sees the same id twice has seen the same content twice.
fn id_of(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().iter().take(16).fold(String::new(), |id, byte| format!("{id}{byte:02x}"))
}
