//! Which of an agent's contacts decides, and what it makes of the agent.

use pegboard_model::policy::Precedence;
use pegboard_model::{Class, StatusKind, Timestamp};

use super::timeline::{Condition, Work};
use crate::events::{AgentView, ContactState, ContactView, Initiation};
use crate::organisation::Organisation;

/// The class of an agent whom a contact in this state decides.
const fn class_of(state: ContactState) -> Class {
    match state {
        ContactState::Connected => Class::Talk,
        ContactState::OnHold | ContactState::Paused => Class::Hold,
        ContactState::Ended => Class::Acw,
        ContactState::Connecting | ContactState::Incoming => Class::Ringing,
        ContactState::Missed | ContactState::Rejected | ContactState::Error => Class::Error,
    }
}

/// The place of a contact in the order of precedence, the deciding one first.
fn rank(contact: &ContactView, precedence: Precedence) -> u32 {
    match precedence {
        Precedence::ContactFirst => match class_of(contact.state) {
            Class::Talk => 1,
            Class::Hold => 2,
            Class::Acw => 3,
            Class::Ringing => 4,
            _ => 5,
        },
        Precedence::Aws => match contact.state {
            ContactState::Error => 1,
            ContactState::Missed => 2,
            ContactState::Rejected => 3,
            ContactState::Connected | ContactState::OnHold | ContactState::Paused => 4,
            ContactState::Connecting if contact.initiation == Initiation::Outbound => 4,
            ContactState::Ended => 5,
            ContactState::Connecting | ContactState::Incoming => 6,
        },
    }
}

/// The contact that decides: of those that are not merely monitored the first by precedence, then the one that has
/// been in its state longest, then the one with the smaller id.
pub(super) fn dominant(
    view: &AgentView,
    precedence: Precedence,
    since: impl Fn(&ContactView) -> Timestamp,
) -> Option<&ContactView> {
    view.contacts
        .iter()
        .filter(|contact| contact.initiation != Initiation::Monitor)
        .min_by_key(|contact| (rank(contact, precedence), since(contact), contact.id))
}

/// What an agent is in who is signed in as far as anybody knows.
pub(super) fn condition(
    view: &AgentView,
    deciding: Option<&ContactView>,
    organisation: &Organisation,
) -> Condition {
    let class = match (deciding, organisation.status(view.status).kind) {
        (Some(contact), _) => class_of(contact.state),
        (None, StatusKind::Routable) => Class::Available,
        (None, StatusKind::Aux) => Class::Aux,
        (None, StatusKind::Offline) => Class::SignedOut,
    };
    Condition {
        class,
        status: Some(view.status),
        work: deciding.map(Work::of),
        logout: false,
        team: view.team,
        profile: view.profile,
    }
}

/// What an agent is in who has signed out explicitly.
pub(super) const fn logged_out(view: &AgentView) -> Condition {
    Condition {
        class: Class::SignedOut,
        status: Some(view.status),
        work: None,
        logout: true,
        team: view.team,
        profile: view.profile,
    }
}
