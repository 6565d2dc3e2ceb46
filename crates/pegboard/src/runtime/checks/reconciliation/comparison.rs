//! Both sides of every number, by interval and by day.

use std::collections::BTreeMap;

use pegboard_engine::{Grid, IntervalLength, Window};
use pegboard_model::acd::{AcdReport, Column, Unit, Value as Number};
use pegboard_model::policy::Pegging;
use pegboard_model::{Millis, Timestamp};
use serde_json::{Value, json};

use super::reasons::{Asked, Own, reason};
use super::{Computed, Row, Told};
use crate::config::SourceConfig;

/// What tells which rows are about the same.
const ABOUT: [&str; 6] = ["queue_id", "queue_name", "agent_id", "agent_login", "channel", "direction"];

/// What is compared.
pub(super) struct Sides {
    /// What the ACD tells of intervals.
    pub(super) intervals: Vec<Told>,
    /// What it tells of days.
    pub(super) days: Vec<Told>,
    pub(super) computed: Computed,
    /// Computed rows by agent of contacts that never entered a queue.
    pub(super) unqueued: Computed,
}

/// One number of both sides.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pair {
    pub(super) acd: i64,
    pub(super) computed: i64,
    /// How much they may differ.
    pub(super) allowed: i64,
}

impl Pair {
    /// By how much the ACD's is more.
    pub(super) const fn difference(self) -> i64 {
        self.acd - self.computed
    }

    pub(super) const fn differs(self) -> bool {
        self.difference().abs() > self.allowed
    }

    fn add(&mut self, other: Self) {
        self.acd += other.acd;
        self.computed += other.computed;
        self.allowed += other.allowed;
    }
}

/// What is compared: of a stretch, about something.
pub(super) struct Line {
    start: Timestamp,
    length: Millis,
    about: Row,
    /// What the ACD says that it is about; the rest is known where only one computed row is behind it.
    told_about: String,
    acd_report: String,
    pairs: BTreeMap<Column, Pair>,
    own: Own,
    told_pegging: Option<Pegging>,
}

/// By which lines of one day are found: the day, the ACD's report, and what it is about.
type DayKey = (Timestamp, String, String);

pub(super) struct Comparison<'a> {
    pub(super) config: &'a SourceConfig,
    pub(super) report: AcdReport,
    pub(super) tolerance: Millis,
    /// Whether numbers that agree are shown too.
    pub(super) agreeing: bool,
}

impl Comparison<'_> {
    pub(super) fn rows(&self, sides: &Sides, window: Window, by_day: bool) -> Vec<Value> {
        let is_stored = |told: &&Told| sides.computed.by_start.contains_key(&told.row.interval_start);
        let lines: Vec<Line> =
            sides.intervals.iter().filter(is_stored).map(|told| self.line(told, sides)).collect();
        let mut days = self.days(&lines, window);
        if by_day {
            // What the ACD says of a day itself goes before the sum of what it says of its intervals.
            days.extend(sides.days.iter().map(|told| {
                let line = self.line(told, sides);
                (self.day_key(&line, window), line)
            }));
            return days.values().flat_map(|line| self.told(line, None)).collect();
        }
        let day_of = |line: &Line| days.get(&self.day_key(line, window));
        lines.iter().flat_map(|line| self.told(line, day_of(line))).collect()
    }

    fn line(&self, told: &Told, sides: &Sides) -> Line {
        let rows: Vec<&Row> = sides.computed.like(told).collect();
        let mut pairs = BTreeMap::new();
        let contacts: i64 = rows.iter().map(|row| whole(row.get("answered"))).sum();
        for (column, value) in told.row.values().iter().filter(|(column, _)| is_summed(*column)) {
            let own: i64 = rows.iter().map(|row| units(*column, row)).sum();
            // The ACD cuts the duration of each contact to whole seconds.
            let allowed = match column.unit() {
                Unit::Duration => self.tolerance.get() * contacts.max(1),
                Unit::Count | Unit::Percent => 0,
            };
            pairs.insert(*column, Pair { acd: told_units(*value), computed: own, allowed });
        }
        let unqueued: Vec<&Row> = match self.report {
            AcdReport::AgentInterval | AcdReport::Sessions => Vec::new(),
            AcdReport::QueueInterval | AcdReport::AgentQueueInterval => {
                sides.unqueued.of_agent(told).collect()
            }
        };
        let said = |column: &str| told.shown.get(column).filter(|value| !value.is_null());
        let told_about: Vec<String> =
            ABOUT.iter().map(|column| said(column).map(Value::to_string).unwrap_or_default()).collect();
        let about = ABOUT.iter().map(|column| {
            let known = said(column);
            let found = known.or_else(|| rows.first().filter(|_| rows.len() == 1)?.get(*column));
            ((*column).to_owned(), found.cloned().unwrap_or(Value::Null))
        });
        Line {
            start: told.row.interval_start,
            length: told.row.interval_s,
            about: about.collect(),
            told_about: told_about.join("\u{1f}"),
            acd_report: told.row.name.to_string(),
            own: Own::of(&rows, &unqueued, pairs.keys().copied()),
            pairs,
            told_pegging: told.row.pegging,
        }
    }

    fn day_key(&self, line: &Line, window: Window) -> DayKey {
        let around =
            Window { from: window.from - Millis::from_hours(48), to: window.to + Millis::from_hours(48) };
        let day = Grid::new(IntervalLength::Day, &self.config.time_zone, around).interval_at(line.start);
        (day.start, line.acd_report.clone(), line.told_about.clone())
    }

    /// The same by local day.
    fn days(&self, lines: &[Line], window: Window) -> BTreeMap<DayKey, Line> {
        let mut days: BTreeMap<DayKey, Line> = BTreeMap::new();
        for line in lines {
            let key = self.day_key(line, window);
            let day = days.entry(key.clone()).or_insert_with(|| Line {
                start: key.0,
                length: Millis::ZERO,
                about: line.about.clone(),
                told_about: line.told_about.clone(),
                acd_report: line.acd_report.clone(),
                pairs: BTreeMap::new(),
                own: Own::default(),
                told_pegging: line.told_pegging,
            });
            day.length += line.length;
            for (column, value) in &mut day.about {
                if line.about.get(column) != Some(value) {
                    *value = Value::Null;
                }
            }
            day.own.add(&line.own);
            for (column, pair) in &line.pairs {
                day.pairs.entry(*column).or_default().add(*pair);
            }
        }
        days
    }

    /// The numbers of a line that are shown; `day` is the local day that it belongs to.
    fn told(&self, line: &Line, day: Option<&Line>) -> Vec<Value> {
        let shown = line.pairs.iter().filter(|(_, pair)| self.agreeing || pair.differs());
        shown.map(|(column, pair)| self.row(line, *column, *pair, day)).collect()
    }

    fn row(&self, line: &Line, column: Column, pair: Pair, day: Option<&Line>) -> Value {
        let mut row = line.about.clone();
        let mut say = |name: &str, value: Value| row.insert(name.to_owned(), value);
        say("interval_start", line.start.to_string().into());
        say("interval_s", json!(line.length.get() / 1000));
        say("source", self.config.name.as_str().into());
        say("report", self.report.as_str().into());
        say("acd_report", line.acd_report.as_str().into());
        say("measure", column.as_str().into());
        say("acd", shown(column, pair.acd));
        say("computed", shown(column, pair.computed));
        say("difference", shown(column, pair.difference()));
        say("agrees", (!pair.differs()).into());
        let day = day.and_then(|day| day.pairs.get(&column));
        let asked = Asked {
            report: self.report,
            column,
            pair,
            day_agrees: day.is_some_and(|day| !day.differs()),
            told_pegging: line.told_pegging,
        };
        let reason = if pair.differs() { reason(self.config, &asked, &line.own) } else { String::new() };
        say("reason", reason.into());
        Value::Object(row)
    }
}

/// Whether numbers of a column add up.
fn is_summed(column: Column) -> bool {
    let is_no_sum = [Column::QueueAnsweredMax, Column::QueueAbandonedMax, Column::ServiceLevelThreshold]
        .contains(&column);
    !is_no_sum && column.unit() != Unit::Percent
}

/// A number of the ACD: a count, or milliseconds.
fn told_units(value: Number) -> i64 {
    match value {
        Number::Count(count) => i64::try_from(count).unwrap_or(i64::MAX),
        Number::Duration(duration) => duration.get(),
        Number::Percent(percent) => percent.units(),
    }
}

/// The same of a computed row.
pub(super) fn units(column: Column, row: &Row) -> i64 {
    let value = row.get(column.as_str());
    if column.unit() == Unit::Duration { millis(value) } else { whole(value) }
}

fn whole(value: Option<&Value>) -> i64 {
    value.and_then(Value::as_i64).unwrap_or_default()
}

/// Seconds with at most three decimals, exactly.
fn millis(value: Option<&Value>) -> i64 {
    let seconds = value.and_then(Value::as_f64).unwrap_or_default();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "rounded, and no duration comes near 2^53 milliseconds"
    )]
    let millis = (seconds * 1000.0).round() as i64;
    millis
}

fn shown(column: Column, units: i64) -> Value {
    if column.unit() == Unit::Duration { seconds(units) } else { json!(units) }
}

/// Milliseconds as seconds.
pub(super) fn seconds(millis: i64) -> Value {
    if millis % 1000 == 0 {
        return json!(millis / 1000);
    }
    #[expect(clippy::cast_precision_loss, reason = "no duration comes near 2^53 milliseconds")]
    let seconds = millis as f64 / 1000.0;
    json!(seconds)
}
