//! Whole seconds, for targets that take nothing finer.

use pegboard_model::Millis;

/// A duration, which is not negative, in whole seconds, half up. For sums only: rounded parts do not add up.
pub(crate) fn whole_seconds(duration: Millis) -> i64 {
    (duration.get() + 500).div_euclid(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_second_is_a_second() {
        let rounded = [0, 1, 499, 500, 999, 1000, 1499, 1500].map(|ms| whole_seconds(Millis::new(ms)));
        assert_eq!(rounded, [0, 0, 0, 1, 1, 1, 1, 2]);
    }
}
