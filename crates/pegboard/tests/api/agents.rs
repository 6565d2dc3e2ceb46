//! The snapshot of agents.

use pegboard::api::{Access, ApiOptions, Transport};
use pegboard::runtime::view::Health;
use pegboard_model::{Class, Millis};
use serde_json::{Value, json};

use crate::fake::{NOW, agent};
use crate::hub::{Ask, Hub};

async fn ids(hub: &Hub, query: &str) -> Vec<String> {
    let body = hub.get(&format!("/api/v1/agents{query}")).await.json();
    let ids = body["agents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|agent| agent["agent_id"].as_str().unwrap().to_string());
    ids.collect()
}

#[tokio::test]
async fn an_agent_is_shown_with_age_and_evidence() {
    let hub = Hub::new();
    let mut ana = agent("acme", "ana");
    ana.since = NOW - Millis::new(12_500);
    hub.store.change(ana);
    let body = hub.get("/api/v1/agents").await.json();
    assert_eq!(body["at"], "2026-03-01T09:15:00Z");
    assert_eq!(
        body["agents"],
        json!([{
            "source": "acme", "agent_id": "ana", "agent_login": "ana.login", "agent_name": "Agent ana",
            "team": "Sales / North", "routing_profile": "Basic", "class": "available",
            "since": "2026-03-01T09:14:47.500Z", "age_s": 12.5, "event_id": "Available", "reason": "",
            "status_id": "status-1", "status_name": "Available", "contact_id": null, "channel": null,
            "initiation": null, "queue_id": null, "queue_name": null, "levels": ["Sales", "North", "", "", ""],
            "heard": "2026-03-01T09:14:47.500Z", "stale": false,
        }])
    );
    let cursor = body["cursor"].as_str().unwrap();
    assert!(cursor.ends_with("~acme=1"), "{cursor}");
}

#[tokio::test]
async fn a_state_that_starts_after_the_clock_is_not_of_negative_age() {
    let hub = Hub::new();
    let mut ana = agent("acme", "ana");
    ana.since = NOW + Millis::from_seconds(3);
    hub.store.change(ana);
    assert_eq!(hub.get("/api/v1/agents").await.json()["agents"][0]["age_s"], json!(0.0));
}

#[tokio::test]
async fn filters_are_one_of_each_and_all_together() {
    let hub = Hub::new();
    let mut ana = agent("acme", "ana");
    ana.team = "Support".into();
    let mut bo = agent("acme", "bo");
    bo.class = Class::Talk;
    let mut cy = agent("globex", "cy");
    cy.agent_name = "Çigdem Öz".into();
    for agent in [ana, bo, cy] {
        hub.store.change(agent);
    }
    assert_eq!(ids(&hub, "").await, ["ana", "bo", "cy"]);
    assert_eq!(ids(&hub, "?source=globex").await, ["cy"]);
    assert_eq!(ids(&hub, "?source=globex&source=acme").await, ["ana", "bo", "cy"]);
    assert_eq!(ids(&hub, "?team=Support").await, ["ana"]);
    assert_eq!(ids(&hub, "?team=Support&team=Sales%20/%20North").await, ["ana", "bo", "cy"]);
    assert_eq!(ids(&hub, "?class=talk&class=hold").await, ["bo"]);
    assert_eq!(ids(&hub, "?team=Support&class=talk").await, [""; 0]);
    assert_eq!(ids(&hub, "?q=%C3%A7IGDEM").await, ["cy"], "whatever the case, in any script");
    assert_eq!(ids(&hub, "?q=BO.LOG").await, ["bo"], "in the login");
    assert_eq!(ids(&hub, "?q=ana&q=bo").await, ["ana", "bo"]);
    assert_eq!(ids(&hub, "?q=&team=&class=").await.len(), 3, "an empty value is no filter");
}

/// Whether an agent is stale whose class is `class`, heard of `silence` ago, under a source of this health.
async fn stale(class: Class, silence: Millis, health: Health, source: &str) -> Value {
    let mut options = ApiOptions::new(Access::Tokens, Transport::Plain);
    options.stale_after.insert("acme".into(), Millis::from_minutes(5));
    let hub = Hub::with(options);
    for source in &mut *hub.view.sources.lock().unwrap() {
        source.health = health;
        source.watermark = Some(NOW - Millis::from_minutes(10));
    }
    let mut ana = agent(source, "ana");
    ana.class = class;
    ana.since = NOW - Millis::from_minutes(10) - silence;
    hub.store.change(ana);
    hub.get("/api/v1/agents").await.json()["agents"][0]["stale"].clone()
}

#[tokio::test]
async fn an_agent_is_stale_by_the_source_or_by_silence() {
    let limit = Millis::from_minutes(5);
    let over = limit + Millis::new(1);
    assert_eq!(stale(Class::Talk, limit, Health::Ok, "acme").await, false, "measured against the watermark");
    assert_eq!(stale(Class::Talk, over, Health::Ok, "acme").await, true);
    assert_eq!(stale(Class::Unknown, over, Health::Ok, "acme").await, true);
    assert_eq!(stale(Class::SignedOut, over, Health::Ok, "acme").await, false, "who is signed out is silent");
    assert_eq!(
        stale(Class::Talk, over, Health::Ok, "globex").await,
        false,
        "no limit is set for this source"
    );
    for health in [Health::Lagging, Health::Failing, Health::Stopped] {
        assert_eq!(stale(Class::Talk, Millis::ZERO, health, "acme").await, true, "{health:?}");
    }
    assert_eq!(stale(Class::Talk, Millis::ZERO, Health::Starting, "acme").await, false);
    assert_eq!(
        stale(Class::Talk, Millis::ZERO, Health::Ok, "removed").await,
        true,
        "nobody reads this source"
    );
}

#[tokio::test]
async fn the_cursor_of_a_limited_token_names_no_other_source() {
    let hub = Hub::new();
    hub.store.change(agent("globex", "g-1"));
    hub.store.change(agent("acme", "a-1"));
    let body = Ask::get("/api/v1/agents").token(&hub.acme).send(&hub.router).await.json();
    assert!(body["cursor"].as_str().unwrap().ends_with("ef~acme=1"), "{}", body["cursor"]);
    assert_eq!(body["agents"].as_array().unwrap().len(), 1);
}
