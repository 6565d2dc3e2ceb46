//! A file that is to be split into records.

use pegboard_connect::framing::{Blocks, Framer, frames};

pub(crate) fn corpus() -> Vec<Vec<u8>> {
    let events = include_str!("../../src/sources/amazon_connect/fixtures/agent-events.ndjson");
    let contacts = include_str!("../../src/sources/amazon_connect/fixtures/contact-records.ndjson");
    let pretty = "[\n  {\n    \"a\": [1, {\"b\": \"}\"}]\n  },\n  {\"c\": \"\\\"\"}\n]\n";
    let glued = "{\"a\":1}{\"b\":2}\n{\"c\":3},{\"d\":4}\r\n";
    let files = [events, contacts, pretty, glued];
    files.iter().map(|file| file.as_bytes()[..file.len().min(4000)].to_vec()).collect()
}

/// Where a file is cut changes nothing.
pub(crate) fn take(bytes: &[u8]) {
    let whole = framed(bytes);
    for size in [64, 4096] {
        assert_eq!(framed_in_blocks(bytes, size), whole, "in blocks of {size}");
    }
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
