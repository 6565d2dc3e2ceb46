//! Signing in to the page, and what a session may do.

use pegboard::api::{Access, ApiOptions, Rate, Transport};
use pegboard_model::Millis;
use serde_json::{Value, json};

use crate::fake::NOW;
use crate::hub::{Answer, Ask, Hub};

async fn sign_in(hub: &Hub, token: &str) -> Answer {
    Ask::new("POST", "/api/v1/session").json(&json!({"token": token})).send(&hub.router).await
}

/// The cookie as a browser sends it back, and the csrf value.
fn signed_in(answer: &Answer) -> (String, String) {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let cookie = answer.header("set-cookie").split(';').next().unwrap().to_string();
    (cookie, answer.json()["csrf"].as_str().unwrap().to_string())
}

fn with_cookie(method: &str, path: &str, cookie: &str) -> Ask {
    Ask::new(method, path).header("cookie", cookie)
}

#[tokio::test]
async fn a_page_signs_in_by_a_token_and_out_again() {
    let hub = Hub::new();
    let answer = sign_in(&hub, &hub.operator).await;
    let (cookie, csrf) = signed_in(&answer);
    assert!(!cookie.contains(&hub.operator), "the token itself is nowhere in the browser");
    let who = with_cookie("GET", "/api/v1/session", &cookie).send(&hub.router).await;
    assert_eq!(who.json(), json!({"name": "test", "role": "operator", "sources": [], "csrf": csrf}));
    assert_eq!(answer.json(), who.json());
    let out = with_cookie("DELETE", "/api/v1/session", &cookie)
        .header("x-csrf-token", &csrf)
        .send(&hub.router)
        .await;
    assert_eq!(out.status, 204);
    assert!(out.header("set-cookie").starts_with("pegboard_session=; "));
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(with_cookie("GET", "/api/v1/session", &cookie).send(&hub.router).await.status, 401);
}

#[tokio::test]
async fn a_cookie_cannot_be_read_by_scripts_or_sent_by_other_sites() {
    for (transport, secure) in
        [(Transport::Plain, false), (Transport::Tls, true), (Transport::BehindProxy, true)]
    {
        let hub = Hub::with(ApiOptions::new(Access::Tokens, transport));
        let answer = sign_in(&hub, &hub.viewer).await;
        let attributes: Vec<_> = answer.header("set-cookie").split("; ").skip(1).collect();
        for attribute in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"] {
            assert!(attributes.contains(&attribute), "{attributes:?}");
        }
        assert_eq!(attributes.contains(&"Secure"), secure, "{transport:?}");
    }
}

#[tokio::test]
async fn a_write_of_a_session_needs_its_proof_and_its_own_site() {
    let hub = Hub::new();
    let (cookie, csrf) = signed_in(&sign_in(&hub, &hub.viewer).await);
    let (_, other) = signed_in(&sign_in(&hub, &hub.viewer).await);
    let out = || with_cookie("DELETE", "/api/v1/session", &cookie);
    for ask in [
        out(),
        out().header("x-csrf-token", ""),
        out().header("x-csrf-token", &other),
        out().header("x-csrf-token", &csrf[1..]),
        out().header("x-csrf-token", &csrf).header("origin", "https://evil.example"),
        out().header("x-csrf-token", &csrf).header("sec-fetch-site", "cross-site"),
        out().header("x-csrf-token", &csrf).header("sec-fetch-site", "same-site"),
    ] {
        assert_eq!(ask.send(&hub.router).await.code(), "forbidden");
    }
    let own = out().header("x-csrf-token", &csrf).header("origin", "http://hub.example");
    assert_eq!(own.header("sec-fetch-site", "same-origin").send(&hub.router).await.status, 204);
}

#[tokio::test]
async fn no_other_site_signs_a_browser_in() {
    let hub = Hub::new();
    let ask = || Ask::new("POST", "/api/v1/session").json(&json!({"token": hub.viewer}));
    assert_eq!(ask().header("origin", "https://evil.example").send(&hub.router).await.code(), "forbidden");
    assert_eq!(ask().header("sec-fetch-site", "cross-site").send(&hub.router).await.code(), "forbidden");
    assert_eq!(ask().header("content-type", "text/plain").send(&hub.router).await.code(), "bad_request");
    assert_eq!(ask().header("origin", "http://hub.example").send(&hub.router).await.status, 200);
}

#[tokio::test]
async fn a_session_ends_with_its_token() {
    let hub = Hub::new();
    let (cookie, _) = signed_in(&sign_in(&hub, &hub.viewer).await);
    let who = || with_cookie("GET", "/api/v1/session", &cookie).send(&hub.router);
    assert_eq!(who().await.status, 200);
    hub.store.revoke_all();
    assert_eq!(who().await.status, 401);
}

#[tokio::test]
async fn r28_a_session_ends_after_twelve_hours() {
    let hub = Hub::new();
    let (cookie, _) = signed_in(&sign_in(&hub, &hub.viewer).await);
    let who = || with_cookie("GET", "/api/v1/session", &cookie).send(&hub.router);
    hub.view.set_now(NOW + Millis::from_hours(12) - Millis::new(1));
    assert_eq!(who().await.status, 200);
    hub.view.set_now(NOW + Millis::from_hours(12));
    assert_eq!(who().await.status, 401);
}

#[tokio::test]
async fn signing_in_again_ends_the_session_before() {
    let hub = Hub::new();
    let (before, _) = signed_in(&sign_in(&hub, &hub.viewer).await);
    let again = with_cookie("POST", "/api/v1/session", &before).json(&json!({"token": hub.viewer}));
    let (after, _) = signed_in(&again.send(&hub.router).await);
    assert_ne!(before, after);
    assert_eq!(with_cookie("GET", "/api/v1/session", &before).send(&hub.router).await.status, 401);
    assert_eq!(with_cookie("GET", "/api/v1/session", &after).send(&hub.router).await.status, 200);
}

#[tokio::test]
async fn a_token_in_the_header_outranks_a_cookie() {
    let hub = Hub::new();
    let (cookie, _) = signed_in(&sign_in(&hub, &hub.viewer).await);
    let who = with_cookie("GET", "/api/v1/session", &cookie).token(&hub.admin).send(&hub.router).await;
    assert_eq!(who.json()["role"], "admin");
    let wrong = with_cookie("GET", "/api/v1/session", &cookie).token("pgb_wrong").send(&hub.router).await;
    assert_eq!(wrong.status, 401, "a wrong token is not passed over");
}

#[tokio::test]
async fn a_sign_in_takes_a_token_and_nothing_else() {
    let hub = Hub::new();
    let post = |body: &str| {
        let ask = Ask::new("POST", "/api/v1/session").header("content-type", "application/json");
        ask.body(body.to_string()).send(&hub.router)
    };
    for body in ["", "{", "[]", "{}", "{\"token\": 1}", "{\"token\": \"x\", \"role\": \"admin\"}"] {
        let answer = post(body).await;
        assert_eq!(answer.json()["error"]["path"], "body", "{body}");
    }
    let answer = sign_in(&hub, "pgb_nonsense").await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.json()["error"]["path"], "body.token");
    assert!(answer.headers.get("set-cookie").is_none());
}

#[tokio::test]
async fn s20_a_token_in_a_broken_body_is_not_repeated() {
    let hub = Hub::new();
    let body = format!("{{\"token\": \"{}\", \"{}\": 1}}", hub.admin, hub.admin);
    let ask = Ask::new("POST", "/api/v1/session").header("content-type", "application/json").body(body);
    let answer = ask.send(&hub.router).await;
    assert_eq!(answer.status, 400);
    assert!(!answer.text.contains(&hub.admin[4..]));
}

fn throttled(each: f64, all: f64) -> Hub {
    let mut options = ApiOptions::new(Access::Tokens, Transport::Plain);
    options.limits.sign_ins_each = Rate { per_second: 0.001, burst: each };
    options.limits.sign_ins_all = Rate { per_second: 0.001, burst: all };
    Hub::with(options)
}

async fn sign_in_from(hub: &Hub, address: &str, body: &Value) -> u16 {
    let answer = Ask::new("POST", "/api/v1/session").from(address).json(body).send(&hub.router).await;
    if answer.status == 429 {
        assert!(answer.header("retry-after").parse::<u64>().unwrap() > 0);
    }
    answer.status.as_u16()
}

#[tokio::test]
async fn r28_s31_failed_sign_ins_are_throttled_by_address_and_good_ones_are_not() {
    let hub = throttled(3.0, 100.0);
    let wrong = json!({"token": "pgb_wrong"});
    let right = json!({"token": hub.viewer});
    for _ in 0..10 {
        assert_eq!(sign_in_from(&hub, "192.0.2.1:1", &right).await, 200);
    }
    for _ in 0..3 {
        assert_eq!(sign_in_from(&hub, "192.0.2.1:1", &wrong).await, 401);
    }
    assert_eq!(sign_in_from(&hub, "192.0.2.1:2", &wrong).await, 429);
    assert_eq!(
        sign_in_from(&hub, "192.0.2.1:2", &right).await,
        429,
        "who guesses does not learn that he was right"
    );
    assert_eq!(sign_in_from(&hub, "192.0.2.2:1", &right).await, 200);
}

#[tokio::test]
async fn r28_s31_failed_sign_ins_are_throttled_in_all() {
    let hub = throttled(3.0, 5.0);
    let wrong = json!({"token": "pgb_wrong"});
    for last in 1..=5 {
        assert_eq!(sign_in_from(&hub, &format!("192.0.2.{last}:1"), &wrong).await, 401);
    }
    assert_eq!(sign_in_from(&hub, "192.0.2.99:1", &wrong).await, 429);
}
