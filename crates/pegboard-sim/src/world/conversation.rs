//! From the connection of agent and customer to the end of after-contact work.

use std::collections::VecDeque;

use pegboard_model::{Millis, Timestamp};

use super::Centre;
use super::agenda::{Duty, Task};
use super::contacts::{LegNo, Origin, Outcome, Part, PartKind, Stage};
use crate::events::{Channel, ContactState, EventKind, Initiation, Via};
use crate::organisation::AgentNo;

/// A conversation as it will go if nothing comes between.
struct Plan {
    parts: VecDeque<Part>,
    outcome: Outcome,
    acw: Millis,
}

impl PartKind {
    const fn state(self) -> ContactState {
        match self {
            Self::Talk => ContactState::Connected,
            Self::Hold => ContactState::OnHold,
            Self::Pause => ContactState::Paused,
        }
    }
}

impl Centre {
    /// Changes the state of an agent's contact.
    pub(super) fn set_contact(&mut self, leg: LegNo, agent: AgentNo, state: ContactState, at: Timestamp) {
        let might_keep_start = state == ContactState::OnHold && self.random.chance(0.7);
        let keeps_start = might_keep_start && self.config.hold_keeps_start;
        let Some(contact) = self.agents[agent.0].contact(leg) else { return };
        contact.state = state;
        contact.since = at;
        if !keeps_start {
            contact.told_since = at;
        }
    }

    pub(super) fn connect(&mut self, leg: LegNo, agent: AgentNo, at: Timestamp) {
        self.set_contact(leg, agent, ContactState::Connected, at);
        if let Some(contact) = self.agents[agent.0].contact(leg) {
            contact.connected = Some(at);
        }
        self.handling(leg, agent).connected = Some(at);
        let (channel, initiation) = (self.leg(leg).leg.channel, self.leg(leg).leg.initiation);
        let plan = self.plan(channel, initiation);
        let live = self.leg(leg);
        live.stage = Stage::With(agent);
        live.plan = plan.parts;
        live.outcome = plan.outcome;
        live.acw = plan.acw;
        if live.leg.enqueued.is_some() {
            live.leg.dequeued = Some(at);
        }
        let (id, consulted_for) = (live.leg.id, live.consulted_for);
        self.begin_part(leg, at);
        self.publish(agent, EventKind::StateChange, at);
        if let Some(asking) = consulted_for {
            self.leg(asking).leg.next = Some(id);
            let introduction = self.random.seconds(3.0, 25.0);
            self.agenda.add(at + introduction, Task::Consulted(asking, true));
        }
    }

    fn plan(&mut self, channel: Channel, initiation: Initiation) -> Plan {
        match (channel, initiation) {
            (Channel::Voice, Initiation::Outbound) => self.plan_call(150.0, false),
            (Channel::Voice, Initiation::Transfer) => self.plan_call(230.0, false),
            (Channel::Voice, _) => self.plan_call(240.0, true),
            (Channel::Chat, _) => self.plan_chat(),
            (Channel::Task, _) => self.plan_task(),
        }
    }

    fn plan_call(&mut self, mean_seconds: f64, may_move_on: bool) -> Plan {
        let talk = self.random.lognormal(mean_seconds, 0.75) + Millis::from_seconds(6);
        let holds = match self.random.unit() {
            share if share < 0.04 => 2,
            share if share < 0.18 => 1,
            _ => 0,
        };
        let mut parts = VecDeque::new();
        let slice = Millis::new(talk.get() / (holds + 1));
        for number in 0..=holds {
            parts.push_back(Part { kind: PartKind::Talk, length: slice });
            if number < holds {
                parts.push_back(Part { kind: PartKind::Hold, length: self.random.lognormal(45.0, 0.8) });
            }
        }
        let outcome = match self.random.unit() {
            _ if !may_move_on => Outcome::End,
            share if share < 0.04 => Outcome::ToQueue,
            share if share < 0.055 => Outcome::ToOutside,
            share if share < 0.07 => Outcome::ToOutsideWarm,
            share if share < 0.11 => Outcome::ToColleague,
            _ => Outcome::End,
        };
        if outcome == Outcome::ToOutsideWarm {
            parts.push_back(Part { kind: PartKind::Hold, length: self.random.seconds(8.0, 40.0) });
            parts.push_back(Part { kind: PartKind::Talk, length: self.random.seconds(15.0, 90.0) });
        }
        Plan { parts, outcome, acw: self.random.lognormal(48.0, 0.7) }
    }

    fn plan_chat(&mut self) -> Plan {
        let parts = [Part { kind: PartKind::Talk, length: self.random.lognormal(480.0, 0.6) }].into();
        let outcome = if self.random.chance(0.05) { Outcome::ToQueue } else { Outcome::End };
        Plan { parts, outcome, acw: self.random.lognormal(28.0, 0.7) }
    }

    fn plan_task(&mut self) -> Plan {
        let work = self.random.lognormal(380.0, 0.6);
        let half = Millis::new(work.get() / 2);
        let mut parts: VecDeque<_> = [Part { kind: PartKind::Talk, length: half }].into();
        if self.random.chance(0.55) {
            parts.push_back(Part { kind: PartKind::Pause, length: self.random.minutes(1.0, 15.0) });
        }
        parts.push_back(Part { kind: PartKind::Talk, length: half });
        Plan { parts, outcome: Outcome::End, acw: self.random.lognormal(15.0, 0.5) }
    }

    /// Arranges the end of the first part that is left.
    fn begin_part(&mut self, leg: LegNo, at: Timestamp) {
        let live = self.leg(leg);
        live.part_start = at;
        live.part_number += 1;
        let (number, length) = (live.part_number, live.plan.front().map(|part| part.length));
        if let Some(length) = length {
            self.agenda.add(at + length, Task::Step(leg, number));
        }
    }

    /// Books the time of the part that is over to the contact.
    fn book_part(&mut self, leg: LegNo, agent: AgentNo, kind: PartKind, at: Timestamp) {
        let time = at.since(self.leg(leg).part_start);
        let handling = self.handling(leg, agent);
        match kind {
            PartKind::Talk => handling.talk += time,
            PartKind::Pause => {
                handling.pause += time;
                handling.pauses += 1;
            }
            PartKind::Hold => {
                handling.hold += time;
                handling.holds += 1;
                handling.longest_hold = handling.longest_hold.max(time);
            }
        }
    }

    pub(super) fn step(&mut self, leg: LegNo, number: u32, now: Timestamp) {
        let Some(live) = self.legs.get_mut(&leg) else { return };
        let Stage::With(agent) = live.stage else { return };
        if live.part_number != number {
            return;
        }
        let Some(over) = live.plan.pop_front() else { return };
        let (next, outcome) = (live.plan.front().copied(), live.outcome);
        let at = self.moment(agent, now);
        self.book_part(leg, agent, over.kind, at);
        match next {
            Some(part) => {
                let merely_goes_on = part.kind == over.kind;
                self.begin_part(leg, at);
                if !merely_goes_on {
                    self.set_contact(leg, agent, part.kind.state(), at);
                    self.publish(agent, EventKind::StateChange, at);
                }
                if part.kind == PartKind::Pause {
                    self.look_for_work(agent, at);
                }
            }
            None => self.conclude(leg, agent, outcome, at),
        }
    }

    fn conclude(&mut self, leg: LegNo, agent: AgentNo, outcome: Outcome, at: Timestamp) {
        match outcome {
            Outcome::End => {
                let by_customer = self.random.chance(0.7);
                let reason = if by_customer { "CUSTOMER_DISCONNECT" } else { "AGENT_DISCONNECT" };
                self.leg(leg).leg.reason = reason;
                self.leg(leg).leg.disconnected = Some(at);
                self.wrap_up(leg, agent, at);
            }
            Outcome::ToQueue => self.pass_to_queue(leg, agent, at),
            Outcome::ToOutside => {
                self.leg(leg).leg.transfer_completed = Some(at);
                self.pass_outside(leg, agent, at);
            }
            Outcome::ToOutsideWarm => self.pass_outside(leg, agent, at),
            Outcome::ToColleague => self.ask_colleague(leg, agent, at),
        }
    }

    fn pass_to_queue(&mut self, leg: LegNo, agent: AgentNo, at: Timestamp) {
        let other = match self.leg(leg).leg.via {
            Some(Via::Queue(queue)) => self.another_queue(queue),
            Some(Via::Personal(_)) | None => None,
        };
        let Some(other) = other else { return self.conclude(leg, agent, Outcome::End, at) };
        let delay = self.random.seconds(0.3, 2.0);
        self.carry_on(leg, Initiation::QueueTransfer, other, at, delay);
        let facts = &mut self.leg(leg).leg;
        facts.transfer_completed = Some(at);
        facts.disconnected = Some(at);
        facts.reason = "CONTACT_FLOW_DISCONNECT";
        self.wrap_up(leg, agent, at);
    }

    /// The customer goes on talking with the outside number; the record comes only after that.
    fn pass_outside(&mut self, leg: LegNo, agent: AgentNo, at: Timestamp) {
        let number = self.phone_number();
        self.leg(leg).leg.transferred_to = Some(number);
        let talk = self.random.lognormal(420.0, 0.6);
        self.agenda.add(at + talk, Task::CustomerLeaves(leg));
        self.wrap_up(leg, agent, at);
    }

    pub(super) fn customer_leaves(&mut self, leg: LegNo, now: Timestamp) {
        let live = self.leg(leg);
        live.leg.disconnected = Some(now);
        if live.stage == Stage::Waiting {
            live.stage = Stage::Left;
        }
        self.settle(leg, now);
    }

    /// The customer is put on hold while the agent calls a colleague.
    fn ask_colleague(&mut self, leg: LegNo, agent: AgentNo, at: Timestamp) {
        let Some(colleague) = self.idle_colleague(agent) else {
            return self.conclude(leg, agent, Outcome::End, at);
        };
        self.set_contact(leg, agent, ContactState::OnHold, at);
        self.publish(agent, EventKind::StateChange, at);
        let live = self.leg(leg);
        live.part_start = at;
        let from = live.leg.clone();
        let via = Some(Via::Personal(colleague));
        let origin =
            Origin { channel: from.channel, initiation: Initiation::Transfer, via, from: Some(&from) };
        let passed_on = self.begin(&origin, at);
        self.leg(passed_on).leg.enqueued = Some(at);
        self.leg(passed_on).consulted_for = Some(leg);
        self.offer(passed_on, colleague, at);
    }

    /// The colleague did not answer: the attempt is over, and the agent takes the customer back.
    pub(super) fn colleague_refused(&mut self, passed_on: LegNo, at: Timestamp) {
        let asking = self.leg(passed_on).consulted_for;
        self.end_unanswered(passed_on, at, "OTHER");
        if let Some(asking) = asking {
            let noticing = self.random.seconds(0.5, 4.0);
            self.agenda.add(at + noticing, Task::Consulted(asking, false));
        }
    }

    pub(super) fn consulted(&mut self, leg: LegNo, answered: bool, now: Timestamp) {
        let Stage::With(agent) = self.leg(leg).stage else { return };
        let at = self.moment(agent, now);
        self.book_part(leg, agent, PartKind::Hold, at);
        if answered {
            let facts = &mut self.leg(leg).leg;
            facts.disconnected = Some(at);
            facts.reason = "AGENT_DISCONNECT";
            self.wrap_up(leg, agent, at);
            return;
        }
        let rest = Part { kind: PartKind::Talk, length: self.random.seconds(10.0, 60.0) };
        let live = self.leg(leg);
        live.plan = [rest].into();
        live.outcome = Outcome::End;
        self.begin_part(leg, at);
        self.set_contact(leg, agent, ContactState::Connected, at);
        self.publish(agent, EventKind::StateChange, at);
    }

    /// The conversation is over, and the agent works on it still.
    fn wrap_up(&mut self, leg: LegNo, agent: AgentNo, at: Timestamp) {
        self.handling(leg, agent).acw_start = Some(at);
        self.set_contact(leg, agent, ContactState::Ended, at);
        self.publish(agent, EventKind::StateChange, at);
        let acw = self.leg(leg).acw;
        self.agenda.add(at + acw, Task::AcwEnds(leg));
    }

    pub(super) fn acw_ends(&mut self, leg: LegNo, now: Timestamp) {
        let Some(live) = self.legs.get(&leg) else { return };
        let Stage::With(agent) = live.stage else { return };
        let at = self.moment(agent, now);
        self.finish_wrapping_up(leg, agent, at);
        self.release(leg, agent, at);
        self.settle(leg, at);
    }

    /// Notes the end of after-contact work and takes the contact from the agent, without a word to anybody yet.
    pub(super) fn finish_wrapping_up(&mut self, leg: LegNo, agent: AgentNo, at: Timestamp) {
        self.handling(leg, agent).acw_end = Some(at);
        self.leg(leg).stage = Stage::Left;
        self.agents[agent.0].contacts.retain(|contact| contact.leg != leg);
    }

    /// Takes the contact from the agent, who turns to what comes next.
    pub(super) fn release(&mut self, leg: LegNo, agent: AgentNo, at: Timestamp) {
        let state = &mut self.agents[agent.0];
        state.contacts.retain(|contact| contact.leg != leg);
        let free = state.is_free();
        if free {
            state.idle_since = at;
        }
        let next = if free { state.next.take() } else { None };
        if let Some((next, _)) = next {
            state.select(next.status, at);
        }
        let wishes = state.wish.is_some();
        self.publish(agent, EventKind::StateChange, at);
        if let Some((next, length)) = next {
            self.expect_back(agent, next.status, length, at);
        }
        if wishes {
            let moment = self.random.seconds(0.8, 4.0);
            self.duty(agent, at + moment, Duty::FulfilWish);
        } else {
            self.look_for_work(agent, at);
        }
    }
}
