//! `StateType`: what the status of an agent means for staffing, in the three letters that Aspect knows.

use std::collections::HashSet;

use pegboard_engine::{StatusTable, StatusType};
use pegboard_model::StatusKind;

use super::event::AgentStatus;

/// The three letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StateType {
    /// `A`.
    Available,
    /// `1`: signed in, not available.
    SignedIn,
    /// `0`: to be treated as signed out.
    SignedOut,
}

impl StateType {
    /// The letter or digit.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Available => "A",
            Self::SignedIn => "1",
            Self::SignedOut => "0",
        }
    }
}

/// What every status means.
///
/// The status table decides, by name or by id; `P` (productive), which no public code of Aspect knows, is written as `1`. Then, as the Quick
/// Start decides since August 2023: the type of the status if that is `ROUTABLE` or `OFFLINE`; then the list of statuses that count as signed
/// out; everything else is `1`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StateTypes {
    table: StatusTable,
    signed_out: HashSet<String>,
}

impl StateTypes {
    /// From a status table and the Quick Start's `SignedOutStatuses`: names, in which case and outer blanks do not matter.
    pub fn new<'a>(table: StatusTable, signed_out: impl IntoIterator<Item = &'a str>) -> Self {
        let names = signed_out.into_iter().map(folded).filter(|name| !name.is_empty());
        Self { table, signed_out: names.collect() }
    }

    /// The type of a status; of none that of everything else.
    pub fn of(&self, status: Option<&AgentStatus>) -> StateType {
        let Some(status) = status.map(AgentStatus::status) else { return StateType::SignedIn };
        if let Some(row) = self.table.row_of(&status) {
            return match row {
                StatusType::Available => StateType::Available,
                StatusType::Productive | StatusType::SignedIn => StateType::SignedIn,
                StatusType::SignedOut => StateType::SignedOut,
            };
        }
        match status.kind {
            StatusKind::Routable => StateType::Available,
            StatusKind::Offline => StateType::SignedOut,
            StatusKind::Aux if self.signed_out.contains(&folded(&status.name)) => StateType::SignedOut,
            StatusKind::Aux => StateType::SignedIn,
        }
    }
}

fn folded(name: &str) -> String {
    name.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(id: &str, name: &str, kind: Option<&str>) -> AgentStatus {
        let arn = Some(format!("arn:aws:connect:eu-central-1:111122223333:instance/i/agent-state/{id}"));
        AgentStatus { arn, name: Some(name.into()), kind: kind.map(str::to_owned), since: None }
    }

    fn letter(types: &StateTypes, id: &str, name: &str, kind: Option<&str>) -> &'static str {
        types.of(Some(&status(id, name, kind))).as_str()
    }

    #[test]
    fn without_a_table_the_type_decides_and_then_the_list() {
        let types = StateTypes::new(StatusTable::default(), [" break ", "LUNCH", "Verfügbar", ""]);
        assert_eq!(letter(&types, "s", "Verfügbar", Some("ROUTABLE")), "A");
        assert_eq!(letter(&types, "s", "Weg", Some("OFFLINE")), "0");
        assert_eq!(letter(&types, "s", "Break", Some("CUSTOM")), "0");
        assert_eq!(letter(&types, "s", "lunch ", Some("CUSTOM")), "0");
        assert_eq!(letter(&types, "s", "Lunch break", Some("CUSTOM")), "1");
        assert_eq!(letter(&types, "s", "Available", None), "A");
        assert_eq!(letter(&types, "s", "Offline", None), "0");
        assert_eq!(types.of(None).as_str(), "1");
        assert_eq!(types.of(Some(&AgentStatus::default())).as_str(), "1");
    }

    #[test]
    fn the_status_table_outranks_type_and_list_and_its_productive_is_signed_in() {
        let mut table = StatusTable::default();
        table.set("Project", StatusType::Productive);
        table.set("s-7", StatusType::SignedOut);
        table.set("Training", StatusType::SignedIn);
        table.set("Back office", StatusType::Available);
        let types = StateTypes::new(table, ["Training"]);
        assert_eq!(letter(&types, "s", "project", Some("ROUTABLE")), "1");
        assert_eq!(letter(&types, "s-7", "Available", Some("ROUTABLE")), "0");
        assert_eq!(letter(&types, "s", "Training", Some("CUSTOM")), "1");
        assert_eq!(letter(&types, "s", "Back office", Some("CUSTOM")), "A");
    }
}
