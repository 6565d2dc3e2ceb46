//! Who did what is written down, without secrets, and only admins of the whole hub read it.

use pegboard::api::{Access, ApiOptions, Rate, Transport, tokens};
use pegboard_store::{AuditChain, AuditEntry, Role, Store as _};
use serde_json::{Value, json};
use sha2::Digest as _;

use crate::fake::NOW;
use crate::hub::{Answer, Ask, Hub, SPARE_ID};

async fn page(hub: &Hub, query: &str) -> Value {
    Ask::get(&format!("/api/v1/audit{query}")).token(&hub.admin).send(&hub.router).await.json()
}

/// All entries, the oldest first; they hold together.
async fn log(hub: &Hub) -> Vec<AuditEntry> {
    let mut entries: Vec<AuditEntry> =
        serde_json::from_value(page(hub, "").await["entries"].clone()).unwrap();
    let mut chain = AuditChain::default();
    for entry in &entries {
        chain.check(entry).unwrap();
    }
    entries.reverse();
    entries
}

/// What entries say, in short: who, how, what, to what, from where.
fn told(entries: &[AuditEntry]) -> Vec<[String; 5]> {
    let text = |text: &str| text.to_owned();
    entries
        .iter()
        .map(|entry| {
            let what = &entry.what;
            let from = what.from.as_deref().unwrap_or("-");
            [text(&what.by), text(&what.via), text(&what.action), text(&what.subject), text(from)]
        })
        .collect()
}

async fn sign_in(hub: &Hub, token: &str) -> Answer {
    Ask::new("POST", "/api/v1/session").json(&json!({"token": token})).send(&hub.router).await
}

async fn id_of(hub: &Hub, token: &str) -> String {
    let hash: [u8; 32] = sha2::Sha256::digest(token).into();
    hub.store.token_by_hash(&hash).await.unwrap().unwrap().id
}

#[tokio::test]
async fn s37_tokens_and_sessions_leave_their_entries() {
    let hub = Hub::new();
    let admin = id_of(&hub, &hub.admin).await;
    let made = json!({"name": "wall", "role": "viewer", "sources": ["acme"]});
    let made =
        Ask::new("POST", "/api/v1/tokens").token(&hub.admin).json(&made).send(&hub.router).await.json();
    let id = made["id"].as_str().unwrap().to_owned();
    let signed_in = sign_in(&hub, &hub.admin).await;
    let cookie = signed_in.header("set-cookie").split(';').next().unwrap().to_owned();
    let csrf = signed_in.json()["csrf"].as_str().unwrap().to_owned();
    let by_session = |method: &str, path: &str| {
        Ask::new(method, path).header("cookie", &cookie).header("x-csrf-token", &csrf)
    };
    let revoke = by_session("DELETE", &format!("/api/v1/tokens/{id}")).from("[2001:db8::7]:1");
    assert_eq!(revoke.send(&hub.router).await.status, 204);
    assert_eq!(by_session("DELETE", "/api/v1/session").send(&hub.router).await.status, 204);
    assert_eq!(sign_in(&hub, "pgb_wrong").await.status, 401);

    let entries = log(&hub).await;
    let from = "192.0.2.1";
    let expected = [
        [admin.as_str(), "token", "token.created", &id, from],
        [&admin, "token", "session.opened", &admin, from],
        [&admin, "session", "token.revoked", &id, "2001:db8::7"],
        [&admin, "session", "session.closed", &admin, from],
        ["-", "session", "session.refused", "", from],
    ];
    assert_eq!(told(&entries), expected.map(|row| row.map(str::to_owned)));
    assert!(entries.iter().all(|entry| entry.what.at == NOW));
    let json = |text: &Option<std::sync::Arc<str>>| -> Value {
        serde_json::from_str(text.as_deref().unwrap()).unwrap()
    };
    let (created, revoked) = (&entries[0].what, &entries[2].what);
    assert_eq!((created.before.as_deref(), json(&created.after)["name"].as_str()), (None, Some("wall")));
    assert_eq!(json(&revoked.before)["revoked"], Value::Null);
    assert_eq!(json(&revoked.after)["revoked"], json!(NOW));
    let all = format!("{entries:?}");
    for secret in [made["secret"].as_str().unwrap(), &hub.admin, &cookie, &csrf, "pgb_"] {
        assert!(!all.contains(secret), "{all}");
    }
}

#[tokio::test]
async fn s37_a_reload_leaves_its_entries() {
    let hub = Hub::new();
    let operator = id_of(&hub, &hub.operator).await;
    let body = json!({"source": "acme", "from": "2026-02-27"});
    let ask = |path: &str| Ask::new("POST", path).token(&hub.operator).json(&body);
    assert_eq!(ask("/api/v1/reloads/preview").send(&hub.router).await.status, 200);
    let made = ask("/api/v1/reloads").send(&hub.router).await;
    assert_eq!((made.status.as_u16(), made.json()["to"].as_str()), (201, Some("2026-02-27")));
    let path = format!("/api/v1/reloads/{}", made.json()["id"]);
    assert_eq!(Ask::new("DELETE", &path).token(&hub.operator).send(&hub.router).await.status, 204);
    let entries = log(&hub).await;
    let from = "192.0.2.1";
    let expected = [
        [operator.as_str(), "token", "reload.started", "acme", from],
        [&operator, "token", "reload.cancelled", "acme", from],
    ];
    assert_eq!(told(&entries), expected.map(|row| row.map(str::to_owned)));
}

#[tokio::test]
async fn s37_what_is_refused_or_only_read_leaves_none() {
    let hub = Hub::new();
    for path in ["/api/v1/agents", "/api/v1/tokens", "/api/v1/session"] {
        Ask::get(path).token(&hub.admin).send(&hub.router).await;
    }
    let not_his = Ask::new("DELETE", &format!("/api/v1/tokens/{SPARE_ID}")).token(&hub.viewer);
    assert_eq!(not_his.send(&hub.router).await.status, 403);
    let none = Ask::new("DELETE", "/api/v1/tokens/tnone").token(&hub.admin);
    assert_eq!(none.send(&hub.router).await.status, 404);
    let bad = Ask::new("POST", "/api/v1/tokens").token(&hub.admin).json(&json!({"name": ""}));
    assert_eq!(bad.send(&hub.router).await.status, 400);
    assert_eq!(log(&hub).await, []);
}

#[tokio::test]
async fn s37_a_declared_proxy_says_from_where_and_nobody_else_does() {
    for (transport, from) in [(Transport::BehindProxy, "203.0.113.9"), (Transport::Plain, "192.0.2.1")] {
        let hub = Hub::with(ApiOptions::new(Access::Tokens, transport));
        let ask = Ask::new("POST", "/api/v1/session").json(&json!({"token": hub.viewer}));
        assert_eq!(
            ask.header("x-forwarded-for", "198.51.100.1, 203.0.113.9").send(&hub.router).await.status,
            200
        );
        assert_eq!(log(&hub).await[0].what.from.as_deref(), Some(from), "{transport:?}");
    }
}

#[tokio::test]
async fn s37_strangers_cannot_fill_the_log() {
    let mut options = ApiOptions::new(Access::Tokens, Transport::Plain);
    options.limits.sign_ins_each = Rate { per_second: 1000.0, burst: 1000.0 };
    options.limits.sign_ins_all = options.limits.sign_ins_each;
    let hub = Hub::with(options);
    for _ in 0..150 {
        assert_eq!(sign_in(&hub, "pgb_wrong").await.status, 401);
    }
    let written = page(&hub, "").await["entries"].as_array().unwrap().len();
    assert!((100..=102).contains(&written), "{written}");
}

#[tokio::test]
async fn s37_what_cannot_be_written_down_is_not_done() {
    let hub = Hub::new();
    hub.store.refuse_audit();
    let made =
        Ask::new("POST", "/api/v1/tokens").token(&hub.admin).json(&json!({"name": "a", "role": "admin"}));
    assert_eq!(made.send(&hub.router).await.status, 503);
    let revoke = Ask::new("DELETE", &format!("/api/v1/tokens/{SPARE_ID}")).token(&hub.admin);
    assert_eq!(revoke.send(&hub.router).await.status, 503);
    let signed_in = sign_in(&hub, &hub.admin).await;
    assert_eq!(signed_in.status, 503);
    assert!(signed_in.headers.get("set-cookie").is_none());
    let tokens = Ask::get("/api/v1/tokens").token(&hub.admin).send(&hub.router).await.json();
    let tokens = tokens["tokens"].as_array().unwrap();
    assert!(tokens.iter().all(|token| token["name"] != "a" && token["revoked"].is_null()), "{tokens:?}");
}

#[tokio::test]
async fn r28_s37_the_log_is_read_a_hundred_entries_at_once() {
    let hub = Hub::new();
    for _ in 0..101 {
        // Another token each time: one of them may ask only so often.
        let (text, write) = tokens::create("a", Role::Viewer, vec![], None, NOW);
        hub.store.keep_token(write);
        assert_eq!(sign_in(&hub, text.expose()).await.status, 200);
    }
    let first = page(&hub, "").await;
    assert_eq!((first["entries"].as_array().unwrap().len(), &first["next"]), (100, &json!(2)));
    let rest = page(&hub, "?before=2").await;
    assert_eq!((rest["entries"][0]["number"].as_u64(), &rest["next"]), (Some(1), &Value::Null));
    let refused = Ask::get("/api/v1/audit?limit=101").token(&hub.admin).send(&hub.router).await;
    assert_eq!(refused.status, 400);
}
