//! `sessions`: sign-in / sign-out pairs.

use pegboard_model::policy::SessionPolicy;
use pegboard_model::report::Session;
use pegboard_model::{Class, SourceName, State, Text, Timestamp};

use crate::grid::Window;
use crate::status_table::StatusTable;
use crate::timeline::{Span, Timeline};

/// What sessions depend on besides the timeline.
#[derive(Debug, Clone)]
pub struct SessionReport {
    /// The source, as rows name it.
    pub source: SourceName,
    /// The window; sessions are clipped to it.
    pub window: Window,
    /// How far open states are known to last.
    pub known_until: Timestamp,
    /// What bounds a session.
    pub policy: SessionPolicy,
    /// The status table, for the policy `staffed`.
    pub statuses: StatusTable,
}

/// What a span means for a session.
#[derive(PartialEq, Eq)]
enum Part {
    /// The agent is in.
    In,
    /// The agent is out.
    Out,
    /// In if the session goes on after it, else out.
    Perhaps,
    /// A sign-in: ends what a `Perhaps` left open.
    SignIn,
}

/// A session as it grows.
struct Growing<'a> {
    sign_in: Timestamp,
    /// The end of the last span that surely belongs to it.
    until: Timestamp,
    open: bool,
    state: &'a State,
}

impl SessionReport {
    /// The sessions of one agent, in order. Whether unknown time belongs to a session is told by what lies on both
    /// sides of it, in the window or not; therefore the whole timeline is looked at, and its sessions clipped.
    pub fn rows(&self, timeline: &Timeline) -> Vec<Session> {
        let leading = timeline.leading_state();
        let always = Window { from: Timestamp::MIN, to: Timestamp::MAX };
        let mut sessions = Vec::new();
        let mut growing: Option<Growing<'_>> = None;
        let mut in_doubt = false;
        for span in timeline.spans(always, self.known_until, &leading) {
            if growing.is_none() && span.start >= self.window.to {
                break;
            }
            match self.part(&span) {
                Part::In => {
                    growing = Some(self.grown(growing, &span));
                    in_doubt = false;
                }
                Part::Perhaps => in_doubt = true,
                Part::SignIn if !in_doubt => {}
                Part::Out | Part::SignIn => {
                    sessions.extend(growing.take().and_then(|session| self.row(timeline, &session)));
                    in_doubt = false;
                }
            }
        }
        sessions.extend(growing.and_then(|session| self.row(timeline, &session)));
        sessions
    }

    /// The session with one more span. What lies beyond the window tells only that it goes on.
    fn grown<'a>(&self, session: Option<Growing<'a>>, span: &Span<'a>) -> Growing<'a> {
        match session {
            Some(session) if span.start >= self.window.to => Growing { until: span.end, ..session },
            Some(Growing { sign_in, .. }) => {
                Growing { sign_in, until: span.end, open: span.open, state: span.state }
            }
            None => Growing { sign_in: span.start, until: span.end, open: span.open, state: span.state },
        }
    }

    fn part(&self, span: &Span<'_>) -> Part {
        match self.policy {
            _ if span.mark.is_some() => Part::SignIn,
            SessionPolicy::Login if span.state.class == Class::Unknown => Part::Perhaps,
            SessionPolicy::Login if span.state.class.is_signed_in() => Part::In,
            SessionPolicy::Staffed if self.statuses.type_at(span.state).is_staffed() => Part::In,
            SessionPolicy::Login | SessionPolicy::Staffed => Part::Out,
        }
    }

    /// The session as far as it lies in the window. One that goes on beyond it is open: nobody signed out there.
    fn row(&self, timeline: &Timeline, session: &Growing<'_>) -> Option<Session> {
        let whole = Window { from: session.sign_in, to: session.until };
        let Window { from: sign_in, to: until } = whole.overlap(self.window)?;
        let ended = !session.open && session.until <= self.window.to;
        let own = &session.state.profile;
        let profile = if own.login.is_empty() { timeline.first_profile() } else { own.clone() };
        Some(Session {
            source: self.source.clone(),
            agent_id: timeline.agent.clone(),
            agent_login: profile.login.clone(),
            agent_name: profile.name.clone(),
            team: Text::clone(&profile.team),
            sign_in,
            sign_out: ended.then_some(until),
            duration_s: until.since(sign_in),
            policy: self.policy,
        })
    }
}
