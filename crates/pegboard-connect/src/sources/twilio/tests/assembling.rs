use std::collections::BTreeMap;

use pegboard_model::{ContactEvent, ContactId, ContactLeg, ContactVersion, Timestamp};
use proptest::prelude::*;

use super::super::assemble::{Assembler, kept};
use super::super::{ContactSettings, Event, MAX_TASK_EVENTS, TaskBook};
use super::{callback, event, reservation, task};
use crate::spec::Assemble as _;

/// A contact that waits in two queues, rings twice and is transferred; whoever reads only a part of it takes it for another one.
fn story() -> Vec<Event> {
    let (first, second) = (task(3), task(50).replace("WQ1", "WQ2"));
    let ben = |version| second.clone() + &reservation("WR3", version).replace("WK1", "WK2");
    let told = [
        ("task-queue.entered", 3_250, first.clone()),
        ("reservation.created", 6_000, first.clone() + &reservation("WR1", 0)),
        ("reservation.timeout", 9_000, first.clone() + &reservation("WR1", 1)),
        ("reservation.accepted", 14_000, first.clone() + &reservation("WR2", 1)),
        ("task.transfer-initiated", 49_000, first.clone() + "&TransferInitiatingReservationSid=WR2"),
        ("task-queue.entered", 50_000, second.clone()),
        ("reservation.accepted", 55_000, ben(1)),
        ("reservation.wrapup", 56_000, first.clone() + &reservation("WR2", 2)),
        ("reservation.completed", 58_000, first + &reservation("WR2", 3)),
        ("reservation.completed", 80_000, ben(3)),
        ("task.canceled", 81_000, second),
    ];
    let one = |(number, (kind, at, more)): (usize, &(&str, i64, String))| {
        event(&callback(&format!("EV{number:03}"), kind, *at, more))
    };
    told.iter().enumerate().map(one).collect()
}

/// What is in no version of itself.
fn said(leg: &ContactLeg) -> ContactLeg {
    let version = ContactVersion { updated: Timestamp::MIN, content: 0 };
    ContactLeg { version, ..leg.clone() }
}

/// What a store has at the end that keeps the newest version of each leg, and all events.
fn stored(batches: &[Vec<ContactEvent>]) -> BTreeMap<ContactId, ContactLeg> {
    let assembler = Assembler { contacts: ContactSettings::default() };
    let (mut known, mut legs) = (Vec::<ContactEvent>::new(), BTreeMap::<ContactId, ContactLeg>::new());
    for batch in batches {
        for leg in assembler.legs(&known, batch).unwrap() {
            let before = legs.insert(leg.id.clone(), leg.clone());
            assert!(before.is_none_or(|before| before.version < leg.version), "{leg:?}");
        }
        for event in batch {
            if !known.iter().any(|known| known.id == event.id) {
                known.push(event.clone());
            }
        }
    }
    legs.retain(|_, leg| leg.queue.is_some() || leg.agent.is_some());
    legs.into_iter().map(|(id, leg)| (id, said(&leg))).collect()
}

fn whole() -> BTreeMap<ContactId, ContactLeg> {
    let mut book = TaskBook::default();
    for event in story() {
        book.take(&event).unwrap();
    }
    let legs = book.legs(&ContactSettings::default());
    legs.iter().map(|leg| (leg.id.clone(), said(leg))).collect()
}

proptest! {
    #[test]
    fn r02_however_events_come_and_are_cut_the_same_contacts_are_stored(
        order in Just((0..11).chain(0..11).collect::<Vec<usize>>()).prop_shuffle(),
        cuts in proptest::collection::vec(1_usize..6, 22),
    ) {
        let events = story();
        let mut left = order.iter().map(|at| kept(&events[*at]).unwrap());
        let mut batches = Vec::new();
        for cut in cuts {
            batches.push(left.by_ref().take(cut).collect::<Vec<_>>());
        }
        prop_assert_eq!(stored(&batches), whole());
    }
}

#[test]
fn a_leg_that_turns_out_to_be_none_counts_nowhere() {
    let assembler = Assembler { contacts: ContactSettings::default() };
    let events: Vec<_> = story().iter().filter_map(kept).collect();
    let (answer, rest): (Vec<_>, Vec<_>) =
        events.into_iter().partition(|event| event.id.to_string() == "EV006");
    let abandoned = assembler.legs(&[], &rest).unwrap();
    let left =
        abandoned.iter().find(|leg| leg.agent.is_none()).expect("it seems to have left the second queue");
    let after = assembler.legs(&rest, &answer).unwrap();
    let gone = after.iter().find(|leg| leg.id == left.id).expect("it is taken back");
    assert!(gone.queue.is_none() && gone.version > left.version, "{gone:?}");
}

#[test]
fn what_is_kept_of_an_event_holds_nothing_of_its_attributes() {
    let told = story().iter().filter_map(kept).map(|event| event.body).collect::<String>();
    assert!(told.contains("ann@example.com") && !told.contains("+491"), "{told}");
}

#[test]
fn r28_a_task_with_more_events_than_are_kept_holds_up_nobody() {
    let assembler = Assembler { contacts: ContactSettings::default() };
    let [one, two] = [0, 1].map(|at| kept(&story()[at]).unwrap());
    let copy = |number: usize| ContactEvent { id: number.to_string().as_str().into(), ..one.clone() };
    let known: Vec<_> = (0..=MAX_TASK_EVENTS).map(copy).collect();
    assert_eq!(assembler.legs(&known, &[two]), Ok(Vec::new()));
}

#[test]
fn an_event_that_cannot_be_read_is_named() {
    let assembler = Assembler { contacts: ContactSettings::default() };
    let mut event = kept(&story()[0]).unwrap();
    event.body.truncate(9);
    let refused = assembler.legs(&[event], &[kept(&story()[1]).unwrap()]).unwrap_err();
    assert!(refused.starts_with("event EV000 of WT1: "), "{refused}");
}
