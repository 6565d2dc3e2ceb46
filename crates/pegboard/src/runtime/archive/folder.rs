//! Files of the archive in a folder.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use pegboard_connect::archive::FileName;
use pegboard_model::{Millis, SourceName, Timestamp};
use pegboard_store::{ArchiveFile, Store, failpoint};

use super::ArchiveFailure;

/// How many steps of a file are in memory.
const STEPS: usize = 64;

/// Writes one file and lets go of its steps; false if somebody else does. The name follows from the steps: after a crash in
/// between the same file is written again.
pub(super) async fn write(
    store: &dyn Store,
    source: &SourceName,
    folder: &Path,
    file: &ArchiveFile,
) -> Result<bool, ArchiveFailure> {
    let name = FileName::new(source, &file.partition, file.hour, file.first);
    let path = folder.join(name.to_string());
    let begun = path.clone();
    let Some(mut part) = blocking(&path, move || Part::begin(&begun)).await? else {
        // Another node is at it.
        return Ok(false);
    };
    let (mut from, mut left) = (file.first, file.steps);
    while left > 0 {
        let steps = store.archive_steps(source, file, from, STEPS).await?;
        let Some(last) = steps.last() else {
            // Another node was faster: what is there is whole, and this is not.
            return blocking(&path, move || part.give_up()).await.map(|()| false);
        };
        (from, left) = (last.number + 1, left.saturating_sub(steps.len() as u64));
        part = blocking(&path, move || {
            steps.iter().try_for_each(|step| part.file.write_all(&step.frame))?;
            Ok(part)
        })
        .await?;
    }
    failpoint!("archive.before_rename");
    blocking(&path, move || part.finish()).await?;
    failpoint!("archive.written");
    store.archive_written(source, file).await?;
    tracing::debug!(source.name = %source, file = %name, steps = file.steps, "archived");
    Ok(true)
}

/// Removes the files of hours that ended before `before`, and folders that are empty then. Whatever else is there stays.
pub(super) async fn remove_older(
    folder: &Path,
    source: &SourceName,
    before: Timestamp,
) -> Result<(), ArchiveFailure> {
    let (own, source) = (folder.join(source.as_str()), source.clone());
    blocking(folder, move || remove_older_in(&own, &source, before)).await
}

async fn blocking<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, ArchiveFailure> {
    let done = tokio::task::spawn_blocking(work).await.map_err(io::Error::other).flatten();
    done.map_err(|cause| ArchiveFailure::Folder { path: path.to_path_buf(), cause })
}

/// A file that is being written, under another name and locked.
#[derive(Debug)]
struct Part {
    file: File,
    path: PathBuf,
}

impl Part {
    /// Nothing if somebody else writes it.
    fn begin(path: &Path) -> io::Result<Option<Self>> {
        if let Some(folder) = path.parent() {
            create_private(folder)?;
        }
        let mut options = OpenOptions::new();
        options.create(true).write(true).truncate(false);
        private(&mut options);
        let file = options.open(part_of(path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        file.set_len(0)?;
        Ok(Some(Self { file, path: path.to_path_buf() }))
    }

    /// Gives it its name once it is on disk.
    fn finish(self) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(part_of(&self.path), &self.path)?;
        self.path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    }

    fn give_up(self) -> io::Result<()> {
        fs::remove_file(part_of(&self.path))
    }
}

fn part_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

/// What is archived is for the hub's own eyes.
#[cfg(unix)]
fn private(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(0o600);
}

#[cfg(unix)]
fn create_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn remove_older_in(folder: &Path, source: &SourceName, before: Timestamp) -> io::Result<()> {
    for day in folders_in(folder)? {
        for hour in folders_in(&day)? {
            for file in entries(&hour)? {
                let name = |path: &Path| path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
                let parts = name(&day).zip(name(&hour)).zip(name(&file));
                let parsed =
                    parts.and_then(|((day, hour), file)| FileName::parse(source, &day, &hour, &file));
                if parsed.is_some_and(|name| name.hour() + Millis::from_hours(1) <= before) {
                    fs::remove_file(&file)?;
                }
            }
            remove_if_empty(&hour)?;
        }
        remove_if_empty(&day)?;
    }
    Ok(())
}

fn folders_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    Ok(entries(folder)?.into_iter().filter(|path| path.is_dir()).collect())
}

/// What is in a folder; nothing if there is none.
fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| entry.map(|entry| entry.path())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn remove_if_empty(folder: &Path) -> io::Result<()> {
    match fs::remove_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::DirectoryNotEmpty => Err(error),
        _ => Ok(()),
    }
}
