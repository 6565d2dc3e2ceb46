//! Stacks for Aspect WFM.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pegboard::clock;
use serde_json::{Value, json};

use super::cloud::{Cloud, Parameters, Stack};
use super::templates::ASPECT;
use crate::support::binary::run;
use crate::support::event::change;
use crate::support::serving::Serving;

/// What is asked for and what comes of it, on a server.
fn every_choice(cloud: &Cloud) {
    let name = format!("aspect-{}", std::process::id());
    let role = format!("{name}-hub");
    cloud.make_role(&role);
    let stream = format!("arn:aws:kinesis:us-east-1:123456789012:stream/{name}");
    let of = |more: &[(&'static str, &str)]| {
        let mut parameters = Parameters::from([("HubRoleName", role.clone())]);
        parameters.extend(more.iter().map(|(key, value)| (*key, (*value).to_owned())));
        parameters
    };
    let reports =
        [("ConnectS3Bucket", "connect-reports"), ("ConnectS3Prefix", "connect/example/Reports/Aspect/")];

    let both = of(&[reports[0], reports[1], ("NumSQSQueues", "3")]);
    let both = cloud.create(&format!("{name}-both"), ASPECT, &both);
    assert_eq!(
        names(&both),
        words(
            "AgentEventStreamArn ProductivityBucket AdapterPrincipal DynamoDbTableName RTALambdaFunctionName RTAPrincipal \
             SqsQueueUrl1 SqsQueueUrl2 SqsQueueUrl3"
        )
    );
    assert!(both.output("AdapterPrincipal").contains(":user/"), "{both:?}");
    assert_shape(cloud, &both);

    let productivity =
        of(&[reports[0], reports[1], ("RealTimeAdherence", "NO"), ("AgentEventStreamArn", stream.as_str())]);
    let productivity = cloud.create(&format!("{name}-ap"), ASPECT, &productivity);
    assert_eq!(names(&productivity), words("AgentEventStreamArn ProductivityBucket AdapterPrincipal"));
    assert_eq!(productivity.output("AgentEventStreamArn"), stream, "the stream that is there is used");

    let rta = of(&[
        ("Productivity", "NO"),
        ("AgentEventStreamArn", stream.as_str()),
        ("NumSQSQueues", "10"),
        ("LambdaConfigLocation", "tab"),
        ("AuthorizationMode", "Role"),
        ("SourceAwsAccountId", "111122223333"),
        ("ExternalId", "wfm-1"),
    ]);
    let rta = cloud.create(&format!("{name}-rta"), ASPECT, &rta);
    let queues = (1..=10).map(|number| format!("SqsQueueUrl{number}"));
    let others = words("AgentEventStreamArn DynamoDbTableName ConfigTableName RTAPrincipal");
    assert_eq!(names(&rta), others.into_iter().chain(queues).collect());
    assert!(rta.output("RTAPrincipal").contains(":role/"), "{rta:?}");
}

/// The table, the queues, the switch and the stream are as Aspect's servers expect them.
fn assert_shape(cloud: &Cloud, stack: &Stack) {
    let asked = json!({ "TableName": stack.output("DynamoDbTableName") });
    let table = cloud.call("dynamodb", "DynamoDB_20120810.DescribeTable", &asked);
    assert_eq!(table["Table"]["KeySchema"], json!([{ "AttributeName": "AgentARN", "KeyType": "HASH" }]));
    let asked = json!({ "QueueUrl": stack.output("SqsQueueUrl3"), "AttributeNames": ["All"] });
    let queue = cloud.call("sqs", "AmazonSQS.GetQueueAttributes", &asked);
    assert_eq!(queue["Attributes"]["FifoQueue"], "true");
    assert_eq!(queue["Attributes"]["VisibilityTimeout"], "30");
    let path = format!("/2015-03-31/functions/{}/configuration", stack.output("RTALambdaFunctionName"));
    let function: serde_json::Value = serde_json::from_str(&cloud.get(&path, "lambda")).unwrap();
    assert_eq!(function["Environment"]["Variables"], json!({ "WriteEventsToQueue": "False" }));
    let stream = stack.output("AgentEventStreamArn").rsplit('/').next().unwrap();
    let asked = json!({ "StreamName": stream });
    let answer = cloud.call("kinesis", "Kinesis_20131202.DescribeStreamSummary", &asked);
    assert_eq!(answer["StreamDescriptionSummary"]["OpenShardCount"], 1);
}

fn names(stack: &Stack) -> BTreeSet<String> {
    stack.outputs.keys().cloned().collect()
}

fn words(text: &str) -> BTreeSet<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn moto_creates_every_choice_for_aspect() {
    let Some(cloud) = Cloud::from_env("PEGBOARD_TEST_MOTO") else { return };
    every_choice(&cloud);
}

#[test]
fn ministack_creates_every_choice_for_aspect() {
    let Some(cloud) = Cloud::from_env("PEGBOARD_TEST_MINISTACK") else { return };
    every_choice(&cloud);
}

#[test]
fn a_hub_serves_aspect_with_what_ministack_has_created() {
    let Some(cloud) = Cloud::from_env("PEGBOARD_TEST_MINISTACK") else { return };
    let name = format!("served-{}", std::process::id());
    let role = format!("{name}-hub");
    cloud.make_role(&role);
    let parameters = Parameters::from([
        ("HubRoleName", role),
        ("ConnectS3Bucket", "connect-reports".to_owned()),
        ("ConnectS3Prefix", "connect/example/Reports/Aspect/".to_owned()),
        ("NumSQSQueues", "1".to_owned()),
    ]);
    let stack = cloud.create(&name, ASPECT, &parameters);
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("key");
    fs::write(&secret, "test").unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let configuration = configuration(&cloud, &stack);
    fs::write(folder.path().join("pegboard.toml"), &configuration).unwrap();
    let checked = run(folder.path(), &["check"]);
    assert_eq!(checked.code, 0, "{}{}", checked.text(), checked.stderr);

    switch_on(&cloud, &stack);
    let mut hub = Serving::start(folder.path(), &configuration);
    hub.until("the stream is read", |hub| {
        hub.metric("pegboard_source_watermark_age_seconds{source=\"connect\"}").is_some()
    });
    let stream = stack.output("AgentEventStreamArn").rsplit('/').next().unwrap();
    let event = change(clock::system(), "Available");
    let record = json!({ "StreamName": stream, "PartitionKey": "1", "Data": STANDARD.encode(&event) });
    cloud.call("kinesis", "Kinesis_20131202.PutRecord", &record);
    let scan = json!({ "TableName": stack.output("DynamoDbTableName") });
    hub.until("the agent stands in the table", |_| {
        cloud.call("dynamodb", "DynamoDB_20120810.Scan", &scan)["Count"] == 1
    });
    let asked = json!({ "QueueUrl": stack.output("SqsQueueUrl1"), "WaitTimeSeconds": 0 });
    let sent = std::cell::RefCell::new(Value::Null);
    hub.until("the event is on the queue", |_| {
        let answer = cloud.call("sqs", "AmazonSQS.ReceiveMessage", &asked);
        let body = answer["Messages"][0]["Body"].as_str().map(str::to_owned);
        body.is_some_and(|body| {
            sent.replace(serde_json::from_str(&body).unwrap());
            true
        })
    });
    let event: Value = serde_json::from_str(&event).unwrap();
    assert_eq!(sent.borrow()["EventId"], event["EventId"]);
    hub.terminate();
}

fn configuration(cloud: &Cloud, stack: &Stack) -> String {
    let reached = format!(
        "region = \"us-east-1\"\nendpoint = \"{}\"\naccess_key_id = \"file:key\"\nsecret_access_key = \"file:key\"\n",
        cloud.url()
    );
    let output = |name: &str| stack.output(name).replace("localhost", "127.0.0.1");
    format!(
        "[[source]]\nname = \"connect\"\nkind = \"amazon-connect\"\n[source.kinesis]\nstream = \"{}\"\nstart = \"trim_horizon\"\n{}\
         [[sink]]\nname = \"aspect\"\nkind = \"aspect\"\nsources = [\"connect\"]\n[sink.aspect]\n{reached}\
         [sink.aspect.productivity]\nbucket = \"{}\"\n\
         [sink.aspect.rta]\ntable = \"{}\"\nqueues = [\"{}\"]\nfunction = \"{}\"\n",
        output("AgentEventStreamArn"),
        reached.replace("region = \"us-east-1\"\n", ""),
        output("ProductivityBucket"),
        output("DynamoDbTableName"),
        output("SqsQueueUrl1"),
        output("RTALambdaFunctionName"),
    )
}

/// As the RTA server does where the setting is a variable of a function.
fn switch_on(cloud: &Cloud, stack: &Stack) {
    let path = format!("/2015-03-31/functions/{}/configuration", stack.output("RTALambdaFunctionName"));
    cloud.put_json(
        &path,
        "lambda",
        &json!({ "Environment": { "Variables": { "WriteEventsToQueue": "True" } } }),
    );
}
