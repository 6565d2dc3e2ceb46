//! What can happen to a stream on its way: records come twice, late, out of order, or never.

use pegboard_model::{Millis, Timestamp};

use crate::events::Delivered;
use crate::random::Random;

/// How a stream is disturbed. Probabilities are from 0 to 1, each for one record.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Disturbance {
    /// What everything random follows from.
    pub seed: u64,
    /// How likely a record is lost.
    pub lost: f64,
    /// How likely a record comes a second time, up to `late_by` after the first.
    pub twice: f64,
    /// How likely a record comes late.
    pub late: f64,
    /// The greatest delay of one that comes late.
    pub late_by: Millis,
    /// Whether the whole stream is shuffled, whatever the distance.
    pub shuffled: bool,
}

impl Disturbance {
    /// Nothing happens.
    pub const fn none(seed: u64) -> Self {
        Self { seed, lost: 0.0, twice: 0.0, late: 0.0, late_by: Millis::from_minutes(30), shuffled: false }
    }

    /// The stream as it arrives, in order of delivery.
    pub fn disturb<T: Delivered + Clone>(&self, stream: &[T]) -> Vec<T> {
        let mut random = Random::new(self.seed, 3);
        let mut arriving = Vec::with_capacity(stream.len());
        for item in stream {
            if random.chance(self.lost) {
                continue;
            }
            let mut item = item.clone();
            if random.chance(self.late) {
                item.deliver_at(self.delayed(item.delivered(), &mut random));
            }
            if random.chance(self.twice) {
                let mut again = item.clone();
                again.deliver_at(self.delayed(item.delivered(), &mut random));
                arriving.push(again);
            }
            arriving.push(item);
        }
        arriving.sort_by_key(Delivered::delivered);
        if self.shuffled {
            shuffle(&mut arriving, &mut random);
        }
        arriving
    }

    fn delayed(&self, at: Timestamp, random: &mut Random) -> Timestamp {
        let limit = usize::try_from(self.late_by.get()).unwrap_or(0);
        let delay = i64::try_from(random.below(limit + 1)).expect("is at most the limit");
        at + Millis::new(delay)
    }
}

/// Shuffles the records among the times of delivery.
fn shuffle<T: Delivered>(items: &mut [T], random: &mut Random) {
    let times: Vec<_> = items.iter().map(Delivered::delivered).collect();
    random.shuffle(items);
    for (item, at) in items.iter_mut().zip(times) {
        item.deliver_at(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
    struct Parcel {
        number: i64,
        at: Timestamp,
    }

    impl Delivered for Parcel {
        fn delivered(&self) -> Timestamp {
            self.at
        }
        fn deliver_at(&mut self, at: Timestamp) {
            self.at = at;
        }
    }

    fn parcels() -> Vec<Parcel> {
        (0..2000).map(|number| Parcel { number, at: Timestamp::from_seconds(number) }).collect()
    }

    fn numbers(parcels: &[Parcel]) -> Vec<i64> {
        parcels.iter().map(|parcel| parcel.number).collect()
    }

    #[test]
    fn without_a_cause_nothing_happens() {
        assert_eq!(Disturbance::none(1).disturb(&parcels()), parcels());
    }

    #[test]
    fn the_same_seed_disturbs_alike_and_another_does_not() {
        let disturbed = |seed| {
            Disturbance { late: 0.2, twice: 0.1, lost: 0.1, ..Disturbance::none(seed) }.disturb(&parcels())
        };
        assert_eq!(disturbed(4), disturbed(4));
        assert_ne!(disturbed(4), disturbed(5));
    }

    #[test]
    fn late_records_come_late_and_none_is_lost() {
        let late_by = Millis::from_seconds(100);
        let arrived = Disturbance { late: 0.3, late_by, ..Disturbance::none(2) }.disturb(&parcels());
        assert!(
            arrived.is_sorted_by_key(Delivered::delivered)
                && !arrived.is_sorted_by_key(|parcel| parcel.number)
        );
        assert!(
            arrived.iter().all(|parcel| parcel.at.since(Timestamp::from_seconds(parcel.number)) <= late_by)
        );
        let mut all = numbers(&arrived);
        all.sort_unstable();
        assert_eq!(all, numbers(&parcels()));
    }

    #[test]
    fn records_are_lost_and_doubled_at_about_the_rate_that_is_asked_for() {
        let lost = Disturbance { lost: 0.1, ..Disturbance::none(3) }.disturb(&parcels());
        assert!((1740..1860).contains(&lost.len()), "{}", lost.len());
        let doubled = Disturbance { twice: 0.1, ..Disturbance::none(3) }.disturb(&parcels());
        assert!((2140..2260).contains(&doubled.len()), "{}", doubled.len());
    }

    #[test]
    fn a_shuffled_stream_has_every_record_at_any_time() {
        let arrived = Disturbance { shuffled: true, ..Disturbance::none(4) }.disturb(&parcels());
        assert!(arrived.is_sorted_by_key(Delivered::delivered));
        let far = arrived.iter().filter(|parcel| parcel.at != Timestamp::from_seconds(parcel.number)).count();
        assert!(far > 1900, "{far}");
    }
}
