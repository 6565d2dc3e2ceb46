//! Judges from outside of the running program: Twilio's own package, and Schemathesis over the OpenAPI document.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::serving::Serving;

const KEY: &str = "pbx-1:a secret: with a colon";
const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const PUBLIC: &str = "https://hub.example.com/api/v1/twilio/flex";

/// How many cases Schemathesis makes up of each kind. More find no more, and take minutes.
const CASES: &str = "40";

/// Where the judges' programs are. Says so on stderr where they are not.
#[expect(clippy::disallowed_methods, reason = "the folder of the test's tools is the test's own setting")]
fn programs() -> Option<String> {
    let programs = std::env::var("PEGBOARD_TEST_JUDGES").ok();
    if programs.is_none() {
        eprintln!("skipped: PEGBOARD_TEST_JUDGES names no folder with Twilio's package and Schemathesis");
    }
    programs
}

fn serve(folder: &Path) -> Serving {
    Serving::receiving(folder, "a secret: with a colon", PUBLIC, TOKEN)
}

fn here(name: &str) -> String {
    format!("{}/tests/it/judges/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn s10_what_twilios_own_package_signs_is_taken_and_nothing_else() {
    let Some(programs) = programs() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut hub = serve(folder.path());
    let posted = Command::new(format!("{programs}/python"))
        .args([&here("posts.py"), "--hub", &hub.url(), "--public", PUBLIC, "--token", TOKEN])
        .output()
        .unwrap();
    assert!(posted.status.success(), "{}", text(&posted));
    let told: Value = serde_json::from_slice(&posted.stdout).unwrap();
    assert_eq!(told["answers"], json!(vec![204; 40]));
    assert_eq!(told["strangers"], json!([401, 401]), "signed with another token");
    let shown = |hub: &Serving, kind: &str| {
        hub.metric(&format!("pegboard_source_items_total{{source=\"flex\",kind=\"{kind}\"}}"))
            .unwrap_or_default()
    };
    hub.until("everything is read", |hub| shown(hub, "event") >= 40.0);
    assert!(shown(&hub, "failed") < 0.5 && shown(&hub, "event") < 40.5);
}

#[test]
fn s32_the_push_api_is_what_its_document_says() {
    let Some(programs) = programs() else { return };
    let folder = tempfile::tempdir().unwrap();
    let hub = serve(folder.path());
    let settings = "[parameters]\n\"path.source\" = \"pbx\"\n[checks.positive_data_acceptance]\n\
                    # A body of 64 KiB at most is said in words.\nexpected-statuses = [\"200\", \"413\"]\n";
    fs::write(folder.path().join("schemathesis.toml"), settings).unwrap();
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
    // What is wrong with an item of a list is in the answer, whose status is 200: the check of our own sees to that.
    let judged = Command::new(format!("{programs}/st"))
        .args(["run", document, "--url", &hub.url(), "--include-operation-id", "push"])
        .args(["--header", &format!("Authorization: Basic {}", STANDARD.encode(KEY))])
        .args(["--max-examples", CASES, "--seed", "1", "--phases", "coverage,fuzzing", "--no-color"])
        .args(["--exclude-checks", "negative_data_rejection", "--request-timeout", "30"])
        .env("SCHEMATHESIS_HOOKS", "judge")
        .env("PYTHONPATH", here(""))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(folder.path())
        .output()
        .unwrap();
    // A body that is refused may be long; what is wrong stands before and behind it.
    let said: String =
        text(&judged).lines().map(|line| line.chars().take(300).chain(['\n']).collect::<String>()).collect();
    assert!(judged.status.success(), "{said}");
    let made = said.split(" generated").next().and_then(|before| before.rsplit(' ').next());
    assert!(made.and_then(|made| made.parse::<u32>().ok()).is_some_and(|made| made > 100), "{said}");
    assert!(!hub.said().contains("panicked"), "{}", hub.said());
}
