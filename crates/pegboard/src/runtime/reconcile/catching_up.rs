//! Whether a stream that is behind is being caught up with.
//!
//! While it is, it tells of its agents faster than anybody could ask; and what a snapshot had told by then would make all
//! of it late, which is dear: a timeline into which something late comes is derived again as a whole.

use std::time::Duration;

use pegboard_model::Millis;
use tokio::time::Instant;

/// After each of these stretches the stream must have come nearer to the present.
const STRETCH: Duration = Duration::from_mins(1);

/// By so much, at least: five times as fast as time passes.
const NEARER: Millis = Millis::from_minutes(4);

/// However fast it is, it is not waited for any longer.
const LONGEST_CATCH_UP: Duration = Duration::from_mins(30);

/// How a stream comes nearer to the present.
#[derive(Debug)]
pub(in crate::runtime) struct CatchingUp {
    began: Instant,
    /// Since when the present stretch lasts, and how far behind the stream was then.
    since: Instant,
    lag: Option<Millis>,
    is_over: bool,
}

impl CatchingUp {
    pub(in crate::runtime) fn begin(now: Instant) -> Self {
        Self { began: now, since: now, lag: None, is_over: false }
    }

    /// Whether it goes on, now that the stream is so far behind; nothing while that is not known.
    pub(in crate::runtime) fn goes_on(&mut self, now: Instant, lag: Option<Millis>) -> bool {
        self.lag = self.lag.or(lag);
        if now.duration_since(self.since) >= STRETCH {
            let comes_nearer = self.lag.zip(lag).is_some_and(|(before, lag)| before - lag >= NEARER);
            self.is_over |= !comes_nearer || now.duration_since(self.began) >= LONGEST_CATCH_UP;
            (self.since, self.lag) = (now, lag);
        }
        !self.is_over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    /// After how many minutes it is over, if the lag is so many minutes after each of them.
    fn over_after(lags: impl IntoIterator<Item = Option<i64>>) -> Option<u32> {
        let began = Instant::now();
        let mut catching_up = CatchingUp::begin(began);
        let goes_on = |(minute, lag): (u32, Option<i64>)| {
            (!catching_up.goes_on(began + MINUTE * minute, lag.map(Millis::from_minutes))).then_some(minute)
        };
        (0..).zip(lags).find_map(goes_on)
    }

    #[test]
    fn a_stream_that_comes_nearer_is_waited_for_and_no_other() {
        assert_eq!(over_after([480, 400, 300, 200, 100, 0].map(Some)), None);
        assert_eq!(over_after([480, 476, 473].map(Some)), Some(2), "hardly faster than time passes");
        assert_eq!(over_after([480, 480].map(Some)), Some(1));
        assert_eq!(over_after([None, None]), Some(1), "it cannot be read");
    }

    #[test]
    fn r28_a_stream_is_waited_for_half_an_hour_at_most() {
        assert_eq!(over_after((0..60).map(|minute| Some(10_000 - 5 * minute))), Some(30));
    }
}
