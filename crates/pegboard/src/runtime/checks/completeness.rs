//! `completeness`: what of each interval was expected, and what is there.

use std::collections::{BTreeMap, BTreeSet};

use pegboard_connect::spec::MissingFile;
use pegboard_engine::{Grid, Interval, Window};
use pegboard_model::acd::AcdReport;
use pegboard_model::{Millis, Timestamp};
use pegboard_store::{Origin, RowsOf};
use serde_json::{Value, json};

use crate::runtime::acd_rows;
use crate::runtime::derived::stored_reports;
use crate::runtime::gaps;
use crate::runtime::known_from;
use crate::runtime::reports::{days, starting_in};
use crate::runtime::source::Shared;
use crate::runtime::view::ReportError;

/// The columns, in order.
pub(in crate::runtime) const COLUMNS: [&str; 9] =
    ["interval_start", "interval_s", "source", "origin", "report", "acd_report", "state", "rows", "reason"];

/// How far back a report of the ACD has to have told something for more of it to be expected.
const EXPECTED_FOR: Millis = Millis::from_hours(7 * 24);

/// How long after its end the ACD may take to tell of an interval.
const PATIENCE: Millis = Millis::from_hours(1);

/// How an interval of a report stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It is all there.
    Complete,
    /// It is not over, or not closed yet.
    Open,
    /// It was closed although something of it was lost.
    Gap,
    /// It should be there and is not.
    Missing,
    /// It lies before the first thing that is known, so that nobody can tell.
    Unknown,
}

impl State {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Open => "open",
            Self::Gap => "gap",
            Self::Missing => "missing",
            Self::Unknown => "unknown",
        }
    }
}

/// The rows of one source, by report and interval.
pub(in crate::runtime) async fn rows(
    shared: &Shared,
    window: Window,
    room: usize,
) -> Result<Vec<Value>, ReportError> {
    let now = (shared.clock)();
    let starting = starting_in(&shared.config, window);
    let window = Window { from: starting.from, to: starting.to.min(now.max(starting.from)) };
    let intervals: Vec<Interval> =
        Grid::new(shared.config.interval, &shared.config.time_zone, window).intervals().collect();
    let mut rows = Vec::new();
    let mut quiet = Quiet::default();
    for made_of in RowsOf::ALL {
        rows.extend(computed(shared, made_of, window, &intervals, &mut quiet).await?);
    }
    for report in AcdReport::INTERVALS {
        rows.extend(of_acd(shared, report, window, &intervals, &quiet, now).await?);
    }
    if rows.len() > room { Err(ReportError::too_many()) } else { Ok(rows) }
}

/// Of each report the intervals of which no computed row tells that anything happened.
#[derive(Debug, Default)]
struct Quiet {
    /// In which nothing happened: the ACD has no rows of them either.
    silent: BTreeSet<(&'static str, Timestamp)>,
    /// Which lie before anything that is known.
    unknown: BTreeSet<(&'static str, Timestamp)>,
}

/// Why nobody can tell.
const BEFORE_EVIDENCE: &str = "before the first thing that is known of this source";

async fn computed(
    shared: &Shared,
    made_of: RowsOf,
    window: Window,
    intervals: &[Interval],
    quiet: &mut Quiet,
) -> Result<Vec<Value>, ReportError> {
    let (store, source) = (&shared.store, &shared.config.name);
    let closed_until = shared.status.closed_until().get(made_of).unwrap_or(Timestamp::MIN);
    let gaps = gaps::of(shared, made_of).await?;
    let known_from = known_from::of(shared, made_of).await?.unwrap_or(Timestamp::MIN);
    let mut found = Vec::new();
    for report in stored_reports(made_of) {
        let mut counts: BTreeMap<Timestamp, usize> = BTreeMap::new();
        let mut busy = BTreeSet::new();
        for day in days(window) {
            for row in store.rows(source, report, day.from, day.to).await? {
                *counts.entry(row.interval_start).or_default() += 1;
                if !busy.contains(&row.interval_start) && !is_of_zeros(&row.body) {
                    busy.insert(row.interval_start);
                }
            }
        }
        for interval in intervals {
            let gap = gaps.iter().find(|gap| gaps::touches(gap, *interval));
            let count = counts.get(&interval.start).copied().unwrap_or_default();
            let (state, reason) = match gap {
                _ if interval.end <= known_from && count == 0 => (State::Unknown, BEFORE_EVIDENCE.to_owned()),
                _ if interval.end > closed_until => (State::Open, "not closed yet".to_owned()),
                Some(gap) => (State::Gap, format!("partition {}: {}", gap.partition, gap.reason)),
                None => (State::Complete, String::new()),
            };
            match state {
                State::Complete if !busy.contains(&interval.start) => {
                    quiet.silent.insert((report, interval.start));
                }
                State::Unknown => drop(quiet.unknown.insert((report, interval.start))),
                _ => {}
            }
            let told = Told { origin: Origin::Computed, report, acd_report: None, state, count, reason };
            found.push(told.row(shared, *interval));
        }
    }
    Ok(found)
}

/// Whether a row says that a queue was open and nobody came.
fn is_of_zeros(body: &str) -> bool {
    let row: Value = serde_json::from_str(body).unwrap_or_default();
    row["offered"] == 0 && row["answered"] == 0
}

/// The ACD's own reports of a kind: each that told something lately is expected to tell of every interval.
async fn of_acd(
    shared: &Shared,
    report: AcdReport,
    window: Window,
    intervals: &[Interval],
    quiet: &Quiet,
    now: Timestamp,
) -> Result<Vec<Value>, ReportError> {
    let mut told: BTreeMap<String, BTreeMap<Timestamp, (Timestamp, usize)>> = BTreeMap::new();
    let seen = Window { from: window.from - EXPECTED_FOR, to: window.to };
    for day in days(seen) {
        for stored in shared.store.acd_rows(&shared.config.name, report.as_str(), day.from, day.to).await? {
            let row = acd_rows::read(&stored.row.body)?;
            let of_report = told.entry(row.name.to_string()).or_default();
            let known = of_report.entry(row.interval_start).or_insert((row.interval_start, 0));
            known.0 = known.0.max(row.interval_start + row.interval_s);
            known.1 += 1;
        }
    }
    let missing = shared.source.missing(now);
    let mut found = Vec::new();
    for (name, starts) in &told {
        let known: BTreeSet<Timestamp> = starts.keys().copied().collect();
        for interval in intervals {
            // An interval of the ACD may be longer than ours.
            let last = known.range(..=interval.start).next_back().and_then(|start| starts.get(start));
            let count = last.filter(|(end, _)| interval.end <= *end).map_or(0, |(_, count)| *count);
            let (state, reason) = if count > 0 {
                (State::Complete, String::new())
            } else if interval.end + PATIENCE > now {
                (State::Open, "the ACD may still tell".to_owned())
            } else if let Some(file) = file_of(&missing, name, *interval) {
                (
                    State::Missing,
                    format!("no file told of it: `{}` of the run at {} is not there", file.name, file.run),
                )
            } else if quiet.unknown.contains(&(report.as_str(), interval.start)) {
                (State::Unknown, BEFORE_EVIDENCE.to_owned())
            } else if quiet.silent.contains(&(report.as_str(), interval.start)) {
                (State::Complete, "nothing to tell: by the computed rows nothing happened".to_owned())
            } else {
                (State::Missing, "no file told of it".to_owned())
            };
            let acd_report = Some(name.as_str());
            let (origin, report) = (Origin::Acd, report.as_str());
            found.push(Told { origin, report, acd_report, state, count, reason }.row(shared, *interval));
        }
    }
    Ok(found)
}

/// The file that should have told of an interval and is not there, where its schedule is known.
fn file_of<'a>(missing: &'a [MissingFile], report: &str, interval: Interval) -> Option<&'a MissingFile> {
    missing.iter().find(|file| {
        file.report.eq_ignore_ascii_case(report) && file.from < interval.end && interval.start < file.run
    })
}

struct Told<'a> {
    origin: Origin,
    report: &'a str,
    acd_report: Option<&'a str>,
    state: State,
    count: usize,
    reason: String,
}

impl Told<'_> {
    fn row(self, shared: &Shared, interval: Interval) -> Value {
        json!({
            "interval_start": interval.start.to_string(),
            "interval_s": interval.length().get() / 1000,
            "source": shared.config.name.as_str(),
            "origin": self.origin.as_str(),
            "report": self.report,
            "acd_report": self.acd_report,
            "state": self.state.as_str(),
            "rows": self.count,
            "reason": self.reason,
        })
    }
}
