//! Positions: where reading starts, and where it goes on.

use std::time::Duration;

use pegboard_aws::{Credentials, ErrorKind, Position, Progress};

use crate::server::{Program, Server, connect, now_ms, open_only, read_exactly, soon, texts};

fn numbered(numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|number| format!("a:{number}")).collect()
}

#[tokio::test]
async fn everything_is_read_in_order_from_the_trim_horizon() {
    let Some(server) = Server::from_env() else { return };
    let test = server.make_stream(1).await;
    test.put_numbered("a", 0..25).await;

    let mut config = test.config();
    config.max_records = 10;
    let (stream, counters) = connect(config).await;
    let mut reader = open_only(&stream, Position::TrimHorizon).await;
    assert_eq!(read_exactly(&mut reader, 25).await, numbered(0..25));

    let counts = counters.counts();
    assert_eq!((counts.records, counts.throttled, counts.unreachable), (25, 0, 0));
    assert!(counts.reads >= 4, "25 records by 10 in {} reads", counts.reads);
}

#[tokio::test]
async fn a_record_carries_its_sequence_number_its_arrival_and_its_bytes() {
    let Some(server) = Server::from_env() else { return };
    let test = server.make_stream(1).await;
    let before_ms = now_ms();
    test.put_numbered("a", 0..2).await;
    let after_ms = now_ms();

    let stream = test.connect().await;
    let batch = soon(open_only(&stream, Position::TrimHorizon).await.next()).await.unwrap();
    let [first, second] = &batch.records[..] else { panic!("{batch:?}") };
    assert!(first.sequence < second.sequence);
    assert_eq!(batch.position, Position::AfterSequence(second.sequence.clone()));
    let arrived_ms = first.arrived_ms.unwrap();
    assert!((before_ms..=after_ms).contains(&arrived_ms), "{arrived_ms} in {before_ms}..={after_ms}");
    assert!(batch.read_at_ms >= after_ms && batch.read_until_ms() <= now_ms());
}

#[tokio::test]
async fn from_latest_only_what_comes_later_is_read() {
    let Some(server) = Server::from_env() else { return };
    let test = server.make_stream(1).await;
    test.put_numbered("a", 0..3).await;
    let stream = test.connect().await;
    let mut reader = open_only(&stream, Position::Latest).await;

    let first = soon(reader.next()).await.unwrap();
    assert_eq!(texts(&first), [""; 0]);
    assert!(matches!(first.position, Position::AtTimestamp(ms) if ms < first.read_at_ms), "{first:?}");
    test.put_numbered("a", 3..6).await;
    assert_eq!(read_exactly(&mut reader, 3).await, numbered(3..6));
}

#[tokio::test]
async fn from_a_time_what_arrived_since_is_read() {
    let Some(server) = Server::from_env() else { return };
    let test = server.make_stream(1).await;
    test.put_numbered("a", 0..3).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let between_ms = now_ms();
    tokio::time::sleep(Duration::from_millis(50)).await;
    test.put_numbered("a", 3..6).await;

    let stream = test.connect().await;
    let mut reader = open_only(&stream, Position::AtTimestamp(between_ms)).await;
    assert_eq!(read_exactly(&mut reader, 3).await, numbered(3..6));
}

#[tokio::test]
async fn after_a_sequence_number_nothing_is_repeated_and_nothing_skipped() {
    let Some(server) = Server::from_env() else { return };
    let test = server.make_stream(1).await;
    test.put_numbered("a", 0..6).await;
    let mut config = test.config();
    config.max_records = 3;
    let (stream, _) = connect(config).await;

    let mut reader = open_only(&stream, Position::TrimHorizon).await;
    let first = soon(reader.next()).await.unwrap();
    assert_eq!(texts(&first), numbered(0..3));
    let stored = first.position.to_string();
    drop(reader);

    let mut reader = open_only(&stream, stored.parse().unwrap()).await;
    assert_eq!(read_exactly(&mut reader, 3).await, numbered(3..6));
}

#[tokio::test]
async fn a_restart_after_a_latest_start_that_read_nothing_skips_nothing() {
    let Some(server) = Server::from_env() else { return };
    let test = server.make_stream(1).await;
    let mut program = Program::new(test.connect().await, Position::Latest);
    soon(program.round()).await;
    program.restart();
    test.put_numbered("a", 0..4).await;
    program.run_until(4, 0).await;
    assert_eq!(program.read, numbered(0..4));
    assert!(program.known.values().all(|progress| matches!(progress, Progress::Started(_))));
}

#[tokio::test]
async fn a_stream_describes_itself_and_is_reached_by_name_and_by_arn() {
    let Some(server) = Server::from_env() else { return };
    let before_ms = now_ms();
    let test = server.make_stream(1).await;
    test.put_numbered("a", 0..1).await;

    let described = soon(test.connect().await.describe()).await.unwrap();
    assert!(described.arn.ends_with(&format!(":stream/{}", test.name)), "{}", described.arn);
    assert_eq!((described.retention_hours, described.status.as_str()), (24, "ACTIVE"));
    // kinesalite dates a stream two seconds back, in whole seconds.
    assert!((before_ms - 3_000..=now_ms()).contains(&described.created_ms), "{described:?}");

    let mut config = test.config();
    config.stream = described.arn.parse().unwrap();
    let (by_arn, _) = connect(config).await;
    assert_eq!(soon(by_arn.describe()).await.unwrap(), described);
    let mut reader = open_only(&by_arn, Position::TrimHorizon).await;
    assert_eq!(read_exactly(&mut reader, 1).await, numbered(0..1));
}

#[tokio::test]
async fn a_stream_that_does_not_exist_is_not_found_by_name() {
    let Some(server) = Server::from_env() else { return };
    let (stream, counters) = connect(server.config("no-such-stream")).await;
    for error in [soon(stream.describe()).await.unwrap_err(), soon(stream.shards()).await.unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        assert!(error.to_string().contains("`no-such-stream`"), "{error}");
    }
    assert_eq!(counters.counts().unreachable, 0, "a stream that is not there was asked for again");
}

#[tokio::test]
async fn a_profile_that_does_not_exist_is_a_matter_of_credentials() {
    let Some(server) = Server::from_env() else { return };
    let mut config = server.config("agents");
    config.credentials = Credentials::Profile("no-such-profile-of-pegboard".to_owned());
    let (stream, _) = connect(config).await;
    let error = soon(stream.describe()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credentials, "{error}");
}
