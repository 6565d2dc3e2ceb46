//! What is told of the days elsewhere, being read before any of them is made.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use pegboard_connect::archive::Archive;
use pegboard_engine::Window;
use pegboard_store::{ReloadState, ReloadWork, StoreError};

use super::Job;
use crate::runtime::archive::{self, ArchiveFailure};
use crate::runtime::reload::told::{ScanError, Told, ToldError, Walk};

/// How often it is told how far that is.
const TELL: Duration = Duration::from_secs(1);

/// Something that is told, on its way.
type Reading<'a> = Pin<Box<dyn Future<Output = Result<Told, ToldError>> + Send + 'a>>;

impl Job<'_> {
    /// Whether it needs what is told elsewhere.
    pub(in crate::runtime::reload) fn wants_told(&self) -> bool {
        (self.request.from_archive || self.request.from_source) && self.state != ReloadState::Cancelling
    }

    /// Reads what the archive, or the source itself, tells of its days. Nothing if that cannot be had, or nobody wants it any
    /// more: then it is over.
    pub(in crate::runtime::reload) async fn read_told(&mut self) -> Result<Option<Told>, StoreError> {
        let shared = self.shared;
        let days: Arc<[Window]> = match self.request.days(shared) {
            Ok(days) => days.into(),
            Err(error) => {
                self.fail(error.to_string()).await?;
                return Ok(None);
            }
        };
        self.state = ReloadState::Running;
        self.progress.began = Some((shared.clock)());
        self.progress.read = None;
        self.step(ReloadWork::Note).await?;
        let walk = Arc::new(Walk::default());
        let reading: Reading<'_> = if self.request.from_source {
            Box::pin(Told::read_source(shared, days, walk.clone()))
        } else {
            let Some(archive) = &shared.archive else {
                self.fail("nothing is archived any more".to_owned()).await?;
                return Ok(None);
            };
            if let Err(error) = self.write_what_waits(archive).await {
                self.progress.notes.push(format!("what came last is not among it: {error}"));
            }
            Box::pin(Told::read(shared, archive, days, walk.clone()))
        };
        let read = self.until_read(reading, &walk).await?;
        self.watch(&walk);
        match read {
            Ok(told) => {
                self.progress.read = Some((shared.clock)());
                let unusable = walk.unusable.load(Ordering::Relaxed);
                if unusable > 0 {
                    let note = format!("{unusable} records of what was read cannot be used");
                    self.progress.notes.push(note);
                }
                self.step(ReloadWork::Note).await?;
                Ok(Some(told))
            }
            Err(ToldError::Store(error)) => Err(error),
            Err(ToldError::Scan(ScanError::Stopped)) => {
                self.end(ReloadState::Cancelled).await?;
                Ok(None)
            }
            Err(ToldError::Scan(error)) => {
                self.fail(error.to_string()).await?;
                Ok(None)
            }
        }
    }

    /// Tells how far it is until it is read, or nobody wants it any more.
    async fn until_read(
        &mut self,
        mut reading: Reading<'_>,
        walk: &Walk,
    ) -> Result<Result<Told, ToldError>, StoreError> {
        loop {
            tokio::select! {
                biased;
                read = &mut reading => return Ok(read),
                () = tokio::time::sleep(TELL) => {
                    self.watch(walk);
                    self.step(ReloadWork::Note).await?;
                    if self.state == ReloadState::Cancelling {
                        walk.stop.store(true, Ordering::Relaxed);
                    }
                }
            }
        }
    }

    /// Brings to the archive what is on its way there, so that it is found there.
    async fn write_what_waits(&self, archive: &Archive) -> Result<(), ArchiveFailure> {
        let _archiving = self.shared.archiving.lock().await;
        archive::write_all(&*self.shared.store, archive).await
    }

    fn watch(&mut self, walk: &Walk) {
        self.progress.files = walk.files.load(Ordering::Relaxed);
        self.progress.files_read = walk.files_read.load(Ordering::Relaxed);
        self.progress.observations = walk.observations.load(Ordering::Relaxed);
        self.progress.contacts = walk.contacts.load(Ordering::Relaxed);
    }
}
