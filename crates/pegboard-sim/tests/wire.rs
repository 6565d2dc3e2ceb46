//! The lines are JSON of the platform's shape.

mod common;

use common::day;
use pegboard_sim::events::EventKind;
use pegboard_sim::wire::Writer;
use serde_json::Value;

#[test]
fn every_agent_event_is_json_of_the_platforms_shape() {
    let day = day(2);
    let writer = Writer::new(day.organisation.clone());
    for event in day.agent_events.iter().step_by(7) {
        let line = writer.agent_event_json(event);
        assert!(!line.contains('\n'));
        let json: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(json["AgentARN"].as_str(), Some(&*writer.agent_arn(event.agent)));
        assert_eq!(json["EventId"], event.id.to_string());
        assert_eq!(json["EventType"], event.kind.as_str());
        assert_eq!(json["EventTimestamp"].as_str().map(str::len), Some("2026-03-02T00:00:00.000Z".len()));
        assert_eq!(json["EventTimestamp"].as_str().unwrap().parse(), Ok(event.at));
        assert_snapshot(&json["CurrentAgentSnapshot"]);
        match event.kind {
            EventKind::HeartBeat => assert_eq!(json["PreviousAgentSnapshot"], json["CurrentAgentSnapshot"]),
            _ if event.previous.is_none() => assert!(json["PreviousAgentSnapshot"].is_null()),
            _ => assert_snapshot(&json["PreviousAgentSnapshot"]),
        }
    }
}

fn assert_snapshot(snapshot: &Value) {
    let status = &snapshot["AgentStatus"];
    assert!(status["ARN"].as_str().is_some_and(|arn| arn.contains("/agent-state/")));
    assert!(matches!(status["Type"].as_str(), Some("ROUTABLE" | "CUSTOM" | "OFFLINE")), "{status}");
    let configuration = &snapshot["Configuration"];
    for level in ["Level1", "Level2", "Level3"] {
        assert!(configuration["AgentHierarchyGroups"][level]["Name"].is_string());
    }
    assert!(configuration["AgentHierarchyGroups"]["Level5"].is_null());
    let profile = &configuration["RoutingProfile"];
    assert!(profile["DefaultOutboundQueue"]["ARN"].is_string());
    let own_queue = &profile["InboundQueues"][0];
    assert!(
        own_queue["Name"].is_null()
            && own_queue["ARN"].as_str().is_some_and(|arn| arn.contains("/queue/agent/"))
    );
    for contact in snapshot["Contacts"].as_array().expect("is a list") {
        assert!(contact["State"].is_string() && contact["StateStartTimestamp"].is_string(), "{contact}");
        assert!(contact.get("Queue").is_some() && contact.get("ConnectedToAgentTimestamp").is_some());
    }
}

#[test]
fn slots_are_taken_by_contacts() {
    let day = day(2);
    let writer = Writer::new(day.organisation.clone());
    let busy = day.agent_events.iter().find(|event| event.current.contacts.len() == 2).unwrap();
    let json: Value = serde_json::from_str(&writer.agent_event_json(busy)).unwrap();
    let slots =
        json["CurrentAgentSnapshot"]["Configuration"]["RoutingProfile"]["Concurrency"].as_array().unwrap();
    let taken: i64 = slots
        .iter()
        .map(|slot| slot["MaximumSlots"].as_i64().unwrap() - slot["AvailableSlots"].as_i64().unwrap())
        .sum();
    assert_eq!(taken, 2);
}

#[test]
fn every_contact_record_is_json_of_the_platforms_shape() {
    let day = day(2);
    let writer = Writer::new(day.organisation.clone());
    let mut seams = 0;
    for record in &day.contact_records {
        let line = writer.contact_record_json(record);
        seams += usize::from(line.contains("}{"));
        let json: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(json["ContactId"], record.leg.id.to_string());
        assert_eq!(json["DisconnectTimestamp"].as_str().map(str::len), Some("2026-03-02T00:00:00Z".len()));
        assert_eq!(json["LastUpdateTimestamp"].as_str().unwrap().parse(), Ok(record.updated));
        assert_eq!(json["Agent"].is_null(), record.leg.handling.is_none());
        if let Some(queued) = record.leg.enqueued.zip(record.leg.dequeued) {
            let whole_seconds = queued.1.since(queued.0).get() / 1000;
            assert_eq!(json["Queue"]["Duration"], whole_seconds);
        }
        let attributes = json["Attributes"].as_object().unwrap();
        assert_eq!(
            attributes.keys().filter(|key| key.starts_with("survey")).count(),
            record.edition as usize
        );
    }
    assert!(seams > 20, "some attributes look like the seam between two records: {seams}");
}

/// The agent events of the platform's own documentation have no field that the simulated ones lack.
#[test]
fn fields_are_those_of_real_events() {
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/amazon-connect/");
    let real = std::fs::read_to_string(format!("{samples}agent-events/aws-docs-heartbeat-next-status.json"));
    let real_record = std::fs::read_to_string(format!(
        "{samples}contact-records/redelivery-2022-01-05-three-copies.ndjson"
    ));
    let (Ok(real), Ok(real_record)) = (real, real_record) else {
        eprintln!("skipped: no samples in {samples}");
        return;
    };
    let day = day(2);
    let writer = Writer::new(day.organisation.clone());
    let event = day.agent_events.iter().find(|event| event.current.next.is_some()).unwrap();
    let record = day.contact_records.iter().find(|record| record.leg.handling.is_some()).unwrap();
    let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert_has_fields("", &parse(&writer.agent_event_json(event)), &parse(&real));
    assert_has_fields(
        "",
        &parse(&writer.contact_record_json(record)),
        &parse(real_record.lines().next().unwrap()),
    );
}

fn assert_has_fields(path: &str, simulated: &Value, real: &Value) {
    if let (Some(simulated), Some(real)) = (simulated.as_object(), real.as_object())
        && !path.ends_with("Attributes")
    {
        for (name, value) in real {
            let path = format!("{path}/{name}");
            assert!(simulated.contains_key(name), "{path}");
            assert_has_fields(&path, &simulated[name], value);
        }
    }
}
