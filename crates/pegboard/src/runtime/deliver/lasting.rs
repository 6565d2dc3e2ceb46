//! What lasts from a corrected interval into a later one: an activity, or a session, is told in the interval in which it ends, whole, so that
//! a correction of where it began changes that later one.

use std::collections::BTreeSet;

use pegboard_engine::Window;
use pegboard_model::{AgentId, Millis, SourceName, Timestamp};
use pegboard_sinks::{Ingredient, SinkReport};
use pegboard_store::{RowsOf, StoreError};

use super::Deliverer;
use super::known::AROUND;
use crate::runtime::reports::Facts;
use crate::runtime::source::Shared;

/// The end of an interval, or of a stretch, in which an agent's time was corrected.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Corrected {
    pub(super) source: SourceName,
    /// Everybody where nobody is named.
    pub(super) agent: Option<AgentId>,
    pub(super) end: Timestamp,
}

/// Whether a report tells of what began before its interval.
pub(super) fn tells_what_lasts(report: &SinkReport) -> bool {
    report.made_of.iter().any(|of| matches!(of, Ingredient::Activities | Ingredient::Sessions))
}

impl Deliverer {
    /// When what lasts beyond these ends.
    pub(super) async fn ends_of_what_lasts(
        &self,
        corrected: &BTreeSet<Corrected>,
    ) -> Result<BTreeSet<Timestamp>, StoreError> {
        let mut ends = BTreeSet::new();
        for shared in &self.sources {
            let own: Vec<&Corrected> =
                corrected.iter().filter(|one| one.source == shared.config.name).collect();
            ends.extend(self.ends_of_source(shared, &own).await?);
        }
        Ok(ends)
    }

    async fn ends_of_source(
        &self,
        shared: &Shared,
        corrected: &[&Corrected],
    ) -> Result<Vec<Timestamp>, StoreError> {
        let bounds = corrected.iter().map(|one| one.end);
        let (Some(first), Some(last)) = (bounds.clone().min(), bounds.max()) else { return Ok(Vec::new()) };
        let config = &shared.config;
        // What is looked for began before the first bound, however long before.
        let window = Window { from: first - Millis::new(1), to: last + AROUND };
        let facts = Facts::load(&*shared.store, config, RowsOf::Agents, window, window.to).await?;
        // The time of a person who is several agents ends where that of any of them does.
        let is_by_person = !self.mapping().mapping.agents.rows().is_empty();
        let is_touched = |agent: &AgentId, start: Timestamp, end: Timestamp| {
            corrected.iter().any(|one| {
                let is_theirs = is_by_person || one.agent.as_ref().is_none_or(|own| own == agent);
                is_theirs && start < one.end && one.end <= end
            })
        };
        let activities = facts.activities(config);
        let sessions = facts.sessions(config, config.session_policy);
        let activities = activities.iter().filter_map(|one| {
            let end = one.end?;
            is_touched(&one.agent_id, one.start, end).then_some(end)
        });
        let sessions = sessions.iter().filter_map(|one| {
            let end = one.sign_out?;
            is_touched(&one.agent_id, one.sign_in, end).then_some(end)
        });
        Ok(activities.chain(sessions).collect())
    }
}
