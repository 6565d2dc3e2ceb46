//! What can be known of a workspace of TaskRouter in which a simulated day happened, once all that it tells is known.
//!
//! TaskRouter tells of activities and reservations, each to the millisecond, and of little else: there is no hold and no pause, a contact that was
//! missed is gone, nobody signs in or out, who leaves is `Offline`, and what a supervisor listens to is not told. Each leg is a task of its
//! own ([`happenings`](crate::stand_in::task_router::happenings)), so that one that was passed on is a contact like any other. Of contacts
//! that agents begin the reports of contacts say nothing.

use std::collections::{BTreeMap, BTreeSet};

use pegboard_model::{Class, Millis, StatusKind, Timestamp};

use super::contacts::{AgentWork, Facts, Stay};
use super::dominance::{condition, dominant};
use super::timeline::{Condition, Timeline};
use super::{ReportSettings, Truth};
use crate::events::{AgentView, ContactState, ContactView, Initiation, Leg, Uuid, Via};
use crate::organisation::{AgentNo, Organisation, StatusNo, TeamNo};
use crate::stand_in::task_router::sid_of;
use crate::world::{Change, Presence, Simulation};

/// An agent as TaskRouter has him, from a time on.
type Seen = (Timestamp, AgentView);

impl Truth {
    /// What can be known of a workspace of TaskRouter, in its ids.
    pub fn knowable_of_task_router(simulation: &Simulation, settings: &ReportSettings) -> Self {
        let organisation = in_its_words(&simulation.organisation);
        let seen = seen(simulation);
        let timelines: Vec<_> =
            seen.iter().map(|(agent, seen)| timeline(*agent, seen, &organisation, settings)).collect();
        Self::report(&organisation, &timelines, &contacts(simulation, &seen), settings)
    }
}

fn in_its_words(organisation: &Organisation) -> Organisation {
    let mut organisation = organisation.clone();
    for agent in &mut organisation.agents {
        agent.agent_id = sid_of("WK", agent.id).as_str().into();
    }
    for queue in &mut organisation.queues {
        queue.queue_id = sid_of("WQ", queue.id).as_str().into();
    }
    for status in &mut organisation.statuses {
        status.status_id = sid_of("WA", status.id).as_str().into();
    }
    organisation
}

/// Every agent, whenever something of him changes that is told.
fn seen(simulation: &Simulation) -> BTreeMap<AgentNo, Vec<Seen>> {
    let statuses = &simulation.organisation.statuses;
    let offline = statuses.iter().position(|card| card.kind == StatusKind::Offline);
    let offline = StatusNo(offline.expect("every centre has an offline status"));
    let mut by_agent: BTreeMap<AgentNo, Vec<Seen>> = BTreeMap::new();
    for change in &simulation.changes {
        let seen = by_agent.entry(change.agent).or_default();
        let before = seen.last().map(|(_, view)| view);
        let view = shown(change, before, offline);
        if before.is_none_or(|before| what_is_told(before) != what_is_told(&view)) {
            seen.push((change.at, view));
        }
    }
    by_agent
}

fn what_is_told(view: &AgentView) -> (StatusNo, TeamNo, BTreeSet<(Uuid, ContactState)>) {
    (view.status, view.team, view.contacts.iter().map(|contact| (contact.id, contact.state)).collect())
}

fn shown(change: &Change, before: Option<&AgentView>, offline: StatusNo) -> AgentView {
    let view = (*change.view).clone();
    if change.presence != Presence::SignedIn {
        return AgentView { status: offline, contacts: Vec::new(), ..view };
    }
    let known = |id| before.and_then(|before| before.contacts.iter().find(|contact| contact.id == id));
    let reserved = |contact: &ContactView| {
        let state = reserved(contact)?;
        let since =
            known(contact.id).filter(|known| known.state == state).map_or(change.at, |known| known.since);
        Some(ContactView { state, since, ..contact.clone() })
    };
    AgentView { contacts: view.contacts.iter().filter_map(reserved).collect(), ..view }
}

/// How far the reservation of a contact has come, while there is one.
fn reserved(contact: &ContactView) -> Option<ContactState> {
    match contact.state {
        _ if contact.initiation == Initiation::Monitor => None,
        ContactState::Incoming | ContactState::Connecting => Some(ContactState::Connecting),
        ContactState::Connected | ContactState::OnHold | ContactState::Paused => {
            Some(ContactState::Connected)
        }
        ContactState::Ended => Some(ContactState::Ended),
        ContactState::Missed | ContactState::Rejected | ContactState::Error => None,
    }
}

fn timeline(
    agent: AgentNo,
    seen: &[Seen],
    organisation: &Organisation,
    settings: &ReportSettings,
) -> Timeline {
    let begins = |(at, view): &Seen| {
        let deciding = dominant(view, settings.precedence, |contact| contact.since);
        (*at, condition(view, deciding, organisation))
    };
    let starts: Vec<_> = seen.iter().map(begins).collect();
    let first = &seen[0].1;
    let before = Condition::bare(Class::Unknown, first.team, first.profile);
    Timeline::new(agent, before, &starts, None, Vec::new())
}

/// A reservation that was accepted.
struct Accepted<'a> {
    agent: AgentNo,
    contact: &'a ContactView,
    at: Timestamp,
    wrap_up: Option<Timestamp>,
    over: Option<Timestamp>,
}

/// Those of an agent.
fn accepted(agent: AgentNo, seen: &[Seen]) -> Vec<Accepted<'_>> {
    let mut all: Vec<Accepted<'_>> = Vec::new();
    for (at, view) in seen {
        let mut fresh: Vec<&ContactView> =
            view.contacts.iter().filter(|contact| contact.state != ContactState::Connecting).collect();
        for open in all.iter_mut().filter(|accepted| accepted.over.is_none()) {
            fresh.retain(|contact| contact.id != open.contact.id);
            match view.contacts.iter().find(|contact| contact.id == open.contact.id) {
                None => open.over = Some(*at),
                Some(contact) if contact.state == ContactState::Ended => {
                    open.wrap_up.get_or_insert(*at);
                }
                Some(_) => {}
            }
        }
        all.extend(fresh.into_iter().map(|contact| {
            let wrap_up = (contact.state == ContactState::Ended).then_some(*at);
            Accepted { agent, contact, at: *at, wrap_up, over: None }
        }));
    }
    all
}

/// What is counted of contacts.
fn contacts(simulation: &Simulation, seen: &BTreeMap<AgentNo, Vec<Seen>>) -> Vec<Facts> {
    let legs: BTreeMap<Uuid, &Leg> = simulation.legs.iter().map(|leg| (leg.id, &**leg)).collect();
    let accepted: Vec<_> = seen.iter().flat_map(|(agent, seen)| accepted(*agent, seen)).collect();
    let answered: BTreeSet<Uuid> = accepted.iter().map(|accepted| accepted.contact.id).collect();
    let handled = accepted.iter().filter(|accepted| accepted.contact.initiation != Initiation::Outbound);
    let handled = handled.map(|accepted| handled_by(accepted, legs.get(&accepted.contact.id).copied()));
    let waited =
        legs.values().filter(|leg| !answered.contains(&leg.id) && leg.initiation != Initiation::Outbound);
    handled.chain(waited.filter_map(|leg| gave_up(leg))).collect()
}

/// A contact with an agent. When it was over, the end of its task tells, where the agent still had it then.
fn handled_by(accepted: &Accepted<'_>, leg: Option<&Leg>) -> Facts {
    let Accepted { agent, contact, at, wrap_up, over } = *accepted;
    let task_over = leg.and_then(|leg| leg.handling.as_ref()?.acw_end.or(leg.disconnected));
    let over = over.or(task_over);
    let talked_until = wrap_up.or(over);
    let span = |from: Option<Timestamp>, to: Option<Timestamp>| {
        from.zip(to).map_or(Millis::ZERO, |(from, to)| to.since(from))
    };
    // Of a task that was not over before the end of the day only events of its reservations are told: to the second.
    let in_seconds = |at: Timestamp| Timestamp::from_seconds(at.as_millis().div_euclid(1000));
    let entered = leg.and_then(|leg| leg.enqueued).or(contact.queued.map(in_seconds));
    let stay = match (contact.via, entered) {
        (Some(Via::Queue(queue)), Some(entered)) => Some(Stay { queue, waited: at.since(entered) }),
        _ => None,
    };
    Facts {
        channel: contact.channel,
        initiation: Initiation::Inbound,
        stay,
        enqueued: entered,
        work: Some(AgentWork {
            agent,
            connected: at,
            talk: span(Some(at), talked_until),
            hold: Millis::ZERO,
            acw: span(wrap_up, over),
            acw_end: wrap_up.and(over),
            passed_on: false,
        }),
        disconnected: talked_until,
        handed_on: false,
    }
}

/// A stay in a queue that no agent has ended.
fn gave_up(leg: &Leg) -> Option<Facts> {
    let (Some(Via::Queue(queue)), Some(entered), Some(left)) = (leg.via, leg.enqueued, leg.disconnected)
    else {
        return None;
    };
    Some(Facts {
        channel: leg.channel,
        initiation: Initiation::Inbound,
        stay: Some(Stay { queue, waited: left.since(entered) }),
        enqueued: Some(entered),
        work: None,
        disconnected: Some(left),
        handed_on: leg.next.is_some(),
    })
}
