//! The login/logout report: a row for each session of the last day.
//!
//! The labels of `Agent`, `First name` and `Last name` are told by those who read the file; how the platform spells the
//! others is not documented.

use std::collections::BTreeMap;

use pegboard_model::{Text, Timestamp};

use super::layout::Layout;
use crate::organisation::{AgentNo, Organisation};
use crate::world::{Change, Presence};

/// The columns.
pub const COLUMNS: [&str; 8] = [
    "Agent",
    "First name",
    "Last name",
    "Routing profile",
    "Agent hierarchy",
    "Login time",
    "Logout time",
    "Session duration",
];

/// A session as the file states it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StatedSession {
    /// The name with which the agent signs in.
    pub agent: Text,
    /// When he did.
    pub login: Timestamp,
    /// When he signed out; nothing where he is there still, or has closed the browser without a word.
    pub logout: Option<Timestamp>,
}

#[derive(Debug)]
struct Session {
    agent: AgentNo,
    login: Timestamp,
    logout: Option<Timestamp>,
}

/// All sessions that may still be reported.
#[derive(Debug, Default)]
pub(super) struct Logins {
    sessions: Vec<Session>,
    /// Where the session of each agent is who is signed in.
    open: BTreeMap<AgentNo, usize>,
}

impl Logins {
    pub(super) fn observe(&mut self, change: &Change) {
        match change.presence {
            Presence::SignedIn if change.login || !self.open.contains_key(&change.agent) => {
                self.open.insert(change.agent, self.sessions.len());
                self.sessions.push(Session { agent: change.agent, login: change.at, logout: None });
            }
            Presence::SignedIn => {}
            Presence::SignedOut => {
                if let Some(session) = self.open.remove(&change.agent) {
                    self.sessions[session].logout = Some(change.at);
                }
            }
            Presence::Away => drop(self.open.remove(&change.agent)),
        }
    }

    /// The rows of the time from `from` to `to`, as text, and what they state.
    pub(super) fn lines(
        &self,
        (from, to): (Timestamp, Timestamp),
        layout: &Layout,
        organisation: &Organisation,
    ) -> Vec<(Vec<String>, StatedSession)> {
        let mut lines = Vec::new();
        for session in &self.sessions {
            let logout = session.logout.filter(|logout| *logout < to);
            let reported =
                session.login < to && (session.login >= from || logout.is_some_and(|end| end >= from));
            if !reported {
                continue;
            }
            let card = organisation.agent(session.agent);
            // In whole seconds, as everything in report files.
            let whole = |at: Timestamp| Timestamp::from_seconds(at.as_millis().div_euclid(1000));
            let (login, logout) = (whole(session.login), logout.map(whole));
            let length = logout.map_or_else(
                || layout.missing.to_owned(),
                |logout| (logout.since(login).get() / 1000).to_string(),
            );
            let cells = vec![
                (*card.login).to_owned(),
                card.first_name.to_owned(),
                card.last_name.to_owned(),
                (*organisation.profile(card.profile).name).to_owned(),
                (*organisation.team(card.team).path).to_owned(),
                layout.time(login),
                logout.map_or_else(|| layout.missing.to_owned(), |logout| layout.time(logout)),
                length,
            ];
            lines.push((cells, StatedSession { agent: card.login.clone(), login, logout }));
        }
        lines
    }
}
