//! Windows of events, one after the other.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use pegboard_model::{Millis, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{EventsPoller, Pace, Repair, RepairSettings, TaskRouter, Window};
use super::{Played, answer, noon};
use crate::sources::file::Clock;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(noon().as_millis() + millis)
}

/// What happened, and when Twilio lists it, in milliseconds after noon.
type Happened = (i64, i64);

/// Reads a window as Twilio does at `asked`: whole seconds, and only what has appeared.
fn seen(events: &[Happened], window: Window, asked: i64) -> BTreeSet<usize> {
    let from = window.from.as_millis().div_euclid(1000) * 1000;
    let to = -(-window.to.as_millis()).div_euclid(1000) * 1000;
    let listed = events.iter().enumerate().filter(|(_, (happened, late))| {
        let millis = at(*happened).as_millis();
        (from..=to).contains(&millis) && happened + late <= asked
    });
    listed.map(|(number, _)| number).collect()
}

proptest! {
    /// However often, with whatever clock, and however many events a window may have: nothing that happened up to the time that is said to be
    /// complete is missing, and in the end nothing is.
    #[test]
    fn r10_what_is_said_to_be_complete_is(
        events in prop::collection::vec((0_i64..7_200_000, 0_i64..30_000), 0..80),
        polls in prop::collection::vec(0_i64..900_000, 1..30),
        ahead in -60_000_i64..180_000,
        most in 3_usize..40,
    ) {
        let mut repair = Repair::new(at(0), RepairSettings::default());
        let mut given: BTreeSet<usize> = BTreeSet::new();
        let mut time = 0;
        let ends = std::iter::repeat_n(240_000, 60);
        for pause in polls.into_iter().chain(ends) {
            time += pause;
            for _ in 0..200 {
                let next = repair.next(at(time + ahead));
                let read = seen(&events, next.window, time);
                if read.len() > most {
                    // So many in one second are no matter of this test.
                    if repair.halve(&next).is_err() {
                        return Ok(());
                    }
                    continue;
                }
                let before = repair.complete();
                given.extend(&read);
                repair.took(&next, at(time + ahead.min(0)), read.len() <= most / 4);
                prop_assert!(repair.complete() >= before && repair.asks_from() <= repair.complete());
                for (number, (happened, _)) in events.iter().enumerate() {
                    prop_assert!(at(*happened) > repair.complete() || given.contains(&number), "{number} is missing");
                }
                if next.is_last {
                    break;
                }
            }
        }
        prop_assert_eq!(given.len(), events.len());
    }
}

#[test]
fn what_twilio_no_longer_has_is_a_stretch_that_is_lost() {
    let days = |days: i64| Millis::from_hours(24 * days);
    let mut repair = Repair::new(noon() - days(40), RepairSettings::default());
    let next = repair.next(noon());
    let lost = next.lost.clone().unwrap();
    assert_eq!((lost.from, lost.to), (Some(noon() - days(40)), Some(noon() - days(30))));
    assert_eq!(next.window.from, noon() - days(30));
    repair.took(&next, noon(), true);
    assert_eq!(repair.next(noon()).lost, None, "it is told once");
    assert_eq!(Repair::new(noon() - days(30), RepairSettings::default()).next(noon()).lost, None);
}

#[test]
fn r28_a_window_is_an_hour_long_at_most_and_a_second_is_not_halved() {
    let mut repair = Repair::new(noon() - Millis::from_hours(5), RepairSettings::default());
    let next = repair.next(noon());
    assert_eq!(next.window.to.since(next.window.from), Millis::from_hours(1));
    assert!(!next.is_last);
    for _ in 0..12 {
        let next = repair.next(noon());
        repair.halve(&next).unwrap();
    }
    let next = repair.next(noon());
    assert_eq!(next.window.to.since(next.window.from), Millis::from_seconds(1));
    assert!(repair.halve(&next).is_err());
}

/// Twilio with these events, newest first, a thousand a page.
fn twilio(events: Vec<(String, i64)>) -> Arc<Played> {
    Played::new(move |asked| {
        let (path, query) = asked.split_once('?').unwrap();
        let of = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        let time = |name: &str| of(name).unwrap().parse::<Timestamp>().unwrap().as_millis();
        let (from, to) = (time("StartDate"), time("EndDate"));
        let page: usize = of("Page").map_or(0, |page| page.parse().unwrap());
        let within: Vec<_> = events.iter().rev().filter(|(_, millis)| (from..=to).contains(millis)).collect();
        let listed: Vec<Value> = within
            .iter()
            .skip(page * 1000)
            .take(1000)
            .map(|(sid, millis)| json!({ "sid": sid, "event_type": "task.created", "event_date_ms": millis }))
            .collect();
        let is_last = within.len() <= (page + 1) * 1000;
        let first = query.split("&Page=").next().unwrap();
        let next = (!is_last).then(|| format!("{path}?{first}&Page={}", page + 1));
        Ok(answer(200, &[], &json!({ "events": listed, "meta": { "next_page_url": next } }).to_string()))
    })
}

fn poller(played: &Arc<Played>, complete: Timestamp, now: &Arc<AtomicI64>) -> EventsPoller {
    let now = now.clone();
    let clock: Clock = Arc::new(move || at(now.load(Ordering::SeqCst)));
    let base = super::DEFAULT_ADDRESS.parse().unwrap();
    let task_router =
        TaskRouter::new(played.clone(), base, "WS1".parse().unwrap(), Pace::UNHURRIED, clock.clone());
    let settings = RepairSettings { every: Millis::new(0), ..RepairSettings::default() };
    EventsPoller::new(task_router, complete, settings, clock)
}

fn sids(events: &[Vec<u8>]) -> Vec<String> {
    let sid =
        |json: &Vec<u8>| serde_json::from_slice::<Value>(json).unwrap()["sid"].as_str().unwrap().to_owned();
    events.iter().map(sid).collect()
}

#[tokio::test]
async fn each_event_is_given_once_in_order_of_time_and_again_after_going_back() {
    let events = [(10_000, "EV1"), (70_000, "EV2"), (130_000, "EV3")];
    let played =
        twilio(events.iter().map(|(millis, sid)| ((*sid).to_owned(), at(*millis).as_millis())).collect());
    let now = Arc::new(AtomicI64::new(100_000));
    let mut poller = poller(&played, at(0), &now);
    let polled = poller.next().await.unwrap();
    assert_eq!(sids(&polled.events), ["EV1", "EV2"]);
    assert_eq!((polled.complete_until, polled.is_caught_up, polled.lost), (at(70_000), true, None));
    assert_eq!(sids(&poller.next().await.unwrap().events), [""; 0]);
    now.store(200_000, Ordering::SeqCst);
    let polled = poller.next().await.unwrap();
    assert_eq!((sids(&polled.events), polled.complete_until), (vec!["EV3".to_owned()], at(170_000)));
    poller.go_back(at(0));
    assert_eq!(sids(&poller.next().await.unwrap().events), ["EV1", "EV2", "EV3"]);
    let decoded = crate::sources::twilio::decode(
        br#"{"sid":"EV1","event_type":"task.deleted","event_date_ms":1,"event_data":{"task_sid":"WT1"}}"#,
    );
    assert_eq!(decoded.unwrap().events.len(), 1, "one record is a body of its own");
}

#[tokio::test]
async fn r28_a_window_of_more_than_10_000_events_is_asked_for_in_halves() {
    let count = |events: i64| async move {
        let each = 3_000_000 / events;
        let events = (0..events).map(|number| (format!("EV{number}"), at(number * each).as_millis()));
        let played = twilio(events.collect());
        let mut poller = poller(&played, at(0), &Arc::new(AtomicI64::new(3_000_000)));
        let first = poller.next().await.unwrap();
        let mut given = first.events.len();
        let mut is_caught_up = first.is_caught_up;
        while !is_caught_up {
            let polled = poller.next().await.unwrap();
            given += polled.events.len();
            is_caught_up = polled.is_caught_up;
        }
        (first.is_caught_up, given)
    };
    assert_eq!(count(10_000).await, (true, 10_000));
    assert_eq!(count(10_001).await, (false, 10_001));
}

#[tokio::test]
async fn r28_200_000_events_are_remembered_as_given() {
    // What is forgotten comes again, once: nothing is lost by it.
    let mut remembered = super::super::given::Given::default();
    let records = |from: usize, to: usize| (from..to).map(|number| format!("EV{number}"));
    assert!(records(0, 200_000).all(|sid| remembered.is_new(sid, noon())));
    assert!(!remembered.is_new("EV0".to_owned(), noon()));
    assert!(remembered.is_new("EV200000".to_owned(), noon()));
    assert!(remembered.is_new("EV0".to_owned(), noon()), "all were forgotten");
}
