//! A hub that dies in the middle.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Morning, open_store, patient, source};
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
