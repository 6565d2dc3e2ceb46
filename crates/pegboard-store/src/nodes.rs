//! Nodes that share a store, and what each of them works on.
//!
//! A lease says who is to work; it is advice by the store's own clock. Who may write is decided by epochs alone: a
//! node that was thought dead and comes back is refused by its epoch, whatever it believes to hold.

use std::fmt;

use pegboard_model::{Millis, PartitionId, SourceName, Text, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Result, StoreError};

/// The identity of one run of the program: random, so that a node that comes back is another one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeId(String);

impl NodeId {
    /// A new identity. Fails if the operating system gives no randomness.
    pub fn random() -> Result<Self> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|error| StoreError::Database {
            operation: "make the node's identity",
            cause: error.into(),
        })?;
        Ok(Self(format!("{:016x}", u64::from_be_bytes(random))))
    }

    /// The identity as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for NodeId {
    fn from(id: &str) -> Self {
        Self(id.to_owned())
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a node says to show that it lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beat {
    /// Which node.
    pub node: NodeId,
    /// What people call it.
    pub name: Text,
    /// For how long it counts as alive from now on, by the store's clock.
    pub lasts: Millis,
    /// What it tells the other nodes about its work, as JSON. The store does not look into it.
    pub report: String,
}

/// A part of a source that one node works on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// A partition.
    Partition(PartitionId),
    /// The closing of intervals.
    Closer,
    /// The delivery to a sink, whose name stands where that of a source stands.
    Sink,
    /// The watch over alarms, which is of no source.
    Alarms,
}

/// A node that lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSeen {
    /// Which node.
    pub node: NodeId,
    /// What people call it.
    pub name: Text,
    /// When it said so for the first time, by the store's clock.
    pub started: Timestamp,
    /// What it told last, as JSON.
    pub report: String,
}

/// What a node that lives works on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The source.
    pub source: SourceName,
    /// The part of it.
    pub part: Part,
    /// The node.
    pub node: NodeId,
}

/// Who lives and works on what, at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roll {
    /// The nodes that live, by id.
    pub nodes: Vec<NodeSeen>,
    /// What they hold, by source and part.
    pub leases: Vec<Lease>,
}
