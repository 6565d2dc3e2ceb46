//! Rows from what is stored: for the closer, and for readers.

use std::collections::{BTreeMap, HashMap, HashSet};

use pegboard_engine::agents::{AgentReport, GroupPart};
use pegboard_engine::queues::QueueReport;
use pegboard_engine::segments::{activity_rows, segment_rows};
use pegboard_engine::sessions::SessionReport;
use pegboard_engine::{Grid, Interval, IntervalLength, Timeline, Window};
use pegboard_model::policy::SessionPolicy;
use pegboard_model::report::{
    Activity, AgentInterval, AgentQueueInterval, GroupInterval, QueueInterval, SegmentRow, Session,
};
use pegboard_model::{
    AgentId, Class, ContactLeg, Direction, Millis, Queue, QueueId, Segment, SourceName, Text, Timestamp,
};
use pegboard_sinks::AgentEntry;
use pegboard_store::{RowsOf, Store, StoreError};

use crate::config::SourceConfig;
use crate::replay::directory;

/// The timelines and contacts of one source within a window.
#[derive(Debug)]
pub struct Facts {
    timelines: Vec<Timeline>,
    legs: Vec<ContactLeg>,
    window: Window,
    known_until: Timestamp,
}

/// The facts that somebody asks for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// What touches this.
    pub window: Window,
    /// The timeline of this agent alone.
    pub agent: Option<&'a AgentId>,
    /// What the rows are made of.
    pub rows: RowsOf,
}

/// Segments by agent, as one stretch after the other is added.
#[derive(Default)]
struct Growing {
    agents: BTreeMap<AgentId, Vec<Segment>>,
    count: usize,
}

impl Growing {
    /// Adds what touches the next stretch. A segment that touched the one before too is there already, perhaps as it was
    /// before it ended.
    fn add(&mut self, stored: Vec<(AgentId, Segment)>) {
        for (agent, segment) in stored {
            let own = self.agents.entry(agent).or_default();
            match own.last_mut() {
                Some(last) if segment.start < last.start => {}
                Some(last) if segment.start == last.start && segment.mark == last.mark => *last = segment,
                _ => {
                    own.push(segment);
                    self.count += 1;
                }
            }
        }
    }

    /// The timelines of a window. Those that begin within it are asked for last, so that there is none whose segments are
    /// known and not its beginning.
    async fn timelines(
        self,
        store: &dyn Store,
        source: &SourceName,
        from: Timestamp,
    ) -> Result<Vec<Timeline>, StoreError> {
        if self.agents.is_empty() {
            return Ok(Vec::new());
        }
        let beginnings = store.beginnings(source, from).await?;
        let beginnings: HashMap<AgentId, (Timestamp, Class)> =
            beginnings.into_iter().map(|begins| (begins.agent, (begins.at, begins.before))).collect();
        Ok(timelines(self.agents, &beginnings, from))
    }
}

/// Timelines from segments. One whose beginning is not among `beginnings` has begun before `from`.
fn timelines(
    agents: BTreeMap<AgentId, Vec<Segment>>,
    beginnings: &HashMap<AgentId, (Timestamp, Class)>,
    from: Timestamp,
) -> Vec<Timeline> {
    let timeline = |(agent, segments)| {
        let (begins, before) = beginnings.get(&agent).copied().unwrap_or((from, Class::Unknown));
        Timeline { agent, begins, before, segments }
    };
    agents.into_iter().map(timeline).collect()
}

impl Facts {
    /// Loads what some rows of `window` are made of, of all agents. Open states are known to last until `known_until`.
    pub async fn load(
        store: &dyn Store,
        config: &SourceConfig,
        rows: RowsOf,
        window: Window,
        known_until: Timestamp,
    ) -> Result<Self, StoreError> {
        let mut growing = Growing::default();
        let mut legs = Vec::new();
        match rows {
            RowsOf::Agents => growing.add(store.segments(&config.name, None, window.from, window.to).await?),
            RowsOf::Contacts => legs = store.contacts(&config.name, window.from, window.to).await?,
        }
        let timelines = growing.timelines(store, &config.name, window.from).await?;
        Ok(Self { timelines, legs, window, known_until })
    }

    /// These segments, by agent and in order, and where timelines begin that begin after the window.
    pub(super) fn of_agents(
        segments: BTreeMap<AgentId, Vec<Segment>>,
        begins: &HashMap<AgentId, (Timestamp, Class)>,
        window: Window,
        known_until: Timestamp,
    ) -> Self {
        let timelines = timelines(segments, begins, window.from);
        Self { timelines, legs: Vec::new(), window, known_until }
    }

    /// These contacts.
    pub(super) fn of_contacts(legs: Vec<ContactLeg>, window: Window, known_until: Timestamp) -> Self {
        Self { timelines: Vec::new(), legs, window, known_until }
    }

    /// Loads what `wanted` asks for, a day at a time. Nothing if it is more than `limit` segments and contacts: what is
    /// held of it until then stays below the limit and a day.
    pub async fn load_at_most(
        limit: usize,
        store: &dyn Store,
        config: &SourceConfig,
        wanted: Wanted<'_>,
        known_until: Timestamp,
    ) -> Result<Option<Self>, StoreError> {
        let Wanted { window, agent, rows } = wanted;
        let mut growing = Growing::default();
        let mut legs = Vec::new();
        for day in days(window) {
            match rows {
                RowsOf::Agents => growing.add(store.segments(&config.name, agent, day.from, day.to).await?),
                RowsOf::Contacts => legs.extend(store.contacts(&config.name, day.from, day.to).await?),
            }
            if growing.count + legs.len() > limit {
                return Ok(None);
            }
        }
        // One that was moved between two days meanwhile was found twice.
        let mut found = HashSet::new();
        legs.retain(|leg: &ContactLeg| found.insert(leg.id.clone()));
        let timelines = growing.timelines(store, &config.name, window.from).await?;
        Ok(Some(Self { timelines, legs, window, known_until }))
    }

    /// The timelines.
    pub fn timelines(&self) -> &[Timeline] {
        &self.timelines
    }

    /// How many segments and contacts there are.
    pub fn count(&self) -> u64 {
        let segments: usize = self.timelines.iter().map(|timeline| timeline.segments.len()).sum();
        (segments + self.legs.len()) as u64
    }

    /// The same facts, for the rows of another window: what lies around it then tells how its edges are to be read.
    #[must_use]
    pub fn seen_through(self, window: Window) -> Self {
        Self { window, ..self }
    }

    /// The rows of `agent_interval` (or by day), by interval and agent, and those of `group_interval`, by interval and
    /// group: both come out of one pass over the timelines.
    pub fn agent_and_group_rows(
        &self,
        config: &SourceConfig,
        length: IntervalLength,
    ) -> (Vec<AgentInterval>, Vec<GroupInterval>) {
        let report = self.agent_report(config, length);
        let (mut rows, mut parts): (Vec<AgentInterval>, Vec<GroupPart>) = Default::default();
        for timeline in &self.timelines {
            let of_agent = report.rows(timeline);
            rows.extend(of_agent.intervals);
            parts.extend(of_agent.groups);
        }
        rows.sort_by(|a, b| (a.interval_start, &a.agent_id).cmp(&(b.interval_start, &b.agent_id)));
        (rows, report.group_rows(&parts))
    }

    /// The rows of `queue_interval` (or by day), by interval, queue, channel and direction.
    pub fn queue_rows(&self, config: &SourceConfig, length: IntervalLength) -> Vec<QueueInterval> {
        self.queue_report(config, length).queue_rows(&self.legs)
    }

    /// Those rows, and rows of zeros for queues that were open in an interval of `config` and had no contact: silence is not
    /// loss. `meant` says which queue a setting means at the start of an interval.
    pub fn queue_rows_with_silence(
        &self,
        config: &SourceConfig,
        meant: impl Fn(&str, Timestamp) -> Option<(QueueId, Text)>,
        is_complete: impl Fn(Interval) -> bool,
    ) -> Vec<QueueInterval> {
        let report = self.queue_report(config, config.interval);
        let mut rows = report.queue_rows(&self.legs);
        let key = |row: &QueueInterval| {
            (row.interval_start, row.queue_id.clone(), row.channel.as_str().to_owned(), row.direction)
        };
        let mut present: HashSet<_> = rows.iter().map(key).collect();
        for interval in report.grid.intervals().filter(|interval| is_complete(*interval)) {
            for (setting, open) in &config.open_queues {
                if !open.hours.touch(interval, &config.time_zone) {
                    continue;
                }
                let Some((id, name)) = meant(setting, interval.start) else { continue };
                let queue = Queue { id, name, personal: false };
                let quiet = report.quiet_row(&queue, &open.channel, Direction::Inbound, interval);
                if present.insert(key(&quiet)) {
                    rows.push(quiet);
                }
            }
        }
        rows
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

    /// Every agent, with who he was last.
    pub fn directory(&self) -> Vec<AgentEntry> {
        directory(&self.timelines)
    }

    /// Since when anything is known of any of the agents.
    pub fn begins(&self) -> Option<Timestamp> {
        self.timelines.iter().map(|timeline| timeline.begins).min()
    }

    /// The rows of `sessions`, by agent and sign-in.
    pub fn sessions(&self, config: &SourceConfig, policy: SessionPolicy) -> Vec<Session> {
        let report = SessionReport {
            source: config.name.clone(),
            window: self.window,
            known_until: self.known_until,
            policy,
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

/// The window in parts of a day at most.
pub fn days(window: Window) -> impl Iterator<Item = Window> {
    let day = Millis::from_hours(24);
    let next = move |from: &Timestamp| Some(*from + day).filter(|next| *next < window.to);
    let first = Some(window.from).filter(|from| *from < window.to);
    std::iter::successors(first, next).map(move |from| Window { from, to: (from + day).min(window.to) })
}

/// The whole intervals of the source's grid that start in `window`.
pub fn starting_in(config: &SourceConfig, window: Window) -> Window {
    let first = |at| match interval_at(config, at) {
        interval if interval.from == at => at,
        interval => interval.to,
    };
    Window { from: first(window.from), to: first(window.to) }
}

/// The whole interval of the source's grid that holds `at`.
pub fn interval_at(config: &SourceConfig, at: Timestamp) -> Window {
    let around = Window { from: at - Millis::from_hours(24), to: at + Millis::from_hours(24) };
    let interval = Grid::new(config.interval, &config.time_zone, around).interval_at(at);
    Window { from: interval.start, to: interval.end }
}
