//! The order of arrival does not matter, copies change nothing, and a stop changes nothing.

use pegboard_engine::timeline::append;
use pegboard_engine::track::Arrival;
use pegboard_engine::{Timeline, TimelinePolicy, Track};
use pegboard_model::{Observation, Segment};
use proptest::prelude::*;

use crate::generate::{Evidence, cases, evidence, evidence_in_order, policy};
use crate::support::place;

/// All that came of some evidence.
#[derive(Debug, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) segments: Vec<Segment>,
    pub(crate) track: Track,
}

pub(crate) fn outcome(evidence: &[Observation], policy: &TimelinePolicy) -> Outcome {
    let (timeline, track) = Timeline::derive("a0".into(), evidence.to_vec(), policy).expect("some evidence");
    let begins = track.begins().expect("a beginning");
    assert_eq!((timeline.begins, timeline.before), (begins.at, begins.before));
    Outcome { segments: timeline.segments, track }
}

/// The evidence with copies of some of it, each with a place of its own behind the original.
fn with_copies(evidence: &Evidence, copies: &[usize]) -> Evidence {
    let copied = evidence.iter().enumerate().cycle().zip(copies).flat_map(|((index, seen), count)| {
        (0..*count).map(move |copy| Observation {
            order: place("z", (1000 * (copy + 1) + index) as u64),
            ..seen.clone()
        })
    });
    evidence.iter().cloned().chain(copied).collect()
}

/// Evidence, and the same with copies in another order.
fn shuffled() -> impl Strategy<Value = (Evidence, Evidence)> {
    (evidence(), prop::collection::vec(0..3_usize, 24)).prop_flat_map(|(evidence, copies)| {
        let arrived = with_copies(&evidence, &copies);
        (Just(evidence), Just(arrived).prop_shuffle())
    })
}

/// Evidence with copies that stand anywhere, in two orders.
fn shuffled_twice() -> impl Strategy<Value = (Evidence, Evidence)> {
    let places = prop::collection::vec((prop::sample::select(vec!["a", "p", "q"]), 0..40_u64), 0..12);
    (evidence(), places).prop_flat_map(|(mut evidence, places)| {
        let length = evidence.len();
        for (index, (partition, position)) in places.into_iter().enumerate() {
            // The fraction of a place that no original has keeps two events from sharing one.
            let order = place(partition, 100 + position * 100 + index as u64);
            evidence.push(Observation { order, ..evidence[(index * 7) % length].clone() });
        }
        (Just(evidence.clone()).prop_shuffle(), Just(evidence).prop_shuffle())
    })
}

/// Reads evidence as it arrives, the way a live source does: what is late is derived again from all there is.
pub(crate) fn live(arrivals: &[Observation], policy: &TimelinePolicy) -> Outcome {
    let mut kept: Evidence = Vec::new();
    let mut track = Track::default();
    let mut segments = Vec::new();
    for seen in arrivals {
        match track.arrival(seen) {
            Arrival::Duplicate => {}
            Arrival::Next => {
                kept.push(seen.clone());
                track.apply(seen, policy, &mut |segment| append(&mut segments, segment));
            }
            Arrival::Late => {
                kept.push(seen.clone());
                let again = outcome(&kept, policy);
                (segments, track) = (again.segments, again.track);
                segments.pop();
            }
        }
    }
    append(&mut segments, track.open_segment().expect("a state"));
    Outcome { segments, track }
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn r02_any_order_and_any_duplication_of_arrival_gives_the_same_timeline(
        (evidence, arrived) in shuffled(),
        policy in policy(),
    ) {
        prop_assert_eq!(outcome(&evidence, &policy), outcome(&arrived, &policy));
    }

    #[test]
    fn r02_copies_may_stand_anywhere((one, other) in shuffled_twice(), policy in policy()) {
        prop_assert_eq!(outcome(&one, &policy), outcome(&other, &policy));
    }

    #[test]
    fn r02_reading_live_in_any_order_ends_where_a_replay_does(
        (one, _) in shuffled_twice(),
        policy in policy(),
    ) {
        prop_assert_eq!(live(&one, &policy), outcome(&one, &policy));
    }

    #[test]
    fn in_one_partition_everything_is_next_or_a_duplicate(
        evidence in evidence_in_order(),
        repeats in prop::collection::vec(any::<bool>(), 24),
        policy in policy(),
    ) {
        let mut track = Track::default();
        let mut segments = Vec::new();
        for (seen, repeated) in evidence.iter().zip(repeats) {
            prop_assert_eq!(track.arrival(seen), Arrival::Next);
            track.apply(seen, &policy, &mut |segment| append(&mut segments, segment));
            let again = Observation { order: place("p", 1000), ..seen.clone() };
            prop_assert_eq!(track.arrival(seen), Arrival::Duplicate);
            if repeated {
                prop_assert_eq!(track.arrival(&again), Arrival::Duplicate);
            }
        }
        append(&mut segments, track.open_segment().expect("a state"));
        prop_assert_eq!(Outcome { segments, track }, outcome(&evidence, &policy));
    }

    #[test]
    fn r14_a_track_stored_and_loaded_after_any_event_goes_on_as_if_it_had_never_stopped(
        evidence in evidence_in_order(),
        stops in prop::collection::vec(any::<bool>(), 24),
        policy in policy(),
    ) {
        let mut track = Track::default();
        let mut segments = Vec::new();
        for (seen, stop) in evidence.iter().zip(stops) {
            track.apply(seen, &policy, &mut |segment| append(&mut segments, segment));
            if stop {
                let stored = serde_json::to_string(&track).expect("a track can be stored");
                let loaded: Track = serde_json::from_str(&stored).expect("a track can be loaded");
                prop_assert_eq!(&loaded, &track);
                track = loaded;
            }
        }
        append(&mut segments, track.open_segment().expect("a state"));
        prop_assert_eq!(Outcome { segments, track }, outcome(&evidence, &policy));
    }

    #[test]
    fn an_answer_that_nothing_changed_is_true(evidence in evidence_in_order(), policy in policy()) {
        let mut track = Track::default();
        for seen in &evidence {
            let before = track.open_segment();
            let mut handed_out = 0;
            let changed = track.apply(seen, &policy, &mut |_| handed_out += 1);
            let after = track.open_segment();
            if !changed {
                prop_assert_eq!((handed_out, before), (0, after));
            }
        }
    }
}
