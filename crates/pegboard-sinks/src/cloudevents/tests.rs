//! Events, to the letter.

use pegboard_model::{AgentNow, Class};
use serde_json::{Value, json};

use super::*;
use crate::test_data::{START, at, known, queue, seconds};
use crate::{Known, SourceHealth, StateChange};

fn change(agent: &str, second: i64, number: u64) -> StateChange {
    let now = AgentNow {
        source: "main".into(),
        agent_id: agent.into(),
        agent_login: "jdoe".into(),
        agent_name: "J. \"D\" Doe".into(),
        team: "".into(),
        levels: Default::default(),
        routing_profile: "".into(),
        class: Class::Aux,
        since: at(START) + seconds(second),
        event_id: "Lunch".into(),
        reason: "".into(),
        status_id: None,
        status_name: "Lunch".into(),
        contact_id: None,
        channel: None,
        initiation: None,
        queue_id: None,
        queue_name: None,
    };
    StateChange::new(Some(number), now)
}

fn batches(changes: Vec<StateChange>) -> Vec<Vec<Value>> {
    let known = Known { changes, ..known() };
    let documents = (STATE_EVENTS.encode)(&known).documents;
    documents.iter().map(|document| serde_json::from_slice(&document.body).unwrap()).collect()
}

#[test]
fn a_change_of_state_is_an_event() {
    let event = batches(vec![change("1001", 1, 7)]).remove(0).remove(0);
    let id = event["id"].as_str().unwrap();
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    let mut rest = event.clone();
    rest["id"].take();
    rest["data"].take();
    let expected = json!({
        "specversion": "1.0", "id": null, "source": "/sources/main", "type": "pegboard.agent.state", "subject": "1001",
        "time": "2025-08-01T12:00:01Z", "datacontenttype": "application/json", "sequence": "00000000000000000007", "data": null
    });
    assert_eq!(rest, expected);
    assert_eq!(
        (&event["data"]["agent_name"], &event["data"]["event_id"]),
        (&json!("J. \"D\" Doe"), &json!("Lunch"))
    );
}

#[test]
fn a_source_that_turns_stale_or_fresh_is_an_event_of_the_source() {
    let health = |is_fresh, known_until| SourceHealth {
        source: "main".into(),
        is_fresh,
        since: at(START),
        known_until,
    };
    let told = vec![health(false, Some(at(START) - seconds(300))), health(true, None)];
    let known = Known { health: told, changes: vec![change("1001", 1, 7)], ..known() };
    let document = (STATE_EVENTS.encode)(&known).documents.remove(0);
    let mut events: Vec<Value> = serde_json::from_slice(&document.body).unwrap();
    assert_eq!(events.len(), 3, "before the states that follow");
    assert_ne!(events[0]["id"], events[1]["id"]);
    events[0]["id"].take();
    let expected = json!({
        "specversion": "1.0", "id": null, "source": "/sources/main", "type": "pegboard.source.health", "subject": "main",
        "time": "2025-08-01T12:00:00Z", "datacontenttype": "application/json",
        "data": {
            "source": "main", "health": "stale", "since": "2025-08-01T12:00:00Z", "known_until": "2025-08-01T11:55:00Z"
        }
    });
    assert_eq!(events[0], expected);
    assert_eq!(
        (&events[1]["data"]["health"], &events[1]["data"]["known_until"]),
        (&json!("fresh"), &Value::Null)
    );
}

#[test]
fn the_same_change_has_the_same_id_whatever_its_number_and_no_other_has_it() {
    let id = |change| batches(vec![change])[0][0]["id"].clone();
    assert_eq!(id(change("1001", 1, 7)), id(change("1001", 1, 8)));
    assert_ne!(id(change("1001", 1, 7)), id(change("1001", 2, 7)));
    assert_ne!(id(change("1001", 1, 7)), id(change("1002", 1, 7)));
}

#[test]
fn r28_a_batch_has_a_hundred_events_at_most() {
    let changes = (0..101).map(|second| change("1001", second, 1)).collect();
    assert_eq!(batches(changes).iter().map(Vec::len).collect::<Vec<_>>(), [EVENTS_AT_ONCE, 1]);
}

#[test]
fn rounds_keep_the_order_of_each_agent() {
    let changes = [("a", 1), ("b", 2), ("a", 3), ("a", 4), ("b", 5)];
    let known = Known {
        changes: changes.iter().map(|(agent, second)| change(agent, *second, 1)).collect(),
        ..known()
    };
    let document = (STATE_EVENTS.encode)(&known).documents.remove(0);
    let rounds = rounds(events_of(&document.body).unwrap());
    let of = |event: &BatchedEvent| {
        let event: Value = serde_json::from_str(&event.json).unwrap();
        format!("{}{}", event["subject"].as_str().unwrap(), &event["time"].as_str().unwrap()[18..19])
    };
    let told: Vec<Vec<_>> = rounds.iter().map(|round| round.iter().map(of).collect()).collect();
    assert_eq!(told, [vec!["a1", "b2"], vec!["a3", "b5"], vec!["a4"]]);
    assert_eq!(rounds[0][0].source, "main");
    assert!(events_of(b"{}").is_err());
}

#[test]
fn the_rows_of_an_interval_are_one_event_of_each_source() {
    let mut known = Known { queues: vec![queue("q-1"), queue("q-2")], ..known() };
    known.sources = vec!["amazon-connect".into(), "quiet".into()];
    let report = "queue_interval".parse::<RowReport>().unwrap().report();
    let documents = (report.encoder.encode)(&known).documents;
    let events: Vec<Vec<Value>> =
        documents.iter().map(|document| serde_json::from_slice(&document.body).unwrap()).collect();
    assert_eq!(events.len(), 2);
    let event = &events[0][0];
    assert_eq!(
        (&event["type"], &event["subject"]),
        (&json!("pegboard.report.rows"), &json!("queue_interval"))
    );
    assert_eq!(event["data"]["rows"][1]["queue_id"], "q-2");
    assert_eq!(event["data"]["from"], START);
    assert_eq!(events[1][0]["data"]["rows"], json!([]), "silence is told");
    known.queues[1].offered += 1;
    let corrected: Value =
        serde_json::from_slice(&(report.encoder.encode)(&known).documents[0].body).unwrap();
    assert_ne!(corrected[0]["id"], event["id"]);
}

#[test]
fn r28_an_event_has_eight_mebibytes_at_most() {
    let mut known = Known { queues: vec![queue("q-1")], ..known() };
    known.queues[0].queue_name = "x".repeat(MOST_EVENT_BYTES).as_str().into();
    let encoded = (RowReport::Queues.report().encoder.encode)(&known);
    assert!(encoded.documents.is_empty() && encoded.refused[0].reasons[0].contains("are possible"));
    known.queues[0].queue_name = "x".repeat(MOST_EVENT_BYTES - 2000).as_str().into();
    assert_eq!((RowReport::Queues.report().encoder.encode)(&known).documents.len(), 1);
}
