//! What the log says, and what it does not.

use std::sync::{Arc, Once};

use serde_json::json;
use tracing::Level;

use crate::fake::agent;
use crate::hub::{Ask, Hub};

/// Lets everything through and keeps nothing, for all threads. Without it, what one test does not want to know is held to be
/// wanted by nobody, for a moment in which another test, in a thread of its own, is told of it.
fn let_everything_through() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let all = tracing_subscriber::fmt().with_max_level(Level::TRACE).with_writer(std::io::sink).finish();
        tracing::subscriber::set_global_default(all).expect("nobody else has set one");
    });
}

/// What is logged at `level` while everything is asked that names a person or carries a secret: the log, and the
/// secrets.
async fn logged(level: Level) -> (String, Vec<String>) {
    let_everything_through();
    let log = tempfile::NamedTempFile::new().unwrap();
    let writer = Arc::new(log.reopen().unwrap());
    let subscriber =
        tracing_subscriber::fmt().with_max_level(level).with_ansi(false).with_writer(writer).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let hub = Hub::new();
    hub.store.change(agent("acme", "jane.doe"));
    hub.get("/api/v1/agents?q=jane.doe").await;
    hub.get("/api/v1/agents/jane.doe/timeline?nonsense=jane.doe").await;
    hub.get("/jane.doe").await;
    hub.get("/queues?jane.doe").await;
    hub.get("/assets/jane.doe/js/board/main.js").await;
    let sign_in =
        Ask::new("POST", "/api/v1/session").json(&json!({"token": hub.viewer})).send(&hub.router).await;
    let cookie = sign_in.header("set-cookie").split(['=', ';']).nth(1).unwrap().to_string();
    let csrf = sign_in.json()["csrf"].as_str().unwrap().to_string();
    let out = Ask::new("DELETE", "/api/v1/session").header("cookie", &format!("pegboard_session={cookie}"));
    assert_eq!(out.header("x-csrf-token", &csrf).send(&hub.router).await.status, 204);
    Ask::get("/api/v1/sources").token("pgb_wrong").send(&hub.router).await;
    hub.store.break_down();
    hub.get("/api/v1/agents").await;
    drop(guard);
    let log = std::fs::read_to_string(log.path()).unwrap();
    (log, vec![hub.viewer[4..].to_string(), cookie, csrf, "pgb_".to_string()])
}

#[tokio::test]
async fn a_request_is_logged_by_route_status_and_token_and_names_nobody() {
    let (log, _) = logged(Level::INFO).await;
    let timeline = log.lines().find(|line| line.contains("/api/v1/agents/{id}/timeline")).unwrap();
    assert!(timeline.contains("method=GET") && timeline.contains("status=400"), "{timeline}");
    assert!(timeline.contains("token=\"t"), "{timeline}");
    assert!(log.contains("route=\"/queues\" status=200"), "pages have their line: {log}");
    assert!(!log.contains("/assets/"), "the files that come with a page have none: {log}");
    assert!(log.contains("the store failed"), "{log}");
    assert!(!log.contains("jane"), "{log}");
}

#[tokio::test]
async fn s20_no_secret_is_logged_at_any_level() {
    let (log, secrets) = logged(Level::TRACE).await;
    assert!(log.contains("answered"), "{log}");
    for secret in secrets {
        assert!(!log.contains(&secret), "{log}");
    }
}
