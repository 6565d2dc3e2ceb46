use std::sync::Arc;

use pegboard_model::{ContactPhase, Millis, Snapshot, StatusKind, What};

use super::show::show;
use super::*;
use crate::test_data::shared;

fn snapshot(observation: &Observation) -> &Snapshot {
    match &observation.what {
        What::Snapshot(snapshot) | What::Confirmation(snapshot) | What::SignIn(snapshot) => snapshot,
        other => panic!("no snapshot in {other:?}"),
    }
}

#[test]
fn every_shape() {
    insta::assert_snapshot!(show(&decode_all(AGENT_EVENTS)));
}

#[test]
fn what_repeats_is_kept_once() {
    let observations = observations(AGENT_EVENTS);
    let [first, second] = [snapshot(&observations[2]), snapshot(&observations[3])];
    assert!(Arc::ptr_eq(&first.status, &second.status));
    let (Some(first), Some(second)) = (&first.profile, &second.profile) else { panic!("two profiles") };
    assert!(Arc::ptr_eq(first, second));
    let contacts = &snapshot(&observations[5]).contacts;
    let (Some(first), Some(second)) = (&contacts[0].queue, &contacts[1].queue) else { panic!("two queues") };
    assert!(Arc::ptr_eq(first, second));
    assert!(Arc::ptr_eq(&contacts[0].initiation, &contacts[1].initiation));
}

#[test]
fn one_decoder_tells_alike_things_apart() {
    let event = r#"{"AgentARN":"a/1","EventType":"STATE_CHANGE","EventId":"e","EventTimestamp":"2026-03-02T08:00:00Z","CurrentAgentSnapshot":{"AgentStatus":{"ARN":"s/1","Name":"Break","Type":"CUSTOM"},"Configuration":{"Username":"u","FirstName":"A","LastName":"B C","AgentHierarchyGroups":{"Level1":{"Name":"T"}},"RoutingProfile":{"Name":"R"}}}}"#;
    let variants = [
        ("s/1", "s/2"),
        ("CUSTOM", "ROUTABLE"),
        ("\"Break\"", "\"Lunch\""),
        ("\"u\"", "\"v\""),
        ("B C", "B D"),
        ("Level1", "Level2"),
        ("\"T\"", "\"U\""),
        ("\"R\"", "\"S\""),
    ];
    let mut decoder = Decoder::new();
    let mut seen = vec![decoder.decode(event.as_bytes(), order(1)).unwrap()];
    for (from, to) in variants {
        let decoded = decoder.decode(event.replacen(from, to, 1).as_bytes(), order(1)).unwrap();
        assert_eq!(decoded, decode(&event.replacen(from, to, 1)).unwrap(), "not another's copy: {to}");
        assert!(!seen.contains(&decoded), "{to}");
        seen.push(decoded);
    }
}

#[test]
fn a_name_with_an_escape_is_read_as_it_is_meant() {
    let observations = observations(AGENT_EVENTS);
    let profile = snapshot(&observations[1]).profile.as_ref().unwrap();
    assert_eq!(&*profile.name, "Zoë Sample");
    assert_eq!(&*profile.team, "Service / Billing \"North\"");
}

#[test]
fn order_of_fields_does_not_matter() {
    for line in AGENT_EVENTS.lines().chain(CONTACT_RECORDS.lines()) {
        let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).unwrap();
        let fields: Vec<_> = object.iter().rev().map(|(key, value)| format!("{key:?}:{value}")).collect();
        assert_eq!(decode(&format!("{{{}}}", fields.join(","))), decode(line));
    }
}

#[test]
fn the_session_of_2018() {
    let Some(text) = shared("agent-events/aspect-2018-session.ndjson") else { return };
    insta::assert_snapshot!(show(&decode_all(&text)));
}

#[test]
fn after_contact_work_of_the_documented_pair() {
    let Some(text) = shared("agent-events/aws-docs-acw-pair.ndjson") else { return };
    let events = observations(&text);
    let contact = &snapshot(&events[0]).contacts[0];
    assert_eq!((contact.phase, contact.outbound), (ContactPhase::Wrapping, true));
    assert!(snapshot(&events[1]).contacts.is_empty());
    assert_eq!(contact.since.map(|since| events[1].at.since(since)), Some(Millis::new(5005)));
}

#[test]
fn the_documented_heartbeat_with_a_next_status() {
    let Some(text) = shared("agent-events/aws-docs-heartbeat-next-status.json") else { return };
    let [event] = &observations(&text)[..] else { panic!("one event") };
    assert!(matches!(event.what, What::Confirmation(_)));
    let status = &snapshot(event).status;
    assert_eq!((&*status.name, status.kind), ("Available", StatusKind::Routable), "the next one is not yet");
    assert_eq!(status.id, Some("example-ARN".into()), "an ARN without a slash");
}

#[test]
fn an_event_with_blacked_out_arns() {
    let Some(text) = shared("agent-events/readme-2018-07-09-redacted-by-author.json") else { return };
    let [event] = &observations(&text)[..] else { panic!("one event") };
    assert_eq!(event.agent.as_str(), "************");
    assert_eq!(event.id.to_string(), ":**********:-f230-4b1c-ba87-**********");
    assert_eq!(
        snapshot(event).profile.as_ref().map(|profile| &*profile.routing_profile),
        Some("Supp-Class 2")
    );
}
