//! Makes the rows of whole days anew, beside live work.
//!
//! What is asked for stands in the store, and whoever leads the source does it, one reload after the other and one day after
//! the other. A day is held first: the closer leaves its rows alone, and marks of what changes meanwhile wait. Then its rows
//! are derived by the very code of the closer, and those that differ are set aside, some at a time. One mark in the store
//! swaps them in, as a whole; moving them to where rows are kept is housekeeping that no reader notices. Whatever happens in
//! between, a day is wholly old or wholly new: what was not swapped is dropped and made again, what was swapped is moved.

mod difference;
mod job;
mod preview;
mod request;
mod told;

use std::sync::Arc;
use std::time::Duration;

use pegboard_engine::Window;
use pegboard_model::{SourceName, Timestamp};
use pegboard_store::{Reload, ReloadState, ReloadWrite, Store, StoreError};

pub(super) use self::preview::preview;
pub use self::request::{ReloadError, ReloadProgress, ReloadRequest, ReloadStatus};
pub(super) use self::told::is_lane;

use self::job::Job;
use self::told::Told;
use super::recapture;
use super::source::Shared;
use super::watch;

/// How often there is a look whether somebody asked for something on another node.
const LOOK: Duration = Duration::from_secs(5);

/// How often there is a look whether this node closes the source, which it is about to.
const UNTIL_CLOSING: Duration = Duration::from_millis(100);

/// The pause after a failure.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// How many reloads of a source may be under way or wait.
pub const MOST_OPEN: usize = 20;

/// The part of the source that fails when reloading does.
pub(super) const PART: &str = "reload";

/// Notes what is asked for. Fails if it makes no sense, or if too much is asked for already.
pub(super) async fn ask(
    shared: &Shared,
    request: ReloadRequest,
    by: &str,
) -> Result<ReloadStatus, ReloadError> {
    let days = request.days(shared)?;
    request.told_by(shared)?;
    let (source, at) = (shared.config.name.clone(), (shared.clock)());
    let progress = ReloadProgress { by: by.to_owned(), days: days.len(), ..ReloadProgress::default() };
    let write = ReloadWrite { source, at, asked: request.to_json(), progress: progress.to_json() };
    let id = shared.store.add_reload(write.clone(), MOST_OPEN).await?.ok_or(ReloadError::TooManyOpen)?;
    shared.reload.notify_one();
    let ReloadWrite { source, asked, progress, .. } = write;
    let waiting = Reload { id, source, at, state: ReloadState::Waiting, asked, progress };
    Ok(ReloadStatus::of(&waiting, at)?)
}

/// Reloads of the sources (of all where empty) with numbers below `before`, newest first.
pub(super) async fn list(
    store: &dyn Store,
    sources: &[SourceName],
    before: Option<u64>,
    limit: usize,
    now: Timestamp,
) -> Result<Vec<ReloadStatus>, StoreError> {
    let found = store.reloads(sources, before, false, limit).await?;
    found.iter().map(|reload| ReloadStatus::of(reload, now)).collect()
}

/// The stretch that reloads of a source hold beside the day that they are at: facts are being brought into it, and its rows are
/// to change day by day.
pub(super) async fn held(shared: &Shared) -> Result<Option<Window>, StoreError> {
    let Some(oldest) = oldest_open(shared, &shared.config.name).await? else { return Ok(None) };
    let held = ReloadProgress::read(&oldest.progress)?.holds;
    Ok(held.map(|(from, to)| Window { from, to }))
}

/// What is told elsewhere, kept from one day of a reload to the next.
type ToldElsewhere = Option<(u64, Told)>;

/// Reloads what is asked for until `stop` turns true.
pub async fn run(shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    let (mut told, mut recaptured) = (None, None);
    while !*stop.borrow() {
        // Dropped half-way it leaves nothing half done: the day is begun again, or moved on.
        let turn = tokio::select! {
            biased;
            _ = stop.changed() => break,
            turn = turn(&shared, &mut told, &mut recaptured) => turn,
        };
        let pause = match turn {
            Ok(pause) => {
                shared.status.recovered(PART);
                pause
            }
            Err(error) => {
                tracing::warn!(source.name = %shared.config.name, "cannot reload: {error}");
                shared.status.failed(PART, (shared.clock)(), format!("cannot reload: {error}"), false);
                AFTER_FAILURE
            }
        };
        tokio::select! {
            biased;
            _ = stop.changed() => {}
            () = tokio::time::sleep(pause) => {}
            () = shared.reload.notified() => {}
        }
    }
    shared.status.recovered(PART);
}

/// Does the next day of the oldest reload that is not over. Answers how long to wait with the next.
async fn turn(
    shared: &Shared,
    told: &mut ToldElsewhere,
    recaptured: &mut Option<Timestamp>,
) -> Result<Duration, StoreError> {
    let (store, source) = (&shared.store, &shared.config.name);
    // Whoever closes the source has an epoch before there is anything to make anew.
    let Some(epoch) = shared.closing.epoch() else { return Ok(UNTIL_CLOSING) };
    recapture::ask(shared, recaptured).await?;
    if let Some(day) = store.reload_day(source).await? {
        let begun = store.reloads(std::slice::from_ref(source), Some(day.id + 1), false, 1).await?;
        let Some(begun) = begun.into_iter().next() else { return Ok(LOOK) };
        Job::of(shared, epoch, &begun)?.leave(day).await?;
        return Ok(Duration::ZERO);
    }
    let Some(oldest) = oldest_open(shared, source).await? else {
        // What was read takes room on the disk.
        *told = None;
        return Ok(LOOK);
    };
    let mut job = Job::of(shared, epoch, &oldest)?;
    let known = told.take().filter(|(id, _)| *id == oldest.id);
    *told = known;
    if told.is_none() && job.wants_told() {
        *told = job.read_told().await?.map(|read| (oldest.id, read));
        return Ok(Duration::ZERO);
    }
    job.next_day(told.as_ref().map(|(_, told)| told)).await?;
    Ok(Duration::ZERO)
}

/// They are done in the order of their numbers.
async fn oldest_open(shared: &Shared, source: &SourceName) -> Result<Option<Reload>, StoreError> {
    let open = shared.store.reloads(std::slice::from_ref(source), None, true, MOST_OPEN).await?;
    Ok(open.into_iter().next_back())
}
