//! What one node shows, every node shows.

use pegboard_model::Millis;

use super::centre::{Centre, SURE, until_shared};
use super::on_every_store;
use crate::support::clock;
use crate::support::day::Day;
use crate::support::event::{change, minute};
use crate::support::feeding::{ONLY, one_partition};
use crate::support::live::{assert_alike, replayed_tables, settings, until};
use crate::support::replayed::replay;
use crate::support::script::Script;

on_every_store!(a_node_that_reads_nothing_shows_everything, what_fails_on_one_node_is_told_by_every_node,);

async fn a_node_that_reads_nothing_shows_everything(centre: Centre) {
    let day = Day::of(12, 6, 61);
    let script = one_partition(&day, false);
    let worker = centre.join(&script, "worker", SURE).await;
    until_shared(&worker, &[1]).await;
    let idle = centre.join(&script, "idle", SURE).await;
    worker.settle(&script, day.end).await;
    idle.settle(&script, day.end).await;
    let expected = replayed_tables(&replay(&day, &settings(&day)));
    assert_alike(&expected, &worker.tables(day.start, day.end).await);
    assert_alike(&expected, &idle.tables(day.start, day.end).await);
    let (one, other) = (worker.status().await, idle.status().await);
    assert_eq!(one.partitions[0].node.as_deref(), Some("worker"));
    assert_eq!(format!("{one:?}"), format!("{other:?}"), "positions, watermarks, counts, agents");
    assert_eq!(worker.agents().await, idle.agents().await);
    // Open intervals too: the watermark is that of all nodes.
    let (from, to) = (day.end, day.end + Millis::from_hours(1));
    let open = worker.report("agent_interval", from, to).await;
    assert_eq!(open, idle.report("agent_interval", from, to).await);
    assert!(open.iter().any(|row| row["provisional"] == true), "no interval is open: it shows nothing");
    worker.leave().await;
    idle.leave().await;
}

async fn what_fails_on_one_node_is_told_by_every_node(centre: Centre) {
    let script = Script::new(false);
    clock::set(minute(60));
    script.add(ONLY, &[]);
    script.push(ONLY, &[change(minute(0), "Available")], minute(1));
    let worker = centre.join(&script, "worker", SURE).await;
    until_shared(&worker, &[1]).await;
    let idle = centre.join(&script, "idle", SURE).await;
    // From its next position on nothing is kept: it is lost, and cannot be opened again.
    worker.read_all(&script).await;
    script.shut(true);
    script.push(ONLY, &[change(minute(10), "Lunch")], minute(11));
    script.push(ONLY, &[change(minute(20), "Break")], minute(21));
    script.expire(ONLY, 3);
    script.push(ONLY, &[change(minute(30), "Training")], minute(31));
    let told = async || {
        let error = idle.status().await.error;
        error.is_some_and(|error| error.message.starts_with("node worker: "))
    };
    until("the fault is told by the other node", told).await;
    script.shut(false);
    idle.read_all(&script).await;
    until("nothing is wrong any more", async || idle.status().await.error.is_none()).await;
    worker.leave().await;
    idle.leave().await;
}
