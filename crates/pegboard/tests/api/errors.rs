//! Every no has one form.

use std::sync::atomic::Ordering;

use serde_json::Value;

use crate::hub::{Ask, Hub};

/// The status, code and path of an answer that must be an error in the envelope.
async fn error(hub: &Hub, ask: Ask) -> (u16, String, Option<String>) {
    let answer = ask.send(&hub.router).await;
    let body = answer.json();
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(body.as_object().unwrap().len(), 1, "{body}");
    let error = &body["error"];
    assert!(!error["message"].as_str().unwrap().is_empty());
    let path = error.get("path").map(|path| path.as_str().unwrap().to_string());
    (answer.status.as_u16(), error["code"].as_str().unwrap().to_string(), path)
}

fn expected(status: u16, code: &str, path: Option<&str>) -> (u16, String, Option<String>) {
    (status, code.to_string(), path.map(str::to_string))
}

#[tokio::test]
async fn unknown_routes_and_methods_are_answered_in_the_envelope() {
    let hub = Hub::new();
    for path in
        ["/nowhere", "/api/v1", "/api/v1/agent", "/api/v1/agents/", "/api/v2/agents", "/api/v1/agents/x/y/z"]
    {
        assert_eq!(error(&hub, Ask::get(path)).await, expected(404, "not_found", None), "{path}");
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "BREW"] {
        let ask = Ask::new(method, "/api/v1/agents");
        assert_eq!(error(&hub, ask).await, expected(405, "method_not_allowed", None), "{method}");
    }
    let answer = Ask::new("PUT", "/api/v1/session").send(&hub.router).await;
    for method in ["GET", "POST", "DELETE"] {
        assert!(answer.header("allow").contains(method), "{}", answer.header("allow"));
    }
}

#[tokio::test]
async fn queries_that_do_not_fit_name_the_parameter() {
    let hub = Hub::new();
    for (path, query) in [
        ("/api/v1/agents", "sourcs=acme"),
        ("/api/v1/agents", "class=talking"),
        ("/api/v1/agents/stream", "after=nonsense"),
        ("/api/v1/agents/stream", "after=0123456789abcdef0123456789abcdef~a%0Adata:x=1"),
        ("/api/v1/reports/segments", "from=yesterday"),
        ("/api/v1/reports/segments", "format=xlsx"),
        ("/api/v1/reports", "x=1"),
        ("/api/v1/sources", "source=acme"),
        ("/api/v1/dead-letters", "limit=101"),
        ("/api/v1/dead-letters", "limit=0"),
        ("/api/v1/dead-letters", "before=-1"),
        ("/metrics", "x=1"),
    ] {
        let name = query.split('=').next().unwrap();
        let answer = error(&hub, Ask::get(&format!("{path}?{query}")).token(&hub.viewer)).await;
        assert_eq!(answer, expected(400, "bad_request", Some(&format!("query.{name}"))), "{path}?{query}");
    }
    let answer = hub.get("/api/v1/agents?sourcs=acme").await;
    assert!(answer.text.contains("did you mean 'source'?"), "{}", answer.text);
    let unknown = Ask::get("/api/v1/reports/queue_intervals").token(&hub.viewer);
    assert_eq!(error(&hub, unknown).await, expected(404, "not_found", Some("path.name")));
    let not_utf8 = Ask::get("/api/v1/reports/%FF").token(&hub.viewer);
    assert_eq!(error(&hub, not_utf8).await, expected(400, "bad_request", Some("path")));
}

#[tokio::test]
async fn s34_a_panic_is_answered_without_its_trace() {
    let hub = Hub::new();
    hub.view.panic.store(true, Ordering::SeqCst);
    let answer = hub.get("/api/v1/sources").await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (500, "internal"));
    assert!(!answer.text.contains("the test wants") && !answer.text.contains(".rs"), "{}", answer.text);
    hub.view.panic.store(false, Ordering::SeqCst);
    assert_eq!(hub.get("/api/v1/sources").await.status, 200, "the next one is served");
}

#[tokio::test]
async fn s34_a_broken_store_is_said_without_its_details() {
    let hub = Hub::new();
    hub.store.break_down();
    for path in ["/api/v1/agents", "/readyz"] {
        let answer = hub.get(path).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (503, "unavailable"), "{path}");
        assert!(!answer.text.contains("secret"), "{}", answer.text);
    }
    assert_eq!(hub.get("/healthz").await.status, 200, "the process lives");
}

#[tokio::test]
async fn r28_a_body_that_is_too_large_is_refused() {
    let hub = Hub::new();
    let post = |length: usize| {
        let token = "x".repeat(length - "{\"token\":\"\"}".len());
        let ask = Ask::new("POST", "/api/v1/session").header("content-type", "application/json");
        ask.body(format!("{{\"token\":\"{token}\"}}"))
    };
    let limit = 64 * 1024;
    assert_eq!(post(limit).send(&hub.router).await.status, 401, "as long as a body may be");
    assert_eq!(error(&hub, post(limit + 1)).await, expected(413, "too_large", Some("body")));
    let announced = Ask::get("/api/v1/agents").token(&hub.viewer).header("content-length", "65537");
    assert_eq!(error(&hub, announced).await, expected(413, "too_large", Some("body")));
}

#[tokio::test]
async fn errors_are_counted_under_the_template_of_the_route() {
    let hub = Hub::new();
    Ask::get("/api/v1/agents/jane.doe/timeline").send(&hub.router).await;
    Ask::get("/somewhere/jane.doe").send(&hub.router).await;
    let metrics = hub.get("/metrics").await.text;
    assert!(metrics.contains("route=\"/api/v1/agents/{id}/timeline\",status=\"401\"} 1"), "{metrics}");
    assert!(metrics.contains("route=\"other\",status=\"404\"} 1"), "{metrics}");
    assert!(!metrics.contains("jane.doe"));
}

#[tokio::test]
async fn healthz_and_readyz_say_so() {
    let hub = Hub::new();
    let status = |path: &'static str| async { hub.get(path).await.json()["status"].clone() };
    assert_eq!(status("/healthz").await, Value::from("ok"));
    assert_eq!(status("/readyz").await, Value::from("ready"));
}
