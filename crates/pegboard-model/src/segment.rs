//! What an agent was in, and from when to when.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{AgentProfile, Channel, ContactId, Queue, Status, Text, Timestamp};

/// What an agent is in. At every instant exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Connected to a contact.
    Talk,
    /// On a contact that is on hold.
    Hold,
    /// In after-contact work.
    Acw,
    /// Being offered a contact.
    Ringing,
    /// Left with a missed, rejected or failed contact that still blocks routing.
    Error,
    /// Signed in, in a status that does not route.
    Aux,
    /// Signed in, routable, nothing to do.
    Available,
    /// Not signed in.
    SignedOut,
    /// Not known.
    Unknown,
}

impl Class {
    /// Every class, in the order of the reports contract.
    pub const ALL: [Self; 9] = [
        Self::Talk,
        Self::Hold,
        Self::Acw,
        Self::Ringing,
        Self::Error,
        Self::Aux,
        Self::Available,
        Self::SignedOut,
        Self::Unknown,
    ];

    /// The name that reports use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Talk => "talk",
            Self::Hold => "hold",
            Self::Acw => "acw",
            Self::Ringing => "ringing",
            Self::Error => "error",
            Self::Aux => "aux",
            Self::Available => "available",
            Self::SignedOut => "signed_out",
            Self::Unknown => "unknown",
        }
    }

    /// Whether time in this class is time signed in.
    pub const fn is_signed_in(self) -> bool {
        !matches!(self, Self::SignedOut | Self::Unknown)
    }

    /// Whether a contact decides this class.
    pub const fn is_contact_work(self) -> bool {
        matches!(self, Self::Talk | Self::Hold | Self::Acw | Self::Ringing | Self::Error)
    }
}

/// Everything that makes two moments of an agent alike. A change of any of it starts a new segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The class.
    pub class: Class,
    /// The status, where one is known.
    pub status: Option<Arc<Status>>,
    /// The contact that decides, where one does.
    pub contact: Option<Arc<ContactWork>>,
    /// Whether the agent signed out by an explicit sign-out, which outranks the status for a WFM.
    pub signed_out: bool,
    /// Who the agent was, and in which team.
    pub profile: Arc<AgentProfile>,
}

/// The contact that decides a state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactWork {
    /// Which contact.
    pub id: ContactId,
    /// Its channel.
    pub channel: Channel,
    /// How it began, as the platform writes it.
    pub initiation: Text,
    /// The platform's word for its phase.
    pub phase_text: Text,
    /// The queue that it came through.
    pub queue: Option<Arc<Queue>>,
}

/// What happened at the start of a segment that takes no time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// The agent signed in. The segment is a point: its end is its start, and the real state follows at once.
    SignIn,
}

/// A maximal span of one agent in one state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// The first instant.
    pub start: Timestamp,
    /// The first instant after; nothing while the state lasts.
    pub end: Option<Timestamp>,
    /// The state.
    pub state: State,
    /// Set where the segment is a point that marks an event.
    pub mark: Option<Mark>,
}

impl State {
    /// The state as a WFM's real-time adherence knows it: `LOGOUT` after a sign-out,
    /// `{CHANNEL}-{INITIATION}-{STATE}` while a contact decides, else the name of the status. Empty where
    /// nothing is known.
    pub fn event_id(&self) -> Text {
        if self.signed_out {
            return "LOGOUT".into();
        }
        if let Some(work) = &self.contact {
            return format!("{}-{}-{}", work.channel.as_str(), work.initiation, work.phase_text).into();
        }
        self.status_name()
    }

    /// The name of the status where the event id does not already say it, else empty.
    pub fn reason(&self) -> Text {
        if self.signed_out || self.contact.is_some() { self.status_name() } else { Text::default() }
    }

    /// Event id and reason of a segment in this state: those of the mark where it has one.
    pub fn words(&self, mark: Option<Mark>) -> (Text, Text) {
        match mark {
            Some(Mark::SignIn) => ("LOGIN".into(), self.status_name()),
            None => (self.event_id(), self.reason()),
        }
    }

    /// The name of the status, or empty.
    pub fn status_name(&self) -> Text {
        self.status.as_ref().map(|status| status.name.clone()).unwrap_or_default()
    }

    /// Whether the two are one segment: all alike but for the agent's own name and login.
    pub fn same(&self, other: &Self) -> bool {
        self.class == other.class
            && self.signed_out == other.signed_out
            && self.contact == other.contact
            && same_status(self.status.as_ref(), other.status.as_ref())
            && (Arc::ptr_eq(&self.profile, &other.profile) || self.profile.same_groups(&other.profile))
    }
}

fn same_status(a: Option<&Arc<Status>>, b: Option<&Arc<Status>>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => Arc::ptr_eq(a, b) || a == b,
        (None, None) => true,
        _ => false,
    }
}
