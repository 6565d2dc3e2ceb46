//! Days that are made anew: who may ask for it, and what is refused.

use serde_json::{Value, json};

use crate::hub::{Answer, Ask, Hub};

async fn ask(hub: &Hub, token: &str, path: &str, body: &Value) -> Answer {
    Ask::new("POST", path).token(token).json(body).send(&hub.router).await
}

#[tokio::test]
async fn what_is_asked_for_is_handed_on_and_shown() {
    let hub = Hub::new();
    let body = json!({
        "source": "acme", "from": "2026-02-01", "to": "2026-02-28", "queues": ["Sales"], "agents": ["a-1"],
        "from_archive": true, "from_source": false,
    });
    let made = ask(&hub, &hub.operator, "/api/v1/reloads", &body).await;
    assert_eq!(made.status, 201);
    let shown = Ask::get("/api/v1/reloads?limit=1").token(&hub.viewer).send(&hub.router).await.json();
    for (name, value) in body.as_object().unwrap() {
        assert_eq!(shown["reloads"][0][name], *value, "{name}");
    }
    assert_eq!(shown["next"], made.json()["id"]);
    let preview = ask(&hub, &hub.operator, "/api/v1/reloads/preview?format=csv", &body).await;
    assert_eq!(preview.text.lines().next(), Some("report,interval_start,key,column,old,new"));
}

#[tokio::test]
async fn r28_what_cannot_be_is_refused_by_its_place() {
    let hub = Hub::new();
    let many: Vec<String> = (0..=1000).map(|number| number.to_string()).collect();
    for (body, path) in [
        (json!([]), "body"),
        (json!({"from": "2026-02-01"}), "body.source"),
        (json!({"source": "acme"}), "body.from"),
        (json!({"source": "acme", "from": "yesterday"}), "body.from"),
        (json!({"source": "acme", "from": "2026-02-01", "to": 7}), "body.to"),
        (json!({"source": "acme", "from": "2026-02-01", "agents": many}), "body.agents"),
        (json!({"source": "acme", "from": "2026-02-01", "days": 3}), "body.days"),
        (json!({"source": "acme", "from": "2026-02-01", "from_archive": "yes"}), "body.from_archive"),
        (json!({"source": "acme", "from": "2026-02-01", "from_source": 1}), "body.from_source"),
    ] {
        for route in ["/api/v1/reloads", "/api/v1/reloads/preview"] {
            let refused = ask(&hub, &hub.operator, route, &body).await;
            assert_eq!(refused.status, 400, "{body}");
            assert_eq!(refused.json()["error"]["path"], path, "{body}");
        }
    }
    let fits = json!({"source": "acme", "from": "2026-02-01", "agents": many[..1000]});
    assert_eq!(ask(&hub, &hub.operator, "/api/v1/reloads", &fits).await.status, 201);
}

#[tokio::test]
async fn s30_another_tenants_reloads_do_not_exist() {
    let hub = Hub::new();
    let own = json!({"source": "acme", "from": "2026-02-01"});
    let others = json!({"source": "globex", "from": "2026-02-01"});
    let unknown = json!({"source": "unseen", "from": "2026-02-01"});
    let made = ask(&hub, &hub.operator, "/api/v1/reloads", &others).await.json();
    assert_eq!(ask(&hub, &hub.acme_admin, "/api/v1/reloads", &own).await.status, 201);
    for route in ["/api/v1/reloads", "/api/v1/reloads/preview"] {
        let forbidden = ask(&hub, &hub.acme_admin, route, &others).await;
        let unseen = ask(&hub, &hub.acme_admin, route, &unknown).await;
        assert_eq!(
            (forbidden.status.as_u16(), forbidden.text.replace("globex", "unseen")),
            (404, unseen.text)
        );
    }
    let shown = Ask::get("/api/v1/reloads").token(&hub.acme_admin).send(&hub.router).await;
    assert!(!shown.text.contains("globex"), "{}", shown.text);
    let path = format!("/api/v1/reloads/{}", made["id"]);
    assert_eq!(Ask::new("DELETE", &path).token(&hub.acme_admin).send(&hub.router).await.status, 404);
    assert_eq!(Ask::new("DELETE", "/api/v1/reloads/x").token(&hub.admin).send(&hub.router).await.status, 404);
}

#[tokio::test]
async fn r28_a_page_of_reloads_is_100_at_most() {
    let hub = Hub::new();
    let page = async |limit: u32| {
        let path = format!("/api/v1/reloads?limit={limit}");
        Ask::get(&path).token(&hub.viewer).send(&hub.router).await.status
    };
    assert_eq!((page(100).await.as_u16(), page(101).await.as_u16()), (200, 400));
}
