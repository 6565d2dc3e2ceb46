//! What the API and the page see of the running hub, besides the store.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::civil::Date;
use pegboard_connect::spec::{MissingFile, Remark};
use pegboard_model::acd::AcdReport;
use pegboard_model::{AgentId, Millis, Position, SinkName, SourceName, Text, Timestamp};
use pegboard_sinks::Document;
use pegboard_store::{Counts, DeadLetter, Gap, Hold, LedgerLine, Origin, StoreError, Unit};
use serde::Serialize;

use super::deliver::history::NoHistory;
use super::deliver::status::DeliveryShown;
use super::erasure::{ErasureError, ErasureRequest, ErasureStatus};
use super::mending::NotMended;
use super::names::Rename;
use super::reload::{ReloadError, ReloadRequest, ReloadStatus};
use super::report_row::ReportRow;
use super::rows::MOST_ROWS;
use crate::config::mapping::Folder;

/// The running hub, as readers see it.
#[async_trait]
pub trait View: Send + Sync + std::fmt::Debug {
    /// The present instant, by the hub's clock.
    fn now(&self) -> Timestamp;

    /// Every configured source and how it is doing, in the order of the configuration.
    async fn sources(&self) -> Result<Vec<SourceStatus>, StoreError>;

    /// Every configured sink, how it is delivered to, and what it has, in the order of the configuration.
    async fn sinks(&self) -> Result<Vec<SinkStatus>, StoreError>;

    /// The names of the configured sinks.
    fn sink_names(&self) -> Vec<SinkName>;

    /// What the configuration says of the mapping of a sink; nothing where there is no such sink.
    fn mapping(&self, sink: &SinkName) -> Option<Arc<Folder>>;

    /// The body of a unit of a sink's ledger, made anew; sends nothing.
    async fn rebuild(&self, sink: &SinkName, unit: &Unit) -> Result<Rebuilt, StoreError>;

    /// The history of a local day for the import by hand of a sink's target; of yesterday, where none is named.
    async fn sink_history(
        &self,
        sink: &SinkName,
        day: Option<Date>,
    ) -> Result<Result<Document, NoHistory>, StoreError>;

    /// The rows of a report.
    async fn report(&self, request: ReportRequest) -> Result<Report, ReportError>;

    /// The revisions of the rows of a report.
    async fn history(&self, request: HistoryRequest) -> Result<Report, ReportError>;

    /// Reads again what a dead letter is about. When that goes well the letter is gone, and what it says is there.
    async fn mend(&self, letter: &DeadLetter) -> Result<(), NotMended>;

    /// Reloads of the sources (of all where empty) with numbers below `before`, newest first, at most `limit`.
    async fn reloads(
        &self,
        sources: &[SourceName],
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<ReloadStatus>, StoreError>;

    /// Has days made anew, because `by` asks for it.
    async fn reload(&self, request: ReloadRequest, by: &str) -> Result<ReloadStatus, ReloadError>;

    /// What that would change; writes nothing.
    async fn preview_reload(&self, request: ReloadRequest) -> Result<Report, ReloadError>;

    /// Erasures of the sources (of all where empty) with numbers below `before`, newest first, at most `limit`.
    async fn erasures(
        &self,
        sources: &[SourceName],
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<ErasureStatus>, StoreError>;

    /// Has a person forgotten, who is called `pseudonym` from then on, because `by` asks for it.
    async fn erase(
        &self,
        request: ErasureRequest,
        pseudonym: String,
        by: &str,
    ) -> Result<ErasureStatus, ErasureError>;

    /// Has a reload end as soon as it can.
    async fn cancel_reload(&self, id: u64) -> Result<(), ReloadError>;
}

/// How a sink is delivered to, and what it has.
#[derive(Debug, Clone, Serialize)]
pub struct SinkStatus {
    /// Its name.
    pub name: SinkName,
    /// Its kind, as configured.
    pub kind: &'static str,
    /// How the delivery goes, where this node delivers.
    #[serde(flatten)]
    pub delivery: DeliveryShown,
    /// The whole picture of who is in which state that it is not sent; nothing where none is held back.
    pub hold: Option<HoldShown>,
    /// How many reports stand how.
    pub ledger: Vec<LedgerCount>,
}

/// A whole picture that a sink is not sent, because it may be wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HoldShown {
    /// Since when.
    pub since: Timestamp,
    /// Why.
    pub reason: Text,
    /// When somebody said that it is to be sent all the same.
    pub released: Option<Timestamp>,
}

impl From<Hold> for HoldShown {
    fn from(Hold { since, reason, released }: Hold) -> Self {
        Self { since, reason, released }
    }
}

/// What would be sent now of a report of an interval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rebuilt {
    /// This.
    Body {
        /// As it would be sent.
        bytes: Vec<u8>,
        /// What the ledger knows it by.
        digest: Text,
    },
    /// Nothing, and why.
    Not(String),
}

/// How many reports stand how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LedgerCount {
    /// The report.
    pub report: Text,
    /// How they stand: `waiting`, `acknowledged`, `parked` or `dropped`.
    pub state: &'static str,
    /// How many intervals.
    pub intervals: u64,
    /// The start of the oldest of them.
    pub oldest: Timestamp,
    /// The start of the newest.
    pub newest: Timestamp,
}

impl From<LedgerLine> for LedgerCount {
    fn from(LedgerLine { report, state, units, oldest, newest }: LedgerLine) -> Self {
        Self { report, state: state.as_str(), intervals: units, oldest, newest }
    }
}

/// How a source is doing.
#[derive(Debug, Clone, Serialize)]
pub struct SourceStatus {
    /// Its name.
    pub name: SourceName,
    /// Its kind, as configured.
    pub kind: &'static str,
    /// In one word.
    pub health: Health,
    /// Up to when all that its agents did is known.
    pub watermark: Option<Timestamp>,
    /// Up to when all its contacts are known.
    pub contacts_watermark: Option<Timestamp>,
    /// How far the slowest of its partitions is behind the newest record.
    #[serde(rename = "behind_s", serialize_with = "seconds")]
    pub behind: Option<Millis>,
    /// Up to when its intervals are closed, for all rows.
    pub closed_until: Option<Timestamp>,
    /// Up to when they are closed for rows of contacts; rows of agents do not wait for these.
    pub contacts_closed_until: Option<Timestamp>,
    /// Agents known.
    pub agents: u64,
    /// All that was ever read from it.
    pub counts: SourceCounts,
    /// Its partitions that have not ended, and the last few that have.
    pub partitions: Vec<PartitionStatus>,
    /// What the last look at the platform's own snapshot came to; nothing where there was none.
    pub reconciler: Option<ReconcilerStatus>,
    /// The latest error, with the time; cleared by the next success.
    pub error: Option<SourceFault>,
    /// What it does in another way than it was told to, because that cannot be had; nothing where all is as configured.
    pub fallback: Option<String>,
    /// The latest stretches that were lost, newest first, at most [`GAPS_SHOWN`].
    pub gaps: Vec<LostStretch>,
    /// What a person should know of, latest first, at most [`NOTICES_SHOWN`]: queues that are called otherwise than before, and what is in
    /// reports of the ACD and is not understood.
    pub notices: Vec<Notice>,
    /// Files of reports of the ACD that should be there and are not, as the node knows that reads them.
    pub missing_files: Vec<MissingFile>,
}

/// How many notices of a source are shown.
pub const NOTICES_SHOWN: usize = 10;

/// Something that a person should know of and by which nothing is lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// Since when.
    pub at: Timestamp,
    /// What.
    pub message: String,
}

impl From<Remark> for Notice {
    fn from(Remark { at, message }: Remark) -> Self {
        Self { at, message }
    }
}

impl From<Rename> for Notice {
    fn from(rename: Rename) -> Self {
        let Rename { queue, before, now, at } = rename;
        let message = format!(
            "queue {queue} was called {before:?} and is now called {now:?}: its rows go on under its id; whoever joins on names has to \
             follow"
        );
        Self { at, message }
    }
}

/// How many gaps of a source are shown.
pub const GAPS_SHOWN: usize = 10;

/// A stretch of a partition that was lost: nobody will ever know what stood in it.
#[derive(Debug, Clone, Serialize)]
pub struct LostStretch {
    /// The partition.
    pub partition: String,
    /// Why.
    pub reason: String,
    /// The last time before it, if known.
    pub from: Option<Timestamp>,
    /// The first time after it, if known.
    pub to: Option<Timestamp>,
    /// When it was noticed.
    pub at: Timestamp,
}

impl From<Gap> for LostStretch {
    fn from(gap: Gap) -> Self {
        Self {
            partition: gap.partition.to_string(),
            reason: gap.reason.to_string(),
            from: gap.from,
            to: gap.to,
            at: gap.at,
        }
    }
}

/// How a source is doing, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// It has not read anything yet.
    Starting,
    /// It reads, and is up to date.
    Ok,
    /// It reads, but is more than the stale limit behind.
    Lagging,
    /// Something fails; it tries again.
    Failing,
    /// It stopped, and somebody has to act.
    Stopped,
}

/// Totals of a source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SourceCounts {
    /// All records.
    pub records: u64,
    /// Events of agents.
    pub events: u64,
    /// Versions of contacts.
    pub contacts: u64,
    /// Events that had been seen before.
    pub duplicates: u64,
    /// Records of something else.
    pub foreign: u64,
    /// Records that could not be used.
    pub failed: u64,
}

impl std::ops::AddAssign<Counts> for SourceCounts {
    fn add_assign(&mut self, counts: Counts) {
        self.records += counts.records;
        self.events += counts.events;
        self.contacts += counts.contacts;
        self.duplicates += counts.duplicates;
        self.foreign += counts.foreign;
        self.failed += counts.failed;
    }
}

impl std::ops::AddAssign for SourceCounts {
    fn add_assign(&mut self, counts: Self) {
        self.records += counts.records;
        self.events += counts.events;
        self.contacts += counts.contacts;
        self.duplicates += counts.duplicates;
        self.foreign += counts.foreign;
        self.failed += counts.failed;
    }
}

/// How a partition is doing.
#[derive(Debug, Clone, Serialize)]
pub struct PartitionStatus {
    /// Its id.
    pub id: String,
    /// Where it stands.
    pub position: Option<Position>,
    /// Up to when it is complete.
    pub watermark: Option<Timestamp>,
    /// How far it is behind the newest record.
    #[serde(rename = "behind_s", serialize_with = "seconds")]
    pub behind: Option<Millis>,
    /// Whether it has ended.
    pub finished: bool,
    /// The name of the node that reads it; nothing where none does.
    pub node: Option<String>,
}

/// How the repair from the platform's own snapshot is doing. It counts from the start of the program.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ReconcilerStatus {
    /// When it last looked, by the platform's clock.
    pub looked: Option<Timestamp>,
    /// How long that took.
    #[serde(rename = "took_s", serialize_with = "as_seconds")]
    pub took: Duration,
    /// How many agents were shown when it last looked at everybody.
    pub shown: u64,
    /// How many times an agent was found in another state than the stream has told, and put right.
    pub repaired: u64,
    /// The same by what had been missed.
    pub missed: Missed,
    /// How many looks were not believed, because they would have signed out most of the agents at once.
    pub refused: u64,
    /// Whether it leaves everything to the stream, which is behind and being caught up with.
    pub waits: bool,
    /// Agents of whom the stream insists on something else than was last shown.
    pub disputed: u64,
}

/// What the stream has not told, and the platform has shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Missed {
    /// Agents who were signed in.
    pub signed_in: u64,
    /// Agents who were in something else.
    pub changed: u64,
    /// Agents who were signed out.
    pub signed_out: u64,
}

impl Missed {
    /// All of it.
    pub const fn total(self) -> u64 {
        self.signed_in + self.changed + self.signed_out
    }
}

impl std::ops::AddAssign for Missed {
    fn add_assign(&mut self, more: Self) {
        self.signed_in += more.signed_in;
        self.changed += more.changed;
        self.signed_out += more.signed_out;
    }
}

/// Something that fails.
#[derive(Debug, Clone, Serialize)]
pub struct SourceFault {
    /// Since when.
    pub at: Timestamp,
    /// What, where, and what to do.
    pub message: String,
}

/// Which rows.
#[derive(Debug, Clone)]
pub struct ReportRequest {
    /// The name of the report: one of [`REPORTS`] or [`CHECKS`].
    pub name: String,
    /// The sources; all where empty.
    pub sources: Vec<SourceName>,
    /// The first instant; 24 hours before `to` where there is none.
    pub from: Option<Timestamp>,
    /// The first instant after; now where there is none.
    pub to: Option<Timestamp>,
    /// Only this agent, for reports that have agents.
    pub agent: Option<AgentId>,
    /// Who computed the rows.
    pub origin: Origin,
    /// Whether queues are told apart by channel and direction: `queue / channel / direction`.
    pub virtual_queues: bool,
    /// Whether a reconciliation is by local day rather than by interval.
    pub by_day: bool,
    /// How much durations may differ in a reconciliation, for each contact or each interval of an agent.
    pub tolerance: Millis,
    /// Whether a reconciliation also shows the numbers that agree.
    pub agreeing: bool,
}

impl ReportRequest {
    /// The computed rows of all sources of the last 24 hours.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            sources: Vec::new(),
            from: None,
            to: None,
            agent: None,
            origin: Origin::Computed,
            virtual_queues: false,
            by_day: false,
            tolerance: Millis::from_seconds(1),
            agreeing: false,
        }
    }
}

/// Which revisions of which rows.
#[derive(Debug, Clone)]
pub struct HistoryRequest {
    /// The name of the report: one of those whose rows are stored.
    pub name: String,
    /// The sources; all where empty.
    pub sources: Vec<SourceName>,
    /// The first instant; 24 hours before `to` where there is none.
    pub from: Option<Timestamp>,
    /// The first instant after; now where there is none.
    pub to: Option<Timestamp>,
    /// Who computed the rows.
    pub origin: Origin,
    /// Only rows about this agent.
    pub agent: Option<AgentId>,
    /// Only rows about this queue, by its id or its name in the row.
    pub queue: Option<String>,
}

/// The longest window of a report.
pub const LONGEST_WINDOW: Millis = Millis::from_hours(31 * 24);

/// The names of the reports.
pub const REPORTS: [&str; 11] = [
    "segments",
    "activities",
    "agent_interval",
    "group_interval",
    "sessions",
    "queue_interval",
    "agent_queue_interval",
    "agent_daily",
    "group_daily",
    "queue_daily",
    "agent_queue_daily",
];

/// The names of the reports about the reports.
pub const CHECKS: [&str; 2] = ["reconciliation", "completeness"];

/// The rows of a report.
#[derive(Debug, Clone)]
pub struct Report {
    /// Its name.
    pub name: &'static str,
    /// The window.
    pub from: Timestamp,
    /// The end of the window.
    pub to: Timestamp,
    /// The names of the columns, in order; for interval reports those of rows over time (`origin`, `revision`,
    /// `reason`, `provisional`) come last.
    pub columns: Vec<&'static str>,
    /// The rows, each with these columns.
    pub rows: Vec<ReportRow>,
}

impl Report {
    /// The rows as objects.
    pub fn values(&self) -> Vec<serde_json::Value> {
        self.rows.iter().map(ReportRow::value).collect()
    }
}

/// Why there are no rows.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// There is no such report.
    #[error("there is no report '{0}': the reports are {list}", list = all_reports().join(", "))]
    UnknownReport(String),
    /// There is no such source.
    #[error("there is no source '{0}'")]
    UnknownSource(SourceName),
    /// The window is empty, reversed, or longer than [`LONGEST_WINDOW`].
    #[error("{0}")]
    BadWindow(String),
    /// The report has no agents to choose from.
    #[error("the report '{0}' is not about single agents: ask for it without agent")]
    NoAgents(&'static str),
    /// The ACD computes no such report itself.
    #[error("the ACD computes no rows of '{0}' itself, only of {list}: ask without origin=acd", list = of_acd())]
    NotOfAcd(&'static str),
    /// No revisions are kept of the rows of this report.
    #[error("no history is kept of '{0}': it is of reports of intervals, and with origin=acd of {list}", list = of_acd())]
    NoHistory(String),
    /// There are too many rows, or too many facts behind them.
    #[error(
        "the report takes more than {0} rows or facts: ask for a shorter window, or for one agent or source"
    )]
    TooMany(usize),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ReportError {
    /// For more rows, or facts, than one report may have.
    pub(super) fn too_many() -> Self {
        Self::TooMany(MOST_ROWS)
    }
}

/// The names of all reports, those about the reports last.
pub fn all_reports() -> Vec<&'static str> {
    [&REPORTS[..], &CHECKS[..]].concat()
}

fn of_acd() -> String {
    AcdReport::KEPT.map(|(kept, _)| kept).join(", ")
}

fn as_seconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    let millis = u32::try_from(duration.as_millis()).unwrap_or(u32::MAX);
    serializer.serialize_f64(f64::from(millis) / 1000.0)
}

#[expect(clippy::ref_option, reason = "serde hands the field over like this")]
fn seconds<S: serde::Serializer>(duration: &Option<Millis>, serializer: S) -> Result<S::Ok, S::Error> {
    #[expect(clippy::cast_precision_loss, reason = "a lag is far below 2^52 milliseconds")]
    let seconds = duration.map(|duration| duration.get() as f64 / 1000.0);
    serde::Serialize::serialize(&seconds, serializer)
}
