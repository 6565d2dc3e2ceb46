//! History of queues for the import by hand: CSV, whose columns NICE shows to those who are logged in alone.
//!
//! Public is (NICE CXone WFM help, "ACD Historical Data") that new rows replace old ones of the same date, time and skill, that what was
//! imported beats what the ACD sent, and that a contact is pegged to the interval in which it ends.

use std::fmt;
use std::str::FromStr;

use super::queue_report::{QUEUE_REPORT, queue};
use super::validate::violations;
use crate::json::{Json, renamed};
use crate::merge::{Merged, QueueLine};
use crate::period::Period;
use crate::{Document, Encoded, Encoder, Known, Refused, Settings};

/// One file of everything, a row for each queue and interval.
pub const HISTORY: Encoder = Encoder {
    name: "cxone-history",
    about: "NICE CXone WFM: history of queues as CSV, for the import by hand",
    encode,
    ..QUEUE_REPORT
};

/// What keys of the columns are called in a place of their own, as in `history.queueId`.
const PLACE: &str = "history";

/// What the columns have besides the keys of bodies, which a site can give other names, too.
pub const HISTORY_KEYS: &[&str] = &[PLACE, "date", "time"];

/// The columns that say when.
const WHEN: [&str; 2] = ["date", "time"];

/// Those that say how it went in a queue, as the queue report has them.
const WHAT: [&str; 22] = [
    "queueValue",
    "queueId",
    "contactsReceived",
    "handledShort",
    "handledLong",
    "abandonedShort",
    "abandonedLong",
    "handleTime",
    "holdTime",
    "workTime",
    "queueDelayTime",
    "serviceLevelPercent",
    "backlog",
    "backlogExpired",
    "backlogNotExpired",
    "rightPartyContacts",
    "rightPartyTalkTime",
    "rightPartyWorkTime",
    "wrongPartyContacts",
    "wrongPartyTalkTime",
    "wrongPartyWorkTime",
    "active",
];

/// Which columns, in which order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns(Vec<&'static str>);

impl Default for Columns {
    /// When, and what every queue has.
    fn default() -> Self {
        Self([&["queueId"], &WHEN[..], &WHAT[2..12]].concat())
    }
}

/// A text is no list of columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("columns of the history, separated by blanks, each once: date, time, and keys of the queue report")]
pub struct InvalidColumns;

impl FromStr for Columns {
    type Err = InvalidColumns;

    fn from_str(text: &str) -> Result<Self, InvalidColumns> {
        let mut columns = Vec::new();
        for name in text.split_whitespace() {
            let known = WHEN.iter().chain(&WHAT).find(|known| **known == name).ok_or(InvalidColumns)?;
            if columns.contains(known) {
                return Err(InvalidColumns);
            }
            columns.push(*known);
        }
        if columns.is_empty() { Err(InvalidColumns) } else { Ok(Self(columns)) }
    }
}

impl fmt::Display for Columns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

/// How a date is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dates {
    /// `03/31/2026`.
    #[default]
    MonthFirst,
    /// `31/03/2026`.
    DayFirst,
    /// `2026-03-31`.
    YearFirst,
}

/// How a time is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Times {
    /// `13:15`.
    #[default]
    Of24,
    /// `01:15 PM`.
    Of12,
}

impl Dates {
    fn format(self) -> &'static str {
        match self {
            Self::MonthFirst => "%m/%d/%Y",
            Self::DayFirst => "%d/%m/%Y",
            Self::YearFirst => "%Y-%m-%d",
        }
    }
}

impl Times {
    fn format(self) -> &'static str {
        match self {
            Self::Of24 => "%H:%M",
            Self::Of12 => "%I:%M %p",
        }
    }
}

fn encode(known: &Known) -> Encoded {
    let merged = Merged::of(known);
    let mut encoded = Encoded { notes: merged.notes(), ..Encoded::default() };
    let reasons: Vec<_> =
        merged.intervals.iter().flat_map(|(interval, lines)| violations(*interval, lines)).collect();
    let periods = Period::all(known, merged.intervals);
    if let Some(first) = periods.first() {
        let name = first.local.strftime("history-%Y%m%d-%H%M.csv").to_string();
        if reasons.is_empty() {
            encoded.documents.push(Document::new(name, file(known, &periods)));
        } else {
            encoded.refused.push(Refused { name, reasons });
        }
    }
    encoded.unmapped = merged.inbox;
    encoded
}

fn file(known: &Known, periods: &[Period]) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let (settings, keys) = (&known.mapping.settings, &known.mapping.keys);
    let columns = &settings.history_columns.0;
    let mut written = writer.write_record(columns.iter().map(|column| renamed(PLACE, column, keys)));
    for period in periods {
        for line in &period.lines.queues {
            let cells = cells(period, line, settings);
            written = written.and_then(|()| writer.write_record(cells));
        }
    }
    debug_assert!(written.is_ok(), "memory takes everything");
    writer.into_inner().unwrap_or_default()
}

fn cells(period: &Period, line: &QueueLine, settings: &Settings) -> Vec<String> {
    let values = queue(line, settings);
    let when = |format: &str| period.local.strftime(format).to_string();
    let cell = |column: &&'static str| match *column {
        "date" => when(settings.history_dates.format()),
        "time" => when(settings.history_times.format()),
        column => {
            values.iter().find(|(key, _)| *key == column).map_or_else(String::new, |(_, value)| text(value))
        }
    };
    settings.history_columns.0.iter().map(cell).collect()
}

/// A value of a row; what there is nothing to say of is 0, as NICE asks for.
fn text(value: &Json) -> String {
    match value {
        Json::Text(text) => text.to_string(),
        Json::Whole(number) => number.to_string(),
        Json::Decimal(number) => number.to_string(),
        Json::Null | Json::List(_) | Json::Object(_) => "0".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use pegboard_model::{Millis, Timestamp};

    use super::*;
    use crate::Interval;
    use crate::test_data::{known, queue};

    fn written(known: &Known) -> String {
        let mut encoded = (HISTORY.encode)(known);
        assert_eq!((encoded.refused.len(), encoded.documents.len()), (0, 1), "{:?}", encoded.refused);
        let document = encoded.documents.remove(0);
        format!("{}\n{}", document.name, String::from_utf8(document.body).unwrap())
    }

    #[test]
    fn a_row_for_each_queue_and_interval() {
        let mut known = known();
        known.queues = vec![queue("q-1"), queue("Claims, motor")];
        assert_eq!(
            written(&known),
            "history-20250801-1200.csv\n\
             queueId,date,time,contactsReceived,handledShort,handledLong,abandonedShort,abandonedLong,handleTime,holdTime,workTime,\
             queueDelayTime,serviceLevelPercent\r\n\
             \"Claims, motor\",08/01/2025,12:00,22,17,1,2,2,1509,434,83,60,85\r\n\
             q-1,08/01/2025,12:00,22,17,1,2,2,1509,434,83,60,85\r\n"
        );
    }

    #[test]
    fn columns_and_their_names_are_those_of_the_site() {
        let mut known = known();
        known.zone = TimeZone::get("America/New_York").unwrap();
        known.queues = vec![queue("q-1")];
        let settings = &mut known.mapping.settings;
        for (name, value) in [
            ("history_columns", "date time queueValue contactsReceived"),
            ("history_dates", "day_first"),
            ("history_times", "12"),
        ] {
            settings.set(name, value).unwrap();
        }
        let keys = [("history.queueValue", "Skill"), ("contactsReceived", "Received")];
        known.mapping.keys = keys.map(|(key, name)| (key.to_owned(), name.to_owned())).into();
        assert_eq!(
            written(&known),
            "history-20250801-0800.csv\ndate,time,Skill,Received\r\n01/08/2025,08:00 AM,Billing,22\r\n"
        );
    }

    #[test]
    fn the_hour_that_comes_twice_is_one_row() {
        let mut known = known();
        known.zone = TimeZone::get("Europe/Berlin").unwrap();
        let starts: [Timestamp; 2] =
            ["2026-10-25T00:15:00Z", "2026-10-25T01:15:00Z"].map(|at| at.parse().unwrap());
        known.intervals =
            starts.map(|start| Interval { start, end: start + Millis::from_minutes(15) }).into();
        known.queues = starts
            .map(|start| {
                let mut row = queue("q-1");
                row.interval_start = start;
                row
            })
            .into();
        known.mapping.settings.history_columns = "date time contactsReceived".parse().unwrap();
        assert_eq!(
            written(&known),
            "history-20261025-0215.csv\ndate,time,contactsReceived\r\n10/25/2026,02:15,44\r\n"
        );
    }

    #[test]
    fn a_list_of_columns_has_known_ones_each_once() {
        for text in ["", "skill", "date date", "agentId"] {
            assert_eq!(text.parse::<Columns>(), Err(InvalidColumns), "{text}");
        }
        assert_eq!(Columns::default().to_string().parse(), Ok(Columns::default()));
        let lines = Merged::of(&Known { queues: vec![queue("q")], ..known() }).intervals.remove(0).1;
        let said = super::queue(&lines.queues[0], &Settings::default());
        assert_eq!(said.iter().map(|(key, _)| *key).collect::<Vec<_>>(), WHAT);
    }
}
