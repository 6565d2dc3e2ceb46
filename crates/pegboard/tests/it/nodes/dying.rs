//! A node that dies is replaced.

use std::time::{Duration, Instant};

use pegboard::runtime::node::Pace;

use super::centre::{Centre, until_shared};
use super::on_every_store;
use super::sharing::{partitions, push_everywhere};

on_every_store!(r03_what_a_dead_node_read_is_taken_over_within_ten_seconds);

async fn r03_what_a_dead_node_read_is_taken_over_within_ten_seconds(centre: Centre) {
    let script = partitions();
    push_everywhere(&script, 0);
    let (a, b) =
        (centre.join(&script, "a", Pace::default()).await, centre.join(&script, "b", Pace::default()).await);
    until_shared(&a, &[4, 4]).await;
    a.read_all(&script).await;
    b.die();
    let died = Instant::now();
    push_everywhere(&script, 10);
    a.read_all(&script).await;
    let replaced = died.elapsed();
    assert!(replaced < Duration::from_secs(10), "taken over after {replaced:?}");
    assert!(replaced > Duration::from_secs(3), "{replaced:?}: nobody can know so soon that it died");
    until_shared(&a, &[8]).await;
    let counts = a.status().await.counts;
    assert_eq!((counts.records, counts.duplicates), (16, 0));
    a.leave().await;
}
