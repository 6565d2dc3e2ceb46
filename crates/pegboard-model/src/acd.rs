//! Rows that an ACD computed itself, under the columns of our reports.
//!
//! They come from scheduled reports and statistics APIs, stand beside the computed rows and are never mixed with them.
//! What the ACD does not say is absent, which is not 0.

mod body;
mod key;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::policy::{Pegging, ServiceLevelFormula};
use crate::report::{AgentInterval, AgentQueueInterval, QueueInterval, Row, Session};
use crate::{AgentId, Channel, Direction, Fixed, Millis, QueueId, Text, Timestamp};

/// The most bytes of a row's [key](AcdRow::key): what every store's index holds. Whoever makes rows sees to it.
pub const MAX_KEY_BYTES: usize = 1024;

/// The shortest and the longest local day: a change of offset makes it an hour shorter or longer.
const DAY: (Millis, Millis) = (Millis::from_hours(23), Millis::from_hours(25));

/// One row that an ACD computed.
///
/// Serialises to its body: a JSON object whose text is the same whenever the content is, whatever the order in which
/// the ACD wrote it. What the row was told by ([`Telling`]) is no part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcdRow {
    /// Which of our reports has its columns.
    pub report: AcdReport,
    /// What the site calls the ACD's own report, such as `QR`. Two reports with the same columns keep their own rows.
    pub name: Text,
    /// The first instant of the interval; of a session the sign-in.
    pub interval_start: Timestamp,
    /// Its length; of a session nothing, since it may not have ended when it is told first.
    #[serde(with = "body::seconds")]
    pub interval_s: Millis,
    /// What it is about.
    #[serde(flatten)]
    pub grouping: Grouping,
    /// By which time the ACD counts a contact, where the report counts contacts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pegging: Option<Pegging>,
    /// By which formula a service level was computed, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_level_formula: Option<ServiceLevelFormula>,
    /// What it says under our columns, in their order.
    #[serde(with = "body::values")]
    values: Vec<(Column, Value)>,
    /// What else it says, by label.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    extra: Vec<Extra>,
    /// Where it was read and when it was made.
    #[serde(skip)]
    pub telling: Telling,
}

/// Where a row was read, and how old it is. The same row may be told again and again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Telling {
    /// The file, or the request.
    pub file: Text,
    /// When the ACD made it. Of two tellings of a row the one that was made later holds; of two of the same time,
    /// the one that was read later.
    pub made: Timestamp,
}

/// A report of ours that ACDs compute too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AcdReport {
    /// What happened in a queue.
    QueueInterval,
    /// What an agent did for a queue.
    AgentQueueInterval,
    /// Where an agent's time went.
    AgentInterval,
    /// From sign-in to sign-out.
    Sessions,
}

impl AcdReport {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::QueueInterval, Self::AgentQueueInterval, Self::AgentInterval, Self::Sessions];

    /// Those whose rows are of intervals.
    pub const INTERVALS: [Self; 3] = [Self::QueueInterval, Self::AgentQueueInterval, Self::AgentInterval];

    /// The names under which rows are kept and asked for: those of our reports, and those of the same by local day.
    pub const KEPT: [(&'static str, Self); 7] = [
        (QueueInterval::REPORT, Self::QueueInterval),
        (AgentQueueInterval::REPORT, Self::AgentQueueInterval),
        (AgentInterval::REPORT, Self::AgentInterval),
        (Session::REPORT, Self::Sessions),
        ("queue_daily", Self::QueueInterval),
        ("agent_queue_daily", Self::AgentQueueInterval),
        ("agent_daily", Self::AgentInterval),
    ];

    /// The name of our report.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::QueueInterval => QueueInterval::REPORT,
            Self::AgentQueueInterval => AgentQueueInterval::REPORT,
            Self::AgentInterval => AgentInterval::REPORT,
            Self::Sessions => Session::REPORT,
        }
    }

    /// The name of the same report by local day, where there is one.
    pub const fn by_day(self) -> Option<&'static str> {
        match self {
            Self::QueueInterval => Some("queue_daily"),
            Self::AgentQueueInterval => Some("agent_queue_daily"),
            Self::AgentInterval => Some("agent_daily"),
            Self::Sessions => None,
        }
    }

    /// The report of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|report| report.as_str() == name)
    }

    /// All its columns, those of values and those of keys.
    pub const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::QueueInterval => QueueInterval::COLUMNS,
            Self::AgentQueueInterval => AgentQueueInterval::COLUMNS,
            Self::AgentInterval => AgentInterval::COLUMNS,
            Self::Sessions => Session::COLUMNS,
        }
    }

    /// Whether it has this column.
    pub fn has(self, column: Column) -> bool {
        self.columns().contains(&column.as_str())
    }
}

impl fmt::Display for AcdReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a row is about, in the ACD's own words. What it is not grouped by is absent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Grouping {
    /// The queue. An empty name: contacts that have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<Known<QueueId>>,
    /// The agent; the name is the login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<Known<AgentId>>,
    /// The channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// The direction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
    /// Whatever else, by label, such as the routing profile. In the order of the labels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further: Vec<(Text, Text)>,
}

/// How an ACD tells what it means: files by name, statistics APIs by id. The other is found where it is read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Known<I> {
    /// By the platform's id.
    Id(I),
    /// By its name (a queue) or login (an agent) at the time.
    Name(Text),
}

impl<I> Known<I> {
    /// The id, where that is how it is known.
    pub fn id(&self) -> Option<&I> {
        match self {
            Self::Id(id) => Some(id),
            Self::Name(_) => None,
        }
    }

    /// The name, where that is how it is known.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Name(name) => Some(name),
            Self::Id(_) => None,
        }
    }
}

/// An exact number. What the ACD does not know has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// How many.
    Count(u64),
    /// How long.
    Duration(Millis),
    /// Of a hundred, with two decimal places.
    Percent(Fixed),
}

/// What the numbers of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Counts.
    Count,
    /// Durations: seconds in text, with at most three decimals.
    Duration,
    /// Percentages with at most two decimals.
    Percent,
}

impl Value {
    /// Its unit.
    pub const fn unit(self) -> Unit {
        match self {
            Self::Count(_) => Unit::Count,
            Self::Duration(_) => Unit::Duration,
            Self::Percent(_) => Unit::Percent,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => count.fmt(f),
            Self::Duration(duration) => duration.fmt(f),
            Self::Percent(percent) => percent.fmt(f),
        }
    }
}

/// Something that an ACD says and none of our columns holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extra {
    /// What the ACD calls it.
    pub label: Text,
    /// The ACD's id of the metric, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<Text>,
    /// What it says.
    #[serde(flatten)]
    pub value: ExtraValue,
}

/// What an ACD says under a label of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExtraValue {
    /// A number of a known unit.
    Number(Value),
    /// As it stood there.
    Text(Text),
}

macro_rules! columns {
    ($( $Column:ident = $name:literal $Unit:ident ),+ $(,)?) => {
        /// A column of values of one of the reports, in the order in which the reports have them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Column { $( #[doc = concat!("`", $name, "`")] $Column ),+ }

        impl Column {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$Column),+];

            /// The name of the column.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$Column => $name),+ }
            }

            /// What its numbers are.
            pub const fn unit(self) -> Unit {
                match self { $(Self::$Column => Unit::$Unit),+ }
            }
        }
    };
}

columns! {
    Login = "login_s" Duration,
    Available = "available_s" Duration,
    Ringing = "ringing_s" Duration,
    Offered = "offered" Count,
    Answered = "answered" Count,
    AnsweredInServiceLevel = "answered_in_sl" Count,
    Abandoned = "abandoned" Count,
    AbandonedInServiceLevel = "abandoned_in_sl" Count,
    AbandonedShort = "abandoned_short" Count,
    TransferredOut = "transferred_out" Count,
    TransferredIn = "transferred_in" Count,
    QueueAnswered = "queue_answered_s" Duration,
    QueueAnsweredMax = "queue_answered_max_s" Duration,
    QueueAbandoned = "queue_abandoned_s" Duration,
    QueueAbandonedMax = "queue_abandoned_max_s" Duration,
    Talk = "talk_s" Duration,
    Hold = "hold_s" Duration,
    AfterContactWork = "acw_s" Duration,
    Handle = "handle_s" Duration,
    TransferredByAgent = "transferred_by_agent" Count,
    Error = "error_s" Duration,
    Aux = "aux_s" Duration,
    Unknown = "unknown_s" Duration,
    Staffed = "staffed_s" Duration,
    StatusAvailable = "status_available_s" Duration,
    StatusUnavailable = "status_unavailable_s" Duration,
    ServiceLevelThreshold = "service_level_s" Duration,
    ServiceLevel = "service_level_pct" Percent,
    Backlog = "backlog" Count,
    BacklogExpired = "backlog_expired" Count,
    RightParty = "right_party" Count,
    RightPartyTalk = "right_party_talk_s" Duration,
    RightPartyAfterContactWork = "right_party_acw_s" Duration,
    WrongParty = "wrong_party" Count,
    WrongPartyTalk = "wrong_party_talk_s" Duration,
    WrongPartyAfterContactWork = "wrong_party_acw_s" Duration,
    Active = "active" Count,
    Session = "duration_s" Duration,
}

impl Column {
    /// The column of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|column| column.as_str() == name)
    }
}

impl AcdRow {
    /// A row that says nothing yet.
    pub fn new(
        report: AcdReport,
        name: Text,
        interval_start: Timestamp,
        interval_s: Millis,
        grouping: Grouping,
    ) -> Self {
        Self {
            report,
            name,
            interval_start,
            interval_s,
            grouping,
            pegging: None,
            service_level_formula: None,
            values: Vec::new(),
            extra: Vec::new(),
            telling: Telling::default(),
        }
    }

    /// The name under which the row is kept: that of its report, or of the same by day where it is of a day.
    pub fn kept_as(&self) -> &'static str {
        let is_of_a_day = (DAY.0..=DAY.1).contains(&self.interval_s);
        self.report.by_day().filter(|_| is_of_a_day).unwrap_or(self.report.as_str())
    }

    /// Says `value` under `column`, instead of what was said there. Answers whether the report has such a column with
    /// numbers of that unit; otherwise nothing is said.
    pub fn put(&mut self, column: Column, value: Value) -> bool {
        if !self.report.has(column) || column.unit() != value.unit() {
            return false;
        }
        match self.values.binary_search_by_key(&column, |(column, _)| *column) {
            Ok(at) => self.values[at].1 = value,
            Err(at) => self.values.insert(at, (column, value)),
        }
        true
    }

    /// What it says under a column.
    pub fn get(&self, column: Column) -> Option<Value> {
        let at = self.values.binary_search_by_key(&column, |(column, _)| *column).ok()?;
        Some(self.values[at].1)
    }

    /// All that it says under our columns, in their order.
    pub fn values(&self) -> &[(Column, Value)] {
        &self.values
    }

    /// Keeps what no column holds, instead of what was kept under that label.
    pub fn keep(&mut self, extra: Extra) {
        match self.extra.binary_search_by(|kept| kept.label.cmp(&extra.label)) {
            Ok(at) => self.extra[at] = extra,
            Err(at) => self.extra.insert(at, extra),
        }
    }

    /// What no column holds, in the order of the labels.
    pub fn extra(&self) -> &[Extra] {
        &self.extra
    }
}

#[cfg(test)]
mod tests;
