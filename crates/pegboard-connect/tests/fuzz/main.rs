//! Whatever a platform or a file holds: no panic, no end without an answer, and the same answer every time.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod mutate;

use std::io::{Read as _, Write as _};

use pegboard_connect::decompress::{Limits, reader_within};
use pegboard_connect::framing::{Blocks, Framer, frames};
use pegboard_connect::sources::amazon_connect::{Decoder, classify};
use pegboard_model::{Order, Position};

use mutate::{fuzz, lines};

const AGENT_EVENTS: &str = include_str!("../../src/sources/amazon_connect/fixtures/agent-events.ndjson");
const CONTACT_RECORDS: &str =
    include_str!("../../src/sources/amazon_connect/fixtures/contact-records.ndjson");
const FOREIGN: &str = include_str!("../../src/sources/amazon_connect/fixtures/foreign.ndjson");

fn order() -> Order {
    Order { partition: "fuzz".into(), position: Position::Number(1) }
}

/// A decoder that has decoded other records answers as a new one does.
fn decode(seasoned: &mut Decoder, bytes: &[u8]) {
    let kind = classify(bytes);
    let first = seasoned.decode(bytes, order());
    assert_eq!(Decoder::new().decode(bytes, order()), first);
    if kind.is_err() {
        assert!(first.is_err(), "what cannot be told apart cannot be read: {first:?}");
    }
    if let Err(error) = first {
        assert!(error.to_string().len() < 1000, "a reason is for people: {error}");
    }
}

#[test]
fn s35_agent_events_are_hostile() {
    let decoder = std::cell::RefCell::new(Decoder::new());
    fuzz("agent events", &lines(&[AGENT_EVENTS]), |bytes| decode(&mut decoder.borrow_mut(), bytes));
}

#[test]
fn s35_contact_records_are_hostile() {
    let decoder = std::cell::RefCell::new(Decoder::new());
    fuzz("contact records", &lines(&[CONTACT_RECORDS]), |bytes| decode(&mut decoder.borrow_mut(), bytes));
}

#[test]
fn s35_whatever_else_is_on_a_stream_is_hostile() {
    let decoder = std::cell::RefCell::new(Decoder::new());
    let corpus = lines(&[FOREIGN, AGENT_EVENTS, CONTACT_RECORDS]);
    fuzz("shared streams", &corpus, |bytes| decode(&mut decoder.borrow_mut(), bytes));
}

/// What framing makes of the whole, as text.
fn framed(bytes: &[u8]) -> Vec<String> {
    frames(bytes).map(|frame| format!("{frame:?}")).collect()
}

/// The same, from blocks of such a size.
fn framed_in_blocks(bytes: &[u8], size: usize) -> Vec<String> {
    let mut found = Vec::new();
    for block in Blocks::new(bytes, Framer::new(), size) {
        found.extend(block.unwrap().frames().map(|frame| format!("{frame:?}")));
    }
    found
}

#[test]
fn s35_files_are_hostile_and_where_they_are_cut_changes_nothing() {
    let pretty = "[\n  {\n    \"a\": [1, {\"b\": \"}\"}]\n  },\n  {\"c\": \"\\\"\"}\n]\n";
    let glued = "{\"a\":1}{\"b\":2}\n{\"c\":3},{\"d\":4}\r\n";
    let corpus = [AGENT_EVENTS, CONTACT_RECORDS, pretty, glued].map(str::as_bytes);
    let corpus: Vec<_> = corpus.iter().map(|file| &file[..file.len().min(4000)]).collect();
    fuzz("framing", &corpus, |bytes| {
        let whole = framed(bytes);
        for size in [64, 4096] {
            assert_eq!(framed_in_blocks(bytes, size), whole, "in blocks of {size}");
        }
    });
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn s35_compressed_files_are_hostile_and_give_no_more_than_they_may() {
    const MOST: u64 = 1 << 20;
    let zeros = vec![0; 1 << 19];
    let files = [
        gzip(AGENT_EVENTS.as_bytes()),
        gzip(&zeros),
        zstd::encode_all(AGENT_EVENTS.as_bytes(), 1).unwrap(),
        zstd::encode_all(&zeros[..], 1).unwrap(),
        AGENT_EVENTS.as_bytes()[..500].to_vec(),
    ];
    let corpus: Vec<_> = files.iter().map(Vec::as_slice).collect();
    fuzz("decompression", &corpus, |bytes| {
        let limits = Limits { max_bytes: MOST, ..Limits::default() };
        let Ok(mut reader) = reader_within(bytes, limits) else { return };
        let mut plain = Vec::new();
        let _fails_or_ends = reader.read_to_end(&mut plain);
        assert!(plain.len() as u64 <= MOST, "{} bytes", plain.len());
    });
}
