//! The events of a task to the legs of a contact.
//!
//! A leg is a reservation that was accepted, together with the stay in the queue that it ended; or a stay that ended without
//! one. Reservations are what tells: events of the task do not name the agent where two share it.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use pegboard_model::{
    AgentLeg, ContactId, ContactLeg, ContactVersion, Direction, EventId, Millis, Queue, QueueId, QueueStay,
    Text, Timestamp,
};

use super::agent::initiation;
use super::event::{Event, Kind, Task, Worker};
use crate::sources::content_hash::content_hash;

/// The most events of one task that are kept. A task is offered a thousand times at most before Twilio cancels it, and each
/// time costs a handful.
pub const MAX_TASK_EVENTS: usize = 20_000;

/// How many bits of a version are a hash; those before count events, of which there are [`MAX_TASK_EVENTS`] at most.
const HASH_BITS: u32 = 48;

/// What a site says about contacts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContactSettings {
    /// Reasons of cancelling, in small letters, that do not mean that the customer left while waiting. Reasons are free
    /// text; every other one is an abandon.
    pub not_abandoned: BTreeSet<String>,
    /// Whether contacts that agents begin are told of, too.
    pub outbound: bool,
    /// Whether e-mails and faxes are told of, too.
    pub written: bool,
}

/// A task with more events than are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the task has more than {MAX_TASK_EVENTS} events")]
pub struct TooManyEvents;

/// Gathers the events of tasks, in any order and however often.
#[derive(Debug, Default)]
pub struct TaskBook {
    tasks: HashMap<Text, BTreeMap<EventId, Event>>,
}

impl TaskBook {
    /// Takes an event. One that is not about a task is none of its business.
    pub fn take(&mut self, event: &Event) -> Result<(), TooManyEvents> {
        let Some(task) = &event.task else { return Ok(()) };
        let events = self.tasks.entry(task.id.clone()).or_default();
        let is_full = events.len() >= MAX_TASK_EVENTS;
        match events.entry(event.id.clone()) {
            Entry::Occupied(_) => Ok(()),
            Entry::Vacant(_) if is_full => Err(TooManyEvents),
            Entry::Vacant(free) => {
                free.insert(event.clone());
                Ok(())
            }
        }
    }

    /// The legs of all tasks as far as they are known.
    pub fn legs(&self, settings: &ContactSettings) -> Vec<ContactLeg> {
        self.tasks.values().flat_map(|events| legs(events.values(), settings)).collect()
    }
}

/// A leg that turned out to be none, as far as `events` are known of its task: it counts nowhere.
pub(super) fn taken_back(leg: &ContactLeg, events: &BTreeMap<EventId, Event>) -> ContactLeg {
    let nothing = ContactLeg { queue: None, agent: None, handed_on: false, ..leg.clone() };
    let newest = events.values().map(|event| event.at).max();
    versioned(nothing, newest.unwrap_or(leg.version.updated), events.len() as u64)
}

/// The legs of one task.
pub(super) fn legs<'a>(
    events: impl Iterator<Item = &'a Event>,
    settings: &ContactSettings,
) -> Vec<ContactLeg> {
    let mut events: Vec<&Event> = events.collect();
    let version = |event: &Event| event.task.as_ref().and_then(|task| task.version);
    events.sort_by_key(|event| (event.at, version(event), event.id.clone()));
    let mut course = Course::default();
    for event in events {
        course.take(event);
    }
    course.legs(settings)
}

/// How a task went.
#[derive(Debug, Default)]
struct Course<'a> {
    stays: BTreeMap<StayKey, Stay>,
    attempts: BTreeMap<ContactId, Attempt<'a>>,
    /// Who passed the contact on, and when.
    transfers: Vec<(Timestamp, Option<ContactId>)>,
    /// What ended the whole of it.
    over: Option<&'a Event>,
    /// The last event: it knows best what the contact is.
    newest: Option<&'a Event>,
    /// How many events there are.
    events: u64,
}

/// A stay in a queue: that queue, and the second in which it began.
type StayKey = (i64, QueueId);

#[derive(Debug)]
struct Stay {
    queue: Arc<Queue>,
    entered: Timestamp,
    /// When it ended without an agent, and how.
    left: Option<(Timestamp, Left)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    Abandoned,
    HandedOn,
}

#[derive(Debug)]
struct Attempt<'a> {
    worker: &'a Worker,
    stay: Option<StayKey>,
    queue: Option<Arc<Queue>>,
    created: Option<Timestamp>,
    accepted: Option<Timestamp>,
    wrap_up: Option<Timestamp>,
    over: Option<Timestamp>,
}

impl<'a> Course<'a> {
    fn take(&mut self, event: &'a Event) {
        let Some(task) = &event.task else { return };
        self.newest = Some(event);
        self.events += 1;
        let stay = self.stay_of(event);
        if event.kind.is_of_reservation()
            && let (Some(reservation), Some(worker)) = (&event.reservation, &event.worker)
        {
            let attempt = self.attempts.entry(reservation.id.clone()).or_insert_with(|| Attempt {
                worker,
                stay: stay.clone(),
                queue: task.queue.clone(),
                created: None,
                accepted: None,
                wrap_up: None,
                over: None,
            });
            attempt.take(event);
        }
        match event.kind {
            Kind::QueueLeft => self.leave(stay.as_ref(), event.at, Left::HandedOn),
            Kind::WorkflowEnded => self.leave_all(event.at, Left::HandedOn),
            Kind::TransferInitiated => self.transfers.push((event.at, task.transferred_by.clone())),
            Kind::TaskCanceled | Kind::TaskDeleted | Kind::TaskSystemDeleted | Kind::TaskCompleted => {
                self.over.get_or_insert(event);
            }
            _ => {}
        }
    }

    /// The stay that an event is of. Every event of a task in a queue tells of it, so that a lost one is made good.
    fn stay_of(&mut self, event: &Event) -> Option<StayKey> {
        let task = event.task.as_ref()?;
        let queue = task.queue.as_ref()?;
        let entering = (event.kind == Kind::QueueEntered).then_some(event.at);
        let Some(told) = task.queue_entered.or(entering) else {
            return self.stays.keys().rev().find(|(_, id)| *id == queue.id).cloned();
        };
        let key = (told.as_millis().div_euclid(1000), queue.id.clone());
        let stay = self.stays.entry(key.clone()).or_insert_with(|| Stay {
            queue: queue.clone(),
            entered: told,
            left: None,
        });
        // The date is cut to the second; the event of entering is not.
        if let Some(at) = entering.filter(|at| at.as_millis().div_euclid(1000) == key.0) {
            stay.entered = at;
        }
        Some(key)
    }

    fn leave(&mut self, stay: Option<&StayKey>, at: Timestamp, how: Left) {
        if let Some(stay) = stay.and_then(|key| self.stays.get_mut(key)) {
            stay.left.get_or_insert((at, how));
        }
    }

    fn leave_all(&mut self, at: Timestamp, how: Left) {
        for stay in self.stays.values_mut() {
            stay.left.get_or_insert((at, how));
        }
    }

    fn legs(mut self, settings: &ContactSettings) -> Vec<ContactLeg> {
        let Some(newest) = self.newest else { return Vec::new() };
        let Some(task) = &newest.task else { return Vec::new() };
        let written = matches!(task.channel.as_str(), "EMAIL" | "FAX");
        if (written && !settings.written) || (task.direction == Direction::Outbound && !settings.outbound) {
            return Vec::new();
        }
        self.end(settings);
        let told = Told { task, updated: newest.at, events: self.events };
        let answered = self.first_answers();
        let is_first = |id: &ContactId| answered.values().any(|first| first == id);
        let of_agents = self
            .attempts
            .iter()
            .filter_map(|(id, attempt)| self.leg_of_agent(&told, id, attempt, is_first(id)));
        let waited = self.stays.iter().filter(|(key, _)| !answered.contains_key(*key));
        of_agents.chain(waited.filter_map(|(key, stay)| self.leg_of_queue(&told, key, stay))).collect()
    }

    /// Whatever is open ends with the task, and a stay with the next one.
    fn end(&mut self, settings: &ContactSettings) {
        let entered: Vec<Timestamp> = self.stays.values().map(|stay| stay.entered).collect();
        for (stay, next) in self.stays.values_mut().zip(entered.into_iter().skip(1)) {
            stay.left.get_or_insert((next, Left::HandedOn));
        }
        let Some(over) = self.over else { return };
        let reason = over.task.as_ref().and_then(|task| task.canceled_reason.as_ref());
        let customer_left = matches!(over.kind, Kind::TaskCanceled | Kind::TaskDeleted)
            && !reason.is_some_and(|reason| settings.not_abandoned.contains(&reason.to_lowercase()));
        self.leave_all(over.at, if customer_left { Left::Abandoned } else { Left::HandedOn });
        for attempt in self.attempts.values_mut() {
            attempt.over.get_or_insert(over.at);
        }
    }

    /// Of each stay that an agent has ended the reservation that did so: the first that was accepted.
    fn first_answers(&self) -> BTreeMap<StayKey, ContactId> {
        let mut first: BTreeMap<StayKey, (Timestamp, ContactId)> = BTreeMap::new();
        for (id, attempt) in &self.attempts {
            let (Some(stay), Some(accepted)) = (&attempt.stay, attempt.accepted) else { continue };
            let answer = (accepted, id.clone());
            first
                .entry(stay.clone())
                .and_modify(|known| *known = answer.clone().min(known.clone()))
                .or_insert(answer);
        }
        first.into_iter().map(|(stay, (_, id))| (stay, id)).collect()
    }

    /// What an agent did; nothing where it was not accepted.
    fn leg_of_agent(
        &self,
        told: &Told<'_>,
        id: &ContactId,
        attempt: &Attempt<'_>,
        ended_stay: bool,
    ) -> Option<ContactLeg> {
        let accepted = attempt.accepted?;
        let talk_end = attempt.wrap_up.or(attempt.over);
        let span = |from: Option<Timestamp>, to: Option<Timestamp>| match (from, to) {
            (Some(from), Some(to)) => to.since(from).max(Millis::ZERO),
            _ => Millis::ZERO,
        };
        let passed_on = self.transfers.iter().any(|(at, by)| {
            by.as_ref() == Some(id) && self.attempts.values().any(|other| other.accepted > Some(*at))
        });
        let profile = attempt.worker.profile.as_ref();
        let agent = AgentLeg {
            agent: attempt.worker.id.clone(),
            login: profile.map(|profile| profile.login.clone()).unwrap_or_default(),
            connected: Some(accepted),
            talk: span(Some(accepted), talk_end),
            hold: Millis::ZERO,
            acw: span(attempt.wrap_up, attempt.over),
            acw_end: attempt.wrap_up.and(attempt.over),
            passed_on,
        };
        let stay = attempt.stay.as_ref().filter(|_| ended_stay).and_then(|key| self.stays.get(key));
        let queue = match (stay, &attempt.queue) {
            (Some(stay), _) => Some(QueueStay {
                queue: stay.queue.clone(),
                entered: Some(stay.entered),
                waited: Some(span(Some(stay.entered), Some(accepted))),
                rang: attempt.created.map(|created| span(Some(created), Some(accepted))),
            }),
            (None, Some(queue)) => {
                Some(QueueStay { queue: queue.clone(), entered: None, waited: None, rang: None })
            }
            (None, None) => None,
        };
        let begun = attempt.created.unwrap_or(accepted);
        let transferred_in = self.is_transferred(begun, Some(id));
        Some(told.versioned(ContactLeg {
            queue,
            agent: Some(agent),
            disconnected: talk_end,
            handed_on: passed_on,
            ..told.empty(id.clone(), transferred_in)
        }))
    }

    /// A stay that no agent has ended; nothing while it goes on.
    fn leg_of_queue(&self, told: &Told<'_>, key: &StayKey, stay: &Stay) -> Option<ContactLeg> {
        let (left, how) = stay.left?;
        let id = ContactId::from(format!("{}/{}/{}", told.task.id, key.1, key.0).as_str());
        let queue = QueueStay {
            queue: stay.queue.clone(),
            entered: Some(stay.entered),
            waited: Some(left.since(stay.entered).max(Millis::ZERO)),
            rang: None,
        };
        let transferred_in = self.is_transferred(stay.entered, None);
        Some(told.versioned(ContactLeg {
            queue: Some(queue),
            disconnected: Some(left),
            handed_on: how == Left::HandedOn,
            ..told.empty(id, transferred_in)
        }))
    }

    /// Whether what began then came by a transfer of somebody else.
    fn is_transferred(&self, begun: Timestamp, id: Option<&ContactId>) -> bool {
        self.transfers.iter().any(|(at, by)| *at <= begun && by.as_ref() != id)
    }
}

/// What all legs of a task have in common.
struct Told<'a> {
    task: &'a Task,
    updated: Timestamp,
    events: u64,
}

impl Told<'_> {
    fn empty(&self, id: ContactId, transferred_in: bool) -> ContactLeg {
        let direction = self.task.direction;
        ContactLeg {
            id,
            version: ContactVersion { updated: self.updated, content: 0 },
            channel: self.task.channel.clone(),
            initiation: if transferred_in { "TRANSFER" } else { initiation(direction) }.into(),
            direction,
            monitored: false,
            queue: None,
            agent: None,
            disconnected: None,
            handed_on: false,
            transferred_in,
        }
    }

    fn versioned(&self, leg: ContactLeg) -> ContactLeg {
        versioned(leg, self.updated, self.events)
    }
}

/// The leg with the version of what it says, as far as `events` are known of its task, the last of them of `updated`. Events are
/// only ever added: of two tellings as old as each other the one that is made of more of them is the newer, so that what comes
/// late and tells of earlier is not taken for old.
fn versioned(mut leg: ContactLeg, updated: Timestamp, events: u64) -> ContactLeg {
    let hash = content_hash(&leg.id.to_string(), &leg);
    let content = (events << HASH_BITS) | (hash >> (u64::BITS - HASH_BITS));
    leg.version = ContactVersion { updated, content };
    leg
}

impl Attempt<'_> {
    fn take(&mut self, event: &Event) {
        let slot = match event.kind {
            Kind::ReservationCreated => &mut self.created,
            Kind::ReservationAccepted => &mut self.accepted,
            Kind::ReservationWrapUp => &mut self.wrap_up,
            _ => &mut self.over,
        };
        slot.get_or_insert(event.at);
    }
}
