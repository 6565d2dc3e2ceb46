//! Bad days of S3 and SQS.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Morning;
use crate::support::live::until;
use crate::support::proxy::{Fault, Proxy};

const SLOW_DOWN: &str = "<Error><Code>SlowDown</Code><Message>Reduce your request rate</Message></Error>";

#[tokio::test]
async fn a_throttled_and_failing_service_costs_time_and_no_record() {
    let Some(morning) = Morning::make().await else { return };
    let proxy = Proxy::start(morning.bucket.address(), |operation, n, _| match (operation, n % 6) {
        (_, 0) => Some(Fault::Answer(503, SLOW_DOWN.to_owned())),
        ("GetObject", 2) => Some(Fault::Truncate),
        ("GetObject" | "ReceiveMessage", 3) => Some(Fault::Reset),
        (_, 4) => Some(Fault::Refuse(500, "InternalError")),
        _ => None,
    })
    .await;
    let objects = morning.objects(12);
    for (key, content) in &objects[..6] {
        morning.bucket.put(key, content).await;
    }
    let live = morning.hub(morning.bucket.lane(&proxy.url())).await;
    until("the first are read", async || live.status().await.counts.contacts > 0).await;
    for (key, content) in &objects[6..] {
        morning.bucket.put(key, content).await;
    }
    morning.assert_equals_replay(&live).await;
    morning.assert_no_message_is_left().await;
    assert_eq!(live.status().await.counts.contacts, morning.records.len() as u64, "each is read once");
    for operation in ["GetObject", "ListObjectsV2", "ReceiveMessage", "DeleteMessage"] {
        assert!(proxy.faults(operation) > 0, "{operation} did not fail");
    }
    live.stop().await;
}

#[tokio::test]
async fn an_object_that_may_not_be_read_holds_the_watermark_and_no_other_object() {
    let Some(morning) = Morning::make().await else { return };
    let denied = Arc::new(AtomicBool::new(true));
    let is_denied = denied.clone();
    let proxy = Proxy::start(morning.bucket.address(), move |operation, _, asked| {
        let first = operation == "GetObject" && asked.contains("/in/2026/001");
        (first && is_denied.load(Ordering::SeqCst)).then_some(Fault::Refuse(403, "AccessDenied"))
    })
    .await;
    let objects = morning.objects(6);
    for (key, content) in &objects {
        morning.bucket.put(key, content).await;
    }
    let live = morning.hub(morning.bucket.lane(&proxy.url())).await;
    let most = morning.records.len() * 4 / 6;
    until("the others are read", async || live.status().await.counts.contacts >= most as u64).await;
    until("the fault is told", async || live.status().await.error.is_some()).await;
    let error = live.status().await.error.unwrap().message;
    assert!(error.contains("object `in/2026/001`") && error.contains("allow s3:GetObject"), "{error}");
    assert_eq!(live.status().await.watermark, None, "what could not be read holds the watermark");

    denied.store(false, Ordering::SeqCst);
    morning.assert_equals_replay(&live).await;
    morning.assert_no_message_is_left().await;
    assert!(proxy.faults("GetObject") > 0);
    live.stop().await;
}
