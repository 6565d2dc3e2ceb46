//! The sessions report.

use pegboard_model::policy::SessionPolicy;
use pegboard_model::report::Session;
use pegboard_model::{Class, Timestamp};

use super::Book;
use super::timeline::{Span, Timeline};
use crate::organisation::TeamNo;

/// A session that is being put together from spans.
struct Sitting {
    start: Timestamp,
    end: Option<Timestamp>,
    /// The team from each time on.
    teams: Vec<(Timestamp, TeamNo)>,
}

impl Sitting {
    fn begin(span: &Span) -> Self {
        Self { start: span.start, end: span.end, teams: vec![(span.start, span.condition.team)] }
    }

    fn extend(&mut self, span: &Span) {
        self.end = span.end;
        self.teams.push((span.start, span.condition.team));
    }
}

impl Book<'_> {
    pub(super) fn sessions(&self, timeline: &Timeline) -> Vec<Session> {
        let sittings = match self.settings.session_policy {
            SessionPolicy::Login => by_login(timeline),
            SessionPolicy::Staffed => self.by_staffed_time(timeline),
        };
        sittings.iter().filter_map(|sitting| self.session(timeline, sitting)).collect()
    }

    fn session(&self, timeline: &Timeline, sitting: &Sitting) -> Option<Session> {
        let (sign_in, until, duration) = self.window.clip(sitting.start, sitting.end)?;
        let end = until.unwrap_or(self.window.to);
        // Whoever is still in when the window ends has not signed out in it.
        let sign_out = sitting.end.filter(|end| *end <= self.window.to);
        let (_, team) = *sitting.teams.iter().rfind(|(from, _)| *from < end)?;
        let card = self.organisation.agent(timeline.agent);
        Some(Session {
            source: self.settings.source.clone(),
            agent_id: card.agent_id.clone(),
            agent_login: card.login.clone(),
            agent_name: card.name.clone(),
            team: self.organisation.team(team).path.clone(),
            sign_in,
            sign_out,
            duration_s: duration,
            policy: self.settings.session_policy,
        })
    }

    fn by_staffed_time(&self, timeline: &Timeline) -> Vec<Sitting> {
        let mut sittings: Vec<Sitting> = Vec::new();
        for span in &timeline.spans {
            if !self.settings.statuses.type_of(&span.condition, self.organisation).is_staffed() {
                continue;
            }
            match sittings.last_mut().filter(|sitting| sitting.end == Some(span.start)) {
                Some(sitting) => sitting.extend(span),
                None => sittings.push(Sitting::begin(span)),
            }
        }
        sittings
    }
}

/// Spans signed in, and the unknown between two of them unless a sign-in or a sign-out lies between.
fn by_login(timeline: &Timeline) -> Vec<Sitting> {
    let mut sittings: Vec<Sitting> = Vec::new();
    let mut may_go_on = false;
    for span in &timeline.spans {
        match span.condition.class {
            Class::SignedOut => may_go_on = false,
            Class::Unknown => {}
            _ => {
                match sittings.last_mut().filter(|_| may_go_on) {
                    Some(sitting) if !signs_in_between(timeline, sitting.end, span.start) => {
                        sitting.extend(span);
                    }
                    _ => sittings.push(Sitting::begin(span)),
                }
                may_go_on = true;
            }
        }
    }
    sittings
}

fn signs_in_between(timeline: &Timeline, from: Option<Timestamp>, to: Timestamp) -> bool {
    let Some(from) = from.filter(|from| *from < to) else { return false };
    timeline.sign_ins.iter().any(|sign_in| (from..=to).contains(&sign_in.at))
}
