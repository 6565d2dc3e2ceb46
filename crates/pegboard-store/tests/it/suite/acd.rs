//! Rows that the ACD computed itself, and the history of all rows.

use pegboard_store::{
    AcdRowWrite, Batch, Close, FeedKind, Origin, RowRevision, Store, StoreError, StoredAcdRow,
};
use serde_json::{Value, json};

use crate::home::Home;
use crate::sample::{acd_row, at, batch, close, row, shard, source, whole_feed};

async fn commit(store: &dyn Store, expected: u64, rows: Vec<AcdRowWrite>) {
    store.commit(Batch { acd_rows: rows, ..batch(1, expected) }).await.unwrap();
}

async fn stored(store: &dyn Store) -> Vec<StoredAcdRow> {
    store.acd_rows(&source(), "queue_interval", at(0), at(900)).await.unwrap()
}

async fn shown(store: &dyn Store) -> Vec<(String, String, u32, String)> {
    let shown =
        |found: StoredAcdRow| (found.row.key, found.row.body, found.row.revision, found.file.to_string());
    stored(store).await.into_iter().map(shown).collect()
}

fn one(key: &str, body: &str, revision: u32, file: &str) -> (String, String, u32, String) {
    (key.to_string(), body.to_string(), revision, file.to_string())
}

async fn told(store: &dyn Store) -> Vec<Value> {
    let feed = whole_feed(store, FeedKind::Rows).await;
    feed.iter().map(|entry| serde_json::from_str(&entry.body).unwrap()).collect()
}

pub(crate) async fn a_row_of_the_acd_is_revised_only_if_it_differs(home: &dyn Home) {
    let store = home.open().await;
    store.take_partition(&source(), &shard(), &[]).await.unwrap();
    commit(&*store, 0, vec![acd_row("a", r#"{"offered":1}"#, "f1", 1), acd_row("b", "{}", "f1", 1)]).await;
    // The next file repeats the interval, as overlapping windows do.
    commit(&*store, 1, vec![acd_row("a", r#"{"offered":2}"#, "f2", 2), acd_row("b", "{}", "f2", 2)]).await;
    let expected = [one("a", r#"{"offered":2}"#, 2, "f2"), one("b", "{}", 1, "f1")];
    assert_eq!(shown(&*store).await, expected);
    let first = stored(&*store).await.remove(0);
    assert_eq!((&*first.row.reason, first.told), ("late", at(2)));
    assert_eq!(store.acd_rows(&source(), "queue_interval", at(1), at(900)).await.unwrap(), []);
    assert_eq!(store.acd_rows(&source(), "agent_interval", at(0), at(900)).await.unwrap(), []);
    assert_eq!(store.acd_rows(&"other".into(), "queue_interval", at(0), at(900)).await.unwrap(), []);
    assert_eq!(store.rows(&source(), "queue_interval", at(0), at(900)).await.unwrap(), [], "never mixed");

    let told = told(&*store).await;
    assert_eq!(told.len(), 3, "what stands as it was is not told again");
    let last = json!({
        "origin": "acd", "report": "queue_interval", "interval_start": "2026-03-01T09:00:00Z", "key": "a",
        "revision": 2, "reason": "late", "row": {"offered": 2},
    });
    assert_eq!(told[2], last);
}

pub(crate) async fn what_an_older_file_tells_changes_nothing(home: &dyn Home) {
    let store = home.open().await;
    store.take_partition(&source(), &shard(), &[]).await.unwrap();
    commit(&*store, 0, vec![acd_row("a", "{\"n\":1}", "f3", 3)]).await;
    commit(&*store, 1, vec![acd_row("a", "{\"n\":0}", "f1", 1)]).await;
    assert_eq!(shown(&*store).await, [one("a", "{\"n\":1}", 1, "f3")]);
    // The same told again later makes what was told between the two old.
    commit(&*store, 2, vec![acd_row("a", "{\"n\":1}", "f9", 9)]).await;
    commit(&*store, 3, vec![acd_row("a", "{\"n\":7}", "f7", 7)]).await;
    assert_eq!(shown(&*store).await, [one("a", "{\"n\":1}", 1, "f3")]);
    // Of one file that says two things of a row, the last counts.
    commit(&*store, 4, vec![acd_row("a", "{\"n\":4}", "f9", 9), acd_row("a", "{\"n\":5}", "f9", 9)]).await;
    assert_eq!(shown(&*store).await, [one("a", "{\"n\":5}", 3, "f9")]);
    assert_eq!(told(&*store).await.len(), 3);
}

pub(crate) async fn a_batch_that_is_refused_writes_no_row_of_the_acd(home: &dyn Home) {
    let store = home.open().await;
    store.take_partition(&source(), &shard(), &[]).await.unwrap();
    let rows = vec![acd_row("a", "{}", "f1", 1)];
    let refused = store.commit(Batch { acd_rows: rows.clone(), ..batch(1, 7) }).await.unwrap_err();
    assert!(matches!(refused, StoreError::NotOwner { .. }), "{refused}");
    let broken = vec![acd_row("b", "{}", "f1", 1), acd_row("c", "{", "f1", 1)];
    store.commit(Batch { acd_rows: broken, ..batch(1, 0) }).await.unwrap_err();
    assert_eq!((shown(&*store).await, told(&*store).await), (Vec::new(), Vec::new()));
    commit(&*store, 0, rows).await;
    assert_eq!(shown(&*store).await, [one("a", "{}", 1, "f1")]);
}

async fn history(store: &dyn Store, origin: Origin, report: &str, limit: usize) -> Vec<RowRevision> {
    store.row_history(&source(), origin, report, at(0), at(900), limit).await.unwrap()
}

pub(crate) async fn every_revision_of_a_row_is_told(home: &dyn Home) {
    let store = home.open().await;
    let epoch = store.take_closer(&source()).await.unwrap().epoch;
    for (talk, reason) in [(1, "first"), (2, "late"), (3, "recapture")] {
        let body = format!("{{\"talk_s\":{talk}}}");
        let rows = vec![row("ann", &body, reason), row("bob", "{}", "first")];
        store.close(Close { rows, at: at(900 + talk), ..close(epoch) }).await.unwrap();
    }
    let gone = vec![("agent_interval".into(), at(0), "bob".to_string())];
    store.close(Close { gone, at: at(909), ..close(epoch) }).await.unwrap();
    let shown = |found: &RowRevision| (found.key.clone(), found.revision, found.reason.to_string(), found.at);
    let found = history(&*store, Origin::Computed, "agent_interval", 99).await;
    let one = |key: &str, revision, reason: &str, seconds| {
        (key.to_string(), revision, reason.to_string(), at(seconds))
    };
    let expected = [
        one("ann", 1, "first", 901),
        one("ann", 2, "late", 902),
        one("ann", 3, "recapture", 903),
        one("bob", 1, "first", 901),
        one("bob", 2, "gone", 909),
    ];
    assert_eq!(found.iter().map(shown).collect::<Vec<_>>(), expected);
    assert_eq!(found[1].body.as_deref(), Some(r#"{"talk_s":2}"#));
    assert_eq!((&found[4].body, &found[4].file), (&None, &None));
    assert_eq!(history(&*store, Origin::Computed, "agent_interval", 2).await, found[..2]);
    assert_eq!(history(&*store, Origin::Acd, "agent_interval", 9).await, []);

    store.take_partition(&source(), &shard(), &[]).await.unwrap();
    for turn in 0..3 {
        let body = format!("{{\"n\":{}}}", turn / 2);
        let told = i64::try_from(turn).unwrap();
        commit(&*store, turn, vec![acd_row("q", &body, &format!("f{turn}"), told)]).await;
    }
    let found = history(&*store, Origin::Acd, "queue_interval", 99).await;
    let files: Vec<_> = found.iter().map(|one| (one.revision, one.file.clone(), one.body.clone())).collect();
    let told = |revision, file: &str, body: &str| (revision, Some(file.into()), Some(body.to_string()));
    assert_eq!(files, [told(1, "f0", "{\"n\":0}"), told(2, "f2", "{\"n\":1}")]);
}
