//! Rows of reports as events: all rows of a source in an interval are one event, and a correction is all of them again.

use std::str::FromStr;

use pegboard_model::SourceName;
use pegboard_model::report::{AgentInterval, AgentQueueInterval, GroupInterval, QueueInterval, Row};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{Event, id_of};
use crate::files::NoSuchReport;
use crate::report_text::json_object;
use crate::{Document, Encoded, Encoder, Ingredient, Known, Refused, SinkReport, Span};

/// The longest event, in bytes: receivers take no more.
pub const MOST_EVENT_BYTES: usize = 8 * 1024 * 1024;

/// The rows of an interval.
#[derive(Debug, Serialize)]
struct Interval {
    report: &'static str,
    from: String,
    to: String,
    rows: Vec<Box<RawValue>>,
}

macro_rules! reports {
    ($( $(#[$doc:meta])* $Report:ident = $name:literal, $Row:ty, $field:ident, $ingredient:ident; )+) => {
        /// A report whose rows are sent as events.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum RowReport { $( $(#[$doc])* $Report ),+ }

        impl FromStr for RowReport {
            type Err = NoSuchReport;

            fn from_str(name: &str) -> Result<Self, Self::Err> {
                match name {
                    $( $name => Ok(Self::$Report), )+
                    _ => Err(NoSuchReport),
                }
            }
        }

        impl RowReport {
            /// The names of all reports.
            pub const NAMES: &'static [&'static str] = &[$($name),+];

            /// The report as the delivery loop knows it.
            pub const fn report(self) -> SinkReport {
                match self {
                    $( Self::$Report => SinkReport {
                        encoder: &const { Encoder {
                            name: concat!($name, ".events"),
                            about: "CloudEvents: the rows of a report",
                            pegging: None,
                            interval_minutes: &[],
                            raw_events: false,
                            encode: |known| encode(known, |source| {
                                known.$field.iter().filter(|row| row.source == *source).map(json_object::<$Row>).collect()
                            }, <$Row>::REPORT),
                        } },
                        made_of: &[Ingredient::$ingredient],
                        span: Span::Interval,
                    } ),+
                }
            }
        }
    };
}

reports! {
    /// Where agents' time went.
    Agents = "agent_interval", AgentInterval, agents, Agents;
    /// Positions staffed, by group.
    Groups = "group_interval", GroupInterval, groups, Groups;
    /// What happened in queues.
    Queues = "queue_interval", QueueInterval, queues, Queues;
    /// What agents did for queues.
    AgentQueues = "agent_queue_interval", AgentQueueInterval, agent_queues, AgentQueues;
}

/// A batch of one event for each source.
fn encode(known: &Known, rows: impl Fn(&SourceName) -> Vec<String>, report: &'static str) -> Encoded {
    let mut encoded = Encoded::default();
    let Some(interval) = known.intervals.first() else { return encoded };
    for source in &known.sources {
        let rows = rows(source);
        let (from, to) = (interval.start.to_string(), interval.end.to_string());
        let mut said = vec!["rows", report, source.as_str(), &from];
        said.extend(rows.iter().map(String::as_str));
        let id = id_of(&said);
        let rows = rows.into_iter().filter_map(|row| RawValue::from_string(row).ok()).collect();
        let event = Event {
            specversion: "1.0",
            id,
            source: format!("/sources/{source}"),
            kind: "pegboard.report.rows",
            subject: report,
            time: to.clone(),
            datacontenttype: "application/json",
            sequence: None,
            data: Interval { report, from, to, rows },
        };
        let body = format!("[{}]", serde_json::to_string(&event).unwrap_or_default());
        let name = format!("{report}/{source}.json");
        if body.len() > MOST_EVENT_BYTES {
            let reason = format!("the event has {} bytes, and {MOST_EVENT_BYTES} are possible", body.len());
            encoded.refused.push(Refused { name, reasons: vec![reason] });
        } else {
            encoded.documents.push(Document::new(name, body));
        }
    }
    encoded
}
