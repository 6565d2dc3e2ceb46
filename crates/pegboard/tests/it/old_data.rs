//! Data that are older than the clock, and chunks in which the bad stand before the good.

use pegboard::runtime::view::Health;
use pegboard_model::{Millis, Timestamp};

use crate::support::clock;
use crate::support::event::{change, minute};
use crate::support::feeding::ONLY;
use crate::support::live::{Live, config, until};
use crate::support::script::Script;

/// Ten days after the data.
fn today() -> Timestamp {
    minute(0) + Millis::from_hours(240)
}

fn script() -> Script {
    let script = Script::new(false);
    clock::set(today());
    script.add(ONLY, &[]);
    script
}

#[tokio::test]
async fn a_followed_file_of_old_data_goes_on_after_a_restart() {
    let (script, folder) = (script(), tempfile::tempdir().unwrap());
    script.push(ONLY, &[change(minute(0), "Available")], today());
    let live = Live::start(&script, &config(), folder.path()).await;
    live.read_all(&script).await;
    live.stop().await;

    script.push(ONLY, &[change(minute(5), "Break")], today());
    let live = Live::start(&script, &config(), folder.path()).await;
    live.read_all(&script).await;
    let counts = live.status().await.counts;
    assert_eq!((counts.events, counts.failed), (2, 0));
    live.stop().await;
}

#[tokio::test]
async fn events_that_come_too_late_do_not_look_like_a_changed_format() {
    let (script, folder) = (script(), tempfile::tempdir().unwrap());
    let mut records = vec![change(minute(48 * 60), "Available")];
    records.extend((0..300).map(|number| change(minute(number), "Break")));
    records.push(change(today() + Millis::from_hours(1), "Break"));
    script.push(ONLY, &records, today());
    let live = Live::start(&script, &config(), folder.path()).await;
    live.read_all(&script).await;
    let status = live.status().await;
    assert_ne!(status.health, Health::Stopped);
    assert_eq!((status.counts.events, status.counts.failed), (1, 301));
    live.stop().await;
}

#[tokio::test]
async fn good_records_after_many_bad_ones_do_not_make_up_for_them() {
    let (script, folder) = (script(), tempfile::tempdir().unwrap());
    let bad = (0..5_000).map(|_| "{".to_owned());
    let records: Vec<_> = bad.chain((0..200).map(|number| change(minute(number), "Available"))).collect();
    script.push(ONLY, &records, today());
    let live = Live::start(&script, &config(), folder.path()).await;
    until("the partition stops", async || live.status().await.health == Health::Stopped).await;
    assert_eq!(live.store.dead_letters(&[], None, 10).await.unwrap().len(), 0);
    live.stop().await;
}
