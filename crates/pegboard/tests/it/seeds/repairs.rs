//! What the looks at a platform left behind, and whether the rest agrees with it.

use pegboard::config::SourceConfig;
use pegboard::runtime::reports::Facts;
use pegboard_engine::{Silence, Timeline, TimelinePolicy, Window};
use pegboard_model::{AgentId, Observation, Segment, Timestamp, What};
use pegboard_store::{RowsOf, Store};

use super::at_once::at_once;
use super::case::Centre;
use crate::support::compare::first_difference;
use crate::support::live::{Tables, values};
use crate::support::repairs::{repairs, said_twice};

/// What the looks at a platform left behind.
#[derive(Debug, Default)]
pub(super) struct Repairs {
    /// How often an agent was put right.
    pub(super) repaired: u64,
    /// How often that was a sign-out that nobody had told.
    pub(super) sign_outs: u64,
    pub(super) faults: Vec<String>,
}

impl Repairs {
    /// Of a source whose rows are `tables`.
    pub(super) fn read(store: &dyn Store, centre: &Centre, config: &SourceConfig, tables: &Tables) -> Self {
        let mut repairs = Self::default();
        let own = std::slice::from_ref(&config.name);
        let silence = Silence { stale_after: config.stale_after, ..Silence::default() };
        let policy = TimelinePolicy {
            silence: centre.has_heartbeat.then_some(silence),
            precedence: config.precedence,
        };
        for agent in at_once(store.agents(own)).unwrap().agents {
            let agent = agent.now.agent_id;
            let evidence = at_once(store.evidence(&config.name, &agent, Timestamp::MIN)).unwrap();
            repairs.count(&agent, &evidence);
            let stored = store.segments(&config.name, Some(&agent), Timestamp::MIN, Timestamp::MAX);
            let stored: Vec<_> = at_once(stored).unwrap().into_iter().map(|(_, segment)| segment).collect();
            repairs.faults.extend(unlike_evidence(&agent, evidence, &stored, &policy));
        }
        let window = Window { from: centre.day.start, to: centre.day.end };
        let facts = at_once(Facts::load(store, config, RowsOf::Agents, window, centre.stream.end)).unwrap();
        let (agents, groups) = facts.agent_and_group_rows(config, config.interval);
        for (name, rows) in [("agent_interval", values(&agents)), ("group_interval", values(&groups))] {
            repairs.faults.extend(first_difference(&format!("facts behind {name}"), &rows, &tables[name]));
        }
        repairs
    }

    /// Counts what is no event; of two that follow each other and say the same, the second is one too many.
    fn count(&mut self, agent: &AgentId, evidence: &[Observation]) {
        for repair in repairs(evidence) {
            self.repaired += 1;
            self.sign_outs += u64::from(matches!(repair.what, What::SignOut(_)));
        }
        let again = said_twice(evidence);
        self.faults.extend(again.map(|pair| format!("{agent} is repaired twice: {pair:?}")));
    }
}

/// Whether the stored segments are not those that all evidence together derives, whatever came when. How the last one ends
/// is not in the evidence.
fn unlike_evidence(
    agent: &AgentId,
    evidence: Vec<Observation>,
    stored: &[Segment],
    policy: &TimelinePolicy,
) -> Option<String> {
    let (timeline, _) = Timeline::derive(agent.clone(), evidence, policy)?;
    let derived = timeline.segments.split_last().map_or(&[][..], |(_, derived)| derived);
    let stored = &stored[..derived.len().min(stored.len())];
    first_difference(&format!("evidence of {agent}"), derived, stored)
}
