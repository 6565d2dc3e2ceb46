//! Rows from what is stored: for the closer, and for readers.

use std::collections::HashMap;

use pegboard_engine::agents::{AgentReport, GroupPart};
use pegboard_engine::queues::QueueReport;
use pegboard_engine::segments::{activity_rows, segment_rows};
use pegboard_engine::sessions::SessionReport;
use pegboard_engine::track::Beginning;
use pegboard_engine::{Grid, IntervalLength, Timeline, Window};
use pegboard_model::report::{
    Activity, AgentInterval, AgentQueueInterval, GroupInterval, QueueInterval, SegmentRow, Session,
};
use pegboard_model::{AgentId, Class, ContactLeg, Millis, Timestamp};
use pegboard_store::{Store, StoreError};

use crate::config::SourceConfig;

/// The timelines and contacts of one source within a window.
#[derive(Debug)]
pub struct Facts {
    timelines: Vec<Timeline>,
    legs: Vec<ContactLeg>,
    window: Window,
    known_until: Timestamp,
}

impl Facts {
    /// Loads what touches `window`, of one agent or of all. `beginnings` says where timelines begin, for the time
    /// before; open states are known to last until `known_until`.
    pub async fn load(
        store: &dyn Store,
        config: &SourceConfig,
        window: Window,
        agent: Option<&AgentId>,
        beginnings: &HashMap<AgentId, Beginning>,
        known_until: Timestamp,
    ) -> Result<Self, StoreError> {
        let stored = store.segments(&config.name, agent, window.from, window.to).await?;
        let mut timelines: Vec<Timeline> = Vec::new();
        for (agent, segment) in stored {
            if let Some(last) = timelines.last_mut()
                && last.agent == agent
            {
                last.segments.push(segment);
                continue;
            }
            let known = beginnings.get(&agent).filter(|beginning| beginning.at > window.from);
            let (begins, before) =
                known.map_or((window.from, Class::Unknown), |beginning| (beginning.at, beginning.before));
            timelines.push(Timeline { agent, begins, before, segments: vec![segment] });
        }
        let legs = match agent {
            None => store.contacts(&config.name, window.from, window.to).await?,
            Some(_) => Vec::new(),
        };
        Ok(Self { timelines, legs, window, known_until })
    }

    /// The rows of `agent_interval` (or by day), by interval and agent.
    pub fn agent_rows(&self, config: &SourceConfig, length: IntervalLength) -> Vec<AgentInterval> {
        let report = self.agent_report(config, length);
        let rows = self.timelines.iter().flat_map(|timeline| report.rows(timeline).intervals);
        let mut rows: Vec<_> = rows.collect();
        rows.sort_by(|a, b| (a.interval_start, &a.agent_id).cmp(&(b.interval_start, &b.agent_id)));
        rows
    }

    /// The rows of `group_interval` (or by day), by interval and group.
    pub fn group_rows(&self, config: &SourceConfig, length: IntervalLength) -> Vec<GroupInterval> {
        let report = self.agent_report(config, length);
        let parts: Vec<GroupPart> =
            self.timelines.iter().flat_map(|timeline| report.rows(timeline).groups).collect();
        report.group_rows(&parts)
    }

    /// The rows of `queue_interval` (or by day), by interval, queue, channel and direction.
    pub fn queue_rows(&self, config: &SourceConfig, length: IntervalLength) -> Vec<QueueInterval> {
        self.queue_report(config, length).queue_rows(&self.legs)
    }

    /// The rows of `agent_queue_interval` (or by day), by interval, agent, queue, channel and direction.
    pub fn agent_queue_rows(&self, config: &SourceConfig, length: IntervalLength) -> Vec<AgentQueueInterval> {
        self.queue_report(config, length).agent_queue_rows(&self.legs)
    }

    /// The rows of `segments`, by agent and start.
    pub fn segments(&self, config: &SourceConfig) -> Vec<SegmentRow> {
        let rows = |timeline| segment_rows(&config.name, timeline, self.window, self.known_until);
        self.timelines.iter().flat_map(rows).collect()
    }

    /// The rows of `activities`, by agent and start.
    pub fn activities(&self, config: &SourceConfig) -> Vec<Activity> {
        let rows = |timeline| activity_rows(&config.name, timeline, self.window, self.known_until);
        self.timelines.iter().flat_map(rows).collect()
    }

    /// The rows of `sessions`, by agent and sign-in.
    pub fn sessions(&self, config: &SourceConfig) -> Vec<Session> {
        let report = SessionReport {
            source: config.name.clone(),
            window: self.window,
            known_until: self.known_until,
            policy: config.session_policy,
            statuses: config.statuses.clone(),
        };
        self.timelines.iter().flat_map(|timeline| report.rows(timeline)).collect()
    }

    fn agent_report(&self, config: &SourceConfig, length: IntervalLength) -> AgentReport {
        AgentReport {
            source: config.name.clone(),
            grid: Grid::new(length, &config.time_zone, self.window),
            known_until: self.known_until,
            statuses: config.statuses.clone(),
            group_by: config.group_by,
        }
    }

    fn queue_report(&self, config: &SourceConfig, length: IntervalLength) -> QueueReport {
        QueueReport {
            source: config.name.clone(),
            grid: Grid::new(length, &config.time_zone, self.window),
            goals: config.queue_settings.clone(),
            default_goals: config.default_goals,
            formula: config.service_level_formula,
            pegging: config.pegging,
            ring_in: config.ring_in,
            personal_queues: config.personal_queues,
        }
    }
}

/// The whole interval of the source's grid that holds `at`.
pub fn interval_at(config: &SourceConfig, at: Timestamp) -> Window {
    let around = Window { from: at - Millis::from_hours(24), to: at + Millis::from_hours(24) };
    let interval = Grid::new(config.interval, &config.time_zone, around).interval_at(at);
    Window { from: interval.start, to: interval.end }
}
