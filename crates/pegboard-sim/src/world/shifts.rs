//! Who works when: shifts, breaks, lunch and everything else that is planned for a day.

use pegboard_model::{Millis, Timestamp};

use super::agenda::{Duty, Ending, Task};
use super::{Centre, Presence};
use crate::organisation::{AgentNo, ProfileNo, StatusNo, TeamNo};

const DAY: Millis = Millis::from_hours(24);

/// A shift of one agent.
#[derive(Debug, Clone, Copy)]
struct PlannedShift {
    agent: AgentNo,
    start: Timestamp,
    end: Timestamp,
}

/// The habit of an agent, the same every day.
#[derive(Debug, Clone, Copy)]
enum Rhythm {
    Full,
    Part,
    Night,
    Supervisor,
}

impl Centre {
    /// The local day of an instant.
    pub(super) fn local_day(&self, at: Timestamp) -> i64 {
        (at + self.utc_offset()).as_millis().div_euclid(DAY.get())
    }

    fn midnight(&self, day: i64) -> Timestamp {
        Timestamp::from_millis(day * DAY.get()) - self.utc_offset()
    }

    fn utc_offset(&self) -> Millis {
        Millis::from_minutes(self.config.utc_offset_minutes)
    }

    /// Plans the shifts of a local day and everything in them, and arranges that the next day is planned in time.
    pub(super) fn plan_day(&mut self, day: i64) {
        self.agenda.add(self.midnight(day), Task::PlanDay(day + 1));
        self.forecast.forget_before(self.midnight(day - 1));
        let mut shifts = Vec::new();
        for agent in self.organisation.agent_numbers() {
            if let Some(shift) = self.draw_shift(agent, day) {
                self.forecast.staff(&self.organisation, agent, shift.start, shift.end);
                shifts.push(shift);
            }
        }
        self.random.shuffle(&mut shifts);
        let endings = endings(shifts.len());
        for (shift, ending) in shifts.iter().zip(endings) {
            self.plan_shift(*shift, ending);
        }
        self.plan_moves(&shifts);
    }

    fn rhythm(&self, agent: AgentNo) -> Rhythm {
        if self.organisation.agent(agent).supervisor {
            return Rhythm::Supervisor;
        }
        match self.rhythms[agent.0] {
            share if share < 0.05 => Rhythm::Night,
            share if share < 0.20 => Rhythm::Part,
            _ => Rhythm::Full,
        }
    }

    fn draw_shift(&mut self, agent: AgentNo, day: i64) -> Option<PlannedShift> {
        if self.random.chance(0.12) {
            return None;
        }
        let (start_hour, hours) = match self.rhythm(agent) {
            Rhythm::Supervisor => (8.0, 9.0),
            Rhythm::Night => (22.0, 8.0),
            Rhythm::Part => (8.0 + 8.5 * self.random.unit(), 4.5),
            Rhythm::Full => match self.random.unit() {
                share if share < 0.6 => (6.5 + 3.0 * self.random.unit(), 8.5),
                share if share < 0.85 => (9.5 + 3.0 * self.random.unit(), 8.5),
                _ => (13.0 + 1.5 * self.random.unit(), 8.5),
            },
        };
        let start = self.midnight(day) + quarter_hours(start_hour);
        Some(PlannedShift { agent, start, end: start + quarter_hours(hours) })
    }

    fn plan_shift(&mut self, shift: PlannedShift, ending: Ending) {
        if shift.end <= self.config.start {
            return;
        }
        if shift.start < self.config.start {
            self.is_there_already(shift, ending);
        } else {
            let early = self.random.seconds(0.0, 500.0);
            let sign_in = (shift.start - early + Millis::from_minutes(3)).max(self.config.start);
            self.duty(shift.agent, sign_in, Duty::SignIn(ending));
        }
        self.plan_rests(shift);
        let overtime = self.random.seconds(-120.0, 240.0);
        self.duty(shift.agent, shift.end + overtime, Duty::ShiftEnds);
        self.plan_extras(shift);
    }

    /// The simulation begins in the middle of the shift.
    fn is_there_already(&mut self, shift: PlannedShift, ending: Ending) {
        let supervisor = self.organisation.agent(shift.agent).supervisor;
        let since = (self.config.start - self.random.minutes(1.0, 240.0)).max(shift.start);
        let state = &mut self.agents[shift.agent.0];
        if state.signed_in() {
            return;
        }
        state.presence = Presence::SignedIn;
        state.ending = ending;
        state.select(if supervisor { StatusNo::SUPERVISION } else { StatusNo::AVAILABLE }, since);
        self.note_unseen(shift.agent, since);
        // The first heartbeat comes at any moment of the first two minutes.
        let phase = self.random.seconds(0.0, 120.0);
        self.agents[shift.agent.0].last_event = self.config.start - phase;
        self.start_beating(shift.agent, self.config.start - phase);
        self.agenda.add(self.config.start + Millis::from_seconds(1), Task::Route(shift.agent));
    }

    fn plan_rests(&mut self, shift: PlannedShift) {
        let agent = shift.agent;
        let full = shift.end.since(shift.start) > Millis::from_hours(6);
        let rest = |centre: &mut Self, hours: f64, status, minutes: f64| {
            let at = shift.start + centre.random.minutes(hours * 60.0 - 20.0, hours * 60.0 + 20.0);
            let length = centre.random.minutes(minutes * 0.9, minutes * 1.15);
            if at > centre.config.start {
                centre.duty(agent, at, Duty::Rest { status, length });
            }
        };
        rest(self, 2.0, StatusNo::BREAK, 15.0);
        if full {
            rest(self, 4.2, StatusNo::LUNCH, 30.0);
            rest(self, 6.4, StatusNo::BREAK, 15.0);
        }
        if self.random.chance(0.25) {
            let team = self.organisation.agent(agent).team;
            let status = *self.random.choose(&self.organisation.site_statuses(team));
            let hours = if full { 5.3 } else { 3.2 };
            rest(self, hours, status, 40.0);
        }
    }

    /// What breaks the routine: own calls, listening in.
    fn plan_extras(&mut self, shift: PlannedShift) {
        let (duty, mean_seconds) = if self.organisation.agent(shift.agent).supervisor {
            (Duty::Monitor, 2400.0)
        } else {
            (Duty::DialOut, 6500.0)
        };
        let mut at = shift.start.max(self.config.start) + self.random.exponential(mean_seconds);
        while at < shift.end {
            self.duty(shift.agent, at, duty);
            at = at + self.random.exponential(mean_seconds);
        }
    }

    /// A few agents change their team, and a few their routing profile: within the shift, or after it.
    fn plan_moves(&mut self, shifts: &[PlannedShift]) {
        let few = shifts.len().div_ceil(50).max(2).min(shifts.len());
        let takers: Vec<_> =
            shifts.iter().filter(|shift| !self.organisation.agent(shift.agent).supervisor).copied().collect();
        for shift in takers.iter().take(few) {
            let team = self.another_team(shift.agent);
            let at = shift.start + self.random.minutes(60.0, 220.0);
            self.move_at(shift.agent, at, Duty::MoveTeam(team));
        }
        for shift in takers.iter().skip(few).take(few) {
            let profile = self.another_profile(shift.agent);
            let at = shift.start + self.random.minutes(60.0, 220.0);
            self.move_at(shift.agent, at, Duty::MoveProfile(profile));
        }
        for shift in takers.iter().rev().take(few) {
            let team = self.another_team(shift.agent);
            let at = shift.end + self.random.minutes(20.0, 50.0);
            self.move_at(shift.agent, at, Duty::MoveTeam(team));
        }
    }

    fn another_team(&mut self, agent: AgentNo) -> TeamNo {
        let now = self.organisation.agent(agent).team;
        TeamNo(self.random.below_but(self.organisation.teams.len(), now.0))
    }

    /// Any other profile but the last, which is that of supervisors.
    fn another_profile(&mut self, agent: AgentNo) -> ProfileNo {
        let now = self.organisation.agent(agent).profile;
        ProfileNo(self.random.below_but(self.organisation.profiles.len() - 1, now.0))
    }

    fn move_at(&mut self, agent: AgentNo, at: Timestamp, duty: Duty) {
        if at > self.config.start {
            self.duty(agent, at, duty);
        }
    }

    pub(super) fn duty(&mut self, agent: AgentNo, at: Timestamp, duty: Duty) {
        self.agenda.add(at, Task::Duty(agent, duty));
    }
}

/// Hours, to the quarter below.
#[expect(clippy::cast_possible_truncation, reason = "a few quarters of a day")]
fn quarter_hours(hours: f64) -> Millis {
    Millis::from_minutes((hours * 4.0) as i64 * 15)
}

/// How the agents of a day leave: nearly all properly, and at least one in each other way.
fn endings(agents: usize) -> Vec<Ending> {
    let few = agents.div_ceil(30);
    let mut endings = Vec::new();
    for odd in [Ending::Direct, Ending::CloseBrowser, Ending::FadeAway, Ending::StayOvernight] {
        endings.extend(std::iter::repeat_n(odd, few));
    }
    endings.resize(agents.max(endings.len()), Ending::Proper);
    endings.truncate(agents);
    endings
}
