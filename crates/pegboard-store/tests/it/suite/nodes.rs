//! Nodes that share a store: leases, and agents that two of them write.

use pegboard_model::{Class, Millis, SourceName};
use pegboard_store::{AgentBeginning, Beat, Lease, NodeId, Part, Roll, Store, StoreError, StoredAgent};

use crate::home::Home;
use crate::sample::{
    all_agents, all_segments, at, batch, commit_events, event, first_event, number, shard, source, whole_feed,
};

/// Longer than any test: the clocks of databases cannot be set.
const LONG: Millis = Millis::from_minutes(10);

fn node(name: &str) -> NodeId {
    NodeId::from(name)
}

async fn beat(store: &dyn Store, name: &str, lasts: Millis) {
    let report = format!("{{\"of\":\"{name}\"}}");
    store.beat(Beat { node: node(name), name: name.into(), lasts, report }).await.unwrap();
}

fn part(partition: &str) -> Part {
    Part::Partition(partition.into())
}

fn holders(roll: &Roll) -> Vec<(&Part, &str)> {
    roll.leases.iter().map(|lease| (&lease.part, lease.node.as_str())).collect()
}

pub(crate) async fn who_beats_is_on_the_roll_and_what_it_holds(home: &dyn Home) {
    let store = home.open().await;
    assert_eq!(store.roll().await.unwrap(), Roll::default());
    beat(&*store, "a", LONG).await;
    beat(&*store, "b", LONG).await;
    assert!(store.take_lease(&node("a"), &source(), &part("shard-0")).await.unwrap());
    assert!(store.take_lease(&node("b"), &source(), &Part::Closer).await.unwrap());
    let roll = store.roll().await.unwrap();
    let nodes: Vec<_> =
        roll.nodes.iter().map(|seen| (seen.node.as_str(), &*seen.name, &*seen.report)).collect();
    assert_eq!(nodes, [("a", "a", r#"{"of":"a"}"#), ("b", "b", r#"{"of":"b"}"#)]);
    let leases = [
        Lease { source: source(), part: part("shard-0"), node: node("a") },
        Lease { source: source(), part: Part::Closer, node: node("b") },
    ];
    assert_eq!(roll.leases, leases);
}

pub(crate) async fn one_node_holds_a_lease_until_it_lets_go(home: &dyn Home) {
    let store = home.open().await;
    let (a, b) = (node("a"), node("b"));
    assert!(!store.take_lease(&a, &source(), &part("p")).await.unwrap(), "it never said that it lives");
    beat(&*store, "a", LONG).await;
    beat(&*store, "b", LONG).await;
    assert!(store.take_lease(&a, &source(), &part("p")).await.unwrap());
    assert!(store.take_lease(&a, &source(), &part("p")).await.unwrap(), "it is its own");
    assert!(!store.take_lease(&b, &source(), &part("p")).await.unwrap());
    let other = SourceName::from("webex");
    assert!(store.take_lease(&b, &other, &part("p")).await.unwrap(), "another source's");
    store.release_lease(&b, &source(), &part("p")).await.unwrap();
    assert!(!store.take_lease(&b, &source(), &part("p")).await.unwrap(), "it was not its to release");
    store.release_lease(&a, &source(), &part("p")).await.unwrap();
    assert!(store.take_lease(&b, &source(), &part("p")).await.unwrap());
    store.leave(&b).await.unwrap();
    assert_eq!(holders(&store.roll().await.unwrap()), []);
    assert!(store.take_lease(&a, &source(), &part("p")).await.unwrap());
}

pub(crate) async fn what_a_dead_node_held_is_free_and_a_dead_node_takes_nothing(home: &dyn Home) {
    let store = home.open().await;
    let (a, b) = (node("a"), node("b"));
    beat(&*store, "a", LONG).await;
    assert!(store.take_lease(&a, &source(), &Part::Closer).await.unwrap());
    beat(&*store, "a", Millis::ZERO).await;
    beat(&*store, "b", LONG).await;
    let roll = store.roll().await.unwrap();
    assert_eq!((roll.nodes.len(), roll.leases.len()), (1, 0), "the dead hold nothing");
    assert!(!store.take_lease(&a, &source(), &Part::Closer).await.unwrap(), "it counts as dead");
    assert!(store.take_lease(&b, &source(), &Part::Closer).await.unwrap());
    beat(&*store, "a", LONG).await;
    assert!(!store.take_lease(&a, &source(), &Part::Closer).await.unwrap(), "it came back too late");
    assert_eq!(holders(&store.roll().await.unwrap()), [(&Part::Closer, "b")]);
}

pub(crate) async fn an_agent_that_another_wrote_meanwhile_fails_the_batch(home: &dyn Home) {
    let store = home.open().await;
    let epoch = store.take_partition(&source(), &shard(), &[]).await.unwrap().epoch;
    store.commit(event(epoch, 0, "ann")).await.unwrap();
    let mut other = event(epoch, 1, "ann");
    other.agents.extend(first_event(epoch, 1, "bob").agents);
    other.agents[0].version = 0;
    let refused = store.commit(other.clone()).await.unwrap_err();
    let StoreError::AgentMoved { agents, .. } = &refused else { panic!("{refused}") };
    assert_eq!(agents.iter().map(pegboard_model::AgentId::as_str).collect::<Vec<_>>(), ["ann"]);
    assert_eq!(all_agents(&*store).await.len(), 1, "nothing of it was written");
    assert_eq!(all_segments(&*store, "ann").await.len(), 1);
    assert_eq!(whole_feed(&*store, pegboard_store::FeedKind::States).await.len(), 1);
    assert_eq!(store.partitions(&source()).await.unwrap()[0].position, Some(number(1)));

    let known = store.stored_agents_of(&source(), &["ann".into(), "nobody".into()]).await.unwrap();
    assert_eq!(known.iter().map(|agent| agent.version).collect::<Vec<_>>(), [1]);
    other.agents[0].version = known[0].version;
    store.commit(other).await.unwrap();
    assert_eq!(all_agents(&*store).await[0].version, 2);
}

pub(crate) async fn agents_come_by_pages_of_their_ids(home: &dyn Home) {
    let store = home.open().await;
    // By bytes, whatever the language of the database.
    let ids = ["", "B", "a", "a-1", "a1", "b", "\u{e9}"];
    commit_events(&*store, &["b", "a-1", "\u{e9}", "", "B", "a1", "a"]).await;
    let all = all_agents(&*store).await;
    assert_eq!(all.iter().map(|stored| stored.agent.as_str()).collect::<Vec<_>>(), ids);
    let (mut agents, mut versions) = (Vec::new(), Vec::new());
    for known in [3, 6, 7, 7] {
        let after = agents.last().map(|last: &StoredAgent| last.agent.clone());
        agents.extend(store.stored_agents(&source(), after.as_ref(), 3).await.unwrap());
        versions.extend(store.agent_versions(&source(), after.as_ref(), 3).await.unwrap());
        assert_eq!((agents.len(), versions.len()), (known, known));
    }
    assert_eq!(agents, all);
    let stored = all.iter().map(|stored| (stored.agent.clone(), stored.version));
    assert_eq!(versions, stored.collect::<Vec<_>>());
    assert_eq!(store.agent_versions(&"webex".into(), None, 3).await.unwrap(), [], "another source's");
}

pub(crate) async fn a_source_tells_how_it_stands(home: &dyn Home) {
    let store = home.open().await;
    let epoch = store.take_partition(&source(), &shard(), &[]).await.unwrap().epoch;
    let mut first = event(epoch, 0, "ann");
    first.agents[0].begins = Some((at(3), Class::SignedOut));
    store.commit(first).await.unwrap();
    let mut second = first_event(epoch, 1, "bob");
    second.agents[0].begins = None;
    store.commit(second).await.unwrap();
    store.commit(batch(epoch, 2)).await.unwrap();
    let ann = AgentBeginning { agent: "ann".into(), at: at(3), before: Class::SignedOut };
    assert_eq!(store.beginnings(&source(), at(2)).await.unwrap(), [ann]);
    assert_eq!(store.beginnings(&source(), at(3)).await.unwrap(), []);
    let state = store.source_state(&source()).await.unwrap();
    assert_eq!((state.agents, state.closed_until.least()), (2, None));
    assert_eq!(state.partitions, store.partitions(&source()).await.unwrap());
    let none = store.source_state(&"webex".into()).await.unwrap();
    assert_eq!((none.agents, none.partitions.len()), (0, 0));
}
