//! Objects that are files: taken as a whole or not at all.

use std::fmt;
use std::io::{self, Read as _};
use std::sync::Arc;

use pegboard_model::{AcdRow, Position, Timestamp};

use super::content::Pieces;
use super::place;
use crate::spec::Broken;

/// How much of a file that cannot be read is handed on, for whoever mends it.
const SHOWN_BYTES: usize = 64 * 1024;

/// Reads files.
pub trait ReadFile: Send + Sync + fmt::Debug {
    /// Whether an object is one of its files, by its key. It need not be fetched otherwise.
    fn is_wanted(&self, key: &str) -> bool;

    /// Told of every file that there is, whether it was read before or not; `modified` is when it was last written.
    fn there_is(&self, key: &str, modified: Timestamp);

    /// Told whether every file that there is was told of: it is once the bucket was listed, until nobody reads it any more.
    fn is_listed(&self, all: bool);

    /// The longest file, in bytes. Of a longer one no more than a byte too much is handed over.
    fn max_bytes(&self) -> usize;

    /// Reads a file. `modified` is when it was last written.
    fn read(&self, key: &str, modified: Timestamp, bytes: &[u8]) -> Result<Vec<AcdRow>, FileFault>;
}

/// The same files, read once more aside: which of them there are is told by whoever reads them anyway.
#[derive(Debug)]
pub(super) struct Aside(pub(super) Arc<dyn ReadFile>);

impl ReadFile for Aside {
    fn is_wanted(&self, key: &str) -> bool {
        self.0.is_wanted(key)
    }

    fn there_is(&self, _key: &str, _modified: Timestamp) {}

    fn is_listed(&self, _all: bool) {}

    fn max_bytes(&self) -> usize {
        self.0.max_bytes()
    }

    fn read(&self, key: &str, modified: Timestamp, bytes: &[u8]) -> Result<Vec<AcdRow>, FileFault> {
        self.0.read(key, modified, bytes)
    }
}

/// Why a file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFault {
    /// The line, from 1; 0 where it is the file as a whole.
    pub line: u64,
    /// What is wrong, where, and what to do.
    pub reason: String,
}

/// What came of a file.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) rows: Vec<AcdRow>,
    pub(super) broken: Option<Broken>,
    /// What names the content that was read.
    pub(super) etag: Option<String>,
}

/// Fetches a file and reads it. For a thread that may wait. `modified` is when it was last written, if that is known before it is
/// fetched; where nobody says so, it was `now`.
pub(super) fn read(
    files: &dyn ReadFile,
    key: &str,
    (modified, now): (Option<Timestamp>, Timestamp),
    pieces: Pieces,
) -> io::Result<Outcome> {
    let most = files.max_bytes() as u64 + 1;
    let (mut pieces, mut bytes) = (pieces.take(most), Vec::new());
    pieces.read_to_end(&mut bytes)?;
    let about = pieces.get_ref().about();
    let told = about.and_then(|about| about.modified_ms).map(Timestamp::from_millis);
    let etag = about.map(|about| about.etag.clone());
    let modified = modified.or(told).unwrap_or(now);
    files.there_is(key, modified);
    Ok(match files.read(key, modified, &bytes) {
        Ok(rows) => Outcome { rows, broken: None, etag },
        Err(FileFault { line, reason }) => {
            bytes.truncate(SHOWN_BYTES);
            let position = place(key, &Position::Number(line));
            Outcome { rows: Vec::new(), broken: Some(Broken { position, data: bytes, reason }), etag }
        }
    })
}
