//! Writes what waits for the archive to its folder, one file for each partition and hour, and removes what is past its
//! time there.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use pegboard_connect::archive::FileName;
use pegboard_model::{Millis, SourceName, Timestamp};
use pegboard_store::{ArchiveFile, Store, StoreError, failpoint};

use super::source::Shared;
use super::watch;
use crate::config::ArchiveSettings;

/// How often there is a look at what waits.
const EVERY: Duration = Duration::from_mins(1);

/// How long after its end an hour is written: what was read in it may be committed later, and the clocks of nodes differ.
const SETTLE: Millis = Millis::from_minutes(10);

/// How many files are planned at once, and how many steps of one are in memory.
const FILES: usize = 100;
const STEPS: usize = 64;

/// The part of the source that fails when writing does.
pub(super) const PART: &str = "archive";

/// Writes and removes until `stop` turns true, if what is read of the source is archived.
pub async fn run(shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    let Some(settings) = shared.config.archive.clone() else { return };
    while !*stop.borrow() {
        // Dropped half-way it leaves a file that nobody takes for one of the archive's.
        let turn = tokio::select! {
            biased;
            _ = stop.changed() => break,
            turn = guarded_turn(&shared, &settings) => turn,
        };
        match turn {
            Ok(()) => shared.status.recovered(PART),
            Err(error) => {
                tracing::warn!(source.name = %shared.config.name, "{error}");
                shared.status.failed(PART, (shared.clock)(), error.to_string(), false);
            }
        }
        tokio::select! {
            biased;
            _ = stop.changed() => {}
            () = tokio::time::sleep(EVERY) => {}
        }
    }
    shared.status.recovered(PART);
}

/// A turn while nobody else writes files of the archive.
async fn guarded_turn(shared: &Shared, settings: &ArchiveSettings) -> Result<(), ArchiveFailure> {
    let _archiving = shared.archiving.lock().await;
    turn(&*shared.store, &shared.config.name, settings, (shared.clock)()).await
}

/// Why the archive is not written. What waits, waits in the store.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveFailure {
    /// The folder.
    #[error("cannot write the archive: {}: {cause}; what was read waits in the store until it can", path.display())]
    Folder {
        /// Which file or folder.
        path: PathBuf,
        /// What is wrong.
        cause: io::Error,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Writes the files of all hours that are over, and removes those that are past their time.
pub async fn turn(
    store: &dyn Store,
    source: &SourceName,
    settings: &ArchiveSettings,
    now: Timestamp,
) -> Result<(), ArchiveFailure> {
    loop {
        let files = store.archive_files(source, now - SETTLE, FILES).await?;
        let count = files.len();
        for file in files {
            write(store, source, &settings.folder, &file).await?;
        }
        if count < FILES {
            break;
        }
    }
    let (folder, before) = (settings.folder.join(source.as_str()), now - settings.keep);
    let source = source.clone();
    let swept = tokio::task::spawn_blocking(move || remove_older(&folder, &source, before)).await;
    swept.map_err(io::Error::other).flatten().map_err(|cause| at(&settings.folder, cause))
}

fn at(path: &Path, cause: io::Error) -> ArchiveFailure {
    ArchiveFailure::Folder { path: path.to_path_buf(), cause }
}

/// Writes one file and lets go of its steps. The name follows from the steps: after a crash in between the same file is
/// written again.
async fn write(
    store: &dyn Store,
    source: &SourceName,
    folder: &Path,
    file: &ArchiveFile,
) -> Result<(), ArchiveFailure> {
    let name = FileName::new(source, &file.partition, file.hour, file.first);
    let path = folder.join(name.to_string());
    let begun = path.clone();
    let Some(mut part) = blocking(&path, move || Part::begin(&begun)).await? else {
        // Another node is at it.
        return Ok(());
    };
    let (mut from, mut left) = (file.first, file.steps);
    while left > 0 {
        let steps = store.archive_steps(source, file, from, STEPS).await?;
        let Some(last) = steps.last() else {
            // Another node was faster: what is there is whole, and this is not.
            return blocking(&path, move || part.give_up()).await;
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
    Ok(())
}

async fn blocking<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, ArchiveFailure> {
    let done = tokio::task::spawn_blocking(work).await.map_err(io::Error::other).flatten();
    done.map_err(|cause| at(path, cause))
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

/// Removes the files of hours that ended before `before`, and folders that are empty then. Whatever else is there stays.
fn remove_older(folder: &Path, source: &SourceName, before: Timestamp) -> io::Result<()> {
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
