//! The agents of a source in memory, and what a batch changes about them.
//!
//! Nothing changes here before the store has committed: a batch is staged on copies, and only a committed one is
//! [accepted](Agents::accept).

use std::collections::HashMap;

use pegboard_engine::track::Arrival;
use pegboard_engine::{Timeline, TimelinePolicy, Track};
use pegboard_model::{
    AgentId, AgentNow, Class, Observation, PartitionId, Segment, SourceName, State, Timestamp,
};
use pegboard_store::{AgentWrite, DirtyMark, SegmentsWrite, Store, StoreError, StoredAgent};

/// One agent, as the engine and as readers see it.
#[derive(Debug, Clone)]
struct Agent {
    track: Track,
    now: AgentNow,
    /// The class that silence has put over the lasting state, if it has.
    silent: Option<Class>,
}

/// All agents of a source.
#[derive(Debug)]
pub struct Agents {
    source: SourceName,
    policy: TimelinePolicy,
    known: HashMap<AgentId, Agent>,
}

/// What a batch changes about one agent.
#[derive(Debug)]
struct Change {
    agent: Agent,
    evidence: Vec<Observation>,
    segments: Vec<SegmentsWrite>,
    states: Vec<AgentNow>,
    dirty: Option<(Timestamp, Timestamp)>,
    /// Evidence that comes before something already seen: late, or seen before.
    suspects: Vec<Observation>,
    /// Whether its timeline must be derived again from all evidence, whatever the suspects are.
    late: bool,
}

impl Change {
    fn none(agent: Agent) -> Self {
        Self {
            agent,
            evidence: Vec::new(),
            segments: Vec::new(),
            states: Vec::new(),
            dirty: None,
            suspects: Vec::new(),
            late: false,
        }
    }

    /// Adds an entry to the state feed if what readers see has changed.
    fn tell(&mut self, now: AgentNow) {
        if now != self.agent.now {
            self.agent.now = now.clone();
            self.states.push(now);
        }
    }
}

/// What a batch changes.
#[derive(Debug, Default)]
pub struct Staged {
    changes: HashMap<AgentId, Change>,
    /// Events that had been seen before.
    pub duplicates: u64,
    /// Events that were new.
    pub events: u64,
}

/// What a staged batch writes about agents.
#[derive(Debug, Default)]
pub struct AgentWrites {
    /// Stored states.
    pub agents: Vec<AgentWrite>,
    /// New evidence.
    pub evidence: Vec<Observation>,
    /// Changes of timelines.
    pub segments: Vec<SegmentsWrite>,
    /// Entries of the state feed.
    pub states: Vec<AgentNow>,
    /// What changed in the past.
    pub dirty: Vec<DirtyMark>,
}

impl Agents {
    /// The agents as they were stored.
    pub fn load(
        source: SourceName,
        policy: TimelinePolicy,
        stored: Vec<StoredAgent>,
    ) -> Result<Self, StoreError> {
        let mut agents = HashMap::with_capacity(stored.len());
        for StoredAgent { agent, track, now } in stored {
            let track: Track = serde_json::from_str(&track).map_err(|error| StoreError::Damaged {
                what: "track of an agent",
                detail: format!("agent {agent} of source {source}: {error}"),
            })?;
            let heard = present(&source, &agent, &track);
            let silent = heard.filter(|heard| *heard != now).map(|_| now.class);
            agents.insert(agent, Agent { track, now, silent });
        }
        Ok(Self { source, policy, known: agents })
    }

    /// The same source's agents, as they are stored now.
    pub fn reloaded(&self, stored: Vec<StoredAgent>) -> Result<Self, StoreError> {
        Self::load(self.source.clone(), self.policy, stored)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.known.len()
    }

    /// Where the timeline of each agent begins.
    pub fn beginnings(&self) -> HashMap<AgentId, pegboard_engine::track::Beginning> {
        let begins = |(agent, known): (&AgentId, &Agent)| Some((agent.clone(), known.track.begins()?));
        self.known.iter().filter_map(begins).collect()
    }

    /// Stages one observation.
    pub fn stage(&self, seen: Observation, staged: &mut Staged) {
        let change = self.change(&seen, staged);
        match change.agent.track.arrival(&seen) {
            Arrival::Duplicate => staged.duplicates += 1,
            Arrival::Late => {
                change.suspects.push(seen);
                staged.events += 1;
            }
            Arrival::Next => {
                self.apply_next(&seen, change);
                change.evidence.push(seen);
                staged.events += 1;
            }
        }
    }

    fn change<'s>(&self, seen: &Observation, staged: &'s mut Staged) -> &'s mut Change {
        staged.changes.entry(seen.agent.clone()).or_insert_with(|| {
            let known = self.known.get(&seen.agent).cloned();
            let agent = known.unwrap_or_else(|| Agent {
                track: Track::default(),
                now: nobody(&self.source, &seen.agent),
                silent: None,
            });
            Change::none(agent)
        })
    }

    /// Applies an observation that comes after all others of its agent.
    fn apply_next(&self, seen: &Observation, change: &mut Change) {
        let lasting = change.agent.track.current().map(|(start, _)| start);
        let mut closed: Vec<Segment> = Vec::new();
        let track = &mut change.agent.track;
        let changed = track.apply(seen, &self.policy, &mut |segment| closed.push(segment));
        if change.agent.silent.is_some() {
            // What stands in the store is not what the track thinks: silence was written over it.
            change.late = true;
            return;
        }
        if !changed || change.late {
            return;
        }
        let cut = closed.first().filter(|first| Some(first.start) == lasting && first.mark.is_none());
        let (from, keep) = match (lasting, cut.and_then(|first| first.end)) {
            (None, _) => (track.begins().map_or(seen.at, |begins| begins.at), 0),
            (Some(_), Some(end)) => (end, 1),
            // A state was replaced in the very instant in which it began; the past is simplest written anew.
            (Some(_), None) => {
                change.late = true;
                return;
            }
        };
        let mut segments: Vec<Segment> = closed.drain(keep..).collect();
        segments.extend(track.open_segment());
        change.segments.push(SegmentsWrite { agent: seen.agent.clone(), from, segments });
        extend(&mut change.dirty, from, seen.at);
        self.tell_present(change);
    }

    /// Tells readers of the lasting state.
    fn tell_present(&self, change: &mut Change) {
        if let Some(now) = present(&self.source, &change.agent.now.agent_id, &change.agent.track) {
            change.tell(now);
        }
    }

    /// Derives again what late evidence touches, with what the store has.
    pub async fn settle(&self, staged: &mut Staged, store: &dyn Store) -> Result<(), StoreError> {
        let Staged { changes, duplicates, events } = staged;
        let unsettled = changes.iter_mut().filter(|(_, change)| change.late || !change.suspects.is_empty());
        for (agent, change) in unsettled {
            let stored = store.evidence(&self.source, agent, Timestamp::MIN).await?;
            let seen_before = drop_copies(change, &stored);
            *duplicates += seen_before;
            *events -= seen_before;
            if !change.late && change.suspects.is_empty() {
                continue;
            }
            change.late = true;
            change.evidence.append(&mut change.suspects);
            self.rewrite(agent, change, stored, store).await?;
        }
        Ok(())
    }

    /// Derives one agent's timeline again from all evidence, and stages what differs from the stored one.
    async fn rewrite(
        &self,
        agent: &AgentId,
        change: &mut Change,
        mut evidence: Vec<Observation>,
        store: &dyn Store,
    ) -> Result<(), StoreError> {
        evidence.extend(change.evidence.iter().cloned());
        let stored = store.segments(&self.source, Some(agent), Timestamp::MIN, Timestamp::MAX).await?;
        let before: Vec<Segment> = stored.into_iter().map(|(_, segment)| segment).collect();
        let floor = reach(&evidence, &change.evidence);
        tracing::debug!(agent.id = %agent, evidence = evidence.len(), "deriving again from evidence");
        let derived = Timeline::derive(agent.clone(), evidence, &self.policy);
        let Some((timeline, mut track)) = derived else { return Ok(()) };
        let truncated = before.first().is_some_and(|first| first.start < timeline.begins);
        let floor = if truncated { floor } else { Timestamp::MIN };
        track.keep_beginning(change.agent.track.begins());
        change.agent.track = track;
        change.agent.silent = None;
        change.segments = rewritten(agent, &before, &timeline.segments, floor).into_iter().collect();
        if let Some(rewrite) = change.segments.first() {
            let until = change.agent.track.last_at().unwrap_or(rewrite.from);
            extend(&mut change.dirty, rewrite.from, until);
        }
        Ok(())
    }

    /// Stages what silence changes, about agents that this batch changes too. `complete` says up to when a partition is
    /// complete, if this batch is to tell so.
    pub fn stage_silence(&self, complete: impl Fn(&PartitionId) -> Option<Timestamp>, staged: &mut Staged) {
        for change in staged.changes.values_mut() {
            if let Some(silence) = self.new_silence(&change.agent, &complete) {
                self.fall_silent(change, silence);
            }
        }
        for (agent, known) in &self.known {
            if staged.changes.contains_key(agent) {
                continue;
            }
            if let Some(silence) = self.new_silence(known, &complete) {
                let mut change = Change::none(known.clone());
                self.fall_silent(&mut change, silence);
                staged.changes.insert(agent.clone(), change);
            }
        }
    }

    /// The segments that silence puts over an agent's lasting state, if they are not there yet.
    fn new_silence(
        &self,
        agent: &Agent,
        complete: impl Fn(&PartitionId) -> Option<Timestamp>,
    ) -> Option<Vec<Segment>> {
        let watermark = complete(agent.track.last_partition()?)?;
        let silence = agent.track.silence_until(watermark, &self.policy);
        let class = silence.last()?.state.class;
        (agent.silent != Some(class)).then_some(silence)
    }

    fn fall_silent(&self, change: &mut Change, silence: Vec<Segment>) {
        let (Some(last), Some(from)) = (silence.last(), change.agent.track.last_at()) else { return };
        let (start, class) = (last.start, last.state.class);
        let agent = change.agent.now.agent_id.clone();
        let now = AgentNow::new(&self.source, &agent, start, &last.state, change.agent.track.profile());
        change.tell(now);
        change.agent.silent = Some(class);
        let segments = silence.into_iter().filter(|segment| segment.start >= from).collect();
        change.segments.push(SegmentsWrite { agent, from, segments });
        extend(&mut change.dirty, from, start);
    }

    /// Tells what was derived again. Last, so that an agent who was silent before and is silent after does not appear in
    /// between.
    pub fn tell_settled(&self, staged: &mut Staged) {
        for change in staged.changes.values_mut().filter(|change| change.late) {
            if change.agent.silent.is_none() {
                self.tell_present(change);
            }
        }
    }

    /// What the staged batch writes. Changes before `closed` are marked for the closer.
    pub fn writes(&self, staged: &Staged, closed: Option<Timestamp>) -> Result<AgentWrites, StoreError> {
        let mut writes = AgentWrites::default();
        for (agent, change) in &staged.changes {
            let Some(heard) = change.agent.track.last_at() else { continue };
            let track = serde_json::to_string(&change.agent.track).map_err(|error| StoreError::Damaged {
                what: "track of an agent",
                detail: error.to_string(),
            })?;
            writes.agents.push(AgentWrite {
                agent: agent.clone(),
                track,
                now: change.agent.now.clone(),
                heard,
            });
            writes.evidence.extend(change.evidence.iter().cloned());
            writes.segments.extend(change.segments.iter().cloned());
            writes.states.extend(change.states.iter().cloned());
            if let (Some((from, to)), Some(closed)) = (change.dirty, closed)
                && from < closed
            {
                // What changed lasts: every interval closed since then was closed with the old state.
                writes.dirty.push(DirtyMark { agent: Some(agent.clone()), from, to: to.max(closed) });
            }
        }
        Ok(writes)
    }

    /// Takes over what was committed.
    pub fn accept(&mut self, staged: Staged) {
        self.known.extend(staged.changes.into_iter().map(|(agent, change)| (agent, change.agent)));
    }
}

fn present(source: &SourceName, agent: &AgentId, track: &Track) -> Option<AgentNow> {
    let (since, state) = track.current()?;
    Some(AgentNow::new(source, agent, since, state, track.profile()))
}

/// The present of an agent of whom nothing is known yet. It is never shown: the first evidence replaces it.
fn nobody(source: &SourceName, agent: &AgentId) -> AgentNow {
    let state = State {
        class: Class::Unknown,
        status: None,
        contact: None,
        signed_out: false,
        profile: std::sync::Arc::default(),
    };
    AgentNow::new(source, agent, Timestamp::MIN, &state, &state.profile)
}

fn extend(dirty: &mut Option<(Timestamp, Timestamp)>, from: Timestamp, to: Timestamp) {
    let (known_from, known_to) = dirty.unwrap_or((from, to));
    *dirty = Some((known_from.min(from), known_to.max(to)));
}

/// Removes suspects that the store or the batch has already, standing no later in their stream; answers how many
/// those were. A copy that stands earlier than the stored one counts in its place.
fn drop_copies(change: &mut Change, stored: &[Observation]) -> u64 {
    let before = change.suspects.len();
    let Change { suspects, evidence, .. } = change;
    suspects.retain(|suspect| {
        let same = |known: &&Observation| known.at == suspect.at && known.id == suspect.id;
        let known = stored.iter().chain(evidence.iter()).filter(same);
        !known.into_iter().any(|known| place(known) <= place(suspect))
    });
    (before - suspects.len()) as u64
}

fn place(seen: &Observation) -> (&PartitionId, &pegboard_model::Position) {
    (&seen.order.partition, &seen.order.position)
}

/// How far back new evidence can change a timeline: to the evidence before the oldest of it.
fn reach(evidence: &[Observation], new: &[Observation]) -> Timestamp {
    let oldest = new.iter().map(|seen| seen.at).min().unwrap_or(Timestamp::MAX);
    let before = evidence.iter().map(|seen| seen.at).filter(|at| *at < oldest);
    before.max().unwrap_or(Timestamp::MIN)
}

/// The write that turns the stored segments into the derived ones, from `floor` on; nothing if they are alike there.
fn rewritten(
    agent: &AgentId,
    stored: &[Segment],
    derived: &[Segment],
    floor: Timestamp,
) -> Option<SegmentsWrite> {
    let reaches = |segment: &&Segment| segment.end.is_none_or(|end| end > floor);
    let clipped = |segment: &Segment| Segment { start: segment.start.max(floor), ..segment.clone() };
    let stored: Vec<Segment> = stored.iter().filter(reaches).map(clipped).collect();
    let derived: Vec<Segment> = derived.iter().filter(reaches).map(clipped).collect();
    let alike = stored.iter().zip(&derived).take_while(|(stored, derived)| stored == derived).count();
    let starts = [stored.get(alike), derived.get(alike)].into_iter().flatten().map(|segment| segment.start);
    let from = starts.min()?;
    let first = derived.partition_point(|segment| segment.start < from);
    Some(SegmentsWrite { agent: agent.clone(), from, segments: derived[first..].to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(start: i64, end: Option<i64>, class: Class) -> Segment {
        let state = State {
            class,
            status: None,
            contact: None,
            signed_out: false,
            profile: std::sync::Arc::default(),
        };
        Segment {
            start: Timestamp::from_millis(start),
            end: end.map(Timestamp::from_millis),
            state,
            mark: None,
        }
    }

    #[test]
    fn only_what_differs_is_written() {
        let agent = AgentId::from("a");
        let stored = [segment(0, Some(5), Class::Aux), segment(5, None, Class::Talk)];
        assert!(rewritten(&agent, &stored, &stored, Timestamp::MIN).is_none());
        let derived =
            [segment(0, Some(5), Class::Aux), segment(5, Some(8), Class::Talk), segment(8, None, Class::Acw)];
        let write = rewritten(&agent, &stored, &derived, Timestamp::MIN).expect("differs");
        assert_eq!((write.from, write.segments.len()), (Timestamp::from_millis(5), 2));
    }
}
