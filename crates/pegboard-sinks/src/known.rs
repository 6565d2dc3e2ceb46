//! What Pegboard knows of a span of time, as a sink is handed it.

use jiff::tz::TimeZone;
use pegboard_engine::StatusTable;
use pegboard_model::report::{
    Activity, AgentInterval, AgentQueueInterval, GroupInterval, QueueInterval, SegmentRow, Session,
};
use pegboard_model::{AgentId, AgentNow, AgentProfile, Millis, SourceName, Timestamp};

use crate::mapping::{Mapping, QueueKind};

/// One interval, half-open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval {
    /// The first instant.
    pub start: Timestamp,
    /// The first instant after.
    pub end: Timestamp,
}

/// An agent as the directory has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentEntry {
    /// The platform's id.
    pub id: AgentId,
    /// Login, name, team and hierarchy, as they were last.
    pub profile: AgentProfile,
}

/// A change of an agent's present state, as the feed of states tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateChange {
    /// Its number in the feed of its source; nothing where it comes of a look at everybody's present state.
    pub number: Option<u64>,
    /// What the agent is in since then.
    pub now: AgentNow,
    /// Its place in time among all that the target is told of the agent: when it began; or right after what was told before, where what
    /// came late has it begin earlier than that.
    pub place: Timestamp,
}

impl StateChange {
    /// A change that begins after all that was told before of its agent.
    pub const fn new(number: Option<u64>, now: AgentNow) -> Self {
        let place = now.since;
        Self { number, now, place }
    }
}

/// Whether what a source tells is of the present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceHealth {
    /// The source.
    pub source: SourceName,
    /// Whether it is.
    pub is_fresh: bool,
    /// Since when that is so.
    pub since: Timestamp,
    /// Up to when it is read, where that is not up to the present.
    pub known_until: Option<Timestamp>,
}

/// An event of an agent, as its platform wrote it. Only sinks that pass on raw events are handed any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawEvent {
    /// The number of the input that it stood in, from 0.
    pub input: usize,
    /// Its place there: the number of bytes before it.
    pub offset: u64,
    /// One JSON object, to the letter.
    pub json: Box<str>,
}

/// What Pegboard knows. Rows are those of the reports contract, and mean what it says.
#[derive(Debug, Clone)]
pub struct Known {
    /// The source; of several, the first.
    pub source: SourceName,
    /// Every source, also one of which there are no rows.
    pub sources: Vec<SourceName>,
    /// The reporting time zone.
    pub zone: TimeZone,
    /// The length of an interval that nothing cuts.
    pub interval_length: Millis,
    /// Every interval, in order, also those of which there are no rows.
    pub intervals: Vec<Interval>,
    /// The state feed: what each agent was in from when on, by start and then by agent, a sign-in as a segment without length.
    /// What an agent is in already when the first interval begins stands there as if it began then.
    pub states: Vec<SegmentRow>,
    /// The changes that a state feed is delivered for, those of an agent in the order of the feed, each also in `states`. Empty in a
    /// dry run, which knows when each state ends.
    pub changes: Vec<StateChange>,
    /// What agents were told to be in before those changes: of whoever changes and is several agents, all of them. Empty in a dry run.
    pub before: Vec<AgentNow>,
    /// Sources that have turned stale, or are fresh again. Empty in a dry run.
    pub health: Vec<SourceHealth>,
    /// What agents did, by end and then by agent, each whole, however early it began; what lasts still is last.
    pub activities: Vec<Activity>,
    /// Sign-in to sign-out, by agent and sign-in.
    pub sessions: Vec<Session>,
    /// Where agents' time went, by interval and agent.
    pub agents: Vec<AgentInterval>,
    /// Positions staffed, by interval and group.
    pub groups: Vec<GroupInterval>,
    /// What happened in queues, by interval, queue, channel and direction.
    pub queues: Vec<QueueInterval>,
    /// What agents did for queues, by interval, agent, queue, channel and direction.
    pub agent_queues: Vec<AgentQueueInterval>,
    /// Every agent, by id.
    pub directory: Vec<AgentEntry>,
    /// What each queue is for, by all that is known of it and not only by these rows: what is not of its kind is a virtual queue, and
    /// names must not change from one interval to the next.
    pub queue_kinds: Vec<QueueKind>,
    /// What each status means for staffing, as the rows have it.
    pub statuses: StatusTable,
    /// The platform's own events of agents, in order of arrival.
    pub raw_events: Vec<RawEvent>,
    /// How names of the ACD are called in the WFM, and how the sink is set.
    pub mapping: Mapping,
}

impl Interval {
    /// Whether `at` lies inside.
    pub fn contains(self, at: Timestamp) -> bool {
        self.start <= at && at < self.end
    }

    /// Its length.
    pub fn length(self) -> Millis {
        self.end.since(self.start)
    }
}
