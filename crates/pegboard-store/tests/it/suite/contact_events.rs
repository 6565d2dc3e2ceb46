//! Events that contacts are put together from.

use pegboard_model::{ContactEvent, Millis};
use pegboard_store::{Batch, Retention, Store};

use crate::home::Home;
use crate::sample::{at, batch, shard, source};

fn event(contact: &str, id: &str, seconds: i64, body: &str) -> ContactEvent {
    ContactEvent { contact: contact.into(), id: id.into(), at: at(seconds), body: body.to_owned() }
}

async fn of(store: &dyn Store, contacts: &[&str]) -> Vec<ContactEvent> {
    let contacts: Vec<_> = contacts.iter().map(|contact| (*contact).into()).collect();
    let mut events = store.contact_events(&source(), &contacts).await.unwrap();
    events.sort_by_key(|event| (event.contact.to_string(), event.id.to_string()));
    events
}

pub(crate) async fn events_of_contacts_are_kept_once_and_with_their_batch(home: &dyn Home) {
    let store = home.open().await;
    let epoch = store.take_partition(&source(), &shard(), &[]).await.unwrap().epoch;
    let (one, two) = (event("WT1\0", "EV1", 1, "{}\0"), event("WT2", "EV2", 2, "{}"));
    let events = vec![one.clone(), two.clone(), one.clone()];
    store.commit(Batch { contact_events: events, ..batch(epoch, 0) }).await.unwrap();
    let copy = event("WT1\0", "EV1", 9, "another");
    let more = event("WT1\0", "EV3", 3, "{}");
    store.commit(Batch { contact_events: vec![copy, more.clone()], ..batch(epoch, 1) }).await.unwrap();
    assert_eq!(of(&*store, &["WT1\0"]).await, [one.clone(), more.clone()]);
    assert_eq!(of(&*store, &["WT1\0", "WT2", "WT3"]).await, [one.clone(), more.clone(), two.clone()]);
    assert!(store.contact_events(&"other".into(), &["WT2".into()]).await.unwrap().is_empty());

    let late = Batch { contact_events: vec![event("WT2", "EV4", 4, "{}")], ..batch(epoch + 1, 2) };
    store.commit(late).await.unwrap_err();
    assert_eq!(of(&*store, &["WT2"]).await, std::slice::from_ref(&two), "what is not committed is not kept");

    let kept = Retention::default().details;
    store.sweep(at(2) + kept).await.unwrap();
    assert_eq!(of(&*store, &["WT1\0", "WT2"]).await, [more.clone(), two], "as long as details");
    store.sweep(at(3) + kept + Millis::new(1)).await.unwrap();
    assert!(of(&*store, &["WT1\0", "WT2"]).await.is_empty());
}
