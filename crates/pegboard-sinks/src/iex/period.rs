//! What has one name on the local clock.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use pegboard_model::{Millis, Timestamp};

use crate::merge::Lines;
use crate::{Interval, Known};

/// An interval by the local clock. When the clock is put back an hour comes twice, and two intervals have the same name: IEX loads a name
/// once, so their numbers are added up. Then the sums of the day are right, and an agent may be signed in for twice the interval.
#[derive(Debug)]
pub(super) struct Period {
    /// The start, by the local clock.
    pub(super) local: DateTime,
    pub(super) intervals: Vec<Interval>,
    pub(super) lines: Lines,
}

impl Period {
    /// All of them, in the order in which they are complete.
    pub(super) fn all(known: &Known, intervals: Vec<(Interval, Lines)>) -> Vec<Self> {
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

    pub(super) fn year(&self) -> i16 {
        self.local.year()
    }

    pub(super) fn contains(&self, at: Timestamp) -> bool {
        self.intervals.iter().any(|interval| interval.contains(at))
    }

    /// What IEX could not read.
    pub(super) fn violations(&self, length: Millis) -> Vec<String> {
        let local = self.local;
        let mut found = Vec::new();
        let minutes = length.get() / 60_000;
        let is_whole = self.intervals.iter().all(|interval| interval.length() == length)
            && i64::from(local.minute()) % minutes.max(1) == 0
            && local.second() == 0;
        if !is_whole {
            found.push(format!(
                "interval, {local}: an interval has {minutes} minutes and begins at a multiple of them: --from, --to or the zone cuts it"
            ));
        }
        let tags = self.lines.queues.iter().map(|line| ("queue", &line.queue.id));
        let logins = self.lines.agents.iter().map(|line| ("agent", &line.agent.value));
        for (what, name) in tags.chain(logins) {
            if name.is_empty() || name.contains(char::is_control) {
                found.push(format!(
                    "{what} {name:?}, {local}: a name is not empty, and has no tabs or line ends"
                ));
            }
        }
        found
    }
}

/// An instant on the local clock.
pub(super) fn local(zone: &TimeZone, at: Timestamp) -> DateTime {
    let instant = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or_default();
    zone.to_datetime(instant)
}
