//! Which of several simultaneous contacts decides an agent's class.

use pegboard_model::policy::Precedence;
use pegboard_model::{AgentContact, Class, ContactPhase, Timestamp};

/// The class of an agent whose deciding contact is in `phase`.
pub const fn class_of(phase: ContactPhase) -> Class {
    match phase {
        ContactPhase::Connected => Class::Talk,
        ContactPhase::Held | ContactPhase::Paused => Class::Hold,
        ContactPhase::Wrapping => Class::Acw,
        ContactPhase::Offered | ContactPhase::Alerting => Class::Ringing,
        ContactPhase::Missed | ContactPhase::Rejected | ContactPhase::Failed => Class::Error,
        ContactPhase::Unrecognised => Class::Unknown,
    }
}

/// The contact that decides: the first by precedence, then the one longest in its phase, then the smaller id.
/// Monitored contacts never decide.
///
/// `contacts` are pairs of a contact and the start of its phase.
pub fn dominant<'a, C>(contacts: C, precedence: Precedence) -> Option<(&'a AgentContact, Timestamp)>
where
    C: Iterator<Item = (&'a AgentContact, Timestamp)>,
{
    contacts
        .filter(|(contact, _)| !contact.monitored)
        .min_by_key(|(contact, since)| (rank(contact, precedence), *since, contact.id.clone()))
}

fn rank(contact: &AgentContact, precedence: Precedence) -> u8 {
    match precedence {
        Precedence::ContactFirst => match class_of(contact.phase) {
            Class::Talk => 0,
            Class::Hold => 1,
            Class::Acw => 2,
            Class::Ringing => 3,
            Class::Error => 4,
            _ => 5,
        },
        Precedence::Aws => match contact.phase {
            ContactPhase::Failed => 0,
            ContactPhase::Missed => 1,
            ContactPhase::Rejected => 2,
            ContactPhase::Connected | ContactPhase::Held | ContactPhase::Paused => 3,
            ContactPhase::Alerting if contact.outbound => 3,
            ContactPhase::Wrapping => 4,
            ContactPhase::Alerting | ContactPhase::Offered => 5,
            ContactPhase::Unrecognised => 6,
        },
    }
}
