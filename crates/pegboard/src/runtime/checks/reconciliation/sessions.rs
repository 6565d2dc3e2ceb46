//! Sessions of the ACD's login/logout report beside those that follow from agents' states.

use std::collections::BTreeMap;

use pegboard_engine::{Grid, IntervalLength, Window};
use pegboard_model::acd::{AcdReport, Column, Value as Number};
use pegboard_model::policy::SessionPolicy;
use pegboard_model::report::Session as Computed;
use pegboard_model::{AgentId, Millis, SourceName, Text, Timestamp};
use serde_json::{Value, json};

use super::comparison::seconds;
use super::{COLUMNS, Told, told};
use crate::runtime::names::Directory;
use crate::runtime::reports::days;
use crate::runtime::rows;
use crate::runtime::source::Shared;
use crate::runtime::view::{ReportError, ReportRequest};

/// How far apart two sign-ins may lie that are of one session although the sessions do not overlap.
const NEAR: Millis = Millis::from_minutes(5);

/// How far beyond the window sessions are followed to their ends.
const BEYOND: Millis = Millis::from_hours(24);

/// How far around the window local days may begin and end.
const AROUND: Millis = Millis::from_hours(72);

/// How many sessions of the ACD are compared at once: ten thousand agents for a month, who sign in a dozen times a day.
pub(super) const MOST_SESSIONS: usize = if cfg!(test) { 1000 } else { 4_000_000 };

const STRANGER: &str = "stranger: the ACD lists whoever signs in, and nothing else is known of this one";
const EVIDENCE: &str = "evidence: what is known of this agent begins later";
const LEFT_OPEN: &str = "open: the ACD was told of no sign-out, or had written the file before it";
const SILENT: &str = "open: nobody told here that the agent was gone";
const OFFLINE: &str = "offline: who is signed in and Offline is signed out here";
const PART: &str = "offline: a part of the ACD's session, between two stretches of Offline";
const UNTOLD: &str = "";

/// A session, whoever says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Session {
    pub(super) sign_in: Timestamp,
    /// Nothing where nobody has told of it.
    pub(super) sign_out: Option<Timestamp>,
}

impl Session {
    fn length(&self) -> Option<Millis> {
        self.sign_out.map(|end| end.since(self.sign_in))
    }

    /// Whether both may be one.
    fn may_be(&self, other: &Self) -> bool {
        let begins_before_end_of =
            |a: &Self, b: &Self| b.sign_out.is_none_or(|end| a.sign_in < end) || a.sign_in == b.sign_in;
        let overlap = begins_before_end_of(self, other) && begins_before_end_of(other, self);
        overlap || self.apart(other) <= NEAR
    }

    fn holds(&self, at: Timestamp) -> bool {
        self.sign_in <= at && self.sign_out.is_none_or(|end| at < end)
    }

    fn apart(&self, other: &Self) -> Millis {
        Millis::new(self.sign_in.since(other.sign_in).get().abs())
    }
}

/// A session of the ACD, a computed one, or both where they are the same.
pub(super) type Pairing = (Option<Session>, Option<Session>);

/// Sessions of one agent, those of the ACD with the computed ones that they are. Both in order.
pub(super) fn paired(told: &[Session], computed: &[Session]) -> Vec<Pairing> {
    let mut free: Vec<&Session> = computed.iter().collect();
    let mut pairs = Vec::new();
    for session in told {
        let candidates = free.iter().enumerate().filter(|(_, own)| session.may_be(own));
        let nearest = candidates.min_by_key(|(_, own)| session.apart(own)).map(|(at, _)| at);
        pairs.push((Some(session.clone()), nearest.map(|at| free.remove(at).clone())));
    }
    pairs.extend(free.into_iter().map(|own| (None, Some(own.clone()))));
    pairs
}

/// What the ACD's reports say of one user.
struct OfUser {
    acd_report: Text,
    agent: AgentId,
    login: Text,
    sessions: Vec<Session>,
}

/// The sessions of one source that differ, and those that agree where they are asked for.
pub(super) async fn rows(
    shared: &Shared,
    window: Window,
    request: &ReportRequest,
    directory: &Directory,
    room: usize,
) -> Result<Vec<Value>, ReportError> {
    // Day by day, and of each session no more than when it was: a month of ten thousand agents has more of them than a report has rows.
    let mut users = Users::default();
    for day in days(window) {
        for told in told(shared, AcdReport::Sessions.as_str(), day, directory, room).await? {
            users.take(&told, directory, request.agent.as_ref())?;
        }
    }
    // The reports tell of nothing after the last thing that they name.
    let Some(told_until) = users.told_until else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for user in users.all() {
        let mut known_from = None;
        let mut computed = Vec::new();
        if !user.agent.as_str().is_empty() {
            let around = Window { from: window.from - BEYOND, to: window.to + BEYOND };
            let facts =
                rows::facts(shared, AcdReport::Sessions.as_str(), around, Some(&user.agent), room).await?;
            known_from = facts.begins();
            computed = facts.sessions(&shared.config, SessionPolicy::Login);
        }
        let computed: Vec<Session> = computed.iter().map(own).collect();
        let comparison = Comparison { shared, request, user: &user, known_from };
        let pairs = paired(&user.sessions, &computed).into_iter().filter(|(told, own)| match (told, own) {
            (None, Some(own)) => own.sign_in >= window.from && own.sign_in < told_until,
            _ => true,
        });
        found.extend(comparison.rows(&pairs.collect::<Vec<_>>(), window));
        if found.len() > room {
            return Err(ReportError::too_many());
        }
    }
    Ok(found)
}

fn session_of(told: &Told) -> Session {
    let sign_in = told.row.interval_start;
    let sign_out = match told.row.get(Column::Session) {
        Some(Number::Duration(duration)) => Some(sign_in + duration),
        _ => None,
    };
    Session { sign_in, sign_out }
}

fn own(session: &Computed) -> Session {
    Session { sign_in: session.sign_in, sign_out: session.sign_out }
}

/// Told sessions by report and user.
#[derive(Default)]
pub(super) struct Users {
    by_name: BTreeMap<(Text, Text, AgentId), Vec<Session>>,
    count: usize,
    /// The last instant that is told of, whoever it is about.
    told_until: Option<Timestamp>,
}

impl Users {
    /// Takes what is told of one session, if it is about this agent, where one is asked for. Fails where there are too many.
    pub(super) fn take(
        &mut self,
        told: &Told,
        directory: &Directory,
        wanted: Option<&AgentId>,
    ) -> Result<(), ReportError> {
        let session = session_of(told);
        self.told_until = self.told_until.max(Some(session.sign_out.unwrap_or(session.sign_in)));
        let Some(agent) = &told.row.grouping.agent else { return Ok(()) };
        let (id, login, _) = directory.agent(agent);
        if wanted.is_some_and(|wanted| *wanted != id) {
            return Ok(());
        }
        if self.count == MOST_SESSIONS {
            return Err(ReportError::too_many());
        }
        self.count += 1;
        self.by_name.entry((told.row.name.clone(), login, id)).or_default().push(session);
        Ok(())
    }

    fn all(self) -> impl Iterator<Item = OfUser> {
        self.by_name.into_iter().map(|((acd_report, login, agent), mut sessions)| {
            sessions.sort_by_key(|session| session.sign_in);
            OfUser { acd_report, agent, login, sessions }
        })
    }
}

struct Comparison<'a> {
    shared: &'a Shared,
    request: &'a ReportRequest,
    user: &'a OfUser,
    /// Since when anything is known of the agent.
    known_from: Option<Timestamp>,
}

/// A number of both sides: how many sessions, or a time in milliseconds.
#[derive(Clone, Copy)]
struct Compared {
    measure: &'static str,
    acd: Option<i64>,
    computed: Option<i64>,
    reason: &'static str,
}

impl Comparison<'_> {
    fn rows(&self, pairs: &[Pairing], window: Window) -> Vec<Value> {
        if self.request.by_day {
            return self.days(pairs, window);
        }
        let rows = pairs.iter().flat_map(|(told, own)| {
            let Some(shown) = told.as_ref().or(own.as_ref()) else { return Vec::new() };
            self.numbers(told.as_ref(), own.as_ref())
                .into_iter()
                .filter_map(|number| self.row(shown, number))
                .collect()
        });
        rows.collect()
    }

    /// What is compared of a session: whether there is one, and when it begins and ends after the sign-in that is shown.
    fn numbers(&self, told: Option<&Session>, own: Option<&Session>) -> Vec<Compared> {
        let count = |session: Option<&Session>| Some(i64::from(session.is_some()));
        let sessions =
            |reason| Compared { measure: "sessions", acd: count(told), computed: count(own), reason };
        let (Some(told), Some(own)) = (told, own) else {
            return vec![sessions(self.why_alone(told, own))];
        };
        let after = |at: Timestamp| at.since(told.sign_in).get();
        let began_late = self.known_from.is_some_and(|from| from > told.sign_in);
        let why_late = if began_late {
            EVIDENCE
        } else if own.sign_in > told.sign_in {
            OFFLINE
        } else {
            UNTOLD
        };
        let sign_in = Compared {
            measure: "sign_in",
            acd: Some(0),
            computed: Some(after(own.sign_in)),
            reason: why_late,
        };
        let sign_out = Compared {
            measure: "sign_out",
            acd: told.sign_out.map(after),
            computed: own.sign_out.map(after),
            reason: match (told.sign_out, own.sign_out) {
                (None, Some(_)) => LEFT_OPEN,
                (Some(_), None) => SILENT,
                (Some(told), Some(own)) if own < told => OFFLINE,
                _ => UNTOLD,
            },
        };
        vec![sessions(UNTOLD), sign_in, sign_out]
    }

    fn why_alone(&self, told: Option<&Session>, own: Option<&Session>) -> &'static str {
        let is_within = |own: &Session| self.user.sessions.iter().any(|told| told.holds(own.sign_in));
        match (told, self.known_from) {
            (Some(_), None) => STRANGER,
            (Some(told), Some(from)) if told.sign_out.is_some_and(|end| end <= from) => EVIDENCE,
            (None, _) if own.is_some_and(is_within) => PART,
            _ => UNTOLD,
        }
    }

    /// How many sessions began on each local day, and how long those lasted that have ended for both.
    fn days(&self, pairs: &[Pairing], window: Window) -> Vec<Value> {
        let around = Window { from: window.from - AROUND, to: window.to + AROUND };
        let grid = Grid::new(IntervalLength::Day, &self.shared.config.time_zone, around);
        let mut days: BTreeMap<Timestamp, [i64; 4]> = BTreeMap::new();
        for (told, own) in pairs {
            let Some(shown) = told.as_ref().or(own.as_ref()) else { continue };
            let sums = days.entry(grid.interval_at(shown.sign_in).start).or_default();
            let length =
                |session: &Option<Session>| session.as_ref().map_or(Some(Millis::ZERO), Session::length);
            sums[0] += i64::from(told.is_some());
            sums[1] += i64::from(own.is_some());
            if let (Some(told), Some(own)) = (length(told), length(own)) {
                sums[2] += told.get();
                sums[3] += own.get();
            }
        }
        let rows = days.into_iter().flat_map(|(day, [told, own, told_ms, own_ms])| {
            let day = Session { sign_in: day, sign_out: None };
            let of = |measure, acd, computed| Compared {
                measure,
                acd: Some(acd),
                computed: Some(computed),
                reason: UNTOLD,
            };
            [of("sessions", told, own), of("duration_s", told_ms, own_ms)]
                .into_iter()
                .filter_map(|number| self.row(&day, number))
                .collect::<Vec<_>>()
        });
        rows.collect()
    }

    /// The number as a row, if it is to be shown. `shown` tells when it begins and how long it is.
    fn row(&self, shown: &Session, number: Compared) -> Option<Value> {
        let Compared { measure, acd, computed, reason } = number;
        let is_count = measure == "sessions";
        let allowed = if is_count { 0 } else { self.request.tolerance.get() };
        let difference = acd.zip(computed).map(|(acd, computed)| acd - computed);
        let agrees = acd == computed || difference.is_some_and(|difference| difference.abs() <= allowed);
        if agrees && !self.request.agreeing {
            return None;
        }
        let value = |number: Option<i64>| match number {
            Some(count) if is_count => json!(count),
            Some(millis) => seconds(millis),
            None => Value::Null,
        };
        let source: &SourceName = &self.shared.config.name;
        let known = |text: &str| if text.is_empty() { Value::Null } else { text.into() };
        let row = COLUMNS.into_iter().map(|column| {
            let cell = match column {
                "interval_start" => shown.sign_in.to_string().into(),
                "interval_s" => json!(shown.length().unwrap_or_default().get() / 1000),
                "source" => source.as_str().into(),
                "report" => AcdReport::Sessions.as_str().into(),
                "acd_report" => (*self.user.acd_report).into(),
                "agent_id" => known(self.user.agent.as_str()),
                "agent_login" => known(&self.user.login),
                "measure" => measure.into(),
                "acd" => value(acd),
                "computed" => value(computed),
                "difference" => value(difference),
                "agrees" => agrees.into(),
                "reason" if !agrees => reason.into(),
                "reason" => "".into(),
                _ => Value::Null,
            };
            (column.to_owned(), cell)
        });
        Some(Value::Object(row.collect()))
    }
}
