//! Twilio's own package (`twilio`) takes what our stand-in signs, and we take what it signs.

use std::io::Write as _;
use std::process::{Command, Stdio};

use pegboard_connect::sources::twilio::{Content, Signed};
use pegboard_sim::stand_in::task_router::{happenings, sign_form};
use pegboard_sim::{Centre, Config};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// URLs as a site may have told them.
const URLS: [&str; 6] = [
    "https://hub.example.com/api/v1/twilio/flex",
    "https://hub.example.com:8443/api/v1/twilio/flex",
    "http://hub.example.com/api/v1/twilio/flex?a=b&c=%20d",
    "https://hub.example.com",
    "https://hub.example.com:443/x?y=",
    "https://user@hub.example.com/a%2Fb",
];

/// A post, and the signature that we make of it.
struct Case {
    url: String,
    body: String,
    fields: Option<Vec<(String, String)>>,
    signature: String,
}

impl Case {
    fn form(url: &str, fields: Vec<(String, String)>) -> Self {
        let mut body = form_urlencoded::Serializer::new(String::new());
        let body = body.extend_pairs(&fields).finish();
        Self { url: url.to_owned(), body, signature: sign_form(TOKEN, url, &fields), fields: Some(fields) }
    }

    fn json(url: &str, body: String) -> Self {
        let hash = Sha256::digest(&body).iter().fold(String::new(), |hash, byte| format!("{hash}{byte:02x}"));
        let separator = if url.contains('?') { '&' } else { '?' };
        let url = format!("{url}{separator}bodySHA256={hash}");
        Self { signature: sign_form(TOKEN, &url, &[]), url, body, fields: None }
    }

    fn told(&self) -> Value {
        let mut told = json!({"token": TOKEN, "url": self.url, "signature": self.signature});
        match &self.fields {
            Some(fields) => told["fields"] = json!(fields),
            None => told["body"] = json!(self.body),
        }
        told
    }

    fn is_taken_with(&self, signature: &str) -> bool {
        let body = self.body.as_bytes();
        let content = if self.fields.is_some() { Content::Form(body) } else { Content::Json(body) };
        Signed { url: &self.url, signature, content }.check(&["another", TOKEN]).is_ok()
    }
}

/// A morning's callbacks, and fields that nobody sends in earnest.
fn cases() -> Vec<Case> {
    let day = Centre::new(Config::new(10, "2026-03-02T06:00:00Z".parse().unwrap(), 2, 5)).run();
    let told = happenings(&day);
    let odd = [
        vec![],
        vec![("a", "")],
        vec![("b", "2"), ("a", "1"), ("b", "1"), ("b", "2")],
        vec![("Name", "José & Søn +%=\n\t\"'"), ("name", "lower"), ("Ã", "ü"), ("\u{1f600}", "\u{1f600}")],
        vec![("TaskAttributes", "{\"a\": [1, 2], \"b\": \"c d\"}"), ("Empty", ""), ("Empty", " ")],
    ];
    let odd = odd
        .map(|fields| fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect());
    let mut cases = Vec::new();
    for (number, one) in told.iter().enumerate() {
        let url = URLS[number % URLS.len()];
        cases.push(Case::form(url, one.form_fields()));
        cases.push(Case::json(url, format!("[{}]", one.cloud_event())));
    }
    for url in URLS {
        cases.extend(odd.clone().map(|fields: Vec<_>| Case::form(url, fields)));
        cases.extend(["", "[]", "{\"name\": \"José\"}"].map(|body| Case::json(url, body.to_owned())));
    }
    cases
}

#[test]
fn s10_twilios_own_package_takes_what_ours_signs_and_signs_what_ours_takes() {
    let Some(programs) = super::tool("PEGBOARD_TEST_JUDGES") else { return };
    let cases = cases();
    assert!(cases.len() > 100, "{}", cases.len());
    let mut package = Command::new(format!("{programs}/python"))
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/judges/twilio_package.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let told = cases.iter().map(Case::told).collect::<Value>().to_string();
    package.stdin.take().unwrap().write_all(told.as_bytes()).unwrap();
    let judged = package.wait_with_output().unwrap();
    assert!(judged.status.success());
    let judged: Vec<Value> = serde_json::from_slice(&judged.stdout).unwrap();
    assert_eq!(judged.len(), cases.len());
    for (case, judged) in cases.iter().zip(&judged) {
        let place = (&case.url, &case.body);
        assert_eq!(judged["takes"], true, "the package does not take what ours signs: {place:?}");
        let theirs = judged["signs"].as_str().unwrap();
        assert!(case.is_taken_with(theirs), "ours does not take what the package signs: {place:?}");
        assert!(!case.is_taken_with(&theirs.replacen(
            &theirs[..1],
            if theirs.starts_with('A') { "B" } else { "A" },
            1
        )));
    }
}
