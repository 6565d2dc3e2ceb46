//! One reload being done, day by day.

mod reading;

use std::time::Duration;

use pegboard_engine::Window;
use pegboard_model::{Millis, Timestamp};
use pegboard_store::{
    DirtyMark, Reload, ReloadDay, ReloadState, ReloadStep, ReloadWork, Reloaded, RowWrite, RowsOf,
    StoreError, failpoint,
};

use super::difference::Differences;
use super::request::{ReloadProgress, ReloadRequest};
use super::told::{BringError, DayFacts, Told, ToldError};
use crate::runtime::closer::steps;
use crate::runtime::derived::{self, Derived, GoneRow};
use crate::runtime::ingest::IngestError;
use crate::runtime::recapture;
use crate::runtime::source::Shared;

/// How many rows are set aside, moved or dropped in one transaction: few, because live work waits for it.
const ROWS_AT_ONCE: usize = 500;

/// How many marks a swap answers at most.
const MARKS: usize = 1000;

/// How long a day is held at most for what its source reads once more.
const READ_AGAIN_WITHIN: Millis = Millis::from_hours(1);

/// How often there is a look whether that is read.
const LOOK: Duration = Duration::from_millis(200);

/// What the rows of a day are made of.
pub(super) enum MadeOf {
    /// What is stored.
    Stored {
        /// Whether the day may be left as it is: nothing was brought in that its rows have to follow.
        can_stop: bool,
    },
    /// What is told, over what is left in the store.
    Told(Box<DayFacts>),
}

impl MadeOf {
    const fn is_stored(&self) -> bool {
        matches!(self, Self::Stored { .. })
    }

    const fn can_stop(&self) -> bool {
        !matches!(self, Self::Stored { can_stop: false })
    }

    pub(super) async fn derive(
        &self,
        shared: &Shared,
        rows: RowsOf,
        window: Window,
        known_until: Timestamp,
        reason: &str,
    ) -> Result<Derived, StoreError> {
        match self {
            Self::Stored { .. } => {
                derived::derive(shared, &*shared.store, rows, window, known_until, reason).await
            }
            Self::Told(facts) => {
                let facts = facts.facts(shared, rows, window, known_until).await?;
                derived::derive_from(shared, &facts, rows, reason).await
            }
        }
    }
}

/// What a window came to: how many facts and rows, and those that differ.
struct Looked {
    facts: u64,
    rows: u64,
    differ: Differences,
}

/// A reload that is being done.
pub(super) struct Job<'a> {
    shared: &'a Shared,
    epoch: u64,
    id: u64,
    state: ReloadState,
    request: ReloadRequest,
    progress: ReloadProgress,
}

impl<'a> Job<'a> {
    pub(super) fn of(shared: &'a Shared, epoch: u64, reload: &Reload) -> Result<Self, StoreError> {
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
    pub(super) async fn leave(&mut self, day: ReloadDay) -> Result<(), StoreError> {
        let work = if day.swapped { ReloadWork::Move } else { ReloadWork::Drop };
        while self.step(work(ROWS_AT_ONCE)).await?.goes_on {
            failpoint!("reload.leaving", fails);
        }
        Ok(())
    }

    async fn end(&mut self, state: ReloadState) -> Result<(), StoreError> {
        self.state = state;
        self.progress.holds = None;
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
    pub(super) async fn next_day(&mut self, told: Option<&Told>) -> Result<(), StoreError> {
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
        if told.is_some_and(|told| !told.tells_of(day)) {
            return self.pass_over(day).await;
        }
        let brings = told.is_some() || self.request.recapture.is_some();
        if brings {
            // What is brought in lies on this day; that of the next may reach into it.
            self.progress.holds = days.last().map(|last| (day.from, last.to));
        }
        let mut marks = self.begin(day).await?;
        let mut set = 0;
        let before = self.progress.clone();
        let made_of = match told {
            Some(told) => self.bring(day, told).await?,
            None => self.capture_again(day).await?,
        };
        if brings {
            marks = self.marks(day).await?;
        }
        let whole = self.build(day, &made_of, &mut set).await?;
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
        let reason = self.request.reason().into();
        self.step(ReloadWork::Swap { rows: set, answered, reason }).await?;
        failpoint!("reload.swapped", fails);
        tracing::info!(
            source.name = %self.shared.config.name, reload = self.id, from = %day.from, to = %day.to, rows = set,
            reason = self.request.reason(), "a day was swapped"
        );
        self.leave(held(self.id, day, true)).await
    }

    /// Leaves a day as it is of which nothing is told.
    async fn pass_over(&mut self, day: Window) -> Result<(), StoreError> {
        self.progress.note(&self.shared.config.time_zone, day, NOTHING_TOLD);
        self.progress.days_done += 1;
        self.step(ReloadWork::Note).await?;
        Ok(())
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
        self.marks(day).await
    }

    async fn marks(&self, day: Window) -> Result<Vec<DirtyMark>, StoreError> {
        let mut marks = self.shared.store.dirty(&self.shared.config.name, MARKS).await?;
        marks.retain(|mark| day.from <= mark.from && mark.to <= day.to);
        Ok(marks)
    }

    /// Sets aside what differs of the day. False if it is not to be swapped: somebody has ended the reload, or the facts are
    /// not there any more.
    async fn build(&mut self, day: Window, made_of: &MadeOf, set: &mut u64) -> Result<bool, StoreError> {
        let shared = self.shared;
        let (store, source) = (&shared.store, &shared.config.name);
        let state = store.source_state(source).await?;
        let details_from = if made_of.is_stored() { state.details_from } else { day.from };
        if let Some(why_not) = cannot_be_made(day, details_from, state.closed_until.least()) {
            self.progress.note(&shared.config.time_zone, day, why_not);
            return Ok(true);
        }
        for rows in RowsOf::ALL {
            let until = state.closed_until.get(rows).map_or(day.from, |until| until.min(day.to));
            let known_until = shared.status.known_until(rows).unwrap_or(until);
            let steps = steps(shared, Window { from: day.from, to: until });
            for two in steps.chunks(2) {
                // Of two hours at once: while one is reckoned, the other is read.
                let second = async {
                    let Some(window) = two.get(1) else { return Ok(None) };
                    self.look(made_of, rows, *window, known_until).await.map(Some)
                };
                let looked = tokio::try_join!(self.look(made_of, rows, two[0], known_until), second)?;
                for Looked { facts, rows, differ } in [Some(looked.0), looked.1].into_iter().flatten() {
                    self.progress.facts += facts;
                    self.progress.rows += rows;
                    *set += self.set_aside(differ).await?;
                }
                if made_of.can_stop() && self.state == ReloadState::Cancelling {
                    return Ok(false);
                }
            }
            if made_of.can_stop() && self.is_cancelled().await? {
                return Ok(false);
            }
        }
        if made_of.is_stored() && store.source_state(source).await?.details_from > day.from {
            // They were removed while rows were derived from them: next time that is said.
            return Ok(false);
        }
        Ok(true)
    }

    /// Derives the rows of a window, and compares them.
    async fn look(
        &self,
        made_of: &MadeOf,
        of: RowsOf,
        window: Window,
        known_until: Timestamp,
    ) -> Result<Looked, StoreError> {
        let reason = self.request.reason();
        let Derived { rows, facts } = made_of.derive(self.shared, of, window, known_until, reason).await?;
        let count = rows.len() as u64;
        let differ = Differences::find(self.shared, of, window, rows, &self.request).await?;
        Ok(Looked { facts, rows: count, differ })
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

    /// Where the day is captured again, has its source read it once more, and waits until what that brings is committed.
    async fn capture_again(&mut self, day: Window) -> Result<MadeOf, StoreError> {
        let shared = self.shared;
        let Some(due) = self.request.recapture else { return Ok(MadeOf::Stored { can_stop: true }) };
        recapture::read_again(shared, due, day.from);
        while shared.source.is_capturing_again() && !self.is_cancelled().await? {
            let began = self.progress.began.unwrap_or((shared.clock)());
            if (shared.clock)().since(began) > READ_AGAIN_WITHIN {
                self.progress.note(&shared.config.time_zone, day, STILL_READ);
                break;
            }
            tokio::time::sleep(LOOK).await;
        }
        failpoint!("recapture.read", fails);
        Ok(MadeOf::Stored { can_stop: false })
    }

    /// Brings what is told of a day into the store, where that keeps such days. Where it does not, the day is made of
    /// what is told alone, if that is whole.
    async fn bring(&mut self, day: Window, told: &Told) -> Result<MadeOf, StoreError> {
        let shared = self.shared;
        let facts = told.day(day).await.map_err(unreadable)?;
        let details_from = shared.store.source_state(&shared.config.name).await?.details_from;
        if day.from < details_from {
            if told.is_whole(day) {
                return Ok(MadeOf::Told(Box::new(facts)));
            }
            return Ok(MadeOf::Stored { can_stop: true });
        }
        if told.has_hole(day) {
            self.progress.note(&shared.config.time_zone, day, HOLE);
        }
        if let Some(lacks) = told.lacks(day) {
            self.progress.note(&shared.config.time_zone, day, &lacks);
        }
        told.bring_pieces(shared).await.map_err(not_brought)?;
        facts.bring(shared, day).await.map_err(|error| not_brought(error.into()))?;
        failpoint!("reload.all_brought", fails);
        Ok(MadeOf::Stored { can_stop: false })
    }
}

/// What is said of a day of which the archive has lost something.
const HOLE: &str = "files of the archive are missing in its midst: what they held is as the store has it";

/// What is said of a day whose source takes too long.
const STILL_READ: &str = "its source has been reading it once more for an hour: what that still brings comes in as late corrections";

/// What is said of a day of which the source gives nothing once more.
const NOTHING_TOLD: &str = "its source has nothing of it any more: its rows stay as they are";

fn unreadable(error: ToldError) -> StoreError {
    match error {
        ToldError::Store(error) => error,
        ToldError::Scan(error) => {
            StoreError::Database { operation: "read what was told of a day", cause: error.into() }
        }
    }
}

fn not_brought(error: BringError) -> StoreError {
    match error {
        BringError::Told(error) => unreadable(error),
        BringError::Ingest(IngestError::Store(error)) => error,
        BringError::Ingest(other) => {
            StoreError::Database { operation: "bring back what is told of a day", cause: other.into() }
        }
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
pub(super) fn cannot_be_made(
    day: Window,
    details_from: Timestamp,
    closed_until: Option<Timestamp>,
) -> Option<&'static str> {
    if day.from < details_from {
        return Some(
            "its segments and contacts are no longer all kept, nor can they all be had again where that was asked: its rows stay as they are",
        );
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
