//! What the WFM RTA feed posts mends what no event has told.

use pegboard::config::SourceConfig;
use pegboard_model::{Class, Millis, Timestamp};
use serde_json::{Value, json};

use super::site::{Site, gates, hand_in};
use crate::support::clock;
use crate::support::live::{Live, config, open_store, until};

fn at(time: &str) -> Timestamp {
    format!("2026-03-02T{time}Z").parse().unwrap()
}

/// A change of an activity, as it is posted.
fn event(worker: &str, activity: &str, time: &str) -> Vec<u8> {
    let millis = at(time).as_millis();
    format!(
        "EventType=worker.activity.update&Sid=EV-{worker}-{millis}&TimestampMs={millis}&WorkerSid={worker}&WorkerName={worker}\
         &WorkerActivitySid=WA-{activity}&WorkerActivityName={activity}"
    )
    .into_bytes()
}

/// A body of the feed: the agent is in the activity since a time, and the last event of him that it knows of happened at another.
fn fed(worker: &str, (activity, since): (&str, &str), known: &str, channels: &Value) -> Vec<u8> {
    let record = json!({
        "worker": { "sid": worker, "activity_sid": format!("WA-{activity}"), "activity_name": activity, "date_activity_updated": at(since).to_string() },
        "channels": channels, "last_processed_event_sid": "EV-9", "date_last_processed_event": at(known).to_string(),
    });
    let body = json!({ "product": "Flex", "object": "WFMWorkerChange", "version": 1, "records": [record] });
    body.to_string().into_bytes()
}

#[tokio::test]
async fn r10_what_the_feed_tells_mends_what_was_lost_and_nothing_else() {
    clock::set(at("09:15:00"));
    let folder = tempfile::tempdir().unwrap();
    let store = open_store(folder.path());
    let gates = gates(&store, folder.path());
    let talking = json!([{ "task_channel_name": "voice", "reservations": [{
        "sid": "WR1", "status": "accepted", "task_sid": "WT1", "task_queue_sid": "WQ1",
        "date_reservation_status_updated": at("09:08:00").to_string(), "direction": "inbound",
    }] }]);
    let posts = vec![
        event("lost", "Available", "09:00:00"),
        fed("lost", ("Break", "09:10:00"), "09:10:00", &Value::Null),
        fed("unheard", ("Lunch", "09:05:00"), "09:05:00", &Value::Null),
        fed("talking", ("Available", "09:00:00"), "09:08:00", &talking),
        event("untold", "Available", "09:00:00"),
        event("newer", "Available", "09:00:00"),
        fed("newer", ("Available", "09:00:00"), "09:11:00", &Value::Null),
        event("newer", "Break", "09:12:00"),
        fed("unsettled", ("Break", "09:14:58"), "09:14:58", &Value::Null),
    ];
    let count = posts.len() as u64;
    hand_in(&gates, posts).await;
    let config = SourceConfig { reconcile_every: Millis::from_seconds(10), ..config() };
    let hub = Live::over(store, Box::new(Site::posted(&gates).fed()), &config).await;
    until("it is mended", async || hub.agents().await.contains_key("unheard")).await;
    let agents = hub.agents().await;
    let now: Vec<_> = agents.iter().map(|(agent, now)| (&**agent, now.class, now.since)).collect();
    assert_eq!(
        now,
        [
            ("lost", Class::Aux, at("09:10:00")),
            ("newer", Class::Aux, at("09:12:00")),
            ("talking", Class::Talk, at("09:08:00")),
            ("unheard", Class::Aux, at("09:05:00")),
            ("untold", Class::Available, at("09:00:00")),
        ]
    );
    let status = hub.status().await;
    assert_eq!(
        (status.counts.records, status.counts.failed, status.counts.foreign),
        (count, 0, 0),
        "{status:?}"
    );
    hub.stop().await;
}
