//! What has one name on the local clock.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use pegboard_model::Timestamp;

use crate::merge::Lines;
use crate::{Interval, Known};

/// An interval by the local clock. When the clock is put back an hour comes twice, and two intervals have the same name, which is
/// loaded once (IEX) or of which the last one counts (CXone's import): so their numbers are added up. Then the sums of the day are right,
/// and an agent may be signed in for twice the interval.
#[derive(Debug)]
pub(crate) struct Period {
    /// The start, by the local clock.
    pub(crate) local: DateTime,
    pub(crate) intervals: Vec<Interval>,
    pub(crate) lines: Lines,
}

impl Period {
    /// All of them, in the order in which they are complete.
    pub(crate) fn all(known: &Known, intervals: Vec<(Interval, Lines)>) -> Vec<Self> {
        let mut periods: Vec<Self> = Vec::with_capacity(intervals.len());
        for (interval, lines) in intervals {
            let local = local(&known.zone, interval.start);
            // The clock is put back by an hour or so, not by days.
            let first = periods.iter().rev().take(100).position(|period| period.local == local);
            match first {
                None => periods.push(Self { local, intervals: vec![interval], lines }),
                Some(back) => {
                    let place = periods.len() - 1 - back;
                    let mut period = periods.remove(place);
                    period.intervals.push(interval);
                    period.lines.add(lines);
                    periods.push(period);
                }
            }
        }
        periods.sort_by_key(|period| period.local);
        periods
    }

    pub(crate) fn year(&self) -> i16 {
        self.local.year()
    }

    pub(crate) fn contains(&self, at: Timestamp) -> bool {
        self.intervals.iter().any(|interval| interval.contains(at))
    }
}

/// An instant on the local clock.
pub(crate) fn local(zone: &TimeZone, at: Timestamp) -> DateTime {
    let instant = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or_default();
    zone.to_datetime(instant)
}
