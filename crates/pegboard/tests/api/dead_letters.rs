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
