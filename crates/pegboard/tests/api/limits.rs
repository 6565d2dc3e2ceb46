//! What one caller may use.

use pegboard::api::{Access, ApiOptions, Rate, Transport};

use crate::hub::{Ask, Hub};

fn restrained() -> Hub {
    let mut options = ApiOptions::new(Access::Tokens, Transport::Plain);
    options.limits.requests = Rate { per_second: 0.5, burst: 5.0 };
    options.limits.streams = 2;
    Hub::with(options)
}

#[tokio::test]
async fn r28_s32_requests_of_one_token_are_limited_and_those_of_others_are_not() {
    let hub = restrained();
    for _ in 0..5 {
        assert_eq!(hub.get("/api/v1/reports").await.status, 200);
    }
    let refused = hub.get("/api/v1/reports").await;
    assert_eq!(refused.code(), "too_many_requests");
    assert_eq!(refused.header("retry-after"), "2");
    assert_eq!(Ask::get("/api/v1/reports").token(&hub.admin).send(&hub.router).await.status, 200);
    assert_eq!(hub.get("/healthz").await.status, 200, "what needs no token counts for none");
}

#[tokio::test]
async fn s32_what_a_token_may_not_do_counts_too() {
    let hub = restrained();
    for _ in 0..5 {
        assert_eq!(hub.get("/api/v1/agents?nonsense=1").await.status, 400);
    }
    assert_eq!(hub.get("/api/v1/agents?nonsense=1").await.status, 429);
}

#[tokio::test]
async fn r28_s32_streams_of_one_token_are_limited() {
    let hub = restrained();
    let open = || Ask::get("/api/v1/agents/stream").token(&hub.viewer).begin(&hub.router);
    let first = open().await;
    let second = open().await;
    assert_eq!((first.status().as_u16(), second.status().as_u16()), (200, 200));
    assert_eq!(open().await.status(), 429);
    drop(first);
    let other = Ask::get("/api/v1/agents/stream").token(&hub.admin).begin(&hub.router).await;
    assert_eq!(other.status(), 200);
    // The place of a reader who left is free as soon as his stream has noticed.
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(open().await.status(), 200);
}
