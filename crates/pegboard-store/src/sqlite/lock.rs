//! One process holds a store.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use crate::{Result, StoreError};

/// The operating system's lock on a store. It ends with the process, whatever way that ends.
#[derive(Debug)]
pub(super) struct StoreLock {
    file: File,
}

impl StoreLock {
    /// Takes the lock of the store at `path`, a file beside it. The file stays: removing it would race.
    pub(super) fn take(path: &Path) -> Result<Self> {
        let mut beside = path.as_os_str().to_owned();
        beside.push(".lock");
        let file = create_private(Path::new(&beside))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path: path.display().to_string() }),
            Err(TryLockError::Error(error)) => Err(cannot("lock the store", Path::new(&beside), &error)),
        }
    }
}

impl Drop for StoreLock {
    /// Closing the file is not enough: a process that was being started just then has a copy of it for a moment.
    fn drop(&mut self) {
        // If this fails, closing still ends the lock, a moment later.
        drop(self.file.unlock());
    }
}

/// Opens a file for reading and writing; creates it, for its owner alone, where there is none.
pub(super) fn create_private(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|error| cannot("open the store", path, &error))
}

/// The one name of a file, so that two paths to one store meet at one lock.
pub(super) fn resolve(path: &Path) -> Result<PathBuf> {
    if let Ok(existing) = path.canonicalize() {
        return Ok(existing);
    }
    let name = path.file_name().ok_or_else(|| {
        let error = std::io::Error::new(std::io::ErrorKind::InvalidInput, "not the name of a file");
        cannot("open the store", path, &error)
    })?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = folder.canonicalize().map_err(|error| cannot("open the store", folder, &error))?;
    Ok(folder.join(name))
}

fn cannot(operation: &'static str, path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Database { operation, cause: format!("{}: {error}", path.display()).into() }
}
