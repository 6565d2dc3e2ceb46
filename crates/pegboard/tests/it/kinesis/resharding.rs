//! The hub while its stream is split and merged: nothing is lost, nothing counts twice, and no agent goes back in time.

use pegboard_model::Timestamp;

use super::{Morning, assert_nobody_goes_back, ended, read};
use crate::support::proxy::{Fault, Proxy};

#[derive(Clone, Copy)]
enum Change {
    Split(usize),
    Merge(usize, usize),
}
use Change::{Merge, Split};

/// Whether the hub reads while the stream changes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hub {
    Up,
    Down,
}

/// Makes the changes one after another, with records before, between and after them.
async fn assert_resharded(shards: i32, changes: &[Change], hub: Hub, parents: &[usize]) {
    let Some(morning) = Morning::on(shards).await else { return };
    let parts = changes.len() + 1;
    let mut live = Some(morning.hub().await);
    morning.put(0, parts).await;
    if hub == Hub::Down {
        let live = live.take().unwrap();
        read(&live, morning.part(0, parts).len()).await;
        live.stop().await;
    }
    for (number, change) in (1..).zip(changes) {
        match *change {
            Split(shard) => morning.stream.split(shard).await,
            Merge(left, right) => morning.stream.merge(left, right).await,
        }
        morning.put(number, parts).await;
    }
    let live = match live {
        Some(live) => live,
        None => morning.hub().await,
    };
    read(&live, morning.deliveries.len()).await;
    assert_eq!(ended(&live).await, parents);
    morning.assert_equals_replay(live).await;
}

#[tokio::test]
async fn r04_a_stream_with_a_split_shard_equals_replay() {
    assert_resharded(2, &[Split(0)], Hub::Up, &[0]).await;
}

#[tokio::test]
async fn r04_a_stream_with_merged_shards_equals_replay() {
    assert_resharded(2, &[Merge(0, 1)], Hub::Up, &[0, 1]).await;
}

#[tokio::test]
async fn r04_a_split_of_a_split_equals_replay() {
    assert_resharded(1, &[Split(0), Split(1), Split(4)], Hub::Up, &[0, 1, 4]).await;
}

#[tokio::test]
async fn r04_a_merge_that_is_split_again_equals_replay() {
    assert_resharded(2, &[Merge(0, 1), Split(2), Merge(3, 4)], Hub::Up, &[0, 1, 2, 3, 4]).await;
}

#[tokio::test]
async fn r04_a_stream_that_was_resharded_while_the_hub_was_down_equals_replay() {
    assert_resharded(2, &[Split(0), Merge(3, 1), Split(2)], Hub::Down, &[0, 1, 2, 3]).await;
}

#[tokio::test]
async fn r04_empty_closed_shards_hold_nobody_up() {
    let Some(morning) = Morning::on(1).await else { return };
    morning.stream.split(0).await;
    morning.stream.split(1).await;
    morning.put(0, 1).await;
    let live = morning.hub().await;
    morning.assert_equals_replay(live).await;
}

#[tokio::test]
async fn r04_a_shard_that_is_closed_while_it_is_throttled_equals_replay() {
    let Some(morning) = Morning::on(1).await else { return };
    let proxy = Proxy::start(morning.stream.address(), |operation, n, _| {
        let throttled = operation == "GetRecords" && (3..25).contains(&n);
        throttled.then_some(Fault::Refuse(400, "ProvisionedThroughputExceededException"))
    })
    .await;
    let live = morning.hub_behind(&proxy).await;
    morning.put(0, 2).await;
    morning.stream.split(0).await;
    morning.put(1, 2).await;
    morning.assert_equals_replay(live).await;
    assert_eq!(proxy.faults("GetRecords"), 22);
}

#[tokio::test]
async fn r04_a_parent_that_expired_unfinished_leaves_a_gap_and_its_children_go_on() {
    let Some(morning) = Morning::on(1).await else { return };
    let live = morning.hub().await;
    morning.put(0, 3).await;
    read(&live, morning.part(0, 3).len()).await;
    live.stop().await;
    // What comes now, nobody reads before retention takes the shard away.
    morning.put(1, 3).await;
    morning.stream.split(0).await;
    morning.put(2, 3).await;

    let proxy = Proxy::start(morning.stream.address(), |operation, _, _| match operation {
        "ListShards" => Some(Fault::Hide("shardId-000000000000")),
        _ => None,
    })
    .await;
    let live = morning.hub_behind(&proxy).await;
    read(&live, morning.part(0, 3).len() + morning.part(2, 3).len()).await;
    let status = live.status().await;
    let [gap] = &status.gaps[..] else { panic!("{:?}", status.gaps) };
    assert!(gap.partition.ends_with("/shardId-000000000000") && gap.reason.contains("gone"), "{gap:?}");
    assert!(gap.from.is_some_and(|from| from > Timestamp::from_millis(0)), "{gap:?}");
    assert_eq!(ended(&live).await, [0]);
    assert_nobody_goes_back(&live).await;
    live.stop().await;
    morning.stream.delete().await;
}
