//! From everything that was read to the rows of every report.

use std::collections::HashMap;
use std::sync::OnceLock;

use jiff::tz::TimeZone;
use pegboard_engine::agents::{AgentReport, AgentRows, GroupPart};
use pegboard_engine::queues::{QueueGoals, QueueReport, pegged_at};
use pegboard_engine::segments::{activity_rows, segment_rows};
use pegboard_engine::sessions::SessionReport;
use pegboard_engine::{Grid, IntervalLength, StatusTable, Timeline, TimelinePolicy, Window};
use pegboard_model::policy::{GroupBy, Pegging, Precedence, RingIn, ServiceLevelFormula, SessionPolicy};
use pegboard_model::report::{Activity, AgentInterval, AgentQueueInterval, GroupInterval, QueueInterval};
use pegboard_model::report::{SegmentRow, Session};
use pegboard_model::{AgentId, ContactLeg, Millis, Observation, SourceName, Timestamp};
use rayon::prelude::*;

use super::read::Records;

/// Every choice that shapes the reports.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The source, as rows name it.
    pub source: SourceName,
    /// The first instant; that of the first interval with anything in it where none is given.
    pub from: Option<Timestamp>,
    /// The first instant after; that of the last interval with anything in it where none is given.
    pub to: Option<Timestamp>,
    /// The length of an interval.
    pub interval: IntervalLength,
    /// The reporting zone.
    pub zone: TimeZone,
    /// The status table.
    pub statuses: StatusTable,
    /// The thresholds of queues that have their own.
    pub goals: HashMap<String, QueueGoals>,
    /// The thresholds of all others.
    pub default_goals: QueueGoals,
    /// How the service level is computed.
    pub formula: ServiceLevelFormula,
    /// Which interval a contact belongs to.
    pub pegging: Pegging,
    /// Where ring time counts.
    pub ring_in: RingIn,
    /// Which of several contacts decides.
    pub precedence: Precedence,
    /// What bounds a session.
    pub session_policy: SessionPolicy,
    /// By what agents are grouped.
    pub group_by: GroupBy,
}

/// The window asked for holds no time.
#[derive(Debug, thiserror::Error)]
#[error("the window is empty: --from {from} is not before --to {to}")]
pub struct WindowError {
    from: Timestamp,
    to: Timestamp,
}

/// Timelines and contacts, ready for any report.
#[derive(Debug)]
pub struct Inputs {
    pub(super) settings: Settings,
    pub(super) timelines: Vec<Timeline>,
    legs: Vec<ContactLeg>,
    pub(super) window: Window,
    pub(super) known_until: Timestamp,
    by_interval: OnceLock<AgentTimes>,
    by_day: OnceLock<AgentTimes>,
}

/// By what a report cuts time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Intervals of the length that the settings name.
    Interval,
    /// Local days.
    Day,
}

/// Where agents' time went. One pass over the timelines gives both.
#[derive(Debug)]
struct AgentTimes {
    agents: Vec<AgentInterval>,
    groups: Vec<GroupInterval>,
}

impl Inputs {
    /// Derives the timelines, on all cores, and the window.
    pub fn new(records: Records, settings: Settings) -> Result<Self, WindowError> {
        let policy = TimelinePolicy { precedence: settings.precedence, silence: None };
        let evidence: Vec<_> = records.evidence.into_iter().collect();
        let mut timelines: Vec<Timeline> =
            evidence.into_par_iter().filter_map(|(agent, seen)| timeline(agent, &seen, &policy)).collect();
        timelines.par_sort_unstable_by(|a, b| a.agent.cmp(&b.agent));
        let legs: Vec<_> = records.contacts.into_legs().collect();
        let pegged =
            legs.iter().filter(|leg| !leg.monitored).filter_map(|leg| pegged_at(leg, settings.pegging));
        let last_heard = records.heard.map(|heard| heard.last);
        let first = pegged.clone().chain(records.heard.map(|heard| heard.first)).min();
        let last = pegged.chain(last_heard).max();
        let from = settings.from.or(first.map(|first| interval_of(first, &settings).from));
        let to = settings.to.or(last.map(|last| interval_of(last, &settings).to));
        let (from, to) = match (from, to) {
            (Some(from), Some(to)) => (from, to),
            (Some(from), None) => (from, from + Millis::new(1)),
            (None, Some(to)) => (to - Millis::new(1), to),
            (None, None) => (Timestamp::default(), Timestamp::from_millis(1)),
        };
        if from >= to {
            return Err(WindowError { from, to });
        }
        let known_until = match (settings.to, last_heard) {
            (Some(to), _) => to,
            (None, Some(last)) => interval_of(last, &settings).to,
            (None, None) => to,
        };
        let window = Window { from, to };
        let [by_interval, by_day] = [OnceLock::new(), OnceLock::new()];
        Ok(Self { settings, timelines, legs, window, known_until, by_interval, by_day })
    }

    /// The rows of `segments`, by agent and start.
    pub fn segments(&self) -> Vec<SegmentRow> {
        self.per_agent(|timeline| {
            segment_rows(&self.settings.source, timeline, self.window, self.known_until)
        })
    }

    /// The rows of `activities`, by agent and start.
    pub fn activities(&self) -> Vec<Activity> {
        self.per_agent(|timeline| {
            activity_rows(&self.settings.source, timeline, self.window, self.known_until)
        })
    }

    /// The rows of `sessions`, by agent and sign-in.
    pub fn sessions(&self) -> Vec<Session> {
        let report = SessionReport {
            source: self.settings.source.clone(),
            window: self.window,
            known_until: self.known_until,
            policy: self.settings.session_policy,
            statuses: self.settings.statuses.clone(),
        };
        self.per_agent(|timeline| report.rows(timeline))
    }

    /// The rows of `agent_interval` (or by day), by interval and agent.
    pub fn agent_rows(&self, cut: Cut) -> &[AgentInterval] {
        &self.agent_times(cut).agents
    }

    /// The rows of `group_interval` (or by day), by interval and group.
    pub fn group_rows(&self, cut: Cut) -> &[GroupInterval] {
        &self.agent_times(cut).groups
    }

    /// The rows of `queue_interval` (or by day), by interval, queue, channel and direction.
    pub fn queue_rows(&self, cut: Cut) -> Vec<QueueInterval> {
        self.queue_report(cut).queue_rows(&self.legs)
    }

    /// The rows of `agent_queue_interval` (or by day), by interval, agent, queue, channel and direction.
    pub fn agent_queue_rows(&self, cut: Cut) -> Vec<AgentQueueInterval> {
        self.queue_report(cut).agent_queue_rows(&self.legs)
    }

    fn agent_times(&self, cut: Cut) -> &AgentTimes {
        let times = match cut {
            Cut::Interval => &self.by_interval,
            Cut::Day => &self.by_day,
        };
        times.get_or_init(|| {
            let report = self.agent_report(cut);
            let (agents, parts): (Vec<_>, Vec<Vec<GroupPart>>) = self
                .timelines
                .par_iter()
                .map(|timeline| report.rows(timeline))
                .map(|AgentRows { intervals, groups }| (intervals, groups))
                .unzip();
            let mut agents: Vec<_> = agents.into_iter().flatten().collect();
            agents.par_sort_by(|a, b| (a.interval_start, &a.agent_id).cmp(&(b.interval_start, &b.agent_id)));
            AgentTimes { agents, groups: report.group_rows(parts.iter().flatten()) }
        })
    }

    pub(super) fn grid(&self, cut: Cut) -> Grid {
        let length = match cut {
            Cut::Interval => self.settings.interval,
            Cut::Day => IntervalLength::Day,
        };
        Grid::new(length, &self.settings.zone, self.window)
    }

    pub(super) fn per_agent<R: Send>(&self, rows: impl Fn(&Timeline) -> Vec<R> + Sync + Send) -> Vec<R> {
        let per_agent: Vec<Vec<R>> = self.timelines.par_iter().map(rows).collect();
        per_agent.into_iter().flatten().collect()
    }

    fn agent_report(&self, cut: Cut) -> AgentReport {
        AgentReport {
            source: self.settings.source.clone(),
            grid: self.grid(cut),
            known_until: self.known_until,
            statuses: self.settings.statuses.clone(),
            group_by: self.settings.group_by,
        }
    }

    fn queue_report(&self, cut: Cut) -> QueueReport {
        QueueReport {
            source: self.settings.source.clone(),
            grid: self.grid(cut),
            goals: self.settings.goals.clone(),
            default_goals: self.settings.default_goals,
            formula: self.settings.formula,
            pegging: self.settings.pegging,
            ring_in: self.settings.ring_in,
            personal_queues: false,
        }
    }
}

/// The timeline of an agent, from what each thread has found about it.
fn timeline(agent: AgentId, seen: &[Vec<Observation>], policy: &TimelinePolicy) -> Option<Timeline> {
    let evidence: Vec<_> = seen.iter().flatten().collect();
    Timeline::derive(agent, evidence, policy).map(|(timeline, _)| timeline)
}

/// The whole interval that holds `at`.
fn interval_of(at: Timestamp, settings: &Settings) -> Window {
    let around = Window { from: at - Millis::from_hours(24), to: at + Millis::from_hours(24) };
    let interval = Grid::new(settings.interval, &settings.zone, around).interval_at(at);
    Window { from: interval.start, to: interval.end }
}
