//! What must hold of the decoder. Fixtures are made up; samples as AWS and others published them are read
//! where they are at hand.

mod agent_events;
mod bad_input;
mod contact_records;
mod show;

use pegboard_model::{ContactLeg, Observation, Order, Position};

use super::Decoder;
use crate::framing;
use crate::sources::DecodeError;
use crate::spec::Decoded;

const AGENT_EVENTS: &str = include_str!("fixtures/agent-events.ndjson");
const CONTACT_RECORDS: &str = include_str!("fixtures/contact-records.ndjson");
const FOREIGN: &str = include_str!("fixtures/foreign.ndjson");

fn order(position: u64) -> Order {
    Order { partition: "test".into(), position: Position::Number(position) }
}

fn decode(record: &str) -> Result<Decoded, DecodeError> {
    Decoder::new().decode(record.as_bytes(), order(1))
}

/// Every record of an input, decoded by one decoder; the line is the position.
fn decode_all(input: &str) -> Vec<Decoded> {
    let mut decoder = Decoder::new();
    let decode = |frame: Result<framing::Frame<'_>, _>| {
        let frame = frame.expect("no broken record");
        decoder.decode(frame.bytes, order(frame.line)).expect("no bad record")
    };
    framing::frames(input.as_bytes()).map(decode).collect()
}

fn observations(input: &str) -> Vec<Observation> {
    let agent = |decoded| match decoded {
        Decoded::Agent(observation) => Some(observation),
        _ => None,
    };
    decode_all(input).into_iter().filter_map(agent).collect()
}

fn legs(input: &str) -> Vec<ContactLeg> {
    let contact = |decoded| match decoded {
        Decoded::Contact(leg) => Some(leg),
        _ => None,
    };
    decode_all(input).into_iter().filter_map(contact).collect()
}

#[test]
fn a_decoder_can_be_moved_to_a_thread() {
    fn is_send<T: Send + 'static>() {}
    is_send::<Decoder>();
    is_send::<Decoded>();
    is_send::<DecodeError>();
}
