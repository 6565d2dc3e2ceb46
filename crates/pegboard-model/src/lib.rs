//! The words of the field as types.
//!
//! Everything that sources emit ([`Observation`], [`ContactLeg`]), everything that is derived from
//! it ([`Segment`]) and every row that is reported ([`report`]) is defined here, without I/O, clock or
//! any vendor's name. A source decodes into these types, a sink encodes from them, and the engine
//! knows nothing else.

pub mod acd;
pub mod agent;
pub mod contact;
pub mod fixed;
pub mod id;
pub mod now;
pub mod observation;
pub mod policy;
pub mod report;
pub mod segment;
pub mod time;

pub use acd::AcdRow;
pub use agent::{AgentContact, AgentProfile, Channel, ContactPhase, Queue, Status, StatusKind};
pub use contact::{AgentLeg, ContactEvent, ContactLeg, ContactVersion, Direction, QueueStay};
pub use fixed::Fixed;
pub use id::{AgentId, ContactId, EventId, PartitionId, Position, QueueId, SinkName, SourceName, StatusId};
pub use now::AgentNow;
pub use observation::{Observation, Order, Snapshot, What};
pub use segment::{Class, ContactWork, Mark, Segment, State};
pub use time::{Millis, Timestamp};

/// Immutable text that is cheap to clone. Decoders intern it, so that a name that a million events
/// repeat is stored once.
pub type Text = std::sync::Arc<str>;
