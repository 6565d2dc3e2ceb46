//! The timelines of agents, from what is told and the evidence that the store has.

use std::collections::{BTreeMap, HashMap, HashSet};

use pegboard_engine::{Timeline, TimelinePolicy, Track, Window};
use pegboard_model::{AgentId, Observation, Timestamp};

use super::overlay::without;
use super::sieve::{LEAD, PARTS, day_of};
use super::spool::{Place, Spool};
use super::{AgentDay, Told, ToldError};
use crate::runtime::agents::read_track;
use crate::runtime::source::Shared;

/// Derives them, some agents at a time.
pub(super) struct Timelines<'a> {
    shared: &'a Shared,
    told: &'a Told,
    policy: TimelinePolicy,
    /// Where stored timelines begin.
    begins: HashMap<AgentId, Timestamp>,
}

/// What is known of an agent.
struct Known {
    agent: AgentId,
    told: Vec<Observation>,
    stored: Vec<Observation>,
    /// Up to when evidence is no longer stored.
    floor: Option<Timestamp>,
    /// Before this nothing of him can be brought in.
    from: Timestamp,
    /// Whether nothing is stored of what he was in when the first day began, so that it is brought in with that day.
    is_new: bool,
}

impl<'a> Timelines<'a> {
    pub(super) async fn of(shared: &'a Shared, told: &'a Told) -> Result<Self, ToldError> {
        let policy = shared.agents.lock().await.policy();
        let begins = shared.store.beginnings(&shared.config.name, Timestamp::MIN).await?;
        let begins = begins.into_iter().map(|begins| (begins.agent, begins.at)).collect();
        Ok(Self { shared, told, policy, begins })
    }

    pub(super) async fn derive(&self) -> Result<(), ToldError> {
        for part in 0..PARTS {
            let take = move |spool: &mut Spool| {
                let evidence = spool.read::<Observation>(Place::Evidence(part))?;
                spool.forget(Place::Evidence(part));
                Ok(evidence)
            };
            let mut agents: BTreeMap<AgentId, Vec<Observation>> = BTreeMap::new();
            for seen in self.told.with_spool(take).await? {
                agents.entry(seen.agent.clone()).or_default().push(seen);
            }
            for (agent, told) in agents {
                let known = self.known(agent, told).await?;
                let (policy, days, holes) = (self.policy, self.told.days.clone(), self.told.holes.clone());
                let put = move |spool: &mut Spool| {
                    for (day, facts) in days_of(known, &policy, &days, &holes) {
                        spool.push(Place::Agents(day), &facts)?;
                    }
                    Ok(())
                };
                self.told.with_spool(put).await?;
            }
        }
        Ok(())
    }

    async fn known(&self, agent: AgentId, told: Vec<Observation>) -> Result<Known, ToldError> {
        let (store, source) = (&self.shared.store, &self.shared.config.name);
        let base = store.base(source, &agent).await?;
        let base: Option<Track> = base.map(|base| read_track(source, &agent, &base)).transpose()?;
        let floor = base.and_then(|base| base.last_at());
        let lead = self.told.days.first().map_or(Timestamp::MIN, |day| day.from - LEAD);
        let stored = store.evidence(source, &agent, lead).await?;
        // What lies before an agent's beginning and is no longer evidence would be told of nobody.
        let from = floor.and(self.begins.get(&agent).copied()).unwrap_or(Timestamp::MIN);
        let first = self.told.days.first().map_or(Timestamp::MIN, |day| day.from);
        let is_new = self.begins.get(&agent).is_none_or(|begins| *begins > first);
        Ok(Known { agent, told, stored, floor, from, is_new })
    }
}

/// What is known of an agent, by day.
fn days_of(
    known: Known,
    policy: &TimelinePolicy,
    days: &[Window],
    holes: &[Window],
) -> Vec<(usize, AgentDay)> {
    let Known { agent, mut told, stored, floor, from, is_new } = known;
    let has: HashSet<_> = stored.iter().map(|seen| (seen.at, &seen.id)).collect();
    let lacks = |seen: &&Observation| {
        floor.is_none_or(|floor| seen.at > floor) && !has.contains(&(seen.at, &seen.id))
    };
    let mut missing: BTreeMap<usize, Vec<Observation>> = BTreeMap::new();
    for seen in told.iter().filter(lacks) {
        let comes_before = is_new && days.first().is_some_and(|first| seen.at < first.from);
        if let Some(day) = day_of(days, seen.at).or(comes_before.then_some(0)) {
            missing.entry(day).or_default().push(seen.clone());
        }
    }
    told.extend(stored);
    let Some((timeline, track)) = Timeline::derive(agent.clone(), told, policy) else {
        return Vec::new();
    };
    let until = track.last_at().unwrap_or(timeline.begins);
    let mut facts = Vec::new();
    for (number, day) in days.iter().enumerate() {
        let known = Window { from: timeline.begins.max(from).max(day.from), to: until.min(day.to) };
        let missing = missing.remove(&number).unwrap_or_default();
        if known.from >= known.to && missing.is_empty() {
            continue;
        }
        let touches = |end: Option<Timestamp>, start| start < day.to && end.is_none_or(|end| end >= day.from);
        let segments = timeline.segments.iter().filter(|one| touches(one.end, one.start)).cloned().collect();
        let valid = if known.from < known.to { without(known, holes) } else { Vec::new() };
        let valid = valid.into_iter().map(|stretch| (stretch.from, stretch.to)).collect();
        let begins = (timeline.begins, timeline.before);
        facts.push((number, AgentDay { agent: agent.clone(), begins, valid, floor, segments, missing }));
    }
    facts
}
