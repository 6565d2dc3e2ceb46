//! A contact as the platform's reports reckon with it.

use pegboard_model::{Millis, Timestamp};

use crate::events::{Channel, ContactRecordOut, Handling, Initiation, Leg, Via};
use crate::organisation::{AgentNo, ProfileNo, QueueNo, TeamNo};

/// What the platform knows of a contact that is over: what its record says, in whole seconds.
#[derive(Debug, Clone)]
pub(crate) struct Contact {
    /// From when on reports have it.
    pub(crate) known: Timestamp,
    /// When the customer's end was over: that is where reports put the whole contact.
    pub(crate) disconnected: Timestamp,
    pub(crate) queue: Option<QueueNo>,
    pub(crate) channel: Channel,
    pub(crate) initiation: Initiation,
    pub(crate) reason: &'static str,
    pub(crate) enqueued: bool,
    pub(crate) waited: Option<i64>,
    /// The part of the agent who was connected.
    pub(crate) handled: Option<Handled>,
    pub(crate) handed_on: bool,
    /// In the menu, before the queue or instead of it.
    pub(crate) in_flow: i64,
}

/// What the connected agent did, in whole seconds.
#[derive(Debug, Clone)]
pub(crate) struct Handled {
    pub(crate) agent: AgentNo,
    pub(crate) team: TeamNo,
    pub(crate) profile: ProfileNo,
    pub(crate) interaction: i64,
    pub(crate) hold: i64,
    pub(crate) pause: i64,
    pub(crate) acw: i64,
    pub(crate) holds: u32,
    pub(crate) passed_on: bool,
}

impl Contact {
    /// The contact of a record that reports have from `known` on. Nothing for a supervisor who listens, which is no
    /// contact of its own.
    pub(crate) fn of(record: &ContactRecordOut, known: Timestamp) -> Option<Self> {
        let leg = &*record.leg;
        if leg.initiation == Initiation::Monitor {
            return None;
        }
        let disconnected = leg.disconnected?;
        let queue = match leg.via {
            Some(Via::Queue(queue)) => Some(queue),
            Some(Via::Personal(_)) | None => None,
        };
        let left_flow = leg.enqueued.or(leg.transfer_completed).unwrap_or(disconnected);
        Some(Self {
            known,
            disconnected,
            queue,
            channel: leg.channel,
            initiation: leg.initiation,
            reason: leg.reason,
            enqueued: leg.enqueued.is_some(),
            waited: leg.enqueued.zip(leg.dequeued).map(|(from, to)| whole(to.since(from))),
            handled: leg.handling.as_ref().and_then(|handling| handled(leg, handling)),
            handed_on: leg.next.is_some(),
            in_flow: whole(left_flow.since(leg.initiated)).max(0),
        })
    }

    /// Entered a queue, reached nobody, and was not handed on.
    pub(crate) fn was_abandoned(&self) -> bool {
        self.enqueued && self.handled.is_none() && !self.handed_on
    }
}

fn handled(leg: &Leg, handling: &Handling) -> Option<Handled> {
    handling.connected?;
    let acw = handling.acw_start.zip(handling.acw_end).map_or(0, |(start, end)| whole(end.since(start)));
    Some(Handled {
        agent: handling.agent,
        team: handling.team,
        profile: handling.profile,
        interaction: whole(handling.talk),
        hold: whole(handling.hold),
        pause: whole(handling.pause),
        acw,
        holds: handling.holds,
        passed_on: leg.transfer_completed.is_some() || leg.transferred_to.is_some(),
    })
}

/// Whole seconds, cut off as the platform does.
const fn whole(duration: Millis) -> i64 {
    duration.get() / 1000
}
