//! What others hand to the hub.

use pegboard_model::Millis;
use pegboard_store::{HandIn, HandedIn, KEYS_KEPT, LaneEnds, Store};

use crate::home::Home;
use crate::sample::{at, handed, shard, source};

async fn kept(store: &dyn Store, key: &str, records: &[&[u8]]) {
    assert_eq!(store.hand_in(handed(key, records), 100).await.unwrap(), HandedIn::Kept);
}

async fn waiting(store: &dyn Store, after: u64) -> Vec<(u64, Vec<u8>)> {
    let records = store.handed_in(&source(), &shard(), after, 100).await.unwrap();
    records.into_iter().map(|record| (record.number, record.body)).collect()
}

pub(crate) async fn what_was_handed_in_is_read_in_order_until_it_is_let_go_of(home: &dyn Home) {
    let store = home.open().await;
    kept(&*store, "a", &[b"one", b"two"]).await;
    kept(&*store, "b", &[b"three"]).await;
    let all = [(1, b"one".to_vec()), (2, b"two".to_vec()), (3, b"three".to_vec())];
    assert_eq!(waiting(&*store, 0).await, all);
    assert_eq!(waiting(&*store, 1).await, all[1..]);
    let first = store.handed_in(&source(), &shard(), 0, 1).await.unwrap();
    assert_eq!((first.len(), first[0].at), (1, at(5)), "no more than was asked for");
    assert!(store.handed_in(&"other".into(), &shard(), 0, 9).await.unwrap().is_empty());

    store.let_go(&source(), &shard(), 2).await.unwrap();
    assert_eq!(waiting(&*store, 0).await, all[2..]);
    store.let_go(&source(), &shard(), 1).await.unwrap();
    assert_eq!(store.lane_ends(&source(), &shard()).await.unwrap(), LaneEnds { last: 3, gone: 2 });
    kept(&*store, "c", &[b"four"]).await;
    assert_eq!(waiting(&*store, 3).await, [(4, b"four".to_vec())], "numbers are never used again");
    assert_eq!(store.lane_ends(&source(), &"other".into()).await.unwrap(), LaneEnds::default());
}

pub(crate) async fn a_key_that_comes_again_keeps_nothing_and_has_the_same_answer(home: &dyn Home) {
    let store = home.open().await;
    kept(&*store, "k\0", &[b"one"]).await;
    let again = HandIn { answer: "another".to_owned(), ..handed("k\0", &[b"two", b"three"]) };
    let before = HandedIn::Before { answer: "answer to k\0".to_owned() };
    assert_eq!(store.hand_in(again.clone(), 100).await.unwrap(), before);
    assert_eq!(waiting(&*store, 0).await, [(1, b"one".to_vec())]);
    let keyless = HandIn { key: None, ..handed("", &[b"two"]) };
    for _ in 0..2 {
        assert_eq!(store.hand_in(keyless.clone(), 100).await.unwrap(), HandedIn::Kept);
    }
    assert_eq!(waiting(&*store, 1).await.len(), 2, "without a key nothing is known again");
    let elsewhere = HandIn { lane: "other".into(), ..again.clone() };
    assert_eq!(store.hand_in(elsewhere, 100).await.unwrap(), HandedIn::Kept);

    store.sweep(at(5) + KEYS_KEPT).await.unwrap();
    assert_eq!(store.hand_in(again.clone(), 100).await.unwrap(), before);
    store.sweep(at(5) + KEYS_KEPT + Millis::new(1)).await.unwrap();
    assert_eq!(store.hand_in(again, 100).await.unwrap(), HandedIn::Kept, "a key is known for a day");
}

pub(crate) async fn r28_a_lane_that_is_full_keeps_nothing_more(home: &dyn Home) {
    let store = home.open().await;
    let offer = async |key: &str| store.hand_in(handed(key, &[b"one", b"two"]), 3).await.unwrap();
    assert_eq!(offer("a").await, HandedIn::Kept);
    assert_eq!(offer("b").await, HandedIn::Kept, "what comes together is kept together");
    assert_eq!(offer("c").await, HandedIn::Full);
    assert!(matches!(offer("a").await, HandedIn::Before { .. }), "what was answered stays so");
    assert_eq!(waiting(&*store, 0).await.len(), 4);
    store.let_go(&source(), &shard(), 2).await.unwrap();
    assert_eq!(offer("c").await, HandedIn::Kept, "and there is no key of what was not kept");
}

pub(crate) async fn what_is_handed_in_at_once_has_numbers_without_a_gap(home: &dyn Home) {
    let store = home.open().await;
    let keys: Vec<String> = (0..20).map(|number| number.to_string()).collect();
    let offer = |key: &String| {
        let (store, offer) = (store.clone(), handed(key, &[key.as_bytes(), b"-"]));
        tokio::spawn(async move { store.hand_in(offer, 100).await })
    };
    let offers: Vec<_> = keys.iter().map(offer).collect();
    for offer in offers {
        assert_eq!(offer.await.unwrap().unwrap(), HandedIn::Kept);
    }
    let found = waiting(&*store, 0).await;
    assert!(found.iter().map(|(number, _)| *number).eq(1..=40));
    assert!(
        found.iter().skip(1).step_by(2).all(|(_, body)| body == b"-"),
        "what came together stands together"
    );
}
