//! What Twilio's documents and libraries show as answers.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::super::answer::Page;
use super::super::{
    Activity, EventRecord, HeldReservation, OpenTask, TaskChannel, TaskQueue, Worker, Workflow,
};
use crate::sources::twilio::tests::sample;

/// Reads a list, of which the place, the text and the member are told.
type ReadList = fn(&str, &str, &str) -> usize;

/// Reads one thing, of which the place is told.
type ReadOne = fn(&str, &Value) -> usize;

fn reads<T: DeserializeOwned>(place: &str, body: &str, key: &str) -> usize {
    let page = Page::read(body.as_bytes(), key).unwrap_or_else(|error| panic!("{place}: {error}"));
    page.parse::<T>(key).unwrap_or_else(|error| panic!("{place}: {error}")).len()
}

fn is<T: DeserializeOwned>(place: &str, body: &Value) -> usize {
    let read: Result<T, _> = serde_json::from_value(body.clone());
    read.map_or_else(|error| panic!("{place}: {error}"), |_| 1)
}

/// How many entries of what the hub reads there are in an answer: a list by its member, a single one by its SID.
fn entries(place: &str, body: &Value) -> usize {
    let text = body.to_string();
    let lists: [(&str, ReadList); 7] = [
        ("workers", reads::<Worker>),
        ("activities", reads::<Activity>),
        ("task_queues", reads::<TaskQueue>),
        ("workflows", reads::<Workflow>),
        ("tasks", reads::<OpenTask>),
        ("reservations", reads::<HeldReservation>),
        ("events", |place, body, key| {
            let page = Page::read(body.as_bytes(), key).unwrap_or_else(|error| panic!("{place}: {error}"));
            let records: Vec<_> = page.entries.iter().map(|raw| EventRecord::of(raw)).collect();
            assert!(records.iter().all(|record| record.sid.is_some() && record.at.is_some()), "{place}");
            records.len()
        }),
    ];
    for (key, read) in lists {
        if body.get(key).is_some_and(Value::is_array) {
            return read(place, &text, key);
        }
    }
    let single: [(&str, ReadOne); 7] = [
        ("WK", is::<Worker>),
        ("WA", is::<Activity>),
        ("WQ", is::<TaskQueue>),
        ("TC", is::<TaskChannel>),
        ("WW", is::<Workflow>),
        ("WT", is::<OpenTask>),
        ("WR", is::<HeldReservation>),
    ];
    let sid = body.get("sid").and_then(Value::as_str).unwrap_or_default();
    single.iter().find(|(prefix, _)| sid.starts_with(prefix)).map_or(0, |(_, read)| read(place, body))
}

#[test]
fn every_canned_answer_is_read() {
    let Some(canned) = sample("canned/taskrouter_v1_responses.json") else { return };
    let canned = canned.as_object().unwrap();
    let read: usize = canned.iter().map(|(name, answer)| entries(name, &answer["body"])).sum();
    assert!(read >= 30, "{read} entries are read");
    let channels = &canned["ListTaskChannel.200.readFull"]["body"].to_string();
    assert_eq!(reads::<TaskChannel>("channels", channels, "channels"), 1);
    let worker = canned["ListWorker.200.readFull"]["body"].to_string();
    let page = Page::read(worker.as_bytes(), "workers").unwrap();
    let worker = page.parse::<Worker>("workers").unwrap().remove(0);
    assert_eq!(
        (&*worker.friendly_name, &*worker.activity_name, worker.available),
        ("testWorker", "Offline", Some(false))
    );
    assert_eq!(worker.date_status_changed.unwrap().to_string(), "2017-05-30T23:05:29Z");
}

#[test]
fn every_fixture_of_the_older_python_library_is_read() {
    let Some(fixtures) = sample("canned/twilio_python_7_17_fixtures.json") else { return };
    let fixtures = fixtures.as_object().unwrap().iter().filter(|(name, _)| name.starts_with("taskrouter"));
    let read: usize = fixtures.map(|(name, body)| entries(name, body.get("body").unwrap_or(body))).sum();
    assert!(read >= 25, "{read} entries are read");
}

#[test]
fn what_is_missing_or_null_costs_nothing_and_what_is_wrong_says_where() {
    let page = r#"{"workers":[{"sid":"WK1","attributes":null,"activity_name":null,"date_status_changed":"soon"}],"meta":{}}"#;
    let read = Page::read(page.as_bytes(), "workers").unwrap();
    let worker = read.parse::<Worker>("workers").unwrap().remove(0);
    assert_eq!((worker.attributes, &*worker.activity_name, worker.date_status_changed), (None, "", None));
    let rfc_2822 = r#"{"sid":"WR1","date_updated":"Thu, 01 Jan 2026 12:00:00 +0000"}"#;
    let reservation: HeldReservation = serde_json::from_str(rfc_2822).unwrap();
    assert_eq!(reservation.date_updated, Some(super::noon()));
    let wrong = |body: &str| {
        let page = Page::read(body.as_bytes(), "workers");
        page.and_then(|page| page.parse::<Worker>("workers").map(drop)).unwrap_err().to_string()
    };
    let said = wrong(r#"{"workers":[{"sid":"WK1"},{"sid":["hunter2"]}]}"#);
    assert!(said.contains("workers[1]: sid") && !said.contains("hunter2"), "{said}");
    assert!(wrong("{}").contains("workers: missing"));
    assert!(wrong("<html>").contains("line 1"));
}
