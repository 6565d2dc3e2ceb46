//! The stream of agents: where it starts, what it carries, and how it ends.

use std::sync::atomic::Ordering;
use std::time::Duration;

use pegboard::api::{Access, ApiOptions, Limits, Transport};
use tokio::time::timeout;

use crate::client::{BodyEvents, Event};
use crate::fake::agent;
use crate::hub::{Ask, Hub};

const SOON: Duration = Duration::from_secs(5);

fn hub_with(change: impl FnOnce(&mut Limits)) -> Hub {
    let mut options = ApiOptions::new(Access::Tokens, Transport::Plain);
    change(&mut options.limits);
    Hub::with(options)
}

async fn open(hub: &Hub, query: &str) -> BodyEvents {
    let ask = Ask::get(&format!("/api/v1/agents/stream{query}")).token(&hub.viewer);
    BodyEvents::new(ask.begin(&hub.router).await)
}

async fn soon(events: &mut BodyEvents) -> Option<Event> {
    timeout(SOON, events.next()).await.expect("an event, or the end, in time")
}

/// The id of the agent of the next change, and the cursor after it.
async fn next_change(events: &mut BodyEvents) -> (String, String) {
    loop {
        let event = soon(events).await.expect("the stream goes on");
        if event.kind == "state" {
            return (event.json()["agent_id"].as_str().unwrap().to_string(), event.id);
        }
    }
}

#[tokio::test]
async fn without_a_cursor_the_stream_starts_with_now_and_says_where_that_is() {
    let hub = Hub::new();
    hub.store.change(agent("acme", "before"));
    let mut events = open(&hub, "").await;
    let first = soon(&mut events).await.unwrap();
    assert_eq!(
        (first.kind.as_str(), first.json()["at"].as_str()),
        ("heartbeat", Some("2026-03-01T09:15:00Z"))
    );
    assert!(first.id.ends_with("~acme=1"), "{}", first.id);
    hub.store.change(agent("acme", "after"));
    let (id, cursor) = next_change(&mut events).await;
    assert_eq!(id, "after");
    assert!(cursor.ends_with("~acme=2"), "{cursor}");
}

#[tokio::test]
async fn a_change_is_the_whole_agent_as_the_store_has_it() {
    let hub = Hub::new();
    let mut events = open(&hub, "").await;
    soon(&mut events).await;
    hub.store.change(agent("acme", "ana"));
    let event = soon(&mut events).await.unwrap();
    assert_eq!(event.json(), serde_json::to_value(agent("acme", "ana")).unwrap());
}

#[tokio::test]
async fn the_header_outranks_the_query() {
    let hub = Hub::new();
    let cursor = |number| format!("0123456789abcdef0123456789abcdef~acme={number}");
    for n in 1..=3 {
        hub.store.change(agent("acme", &format!("a-{n}")));
    }
    let (id, _) = next_change(&mut open(&hub, &format!("?after={}", cursor(1))).await).await;
    assert_eq!(id, "a-2");
    let ask = Ask::get(&format!("/api/v1/agents/stream?after={}", cursor(1))).token(&hub.viewer);
    let ask = ask.header("last-event-id", &cursor(2));
    let (id, _) = next_change(&mut BodyEvents::new(ask.begin(&hub.router).await)).await;
    assert_eq!(id, "a-3");
}

#[tokio::test]
async fn a_dead_cursor_is_answered_410() {
    let hub = Hub::new();
    hub.store.change(agent("acme", "ana"));
    let old = hub.get("/api/v1/agents").await.json()["cursor"].as_str().unwrap().to_string();
    hub.store.lose(agent("acme", "ana"));
    for cursor in [old.as_str(), "ffffffffffffffffffffffffffffffff~acme=2"] {
        let answer = hub.get(&format!("/api/v1/agents/stream?after={cursor}")).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (410, "cursor_gone"), "{cursor}");
    }
}

#[tokio::test]
async fn a_cursor_that_dies_within_a_stream_ends_it() {
    let hub = Hub::new();
    let mut events = open(&hub, "").await;
    soon(&mut events).await;
    hub.store.lose(agent("acme", "ana"));
    assert_eq!(soon(&mut events).await.unwrap().kind, "gone");
    assert_eq!(soon(&mut events).await, None);
}

#[tokio::test]
async fn s30_a_limited_token_streams_its_own_sources_only() {
    let hub = Hub::new();
    hub.store.change(agent("globex", "g-0"));
    let ask = Ask::get("/api/v1/agents/stream").token(&hub.acme);
    let mut events = BodyEvents::new(ask.begin(&hub.router).await);
    let first = soon(&mut events).await.unwrap();
    assert!(!first.id.contains("globex"), "{}", first.id);
    hub.store.change(agent("globex", "g-1"));
    hub.store.change(agent("acme", "a-1"));
    let (id, cursor) = next_change(&mut events).await;
    assert_eq!(id, "a-1");
    assert!(!cursor.contains("globex"), "{cursor}");
    let stolen = "0123456789abcdef0123456789abcdef~acme=0~globex=0";
    let ask = Ask::get(&format!("/api/v1/agents/stream?after={stolen}")).token(&hub.acme);
    let mut events = BodyEvents::new(ask.begin(&hub.router).await);
    assert!(!soon(&mut events).await.unwrap().id.contains("globex"));
    assert_eq!(next_change(&mut events).await.0, "a-1");
}

#[tokio::test]
async fn a_source_in_the_query_limits_the_stream() {
    let hub = Hub::new();
    let mut events = open(&hub, "?source=globex").await;
    soon(&mut events).await;
    hub.store.change(agent("acme", "a-1"));
    hub.store.change(agent("globex", "g-1"));
    assert_eq!(next_change(&mut events).await.0, "g-1");
}

#[tokio::test]
async fn heartbeats_carry_the_cursor_and_go_on() {
    let hub = hub_with(|limits| limits.heartbeat = Duration::from_millis(20));
    hub.store.change(agent("acme", "ana"));
    let mut events = open(&hub, "").await;
    for _ in 0..3 {
        let event = soon(&mut events).await.unwrap();
        assert_eq!(event.kind, "heartbeat");
        assert!(event.id.ends_with("~acme=1"));
    }
}

#[tokio::test]
async fn a_stream_ends_with_its_token() {
    let hub = hub_with(|limits| limits.heartbeat = Duration::from_millis(20));
    let mut events = open(&hub, "").await;
    soon(&mut events).await;
    hub.store.revoke_all();
    timeout(SOON, async { while events.next().await.is_some() {} }).await.expect("the stream ends");
}

#[tokio::test]
async fn a_change_that_wakes_nobody_is_found_all_the_same() {
    let hub = hub_with(|limits| limits.poll = Duration::from_millis(20));
    let mut events = open(&hub, "").await;
    soon(&mut events).await;
    hub.store.change_unnoticed(agent("acme", "ana"));
    assert_eq!(next_change(&mut events).await.0, "ana");
}

#[tokio::test]
async fn a_stream_that_waits_does_not_read_the_store() {
    let hub = Hub::new();
    let mut events = open(&hub, "").await;
    soon(&mut events).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let reads = hub.store.feed_reads.load(Ordering::SeqCst);
    assert!(reads <= 1, "{reads} reads of the feed without a change");
}

#[tokio::test]
async fn more_than_a_page_arrives_whole() {
    let hub = Hub::new();
    for n in 0..1000 {
        hub.store.change(agent("acme", &format!("a-{n}")));
    }
    let mut events = open(&hub, "?after=0123456789abcdef0123456789abcdef").await;
    for n in 0..1000 {
        assert_eq!(next_change(&mut events).await.0, format!("a-{n}"));
    }
}

#[tokio::test]
async fn r28_a_reader_that_does_not_keep_up_is_cut_off_and_comes_back_with_its_cursor() {
    let hub = hub_with(|limits| limits.patience = Duration::from_millis(50));
    for n in 0..10_000 {
        hub.store.change(agent("acme", &format!("a-{n}")));
    }
    let mut events = open(&hub, "?after=0123456789abcdef0123456789abcdef").await;
    let cut_off = async {
        while !hub.get("/metrics").await.text.contains("pegboard_stream_cut_off_total 1") {
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    };
    timeout(SOON, cut_off).await.expect("the reader is cut off");
    let mut seen = 0;
    let mut cursor = String::new();
    while let Some(event) = soon(&mut events).await {
        cursor = event.id;
        seen += u32::from(event.kind == "state");
    }
    assert!((1..10_000).contains(&seen), "what waited for him is bounded: {seen}");
    let mut events = open(&hub, &format!("?after={cursor}")).await;
    for n in seen..10_000 {
        assert_eq!(next_change(&mut events).await.0, format!("a-{n}"));
    }
}
