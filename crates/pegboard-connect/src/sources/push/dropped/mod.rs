//! Files dropped in a folder, each read as a whole: CSV, a record in each row, or NDJSON, a record in each line.
//!
//! A file is taken once it has stopped growing, the oldest first. What is wrong with a record is told by its line and its column,
//! and the others count; a file none of whose records can be used is refused as a whole. What was read is moved away once what came
//! of it is committed. The position names the file and how much of it is done with, so that whatever happens in between, each
//! record counts once.

mod content;
mod folder;
mod position;
mod reader;
mod table;

use std::path::PathBuf;

pub(super) use self::position::DroppedPosition;
pub(super) use self::reader::{DroppedReader, FOLDER_LANE};

/// A folder in which files are dropped.
#[derive(Debug, Clone)]
pub(super) struct Dropped {
    path: PathBuf,
}

impl Dropped {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }
}

#[cfg(test)]
mod tests;
