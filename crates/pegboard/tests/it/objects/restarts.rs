//! A hub that dies in the middle.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use pegboard::config::SourceConfig;
use pegboard_connect::sources::objects::LaneConfig;
use pegboard_model::{Millis, Timestamp};
use pegboard_store::ReloadState;

use super::{Morning, open_store, patient, source};
use crate::live::reload::reload;
use crate::live::reload_source::from_source;
use crate::support::clock;
use crate::support::live::{Live, until};
use crate::support::proxy::{Fault, Proxy};

#[tokio::test]
async fn what_was_received_before_a_death_is_read_after_it() {
    let Some(morning) = Morning::make().await else { return };
    let objects = morning.objects(24);
    for (key, content) in &objects {
        morning.bucket.put(key, content).await;
    }
    let store = open_store(morning.folder.path());
    for deaths in 0..4_usize {
        // From some object on, none is answered: the hub dies with messages in its hands and an object half-way.
        let (fetched, reached) = (Arc::new(AtomicUsize::new(0)), deaths * 5 + 3);
        let counted = fetched.clone();
        let proxy = Proxy::start(morning.bucket.address(), move |operation, n, _| {
            if operation == "GetObject" {
                counted.store(n, Ordering::SeqCst);
            }
            (operation == "GetObject" && n >= reached).then_some(Fault::Hang)
        })
        .await;
        let live = Live::over(store.clone(), source(morning.bucket.lane(&proxy.url())), &patient()).await;
        until("it hangs", async || fetched.load(Ordering::SeqCst) >= reached).await;
        live.die();
    }
    let live = Live::over(store, source(morning.bucket.own_lane()), &patient()).await;
    morning.assert_equals_replay(&live).await;
    morning.assert_no_message_is_left().await;
    live.stop().await;
}

#[tokio::test]
async fn the_objects_of_the_day_before_are_read_once_more_when_it_is_captured_again() {
    let Some(morning) = Morning::make().await else { return };
    for (key, content) in morning.objects(6) {
        morning.bucket.put(&key, &content).await;
    }
    let now = clock::now();
    let minutes = (now.as_millis() / 60_000 + 2).rem_euclid(24 * 60);
    let nightly = SourceConfig { recapture_at: Some(Millis::from_minutes(minutes)), ..patient() };
    let live =
        Live::over(open_store(morning.folder.path()), source(morning.bucket.own_lane()), &nightly).await;
    morning.assert_equals_replay(&live).await;
    morning.assert_no_message_is_left().await;
    let contacts = morning.records.len() as u64;
    assert_eq!(
        live.status().await.counts.contacts,
        contacts,
        "each is read once, although it is told of twice"
    );

    clock::set(now + Millis::from_minutes(3));
    let read = async || live.status().await.counts.contacts >= 2 * contacts;
    until("everything is read once more", read).await;
    morning.assert_equals_replay(&live).await;
    assert_eq!(live.status().await.counts.contacts, 2 * contacts, "and no more");
    live.stop().await;
}

#[tokio::test]
async fn objects_that_were_never_read_are_there_once_their_day_is_reloaded_from_the_source() {
    let Some(morning) = Morning::make().await else { return };
    let objects = morning.objects(6);
    let (last, older) = objects.split_last().unwrap();
    for (key, content) in older {
        morning.bucket.put(key, content).await;
    }
    // The server dates objects by whole seconds.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let second = pegboard::clock::system().as_millis().div_euclid(1000);
    let start = Some(Timestamp::from_seconds(second));
    morning.bucket.put(&last.0, &last.1).await;
    let lane = LaneConfig { start, queue: None, ..morning.bucket.own_lane() };
    let live = morning.hub(lane).await;
    until("what is new is read", async || live.status().await.counts.contacts > 0).await;
    live.close(morning.day.end).await;
    let (read, all) = (live.status().await.counts.contacts, morning.records.len() as u64);
    assert!(read < all / 3, "{read} of {all} are younger than what is to be read");
    let done = reload(&live, from_source(morning.day.start, morning.day.end)).await;
    assert_eq!((done.state, done.progress.contacts), (ReloadState::Done, all), "{done:?}");
    morning.assert_rows_equal_replay(&live).await;
    assert!(morning.bucket.messages().await.0 > 0, "nobody has taken a message");
    live.stop().await;
}
