//! A file that may be compressed.

use std::io::{Read as _, Write as _};

use pegboard_connect::decompress::{Limits, reader_within};

/// How much a file may give.
const MOST: u64 = 1 << 20;

pub(crate) fn corpus() -> Vec<Vec<u8>> {
    let events = include_bytes!("../../src/sources/amazon_connect/fixtures/agent-events.ndjson");
    let zeros = vec![0; 1 << 19];
    vec![
        gzip(events),
        gzip(&zeros),
        zstd::encode_all(&events[..], 1).unwrap(),
        zstd::encode_all(&zeros[..], 1).unwrap(),
        events[..500].to_vec(),
    ]
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// It gives no more than it may.
pub(crate) fn take(bytes: &[u8]) {
    let limits = Limits { max_bytes: MOST, ..Limits::default() };
    let Ok(mut reader) = reader_within(bytes, limits) else { return };
    let mut plain = Vec::new();
    let _fails_or_ends = reader.read_to_end(&mut plain);
    assert!(plain.len() as u64 <= MOST, "{} bytes", plain.len());
}
