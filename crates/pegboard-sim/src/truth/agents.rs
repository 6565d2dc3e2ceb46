//! The reports of agents' time by interval: alone, and by group.

use std::collections::{BTreeMap, BTreeSet};

use pegboard_model::policy::GroupBy;
use pegboard_model::report::{AgentInterval, GroupInterval};
use pegboard_model::{Class, Fixed, Millis, Text};

use super::Book;
use super::statuses::StatusType;
use super::timeline::{Condition, Timeline};
use super::window::Interval;
use crate::organisation::AgentNo;

/// The staffed time of a group in an interval.
#[derive(Default)]
struct Staffing {
    staffed: Millis,
    available: Millis,
    agents: BTreeSet<AgentNo>,
}

impl Book<'_> {
    pub(super) fn agent_intervals(&self, timelines: &[&Timeline]) -> Vec<AgentInterval> {
        let intervals = self.window.intervals.iter();
        intervals
            .flat_map(|interval| {
                timelines.iter().filter_map(|timeline| self.agent_interval(timeline, *interval))
            })
            .collect()
    }

    fn agent_interval(&self, timeline: &Timeline, interval: Interval) -> Option<AgentInterval> {
        let spans: Vec<_> = timeline.between(interval.start, interval.end).collect();
        let sum = |counts: &dyn Fn(&Condition) -> bool| -> Millis {
            let counted = spans.iter().filter(|span| counts(&span.condition));
            counted.map(|span| interval.share_of(span.start, span.end)).sum()
        };
        let class = |class: Class| sum(&|condition| condition.class == class);
        let statuses = &self.settings.statuses;
        let staffed_s = sum(&|condition| statuses.type_of(condition, self.organisation).is_staffed());
        let status_available_s =
            sum(&|condition| statuses.type_of(condition, self.organisation) == StatusType::Available);
        let login_s = sum(&|condition| condition.class.is_signed_in());
        let lost_sight =
            spans.iter().any(|span| span.condition.class == Class::Unknown && span.start >= timeline.begins);
        if login_s.is_zero() && !lost_sight {
            return None;
        }
        let card = self.organisation.agent(timeline.agent);
        let team = spans.last().map(|span| self.organisation.team(span.condition.team).path.clone())?;
        Some(AgentInterval {
            interval_start: interval.start,
            interval_s: interval.length(),
            source: self.settings.source.clone(),
            agent_id: card.agent_id.clone(),
            agent_login: card.login.clone(),
            agent_name: card.name.clone(),
            team,
            login_s,
            available_s: class(Class::Available),
            ringing_s: class(Class::Ringing),
            talk_s: class(Class::Talk),
            hold_s: class(Class::Hold),
            acw_s: class(Class::Acw),
            error_s: class(Class::Error),
            aux_s: class(Class::Aux),
            unknown_s: class(Class::Unknown),
            staffed_s,
            status_available_s,
            status_unavailable_s: staffed_s - status_available_s,
        })
    }

    pub(super) fn group_intervals(&self, timelines: &[&Timeline]) -> Vec<GroupInterval> {
        let mut rows = Vec::new();
        for interval in &self.window.intervals {
            let mut groups: BTreeMap<Text, Staffing> = BTreeMap::new();
            for timeline in timelines {
                self.staff(timeline, *interval, &mut groups);
            }
            rows.extend(
                groups.into_iter().map(|(group, staffing)| self.group_interval(*interval, group, &staffing)),
            );
        }
        rows
    }

    fn staff(&self, timeline: &Timeline, interval: Interval, groups: &mut BTreeMap<Text, Staffing>) {
        for span in timeline.between(interval.start, interval.end) {
            let kind = self.settings.statuses.type_of(&span.condition, self.organisation);
            let class = span.condition.class;
            let lost_sight = class == Class::Unknown && span.start >= timeline.begins;
            if !kind.is_staffed() && !class.is_signed_in() && !lost_sight {
                continue;
            }
            // Whoever is there makes a row of the group, staffed or not.
            let staffing = groups.entry(self.group_of(&span.condition)).or_default();
            if !kind.is_staffed() {
                continue;
            }
            let time = interval.share_of(span.start, span.end);
            staffing.staffed += time;
            if kind == StatusType::Available {
                staffing.available += time;
            }
            staffing.agents.insert(timeline.agent);
        }
    }

    fn group_of(&self, condition: &Condition) -> Text {
        let team = self.organisation.team(condition.team);
        match self.settings.group_by {
            GroupBy::Team => team.path.clone(),
            GroupBy::Level1 => team.levels[0].name.clone(),
            GroupBy::Level2 => team.levels[1].name.clone(),
            GroupBy::Level3 => team.levels[2].name.clone(),
            GroupBy::Level4 | GroupBy::Level5 => Text::default(),
            GroupBy::RoutingProfile => self.organisation.profile(condition.profile).name.clone(),
        }
    }

    fn group_interval(&self, interval: Interval, group: Text, staffing: &Staffing) -> GroupInterval {
        GroupInterval {
            interval_start: interval.start,
            interval_s: interval.length(),
            source: self.settings.source.clone(),
            group,
            aps: Fixed::ratio(staffing.staffed.get(), interval.length().get(), 4)
                .expect("an interval has a length"),
            staffed_s: staffing.staffed,
            status_available_s: staffing.available,
            status_unavailable_s: staffing.staffed - staffing.available,
            agents: staffing.agents.len() as u64,
        }
    }
}
