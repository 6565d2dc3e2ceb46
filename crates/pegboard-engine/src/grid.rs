//! Intervals and local days.
//!
//! The grid is the local clock of the reporting zone: an interval starts where the local clock shows a multiple
//! of its length, each local day starts at its first existing instant, and a change of offset inside an interval
//! cuts it there.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use pegboard_model::{Millis, Timestamp};

const DAY: i64 = 86_400_000;

/// A half-open span of time, `[from, to)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The first instant.
    pub from: Timestamp,
    /// The first instant after.
    pub to: Timestamp,
}

impl Window {
    /// Whether `at` lies inside.
    pub fn contains(self, at: Timestamp) -> bool {
        self.from <= at && at < self.to
    }

    /// The common part; nothing where there is none.
    pub fn overlap(self, other: Self) -> Option<Self> {
        let common = Self { from: self.from.max(other.from), to: self.to.min(other.to) };
        (common.from < common.to).then_some(common)
    }
}

/// One interval of a grid, half-open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval {
    /// The first instant.
    pub start: Timestamp,
    /// The first instant after.
    pub end: Timestamp,
}

impl Interval {
    /// Its length.
    pub fn length(self) -> Millis {
        self.end.since(self.start)
    }
}

/// How long an interval is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IntervalLength {
    /// So many minutes: 5, 10, 15, 30 or 60.
    Minutes(u8),
    /// A local day, of 23, 24, 25 hours or what the zone makes of it.
    Day,
}

impl IntervalLength {
    /// A length in minutes, if it is one of 5, 10, 15, 30 and 60.
    pub const fn minutes(minutes: u8) -> Option<Self> {
        match minutes {
            5 | 10 | 15 | 30 | 60 => Some(Self::Minutes(minutes)),
            _ => None,
        }
    }
}

/// The intervals of one length in one zone, within a window: the edges of the window cut them.
#[derive(Debug, Clone)]
pub struct Grid {
    window: Window,
    length: IntervalLength,
    /// Spans of one offset from UTC, in order, covering the window and a day on either side.
    offsets: Vec<OffsetSpan>,
    /// The first instants of the local days, in order.
    days: Vec<Timestamp>,
}

#[derive(Debug, Clone, Copy)]
struct OffsetSpan {
    from: i64,
    to: i64,
    offset: i64,
}

impl Grid {
    /// The grid of `length` in `zone` within `window`.
    pub fn new(length: IntervalLength, zone: &TimeZone, window: Window) -> Self {
        let offsets = offset_spans(zone, window);
        let days = if length == IntervalLength::Day { day_starts(&offsets) } else { Vec::new() };
        Self { window, length, offsets, days }
    }

    /// The window.
    pub fn window(&self) -> Window {
        self.window
    }

    /// The interval that holds `at`, cut to the window. `at` must lie inside the window.
    pub fn interval_at(&self, at: Timestamp) -> Interval {
        debug_assert!(self.window.contains(at), "{at} outside {:?}", self.window);
        let whole = match self.length {
            IntervalLength::Minutes(minutes) => self.clock_interval(at, i64::from(minutes) * 60_000),
            IntervalLength::Day => self.day_of(at),
        };
        Interval { start: whole.start.max(self.window.from), end: whole.end.min(self.window.to) }
    }

    /// All intervals of the window, in order.
    pub fn intervals(&self) -> impl Iterator<Item = Interval> {
        let mut next = self.window.from;
        std::iter::from_fn(move || {
            (next < self.window.to).then(|| {
                let interval = self.interval_at(next);
                next = interval.end;
                interval
            })
        })
    }

    /// Cuts `[start, end)` at the borders of intervals; the parts lie inside the window.
    pub fn cut(&self, start: Timestamp, end: Timestamp) -> impl Iterator<Item = (Interval, Millis)> {
        let end = end.min(self.window.to);
        let mut next = start.max(self.window.from);
        std::iter::from_fn(move || {
            (next < end).then(|| {
                let interval = self.interval_at(next);
                let stop = interval.end.min(end);
                let part = (interval, stop.since(next));
                next = stop;
                part
            })
        })
    }

    fn clock_interval(&self, at: Timestamp, length: i64) -> Interval {
        let at = at.as_millis();
        let span =
            self.offsets[self.offsets.partition_point(|span| span.to <= at).min(self.offsets.len() - 1)];
        let start = (at + span.offset).div_euclid(length) * length - span.offset;
        Interval {
            start: Timestamp::from_millis(start.max(span.from)),
            end: Timestamp::from_millis((start + length).min(span.to)),
        }
    }

    fn day_of(&self, at: Timestamp) -> Interval {
        let next = self.days.partition_point(|day| *day <= at);
        Interval {
            start: next.checked_sub(1).map_or(Timestamp::MIN, |day| self.days[day]),
            end: self.days.get(next).copied().unwrap_or(Timestamp::MAX),
        }
    }
}

/// The spans of one offset around the window, at most two days wider than it on either side.
fn offset_spans(zone: &TimeZone, window: Window) -> Vec<OffsetSpan> {
    let first = window.from.as_millis().saturating_sub(2 * DAY);
    let last = window.to.as_millis().saturating_add(2 * DAY);
    let start = jiff_timestamp(first);
    let mut spans = vec![OffsetSpan { from: first, to: last, offset: offset_ms(zone, start) }];
    for transition in zone.following(start) {
        let at = transition.timestamp().as_millisecond();
        if at >= last {
            break;
        }
        let offset = i64::from(transition.offset().seconds()) * 1000;
        let Some(open) = spans.last_mut() else { break };
        if open.offset != offset {
            open.to = at;
            spans.push(OffsetSpan { from: at, to: last, offset });
        }
    }
    spans
}

fn offset_ms(zone: &TimeZone, at: jiff::Timestamp) -> i64 {
    i64::from(zone.to_offset(at).seconds()) * 1000
}

/// The instant for the zone database, clamped to what it can express.
fn jiff_timestamp(millis: i64) -> jiff::Timestamp {
    let clamped = millis.clamp(jiff::Timestamp::MIN.as_millisecond(), jiff::Timestamp::MAX.as_millisecond());
    jiff::Timestamp::from_millisecond(clamped).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}

/// The first instant of every local date that exists, in order.
fn day_starts(offsets: &[OffsetSpan]) -> Vec<Timestamp> {
    let mut first_instants = BTreeMap::new();
    for span in offsets {
        let dates = (span.from + span.offset).div_euclid(DAY)..=(span.to - 1 + span.offset).div_euclid(DAY);
        for date in dates {
            let start = (date * DAY - span.offset).max(span.from);
            first_instants
                .entry(date)
                .and_modify(|known: &mut i64| *known = start.min(*known))
                .or_insert(start);
        }
    }
    first_instants.into_values().map(Timestamp::from_millis).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect(text)
    }

    fn grid(length: IntervalLength, zone: &str, from: &str, to: &str) -> Grid {
        let zone = TimeZone::get(zone).expect(zone);
        Grid::new(length, &zone, Window { from: at(from), to: at(to) })
    }

    /// The quarters of the local day that holds `noon`.
    fn quarters(zone: &str, noon: &str) -> (usize, String) {
        let noon = at(noon);
        let wide = Window { from: noon - Millis::from_hours(48), to: noon + Millis::from_hours(48) };
        let zone = TimeZone::get(zone).expect(zone);
        let day = Grid::new(IntervalLength::Day, &zone, wide).interval_at(noon);
        let window = Window { from: day.start, to: day.end };
        let quarters = Grid::new(IntervalLength::Minutes(15), &zone, window);
        let total: Millis = quarters.intervals().map(Interval::length).sum();
        assert_eq!(total, day.length());
        (quarters.intervals().count(), day.start.to_string())
    }

    #[test]
    fn r11_local_days_have_as_many_quarters_as_the_zone_gives_them() {
        let cases = [
            ("America/New_York", "2026-03-08T16:00:00Z", 92, "2026-03-08T05:00:00Z"),
            ("America/New_York", "2026-11-01T16:00:00Z", 100, "2026-11-01T04:00:00Z"),
            ("America/New_York", "2026-06-01T16:00:00Z", 96, "2026-06-01T04:00:00Z"),
            ("Europe/London", "2026-03-29T12:00:00Z", 92, "2026-03-29T00:00:00Z"),
            ("Europe/London", "2026-10-25T12:00:00Z", 100, "2026-10-24T23:00:00Z"),
            ("Australia/Lord_Howe", "2026-04-05T02:00:00Z", 98, "2026-04-04T13:00:00Z"),
            ("Australia/Lord_Howe", "2026-10-04T02:00:00Z", 94, "2026-10-03T13:30:00Z"),
            ("UTC", "2024-02-29T12:00:00Z", 96, "2024-02-29T00:00:00Z"),
            // Midnight does not exist on these days: they start at one o'clock.
            ("Africa/Cairo", "2026-04-24T12:00:00Z", 92, "2026-04-23T22:00:00Z"),
            ("America/Santiago", "2026-09-06T16:00:00Z", 92, "2026-09-06T04:00:00Z"),
        ];
        for (zone, noon, count, start) in cases {
            assert_eq!(quarters(zone, noon), (count, start.to_string()), "{zone} {noon}");
        }
    }

    #[test]
    fn a_day_that_a_zone_skipped_does_not_exist() {
        let days = grid(IntervalLength::Day, "Pacific/Apia", "2011-12-29T10:00:00Z", "2012-01-01T10:00:00Z");
        let starts: Vec<_> = days.intervals().map(|day| day.start.to_string()).collect();
        assert_eq!(starts, ["2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"]);
    }

    #[test]
    fn a_change_of_offset_cuts_an_interval() {
        // Lord Howe puts the clock back from 02:00 to 01:30: with intervals of an hour the local hour 01 comes in two parts.
        let hours = grid(
            IntervalLength::Minutes(60),
            "Australia/Lord_Howe",
            "2026-04-04T14:00:00Z",
            "2026-04-04T16:30:00Z",
        );
        let shown: Vec<_> = hours.intervals().map(|hour| (hour.start.to_string(), hour.length())).collect();
        assert_eq!(
            shown,
            [
                ("2026-04-04T14:00:00Z".to_string(), Millis::from_hours(1)),
                ("2026-04-04T15:00:00Z".to_string(), Millis::from_minutes(30)),
                ("2026-04-04T15:30:00Z".to_string(), Millis::from_hours(1)),
            ]
        );
    }

    #[test]
    fn kathmandu_quarters_are_utc_quarters_and_its_hours_are_its_own() {
        let hours = grid(
            IntervalLength::Minutes(60),
            "Asia/Kathmandu",
            "2026-01-01T00:00:00Z",
            "2026-01-01T02:00:00Z",
        );
        let starts: Vec<_> = hours.intervals().map(|hour| hour.start.to_string()).collect();
        assert_eq!(starts, ["2026-01-01T00:00:00Z", "2026-01-01T00:15:00Z", "2026-01-01T01:15:00Z"]);
    }

    #[test]
    fn the_window_cuts_the_intervals_at_its_edges() {
        let quarters =
            grid(IntervalLength::Minutes(15), "UTC", "2026-01-01T00:10:00Z", "2026-01-01T00:31:00Z");
        let lengths: Vec<_> = quarters.intervals().map(|quarter| quarter.length().get() / 60_000).collect();
        assert_eq!(lengths, [5, 15, 1]);
        let parts: Vec<_> = quarters
            .cut(at("2026-01-01T00:00:00Z"), at("2026-01-01T00:20:00Z"))
            .map(|(_, part)| part.get())
            .collect();
        assert_eq!(parts, [300_000, 300_000]);
    }
}
