//! What can go wrong with a store.

use pegboard_model::{AgentId, PartitionId, SourceName};

/// How many agents an error names.
const NAMED: usize = 3;

/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else owns the partition, or it stands elsewhere: the caller must load it again.
    #[error(
        "partition {partition} of source {source_name} is no longer ours: expected {expected}, found {found}"
    )]
    NotOwner {
        /// The source.
        source_name: SourceName,
        /// The partition; `(closer)` for the closing of intervals.
        partition: PartitionId,
        /// What the caller took for granted.
        expected: String,
        /// What the store says.
        found: String,
    },
    /// Somebody else has written agents of the batch since they were loaded: the caller must load them again and
    /// prepare the batch anew.
    #[error("agents of source {source_name} were changed meanwhile: {}", named(agents))]
    AgentMoved {
        /// The source.
        source_name: SourceName,
        /// All of the batch's agents that were.
        agents: Vec<AgentId>,
    },
    /// Somebody else has kept events of contacts of the batch since those that were known were read: the caller must read
    /// them again and prepare the batch anew.
    #[error("contacts of source {source_name} were told more of meanwhile")]
    ContactsMoved {
        /// The source.
        source_name: SourceName,
    },
    /// The cursor is of another store, or older than what is kept. Take a new snapshot.
    #[error("the cursor is no longer valid: take a new snapshot and go on from its cursor")]
    CursorGone,
    /// The database was written by a newer version of the program.
    #[error("the store has schema version {found}, and this program knows {known}: use the newer program")]
    NewerSchema {
        /// The version of the database.
        found: u32,
        /// The newest version that the program knows.
        known: u32,
    },
    /// Another process has the store open.
    #[error("the store {path} is in use by another process: stop it, or talk to it through its API")]
    InUse {
        /// The file.
        path: String,
    },
    /// The store was closed while it was asked.
    #[error("the store is shutting down")]
    Closed,
    /// A stored value does not read back: the file was damaged, or changed by another program.
    #[error("the store holds a {what} that does not read back: {detail}")]
    Damaged {
        /// What kind of value.
        what: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// The database failed.
    #[error("{operation}: {cause}")]
    Database {
        /// What was being done.
        operation: &'static str,
        /// The database's own error.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
}

fn named(agents: &[AgentId]) -> String {
    let mut names: Vec<&str> = agents.iter().take(NAMED).map(AgentId::as_str).collect();
    if agents.len() > NAMED {
        names.push("...");
    }
    names.join(", ")
}
