//! A partition is split while several nodes read: parents on one, children on another.

use std::collections::BTreeMap;

use pegboard_model::{Millis, Timestamp};

use super::centre::{Centre, SURE, until_shared};
use super::on_every_store;
use crate::support::clock;
use crate::support::day::Day;
use crate::support::feeding::{all_arrived, feed, part_of};
use crate::support::live::{Live, assert_alike, replayed_tables, settings};
use crate::support::replayed::replay;
use crate::support::script::Script;

on_every_store!(r04_agents_move_with_their_partition_to_another_node_and_never_back_in_time);

/// Two partitions until `split`.
fn before(script: &Script, day: &Day, split: Timestamp) {
    for partition in ["0", "1"] {
        script.add(partition, &[]);
    }
    let deliveries = day.deliveries();
    feed(script, "0", &deliveries, |delivery| part_of(delivery, 2) == 0, day.start, split);
    feed(script, "1", &deliveries, |delivery| part_of(delivery, 2) == 1, day.start, split);
}

/// The first goes on in two children.
fn after(script: &Script, day: &Day, split: Timestamp) {
    let (deliveries, end) = (day.deliveries(), all_arrived(day));
    for partition in ["2", "3"] {
        script.add(partition, &["0"]);
    }
    script.end("0", split);
    feed(script, "1", &deliveries, |delivery| part_of(delivery, 2) == 1, split, end);
    feed(script, "2", &deliveries, |delivery| part_of(delivery, 4) == 0, split, end);
    feed(script, "3", &deliveries, |delivery| part_of(delivery, 4) == 2, split, end);
}

/// For each agent what was told, in order: it only ever becomes later.
async fn assert_in_order(node: &Live) {
    let mut last: BTreeMap<String, Timestamp> = BTreeMap::new();
    for (number, now) in node.feed(&node.beginning()).await {
        let before = last.insert(now.agent_id.to_string(), now.since);
        assert!(before.is_none_or(|before| before <= now.since), "entry {number} of {}", now.agent_id);
    }
    assert!(last.len() > 5, "few agents show little");
}

async fn r04_agents_move_with_their_partition_to_another_node_and_never_back_in_time(centre: Centre) {
    let day = Day::of(14, 6, 62);
    let split = day.start + Millis::from_minutes(183);
    let script = Script::new(false);
    clock::set(all_arrived(&day));
    before(&script, &day, split);
    let a = centre.join(&script, "a", SURE).await;
    let b = centre.join(&script, "b", SURE).await;
    until_shared(&a, &[1, 1]).await;
    a.read_all(&script).await;
    after(&script, &day, split);
    let c = centre.join(&script, "c", SURE).await;
    a.settle(&script, day.end).await;
    until_shared(&c, &[1, 1, 1]).await;
    let expected = replayed_tables(&replay(&day, &settings(&day)));
    for node in [&a, &b, &c] {
        assert_alike(&expected, &node.tables(day.start, day.end).await);
    }
    assert_in_order(&b).await;
    assert_eq!(a.status().await.counts.duplicates, 0);
    for node in [a, b, c] {
        node.leave().await;
    }
}
