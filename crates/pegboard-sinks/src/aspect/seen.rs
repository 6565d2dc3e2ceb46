//! Which events have been there: a stream delivers at least once.

use std::collections::{HashSet, VecDeque};

use sha2::{Digest, Sha256};

/// How many events are remembered; in a centre of a thousand agents, about those of two hours.
pub const MOST_REMEMBERED: usize = 200_000;

/// The last events, by their ids.
#[derive(Debug, Default)]
pub(super) struct Seen {
    ids: HashSet<u128>,
    order: VecDeque<u128>,
}

impl Seen {
    /// Remembers an event. Answers whether it was not known.
    pub(super) fn is_new(&mut self, id: &str) -> bool {
        let key = Sha256::digest(id).iter().take(16).fold(0, |key, byte| key << 8 | u128::from(*byte));
        if !self.ids.insert(key) {
            return false;
        }
        self.order.push_back(key);
        if self.order.len() > MOST_REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r28_two_hundred_thousand_events_are_remembered_and_the_oldest_forgotten() {
        let mut seen = Seen::default();
        for number in 0..MOST_REMEMBERED {
            assert!(seen.is_new(&number.to_string()));
        }
        assert!(!seen.is_new("0"), "the oldest is still known");
        assert!(seen.is_new("one more"));
        assert_eq!((seen.ids.len(), seen.order.len()), (MOST_REMEMBERED, MOST_REMEMBERED));
        assert!(seen.is_new("0"), "the oldest is forgotten");
        assert!(!seen.is_new("2"), "and nothing else");
    }
}
