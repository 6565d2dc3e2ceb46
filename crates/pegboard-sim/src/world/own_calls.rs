//! Calls that agents place, and supervisors who listen.

use pegboard_model::Timestamp;

use super::Centre;
use super::agenda::{OfferEnd, Task};
use super::contacts::{LegNo, Origin, Stage};
use crate::events::{Channel, ContactState, EventKind, Initiation, Via};
use crate::organisation::AgentNo;

impl Centre {
    /// The agent places a call, in whatever status he is.
    pub(super) fn dial_out(&mut self, agent: AgentNo, at: Timestamp) {
        let state = &self.agents[agent.0];
        if !state.signed_in() || !state.contacts.is_empty() || state.wish.is_some() {
            return;
        }
        let queue = self.organisation.profile(state.profile).outbound;
        let via = Some(Via::Queue(queue));
        let origin = Origin { channel: Channel::Voice, initiation: Initiation::Outbound, via, from: None };
        let leg = self.begin(&origin, at);
        self.leg(leg).stage = Stage::Offered(agent);
        self.leg(leg).leg.attempts = 1;
        self.handling(leg, agent);
        self.give(leg, agent, ContactState::Connecting, at);
        self.publish(agent, EventKind::StateChange, at);
        let ringing = self.random.seconds(4.0, 20.0);
        if self.random.chance(0.65) {
            self.agenda.add(at + ringing, Task::OfferEnds(leg, 1, OfferEnd::CustomerAnswers));
        } else {
            self.agenda.add(at + ringing, Task::CallFails(leg));
        }
    }

    /// Nobody answers: the call leaves the agent at once, without after-contact work.
    pub(super) fn call_fails(&mut self, leg: LegNo, now: Timestamp) {
        let Stage::Offered(agent) = self.leg(leg).stage else { return };
        let at = self.moment(agent, now);
        self.release(leg, agent, at);
        self.end_unanswered(leg, at, "TELECOM_UNANSWERED");
    }

    /// A supervisor listens to somebody's call.
    pub(super) fn monitor(&mut self, supervisor: AgentNo, at: Timestamp) {
        let state = &self.agents[supervisor.0];
        if !state.signed_in() || !state.contacts.is_empty() {
            return;
        }
        let Some(from) = self.somebodys_call() else { return };
        let origin =
            Origin { channel: Channel::Voice, initiation: Initiation::Monitor, via: None, from: Some(&from) };
        let leg = self.begin(&origin, at);
        self.leg(leg).stage = Stage::With(supervisor);
        self.handling(leg, supervisor).connected = Some(at);
        self.give(leg, supervisor, ContactState::Connected, at);
        if let Some(contact) = self.agents[supervisor.0].contact(leg) {
            contact.connected = Some(at);
        }
        self.publish(supervisor, EventKind::StateChange, at);
        let listening = self.random.seconds(40.0, 400.0);
        self.agenda.add(at + listening, Task::MonitorEnds(leg));
    }

    fn somebodys_call(&mut self) -> Option<crate::events::Leg> {
        let on_call = |leg: &super::contacts::LiveLeg| {
            matches!(leg.stage, Stage::With(_)) && leg.leg.channel == Channel::Voice && leg.leg.via.is_some()
        };
        let calls: Vec<_> =
            self.legs.iter().filter(|(_, leg)| on_call(leg)).map(|(number, _)| *number).collect();
        if calls.is_empty() {
            return None;
        }
        let call = *self.random.choose(&calls);
        Some(self.legs[&call].leg.clone())
    }

    pub(super) fn monitor_ends(&mut self, leg: LegNo, now: Timestamp) {
        let Stage::With(supervisor) = self.leg(leg).stage else { return };
        let at = self.moment(supervisor, now);
        let listened = at.since(self.leg(leg).part_start);
        self.handling(leg, supervisor).talk = listened;
        let live = self.leg(leg);
        live.stage = Stage::Left;
        live.leg.disconnected = Some(at);
        live.leg.reason = "AGENT_DISCONNECT";
        self.agents[supervisor.0].contacts.retain(|contact| contact.leg != leg);
        if self.agents[supervisor.0].signed_in() {
            self.publish(supervisor, EventKind::StateChange, at);
        }
        self.settle(leg, at);
    }
}
