//! A session of one agent, from sign-in to sign-out.

use std::fs;
use std::path::Path;

use pegboard_model::Timestamp;
use pegboard_sinks::aspect::{Columns, Message, Object, Rta, RtaSettings, Step};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::support::{Table, objects, steps, text};

/// Like the session that Amazon Connect has told of in 2018, but with what came since.
const SESSION: &str = include_str!("fixtures/session.json");

fn records(list: &str) -> Vec<String> {
    let records: Vec<&RawValue> = serde_json::from_str(list).unwrap();
    records.into_iter().map(|record| record.get().to_owned()).collect()
}

fn event_time(record: &str) -> Timestamp {
    let event: Value = serde_json::from_str(record).unwrap();
    event["EventTimestamp"].as_str().unwrap().parse().unwrap()
}

/// The objects, where every event is read at once when it happens.
fn objects_of(records: &[String]) -> Vec<Object> {
    objects(records.iter().map(|record| (event_time(record), record.as_str())), Columns::default()).0
}

#[test]
fn every_event_with_a_user_has_a_line_and_every_five_minutes_an_object() {
    let written = objects_of(&records(SESSION));
    let shown: Vec<_> = written
        .iter()
        .map(|object| format!("== {}\n{}", object.key, String::from_utf8_lossy(&object.body)))
        .collect();
    insta::assert_snapshot!(shown.concat());
}

#[test]
fn the_table_and_the_queue_follow_the_session() {
    let shown = steps(&records(SESSION)).into_iter().map(|Step { table, message }| {
        let table = table.map(|write| {
            let mut request = write.request("AspectRta");
            if let Some(event) = request.pointer_mut("/Item/RawAgentEventJSon/S") {
                assert_eq!(*event, message.body);
                *event = "the message".into();
            }
            format!("{} {request:#}\n", write.operation())
        });
        let Message { agent: _, queue, group, deduplication, body } = message;
        format!("{}queue {queue} {group} {deduplication}\n{body}\n", table.unwrap_or_default())
    });
    insta::assert_snapshot!(shown.collect::<String>());
}

#[test]
fn an_event_that_comes_twice_counts_once() {
    let once = records(SESSION);
    let twice: Vec<_> = once.iter().flat_map(|record| [record.clone(), record.clone()]).collect();
    assert_eq!(text(&objects_of(&twice)), text(&objects_of(&once)));
    assert_eq!(steps(&twice), steps(&once));
}

/// The eleven events of 2018; says so on stderr where they are not at hand.
fn session_of_2018() -> Option<Vec<String>> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/aspect"));
    let path = path.join("connect_agent_events_one_session_2018.json");
    if !path.exists() {
        eprintln!("skipped: the session of 2018 is not there");
        return None;
    }
    Some(records(&fs::read_to_string(path).unwrap()))
}

#[test]
fn the_session_of_2018_has_one_signed_in_span() {
    let Some(records) = session_of_2018() else { return };
    let written = objects_of(&records);
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).from_reader(text(&written).into_bytes().leak() as &[u8]);
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    assert!(rows.iter().all(|row| row.len() == 13 && &row[1] == "jane.doe" && &row[12] == "null"));
    let types: Vec<_> = rows.iter().map(|row| &row[10]).collect();
    // The sign-in, the first of the eleven, names nobody.
    assert_eq!(types, ["A", "A", "0", "0", "0", "0", "0", "0", "0", "0"]);
    let times: Vec<_> = rows.iter().map(|row| &row[7]).collect();
    assert_eq!((times[0], times[2]), ("2018-05-16 16:23:19.019", "2018-05-16 16:32:59.059"));
    assert_eq!(written.len(), 10, "an object for each five minutes from 16:10 to 17:00");
    assert_eq!(written[0].body, b"\n", "from 16:10 to 16:15 there was the sign-in only");
}

#[test]
fn the_session_of_2018_ends_with_an_empty_table() {
    let Some(records) = session_of_2018() else { return };
    let (mut table, mut rta) = (Table::default(), Rta::new(RtaSettings::default()));
    let mut states = Vec::new();
    for (sequence, record) in (0..).zip(&records) {
        let step = rta.take(sequence, record.as_bytes()).unwrap().unwrap();
        step.table.iter().for_each(|write| table.apply(write));
        states.push(table.states().first().map(|state| (*state).to_owned()));
        let body: Value = serde_json::from_str(&step.message.body).unwrap();
        let mut expected: Value = serde_json::from_str(record).unwrap();
        expected.as_object_mut().unwrap().remove("PreviousAgentSnapshot");
        if let Some(Value::Object(configuration)) =
            expected.pointer_mut("/CurrentAgentSnapshot/Configuration")
        {
            configuration.remove("RoutingProfile");
        }
        assert_eq!(body, expected);
    }
    let (break_, lunch) = (Some("Break"), Some("Lunch"));
    let expected = [
        Some(""),
        Some("Available"),
        Some("Available"),
        break_,
        break_,
        lunch,
        lunch,
        None,
        None,
        None,
        None,
    ];
    assert_eq!(states.iter().map(Option::as_deref).collect::<Vec<_>>(), expected);
}
