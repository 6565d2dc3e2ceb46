//! Agents as they are at one moment, and the events by which the platform tells of a change.

use std::sync::Arc;

use pegboard_model::{Millis, StatusKind, Timestamp};

use super::agenda::{Ending, Task};
use super::contacts::LegNo;
use super::{Centre, Change, Presence};
use crate::events::{
    AgentEventRecord, AgentView, Channel, ContactState, ContactView, EventKind, Initiation, NextStatus,
};
use crate::organisation::{AgentNo, CHATS_AT_ONCE, ProfileNo, StatusNo, TeamNo};

/// The platform publishes a heartbeat when it has published nothing else for so long.
pub(super) const HEART_BEAT: Millis = Millis::from_seconds(120);

/// The smallest distance between two events of one agent.
const TICK: Millis = Millis::new(1);

/// An agent.
#[derive(Debug)]
pub(super) struct AgentState {
    pub(super) team: TeamNo,
    pub(super) profile: ProfileNo,
    pub(super) presence: Presence,
    pub(super) status: StatusNo,
    pub(super) status_since: Timestamp,
    /// The status that the platform will set when the work at hand is done, and for how long.
    pub(super) next: Option<(NextStatus, Millis)>,
    pub(super) contacts: Vec<HeldContact>,
    pub(super) last_event: Timestamp,
    pub(super) idle_since: Timestamp,
    /// What the agent wants to do when the work at hand is done.
    pub(super) wish: Option<Wish>,
    pub(super) ending: Ending,
    /// Heartbeats are published up to here after a logout.
    pub(super) beats_until: Timestamp,
    pub(super) beating: bool,
    pub(super) view: Option<Arc<AgentView>>,
}

/// A contact that an agent has.
#[derive(Debug)]
pub(super) struct HeldContact {
    pub(super) leg: LegNo,
    pub(super) view: ContactView,
}

/// What an agent wants to do when the work at hand is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    Rest { status: StatusNo, length: Millis },
    EndShift,
}

impl AgentState {
    /// An agent at home, whom the platform has shown as offline since `since`.
    pub(super) fn at_home(team: TeamNo, profile: ProfileNo, since: Timestamp) -> Self {
        Self {
            team,
            profile,
            presence: Presence::Away,
            status: StatusNo::OFFLINE,
            status_since: since,
            next: None,
            contacts: Vec::new(),
            last_event: Timestamp::MIN,
            idle_since: since,
            wish: None,
            ending: Ending::Proper,
            beats_until: Timestamp::MIN,
            beating: false,
            view: None,
        }
    }

    pub(super) fn signed_in(&self) -> bool {
        self.presence == Presence::SignedIn
    }

    /// Whether the agent has nothing to do that must be finished first.
    pub(super) fn is_free(&self) -> bool {
        self.contacts.iter().all(|contact| is_stuck(contact.view.state) || is_monitored(&contact.view))
    }

    /// Whether a contact of the channel may be routed to the agent.
    pub(super) fn fits(&self, channel: Channel, kind: StatusKind) -> bool {
        let open =
            self.signed_in() && kind == StatusKind::Routable && self.next.is_none() && self.wish.is_none();
        open && match channel {
            Channel::Voice => self.contacts.iter().all(|contact| contact.view.state == ContactState::Paused),
            Channel::Task => self.contacts.is_empty(),
            Channel::Chat => {
                let chatting = |contact: &HeldContact| {
                    contact.view.channel == Channel::Chat && !is_stuck(contact.view.state)
                };
                self.contacts.len() < CHATS_AT_ONCE && self.contacts.iter().all(chatting)
            }
        }
    }

    pub(super) fn contact(&mut self, leg: LegNo) -> Option<&mut ContactView> {
        self.contacts.iter_mut().find(|contact| contact.leg == leg).map(|contact| &mut contact.view)
    }

    /// Selects a status, which also clears contacts that are stuck.
    pub(super) fn select(&mut self, status: StatusNo, at: Timestamp) {
        self.contacts.retain(|contact| !is_stuck(contact.view.state));
        self.status = status;
        self.status_since = at;
        self.next = None;
        self.idle_since = at;
    }

    fn look(&self) -> AgentView {
        AgentView {
            status: self.status,
            status_since: self.status_since,
            next: self.next.map(|(next, _)| next),
            team: self.team,
            profile: self.profile,
            contacts: self.contacts.iter().map(|contact| contact.view.clone()).collect(),
        }
    }
}

fn is_stuck(state: ContactState) -> bool {
    matches!(state, ContactState::Missed | ContactState::Rejected | ContactState::Error)
}

fn is_monitored(view: &ContactView) -> bool {
    view.initiation == Initiation::Monitor
}

impl Centre {
    /// The moment for something that happens to an agent now: two events of one agent never share a millisecond.
    pub(super) fn moment(&self, agent: AgentNo, now: Timestamp) -> Timestamp {
        now.max(self.agents[agent.0].last_event + TICK)
    }

    /// Tells the world that the agent has changed.
    pub(super) fn publish(&mut self, agent: AgentNo, kind: EventKind, at: Timestamp) {
        let id = self.random.uuid();
        let state = &mut self.agents[agent.0];
        let look = state.look();
        let current = match &state.view {
            Some(view) if **view == look => view.clone(),
            _ => Arc::new(look),
        };
        let before = state.view.replace(current.clone());
        let previous = if kind == EventKind::HeartBeat { Some(current.clone()) } else { before };
        state.last_event = at;
        if kind != EventKind::HeartBeat {
            let login = kind == EventKind::Login;
            self.outbox.changes.push(Change {
                at,
                agent,
                view: current.clone(),
                presence: state.presence,
                login,
            });
        }
        self.outbox.events.push(AgentEventRecord { id, at, delivered: at, agent, kind, current, previous });
        self.start_beating(agent, at);
    }

    /// Notes a change that the platform does not tell of.
    pub(super) fn note_unseen(&mut self, agent: AgentNo, at: Timestamp) {
        let state = &self.agents[agent.0];
        let view = Arc::new(state.look());
        self.outbox.changes.push(Change { at, agent, view, presence: state.presence, login: false });
    }

    pub(super) fn start_beating(&mut self, agent: AgentNo, at: Timestamp) {
        let state = &mut self.agents[agent.0];
        if !state.beating {
            state.beating = true;
            self.agenda.add(at + HEART_BEAT, Task::HeartBeat(agent));
        }
    }

    pub(super) fn heart_beat(&mut self, agent: AgentNo, now: Timestamp) {
        let state = &mut self.agents[agent.0];
        let due = state.last_event + HEART_BEAT;
        let connected =
            state.signed_in() || (state.presence == Presence::SignedOut && now <= state.beats_until);
        if !connected {
            state.beating = false;
            return;
        }
        if now < due {
            self.agenda.add(due, Task::HeartBeat(agent));
            return;
        }
        self.publish(agent, EventKind::HeartBeat, now);
        self.agenda.add(now + HEART_BEAT, Task::HeartBeat(agent));
    }
}
