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

/// The configuration of a source into which files are dropped, in a folder of its own.
fn serve_dropped(folder: &Path) -> Serving {
    fs::create_dir_all(folder.join("dropped")).unwrap();
    Serving::start(
        folder,
        "[[source]]\nname = \"pbx\"\nkind = \"push\"\n[source.push]\nfolder = \"dropped\"\n",
    )
}

/// How many files are in a folder; those that are being moved are in none.
fn files(folder: &Path) -> usize {
    fs::read_dir(folder)
        .map_or(0, |files| files.filter(|file| file.as_ref().unwrap().path().is_file()).count())
}

#[test]
fn r08_dropped_files_count_once_however_often_the_program_is_killed_over_them() {
    let folder = tempfile::tempdir().unwrap();
    let dropped = folder.path().join("dropped");
    let (mut written, lives) = (0_u32, 4_u32);
    for life in 0..lives {
        let mut hub = serve_dropped(folder.path());
        for file in 0..3_u32 {
            let at = ago(60 - 10 * life - file);
            let mut lines = String::new();
            for agent in 0..1500 {
                writeln!(lines, "{}", state(agent, &at, "Lunch")).unwrap();
            }
            let text = format!("{lines}{{\"kind\":\"agent_state\",\"agent\":5}}\n");
            fs::write(folder.path().join("new"), text).unwrap();
            fs::rename(folder.path().join("new"), dropped.join(format!("{life}-{file}.ndjson"))).unwrap();
            written += 1500;
        }
        if life + 1 < lives {
            // In the middle of it: some of it is committed, and some of that not yet moved away.
            hub.until("something is read", |hub| shown(hub, "event") >= 1000.0);
        } else {
            let all = 3 * usize::try_from(lives).unwrap();
            hub.until("everything is put away", |_| files(&dropped.join("done")) == all);
            assert!((shown(&hub, "event") - f64::from(written)).abs() < 0.5, "{}", shown(&hub, "event"));
            assert!(shown(&hub, "duplicate") < 0.5, "{}", shown(&hub, "duplicate"));
            assert!((shown(&hub, "failed") - f64::from(3 * lives)).abs() < 0.5, "one bad line in each file");
            assert_eq!(files(&dropped), 0);
        }
        hub.kill();
    }
}

#[test]
fn s12_without_a_key_nothing_is_handed_in_over_http() {
    let folder = tempfile::tempdir().unwrap();
    let hub = serve_dropped(folder.path());
    for key in [KEY, ":", ""] {
        assert_eq!(hub.push("pbx", key, "", &state(1, &ago(9), "Lunch").to_string()).unwrap().0, 401);
    }
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
