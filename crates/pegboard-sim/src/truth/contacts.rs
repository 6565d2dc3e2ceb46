//! What is counted of a contact: as it happened, or as its record tells.

use std::collections::BTreeMap;

use pegboard_model::policy::Pegging;
use pegboard_model::{Direction, Millis, Timestamp};

use crate::events::{Channel, ContactRecordOut, Handling, Initiation, Leg, Via};
use crate::organisation::{AgentNo, QueueNo};

/// What is counted of one leg.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) channel: Channel,
    pub(super) initiation: Initiation,
    /// The stay in a queue that is reported.
    pub(super) stay: Option<Stay>,
    /// When it entered whatever queue.
    pub(super) enqueued: Option<Timestamp>,
    pub(super) work: Option<AgentWork>,
    pub(super) disconnected: Option<Timestamp>,
    pub(super) handed_on: bool,
}

/// A stay in a queue.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stay {
    pub(super) queue: QueueNo,
    pub(super) waited: Millis,
}

/// What an agent did who was connected.
#[derive(Debug, Clone)]
pub(super) struct AgentWork {
    pub(super) agent: AgentNo,
    pub(super) connected: Timestamp,
    pub(super) talk: Millis,
    pub(super) hold: Millis,
    pub(super) acw: Millis,
    pub(super) acw_end: Option<Timestamp>,
    pub(super) passed_on: bool,
}

/// To what precision something is known.
#[derive(Clone, Copy)]
struct Precision(i64);

impl Precision {
    fn time(self, at: Timestamp) -> Timestamp {
        Timestamp::from_millis(at.as_millis() - at.as_millis().rem_euclid(self.0))
    }

    fn duration(self, duration: Millis) -> Millis {
        Millis::new(duration.get() - duration.get().rem_euclid(self.0))
    }
}

/// The facts as they happened.
pub(super) fn happened(leg: &Leg) -> Facts {
    facts(leg, Precision(1))
}

/// The facts that records tell, in whole seconds: of each contact, its newest record.
pub(super) fn told(records: &[ContactRecordOut]) -> Vec<Facts> {
    let mut newest: BTreeMap<_, &ContactRecordOut> = BTreeMap::new();
    for record in records {
        let kept = newest.entry(record.leg.id).or_insert(record);
        if (record.updated, record.edition) > (kept.updated, kept.edition) {
            *kept = record;
        }
    }
    newest.values().map(|record| facts(&record.leg, Precision(1000))).collect()
}

fn facts(leg: &Leg, precision: Precision) -> Facts {
    let waited = |(from, to): (Timestamp, Timestamp)| precision.duration(to.since(from));
    let stay = match (leg.via, leg.enqueued.zip(leg.dequeued)) {
        (Some(Via::Queue(queue)), Some(times)) => Some(Stay { queue, waited: waited(times) }),
        _ => None,
    };
    Facts {
        channel: leg.channel,
        initiation: leg.initiation,
        stay,
        enqueued: leg.enqueued.map(|at| precision.time(at)),
        work: leg.handling.as_ref().and_then(|handling| work(leg, handling, precision)),
        disconnected: leg.disconnected.map(|at| precision.time(at)),
        handed_on: leg.next.is_some(),
    }
}

fn work(leg: &Leg, handling: &Handling, precision: Precision) -> Option<AgentWork> {
    let acw = handling.acw_start.zip(handling.acw_end).map(|(start, end)| end.since(start));
    Some(AgentWork {
        agent: handling.agent,
        connected: precision.time(handling.connected?),
        talk: precision.duration(handling.talk),
        hold: precision.duration(handling.hold) + precision.duration(handling.pause),
        acw: precision.duration(acw.unwrap_or(Millis::ZERO)),
        acw_end: handling.acw_end.map(|at| precision.time(at)),
        passed_on: leg.transfer_completed.is_some() || leg.transferred_to.is_some(),
    })
}

impl Facts {
    pub(super) fn direction(&self) -> Direction {
        if self.initiation == Initiation::Outbound { Direction::Outbound } else { Direction::Inbound }
    }

    /// The time to which the contact is pegged. Nothing while it goes on.
    pub(super) fn pegged(&self, pegging: Pegging) -> Option<Timestamp> {
        let disconnected = self.disconnected?;
        let time = match pegging {
            Pegging::Disconnect => None,
            Pegging::AcwEnd => self.work.as_ref().and_then(|work| work.acw_end),
            Pegging::Enqueue => self.enqueued,
            Pegging::Connect => self.work.as_ref().map(|work| work.connected),
        };
        Some(time.unwrap_or(disconnected))
    }

    /// Whether it is a contact of its own.
    pub(super) fn counts(&self) -> bool {
        self.initiation != Initiation::Monitor
    }
}
