//! Closes intervals: derives rows from facts once the watermark has passed, and again where facts changed.
//!
//! One closer works on a source at a time; its epoch stands in every write.

use std::collections::{BTreeMap, HashSet};

use pegboard_engine::queues::pegged_at;
use pegboard_engine::{IntervalLength, Window};
use pegboard_model::report::Row;
use pegboard_model::{Millis, Text, Timestamp};
use pegboard_store::{Close, Closed, DirtyMark, RowWrite, StoreError, failpoint};

use super::reports::{Facts, interval_at};
use super::source::Shared;
use crate::report_text::json_object;

/// The longest stretch that is closed in one step, so that catching up after a long time writes in steps.
const STEP: Millis = Millis::from_hours(1);

/// The longest stretch in which nothing happened that is closed in one step.
const LONGEST_STRIDE: Millis = Millis::from_hours(31 * 24);

/// How many rows are written in one transaction, so that nobody waits long for the writer. Intervals are kept whole as
/// far as they fit: only one with more rows than this is seen in part, until the next transaction.
const ROWS_AT_ONCE: usize = 20_000;

/// How many marks are answered in one step.
const MARKS: usize = 1000;

/// The reports whose rows are stored.
pub const STORED_REPORTS: [&str; 4] =
    ["agent_interval", "group_interval", "queue_interval", "agent_queue_interval"];

/// Closes the intervals of one source.
#[derive(Debug)]
pub struct Closer {
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
        if let Some(closed_until) = state.closed_until {
            shared.status.set_closed_until(closed_until);
        }
        Ok(Self { epoch: state.epoch, closed_until: state.closed_until, stride: STEP })
    }

    /// Closes what can be closed, and answers marks. Answers whether there is more to do at once.
    pub async fn run(&mut self, shared: &Shared) -> Result<bool, StoreError> {
        let answered = self.answer_marks(shared).await?;
        let closed = self.close_next(shared).await?;
        Ok(answered || closed)
    }

    async fn close_next(&mut self, shared: &Shared) -> Result<bool, StoreError> {
        let Some(watermark) = shared.status.watermark() else { return Ok(false) };
        let ready = watermark - shared.config.close_delay;
        let complete = interval_at(&shared.config, ready).from;
        let Some(from) = self.closed_until else { return self.begin(shared, complete, watermark).await };
        let to = complete.min(interval_at(&shared.config, from + self.stride).from);
        if to <= from {
            return Ok(false);
        }
        // From here on every change before `to` leaves a mark; what was committed before this is seen below.
        self.announce(shared, to).await?;
        let window = Window { from, to };
        let facts = self.facts(shared, window, watermark).await?;
        let rows = row_writes(shared, &facts, "first");
        failpoint!("closer.loaded", fails);
        if self.stride > STEP && !rows.is_empty() {
            self.stride = STEP;
            return Ok(true);
        }
        self.stride = if rows.is_empty() { (self.stride + self.stride).min(LONGEST_STRIDE) } else { STEP };
        let closed = self.write(shared, to, rows, Vec::new(), Vec::new()).await?;
        failpoint!("closer.closed", fails);
        self.closed_until = Some(to);
        shared.status.set_closed_until(to);
        tracing::info!(
            source.name = %shared.config.name, until = %to, rows = closed.first, "intervals closed"
        );
        Ok(to < complete)
    }

    /// Closes for the first time, up to where the first agent is known from. Contacts may lie far before that: only the
    /// intervals that they belong to are looked at.
    async fn begin(
        &mut self,
        shared: &Shared,
        complete: Timestamp,
        watermark: Timestamp,
    ) -> Result<bool, StoreError> {
        let beginnings = shared.store.beginnings(&shared.config.name, Timestamp::MIN).await?;
        let first = beginnings.iter().map(|begins| interval_at(&shared.config, begins.at).from).min();
        let until = first.unwrap_or(complete).min(complete);
        let earlier = || shared.store.contacts(&shared.config.name, Timestamp::MIN, until);
        if beginnings.is_empty() && earlier().await?.is_empty() {
            // Asked again soon, so nothing is written before there is something to close.
            return Ok(false);
        }
        self.announce(shared, until).await?;
        let earlier = earlier().await?;
        let pegged = earlier.iter().filter_map(|leg| pegged_at(leg, shared.config.pegging));
        let marks: Vec<_> =
            pegged.map(|at| DirtyMark { agent: None, from: at, to: at + Millis::new(1) }).collect();
        let mut rows = Vec::new();
        for window in windows(shared, &marks, until) {
            rows.extend(row_writes(shared, &self.facts(shared, window, watermark).await?, "first"));
        }
        self.write(shared, until, rows, Vec::new(), Vec::new()).await?;
        self.closed_until = Some(until);
        shared.status.set_closed_until(until);
        Ok(until < complete)
    }

    async fn answer_marks(&mut self, shared: &Shared) -> Result<bool, StoreError> {
        let Some(closed_until) = self.closed_until else { return Ok(false) };
        let Some(watermark) = shared.status.watermark() else { return Ok(false) };
        let marks = shared.store.dirty(&shared.config.name, MARKS).await?;
        for window in windows(shared, &marks, closed_until) {
            let facts = self.facts(shared, window, watermark).await?;
            let rows = row_writes(shared, &facts, "late");
            let gone = self.gone(shared, window, &rows).await?;
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

    async fn facts(
        &self,
        shared: &Shared,
        window: Window,
        known_until: Timestamp,
    ) -> Result<Facts, StoreError> {
        Facts::load(&*shared.store, &shared.config, window, known_until).await
    }

    async fn announce(&self, shared: &Shared, until: Timestamp) -> Result<(), StoreError> {
        shared.store.announce_closing(&shared.config.name, self.epoch, until).await
    }

    /// Stored rows of the window that no fact stands behind any more.
    async fn gone(
        &self,
        shared: &Shared,
        window: Window,
        rows: &[RowWrite],
    ) -> Result<Vec<GoneRow>, StoreError> {
        let present: HashSet<(&str, Timestamp, &str)> =
            rows.iter().map(|row| (&*row.report, row.interval_start, &*row.key)).collect();
        let mut gone = Vec::new();
        for report in STORED_REPORTS {
            let stored = shared.store.rows(&shared.config.name, report, window.from, window.to).await?;
            let absent =
                stored.into_iter().filter(|row| !present.contains(&(report, row.interval_start, &*row.key)));
            gone.extend(absent.map(|row| (report.into(), row.interval_start, row.key)));
        }
        Ok(gone)
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
        Close { source, epoch: self.epoch, closed_until, rows, gone, answered, at: (shared.clock)() }
    }
}

/// A row that no longer exists: report, start of interval, key.
type GoneRow = (Text, Timestamp, String);

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

fn steps(shared: &Shared, window: Window) -> Vec<Window> {
    let mut steps = Vec::new();
    let mut from = window.from;
    while from < window.to {
        let to = interval_at(&shared.config, from + STEP).from.min(window.to);
        steps.push(Window { from, to });
        from = to;
    }
    steps
}

fn row_writes(shared: &Shared, facts: &Facts, reason: &str) -> Vec<RowWrite> {
    let config = &shared.config;
    let length: IntervalLength = config.interval;
    let mut writes = Vec::new();
    let mut add = |report: &'static str, start: Timestamp, key: Vec<&str>, body: String| {
        writes.push(RowWrite {
            report: report.into(),
            interval_start: start,
            key: key.join("\u{1f}"),
            body,
            reason: reason.into(),
        });
    };
    let (of_agents, of_groups) = facts.agent_and_group_rows(config, length);
    for row in &of_agents {
        add(name(row), row.interval_start, vec![row.agent_id.as_str()], json_object(row));
    }
    for row in &of_groups {
        add(name(row), row.interval_start, vec![&row.group], json_object(row));
    }
    for row in &facts.queue_rows(config, length) {
        let key = vec![row.queue_id.as_str(), row.channel.as_str(), row.direction.as_str()];
        add(name(row), row.interval_start, key, json_object(row));
    }
    for row in &facts.agent_queue_rows(config, length) {
        let queue = row.queue_id.as_str();
        let key = vec![row.agent_id.as_str(), queue, row.channel.as_str(), row.direction.as_str()];
        add(name(row), row.interval_start, key, json_object(row));
    }
    writes
}

fn name<R: Row>(_: &R) -> &'static str {
    R::REPORT
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
