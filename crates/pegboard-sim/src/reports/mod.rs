//! The report files that Amazon Connect writes to S3 on a schedule, and what they state.
//!
//! Somebody has put the reports together in the platform's pages, and its habits are the file's: see [`Layout`]. A run
//! covers the last hours again and again, now and then a file is missing without a word, what becomes known late is
//! never told again unless a later run covers the interval, and what was inactive has no row.
//!
//! From the administrator guide, "Schedule a historical metrics report", "Historical metrics definitions" and
//! "Login/Logout reports"; where it leaves something open, [`Layout::draw`] takes any of the forms that are plausible.

mod activity;
mod contact;
mod layout;
mod logins;
mod measure;
mod names;
mod rows;
mod schedule;
#[cfg(test)]
mod tests;
mod truth;

pub(crate) use self::activity::{Activity, Worked, piece_of};
pub(crate) use self::contact::Contact;
pub use self::layout::{Clock, Column, Key, Layout, Zone};
pub use self::logins::{COLUMNS as LOGIN_COLUMNS, StatedSession};
pub(crate) use self::measure::Basis;
pub use self::measure::{AgentTime, Begun, Measure, Part, Unit};
pub use self::names::PRESETS;
pub use self::rows::{RowKey, StatedRow, StatedValue};
pub use self::schedule::{Content, Plan, ReportFile, Reporter, Schedule, Stated};
pub use self::truth::AcdTruth;

/// A report of intervals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Report {
    /// By queue.
    Queue,
    /// By agent and queue.
    AgentQueue,
    /// By agent: the time of agents.
    Agent,
}

impl Report {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Queue, Self::AgentQueue, Self::Agent];
}
