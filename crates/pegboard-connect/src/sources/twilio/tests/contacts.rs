use pegboard_model::{ContactLeg, Direction, Millis};
use proptest::prelude::*;

use super::super::{ContactSettings, Event, MAX_TASK_EVENTS, TaskBook, TooManyEvents};
use super::{EPOCH, callback, event, reservation, task};

fn legs_of(events: &[Event], settings: &ContactSettings) -> Vec<ContactLeg> {
    let mut book = TaskBook::default();
    for event in events {
        book.take(event).unwrap();
    }
    let mut legs = book.legs(settings);
    legs.sort_by(|a, b| a.id.cmp(&b.id));
    legs
}

/// `kind`, milliseconds since the epoch, more fields: events with ids in this order.
fn story(told: &[(&str, i64, String)]) -> Vec<Event> {
    let one = |(number, (kind, at, more)): (usize, &(&str, i64, String))| {
        event(&callback(&format!("EV{number:03}"), kind, *at, more))
    };
    told.iter().enumerate().map(one).collect()
}

/// Waits from 3.250 s, rings from 10 s, is answered at 14 s, talks until 74 s, worked on until 90 s.
fn answered() -> Vec<Event> {
    let of = |version| task(3) + &reservation("WR1", version);
    story(&[
        ("task-queue.entered", 3_250, task(3)),
        ("reservation.created", 10_000, of(0)),
        ("reservation.accepted", 14_000, of(1)),
        ("reservation.wrapup", 74_000, of(2)),
        ("reservation.completed", 90_000, of(3)),
        ("task.completed", 90_100, task(3)),
    ])
}

#[test]
fn an_answered_contact_is_one_leg_with_its_stay() {
    let legs = legs_of(&answered(), &ContactSettings::default());
    let [leg] = &legs[..] else { panic!("{legs:?}") };
    let (stay, agent) = (leg.queue.as_ref().unwrap(), leg.agent.as_ref().unwrap());
    assert_eq!(leg.id.to_string(), "WR1");
    assert_eq!(stay.entered.unwrap().as_millis(), EPOCH + 3_250, "the event is finer than the date");
    assert_eq!((stay.waited, stay.rang), (Some(Millis::new(10_750)), Some(Millis::new(4_000))));
    assert_eq!((agent.talk, agent.hold, agent.acw), (Millis::new(60_000), Millis::ZERO, Millis::new(16_000)));
    assert_eq!(leg.disconnected.unwrap().as_millis(), EPOCH + 74_000);
    assert_eq!(&*agent.login, "ann@example.com");
    assert!(!leg.handed_on && !leg.transferred_in && leg.direction == Direction::Inbound);
}

#[test]
fn a_lost_event_of_entering_is_made_good_by_any_other() {
    let mut events = answered();
    events.remove(0);
    let legs = legs_of(&events, &ContactSettings::default());
    assert_eq!(legs.len(), 1);
    assert_eq!(legs[0].queue.as_ref().unwrap().waited, Some(Millis::new(11_000)), "to the second");
}

#[test]
fn a_contact_that_goes_on_is_not_over() {
    let events = &answered()[..3];
    let legs = legs_of(events, &ContactSettings::default());
    assert_eq!((legs.len(), legs[0].disconnected), (1, None));
    assert_eq!(legs_of(&events[..2], &ContactSettings::default()), [], "nobody has it, and it waits");
}

#[test]
fn who_leaves_while_waiting_has_abandoned_unless_the_table_says_otherwise() {
    let canceled = |reason: &str| {
        let over = task(3) + "&TaskCanceledReason=" + reason;
        story(&[
            ("task-queue.entered", 3_000, task(3)),
            ("reservation.created", 9_000, task(3) + &reservation("WR1", 0)),
            ("reservation.canceled", 11_900, task(3) + &reservation("WR1", 1)),
            ("task.canceled", 12_000, over),
        ])
    };
    let settings =
        ContactSettings { not_abandoned: ["redirected".to_owned()].into(), ..ContactSettings::default() };
    for (reason, handed_on) in [("hangup", false), ("", false), ("Redirected", true)] {
        let legs = legs_of(&canceled(reason), &settings);
        let [leg] = &legs[..] else { panic!("{legs:?}") };
        assert_eq!(leg.id.to_string(), "WT1/WQ1/1767225603");
        assert!(leg.agent.is_none());
        assert_eq!(leg.handed_on, handed_on, "{reason}");
        assert_eq!(leg.queue.as_ref().unwrap().waited, Some(Millis::new(9_000)));
    }
}

#[test]
fn an_overflow_leaves_one_queue_and_enters_another() {
    let other = task(30).replace("WQ1", "WQ2").replace("Sales", "All");
    let events = story(&[
        ("task-queue.entered", 3_000, task(3)),
        ("task-queue.timeout", 29_500, task(3)),
        ("task-queue.entered", 30_000, other.clone()),
        ("reservation.created", 31_000, other.clone() + &reservation("WR1", 0)),
        ("reservation.accepted", 33_000, other.clone() + &reservation("WR1", 1)),
        ("task.completed", 60_000, other),
    ]);
    let legs = legs_of(&events, &ContactSettings::default());
    let [answered, left] = &legs[..] else { panic!("{legs:?}") };
    assert_eq!(&*answered.queue.as_ref().unwrap().queue.name, "All");
    assert_eq!(
        answered.agent.as_ref().unwrap().talk,
        Millis::new(27_000),
        "the task ends what its agent did not"
    );
    assert!(left.handed_on && left.queue.as_ref().unwrap().waited == Some(Millis::new(26_500)), "{left:?}");
}

#[test]
fn a_transfer_is_a_second_leg_and_names_who_passed_it_on() {
    let second = task(50).replace("WQ1", "WQ2");
    let ben = |version| second.clone() + &reservation("WR2", version).replace("WK1", "WK2");
    let events = story(&[
        ("task-queue.entered", 3_000, task(3)),
        ("reservation.accepted", 10_000, task(3) + &reservation("WR1", 1)),
        ("task.transfer-initiated", 49_000, task(3) + "&TransferInitiatingReservationSid=WR1"),
        ("task-queue.entered", 50_000, second.clone()),
        ("reservation.created", 51_000, ben(0)),
        ("reservation.accepted", 55_000, ben(1)),
        ("reservation.wrapup", 56_000, task(3) + &reservation("WR1", 2)),
        ("reservation.completed", 58_000, task(3) + &reservation("WR1", 3)),
        ("reservation.completed", 80_000, ben(3)),
    ]);
    let legs = legs_of(&events, &ContactSettings::default());
    let [first, second] = &legs[..] else { panic!("{legs:?}") };
    assert!(first.handed_on && first.agent.as_ref().unwrap().passed_on && !first.transferred_in);
    assert!(second.transferred_in && !second.handed_on);
    assert_eq!(second.queue.as_ref().unwrap().waited, Some(Millis::new(5_000)));
    assert_eq!(&*second.initiation, "TRANSFER");
}

#[test]
fn what_is_off_unless_asked_for_is_not_told_of() {
    let outbound = |text: &str| text.replace("inbound", "outbound");
    let mail = |text: &str| text.replace("voice", "email");
    for (change, settings) in [
        (
            &outbound as &dyn Fn(&str) -> String,
            ContactSettings { outbound: true, ..ContactSettings::default() },
        ),
        (&mail, ContactSettings { written: true, ..ContactSettings::default() }),
    ] {
        let text = callback("EV1", "reservation.accepted", 9_000, &(task(3) + &reservation("WR1", 1)));
        let events = [event(&change(&text))];
        assert_eq!(legs_of(&events, &ContactSettings::default()), []);
        assert_eq!(legs_of(&events, &settings).len(), 1);
    }
}

#[test]
fn r28_one_event_more_than_is_kept_of_a_task_is_refused() {
    let mut book = TaskBook::default();
    let mut one = event(&callback("EV", "task.created", 0, &task(0)));
    for number in 0..MAX_TASK_EVENTS {
        one.id = number.to_string().as_str().into();
        book.take(&one).unwrap();
    }
    assert_eq!(book.take(&one), Ok(()), "told again");
    one.id = "one more".into();
    assert_eq!(book.take(&one), Err(TooManyEvents));
}

proptest! {
    #[test]
    fn r02_order_and_repetition_change_nothing(order in Just((0..6).chain(0..6).collect::<Vec<usize>>()).prop_shuffle()) {
        let events = answered();
        let shuffled: Vec<Event> = order.into_iter().map(|at| events[at].clone()).collect();
        prop_assert_eq!(
            legs_of(&shuffled, &ContactSettings::default()),
            legs_of(&events, &ContactSettings::default())
        );
    }
}
