//! The facts of a day as the archive tells them, laid over those that are stored: what a day would be made of.

use std::collections::{BTreeMap, HashMap};

use pegboard_engine::Window;
use pegboard_engine::queues::pegged_at;
use pegboard_model::{AgentId, Class, ContactLeg, Segment, Timestamp};
use pegboard_store::{RowsOf, StoreError};

use super::overlay::overlaid;
use super::{AgentDay, DayFacts};
use crate::runtime::reports::Facts;
use crate::runtime::source::Shared;

impl DayFacts {
    /// What rows of `window`, which lies within the day, are made of.
    pub(in crate::runtime::reload) async fn facts(
        &self,
        shared: &Shared,
        rows: RowsOf,
        window: Window,
        known_until: Timestamp,
    ) -> Result<Facts, StoreError> {
        Ok(match rows {
            RowsOf::Agents => {
                let (segments, begins) = self.segments(shared, window).await?;
                Facts::of_agents(segments, &begins, window, known_until)
            }
            RowsOf::Contacts => Facts::of_contacts(self.legs(shared, window).await?, window, known_until),
        })
    }

    async fn segments(
        &self,
        shared: &Shared,
        window: Window,
    ) -> Result<(BTreeMap<AgentId, Vec<Segment>>, HashMap<AgentId, (Timestamp, Class)>), StoreError> {
        let (store, source) = (&shared.store, &shared.config.name);
        let mut agents = by_agent(store.segments(source, None, window.from, window.to).await?);
        for (agent, day) in &self.agents {
            let stored = agents.remove(agent).unwrap_or_default();
            let laid = day.over(&stored, window);
            if !laid.is_empty() {
                agents.insert(agent.clone(), laid);
            }
        }
        let stored = store.beginnings(source, Timestamp::MIN).await?;
        let mut begins: HashMap<_, _> =
            stored.into_iter().map(|begins| (begins.agent, (begins.at, begins.before))).collect();
        for (agent, day) in &self.agents {
            let own = begins.entry(agent.clone()).or_insert(day.begins);
            if day.floor.is_none() && day.begins.0 < own.0 {
                *own = day.begins;
            }
        }
        begins.retain(|_, (at, _)| *at > window.from);
        Ok((agents, begins))
    }

    async fn legs(&self, shared: &Shared, window: Window) -> Result<Vec<ContactLeg>, StoreError> {
        let (store, source) = (&shared.store, &shared.config.name);
        let mut legs = store.contacts(source, window.from, window.to).await?;
        let is_older = |leg: &ContactLeg| {
            let newer = self.contacts.get(&leg.id).map(|newer| newer.version);
            newer.or_else(|| self.left.get(&leg.id).copied()).is_some_and(|newer| leg.version < newer)
        };
        legs.retain(|leg| !is_older(leg));
        let within = |leg: &&ContactLeg| {
            let at = pegged_at(leg, shared.config.pegging);
            at.is_some_and(|at| window.from <= at && at < window.to)
        };
        let told: Vec<&ContactLeg> = self.contacts.values().filter(within).collect();
        for leg in told {
            let known = store.contact(source, &leg.id).await?;
            if known.is_none_or(|known| known.version < leg.version) {
                legs.push(leg.clone());
            }
        }
        Ok(legs)
    }
}

impl AgentDay {
    /// What stands of the agent in `window`: what is told over what is stored.
    fn over(&self, stored: &[Segment], window: Window) -> Vec<Segment> {
        let touches = |segment: &&Segment| {
            segment.start < window.to && segment.end.is_none_or(|end| end >= window.from)
        };
        let told: Vec<Segment> = self.segments.iter().filter(touches).cloned().collect();
        // As far as whole segments that touch the window reach: nothing is cut at its edges.
        let from = told.first().map_or(window.from, |first| first.start.min(window.from));
        let to = told.last().map_or(window.to, |last| last.end.unwrap_or(Timestamp::MAX).max(window.to));
        let clip = |stretch: Window| Window { from: stretch.from.max(from), to: stretch.to.min(to) };
        let valid: Vec<_> = self.valid().into_iter().map(clip).filter(|one| one.from < one.to).collect();
        overlaid(stored, &told, &valid)
    }
}

/// Segments by agent, each in order.
pub(super) fn by_agent(stored: Vec<(AgentId, Segment)>) -> BTreeMap<AgentId, Vec<Segment>> {
    let mut agents: BTreeMap<AgentId, Vec<Segment>> = BTreeMap::new();
    for (agent, segment) in stored {
        agents.entry(agent).or_default().push(segment);
    }
    agents
}
