//! Writes what waits for the archive to its folder or its bucket, a file for each partition and hour, and removes what is past
//! its time there.
//!
//! What waits, waits in the store, where it was committed with its batch. A file is whole before its steps are let go of, and
//! its name follows from them: whatever ends it in between, it is written again as it was, or found.

mod backlog;
mod bucket;
mod folder;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pegboard_connect::archive::{Archive, ArchivePlace, BucketError};
use pegboard_model::{Millis, Timestamp};
use pegboard_store::{Store, StoreError};

pub(super) use self::backlog::{PART as BACKLOG, watch as watch_backlog};
use super::source::Shared;
use super::watch;

/// How often there is a look at what waits.
const EVERY: Duration = Duration::from_mins(1);

/// How often it is looked for what is past its time.
const SWEEP_EVERY: Millis = Millis::from_hours(1);

/// How long after its end an hour is written: what was read in it may be committed later, and the clocks of nodes differ.
const SETTLE: Millis = Millis::from_minutes(10);

/// How many files are planned at once.
const FILES: usize = 100;

/// How many objects are removed from a bucket before there is another look at what waits.
const REMOVED_AT_ONCE: usize = 1000;

/// The part of the source that fails when writing does.
pub(super) const PART: &str = "archive";

/// Writes and removes until `stop` turns true, if what is read of the source is archived.
pub async fn run(shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    let (Some(archive), Some(settings)) = (&shared.archive, &shared.config.archive) else { return };
    let mut sweep_at = Timestamp::MIN;
    while !*stop.borrow() {
        // Dropped half-way it leaves a file that nobody takes for one of the archive's, or an object that is found again.
        let turn = tokio::select! {
            biased;
            _ = stop.changed() => break,
            turn = guarded_turn(&shared, archive, settings.keep, &mut sweep_at) => turn,
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
async fn guarded_turn(
    shared: &Shared,
    archive: &Archive,
    keep: Millis,
    sweep_at: &mut Timestamp,
) -> Result<(), ArchiveFailure> {
    let _archiving = shared.archiving.lock().await;
    let now = (shared.clock)();
    if now < *sweep_at {
        return write_until(&*shared.store, archive, now - SETTLE).await;
    }
    if turn(&*shared.store, archive, keep, now).await? {
        *sweep_at = now + SWEEP_EVERY;
    }
    Ok(())
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
    /// The bucket.
    #[error("cannot write the archive: {0}; what was read waits in the store until it can")]
    Bucket(#[from] BucketError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Writes the files of all hours that are over, and removes those that are past their time; false if there may be more of these.
pub async fn turn(
    store: &dyn Store,
    archive: &Archive,
    keep: Millis,
    now: Timestamp,
) -> Result<bool, ArchiveFailure> {
    write_until(store, archive, now - SETTLE).await?;
    remove_older(archive, now - keep).await
}

/// Writes whatever waits, of hours that are not over, too: what is read of them later makes files of its own.
pub async fn write_all(store: &dyn Store, archive: &Archive) -> Result<(), ArchiveFailure> {
    write_until(store, archive, Timestamp::MAX).await
}

/// Writes the files of all hours that ended at or before `before`, the oldest first.
async fn write_until(store: &dyn Store, archive: &Archive, before: Timestamp) -> Result<(), ArchiveFailure> {
    let source = archive.source();
    loop {
        let files = store.archive_files(source, before, FILES).await?;
        let mut written = 0;
        for file in &files {
            let is_ours = match archive.place() {
                ArchivePlace::Folder(folder) => folder::write(store, source, folder, file).await?,
                ArchivePlace::Bucket(bucket) => bucket::write(store, source, bucket, file).await?,
            };
            written += usize::from(is_ours);
        }
        if files.len() < FILES || written == 0 {
            return Ok(());
        }
    }
}

/// Removes the files of hours that ended before `before`; false if there may be more of them.
async fn remove_older(archive: &Archive, before: Timestamp) -> Result<bool, ArchiveFailure> {
    let source = archive.source();
    match archive.place() {
        ArchivePlace::Folder(folder) => folder::remove_older(folder, source, before).await.map(|()| true),
        ArchivePlace::Bucket(bucket) => {
            let removed = bucket.remove_older(source, before, REMOVED_AT_ONCE).await?;
            Ok(removed < REMOVED_AT_ONCE)
        }
    }
}
