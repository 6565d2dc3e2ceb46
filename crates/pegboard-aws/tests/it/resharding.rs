//! Splits and merges: parents end, children follow, and no key goes back in time.

use pegboard_aws::{Ending, Position, ShardId};

use crate::proxy::{Fault, Proxy};
use crate::server::{Program, Server, TestStream, connect, open_only, soon, texts, through};

const KEYS: [&str; 6] = ["agent-a", "agent-b", "agent-c", "agent-d", "agent-e", "agent-f"];

fn shard(number: usize) -> ShardId {
    ShardId::new(format!("shardId-{number:012}"))
}

fn assert_all_in_order(program: &Program, numbers: std::ops::Range<usize>) {
    for key in KEYS {
        assert_eq!(program.numbers(key), numbers.clone().collect::<Vec<_>>(), "of {key}");
    }
    assert_eq!(program.read.len(), KEYS.len() * numbers.len());
}

#[tokio::test]
async fn r04_a_split_parent_drains_and_ends_before_its_children_are_read() {
    let Some(server) = Server::from_env() else { return };
    let test = server.make_stream(1).await;
    for key in KEYS {
        test.put_numbered(key, 0..3).await;
    }
    test.split("shardId-000000000000").await;
    for key in KEYS {
        test.put_numbered(key, 3..6).await;
    }

    let mut program = Program::new(test.connect().await, Position::TrimHorizon);
    program.run_until(36, 1).await;
    assert_all_in_order(&program, 0..6);
    assert_eq!(program.ended, [shard(0)]);
    let from = Position::TrimHorizon;
    assert_eq!(program.opened, [(shard(0), from.clone()), (shard(1), from.clone()), (shard(2), from)]);
}

#[tokio::test]
async fn r04_a_split_under_a_latest_start_skips_nothing() {
    let Some(server) = Server::from_env() else { return };
    let test = server.make_stream(1).await;
    test.put_numbered("agent-a", 100..103).await;
    let mut program = Program::new(test.connect().await, Position::Latest);
    soon(program.round()).await;

    test.split("shardId-000000000000").await;
    for key in KEYS {
        test.put_numbered(key, 0..3).await;
    }
    program.run_until(18, 1).await;
    assert_all_in_order(&program, 0..3);
    let children: Vec<_> = program.opened[1..].to_vec();
    assert_eq!(children, [(shard(1), Position::TrimHorizon), (shard(2), Position::TrimHorizon)]);
}

#[tokio::test]
async fn r04_a_merged_shard_is_read_after_both_parents() {
    let Some(server) = Server::from_env() else { return };
    let test = server.make_stream(2).await;
    for key in KEYS {
        test.put_numbered(key, 0..3).await;
    }
    test.merge("shardId-000000000000", "shardId-000000000001").await;
    for key in KEYS {
        test.put_numbered(key, 3..6).await;
    }

    let mut program = Program::new(test.connect().await, Position::TrimHorizon);
    let listed = soon(program.round()).await;
    assert_eq!(listed[2].parents, [shard(0), shard(1)]);
    assert_eq!(listed.iter().map(|shard| shard.closed).collect::<Vec<_>>(), [true, true, false]);
    program.run_until(36, 2).await;
    assert_all_in_order(&program, 0..6);
    assert_eq!(program.opened[2], (shard(2), Position::TrimHorizon));
}

#[tokio::test]
async fn r04_split_of_split_and_merge_after_split_with_restarts_between() {
    let Some(server) = Server::from_env() else { return };
    let test = server.make_stream(1).await;
    let mut program = Program::new(test.connect().await, Position::TrimHorizon);
    // Shard 0 becomes 1 and 2, 1 becomes 3 and 4, and 4 and 2 become 5.
    for generation in 0..4 {
        for key in KEYS {
            test.put_numbered(key, 4 * generation..4 * generation + 4).await;
        }
        match generation {
            0 => test.split("shardId-000000000000").await,
            1 => test.split("shardId-000000000001").await,
            2 => test.merge("shardId-000000000004", "shardId-000000000002").await,
            _ => {}
        }
        soon(program.round()).await;
        program.restart();
    }
    program.run_until(96, 4).await;
    assert_all_in_order(&program, 0..16);

    let place = |id: usize| program.ended.iter().position(|ended| *ended == shard(id)).unwrap();
    assert!(place(0) < place(1) && place(0) < place(2) && place(1) < place(4), "{:?}", program.ended);
}

#[tokio::test]
async fn r04_a_closed_empty_shard_ends_and_says_so_again() {
    let Some(server) = Server::from_env() else { return };
    let test = server.make_stream(1).await;
    let stream = test.connect().await;
    let mut reader = open_only(&stream, Position::TrimHorizon).await;
    test.split("shardId-000000000000").await;

    let end = soon(async {
        loop {
            let batch = reader.next().await.unwrap();
            assert_eq!(texts(&batch), [""; 0]);
            if let Some(end) = batch.end {
                return end;
            }
        }
    })
    .await;
    assert_eq!(end.ending, Ending::Reported);
    assert_eq!(soon(reader.next()).await.unwrap().end, Some(end));
}

/// Puts so many records of every key.
async fn put_all(test: &TestStream, numbers: std::ops::Range<usize>) {
    for key in KEYS {
        test.put_numbered(key, numbers.clone()).await;
    }
}

#[tokio::test]
async fn r04_a_merged_shard_is_split_again() {
    let Some(server) = Server::from_env() else { return };
    let test = server.make_stream(2).await;
    let mut program = Program::new(test.connect().await, Position::TrimHorizon);
    put_all(&test, 0..3).await;
    test.merge("shardId-000000000000", "shardId-000000000001").await;
    put_all(&test, 3..6).await;
    test.split("shardId-000000000002").await;
    put_all(&test, 6..9).await;

    program.run_until(54, 3).await;
    assert_all_in_order(&program, 0..9);
    assert_eq!(program.ended[2], shard(2), "after both parents");
    let opened: Vec<_> = program.opened.iter().map(|(shard, _)| shard.clone()).collect();
    assert_eq!(opened, [shard(0), shard(1), shard(2), shard(3), shard(4)]);
}

#[tokio::test]
async fn r04_what_was_resharded_while_nobody_read_is_read_in_order() {
    let Some(server) = Server::from_env() else { return };
    let test = server.make_stream(1).await;
    let mut program = Program::new(test.connect().await, Position::TrimHorizon);
    put_all(&test, 0..2).await;
    program.run_until(12, 0).await;
    program.restart();

    put_all(&test, 2..4).await;
    test.split("shardId-000000000000").await;
    put_all(&test, 4..6).await;
    test.split("shardId-000000000002").await;
    put_all(&test, 6..8).await;
    test.merge("shardId-000000000001", "shardId-000000000003").await;
    put_all(&test, 8..10).await;

    program.run_until(60, 4).await;
    assert_all_in_order(&program, 0..10);
    assert!(program.lost.is_empty());
    let again = &program.opened[1];
    assert!(matches!(again, (id, Position::AfterSequence(_)) if *id == shard(0)), "{again:?}");
    assert!(program.opened[2..].iter().all(|(_, from)| *from == Position::TrimHorizon));
}

#[tokio::test]
async fn r04_a_parent_that_expired_unfinished_is_lost_and_its_children_are_read() {
    let Some(server) = Server::from_env() else { return };
    let test = server.make_stream(1).await;
    let proxy = Proxy::start(server.address(), |operation, n, _| {
        // The first listing is whole; from the second on, retention has taken the parent away.
        (operation == "ListShards" && n > 0).then_some(Fault::Hide("shardId-000000000000"))
    })
    .await;
    put_all(&test, 0..2).await;
    let (stream, _) = connect(through(&proxy, &test)).await;
    let mut program = Program::new(stream, Position::TrimHorizon);
    soon(program.round()).await;
    let read_of_parent = program.read.len();
    assert!((1..12).contains(&read_of_parent), "it was not finished: {read_of_parent} of 12");

    test.split("shardId-000000000000").await;
    put_all(&test, 2..4).await;
    program.run_until(read_of_parent + 12, 0).await;
    assert_eq!((program.lost.clone(), program.ended.len()), (vec![shard(0)], 0));
    assert!(proxy.faults("ListShards") > 0);
    for key in KEYS {
        let numbers = program.numbers(key);
        assert!(numbers.is_sorted() && numbers.ends_with(&[2, 3]), "of {key}: {numbers:?}");
    }
}

#[tokio::test]
async fn r04_a_shard_that_is_closed_while_it_is_throttled_ends_once_it_may_be_read() {
    let Some(server) = Server::from_env() else { return };
    let test = server.make_stream(1).await;
    let proxy = Proxy::start(server.address(), |operation, n, _| {
        let throttled = operation == "GetRecords" && (1..20).contains(&n);
        throttled.then_some(Fault::Refuse(400, "ProvisionedThroughputExceededException"))
    })
    .await;
    put_all(&test, 0..3).await;
    let (stream, counters) = connect(through(&proxy, &test)).await;
    let mut program = Program::new(stream, Position::TrimHorizon);
    soon(program.round()).await;
    test.split("shardId-000000000000").await;
    put_all(&test, 3..6).await;

    program.run_until(36, 1).await;
    assert_all_in_order(&program, 0..6);
    assert_eq!((proxy.faults("GetRecords"), program.ended.clone()), (19, vec![shard(0)]));
    assert!(program.failures >= 3, "calls gave up {} times, and the program went on", program.failures);
    assert!(counters.counts().throttled > 0);
}

#[tokio::test]
async fn r04_an_empty_closed_shard_holds_nobody_up() {
    let Some(server) = Server::from_env() else { return };
    let test = server.make_stream(1).await;
    // Three generations, two of which nobody ever wrote to.
    test.split("shardId-000000000000").await;
    test.split("shardId-000000000001").await;
    put_all(&test, 0..2).await;
    let mut program = Program::new(test.connect().await, Position::TrimHorizon);
    program.run_until(12, 2).await;
    assert_all_in_order(&program, 0..2);
    assert_eq!(program.ended, [shard(0), shard(1)]);
}

#[tokio::test]
async fn r04_every_shard_of_a_stream_that_grows_and_shrinks_is_read() {
    let Some(server) = Server::from_env() else { return };
    let test = server.make_stream(6).await;
    let mut program = Program::new(test.connect().await, Position::TrimHorizon);
    put_all(&test, 0..2).await;
    soon(program.round()).await;
    // Six become nine, and nine become six.
    for parent in ["shardId-000000000000", "shardId-000000000002", "shardId-000000000004"] {
        test.split(parent).await;
    }
    put_all(&test, 2..4).await;
    for (left, right) in [(6, 7), (8, 9), (10, 11)] {
        test.merge(&format!("shardId-{left:012}"), &format!("shardId-{right:012}")).await;
    }
    put_all(&test, 4..6).await;

    program.run_until(36, 9).await;
    assert_all_in_order(&program, 0..6);
    let mut opened: Vec<_> = program.opened.iter().map(|(shard, _)| shard.clone()).collect();
    opened.sort();
    assert_eq!(opened, (0..15).map(shard).collect::<Vec<_>>(), "each once");
}
