//! NICE CXone WFM.
//!
//! Public are the names of the reports and of their metrics, that the queue report comes with two others, and the head of the agent
//! activity report (NICE, "Third-Party ACD SDK Developer Guide"). The bodies as a whole are Pegboard's: `docs/sinks/cxone.md`.

mod agent_activity;

use crate::Interval;
use crate::json::Json;

pub use agent_activity::AGENT_ACTIVITY;

/// The kind of ACD, which every body names.
const ACD_TYPE: &str = "AMAZON_CONNECT";

/// The version of the reports, which every report names.
const REPORT_VERSION: &str = "1.0";

/// How long an interval is that CXone WFM takes from a foreign ACD.
const INTERVAL_MINUTES: &[u8] = &[15];

/// The keys that every report begins with.
fn envelope(interval: Interval) -> Vec<(&'static str, Json)> {
    vec![
        ("acdType", ACD_TYPE.into()),
        ("reportVersion", REPORT_VERSION.into()),
        ("startDate", interval.start.into()),
        ("endDate", interval.end.into()),
    ]
}

/// The name of the document of an interval: those of an encoder sort by time.
fn document_name(interval: Interval) -> String {
    let digits: String = interval.start.to_string().chars().filter(char::is_ascii_alphanumeric).collect();
    format!("{digits}.json")
}
