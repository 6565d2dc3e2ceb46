//! What agents do apart from contacts: sign in, rest, change teams, leave.

use pegboard_model::{Millis, StatusKind, Timestamp};

use super::agenda::{Duty, Ending, Task};
use super::agents::Wish;
use super::{Centre, Presence};
use crate::events::{ContactState, EventKind, NextStatus};
use crate::organisation::{AgentNo, ProfileNo, StatusNo, TeamNo};

/// How long somebody who wants to leave, and is on the phone again, stays before trying again.
const ONE_CALL_MORE: Millis = Millis::from_seconds(60);

impl Centre {
    pub(super) fn do_duty(&mut self, agent: AgentNo, duty: Duty, now: Timestamp) {
        let at = self.moment(agent, now);
        match duty {
            Duty::SignIn(ending) => self.sign_in(agent, ending, at),
            Duty::GoAvailable => self.go_available(agent, at),
            Duty::Rest { status, length } => self.want_rest(agent, status, length, at),
            Duty::RestOver(status) => self.rest_over(agent, status, at),
            Duty::FulfilWish => self.fulfil_wish(agent, at),
            Duty::ShiftEnds => self.shift_ends(agent, at),
            Duty::LogOut => self.log_out(agent, at),
            Duty::Vanish => self.vanish(agent, at),
            Duty::DialOut => self.dial_out(agent, at),
            Duty::Monitor => self.monitor(agent, at),
            Duty::MoveTeam(team) => self.move_team(agent, team, at),
            Duty::MoveProfile(profile) => self.move_profile(agent, profile, at),
        }
    }

    fn sign_in(&mut self, agent: AgentNo, ending: Ending, at: Timestamp) {
        let state = &mut self.agents[agent.0];
        state.ending = ending;
        state.wish = None;
        if !state.signed_in() {
            state.presence = Presence::SignedIn;
            self.publish(agent, EventKind::Login, at);
        }
        if self.random.chance(0.1) {
            let first_call = self.random.seconds(5.0, 15.0);
            self.duty(agent, at + first_call, Duty::DialOut);
        }
        let getting_ready = self.random.seconds(20.0, 240.0);
        self.duty(agent, at + getting_ready, Duty::GoAvailable);
    }

    fn go_available(&mut self, agent: AgentNo, at: Timestamp) {
        let supervisor = self.organisation.agent(agent).supervisor;
        let state = &mut self.agents[agent.0];
        if !state.signed_in() || state.status != StatusNo::OFFLINE {
            return;
        }
        state.select(if supervisor { StatusNo::SUPERVISION } else { StatusNo::AVAILABLE }, at);
        self.publish(agent, EventKind::StateChange, at);
        self.look_for_work(agent, at);
    }

    /// An agent looks for work a moment after having become free.
    pub(super) fn look_for_work(&mut self, agent: AgentNo, at: Timestamp) {
        let moment = self.random.seconds(0.2, 0.9);
        self.agenda.add(at + moment, Task::Route(agent));
    }

    pub(super) fn status_kind(&self, agent: AgentNo) -> StatusKind {
        self.organisation.status(self.agents[agent.0].status).kind
    }

    fn want_rest(&mut self, agent: AgentNo, status: StatusNo, length: Millis, at: Timestamp) {
        let resting = self.agents[agent.0].status != StatusNo::AVAILABLE
            && !(self.organisation.agent(agent).supervisor
                && self.agents[agent.0].status == StatusNo::SUPERVISION);
        let state = &mut self.agents[agent.0];
        if !state.signed_in() || resting || state.next.is_some() || state.wish.is_some() {
            return;
        }
        if state.is_free() {
            self.rest(agent, status, length, at);
            return;
        }
        let wrapping_up = match &state.contacts[..] {
            [only] if only.view.state == ContactState::Ended => Some(only.leg),
            _ => None,
        };
        let chooses_now =
            self.random.chance(0.5) || self.organisation.profile(self.agents[agent.0].profile).digital;
        if let Some(leg) = wrapping_up
            && chooses_now
        {
            self.finish_wrapping_up(leg, agent, at);
            self.rest(agent, status, length, at);
            self.settle(leg, at);
        } else if chooses_now {
            self.agents[agent.0].next = Some((NextStatus { status, chosen: at }, length));
            self.publish(agent, EventKind::StateChange, at);
        } else {
            self.agents[agent.0].wish = Some(Wish::Rest { status, length });
        }
    }

    /// Sets a status for some time.
    fn rest(&mut self, agent: AgentNo, status: StatusNo, length: Millis, at: Timestamp) {
        self.agents[agent.0].select(status, at);
        self.publish(agent, EventKind::StateChange, at);
        self.expect_back(agent, status, length, at);
    }

    /// Arranges the end of a rest, and now and then an own call in it.
    pub(super) fn expect_back(&mut self, agent: AgentNo, status: StatusNo, length: Millis, at: Timestamp) {
        self.duty(agent, at + length, Duty::RestOver(status));
        if self.random.chance(0.05) {
            let idle = self.random.seconds(10.0, 200.0);
            self.duty(agent, at + idle, Duty::DialOut);
        }
    }

    fn rest_over(&mut self, agent: AgentNo, status: StatusNo, at: Timestamp) {
        let supervisor = self.organisation.agent(agent).supervisor;
        let state = &mut self.agents[agent.0];
        if !state.signed_in() || state.status != status {
            return;
        }
        if state.wish == Some(Wish::EndShift) && state.is_free() {
            self.leave(agent, at);
            return;
        }
        state.select(if supervisor { StatusNo::SUPERVISION } else { StatusNo::AVAILABLE }, at);
        self.publish(agent, EventKind::StateChange, at);
        self.look_for_work(agent, at);
    }

    fn fulfil_wish(&mut self, agent: AgentNo, at: Timestamp) {
        let state = &mut self.agents[agent.0];
        if !state.signed_in() || !state.is_free() {
            return;
        }
        match state.wish.take() {
            Some(Wish::Rest { status, length }) => self.rest(agent, status, length, at),
            Some(Wish::EndShift) => self.leave(agent, at),
            None => {}
        }
    }

    fn shift_ends(&mut self, agent: AgentNo, at: Timestamp) {
        let state = &mut self.agents[agent.0];
        if !state.signed_in() || state.status == StatusNo::OFFLINE {
            return;
        }
        if state.is_free() {
            self.leave(agent, at);
        } else {
            state.wish = Some(Wish::EndShift);
        }
    }

    /// The agent leaves work in his way.
    fn leave(&mut self, agent: AgentNo, at: Timestamp) {
        self.agents[agent.0].wish = None;
        match self.agents[agent.0].ending {
            Ending::Direct => self.log_out(agent, at),
            Ending::CloseBrowser => self.vanish(agent, at),
            Ending::Proper => {
                self.go_offline(agent, at);
                let tidying = self.random.seconds(5.0, 400.0);
                self.duty(agent, at + tidying, Duty::LogOut);
            }
            Ending::FadeAway => {
                self.go_offline(agent, at);
                let lingering = self.random.minutes(1.0, 30.0);
                self.duty(agent, at + lingering, Duty::Vanish);
            }
            Ending::StayOvernight => self.go_offline(agent, at),
        }
    }

    fn go_offline(&mut self, agent: AgentNo, at: Timestamp) {
        self.agents[agent.0].select(StatusNo::OFFLINE, at);
        self.publish(agent, EventKind::StateChange, at);
    }

    fn log_out(&mut self, agent: AgentNo, at: Timestamp) {
        let beats_on = self.random.chance(0.5);
        let beating = self.random.minutes(2.0, 60.0);
        let state = &mut self.agents[agent.0];
        if !state.signed_in() {
            return;
        }
        if !state.is_free() {
            return self.duty(agent, at + ONE_CALL_MORE, Duty::LogOut);
        }
        state.contacts.clear();
        state.presence = Presence::SignedOut;
        state.beats_until = if beats_on { at + beating } else { at };
        self.publish(agent, EventKind::Logout, at);
        // Whatever the agent had selected, the platform shows him offline from now on.
        let state = &mut self.agents[agent.0];
        if state.status != StatusNo::OFFLINE {
            state.select(StatusNo::OFFLINE, at);
        }
    }

    /// The browser is closed: the agent is gone, and nobody is told.
    fn vanish(&mut self, agent: AgentNo, at: Timestamp) {
        let state = &mut self.agents[agent.0];
        if !state.signed_in() {
            return;
        }
        if !state.is_free() {
            return self.duty(agent, at + ONE_CALL_MORE, Duty::Vanish);
        }
        state.contacts.clear();
        state.presence = Presence::Away;
        if state.status != StatusNo::OFFLINE {
            state.select(StatusNo::OFFLINE, at);
        }
        self.note_unseen(agent, at);
    }

    fn move_team(&mut self, agent: AgentNo, team: TeamNo, at: Timestamp) {
        let state = &mut self.agents[agent.0];
        if state.team == team || state.view.is_none() || state.presence == Presence::Away {
            return;
        }
        state.team = team;
        self.publish(agent, EventKind::StateChange, at);
    }

    fn move_profile(&mut self, agent: AgentNo, profile: ProfileNo, at: Timestamp) {
        let state = &mut self.agents[agent.0];
        let before = state.profile;
        if before == profile || state.view.is_none() || state.presence == Presence::Away {
            return;
        }
        state.profile = profile;
        self.leave_queues(agent, before);
        self.join_queues(agent, profile);
        self.publish(agent, EventKind::StateChange, at);
        self.look_for_work(agent, at);
    }
}
