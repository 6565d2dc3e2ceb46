//! Contacts while they live, and their records once they are over.

use std::collections::VecDeque;
use std::sync::Arc;

use pegboard_model::{Millis, Timestamp};

use super::Centre;
use crate::events::{Channel, ContactRecordOut, Handling, Initiation, Leg, Via};
use crate::organisation::AgentNo;

/// The number of a leg, never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LegNo(pub(super) u64);

/// A leg that is not over.
#[derive(Debug)]
pub(super) struct LiveLeg {
    pub(super) leg: Leg,
    pub(super) stage: Stage,
    /// What is left of the conversation, the current part first.
    pub(super) plan: VecDeque<Part>,
    pub(super) part_start: Timestamp,
    pub(super) part_number: u32,
    pub(super) outcome: Outcome,
    pub(super) acw: Millis,
    /// The contact to which this one belongs that an agent wants to pass on.
    pub(super) consulted_for: Option<LegNo>,
}

/// How far a leg has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Before the queue, or in it.
    Waiting,
    /// Offered to an agent.
    Offered(AgentNo),
    /// With an agent, after-contact work included.
    With(AgentNo),
    /// No agent has to do with it any more.
    Left,
}

/// A part of a conversation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub(super) kind: PartKind,
    pub(super) length: Millis,
}

/// What a part of a conversation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PartKind {
    Talk,
    Hold,
    Pause,
}

/// What follows the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is over.
    End,
    /// The agent passes it to another queue and is out of it at once.
    ToQueue,
    /// The agent passes it to an outside number and is out of it at once.
    ToOutside,
    /// The agent has spoken with an outside number first.
    ToOutsideWarm,
    /// The agent asks a colleague to take it.
    ToColleague,
}

/// What a leg begins with.
#[derive(Debug)]
pub(super) struct Origin<'a> {
    pub(super) channel: Channel,
    pub(super) initiation: Initiation,
    pub(super) via: Option<Via>,
    /// The leg that it carries on.
    pub(super) from: Option<&'a Leg>,
}

impl Leg {
    /// The id by which the whole chain is known.
    fn chain(&self) -> crate::events::Uuid {
        self.initial.unwrap_or(self.id)
    }
}

impl Centre {
    /// Begins a leg.
    pub(super) fn begin(&mut self, origin: &Origin<'_>, at: Timestamp) -> LegNo {
        let number = LegNo(self.legs_begun);
        self.legs_begun += 1;
        let customer = match origin.from {
            Some(from) => from.customer,
            None => self.phone_number(),
        };
        let leg = Leg {
            id: self.random.uuid(),
            initial: origin.from.map(Leg::chain),
            previous: origin.from.map(|from| from.id),
            next: None,
            channel: origin.channel,
            initiation: origin.initiation,
            initiated: at,
            via: origin.via,
            enqueued: None,
            dequeued: None,
            attempts: 0,
            handling: None,
            disconnected: None,
            reason: "CUSTOMER_DISCONNECT",
            transfer_completed: None,
            transferred_to: None,
            customer,
        };
        let live = LiveLeg {
            leg,
            stage: Stage::Waiting,
            plan: VecDeque::new(),
            part_start: at,
            part_number: 0,
            outcome: Outcome::End,
            acw: Millis::ZERO,
            consulted_for: None,
        };
        self.legs.insert(number, live);
        number
    }

    /// The last four digits of a number from the range that is kept for fiction.
    pub(super) fn phone_number(&mut self) -> u16 {
        100 + u16::try_from(self.random.below(100)).expect("is below 100")
    }

    pub(super) fn leg(&mut self, leg: LegNo) -> &mut LiveLeg {
        self.legs.get_mut(&leg).expect("a leg lives until it is settled")
    }

    /// The leg's handling by the agent, begun if need be.
    pub(super) fn handling(&mut self, leg: LegNo, agent: AgentNo) -> &mut Handling {
        let (team, profile) = (self.agents[agent.0].team, self.agents[agent.0].profile);
        self.leg(leg).leg.handling.get_or_insert(Handling {
            agent,
            team,
            profile,
            connected: None,
            talk: Millis::ZERO,
            hold: Millis::ZERO,
            holds: 0,
            longest_hold: Millis::ZERO,
            pause: Millis::ZERO,
            pauses: 0,
            acw_start: None,
            acw_end: None,
        })
    }

    /// Ends a leg without an agent.
    pub(super) fn end_unanswered(&mut self, leg: LegNo, at: Timestamp, reason: &'static str) {
        let live = self.leg(leg);
        live.stage = Stage::Left;
        live.leg.disconnected = Some(at);
        live.leg.reason = reason;
        if live.leg.enqueued.is_some() {
            live.leg.dequeued = Some(at);
        }
        self.settle(leg, at);
    }

    /// Writes the record if the customer is gone and no agent has to do with the leg any more.
    pub(super) fn settle(&mut self, number: LegNo, now: Timestamp) {
        let live = self.leg(number);
        let Some(disconnected) = live.leg.disconnected else { return };
        if live.stage != Stage::Left {
            return;
        }
        let worked_until = live.leg.handling.as_ref().and_then(|handling| handling.acw_end);
        let over = worked_until.map_or(disconnected, |end| end.max(disconnected));
        let Some(live) = self.legs.remove(&number) else { return };
        let leg = Arc::new(live.leg);
        self.outbox.legs.push(leg.clone());
        self.write_records(&leg, over.max(now));
    }

    /// The record comes a minute after everything is over, and a few again, when something was added to them.
    fn write_records(&mut self, leg: &Arc<Leg>, over: Timestamp) {
        let mut updated = over + self.random.seconds(60.0, 68.0);
        for edition in 0.. {
            let whole_seconds = Timestamp::from_seconds(updated.as_millis().div_euclid(1000));
            let delivered = updated + self.random.seconds(0.2, 2.0);
            let leg = leg.clone();
            self.outbox.records.push(ContactRecordOut { delivered, updated: whole_seconds, edition, leg });
            if !self.random.chance(0.03) {
                return;
            }
            updated = updated + self.random.minutes(2.0, 300.0);
        }
    }
}
