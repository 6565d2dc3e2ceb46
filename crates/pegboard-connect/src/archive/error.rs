//! What is wrong with an archive.

use std::path::PathBuf;

use super::BucketError;

/// Why an archive, or a part of it, cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// Reading failed.
    #[error("cannot read the archive: {0}")]
    Io(#[from] std::io::Error),
    /// The bucket does not give it, or take it.
    #[error(transparent)]
    Bucket(#[from] BucketError),
    /// A step is not what an archive holds.
    #[error(
        "step {step} of the file is damaged: {reason}; take the file from a copy of the archive, or move it away"
    )]
    Damaged {
        /// The number of the step in its file, from 1.
        step: u64,
        /// What is wrong.
        reason: String,
    },
    /// A newer program wrote it.
    #[error("step {step} of the file was written by a newer pegboard (format {version}): update this one")]
    Newer {
        /// The number of the step in its file, from 1.
        step: u64,
        /// Its version.
        version: u32,
    },
    /// The same, of a file with a name.
    #[error("{}: {cause}", path.display())]
    InFile {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        cause: Box<ArchiveError>,
    },
}

impl ArchiveError {
    /// The same, with the name of the file.
    #[must_use]
    pub fn in_file(self, path: impl Into<PathBuf>) -> Self {
        Self::InFile { path: path.into(), cause: Box::new(self) }
    }
}
