//! Closes intervals: derives rows from facts once the watermark has passed, and again where facts changed.
//!
//! One closer works on a source at a time; its epoch stands in every write. Rows that are made of agents' states and those
//! that are made of contacts are closed apart, each as far as what they are made of is known, and after its own delay.

use std::collections::BTreeMap;

use pegboard_engine::Window;
use pegboard_model::{Millis, Timestamp};
use pegboard_store::{
    Close, Closed, ClosedUntil, DirtyMark, ReloadDay, RowWrite, RowsOf, StoreError, failpoint,
};

use super::derived::{self, GoneRow};
use super::known_from;
use super::reload;
use super::reports::interval_at;
use super::source::Shared;

/// The longest stretch that is closed in one step, so that catching up after a long time writes in steps.
const STEP: Millis = Millis::from_hours(1);

/// The longest stretch in which nothing happened that is closed in one step.
const LONGEST_STRIDE: Millis = Millis::from_hours(31 * 24);

/// How many rows are written in one transaction, so that nobody waits long for the writer. Intervals are kept whole as
/// far as they fit: only one with more rows than this is seen in part, until the next transaction.
const ROWS_AT_ONCE: usize = 20_000;

/// How many marks are answered in one step.
const MARKS: usize = 1000;

/// Closes the intervals of one source.
#[derive(Debug)]
pub struct Closer {
    closings: [Closing; 2],
}

/// What is being reloaded: a day, and where facts are brought back from the archive, the days after it, too.
#[derive(Debug, Clone, Copy)]
struct Held {
    day: Option<ReloadDay>,
    days: Option<Window>,
}

impl Held {
    async fn of(shared: &Shared) -> Result<Self, StoreError> {
        let day = shared.store.reload_day(&shared.config.name).await?;
        Ok(Self { day, days: reload::held(shared).await? })
    }

    fn touches(self, from: Timestamp, to: Timestamp) -> bool {
        let day = self.day.map(|day| Window { from: day.from, to: day.to });
        day.into_iter().chain(self.days).any(|held| from < held.to && held.from < to)
    }
}

/// Closes the intervals of one source, for rows that are made of the same.
#[derive(Debug)]
struct Closing {
    rows: RowsOf,
    epoch: u64,
    closed_until: Option<Timestamp>,
    /// How far the next step goes: further and further while nothing happened, so that a source whose facts are years
    /// old does not close every quiet hour since.
    stride: Millis,
}

impl Closer {
    /// Takes over the closing of the source.
    pub async fn take(shared: &Shared) -> Result<Self, StoreError> {
        let state = shared.store.take_closer(&shared.config.name).await?;
        shared.closing.set_epoch(state.epoch);
        shared.status.set_closed_until(state.closed_until);
        let closing = |rows| Closing {
            rows,
            epoch: state.epoch,
            closed_until: state.closed_until.get(rows),
            stride: STEP,
        };
        Ok(Self { closings: RowsOf::ALL.map(closing) })
    }

    /// Closes what can be closed, and answers marks. Answers whether there is more to do at once.
    ///
    /// The rows of a day that is being reloaded are left alone, and so are marks that touch it: what they say is seen by
    /// whoever derives after them, or waits until the day is over.
    pub async fn run(&mut self, shared: &Shared) -> Result<bool, StoreError> {
        let _turn = shared.closing.turn().await;
        let held = Held::of(shared).await?;
        let mut more = false;
        let mut marks = shared.store.dirty(&shared.config.name, MARKS).await?;
        marks.retain(|mark| !held.touches(mark.from, mark.to));
        for closing in &mut self.closings {
            more |= closing.answer(shared, &marks).await?;
            more |= closing.close_next(shared).await?;
        }
        Ok(more)
    }
}

impl Closing {
    async fn close_next(&mut self, shared: &Shared) -> Result<bool, StoreError> {
        let Some(watermark) = shared.status.watermark(self.rows) else { return Ok(false) };
        let ready = watermark - shared.config.delay_of(self.rows);
        let complete = interval_at(&shared.config, ready).from;
        let Some(from) = self.closed_until else { return self.begin(shared, complete).await };
        let to = complete.min(interval_at(&shared.config, from + self.stride).from);
        if to <= from {
            return Ok(false);
        }
        // From here on every change before `to` leaves a mark; what was committed before this is seen below.
        self.announce(shared, to).await?;
        let rows = self.derive(shared, Window { from, to }, watermark, "first").await?;
        failpoint!("closer.loaded", fails);
        if self.stride > STEP && !rows.is_empty() {
            self.stride = STEP;
            return Ok(true);
        }
        self.stride = if rows.is_empty() { (self.stride + self.stride).min(LONGEST_STRIDE) } else { STEP };
        let closed = self.write(shared, to, rows, Vec::new(), Vec::new()).await?;
        failpoint!("closer.closed", fails);
        self.closed_up_to(shared, to);
        tracing::info!(
            source.name = %shared.config.name, rows_of = ?self.rows, until = %to, rows = closed.first, "intervals closed"
        );
        Ok(to < complete)
    }

    fn closed_up_to(&mut self, shared: &Shared, until: Timestamp) {
        self.closed_until = Some(until);
        shared.status.set_closed_until(ClosedUntil::of(self.rows, until));
    }

    /// Closes for the first time, up to where anything is known from.
    async fn begin(&mut self, shared: &Shared, complete: Timestamp) -> Result<bool, StoreError> {
        let Some(first) = self.first(shared).await? else { return Ok(false) };
        self.announce(shared, first.min(complete)).await?;
        // What came to lie before it until now left no mark.
        let until = self.first(shared).await?.unwrap_or(first).min(first).min(complete);
        self.write(shared, until, Vec::new(), Vec::new(), Vec::new()).await?;
        self.closed_up_to(shared, until);
        Ok(until < complete)
    }

    /// The start of the first interval that anything is known of.
    async fn first(&self, shared: &Shared) -> Result<Option<Timestamp>, StoreError> {
        let first = known_from::of(shared, self.rows).await?;
        Ok(first.map(|at| interval_at(&shared.config, at).from))
    }

    /// Answers those of the marks that are of its rows.
    async fn answer(&mut self, shared: &Shared, marks: &[DirtyMark]) -> Result<bool, StoreError> {
        let Some(closed_until) = self.closed_until else { return Ok(false) };
        let Some(watermark) = shared.status.watermark(self.rows) else { return Ok(false) };
        let marks: Vec<_> = marks.iter().filter(|mark| mark.rows() == self.rows).cloned().collect();
        for window in windows(shared, &marks, closed_until) {
            let rows = self.derive(shared, window, watermark, "late").await?;
            let gone = derived::gone(shared, self.rows, window, &rows).await?;
            failpoint!("closer.late_loaded", fails);
            let closed = self.write(shared, closed_until, rows, gone, Vec::new()).await?;
            failpoint!("closer.late_written", fails);
            if closed.revised > 0 {
                tracing::info!(
                    source.name = %shared.config.name, from = %window.from, to = %window.to,
                    rows = closed.revised, "rows revised"
                );
            }
        }
        let answered = !marks.is_empty();
        if answered {
            self.write(shared, closed_until, Vec::new(), Vec::new(), marks).await?;
        }
        Ok(answered)
    }

    /// The rows of a window, from what is known now.
    async fn derive(
        &self,
        shared: &Shared,
        window: Window,
        known_until: Timestamp,
        reason: &str,
    ) -> Result<Vec<RowWrite>, StoreError> {
        let derived = derived::derive(shared, &*shared.store, self.rows, window, known_until, reason).await?;
        Ok(derived.rows)
    }

    async fn announce(&self, shared: &Shared, until: Timestamp) -> Result<(), StoreError> {
        let until = ClosedUntil::of(self.rows, until);
        shared.store.announce_closing(&shared.config.name, self.epoch, until).await
    }

    /// Writes rows, in parts if they are many. Only with the last part the intervals are closed and the marks answered:
    /// whoever takes over after a crash between two parts derives the same rows again.
    async fn write(
        &self,
        shared: &Shared,
        closed_until: Timestamp,
        rows: Vec<RowWrite>,
        gone: Vec<GoneRow>,
        answered: Vec<DirtyMark>,
    ) -> Result<Closed, StoreError> {
        let mut parts = parts(rows, gone, ROWS_AT_ONCE);
        let last = parts.pop().unwrap_or_default();
        // Where nothing is closed yet, nothing was before the first row.
        let first = parts.first().and_then(Part::first_interval).unwrap_or(closed_until);
        let before = self.closed_until.unwrap_or(first);
        let mut closed = Closed::default();
        for part in parts {
            closed += shared.store.close(self.close(shared, before, part, Vec::new())).await?;
            failpoint!("closer.part_written", fails);
        }
        closed += shared.store.close(self.close(shared, closed_until, last, answered)).await?;
        Ok(closed)
    }

    fn close(&self, shared: &Shared, closed_until: Timestamp, part: Part, answered: Vec<DirtyMark>) -> Close {
        let source = shared.config.name.clone();
        let Part { rows, gone } = part;
        let closed_until = ClosedUntil::of(self.rows, closed_until);
        Close { source, epoch: self.epoch, closed_until, rows, gone, answered, at: (shared.clock)() }
    }
}

/// What is written in one transaction.
#[derive(Debug, Default, PartialEq)]
struct Part {
    rows: Vec<RowWrite>,
    gone: Vec<GoneRow>,
}

impl Part {
    fn len(&self) -> usize {
        self.rows.len() + self.gone.len()
    }

    fn first_interval(&self) -> Option<Timestamp> {
        let rows = self.rows.iter().map(|row| row.interval_start);
        rows.chain(self.gone.iter().map(|(_, start, _)| *start)).min()
    }

    fn append(&mut self, mut other: Self) {
        self.rows.append(&mut other.rows);
        self.gone.append(&mut other.gone);
    }

    /// The same in pieces of at most so many rows.
    fn pieces(mut self, most: usize) -> Vec<Self> {
        let mut pieces = Vec::new();
        while self.len() > most {
            let rows: Vec<_> = self.rows.drain(..self.rows.len().min(most)).collect();
            let gone = self.gone.drain(..self.gone.len().min(most - rows.len())).collect();
            pieces.push(Self { rows, gone });
        }
        pieces.push(self);
        pieces
    }
}

/// Rows in parts of at most so many, one interval after the other. An interval is in one part if it fits into one.
fn parts(rows: Vec<RowWrite>, gone: Vec<GoneRow>, most: usize) -> Vec<Part> {
    let mut intervals: BTreeMap<Timestamp, Part> = BTreeMap::new();
    for row in rows {
        intervals.entry(row.interval_start).or_default().rows.push(row);
    }
    for row in gone {
        intervals.entry(row.1).or_default().gone.push(row);
    }
    let mut parts: Vec<Part> = Vec::new();
    for piece in intervals.into_values().flat_map(|interval| interval.pieces(most)) {
        match parts.last_mut() {
            Some(last) if last.len() + piece.len() <= most => last.append(piece),
            _ => parts.push(piece),
        }
    }
    parts
}

/// The closed stretches that the marks touch, whole intervals, apart from each other and in steps.
fn windows(shared: &Shared, marks: &[DirtyMark], closed_until: Timestamp) -> Vec<Window> {
    let mut touched: Vec<Window> = marks
        .iter()
        .filter(|mark| mark.from < closed_until)
        .map(|mark| Window {
            from: interval_at(&shared.config, mark.from).from,
            to: interval_at(&shared.config, mark.to.min(closed_until) - Millis::new(1)).to.min(closed_until),
        })
        .collect();
    touched.sort_by_key(|window| window.from);
    let mut windows: Vec<Window> = Vec::new();
    for window in touched {
        match windows.last_mut() {
            Some(last) if window.from <= last.to => last.to = last.to.max(window.to),
            _ => windows.push(window),
        }
    }
    windows.into_iter().flat_map(|window| steps(shared, window)).collect()
}

/// A stretch in parts of an hour, whole intervals each.
pub(super) fn steps(shared: &Shared, window: Window) -> Vec<Window> {
    let mut steps = Vec::new();
    let mut from = window.from;
    while from < window.to {
        let to = interval_at(&shared.config, from + STEP).from.min(window.to);
        steps.push(Window { from, to });
        from = to;
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(interval: i64) -> Timestamp {
        Timestamp::from_millis(interval * 900_000)
    }

    fn row(interval: i64, key: &str) -> RowWrite {
        let (report, reason) = ("agent_interval".into(), "first".into());
        RowWrite { report, interval_start: at(interval), key: key.into(), body: "{}".into(), reason }
    }

    fn gone(interval: i64, key: &str) -> GoneRow {
        ("agent_interval".into(), at(interval), key.into())
    }

    #[test]
    fn r28_intervals_are_kept_whole_in_parts_as_far_as_they_fit() {
        let rows = vec![row(2, "a"), row(1, "a"), row(1, "b"), row(2, "b"), row(3, "a")];
        let parts = parts(rows, vec![gone(1, "c"), gone(3, "b")], 4);
        let expected = [
            Part { rows: vec![row(1, "a"), row(1, "b")], gone: vec![gone(1, "c")] },
            Part { rows: vec![row(2, "a"), row(2, "b"), row(3, "a")], gone: vec![gone(3, "b")] },
        ];
        // What would not fit in whole begins a part of its own.
        assert_eq!(parts.iter().map(Part::len).collect::<Vec<_>>(), [3, 4]);
        assert_eq!(parts, expected);
    }

    #[test]
    fn an_interval_that_is_larger_than_a_part_is_cut_and_nothing_of_it_is_lost() {
        let rows: Vec<_> = (0..5).map(|key| row(1, &key.to_string())).collect();
        let parts = parts(rows.clone(), vec![gone(1, "x"), gone(1, "y")], 3);
        assert!(parts.iter().all(|part| part.len() <= 3), "{parts:?}");
        let mut all = Part::default();
        for part in parts {
            all.append(part);
        }
        assert_eq!(all, Part { rows, gone: vec![gone(1, "x"), gone(1, "y")] });
    }

    #[test]
    fn nothing_is_no_part() {
        assert_eq!(parts(Vec::new(), Vec::new(), 3), []);
    }
}
