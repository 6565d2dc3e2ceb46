//! The window of a report and its intervals.

use pegboard_model::{Millis, Timestamp};

use super::ReportSettings;

/// An interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Interval {
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
}

/// The window of a report.
#[derive(Debug)]
pub(super) struct Window {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    /// Without gaps from `from` to `to`; those at the edges may be shorter.
    pub(super) intervals: Vec<Interval>,
}

impl Interval {
    pub(super) fn length(&self) -> Millis {
        self.end.since(self.start)
    }

    /// How much of the time from `start` to `end` lies in the interval.
    pub(super) fn share_of(&self, start: Timestamp, end: Option<Timestamp>) -> Millis {
        let from = start.max(self.start);
        let to = end.map_or(self.end, |end| end.min(self.end));
        to.max(from).since(from)
    }
}

impl Window {
    pub(super) fn new(settings: &ReportSettings) -> Self {
        let (from, to, length) = (settings.from, settings.to, settings.interval);
        let mut intervals = Vec::new();
        let mut start = from;
        while start < to {
            let into = Millis::new(start.as_millis().rem_euclid(length.get()));
            let end = (start - into + length).min(to);
            intervals.push(Interval { start, end });
            start = end;
        }
        Self { from, to, intervals }
    }

    /// The interval of an instant, if the window has it.
    pub(super) fn interval_of(&self, at: Timestamp) -> Option<Interval> {
        let next = self.intervals.partition_point(|interval| interval.start <= at);
        self.intervals[..next].last().filter(|interval| at < interval.end).copied()
    }

    /// A span cut to the window: its start, its end where it has one, and its length up to the end of the window.
    /// Nothing if no time of it lies inside.
    pub(super) fn clip(
        &self,
        start: Timestamp,
        end: Option<Timestamp>,
    ) -> Option<(Timestamp, Option<Timestamp>, Millis)> {
        let start = start.max(self.from);
        let end = end.map(|end| end.min(self.to));
        let length = end.unwrap_or(self.to).since(start);
        (length > Millis::ZERO).then_some((start, end, length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn intervals_at_the_edges_are_cut() {
        let settings = ReportSettings::new(at("2026-03-02T08:20:00Z"), at("2026-03-02T09:01:00Z"));
        let window = Window::new(&settings);
        let minutes: Vec<_> =
            window.intervals.iter().map(|interval| interval.length().get() / 60_000).collect();
        assert_eq!(minutes, [10, 15, 15, 1]);
        assert_eq!(window.interval_of(at("2026-03-02T08:29:59.999Z")), Some(window.intervals[0]));
        assert_eq!(window.interval_of(at("2026-03-02T08:30:00Z")), Some(window.intervals[1]));
        assert_eq!(window.interval_of(at("2026-03-02T09:01:00Z")), None);
        assert_eq!(window.interval_of(at("2026-03-02T08:19:59Z")), None);
    }
}
