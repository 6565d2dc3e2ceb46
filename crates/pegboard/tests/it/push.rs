//! An ACD that hands in its records itself, and the program from outside.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use pegboard::clock;
use pegboard_model::Millis;
use serde_json::{Value, json};

use crate::support::serving::Serving;

const KEY: &str = "pbx-1:a secret: with a colon";

/// A source `pbx`, with its key beside the configuration.
fn serve(folder: &Path) -> Serving {
    for (name, text) in [("id", "pbx-1"), ("secret", "a secret: with a colon")] {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let configuration = "[[source]]\nname = \"pbx\"\nkind = \"push\"\n[source.push]\naccess_key_id = \"file:id\"\n\
                         secret_access_key = \"file:secret\"\n";
    Serving::start(folder, configuration)
}

/// An instant so many minutes ago.
fn ago(minutes: u32) -> String {
    (clock::system() - Millis::from_minutes(minutes.into())).to_string()
}

fn state(agent: u32, at: &str, status: &str) -> Value {
    json!({
        "kind": "agent_state", "id": format!("{agent} {at}"), "agent": agent.to_string(), "at": at,
        "status": {"name": status, "routing": "aux"},
    })
}

/// Hands in records, again and again until somebody answers.
fn hand_in(hub: &Serving, key: &str, records: &[Value]) -> Value {
    let body = json!({ "records": records }).to_string();
    let headers = format!("Idempotency-Key: {key}\r\n");
    let (status, answer) = hub.push("pbx", KEY, &headers, &body).expect("it answers");
    assert_eq!(status, 200, "{answer}");
    serde_json::from_str(&answer).unwrap()
}

/// How many items of this kind the hub has read of the source.
fn shown(hub: &Serving, name: &str) -> f64 {
    hub.metric(&format!("pegboard_source_items_total{{source=\"pbx\",kind=\"{name}\"}}")).unwrap_or_default()
}

#[test]
fn r08_what_was_acknowledged_survives_whatever_happens_to_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let mut handed_in = 0_u32;
    for life in 0..6_u32 {
        let mut hub = serve(folder.path());
        for request in 0..5 {
            let at = ago(60 - 10 * life - request);
            let states: Vec<_> = (0..20).map(|agent| state(agent, &at, "Lunch")).collect();
            let answer = hand_in(&hub, &format!("{life}-{request}"), &states);
            assert_eq!(answer, json!({"accepted": 20, "refused": []}));
            handed_in += 20;
        }
        if life == 5 {
            hub.until("everything is read", |hub| shown(hub, "event") >= f64::from(handed_in));
            assert!((shown(&hub, "event") - f64::from(handed_in)).abs() < 0.5, "each counts once");
            assert!(shown(&hub, "duplicate") < 0.5);
        }
        hub.kill();
    }
}

#[test]
fn a_request_that_is_sent_again_under_its_key_keeps_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut hub = serve(folder.path());
    let first = hand_in(&hub, "k", &[state(1, &ago(9), "Lunch"), json!({"kind": "nonsense"})]);
    let again = hand_in(&hub, "k", &[state(2, &ago(8), "Lunch")]);
    assert_eq!(first, again, "the same answer, whatever is in it");
    assert_eq!(
        first,
        json!({"accepted": 1, "refused": [{"path": "records[1]", "message": "kind: not known here"}]})
    );
    hand_in(&hub, "l", &[state(3, &ago(7), "Lunch")]);
    hub.until("everything is read", |hub| shown(hub, "event") >= 2.0);
    assert!((shown(&hub, "event") - 2.0).abs() < 0.5, "{}", shown(&hub, "event"));
}

#[test]
fn s12_nobody_hands_in_anything_without_the_key_of_that_source() {
    let folder = tempfile::tempdir().unwrap();
    let hub = serve(folder.path());
    let body = state(1, &ago(9), "Lunch").to_string();
    let answers = ["pbx-1:wrong", "", "pbx-1", "pbx-1:a secret: with a colon "]
        .map(|key| hub.push("pbx", key, "", &body));
    let elsewhere = hub.push("nobody", KEY, "", &body);
    for answer in answers.iter().chain([&elsewhere]) {
        let (status, text) = answer.as_ref().unwrap();
        assert_eq!(*status, 401);
        assert_eq!(text, &elsewhere.as_ref().unwrap().1, "which of them is wrong is not told");
    }
    let (status, _) = hub.push("pbx", KEY, "", &body).unwrap();
    assert_eq!(status, 200);
    assert!(!hub.said().contains("a secret"), "{}", hub.said());
}

#[test]
fn r28_s32_more_records_than_fit_are_refused_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let hub = serve(folder.path());
    let record = r#"{"kind":"agent_state","agent":"1","at":"2026-03-02T09:00:00Z","change":"sign_out"}"#;
    let batch = |count: usize| {
        let mut body = String::from("{\"records\":[");
        for index in 0..count {
            write!(body, "{}{record}", if index == 0 { "" } else { "," }).unwrap();
        }
        hub.push("pbx", KEY, "", &(body + "]}")).unwrap()
    };
    assert_eq!(batch(500).0, 200);
    let (status, answer) = batch(501);
    assert_eq!(status, 413, "{answer}");
    let key = |key: &str| hub.push("pbx", KEY, &format!("Idempotency-Key: {key}\r\n"), record).unwrap().0;
    assert_eq!(key(&"k".repeat(255)), 200);
    assert_eq!(key(&"k".repeat(256)), 400);
    let (status, answer) = hub.push("pbx", KEY, "", "{\"kind\":\"agent_state\"}").unwrap();
    assert_eq!((status, answer.contains("agent: missing")), (400, true), "{answer}");
}

/// The example that `docs/push.md` tells of.
#[test]
fn the_toy_pbx_is_seen_by_the_hub() {
    let folder = tempfile::tempdir().unwrap();
    let mut hub = serve(folder.path());
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/toy-pbx/toy_pbx.py");
    let ran = Command::new("python3")
        .args([example, "--url", &hub.url(), "--source", "pbx", "--seconds", "0", "--seed", "7"])
        .env("PEGBOARD_PBX_ACCESS_KEY_ID", "pbx-1")
        .env("PEGBOARD_PBX_SECRET_ACCESS_KEY", "a secret: with a colon")
        .output();
    let Ok(ran) = ran else {
        eprintln!("skipped: there is no python3");
        return;
    };
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(ran.status.success(), "{said}{}", String::from_utf8_lossy(&ran.stderr));
    let told = |word: &str| -> f64 {
        let (_, rest) = said.split_once(word).unwrap_or_else(|| panic!("{word:?} is not in: {said}"));
        rest.split_whitespace().next().unwrap().parse().unwrap()
    };
    assert!(told("states:") > 20.0 && told("contacts:") > 5.0, "{said}");
    hub.until("everything is read", |hub| {
        shown(hub, "event") >= told("states:") && shown(hub, "contact") >= told("contacts:")
    });
    assert!(shown(&hub, "failed") < 0.5);
}
