//! The description of the API is true, complete, and the same as the checked file.

use std::collections::BTreeSet;
use std::path::Path;

use pegboard::api::openapi;
use pegboard::api::routes::ROUTES;
use pegboard::runtime::view::SourceFault;
use serde_json::{Value, json};

use crate::access::{UNIT, example};
use crate::fake::{NOW, agent};
use crate::hub::{Ask, Hub};
use crate::schema::faults;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");

#[test]
fn s35_the_checked_file_is_what_the_program_says() {
    let generated = serde_json::to_string_pretty(&openapi::document()).unwrap() + "\n";
    if std::env::var_os("PEGBOARD_BLESS").is_some() {
        std::fs::write(FILE, &generated).unwrap();
    }
    let checked = std::fs::read_to_string(Path::new(FILE)).unwrap_or_default();
    assert!(
        checked == generated,
        "docs/openapi.json is not what the program says: run the tests with PEGBOARD_BLESS=1"
    );
}

#[test]
fn s35_every_route_is_described_and_nothing_else() {
    let document = openapi::document();
    let described: BTreeSet<_> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| {
            methods.as_object().unwrap().keys().map(move |m| (m.to_uppercase(), path.clone()))
        })
        .collect();
    let routes: BTreeSet<_> =
        ROUTES.iter().map(|route| (route.method().to_string(), route.path().to_string())).collect();
    assert_eq!(described, routes);
}

#[tokio::test]
async fn s35_every_described_route_is_served_and_no_other_method_is() {
    let hub = Hub::new();
    hub.store.bury("acme", b"{}");
    hub.store.park(UNIT, "no such queue");
    hub.store.raise("source-failing", "acme", Some("acme"));
    let document = openapi::document();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let path = example(path);
            let status = Ask::new(method, &path).token(&hub.admin).begin(&hub.router).await.status();
            let described = methods.get(method.to_lowercase()).is_some();
            assert_eq!(status == 405, !described, "{method} {path}: {status}");
            assert_ne!(status, 404, "{method} {path}");
        }
    }
}

#[test]
fn every_reference_of_the_description_leads_somewhere() {
    fn check(document: &Value, value: &Value) {
        match value {
            Value::Object(members) => {
                if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                    assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
                }
                members.values().for_each(|value| check(document, value));
            }
            Value::Array(items) => items.iter().for_each(|value| check(document, value)),
            _ => {}
        }
    }
    let document = openapi::document();
    check(&document, &document);
}

/// A hub in which everything that an answer can hold is there.
fn full() -> Hub {
    let hub = Hub::new();
    hub.store.change(agent("acme", "ana"));
    let mut bo = agent("globex", "bo");
    bo.contact_id = Some("c-1".into());
    bo.channel = Some("VOICE".into());
    bo.initiation = Some("INBOUND".into());
    bo.queue_id = Some("q-1".into());
    bo.queue_name = Some("Sales".into());
    bo.status_id = None;
    hub.store.change(bo);
    hub.store.bury("acme", b"{}");
    hub.store.bury("acme", &[0xff]);
    hub.store.park(UNIT, "no such queue");
    hub.store.refuse("ana");
    hub.store.miss("Lunch");
    let mut sources = hub.view.sources.lock().unwrap();
    sources[0].error = Some(SourceFault { at: NOW, message: "throttled".to_string() });
    sources[1].watermark = None;
    sources[1].behind = None;
    sources[1].closed_until = None;
    sources[1].partitions[0].position = None;
    drop(sources);
    hub
}

#[tokio::test]
async fn s35_answers_are_as_described() {
    let hub = full();
    let document = openapi::document();
    let refused = json!({"$ref": "#/components/responses/forbidden/content/application~1json/schema"});
    for route in ROUTES.iter().filter(|route| route.method() == "GET") {
        let operation = &document["paths"][route.path()]["get"];
        let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
        if schema.is_null() {
            continue;
        }
        for token in [&hub.viewer, &hub.operator, &hub.admin, &hub.acme] {
            let answer = Ask::get(&example(route.path())).token(token).send(&hub.router).await;
            let schema = if answer.status == 200 { schema } else { &refused };
            assert_eq!(faults(&document, schema, &answer.json(), route.path()), [""; 0]);
        }
    }
}

#[tokio::test]
async fn s35_a_sign_in_and_errors_are_as_described() {
    let hub = full();
    let document = openapi::document();
    let operation = &document["paths"]["/api/v1/session"]["post"];
    let sign_in = json!({"token": hub.viewer});
    let taken = &operation["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(faults(&document, taken, &sign_in, "body"), [""; 0]);
    let body = Ask::new("POST", "/api/v1/session").json(&sign_in).send(&hub.router).await.json();
    let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
    assert_eq!(faults(&document, schema, &body, "session"), [""; 0]);
    let error = &document["components"]["schemas"]["Error"];
    for path in ["/nowhere", "/api/v1/agents", "/api/v1/agents?x=1"] {
        let body = Ask::get(path).send(&hub.router).await.json();
        assert_eq!(faults(&document, error, &body, path), [""; 0]);
    }
}

#[tokio::test]
async fn s35_a_token_is_asked_for_and_made_as_described() {
    let hub = full();
    let document = openapi::document();
    let operation = &document["paths"]["/api/v1/tokens"]["post"];
    let taken = &operation["requestBody"]["content"]["application/json"]["schema"];
    let made = &operation["responses"]["201"]["content"]["application/json"]["schema"];
    for wanted in [
        json!({"name": "a", "role": "viewer"}),
        json!({"name": "a", "role": "admin", "sources": ["acme"], "expires": "2126-03-01T00:00:00Z"}),
        json!({"name": "a", "role": "operator", "sources": null, "expires": null}),
    ] {
        assert_eq!(faults(&document, taken, &wanted, "body"), [""; 0]);
        let ask = Ask::new("POST", "/api/v1/tokens").token(&hub.admin).json(&wanted);
        let answer = ask.send(&hub.router).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        assert_eq!(faults(&document, made, &answer.json(), "token"), [""; 0]);
    }
}

#[tokio::test]
async fn s35_what_a_stream_sends_is_as_described() {
    let document = openapi::document();
    let mut body = serde_json::to_value(agent("acme", "ana")).unwrap();
    let schema = &document["components"]["schemas"]["AgentState"];
    assert_eq!(faults(&document, schema, &body, "state"), [""; 0]);
    body["surprise"] = Value::Null;
    assert_eq!(
        faults(&document, schema, &body, "state"),
        ["state: surprise is not described"],
        "the check can fail"
    );
}

#[tokio::test]
async fn the_description_is_served_to_everybody() {
    let answer = Ask::get("/api/v1/openapi.json").send(&Hub::new().router).await;
    assert_eq!(answer.json(), openapi::document());
}
