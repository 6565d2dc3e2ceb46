//! What can be known of agents: `docs/timelines.md`, sentence by sentence.

use std::collections::BTreeMap;

use pegboard_model::{Class, Millis, StatusKind, Timestamp};

use super::dominance::{condition, dominant, logged_out};
use super::timeline::{Condition, SignIn, Timeline};
use super::{ReportSettings, Silence};
use crate::events::{AgentEventRecord, AgentView, ContactState, EventKind, Initiation, Uuid};
use crate::organisation::{AgentNo, Organisation};

/// How far before the first evidence a state may have begun.
const FURTHEST_BACK: Millis = Millis::from_hours(24);

/// After how long of silence an agent counts as signed out.
const GIVEN_UP_AFTER: Millis = Millis::from_hours(12);

/// The timelines of all agents of whom anything was delivered.
pub(super) fn timelines(
    events: &[AgentEventRecord],
    organisation: &Organisation,
    settings: &ReportSettings,
) -> Vec<Timeline> {
    let mut by_agent: BTreeMap<AgentNo, Vec<&AgentEventRecord>> = BTreeMap::new();
    for event in events {
        by_agent.entry(event.agent).or_default().push(event);
    }
    by_agent
        .into_iter()
        .map(|(agent, mut events)| {
            events.sort_by_key(|event| (event.at, event.id));
            events.dedup_by_key(|event| event.id);
            timeline(agent, &events, organisation, settings)
        })
        .collect()
}

fn timeline(
    agent: AgentNo,
    events: &[&AgentEventRecord],
    organisation: &Organisation,
    settings: &ReportSettings,
) -> Timeline {
    let mut reader = Reader {
        organisation,
        settings,
        before: None,
        known: None,
        since: BTreeMap::new(),
        told: Told::default(),
    };
    for event in events {
        reader.read(event);
    }
    let heard = reader.told.starts.len();
    if let (Some(silence), Some(last)) = (settings.silence, reader.before) {
        reader.fall_silent(last, silence.watermark, silence);
    }
    // Until more is heard, such a silence leaves what lies before the last evidence as it is.
    let parted = reader.told.starts.get(heard).map(|(start, _)| *start);
    let first = events[0];
    let class = if first.kind == EventKind::Login { Class::SignedOut } else { Class::Unknown };
    let before = Condition::bare(class, first.current.team, first.current.profile);
    Timeline::new(agent, before, &reader.told.starts, parted, reader.told.sign_ins)
}

/// What the events read so far have told.
#[derive(Default)]
struct Told {
    starts: Vec<(Timestamp, Condition)>,
    sign_ins: Vec<SignIn>,
}

/// Reads one agent's events in order.
struct Reader<'a> {
    organisation: &'a Organisation,
    settings: &'a ReportSettings,
    /// The time of the event before, whatever it was.
    before: Option<Timestamp>,
    known: Option<Condition>,
    /// In which state each contact is, and since when as the timeline has it.
    since: BTreeMap<Uuid, (ContactState, Timestamp)>,
    told: Told,
}

impl Reader<'_> {
    fn read(&mut self, event: &AgentEventRecord) {
        let (at, view) = (event.at, &*event.current);
        let after_logout = self.known.filter(|known| known.logout);
        match (event.kind, after_logout) {
            (EventKind::Logout, _) => {
                self.silence_before(at, at);
                self.since.clear();
                self.begin(at, logged_out(view));
            }
            (EventKind::HeartBeat, Some(_)) => {}
            (EventKind::StateChange, Some(known)) if self.is_out(view) => {
                self.begin(at, Condition { team: view.team, profile: view.profile, ..known });
            }
            (EventKind::Login | EventKind::StateChange | EventKind::HeartBeat, _) => self.look(event),
        }
        self.before = Some(at);
    }

    /// Offline, and without a contact that is more than monitored.
    fn is_out(&self, view: &AgentView) -> bool {
        let offline = self.organisation.status(view.status).kind == StatusKind::Offline;
        offline && view.contacts.iter().all(|contact| contact.initiation == Initiation::Monitor)
    }

    /// Takes the snapshot as what the agent is from some moment on.
    fn look(&mut self, event: &AgentEventRecord) {
        let (at, view) = (event.at, &*event.current);
        let since: BTreeMap<_, _> = view
            .contacts
            .iter()
            .map(|contact| match self.since.get(&contact.id) {
                Some((state, since)) if *state == contact.state => (contact.id, (*state, *since)),
                _ => (contact.id, (contact.state, self.start(contact.told_since, at))),
            })
            .collect();
        let deciding = dominant(view, self.settings.precedence, |contact| since[&contact.id].1);
        let reported = deciding.map_or(view.status_since, |contact| contact.told_since);
        let next = condition(view, deciding, self.organisation);
        let start = self.start(reported, at);
        self.since = since;
        self.silence_before(at, start);
        if self.known != Some(next) {
            self.begin(start, next);
        }
        if event.kind == EventKind::Login {
            self.told.sign_ins.push(SignIn { at, condition: next });
        }
    }

    /// When something began that an event at `at` shows first, and that the platform says began at `reported`.
    fn start(&self, reported: Timestamp, at: Timestamp) -> Timestamp {
        match self.before {
            Some(before) if before < reported && reported < at => reported,
            Some(_) => at,
            None => reported.min(at).max(at - FURTHEST_BACK),
        }
    }

    fn begin(&mut self, start: Timestamp, condition: Condition) {
        self.known = Some(condition);
        self.told.starts.push((start, condition));
    }

    /// An event at `at` ends a silence; what it shows began at `start`.
    fn silence_before(&mut self, at: Timestamp, start: Timestamp) {
        let (Some(silence), Some(before)) = (self.settings.silence, self.before) else { return };
        if at.since(before) >= silence.stale_after {
            self.fall_silent(before, start, Silence { stale_after: Millis::ZERO, ..silence });
        }
    }

    /// Nothing was heard from `last` on, and nothing will have begun before `until`.
    fn fall_silent(&mut self, last: Timestamp, until: Timestamp, silence: Silence) {
        let Some(known) = self.known.filter(|known| known.class.is_signed_in()) else { return };
        if until.since(last) < silence.stale_after {
            return;
        }
        self.begin(last, Condition::bare(Class::Unknown, known.team, known.profile));
        let given_up = last + GIVEN_UP_AFTER;
        if given_up <= until {
            self.begin(given_up, Condition::bare(Class::SignedOut, known.team, known.profile));
        }
    }
}
