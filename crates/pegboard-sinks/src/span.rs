//! What a document of a report is about.

use jiff::tz::TimeZone;
use pegboard_engine::{Grid, IntervalLength, Window};
use pegboard_model::{Millis, Timestamp};

/// What a document of a report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// An interval.
    Interval,
    /// All intervals that have one name on the local clock: two where an hour comes twice, else one.
    ClockTime,
    /// A local day, its rows summed up over it.
    Day,
}

/// By how much clocks are put back at most: the time between two intervals of one name.
const MOST_PUT_BACK: Millis = Millis::from_hours(3);

impl Span {
    /// The stretches that the document is about which holds the interval that begins at `start`, in order. It can be made when the
    /// last of them is closed, and is known by the start of the first.
    pub fn of(self, length: IntervalLength, zone: &TimeZone, start: Timestamp) -> Vec<Window> {
        let around = Window { from: start - Millis::from_hours(30), to: start + Millis::from_hours(30) };
        let window = |grid: &Grid, at| {
            let interval = grid.interval_at(at);
            Window { from: interval.start, to: interval.end }
        };
        match self {
            Self::Interval => vec![window(&Grid::new(length, zone, around), start)],
            Self::Day => vec![window(&Grid::new(IntervalLength::Day, zone, around), start)],
            Self::ClockTime => {
                let grid = Grid::new(length, zone, around);
                let clock = |at: Timestamp| {
                    let instant = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or_default();
                    zone.to_datetime(instant)
                };
                let near = Grid::new(
                    length,
                    zone,
                    Window { from: window(&grid, start - MOST_PUT_BACK).from, to: start + MOST_PUT_BACK },
                );
                near.intervals()
                    .filter(|interval| clock(interval.start) == clock(start))
                    .map(|interval| window(&grid, interval.start))
                    .collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUARTER: IntervalLength = IntervalLength::Minutes(15);

    fn spans(span: Span, start: &str) -> Vec<String> {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let of = span.of(QUARTER, &zone, start.parse().unwrap());
        of.iter().map(|window| format!("{} {}", window.from, window.to)).collect()
    }

    #[test]
    fn an_interval_is_one_and_a_day_is_that_of_the_zone() {
        assert_eq!(
            spans(Span::Interval, "2026-10-25T00:15:00Z"),
            ["2026-10-25T00:15:00Z 2026-10-25T00:30:00Z"]
        );
        assert_eq!(spans(Span::Day, "2026-10-25T00:15:00Z"), ["2026-10-24T22:00:00Z 2026-10-25T23:00:00Z"]);
        assert_eq!(spans(Span::Day, "2026-03-29T12:00:00Z"), ["2026-03-28T23:00:00Z 2026-03-29T22:00:00Z"]);
    }

    #[test]
    fn the_two_intervals_of_one_name_are_one_document_whichever_is_asked_for() {
        let both = ["2026-10-25T00:15:00Z 2026-10-25T00:30:00Z", "2026-10-25T01:15:00Z 2026-10-25T01:30:00Z"];
        assert_eq!(spans(Span::ClockTime, "2026-10-25T00:15:00Z"), both);
        assert_eq!(spans(Span::ClockTime, "2026-10-25T01:15:00Z"), both);
        for start in
            ["2026-10-24T23:45:00Z", "2026-10-25T02:00:00Z", "2026-03-29T01:00:00Z", "2026-06-01T00:15:00Z"]
        {
            let alone = spans(Span::ClockTime, start);
            assert_eq!(alone, spans(Span::Interval, start));
        }
    }
}
