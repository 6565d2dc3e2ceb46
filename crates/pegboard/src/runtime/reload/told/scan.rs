//! One walk through the files of an archive.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use pegboard_connect::archive::{Archive, ArchiveDecoder, ArchiveError};
use pegboard_connect::spec::SourceError;
use pegboard_engine::Window;
use pegboard_engine::evidence::LIVE_TOLERANCE;
use pegboard_model::{Position, Timestamp};

use super::sieve::Sieve;
use super::spool::Spool;

/// How far the walk is, for whoever watches it.
#[derive(Debug, Default)]
pub(in crate::runtime::reload) struct Walk {
    pub(in crate::runtime::reload) files: AtomicU64,
    pub(in crate::runtime::reload) files_read: AtomicU64,
    pub(in crate::runtime::reload) observations: AtomicU64,
    pub(in crate::runtime::reload) contacts: AtomicU64,
    /// Records that cannot be used, as it is known today how they are to be read.
    pub(in crate::runtime::reload) unusable: AtomicU64,
    /// Set by whoever does not want it any more.
    pub(in crate::runtime::reload) stop: AtomicBool,
}

/// Why nothing is told.
#[derive(Debug, thiserror::Error)]
pub(in crate::runtime::reload) enum ScanError {
    /// The archive cannot be read.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The source cannot be read once more.
    #[error("the source cannot be read once more: {0}")]
    Source(#[from] SourceError),
    /// What was read cannot be kept until it is used.
    #[error("cannot keep what is told of the days until it is used: {0}")]
    Spool(#[from] io::Error),
    /// Nobody wants it any more.
    #[error("it was cancelled")]
    Stopped,
}

/// What is to be read.
#[derive(Debug)]
pub(super) struct Scan {
    pub(super) archive: Archive,
    pub(super) sieve: Sieve,
    pub(super) walk: Arc<Walk>,
}

/// What was read.
#[derive(Debug)]
pub(super) struct Scanned {
    pub(super) spool: Spool,
    /// From when on there is an archive; nothing where there is none.
    pub(super) begins: Option<Timestamp>,
    /// Stretches of the time of reading of which files are missing.
    pub(super) holes: Vec<Window>,
}

impl Scan {
    /// Reads all files that may tell of the days; what is told late stands in later ones. Waits for the disk.
    pub(super) fn run(
        mut self,
        mut spool: Spool,
        decoder: &mut ArchiveDecoder,
    ) -> Result<Scanned, ScanError> {
        let begins = self.archive.begins()?;
        // What happened cannot have been read before it did, but for the clocks.
        let partitions = self.archive.files_since(self.sieve.evidence().from - LIVE_TOLERANCE)?;
        self.walk.files.store(partitions.iter().map(|files| files.len() as u64).sum(), Ordering::Relaxed);
        let mut holes = Vec::new();
        for files in &partitions {
            let mut reached: Option<(Position, Timestamp)> = None;
            for file in files {
                for step in self.archive.steps(file)? {
                    if self.walk.stop.load(Ordering::Relaxed) {
                        return Err(ScanError::Stopped);
                    }
                    let step = step?;
                    if let Some((position, read)) = reached.replace((step.chunk.position.clone(), step.read))
                        && position != step.from
                    {
                        holes.push(Window { from: read, to: step.read });
                    }
                    self.sieve.take(&step.partition, step.chunk, &mut spool, decoder)?;
                }
                self.walk.files_read.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(Scanned { spool, begins, holes })
    }
}
