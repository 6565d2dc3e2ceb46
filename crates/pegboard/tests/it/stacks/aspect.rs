//! Stacks for Aspect WFM.

use std::collections::BTreeSet;

use serde_json::json;

use super::cloud::{Cloud, Parameters, Stack};
use super::templates::ASPECT;

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
