//! When the target may be asked: how often at most, and not while it does not answer.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pegboard_net::breaker::Permit;
use pegboard_net::{Breaker, RateLimit};
use pegboard_sinks::{Outcome, Pace};
use tokio::time::Instant;

/// For how long a target that does not answer is left alone at most, where states wait for it: they are fresh within ten seconds once it
/// answers again.
const LONGEST_FOR_STATES: Duration = Duration::from_secs(5);

/// What stands before a target; both lanes go through it.
#[derive(Debug)]
pub(super) struct Gate {
    has_states: bool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    rate: RateLimit,
    breaker: Breaker,
    /// Until when the target has asked to be left alone.
    asked: Option<Instant>,
}

/// Whether the target may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pass {
    /// Now.
    Go,
    /// After this long: it would be too often before.
    Soon(Duration),
    /// Not before this long from now: it does not answer, or has asked for it.
    Wait(Duration),
}

impl Gate {
    /// Before a target that takes so many requests, and states or none.
    pub(super) fn new(pace: Pace, has_states: bool) -> Self {
        let rate = RateLimit::new(pace.per_second, pace.at_once);
        Self { has_states, state: Mutex::new(State { rate, breaker: breaker(has_states), asked: None }) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whoever delivers begins with a target that may answer.
    pub(super) fn open(&self) {
        let mut state = self.lock();
        (state.breaker, state.asked) = (breaker(self.has_states), None);
    }

    /// Who is let go tells what came of it, by [`Self::tell`].
    pub(super) fn pass(&self, now: Instant) -> Pass {
        let mut state = self.lock();
        if let Some(until) = state.asked.filter(|until| now < *until) {
            return Pass::Wait(until - now);
        }
        if let Err(wait) = state.rate.take(now) {
            return Pass::Soon(wait);
        }
        match state.breaker.may(now) {
            Permit::Go | Permit::Probe => Pass::Go,
            Permit::Wait(wait) => Pass::Wait(wait),
        }
    }

    /// What came of asking.
    pub(super) fn tell(&self, outcome: &Outcome, now: Instant) {
        let mut state = self.lock();
        match outcome {
            Outcome::Again { after: Some(after), .. } => {
                // It answers: only not now.
                state.breaker.succeeded();
                state.asked = Some(now + *after);
            }
            Outcome::Again { after: None, .. } | Outcome::Shut { .. } => state.breaker.failed(now),
            Outcome::Accepted | Outcome::Partly(_) | Outcome::Refused { .. } | Outcome::TooLarge { .. } => {
                state.breaker.succeeded();
            }
        }
    }

    /// Whether the target is left alone because it does not answer.
    pub(super) fn is_open(&self) -> bool {
        self.lock().breaker.is_open()
    }
}

fn breaker(has_states: bool) -> Breaker {
    if has_states { Breaker::at_most(LONGEST_FOR_STATES) } else { Breaker::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn again(after: Option<Duration>) -> Outcome {
        Outcome::Again { reason: "503".to_owned(), after }
    }

    #[test]
    fn r18_a_target_that_asks_for_time_gets_it_and_is_not_taken_for_dead() {
        let (gate, now) = (Gate::new(Pace::default(), true), Instant::now());
        let minute = Duration::from_mins(1);
        assert_eq!(gate.pass(now), Pass::Go);
        gate.tell(&again(Some(minute)), now);
        assert_eq!(gate.pass(now), Pass::Wait(minute));
        assert!(!gate.is_open());
        assert_eq!(gate.pass(now + minute), Pass::Go);
    }

    #[test]
    fn r16_one_that_does_not_answer_is_tried_by_one_request_every_five_seconds() {
        let (gate, mut now) = (Gate::new(Pace::default(), true), Instant::now());
        for _ in 0..5 {
            assert_eq!(gate.pass(now), Pass::Go);
            gate.tell(&again(None), now);
        }
        for _ in 0..10 {
            let Pass::Wait(wait) = gate.pass(now) else { panic!("it is left alone") };
            assert!(wait <= LONGEST_FOR_STATES, "{wait:?}");
            now += wait;
            assert_eq!(gate.pass(now), Pass::Go);
            assert!(matches!(gate.pass(now), Pass::Wait(_)), "one tries");
            gate.tell(&again(None), now);
        }
        now += LONGEST_FOR_STATES;
        assert_eq!(gate.pass(now), Pass::Go);
        gate.tell(&Outcome::Accepted, now);
        assert!(!gate.is_open());
    }

    #[test]
    fn no_more_is_asked_in_a_second_than_the_target_takes() {
        let (gate, now) = (Gate::new(Pace { per_second: 2, at_once: 3 }, false), Instant::now());
        let passes: Vec<_> = (0..4).map(|_| gate.pass(now)).collect();
        assert_eq!(passes[..3], [Pass::Go; 3]);
        assert_eq!(passes[3], Pass::Soon(Duration::from_millis(500)));
    }
}
