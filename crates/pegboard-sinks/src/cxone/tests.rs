//! Bodies for CXone, to the byte.

use pegboard_model::{AgentNow, AgentProfile, Class, Fixed, Millis, State, Status, StatusKind, Timestamp};

use super::agent_states::tells;
use super::{AGENT_ACTIVITY, AGENT_STATES, KEYS, QUEUE_REPORT};
use crate::mapping::{AgentMapping, AgentRow, QueueMapping, QueueRow, Scope, WfmAgent, WfmQueue};
use crate::test_data::{activity, agent, agent_queue, known, queue, seconds, state};
use crate::{Encoded, Interval, Known, UnmappedPolicy};

fn text(encoded: &Encoded) -> String {
    assert_eq!(encoded.refused, []);
    let bodies = encoded
        .documents
        .iter()
        .map(|document| format!("{}: {}", document.name, String::from_utf8(document.body.clone()).unwrap()));
    bodies.collect::<Vec<_>>().join("\n").replace(r#"":["#, "\":[\n ").replace("},{", "},\n {")
}

#[test]
fn the_body_of_an_interval() {
    let known = Known {
        queues: vec![queue("q-1")],
        agent_queues: vec![agent_queue("1001", "q-1")],
        agents: vec![agent("1001")],
        ..known()
    };
    insta::assert_snapshot!(text(&(QUEUE_REPORT.encode)(&known)));
}

#[test]
fn every_key_can_be_renamed() {
    fn keys_of(value: &serde_json::Value, keys: &mut std::collections::BTreeSet<String>) {
        match value {
            serde_json::Value::Array(items) => items.iter().for_each(|item| keys_of(item, keys)),
            serde_json::Value::Object(entries) => entries.iter().for_each(|(key, value)| {
                keys.insert(key.clone());
                keys_of(value, keys);
            }),
            _ => {}
        }
    }
    let mut known = Known {
        queues: vec![queue("q-1")],
        agent_queues: vec![agent_queue("1001", "q-1")],
        agents: vec![agent("1001")],
        states: vec![state("1001", 0, Some(10), Class::Aux, "Lunch")],
        ..known()
    };
    known.activities = vec![activity(&known.states[0])];
    let mut keys = std::collections::BTreeSet::new();
    for encoder in [QUEUE_REPORT, AGENT_STATES, AGENT_ACTIVITY] {
        for document in (encoder.encode)(&known).documents {
            keys_of(&serde_json::from_slice(&document.body).unwrap(), &mut keys);
        }
    }
    assert_eq!(keys.iter().map(String::as_str).collect::<Vec<_>>(), KEYS);
}

#[test]
fn an_activity_is_whole_in_the_interval_in_which_it_ends() {
    let mut known = known();
    let end = known.intervals[0].end;
    known.intervals.push(Interval { start: end, end: end + Millis::from_minutes(15) });
    known.activities = [(-3600, 10), (10, 11), (11, 900), (900, 901)]
        .map(|(from, to)| activity(&state("1001", from, Some(to), Class::Aux, "Lunch")))
        .into();
    insta::assert_snapshot!(text(&(AGENT_ACTIVITY.encode)(&known)));
}

#[test]
fn an_interval_without_anything_has_all_three_reports() {
    let encoded = (QUEUE_REPORT.encode)(&known());
    insta::assert_snapshot!(text(&encoded));
}

#[test]
fn several_queues_are_one_and_their_percentage_is_made_again() {
    let to = WfmQueue { id: "care".into(), name: "Customer care".into() };
    let row = |queue: &str| QueueRow {
        queue: queue.into(),
        channel: None,
        direction: None,
        scope: Scope::default(),
        to: to.clone(),
    };
    let mut known = Known { queues: vec![queue("q-1"), queue("q-2")], ..known() };
    known.queues[1].answered_in_sl = 0;
    known.queues[1].service_level_pct = Fixed::percent(0, 20);
    known.mapping.queues = QueueMapping::new(vec![row("q-1"), row("q-2")]);
    let encoded = (QUEUE_REPORT.encode)(&known);
    let body: serde_json::Value = serde_json::from_slice(&encoded.documents[0].body).unwrap();
    let line = &body["queueReport"][0];
    assert_eq!(line["queueId"], "care");
    assert!(body["queueReport"][1].is_null());
    for (key, value) in [
        ("contactsReceived", 44.0),
        ("handledShort", 17.0),
        ("handledLong", 19.0),
        ("serviceLevelPercent", 42.5),
        ("workTime", 165.0),
    ] {
        assert_eq!(line[key].as_f64(), Some(value), "{key}");
    }
    assert!(encoded.unmapped.is_empty());
}

#[test]
fn what_no_row_names_is_listed_and_sent_or_held() {
    let row = AgentRow {
        agent: "1001".into(),
        scope: Scope::default(),
        to: WfmAgent { id: "P1".into(), value: "".into() },
    };
    let mut known = Known { agents: vec![agent("1001"), agent("1002")], ..known() };
    known.mapping.agents = AgentMapping::new(vec![row]);
    let ids = |encoded: &Encoded| -> Vec<String> {
        let body: serde_json::Value = serde_json::from_slice(&encoded.documents[0].body).unwrap();
        let lines = body["agentSystemPerformanceReport"].as_array().unwrap().clone();
        lines.iter().map(|line| line["agentId"].as_str().unwrap().to_owned()).collect()
    };
    let sent = (QUEUE_REPORT.encode)(&known);
    assert_eq!(ids(&sent), ["1002", "P1"]);
    known.mapping.settings.unmapped = UnmappedPolicy::Hold;
    let held = (QUEUE_REPORT.encode)(&known);
    assert_eq!(ids(&held), ["P1"]);
    for encoded in [sent, held] {
        let listed: Vec<_> = encoded.unmapped.entries().map(|seen| seen.id.to_string()).collect();
        assert_eq!(listed, ["1002"]);
    }
}

#[test]
fn a_person_who_is_two_agents_is_never_signed_in_for_longer_than_there_is_time() {
    let row = |agent: &str| AgentRow {
        agent: agent.into(),
        scope: Scope::default(),
        to: WfmAgent { id: "P".into(), value: "pat".into() },
    };
    let mut known = Known { agents: vec![agent("a"), agent("b")], ..known() };
    known.mapping.agents = AgentMapping::new(vec![row("a"), row("b")]);
    known.states = vec![
        state("a", 0, Some(0), Class::SignedOut, "LOGIN"),
        state("a", 0, Some(600), Class::Available, "Available"),
        state("b", 0, Some(300), Class::SignedOut, "Offline"),
        state("b", 300, Some(300), Class::SignedOut, "LOGIN"),
        state("b", 300, Some(400), Class::Talk, "VOICE-INBOUND-CONNECTED"),
        state("b", 400, None, Class::Aux, "Break"),
        state("a", 600, None, Class::SignedOut, "LOGOUT"),
    ];
    let body: serde_json::Value =
        serde_json::from_slice(&(QUEUE_REPORT.encode)(&known).documents[0].body).unwrap();
    let line = &body["agentSystemPerformanceReport"][0];
    assert_eq!((line["agentId"].as_str(), line["agentValue"].as_str()), (Some("P"), Some("pat")));
    let times = ["readyTime", "notReady", "loginTime"].map(|key| line[key].as_i64().unwrap());
    assert_eq!(times, [500, 300, 900], "talk from 300 to 400, available until 600, then the break");
    let states: serde_json::Value =
        serde_json::from_slice(&(AGENT_STATES.encode)(&known).documents[0].body).unwrap();
    let seen: Vec<_> = states["agentStates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|state| {
            let text = |key: &str| state[key].as_str().unwrap().to_owned();
            (text("eventTime")[14..19].to_owned(), text("eventId"))
        })
        .collect();
    let expected = [
        ("00:00", "LOGIN"),
        ("00:00", "Available"),
        ("05:00", "VOICE-INBOUND-CONNECTED"),
        ("06:40", "Available"),
        ("10:00", "Break"),
    ];
    assert_eq!(seen, expected.map(|(at, event)| (at.to_owned(), event.to_owned())));
    let sequences: Vec<_> = states["agentStates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|state| state["sequence"].as_i64().unwrap())
        .collect();
    assert!(sequences.is_sorted_by(|earlier, later| earlier < later), "{sequences:?}");
}

#[test]
fn states_are_messages_in_the_order_of_the_feed() {
    let mut known = known();
    known.states = vec![
        state("1", -60, Some(0), Class::SignedOut, ""),
        state("1", 0, Some(0), Class::SignedOut, "LOGIN"),
        state("1", 0, Some(100), Class::Aux, "Lunch"),
        state("2", 50, None, Class::Unknown, "Available"),
        state("1", 100, Some(102), Class::Ringing, "VOICE-INBOUND-CONNECTING"),
        state("1", 102, Some(200), Class::Aux, "Lunch"),
        state("1", 200, None, Class::SignedOut, "LOGOUT"),
    ];
    known.mapping.settings.states_per_message = 2;
    let encoded = (AGENT_STATES.encode)(&known);
    insta::assert_snapshot!(text(&encoded));
    let listed: Vec<_> = encoded.unmapped.entries().map(|seen| (seen.id.to_string(), seen.count)).collect();
    assert_eq!(listed, [("Lunch".to_owned(), 2)]);

    known.mapping.settings.shortest_state = seconds(3);
    known.mapping.settings.states_per_message = 100;
    let debounced = (AGENT_STATES.encode)(&known);
    let body: serde_json::Value = serde_json::from_slice(&debounced.documents[0].body).unwrap();
    let events: Vec<_> = body["agentStates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|state| state["eventId"].as_str().unwrap())
        .collect();
    assert_eq!(events, ["LOGIN", "Lunch", "LOGOUT"], "the call was gone before it rang");
}

#[test]
fn a_report_that_would_be_refused_is_held_back_and_says_why() {
    let mut known = Known {
        queues: vec![queue("q-1"), queue("q-2")],
        agent_queues: vec![agent_queue("1001", "q-2")],
        agents: vec![agent("1001")],
        ..known()
    };
    known.queues[0].offered = 23;
    known.queues[1].hold_s = seconds(30);
    known.agents[0].available_s = seconds(850);
    known.intervals[0].end = known.intervals[0].start + Millis::from_minutes(10);
    let encoded = (QUEUE_REPORT.encode)(&known);
    assert!(encoded.documents.is_empty());
    insta::assert_snapshot!(encoded.refused[0].reasons.join("\n"));
}

#[test]
fn what_is_held_for_a_row_or_unknown_is_not_told() {
    let now = |class, status: &str| {
        let status = Status { id: None, name: status.into(), kind: StatusKind::Aux };
        let profile = AgentProfile::default();
        let (status, contact) = (Some(status.into()), None);
        let state = State { class, status, contact, signed_out: false, profile: profile.clone().into() };
        AgentNow::new(&"main".into(), &"1001".into(), Timestamp::default(), &state, &profile)
    };
    let mut mapping = known().mapping;
    assert!(tells(&mapping, &now(Class::Aux, "Weird")), "it is sent under its own name");
    mapping.settings.unmapped = UnmappedPolicy::Hold;
    assert!(tells(&mapping, &now(Class::Aux, "Break")) && !tells(&mapping, &now(Class::Aux, "Weird")));
    assert!(!tells(&mapping, &now(Class::Unknown, "Break")));
    mapping.settings.stale_event = Some("Weird".into());
    assert!(tells(&mapping, &now(Class::Aux, "Weird")), "a site's own word for a stale source needs no row");
}
