//! Events that contacts are put together from.

use pegboard_model::{ContactEvent, Millis, PartitionId};
use pegboard_store::{Batch, ContactEventsWrite, Retention, Store, StoreError};

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

fn write(known: u64, events: &[&ContactEvent]) -> ContactEventsWrite {
    let events: Vec<ContactEvent> = events.iter().map(|event| (*event).clone()).collect();
    ContactEventsWrite { contact: events[0].contact.clone(), known, events }
}

pub(crate) async fn events_of_contacts_are_kept_once_and_with_their_batch(home: &dyn Home) {
    let store = home.open().await;
    let epoch = store.take_partition(&source(), &shard(), &[]).await.unwrap().epoch;
    let (one, two) = (event("WT1\0", "EV1", 1, "{}\0"), event("WT2", "EV2", 2, "{}"));
    let writes = vec![write(0, &[&one, &one]), write(0, &[&two])];
    store.commit(Batch { contact_events: writes, ..batch(epoch, 0) }).await.unwrap();
    let copy = event("WT1\0", "EV1", 9, "another");
    let more = event("WT1\0", "EV3", 3, "{}");
    let writes = vec![write(1, &[&copy, &more])];
    store.commit(Batch { contact_events: writes, ..batch(epoch, 1) }).await.unwrap();
    assert_eq!(of(&*store, &["WT1\0"]).await, [one.clone(), more.clone()]);
    assert_eq!(of(&*store, &["WT1\0", "WT2", "WT3"]).await, [one.clone(), more.clone(), two.clone()]);
    assert!(store.contact_events(&"other".into(), &["WT2".into()]).await.unwrap().is_empty());

    let late = vec![write(1, &[&event("WT2", "EV4", 4, "{}")])];
    let late = Batch { contact_events: late, ..batch(epoch + 1, 2) };
    store.commit(late).await.unwrap_err();
    assert_eq!(of(&*store, &["WT2"]).await, std::slice::from_ref(&two), "what is not committed is not kept");

    let kept = Retention::default().details;
    store.sweep(at(2) + kept).await.unwrap();
    assert_eq!(of(&*store, &["WT1\0", "WT2"]).await, [more.clone(), two], "as long as details");
    store.sweep(at(3) + kept + Millis::new(1)).await.unwrap();
    assert!(of(&*store, &["WT1\0", "WT2"]).await.is_empty());
}

/// Two partitions tell of one contact, each on a node of its own: legs that one of them has put together without what the other
/// has told are not written.
pub(crate) async fn events_of_a_contact_that_others_were_faster_with_are_refused(home: &dyn Home) {
    let store = home.open().await;
    let other = PartitionId::from("other");
    let mine = store.take_partition(&source(), &shard(), &[]).await.unwrap().epoch;
    let theirs = store.take_partition(&source(), &other, &[]).await.unwrap().epoch;
    let (one, two) = (event("WT1", "EV1", 1, "{}"), event("WT1", "EV2", 2, "{}"));
    let by_them = |known| {
        let contact_events = vec![write(known, &[&two])];
        Batch { partition: other.clone(), contact_events, ..batch(theirs, 0) }
    };
    let by_me = |known| Batch { contact_events: vec![write(known, &[&one])], ..batch(mine, 0) };
    let (first, second) = tokio::join!(store.commit(by_me(0)), store.commit(by_them(0)));
    let refused = [&first, &second].map(|outcome| matches!(outcome, Err(StoreError::ContactsMoved { .. })));
    assert!(first.is_ok() != second.is_ok() && refused.contains(&true), "{first:?} {second:?}");
    assert_eq!(of(&*store, &["WT1"]).await.len(), 1, "nothing of the other batch is written");
    let again = if first.is_ok() { by_them(1) } else { by_me(1) };
    store.commit(again).await.unwrap();
    assert_eq!(of(&*store, &["WT1"]).await, [one, two]);
}
