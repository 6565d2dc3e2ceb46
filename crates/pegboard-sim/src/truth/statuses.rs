//! What statuses mean for staffing.

use pegboard_model::{Class, StatusKind};

use super::timeline::Condition;
use crate::organisation::{Organisation, StatusNo};

/// What a status means for staffing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusType {
    /// `A`.
    Available,
    /// `P`.
    Productive,
    /// `1`.
    SignedIn,
    /// `0`.
    SignedOut,
}

/// The status table: names or ids of statuses, and what they mean.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatusTable {
    /// Name or id, and type. The first row that matches counts.
    pub rows: Vec<(String, StatusType)>,
}

impl StatusType {
    /// Whether an agent in such a status is staffed.
    pub(super) fn is_staffed(self) -> bool {
        self != Self::SignedOut
    }
}

impl StatusTable {
    fn of(&self, status: StatusNo, organisation: &Organisation) -> StatusType {
        let card = organisation.status(status);
        let named = |key: &str| key.trim().to_lowercase() == card.name.trim().to_lowercase();
        let row = self.rows.iter().find(|(key, _)| named(key) || key == card.status_id.as_str());
        match (row, card.kind) {
            (Some((_, kind)), _) => *kind,
            (None, StatusKind::Routable) => StatusType::Available,
            (None, StatusKind::Offline) => StatusType::SignedOut,
            (None, StatusKind::Aux) => StatusType::SignedIn,
        }
    }

    /// What time in this condition counts as.
    pub(super) fn type_of(&self, condition: &Condition, organisation: &Organisation) -> StatusType {
        let known = condition.status.filter(|_| !condition.logout && condition.class != Class::Unknown);
        match known.map(|status| self.of(status, organisation)) {
            None => StatusType::SignedOut,
            Some(StatusType::SignedOut) if condition.work.is_some() => StatusType::Productive,
            Some(kind) => kind,
        }
    }
}
