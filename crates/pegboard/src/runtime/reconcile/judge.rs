//! What a platform shows, weighed against what stands. Pure, but for what it remembers of earlier looks.
//!
//! The stream and the platform's own snapshot are two mouths of one platform, and neither is up to the second. So a
//! difference is believed at once only where the platform itself dates it after all that was heard; any other must
//! be seen twice, with a pause between and nothing heard meanwhile. Where the stream insists, the stream is right.

use std::collections::{BTreeMap, HashMap, HashSet};

use pegboard_connect::spec::{Look, SETTLE, Shown};
use pegboard_engine::{TimelinePolicy, Track};
use pegboard_model::{
    AgentContact, AgentId, Class, ContactPhase, EventId, Millis, Observation, Order, Position, Snapshot,
    State, StatusKind, Timestamp, What,
};

use super::lane;
use crate::runtime::view::Missed;

/// So many sign-outs at once are never too many: a small centre may close.
const SMALL_FLOOR: usize = 10;

/// What repairs make good, against the floor as it was before them.
pub fn missed(repairs: &[Observation], floor: &Floor<'_>) -> Missed {
    let mut missed = Missed::default();
    for repair in repairs {
        match repair.what {
            What::SignOut(_) => missed.signed_out += 1,
            _ if floor.get(&repair.agent).is_some_and(|track| is_in(track)) => missed.changed += 1,
            _ => missed.signed_in += 1,
        }
    }
    missed
}

/// Agents as they stand.
pub type Floor<'a> = BTreeMap<&'a AgentId, &'a Track>;

/// How far the stream has been read, and so what it may still tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// It is behind and stays so: a sign-out may still stand in it.
    Behind,
    /// It has been read up to the present.
    CaughtUp,
}

/// What a look came to.
#[derive(Debug, Default)]
pub struct Weighed {
    /// Evidence of what was missed.
    pub repairs: Vec<Observation>,
    /// Evidence that agents who were not heard of for long are still as they were.
    pub confirmations: Vec<Observation>,
    /// Agents to be looked at again after [`SETTLE`].
    pub suspects: Vec<AgentId>,
    /// Agents of whom the stream insists on something else.
    pub disputed: u64,
    /// So many sign-outs were not believed, because they are most of the agents who are signed in, of whom there are so
    /// many.
    pub refused: Option<(usize, usize)>,
}

/// Weighs one look after the other.
#[derive(Debug)]
pub struct Judge {
    policy: TimelinePolicy,
    shown_as_connected: &'static [ContactPhase],
    suspicions: HashMap<AgentId, Claim>,
    /// When agents were last repaired, until the stream has agreed.
    repaired: HashMap<AgentId, Timestamp>,
}

/// A difference that was seen once.
#[derive(Debug, Clone)]
struct Claim {
    evidence: Observation,
    /// What the agent would be in.
    state: State,
    /// The last that had been heard.
    heard: Timestamp,
}

enum Verdict {
    Agrees,
    Confirms(Observation),
    /// Something was heard just now: the answer may be older.
    TooFresh,
    Missed(Observation),
    Differs(Claim),
    Disputed,
}

impl Judge {
    /// A judge who has seen nothing yet. Phases in `shown_as_connected` look like [`ContactPhase::Connected`] to the
    /// platform.
    pub fn new(policy: TimelinePolicy, shown_as_connected: &'static [ContactPhase]) -> Self {
        Self { policy, shown_as_connected, suspicions: HashMap::new(), repaired: HashMap::new() }
    }

    /// Weighs a look at everybody, or at those who are `asked` for, against the floor.
    pub fn weigh(
        &mut self,
        look: &Look,
        asked: Option<&[AgentId]>,
        floor: &Floor<'_>,
        stream: Stream,
    ) -> Weighed {
        let mut weighed = Weighed::default();
        let mut sign_outs = Vec::new();
        for shown in &look.shown {
            let verdict = self.verdict_on_shown(shown, floor.get(&shown.agent).copied());
            self.take(&shown.agent, verdict, &mut weighed, &mut sign_outs);
        }
        if stream == Stream::CaughtUp {
            let shown = look.shown.iter().map(|shown| &shown.agent);
            let shown: HashSet<&AgentId> = shown.chain(&look.unclear).collect();
            let asked: Option<HashSet<&AgentId>> = asked.map(|asked| asked.iter().collect());
            let is_absent = |agent: &AgentId| {
                !shown.contains(agent) && asked.as_ref().is_none_or(|asked| asked.contains(agent))
            };
            for (agent, track) in floor.iter().filter(|(agent, _)| is_absent(agent)) {
                let verdict = self.verdict_on_absent(agent, look.began, track);
                self.take(agent, verdict, &mut weighed, &mut sign_outs);
            }
        }
        let signed_in = floor.values().filter(|track| is_in(track)).count();
        weighed.suspects = self.suspicions.keys().cloned().collect();
        weighed.suspects.sort();
        if sign_outs.len() > SMALL_FLOOR && sign_outs.len() * 2 > signed_in {
            weighed.refused = Some((sign_outs.len(), signed_in));
            self.suspicions.extend(sign_outs.into_iter().map(|claim| (claim.evidence.agent.clone(), claim)));
        } else {
            weighed.repairs.extend(sign_outs.into_iter().map(|claim| claim.evidence));
        }
        for repair in &weighed.repairs {
            self.repaired.insert(repair.agent.clone(), repair.at);
        }
        weighed
    }

    /// Puts a verdict where it belongs; a claim that was made before, of the same, becomes a repair.
    fn take(&mut self, agent: &AgentId, verdict: Verdict, weighed: &mut Weighed, sign_outs: &mut Vec<Claim>) {
        let before = self.suspicions.remove(agent);
        match verdict {
            Verdict::Agrees | Verdict::TooFresh => {}
            Verdict::Disputed => weighed.disputed += 1,
            Verdict::Confirms(evidence) => weighed.confirmations.push(evidence),
            Verdict::Missed(evidence) => weighed.repairs.push(evidence),
            Verdict::Differs(claim) => match before.filter(|before| before.stands_for(&claim)) {
                Some(before) if before.is_older_than(&claim, SETTLE) => match before.evidence.what {
                    What::SignOut(_) => sign_outs.push(before),
                    _ => weighed.repairs.push(before.evidence),
                },
                Some(before) => drop(self.suspicions.insert(agent.clone(), before)),
                None => drop(self.suspicions.insert(agent.clone(), claim)),
            },
        }
    }

    fn verdict_on_shown(&mut self, shown: &Shown, track: Option<&Track>) -> Verdict {
        let heard = track.and_then(|track| Some((track, track.last_at()?)));
        let Some((track, last)) = heard else {
            let is_out =
                shown.snapshot.status.kind == StatusKind::Offline && shown.snapshot.contacts.is_empty();
            let evidence = || evidence(&shown.agent, shown.at, What::Snapshot(shown.snapshot.clone()));
            return if is_out { Verdict::Agrees } else { Verdict::Missed(evidence()) };
        };
        if last > shown.at - SETTLE {
            return Verdict::TooFresh;
        }
        let snapshot = in_known_words(&shown.snapshot, track, self.shown_as_connected);
        let evidence = evidence(&shown.agent, shown.at, What::Snapshot(snapshot.clone()));
        let Some((start, state)) = self.difference(track, &evidence) else {
            self.note_agreement(&shown.agent, track);
            let is_due = is_in(track) && self.is_long(shown.at.since(last));
            let confirmed = Observation { what: What::Confirmation(snapshot), ..evidence };
            return if is_due { Verdict::Confirms(confirmed) } else { Verdict::Agrees };
        };
        if last < start && start <= shown.at - SETTLE {
            return Verdict::Missed(evidence);
        }
        if self.is_disputed(&shown.agent, track) {
            return Verdict::Disputed;
        }
        Verdict::Differs(Claim { evidence, state, heard: last })
    }

    fn verdict_on_absent(&mut self, agent: &AgentId, began: Timestamp, track: &Track) -> Verdict {
        let Some(last) = track.last_at().filter(|_| is_in(track)) else { return Verdict::Agrees };
        if last > began - SETTLE {
            return Verdict::TooFresh;
        }
        if self.policy.silence.is_some_and(|silence| began.since(last) >= silence.gone_after) {
            return Verdict::Agrees;
        }
        let evidence = evidence(agent, began, What::SignOut(None));
        match self.difference(track, &evidence) {
            None => Verdict::Agrees,
            Some(_) if self.is_disputed(agent, track) => Verdict::Disputed,
            Some((_, state)) => Verdict::Differs(Claim { evidence, state, heard: last }),
        }
    }

    /// What the agent would be in, and since when, if that is another state than what stands. Silence does not count.
    fn difference(&self, track: &Track, evidence: &Observation) -> Option<(Timestamp, State)> {
        let mut would_be = track.clone();
        let policy = TimelinePolicy { silence: None, ..self.policy };
        let changed = would_be.apply(evidence, &policy, &mut |_| ());
        would_be.current().filter(|_| changed).map(|(start, state)| (start, state.clone()))
    }

    /// Whether an agent who is signed in has been silent for half of what makes him unknown.
    fn is_long(&self, silence: Millis) -> bool {
        self.policy.silence.is_some_and(|limit| silence.get() * 2 >= limit.stale_after.get())
    }

    /// The stream has agreed with a repair.
    fn note_agreement(&mut self, agent: &AgentId, track: &Track) {
        if is_heard_by_stream(track) {
            self.repaired.remove(agent);
        }
    }

    /// Whether the stream has answered a repair with a state that it says is older than that: then it will do so again.
    fn is_disputed(&self, agent: &AgentId, track: &Track) -> bool {
        let reported = track.reported_start(self.policy.precedence);
        let insists = |repaired: &Timestamp| reported.is_some_and(|reported| reported <= *repaired);
        is_heard_by_stream(track) && self.repaired.get(agent).is_some_and(insists)
    }
}

impl Claim {
    fn stands_for(&self, again: &Self) -> bool {
        self.state == again.state && self.heard == again.heard
    }

    fn is_older_than(&self, again: &Self, pause: Millis) -> bool {
        again.evidence.at.since(self.evidence.at) >= pause
    }
}

/// Sorted before every event of its instant, which was made after it or tells the same. Its id is one among those of its
/// agent: it does not name him, whose own may be as long as an id can be.
fn evidence(agent: &AgentId, at: Timestamp, what: What) -> Observation {
    let millis = at.as_millis();
    Observation {
        agent: agent.clone(),
        at,
        order: Order { partition: lane(), position: Position::Number(millis.unsigned_abs()) },
        id: EventId::from(format!("#snapshot:{millis}").as_str()),
        what,
    }
}

fn is_in(track: &Track) -> bool {
    track.current().is_some_and(|(_, state)| state.class != Class::SignedOut)
}

fn is_heard_by_stream(track: &Track) -> bool {
    track.last_partition().is_some_and(|partition| *partition != lane())
}

/// The snapshot in the words that the stream has used for the same things: names and kinds are told by the stream, and
/// what is the same by its id must not seem to change because the platform's other mouth calls it something else.
fn in_known_words(shown: &Snapshot, track: &Track, shown_as_connected: &[ContactPhase]) -> Snapshot {
    let same_status = track.status().filter(|known| known.id.is_some() && known.id == shown.status.id);
    let in_known_words = |contact: &AgentContact| {
        let known = track.contacts().find(|known| known.id == contact.id);
        known.map_or_else(|| contact.clone(), |known| known_contact(contact, known, shown_as_connected))
    };
    Snapshot {
        status: same_status.unwrap_or(&shown.status).clone(),
        status_since: shown.status_since,
        contacts: shown.contacts.iter().map(in_known_words).collect(),
        profile: shown.profile.clone().filter(|_| track.profile().login.is_empty()),
    }
}

fn known_contact(
    shown: &AgentContact,
    known: &AgentContact,
    shown_as_connected: &[ContactPhase],
) -> AgentContact {
    let in_same_phase = shown.phase == known.phase
        || (shown.phase == ContactPhase::Connected && shown_as_connected.contains(&known.phase));
    if in_same_phase {
        return known.clone();
    }
    let in_known_queue = match (&shown.queue, &known.queue) {
        (Some(shown), Some(known)) => shown.id == known.id,
        (None, _) => true,
        (Some(_), None) => false,
    };
    let queue = if in_known_queue { known.queue.clone() } else { shown.queue.clone() };
    AgentContact {
        phase: shown.phase,
        phase_text: shown.phase_text.clone(),
        since: shown.since,
        queue,
        ..known.clone()
    }
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
