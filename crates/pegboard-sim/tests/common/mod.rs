//! What the tests of a simulated day share.

use std::collections::BTreeMap;

use pegboard_model::Timestamp;
use pegboard_sim::events::AgentEventRecord;
use pegboard_sim::organisation::AgentNo;
use pegboard_sim::truth::ReportSettings;
use pegboard_sim::{Centre, Config, Simulation};

/// A Monday.
pub(crate) fn start() -> Timestamp {
    "2026-03-02T00:00:00Z".parse().expect("is a time")
}

pub(crate) fn config(agents: usize, hours: u32, seed: u64) -> Config {
    Config::new(agents, start(), hours, seed)
}

/// A day of 60 agents.
#[allow(dead_code, reason = "each test file is a crate of its own and uses what it needs")]
pub(crate) fn day(seed: u64) -> Simulation {
    Centre::new(config(60, 24, seed)).run()
}

#[allow(dead_code, reason = "each test file is a crate of its own and uses what it needs")]
pub(crate) fn settings(simulation: &Simulation) -> ReportSettings {
    ReportSettings::new(simulation.config.start, simulation.config.end())
}

/// The events of each agent, in order.
#[allow(dead_code, reason = "each test file is a crate of its own and uses what it needs")]
pub(crate) fn by_agent(simulation: &Simulation) -> BTreeMap<AgentNo, Vec<&AgentEventRecord>> {
    let mut by_agent: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for event in &simulation.agent_events {
        by_agent.entry(event.agent).or_default().push(event);
    }
    by_agent
}
