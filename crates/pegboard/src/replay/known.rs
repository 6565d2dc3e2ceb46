//! What sinks are handed of what was read.

use pegboard_engine::segments::activity_rows;
use pegboard_engine::{Interval, Timeline, Window};
use pegboard_model::report::Activity;
use pegboard_model::{AgentProfile, Millis, Timestamp};
use pegboard_sinks::mapping::{Mapping, QueueKind};
use pegboard_sinks::{AgentEntry, Groups, Known, RawEvent};

use super::derive::{Cut, Inputs};
use super::read::EventText;

impl Inputs {
    /// Everything that a sink may be handed; `events` are the platform's own, in order of arrival, `mapping` is
    /// what planners say.
    pub fn known(&self, events: Vec<EventText>, mapping: Mapping) -> Known {
        let intervals: Vec<_> = self.grid(Cut::Interval).intervals().collect();
        let mut states = self.segments();
        states.sort_by(|a, b| (a.start, &a.agent_id).cmp(&(b.start, &b.agent_id)));
        let queues = self.queue_rows(Cut::Interval);
        Known {
            source: self.settings.source.clone(),
            sources: vec![self.settings.source.clone()],
            zone: self.settings.zone.clone(),
            interval_length: intervals.iter().map(|interval| interval.length()).max().unwrap_or(Millis::ZERO),
            intervals: intervals.into_iter().map(handed).collect(),
            states,
            changes: Vec::new(),
            before: Vec::new(),
            health: Vec::new(),
            activities: self.whole_activities(),
            sessions: self.sessions(),
            agents: self.agent_rows(Cut::Interval).to_vec(),
            groups: self.group_rows(Cut::Interval).to_vec(),
            queue_kinds: QueueKind::of_most(&queues),
            queues,
            agent_queues: self.agent_queue_rows(Cut::Interval),
            directory: directory(&self.timelines),
            statuses: self.settings.statuses.clone(),
            raw_events: events.into_iter().map(raw_event).collect(),
            mapping,
        }
    }

    /// In which groups agents were.
    pub fn groups(&self) -> Groups {
        let mut groups = Groups::default();
        groups.add(&self.settings.source, &self.timelines);
        groups
    }

    /// What agents did, by end, also where it began before the window. What lasts still when the window ends is last.
    fn whole_activities(&self) -> Vec<Activity> {
        let window = Window { from: Timestamp::MIN, to: self.window.to };
        let mut activities = self
            .per_agent(|timeline| activity_rows(&self.settings.source, timeline, window, self.known_until));
        let order = |activity: &Activity| activity.end.map_or(Timestamp::MAX, |end| end);
        activities.sort_by(|a, b| (order(a), &a.agent_id, a.start).cmp(&(order(b), &b.agent_id, b.start)));
        activities
    }
}

/// Every agent, with the profile of its last segment that tells who it is.
pub fn directory(timelines: &[Timeline]) -> Vec<AgentEntry> {
    let entry = |timeline: &Timeline| {
        let mut profiles = timeline.segments.iter().rev().map(|segment| &*segment.state.profile);
        let last: Option<&AgentProfile> = profiles.find(|profile| !profile.login.is_empty());
        AgentEntry { id: timeline.agent.clone(), profile: last.cloned().unwrap_or_default() }
    };
    timelines.iter().map(entry).collect()
}

fn handed(interval: Interval) -> pegboard_sinks::Interval {
    pegboard_sinks::Interval { start: interval.start, end: interval.end }
}

fn raw_event(event: EventText) -> RawEvent {
    RawEvent { input: event.file_number, offset: event.offset, json: event.json }
}
