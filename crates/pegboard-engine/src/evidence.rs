//! The one order of an agent's evidence, whatever the order of arrival.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::HashMap;

use pegboard_model::{EventId, Millis, Observation, Order, PartitionId, Timestamp};

/// The earliest event time that a replay accepts: no platform in question existed before.
pub const EARLIEST: Timestamp = Timestamp::from_seconds(1_262_304_000);

/// How far in the future of the machine's clock a live event may lie.
pub const LIVE_TOLERANCE: Millis = Millis::from_minutes(5);

/// Sorts observations of one agent, or references to them, into their order and removes duplicates (same event id at
/// the same instant).
///
/// The order is event time; within one instant, position where the events come from one partition, else event
/// id. Where one instant holds events of several partitions, partitions follow each other by their smallest id:
/// pairwise comparison alone would not be transitive there.
pub fn arrange<T: Borrow<Observation>>(evidence: &mut Vec<T>) {
    evidence.sort_by_key(|seen| seen.borrow().at);
    let mut start = 0;
    let mut arranged = 0;
    while start < evidence.len() {
        let at = evidence[start].borrow().at;
        let length = evidence[start..].iter().take_while(|seen| T::borrow(seen).at == at).count();
        let kept = arrange_instant(&mut evidence[start..start + length]);
        for offset in 0..kept {
            evidence.swap(arranged + offset, start + offset);
        }
        arranged += kept;
        start += length;
    }
    evidence.truncate(arranged);
}

/// Sorts the events of one instant, the events to keep first; answers how many those are.
fn arrange_instant<T: Borrow<Observation>>(events: &mut [T]) -> usize {
    if events.len() < 2 {
        return events.len();
    }
    let kept = copies_last(events);
    let kept_events = &mut events[..kept];
    let partitions = || kept_events.iter().map(|seen| &seen.borrow().order.partition);
    if partitions().all(|partition| *partition == kept_events[0].borrow().order.partition) {
        kept_events.sort_by(|a, b| {
            let (a, b) = (a.borrow(), b.borrow());
            a.order.position.cmp(&b.order.position).then_with(|| a.id.cmp(&b.id))
        });
        return kept;
    }
    let mut smallest: HashMap<PartitionId, EventId> = HashMap::new();
    for seen in kept_events.iter().map(T::borrow) {
        let id = smallest.entry(seen.order.partition.clone()).or_insert_with(|| seen.id.clone());
        if seen.id < *id {
            *id = seen.id.clone();
        }
    }
    kept_events.sort_by(|a, b| {
        let (a, b) = (a.borrow(), b.borrow());
        let partitions = smallest[&a.order.partition].cmp(&smallest[&b.order.partition]);
        partitions.then_with(|| a.order.position.cmp(&b.order.position)).then_with(|| a.id.cmp(&b.id))
    });
    kept
}

/// Moves second copies of an event behind all others; of two copies the smaller position counts.
fn copies_last<T: Borrow<Observation>>(events: &mut [T]) -> usize {
    events.sort_by(|a, b| {
        let (a, b) = (a.borrow(), b.borrow());
        a.id.cmp(&b.id).then_with(|| by_place(&a.order, &b.order))
    });
    let mut kept = 1;
    for index in 1..events.len() {
        if events[index].borrow().id != events[kept - 1].borrow().id {
            events.swap(kept, index);
            kept += 1;
        }
    }
    kept
}

/// Which of two copies of an event counts: the lesser.
pub(crate) fn by_place(a: &Order, b: &Order) -> Ordering {
    a.partition.cmp(&b.partition).then_with(|| a.position.cmp(&b.position))
}

#[cfg(test)]
mod tests {
    use pegboard_model::{Position, What};

    use super::*;

    fn event(at: i64, partition: &str, position: u64, id: &str) -> Observation {
        Observation {
            agent: "a".into(),
            at: Timestamp::from_millis(at),
            order: Order { partition: partition.into(), position: Position::Number(position) },
            id: id.into(),
            what: What::SignOut(None),
        }
    }

    fn arranged(mut events: Vec<Observation>) -> String {
        arrange(&mut events);
        events.iter().map(|seen| seen.id.to_string()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn time_then_position_then_id() {
        let events =
            vec![event(2, "p", 1, "b"), event(1, "p", 9, "z"), event(2, "p", 0, "c"), event(1, "p", 10, "a")];
        assert_eq!(arranged(events), "z a c b");
    }

    #[test]
    fn two_partitions_in_one_instant_follow_their_ids() {
        assert_eq!(arranged(vec![event(1, "q", 1, "a"), event(1, "p", 2, "b")]), "a b");
        // a < b < c by id, but c stands before a in its own partition: the order must not depend on arrival.
        let events = [event(1, "p", 1, "c"), event(1, "p", 2, "a"), event(1, "q", 1, "b")];
        let mut rotated = events.to_vec();
        for _ in 0..3 {
            rotated.rotate_left(1);
            assert_eq!(arranged(rotated.clone()), "c a b");
        }
    }

    #[test]
    fn copies_are_dropped_wherever_they_stand() {
        let events = vec![
            event(1, "p", 3, "a"),
            event(1, "p", 2, "b"),
            event(1, "p", 1, "a"),
            event(1, "p", 4, "b"),
            event(2, "p", 5, "c"),
            event(2, "p", 6, "c"),
        ];
        assert_eq!(arranged(events), "a b c");
    }
}
