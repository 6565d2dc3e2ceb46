//! From what Pegboard knows to what a WFM reads.
//!
//! Encoding is pure: no I/O, no clock, no randomness, so that a dry run writes exactly what a sink would send. A sink knows nothing of
//! sources; both know the model. What sends it is a thin shell: a [`Sink`] for each target, which answers with an [`Outcome`].
//!
//! - [`Known`] is what a sink is handed, [`Document`] what it gives.
//! - [`mapping`] holds what planners say about names.
//! - [`ENCODERS`] is the one list of what can be written.

pub mod aspect;
pub mod cloudevents;
pub mod cxone;
mod document;
mod encoders;
mod events;
pub mod files;
mod filter;
pub mod iex;
mod json;
mod known;
pub mod mapping;
mod merge;
pub mod nats;
mod outcome;
mod period;
pub mod place;
pub mod report_parquet;
pub mod report_text;
mod settings;
mod sink;
mod span;
pub mod sqs;
#[cfg(test)]
mod test_data;
pub mod webhook;
mod whole;

pub use document::{Document, Encoded, Refused};
pub use encoders::{ENCODERS, Encoder, encoder};
pub use events::{Begins, EventLane, EventLaneKind, EventOutcome, EventSource, SourceEvent};
pub use filter::{Filter, Groups, Level, Limited, TwoLevels};
pub use known::{AgentEntry, Interval, Known, RawEvent, SourceHealth, StateChange};
pub use outcome::{Lane, Outcome, RefusedItem};
pub use settings::{ContactTypes, Received, SettingError, Settings, UnmappedPolicy};
pub use sink::{Changes, Ingredient, Pace, Sink, SinkReport, StatesLane};
pub use span::Span;
