//! What Aspect is given, on servers that nobody here wrote, with a crash in between: the contents of S3, DynamoDB and SQS are what the
//! events make them.

mod live;
mod witness;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use pegboard_aws as aws;
use pegboard_model::{Millis, Timestamp};
use pegboard_sim::disturb::Disturbance;
use pegboard_sim::wire::Writer;
use pegboard_sinks::aspect::{
    Columns, DeliveryStream, Object, Productivity, QueueCount, Rta, RtaSettings, StateTypes, TableWrite,
};
use serde_json::{Value, json};

use crate::support::bucket::TestBucket;
use crate::support::day::Day;

const QUEUES: u8 = 3;

/// The events of a small day as they arrive, some late, some twice.
fn arriving() -> Vec<(Timestamp, String)> {
    let disturbance =
        Disturbance { twice: 0.05, late: 0.1, late_by: Millis::from_minutes(10), ..Disturbance::none(5) };
    let day = Day::of(6, 2, 5).with_events(&disturbance);
    let writer = Writer::new(day.organisation.clone());
    day.events.iter().map(|event| (event.delivered, writer.agent_event_json(event))).collect()
}

/// A bucket, a table and queues.
struct Target {
    server: TestBucket,
    bucket: aws::Bucket,
    table: aws::Table,
    queues: Vec<aws::FifoQueue>,
}

impl Target {
    async fn make() -> Option<Self> {
        let server = TestBucket::make().await?;
        let lane = server.own_lane();
        let clock: aws::Clock = Arc::new(|| crate::support::clock::passing().as_millis());
        let table = json!({
            "TableName": server.name(),
            "KeySchema": [{ "AttributeName": "AgentARN", "KeyType": "HASH" }],
            "AttributeDefinitions": [{ "AttributeName": "AgentARN", "AttributeType": "S" }],
            "BillingMode": "PAY_PER_REQUEST",
        });
        server.call("dynamodb", "DynamoDB_20120810.CreateTable", table).await;
        let config = aws::TableConfig {
            region: lane.bucket.region.clone(),
            endpoint: lane.bucket.endpoint.clone(),
            credentials: lane.bucket.credentials.clone(),
            ..aws::TableConfig::new(server.name())
        };
        let table = aws::Table::connect(config, clock.clone(), 1).await.unwrap();
        let mut queues = Vec::new();
        for number in 0..QUEUES {
            let name = format!("{}-{number}.fifo", server.name());
            let queue = json!({ "QueueName": name, "Attributes": { "FifoQueue": "true" } });
            server.call("sqs", "AmazonSQS.CreateQueue", queue).await;
            let config = aws::QueueConfig {
                region: lane.bucket.region.clone(),
                credentials: lane.bucket.credentials.clone(),
                ..aws::QueueConfig::new(server.url_of(&name).parse().unwrap())
            };
            queues.push(aws::FifoQueue::connect(config, clock.clone(), 1).await.unwrap());
        }
        let bucket = aws::Bucket::connect(lane.bucket, clock, 1).await.unwrap();
        Some(Self { server, bucket, table, queues })
    }

    /// Writes the objects of the records from `next` on; all of them where they are `complete`. Answers where each object ends.
    async fn write_objects(&self, records: &[(Timestamp, String)], next: u64, complete: bool) -> Vec<u64> {
        let stream = DeliveryStream::default().of_source(&"connect".into());
        let mut productivity = Productivity::new(stream, Columns::default(), StateTypes::default(), next);
        let mut finished = Vec::new();
        for (sequence, (at, record)) in (0..).zip(records) {
            if sequence < next {
                productivity.remember(record.as_bytes());
            } else {
                productivity.take(sequence, *at, record.as_bytes(), &mut finished).unwrap();
            }
        }
        finished.extend(productivity.finish().0.filter(|_| complete));
        for Object { key, body, .. } in &finished {
            self.bucket.put(key, "text/csv", body).await.unwrap();
        }
        finished.into_iter().map(|object| object.next).collect()
    }

    /// Changes the table and sends the messages of the records from `next` on.
    async fn send(&self, records: &[(Timestamp, String)], next: u64) {
        let queues = QueueCount::try_from(QUEUES).unwrap();
        let mut rta = Rta::new(RtaSettings { queues, ..RtaSettings::default() });
        for (sequence, (_, record)) in (0..).zip(records) {
            if sequence < next {
                rta.remember(sequence, record.as_bytes());
                continue;
            }
            let Some(step) = rta.take(sequence, record.as_bytes()).unwrap() else { continue };
            match &step.table {
                Some(write @ TableWrite::Put { .. }) => {
                    self.table.put(write.request("")).await.unwrap();
                }
                Some(write @ TableWrite::Delete { .. }) => {
                    self.table.delete(write.request("")).await.unwrap();
                }
                None => {}
            }
            let message = aws::FifoMessage {
                body: step.message.body,
                group: step.message.group,
                deduplication: step.message.deduplication,
            };
            let sent = self.queues[step.message.queue.index()].send(&[message]).await.unwrap();
            assert_eq!(sent, [aws::Sent::Accepted]);
        }
    }

    /// The lines of all objects, in the order of the keys.
    async fn lines(&self) -> Vec<Vec<String>> {
        let page = self.bucket.list("OUTPUT/", None).await.unwrap();
        assert_eq!(page.next, None);
        let mut text = Vec::new();
        for object in &page.objects {
            let aws::Fetched::Piece(piece) = self.bucket.get(&object.key, 0, 1 << 20, None).await.unwrap()
            else {
                panic!("{} is gone", object.key)
            };
            text.extend(piece.bytes);
        }
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(&text[..]);
        reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
    }

    /// Of each row the agent, the state and the time.
    async fn rows(&self) -> BTreeSet<[String; 3]> {
        let page = self.table.scan(None).await.unwrap();
        assert_eq!(page.next, None);
        let names = ["AgentARN", "CurrentState", "LastEventTimeStamp"];
        let row = |item: &serde_json::Map<String, Value>| {
            names.map(|name| item[name]["S"].as_str().unwrap().to_owned())
        };
        page.items.iter().map(row).collect()
    }

    /// The ids and agents of the events on a queue, in order.
    async fn events(&self, number: u8) -> Vec<(String, String)> {
        let url = self.server.url_of(&format!("{}-{number}.fifo", self.server.name()));
        let mut events = Vec::new();
        loop {
            let asked = json!({ "QueueUrl": url, "MaxNumberOfMessages": 10 });
            let answer = self.server.call("sqs", "AmazonSQS.ReceiveMessage", asked).await;
            let Some(messages) = answer["Messages"].as_array().filter(|messages| !messages.is_empty()) else {
                return events;
            };
            for message in messages {
                let event: Value = serde_json::from_str(message["Body"].as_str().unwrap()).unwrap();
                assert_eq!(event.get("PreviousAgentSnapshot"), None);
                events.push((word(&event, "/EventId"), word(&event, "/AgentARN")));
                let gone = json!({ "QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"] });
                self.server.call("sqs", "AmazonSQS.DeleteMessage", gone).await;
            }
        }
    }
}

fn word(event: &Value, path: &str) -> String {
    event.pointer(path).and_then(Value::as_str).unwrap_or("null").to_owned()
}

/// A time as rows and lines have it, up to the separator.
fn time(event: &Value) -> String {
    let time = word(event, "/EventTimestamp");
    if time.contains('.') { time } else { time.replace('Z', ".000Z") }
}

#[tokio::test]
async fn after_a_crash_everything_is_there_once() {
    let Some(target) = Target::make().await else { return };
    let records = arriving();
    let middle = records.len() / 2;
    // The program ends in the middle, and what it last wrote and sent is not noted yet.
    let ends = target.write_objects(&records[..middle], 0, true).await;
    let noted = *ends.iter().rev().nth(2).expect("an hour has three objects");
    target.write_objects(&records, noted, true).await;
    target.send(&records[..middle], 0).await;
    let resent = u64::try_from(middle - 20).unwrap();
    tokio::time::timeout(Duration::from_mins(2), target.send(&records, resent)).await.unwrap();

    let mut known = HashSet::new();
    let events: Vec<Value> =
        records.iter().map(|(_, record)| serde_json::from_str(record).unwrap()).collect();
    let events: Vec<_> = events.iter().filter(|event| known.insert(word(event, "/EventId"))).collect();
    assert!(events.len() < records.len(), "none came twice");

    let expected = events.iter().map(|event| {
        let user = word(event, "/CurrentAgentSnapshot/Configuration/Username");
        [
            user,
            time(event).replace('T', " ").replace('Z', ""),
            word(event, "/CurrentAgentSnapshot/AgentStatus/Name"),
        ]
    });
    let lines = target.lines().await;
    let written = lines.iter().map(|line| [1, 7, 8].map(|column| line[column].clone()));
    assert_eq!(written.collect::<Vec<_>>(), expected.collect::<Vec<_>>());

    let mut newest: BTreeMap<String, &Value> = BTreeMap::new();
    for event in events.iter().filter(|event| event["EventType"] != "HEART_BEAT") {
        let last = newest.entry(word(event, "/AgentARN")).or_insert(event);
        if time(event) >= time(last) {
            *last = event;
        }
    }
    let status = "/CurrentAgentSnapshot/AgentStatus";
    newest.retain(|_, event| word(event, &format!("{status}/Type")) != "OFFLINE");
    let expected: BTreeSet<_> = newest
        .iter()
        .map(|(agent, event)| [agent.clone(), word(event, &format!("{status}/Name")), time(event)])
        .collect();
    assert!(!expected.is_empty());
    assert_eq!(target.rows().await, expected);

    let mut sent: Vec<(String, String)> = Vec::new();
    for number in 0..QUEUES {
        let on_queue = target.events(number).await;
        let agents: HashSet<_> = on_queue.iter().map(|(_, agent)| agent.clone()).collect();
        let theirs = events.iter().filter(|event| agents.contains(&word(event, "/AgentARN")));
        let expected: Vec<_> =
            theirs.map(|event| (word(event, "/EventId"), word(event, "/AgentARN"))).collect();
        assert_eq!(on_queue, expected, "queue {number}");
        sent.extend(on_queue);
    }
    assert_eq!(sent.len(), events.len());
}
