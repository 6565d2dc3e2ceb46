//! Servers in trouble: a proxy makes the faults, and every test proves that its faults happened.

use std::time::Duration;

use pegboard_aws::{Backoff, ErrorKind, Gap, KinesisConfig, Operation, Position, ShardId};

use crate::proxy::{Fault, Proxy};
use crate::server::{Server, TestStream, connect, now_ms, open_only, read_exactly, soon, texts};

const HOUR_MS: i64 = 3_600_000;

/// The settings of a stream, read through a proxy, with short waits.
fn through(proxy: &Proxy, test: &TestStream) -> KinesisConfig {
    KinesisConfig {
        endpoint: Some(proxy.url()),
        max_records: 2,
        request_timeout: Duration::from_secs(2),
        backoff: Backoff { base: Duration::from_millis(20), cap: Duration::from_millis(100), attempts: 4 },
        ..test.config()
    }
}

/// The n-th fault of a reader's bad day.
fn bad_day(n: usize) -> Fault {
    match n % 6 {
        0 => Fault::Refuse(400, "ProvisionedThroughputExceededException"),
        1 => Fault::Refuse(500, "InternalFailure"),
        2 => Fault::Reset,
        3 => Fault::Refuse(400, "ExpiredIteratorException"),
        4 => Fault::Truncate,
        _ => Fault::Answer(503, "<html>a load balancer speaks</html>".to_owned()),
    }
}

fn numbered(numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|number| format!("a:{number}")).collect()
}

#[tokio::test]
async fn r05_every_second_read_fails_and_nothing_is_lost_or_repeated() {
    let Some(server) = Server::from_env() else { return };
    let test = server.make_stream(1).await;
    test.put_numbered("a", 0..40).await;
    let proxy = Proxy::start(server.address(), |operation, n, _| {
        (operation == "GetRecords" && n % 2 == 1).then(|| bad_day(n / 2))
    })
    .await;

    let (stream, counters) = connect(through(&proxy, &test)).await;
    let mut reader = open_only(&stream, Position::TrimHorizon).await;
    assert_eq!(read_exactly(&mut reader, 40).await, numbered(0..40));

    let counts = counters.counts();
    let told = counts.throttled + counts.unreachable + counts.iterators_renewed;
    assert_eq!(told, proxy.faults("GetRecords") as u64, "{counts:?}");
    assert!(counts.throttled >= 3 && counts.unreachable >= 10 && counts.iterators_renewed >= 3, "{counts:?}");
    assert_eq!(proxy.requests("GetShardIterator") as u64, 1 + counts.iterators_renewed);
}

#[tokio::test]
async fn r05_listing_and_seeking_survive_faults_too() {
    let Some(server) = Server::from_env() else { return };
    let test = server.make_stream(1).await;
    test.put_numbered("a", 0..2).await;
    let proxy = Proxy::start(server.address(), |operation, n, _| match (operation, n) {
        ("ListShards", 0) => Some(Fault::Refuse(400, "LimitExceededException")),
        ("ListShards", 1) => Some(Fault::Refuse(400, "ResourceInUseException")),
        ("GetShardIterator", 0) => Some(Fault::Reset),
        ("DescribeStreamSummary", 0..3) => Some(Fault::Refuse(503, "ServiceUnavailable")),
        _ => None,
    })
    .await;

    let (stream, counters) = connect(through(&proxy, &test)).await;
    soon(stream.describe()).await.unwrap();
    let mut reader = open_only(&stream, Position::TrimHorizon).await;
    assert_eq!(read_exactly(&mut reader, 2).await, numbered(0..2));
    assert_eq!(proxy.faults("ListShards"), 2);
    assert_eq!(proxy.faults("GetShardIterator"), 1);
    assert_eq!(proxy.faults("DescribeStreamSummary"), 3);
    assert_eq!((counters.counts().throttled, counters.counts().unreachable), (1, 5));
}

#[tokio::test]
async fn a_call_gives_up_after_its_attempts_and_the_next_one_goes_on() {
    let Some(server) = Server::from_env() else { return };
    let test = server.make_stream(1).await;
    test.put_numbered("a", 0..2).await;
    let proxy = Proxy::start(server.address(), |operation, n, _| {
        let refuse = Fault::Refuse(400, "ProvisionedThroughputExceededException");
        (operation == "GetRecords" && n < 5).then_some(refuse)
    })
    .await;

    let (stream, counters) = connect(through(&proxy, &test)).await;
    let mut reader = open_only(&stream, Position::TrimHorizon).await;
    let error = soon(reader.next()).await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Throttled, Some(Operation::GetRecords)));
    assert!(error.is_transient());
    assert_eq!((proxy.requests("GetRecords"), counters.counts().throttled), (4, 3));
    assert_eq!(read_exactly(&mut reader, 2).await, numbered(0..2));
    assert_eq!(proxy.faults("GetRecords"), 5);
}

#[tokio::test]
async fn a_denied_request_is_made_once_and_names_the_missing_action() {
    let Some(server) = Server::from_env() else { return };
    let test = server.make_stream(1).await;
    let proxy = Proxy::start(server.address(), |operation, _, _| match operation {
        "GetRecords" => Some(Fault::Refuse(400, "AccessDeniedException")),
        "DescribeStreamSummary" => Some(Fault::Refuse(400, "UnrecognizedClientException")),
        _ => None,
    })
    .await;

    let (stream, _) = connect(through(&proxy, &test)).await;
    let error = soon(open_only(&stream, Position::TrimHorizon).await.next()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AccessDenied { action: "kinesis:GetRecords" });
    assert_eq!(error.shard(), Some(&ShardId::new("shardId-000000000000")));
    assert_eq!(proxy.requests("GetRecords"), 1);

    let error = soon(stream.describe()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credentials);
    assert_eq!(proxy.requests("DescribeStreamSummary"), 1);
}

#[tokio::test]
async fn a_sequence_number_that_is_refused_is_an_expired_position_and_no_jump() {
    let Some(server) = Server::from_env() else { return };
    let test = server.make_stream(1).await;
    test.put_numbered("a", 0..1).await;
    let stream = test.connect().await;
    // kinesalite itself refuses a sequence number that is not of this shard.
    let stale = Position::AfterSequence("7".parse().unwrap());
    let mut reader = open_only(&stream, stale.clone()).await;
    for _ in 0..2 {
        let error = soon(reader.next()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PositionExpired, "{error}");
        assert!(!error.is_transient());
        assert_eq!(*reader.position(), stale);
    }
}

#[tokio::test]
async fn a_server_that_never_answers_is_unreachable() {
    let Some(server) = Server::from_env() else { return };
    let test = server.make_stream(1).await;
    let proxy = Proxy::start(server.address(), |operation, _, _| {
        (operation == "DescribeStreamSummary").then_some(Fault::Hang)
    })
    .await;
    let mut config = through(&proxy, &test);
    config.request_timeout = Duration::from_millis(100);
    let (stream, _) = connect(config.clone()).await;
    let error = soon(stream.describe()).await.unwrap_err();
    assert_eq!((error.kind(), proxy.faults("DescribeStreamSummary")), (ErrorKind::Unreachable, 4), "{error}");

    drop(proxy);
    let error = soon(connect(config).await.0.describe()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
    let message = error.to_string();
    assert!(message.contains("refused") && !message.contains('{'), "no message for a person: {message}");
}

#[tokio::test]
async fn a_reader_that_is_dropped_while_it_waits_loses_nothing() {
    let Some(server) = Server::from_env() else { return };
    let test = server.make_stream(1).await;
    test.put_numbered("a", 0..20).await;
    let proxy = Proxy::start(server.address(), |operation, n, _| {
        (operation == "GetRecords" && n % 3 == 0).then_some(Fault::Hang)
    })
    .await;
    let mut config = through(&proxy, &test);
    config.max_records = 5;
    let (stream, _) = connect(config).await;
    let mut reader = open_only(&stream, Position::TrimHorizon).await;

    let mut got = vec![];
    let mut dropped = 0;
    soon(async {
        while got.len() < 20 {
            match tokio::time::timeout(Duration::from_millis(150), reader.next()).await {
                Ok(batch) => got.extend(texts(&batch.unwrap())),
                Err(_) => dropped += 1,
            }
        }
    })
    .await;
    assert_eq!(got, numbered(0..20));
    assert!(dropped >= 2 && proxy.faults("GetRecords") >= 2, "{dropped} calls were dropped");
}

/// A page of a listing with one shard.
fn page(shard: usize, next: Option<&str>) -> Fault {
    let next = next.map_or(String::new(), |token| format!(r#","NextToken":"{token}""#));
    Fault::Answer(
        200,
        format!(
            r#"{{"Shards":[{{"ShardId":"shardId-{shard:012}","ParentShardId":"shardId-gone",
            "HashKeyRange":{{"StartingHashKey":"0","EndingHashKey":"9"}},
            "SequenceNumberRange":{{"StartingSequenceNumber":"{shard}0","EndingSequenceNumber":"99"}}}}]{next}}}"#
        ),
    )
}

#[tokio::test]
async fn a_listing_goes_on_over_its_pages_with_the_token_alone() {
    let Some(server) = Server::from_env() else { return };
    let test = server.make_stream(1).await;
    let name = test.name.clone();
    let proxy = Proxy::start(server.address(), move |_, n, body| match n {
        0 if body.contains(&name) => Some(page(1, Some("second"))),
        1 if body.contains(r#""second""#) && !body.contains(&name) => Some(page(2, Some("third"))),
        2 => Some(Fault::Refuse(500, "InternalFailure")),
        3 if body.contains(r#""third""#) && !body.contains(&name) => Some(page(3, None)),
        _ => None,
    })
    .await;

    let (stream, _) = connect(through(&proxy, &test)).await;
    let shards = soon(stream.shards()).await.unwrap();
    let ids: Vec<&str> = shards.iter().map(|shard| shard.id.as_str()).collect();
    assert_eq!(ids, ["shardId-000000000001", "shardId-000000000002", "shardId-000000000003"]);
    assert!(shards.iter().all(|shard| shard.closed && shard.parents == [ShardId::new("shardId-gone")]));
    assert_eq!(shards[2].starting_sequence.as_str(), "30");
    assert_eq!(proxy.faults("ListShards"), 4);
}

#[tokio::test]
async fn r28_a_listing_without_an_end_is_an_error() {
    let Some(server) = Server::from_env() else { return };
    let test = server.make_stream(1).await;
    let proxy = Proxy::start(server.address(), |_, n, _| Some(page(n + 1, Some("and so on")))).await;
    let (stream, _) = connect(through(&proxy, &test)).await;
    let error = soon(stream.shards()).await.unwrap_err();
    assert!(error.to_string().contains("more than 100 pages"), "{error}");
    assert_eq!(proxy.requests("ListShards"), 100);
}

#[tokio::test]
async fn what_retention_removed_is_a_gap_but_what_never_was_is_not() {
    let Some(server) = Server::from_env() else { return };
    let test = server.make_stream(1).await;
    test.put_numbered("a", 0..1).await;
    let month_ago_ms = now_ms() - 30 * 24 * HOUR_MS;

    // The stream is younger than the position: nothing is missing.
    let stream = test.connect().await;
    let mut reader = open_only(&stream, Position::AtTimestamp(month_ago_ms)).await;
    let batch = soon(reader.next()).await.unwrap();
    assert_eq!((batch.gap.clone(), texts(&batch)), (None, numbered(0..1)));

    // The same stream, made to look a year old, with three days of retention.
    let summary = format!(
        r#"{{"StreamDescriptionSummary":{{"StreamName":"x","StreamARN":"arn","StreamStatus":"ACTIVE",
        "RetentionPeriodHours":72,"StreamCreationTimestamp":{},"OpenShardCount":1,"EnhancedMonitoring":[]}}}}"#,
        month_ago_ms / 1_000 - 365 * 24 * 3_600
    );
    let proxy = Proxy::start(server.address(), move |operation, _, _| {
        (operation == "DescribeStreamSummary").then(|| Fault::Answer(200, summary.clone()))
    })
    .await;
    let (stream, _) = connect(through(&proxy, &test)).await;
    let mut reader = open_only(&stream, Position::AtTimestamp(month_ago_ms)).await;
    let asked_ms = now_ms();
    let batch = soon(reader.next()).await.unwrap();
    let Gap { shard, from_ms, to_ms } = batch.gap.clone().expect("a gap of 27 days");
    assert_eq!((shard.as_str(), from_ms), ("shardId-000000000000", month_ago_ms));
    assert!((asked_ms..=now_ms()).contains(&(to_ms + 72 * HOUR_MS)));
    assert_eq!(texts(&batch), numbered(0..1));
    assert_eq!(soon(reader.next()).await.unwrap().gap, None);
    assert_eq!(proxy.faults("DescribeStreamSummary"), 1);
}
