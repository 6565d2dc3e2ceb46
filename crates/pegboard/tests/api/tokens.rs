//! Making, listing and revoking tokens.

use pegboard::api::routes::{Needs, ROUTES};
use pegboard::api::tokens;
use pegboard_model::Millis;
use pegboard_store::Role;
use serde_json::{Value, json};

use crate::access::example;
use crate::fake::NOW;
use crate::hub::{Answer, Ask, Hub};

const PATH: &str = "/api/v1/tokens";

async fn post(hub: &Hub, token: &str, body: &Value) -> Answer {
    Ask::new("POST", PATH).token(token).json(body).send(&hub.router).await
}

async fn listed(hub: &Hub) -> Vec<Value> {
    let answer = Ask::get(PATH).token(&hub.admin).send(&hub.router).await;
    answer.json()["tokens"].as_array().unwrap().clone()
}

async fn status_with(hub: &Hub, token: &str) -> u16 {
    Ask::get("/api/v1/session").token(token).send(&hub.router).await.status.as_u16()
}

#[tokio::test]
async fn a_token_is_made_shown_once_and_revoked() {
    let hub = Hub::new();
    let before = listed(&hub).await.len();
    let expires = (NOW + Millis::from_hours(1)).to_string();
    let wanted = json!({"name": "wall", "role": "operator", "sources": ["acme"], "expires": expires});
    let answer = post(&hub, &hub.admin, &wanted).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let mut made = answer.json();
    let secret = made.as_object_mut().unwrap().remove("secret").unwrap();
    let secret = secret.as_str().unwrap();
    for (field, value) in wanted.as_object().unwrap() {
        assert_eq!(made[field], *value);
    }
    assert_eq!((&made["created"], &made["revoked"]), (&json!(NOW), &Value::Null));
    let who = Ask::get("/api/v1/session").token(secret).send(&hub.router).await.json();
    assert_eq!(who, json!({"name": "wall", "role": "operator", "sources": ["acme"], "csrf": null}));

    let tokens = listed(&hub).await;
    assert_eq!(tokens.len(), before + 1);
    assert!(tokens.contains(&made), "{tokens:?}");
    assert!(!json!(tokens).to_string().contains("pgb_"), "no list shows a secret");

    let path = format!("{PATH}/{}", made["id"].as_str().unwrap());
    for _ in 0..2 {
        let revoked = Ask::new("DELETE", &path).token(&hub.admin).send(&hub.router).await;
        assert_eq!((revoked.status.as_u16(), revoked.text.as_str()), (204, ""));
    }
    assert_eq!(status_with(&hub, secret).await, 401);
    assert_eq!(status_with(&hub, &hub.admin).await, 200, "the others stay");
    made["revoked"] = json!(NOW);
    assert!(listed(&hub).await.contains(&made), "it stays in the list");
}

#[tokio::test]
async fn without_sources_and_expiry_a_token_sees_all_and_does_not_expire() {
    let hub = Hub::new();
    for body in [
        json!({"name": "a", "role": "viewer"}),
        json!({"name": "a", "role": "viewer", "sources": [], "expires": null}),
        json!({"name": "a", "role": "viewer", "sources": null}),
    ] {
        let made = post(&hub, &hub.admin, &body).await.json();
        assert_eq!((&made["sources"], &made["expires"]), (&json!([]), &Value::Null), "{body}");
    }
}

#[tokio::test]
async fn what_cannot_be_made_is_refused_by_its_place_and_nothing_is_made() {
    let hub = Hub::new();
    let before = listed(&hub).await;
    for (body, path) in [
        (json!([]), "body"),
        (json!({"role": "viewer"}), "body.name"),
        (json!({"name": 1, "role": "viewer"}), "body.name"),
        (json!({"name": " ", "role": "viewer"}), "body.name"),
        (json!({"name": "a\nb", "role": "viewer"}), "body.name"),
        (json!({"name": "a"}), "body.role"),
        (json!({"name": "a", "role": "root"}), "body.role"),
        (json!({"name": "a", "role": "viewer", "sources": "acme"}), "body.sources"),
        (json!({"name": "a", "role": "viewer", "sources": ["acme", "initech"]}), "body.sources[1]"),
        (json!({"name": "a", "role": "viewer", "sources": ["acme", "acme"]}), "body.sources[1]"),
        (json!({"name": "a", "role": "viewer", "expires": "tomorrow"}), "body.expires"),
        (json!({"name": "a", "role": "viewer", "expires": NOW}), "body.expires"),
        (json!({"name": "a", "role": "viewer", "source": ["acme"]}), "body.source"),
    ] {
        let answer = post(&hub, &hub.admin, &body).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "bad_request"), "{body}");
        assert_eq!(answer.json()["error"]["path"], path, "{body}");
    }
    let text = Ask::new("POST", PATH).token(&hub.admin).header("content-type", "text/plain");
    let answer = text.body(r#"{"name": "a", "role": "viewer"}"#).send(&hub.router).await;
    assert_eq!(answer.json()["error"]["path"], "header.content-type");
    assert_eq!(listed(&hub).await, before);
}

#[tokio::test]
async fn a_token_that_is_not_there_is_not_revoked() {
    let hub = Hub::new();
    for id in ["t0123456789abcdef", "%2e%2e", "x%2Fy"] {
        let ask = Ask::new("DELETE", &format!("{PATH}/{id}")).token(&hub.admin);
        assert_eq!(ask.send(&hub.router).await.code(), "not_found", "{id}");
    }
}

#[tokio::test]
async fn s30_an_admin_of_some_sources_has_no_say_over_tokens() {
    let hub = Hub::new();
    let (limited, write) = tokens::create("tenant", Role::Admin, vec!["acme".into()], None, NOW);
    hub.store.keep_token(write);
    let before = listed(&hub).await;
    let routes: Vec<_> =
        ROUTES.iter().filter(|route| matches!(route.needs(), Needs::RoleOverAll(_))).collect();
    assert_eq!(routes.len(), 23);
    for route in routes {
        let wanted = json!({"name": "wider", "role": "admin"});
        let ask = Ask::new(route.method().as_str(), &example(route.path())).token(limited.expose());
        let answer = ask.json(&wanted).send(&hub.router).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (403, "forbidden"), "{route:?}");
    }
    assert_eq!(listed(&hub).await, before);
}

#[tokio::test]
async fn a_session_needs_its_proof_to_make_or_revoke_a_token() {
    let hub = Hub::new();
    let sign_in = Ask::new("POST", "/api/v1/session").json(&json!({"token": hub.admin}));
    let signed_in = sign_in.send(&hub.router).await;
    let cookie = signed_in.header("set-cookie").split(';').next().unwrap().to_string();
    let csrf = signed_in.json()["csrf"].as_str().unwrap().to_string();
    let before = listed(&hub).await;
    let write = |method, path: &str| {
        Ask::new(method, path).header("cookie", &cookie).json(&json!({"name": "a", "role": "viewer"}))
    };
    for (method, path) in [("POST", PATH.to_string()), ("DELETE", example("/api/v1/tokens/{id}"))] {
        let unproven = write(method, &path).send(&hub.router).await;
        assert_eq!(unproven.code(), "forbidden", "{method}");
        let elsewhere =
            write(method, &path).header("x-csrf-token", &csrf).header("origin", "https://evil.example");
        assert_eq!(elsewhere.send(&hub.router).await.code(), "forbidden", "{method}");
    }
    assert_eq!(listed(&hub).await, before);
    let proven = write("POST", PATH).header("x-csrf-token", &csrf).send(&hub.router).await;
    assert_eq!(proven.status, 201);
}
