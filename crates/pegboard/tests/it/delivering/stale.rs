//! A source that turns stale, and is fresh again: what a target is told of it.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use pegboard::runtime::deliver::SinkSetup;
use pegboard::runtime::deliver::stale::{StalePolicy, StaleState};
use pegboard_model::{AgentNow, Millis, Timestamp};
use pegboard_sim::stand_in::asc_manager::AscManager;
use pegboard_sinks::cloudevents::STATE_EVENTS;
use pegboard_sinks::{Document, Encoder, Outcome, Sink, SinkReport, StatesLane};
use serde_json::Value;

use super::{manager, setup, wfm};
use crate::support::clock;
use crate::support::day::Day;
use crate::support::feeding::{all_arrived, feed};
use crate::support::live::{Live, config, open_store, until};
use crate::support::script::Script;

/// A source that is read up to the present, which is `until`.
fn fresh(script: &Script, day: &Day, from: Timestamp, until: Timestamp) {
    feed(script, "0", &day.deliveries(), |_| true, from, until);
    clock::set(until);
}

fn stale_after() -> Millis {
    config().stale_after
}

fn last_event(manager: &AscManager, agent: &AgentNow) -> Option<String> {
    manager.look(|kept| kept.states.get(agent.agent_id.as_str())?.back().map(|last| last.event_id.clone()))
}

/// Waits until the WFM knows everybody as in what `expected` says, as far as it says anything.
async fn known_as(live: &Live, manager: &AscManager, expected: impl Fn(&AgentNow) -> Option<String>) {
    let known = async || {
        let agents = live.agents().await;
        agents.values().all(|agent| {
            let expected = expected(agent);
            expected.is_none() || last_event(manager, agent) == expected
        })
    };
    until("the WFM knows everybody so", known).await;
    assert_eq!(manager.look(|kept| kept.disorder.clone()), [""; 0]);
}

fn true_state(agent: &AgentNow) -> Option<String> {
    agent.class.is_signed_in().then(|| agent.event_id.to_string())
}

fn told_otherwise(agent: &AgentNow) -> Option<String> {
    agent.class.is_signed_in().then(|| "Feed stale".to_owned())
}

#[tokio::test]
async fn r15_while_a_source_is_stale_the_wfm_is_told_a_state_of_its_own_and_then_the_true_ones() {
    let day = Day::of(12, 8, 32);
    let (manager, folder) = (manager(&day), tempfile::tempdir().unwrap());
    let script = Script::new(false);
    script.add("0", &[]);
    let (middle, later) = (day.start + Millis::from_hours(4), day.start + Millis::from_hours(6));
    fresh(&script, &day, day.start, middle);
    let sink = || {
        let state = StaleState { event_id: "Feed stale".into(), reason: "no data".into() };
        SinkSetup { stale: StalePolicy::Send(state), ..setup(&day, &manager, Some(day.start)) }
    };
    let live = Live::delivering(open_store(folder.path()), &script, &config(), sink()).await;
    live.read_all(&script).await;
    known_as(&live, &manager, true_state).await;
    let signed_in = live.agents().await.values().filter(|agent| agent.class.is_signed_in()).count();
    assert!(signed_in > 1, "somebody works");
    clock::set(middle + stale_after() + Millis::new(1));
    known_as(&live, &manager, told_otherwise).await;
    // Who goes on after a crash knows what the WFM was told.
    live.die();
    let live = Live::delivering(super::when_free(folder.path()).await, &script, &config(), sink()).await;
    fresh(&script, &day, middle, later);
    live.read_all(&script).await;
    known_as(&live, &manager, true_state).await;
    fresh(&script, &day, later, all_arrived(&day));
    live.read_all(&script).await;
    known_as(&live, &manager, true_state).await;
    let stale = async || live.store.take_sink(&wfm()).await.unwrap().stale.is_empty();
    until("nothing is told as stale any more", stale).await;
    live.stop().await;
}

/// A target that keeps what it is sent.
#[derive(Debug, Clone, Default)]
struct Kept(Arc<Mutex<Vec<Value>>>);

impl Kept {
    /// What it was told of the health of sources.
    fn healths(&self) -> Vec<String> {
        let events = self.0.lock().unwrap();
        let healths = events.iter().filter(|event| event["type"] == "pegboard.source.health");
        healths.map(|event| event["data"]["health"].as_str().unwrap().to_owned()).collect()
    }
}

#[async_trait]
impl Sink for Kept {
    fn kind(&self) -> &'static str {
        "kept"
    }

    fn states(&self) -> Option<StatesLane> {
        Some(StatesLane::every(&STATE_EVENTS).with_health())
    }

    fn reports(&self) -> &[SinkReport] {
        &[]
    }

    async fn send(&self, _: &'static Encoder, document: &Document, _: &str) -> Outcome {
        let events: Vec<Value> = serde_json::from_slice(&document.body).unwrap();
        self.0.lock().unwrap().extend(events);
        Outcome::Accepted
    }

    async fn probe(&self) -> Result<String, String> {
        Ok("it is there".to_owned())
    }
}

#[tokio::test]
async fn r15_a_target_of_events_is_told_when_a_source_turns_stale_and_when_it_is_fresh_again() {
    let day = Day::of(12, 4, 31);
    let folder = tempfile::tempdir().unwrap();
    let kept = Kept::default();
    let script = Script::new(false);
    script.add("0", &[]);
    let middle = day.start + Millis::from_hours(2);
    fresh(&script, &day, day.start, middle);
    let sink = || SinkSetup::new(wfm(), Box::new(kept.clone()));
    let live = Live::delivering(open_store(folder.path()), &script, &config(), sink()).await;
    live.read_all(&script).await;
    let told = async || !kept.0.lock().unwrap().is_empty();
    until("it is told states", told).await;
    assert_eq!(kept.healths(), [""; 0]);
    clock::set(middle + stale_after() + Millis::new(1));
    let stale = async || kept.healths() == ["stale"];
    until("it is told that the source is stale", stale).await;
    live.stop().await;
    let live = Live::delivering(open_store(folder.path()), &script, &config(), sink()).await;
    fresh(&script, &day, middle, all_arrived(&day));
    live.read_all(&script).await;
    let again = async || kept.healths() == ["stale", "fresh"];
    until("it is told that the source is fresh again", again).await;
    live.stop().await;
}
