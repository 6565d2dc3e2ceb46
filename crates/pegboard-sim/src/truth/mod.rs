//! The truth about a simulated contact centre, in the rows of the reports contract.
//!
//! There are two. *Actual* is what happened, to the millisecond, told or not. *Knowable* is what can be
//! known from the records that were delivered: it follows the contract's text with the plainest means, without
//! any state between reports, so that it can be checked by reading and judge the engine.

mod agents;
mod contacts;
mod dominance;
mod evidence;
mod happened;
mod queues;
mod segments;
mod sessions;
mod statuses;
mod task_router;
#[cfg(test)]
mod tests;
mod timeline;
mod window;

use std::collections::BTreeMap;

use pegboard_model::policy::{GroupBy, Pegging, Precedence, ServiceLevelFormula, SessionPolicy};
use pegboard_model::report::{
    AgentInterval, AgentQueueInterval, GroupInterval, QueueInterval, SegmentRow, Session,
};
use pegboard_model::{Millis, QueueId, SourceName, Timestamp};

pub use self::statuses::{StatusTable, StatusType};
use self::timeline::Timeline;
use self::window::Window;
use crate::events::{AgentEventRecord, ContactRecordOut};
use crate::organisation::Organisation;
use crate::world::Simulation;

/// What is reported, and by which policies.
#[derive(Debug, Clone)]
pub struct ReportSettings {
    /// The first instant that is reported.
    pub from: Timestamp,
    /// The first instant after.
    pub to: Timestamp,
    /// The length of an interval; the grid is that of UTC.
    pub interval: Millis,
    /// The name of the source.
    pub source: SourceName,
    /// What counts as answered in time, unless a queue has its own.
    pub service_level: Millis,
    /// What counts as answered in time in single queues.
    pub service_level_of: BTreeMap<QueueId, Millis>,
    /// Below what a wait is no abandon to speak of.
    pub short_abandon: Millis,
    /// Which interval a contact belongs to.
    pub pegging: Pegging,
    /// How the service level is computed.
    pub formula: ServiceLevelFormula,
    /// Which of several contacts decides.
    pub precedence: Precedence,
    /// What bounds a session.
    pub session_policy: SessionPolicy,
    /// By what agents are grouped.
    pub group_by: GroupBy,
    /// What statuses mean.
    pub statuses: StatusTable,
    /// How silence is taken; nothing where it means nothing, as in a bare replay.
    pub silence: Option<Silence>,
}

/// How silence is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Silence {
    /// After how long an agent is unknown.
    pub stale_after: Millis,
    /// Up to when all evidence is there.
    pub watermark: Timestamp,
}

impl ReportSettings {
    /// Quarters of an hour from `from` to `to`, every policy at its default.
    pub fn new(from: Timestamp, to: Timestamp) -> Self {
        Self {
            from,
            to,
            interval: Millis::from_minutes(15),
            source: "amazon-connect".into(),
            service_level: Millis::from_seconds(20),
            service_level_of: BTreeMap::new(),
            short_abandon: Millis::from_seconds(5),
            pegging: Pegging::default(),
            formula: ServiceLevelFormula::default(),
            precedence: Precedence::default(),
            session_policy: SessionPolicy::default(),
            group_by: GroupBy::default(),
            statuses: StatusTable::default(),
            silence: None,
        }
    }
}

/// Every report, as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truth {
    /// By agent and start, marks first.
    pub segments: Vec<SegmentRow>,
    /// By agent and sign-in.
    pub sessions: Vec<Session>,
    /// By interval and agent.
    pub agent_intervals: Vec<AgentInterval>,
    /// By interval and group.
    pub group_intervals: Vec<GroupInterval>,
    /// By interval, queue, channel and direction.
    pub queue_intervals: Vec<QueueInterval>,
    /// By interval, agent, queue, channel and direction.
    pub agent_queue_intervals: Vec<AgentQueueInterval>,
}

impl Truth {
    /// What happened, told or not. Contacts count once they are over, within the simulation.
    pub fn actual(simulation: &Simulation, settings: &ReportSettings) -> Self {
        let organisation = &*simulation.organisation;
        let timelines = happened::timelines(&simulation.changes, organisation, settings);
        let contacts: Vec<_> = simulation.legs.iter().map(|leg| contacts::happened(leg)).collect();
        Self::report(organisation, &timelines, &contacts, settings)
    }

    /// What can be known from the records that were delivered, in whatever order and however often.
    pub fn knowable(
        organisation: &Organisation,
        events: &[AgentEventRecord],
        records: &[ContactRecordOut],
        settings: &ReportSettings,
    ) -> Self {
        let timelines = evidence::timelines(events, organisation, settings);
        Self::report(organisation, &timelines, &contacts::told(records), settings)
    }

    fn report(
        organisation: &Organisation,
        timelines: &[Timeline],
        contacts: &[contacts::Facts],
        settings: &ReportSettings,
    ) -> Self {
        let mut timelines: Vec<_> = timelines.iter().collect();
        timelines.sort_by_key(|timeline| &organisation.agent(timeline.agent).agent_id);
        let book = Book { organisation, settings, window: Window::new(settings) };
        Self {
            segments: timelines.iter().flat_map(|timeline| book.segments(timeline)).collect(),
            sessions: timelines.iter().flat_map(|timeline| book.sessions(timeline)).collect(),
            agent_intervals: book.agent_intervals(&timelines),
            group_intervals: book.group_intervals(&timelines),
            queue_intervals: book.queue_intervals(contacts),
            agent_queue_intervals: book.agent_queue_intervals(contacts),
        }
    }
}

/// What every report needs beside the facts.
#[derive(Debug)]
struct Book<'a> {
    organisation: &'a Organisation,
    settings: &'a ReportSettings,
    window: Window,
}
