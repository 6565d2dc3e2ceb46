//! Reports as files, for whoever reads files: a file for each report, source and stretch of time, and a new one in its place
//! when something of it is corrected.

mod name;
mod sink;
#[cfg(test)]
mod tests;

use std::str::FromStr;

use pegboard_model::SourceName;
use pegboard_model::report::{
    Activity, AgentInterval, AgentQueueInterval, GroupInterval, QueueInterval, Row, SegmentRow, Session,
};

use self::name::Named;
pub use self::name::{FileNames, InvalidFileNames, MOST_TEMPLATE_BYTES};
pub use self::sink::FilesSink;
use crate::report_text::{Format, write_report};
use crate::{Document, Encoded, Encoder, Ingredient, Interval, Known, Refused, SinkReport, Span};

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    /// CSV, every text as it is.
    Csv,
    /// CSV for spreadsheets: no text in it is run as a formula.
    SpreadsheetCsv,
    /// A JSON object a line.
    Ndjson,
    /// Apache Parquet.
    Parquet,
}

/// A name that no report has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no such report")]
pub struct NoSuchReport;

/// The rows of a report, as they stand in what is known.
trait Rows: Row + Clone {
    fn of(known: &Known) -> &[Self];

    fn source(&self) -> &SourceName;

    /// Whether it belongs to these intervals: what lasts longer than an interval belongs to the one in which it ends.
    fn is_of(&self, _: &[Interval]) -> bool {
        true
    }
}

macro_rules! rows {
    ($( $Row:ty: $field:ident $(, ends $end:ident)?; )+) => {
        $(impl Rows for $Row {
            fn of(known: &Known) -> &[Self] {
                &known.$field
            }

            fn source(&self) -> &SourceName {
                &self.source
            }

            $(fn is_of(&self, intervals: &[Interval]) -> bool {
                self.$end.is_some_and(|end| intervals.iter().any(|interval| interval.contains(end)))
            })?
        })+
    };
}

rows! {
    AgentInterval: agents;
    GroupInterval: groups;
    QueueInterval: queues;
    AgentQueueInterval: agent_queues;
    SegmentRow: states;
    Activity: activities, ends end;
    Session: sessions, ends sign_out;
}

/// A format, as a type.
trait Written {
    const FORMAT: Format;
}

macro_rules! written {
    ($($Name:ident = $format:ident;)+) => {
        $(struct $Name;
        impl Written for $Name {
            const FORMAT: Format = Format::$format;
        })+
    };
}

written! {
    AsCsv = Csv;
    AsSpreadsheetCsv = SpreadsheetCsv;
    AsNdjson = Ndjson;
    AsParquet = Parquet;
}

/// Lists the reports that can be files: their names, their rows, what they are about and what they are made of.
macro_rules! reports {
    ($( $(#[$doc:meta])* $Report:ident = $name:literal, $Row:ty, $span:ident, $ingredient:ident; )+) => {
        /// A report that can be files.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum FileReport { $( $(#[$doc])* $Report ),+ }

        impl FromStr for FileReport {
            type Err = NoSuchReport;

            fn from_str(name: &str) -> Result<Self, Self::Err> {
                match name {
                    $( $name => Ok(Self::$Report), )+
                    _ => Err(NoSuchReport),
                }
            }
        }

        impl FileReport {
            /// The names of all reports.
            pub const NAMES: &'static [&'static str] = &[$($name),+];

            /// The report as the delivery loop knows it.
            pub const fn report(self, format: FileFormat) -> SinkReport {
                match self {
                    $( Self::$Report => {
                        struct Name;
                        impl Named for Name {
                            const NAME: &'static str = $name;
                        }
                        let encoder = match format {
                            FileFormat::Csv => &const { encoder::<$Row, Name, AsCsv>(concat!($name, ".csv")) },
                            FileFormat::SpreadsheetCsv => {
                                &const { encoder::<$Row, Name, AsSpreadsheetCsv>(concat!($name, ".csv")) }
                            }
                            FileFormat::Ndjson => &const { encoder::<$Row, Name, AsNdjson>(concat!($name, ".ndjson")) },
                            FileFormat::Parquet => {
                                &const { encoder::<$Row, Name, AsParquet>(concat!($name, ".parquet")) }
                            }
                        };
                        SinkReport { encoder, made_of: &[Ingredient::$ingredient], span: Span::$span }
                    } )+
                }
            }
        }
    };
}

reports! {
    /// Where agents' time went.
    Agents = "agent_interval", AgentInterval, Interval, Agents;
    /// Positions staffed, by group.
    Groups = "group_interval", GroupInterval, Interval, Groups;
    /// What happened in queues.
    Queues = "queue_interval", QueueInterval, Interval, Queues;
    /// What agents did for queues.
    AgentQueues = "agent_queue_interval", AgentQueueInterval, Interval, AgentQueues;
    /// What agents were in, cut where intervals end.
    Segments = "segments", SegmentRow, Interval, Segments;
    /// What agents did, each whole in the interval in which it ended.
    Activities = "activities", Activity, Interval, Activities;
    /// Sign-in to sign-out, in the interval of the sign-out.
    Sessions = "sessions", Session, Interval, Sessions;
    /// Where agents' time of a local day went.
    AgentsByDay = "agent_day", AgentInterval, Day, Agents;
    /// Positions staffed, by group and local day.
    GroupsByDay = "group_day", GroupInterval, Day, Groups;
    /// What happened in queues, by local day.
    QueuesByDay = "queue_day", QueueInterval, Day, Queues;
    /// What agents did for queues, by local day.
    AgentQueuesByDay = "agent_queue_day", AgentQueueInterval, Day, AgentQueues;
    /// The sessions that ended on a local day.
    SessionsByDay = "sessions_day", Session, Day, Sessions;
}

const fn encoder<R: Rows, N: Named, F: Written>(name: &'static str) -> Encoder {
    Encoder {
        name,
        about: "a report as files, one for each source",
        pegging: None,
        interval_minutes: &[],
        raw_events: false,
        encode: encode::<R, N, F>,
    }
}

/// A file for each source, also for one of which there is nothing: silence is told, and what was corrected to nothing is, too.
fn encode<R: Rows, N: Named, F: Written>(known: &Known) -> Encoded {
    let mut encoded = Encoded::default();
    let Some(first) = known.intervals.first() else { return encoded };
    for source in &known.sources {
        let name = known.mapping.settings.file_names.name::<N>(known, source, first.start, F::FORMAT);
        let rows: Vec<R> = R::of(known)
            .iter()
            .filter(|row| row.source() == source && row.is_of(&known.intervals))
            .cloned()
            .collect();
        let mut body = Vec::new();
        match write_report(&rows, F::FORMAT, &mut body) {
            Ok(()) => encoded.documents.push(Document::new(name, body)),
            Err(error) => encoded.refused.push(Refused { name, reasons: vec![error.to_string()] }),
        }
    }
    encoded
}
