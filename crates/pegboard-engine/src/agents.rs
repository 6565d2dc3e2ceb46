//! `agent_interval` and `group_interval`: where agents' time went.

use std::collections::BTreeMap;
use std::sync::Arc;

use pegboard_model::policy::GroupBy;
use pegboard_model::report::{AgentInterval, GroupInterval};
use pegboard_model::{AgentProfile, Class, Fixed, Millis, SourceName, Text, Timestamp};

use crate::grid::{Grid, Interval};
use crate::status_table::{StatusTable, StatusType};
use crate::timeline::{Span, Timeline};

/// What the rows of agents' time depend on besides the timelines.
#[derive(Debug, Clone)]
pub struct AgentReport {
    /// The source, as rows name it.
    pub source: SourceName,
    /// Interval or day grid; its window is that of the report.
    pub grid: Grid,
    /// How far open states are known to last.
    pub known_until: Timestamp,
    /// The status table.
    pub statuses: StatusTable,
    /// By what agents are grouped.
    pub group_by: GroupBy,
}

/// The rows of one agent, and what it adds to the groups.
#[derive(Debug, Clone, Default)]
pub struct AgentRows {
    /// One row for each interval with any time signed in, or unknown after the first evidence.
    pub intervals: Vec<AgentInterval>,
    /// Staffed time by interval and group.
    pub groups: Vec<GroupPart>,
}

/// What one agent adds to one group in one interval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupPart {
    /// The interval.
    pub interval: Interval,
    /// The group.
    pub group: Text,
    /// Staffed time.
    pub staffed: Millis,
    /// Of that in a status of type `A`.
    pub available: Millis,
}

impl AgentReport {
    /// The rows of one agent.
    pub fn rows(&self, timeline: &Timeline) -> AgentRows {
        let leading = timeline.leading_state();
        let mut rows = AgentRows::default();
        let mut open: Option<Tally<'_>> = None;
        for span in timeline.spans(self.grid.window(), self.known_until, &leading) {
            let kind = self.statuses.type_at(span.state);
            for (interval, time) in self.grid.cut(span.start, span.end) {
                if open.as_ref().is_some_and(|tally| tally.interval != interval)
                    && let Some(over) = open.take()
                {
                    self.close(over, timeline, &mut rows);
                }
                open.get_or_insert_with(|| Tally::new(interval)).add(&span, kind, time, self.group_by);
            }
        }
        if let Some(over) = open {
            self.close(over, timeline, &mut rows);
        }
        rows
    }

    /// The rows of all groups, from the parts of all agents.
    pub fn group_rows<'a>(&self, parts: impl IntoIterator<Item = &'a GroupPart>) -> Vec<GroupInterval> {
        let mut sums: BTreeMap<(Interval, &Text), (Millis, Millis, u64)> = BTreeMap::new();
        for part in parts {
            let (staffed, available, agents) = sums.entry((part.interval, &part.group)).or_default();
            *staffed += part.staffed;
            *available += part.available;
            *agents += u64::from(!part.staffed.is_zero());
        }
        let rows = sums.into_iter().map(|((interval, group), (staffed, available, agents))| GroupInterval {
            interval_start: interval.start,
            interval_s: interval.length(),
            source: self.source.clone(),
            group: group.clone(),
            aps: Fixed::ratio(staffed.get(), interval.length().get(), 4).unwrap_or(Fixed::new(0, 4)),
            staffed_s: staffed,
            status_available_s: available,
            status_unavailable_s: staffed - available,
            agents,
        });
        rows.collect()
    }

    fn close(&self, tally: Tally<'_>, timeline: &Timeline, rows: &mut AgentRows) {
        rows.groups.extend(tally.groups.into_iter().map(|(group, sum)| GroupPart {
            interval: tally.interval,
            group: group.clone(),
            staffed: sum.staffed,
            available: sum.available,
        }));
        if !tally.counts {
            return;
        }
        let profile = tally.profile.filter(|profile| !profile.login.is_empty());
        let profile = profile.cloned().unwrap_or_else(|| timeline.first_profile());
        let class = |class: Class| tally.classes[class as usize];
        let login = Class::ALL.iter().filter(|class| class.is_signed_in()).map(|known| class(*known)).sum();
        rows.intervals.push(AgentInterval {
            interval_start: tally.interval.start,
            interval_s: tally.interval.length(),
            source: self.source.clone(),
            agent_id: timeline.agent.clone(),
            agent_login: profile.login.clone(),
            agent_name: profile.name.clone(),
            team: profile.team.clone(),
            login_s: login,
            available_s: class(Class::Available),
            ringing_s: class(Class::Ringing),
            talk_s: class(Class::Talk),
            hold_s: class(Class::Hold),
            acw_s: class(Class::Acw),
            error_s: class(Class::Error),
            aux_s: class(Class::Aux),
            unknown_s: class(Class::Unknown),
            staffed_s: tally.staffed,
            status_available_s: tally.available,
            status_unavailable_s: tally.staffed - tally.available,
        });
    }
}

/// The time of one agent in one interval, as it adds up.
struct Tally<'a> {
    interval: Interval,
    classes: [Millis; Class::ALL.len()],
    staffed: Millis,
    available: Millis,
    groups: Vec<(&'a Text, GroupSum)>,
    profile: Option<&'a Arc<AgentProfile>>,
    /// Whether there was any time signed in, or unknown after the first evidence.
    counts: bool,
}

#[derive(Default)]
struct GroupSum {
    staffed: Millis,
    available: Millis,
}

impl<'a> Tally<'a> {
    fn new(interval: Interval) -> Self {
        Self {
            interval,
            classes: Default::default(),
            staffed: Millis::ZERO,
            available: Millis::ZERO,
            groups: Vec::new(),
            profile: None,
            counts: false,
        }
    }

    fn add(&mut self, span: &Span<'a>, kind: StatusType, time: Millis, group_by: GroupBy) {
        let class = span.state.class;
        self.classes[class as usize] += time;
        self.profile = Some(&span.state.profile);
        let known = class.is_signed_in() || (class == Class::Unknown && !span.leading);
        self.counts |= known;
        if !known && !kind.is_staffed() {
            return;
        }
        let staffed = if kind.is_staffed() { time } else { Millis::ZERO };
        let available = if kind == StatusType::Available { time } else { Millis::ZERO };
        self.staffed += staffed;
        self.available += available;
        let group = group_by.of(&span.state.profile);
        let slot = self.groups.iter().position(|(known, _)| *known == group).unwrap_or_else(|| {
            self.groups.push((group, GroupSum::default()));
            self.groups.len() - 1
        });
        self.groups[slot].1.staffed += staffed;
        self.groups[slot].1.available += available;
    }
}
