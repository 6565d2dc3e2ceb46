//! Nodes and the platform's own snapshot: one of them asks, and another goes on when it is gone.

use std::sync::Arc;
use std::time::Duration;

use pegboard::runtime::hub::NodeOptions;
use pegboard::runtime::node::Pace;
use pegboard_model::{Class, Millis, Timestamp};
use pegboard_sim::stand_in::amazon_connect::StandIn;

use super::centre::Centre;
use super::on_every_store;
use crate::snapshots::floor::end;
use crate::snapshots::repair::{script, simulate, until_true};
use crate::snapshots::watched::{Passing, Watched, every_second};
use crate::support::event::{AGENT, event};
use crate::support::feeding::ONLY;
use crate::support::live::{Live, SOURCE, until};
use crate::support::repairs::{repairs, said_twice};
use crate::support::script::Script;

on_every_store!(
    r09_one_of_two_nodes_asks_the_platform_and_the_other_goes_on_when_it_leaves,
    r09_one_of_two_nodes_asks_the_platform_and_the_other_goes_on_when_it_dies,
);

/// A node that is given up late enough that no busy machine makes it look dead, and soon enough to wait for it.
const PATIENT: Pace = Pace { beat: Duration::from_millis(50), lasts: Millis::from_seconds(10) };

/// A node with a platform of its own to ask, so that it is seen who asks.
async fn join(centre: &Centre, script: &Script, stand_in: &StandIn, name: &str) -> Live {
    let options = NodeOptions { name: Some(name.into()), pace: PATIENT, ..NodeOptions::default() };
    let source = Box::new(Watched::new(script, stand_in));
    Live::joining(centre.store().await, source, &every_second(), options).await
}

fn asked(stand_in: &StandIn) -> u32 {
    stand_in.counts().requests.get("GetCurrentUserData").copied().unwrap_or(0)
}

async fn r09_one_of_two_nodes_asks_the_platform_and_the_other_goes_on_when_it_leaves(centre: Centre) {
    one_asks(centre, Live::leave).await;
}

async fn r09_one_of_two_nodes_asks_the_platform_and_the_other_goes_on_when_it_dies(centre: Centre) {
    one_asks(centre, async |node: Live| node.die()).await;
}

async fn one_asks(centre: Centre, goes: impl AsyncFnOnce(Live)) {
    let (simulation, first) = simulate(60, 3, 21);
    let second = StandIn::serve(simulation.organisation.clone()).unwrap();
    second.show(&simulation.changes, end(&simulation));
    let second = Arc::new(second);
    let dark = end(&simulation) - Millis::from_minutes(4);
    let told: Vec<_> = simulation.agent_events.iter().filter(|event| event.at < dark).cloned().collect();
    let script = script(&simulation, &told, end(&simulation));
    let _passing = [&first, &second].map(|stand_in| Passing::from(end(&simulation), stand_in));

    let one = join(&centre, &script, &first, "one").await;
    until("the first asks", async || asked(&first) > 0).await;
    let other = join(&centre, &script, &second, "other").await;
    until_true(&one, &simulation).await;
    until_true(&other, &simulation).await;
    let so_far = asked(&first);
    until("the first goes on asking", async || asked(&first) > so_far + 3).await;
    assert_eq!(asked(&second), 0, "one node asks");
    assert!(one.status().await.reconciler.is_some_and(|reconciler| reconciler.repaired > 0));
    assert!(other.status().await.reconciler.is_none(), "who does not look has nothing to tell");

    goes(one).await;
    // Somebody signs in of whom the platform shows nothing: that he is out again was lost.
    let came = end(&simulation) - Millis::from_minutes(2);
    script.push(
        ONLY,
        &[event(AGENT, "LOGIN", came, "Available")],
        end(&simulation) + Millis::from_seconds(1),
    );
    let class = async || other.agents().await.get(AGENT).map(|now| now.class);
    until("the other one reads", async || class().await.is_some()).await;
    until("the other one repairs", async || class().await == Some(Class::SignedOut)).await;
    assert!(asked(&second) > 0);

    for agent in other.agents().await.into_keys() {
        let evidence = other.store.evidence(&SOURCE.into(), &agent.as_str().into(), Timestamp::MIN).await;
        assert_eq!(said_twice(&evidence.unwrap()), None, "{agent} is repaired once");
    }
    let evidence = other.store.evidence(&SOURCE.into(), &AGENT.into(), Timestamp::MIN).await.unwrap();
    assert_eq!(repairs(&evidence).count(), 1);
    other.leave().await;
}
