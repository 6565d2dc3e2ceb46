//! From observations to timelines, from timelines and contacts to report rows.
//!
//! Everything here is pure: no I/O, no clock, no randomness. The same functions serve the live stream, a
//! reload and an offline replay, so all three give the same numbers.
//!
//! - [`evidence`] puts observations in their one order.
//! - [`Track`] folds them into [segments](pegboard_model::Segment), one at a time.
//! - [`Timeline`] is what came of it; [`Grid`] cuts time into intervals and local days.
//! - [`opening`] says when a queue is open: silence then is a row of zeros.
//! - [`agents`], [`sessions`], [`segments`] and [`queues`] derive the rows of the reports.

pub mod agents;
mod contacts;
pub mod dominance;
pub mod evidence;
pub mod grid;
pub mod opening;
pub mod pool;
pub mod queues;
pub mod segments;
pub mod sessions;
pub mod status_table;
pub mod timeline;
pub mod track;

pub use grid::{Grid, Interval, IntervalLength, Window};
pub use pool::Pool;
pub use status_table::{StatusTable, StatusType};
pub use timeline::{Span, Timeline};
pub use track::{Silence, TimelinePolicy, Track};
