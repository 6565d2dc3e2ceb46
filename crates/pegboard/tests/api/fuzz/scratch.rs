//! A file that is written again and again.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A file in memory, as far as the machine has that.
pub(crate) struct Scratch {
    path: PathBuf,
    _folder: TempDir,
}

impl Scratch {
    pub(crate) fn new(name: &str) -> Self {
        let memory = Path::new("/dev/shm");
        let folder =
            if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        Self { path: folder.path().join(name), _folder: folder }
    }

    /// Its path, now that it holds these bytes.
    pub(crate) fn holding(&self, bytes: &[u8]) -> &Path {
        std::fs::write(&self.path, bytes).unwrap();
        &self.path
    }
}
