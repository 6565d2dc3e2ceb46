//! A stream that loses events, and snapshots of the truth among what is left: what the snapshots saw is right, whatever
//! arrives when.

use std::sync::Arc;

use pegboard_engine::TimelinePolicy;
use pegboard_model::{
    AgentProfile, EventId, Millis, Observation, Segment, Snapshot, Status, StatusKind, Text, Timestamp, What,
};
use proptest::prelude::*;

use crate::generate::{Evidence, cases};
use crate::laws_of_order::{live, outcome};
use crate::support::{at, place};

/// What an agent was in, and since when: each status is another one than that before.
type Truth = Vec<(Timestamp, Text)>;

/// A day of changes, what is left of the stream, and when there was a look.
#[derive(Debug, Clone)]
struct Day {
    truth: Truth,
    evidence: Evidence,
    looks: Vec<Timestamp>,
}

fn snapshot(since: Timestamp, name: &Text) -> Snapshot {
    let status = Status { id: None, name: name.clone(), kind: StatusKind::Aux };
    let profile = AgentProfile { login: "ann".into(), ..AgentProfile::default() };
    Snapshot {
        status: Arc::new(status),
        status_since: Some(since),
        contacts: Vec::new(),
        profile: Some(Arc::new(profile)),
    }
}

fn seen(at: Timestamp, partition: &str, number: usize, what: What) -> Observation {
    let order = place(partition, number as u64);
    Observation {
        agent: "a0".into(),
        at,
        order,
        id: EventId::from(format!("{partition}{number}").as_str()),
        what,
    }
}

/// The state in truth at an instant.
fn state_at(truth: &Truth, time: Timestamp) -> &(Timestamp, Text) {
    truth.iter().rev().find(|(since, _)| *since <= time).expect("the day has begun")
}

/// The segment at an instant.
fn segment_at(segments: &[Segment], time: Timestamp) -> &Segment {
    let lasts = |segment: &&Segment| segment.start <= time && segment.end.is_none_or(|end| time < end);
    segments.iter().find(lasts).expect("there is no gap")
}

prop_compose! {
    fn day()(
        changes in prop::collection::vec((1..900_i64, 1..4_usize, prop::bool::weighted(0.3)), 1..20),
        looks in prop::collection::btree_set(0..12_000_i64, 1..12),
    ) -> Day {
        let names: Vec<Text> = ["Break", "Lunch", "Training", "Coaching"].map(Text::from).into();
        let (mut time, mut name) = (at("09:00"), 0);
        let mut truth = vec![(time, names[name].clone())];
        let mut evidence = vec![seen(time, "stream", 0, What::Snapshot(snapshot(time, &names[name])))];
        for (number, (gap, step, lost)) in changes.into_iter().enumerate() {
            time = time + Millis::from_seconds(gap);
            name = (name + step) % names.len();
            truth.push((time, names[name].clone()));
            if !lost {
                let what = What::Snapshot(snapshot(time, &names[name]));
                evidence.push(seen(time, "stream", number + 1, what));
            }
        }
        // Between two events: half a second after a whole one.
        let looks: Vec<_> = looks.into_iter().map(|look| at("09:00") + Millis::new(look * 1000 + 500)).collect();
        for (number, look) in looks.iter().enumerate() {
            let (since, name) = state_at(&truth, *look);
            evidence.push(seen(*look, "snapshots", number, What::Snapshot(snapshot(*since, name))));
        }
        Day { truth, evidence, looks }
    }
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn r10_at_every_look_the_timeline_is_the_truth_whatever_was_lost(
        (day, arrived) in day().prop_flat_map(|day| (Just(day.clone()), Just(day.evidence).prop_shuffle())),
    ) {
        let policy = TimelinePolicy::default();
        let derived = outcome(&day.evidence, &policy);
        for look in &day.looks {
            let (_, name) = state_at(&day.truth, *look);
            let segment = segment_at(&derived.segments, *look);
            prop_assert_eq!(segment.state.status.as_ref().map(|status| &status.name), Some(name));
        }
        prop_assert_eq!(live(&arrived, &policy), derived, "late events go where they belong");
    }

    #[test]
    fn where_nothing_was_lost_a_look_changes_nothing(day in day()) {
        let policy = TimelinePolicy::default();
        let told: Evidence = day.truth.iter().enumerate().map(|(number, (since, name))| {
            seen(*since, "stream", number, What::Snapshot(snapshot(*since, name)))
        }).collect();
        let looks = day.evidence.iter().filter(|seen| seen.order.partition.as_str() == "snapshots");
        let both: Evidence = told.iter().chain(looks).cloned().collect();
        prop_assert_eq!(outcome(&both, &policy).segments, outcome(&told, &policy).segments);
    }
}
