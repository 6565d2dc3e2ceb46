//! Enhanced fan-out, against ministack.

use std::time::Duration;

use pegboard_aws::{
    ConsumerState, Counts, Ending, ErrorKind, FanOut, KinesisConfig, Position, ReadMode, ShardId, Stream,
};
use tokio::time::Instant;

use crate::proxy::{Fault, Proxy};
use crate::server::{
    Program, Server, TestStream, connect, now_ms, open_only, read_exactly, soon, texts, through,
};

const CONSUMER: &str = "pegboard";

/// The same settings, by enhanced fan-out.
fn fan_out(config: KinesisConfig) -> KinesisConfig {
    KinesisConfig { read: ReadMode::FanOut(FanOut::new(CONSUMER)), ..config }
}

/// The same settings, with subscriptions that are renewed as soon as may be.
fn hasty(config: KinesisConfig) -> KinesisConfig {
    let fan_out = FanOut { renew_after: Duration::from_secs(5), ..FanOut::new(CONSUMER) };
    KinesisConfig { read: ReadMode::FanOut(fan_out), ..config }
}

/// A stream with one shard and the consumer.
async fn stream(server: &Server) -> TestStream {
    let test = server.make_stream(1).await;
    test.register(CONSUMER).await;
    test
}

fn numbered(numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|number| format!("a:{number}")).collect()
}

/// Subscriptions, and shards that were polled instead.
fn modes(counts: Counts) -> (u64, u64) {
    (counts.subscriptions, counts.polled_instead)
}

#[tokio::test]
async fn records_come_as_they_are_written_and_nothing_is_asked_for_them() {
    let Some(server) = Server::with_fan_out() else { return };
    let test = stream(&server).await;
    test.put_numbered("a", 0..30).await;
    let proxy = Proxy::watching(server.address()).await;
    let (stream, counters) = connect(fan_out(through(&proxy, &test))).await;
    let mut reader = open_only(&stream, Position::TrimHorizon).await;
    let first = soon(reader.next()).await.unwrap();
    assert_eq!(texts(&first), numbered(0..30));
    assert!(matches!(first.position, Position::AfterSequence(_)));

    test.put_numbered("a", 30..31).await;
    let put = Instant::now();
    assert_eq!(texts(&soon(reader.next()).await.unwrap()), numbered(30..31));
    assert!(put.elapsed() < Duration::from_secs(2), "it took {:?}", put.elapsed());
    assert_eq!(proxy.requests("GetRecords") + proxy.requests("GetShardIterator"), 0);
    assert_eq!(modes(counters.counts()), (1, 0));
}

#[tokio::test]
async fn a_quiet_shard_moves_its_watermark_and_keeps_its_position() {
    let Some(server) = Server::with_fan_out() else { return };
    let test = stream(&server).await;
    test.put_numbered("a", 0..1).await;
    let (stream, _) = connect(fan_out(test.config())).await;
    let mut reader = open_only(&stream, Position::TrimHorizon).await;
    let first = soon(reader.next()).await.unwrap();
    let before_ms = now_ms();
    let quiet = soon(reader.next()).await.unwrap();
    assert_eq!((texts(&quiet).len(), &quiet.position), (0, &first.position));
    assert!((before_ms..=now_ms()).contains(&quiet.read_until_ms()), "{quiet:?}");
    assert!(first.read_until_ms() <= quiet.read_until_ms());
}

#[tokio::test]
async fn what_waited_while_the_program_was_busy_does_not_claim_to_be_fresh() {
    let Some(server) = Server::with_fan_out() else { return };
    let test = stream(&server).await;
    let (stream, _) = connect(fan_out(test.config())).await;
    let mut reader = open_only(&stream, Position::TrimHorizon).await;
    soon(reader.next()).await.unwrap();
    let before_ms = now_ms();
    // Meanwhile an event is sent that says: up to date.
    tokio::time::sleep(Duration::from_secs(7)).await;
    let waited = soon(reader.next()).await.unwrap();
    assert!(waited.read_until_ms() <= before_ms + 1, "{} ms too new", waited.read_until_ms() - before_ms);
}

#[tokio::test]
async fn a_subscription_is_renewed_before_its_end_and_nothing_is_lost_or_repeated() {
    let Some(server) = Server::with_fan_out() else { return };
    let test = stream(&server).await;
    let (stream, counters) = connect(hasty(test.config())).await;
    let mut reader = open_only(&stream, Position::Latest).await;
    soon(reader.next()).await.unwrap();
    let writing = async {
        for number in 0..60 {
            test.put_numbered("a", number..number + 1).await;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let (got, ()) = tokio::join!(read_exactly(&mut reader, 60), writing);
    assert_eq!(got, numbered(0..60));
    let (subscriptions, polled) = modes(counters.counts());
    assert!((3..=5).contains(&subscriptions) && polled == 0, "{subscriptions} subscriptions in 12 seconds");
    assert_eq!(counters.counts().unreachable, 0, "a renewal is no failure");
}

#[tokio::test]
async fn r05_subscriptions_that_break_off_or_fall_silent_lose_and_repeat_nothing() {
    let Some(server) = Server::with_fan_out() else { return };
    let test = stream(&server).await;
    let proxy = Proxy::start(server.address(), |operation, n, _| match (operation, n) {
        ("SubscribeToShard", 0) => Some(Fault::Refuse(500, "InternalFailureException")),
        ("SubscribeToShard", 1) => Some(Fault::Reset),
        ("SubscribeToShard", 2) => Some(Fault::CutAfter(2)),
        ("SubscribeToShard", 3) => Some(Fault::StallAfter(1)),
        ("SubscribeToShard", 4) => Some(Fault::Refuse(400, "LimitExceededException")),
        _ => None,
    })
    .await;
    let (stream, counters) = connect(hasty(through(&proxy, &test))).await;
    let mut reader = open_only(&stream, Position::TrimHorizon).await;
    let writing = async {
        for number in 0..60 {
            test.put_numbered("a", number..number + 1).await;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let (got, ()) = tokio::join!(read_exactly(&mut reader, 60), writing);
    assert_eq!(got, numbered(0..60));
    assert_eq!(proxy.faults("SubscribeToShard"), 5);
    let counts = counters.counts();
    assert!(counts.unreachable >= 3 && counts.throttled >= 1, "{counts:?}");
    assert_eq!(counts.polled_instead, 0);
}

#[tokio::test]
async fn a_subscription_that_another_holds_is_taken_over_after_five_seconds() {
    let Some(server) = Server::with_fan_out() else { return };
    let test = stream(&server).await;
    test.put_numbered("a", 0..2).await;
    let (first, _) = connect(fan_out(test.config())).await;
    let mut first = open_only(&first, Position::TrimHorizon).await;
    soon(first.next()).await.unwrap();

    let (second, counters) = connect(fan_out(test.config())).await;
    let mut second = open_only(&second, Position::TrimHorizon).await;
    let asked = Instant::now();
    assert_eq!(texts(&soon(second.next()).await.unwrap()), numbered(0..2));
    assert!(asked.elapsed() >= Duration::from_secs(4), "{:?}", asked.elapsed());
    assert!(counters.counts().unreachable >= 1, "it was told");
}

#[tokio::test]
async fn r04_a_split_under_fan_out_ends_the_parent_before_its_children_are_read() {
    let Some(server) = Server::with_fan_out() else { return };
    let test = stream(&server).await;
    test.put_numbered("a", 0..3).await;
    let (stream, counters) = connect(fan_out(test.config())).await;
    let mut reader = open_only(&stream, Position::TrimHorizon).await;
    assert_eq!(texts(&soon(reader.next()).await.unwrap()), numbered(0..3));
    test.split("shardId-000000000000").await;
    let end = soon(async {
        loop {
            if let Some(end) = reader.next().await.unwrap().end {
                return end;
            }
        }
    })
    .await;
    let children = vec![ShardId::new("shardId-000000000001"), ShardId::new("shardId-000000000002")];
    assert_eq!((end.ending, end.children.clone()), (Ending::Reported, children));
    assert_eq!(soon(reader.next()).await.unwrap().end, Some(end), "and says so again");

    test.put_numbered("a", 3..5).await;
    let mut program = Program::new(stream, Position::TrimHorizon);
    program.run_until(2, 0).await;
    assert_eq!(program.numbers("a"), [3, 4]);
    assert_eq!(modes(counters.counts()), (3, 0));
}

#[tokio::test]
async fn r04_a_stream_whose_shard_count_is_lowered_loses_what_vanished_and_goes_on() {
    let Some(server) = Server::with_fan_out() else { return };
    let test = server.make_stream(4).await;
    let mut program = Program::new(test.connect().await, Position::TrimHorizon);
    test.put_numbered("a", 0..3).await;
    program.run_until(3, 0).await;
    // ministack forgets closed shards at once: two of four are no longer listed.
    test.update_shard_count(2).await;
    program.restart();
    soon(program.round()).await;
    let gone = [2, 3].map(|number| ShardId::new(format!("shardId-{number:012}")));
    assert_eq!(program.lost, gone);
    assert!(program.ended.is_empty());
}

async fn assert_polled(stream: &Stream, counts: impl Fn() -> Counts) {
    let mut reader = open_only(stream, Position::TrimHorizon).await;
    assert_eq!(read_exactly(&mut reader, 2).await, numbered(0..2));
    assert_eq!(modes(counts()), (0, 1), "polled, and said so once");
}

#[tokio::test]
async fn a_consumer_that_is_not_there_is_not_made_without_leave_and_the_stream_is_polled() {
    let Some(server) = Server::with_fan_out() else { return };
    let test = server.make_stream(1).await;
    test.put_numbered("a", 0..2).await;
    let (stream, counters) = connect(fan_out(test.config())).await;
    let error = soon(stream.consumer_state()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoConsumer);
    assert!(error.to_string().contains("`pegboard` is not registered"), "{error}");
    assert_polled(&stream, || counters.counts()).await;
    assert!(test.consumers().await.is_empty());
}

#[tokio::test]
async fn a_consumer_that_is_not_there_is_registered_where_that_is_allowed() {
    let Some(server) = Server::with_fan_out() else { return };
    let test = server.make_stream(1).await;
    test.put_numbered("a", 0..2).await;
    let leave = FanOut { register: true, ..FanOut::new(CONSUMER) };
    let config = KinesisConfig { read: ReadMode::FanOut(leave), ..test.config() };
    let (stream, counters) = connect(config.clone()).await;
    assert_eq!(soon(stream.consumer_state()).await, Ok(Some(ConsumerState::ToBeRegistered)));
    assert!(test.consumers().await.is_empty(), "looking changes nothing");
    let mut reader = open_only(&stream, Position::TrimHorizon).await;
    assert_eq!(texts(&soon(reader.next()).await.unwrap()), numbered(0..2));
    assert_eq!((modes(counters.counts()), test.consumers().await), ((1, 0), vec![CONSUMER.to_owned()]));

    let (again, _) = connect(config).await;
    assert_eq!(soon(again.consumer_state()).await, Ok(Some(ConsumerState::Active)));
}

/// A consumer that is still being made.
const CREATING: &str = r#"{"ConsumerDescription":{"ConsumerName":"pegboard","ConsumerARN":"arn","ConsumerStatus":"CREATING","ConsumerCreationTimestamp":1,"StreamARN":"arn"}}"#;

#[tokio::test]
async fn r28_a_consumer_that_never_becomes_active_is_not_waited_for_without_end() {
    let Some(server) = Server::with_fan_out() else { return };
    let test = server.make_stream(1).await;
    let proxy = Proxy::start(server.address(), |operation, _, _| {
        (operation == "DescribeStreamConsumer").then(|| Fault::Answer(200, CREATING.to_owned()))
    })
    .await;
    let (stream, counters) = connect(fan_out(through(&proxy, &test))).await;
    let mut reader = open_only(&stream, Position::TrimHorizon).await;
    let error = soon(reader.next()).await.unwrap_err();
    assert_eq!((error.kind(), error.is_transient()), (ErrorKind::InUse, true), "{error}");
    assert_eq!((proxy.faults("DescribeStreamConsumer"), modes(counters.counts())), (10, (0, 0)));
}

#[tokio::test]
async fn a_consumer_that_is_being_made_is_waited_for() {
    let Some(server) = Server::with_fan_out() else { return };
    let test = stream(&server).await;
    test.put_numbered("a", 0..2).await;
    let proxy = Proxy::start(server.address(), |operation, n, _| {
        let creating = operation == "DescribeStreamConsumer" && n < 2;
        creating.then(|| Fault::Answer(200, CREATING.to_owned()))
    })
    .await;
    let (stream, counters) = connect(fan_out(through(&proxy, &test))).await;
    let mut reader = open_only(&stream, Position::TrimHorizon).await;
    assert_eq!(texts(&soon(reader.next()).await.unwrap()), numbered(0..2));
    assert_eq!((proxy.faults("DescribeStreamConsumer"), modes(counters.counts())), (2, (1, 0)));
}

#[tokio::test]
async fn r05_where_fan_out_is_denied_the_stream_is_polled() {
    let Some(server) = Server::with_fan_out() else { return };
    for denied in ["DescribeStreamConsumer", "SubscribeToShard"] {
        let test = stream(&server).await;
        test.put_numbered("a", 0..2).await;
        let proxy = Proxy::start(server.address(), move |operation, _, _| {
            (operation == denied).then_some(Fault::Refuse(400, "AccessDeniedException"))
        })
        .await;
        let (stream, counters) = connect(fan_out(through(&proxy, &test))).await;
        assert_polled(&stream, || counters.counts()).await;
        assert_eq!(proxy.faults(denied), 1, "it is asked once");
    }
}

async fn refusing_the_first_subscription(server: &Server, error: &'static str) -> Proxy {
    let script = move |operation: &str, n: usize, _: &str| {
        (operation == "SubscribeToShard" && n == 0).then_some(Fault::Refuse(400, error))
    };
    Proxy::start(server.address(), script).await
}

#[tokio::test]
async fn r05_a_key_that_may_not_be_used_is_told_and_no_reason_to_poll() {
    let Some(server) = Server::with_fan_out() else { return };
    let test = stream(&server).await;
    test.put_numbered("a", 0..2).await;
    let proxy = refusing_the_first_subscription(&server, "KMSAccessDeniedException").await;
    let (stream, counters) = connect(fan_out(through(&proxy, &test))).await;
    let mut reader = open_only(&stream, Position::TrimHorizon).await;
    let error = soon(reader.next()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AccessDenied { action: "kms:Decrypt" }, "{error}");
    assert_eq!(texts(&soon(reader.next()).await.unwrap()), numbered(0..2));
    assert_eq!(modes(counters.counts()), (1, 0));
}

#[tokio::test]
async fn r05_a_consumer_that_was_deregistered_is_looked_for_again() {
    let Some(server) = Server::with_fan_out() else { return };
    let test = stream(&server).await;
    test.put_numbered("a", 0..2).await;
    let proxy = refusing_the_first_subscription(&server, "ResourceNotFoundException").await;
    let (stream, _) = connect(fan_out(through(&proxy, &test))).await;
    let mut reader = open_only(&stream, Position::TrimHorizon).await;
    let error = soon(reader.next()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert_eq!(texts(&soon(reader.next()).await.unwrap()), numbered(0..2));
    assert_eq!(proxy.requests("DescribeStreamConsumer"), 2);
}
