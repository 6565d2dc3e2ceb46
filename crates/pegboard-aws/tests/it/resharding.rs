//! Splits and merges: parents end, children follow, and no key goes back in time.

use pegboard_aws::{Ending, Position, ShardId};

use crate::server::{Program, Server, open_only, soon, texts};

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
async fn a_closed_empty_shard_ends_and_says_so_again() {
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
