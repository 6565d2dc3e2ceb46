//! Persons who are to be forgotten: who may ask for it, what is refused, and what nobody is told.

use serde_json::{Value, json};

use crate::hub::{Answer, Ask, Hub};

const WHO: &str = "0c1f8e2a-7d40-4b8e-9a53-1f2e3d4c5b6a";

async fn ask(hub: &Hub, token: &str, body: &Value) -> Answer {
    Ask::new("POST", "/api/v1/erasures").token(token).json(body).send(&hub.router).await
}

#[tokio::test]
async fn s37_that_somebody_is_forgotten_is_written_down_and_not_who() {
    let hub = Hub::new();
    let body = json!({"source": "acme", "agent": WHO, "also": ["anna@example.org"]});
    let made = ask(&hub, &hub.admin, &body).await;
    assert_eq!(made.status, 201);
    let pseudonym = made.json()["pseudonym"].as_str().unwrap().to_owned();
    assert!(pseudonym.starts_with("erased-") && pseudonym.len() == 19, "{pseudonym}");
    assert_eq!(made.json()["notes"].as_array().unwrap().len(), 3);
    let shown = Ask::get("/api/v1/erasures?limit=1").token(&hub.admin).send(&hub.router).await;
    assert_eq!(shown.json()["erasures"][0]["pseudonym"], pseudonym.as_str());
    let audit = Ask::get("/api/v1/audit").token(&hub.admin).send(&hub.router).await;
    let entry = audit.json()["entries"][0].clone();
    assert_eq!((&entry["action"], &entry["subject"]), (&json!("erasure.started"), &json!("acme")));
    let after: Value = serde_json::from_str(entry["after"].as_str().unwrap()).unwrap();
    assert_eq!(after, json!({"pseudonym": pseudonym, "dry_run": false}));
    for answer in [made, shown, audit] {
        assert!(!answer.text.contains(WHO) && !answer.text.contains("anna"), "{}", answer.text);
    }
    let again = ask(&hub, &hub.admin, &body).await.json();
    assert_ne!(again["pseudonym"], pseudonym.as_str(), "nothing leads from one to the other");
}

#[tokio::test]
async fn r28_what_cannot_be_is_refused_by_its_place() {
    let hub = Hub::new();
    let many: Vec<String> = (0..=50).map(|number| format!("text {number}")).collect();
    for (body, path) in [
        (json!([]), "body"),
        (json!({"agent": WHO}), "body.source"),
        (json!({"source": "acme"}), "body.agent"),
        (json!({"source": "acme", "agent": " "}), "body.agent"),
        (json!({"source": "acme", "agent": WHO, "also": many}), "body.also"),
        (json!({"source": "acme", "agent": WHO, "also": ["ab"]}), "body.also"),
        (json!({"source": "acme", "agent": WHO, "also": ["x".repeat(257)]}), "body.also"),
        (json!({"source": "acme", "agent": WHO, "dry_run": "yes"}), "body.dry_run"),
        (json!({"source": "acme", "agent": WHO, "name": "Anna"}), "body.name"),
    ] {
        let refused = ask(&hub, &hub.admin, &body).await;
        assert_eq!(refused.status, 400, "{body}");
        assert_eq!(refused.json()["error"]["path"], path, "{body}");
    }
    let fits = json!({"source": "acme", "agent": WHO, "also": many[..50]});
    assert_eq!(ask(&hub, &hub.admin, &fits).await.status, 201);
}

#[tokio::test]
async fn s30_another_tenants_persons_do_not_exist() {
    let hub = Hub::new();
    let others = json!({"source": "globex", "agent": WHO});
    let unknown = json!({"source": "unseen", "agent": WHO});
    assert_eq!(ask(&hub, &hub.admin, &others).await.status, 201);
    let answers = [ask(&hub, &hub.acme_admin, &others).await, ask(&hub, &hub.acme_admin, &unknown).await];
    for answer in &answers {
        assert_eq!(answer.status, 404);
    }
    let shown = Ask::get("/api/v1/erasures").token(&hub.acme_admin).send(&hub.router).await;
    assert!(!shown.text.contains("globex"), "{}", shown.text);
}

#[tokio::test]
async fn r28_a_page_of_erasures_is_100_at_most() {
    let hub = Hub::new();
    let page = async |limit: u32| {
        let path = format!("/api/v1/erasures?limit={limit}");
        Ask::get(&path).token(&hub.admin).send(&hub.router).await.status
    };
    assert_eq!((page(100).await.as_u16(), page(101).await.as_u16()), (200, 400));
}
