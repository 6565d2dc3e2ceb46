//! Makes the rows of whole days anew, beside live work.
//!
//! What is asked for stands in the store, and whoever leads the source does it, one reload after the other and one day after
//! the other. A day is held first: the closer leaves its rows alone, and marks of what changes meanwhile wait. Then its rows
//! are derived by the very code of the closer, and those that differ are set aside, some at a time. One mark in the store
//! swaps them in, as a whole; moving them to where rows are kept is housekeeping that no reader notices. Whatever happens in
//! between, a day is wholly old or wholly new: what was not swapped is dropped and made again, what was swapped is moved.

mod difference;
mod preview;
mod request;

use std::sync::Arc;
use std::time::Duration;

use pegboard_engine::Window;
use pegboard_model::{SourceName, Timestamp};
use pegboard_store::{
    DirtyMark, Reload, ReloadDay, ReloadState, ReloadStep, ReloadWork, ReloadWrite, Reloaded, RowWrite,
    RowsOf, Store, StoreError, failpoint,
};

pub use self::request::{ReloadError, ReloadProgress, ReloadRequest, ReloadStatus};

use self::difference::Differences;
pub(super) use self::preview::preview;
use super::closer::steps;
use super::derived::{self, GoneRow};
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

/// How many rows are set aside, moved or dropped in one transaction: few, because live work waits for it.
const ROWS_AT_ONCE: usize = 500;

/// How many marks a swap answers at most.
const MARKS: usize = 1000;

/// The part of the source that fails when reloading does.
pub(super) const PART: &str = "reload";

/// Notes what is asked for. Fails if it makes no sense, or if too much is asked for already.
pub(super) async fn ask(
    shared: &Shared,
    request: ReloadRequest,
    by: &str,
) -> Result<ReloadStatus, ReloadError> {
    let days = request.days(shared)?;
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

/// Reloads what is asked for until `stop` turns true.
pub async fn run(shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        // Dropped half-way it leaves nothing half done: the day is begun again, or moved on.
        let turn = tokio::select! {
            biased;
            _ = stop.changed() => break,
            turn = turn(&shared) => turn,
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
async fn turn(shared: &Shared) -> Result<Duration, StoreError> {
    let (store, source) = (&shared.store, &shared.config.name);
    // Whoever closes the source has an epoch before there is anything to make anew.
    let Some(epoch) = shared.closing.epoch() else { return Ok(UNTIL_CLOSING) };
    if let Some(day) = store.reload_day(source).await? {
        let begun = store.reloads(std::slice::from_ref(source), Some(day.id + 1), false, 1).await?;
        let Some(begun) = begun.into_iter().next() else { return Ok(LOOK) };
        Job::of(shared, epoch, &begun)?.leave(day).await?;
        return Ok(Duration::ZERO);
    }
    let Some(oldest) = oldest_open(shared, source).await? else { return Ok(LOOK) };
    Job::of(shared, epoch, &oldest)?.next_day().await?;
    Ok(Duration::ZERO)
}

/// They are done in the order of their numbers.
async fn oldest_open(shared: &Shared, source: &SourceName) -> Result<Option<Reload>, StoreError> {
    let open = shared.store.reloads(std::slice::from_ref(source), None, true, MOST_OPEN).await?;
    Ok(open.into_iter().next_back())
}

/// A reload that is being done.
struct Job<'a> {
    shared: &'a Shared,
    epoch: u64,
    id: u64,
    state: ReloadState,
    request: ReloadRequest,
    progress: ReloadProgress,
}

impl<'a> Job<'a> {
    fn of(shared: &'a Shared, epoch: u64, reload: &Reload) -> Result<Self, StoreError> {
        let request = ReloadRequest::read(&reload.asked)?;
        let progress = ReloadProgress::read(&reload.progress)?;
        Ok(Self { shared, epoch, id: reload.id, state: reload.state, request, progress })
    }

    async fn step(&mut self, work: ReloadWork) -> Result<Reloaded, StoreError> {
        let done = self
            .shared
            .store
            .reload_step(ReloadStep {
                source: self.shared.config.name.clone(),
                epoch: self.epoch,
                id: self.id,
                state: self.state,
                progress: self.progress.to_json(),
                at: (self.shared.clock)(),
                work,
            })
            .await?;
        self.state = done.state;
        Ok(done)
    }

    /// Ends a day that was begun before: what was swapped is moved, what was not is dropped and will be made again.
    async fn leave(&mut self, day: ReloadDay) -> Result<(), StoreError> {
        let work = if day.swapped { ReloadWork::Move } else { ReloadWork::Drop };
        while self.step(work(ROWS_AT_ONCE)).await?.goes_on {
            failpoint!("reload.leaving", fails);
        }
        Ok(())
    }

    async fn end(&mut self, state: ReloadState) -> Result<(), StoreError> {
        self.state = state;
        self.progress.ended = Some((self.shared.clock)());
        self.step(ReloadWork::Note).await?;
        let ReloadProgress { days_done, rows, differ, .. } = self.progress;
        tracing::info!(
            source.name = %self.shared.config.name, reload = self.id, state = state.as_str(), days = days_done, rows, differ,
            "a reload is over"
        );
        Ok(())
    }

    /// Does the next day, or ends the reload.
    async fn next_day(&mut self) -> Result<(), StoreError> {
        if self.state == ReloadState::Cancelling {
            return self.end(ReloadState::Cancelled).await;
        }
        let days = match self.request.days(self.shared) {
            Ok(days) => days,
            Err(error) => return self.fail(error.to_string()).await,
        };
        let Some(day) = days.get(self.progress.days_done).copied() else {
            return self.end(ReloadState::Done).await;
        };
        self.state = ReloadState::Running;
        self.progress.began.get_or_insert((self.shared.clock)());
        let marks = self.begin(day).await?;
        let mut set = 0;
        let before = self.progress.clone();
        let whole = self.build(day, &mut set).await?;
        if !whole {
            // Somebody has ended it, or the facts went meanwhile.
            self.progress = before;
            return self.leave(held(self.id, day, false)).await;
        }
        self.progress.days_done += 1;
        if set == 0 {
            return self.leave(held(self.id, day, false)).await;
        }
        failpoint!("reload.built", fails);
        self.progress.differ += set;
        let answered = if self.request.is_of_all() { marks } else { Vec::new() };
        self.step(ReloadWork::Swap { rows: set, answered }).await?;
        failpoint!("reload.swapped", fails);
        tracing::info!(
            source.name = %self.shared.config.name, reload = self.id, from = %day.from, to = %day.to, rows = set,
            "a day was swapped"
        );
        self.leave(held(self.id, day, true)).await
    }

    async fn fail(&mut self, why: String) -> Result<(), StoreError> {
        self.progress.error = Some(why);
        self.end(ReloadState::Failed).await
    }

    /// Holds a day. Answers the marks of what had changed within it, and nowhere else, before anything is derived.
    async fn begin(&mut self, day: Window) -> Result<Vec<DirtyMark>, StoreError> {
        let shared = self.shared;
        // With the turn: nobody is in the midst of writing rows of the day.
        let _turn = shared.closing.turn().await;
        self.step(ReloadWork::Begin { from: day.from, to: day.to }).await?;
        failpoint!("reload.begun", fails);
        let mut marks = shared.store.dirty(&shared.config.name, MARKS).await?;
        marks.retain(|mark| day.from <= mark.from && mark.to <= day.to);
        Ok(marks)
    }

    /// Sets aside what differs of the day. False if it is not to be swapped: somebody has ended the reload, or the facts are
    /// not there any more.
    async fn build(&mut self, day: Window, set: &mut u64) -> Result<bool, StoreError> {
        let shared = self.shared;
        let (store, source) = (&shared.store, &shared.config.name);
        let state = store.source_state(source).await?;
        if let Some(why_not) = cannot_be_made(day, state.details_from, state.closed_until.least()) {
            self.progress.note(&shared.config.time_zone, day, why_not);
            return Ok(true);
        }
        for rows in RowsOf::ALL {
            let until = state.closed_until.get(rows).map_or(day.from, |until| until.min(day.to));
            let known_until = shared.status.known_until(rows).unwrap_or(until);
            for window in steps(shared, Window { from: day.from, to: until }) {
                let derived = derived::derive(shared, &**store, rows, window, known_until, "reload").await?;
                self.progress.facts += derived.facts;
                self.progress.rows += derived.rows.len() as u64;
                let differ = Differences::find(shared, rows, window, derived.rows, &self.request).await?;
                *set += self.set_aside(differ).await?;
                if self.state == ReloadState::Cancelling {
                    return Ok(false);
                }
            }
            if self.is_cancelled().await? {
                return Ok(false);
            }
        }
        if store.source_state(source).await?.details_from > day.from {
            // They were removed while rows were derived from them: next time that is said.
            return Ok(false);
        }
        Ok(true)
    }

    /// Whether somebody has ended it, which every step tells, too.
    async fn is_cancelled(&mut self) -> Result<bool, StoreError> {
        let own = std::slice::from_ref(&self.shared.config.name);
        let stands = self.shared.store.reloads(own, Some(self.id + 1), false, 1).await?;
        let is_cancelled = stands.first().is_some_and(|reload| reload.state == ReloadState::Cancelling);
        if is_cancelled {
            self.state = ReloadState::Cancelling;
        }
        Ok(is_cancelled)
    }

    async fn set_aside(&mut self, differ: Differences) -> Result<u64, StoreError> {
        let (mut rows, mut gone) = differ.into_writes();
        let mut set = 0;
        while let Some(part) = part(&mut rows, &mut gone) {
            set += self.step(part).await?.rows;
            failpoint!("reload.set_aside", fails);
        }
        Ok(set)
    }
}

/// Takes as many rows as are set aside at once; nothing if there are none left.
fn part(rows: &mut Vec<RowWrite>, gone: &mut Vec<GoneRow>) -> Option<ReloadWork> {
    let some_rows = rows.split_off(rows.len().saturating_sub(ROWS_AT_ONCE));
    let some_gone = gone.split_off(gone.len().saturating_sub(ROWS_AT_ONCE - some_rows.len()));
    let is_empty = some_rows.is_empty() && some_gone.is_empty();
    (!is_empty).then_some(ReloadWork::SetAside { rows: some_rows, gone: some_gone })
}

fn held(id: u64, day: Window, swapped: bool) -> ReloadDay {
    ReloadDay { id, from: day.from, to: day.to, swapped }
}

/// Why the rows of a day cannot be made again from what is stored, if they cannot.
fn cannot_be_made(
    day: Window,
    details_from: Timestamp,
    closed_until: Option<Timestamp>,
) -> Option<&'static str> {
    if day.from < details_from {
        return Some("its segments and contacts are no longer all kept: its rows stay as they are");
    }
    if closed_until.is_none_or(|until| until <= day.from) {
        return Some("none of its intervals is closed yet");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r28_rows_are_set_aside_500_at_once_and_none_is_left_out() {
        let at = Timestamp::from_millis(0);
        let row = |key: usize| RowWrite {
            report: "queue_interval".into(),
            interval_start: at,
            key: key.to_string(),
            body: "{}".to_owned(),
            reason: "reload".into(),
        };
        let mut rows: Vec<_> = (0..=ROWS_AT_ONCE).map(row).collect();
        let mut gone = vec![("queue_interval".into(), at, "x".to_owned()); ROWS_AT_ONCE];
        let mut counts = Vec::new();
        while let Some(ReloadWork::SetAside { rows, gone }) = part(&mut rows, &mut gone) {
            counts.push((rows.len(), gone.len()));
        }
        assert_eq!(counts, [(500, 0), (1, 499), (0, 1)]);
    }

    #[test]
    fn what_is_not_kept_or_not_closed_cannot_be_made_again() {
        let at = Timestamp::from_seconds;
        let day = Window { from: at(100), to: at(200) };
        let cannot = |details, closed| cannot_be_made(day, at(details), closed).is_some();
        assert!(cannot(101, Some(at(300))) && cannot(0, Some(at(100))) && cannot(0, None));
        assert!(!cannot(100, Some(at(101))));
    }
}
