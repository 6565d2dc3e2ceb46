//! A person who is several agents is told as one, in what decides of all of them.

use std::collections::BTreeMap;

use pegboard::runtime::deliver::SinkSetup;
use pegboard_model::{AgentNow, Class, Millis};
use pegboard_sim::stand_in::asc_manager::AscManager;
use pegboard_sinks::mapping::{AgentMapping, AgentRow, Mapping, Scope, WfmAgent};

use super::{manager, setup};
use crate::support::clock;
use crate::support::day::Day;
use crate::support::feeding::{all_arrived, feed};
use crate::support::live::{Live, config, open_store, settings, until};
use crate::support::replayed::replay;
use crate::support::script::Script;

const PERSON: &str = "p-1";

/// What decides, as `docs/reports.md` says of merged persons: written down a second time.
const ORDER: [Class; 9] = [
    Class::Talk,
    Class::Hold,
    Class::Acw,
    Class::Ringing,
    Class::Error,
    Class::Available,
    Class::Aux,
    Class::Unknown,
    Class::SignedOut,
];

/// The event id of what decides of all agents.
fn decided(agents: &BTreeMap<String, AgentNow>) -> Option<String> {
    let rank = |now: &AgentNow| ORDER.iter().position(|class| *class == now.class).unwrap();
    let decides = agents.values().min_by_key(|now| (rank(now), now.since, now.agent_id.clone()))?;
    let tells = decides.class != Class::Unknown && !decides.event_id.is_empty();
    tells.then(|| decides.event_id.to_string())
}

fn last(manager: &AscManager) -> Option<String> {
    manager.look(|kept| kept.states.get(PERSON)?.back().map(|last| last.event_id.clone()))
}

#[tokio::test]
async fn a_person_is_told_in_what_decides_of_all_agents_whoever_of_them_changes() {
    let day = Day::of(12, 4, 31);
    let (manager, folder) = (manager(&day), tempfile::tempdir().unwrap());
    let known = replay(&day, &settings(&day)).known(Vec::new(), Mapping::default());
    let row = |agent: &str| AgentRow {
        agent: agent.into(),
        scope: Scope::default(),
        to: WfmAgent { id: PERSON.into(), value: "jdoe".into() },
    };
    let rows = known.directory.iter().map(|agent| row(agent.id.as_str())).collect();
    let script = Script::new(false);
    script.add("0", &[]);
    let first = day.start + Millis::from_minutes(30);
    feed(&script, "0", &day.deliveries(), |_| true, day.start, first);
    clock::set(first);
    let mapping = Mapping { agents: AgentMapping::new(rows), ..Mapping::default() };
    let sink = SinkSetup { mapping, ..setup(&day, &manager, Some(day.start)) };
    let live = Live::delivering(open_store(folder.path()), &script, &config(), sink).await;
    let (mut from, mut steps) = (first, 0);
    while from < all_arrived(&day) {
        live.read_all(&script).await;
        let agents = live.agents().await;
        if let Some(expected) = decided(&agents) {
            let told = async || last(&manager).as_ref() == Some(&expected);
            until(&format!("the person is told in {expected} at {from}, of {agents:?}"), told).await;
            steps += 1;
        }
        feed(&script, "0", &day.deliveries(), |_| true, from, from + Millis::from_minutes(10));
        from = from + Millis::from_minutes(10);
        clock::set(from);
    }
    assert!(steps > 10, "{steps}");
    assert_eq!(manager.look(|kept| kept.disorder.clone()), [""; 0]);
    assert_eq!(manager.look(|kept| kept.states.len()), 1, "all of them are one person");
    live.stop().await;
}
