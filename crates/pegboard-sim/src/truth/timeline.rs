//! An agent's time, without gaps from the beginning of time on.

use pegboard_model::{Class, Timestamp};

use crate::events::{Channel, ContactState, ContactView, Initiation, Uuid, Via};
use crate::organisation::{AgentNo, ProfileNo, StatusNo, TeamNo};

/// All that makes two moments of an agent alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Condition {
    pub(super) class: Class,
    pub(super) status: Option<StatusNo>,
    /// The contact that decides.
    pub(super) work: Option<Work>,
    /// Signed out by an explicit sign-out.
    pub(super) logout: bool,
    pub(super) team: TeamNo,
    pub(super) profile: ProfileNo,
}

/// The contact that decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Work {
    pub(super) id: Uuid,
    pub(super) channel: Channel,
    pub(super) initiation: Initiation,
    pub(super) state: ContactState,
    pub(super) via: Option<Via>,
}

/// A span in one condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: Timestamp,
    /// Nothing while no later evidence has ended it.
    pub(super) end: Option<Timestamp>,
    pub(super) condition: Condition,
}

/// A sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SignIn {
    pub(super) at: Timestamp,
    /// What follows.
    pub(super) condition: Condition,
}

/// An agent's time.
#[derive(Debug)]
pub(super) struct Timeline {
    pub(super) agent: AgentNo,
    /// The end of the first span, about which nothing is known but what the first evidence implies.
    pub(super) begins: Timestamp,
    /// From the earliest instant on, each beginning where the one before ends.
    pub(super) spans: Vec<Span>,
    pub(super) sign_ins: Vec<SignIn>,
}

impl Condition {
    /// Nothing is known but the class.
    pub(super) const fn bare(class: Class, team: TeamNo, profile: ProfileNo) -> Self {
        Self { class, status: None, work: None, logout: false, team, profile }
    }
}

impl Work {
    pub(super) const fn of(contact: &ContactView) -> Self {
        Self {
            id: contact.id,
            channel: contact.channel,
            initiation: contact.initiation,
            state: contact.state,
            via: contact.via,
        }
    }
}

impl Timeline {
    /// A timeline of the conditions that begin at the given times, in order. What no time is spent in leaves no
    /// span; what goes on unchanged is one span. Before the first evidence is a span of its own, whatever follows, and what
    /// begins at `parted` is not joined with what lasted until then.
    pub(super) fn new(
        agent: AgentNo,
        before: Condition,
        starts: &[(Timestamp, Condition)],
        parted: Option<Timestamp>,
        sign_ins: Vec<SignIn>,
    ) -> Self {
        let begins = starts.first().map_or(Timestamp::MAX, |(start, _)| *start);
        let mut spans = vec![Span { start: Timestamp::MIN, end: None, condition: before }];
        for (number, (start, condition)) in starts.iter().enumerate() {
            let overtaken = starts.get(number + 1).is_some_and(|(next, _)| next == start);
            let may_go_on = spans.len() > 1 && parted != Some(*start);
            let open = spans.last_mut().expect("there is always a span");
            if overtaken || (may_go_on && open.condition == *condition) {
                continue;
            }
            open.end = Some(*start);
            spans.push(Span { start: *start, end: None, condition: *condition });
        }
        Self { agent, begins, spans, sign_ins }
    }

    /// The spans that have any time in common with `[from, to)`.
    pub(super) fn between(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = &Span> {
        let first = self.spans.partition_point(|span| span.end.is_some_and(|end| end <= from));
        self.spans[first..].iter().take_while(move |span| span.start < to)
    }
}
