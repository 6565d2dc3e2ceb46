//! Not asking whoever does not answer.

use std::time::Duration;

use tokio::time::Instant;

/// After how many failures in a row a target is left alone.
const FAILURES: u32 = 5;

/// For how long it is left alone the first time; it doubles up to [`LONGEST`].
const FIRST: Duration = Duration::from_secs(5);

/// The longest time for which it is left alone.
const LONGEST: Duration = Duration::from_mins(5);

/// A circuit breaker: after five failures in a row a target is left alone for a while, then one request tries whether it
/// answers again. Pure: time comes in.
#[derive(Debug, Clone)]
pub struct Breaker {
    state: State,
    longest: Duration,
}

impl Default for Breaker {
    /// Leaves a target alone for five minutes at most.
    fn default() -> Self {
        Self::at_most(LONGEST)
    }
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// Requests are made; so many have failed in a row.
    Closed { failures: u32 },
    /// None is made before `until`.
    Open { until: Instant, pause: Duration },
    /// One is on its way to see how things are.
    Probing { pause: Duration },
}

impl Default for State {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

/// Whether a request may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permit {
    /// Yes.
    Go,
    /// Yes, and it decides how it goes on: nobody else may until its end is told.
    Probe,
    /// Not before this long from now.
    Wait(Duration),
}

impl Breaker {
    /// Leaves a target alone for `longest` at most.
    pub fn at_most(longest: Duration) -> Self {
        Self { state: State::default(), longest }
    }

    /// Whether a request may be made now. Who is let go tells how it ended, by [`Self::succeeded`] or [`Self::failed`].
    pub fn may(&mut self, now: Instant) -> Permit {
        match self.state {
            State::Closed { .. } => Permit::Go,
            State::Open { until, .. } if now < until => Permit::Wait(until - now),
            State::Open { pause, .. } => {
                self.state = State::Probing { pause };
                Permit::Probe
            }
            State::Probing { pause } => Permit::Wait(pause),
        }
    }

    /// The target answered, whatever it said.
    pub fn succeeded(&mut self) {
        self.state = State::default();
    }

    /// The target did not answer, or that it cannot.
    pub fn failed(&mut self, now: Instant) {
        let pause = match self.state {
            State::Closed { failures } if failures + 1 < FAILURES => {
                self.state = State::Closed { failures: failures + 1 };
                return;
            }
            State::Closed { .. } => FIRST.min(self.longest),
            State::Open { pause, .. } => pause,
            State::Probing { pause } => (pause * 2).min(self.longest),
        };
        self.state = State::Open { until: now + pause, pause };
    }

    /// Whether the target is left alone.
    pub fn is_open(&self) -> bool {
        !matches!(self.state, State::Closed { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_in_a_row_open_it_and_one_success_between_does_not() {
        let now = Instant::now();
        let mut breaker = Breaker::default();
        for _ in 0..3 {
            (0..FAILURES - 1).for_each(|_| breaker.failed(now));
            assert_eq!(breaker.may(now), Permit::Go);
            breaker.succeeded();
        }
        (0..FAILURES).for_each(|_| breaker.failed(now));
        assert_eq!(breaker.may(now), Permit::Wait(FIRST));
    }

    #[test]
    fn one_request_tries_and_decides() {
        let mut now = Instant::now();
        let mut breaker = Breaker::default();
        (0..FAILURES).for_each(|_| breaker.failed(now));
        now += FIRST;
        assert_eq!(breaker.may(now), Permit::Probe);
        assert!(matches!(breaker.may(now), Permit::Wait(_)), "only one tries");
        breaker.failed(now);
        assert_eq!(
            breaker.may(now),
            Permit::Wait(FIRST * 2),
            "and it takes twice as long until the next does"
        );
        now += FIRST * 2;
        assert_eq!(breaker.may(now), Permit::Probe);
        breaker.succeeded();
        assert_eq!(breaker.may(now), Permit::Go);
        assert!(!breaker.is_open());
    }

    #[test]
    fn r28_nobody_is_left_alone_for_more_than_five_minutes_by_the_breaker() {
        let mut now = Instant::now();
        let mut breaker = Breaker::default();
        (0..FAILURES).for_each(|_| breaker.failed(now));
        let mut pauses = Vec::new();
        for _ in 0..12 {
            let Permit::Wait(pause) = breaker.may(now) else { panic!("it is open") };
            pauses.push(pause);
            now += pause;
            assert_eq!(breaker.may(now), Permit::Probe);
            breaker.failed(now);
        }
        assert!(pauses.is_sorted() && pauses.last() == Some(&LONGEST), "{pauses:?}");
    }
}
