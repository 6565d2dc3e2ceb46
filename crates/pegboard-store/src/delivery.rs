//! What was delivered to whom: the ledger.
//!
//! Rows are delivered in the target's own unit: a report of an interval. A unit is known by what it is of, and counts how
//! often something it is made of has changed; each body that was made of it and differs from the one before is a revision.
//! What the target has acknowledged, what waits and what it refuses is read off it. States are delivered from a cursor of
//! their feed, the latest of each agent; those that the target refuses are kept beside.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use pegboard_model::{AgentId, Millis, SinkName, SourceName, Text, Timestamp};

use crate::hold::{Hold, HoldNote, Present, StaleNote};
use crate::unmapped::{UnmappedName, UnmappedSeen};
use crate::{Cursor, EventMark, FeedKind, Result, StoreError};

/// What is delivered as one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Unit {
    /// The report, as the sink names it.
    pub report: Text,
    /// The start of the interval.
    pub interval_start: Timestamp,
}

/// A text that names no unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a unit is a report and the start of an interval, such as queue-report@2026-03-01T09:00:00Z")]
pub struct ParseUnitError;

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.report, self.interval_start)
    }
}

impl FromStr for Unit {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> std::result::Result<Self, ParseUnitError> {
        let (report, start) = text.rsplit_once('@').ok_or(ParseUnitError)?;
        let interval_start = Timestamp::parse(start).map_err(|_| ParseUnitError)?;
        Ok(Self { report: report.into(), interval_start })
    }
}

/// Which units of a ledger: those that all of it holds for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerFilter {
    /// Of this report.
    pub report: Option<Text>,
    /// That stand so.
    pub state: Option<DeliveryState>,
    /// That were not acknowledged for exactly this reason.
    pub reason: Option<Text>,
    /// Whose interval begins then or later.
    pub from: Timestamp,
    /// Whose interval begins before.
    pub to: Timestamp,
}

impl Default for LedgerFilter {
    /// All of them.
    fn default() -> Self {
        Self { report: None, state: None, reason: None, from: Timestamp::MIN, to: Timestamp::MAX }
    }
}

impl LedgerFilter {
    /// All that stand so.
    pub fn in_state(state: DeliveryState) -> Self {
        Self { state: Some(state), ..Self::default() }
    }
}

impl From<&Unit> for LedgerFilter {
    /// Just this one.
    fn from(Unit { report, interval_start }: &Unit) -> Self {
        let to = *interval_start + Millis::new(1);
        Self { report: Some(report.clone()), from: *interval_start, to, ..Self::default() }
    }
}

/// How the delivery of a unit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeliveryState {
    /// It is to be sent.
    Waiting,
    /// The target has its newest revision.
    Acknowledged,
    /// The target refuses it, or it may not be sent: a dead letter.
    Parked,
    /// Somebody has decided that it is not sent.
    Dropped,
}

impl DeliveryState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Acknowledged, Self::Parked, Self::Dropped];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Acknowledged => "acknowledged",
            Self::Parked => "parked",
            Self::Dropped => "dropped",
        }
    }

    /// The state of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// The state that a column holds.
    pub(crate) fn from_column(name: &str) -> Result<Self> {
        let detail = || StoreError::Damaged { what: "state of a delivery", detail: name.to_owned() };
        Self::from_name(name).ok_or_else(detail)
    }
}

/// A unit in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// What is delivered.
    pub unit: Unit,
    /// How that stands.
    pub state: DeliveryState,
    /// How often something that it is made of has changed.
    pub changes: u64,
    /// The number of the newest body that was made of it; 0 while there was none.
    pub revision: u64,
    /// What that body is known by.
    pub digest: Option<Text>,
    /// The number of the newest body that the target has acknowledged; 0 if it has none.
    pub acknowledged: u64,
    /// How often the newest state of it was tried.
    pub tries: u64,
    /// When that was tried first.
    pub first_try: Option<Timestamp>,
    /// When it was tried last.
    pub last_try: Option<Timestamp>,
    /// When it is tried next, while it waits.
    pub due: Timestamp,
    /// Why it was not acknowledged.
    pub reason: Option<Text>,
    /// What was said when it was dropped.
    pub comment: Option<Text>,
}

/// What became of a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TryOutcome {
    /// The target has it.
    Acknowledged,
    /// It is tried again.
    Again {
        /// When.
        due: Timestamp,
        /// Why.
        reason: Text,
    },
    /// Trying again changes nothing.
    Parked {
        /// Why.
        reason: Text,
    },
}

impl TryOutcome {
    /// The columns of it: the state that follows, when it is tried again, and why.
    pub(crate) fn columns(&self) -> (DeliveryState, Option<Timestamp>, Option<&Text>) {
        match self {
            Self::Acknowledged => (DeliveryState::Acknowledged, None, None),
            Self::Again { due, reason } => (DeliveryState::Waiting, Some(*due), Some(reason)),
            Self::Parked { reason } => (DeliveryState::Parked, None, Some(reason)),
        }
    }
}

/// A try to deliver a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryTry {
    /// What was sent.
    pub unit: Unit,
    /// How often it had changed when its body was made: what changed meanwhile is sent again.
    pub changes: u64,
    /// The number of the body.
    pub revision: u64,
    /// What it is known by.
    pub digest: Option<Text>,
    /// When it was sent.
    pub at: Timestamp,
    /// What became of it.
    pub outcome: TryOutcome,
}

/// A state that the target refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedState {
    /// The source.
    pub source: SourceName,
    /// The agent.
    pub agent: AgentId,
    /// Why.
    pub reason: Text,
    /// What was sent.
    pub payload: String,
    /// When it was refused first.
    pub first_at: Timestamp,
    /// When it was refused last.
    pub last_at: Timestamp,
    /// How often.
    pub count: u64,
}

/// What the deliverer of a sink writes together.
#[derive(Debug, Clone)]
pub struct DeliveryNote {
    /// The sink.
    pub sink: SinkName,
    /// The epoch under which the writer delivers.
    pub epoch: u64,
    /// How far feeds are taken up.
    pub cursors: Vec<(FeedKind, Cursor)>,
    /// Units of which something has changed, and when they are to be sent.
    pub changed: Vec<(Unit, Timestamp)>,
    /// What was tried.
    pub tried: Vec<DeliveryTry>,
    /// States that were refused, once more each.
    pub refused: Vec<(SourceName, AgentId, Text, String, Timestamp)>,
    /// Agents of whom the target has taken a state: what it refused of them before is settled.
    pub taken: Vec<(SourceName, AgentId)>,
    /// What was sent under its own name, or left out, because no row of the mapping names it.
    pub unmapped: Vec<UnmappedSeen>,
    /// How far raw events are taken.
    pub marks: Vec<EventMark>,
    /// What becomes of the whole picture of who is in which state.
    pub hold: Option<HoldNote>,
    /// How many agents the target knows as signed in.
    pub present: Option<Present>,
    /// Sources that the target is told are stale, or fresh again.
    pub stale: Vec<StaleNote>,
}

impl DeliveryNote {
    /// Nothing, yet.
    pub fn new(sink: SinkName, epoch: u64) -> Self {
        let (cursors, changed, tried) = (Vec::new(), Vec::new(), Vec::new());
        let (refused, taken) = (Vec::new(), Vec::new());
        let (unmapped, marks) = (Vec::new(), Vec::new());
        let (hold, present, stale) = (None, None, Vec::new());
        Self { sink, epoch, cursors, changed, tried, refused, taken, unmapped, marks, hold, present, stale }
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.cursors.is_empty()
            && self.changed.is_empty()
            && self.tried.is_empty()
            && self.refused.is_empty()
            && self.taken.is_empty()
            && self.unmapped.is_empty()
            && self.marks.is_empty()
            && self.hold.is_none()
            && self.present.is_none()
            && self.stale.is_empty()
    }
}

/// Where the delivery to a sink stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkState {
    /// The epoch under which the caller may deliver.
    pub epoch: u64,
    /// How far the feed of states is taken up; nothing before the first time.
    pub states: Option<Cursor>,
    /// How far the feed of rows is taken up.
    pub rows: Option<Cursor>,
    /// How many agents the target knows as signed in.
    pub present: Option<Present>,
    /// The sources that the target was told are stale, and since when they are.
    pub stale: Vec<(SourceName, Timestamp)>,
}

impl SinkState {
    /// The cursor that a column holds.
    pub(crate) fn cursor(column: &str) -> Result<Cursor> {
        column
            .parse()
            .map_err(|_| StoreError::Damaged { what: "cursor of a sink", detail: column.to_owned() })
    }

    /// Fails unless the epoch of a sink is the one that is expected.
    pub(crate) fn check_epoch(sink: &SinkName, expected: u64, found: Option<u64>) -> Result<()> {
        if found == Some(expected) {
            return Ok(());
        }
        Err(StoreError::NotOwner {
            source_name: sink.as_str().into(),
            partition: "(delivery)".into(),
            expected: format!("epoch {expected}"),
            found: found.map_or_else(|| "no deliverer".to_owned(), |epoch| format!("epoch {epoch}")),
        })
    }
}

/// How many units of a report stand how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerLine {
    /// The report.
    pub report: Text,
    /// How they stand.
    pub state: DeliveryState,
    /// How many.
    pub units: u64,
    /// The start of the oldest interval among them.
    pub oldest: Timestamp,
    /// The start of the newest.
    pub newest: Timestamp,
}

/// Parked units of a report that are refused for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedLine {
    /// The report.
    pub report: Text,
    /// Why.
    pub reason: Text,
    /// How many.
    pub units: u64,
    /// The start of the oldest interval among them.
    pub oldest: Timestamp,
    /// The start of the newest.
    pub newest: Timestamp,
}

/// What a person decides about units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settle {
    /// Sends what is parked again, as it is now.
    Retry,
    /// Sends everything again that does not wait already, as a new revision, whether or not the target has it.
    Resend,
    /// Does not send what is parked, and says why.
    Drop {
        /// Why.
        comment: Text,
    },
}

impl Settle {
    /// The state in which a unit then is, and what is said of it.
    pub(crate) fn columns(&self) -> (DeliveryState, Option<&Text>) {
        match self {
            Self::Retry | Self::Resend => (DeliveryState::Waiting, None),
            Self::Drop { comment } => (DeliveryState::Dropped, Some(comment)),
        }
    }

    /// Whether it is for what the target has, too.
    pub(crate) const fn is_for_all(&self) -> bool {
        matches!(self, Self::Resend)
    }
}

/// What the delivery to sinks asks of a database.
#[async_trait]
pub trait Deliveries: Send + Sync {
    /// Every sink that was ever delivered to, by name.
    async fn known_sinks(&self) -> Result<Vec<SinkName>>;

    /// Takes over the delivery to a sink: raises its epoch, so that every earlier deliverer fails from now on.
    async fn take_sink(&self, sink: &SinkName) -> Result<SinkState>;

    /// Writes what was taken up and what became of it, all or nothing. Fails with
    /// [`StoreError::NotOwner`](crate::StoreError::NotOwner) under another epoch.
    async fn note_deliveries(&self, note: DeliveryNote) -> Result<()>;

    /// Units that wait and are due, in the order in which they are, at most `limit`.
    async fn due_deliveries(&self, sink: &SinkName, now: Timestamp, limit: usize) -> Result<Vec<Delivery>>;

    /// Units, the newest interval first, of those before `before`, at most `limit`.
    async fn deliveries(
        &self,
        sink: &SinkName,
        filter: &LedgerFilter,
        before: Option<&Unit>,
        limit: usize,
    ) -> Result<Vec<Delivery>>;

    /// How many units stand how, by report and state.
    async fn ledger(&self, sink: &SinkName) -> Result<Vec<LedgerLine>>;

    /// The same of units that the target does not have and is to have: those that wait, and those that are parked. It costs no more
    /// than there are of these.
    async fn undelivered(&self, sink: &SinkName) -> Result<Vec<LedgerLine>>;

    /// What is parked, by report and reason, the most units first, at most `limit`.
    async fn parked(&self, sink: &SinkName, limit: usize) -> Result<Vec<ParkedLine>>;

    /// Settles units. Answers how many.
    async fn settle_deliveries(
        &self,
        sink: &SinkName,
        filter: &LedgerFilter,
        how: Settle,
        now: Timestamp,
    ) -> Result<u64>;

    /// States that the target refuses, the latest first, at most `limit`.
    async fn refused_states(&self, sink: &SinkName, limit: usize) -> Result<Vec<RefusedState>>;

    /// Forgets the state that the target refuses of an agent. Answers whether there was one.
    async fn drop_refused_state(&self, sink: &SinkName, source: &SourceName, agent: &AgentId)
    -> Result<bool>;

    /// What no row of the sink's mapping names, what was seen last first, at most `limit`.
    async fn unmapped(&self, sink: &SinkName, limit: usize) -> Result<Vec<UnmappedSeen>>;

    /// Forgets some of that, which has a row by now.
    async fn forget_unmapped_names(&self, sink: &SinkName, names: Vec<UnmappedName>) -> Result<()>;

    /// Forgets what no row names: it is noted anew as it is seen. Answers how much there was.
    async fn forget_unmapped(&self, sink: &SinkName) -> Result<u64>;

    /// The whole picture that the sink is not sent, if there is one.
    async fn hold(&self, sink: &SinkName) -> Result<Option<Hold>>;

    /// Has it sent all the same. Answers whether one was held back that nobody had released.
    async fn release_hold(&self, sink: &SinkName, at: Timestamp) -> Result<bool>;
}
