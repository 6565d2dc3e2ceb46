//! Scheduled reports: what Amazon Connect computed itself, as CSV files in a bucket.
//!
//! A historical-metrics report that somebody saved and scheduled is written to
//! `.../Reports/[PREFIX/]NAME-YYYY-MM-DDThh:mm:ssZ.csv`, some 15 minutes after the end of what it covers (administrator
//! guide, "Schedule a historical metrics report"). [`ReportReader`] tells by the name what a file is, and reads it: pure,
//! whole files only, all or nothing.
//!
//! - The header says what the columns are, never their position: columns move whenever somebody edits the report.
//! - One [table](Metric) says what a label means, which metric of `GetMetricDataV2` it is, and which of our columns has
//!   the same meaning. What has none is kept as it is, by its label. A site can extend the table.
//! - `-` and an empty cell are not known, which is not 0.
//! - Files know queues by name and agents by login, and have no ids.
//! - The login/logout report has no intervals: its rows are sessions.
//!
//! <https://docs.aws.amazon.com/connect/latest/adminguide/schedule-historical-metrics-report.html>,
//! <https://docs.aws.amazon.com/connect/latest/adminguide/historical-metrics-definitions.html>

mod cell;
mod error;
mod instant;
mod layout;
mod logins;
mod meaning;
mod metric;
mod name;
mod records;
mod rows;
mod schedule;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use jiff::tz::TimeZone;
use pegboard_model::{AcdRow, Millis, Text, Timestamp};

pub use self::error::{Place, ReportError, ReportProblem};
pub(super) use self::layout::Field;
pub use self::meaning::{Labels, Meaning, UnknownMeaning};
pub use self::metric::{Basis, Filter, InTime, METRICS, Metric};
pub use self::name::{Expected, ReportFile, ReportPattern};
pub(super) use self::schedule::Runs;
pub use self::schedule::{MOST_MISSING, MissingFile, Schedule};

/// The longest file. Amazon Connect writes at most 200,000 cells into one.
pub const MAX_FILE_BYTES: usize = 32 << 20;
/// The most columns of a file; Amazon Connect has some 200 metrics.
pub const MAX_COLUMNS: usize = 1_000;
/// The most rows of a file.
pub const MAX_ROWS: usize = 200_000;
/// The longest cell; the longest name of Amazon Connect has 127 characters.
pub const MAX_CELL_BYTES: usize = 1_024;
/// The longest interval of a row: Amazon Connect's reports cover 31 days, one of which may have 25 hours.
pub const MAX_INTERVAL: Millis = Millis::from_hours(31 * 24 + 1);

/// The longest session; one that was never ended has no length.
pub const LONGEST_SESSION: Millis = Millis::from_hours(366 * 24);

/// What is to be known of a site to read its reports.
#[derive(Debug, Clone)]
pub struct ReportSettings {
    /// Which files are reports, by their names. The longest pattern that fits decides.
    pub patterns: Vec<ReportPattern>,
    /// The zone of times that name none.
    pub time_zone: TimeZone,
    /// What labels mean at this site, beyond what everybody's mean.
    pub labels: Labels,
    /// The thresholds of queues without their own.
    pub default_goals: Goals,
    /// The thresholds of queues that have their own, by name or id.
    pub goals: HashMap<String, Goals>,
}

impl Default for ReportSettings {
    fn default() -> Self {
        Self {
            patterns: ReportPattern::usual(),
            time_zone: TimeZone::UTC,
            labels: Labels::default(),
            default_goals: Goals::default(),
            goals: HashMap::new(),
        }
    }
}

/// Which of the columns "answered in X seconds" counts for a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Goals {
    /// The threshold of the service level.
    pub service_level: Millis,
    /// What counts as a short abandon.
    pub short_abandon: Millis,
}

impl Default for Goals {
    fn default() -> Self {
        Self { service_level: Millis::from_seconds(20), short_abandon: Millis::from_seconds(5) }
    }
}

/// What a file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportRows {
    /// Its rows, in its order.
    pub rows: Vec<AcdRow>,
    /// Labels that nobody knows; what stands under them is kept as text.
    pub unknown: Vec<Text>,
    /// Why there are no rows, where the file is a report that is not used.
    pub unused: Option<Unused>,
}

/// Why a good report gives no rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unused {
    /// The site wants it so.
    #[error("a report that the settings leave out")]
    LeftOut,
    /// No report of ours has such rows.
    #[error("grouped by neither queue nor agent")]
    Grouping,
}

/// Reads the reports of a site.
#[derive(Debug, Clone)]
pub struct ReportReader {
    settings: ReportSettings,
}

impl ReportReader {
    /// A reader for a site.
    pub fn new(mut settings: ReportSettings) -> Self {
        name::longest_first(&mut settings.patterns);
        Self { settings }
    }

    /// What an object of the bucket is by its key, percent-encoded or not. Nothing where it is no report, so that it need
    /// not be fetched. `modified` stands in where the name tells no time.
    pub fn recognise(&self, key: &str, modified: Timestamp) -> Option<ReportFile> {
        name::recognise(key, modified, &self.settings.patterns)
    }

    /// Reads a whole file.
    pub fn read(&self, file: &ReportFile, bytes: &[u8]) -> Result<ReportRows, ReportError> {
        let unused = |reason| ReportRows { rows: Vec::new(), unknown: Vec::new(), unused: Some(reason) };
        match file.expected {
            Expected::Logins => {
                logins::read(&self.settings, file, bytes).map_err(|fault| fault.of(&file.key))
            }
            Expected::Nothing => Ok(unused(Unused::LeftOut)),
            Expected::Report(_) | Expected::ByGrouping => {
                let read = rows::read(&self.settings, file, bytes).map_err(|fault| fault.of(&file.key))?;
                Ok(read.unwrap_or_else(|| unused(Unused::Grouping)))
            }
        }
    }
}
