//! Simulated centres: what is written equals what is reckoned here from the records themselves, another way.

use std::collections::{BTreeMap, HashSet};

use pegboard_model::{Millis, Timestamp};
use pegboard_sim::disturb::Disturbance;
use pegboard_sim::wire::Writer;
use pegboard_sim::{Centre, Config};
use pegboard_sinks::aspect::{Columns, MessageGroup, QueueCount, Rta, RtaSettings};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{Table, objects};

const SEEDS: std::ops::Range<u64> = 0..50;

/// The records of a small centre in order of arrival, each with its time of arrival. Some come late, some twice.
fn records(seed: u64) -> Vec<(Timestamp, String)> {
    let start = "2026-03-02T07:00:00Z".parse().unwrap();
    let simulation = Centre::new(Config::new(5, start, 5, seed)).run();
    let disturbance =
        Disturbance { twice: 0.02, late: 0.05, late_by: Millis::from_minutes(20), ..Disturbance::none(seed) };
    let writer = Writer::new(simulation.organisation.clone());
    let arriving = disturbance.disturb(&simulation.agent_events);
    arriving.iter().map(|event| (event.delivered, writer.agent_event_json(event))).collect()
}

/// The events as they come for the first time.
fn firsts(records: &[(Timestamp, String)]) -> Vec<(Timestamp, &str, Value)> {
    let mut known = HashSet::new();
    let parsed =
        records.iter().map(|(at, text)| (*at, text.as_str(), serde_json::from_str::<Value>(text).unwrap()));
    parsed.filter(|(_, _, event)| known.insert(event["EventId"].to_string())).collect()
}

fn word(event: &Value, path: &str) -> String {
    event.pointer(path).and_then(Value::as_str).unwrap_or("null").to_owned()
}

/// The cells of a line.
fn cells(event: &Value) -> Vec<String> {
    let status = word(event, "/CurrentAgentSnapshot/AgentStatus/Name");
    let kind = word(event, "/CurrentAgentSnapshot/AgentStatus/Type");
    let letter = match (status.as_str(), kind.as_str()) {
        ("Supervision", _) | (_, "ROUTABLE") => "A",
        (_, "OFFLINE") | ("Break" | "Lunch", _) => "0",
        _ => "1",
    };
    let mut cells =
        vec![word(event, "/AWSAccountId"), word(event, "/CurrentAgentSnapshot/Configuration/Username")];
    for level in 1..=5 {
        let group = format!("/CurrentAgentSnapshot/Configuration/AgentHierarchyGroups/Level{level}/Name");
        cells.push(word(event, &group));
    }
    let time = word(event, "/EventTimestamp").replace('T', " ").replace('Z', "");
    cells.push(if time.contains('.') { time } else { time + ".000" });
    cells.push(status);
    cells.push(word(event, "/CurrentAgentSnapshot/Contacts/0/State"));
    cells.push(letter.to_owned());
    cells.push(word(event, "/CurrentAgentSnapshot/Configuration/RoutingProfile/Name"));
    cells.push(kind);
    cells
}

#[test]
fn the_objects_of_fifty_centres_hold_every_event_once_in_its_five_minutes() {
    let mut contacts = HashSet::new();
    for seed in SEEDS {
        let records = records(seed);
        let mut expected: BTreeMap<i64, Vec<Vec<String>>> = BTreeMap::new();
        for (at, _, event) in firsts(&records) {
            let cells = cells(&event);
            contacts.insert(cells[9].clone());
            expected.entry(at.as_millis() / 300_000).or_default().push(cells);
        }
        let first = *expected.keys().next().unwrap();
        // What begins after the last of these is not over.
        let last = records.last().unwrap().0.as_millis() / 300_000;
        let slots = last - first + i64::from(expected.contains_key(&last));
        let stream = records.iter().map(|(at, record)| (*at, record.as_str()));
        let (written, counts) = objects(stream, Columns::Thirteen);
        assert!(written.is_sorted_by(|one, next| one.key < next.key), "seed {seed}");
        assert_eq!(written.len(), usize::try_from(slots).unwrap(), "seed {seed}: one for each five minutes");
        for (slot, object) in (first..).zip(&written) {
            let mut reader =
                csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(&object.body[..]);
            let rows: Vec<Vec<String>> =
                reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
            assert_eq!(rows, expected.get(&slot).cloned().unwrap_or_default(), "seed {seed}: {}", object.key);
            assert!(object.body.ends_with(b"\n"), "seed {seed}: {}", object.key);
        }
        let repeated = records.len() - usize::try_from(counts.lines).unwrap();
        assert_eq!(u64::try_from(repeated).unwrap(), counts.repeated, "seed {seed}");
    }
    for state in ["null", "CONNECTING", "CONNECTED", "CONNECTED_ONHOLD", "ENDED", "MISSED"] {
        assert!(contacts.contains(state), "no centre has told of {state}: {contacts:?}");
    }
}

/// The event without the two members, cut out of its text: they stand where the simulator writes them.
fn cut(text: &str) -> String {
    let (head, rest) = text.split_once(r#","RoutingProfile":{"#).unwrap();
    let (_, tail) = rest.split_once(r#","Username":"#).unwrap();
    let (middle, rest) = tail.split_once(r#","PreviousAgentSnapshot":"#).unwrap();
    let (_, version) = rest.rsplit_once(r#","Version":"#).unwrap();
    format!(r#"{head},"Username":{middle},"Version":{version}"#)
}

/// The queue of an agent: the first eight bytes of the digest, the last of them first, read as two's complement.
fn queue(agent: &str, queues: i128) -> usize {
    let digest = Sha256::digest(agent);
    let unsigned: i128 =
        (0..8).zip(&digest[..]).map(|(place, byte)| i128::from(*byte) * 256_i128.pow(place)).sum();
    let signed = if unsigned >= 1 << 63 { unsigned - (1 << 64) } else { unsigned };
    usize::try_from((signed % queues + queues) % queues).unwrap()
}

/// The row that an event leaves behind; none where the agent is offline.
fn row(event: &Value, reduced: &str) -> Option<Value> {
    let status = &event["CurrentAgentSnapshot"]["AgentStatus"];
    if status["Type"] == "OFFLINE" {
        return None;
    }
    let time = |path: &str| {
        let text = word(event, path);
        if text.contains('.') { text } else { text.replace('Z', ".000Z") }
    };
    Some(json!({
        "AgentARN": { "S": event["AgentARN"] },
        "AgentUsername": { "S": event["CurrentAgentSnapshot"]["Configuration"]["Username"] },
        "LastEventType": { "S": event["EventType"] },
        "LastEventTimeStamp": { "S": time("/EventTimestamp") },
        "LastStateChangeTimeStamp": { "S": time("/CurrentAgentSnapshot/AgentStatus/StartTimestamp") },
        "CurrentState": { "S": status["Name"] },
        "RawAgentEventJSon": { "S": reduced },
    }))
}

#[test]
fn the_table_and_the_queues_of_fifty_centres_are_what_their_records_make_them() {
    let (mut late, mut used) = (0, HashSet::new());
    for seed in SEEDS {
        let records = records(seed);
        let queues = u8::try_from(seed % 10 + 1).unwrap();
        let settings = RtaSettings {
            queues: QueueCount::try_from(queues).unwrap(),
            group: if seed % 2 == 0 { MessageGroup::All } else { MessageGroup::Agent },
            filter: None,
        };
        let (mut rta, mut table, mut sent) = (Rta::new(settings), Table::default(), Vec::new());
        // Of each agent the newest event so far, and its row.
        let mut newest: BTreeMap<String, (Timestamp, Option<Value>)> = BTreeMap::new();
        let mut known = HashSet::new();
        for (sequence, (_, text)) in (0..).zip(&records) {
            let event: Value = serde_json::from_str(text).unwrap();
            let step = rta.take(sequence, text.as_bytes()).unwrap();
            let is_first = known.insert(word(&event, "/EventId"));
            assert_eq!(step.is_some(), is_first, "seed {seed}");
            let Some(step) = step else { continue };
            step.table.iter().for_each(|write| table.apply(write));
            sent.push((step.message.queue.index(), step.message.entry()));
            let agent = word(&event, "/AgentARN");
            let at: Timestamp = word(&event, "/EventTimestamp").parse().unwrap();
            if event["EventType"] != "HEART_BEAT" {
                let entry = newest.entry(agent.clone()).or_insert((at, None));
                if at >= entry.0 {
                    *entry = (at, row(&event, &cut(text)));
                } else {
                    late += 1;
                }
            }
            let expected = newest.get(&agent).and_then(|(_, row)| row.as_ref());
            assert_eq!(table.rows.get(&agent), expected, "seed {seed}: after {text}");
        }
        let expected = firsts(&records).into_iter().map(|(_, text, event)| {
            let agent = word(&event, "/AgentARN");
            let group = match seed % 2 {
                0 => "AspectConnectEventsForWfmRTListen_GroupId",
                _ => &agent[agent.len() - 36..],
            };
            let entry = json!({ "MessageBody": cut(text), "MessageDeduplicationId": event["EventId"], "MessageGroupId": group });
            (queue(&agent, queues.into()), entry)
        });
        assert_eq!(sent, expected.collect::<Vec<_>>(), "seed {seed}");
        used.extend(sent.iter().map(|(queue, _)| *queue));
    }
    assert!(late > 50, "only {late} events came late");
    assert!(used.len() > 7, "of ten queues only {used:?} were used");
}
