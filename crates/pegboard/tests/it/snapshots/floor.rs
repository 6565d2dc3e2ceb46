//! What everybody is in, in truth and as the hub shows it.

use std::collections::BTreeMap;

use pegboard_model::{AgentNow, Channel, Class, ContactId, Text, Timestamp};
use pegboard_sim::truth::ReportSettings;
use pegboard_sim::{Simulation, Truth};

use crate::support::live::Live;

/// What an agent is in. Of those who are out, nothing more is said.
pub(crate) type State = (Class, Text, Option<ContactId>);

/// Everybody who is not signed out, by id.
pub(crate) type Floor = BTreeMap<String, State>;

/// The platform does not show that a task is paused; only its stream tells.
fn as_the_platform_shows(class: Class, channel: Option<&Channel>) -> Class {
    if class == Class::Hold && channel == Some(&Channel::Task) { Class::Talk } else { class }
}

/// What happened, at the end of the simulation.
pub(crate) fn truth(simulation: &Simulation) -> Floor {
    let (start, end) = (simulation.config.start, simulation.config.end());
    let actual = Truth::actual(simulation, &ReportSettings::new(start, end));
    let mut last = BTreeMap::new();
    for row in actual.segments {
        let class = as_the_platform_shows(row.class, row.channel.as_ref());
        let state = (class, row.status_name.clone(), row.contact_id.clone());
        last.insert(row.agent_id.to_string(), state);
    }
    last.retain(|_, (class, ..)| *class != Class::SignedOut);
    last
}

/// What the hub shows.
pub(crate) async fn shown(live: &Live) -> Floor {
    let state = |now: AgentNow| {
        (as_the_platform_shows(now.class, now.channel.as_ref()), now.status_name, now.contact_id)
    };
    let agents = live.agents().await.into_iter().map(|(agent, now)| (agent, state(now)));
    agents.filter(|(_, (class, ..))| *class != Class::SignedOut).collect()
}

/// Agents who are not alike.
pub(crate) fn differences(truth: &Floor, shown: &Floor) -> Vec<String> {
    let agents = truth.keys().chain(shown.keys().filter(|agent| !truth.contains_key(*agent)));
    let unlike = agents.filter(|agent| truth.get(*agent) != shown.get(*agent));
    unlike
        .map(|agent| format!("{agent}: {:?} is shown as {:?}", truth.get(agent), shown.get(agent)))
        .collect()
}

/// The end of the simulation.
pub(crate) fn end(simulation: &Simulation) -> Timestamp {
    simulation.config.end()
}
