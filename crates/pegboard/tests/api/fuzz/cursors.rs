//! A place in a feed, as a reader hands it back.

use pegboard_store::Cursor;

pub(crate) fn corpus() -> Vec<Vec<u8>> {
    [
        "0123456789abcdef0123456789abcdef",
        "0123456789abcdef0123456789abcdef~acme=1",
        "0123456789abcdef0123456789abcdef~acme=18446744073709551615~b-2=7",
    ]
    .map(Vec::from)
    .into()
}

/// What is read is written, and read back as the same.
pub(crate) fn take(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(cursor) = text.parse::<Cursor>() {
        assert_eq!(cursor.to_string().parse::<Cursor>(), Ok(cursor));
    }
}
