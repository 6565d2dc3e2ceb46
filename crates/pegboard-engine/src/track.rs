//! The fold: one observation at a time, from what is known of an agent to what is known next.

use std::sync::Arc;

use pegboard_model::policy::Precedence;
use pegboard_model::{
    AgentContact, AgentProfile, Class, ContactWork, EventId, Mark, Millis, Observation, Order, PartitionId,
    Segment, Snapshot, State, Status, StatusKind, Timestamp, What,
};
use serde::{Deserialize, Serialize};

use crate::contacts::{Contacts, is_outdated};
use crate::dominance::class_of;
use crate::evidence::by_place;
use crate::pool::Pool;

/// How far back the very first evidence of an agent may reach.
const FIRST_REACH: Millis = Millis::from_hours(24);

/// The named choices that shape a timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TimelinePolicy {
    /// Which of several contacts decides.
    pub precedence: Precedence,
    /// When silence means that nothing is known. Nothing for a bare replay and for sources without a heartbeat.
    pub silence: Option<Silence>,
}

/// When silence of a signed-in agent means that nothing is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Silence {
    /// After this time without evidence the agent is `unknown`, from the last evidence on.
    pub stale_after: Millis,
    /// After this time without evidence the agent is `signed_out`, from then on.
    pub gone_after: Millis,
}

impl Default for Silence {
    fn default() -> Self {
        Self { stale_after: Millis::from_minutes(5), gone_after: Millis::from_hours(12) }
    }
}

/// What is known of one agent after some evidence: all that the next observation needs.
///
/// It can be stored and loaded at any point; the fold goes on as if it had never stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Track {
    last: Option<Instant>,
    begins: Option<Beginning>,
    signed_out: bool,
    status: Option<StatusNow>,
    status_version: Option<u64>,
    contacts: Contacts,
    profile: Arc<AgentProfile>,
    previous: Option<Previous>,
    current: Option<Current>,
    /// The end of what lasts, where it was told with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
}

/// The events of the latest instant: their ids tell duplicates, their places tell order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Instant {
    at: Timestamp,
    events: Vec<(Order, EventId)>,
}

/// Where a timeline begins, and what stands before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beginning {
    /// The start of the first segment.
    pub at: Timestamp,
    /// What the agent was before: `unknown`, or `signed_out` where the first evidence is a sign-in.
    pub before: Class,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct StatusNow {
    status: Arc<Status>,
    reported: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Current {
    start: Timestamp,
    state: State,
}

/// What stands right before the lasting state. While no time has passed in that, another event of the same instant
/// may bring the one before back, or change what a sign-in led to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Previous {
    State(Current),
    SignIn,
}

/// How an observation relates to what a [`Track`] has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// It comes after everything seen: apply it.
    Next,
    /// It was seen before: nothing to do.
    Duplicate,
    /// It belongs before something already seen, or is the copy of it that counts: derive again from the evidence.
    Late,
}

/// What decides the state after an observation.
struct Decision<'a> {
    class: Class,
    contact: Option<&'a AgentContact>,
    /// The start that the platform reports for the deciding element.
    reported: Option<Timestamp>,
}

impl Track {
    /// Whether `seen` can simply be applied.
    pub fn arrival(&self, seen: &Observation) -> Arrival {
        let Some(last) = &self.last else { return Arrival::Next };
        if seen.at > last.at {
            return Arrival::Next;
        }
        if seen.at < last.at {
            return Arrival::Late;
        }
        if let Some((known, _)) = last.events.iter().find(|(_, id)| *id == seen.id) {
            let counts = by_place(&seen.order, known).is_lt();
            return if counts { Arrival::Late } else { Arrival::Duplicate };
        }
        let follows = |(order, _): &(Order, EventId)| {
            order.partition == seen.order.partition && order.position < seen.order.position
        };
        if last.events.iter().all(follows) { Arrival::Next } else { Arrival::Late }
    }

    /// Takes one observation that comes after everything seen. Segments that it closes are handed to `closed`
    /// in order; the one that lasts is [`Track::current`]. Answers whether anything of the timeline changed.
    ///
    /// An instant may hold several events, and no time is spent in what lies between them. If such an event takes back
    /// what an earlier one of its instant did, what was handed out is replaced: [`crate::timeline::append`] says how.
    pub fn apply(
        &mut self,
        seen: &Observation,
        policy: &TimelinePolicy,
        closed: &mut impl FnMut(Segment),
    ) -> bool {
        let before = self.last_at();
        let silent = self.silent_at(seen.at, policy);
        let heard = silent.map(|(from, _)| from).or(before);
        self.note(seen);
        let after_event = |start: &Timestamp| heard.is_none_or(|heard| *start > heard) && *start < seen.at;
        self.take(seen, &after_event);
        let reported = self.decide(policy.precedence).reported;
        let start = match before {
            Some(_) => reported.filter(after_event).unwrap_or(seen.at),
            None => reported.unwrap_or(seen.at).clamp(seen.at - FIRST_REACH, seen.at),
        };
        let signs_in = matches!(seen.what, What::SignIn(_));
        if before.is_none() {
            let before = if signs_in { Class::SignedOut } else { Class::Unknown };
            self.begins = Some(Beginning { at: start, before });
        }
        let decision = self.decide(policy.precedence);
        let unchanged = silent.is_none()
            && self.current.as_ref().is_some_and(|current| self.matches(&decision, &current.state));
        if unchanged && !signs_in {
            return false;
        }
        let state = self.state_of(&decision);
        if !unchanged {
            if let Some((from, silence)) = silent {
                self.pass_silence(from, start, silence, closed);
            }
            self.turn_to(start, state.clone(), closed);
        }
        if signs_in {
            self.mark_sign_in(seen.at, state, closed);
        }
        true
    }

    /// The state that lasts, and since when. Silence is not looked at: see [`Track::silence_until`].
    pub fn current(&self) -> Option<(Timestamp, &State)> {
        self.current.as_ref().map(|current| (current.start, &current.state))
    }

    /// The lasting state as an open segment.
    pub fn open_segment(&self) -> Option<Segment> {
        let current = self.current.as_ref()?;
        Some(Segment { start: current.start, end: None, state: current.state.clone(), mark: None })
    }

    /// The instant of the last evidence.
    pub fn last_at(&self) -> Option<Timestamp> {
        self.last.as_ref().map(|last| last.at)
    }

    /// The partition of the last evidence.
    pub fn last_partition(&self) -> Option<&PartitionId> {
        let (order, _) = self.last.as_ref()?.events.last()?;
        Some(&order.partition)
    }

    /// Where the timeline begins.
    pub fn begins(&self) -> Option<Beginning> {
        self.begins
    }

    /// The last known status.
    pub fn status(&self) -> Option<&Arc<Status>> {
        self.status.as_ref().map(|now| &now.status)
    }

    /// The contacts that the agent has.
    pub fn contacts(&self) -> impl Iterator<Item = &AgentContact> {
        self.contacts.iter()
    }

    /// Since when the element that decides has been as it is, as the platform says.
    pub fn reported_start(&self, precedence: Precedence) -> Option<Timestamp> {
        self.decide(precedence).reported
    }

    /// The last known profile.
    pub fn profile(&self) -> &Arc<AgentProfile> {
        &self.profile
    }

    /// Keeps one copy, with those of other agents, of what this track names. It means the same afterwards.
    pub fn share(&mut self, pool: &mut Pool) {
        pool.bound();
        if let Some(last) = &mut self.last {
            last.events.shrink_to_fit();
            last.events.iter_mut().for_each(|(order, _)| pool.partition(&mut order.partition));
        }
        if let Some(now) = &mut self.status {
            pool.status(&mut now.status);
        }
        self.contacts.share(pool);
        let previous = match &mut self.previous {
            Some(Previous::State(previous)) => Some(&mut previous.state),
            Some(Previous::SignIn) | None => None,
        };
        let current = self.current.as_mut().map(|current| &mut current.state);
        pool.profile(&mut self.profile);
        let mut known = &self.profile;
        for state in current.into_iter().chain(previous) {
            pool.state(state);
            if state.profile == *known {
                state.profile.clone_from(known);
            } else {
                pool.profile(&mut state.profile);
            }
            known = &state.profile;
        }
    }

    /// The segments that replace the lasting one, if by `watermark` the agent has been silent for too long; the
    /// last of them is open. Empty where the lasting segment stands. Nothing before the lasting one is touched.
    pub fn silence_until(&self, watermark: Timestamp, policy: &TimelinePolicy) -> Vec<Segment> {
        let Some((from, silence)) = self.silent_at(watermark, policy) else { return Vec::new() };
        let mut silent = Self { previous: None, ..self.clone() };
        let mut segments = Vec::new();
        silent.pass_silence(from, watermark, silence, &mut |segment| segments.push(segment));
        segments.extend(silent.open_segment());
        segments
    }

    /// Up to when what lasts is known, and what it means to hear nothing after that: at once where the end was told with it,
    /// otherwise by the policy. Nothing where what lasts is known until something else is told.
    pub fn silence(&self, policy: &TimelinePolicy) -> Option<(Timestamp, Silence)> {
        match self.until {
            Some(until) => {
                Some((until, Silence { stale_after: Millis::ZERO, ..policy.silence.unwrap_or_default() }))
            }
            None => self.last_at().zip(policy.silence),
        }
    }

    /// The end of what lasts, where it was told with it.
    pub fn told_end(&self) -> Option<Timestamp> {
        self.until
    }

    fn note(&mut self, seen: &Observation) {
        let event = || (seen.order.clone(), seen.id.clone());
        match &mut self.last {
            Some(last) if last.at == seen.at => last.events.push(event()),
            Some(last) => {
                last.at = seen.at;
                last.events.truncate(1);
                match &mut last.events[..] {
                    // Keeps the name of the partition, which all threads share and nearly all events have.
                    [(order, id)] if order.partition == seen.order.partition => {
                        order.position.clone_from(&seen.order.position);
                        id.clone_from(&seen.id);
                    }
                    _ => last.events = vec![event()],
                }
            }
            None => self.last = Some(Instant { at: seen.at, events: vec![event()] }),
        }
    }

    /// Takes in what the observation says. `plausible` tells whether a reported start lies between the event
    /// before and this one.
    fn take(&mut self, seen: &Observation, plausible: &impl Fn(&Timestamp) -> bool) {
        self.until = None;
        match &seen.what {
            What::SignIn(snapshot) => self.take_snapshot(snapshot, seen.at, plausible),
            What::Activity { snapshot, until } => {
                self.take_snapshot(snapshot, seen.at, plausible);
                self.until = Some(*until).filter(|until| *until > seen.at);
            }
            What::Snapshot(snapshot) => {
                if self.signed_out && shows_nobody(snapshot) {
                    self.take_profile(snapshot.profile.as_ref());
                } else {
                    self.take_snapshot(snapshot, seen.at, plausible);
                }
            }
            What::Confirmation(snapshot) => {
                if !self.signed_out {
                    self.take_snapshot(snapshot, seen.at, plausible);
                }
            }
            What::SignOut(snapshot) => {
                if let Some(snapshot) = snapshot {
                    self.take_status(&snapshot.status, None);
                    self.take_profile(snapshot.profile.as_ref());
                }
                self.contacts.clear();
                self.signed_out = true;
            }
            What::Status { status, since, version, profile } => {
                if is_outdated(*version, self.status_version) {
                    return;
                }
                self.status_version = version.or(self.status_version);
                if !(self.signed_out && status.kind == StatusKind::Offline) {
                    self.signed_out = false;
                    self.take_status(status, *since);
                }
                self.take_profile(profile.as_ref());
            }
            What::Contact { contact, version } => {
                let first = self.current.is_none();
                let started = |contact: &AgentContact| phase_start(contact, seen.at, first, plausible);
                if self.contacts.take(contact, *version, started) && !contact.monitored {
                    self.signed_out = false;
                }
            }
            What::ContactGone { contact, version } => self.contacts.lose(contact, *version),
        }
    }

    fn take_snapshot(&mut self, snapshot: &Snapshot, at: Timestamp, plausible: &impl Fn(&Timestamp) -> bool) {
        self.signed_out = false;
        self.take_status(&snapshot.status, snapshot.status_since);
        self.take_profile(snapshot.profile.as_ref());
        let first = self.current.is_none();
        self.contacts.replace(&snapshot.contacts, |contact| phase_start(contact, at, first, plausible));
    }

    fn take_status(&mut self, status: &Arc<Status>, reported: Option<Timestamp>) {
        self.status = Some(StatusNow { status: status.clone(), reported });
    }

    fn take_profile(&mut self, profile: Option<&Arc<AgentProfile>>) {
        if let Some(profile) = profile
            && !Arc::ptr_eq(profile, &self.profile)
        {
            self.profile = profile.clone();
        }
    }

    fn decide(&self, precedence: Precedence) -> Decision<'_> {
        if self.signed_out {
            return Decision { class: Class::SignedOut, contact: None, reported: None };
        }
        if let Some(contact) = self.contacts.dominant(precedence) {
            let class = class_of(contact.phase);
            return Decision { class, contact: Some(contact), reported: contact.since };
        }
        let Some(now) = &self.status else {
            return Decision { class: Class::Unknown, contact: None, reported: None };
        };
        let class = match now.status.kind {
            StatusKind::Routable => Class::Available,
            StatusKind::Aux => Class::Aux,
            StatusKind::Offline => Class::SignedOut,
        };
        Decision { class, contact: None, reported: now.reported }
    }

    /// Whether the decision is the very state that lasts; compares before anything is cloned, because most
    /// evidence changes nothing.
    fn matches(&self, decision: &Decision<'_>, state: &State) -> bool {
        let same_status = match (&self.status, &state.status) {
            (Some(now), Some(known)) => Arc::ptr_eq(&now.status, known) || now.status == *known,
            (None, None) => true,
            _ => false,
        };
        let same_contact = match (decision.contact, &state.contact) {
            (Some(contact), Some(known)) => {
                contact.id == known.id
                    && contact.queue == known.queue
                    && contact.phase_text == known.phase_text
                    && contact.initiation == known.initiation
                    && contact.channel == known.channel
            }
            (None, None) => true,
            _ => false,
        };
        decision.class == state.class
            && self.signed_out == state.signed_out
            && same_status
            && same_contact
            && (Arc::ptr_eq(&self.profile, &state.profile) || self.profile.same_groups(&state.profile))
    }

    fn state_of(&self, decision: &Decision<'_>) -> State {
        State {
            class: decision.class,
            status: self.status.as_ref().map(|now| now.status.clone()),
            contact: decision.contact.map(work_of),
            signed_out: self.signed_out,
            profile: self.profile.clone(),
        }
    }

    /// From when on, and by which rule, nobody knows at `at` what the agent is in.
    fn silent_at(&self, at: Timestamp, policy: &TimelinePolicy) -> Option<(Timestamp, Silence)> {
        let is_in = self.current.as_ref().is_some_and(|current| current.state.class != Class::SignedOut);
        let is_over = |(from, silence): &(Timestamp, Silence)| {
            let gap = at.since(*from);
            is_in && gap > Millis::ZERO && gap >= silence.stale_after
        };
        self.silence(policy).filter(is_over)
    }

    /// Fills the time from the last evidence to `until` with `unknown`, and with `signed_out` after that.
    fn pass_silence(
        &mut self,
        last: Timestamp,
        until: Timestamp,
        silence: Silence,
        closed: &mut impl FnMut(Segment),
    ) {
        // The profile is that of before: what the next evidence says of the team counts from then on.
        let profile = self.current.as_ref().map_or(&self.profile, |current| &current.state.profile);
        let nobody =
            |class| State { class, status: None, contact: None, signed_out: false, profile: profile.clone() };
        let (unknown, gone) = (nobody(Class::Unknown), nobody(Class::SignedOut));
        // A sign-in mark keeps what the sign-in told, even if nothing was heard afterwards.
        self.previous.take_if(|previous| *previous == Previous::SignIn);
        self.turn_to(last, unknown, closed);
        if until.since(last) >= silence.gone_after {
            self.turn_to(last + silence.gone_after, gone, closed);
        }
    }

    /// From `start` on the agent is in `state`.
    fn turn_to(&mut self, start: Timestamp, state: State, closed: &mut impl FnMut(Segment)) {
        if self.current.as_ref().is_none_or(|current| !current.state.same(&state)) {
            self.open(start, state, closed);
        }
    }

    /// Closes what lasts at `start` and opens `state` there. A state that no time was spent in leaves nothing, and
    /// what stood before it goes on if `state` is the same.
    fn open(&mut self, start: Timestamp, state: State, closed: &mut impl FnMut(Segment)) {
        let over = self.current.take();
        if let Some(over) = over.filter(|over| over.start < start) {
            let segment =
                Segment { start: over.start, end: Some(start), state: over.state.clone(), mark: None };
            closed(segment);
            self.previous = Some(Previous::State(over));
        } else {
            match self.previous.take() {
                Some(Previous::State(back)) if back.state.same(&state) => {
                    self.current = Some(back);
                    return;
                }
                Some(Previous::SignIn) => self.hand_out_mark(start, state.clone(), closed),
                previous => self.previous = previous,
            }
        }
        self.current = Some(Current { start, state });
    }

    fn mark_sign_in(&mut self, at: Timestamp, state: State, closed: &mut impl FnMut(Segment)) {
        self.open(at, state.clone(), closed);
        if self.previous != Some(Previous::SignIn) {
            self.hand_out_mark(at, state, closed);
        }
    }

    fn hand_out_mark(&mut self, at: Timestamp, state: State, closed: &mut impl FnMut(Segment)) {
        closed(Segment { start: at, end: Some(at), state, mark: Some(Mark::SignIn) });
        self.previous = Some(Previous::SignIn);
    }
}

fn work_of(contact: &AgentContact) -> Arc<ContactWork> {
    Arc::new(ContactWork {
        id: contact.id.clone(),
        channel: contact.channel.clone(),
        initiation: contact.initiation.clone(),
        phase_text: contact.phase_text.clone(),
        queue: contact.queue.clone(),
    })
}

fn shows_nobody(snapshot: &Snapshot) -> bool {
    snapshot.status.kind == StatusKind::Offline && snapshot.contacts.iter().all(|contact| contact.monitored)
}

/// When a contact came into its phase: at the event, unless the platform reports a start since the event before.
/// On the very first evidence the platform's word is all there is.
fn phase_start(
    contact: &AgentContact,
    at: Timestamp,
    first: bool,
    plausible: &impl Fn(&Timestamp) -> bool,
) -> Timestamp {
    if first {
        return contact.since.unwrap_or(at).clamp(at - FIRST_REACH, at);
    }
    contact.since.filter(plausible).unwrap_or(at)
}
