//! Where agents' time went, split over the clock, as the platform's reports see it.

use std::collections::BTreeMap;

use pegboard_model::{Millis, StatusKind, Timestamp};

use crate::events::{AgentView, ContactState, Initiation, Uuid};
use crate::organisation::{AgentNo, Organisation, ProfileNo, TeamNo};
use crate::world::{Change, Presence};

/// Where an agent belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) team: TeamNo,
    pub(crate) profile: ProfileNo,
}

/// An agent's time in one piece of the grid, and where he belonged at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Worked {
    pub(crate) place: Place,
    /// In any status but offline.
    pub(crate) online: Millis,
    /// Routable and not on a contact: waiting, being offered one, or left with a failed one.
    pub(crate) idle: Millis,
    /// In a status of the site's own.
    pub(crate) non_productive: Millis,
    /// On a contact, after-contact work included, while routable.
    pub(crate) on_contact: Millis,
    /// Left with a missed, rejected or failed contact.
    pub(crate) error: Millis,
    /// Offers that came to nothing.
    pub(crate) missed: u64,
}

impl Worked {
    const fn nothing(place: Place) -> Self {
        Self {
            place,
            online: Millis::ZERO,
            idle: Millis::ZERO,
            non_productive: Millis::ZERO,
            on_contact: Millis::ZERO,
            error: Millis::ZERO,
            missed: 0,
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.place = other.place;
        self.online += other.online;
        self.idle += other.idle;
        self.non_productive += other.non_productive;
        self.on_contact += other.on_contact;
        self.error += other.error;
        self.missed += other.missed;
    }
}

/// What an agent does, since when.
#[derive(Debug, Clone)]
struct Doing {
    since: Timestamp,
    status: StatusKind,
    on_contact: bool,
    stuck: Vec<Uuid>,
    place: Place,
}

/// The time of all agents, in pieces of a quarter of an hour.
#[derive(Debug)]
pub(crate) struct Activity {
    doing: BTreeMap<AgentNo, Doing>,
    worked: BTreeMap<Timestamp, BTreeMap<AgentNo, Worked>>,
}

/// The length of a piece: the shortest interval of the platform's reports.
pub(crate) const PIECE: Millis = Millis::from_minutes(15);

/// The piece that an instant lies in.
pub(crate) fn piece_of(at: Timestamp) -> Timestamp {
    at - Millis::new(at.as_millis().rem_euclid(PIECE.get()))
}

impl Activity {
    pub(crate) const fn new() -> Self {
        Self { doing: BTreeMap::new(), worked: BTreeMap::new() }
    }

    /// Takes in a change. Those of one agent come in order.
    pub(crate) fn observe(&mut self, change: &Change, organisation: &Organisation) {
        let before = self.doing.remove(&change.agent);
        let at = before.as_ref().map_or(change.at, |doing| doing.since.max(change.at));
        if let Some(before) = &before {
            self.book(change.agent, before, at);
        }
        let doing = doing(change, at, organisation);
        let known = before.map(|before| before.stuck).unwrap_or_default();
        let newly_stuck = doing.stuck.iter().filter(|id| !known.contains(id)).count() as u64;
        if newly_stuck > 0 {
            self.worked(change.agent, at, doing.place).missed += newly_stuck;
        }
        self.doing.insert(change.agent, doing);
    }

    /// Books what goes on up to `until`.
    pub(crate) fn settle(&mut self, until: Timestamp) {
        let mut doing = std::mem::take(&mut self.doing);
        for (agent, doing) in &mut doing {
            if doing.since < until {
                self.book(*agent, doing, until);
                doing.since = until;
            }
        }
        self.doing = doing;
    }

    /// Forgets everything before `at`.
    pub(crate) fn forget_before(&mut self, at: Timestamp) {
        self.worked = self.worked.split_off(&at);
    }

    /// Everybody's time from `from` to `to`, of those who were there.
    pub(crate) fn between(&self, from: Timestamp, to: Timestamp) -> BTreeMap<AgentNo, Worked> {
        let mut sums: BTreeMap<AgentNo, Worked> = BTreeMap::new();
        for (agent, worked) in self.worked.range(from..to).flat_map(|(_, agents)| agents) {
            sums.entry(*agent).or_insert(Worked::nothing(worked.place)).add(worked);
        }
        sums.retain(|_, worked| !worked.online.is_zero());
        sums
    }

    fn worked(&mut self, agent: AgentNo, at: Timestamp, place: Place) -> &mut Worked {
        let worked =
            self.worked.entry(piece_of(at)).or_default().entry(agent).or_insert(Worked::nothing(place));
        worked.place = place;
        worked
    }

    fn book(&mut self, agent: AgentNo, doing: &Doing, until: Timestamp) {
        if doing.status == StatusKind::Offline {
            return;
        }
        let mut start = doing.since;
        while start < until {
            let end = (piece_of(start) + PIECE).min(until);
            let time = end.since(start);
            let worked = self.worked(agent, start, doing.place);
            worked.online += time;
            match (doing.status, doing.on_contact) {
                (StatusKind::Aux, _) => worked.non_productive += time,
                (_, true) => worked.on_contact += time,
                (_, false) => worked.idle += time,
            }
            if !doing.stuck.is_empty() {
                worked.error += time;
            }
            start = end;
        }
    }
}

fn doing(change: &Change, since: Timestamp, organisation: &Organisation) -> Doing {
    let view = &*change.view;
    let status = match change.presence {
        Presence::SignedIn => organisation.status(view.status).kind,
        Presence::Away | Presence::SignedOut => StatusKind::Offline,
    };
    let stuck = [ContactState::Missed, ContactState::Rejected, ContactState::Error];
    let stuck = view.contacts.iter().filter(|contact| stuck.contains(&contact.state));
    Doing {
        since,
        status,
        on_contact: is_on_contact(view),
        stuck: stuck.map(|contact| contact.id).collect(),
        place: Place { team: view.team, profile: view.profile },
    }
}

fn is_on_contact(view: &AgentView) -> bool {
    view.contacts.iter().any(|contact| match contact.state {
        _ if contact.initiation == Initiation::Monitor => false,
        ContactState::Connected | ContactState::OnHold | ContactState::Paused | ContactState::Ended => true,
        ContactState::Connecting => contact.initiation == Initiation::Outbound,
        ContactState::Incoming | ContactState::Missed | ContactState::Rejected | ContactState::Error => false,
    })
}
