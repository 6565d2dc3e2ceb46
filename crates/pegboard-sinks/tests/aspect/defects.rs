//! What the public integration does wrong, and this one does not.
//!
//! Numbered as in `docs/sinks/aspect.md`. The fifth (lines that are dropped when a delivery fails), the sixth and the seventh (encrypted streams
//! in the templates) are no matter of encoding.

use pegboard_sinks::aspect::{AgentEvent, Columns, Productivity, Rta, RtaSettings, Unusable};
use serde_json::{Value, json};

use crate::support::{Event, Table, lines, states, steps, stream};

fn available(id: &str, time: &str) -> Event {
    Event::new(id, time, "Available", "ROUTABLE")
}

fn offline(id: &str, time: &str) -> Event {
    Event::new(id, time, "Offline", "OFFLINE")
}

#[test]
fn defect_1_a_value_with_a_comma_keeps_its_text() {
    let groups = "/CurrentAgentSnapshot/Configuration/AgentHierarchyGroups/Level1/Name";
    let event = available("e-1", "09:00:00").with(groups, "Sales, EMEA");
    let written = lines(&[event.text()]);
    assert!(written.starts_with("111122223333,zoe.sample,\"Sales, EMEA\",null,"), "{written}");
}

#[test]
fn defect_2_a_null_snapshot_is_harmless() {
    let login =
        available("e-1", "08:59:00").with("/EventType", "LOGIN").with("/CurrentAgentSnapshot", Value::Null);
    let records = [login.text(), available("e-2", "09:00:00").text()];
    let taken = steps(&records);
    assert_eq!(taken.len(), 2);
    let request = taken[0].table.as_ref().unwrap().request("t");
    let names: Vec<_> = request["Item"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["AgentARN", "LastEventTimeStamp", "LastEventType", "RawAgentEventJSon"]);
    let mut expected = login.0.clone();
    expected.as_object_mut().unwrap().remove("PreviousAgentSnapshot");
    assert_eq!(taken[0].message.body, expected.to_string());
    assert_eq!(lines(&records).lines().count(), 1, "and the next event is read");
}

#[test]
fn defect_3_what_is_no_json_object_is_harmless() {
    let good = available("e-1", "09:00:00").text();
    let records = ["\"text\"", "[1,2]", "5", "null", "{\"AgentARN\":", "", "{} {}", &good];
    let (mut rta, mut finished) = (Rta::new(RtaSettings::default()), Vec::new());
    let mut productivity = Productivity::new(stream(), Columns::default(), states(), 0);
    let at = "2026-03-02T09:00:00Z".parse().unwrap();
    for (sequence, record) in (0..).zip(records) {
        let is_good = record == good;
        assert_eq!(rta.take(sequence, record.as_bytes()).is_ok(), is_good, "{record}");
        assert_eq!(
            productivity.take(sequence, at, record.as_bytes(), &mut finished).is_ok(),
            is_good,
            "{record}"
        );
    }
    assert_eq!(rta.counts().messages, 1);
    assert_eq!(productivity.counts().lines, 1);
}

#[test]
fn defect_4_a_late_sign_out_does_not_remove_an_agent_who_is_back() {
    let records = [available("e-2", "09:10:00").text(), offline("e-1", "09:00:00").text()];
    let mut table = Table::default();
    let taken = steps(&records);
    taken.iter().filter_map(|step| step.table.as_ref()).for_each(|write| table.apply(write));
    assert_eq!(table.states(), ["Available"]);
    assert_eq!(taken[1].table, None, "it is not even tried");
    assert_eq!(taken.len(), 2, "both are sent");
}

#[test]
fn defect_4_the_table_itself_refuses_a_late_sign_out_after_a_restart() {
    let mut table = Table::default();
    // Each by a program that remembers nothing.
    for event in [available("e-2", "09:10:00"), offline("e-1", "09:00:00")] {
        steps(&[event.text()])
            .iter()
            .filter_map(|step| step.table.as_ref())
            .for_each(|write| table.apply(write));
    }
    assert_eq!(table.states(), ["Available"]);
    assert_eq!(table.refused, 1);
}

#[test]
fn defect_4_a_late_sign_in_does_not_bring_back_an_agent_who_is_gone() {
    let records = [offline("e-2", "09:10:00").text(), available("e-1", "09:00:00").text()];
    let mut table = Table::default();
    steps(&records).iter().filter_map(|step| step.table.as_ref()).for_each(|write| table.apply(write));
    assert_eq!(table.states(), [""; 0]);
}

#[test]
fn defect_8_an_event_without_a_user_makes_no_phantom_agent() {
    let user = "/CurrentAgentSnapshot/Configuration/Username";
    let records = [
        available("e-1", "09:00:00").with("/CurrentAgentSnapshot", Value::Null).text(),
        available("e-2", "09:00:00").with("/CurrentAgentSnapshot/Configuration", Value::Null).text(),
        available("e-3", "09:00:00").with(user, Value::Null).text(),
        available("e-4", "09:00:00").with(user, "").text(),
    ];
    assert_eq!(lines(&records), "");
    assert_eq!(steps(&records).len(), 4, "the queue tells of them all");
}

#[test]
fn defect_9_nothing_that_may_reach_a_log_names_a_person() {
    let record = available("e-1", "09:00:00").text();
    let event = AgentEvent::read(record.as_bytes()).unwrap().unwrap();
    let step = &steps(std::slice::from_ref(&record))[0];
    let broken = record.replace("\"zoe.sample\"", "\"zoe.sample");
    let missing = available("e-1", "09:00:00").with("/EventTimestamp", "zoe.sample").text();
    let refusals = [&broken, &missing].map(|record| AgentEvent::read(record.as_bytes()).unwrap_err());
    assert!(matches!(refusals, [Unusable::NotJson { .. }, Unusable::NotATime { .. }]), "{refusals:?}");
    let shown = format!("{event:?} {step:?} {refusals:?} {} {}", refusals[0], refusals[1]);
    for secret in ["zoe", "Zoe", "Sample"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn defect_10_a_status_that_is_renamed_keeps_its_type() {
    let mut table = pegboard_engine::StatusTable::default();
    table.set("s-Break", pegboard_engine::StatusType::SignedOut);
    let states = pegboard_sinks::aspect::StateTypes::new(table, []);
    let name = "/CurrentAgentSnapshot/AgentStatus/Name";
    for renamed in ["Break", "Pause"] {
        let record = Event::new("e-1", "09:00:00", "Break", "CUSTOM").with(name, renamed).text();
        let event = AgentEvent::read(record.as_bytes()).unwrap().unwrap();
        assert_eq!(states.of(event.status()).as_str(), "0", "{renamed}");
    }
}

#[test]
fn defect_11_the_status_that_is_chosen_next_is_passed_on() {
    let next = json!({ "ARN": "arn:s/agent-state/s-9", "Name": "Lunch", "EnqueuedTimestamp": "2026-03-02T09:00:00Z" });
    let event = available("e-1", "09:00:01").with("/CurrentAgentSnapshot/NextAgentStatus", next.clone());
    let step = &steps(&[event.text()])[0];
    let body: Value = serde_json::from_str(&step.message.body).unwrap();
    assert_eq!(body["CurrentAgentSnapshot"]["NextAgentStatus"], next);
    let request = step.table.as_ref().unwrap().request("t");
    assert_eq!(request["Item"]["RawAgentEventJSon"]["S"], step.message.body, "in the table too");
    assert_eq!(request["Item"]["CurrentState"]["S"], "Available", "the state is still what it is");
}
