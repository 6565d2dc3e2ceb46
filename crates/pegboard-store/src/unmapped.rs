//! Names of an ACD that no row of a sink's mapping has: the inbox of whoever keeps the mapping.

use pegboard_model::{SourceName, Text, Timestamp};

/// The most that is kept of one sink; what is new beyond it is not.
pub(crate) const MOST_UNMAPPED: u64 = 10_000;

/// The most agents of an entry.
const MOST_AFFECTED: usize = 20;

/// Something that no row names. One that is written again is counted on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnmappedSeen {
    /// What it is: `state`, `queue`, `agent`, or `note` for something that whoever reads the documents should know.
    pub kind: Text,
    /// The source; nothing of a note.
    pub source: SourceName,
    /// What the ACD calls it.
    pub id: Text,
    /// What else is known of it.
    pub detail: Text,
    /// How often it was seen.
    pub count: u64,
    /// When first, by the time of what was delivered.
    pub first: Timestamp,
    /// When last.
    pub last: Timestamp,
    /// What a row could say.
    pub suggestion: Text,
    /// Some of the agents it is about.
    pub agents: Vec<Text>,
}

/// By what an entry is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnmappedName {
    /// What it is.
    pub kind: Text,
    /// The source.
    pub source: SourceName,
    /// What the ACD calls it.
    pub id: Text,
    /// What else is known of it.
    pub detail: Text,
}

impl From<UnmappedSeen> for UnmappedName {
    fn from(UnmappedSeen { kind, source, id, detail, .. }: UnmappedSeen) -> Self {
        Self { kind, source, id, detail }
    }
}

impl UnmappedSeen {
    /// The agents, with those that were noted before, for a column.
    pub(crate) fn agents_column(&self, known: Option<&str>) -> String {
        let mut agents: Vec<Text> = known.map(agents_of).unwrap_or_default();
        for agent in &self.agents {
            if agents.len() < MOST_AFFECTED && !agents.contains(agent) {
                agents.push(agent.clone());
            }
        }
        let agents: Vec<&str> = agents.iter().map(|agent| &**agent).collect();
        serde_json::to_string(&agents).unwrap_or_default()
    }
}

/// The agents that a column holds.
pub(crate) fn agents_of(column: &str) -> Vec<Text> {
    let agents: Vec<String> = serde_json::from_str(column).unwrap_or_default();
    agents.into_iter().map(Text::from).collect()
}
