//! Agents who have left.

use pegboard_model::{Millis, Timestamp};
use pegboard_store::{Batch, Close, DirtyMark, FeedKind, StoreError};

use crate::home::Home;
use crate::sample::{
    all_agents, all_segments, at, close, commit_events, event, first_event, source, whole_feed,
};

pub(crate) async fn who_left_is_removed_with_all_that_is_left_of_him(home: &dyn Home) {
    let store = home.open().await;
    commit_events(&*store, &["ann", "bob"]).await;
    let known = [("ann".into(), 1), ("bob".into(), 1), ("nobody".into(), 1)];
    // Ann was heard of at 0, and Bob a second later: exactly as long ago as agents are kept.
    let now = at(1) + store.keeps_agents();
    assert_eq!(store.forget_agents(&source(), &known, now).await.unwrap(), ["ann".into()]);
    assert_eq!(all_agents(&*store).await.len(), 1);
    assert_eq!(store.agents(&[]).await.unwrap().agents[0].now.agent_id.as_str(), "bob");
    assert_eq!(store.beginnings(&source(), Timestamp::MIN).await.unwrap().len(), 1);
    assert_eq!(store.evidence(&source(), &"ann".into(), Timestamp::MIN).await.unwrap(), []);
    assert_eq!(all_segments(&*store, "ann").await, []);
    assert_eq!(all_segments(&*store, "bob").await.len(), 1);
    assert_eq!(whole_feed(&*store, FeedKind::States).await.len(), 2, "what was told was told");
    assert_eq!(store.forget_agents(&source(), &known, now).await.unwrap(), []);
}

pub(crate) async fn who_was_written_meanwhile_or_has_a_mark_stays(home: &dyn Home) {
    let store = home.open().await;
    let epoch = commit_events(&*store, &["ann"]).await;
    let closer = store.take_closer(&source()).await.unwrap().epoch;
    store.announce_closing(&source(), closer, pegboard_store::ClosedUntil::both(at(900))).await.unwrap();
    let mark = DirtyMark { agent: Some("ann".into()), from: at(0), to: at(1) };
    store.commit(Batch { dirty: vec![mark], ..event(epoch, 1, "ann") }).await.unwrap();
    let now = at(1) + store.keeps_agents() + Millis::new(1);
    let forget =
        async |version| store.forget_agents(&source(), &[("ann".into(), version)], now).await.unwrap();
    assert_eq!(forget(2).await, [], "his rows are still to be derived again");
    let answered = store.dirty(&source(), 9).await.unwrap();
    store.close(Close { answered, ..close(closer) }).await.unwrap();
    assert_eq!(forget(1).await, [], "he has been written since");
    assert_eq!(forget(2).await, ["ann".into()]);
}

pub(crate) async fn what_was_derived_from_an_agent_who_left_is_refused(home: &dyn Home) {
    let store = home.open().await;
    let epoch = commit_events(&*store, &["ann", "bob"]).await;
    let now = at(9) + store.keeps_agents();
    assert_eq!(store.forget_agents(&source(), &[("ann".into(), 1)], now).await.unwrap().len(), 1);
    let mut outdated = first_event(epoch, 2, "ann");
    outdated.agents[0].version = 1;
    let refused = store.commit(outdated.clone()).await.unwrap_err();
    let StoreError::AgentMoved { agents, .. } = &refused else { panic!("{refused}") };
    assert_eq!(agents, &["ann".into()]);
    assert_eq!(all_segments(&*store, "ann").await, [], "nothing of it was written");
    outdated.agents[0].version = 0;
    store.commit(outdated).await.unwrap();
    assert_eq!(all_agents(&*store).await[0].version, 1, "he is new");
}
