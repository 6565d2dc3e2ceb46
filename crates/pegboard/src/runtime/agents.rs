//! The agents of a source in memory, and what a batch changes about them.
//!
//! Nothing changes here before the store has committed: a batch is staged on copies, and only a committed one is
//! [accepted](Agents::accept).

mod silences;
mod stored;

use std::collections::{BTreeMap, HashMap};

use pegboard_engine::evidence::arrange;
use pegboard_engine::track::Arrival;
use pegboard_engine::{Pool, Timeline, TimelinePolicy, Track};
use pegboard_model::{
    AgentId, AgentNow, Class, Millis, Observation, PartitionId, Position, Segment, SourceName, State,
    Timestamp,
};
use pegboard_store::{AgentWrite, DirtyMark, SegmentsWrite, Store, StoreError};

use self::silences::Silences;
use super::key_length::check_observation;
use super::reconcile::judge::Floor;

/// One agent, as the engine and as readers see it. There may be a million of them.
#[derive(Debug, Clone, Default)]
struct Agent {
    track: Track,
    /// What readers see, where it is not what the track says.
    told: Option<Box<AgentNow>>,
    /// The class that silence has put over the lasting state, if it has.
    silent: Option<Class>,
    /// Up to when old evidence was last folded into a base.
    folded: Option<Timestamp>,
    /// The stored version that this is; 0 while it is not stored.
    version: u64,
}

impl Agent {
    /// What readers see.
    fn now(&self, source: &SourceName, agent: &AgentId) -> AgentNow {
        let told = self.told.as_deref().cloned();
        told.or_else(|| present(source, agent, &self.track)).unwrap_or_else(|| nobody(source, agent))
    }

    /// Whether he is signed out and was not heard of since `before`.
    fn has_left(&self, before: Timestamp) -> bool {
        let lasting = || self.track.current().map(|(_, state)| state.class);
        self.track.last_at().is_some_and(|last| last < before)
            && self.silent.or_else(lasting) == Some(Class::SignedOut)
    }

    /// Keeps what readers see.
    fn set_now(&mut self, source: &SourceName, now: AgentNow) {
        let heard = present(source, &now.agent_id, &self.track);
        self.told = (heard.as_ref() != Some(&now)).then(|| Box::new(now));
    }
}

/// All agents of a source.
#[derive(Debug)]
pub struct Agents {
    source: SourceName,
    policy: TimelinePolicy,
    /// Boxed: a table that grows has room for twice as many.
    known: HashMap<AgentId, Box<Agent>>,
    /// When silence concerns them next.
    silences: Silences,
    /// What they have in common.
    pool: Pool,
}

/// What a batch changes about one agent.
#[derive(Debug)]
struct Change {
    agent: Agent,
    /// What readers see.
    now: AgentNow,
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
    fn none(agent: Agent, now: AgentNow) -> Self {
        Self {
            agent,
            now,
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
        if now != self.now {
            self.now = now.clone();
            self.states.push(now);
        }
    }
}

/// What a batch changes.
#[derive(Debug, Default)]
pub struct Staged {
    /// By agent, so that they are told in the same order whenever the same happens.
    changes: BTreeMap<AgentId, Change>,
    /// Events that had been seen before.
    pub duplicates: u64,
    /// Events that were new.
    pub events: u64,
    /// Where events stood that are older than the evidence that is kept of their agent.
    pub too_late: Vec<Position>,
    /// Whether an agent has fallen silent.
    pub silence: bool,
}

impl Staged {
    /// Adds what is staged of other agents.
    pub fn add_others(&mut self, others: Self) {
        self.silence |= others.silence;
        self.changes.extend(others.changes);
    }
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
    /// A source without agents.
    pub fn new(source: SourceName, policy: TimelinePolicy) -> Self {
        Self { source, policy, known: HashMap::new(), silences: Silences::default(), pool: Pool::default() }
    }

    /// What shapes their timelines.
    pub fn policy(&self) -> TimelinePolicy {
        self.policy
    }

    /// Every agent's track, as it was last committed.
    pub fn floor(&self) -> Floor<'_> {
        self.known.iter().map(|(agent, known)| (agent, &known.track)).collect()
    }

    /// Those of whom nothing has been heard for so long that nobody knows what they are in.
    pub fn silent(&self) -> Vec<AgentId> {
        let is_silent = |known: &Agent| known.silent == Some(Class::Unknown);
        self.known.iter().filter(|(_, known)| is_silent(known)).map(|(agent, _)| agent.clone()).collect()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.known.len()
    }

    /// Stages one observation. Fails with the reason if it can never be stored: it would fail its whole batch.
    pub fn stage(&self, seen: Observation, staged: &mut Staged) -> Result<(), String> {
        check_observation(&seen)?;
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
        Ok(())
    }

    fn change<'s>(&self, seen: &Observation, staged: &'s mut Staged) -> &'s mut Change {
        staged.changes.entry(seen.agent.clone()).or_insert_with(|| {
            let agent = self.known.get(&seen.agent).map_or_else(Agent::default, |known| (**known).clone());
            let now = agent.now(&self.source, &seen.agent);
            Change::none(agent, now)
        })
    }

    /// Applies an observation that comes after all others of its agent.
    fn apply_next(&self, seen: &Observation, change: &mut Change) {
        let lasting = change.agent.track.current().map(|(start, _)| start);
        let mut closed: Vec<Segment> = Vec::new();
        let track = &mut change.agent.track;
        // Behind an end that was told the lasting state is cut like by any other: it took time.
        let passes_silence = track.told_end().is_none()
            && track.last_at().is_some_and(|last| self.is_silence(seen.at.since(last)));
        let changed = track.apply(seen, &self.policy, &mut |segment| closed.push(segment));
        if change.agent.silent.is_some() || (changed && passes_silence) {
            // Silence was written over the lasting state, or takes the place of it now: what stands in the store is not
            // what the track thinks.
            change.late = true;
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
        let agent = seen.agent.clone();
        change.segments.push(SegmentsWrite { agent, from, segments, until: None, keep_mark: false });
        extend(&mut change.dirty, from, seen.at);
        self.tell_present(change);
    }

    /// Tells readers of the lasting state.
    fn tell_present(&self, change: &mut Change) {
        if let Some(now) = present(&self.source, &change.now.agent_id, &change.agent.track) {
            change.tell(now);
        }
    }

    fn is_silence(&self, gap: Millis) -> bool {
        self.policy.silence.is_some_and(|silence| gap >= silence.stale_after)
    }

    /// Derives again what late evidence touches, with what the store has.
    pub async fn settle(&self, staged: &mut Staged, store: &dyn Store) -> Result<(), StoreError> {
        let Staged { changes, duplicates, events, too_late, .. } = staged;
        let unsettled = changes.iter_mut().filter(|(_, change)| change.late || !change.suspects.is_empty());
        for (agent, change) in unsettled {
            let base = self.base(agent, store).await?;
            let stored = store.evidence(&self.source, agent, Timestamp::MIN).await?;
            // First, since a copy of what is refused is refused as well: nothing has counted it.
            let refused = drop_too_late(change, base.last_at());
            let seen_before = drop_copies(change, &stored);
            *duplicates += seen_before;
            *events -= seen_before + refused.len() as u64;
            too_late.extend(refused);
            if !change.late && change.suspects.is_empty() {
                continue;
            }
            change.late = true;
            change.evidence.append(&mut change.suspects);
            self.rewrite(agent, change, base, stored, store).await?;
        }
        Ok(())
    }

    /// The track that stands for the evidence of an agent that is no longer kept.
    async fn base(&self, agent: &AgentId, store: &dyn Store) -> Result<Track, StoreError> {
        let base = store.base(&self.source, agent).await?;
        base.map_or_else(|| Ok(Track::default()), |base| read_track(&self.source, agent, &base))
    }

    /// Derives one agent's timeline again, from `base` and all evidence after it, and stages what differs from the
    /// stored one.
    async fn rewrite(
        &self,
        agent: &AgentId,
        change: &mut Change,
        base: Track,
        mut evidence: Vec<Observation>,
        store: &dyn Store,
    ) -> Result<(), StoreError> {
        let floor = base.last_at().unwrap_or(Timestamp::MIN);
        evidence.extend(change.evidence.iter().cloned());
        tracing::debug!(agent.id = %agent, evidence = evidence.len(), "deriving again from evidence");
        let derived = Timeline::derive_from(base, agent.clone(), evidence, &self.policy);
        let Some((timeline, track)) = derived else { return Ok(()) };
        let stored = store.segments(&self.source, Some(agent), floor, Timestamp::MAX).await?;
        let before: Vec<Segment> = stored.into_iter().map(|(_, segment)| segment).collect();
        change.agent.track = track;
        change.agent.silent = None;
        change.segments = rewritten(agent, &before, &timeline.segments, floor).into_iter().collect();
        if let Some(rewrite) = change.segments.first() {
            let until = change.agent.track.last_at().unwrap_or(rewrite.from);
            extend(&mut change.dirty, rewrite.from.max(floor), until);
        }
        Ok(())
    }

    /// Agents whose evidence reaches back more than `kept` behind their last, with the instant up to which it may be
    /// folded; those alone whose last partition is `own`. Each is named again only after it has gone on for a quarter of
    /// that time.
    pub fn due_for_folding(
        &mut self,
        kept: Millis,
        own: impl Fn(&PartitionId) -> bool,
    ) -> Vec<(AgentId, Timestamp)> {
        let pause = Millis::new(kept.get() / 4);
        let mut due = Vec::new();
        for (agent, known) in &mut self.known {
            if !known.track.last_partition().is_some_and(&own) {
                continue;
            }
            let (Some(last), Some(begins)) = (known.track.last_at(), known.track.begins()) else { continue };
            let until = last - kept;
            let folded = known.folded.unwrap_or(begins.at);
            if until.since(folded) >= pause {
                known.folded = Some(until);
                due.push((agent.clone(), until));
            }
        }
        due.sort_unstable();
        due
    }

    /// Agents who are signed out and were not heard of since `before`, as many as `most`, with their versions.
    pub fn due_for_leaving(&self, before: Timestamp, most: usize) -> Vec<(AgentId, u64)> {
        let due = self.known.iter().filter(|(_, known)| known.has_left(before));
        due.map(|(agent, known)| (agent.clone(), known.version)).take(most).collect()
    }

    /// Forgets agents. Who is still stored is read again when he is heard of.
    pub fn forget(&mut self, agents: &[AgentId]) {
        for agent in agents {
            if let Some(known) = self.known.remove(agent) {
                self.silences.remove(agent, &known, &self.policy);
            }
        }
    }

    /// Keeps an agent as he is now.
    fn keep(&mut self, agent: AgentId, known: Agent) {
        if let Some(before) = self.known.get(&agent) {
            self.silences.remove(&agent, before, &self.policy);
        }
        self.silences.add(&agent, &known, &self.policy);
        self.known.insert(agent, Box::new(known));
    }

    /// Forgets all who are signed out and were not heard of since `before`. Silence does not concern them any more.
    pub fn forget_unheard(&mut self, before: Timestamp) {
        self.known.retain(|_, known| !known.has_left(before));
    }

    /// Folds the evidence of an agent up to and with `until` into its base, so that it need not be kept. Fails with
    /// [`StoreError::AgentMoved`] if somebody else has written the agent meanwhile.
    pub async fn fold(
        &mut self,
        agent: &AgentId,
        until: Timestamp,
        store: &dyn Store,
    ) -> Result<(), StoreError> {
        let Some(version) = self.known.get(agent).map(|known| known.version) else { return Ok(()) };
        let mut evidence = store.evidence(&self.source, agent, Timestamp::MIN).await?;
        evidence.retain(|seen| seen.at <= until);
        let mut base = self.base(agent, store).await?;
        arrange(&mut evidence);
        for seen in &evidence {
            base.apply(seen, &self.policy, &mut |_| ());
        }
        let (false, Some(last)) = (evidence.is_empty(), base.last_at()) else { return Ok(()) };
        store.rebase(&self.source, agent, version, last, write_track(&base)?).await?;
        if let Some(known) = self.known.get_mut(agent) {
            known.version += 1;
        }
        Ok(())
    }

    /// Stages what silence changes about agents that this batch changes anyway. `complete` says up to when a partition is
    /// complete.
    pub fn stage_silence_of_changed(
        &self,
        complete: impl Fn(&PartitionId) -> Option<Timestamp>,
        staged: &mut Staged,
    ) {
        for change in staged.changes.values_mut() {
            if let Some(silence) = self.new_silence(&change.agent, &complete) {
                staged.silence = true;
                self.fall_silent(change, silence);
            }
        }
    }

    /// Stages what silence changes about agents that a batch does not change, `most` of them at most; answers whether there
    /// are more. `complete` says up to when a partition is complete, if the batch is to tell so.
    pub fn silence_of_others(
        &self,
        complete: impl Fn(&PartitionId) -> Option<Timestamp>,
        changed: &Staged,
        most: usize,
    ) -> (Staged, bool) {
        let mut silent = Staged::default();
        for agent in self.silences.due(&complete) {
            let Some(known) = self.known.get(agent).filter(|_| !changed.changes.contains_key(agent)) else {
                continue;
            };
            let Some(silence) = self.new_silence(known, &complete) else { continue };
            if silent.changes.len() == most {
                return (silent, true);
            }
            let mut change = Change::none((**known).clone(), known.now(&self.source, agent));
            self.fall_silent(&mut change, silence);
            silent.silence = true;
            silent.changes.insert(agent.clone(), change);
        }
        (silent, false)
    }

    /// The segments that silence puts over an agent's lasting state, if they are not there yet.
    fn new_silence(
        &self,
        agent: &Agent,
        complete: impl Fn(&PartitionId) -> Option<Timestamp>,
    ) -> Option<Vec<Segment>> {
        if agent.silent == Some(Class::SignedOut) {
            return None;
        }
        let watermark = complete(agent.track.last_partition()?)?;
        let silence = agent.track.silence_until(watermark, &self.policy);
        let class = silence.last()?.state.class;
        (agent.silent != Some(class)).then_some(silence)
    }

    fn fall_silent(&self, change: &mut Change, silence: Vec<Segment>) {
        let heard = change.agent.track.silence(&self.policy);
        let (Some(last), Some((from, _))) = (silence.last(), heard) else { return };
        let (start, class) = (last.start, last.state.class);
        let agent = change.now.agent_id.clone();
        let now = AgentNow::new(&self.source, &agent, start, &last.state, change.agent.track.profile());
        change.tell(now);
        change.agent.silent = Some(class);
        let segments = silence.into_iter().filter(|segment| segment.start >= from).collect();
        // The lasting state may have begun with a sign-in at its last evidence.
        change.segments.push(SegmentsWrite { agent, from, segments, until: None, keep_mark: true });
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

    /// What the staged batch writes.
    pub fn writes(&self, staged: &Staged) -> Result<AgentWrites, StoreError> {
        let mut writes = AgentWrites::default();
        for (agent, change) in &staged.changes {
            let Some(heard) = change.agent.track.last_at() else { continue };
            let track = write_track(&change.agent.track)?;
            let now = change.now.clone();
            let begins = change.agent.track.begins().map(|begins| (begins.at, begins.before));
            let version = change.agent.version;
            writes.agents.push(AgentWrite { agent: agent.clone(), track, now, heard, begins, version });
            writes.evidence.extend(change.evidence.iter().cloned());
            writes.segments.extend(change.segments.iter().cloned());
            writes.states.extend(change.states.iter().cloned());
            let changed = change.dirty.map(|(from, to)| DirtyMark { agent: Some(agent.clone()), from, to });
            writes.dirty.extend(changed);
        }
        Ok(writes)
    }

    /// Takes over what was committed.
    pub fn accept(&mut self, staged: Staged) {
        for (agent, Change { agent: mut changed, now, late, .. }) in staged.changes {
            changed.version += 1;
            changed.set_now(&self.source, now);
            if late {
                // It was derived from what the store has, which is a copy of everything.
                changed.track.share(&mut self.pool);
            }
            self.keep(agent, changed);
        }
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

/// Takes suspects that have been seen before for what they are; answers how many those were. Of copies the one that
/// stands earliest in its stream counts: it stays even if another was stored.
fn drop_copies(change: &mut Change, stored: &[Observation]) -> u64 {
    let before = change.suspects.len();
    let Change { suspects, evidence, .. } = change;
    suspects.sort_by(|a, b| (a.at, &a.id, place(a)).cmp(&(b.at, &b.id, place(b))));
    suspects.dedup_by(|copy, first| (copy.at, &copy.id) == (first.at, &first.id));
    let mut copies = before - suspects.len();
    suspects.retain(|suspect| {
        let same = |known: &&Observation| known.at == suspect.at && known.id == suspect.id;
        let known = stored.iter().chain(evidence.iter()).filter(same).map(place).min();
        copies += usize::from(known.is_some());
        known.is_none_or(|known| place(suspect) < known)
    });
    copies as u64
}

fn place(seen: &Observation) -> (&PartitionId, &pegboard_model::Position) {
    (&seen.order.partition, &seen.order.position)
}

/// Removes suspects that the base has passed already; answers where they stood.
fn drop_too_late(change: &mut Change, base: Option<Timestamp>) -> Vec<Position> {
    let Some(base) = base else { return Vec::new() };
    let refused = change.suspects.extract_if(.., |suspect| suspect.at <= base);
    refused.map(|suspect| suspect.order.position).collect()
}

pub(super) fn read_track(source: &SourceName, agent: &AgentId, text: &str) -> Result<Track, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Damaged {
        what: "track of an agent",
        detail: format!("agent {agent} of source {source}: {error}"),
    })
}

fn write_track(track: &Track) -> Result<String, StoreError> {
    serde_json::to_string(track)
        .map_err(|error| StoreError::Damaged { what: "track of an agent", detail: error.to_string() })
}

/// The write that turns the stored segments into the derived ones, of which those from `floor` on are compared; nothing if
/// they are alike there.
fn rewritten(
    agent: &AgentId,
    stored: &[Segment],
    derived: &[Segment],
    floor: Timestamp,
) -> Option<SegmentsWrite> {
    let reaches = |segment: &&Segment| segment.end.is_none_or(|end| end > floor);
    let clipped = |segment: &Segment| Segment { start: segment.start.max(floor), ..segment.clone() };
    let mut stored = stored.iter().filter(reaches).map(clipped).peekable();
    let mut derived = derived.iter().filter(reaches).peekable();
    let mut last_mark = None;
    while let (Some(known), Some(&now)) = (stored.peek(), derived.peek())
        && *known == clipped(now)
    {
        last_mark = now.mark.map(|_| now.start);
        stored.next();
        derived.next();
    }
    // A segment that began before the floor is written whole again, so that it stays one.
    let starts = [stored.peek().map(|known| known.start), derived.peek().map(|now| now.start)];
    let from = starts.into_iter().flatten().min()?;
    let segments = derived.cloned().collect();
    let keep_mark = from <= floor || last_mark == Some(from);
    Some(SegmentsWrite { agent: agent.clone(), from, segments, until: None, keep_mark })
}

#[cfg(test)]
mod tests;
