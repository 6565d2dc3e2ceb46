//! Partitions are shared out fairly among the nodes that are there.

use super::centre::{Centre, SURE, until_shared};
use super::on_every_store;
use crate::support::clock;
use crate::support::event::{event, minute};
use crate::support::live::until;
use crate::support::script::Script;

on_every_store!(nodes_that_come_and_go_share_fairly, a_node_alone_reads_everything_at_once);

const PARTITIONS: usize = 8;

fn name(partition: usize) -> String {
    format!("p{partition}")
}

/// Partitions that hold nothing yet.
pub(super) fn partitions() -> Script {
    let script = Script::new(false);
    clock::set(minute(60));
    (0..PARTITIONS).for_each(|partition| script.add(&name(partition), &[]));
    script
}

/// Puts an event of an agent of its own into each partition.
pub(super) fn push_everywhere(script: &Script, at: i64) {
    for partition in 0..PARTITIONS {
        let agent = format!("a-{partition}");
        let event = event(&agent, "STATE_CHANGE", minute(at), &format!("Status {at}"));
        script.push(&name(partition), &[event], minute(at + 1));
    }
}

async fn nodes_that_come_and_go_share_fairly(centre: Centre) {
    let script = partitions();
    push_everywhere(&script, 0);
    let a = centre.join(&script, "a", SURE).await;
    until_shared(&a, &[8]).await;
    let b = centre.join(&script, "b", SURE).await;
    until_shared(&b, &[4, 4]).await;
    let c = centre.join(&script, "c", SURE).await;
    until_shared(&a, &[2, 3, 3]).await;
    push_everywhere(&script, 10);
    for node in [&a, &b, &c] {
        node.read_all(&script).await;
    }
    a.leave().await;
    until_shared(&b, &[4, 4]).await;
    c.leave().await;
    until_shared(&b, &[8]).await;
    push_everywhere(&script, 20);
    b.read_all(&script).await;
    let status = b.status().await;
    assert_eq!((status.counts.records, status.counts.duplicates, status.agents), (24, 0, 8));
    assert!(status.error.is_none(), "{:?}", status.error);
    until("all is known", async || b.status().await.watermark == Some(minute(21))).await;
    b.leave().await;
}

/// No node waits for others that may be there: the first plan is the first reading.
async fn a_node_alone_reads_everything_at_once(centre: Centre) {
    let script = partitions();
    push_everywhere(&script, 0);
    // A beat would come too late for what is asserted.
    let slow = pegboard::runtime::node::Pace { beat: std::time::Duration::from_mins(5), ..SURE };
    let started = std::time::Instant::now();
    let node = centre.join(&script, "only", slow).await;
    node.read_all(&script).await;
    assert!(started.elapsed() < std::time::Duration::from_secs(30), "{:?}", started.elapsed());
    node.leave().await;
}
