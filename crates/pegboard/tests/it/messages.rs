//! Changes of agents' states on a queue, and files in a bucket, on the test server of AWS.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use pegboard::runtime::deliver::SinkSetup;
use pegboard_aws as aws;
use pegboard_sinks::Outcome;
use pegboard_sinks::place::{BucketPlace, Place};
use pegboard_sinks::sqs::SqsSink;
use serde_json::{Value, json};

use crate::support::bucket::TestBucket;
use crate::support::clock;
use crate::support::day::Day;
use crate::support::feeding::one_partition;
use crate::support::live::{Live, config, open_store, until};

fn clock_of_aws() -> aws::Clock {
    Arc::new(|| clock::now().as_millis())
}

/// The events on a FIFO queue, in the order in which they are received, until there are no more.
async fn received(server: &TestBucket, queue: &str) -> Vec<Value> {
    let url = server.url_of(queue);
    let mut events = Vec::new();
    loop {
        let asked = json!({ "QueueUrl": url, "MaxNumberOfMessages": 10, "AttributeNames": ["All"] });
        let answer = server.call("sqs", "AmazonSQS.ReceiveMessage", asked).await;
        let Some(messages) = answer["Messages"].as_array().filter(|messages| !messages.is_empty()) else {
            return events;
        };
        for message in messages {
            let mut event: Value = serde_json::from_str(message["Body"].as_str().unwrap()).unwrap();
            event["group"] = message["Attributes"]["MessageGroupId"].clone();
            events.push(event);
            let done = json!({ "QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"] });
            server.call("sqs", "AmazonSQS.DeleteMessage", done).await;
        }
    }
}

#[tokio::test]
async fn r21_every_agent_has_his_changes_in_order_on_a_queue_of_sqs() {
    let Some(server) = TestBucket::make().await else { return };
    let name = format!("{}.fifo", server.name());
    let attributes = json!({ "FifoQueue": "true" });
    server.call("sqs", "AmazonSQS.CreateQueue", json!({ "QueueName": name, "Attributes": attributes })).await;
    let own = server.own_lane();
    let queue = aws::QueueConfig {
        region: own.bucket.region.clone(),
        credentials: own.bucket.credentials.clone(),
        backoff: own.bucket.backoff,
        ..aws::QueueConfig::new(server.url_of(&name).parse().unwrap())
    };
    let sink = SqsSink::new(queue, clock_of_aws(), 1);
    let day = Day::of(12, 3, 51);
    let (script, folder) = (one_partition(&day, false), tempfile::tempdir().unwrap());
    let setup = SinkSetup::new("floor".into(), Box::new(sink));
    let live = Live::delivering(open_store(folder.path()), &script, &config(), setup).await;
    live.settle(&script, day.end).await;
    let present: BTreeMap<String, String> = live
        .store
        .agents(&[])
        .await
        .unwrap()
        .agents
        .into_iter()
        .map(|entry| (entry.now.agent_id.to_string(), entry.now.since.to_string()))
        .collect();
    assert!(present.len() > 1);
    let told: RefCell<BTreeMap<String, Vec<Value>>> = RefCell::default();
    let there = async || {
        for event in received(&server, &name).await {
            let agent = event["subject"].as_str().unwrap().to_owned();
            told.borrow_mut().entry(agent).or_default().push(event);
        }
        let told = told.borrow();
        present.iter().all(|(agent, since)| {
            told.get(agent)
                .and_then(|events| events.last())
                .is_some_and(|last| last["time"] == since.as_str())
        })
    };
    until("the queue has everybody's present state", there).await;
    live.stop().await;
    for (agent, events) in told.into_inner() {
        let times: Vec<_> = events.iter().map(|event| event["time"].as_str().unwrap()).collect();
        assert!(times.is_sorted(), "{agent}: {times:?}");
        assert!(events.iter().all(|event| event["group"] == format!("centre/{agent}")), "{events:?}");
        let ids: BTreeSet<_> = events.iter().map(|event| event["id"].to_string()).collect();
        assert_eq!(ids.len(), events.len(), "{agent} is told something twice");
    }
}

#[tokio::test]
async fn a_file_in_a_bucket_is_replaced_whole() {
    let Some(server) = TestBucket::make().await else { return };
    let config = server.own_lane().bucket;
    let bucket = aws::Bucket::connect(config.clone(), clock_of_aws(), 1).await.unwrap();
    let place = Place::Bucket(Box::new(BucketPlace::new(config.clone(), "lake/", clock_of_aws(), 1)));
    assert!(place.probe().await.unwrap().contains("answers"));
    for body in [&b"one"[..], b"two, and longer"] {
        assert_eq!(place.deliver("day=1/a b+c.csv", body).await, Outcome::Accepted);
        let found = bucket.get("lake/day=1/a b+c.csv", 0, 100, None).await.unwrap();
        assert!(matches!(found, aws::Fetched::Piece(piece) if piece.bytes == body));
    }
    let missing = aws::BucketConfig { bucket: "no-such-bucket-of-anybody".to_owned(), ..config };
    let place = Place::Bucket(Box::new(BucketPlace::new(missing, "", clock_of_aws(), 1)));
    let outcome = place.deliver("a.csv", b"x").await;
    assert!(matches!(&outcome, Outcome::Shut { reason } if reason.contains("check the name")), "{outcome:?}");
}
