//! How a report looks that somebody has put together: its columns, and the habits of its file.

use pegboard_model::{Fixed, Millis, Timestamp};

use super::Report;
use super::measure::{AgentTime, Begun, Measure, Part, Unit};
use crate::random::Random;

/// A column of a report of intervals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Column {
    /// What rows are grouped by.
    Key(Key),
    /// The first instant of the interval.
    Start,
    /// The first instant after.
    End,
    /// A figure.
    Figure {
        /// The label in the file.
        label: String,
        /// What it is.
        measure: Measure,
    },
    /// Something that the importer has never heard of.
    Unknown(&'static str),
}

/// What rows are grouped by, or a name that goes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// The queue, by its name.
    Queue,
    /// The agent, by the name with which he signs in.
    Agent,
    /// The channel.
    Channel,
    /// The agent's first name.
    FirstName,
    /// The agent's last name.
    LastName,
}

impl Key {
    /// The label of the column.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Queue => "Queue",
            Self::Agent => "Agent",
            Self::Channel => "Channel",
            Self::FirstName => "Agent first name",
            Self::LastName => "Agent last name",
        }
    }
}

/// How times of an interval are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// `2026-03-02T09:15:00Z`.
    Z,
    /// `2026-03-02T09:15:00.000Z`.
    MillisZ,
    /// `2026-03-02T10:15:00+01:00`, at so many minutes east of Greenwich.
    Offset(i64),
    /// `2026-03-02T09:15:00`, which is UTC.
    Nothing,
}

/// How durations are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// `4530`, averages with so many decimals.
    Seconds(u32),
    /// `1:15:30`, always with hours.
    Hours,
    /// `15:30`, and `1:15:30` from an hour on, as a spreadsheet leaves them.
    MinutesFirst,
}

/// A report as it was put together, and the habits of its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The columns, in order.
    pub columns: Vec<Column>,
    /// Whether files begin with a byte order mark.
    pub byte_order_mark: bool,
    /// Whether lines end with `\r\n`.
    pub carriage_returns: bool,
    /// Whether every field stands in quotation marks, needed or not.
    pub all_quoted: bool,
    /// How the times of an interval are written.
    pub zone: Zone,
    /// How durations are written.
    pub clock: Clock,
    /// What stands where there is no figure: `-` or nothing.
    pub missing: &'static str,
    /// Columns that somebody has renamed: what they are called now, and what the platform calls them.
    pub renamed: Vec<(String, String)>,
}

/// Columns of the platform that an importer may not know, or not need.
const UNKNOWN: [&str; 3] = ["Contacts with a smile", "Métrica propia", "Average mood, by voice"];

/// What planners call some of them in their own reports.
const RENAMED: [(&str, &str); 4] = [
    ("Contacts queued", "Offered calls"),
    ("Contact handle time", "AHT total (s)"),
    ("Online time", "Zeit angemeldet"),
    ("Customer hold time", "Hold, \"customer\""),
];

impl Layout {
    /// The report as the platform proposes it: nothing unusual.
    pub fn plain(report: Report) -> Self {
        let columns = keys(report).iter().map(|key| Column::Key(*key));
        let columns = columns.chain([Column::Start, Column::End]);
        let figures = measures(report).into_iter().map(figure);
        Self {
            columns: columns.chain(figures).collect(),
            byte_order_mark: false,
            carriage_returns: false,
            all_quoted: false,
            zone: Zone::Z,
            clock: Clock::Seconds(2),
            missing: "-",
            renamed: Vec::new(),
        }
    }

    /// The report as somebody has put it together over the years, with any of the habits that are known.
    pub fn draw(report: Report, random: &mut Random) -> Self {
        let plain = Self::plain(report);
        let mut columns: Vec<_> = plain.columns;
        if report == Report::Queue {
            let threshold = 1000 * i64::try_from(31 + random.below(13)).expect("is small");
            let custom = Millis::new(threshold);
            columns.extend([
                figure(Measure::AnsweredIn(custom)),
                figure(Measure::AbandonedIn(custom)),
                figure(Measure::ServiceLevel(custom)),
            ]);
        }
        if report != Report::Agent && random.chance(0.5) {
            columns.push(Column::Key(Key::Channel));
        }
        if report != Report::Queue && random.chance(0.5) {
            columns.extend([Key::FirstName, Key::LastName].map(Column::Key));
        }
        for label in UNKNOWN {
            if random.chance(0.4) {
                columns.push(Column::Unknown(label));
            }
        }
        if report == Report::AgentQueue && random.chance(0.5) {
            // Nothing is ever in them: agents' time is not given for queues.
            columns.extend([AgentTime::Idle, AgentTime::OnContact].map(|time| figure(Measure::Agents(time))));
        }
        let renamed = if random.chance(0.4) { rename(&mut columns, random) } else { Vec::new() };
        if random.chance(0.8) {
            random.shuffle(&mut columns);
        }
        let zones =
            [Zone::Z, Zone::MillisZ, Zone::Offset(0), Zone::Offset(60), Zone::Offset(-210), Zone::Nothing];
        let clocks = [Clock::Seconds(0), Clock::Seconds(2), Clock::Hours, Clock::MinutesFirst];
        Self {
            columns,
            byte_order_mark: random.chance(0.5),
            carriage_returns: random.chance(0.5),
            all_quoted: random.chance(0.2),
            zone: *random.choose(&zones),
            clock: *random.choose(&clocks),
            missing: if random.chance(0.5) { "-" } else { "" },
            renamed,
        }
    }

    /// The same report after somebody has moved its columns about.
    pub(super) fn rearranged(&self, random: &mut Random) -> Self {
        let mut layout = self.clone();
        random.shuffle(&mut layout.columns);
        layout
    }

    /// How many decimals figures have that are no whole numbers.
    pub(super) const fn places(&self) -> u32 {
        match self.clock {
            Clock::Seconds(places) => places,
            Clock::Hours | Clock::MinutesFirst => 0,
        }
    }

    pub(super) fn has(&self, key: Key) -> bool {
        self.columns.contains(&Column::Key(key))
    }

    /// A figure as it stands in the file.
    pub(super) fn written(&self, figure: Option<Fixed>, unit: Unit) -> String {
        let Some(figure) = figure else { return self.missing.to_owned() };
        match (unit, self.clock) {
            (Unit::Percent, _) => format!("{figure}%"),
            (Unit::Seconds, Clock::MinutesFirst) if figure.units() < 3600 => {
                format!("{}:{:02}", figure.units() / 60, figure.units() % 60)
            }
            (Unit::Seconds, Clock::Hours | Clock::MinutesFirst) => hours(figure.units()),
            (Unit::Seconds, Clock::Seconds(_)) | (Unit::Count, _) => figure.to_string(),
        }
    }

    /// A time of an interval as it stands in the file.
    pub(super) fn time(&self, at: Timestamp) -> String {
        let without_z = |at: Timestamp| at.to_string().trim_end_matches('Z').to_owned();
        match self.zone {
            Zone::Z => at.to_string(),
            Zone::MillisZ => format!("{}.000Z", without_z(at)),
            Zone::Nothing => without_z(at),
            Zone::Offset(minutes) => {
                let (sign, east) = if minutes < 0 { ('-', -minutes) } else { ('+', minutes) };
                let local = without_z(at + Millis::from_minutes(minutes));
                format!("{local}{sign}{:02}:{:02}", east / 60, east % 60)
            }
        }
    }
}

fn hours(seconds: i64) -> String {
    format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

fn figure(measure: Measure) -> Column {
    Column::Figure { label: measure.label(), measure }
}

fn rename(columns: &mut [Column], random: &mut Random) -> Vec<(String, String)> {
    let mut renamed = Vec::new();
    for column in columns {
        let Column::Figure { label, .. } = column else { continue };
        let known = RENAMED.iter().find(|(name, _)| name == label);
        if let Some((_, new)) = known.filter(|_| random.chance(0.6)) {
            let old = std::mem::replace(label, (*new).to_owned());
            renamed.push(((*new).to_owned(), old));
        }
    }
    renamed
}

const fn keys(report: Report) -> &'static [Key] {
    match report {
        Report::Queue => &[Key::Queue],
        Report::AgentQueue => &[Key::Agent, Key::Queue],
        Report::Agent => &[Key::Agent],
    }
}

/// What the usual reports show.
fn measures(report: Report) -> Vec<Measure> {
    let limit = |seconds| Millis::from_seconds(seconds);
    match report {
        Report::Queue => vec![
            Measure::Queued,
            Measure::Handled(Begun::Anyhow),
            Measure::Handled(Begun::Incoming),
            Measure::Handled(Begun::Outbound),
            Measure::Created(Begun::Api),
            Measure::Handled(Begun::Api),
            Measure::Created(Begun::Callback),
            Measure::Handled(Begun::Callback),
            Measure::Created(Begun::HandedOver),
            Measure::TransferredOut,
            Measure::Abandoned,
            Measure::AbandonedIn(limit(15)),
            Measure::AbandonedIn(limit(20)),
            Measure::AnsweredIn(limit(20)),
            Measure::ServiceLevel(limit(60)),
            Measure::PutOnHold,
            Measure::Sum(Part::Interaction),
            Measure::Sum(Part::Hold),
            Measure::Sum(Part::AfterContactWork),
            Measure::Sum(Part::Handle),
            Measure::Sum(Part::Flow),
            Measure::Average(Part::Interaction),
            Measure::Average(Part::Handle),
            Measure::QueueAnswerTime,
            Measure::QueueAbandonTime,
            Measure::MaximumQueuedTime,
        ],
        Report::AgentQueue => vec![
            Measure::Handled(Begun::Anyhow),
            Measure::Handled(Begun::Incoming),
            Measure::Handled(Begun::Outbound),
            Measure::HungUpFirst,
            Measure::PutOnHold,
            Measure::TransferredOutByAgent,
            Measure::Sum(Part::Interaction),
            Measure::Sum(Part::Hold),
            Measure::Sum(Part::AfterContactWork),
            Measure::Sum(Part::Handle),
            Measure::Average(Part::AfterContactWork),
        ],
        Report::Agent => vec![
            Measure::Agents(AgentTime::Online),
            Measure::Agents(AgentTime::Idle),
            Measure::Agents(AgentTime::NonProductive),
            Measure::Agents(AgentTime::OnContact),
            Measure::Agents(AgentTime::Error),
            Measure::Occupancy,
            Measure::Missed,
            Measure::Handled(Begun::Anyhow),
            Measure::Sum(Part::AfterContactWork),
            Measure::Sum(Part::Handle),
        ],
    }
}
