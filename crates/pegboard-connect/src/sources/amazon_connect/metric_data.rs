//! The same rows without files: `GetMetricDataV2`.
//!
//! Three kinds of calls rebuild the three reports within the limits of the operation (API reference): 100 filter values
//! and four groupings of a call, less than three days of intervals, 20 service levels. What goes into a call and what
//! an answer means is decided here, purely, by the [table of metrics](super::reports::METRICS) that files are read by.
//!
//! Answers know ids and no names, so rows do. A value that is `null` is not known. Contacts that never entered a queue are in
//! no answer: the statistics of agents by queue are asked for by queue.
//!
//! <https://docs.aws.amazon.com/connect/latest/APIReference/API_GetMetricDataV2.html>

mod answer;
mod calls;
mod input;
#[cfg(test)]
mod tests;

pub use self::answer::{Answer, Unreadable};
pub use self::calls::{Call, Centre, Window, calls};
pub use self::input::{MetricConfig, MetricInput};
