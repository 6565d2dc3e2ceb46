//! The audit log.

use pegboard_model::{Millis, Timestamp};
use pegboard_store::{AuditChain, AuditEntry, AuditHash, AuditWrite, Store};

use crate::home::Home;
use crate::sample::at;

fn write(subject: &str, at: Timestamp) -> AuditWrite {
    AuditWrite {
        at,
        by: "t1".into(),
        name: "Ann".into(),
        via: "session".into(),
        from: Some("192.0.2.1".into()),
        action: "token.revoked".into(),
        subject: subject.into(),
        before: Some("{\"role\":\"admin\"}".into()),
        after: None,
    }
}

async fn whole(store: &dyn Store) -> Vec<AuditEntry> {
    let entries = store.audit(None, 1000).await.unwrap();
    let mut chain = AuditChain::default();
    for entry in &entries {
        chain.check(entry).unwrap();
    }
    entries
}

pub(crate) async fn s37_entries_are_chained_in_the_order_in_which_they_were_written(home: &dyn Home) {
    let store = home.open().await;
    assert_eq!(store.audit(None, 9).await.unwrap(), []);
    let first = store.append_audit(write("a", at(1))).await.unwrap();
    assert_eq!((first.number, first.previous, &first.what), (1, AuditHash::default(), &write("a", at(1))));
    let appends: Vec<_> = (0..40)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(
                async move { store.append_audit(write(&format!("b{number}"), at(2))).await.unwrap() },
            )
        })
        .collect();
    let mut written = vec![first];
    for append in appends {
        written.push(append.await.unwrap());
    }
    written.sort_by_key(|entry| std::cmp::Reverse(entry.number));
    assert_eq!(whole(&*store).await, written, "what was answered is what stands there");
    assert_eq!(store.audit(Some(4), 2).await.unwrap(), written[38..40], "older ones, newest first");
    assert_eq!(store.audit(Some(1), 9).await.unwrap(), []);
}

pub(crate) async fn s37_the_log_goes_on_after_a_restart(home: &dyn Home) {
    let store = home.open().await;
    let before = store.append_audit(write("a", at(1))).await.unwrap();
    store.shut_down().await.unwrap();
    drop(store);
    let store = home.open().await;
    let after = store.append_audit(write("b", at(0))).await.unwrap();
    assert_eq!((after.number, after.previous), (2, before.hash));
    assert_eq!(whole(&*store).await.len(), 2);
}

pub(crate) async fn s37_entries_are_kept_for_400_days(home: &dyn Home) {
    let store = home.open().await;
    let kept = Millis::from_hours(400 * 24);
    let newest = at(0) + kept;
    for (subject, at) in [("old", at(0) - Millis::new(1)), ("edge", at(0)), ("back", at(-9)), ("new", newest)]
    {
        store.append_audit(write(subject, at)).await.unwrap();
    }
    // However late it is: what counts is the newest entry.
    for _ in 0..2 {
        store.sweep(newest + kept).await.unwrap();
        let subjects: Vec<_> =
            whole(&*store).await.iter().map(|entry| entry.what.subject.to_string()).collect();
        assert_eq!(subjects, ["new", "back", "edge"], "a clock that went back leaves no hole");
    }
    assert_eq!(store.append_audit(write("more", newest)).await.unwrap().number, 5);
}
