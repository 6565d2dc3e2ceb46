//! A record of a stream or a file, whatever it is.

use std::cell::RefCell;

use pegboard_connect::sources::amazon_connect::{Decoder, classify};
use pegboard_model::{Order, Position};

thread_local! {
    /// A decoder that has decoded other records.
    static SEASONED: RefCell<Decoder> = RefCell::default();
}

pub(crate) fn corpus() -> Vec<Vec<u8>> {
    [agent_events(), contact_records(), foreign()].concat()
}

pub(crate) fn agent_events() -> Vec<Vec<u8>> {
    lines(include_str!("../../src/sources/amazon_connect/fixtures/agent-events.ndjson"))
}

pub(crate) fn contact_records() -> Vec<Vec<u8>> {
    lines(include_str!("../../src/sources/amazon_connect/fixtures/contact-records.ndjson"))
}

fn foreign() -> Vec<Vec<u8>> {
    lines(include_str!("../../src/sources/amazon_connect/fixtures/foreign.ndjson"))
}

fn lines(file: &str) -> Vec<Vec<u8>> {
    file.lines().map(|line| line.as_bytes().to_vec()).collect()
}

fn order() -> Order {
    Order { partition: "fuzz".into(), position: Position::Number(1) }
}

/// A decoder that has decoded other records answers as a new one does, and as `serde_json` would have it.
pub(crate) fn take(bytes: &[u8]) {
    let kind = classify(bytes);
    let first = SEASONED.with_borrow_mut(|decoder| decoder.decode(bytes, order()));
    assert_eq!(Decoder::new().decode(bytes, order()), first);
    #[cfg(fuzzing)]
    assert_eq!(Decoder::new().decode_by_serde(bytes, order()), first);
    if kind.is_err() {
        assert!(first.is_err(), "what cannot be told apart cannot be read: {first:?}");
    }
    if let Err(error) = first {
        assert!(error.to_string().len() < 1000, "a reason is for people: {error}");
    }
}
