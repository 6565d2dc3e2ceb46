//! How often a target may be asked.

use std::time::Duration;

use tokio::time::Instant;

/// So many requests a second on average, and so many at once after a pause. Pure: time comes in.
#[derive(Debug, Clone)]
pub struct RateLimit {
    /// The time that one request takes up.
    each: Duration,
    /// How much of that may be saved up.
    saved: Duration,
    /// From when on there is nothing saved up; requests move it on.
    spent_until: Option<Instant>,
}

impl RateLimit {
    /// `per_second` requests on average, at most `at_once` without a pause between. Both are at least one.
    pub fn new(per_second: u32, at_once: u32) -> Self {
        let each = Duration::from_secs(1) / per_second.max(1);
        Self { each, saved: each * (at_once.max(1) - 1), spent_until: None }
    }

    /// Takes a request up, if it may be made now; else says for how long to wait.
    pub fn take(&mut self, now: Instant) -> Result<(), Duration> {
        let spent_until = self.spent_until.map_or(now, |until| until.max(now));
        let ahead = spent_until - now;
        if let Some(wait) = ahead.checked_sub(self.saved).filter(|wait| !wait.is_zero()) {
            return Err(wait);
        }
        self.spent_until = Some(spent_until + self.each);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_was_saved_up_is_spent_at_once_and_then_one_is_had_at_a_time() {
        let start = Instant::now();
        let mut limit = RateLimit::new(10, 3);
        for _ in 0..3 {
            assert_eq!(limit.take(start), Ok(()));
        }
        assert_eq!(limit.take(start), Err(Duration::from_millis(100)));
        let later = start + Duration::from_millis(100);
        assert_eq!(limit.take(later), Ok(()));
        assert_eq!(limit.take(later), Err(Duration::from_millis(100)));
        let much_later = later + Duration::from_hours(1);
        let at_once = (0..10).take_while(|_| limit.take(much_later).is_ok()).count();
        assert_eq!(at_once, 3, "an hour saves up no more than is allowed at once");
    }

    proptest! {
        #[test]
        fn in_no_stretch_there_are_more_than_the_rate_and_what_was_saved(
            per_second in 1_u32..100,
            at_once in 1_u32..20,
            pauses in prop::collection::vec(0_u64..300, 1..200),
        ) {
            let start = Instant::now();
            let mut limit = RateLimit::new(per_second, at_once);
            let mut now = start;
            let mut taken = Vec::new();
            for pause in pauses {
                now += Duration::from_millis(pause);
                match limit.take(now) {
                    Ok(()) => taken.push(now),
                    Err(wait) => prop_assert!(limit.clone().take(now + wait).is_ok(), "after the wait it may be made"),
                }
            }
            for (first, from) in taken.iter().enumerate() {
                for (number, to) in (1_u32..).zip(&taken[first..]) {
                    let allowed = f64::from(at_once) + (*to - *from).as_secs_f64() * f64::from(per_second);
                    prop_assert!(f64::from(number) <= allowed + 1e-6);
                }
            }
        }
    }
}
