//! What a WFM would be sent, as files.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use pegboard_model::Timestamp;
use serde_json::Value;

use super::{FILES, small_day};
use crate::support::binary::replay;

/// The files below a folder, by name, in order.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            found.extend(files(&path).into_iter().map(|(below, body)| (format!("{name}/{below}"), body)));
        } else {
            found.insert(name, fs::read(&path).unwrap());
        }
    }
    found
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn json(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap()
}

#[test]
fn what_cannot_be_encoded_is_refused_before_anything_is_read() {
    let folder = tempfile::tempdir().unwrap();
    small_day(folder.path());
    for (arguments, said) in [
        (
            "--encode cxone --out out",
            &["no encoding 'cxone'", "the encodings are", "cxone-agent-activity"][..],
        ),
        (
            "--encode cxone-agent-activity,iexx,cxone-agent-activity --out out",
            &["no encoding 'iexx'", "'cxone-agent-activity' is there twice"],
        ),
        ("--encode cxone-agent-activity", &["--out"]),
        ("--encode cxone-queue-report --pegging acw_end --out out", &["disconnect", "acw_end"]),
        ("--encode cxone-queue-report --mapping tables --out out", &["tables", "cannot be read"]),
        ("--report sessions --mapping tables", &["--encode"]),
        ("--encode cxone-agent-activity --interval 60m --out out", &["intervals of 15m", "60m"]),
    ] {
        replay(folder.path(), &format!("{FILES} {arguments}")).refused(64, said);
    }
    assert!(!folder.path().join("out").exists());
}

#[test]
fn files_that_are_there_already_are_named_and_stay() {
    let folder = tempfile::tempdir().unwrap();
    small_day(folder.path());
    let arguments = format!("{FILES} --encode cxone-agent-activity --report sessions --out out");
    let out = folder.path().join("out");
    fs::create_dir(&out).unwrap();
    for name in ["20260302T081500Z.json", "20260302T090000Z.json"] {
        fs::write(out.join(name), "mine").unwrap();
    }
    fs::write(out.join("something-else.txt"), "mine").unwrap();
    replay(folder.path(), &arguments).refused(64, &["20260302T081500Z.json", "20260302T090000Z.json"]);
    assert_eq!(files(&out).len(), 3, "nothing was written");
    assert!(files(&out).values().all(|body| body == b"mine"));
}

#[test]
fn every_activity_is_in_the_interval_in_which_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    small_day(folder.path());
    let arguments =
        format!("{FILES} --encode cxone-agent-activity --report activities --format json --out out");
    replay(folder.path(), &arguments).well();
    let mut written = files(&folder.path().join("out"));
    let rows: Vec<Value> = serde_json::from_slice(&written.remove("activities.json").unwrap()).unwrap();
    let mut expected: Vec<(String, String, String)> = rows
        .iter()
        .filter(|row| row["end"].is_string() && row["event_id"] != "")
        .map(|row| {
            ["agent_id", "end", "event_id"].map(|column| row[column].as_str().unwrap().to_owned()).into()
        })
        .collect();
    let mut sent = Vec::new();
    for (name, body) in &written {
        let body = json(body);
        let (start, end) = (body["startDate"].as_str().unwrap(), body["endDate"].as_str().unwrap());
        assert_eq!(*name, format!("{}.json", start.replace(['-', ':'], "")));
        assert_eq!((&body["acdType"], &body["reportVersion"]), (&"AMAZON_CONNECT".into(), &"1.0".into()));
        for agent in body["reportData"].as_array().unwrap() {
            for activity in agent["activities"].as_array().unwrap() {
                let ended = activity["endTime"].as_str().unwrap();
                assert!(at(start) <= at(ended) && at(ended) < at(end), "{activity} in {name}");
                let id = agent["agentId"].as_str().unwrap().to_owned();
                sent.push((id, ended.to_owned(), activity["eventId"].as_str().unwrap().to_owned()));
            }
        }
    }
    sent.sort();
    expected.sort();
    // What lasts when the input ends is cut there by the report, and is not completed for a WFM.
    expected.retain(|(_, end, _)| at(end) < at("2026-03-02T10:00:00Z"));
    assert!(!sent.is_empty());
    assert_eq!(sent, expected);
}

/// The records of a small day that tell of agents, in order.
fn agent_events(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("agent-events.ndjson")).unwrap();
    text.lines().map(|line| json(line.as_bytes())).collect()
}

#[test]
fn aspect_has_a_line_and_a_message_for_every_agent_event_in_order() {
    let folder = tempfile::tempdir().unwrap();
    small_day(folder.path());
    fs::write(folder.path().join("statuses.csv"), "StateName,StateType\nbreak,0\n").unwrap();
    fs::create_dir(folder.path().join("mapping")).unwrap();
    fs::write(
        folder.path().join("mapping/settings.csv"),
        "setting,value\naspect_columns,12\naspect_table,states\n",
    )
    .unwrap();
    let arguments = format!(
        "{FILES} --statuses statuses.csv --mapping mapping --encode aspect-productivity,aspect-rta --out out"
    );
    let ended = replay(folder.path(), &arguments).well();
    assert_eq!(ended.stderr, "");
    let events = agent_events(folder.path());
    let out = folder.path().join("out");

    let objects = files(&out.join("aspect-productivity"));
    assert!(objects.keys().all(|key| key.starts_with("OUTPUT/2026/03/02/")), "{:?}", objects.keys());
    let text: Vec<u8> = objects.into_values().flatten().collect();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(&text[..]);
    let lines: Vec<_> = reader.records().map(Result::unwrap).collect();
    assert_eq!(lines.len(), events.len());
    assert!(lines.iter().all(|line| line.len() == 12));
    let mut types = BTreeMap::new();
    for (line, event) in lines.iter().zip(&events) {
        let snapshot = &event["CurrentAgentSnapshot"];
        assert_eq!(line[1], snapshot["Configuration"]["Username"]);
        assert_eq!(line[8], snapshot["AgentStatus"]["Name"]);
        assert_eq!(*types.entry(line[8].to_owned()).or_insert(line[10].to_owned()), line[10]);
    }
    for (status, expected) in [("Available", "A"), ("Break", "0"), ("Offline", "0")] {
        assert_eq!(types.get(status).map(String::as_str), Some(expected), "{status}");
    }

    let documents = files(&out.join("aspect-rta"));
    assert!(documents.keys().next().unwrap().starts_with("000001-"));
    let messages: Vec<_> = documents.iter().filter(|(name, _)| name.ends_with("-queue-0.json")).collect();
    let ids = messages.iter().map(|(_, body)| json(body)["MessageDeduplicationId"].clone());
    assert!(ids.eq(events.iter().map(|event| event["EventId"].clone())));
    let changes = events.iter().filter(|event| event["EventType"] != "HEART_BEAT").count();
    let requests: Vec<_> = documents.iter().filter(|(name, _)| name.ends_with("-item.json")).collect();
    assert_eq!((requests.len(), documents.len()), (changes, changes + messages.len()));
    assert!(requests.iter().all(|(_, body)| json(body)["TableName"] == "states"));
}

#[test]
fn a_mapping_names_agents_queues_and_states_and_lists_what_it_does_not() {
    let folder = tempfile::tempdir().unwrap();
    small_day(folder.path());
    let tables = folder.path().join("tables");
    fs::create_dir(&tables).unwrap();
    fs::write(
        tables.join("states.csv"),
        "event_id,activity_code,status,send_as\nAvailable,Open,open,READY\n",
    )
    .unwrap();
    fs::write(tables.join("sources.csv"), "source,prefix\namazon-connect,emea-\n").unwrap();
    fs::write(tables.join("keys.csv"), "key,name\nagentStates,states\n").unwrap();
    fs::write(tables.join("settings.csv"), "setting,value\nacd_type,ACME\nstates_per_message,7\n").unwrap();
    let names = "cxone-agent-states,cxone-queue-report";
    replay(folder.path(), &format!("{FILES} --encode {names} --mapping tables --out out")).well();
    let written = files(&folder.path().join("out"));
    let first = json(&written["cxone-agent-states/000001.json"]);
    assert_eq!(first["acdType"], "ACME");
    let states = first["states"].as_array().unwrap();
    assert_eq!(states.len(), 7);
    assert!(states.iter().all(|state| state["agentId"].as_str().unwrap().starts_with("emea-")));
    let text = written.iter().filter(|(name, _)| name.starts_with("cxone-agent-states/"));
    let text: String = text.map(|(_, body)| String::from_utf8_lossy(body)).collect();
    assert!(text.contains(r#""eventId":"READY""#) && !text.contains(r#""eventId":"Available""#));
    let unmapped = String::from_utf8_lossy(&written["cxone-agent-states/unmapped.csv"]);
    assert!(unmapped.contains("\nstate,amazon-connect,Supervision,"), "{unmapped}");
    assert!(!written.contains_key("cxone-queue-report/unmapped.csv"), "queues and agents have no tables");

    fs::write(tables.join("states.csv"), "event_id,activity_code,status\nLunch,Lunch,maybe\n").unwrap();
    fs::write(tables.join("settings.csv"), "setting,value\nacdtype,ACME\n").unwrap();
    replay(folder.path(), &format!("{FILES} --encode {names} --mapping tables --out out"))
        .refused(64, &["states.csv:2:13", "\"maybe\"", "settings.csv:2:1", "did you mean acd_type?"]);
}
