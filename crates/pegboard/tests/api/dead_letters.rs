//! Dead letters, page by page.

use serde_json::{Value, json};

use crate::hub::{Ask, Hub};

#[tokio::test]
async fn r28_pages_follow_each_other_without_gap_or_overlap() {
    let hub = Hub::new();
    for _ in 0..250 {
        hub.store.bury("acme", b"{}");
    }
    let mut seen = Vec::new();
    let mut path = "/api/v1/dead-letters".to_string();
    let mut pages = 0;
    loop {
        let body = hub.get(&path).await.json();
        seen.extend(
            body["dead_letters"].as_array().unwrap().iter().map(|letter| letter["id"].as_i64().unwrap()),
        );
        pages += 1;
        let Some(next) = body["next"].as_i64() else { break };
        path = format!("/api/v1/dead-letters?before={next}");
    }
    assert_eq!(pages, 3);
    assert_eq!(seen, (1..=250).rev().collect::<Vec<_>>());
}

#[tokio::test]
async fn the_last_page_says_so_even_if_it_is_full() {
    let hub = Hub::new();
    for _ in 0..4 {
        hub.store.bury("acme", b"{}");
    }
    let body = hub.get("/api/v1/dead-letters?limit=4").await.json();
    assert_eq!(body["dead_letters"].as_array().unwrap().len(), 4);
    assert_eq!(body["next"], Value::Null);
    assert_eq!(hub.get("/api/v1/dead-letters?limit=3").await.json()["next"], 2);
}

#[tokio::test]
async fn s30_only_who_repairs_sees_the_record() {
    let hub = Hub::new();
    hub.store.bury("acme", b"{\"phone\": \"+1555\"}");
    for (token, sees) in [(&hub.viewer, false), (&hub.acme, false), (&hub.operator, true), (&hub.admin, true)]
    {
        let answer = Ask::get("/api/v1/dead-letters").token(token).send(&hub.router).await;
        assert_eq!(answer.text.contains("+1555"), sees);
        assert_eq!(answer.json()["dead_letters"][0].get("payload").is_some(), sees);
    }
}

#[tokio::test]
async fn a_record_that_is_no_text_is_written_in_base64() {
    let hub = Hub::new();
    hub.store.bury("acme", &[0xff, 0x00]);
    hub.store.bury("acme", "é".as_bytes());
    let answer = Ask::get("/api/v1/dead-letters").token(&hub.operator).send(&hub.router).await.json();
    let letter = |index: usize| {
        let letter = &answer["dead_letters"][index];
        (letter["payload"].clone(), letter["encoding"].clone())
    };
    assert_eq!(letter(0), (json!("é"), json!("text")));
    assert_eq!(letter(1), (json!("/wA="), json!("base64")));
}

fn act(id: i64, deed: &str) -> Ask {
    Ask::new("POST", &format!("/api/v1/dead-letters/{id}/{deed}"))
}

#[tokio::test]
async fn a_letter_is_tried_again_by_operators_and_the_audit_log_says_who() {
    let hub = Hub::new();
    for payload in [&b"good"[..], b"bad", b"unreachable"] {
        hub.store.bury("acme", payload);
    }
    let retried = async |id| act(id, "retry").token(&hub.operator).send(&hub.router).await;
    assert_eq!(retried(1).await.json(), json!({"mended": true, "reason": null}));
    let bad = retried(2).await.json();
    assert_eq!(bad, json!({"mended": false, "reason": "line 3: not a count"}));
    let unreachable = retried(3).await;
    assert_eq!(unreachable.status, 503);
    assert!(unreachable.text.contains("S3 does not answer"), "{}", unreachable.text);
    assert_eq!(retried(4).await.status, 404);
    let log = Ask::get("/api/v1/audit").token(&hub.admin).send(&hub.router).await.json();
    let entries = log["entries"].as_array().unwrap();
    let told = entries.iter().filter(|entry| entry["action"] == "dead_letter.retried");
    let subjects: Vec<_> = told.map(|entry| entry["subject"].as_str().unwrap()).collect();
    assert_eq!(subjects, ["3", "2", "1"]);
}

#[tokio::test]
async fn s30_letters_of_other_tenants_are_not_there() {
    let hub = Hub::new();
    hub.store.bury("globex", b"{}");
    let path = "/api/v1/dead-letters/1";
    assert_eq!(Ask::get(path).token(&hub.acme).send(&hub.router).await.status, 404);
    assert_eq!(act(1, "retry").token(&hub.acme_admin).send(&hub.router).await.status, 404);
    let own = Ask::get(path).token(&hub.operator).send(&hub.router).await.json();
    assert_eq!((&own["id"], &own["tries"], &own["tried"]), (&json!(1), &json!(1), &Value::Null));
    assert_eq!(own["payload"], "{}");
}

#[tokio::test]
async fn r28_a_letter_is_dropped_with_a_comment_of_500_characters_at_most() {
    let hub = Hub::new();
    hub.store.bury("acme", b"{}");
    let drop = async |comment: &str| {
        let body = json!({ "comment": comment });
        act(1, "drop").token(&hub.operator).json(&body).send(&hub.router).await.status
    };
    assert_eq!(drop(" ").await, 400);
    assert_eq!(drop(&"x".repeat(501)).await, 400);
    assert_eq!(drop(&"x".repeat(500)).await, 204);
    assert_eq!(drop("again").await, 404);
    let log = Ask::get("/api/v1/audit").token(&hub.admin).send(&hub.router).await.text;
    assert!(log.contains("dead_letter.dropped") && log.contains(&"x".repeat(500)), "{log}");
}
