//! Reproducible randomness, and the few distributions that a contact centre needs.

use pegboard_model::Millis;
use rand_core::{Rng, SeedableRng};
use rand_pcg::Pcg64;

use crate::events::Uuid;

/// A stream of random numbers that is the same for the same seed and purpose, always.
#[derive(Debug, Clone)]
pub struct Random(Pcg64);

impl Random {
    /// The stream of `seed` for one `purpose`. Two purposes of one seed are independent of each other.
    pub fn new(seed: u64, purpose: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        bytes[16..24].copy_from_slice(&purpose.to_le_bytes());
        Self(Pcg64::from_seed(bytes))
    }

    /// A number from 0 to just below 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are what a double holds")]
    pub fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True with the given probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// An index below `count`, which must not be 0.
    pub fn below(&mut self, count: usize) -> usize {
        let wide = u128::from(self.0.next_u64()) * count as u128;
        usize::try_from(wide >> 64).expect("is below a usize")
    }

    /// An index below `count`, but not `taken` if there is any other.
    pub fn below_but(&mut self, count: usize, taken: usize) -> usize {
        if count < 2 {
            return taken;
        }
        (taken + 1 + self.below(count - 1)) % count
    }

    /// A duration of at least `low` and less than `high` seconds.
    pub fn seconds(&mut self, low: f64, high: f64) -> Millis {
        millis(low + self.unit() * (high - low))
    }

    /// A duration of at least `low` and less than `high` minutes.
    pub fn minutes(&mut self, low: f64, high: f64) -> Millis {
        self.seconds(low * 60.0, high * 60.0)
    }

    /// The time to the next of events that come independently, one every `mean` seconds.
    pub fn exponential(&mut self, mean: f64) -> Millis {
        millis(-mean * (1.0 - self.unit()).ln())
    }

    /// A duration with a long tail: mean in seconds, and standard deviation as a part of the mean.
    pub fn lognormal(&mut self, mean: f64, variation: f64) -> Millis {
        let variance = (1.0 + variation * variation).ln();
        let location = mean.ln() - variance / 2.0;
        millis((location + variance.sqrt() * self.normal()).exp())
    }

    /// A number of the standard normal distribution, by Box and Muller.
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// One of the choices, which must not be empty.
    pub fn choose<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    /// Puts the items in a random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    /// A UUID, marked as a random one.
    pub fn uuid(&mut self) -> Uuid {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.0.next_u64().to_le_bytes());
        bytes[8..].copy_from_slice(&self.0.next_u64().to_le_bytes());
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Uuid(bytes)
    }
}

/// Seconds as whole milliseconds.
#[expect(clippy::cast_possible_truncation, reason = "saturates, and no duration here is that long")]
fn millis(seconds: f64) -> Millis {
    Millis::new((seconds * 1000.0).round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::cast_precision_loss)]
    fn mean_seconds(count: i64, mut draw: impl FnMut() -> Millis) -> f64 {
        let total: Millis = (0..count).map(|_| draw()).sum();
        total.get() as f64 / 1000.0 / count as f64
    }

    #[test]
    fn distributions_have_the_mean_they_promise() {
        let mut random = Random::new(1, 0);
        let near =
            |mean: f64, expected: f64| assert!((mean / expected - 1.0).abs() < 0.03, "{mean} for {expected}");
        near(mean_seconds(50_000, || random.exponential(40.0)), 40.0);
        near(mean_seconds(50_000, || random.lognormal(255.0, 0.8)), 255.0);
        near(mean_seconds(50_000, || random.seconds(2.0, 8.0)), 5.0);
    }

    #[test]
    fn a_seed_and_a_purpose_name_a_stream() {
        let draw = |seed, purpose| Random::new(seed, purpose).uuid();
        assert_eq!(draw(7, 1), draw(7, 1));
        assert_ne!(draw(7, 1), draw(8, 1));
        assert_ne!(draw(7, 1), draw(7, 2));
    }

    #[test]
    fn a_shuffle_keeps_every_item() {
        let mut items: Vec<_> = (0..100).collect();
        Random::new(3, 0).shuffle(&mut items);
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }
}
