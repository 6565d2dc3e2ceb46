//! Servers in trouble: a proxy makes the faults, and every test proves that its faults happened.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pegboard_aws::{ErrorKind, Gap, Operation, Position, ShardId};

use crate::proxy::{Fault, Proxy};
use crate::server::{Server, connect, now_ms, open_only, read_exactly, soon, texts, through};

const HOUR_MS: i64 = 3_600_000;

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
async fn r05_a_call_gives_up_after_its_attempts_and_the_next_one_goes_on() {
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

/// Reads all records through a proxy whose faults are decided by the number of the request, and sees the lag come back.
async fn assert_read_through(fault: fn(usize) -> Option<Fault>) -> Option<Proxy> {
    let server = Server::from_env()?;
    let test = server.make_stream(1).await;
    test.put_numbered("a", 0..60).await;
    let proxy = Proxy::start(server.address(), move |_, n, _| fault(n)).await;
    let mut config = through(&proxy, &test);
    config.max_records = 5;
    config.backoff.attempts = 8;
    let (stream, _) = connect(config).await;
    let mut reader = open_only(&stream, Position::TrimHorizon).await;
    assert_eq!(read_exactly(&mut reader, 60).await, numbered(0..60));
    assert_eq!(soon(reader.next()).await.unwrap().millis_behind_latest, 0, "the lag is back");
    Some(proxy)
}

/// At least this share of the reads met a fault.
fn assert_share(proxy: &Proxy, percent: usize) {
    let (faults, requests) = (proxy.faults("GetRecords"), proxy.requests("GetRecords"));
    assert!(faults * 100 >= requests * percent, "{faults} of {requests} reads failed");
}

#[tokio::test]
async fn r05_thirty_percent_server_errors_and_ten_percent_resets_lose_nothing() {
    let weather = |n| match n % 10 {
        1 => Some(Fault::Refuse(500, "InternalFailure")),
        4 => Some(Fault::Answer(503, "<html>a load balancer speaks</html>".to_owned())),
        7 => Some(Fault::Answer(502, String::new())),
        8 => Some(Fault::Reset),
        _ => None,
    };
    let Some(proxy) = assert_read_through(weather).await else { return };
    assert_share(&proxy, 30);
}

#[tokio::test]
async fn r05_a_throttling_storm_passes() {
    let storm = |n| match n {
        2..6 => Some(Fault::Refuse(400, "ProvisionedThroughputExceededException")),
        6..9 => Some(Fault::Refuse(400, "LimitExceededException")),
        11..17 => Some(Fault::Refuse(400, "KMSThrottlingException")),
        _ => None,
    };
    let Some(proxy) = assert_read_through(storm).await else { return };
    assert_eq!(proxy.faults("GetRecords"), 13);
}

#[tokio::test]
async fn r05_truncated_answers_are_asked_for_again() {
    let truncated = |n| (n % 2 == 1).then_some(Fault::Truncate);
    let Some(proxy) = assert_read_through(truncated).await else { return };
    assert_share(&proxy, 45);
}

#[tokio::test]
async fn r05_slow_answers_are_waited_for_and_too_slow_ones_asked_for_again() {
    let slow = |n| match n % 4 {
        1 => Some(Fault::Delay(Duration::from_millis(400))),
        // The request may take two seconds.
        3 if n < 8 => Some(Fault::Delay(Duration::from_millis(2_500))),
        _ => None,
    };
    let Some(proxy) = assert_read_through(slow).await else { return };
    assert!(proxy.faults("GetRecords") >= 4);
}

#[tokio::test]
async fn r05_iterators_that_are_good_for_one_read_are_renewed_each_time() {
    let Some(server) = Server::from_env() else { return };
    let test = server.make_stream(1).await;
    test.put_numbered("a", 0..12).await;
    let fresh = AtomicBool::new(false);
    let proxy = Proxy::start(server.address(), move |operation, _, _| match operation {
        "GetShardIterator" => {
            fresh.store(true, Ordering::SeqCst);
            None
        }
        "GetRecords" if !fresh.swap(false, Ordering::SeqCst) => {
            Some(Fault::Refuse(400, "ExpiredIteratorException"))
        }
        _ => None,
    })
    .await;
    let (stream, counters) = connect(through(&proxy, &test)).await;
    let mut reader = open_only(&stream, Position::TrimHorizon).await;
    assert_eq!(read_exactly(&mut reader, 12).await, numbered(0..12));
    let renewed = counters.counts().iterators_renewed;
    assert!(renewed >= 6, "{renewed} renewals");
    assert_eq!(proxy.faults("GetRecords") as u64, renewed);
}

#[tokio::test]
async fn r05_after_a_network_blip_every_shard_is_read_on() {
    let Some(server) = Server::from_env() else { return };
    let test = server.make_stream(3).await;
    let down = Arc::new(AtomicBool::new(false));
    let is_down = down.clone();
    let proxy =
        Proxy::start(server.address(), move |_, _, _| is_down.load(Ordering::SeqCst).then_some(Fault::Reset))
            .await;
    let (stream, _) = connect(through(&proxy, &test)).await;
    let mut readers: Vec<_> = soon(stream.shards())
        .await
        .unwrap()
        .iter()
        .map(|shard| stream.open(shard, Position::TrimHorizon))
        .collect();
    for reader in &mut readers {
        soon(reader.next()).await.unwrap();
    }
    down.store(true, Ordering::SeqCst);
    for reader in &mut readers {
        let error = soon(reader.next()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
    }
    let keys = ["a", "b", "c", "d", "e", "f", "g", "h"];
    for key in keys {
        test.put(key, key).await;
    }
    down.store(false, Ordering::SeqCst);
    let mut got = vec![];
    soon(async {
        while got.len() < keys.len() {
            for reader in &mut readers {
                got.extend(texts(&reader.next().await.unwrap()));
            }
        }
    })
    .await;
    got.sort();
    assert_eq!(got, keys);
    assert!(proxy.faults("GetRecords") >= 3);
}

#[tokio::test]
async fn r05_what_needs_a_person_says_what_to_do() {
    let Some(server) = Server::from_env() else { return };
    let test = server.make_stream(1).await;
    let refusals = [
        ("ExpiredTokenException", ErrorKind::Credentials, "check the access key"),
        ("AccessDeniedException", ErrorKind::AccessDenied { action: "kinesis:GetRecords" }, "allow kinesis:"),
        ("KMSAccessDeniedException", ErrorKind::AccessDenied { action: "kms:Decrypt" }, "allow kms:Decrypt"),
        ("ResourceNotFoundException", ErrorKind::NotFound, "check the name"),
    ];
    let script = refusals;
    let proxy = Proxy::start(server.address(), move |operation, n, _| {
        let refusal = script.get(n).filter(|_| operation == "GetRecords");
        refusal.map(|(code, ..)| Fault::Refuse(400, code))
    })
    .await;
    let (stream, _) = connect(through(&proxy, &test)).await;
    let mut reader = open_only(&stream, Position::TrimHorizon).await;
    for (code, kind, advice) in refusals {
        let error = soon(reader.next()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(!error.is_transient());
        let message = error.to_string();
        assert!(message.contains(code) && message.contains(advice), "{message}");
    }
    assert_eq!(proxy.faults("GetRecords"), refusals.len(), "each is asked once: nobody is helped by more");
    test.put_numbered("a", 0..1).await;
    assert_eq!(read_exactly(&mut reader, 1).await, numbered(0..1), "mended, it goes on by itself");
}

#[tokio::test]
async fn r05_a_stream_that_is_deleted_while_it_is_read_is_not_found() {
    let Some(server) = Server::from_env() else { return };
    let test = server.make_stream(1).await;
    let stream = test.connect().await;
    let mut reader = open_only(&stream, Position::TrimHorizon).await;
    soon(reader.next()).await.unwrap();
    test.delete().await;
    let error = soon(async {
        loop {
            if let Err(error) = reader.next().await {
                return error;
            }
        }
    })
    .await;
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}

#[tokio::test]
#[should_panic(expected = "no fault of the proxy fired")]
async fn r29_a_proxy_whose_faults_never_fire_fails_its_test() {
    let _proxy = Proxy::start("127.0.0.1:9", |_, _, _| None).await;
}

#[tokio::test]
async fn r05_a_denied_request_is_made_once_and_names_the_missing_action() {
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
async fn r05_a_sequence_number_that_is_refused_is_an_expired_position_and_no_jump() {
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
async fn r05_a_server_that_never_answers_is_unreachable() {
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
async fn r05_a_reader_that_is_dropped_while_it_waits_loses_nothing() {
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
async fn r05_what_retention_removed_is_a_gap_but_what_never_was_is_not() {
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
