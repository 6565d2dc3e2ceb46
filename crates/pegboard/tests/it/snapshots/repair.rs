//! Start-up and repair of a hub.

use std::sync::Arc;
use std::time::{Duration, Instant};

use pegboard::config::SourceConfig;
use pegboard_engine::{Timeline, TimelinePolicy};
use pegboard_model::{Class, Millis, Timestamp};
use pegboard_sim::disturb::Disturbance;
use pegboard_sim::events::AgentEventRecord;
use pegboard_sim::stand_in::amazon_connect::{Fault, StandIn, Wrong};
use pegboard_sim::wire::Writer;
use pegboard_sim::{Centre, Config, Simulation};

use super::floor::{differences, end, shown, truth};
use super::watched::{Passing, Watched, every_second};
use crate::support::clock;
use crate::support::day::morning;
use crate::support::event::{AGENT, event};
use crate::support::feeding::ONLY;
use crate::support::live::{Live, SOURCE, until};
use crate::support::script::Script;

/// How long a repair may take on a busy machine: one look, a second one five seconds later, and more.
const PATIENCE: Duration = Duration::from_secs(40);

pub(crate) fn simulate(agents: usize, hours: u32, seed: u64) -> (Simulation, Arc<StandIn>) {
    let simulation = Centre::new(Config::new(agents, morning(), hours, seed)).run();
    let stand_in = StandIn::serve(simulation.organisation.clone()).unwrap();
    stand_in.show(&simulation.changes, end(&simulation));
    (simulation, Arc::new(stand_in))
}

/// A script of one partition with these events, read up to `watermark`.
pub(crate) fn script(simulation: &Simulation, events: &[AgentEventRecord], watermark: Timestamp) -> Script {
    let script = Script::new(true);
    script.add(ONLY, &[]);
    push(&script, simulation, events, watermark);
    script
}

fn push(script: &Script, simulation: &Simulation, events: &[AgentEventRecord], watermark: Timestamp) {
    let writer = Writer::new(simulation.organisation.clone());
    let records: Vec<String> = events.iter().map(|event| writer.agent_event_json(event)).collect();
    script.push(ONLY, &records, watermark);
}

/// Whoever asks for agents gets this.
fn from_now_on(what: Wrong) -> Fault {
    Fault { operation: "GetCurrentUserData", later_pages_only: false, times: u32::MAX, what }
}

async fn has_looked(live: &Live) -> bool {
    live.status().await.reconciler.is_some_and(|reconciler| reconciler.looked.is_some())
}

/// Waits until nobody is shown in another state than the true one.
pub(crate) async fn until_true(live: &Live, simulation: &Simulation) {
    let truth = truth(simulation);
    assert!(truth.len() > 10, "an empty floor shows nothing");
    let deadline = Instant::now() + PATIENCE;
    loop {
        let differences = differences(&truth, &shown(live).await);
        if differences.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "not repaired in time: {differences:#?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// All segments are those that all evidence together derives, whatever came when.
async fn assert_derived_from_evidence(live: &Live) {
    let policy =
        TimelinePolicy { silence: Some(pegboard_engine::Silence::default()), ..TimelinePolicy::default() };
    for agent in live.agents().await.into_keys() {
        let agent = agent.as_str().into();
        let evidence = live.store.evidence(&SOURCE.into(), &agent, Timestamp::MIN).await.unwrap();
        let stored = live.store.segments(&SOURCE.into(), Some(&agent), Timestamp::MIN, Timestamp::MAX).await;
        let stored: Vec<_> = stored.unwrap().into_iter().map(|(_, segment)| segment).collect();
        let (derived, _) = Timeline::derive(agent, evidence, &policy).unwrap();
        assert_eq!(stored, derived.segments);
    }
}

#[tokio::test]
async fn an_empty_store_shows_the_whole_floor_at_once() {
    let (simulation, stand_in) = simulate(60, 3, 3);
    clock::set(end(&simulation));
    let script = script(&simulation, &[], end(&simulation));
    let folder = tempfile::tempdir().unwrap();
    let live =
        Live::reading(Box::new(Watched::new(&script, &stand_in)), &every_second(), folder.path()).await;
    until("there has been a look", async || has_looked(&live).await).await;

    let (truth, shown) = (truth(&simulation), shown(&live).await);
    assert!(truth.len() > 10 && differences(&truth, &shown).is_empty(), "{:?}", differences(&truth, &shown));
    for (agent, now) in live.agents().await {
        let card = simulation.organisation.agents.iter().find(|card| card.id.to_string() == agent).unwrap();
        assert_eq!((&now.agent_login, &now.agent_name), (&card.login, &card.name));
        assert!(!now.team.is_empty() && !now.routing_profile.is_empty(), "{now:?}");
    }
    let status = live.status().await;
    let reconciler = status.reconciler.unwrap();
    assert_eq!((reconciler.shown, status.watermark), (truth.len() as u64, Some(end(&simulation))));
    live.stop().await;
}

/// Only these events are delivered, everybody is shown as he is nevertheless, and late events put the past right. Answers
/// how often something was repaired.
async fn repaired_after(
    simulation: &Simulation,
    stand_in: &Arc<StandIn>,
    delivered: &[AgentEventRecord],
) -> u64 {
    let end = end(simulation);
    let script = script(simulation, delivered, end);
    let folder = tempfile::tempdir().unwrap();
    let _passing = Passing::from(end, stand_in);
    let live = Live::reading(Box::new(Watched::new(&script, stand_in)), &every_second(), folder.path()).await;
    until_true(&live, simulation).await;
    until("the repair is counted", async || has_looked(&live).await).await;
    let repaired = live.status().await.reconciler.unwrap().repaired;
    assert_derived_from_evidence(&live).await;

    // What was late only comes after all: the past is put right, and the present stays.
    let is_late = |event: &&AgentEventRecord| !delivered.iter().any(|known| known.id == event.id);
    let late: Vec<_> = simulation.agent_events.iter().filter(is_late).cloned().collect();
    push(&script, simulation, &late, end + Millis::from_seconds(1));
    live.read_all(&script).await;
    until_true(&live, simulation).await;
    assert_derived_from_evidence(&live).await;
    let status = live.status().await;
    assert_eq!((status.reconciler.unwrap().disputed, stand_in.counts().refused), (0, vec![]));
    live.stop().await;
    repaired
}

#[tokio::test]
async fn r10_after_five_percent_of_the_events_are_lost_everybody_is_shown_as_he_is() {
    let (simulation, stand_in) = simulate(120, 4, 11);
    let delivered = Disturbance { lost: 0.05, ..Disturbance::none(4) }.disturb(&simulation.agent_events);
    assert!(delivered.len() < simulation.agent_events.len() * 97 / 100, "something was lost");
    assert!(repaired_after(&simulation, &stand_in, &delivered).await > 0, "something had to be repaired");
}

#[tokio::test]
async fn r10_after_a_stream_has_been_dark_for_minutes_everybody_is_shown_as_he_is() {
    let (simulation, stand_in) = simulate(120, 4, 12);
    let dark = end(&simulation) - Millis::from_minutes(4);
    let delivered: Vec<_> = simulation.agent_events.iter().filter(|event| event.at < dark).cloned().collect();
    let repaired = repaired_after(&simulation, &stand_in, &delivered).await;
    assert!(repaired > 20, "most agents are in another state than four minutes ago: {repaired}");
}

#[tokio::test]
async fn repaired_agents_survive_a_restart() {
    let (simulation, stand_in) = simulate(40, 2, 8);
    let end = end(&simulation);
    let script = script(&simulation, &[], end);
    let folder = tempfile::tempdir().unwrap();
    let _passing = Passing::from(end, &stand_in);
    let start = async || {
        Live::reading(Box::new(Watched::new(&script, &stand_in)), &every_second(), folder.path()).await
    };
    let live = start().await;
    until_true(&live, &simulation).await;
    live.stop().await;
    let live = start().await;
    let partitions = live.status().await.partitions;
    assert!(partitions.iter().all(|partition| partition.id == ONLY), "{partitions:?}");
    until("there has been a look", async || has_looked(&live).await).await;
    until_true(&live, &simulation).await;
    assert_eq!(live.status().await.reconciler.unwrap().repaired, 0, "there was nothing to repair");
    live.stop().await;
}

#[tokio::test]
async fn r09_a_killed_logout_and_a_stale_agent_are_repaired_within_a_period() {
    let (simulation, stand_in) = simulate(30, 2, 2);
    // Agents of the stream whom the platform does not show, and one whom it shows and of whom nothing is heard.
    let end = end(&simulation);
    let shown_agent = truth(&simulation).into_keys().next().unwrap();
    let script = Script::new(true);
    script.add(ONLY, &[]);
    let heard = end - Millis::from_minutes(10);
    let gone = event(AGENT, "LOGIN", end - Millis::from_minutes(4), "Available");
    let stale = event(&shown_agent, "STATE_CHANGE", heard, "Available");
    script.push(ONLY, &[stale, gone], end);
    stand_in.fail(from_now_on(Wrong::ServerError));
    let folder = tempfile::tempdir().unwrap();
    let _passing = Passing::from(end, &stand_in);
    let live =
        Live::reading(Box::new(Watched::new(&script, &stand_in)), &every_second(), folder.path()).await;
    let class = async |agent: &str| live.agents().await.get(agent).map(|now| now.class);
    until("he is stale", async || class(&shown_agent).await == Some(Class::Unknown)).await;
    assert_eq!(class(AGENT).await, Some(Class::Available));
    until("the failure is shown", async || live.status().await.error.is_some()).await;
    assert!(stand_in.counts().faults > 0);

    stand_in.mend();
    until_true(&live, &simulation).await;
    assert_eq!(class(AGENT).await, Some(Class::SignedOut));
    until("the failure is over", async || live.status().await.error.is_none()).await;
    live.stop().await;
}

/// Silence is repaired also where everybody cannot be looked at in time: whoever is silent is asked for alone.
#[tokio::test]
async fn r09_agents_who_fall_silent_are_asked_for_alone() {
    let (simulation, stand_in) = simulate(400, 3, 2);
    let end = end(&simulation);
    let shown_agent = truth(&simulation).into_keys().next().unwrap();
    let script = Script::new(true);
    script.add(ONLY, &[]);
    let heard = end - Millis::from_minutes(10);
    let gone = event(AGENT, "LOGIN", heard, "Available");
    let stale = event(&shown_agent, "STATE_CHANGE", heard, "Available");
    stand_in.fail(Fault { later_pages_only: true, ..from_now_on(Wrong::ServerError) });
    script.push(ONLY, &[stale, gone], end);
    let folder = tempfile::tempdir().unwrap();
    let _passing = Passing::from(end, &stand_in);
    let config = SourceConfig { reconcile_every: Millis::from_hours(1), ..every_second() };
    let live = Live::reading(Box::new(Watched::new(&script, &stand_in)), &config, folder.path()).await;
    let class = async |agent: &str| live.agents().await.get(agent).map(|now| now.class);
    until("who is gone is signed out", async || class(AGENT).await == Some(Class::SignedOut)).await;
    until("who is there is shown", async || {
        class(&shown_agent).await.is_some_and(|class| !matches!(class, Class::Unknown | Class::SignedOut))
    })
    .await;
    assert_eq!(
        live.agents().await.len(),
        2,
        "nobody else has been seen: no look at everybody came to its end"
    );
    live.stop().await;
}

/// What a snapshot tells of the present makes late what a stream tells that is hours behind, and every late event is dear.
#[tokio::test]
async fn nobody_is_asked_while_a_stream_is_caught_up_with() {
    let (simulation, stand_in) = simulate(40, 4, 8);
    let end = end(&simulation);
    let start = simulation.config.start;
    let script = script(&simulation, &[], start);
    let folder = tempfile::tempdir().unwrap();
    let _passing = Passing::from(end, &stand_in);
    let live =
        Live::reading(Box::new(Watched::new(&script, &stand_in)), &every_second(), folder.path()).await;
    let reconciler = async || live.status().await.reconciler.unwrap_or_default();
    until("it says that it waits", async || reconciler().await.waits).await;
    let asked = || stand_in.counts().requests.values().sum::<u32>();
    for hour in 1..=4 {
        let until = start + Millis::from_hours(hour);
        let within =
            |event: &&AgentEventRecord| until - Millis::from_hours(1) <= event.at && event.at < until;
        let events: Vec<_> = simulation.agent_events.iter().filter(within).cloned().collect();
        assert_eq!(asked(), 0, "the stream has come to hour {hour} only");
        push(&script, &simulation, &events, until);
    }
    until_true(&live, &simulation).await;
    until("there has been a look", async || reconciler().await.looked.is_some()).await;
    let after = reconciler().await;
    assert!(!after.waits && asked() > 0, "{after:?}");
    live.stop().await;
}

#[tokio::test]
async fn r09_who_was_last_seen_in_a_snapshot_falls_silent_with_his_source() {
    let (simulation, stand_in) = simulate(30, 2, 2);
    let end = end(&simulation);
    clock::set(end);
    let script = script(&simulation, &[], end);
    let folder = tempfile::tempdir().unwrap();
    let live =
        Live::reading(Box::new(Watched::new(&script, &stand_in)), &every_second(), folder.path()).await;
    until("the floor is shown", async || shown(&live).await.len() > 10).await;

    stand_in.fail(from_now_on(Wrong::Denied));
    until("nobody can look any more", async || live.status().await.error.is_some()).await;
    let later = end + Millis::from_minutes(6);
    clock::set(later);
    // Twice: how far the whole source is known, the next read sees.
    push(&script, &simulation, &[], later);
    push(&script, &simulation, &[], later);
    let unknown = async || shown(&live).await.values().all(|(class, ..)| *class == Class::Unknown);
    until("they are stale", unknown).await;
    live.stop().await;
}

#[tokio::test]
async fn a_platform_whose_clock_is_far_ahead_is_not_believed() {
    let (simulation, stand_in) = simulate(30, 2, 2);
    let end = end(&simulation);
    clock::set(end - Millis::from_minutes(6));
    let script = script(&simulation, &[], end - Millis::from_minutes(6));
    let folder = tempfile::tempdir().unwrap();
    let live =
        Live::reading(Box::new(Watched::new(&script, &stand_in)), &every_second(), folder.path()).await;
    let told =
        async || live.status().await.error.is_some_and(|error| error.message.contains("Set the clock"));
    until("it is told", told).await;
    assert!(live.agents().await.is_empty());
    live.stop().await;
}

#[tokio::test]
async fn a_look_that_fails_half_way_changes_nothing() {
    let (simulation, stand_in) = simulate(400, 3, 6);
    let end = end(&simulation);
    clock::set(end);
    stand_in.fail(Fault { later_pages_only: true, ..from_now_on(Wrong::ServerError) });
    let script = script(&simulation, &[], end);
    let folder = tempfile::tempdir().unwrap();
    let live =
        Live::reading(Box::new(Watched::new(&script, &stand_in)), &every_second(), folder.path()).await;
    until("a later page has failed for good", async || stand_in.counts().faults >= 4).await;
    until("the failure is shown", async || live.status().await.error.is_some()).await;
    assert!(live.agents().await.is_empty(), "the first page alone is no look");
    let message = live.status().await.error.unwrap().message;
    assert!(message.contains("GetCurrentUserData"), "{message}");
    live.stop().await;
}

#[tokio::test]
async fn a_platform_that_shows_nobody_signs_nobody_out() {
    let (simulation, stand_in) = simulate(60, 3, 9);
    let end = end(&simulation);
    let script = script(&simulation, &simulation.agent_events, end);
    stand_in.fail(from_now_on(Wrong::ShowsNobody));
    let folder = tempfile::tempdir().unwrap();
    let _passing = Passing::from(end, &stand_in);
    let live =
        Live::reading(Box::new(Watched::new(&script, &stand_in)), &every_second(), folder.path()).await;
    let alarm =
        async || live.status().await.error.is_some_and(|error| error.message.contains("not believed"));
    until("there is an alarm", alarm).await;
    assert!(shown(&live).await.len() > 20, "they are still there");

    stand_in.mend();
    until("the alarm is over", async || live.status().await.error.is_none()).await;
    until_true(&live, &simulation).await;
    live.stop().await;
}

#[tokio::test]
async fn events_after_a_snapshot_go_on_from_it() {
    let (simulation, stand_in) = simulate(30, 2, 2);
    let agent = truth(&simulation).into_keys().next().unwrap();
    let end = end(&simulation);
    clock::set(end);
    let script = script(&simulation, &[], end);
    let folder = tempfile::tempdir().unwrap();
    let live =
        Live::reading(Box::new(Watched::new(&script, &stand_in)), &every_second(), folder.path()).await;
    until("he is shown", async || live.agents().await.contains_key(&agent)).await;
    let later = end + Millis::from_seconds(20);
    clock::set(later);
    script.push(ONLY, &[event(&agent, "LOGOUT", later, "Offline")], later);
    until("he is out", async || live.agents().await[&agent].class == Class::SignedOut).await;
    assert_eq!(live.agents().await[&agent].since, later);
    live.stop().await;
}
