//! The status table: what each status means for staffing.

use std::collections::HashMap;

use pegboard_model::{State, Status, StatusKind};
use serde::{Deserialize, Serialize};

/// The type of a status for productivity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum StatusType {
    /// `A`: available.
    #[serde(rename = "A")]
    Available,
    /// `P`: productive.
    #[serde(rename = "P")]
    Productive,
    /// `1`: signed in.
    #[serde(rename = "1")]
    SignedIn,
    /// `0`: signed out.
    #[serde(rename = "0")]
    SignedOut,
}

impl StatusType {
    /// The type by its letter or digit; nothing for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim() {
            "A" | "a" => Some(Self::Available),
            "P" | "p" => Some(Self::Productive),
            "1" => Some(Self::SignedIn),
            "0" => Some(Self::SignedOut),
            _ => None,
        }
    }

    /// Whether time in it is staffed time.
    pub const fn is_staffed(self) -> bool {
        !matches!(self, Self::SignedOut)
    }
}

/// `StateName,StateType`: matched on the name of a status, ignoring case and outer blanks, or on its id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatusTable {
    rows: HashMap<String, StatusType>,
}

impl StatusTable {
    /// Sets the type of a status. A later row of the same name replaces an earlier one.
    pub fn set(&mut self, name_or_id: &str, kind: StatusType) {
        self.rows.insert(key(name_or_id), kind);
    }

    /// The type of a status: by its row, else routable is `A`, offline is `0`, anything else `1`.
    pub fn type_of(&self, status: &Status) -> StatusType {
        self.row_of(status).unwrap_or(match status.kind {
            StatusKind::Routable => StatusType::Available,
            StatusKind::Aux => StatusType::SignedIn,
            StatusKind::Offline => StatusType::SignedOut,
        })
    }

    /// The type that a row gives to a status; nothing where none speaks of it.
    pub fn row_of(&self, status: &Status) -> Option<StatusType> {
        self.row(&status.name).or_else(|| self.row(status.id.as_ref()?.as_str()))
    }

    /// The type of a moment. Contact work counts as the status it happens in, except that signed out becomes
    /// productive while on a contact. Nothing is staffed while nothing is known, or after a sign-out.
    pub fn type_at(&self, state: &State) -> StatusType {
        if state.signed_out || state.class == pegboard_model::Class::Unknown {
            return StatusType::SignedOut;
        }
        let by_status = state.status.as_ref().map_or(StatusType::SignedOut, |status| self.type_of(status));
        if state.class.is_contact_work() && by_status == StatusType::SignedOut {
            return StatusType::Productive;
        }
        by_status
    }

    fn row(&self, name: &str) -> Option<StatusType> {
        if self.rows.is_empty() {
            return None;
        }
        self.rows.get(&key(name)).copied()
    }
}

fn key(name: &str) -> String {
    name.trim().to_lowercase()
}
