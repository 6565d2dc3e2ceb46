//! Who may use what.

use std::collections::BTreeSet;

use pegboard::api::routes::{Needs, ROUTES, Route, RouteId};
use pegboard::api::{Access, ApiOptions, Transport, tokens};
use pegboard_model::Millis;
use pegboard_store::Role;
use serde_json::{Value, json};

use crate::fake::{NOW, agent};
use crate::hub::{Answer, Ask, Hub, SPARE_ID};

/// What a route answers to each of [`CALLERS`], written down a second time: the table of the program is judged by this one.
/// A route that is not in it does not build.
const fn expected(route: RouteId) -> [u16; 5] {
    match route {
        RouteId::Agents
        | RouteId::AgentsStream
        | RouteId::AgentTimeline
        | RouteId::Reports
        | RouteId::Report
        | RouteId::ReportHistory
        | RouteId::Reloads
        | RouteId::Sources
        | RouteId::Alarms
        | RouteId::DeadLetters
        | RouteId::DeadLetter
        | RouteId::Session
        | RouteId::Metrics => [401, 200, 200, 200, 200],
        RouteId::RetryDeadLetter => [401, 403, 200, 200, 200],
        RouteId::DropDeadLetter
        | RouteId::AcknowledgeAlarm
        | RouteId::SilenceAlarm
        | RouteId::StartReload
        | RouteId::PreviewReload => [401, 403, 400, 400, 400],
        RouteId::CancelReload | RouteId::EndSilence => [401, 403, 204, 204, 204],
        RouteId::Sinks
        | RouteId::Ledger
        | RouteId::SinkHistory
        | RouteId::Delivery
        | RouteId::Parked
        | RouteId::RefusedStates
        | RouteId::Unmapped
        | RouteId::MappingTables
        | RouteId::MappingTable => [401, 200, 200, 200, 403],
        RouteId::ForgetUnmapped => [401, 403, 200, 200, 403],
        RouteId::GiveBackMapping => [401, 403, 204, 204, 403],
        RouteId::ImportMapping
        | RouteId::EditMapping
        | RouteId::RetryDeliveries
        | RouteId::ResendDeliveries
        | RouteId::DropDeliveries
        | RouteId::DropRefusedState
        | RouteId::ReleaseSnapshot => [401, 403, 400, 400, 403],
        // Nobody here has the key of a source.
        RouteId::Push
        | RouteId::AscType
        | RouteId::AscHeartbeat
        | RouteId::AscStates
        | RouteId::AscActivities
        | RouteId::AscQueueReport
        | RouteId::Twilio => [401, 401, 401, 401, 401],
        RouteId::AscToken | RouteId::AscRefresh | RouteId::SignIn => [400, 400, 400, 400, 400],
        RouteId::SignOut => [401, 204, 204, 204, 204],
        RouteId::Erasures => [401, 403, 403, 200, 200],
        RouteId::StartErasure => [401, 403, 403, 400, 400],
        RouteId::Tokens | RouteId::Audit => [401, 403, 403, 200, 403],
        RouteId::CreateToken => [401, 403, 403, 400, 403],
        // The store of these tests has no file.
        RouteId::Backup => [401, 403, 403, 503, 403],
        RouteId::RevokeToken => [401, 403, 403, 204, 403],
        RouteId::Openapi | RouteId::Healthz | RouteId::Readyz => [200, 200, 200, 200, 200],
    }
}

/// Who asks: nobody, each role, and an admin of one tenant only.
fn callers(hub: &Hub) -> [(&'static str, Option<&str>); 5] {
    [
        ("nobody", None),
        ("viewer", Some(&hub.viewer)),
        ("operator", Some(&hub.operator)),
        ("admin", Some(&hub.admin)),
        ("admin of acme", Some(&hub.acme_admin)),
    ]
}

/// An interval that is in the ledger where a test parks it.
pub(crate) const UNIT: &str = "queue-report@2026-03-01T09:00:00Z";

/// The path with something that is there in place of what varies.
pub(crate) fn example(path: &str) -> String {
    let id = match path {
        token if token.starts_with("/api/v1/tokens/") => SPARE_ID,
        letter if letter.starts_with("/api/v1/dead-letters/") => "1",
        alarm if alarm.starts_with("/api/v1/alarms/") => "1",
        "/api/v1/reloads/{id}" => "1",
        _ => "a-1",
    };
    let name = if path.starts_with("/api/v1/sinks/") { "wfm" } else { "queue_interval" };
    path.replace("{id}", id).replace("{name}", name).replace("{table}", "states").replace("{unit}", UNIT)
}

#[tokio::test]
async fn s30_every_route_answers_each_role_as_the_table_says() {
    let hub = Hub::new();
    hub.store.bury("acme", b"{}");
    hub.store.park(UNIT, "no such queue");
    hub.store.raise("source-failing", "acme", Some("acme"));
    for route in &ROUTES {
        for ((who, token), status) in callers(&hub).into_iter().zip(expected(route.id())) {
            let ask = Ask::new(route.method().as_str(), &example(route.path()));
            let ask = token.into_iter().fold(ask, Ask::token);
            assert_eq!(ask.begin(&hub.router).await.status(), status, "{route:?} {who}");
        }
    }
}

/// The names of all fields of an answer, those of the members of a list with `[]`.
fn fields(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let path = format!("{path}.{name}");
                fields(value, &path, found);
                found.insert(path);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| fields(item, &format!("{path}[]"), found)),
        _ => {}
    }
}

async fn fields_of(hub: &Hub, route: &Route, token: &str) -> BTreeSet<String> {
    let answer = Ask::get(&example(route.path())).token(token).send(&hub.router).await;
    let mut found = BTreeSet::new();
    fields(&answer.json(), "", &mut found);
    found
}

/// The fields that an operator sees and a viewer does not.
const fn for_operators(route: RouteId) -> &'static [&'static str] {
    match route {
        RouteId::DeadLetters => &[".dead_letters[].encoding", ".dead_letters[].payload"],
        RouteId::DeadLetter => &[".encoding", ".payload"],
        RouteId::Delivery => &[".encoding", ".payload", ".payload_note"],
        RouteId::RefusedStates => &[".refused_states[].payload"],
        _ => &[],
    }
}

#[tokio::test]
async fn s30_a_role_sees_more_fields_only_where_the_table_says_so() {
    let hub = two_tenants();
    for route in &ROUTES {
        let json = !matches!(route.id(), RouteId::AgentsStream | RouteId::Metrics | RouteId::SinkHistory);
        if route.method() != "GET" || !json || expected(route.id())[1] != 200 {
            continue;
        }
        let viewer = fields_of(&hub, route, &hub.viewer).await;
        let operator = fields_of(&hub, route, &hub.operator).await;
        let admin = fields_of(&hub, route, &hub.admin).await;
        let more: Vec<_> = operator.difference(&viewer).map(String::as_str).collect();
        assert_eq!(more, for_operators(route.id()), "{route:?}");
        assert!(viewer.is_subset(&operator), "{route:?}");
        assert_eq!(operator, admin, "{route:?}");
        if expected(route.id())[4] == 200 {
            let limited = fields_of(&hub, route, &hub.acme_admin).await;
            assert!(limited.is_subset(&admin), "{route:?}");
        }
    }
}

#[tokio::test]
async fn s30_what_needs_a_role_answers_no_invalid_token() {
    let hub = Hub::new();
    let (expired, write) = tokens::create("old", Role::Admin, vec![], Some(NOW), NOW - Millis::from_hours(1));
    hub.store.keep_token(write);
    let (unknown, _) = tokens::create("never kept", Role::Admin, vec![], None, NOW);
    let revoked = hub.admin.clone();
    hub.store.revoke_all();
    let wrong = [expired.expose(), unknown.expose(), &revoked, "pgb_", "x", &revoked[4..], "é"];
    // What Twilio signs has no token, and after ten wrong ones nobody is heard: it has a test of its own.
    let is_tried = |route: &&Route| !matches!(route.needs(), Needs::Nothing | Needs::Signature);
    for route in ROUTES.iter().filter(is_tried) {
        for token in wrong {
            let ask = Ask::new(route.method().as_str(), &example(route.path())).token(token);
            let answer = ask.send(&hub.router).await;
            assert_eq!(
                (answer.status.as_u16(), answer.code().as_str()),
                (401, "unauthenticated"),
                "{route:?} {token}"
            );
            let way = if route.needs() == Needs::SourceKey {
                r#"Basic realm="pegboard", charset="UTF-8""#
            } else {
                "Bearer"
            };
            assert_eq!(answer.header("www-authenticate"), way, "{route:?}");
        }
    }
}

#[tokio::test]
async fn no_scheme_of_http_is_named_for_what_is_signed() {
    let hub = Hub::new();
    let answer = Ask::new("POST", "/api/v1/twilio/acme").token(&hub.admin).send(&hub.router).await;
    assert_eq!((answer.status.as_u16(), answer.header("www-authenticate")), (401, "X-Twilio-Signature"));
}

#[tokio::test]
async fn a_token_is_refused_from_the_instant_of_its_expiry_on() {
    let hub = Hub::new();
    let expires = NOW + Millis::from_hours(1);
    let (text, write) = tokens::create("soon", Role::Viewer, vec![], Some(expires), NOW);
    hub.store.keep_token(write);
    let ask = || Ask::get("/api/v1/session").token(text.expose()).send(&hub.router);
    hub.view.set_now(expires - Millis::new(1));
    assert_eq!(ask().await.status, 200);
    hub.view.set_now(expires);
    assert_eq!(ask().await.status, 401);
}

async fn as_acme(hub: &Hub, path: &str) -> Answer {
    Ask::get(path).token(&hub.acme).send(&hub.router).await
}

fn two_tenants() -> Hub {
    let hub = Hub::new();
    hub.store.change(agent("acme", "a-1"));
    hub.store.change(agent("globex", "g-1"));
    hub.store.bury("acme", b"{}");
    hub.store.bury("globex", b"{}");
    hub.store.park(UNIT, "no such queue");
    hub.store.refuse("a-1");
    hub.store.raise("source-failing", "acme", Some("acme"));
    hub.store.raise("source-failing", "globex", Some("globex"));
    hub
}

#[tokio::test]
async fn s30_another_tenant_does_not_exist() {
    let hub = two_tenants();
    for path in [
        "/api/v1/agents",
        "/api/v1/sources",
        "/api/v1/dead-letters",
        "/api/v1/alarms",
        "/metrics",
        "/api/v1/session",
    ] {
        let text = as_acme(&hub, path).await.text;
        assert!(text.contains("acme"), "{path}: {text}");
        assert!(!text.contains("globex") && !text.contains("g-1"), "{path}: {text}");
        let all = hub.get(path).await.text;
        assert!(
            all.contains("globex") || path.ends_with("session"),
            "{path} shows the other tenant to others"
        );
    }
    for path in ["/api/v1/reports/queue_interval", "/api/v1/agents/g-1/timeline"] {
        assert_eq!(as_acme(&hub, path).await.status, 200);
        let asked = hub.view.asked.lock().unwrap().pop().unwrap();
        assert_eq!(asked.sources, ["acme".into()], "{path}");
    }
}

#[tokio::test]
async fn s30_a_forbidden_source_looks_like_an_unknown_one() {
    let hub = two_tenants();
    for path in [
        "/api/v1/agents",
        "/api/v1/agents/stream",
        "/api/v1/agents/g-1/timeline",
        "/api/v1/reports/queue_interval",
        "/api/v1/dead-letters",
    ] {
        let forbidden = as_acme(&hub, &format!("{path}?source=globex")).await;
        let unknown = as_acme(&hub, &format!("{path}?source=unseen")).await;
        assert_eq!(forbidden.status, 404, "{path}");
        assert_eq!(forbidden.headers, unknown.headers, "{path}");
        assert_eq!(forbidden.text.replace("globex", "unseen"), unknown.text, "{path}");
        assert_eq!(as_acme(&hub, &format!("{path}?source=acme&source=globex")).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn s30_a_token_whose_sources_are_gone_sees_nothing_rather_than_everything() {
    let hub = two_tenants();
    let (text, write) = tokens::create("old", Role::Admin, vec!["closed-down".into()], None, NOW);
    hub.store.keep_token(write);
    for path in
        ["/api/v1/agents", "/api/v1/agents/stream", "/api/v1/dead-letters", "/api/v1/reports/segments"]
    {
        let answer = Ask::get(path).token(text.expose()).send(&hub.router).await;
        assert_eq!(answer.status, 404, "{path}");
    }
    let answer = Ask::get("/api/v1/sources").token(text.expose()).send(&hub.router).await;
    assert_eq!(answer.json(), json!({"sources": []}));
}

#[tokio::test]
async fn metrics_need_no_token_on_the_machine_itself() {
    let hub = Hub::new();
    let local = |host| Ask::get("/metrics").from("127.0.0.1:9").header("host", host).send(&hub.router);
    assert_eq!(local("localhost:8080").await.status, 200);
    assert_eq!(local("evil.example").await.status, 401, "a page that resolves its own name to this machine");
    let forwarded = Ask::get("/metrics").from("127.0.0.1:9").header("host", "localhost");
    let forwarded = forwarded.header("x-forwarded-for", "203.0.113.9").send(&hub.router).await;
    assert_eq!(forwarded.status, 401);
    let with_token = Ask::get("/metrics").from("127.0.0.1:9").header("host", "localhost").token(&hub.acme);
    assert!(!with_token.send(&hub.router).await.text.contains("globex"), "a token says more than a place");
}

#[tokio::test]
async fn the_demo_answers_this_machine_without_a_token_and_nobody_else() {
    let hub = Hub::with(ApiOptions::new(Access::Open, Transport::Plain));
    let ask = |peer, host| Ask::get("/api/v1/session").from(peer).header("host", host).send(&hub.router);
    let answer = ask("127.0.0.1:9", "localhost:8080").await;
    assert_eq!(answer.json(), json!({"name": "this machine", "role": "admin", "sources": [], "csrf": null}));
    assert_eq!(ask("[::1]:9", "[::1]:8080").await.status, 200);
    assert_eq!(ask("192.0.2.1:9", "localhost:8080").await.code(), "forbidden");
    assert_eq!(ask("127.0.0.1:9", "evil.example").await.code(), "forbidden");
    let sign_in = Ask::new("POST", "/api/v1/session").from("127.0.0.1:9").header("host", "localhost");
    assert_eq!(sign_in.json(&json!({"token": "x"})).send(&hub.router).await.code(), "bad_request");
}
