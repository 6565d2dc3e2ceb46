//! How long to wait after a failure: doubling, capped, and spread so that shards do not return in step.

use std::time::Duration;

/// The waiting rule for requests that failed for a passing reason.
///
/// The wait after the n-th failure in a row lies between half and all of `base` × 2ⁿ⁻¹, never above
/// `cap`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The longest wait after a first failure.
    pub base: Duration,
    /// The longest wait ever.
    pub cap: Duration,
    /// How many requests in a row may fail within one call before the call returns the error.
    pub attempts: u32,
}

impl Default for Backoff {
    /// 0.25 s doubling to 10 s; a call gives up after 6 failures, which is after about 10 s.
    fn default() -> Self {
        Self { base: Duration::from_millis(250), cap: Duration::from_secs(10), attempts: 6 }
    }
}

impl Backoff {
    /// The wait after `failures` failures in a row (at least 1); `random` spreads it evenly.
    pub(crate) fn delay(&self, failures: u32, random: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        let longest = self.base.saturating_mul(1 << doublings).min(self.cap);
        let share = f64::from(random) / f64::from(u32::MAX);
        longest.mul_f64(share.midpoint(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_longest_wait_doubles_to_the_cap() {
        let backoff = Backoff::default();
        let longest: Vec<u128> = (1..=8).map(|n| backoff.delay(n, u32::MAX).as_millis()).collect();
        assert_eq!(longest, [250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
    }

    #[test]
    fn the_shortest_wait_is_half_of_the_longest() {
        let backoff = Backoff::default();
        assert_eq!(backoff.delay(3, 0), Duration::from_millis(500));
        assert_eq!(backoff.delay(u32::MAX, 0), Duration::from_secs(5));
    }

    proptest! {
        #[test]
        fn every_wait_is_within_its_bounds(failures in 1_u32.., random: u32) {
            let backoff = Backoff::default();
            let wait = backoff.delay(failures, random);
            prop_assert!(wait >= backoff.base / 2 && wait <= backoff.cap);
        }
    }
}
