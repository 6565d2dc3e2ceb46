//! The hub delivers to Aspect: whatever goes wrong on the way, S3, DynamoDB and SQS hold what the events make them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pegboard::config::SourceConfig;
use pegboard::runtime::deliver::SinkSetup;
use pegboard::runtime::view::View as _;
use pegboard_aws as aws;
use pegboard_model::{Millis, Timestamp};
use pegboard_sim::disturb::Disturbance;
use pegboard_sim::wire::Writer;
use pegboard_sinks::aspect::{
    AspectSink, Columns, DeliveryStream, MessageGroup, ProductivityConfig, RtaConfig, SwitchConfig,
};
use pegboard_store::{DeliveryState, SqliteOptions, SqliteStore, Store, StoreError};
use serde_json::{Value, json};

use super::witness::Witness;
use super::{QUEUES, Target};
use crate::support::clock;
use crate::support::day::{Day, morning};
use crate::support::live::{Live, config, until};
use crate::support::proxy::{Fault, Proxy};
use crate::support::script::Script;

const ONLY: &str = "only";
const STRIDE: Millis = Millis::from_minutes(4);
const IMPATIENT: aws::Backoff =
    aws::Backoff { base: Duration::from_millis(2), cap: Duration::from_millis(20), attempts: 2 };

/// Where it stands whether events are sent to the queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// In an item of a table.
    Tab,
    /// In a variable of a function.
    Env,
}

/// What a site has set.
#[derive(Clone, Copy)]
struct Site {
    columns: Columns,
    group: MessageGroup,
    mode: Mode,
}

const USUAL: Site = Site { columns: Columns::Thirteen, group: MessageGroup::All, mode: Mode::Tab };

impl Target {
    /// The name of the table of settings.
    fn settings(&self) -> String {
        format!("{}-settings", self.server.name())
    }

    async fn make_settings(&self) {
        let table = json!({
            "TableName": self.settings(),
            "KeySchema": [{ "AttributeName": "Setting", "KeyType": "HASH" }],
            "AttributeDefinitions": [{ "AttributeName": "Setting", "AttributeType": "S" }],
            "BillingMode": "PAY_PER_REQUEST",
        });
        self.server.call("dynamodb", "DynamoDB_20120810.CreateTable", table).await;
    }

    async fn make_function(&self) {
        let name = self.server.name();
        let role = format!(
            "Action=CreateRole&Version=2010-05-08&RoleName={name}&AssumeRolePolicyDocument=%7B%22Version%22%3A%222012-10-17%22%7D"
        );
        self.server.request("POST /", "iam", "application/x-www-form-urlencoded", &role).await;
        let function = json!({
            "FunctionName": name,
            "Runtime": "python3.12",
            "Role": format!("arn:aws:iam::123456789012:role/{name}"),
            "Handler": "nothing.at_all",
            "Code": { "ZipFile": "bm90aGluZw==" },
            "Environment": { "Variables": { "WriteEventsToQueue": "False" } },
        });
        let path = "POST /2015-03-31/functions";
        self.server.request(path, "lambda", "application/json", &function.to_string()).await;
    }

    /// As the adherence product does, or whoever configures the function.
    async fn switch(&self, mode: Mode, on: &str) {
        if mode == Mode::Env {
            let path = format!("PUT /2015-03-31/functions/{}/configuration", self.server.name());
            let variables = json!({ "Environment": { "Variables": { "WriteEventsToQueue": on } } });
            self.server.request(&path, "lambda", "application/json", &variables.to_string()).await;
            return;
        }
        let item = json!({ "Setting": { "S": "WriteEventsToQueue" }, "Value": { "S": on } });
        let put = json!({ "TableName": self.settings(), "Item": item });
        self.server.call("dynamodb", "DynamoDB_20120810.PutItem", put).await;
    }

    /// The sink, which reaches everything through `endpoint`.
    fn sink(&self, endpoint: &str, site: Site) -> SinkSetup {
        let lane = self.server.lane(endpoint);
        let aws::BucketConfig { region, credentials, .. } = lane.bucket.clone();
        let bucket = aws::BucketConfig { backoff: IMPATIENT, ..lane.bucket };
        let table = |name: String| aws::TableConfig {
            region: region.clone(),
            endpoint: Some(endpoint.to_owned()),
            credentials: credentials.clone(),
            backoff: IMPATIENT,
            ..aws::TableConfig::new(name)
        };
        let queue = |number: u8| {
            let url = format!("{endpoint}/123456789012/{}-{number}.fifo", self.server.name());
            aws::QueueConfig {
                region: region.clone(),
                credentials: credentials.clone(),
                backoff: IMPATIENT,
                ..aws::QueueConfig::new(url.parse().unwrap())
            }
        };
        let (stream, signed_out) = (DeliveryStream::default(), Vec::new());
        let productivity = ProductivityConfig { bucket, stream, columns: site.columns, signed_out };
        let rta = RtaConfig {
            table: table(self.server.name().to_owned()),
            queues: (0..QUEUES).map(queue).collect(),
            group: site.group,
            filter: None,
            switch: match site.mode {
                Mode::Tab => SwitchConfig::Table(table(self.settings())),
                Mode::Env => SwitchConfig::Function(aws::FunctionConfig {
                    region: region.clone(),
                    endpoint: Some(endpoint.to_owned()),
                    credentials: credentials.clone(),
                    backoff: IMPATIENT,
                    ..aws::FunctionConfig::new(self.server.name().parse().unwrap())
                }),
            },
        };
        let clock: aws::Clock = Arc::new(|| clock::passing().as_millis());
        let sink = Box::new(AspectSink::new(Some(productivity), Some(rta), &clock, 1).unwrap());
        SinkSetup::new("aspect".into(), sink)
    }

    /// Each object by its key.
    async fn objects(&self) -> BTreeMap<String, Vec<u8>> {
        let page = self.bucket.list("OUTPUT/", None).await.unwrap();
        assert_eq!(page.next, None);
        let mut objects = BTreeMap::new();
        for object in page.objects {
            let aws::Fetched::Piece(piece) = self.bucket.get(&object.key, 0, 8 << 20, None).await.unwrap()
            else {
                panic!("{} is gone", object.key)
            };
            objects.insert(object.key, piece.bytes);
        }
        objects
    }

    async fn written(&self) -> Vec<Vec<String>> {
        let text: Vec<u8> = self.objects().await.into_values().flatten().collect();
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(&text[..]);
        reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
    }

    async fn table_rows(&self) -> BTreeMap<String, (BTreeMap<String, String>, Value)> {
        let page = self.table.scan(None).await.unwrap();
        assert_eq!(page.next, None);
        let row = |item: &serde_json::Map<String, Value>| {
            let text = |value: &Value| value["S"].as_str().unwrap().to_owned();
            let mut texts: BTreeMap<_, _> =
                item.iter().map(|(name, value)| (name.clone(), text(value))).collect();
            let event = serde_json::from_str(&texts.remove("RawAgentEventJSon").unwrap()).unwrap();
            (texts["AgentARN"].clone(), (texts, event))
        };
        page.items.iter().map(row).collect()
    }

    /// Takes what is on a queue.
    async fn received(&self, number: u8) -> Vec<Value> {
        let url = self.server.url_of(&format!("{}-{number}.fifo", self.server.name()));
        let mut events = Vec::new();
        loop {
            let asked = json!({ "QueueUrl": url, "MaxNumberOfMessages": 10 });
            let answer = self.server.call("sqs", "AmazonSQS.ReceiveMessage", asked).await;
            let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
            if messages.is_empty() {
                return events;
            }
            for message in messages {
                events.push(serde_json::from_str(message["Body"].as_str().unwrap()).unwrap());
                let gone = json!({ "QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"] });
                self.server.call("sqs", "AmazonSQS.DeleteMessage", gone).await;
            }
        }
    }

    async fn assert_holds(&self, witness: &Witness, site: Site) {
        assert_eq!(self.written().await, witness.lines(site.columns.count()), "objects");
        assert_eq!(self.table_rows().await, witness.rows(), "rows");
        for (number, expected) in (0..QUEUES).zip(witness.messages(usize::from(QUEUES))) {
            let mut received = self.received(number).await;
            let mut expected = expected;
            if site.group == MessageGroup::Agent {
                // Only those of an agent keep their order.
                received.sort_by_key(|event| event["AgentARN"].to_string());
                expected.sort_by_key(|event| event["AgentARN"].to_string());
            }
            assert_eq!(received, expected, "queue {number}");
        }
    }
}

async fn target() -> Option<Target> {
    let target = Target::make().await?;
    target.make_settings().await;
    target.make_function().await;
    Some(target)
}

/// What arrives of a day, in strides: when each ends, and its records.
fn strides(day: &Day) -> Vec<(Timestamp, Vec<String>)> {
    let writer = Writer::new(day.organisation.clone());
    let mut strides = Vec::new();
    let mut events = day.events.iter().peekable();
    let mut end = day.start;
    while events.peek().is_some() {
        end = end + STRIDE;
        let mut records = Vec::new();
        while let Some(event) = events.next_if(|event| event.delivered < end) {
            records.push(writer.agent_event_json(event));
        }
        strides.push((end, records));
    }
    strides
}

fn all(strides: &[(Timestamp, Vec<String>)]) -> Witness {
    Witness::new(strides.iter().flat_map(|(_, records)| records))
}

fn source() -> SourceConfig {
    SourceConfig { passes_events: true, ..config() }
}

async fn when_free(folder: &Path) -> Arc<dyn Store> {
    loop {
        match SqliteStore::open(&folder.join("test.db"), SqliteOptions::new(clock::noon)) {
            Ok(store) => return Arc::new(store),
            Err(StoreError::InUse { .. }) => tokio::time::sleep(Duration::from_millis(5)).await,
            Err(error) => panic!("{error}"),
        }
    }
}

fn script() -> Script {
    let script = Script::new(false);
    script.add(ONLY, &[]);
    script
}

/// Reads a stride, at its end.
async fn read(live: &Live, script: &Script, (end, records): &(Timestamp, Vec<String>)) {
    clock::set(*end);
    script.push(ONLY, records, *end);
    live.read_all(script).await;
}

/// Waits until both lanes are done with all events.
async fn all_delivered(live: &Live, end: Timestamp) {
    // The slots of the last events are over.
    clock::set(end + Millis::from_minutes(20));
    let head = live.store.raw_events(&config().name, u64::MAX >> 1, 1).await.unwrap().head;
    let delivered = async || {
        let marks = live.store.event_marks(&"aspect".into()).await.unwrap();
        marks.len() == 2 && marks.iter().all(|mark| mark.done == head)
    };
    until("Aspect has every event", delivered).await;
}

/// A whole day through a hub that nothing happens to.
async fn deliver(target: &Target, strides: &[(Timestamp, Vec<String>)], site: Site) {
    target.switch(site.mode, "True").await;
    let (script, folder) = (script(), tempfile::tempdir().unwrap());
    clock::set(strides[0].0);
    let endpoint = format!("http://{}", target.server.address());
    let sink = target.sink(&endpoint, site);
    let live = Live::delivering(when_free(folder.path()).await, &script, &source(), sink).await;
    for stride in strides {
        read(&live, &script, stride).await;
    }
    let end = strides.last().unwrap().0;
    script.push::<&str>(ONLY, &[], end + Millis::from_minutes(10));
    live.read_all(&script).await;
    all_delivered(&live, end).await;
    live.stop().await;
}

/// Centres of four people, each with a line of its own that is bad in its own way.
async fn centres(seeds: std::ops::Range<u64>) {
    let mut events = 0;
    for seed in seeds {
        let Some(target) = target().await else { return };
        let late_by = Millis::from_minutes(10);
        let disturbance = Disturbance { twice: 0.1, late: 0.1, late_by, ..Disturbance::none(seed) };
        let strides = strides(&Day::of(4, 2, seed).with_events(&disturbance));
        if strides.is_empty() {
            continue;
        }
        let columns =
            [Columns::Eleven, Columns::Twelve, Columns::Thirteen][usize::try_from(seed % 3).unwrap()];
        let group = if seed % 2 == 0 { MessageGroup::All } else { MessageGroup::Agent };
        let mode = if seed % 4 < 2 { Mode::Tab } else { Mode::Env };
        let site = Site { columns, group, mode };
        eprintln!("centre {seed}, {} columns, {group:?}, {mode:?}", columns.count());
        deliver(&target, &strides, site).await;
        let witness = all(&strides);
        target.assert_holds(&witness, site).await;
        events += witness.count();
    }
    assert!(events > 20, "{events} events show little");
}

#[tokio::test]
async fn what_aspect_has_of_three_centres_is_what_their_events_make_it() {
    Box::pin(centres(0..3)).await;
}

/// `scripts/soak aspect` says which.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "how much is asked for by hand")]
async fn and_of_those_that_are_asked_for() {
    let Ok(range) = std::env::var("PEGBOARD_SOAK_CENTRES") else { return };
    let (first, end) = range.split_once("..").expect("a range, such as 6..50");
    Box::pin(centres(first.parse().unwrap()..end.parse().unwrap())).await;
}

#[tokio::test]
async fn and_of_three_more_so_that_all_columns_meet_all_groups() {
    Box::pin(centres(3..6)).await;
}

#[tokio::test]
async fn what_aspect_has_of_a_real_session_is_what_its_events_make_it() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data/aspect/connect_agent_events_one_session_2018.json");
    let Ok(text) = std::fs::read(&path) else {
        eprintln!("skipped: there is no {}", path.display());
        return;
    };
    let Some(target) = target().await else { return };
    let events: Value = serde_json::from_slice(&text).unwrap();
    let list = events
        .as_array()
        .cloned()
        .or_else(|| events.as_object()?.values().find_map(|v| v.as_array().cloned()));
    let records: Vec<String> = list.expect("a list of events").iter().map(Value::to_string).collect();
    let strides: Vec<_> = (1..)
        .zip(records)
        .map(|(n, record)| (morning() + Millis::from_minutes(4 * n), vec![record]))
        .collect();
    deliver(&target, &strides, USUAL).await;
    let witness = all(&strides);
    assert_eq!((witness.count(), witness.agents().len()), (11, 1));
    assert_eq!(witness.lines(13).len(), 10, "the first event has no snapshot, and so no user");
    target.assert_holds(&witness, USUAL).await;
}

#[tokio::test]
async fn r20_crashes_and_services_in_trouble_double_nothing_and_lose_nothing() {
    let Some(target) = target().await else { return };
    target.switch(Mode::Tab, "True").await;
    let disturbance =
        Disturbance { twice: 0.1, late: 0.1, late_by: Millis::from_minutes(10), ..Disturbance::none(7) };
    let mut strides = strides(&Day::of(5, 2, 7).with_events(&disturbance));
    let middle = strides.len() / 2;
    strides[middle].1.insert(0, "[\"no event\"]".to_owned());
    strides[middle + 1].1.insert(0, "{\"AgentARN\": \"cut o".to_owned());
    let proxy = Proxy::start(target.server.address(), |_, n, _| match n % 20 {
        1 => Some(Fault::Refuse(400, "ThrottlingException")),
        // Once more than the client itself tries again.
        5 | 6 => Some(Fault::Refuse(503, "ServiceUnavailable")),
        10 | 11 => Some(Fault::Reset),
        15 => Some(Fault::Truncate),
        _ => None,
    })
    .await;
    let (script, folder) = (script(), tempfile::tempdir().unwrap());
    for part in strides.chunks(strides.len() / 5) {
        clock::set(part[0].0);
        let sink = target.sink(&proxy.url(), USUAL);
        let live = Live::delivering(when_free(folder.path()).await, &script, &source(), sink).await;
        for stride in part {
            read(&live, &script, stride).await;
        }
        let before = proxy.requests("SendMessageBatch");
        until("something is sent", async || proxy.requests("SendMessageBatch") > before).await;
        live.die();
    }
    let end = strides.last().unwrap().0;
    clock::set(end);
    let sink = target.sink(&proxy.url(), USUAL);
    let live = Live::delivering(when_free(folder.path()).await, &script, &source(), sink).await;
    script.push::<&str>(ONLY, &[], end + Millis::from_minutes(10));
    live.read_all(&script).await;
    all_delivered(&live, end).await;
    live.stop().await;
    for operation in ["PutObject", "PutItem", "SendMessageBatch", "GetItem"] {
        assert!(proxy.faults(operation) > 0, "{operation} did not fail");
    }
    target.assert_holds(&all(&strides), USUAL).await;
}

#[tokio::test]
async fn a_silence_is_blank_lines_and_whoever_switches_on_and_reads_the_table_misses_nothing() {
    Box::pin(switched_on(Mode::Tab)).await;
}

#[tokio::test]
async fn nor_does_whoever_switches_on_by_the_variable_of_a_function() {
    Box::pin(switched_on(Mode::Env)).await;
}

async fn switched_on(mode: Mode) {
    let Some(target) = target().await else { return };
    target.switch(mode, "False").await;
    let strides = strides(&Day::of(5, 2, 3));
    let (before, after) = strides.split_at(strides.len() / 2);
    let (script, folder) = (script(), tempfile::tempdir().unwrap());
    clock::set(strides[0].0);
    let endpoint = format!("http://{}", target.server.address());
    let sink = target.sink(&endpoint, Site { mode, ..USUAL });
    let live = Live::delivering(when_free(folder.path()).await, &script, &source(), sink).await;
    for stride in before {
        read(&live, &script, stride).await;
    }
    let applied = all(before).rows();
    until("the table is as it should be", async || target.table_rows().await == applied).await;
    target.switch(mode, "True").await;
    let table = target.table_rows().await;
    for stride in after {
        read(&live, &script, stride).await;
    }
    let end = strides.last().unwrap().0;
    script.push::<&str>(ONLY, &[], end + Millis::from_minutes(30));
    live.read_all(&script).await;
    all_delivered(&live, end + Millis::from_minutes(20)).await;
    live.stop().await;
    assert_eq!(target.table_rows().await, all(&strides).rows());
    assert!(!table.is_empty());

    let witness = all(after).messages(usize::from(QUEUES));
    for (number, expected) in (0..QUEUES).zip(witness) {
        let received = target.received(number).await;
        assert!(received.ends_with(&expected), "queue {number}: something after the switch is missing");
    }
    let objects = target.objects().await;
    let blank = objects.values().filter(|body| **body == b"\n").count();
    assert!(blank >= 2, "{blank} blank lines in {} objects", objects.len());
    assert_eq!(target.written().await, all(&strides).lines(13));
}

#[tokio::test]
async fn what_was_not_taken_while_it_was_kept_is_lost_and_that_is_told() {
    let Some(target) = target().await else { return };
    let strides = strides(&Day::of(3, 1, 4));
    let (script, folder) = (script(), tempfile::tempdir().unwrap());
    clock::set(strides[0].0);
    let deliver = async || {
        let nobody = target.sink("http://127.0.0.1:1", USUAL);
        Live::delivering(when_free(folder.path()).await, &script, &source(), nobody).await
    };
    let live = deliver().await;
    let begun = async || live.store.event_marks(&"aspect".into()).await.unwrap().len() == 2;
    until("both lanes have begun", begun).await;
    for stride in &strides {
        read(&live, &script, stride).await;
    }
    live.stop().await;
    let events = all(&strides).count() as u64;
    let store = when_free(folder.path()).await;
    store.sweep(strides.last().unwrap().0 + Millis::from_hours(25)).await.unwrap();
    store.shut_down().await.unwrap();
    drop(store);

    let live = deliver().await;
    let lost = async || {
        let sinks = live.hub.sinks().await.unwrap();
        let lanes = &sinks[0].delivery.events;
        lanes.len() == 2 && lanes.iter().all(|lane| lane.lost == events)
    };
    until("the loss is told", lost).await;
    let parked = live.store.ledger(&"aspect".into()).await.unwrap();
    let shown: Vec<_> = parked.iter().map(|line| (&*line.report, line.state, line.units)).collect();
    assert_eq!(shown, [("productivity", DeliveryState::Parked, 1), ("rta", DeliveryState::Parked, 1)]);
    let trouble = async || {
        let sinks = live.hub.sinks().await.unwrap();
        let rta = sinks[0].delivery.events.iter().find(|lane| lane.lane == "rta").cloned().unwrap();
        rta.shown.error.is_some_and(|error| error.contains("it is not known whether the queues"))
    };
    until("it is told that nobody can look at the switch", trouble).await;
    live.stop().await;
}

/// The actions that a statement of the documentation allows.
fn allowed(statement: &str) -> Vec<&'static str> {
    let page = include_str!("../../../../../docs/sinks/aspect.md");
    let from =
        page.find(&format!("\"Sid\": \"{statement}\"")).expect("the statement is in the documentation");
    let list = page[from..].split_once("\"Action\": [").and_then(|(_, rest)| rest.split_once(']')).unwrap().0;
    list.split(',').map(|action| action.trim().trim_matches('"')).collect()
}

#[tokio::test]
async fn s22_aspect_is_asked_for_what_the_policy_allows_and_nothing_else() {
    let Some(target) = target().await else { return };
    target.switch(Mode::Tab, "True").await;
    let proxy = Proxy::watching(target.server.address()).await;
    let setup = target.sink(&proxy.url(), USUAL);
    let said = setup.sink.probe().await.unwrap();
    assert!(said.contains("switched on"), "{said}");
    let strides = strides(&Day::of(4, 4, 9));
    let (script, folder) = (script(), tempfile::tempdir().unwrap());
    clock::set(strides[0].0);
    let live = Live::delivering(when_free(folder.path()).await, &script, &source(), setup).await;
    for stride in &strides {
        read(&live, &script, stride).await;
    }
    let end = strides.last().unwrap().0;
    script.push::<&str>(ONLY, &[], end + Millis::from_minutes(10));
    live.read_all(&script).await;
    all_delivered(&live, end).await;
    live.stop().await;
    let action = |operation: &String| match operation.as_str() {
        "PutObject" => "s3:PutObject".to_owned(),
        "SendMessageBatch" => "sqs:SendMessage".to_owned(),
        rows => format!("dynamodb:{rows}"),
    };
    let asked: Vec<_> = proxy.operations().iter().map(action).collect();
    let mut expected: Vec<_> =
        ["Objects", "States", "Messages", "SwitchInTable"].into_iter().flat_map(allowed).collect();
    expected.sort_unstable();
    let mut asked: Vec<&str> = asked.iter().map(String::as_str).collect();
    asked.sort_unstable();
    assert_eq!(asked, expected);
    assert_eq!(allowed("SwitchInFunction"), ["lambda:GetFunctionConfiguration"]);
}
