//! What every answer carries.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use axum::response::Response;
use pegboard::api::routes::ROUTES;
use pegboard::api::{Access, ApiOptions, Transport};

use crate::access::example;
use crate::hub::{Ask, Hub};

/// Everything that can be asked: each route (the stream of events is one of them), each page and file, what is not there,
/// what has no such method, and what is too large.
fn everything() -> Vec<Ask> {
    let routes = ROUTES.iter().map(|route| Ask::new(route.method().as_str(), &example(route.path())));
    let pages = pegboard::console::paths().map(|path| Ask::get(&path));
    let missing =
        ["/nowhere", "/assets/x/none.js", "/api/v1/reports/none", "/api/v1/agents?x=1"].map(Ask::get);
    let not_so = ["/api/v1/agents", "/", "/assets/x/js/board/main.js"].map(|path| Ask::new("PATCH", path));
    let large = Ask::new("POST", "/api/v1/session").header("content-length", "65537");
    routes.chain(pages).chain(missing).chain(not_so).chain([large]).collect()
}

fn header<'a>(answer: &'a Response, name: &str) -> Option<&'a str> {
    answer.headers().get(name).map(|value| value.to_str().unwrap())
}

/// What every answer must say, whatever it answers.
fn check(answer: &Response, asked: &str) {
    let policy = header(answer, "content-security-policy").unwrap_or_default();
    for part in ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"] {
        assert!(policy.contains(part), "{asked}: {policy}");
    }
    for part in ["unsafe", "http:", "https:", "data:", "*"] {
        assert!(!policy.contains(part), "{asked}: {policy}");
    }
    assert_eq!(header(answer, "x-content-type-options"), Some("nosniff"), "{asked}");
    assert_eq!(header(answer, "x-frame-options"), Some("DENY"), "{asked}");
    assert_eq!(header(answer, "referrer-policy"), Some("no-referrer"), "{asked}");
    assert_eq!(header(answer, "cross-origin-opener-policy"), Some("same-origin"), "{asked}");
    assert_eq!(header(answer, "cross-origin-resource-policy"), Some("same-origin"), "{asked}");
    for none in ["server", "x-powered-by", "access-control-allow-origin"] {
        assert_eq!(header(answer, none), None, "{asked}");
    }
}

#[tokio::test]
async fn s34_every_answer_is_inert_in_a_browser() {
    let hub = Hub::new();
    let mut statuses = BTreeSet::new();
    let mut kinds = BTreeSet::new();
    for token in [None, Some(&hub.viewer), Some(&hub.admin)] {
        for ask in everything() {
            let ask = token.into_iter().fold(ask, |ask, token| ask.token(token));
            let asked = format!("{ask:?}");
            let answer = ask.begin(&hub.router).await;
            check(&answer, &asked);
            assert_eq!(header(&answer, "strict-transport-security"), None, "there is no TLS to stay with");
            statuses.insert(answer.status().as_u16());
            kinds.insert(header(&answer, "content-type").unwrap_or_default().to_owned());
        }
    }
    for status in [200, 204, 400, 401, 403, 404, 405, 413] {
        assert!(statuses.contains(&status), "no {status} among {statuses:?}: the table asks too little");
    }
    for kind in ["text/event-stream", "application/json", "text/html; charset=utf-8", "image/svg+xml"] {
        assert!(kinds.contains(kind), "no {kind} among {kinds:?}: the table asks too little");
    }
}

#[tokio::test]
async fn s34_only_files_of_the_page_are_kept_by_a_browser() {
    let hub = Hub::new();
    for ask in everything() {
        let asked = format!("{ask:?}");
        let answer = ask.token(&hub.admin).begin(&hub.router).await;
        let is_page = header(&answer, "etag").is_some();
        let kept = header(&answer, "cache-control") != Some("no-store");
        assert_eq!(kept, is_page, "{asked}");
    }
}

#[tokio::test]
async fn s34_a_fault_of_the_hub_says_nothing_of_its_inside() {
    let hub = Hub::new();
    hub.view.panic.store(true, Ordering::SeqCst);
    let answer = hub.get("/api/v1/sources").await;
    assert_eq!(answer.code(), "internal");
    for inside in ["panicked", ".rs", "the test wants this"] {
        assert!(!answer.text.contains(inside), "{}", answer.text);
    }
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn s34_no_other_origin_is_let_in() {
    let hub = Hub::new();
    let preflight = Ask::new("OPTIONS", "/api/v1/agents")
        .header("origin", "https://evil.example")
        .header("access-control-request-method", "GET")
        .send(&hub.router)
        .await;
    assert_eq!(preflight.status, 405);
    let get = Ask::get("/api/v1/agents").token(&hub.viewer).header("origin", "https://evil.example");
    let get = get.send(&hub.router).await;
    for answer in [preflight, get] {
        assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("access-control")));
    }
}

#[tokio::test]
async fn s34_where_tls_is_it_stays() {
    for transport in [Transport::Tls, Transport::BehindProxy] {
        let hub = Hub::with(ApiOptions::new(Access::Tokens, transport));
        for ask in everything() {
            let asked = format!("{ask:?}");
            let answer = ask.begin(&hub.router).await;
            assert_eq!(header(&answer, "strict-transport-security"), Some("max-age=31536000"), "{asked}");
        }
    }
}
