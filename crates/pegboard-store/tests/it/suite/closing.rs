//! Rows, revisions and dirty marks.

use pegboard_model::AgentId;
use pegboard_store::{
    Batch, Close, Closed, ClosedUntil, DirtyMark, FeedKind, RowWrite, RowsOf, SegmentsWrite, Store,
    StoreError,
};

use crate::home::Home;
use crate::sample::{at, batch, close, contact, row, segment, shard, source, whole_feed};

async fn rows(store: &dyn Store) -> Vec<(String, String, u32, String)> {
    let rows = store.rows(&source(), "agent_interval", at(0), at(900)).await.unwrap();
    rows.into_iter().map(|row| (row.key, row.body, row.revision, row.reason.to_string())).collect()
}

async fn told(store: &dyn Store) -> Vec<serde_json::Value> {
    let feed = whole_feed(store, FeedKind::Rows).await;
    feed.iter().map(|entry| serde_json::from_str(&entry.body).unwrap()).collect()
}

pub(crate) async fn a_row_is_revised_only_if_it_differs(home: &dyn Home) {
    let store = home.open().await;
    let epoch = store.take_closer(&source()).await.unwrap().epoch;
    let first = vec![row("ann", r#"{"talk_s":1}"#, "first"), row("bob", r#"{"talk_s":2}"#, "first")];
    let closed = store.close(Close { rows: first, ..close(epoch) }).await.unwrap();
    assert_eq!(closed, Closed { first: 2, revised: 0, unchanged: 0 });
    let again = vec![row("ann", r#"{"talk_s":1}"#, "late"), row("bob", r#"{"talk_s":3}"#, "late")];
    let closed = store.close(Close { rows: again, ..close(epoch) }).await.unwrap();
    assert_eq!(closed, Closed { first: 0, revised: 1, unchanged: 1 });

    let row = |key: &str, body: &str, revision, reason: &str| {
        (key.to_string(), body.to_string(), revision, reason.to_string())
    };
    let expected = [row("ann", r#"{"talk_s":1}"#, 1, "first"), row("bob", r#"{"talk_s":3}"#, 2, "late")];
    assert_eq!(rows(&*store).await, expected);
    let told = told(&*store).await;
    assert_eq!(told.len(), 3, "what stands as it was is not told again");
    let last = serde_json::json!({
        "origin": "computed", "report": "agent_interval", "interval_start": "2026-03-01T09:00:00Z", "key": "bob",
        "revision": 2, "reason": "late", "row": {"talk_s": 3},
    });
    assert_eq!(told[2], last);
    let stored = store.rows(&source(), "agent_interval", at(0), at(1)).await.unwrap();
    assert_eq!((stored[0].interval_start, stored[0].at), (at(0), at(960)));
    assert_eq!(store.rows(&source(), "agent_interval", at(1), at(900)).await.unwrap(), []);
    assert_eq!(store.rows(&source(), "queue_interval", at(0), at(900)).await.unwrap(), []);
    assert_eq!(store.rows(&"other".into(), "agent_interval", at(0), at(900)).await.unwrap(), []);
}

pub(crate) async fn a_row_that_is_gone_is_told_and_can_come_back(home: &dyn Home) {
    let store = home.open().await;
    let epoch = store.take_closer(&source()).await.unwrap().epoch;
    let key = || ("agent_interval".into(), at(0), "ann".to_string());
    let never = store.close(Close { gone: vec![key()], ..close(epoch) }).await.unwrap();
    assert_eq!(never, Closed::default(), "what never was cannot go");
    let body = r#"{"talk_s":1}"#;
    store.close(Close { rows: vec![row("ann", body, "first")], ..close(epoch) }).await.unwrap();
    let gone = store.close(Close { gone: vec![key(), key()], ..close(epoch) }).await.unwrap();
    assert_eq!(gone, Closed { first: 0, revised: 1, unchanged: 0 }, "it goes once");
    assert_eq!(rows(&*store).await, []);
    let back = store.close(Close { rows: vec![row("ann", body, "late")], ..close(epoch) }).await.unwrap();
    assert_eq!(back, Closed { first: 0, revised: 1, unchanged: 0 });
    assert_eq!(rows(&*store).await, [("ann".to_string(), body.to_string(), 3, "late".to_string())]);
    let told: Vec<_> = told(&*store)
        .await
        .into_iter()
        .map(|entry| (entry["key"].clone(), entry["revision"].clone(), entry["row"].clone()))
        .collect();
    let (ann, body) = (serde_json::json!("ann"), serde_json::json!({"talk_s": 1}));
    let expected = [
        (ann.clone(), 1.into(), body.clone()),
        (ann.clone(), 2.into(), serde_json::Value::Null),
        (ann, 3.into(), body),
    ];
    assert_eq!(told, expected);
}

pub(crate) async fn an_earlier_closer_is_refused_and_writes_nothing(home: &dyn Home) {
    let store = home.open().await;
    let nobody = store.close(close(1)).await.unwrap_err();
    assert!(matches!(nobody, StoreError::NotOwner { .. }), "{nobody}");
    let first = store.take_closer(&source()).await.unwrap().epoch;
    let second = store.take_closer(&source()).await.unwrap().epoch;
    let rows = vec![row("ann", "{}", "first")];
    let refused = store.close(Close { rows, ..close(first) }).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "partition (closer) of source connect is no longer ours: expected epoch 1, found epoch 2"
    );
    assert_eq!(store.rows(&source(), "agent_interval", at(0), at(900)).await.unwrap(), []);
    assert_eq!(store.take_closer(&source()).await.unwrap().closed_until, ClosedUntil::default());
    assert!(store.close(close(second)).await.is_err(), "it was taken again just now");
    assert_eq!(store.take_closer(&"other".into()).await.unwrap().epoch, 1, "each source has its own");
}

pub(crate) async fn a_row_that_is_no_json_is_refused_with_all_of_its_closing(home: &dyn Home) {
    let store = home.open().await;
    let epoch = store.take_closer(&source()).await.unwrap().epoch;
    let rows: Vec<RowWrite> = vec![row("ann", "{}", "first"), row("bob", "{", "first")];
    assert!(store.close(Close { rows, ..close(epoch) }).await.is_err());
    assert_eq!(self::rows(&*store).await, []);
    assert_eq!(whole_feed(&*store, FeedKind::Rows).await, []);
}

pub(crate) async fn closed_until_never_goes_back(home: &dyn Home) {
    let store = home.open().await;
    assert_eq!(store.take_closer(&source()).await.unwrap().closed_until, ClosedUntil::default());
    store.close(close(1)).await.unwrap();
    store.close(Close { closed_until: ClosedUntil::both(at(0)), ..close(1) }).await.unwrap();
    let taken = store.take_closer(&source()).await.unwrap();
    assert_eq!((taken.epoch, taken.closed_until), (2, ClosedUntil::both(at(900))));
}

fn mark(agent: Option<&str>, from: i64, to: i64) -> DirtyMark {
    DirtyMark { agent: agent.map(Into::into), from: at(from), to: at(to) }
}

async fn commit_marks(store: &dyn Store, expected: u64, dirty: Vec<DirtyMark>) {
    store.commit(Batch { dirty, ..batch(1, expected) }).await.unwrap();
}

pub(crate) async fn marks_are_merged(home: &dyn Home) {
    let store = home.open().await;
    store.take_partition(&source(), &shard(), &[]).await.unwrap();
    let epoch = store.take_closer(&source()).await.unwrap().epoch;
    store.announce_closing(&source(), epoch, ClosedUntil::both(at(58))).await.unwrap();
    commit_marks(&*store, 0, vec![mark(Some("ann"), 50, 60), mark(None, 20, 30), mark(Some("bob"), 1, 2)])
        .await;
    commit_marks(&*store, 1, vec![mark(Some("ann"), 10, 55), mark(None, 50, 80)]).await;
    // What changed about an agent lasts, up to what is being closed.
    let merged = [mark(Some("bob"), 1, 58), mark(Some("ann"), 10, 60), mark(None, 20, 80)];
    assert_eq!(store.dirty(&source(), 9).await.unwrap(), merged, "oldest first");
    let first = [merged[0].clone(), merged[2].clone()];
    assert_eq!(store.dirty(&source(), 1).await.unwrap(), first, "contacts do not wait behind agents");
    assert_eq!(store.dirty(&"other".into(), 9).await.unwrap(), []);
}

pub(crate) async fn an_answer_removes_a_mark_unless_it_changed(home: &dyn Home) {
    let store = home.open().await;
    store.take_partition(&source(), &shard(), &[]).await.unwrap();
    let epoch = store.take_closer(&source()).await.unwrap().epoch;
    store.announce_closing(&source(), epoch, ClosedUntil::both(at(15))).await.unwrap();
    commit_marks(&*store, 0, vec![mark(Some("ann"), 10, 20), mark(Some("bob"), 10, 20), mark(None, 10, 20)])
        .await;
    let read = store.dirty(&source(), 9).await.unwrap();
    // Ann changes within what was marked already; contacts change beyond it.
    commit_marks(&*store, 1, vec![mark(Some("ann"), 12, 15), mark(None, 10, 30)]).await;
    store.close(Close { answered: read, ..close(epoch) }).await.unwrap();
    let left = store.dirty(&source(), 9).await.unwrap();
    let [ann, contacts] = &left[..] else { panic!("{left:?}") };
    assert_eq!((ann.agent.as_ref().map(AgentId::as_str), ann.from), (Some("ann"), at(10)));
    assert!(ann.to >= at(20));
    assert_eq!(*contacts, mark(None, 10, 30));
    store.close(Close { answered: left, ..close(epoch) }).await.unwrap();
    assert_eq!(store.dirty(&source(), 9).await.unwrap(), []);
}

pub(crate) async fn what_changes_behind_an_announced_closing_is_marked_and_nothing_else(home: &dyn Home) {
    let store = home.open().await;
    store.take_partition(&source(), &shard(), &[]).await.unwrap();
    let epoch = store.take_closer(&source()).await.unwrap().epoch;
    commit_marks(&*store, 0, vec![mark(Some("ann"), 0, 10), mark(None, 0, 1)]).await;
    assert_eq!(store.dirty(&source(), 9).await.unwrap(), [], "nothing is closed, or about to be");
    store.announce_closing(&source(), epoch, ClosedUntil::both(at(20))).await.unwrap();
    store.announce_closing(&source(), epoch, ClosedUntil::both(at(5))).await.unwrap();
    commit_marks(&*store, 1, vec![mark(Some("ann"), 19, 19), mark(Some("bob"), 20, 30)]).await;
    assert_eq!(store.dirty(&source(), 9).await.unwrap(), [mark(Some("ann"), 19, 20)], "it never goes back");
    let second = store.take_closer(&source()).await.unwrap().epoch;
    let refused = store.announce_closing(&source(), epoch, ClosedUntil::both(at(90))).await.unwrap_err();
    assert!(matches!(refused, StoreError::NotOwner { .. }), "{refused}");
    store.close(Close { closed_until: ClosedUntil::both(at(40)), ..close(second) }).await.unwrap();
    commit_marks(&*store, 2, vec![mark(Some("bob"), 39, 50), mark(Some("eve"), 40, 50)]).await;
    let marks = [mark(Some("ann"), 19, 20), mark(Some("bob"), 39, 50)];
    assert_eq!(store.dirty(&source(), 9).await.unwrap(), marks, "what is closed was announced");
}

pub(crate) async fn a_contact_marks_where_it_was_and_where_it_is(home: &dyn Home) {
    let store = home.open().await;
    store.take_partition(&source(), &shard(), &[]).await.unwrap();
    let epoch = store.take_closer(&source()).await.unwrap().epoch;
    let commit = async |expected, updated, pegged| {
        let contacts = vec![(contact("c", updated, 1), Some(at(pegged)))];
        store.commit(Batch { contacts, ..batch(1, expected) }).await.unwrap();
        store.dirty(&source(), 9).await.unwrap()
    };
    assert_eq!(commit(0, 1, 10).await, []);
    store.announce_closing(&source(), epoch, ClosedUntil::both(at(60))).await.unwrap();
    assert_eq!(commit(1, 0, 20).await, [], "an older version changes nothing");
    let left = commit(2, 2, 70).await;
    assert_eq!(left, [DirtyMark::of_contacts_at(at(10))], "it left a closed interval for an open one");
    store
        .close(Close { closed_until: ClosedUntil::both(at(60)), answered: left, ..close(epoch) })
        .await
        .unwrap();
    assert_eq!(commit(3, 3, 50).await, [DirtyMark::of_contacts_at(at(50))], "it came back into a closed one");
}

/// Whatever a batch comes between, of announcing, reading what is to be summed, and writing the rows: its change is either
/// seen or marked, and never both forgotten.
pub(crate) async fn wherever_a_batch_comes_in_its_change_is_seen_or_marked(home: &dyn Home) {
    let store = home.open().await;
    let partition = store.take_partition(&source(), &shard(), &[]).await.unwrap().epoch;
    let epoch = store.take_closer(&source()).await.unwrap().epoch;
    for turn in 0..4 {
        // Each turn closes an interval of its own, in which one agent of its own changes.
        let (agent, from) = (format!("agent-{turn}"), i64::from(turn) * 100);
        let until = at(from + 100);
        let commit = async |before: i32| {
            if before != turn {
                return;
            }
            let batch = Batch {
                segments: vec![SegmentsWrite {
                    agent: agent.as_str().into(),
                    from: at(from + 10),
                    segments: vec![segment(from + 10, None, "Available")],
                    until: None,
                    keep_mark: false,
                }],
                dirty: vec![mark(Some(&agent), from + 10, from + 20)],
                ..batch(partition, u64::try_from(turn).unwrap())
            };
            store.commit(batch).await.unwrap();
        };
        commit(0).await;
        store.announce_closing(&source(), epoch, ClosedUntil::both(until)).await.unwrap();
        commit(1).await;
        let facts = store.segments(&source(), Some(&agent.as_str().into()), at(from), until).await.unwrap();
        commit(2).await;
        store.close(Close { closed_until: ClosedUntil::both(until), ..close(epoch) }).await.unwrap();
        commit(3).await;
        let marked = store.dirty(&source(), 9).await.unwrap();
        let is_marked = marked.iter().any(|mark| mark.agent.as_ref().is_some_and(|of| of.as_str() == agent));
        let expected = [(true, false), (true, true), (false, true), (false, true)];
        assert_eq!((!facts.is_empty(), is_marked), expected[usize::try_from(turn).unwrap()], "turn {turn}");
    }
}

pub(crate) async fn rows_of_agents_and_of_contacts_are_closed_apart(home: &dyn Home) {
    let store = home.open().await;
    store.take_partition(&source(), &shard(), &[]).await.unwrap();
    let epoch = store.take_closer(&source()).await.unwrap().epoch;
    let of = |rows, seconds| ClosedUntil::of(rows, at(seconds));
    store.announce_closing(&source(), epoch, of(RowsOf::Contacts, 50)).await.unwrap();
    commit_marks(&*store, 0, vec![mark(Some("ann"), 1, 2), mark(None, 49, 50), mark(None, 50, 51)]).await;
    assert_eq!(store.dirty(&source(), 9).await.unwrap(), [mark(None, 49, 50)]);
    store.announce_closing(&source(), epoch, of(RowsOf::Agents, 20)).await.unwrap();
    commit_marks(&*store, 1, vec![mark(Some("ann"), 19, 20), mark(Some("bob"), 20, 21)]).await;
    assert_eq!(store.dirty(&source(), 9).await.unwrap(), [mark(Some("ann"), 19, 20), mark(None, 49, 50)]);

    store.close(Close { closed_until: of(RowsOf::Agents, 20), ..close(epoch) }).await.unwrap();
    let agents = ClosedUntil { agents: Some(at(20)), contacts: None };
    assert_eq!(store.source_state(&source()).await.unwrap().closed_until, agents);
    store.close(Close { closed_until: of(RowsOf::Contacts, 50), ..close(epoch) }).await.unwrap();
    store.close(Close { closed_until: of(RowsOf::Contacts, 40), ..close(epoch) }).await.unwrap();
    let both = ClosedUntil { agents: Some(at(20)), contacts: Some(at(50)) };
    assert_eq!(store.take_closer(&source()).await.unwrap().closed_until, both);
    assert_eq!(both.least(), Some(at(20)));
}
