//! What became of a try to deliver, and when the next one is due: values and pure functions.

use std::time::Duration;

/// What became of a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The target has it, or had the same before.
    Accepted,
    /// The target has all but these.
    Partly(Vec<RefusedItem>),
    /// It may be accepted later.
    Again {
        /// Why not now.
        reason: String,
        /// How long the target asks to be left alone.
        after: Option<Duration>,
    },
    /// It will never be accepted as it is.
    Refused {
        /// Why.
        reason: String,
    },
    /// It will never be accepted in one piece; in [parts](crate::Sink::split) it may be.
    TooLarge {
        /// What the target says.
        reason: String,
    },
    /// Nothing is accepted until somebody acts: the key was refused, the target is not there.
    Shut {
        /// What has to be done.
        reason: String,
    },
}

/// Of what was sent together, one that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedItem {
    /// Of whom or what it is, as the target knows it.
    pub subject: String,
    /// What was sent of it.
    pub payload: String,
    /// Why.
    pub reason: String,
}

/// A lane of delivery: how patient it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Present states: seconds, and the latest wins.
    States,
    /// Reports of intervals: days.
    Rows,
}

impl Lane {
    /// The pause after the first failure.
    const fn first(self) -> Duration {
        match self {
            Self::States => Duration::from_millis(250),
            Self::Rows => Duration::from_secs(5),
        }
    }

    /// The longest pause that nobody asked for.
    const fn longest(self) -> Duration {
        match self {
            Self::States => Duration::from_secs(5),
            Self::Rows => Duration::from_mins(30),
        }
    }

    /// The pause after so many failures in a row, before it is made uneven: it doubles up to the longest.
    fn base(self, failures: u64) -> Duration {
        let doublings = u32::try_from(failures.saturating_sub(1)).unwrap_or(u32::MAX).min(31);
        self.first().saturating_mul(1 << doublings).min(self.longest())
    }

    /// How long to wait after so many failures in a row. It is a fifth longer or shorter than its base, by `seed`, so that many
    /// who failed together do not come back together; what the target asks for is kept to in any case.
    pub fn pause(self, failures: u64, asked: Option<Duration>, seed: u64) -> Duration {
        let thousandths = u32::try_from(mixed(seed ^ failures) % 401).unwrap_or(0) + 800;
        let uneven = self.base(failures) * thousandths / 1000;
        uneven.max(asked.unwrap_or_default())
    }
}

/// A number that looks like chance (the finalizer of `SplitMix64`).
const fn mixed(seed: u64) -> u64 {
    let seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let seed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let seed = (seed ^ (seed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    seed ^ (seed >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LANES: [Lane; 2] = [Lane::States, Lane::Rows];

    #[test]
    fn r18_pauses_double_up_to_the_patience_of_their_lane() {
        let seconds =
            |lane: Lane| (1..=10).map(|failures| lane.base(failures).as_secs_f64()).collect::<Vec<_>>();
        assert_eq!(seconds(Lane::States), [0.25, 0.5, 1.0, 2.0, 4.0, 5.0, 5.0, 5.0, 5.0, 5.0]);
        assert_eq!(seconds(Lane::Rows), [5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0, 1280.0, 1800.0]);
    }

    #[test]
    fn r18_what_the_target_asks_for_is_kept_to_and_never_shortens_the_pause() {
        for lane in LANES {
            let hour = Duration::from_hours(1);
            assert_eq!(lane.pause(1, Some(hour), 7), hour);
            assert_eq!(lane.pause(9, Some(Duration::ZERO), 7), lane.pause(9, None, 7));
        }
    }

    proptest! {
        #[test]
        fn r18_a_pause_is_a_fifth_around_its_base_and_the_base_never_falls(failures in 0_u64.., seed: u64) {
            for lane in LANES {
                let (base, pause) = (lane.base(failures), lane.pause(failures, None, seed));
                prop_assert!(base * 4 / 5 <= pause && pause <= base * 6 / 5, "{pause:?} around {base:?}");
                prop_assert!(base <= lane.base(failures.saturating_add(1)) && base <= lane.longest());
                prop_assert_eq!(pause, lane.pause(failures, None, seed), "the same seed gives the same pause");
            }
        }

        #[test]
        fn r18_those_who_failed_together_do_not_come_back_together(seed: u64) {
            let pauses: std::collections::BTreeSet<_> =
                (0..100).map(|other| Lane::Rows.pause(8, None, seed.wrapping_add(other))).collect();
            prop_assert!(pauses.len() > 50, "{} different ones of 100", pauses.len());
        }
    }
}
