//! Queues: waiting, giving up, being passed on, and being offered to an agent.

use pegboard_model::{Millis, Timestamp};

use super::Centre;
use super::agenda::{OfferEnd, Task};
use super::agents::HeldContact;
use super::contacts::{LegNo, Origin, Stage};
use crate::events::{Channel, ContactState, ContactView, EventKind, Initiation, Via};
use crate::organisation::{AgentNo, ProfileNo, QueueNo};

/// How long anything waits for somebody who was to be there, and is not.
const LONGEST_WAIT: Millis = Millis::from_hours(2);

impl Centre {
    pub(super) fn join_queues(&mut self, agent: AgentNo, profile: ProfileNo) {
        for queue in self.organisation.profile(profile).queues.clone() {
            self.members[queue.0].push(agent);
        }
    }

    pub(super) fn leave_queues(&mut self, agent: AgentNo, profile: ProfileNo) {
        for queue in &self.organisation.profile(profile).queues {
            self.members[queue.0].retain(|member| *member != agent);
        }
    }

    pub(super) fn enqueue(&mut self, leg: LegNo, now: Timestamp) {
        let live = self.leg(leg);
        live.leg.enqueued = Some(now);
        let (channel, initiation) = (live.leg.channel, live.leg.initiation);
        let Some(Via::Queue(queue)) = live.leg.via else { return };
        if channel == Channel::Task || initiation == Initiation::Callback {
            self.wait_until_closing(leg, queue, now);
        } else {
            let patience = self.patience(channel);
            self.agenda.add(now + patience, Task::PatienceEnds(leg));
            if self.random.chance(0.25) {
                let limit = self.random.seconds(45.0, 120.0);
                self.agenda.add(now + limit, Task::Overflow(leg));
            }
        }
        let first = self.waiting[queue.0].iter().all(|waiting| self.legs[waiting].leg.channel != channel);
        match self.longest_idle(queue, channel) {
            Some(agent) if first => self.offer(leg, agent, now),
            _ => self.waiting[queue.0].push_back(leg),
        }
    }

    /// A task or a callback has no customer who loses patience: it waits as long as its queue is open, by plan.
    fn wait_until_closing(&mut self, leg: LegNo, queue: QueueNo, now: Timestamp) {
        let closing = self.forecast.closing(queue, self.legs[&leg].leg.channel, now);
        self.agenda.add(closing.min(now + LONGEST_WAIT), Task::QueueCloses(leg));
    }

    pub(super) fn queue_closes(&mut self, leg: LegNo, now: Timestamp) {
        let Some(live) = self.legs.get(&leg) else { return };
        let (Stage::Waiting, Some(Via::Queue(queue))) = (live.stage, live.leg.via) else { return };
        let reason = if live.leg.channel == Channel::Task { "EXPIRED" } else { "CONTACT_FLOW_DISCONNECT" };
        self.waiting[queue.0].retain(|waiting| *waiting != leg);
        self.end_unanswered(leg, now, reason);
    }

    /// How long a customer waits. A few hardly wait at all.
    fn patience(&mut self, channel: Channel) -> Millis {
        match channel {
            _ if self.random.chance(0.05) => self.random.seconds(1.0, 9.0),
            Channel::Voice => self.random.lognormal(210.0, 0.9),
            Channel::Chat | Channel::Task => self.random.lognormal(300.0, 0.9),
        }
    }

    /// The agent who has waited longest for work of the queue; for chats, of those with the fewest.
    fn longest_idle(&self, queue: QueueNo, channel: Channel) -> Option<AgentNo> {
        let open = |agent: &&AgentNo| self.agents[agent.0].fits(channel, self.status_kind(**agent));
        let rank = |agent: &&AgentNo| {
            let state = &self.agents[agent.0];
            (state.contacts.len(), state.idle_since, **agent)
        };
        self.members[queue.0].iter().filter(open).min_by_key(rank).copied()
    }

    /// An agent who would take a colleague's call.
    pub(super) fn idle_colleague(&self, of: AgentNo) -> Option<AgentNo> {
        let queues = &self.organisation.profile(self.agents[of.0].profile).queues;
        queues.iter().find_map(|queue| self.longest_idle(*queue, Channel::Voice)).filter(|agent| *agent != of)
    }

    /// Offers the agent what has waited longest, as long as there is anything that fits.
    pub(super) fn route(&mut self, agent: AgentNo, now: Timestamp) {
        while let Some((queue, leg)) = self.longest_waiting(agent) {
            self.waiting[queue.0].retain(|waiting| *waiting != leg);
            self.offer(leg, agent, now);
        }
    }

    fn longest_waiting(&self, agent: AgentNo) -> Option<(QueueNo, LegNo)> {
        let (state, kind) = (&self.agents[agent.0], self.status_kind(agent));
        let queues = &self.organisation.profile(state.profile).queues;
        let waiting = queues.iter().filter_map(|queue| {
            self.waiting[queue.0].iter().find_map(|leg| {
                let live = &self.legs[leg];
                state.fits(live.leg.channel, kind).then_some((live.leg.enqueued, *queue, *leg))
            })
        });
        waiting.min().map(|(_, queue, leg)| (queue, leg))
    }

    /// It rings at the agent.
    pub(super) fn offer(&mut self, leg: LegNo, agent: AgentNo, now: Timestamp) {
        let at = self.moment(agent, now);
        let live = self.leg(leg);
        live.stage = Stage::Offered(agent);
        live.leg.attempts += 1;
        let (number, channel, initiation) = (live.leg.attempts, live.leg.channel, live.leg.initiation);
        let state = if initiation == Initiation::Callback {
            ContactState::Incoming
        } else {
            ContactState::Connecting
        };
        self.give(leg, agent, state, at);
        self.publish(agent, EventKind::StateChange, at);
        let (end, after) = self.reaction(channel);
        self.agenda.add(at + after, Task::OfferEnds(leg, number, end));
    }

    /// Puts the contact among those of the agent.
    pub(super) fn give(&mut self, leg: LegNo, agent: AgentNo, state: ContactState, at: Timestamp) {
        let facts = &self.leg(leg).leg;
        let view = ContactView {
            id: facts.id,
            initial: facts.initial,
            channel: facts.channel,
            initiation: facts.initiation,
            state,
            told_since: at,
            since: at,
            connected: None,
            via: facts.via,
            queued: facts.enqueued,
        };
        self.agents[agent.0].contacts.push(HeldContact { leg, view });
    }

    /// Whether and when an agent takes what is offered.
    fn reaction(&mut self, channel: Channel) -> (OfferEnd, Millis) {
        if !self.random.chance(0.03) {
            return (OfferEnd::Accepted, self.random.seconds(1.2, 9.0));
        }
        match channel {
            Channel::Voice => (OfferEnd::Refused, Millis::from_seconds(20)),
            Channel::Chat | Channel::Task => (OfferEnd::Refused, self.random.seconds(3.0, 19.0)),
        }
    }

    pub(super) fn offer_ends(&mut self, leg: LegNo, number: u32, end: OfferEnd, now: Timestamp) {
        let Some(live) = self.legs.get(&leg) else { return };
        let Stage::Offered(agent) = live.stage else { return };
        if live.leg.attempts != number {
            return;
        }
        let at = self.moment(agent, now);
        match end {
            OfferEnd::Accepted if self.leg(leg).leg.initiation == Initiation::Callback => {
                self.call_back(leg, agent, at);
            }
            OfferEnd::Accepted | OfferEnd::CustomerAnswers => self.connect(leg, agent, at),
            OfferEnd::Refused => self.refused(leg, agent, at),
            OfferEnd::CustomerSilent => {
                self.stick(leg, agent, ContactState::Error, at);
                self.end_unanswered(leg, at, "TELECOM_UNANSWERED");
            }
        }
    }

    /// The agent has taken the callback, and the customer is dialled.
    fn call_back(&mut self, leg: LegNo, agent: AgentNo, at: Timestamp) {
        self.set_contact(leg, agent, ContactState::Connecting, at);
        self.publish(agent, EventKind::StateChange, at);
        let answers = self.random.chance(0.8);
        let end = if answers { OfferEnd::CustomerAnswers } else { OfferEnd::CustomerSilent };
        let after = self.random.seconds(5.0, 25.0);
        let number = self.leg(leg).leg.attempts;
        self.agenda.add(at + after, Task::OfferEnds(leg, number, end));
    }

    /// The contact goes back to the head of its queue, and the agent is stuck with it for a while.
    fn refused(&mut self, leg: LegNo, agent: AgentNo, at: Timestamp) {
        let channel = self.leg(leg).leg.channel;
        let state = if channel == Channel::Voice { ContactState::Missed } else { ContactState::Rejected };
        self.stick(leg, agent, state, at);
        self.leg(leg).stage = Stage::Waiting;
        match self.leg(leg).leg.via {
            Some(Via::Queue(queue)) => match self.longest_idle(queue, channel) {
                Some(another) => self.offer(leg, another, at),
                None => self.wait_again(leg, queue, at),
            },
            Some(Via::Personal(_)) | None => self.colleague_refused(leg, at),
        }
    }

    /// Back at the head of its queue, which may have closed meanwhile.
    fn wait_again(&mut self, leg: LegNo, queue: QueueNo, now: Timestamp) {
        self.waiting[queue.0].push_front(leg);
        let facts = &self.legs[&leg].leg;
        if facts.channel == Channel::Task || facts.initiation == Initiation::Callback {
            self.wait_until_closing(leg, queue, now);
        }
    }

    /// Leaves the agent with a contact that blocks routing until it is cleared.
    fn stick(&mut self, leg: LegNo, agent: AgentNo, state: ContactState, at: Timestamp) {
        self.set_contact(leg, agent, state, at);
        self.publish(agent, EventKind::StateChange, at);
        let stuck = self.random.seconds(8.0, 120.0);
        self.agenda.add(at + stuck, Task::Clear(agent, leg));
    }

    pub(super) fn clear(&mut self, agent: AgentNo, leg: LegNo, now: Timestamp) {
        let at = self.moment(agent, now);
        let selects_anew = self.random.chance(0.4);
        let state = &mut self.agents[agent.0];
        let stuck = [ContactState::Missed, ContactState::Rejected, ContactState::Error];
        if !state.contact(leg).is_some_and(|contact| stuck.contains(&contact.state)) {
            return;
        }
        if selects_anew && state.is_free() {
            state.select(state.status, at);
        }
        self.release(leg, agent, at);
    }

    pub(super) fn patience_ends(&mut self, leg: LegNo, now: Timestamp) {
        let Some(live) = self.legs.get(&leg) else { return };
        match live.stage {
            Stage::Waiting => {
                let (via, voice) = (live.leg.via, live.leg.channel == Channel::Voice);
                let Some(Via::Queue(queue)) = via else { return };
                self.waiting[queue.0].retain(|waiting| *waiting != leg);
                if voice && self.random.chance(0.25) {
                    self.ask_for_callback(leg, queue, now);
                } else {
                    self.end_unanswered(leg, now, "CUSTOMER_DISCONNECT");
                }
            }
            Stage::Offered(agent) => {
                let at = self.moment(agent, now);
                let chat = live.leg.channel == Channel::Chat;
                self.stick(leg, agent, if chat { ContactState::Rejected } else { ContactState::Error }, at);
                self.end_unanswered(leg, at, "CUSTOMER_DISCONNECT");
            }
            Stage::With(_) | Stage::Left => {}
        }
    }

    fn ask_for_callback(&mut self, leg: LegNo, queue: QueueNo, now: Timestamp) {
        let until_due = self.random.minutes(0.3, 20.0);
        self.carry_on(leg, Initiation::Callback, queue, now, until_due);
        self.end_unanswered(leg, now, "CONTACT_FLOW_DISCONNECT");
    }

    /// Begins the next leg of the chain in a queue.
    pub(super) fn carry_on(
        &mut self,
        leg: LegNo,
        initiation: Initiation,
        queue: QueueNo,
        now: Timestamp,
        delay: Millis,
    ) {
        let from = self.leg(leg).leg.clone();
        let origin =
            Origin { channel: from.channel, initiation, via: Some(Via::Queue(queue)), from: Some(&from) };
        let next = self.begin(&origin, now);
        self.leg(leg).leg.next = Some(self.legs[&next].leg.id);
        self.agenda.add(now + delay, Task::Enqueue(next));
    }

    pub(super) fn overflow(&mut self, leg: LegNo, now: Timestamp) {
        let Some(live) = self.legs.get(&leg) else { return };
        let (Stage::Waiting, Some(Via::Queue(queue))) = (live.stage, live.leg.via) else { return };
        let Some(other) = self.another_queue(queue) else { return };
        self.waiting[queue.0].retain(|waiting| *waiting != leg);
        let delay = self.random.seconds(0.3, 2.0);
        self.carry_on(leg, Initiation::QueueTransfer, other, now, delay);
        self.end_unanswered(leg, now, "CONTACT_FLOW_DISCONNECT");
    }

    /// Another queue of the same kind.
    pub(super) fn another_queue(&mut self, queue: QueueNo) -> Option<QueueNo> {
        let queues = &self.organisation.queues;
        let alike = |other: &QueueNo| *other != queue && queues[other.0].digital == queues[queue.0].digital;
        let others: Vec<_> = (0..queues.len()).map(QueueNo).filter(alike).collect();
        if others.is_empty() { None } else { Some(*self.random.choose(&others)) }
    }
}
