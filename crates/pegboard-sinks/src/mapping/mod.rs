//! What planners say about names: how an ACD's states, queues and agents are called in the WFM.
//!
//! Rows hold from an instant on, and the one that says most wins. What no row names keeps its own name, with the prefix of
//! its source, and is [listed](Inbox).

mod agents;
mod inbox;
mod named;
mod queues;
mod rows;
mod shipped;
mod states;

use std::collections::HashMap;

use pegboard_model::{SourceName, Text, Timestamp};

pub use agents::{AgentMapping, AgentRow, WfmAgent};
pub use inbox::{Inbox, MOST_AFFECTED, MappedKind, Unmapped};
pub use named::ListedName;
pub(crate) use queues::{AcdQueue, MainKinds};
pub use queues::{QueueKind, QueueMapping, QueueRow, WfmQueue};
pub use states::{EventMatch, MappedState, Pattern, StateMapping, StateRow};

use self::rows::Rows;
use crate::Settings;

/// Everything that planners say, and how a sink is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mapping {
    /// What is put before the ids of a source, so that those of two sources differ.
    pub prefixes: HashMap<SourceName, Text>,
    /// States.
    pub states: StateMapping,
    /// Queues.
    pub queues: QueueMapping,
    /// Agents.
    pub agents: AgentMapping,
    /// Names of keys in bodies, by the names that they have without it: `handledShort`, or `queueReport.handledShort` for one place.
    pub keys: HashMap<String, String>,
    /// How the sink is set.
    pub settings: Settings,
}

impl Mapping {
    /// An id of a source as the WFM knows it where no row says otherwise.
    fn prefixed(&self, source: &SourceName, id: &str) -> Text {
        match self.prefixes.get(source) {
            Some(prefix) => format!("{prefix}{id}").into(),
            None => id.into(),
        }
    }
}

/// Which sources and times a row is for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Scope {
    /// The source; every one where none is given.
    pub source: Option<SourceName>,
    /// From when on; always where no instant is given.
    pub from: Option<Timestamp>,
}

impl Scope {
    fn holds(&self, source: &SourceName, at: Timestamp) -> bool {
        self.source.as_ref().is_none_or(|own| own == source) && self.from.is_none_or(|from| from <= at)
    }

    /// How much it says: a source is more than none, later is more than earlier.
    fn weight(&self) -> (bool, Option<Timestamp>) {
        (self.source.is_some(), self.from)
    }
}

/// Whether two names are one, whatever their case.
fn same_name(a: &str, b: &str) -> bool {
    a == b || a.to_lowercase() == b.to_lowercase()
}
