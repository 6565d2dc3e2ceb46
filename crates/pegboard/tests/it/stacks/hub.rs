//! Stacks of the hub.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pegboard::clock;
use pegboard_model::Millis;
use serde_json::{Value, json};

use super::cloud::{Cloud, IMAGE_PARAMETER, Parameters};
use super::templates::HUB;
use crate::support::binary::run;
use crate::support::event::change;
use crate::support::serving::Serving;

const FOLDER: &str = "connect/example/Reports/WFM/";

/// What an administrator fills in, with a bucket and a stream of this name.
fn filled_in(cloud: &Cloud, name: &str, stream_arn: &str) -> Parameters {
    let [vpc, first, second] = cloud.network();
    cloud.name_the_image();
    let account = stream_arn.split(':').nth(4).unwrap();
    let registry = format!("{account}.dkr.ecr.us-east-1.amazonaws.com");
    Parameters::from([
        ("VpcId", vpc),
        ("SubnetId1", first),
        ("SubnetId2", second),
        ("AvailabilityZone1", "us-east-1a".to_owned()),
        ("AvailabilityZone2", "us-east-1b".to_owned()),
        ("AmazonConnectS3BucketName", name.to_owned()),
        ("AmazonConnectS3FolderPrefix", FOLDER.to_owned()),
        ("AmazonConnectKinesisStreamARN", stream_arn.to_owned()),
        ("AmazonConnectKinesisStreamName", name.to_owned()),
        ("AlarmNotificationEmail1", "first@example.com".to_owned()),
        ("AlarmNotificationEmail4", "second@example.com".to_owned()),
        ("ImageUri", format!("{registry}/pegboard:1")),
        ("ImageRepositoryArn", format!("arn:aws:ecr:us-east-1:{account}:repository/pegboard")),
        ("EcsImageParameter", IMAGE_PARAMETER.to_owned()),
    ])
}

/// The ARN of a stream of one shard that is made.
fn make_stream(cloud: &Cloud, name: &str) -> String {
    let target = |operation: &str| format!("Kinesis_20131202.{operation}");
    cloud.call("kinesis", &target("CreateStream"), &json!({ "StreamName": name, "ShardCount": 1 }));
    let asked = json!({ "StreamName": name });
    let answer = cloud.call("kinesis", &target("DescribeStreamSummary"), &asked);
    answer["StreamDescriptionSummary"]["StreamARN"].as_str().unwrap().to_owned()
}

fn written_configuration(cloud: &Cloud, name: &str) -> String {
    let answer = cloud.call("ssm", "AmazonSSM.GetParameter", &json!({ "Name": name }));
    answer["Parameter"]["Value"].as_str().unwrap().to_owned()
}

/// A report file of one row, as Amazon Connect names and writes it.
fn report_file() -> (String, String) {
    let quarter = Millis::from_minutes(15).get();
    let now = clock::system();
    let end = pegboard_model::Timestamp::from_millis(now.as_millis().div_euclid(quarter) * quarter);
    let start = end - Millis::from_minutes(15);
    let text = format!(
        "Queue,StartInterval,EndInterval,Channel,Contacts queued,Contacts handled\nSales,{start},{end},VOICE,3,2\n"
    );
    (format!("QR-{end}.csv"), text)
}

#[test]
fn moto_creates_a_hub_alone_with_its_volume_and_hubs_that_share_a_database() {
    let Some(cloud) = Cloud::from_env("PEGBOARD_TEST_MOTO") else { return };
    let name = format!("stacks-{}", std::process::id());
    cloud.make_bucket(&name);
    let stream = make_stream(&cloud, &name);
    let alone = filled_in(&cloud, &name, &stream);
    let mut shared = alone.clone();
    shared.insert("StoreUrl", "postgres://pegboard@db.example/pegboard".to_owned());
    shared.insert("ArchiveBucketName", name.clone());
    for (stack, parameters) in [(format!("{name}-alone"), &alone), (format!("{name}-shared"), &shared)] {
        let id = cloud.ask_to_create(&stack, HUB, parameters);
        // It has no container to run the function in that sets the bucket's notification: ministack does that.
        let done = json!({
            "Status": "SUCCESS", "StackId": id, "RequestId": "1", "LogicalResourceId": "Notification", "Data": {},
        });
        cloud.put_json(&format!("/cloudformation_us-east-1/cfnresponse?stack={id}"), "cloudformation", &done);
        let created = cloud.created(&stack);
        let is_alone = !parameters.contains_key("StoreUrl");
        assert_eq!(created.outputs.contains_key("VolumeId"), is_alone);
        let configuration = written_configuration(&cloud, created.output("ConfigurationParameter"));
        assert_eq!(
            configuration.contains("sqlite:/var/lib/pegboard/pegboard.db"),
            is_alone,
            "{configuration}"
        );
        assert_eq!(configuration.contains("[archive]\nbucket = \""), !is_alone, "{configuration}");
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the address of the test server is the test's own setting")]
fn a_hub_runs_on_what_ministack_has_created() {
    let Some(cloud) = Cloud::from_env("PEGBOARD_TEST_MINISTACK") else { return };
    let Ok(database) = std::env::var("PEGBOARD_TEST_POSTGRES") else {
        eprintln!("skipped: PEGBOARD_TEST_POSTGRES names no server");
        return;
    };
    let name = format!("stack-{}", std::process::id());
    cloud.make_bucket(&name);
    let stream = make_stream(&cloud, &name);
    let mut parameters = filled_in(&cloud, &name, &stream);
    parameters.insert("StoreUrl", format!("{database}?schema=stack_{}", std::process::id()));
    let stack = cloud.create(&name, HUB, &parameters);

    let notification = cloud.get(&format!("/{name}?notification"), "s3");
    assert!(notification.contains(FOLDER), "{notification}");
    let written = written_configuration(&cloud, stack.output("ConfigurationParameter"));
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("key");
    fs::write(&secret, "test").unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let configuration = for_the_stand_in(&cloud, &written, stack.output("ReportsQueueUrl"));
    fs::write(folder.path().join("pegboard.toml"), &configuration).unwrap();
    let checked = run(folder.path(), &["check"]).well().text();
    assert!(checked.contains("with 1 open shards"), "{checked}");
    assert!(!checked.contains("no dead-letter queue"), "{checked}");

    let mut hub = Serving::start(folder.path(), &without_server(&configuration));
    hub.until("the empty bucket is listed", |hub| {
        hub.metric("pegboard_source_watermark_age_seconds{source=\"connect\"}").is_some()
    });
    let event = STANDARD.encode(change(clock::system(), "Available"));
    let record = json!({ "StreamName": name, "PartitionKey": "1", "Data": event });
    cloud.call("kinesis", "Kinesis_20131202.PutRecord", &record);
    let (file, text) = report_file();
    cloud.put(&name, &format!("{FOLDER}{file}"), text.as_bytes());
    hub.until("the event is known", |hub| {
        hub.metric("pegboard_source_agents{source=\"connect\"}") == Some(1.0)
    });
    // The bucket is listed every five minutes: so soon it is the message that tells of the file.
    hub.until("the file is read and its message deleted", |_| messages(&cloud, &stack) == (0, 0));
    let read = hub.metric("pegboard_source_records_total{source=\"connect\"}");
    assert_eq!(read, Some(2.0), "an event and a row; {}", hub.said());
    hub.terminate();
}

/// How many messages wait on the queue of reports, and how many were received and are not deleted.
fn messages(cloud: &Cloud, stack: &super::cloud::Stack) -> (u64, u64) {
    let names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"];
    let asked = json!({ "QueueUrl": stack.output("ReportsQueueUrl"), "AttributeNames": names });
    let answer = cloud.call("sqs", "AmazonSQS.GetQueueAttributes", &asked);
    let count = |name: &str| answer["Attributes"].get(name).and_then(Value::as_str).unwrap().parse().unwrap();
    (count(names[0]), count(names[1]))
}

/// The configuration as the stack wrote it, with the addresses of the stand-in and a key that it takes.
fn for_the_stand_in(cloud: &Cloud, written: &str, queue: &str) -> String {
    let endpoint = format!("endpoint = \"{}\"\n", cloud.url());
    let key = "access_key_id = \"file:key\"\nsecret_access_key = \"file:key\"\n";
    let arn = written.lines().find(|line| line.starts_with("queue = ")).unwrap();
    let queue = queue.replace("localhost", "127.0.0.1");
    written
        .replace("[source.kinesis]\n", &format!("[source.kinesis]\n{endpoint}{key}"))
        .replace("[source.reports]\n", &format!("[source.reports]\n{endpoint}"))
        .replace(arn, &format!("queue = \"{queue}\""))
}

/// The configuration without its table of the server: the test has another port.
fn without_server(configuration: &str) -> String {
    let (before, after) = configuration.split_once("[server]\n").unwrap();
    format!("{before}{}", after.split_once("\n\n").unwrap().1)
}
