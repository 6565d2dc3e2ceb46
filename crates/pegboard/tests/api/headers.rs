//! What every answer carries.

use pegboard::api::routes::ROUTES;
use pegboard::api::{Access, ApiOptions, Transport};

use crate::hub::{Ask, Hub};

#[tokio::test]
async fn s34_every_answer_is_inert_in_a_browser() {
    let hub = Hub::new();
    let of_routes = ROUTES.iter().map(|route| (route.method().to_string(), route.path().to_string()));
    let others =
        [("GET".to_string(), "/nowhere".to_string()), ("PATCH".to_string(), "/api/v1/agents".to_string())];
    for (method, path) in of_routes.chain(others) {
        for token in [None, Some(&hub.viewer)] {
            let mut ask = Ask::new(&method, &path);
            if let Some(token) = token {
                ask = ask.token(token);
            }
            let answer = ask.begin(&hub.router).await;
            let header =
                |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_string());
            let policy = header("content-security-policy").unwrap();
            assert!(
                policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
                "{policy}"
            );
            assert!(!policy.contains("unsafe"), "{policy}");
            assert_eq!(header("x-content-type-options").as_deref(), Some("nosniff"), "{method} {path}");
            assert_eq!(header("x-frame-options").as_deref(), Some("DENY"));
            assert_eq!(header("referrer-policy").as_deref(), Some("no-referrer"));
            assert_eq!(header("cache-control").as_deref(), Some("no-store"));
            assert_eq!(header("strict-transport-security"), None, "there is no TLS to stay with");
            assert_eq!(header("access-control-allow-origin"), None);
        }
    }
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
        assert_eq!(hub.get("/healthz").await.header("strict-transport-security"), "max-age=31536000");
    }
}
