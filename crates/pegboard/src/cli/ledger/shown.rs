//! How `pegboard ledger` writes what it shows.

use pegboard_model::Timestamp;
use serde_json::{Value, json};

use crate::api::csv::{self, Texts};

/// What is told of the intervals of a report.
const SUMMARY: [&str; 9] = [
    "sink",
    "report",
    "expected",
    "acknowledged",
    "waiting",
    "parked",
    "dropped",
    "oldest_undelivered",
    "undelivered_s",
];

/// What is told of an interval.
const INTERVAL: [&str; 13] = [
    "sink",
    "report",
    "interval_start",
    "state",
    "revision",
    "acknowledged",
    "changes",
    "tries",
    "first_try",
    "last_try",
    "due",
    "reason",
    "comment",
];

/// How it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Lines,
    Json,
    Csv,
}

impl Format {
    pub(super) fn chosen(json: bool, csv: bool) -> Self {
        match (json, csv) {
            (true, _) => Self::Json,
            (_, true) => Self::Csv,
            _ => Self::Lines,
        }
    }

    pub(super) fn summary(self, rows: &[Value]) -> Vec<String> {
        let header = (self == Self::Csv).then(|| head(&SUMMARY));
        header.into_iter().chain(rows.iter().map(|row| self.write(row, &SUMMARY, summed_up))).collect()
    }

    /// What stands before the first interval.
    pub(super) fn header(self) -> Option<String> {
        (self == Self::Csv).then(|| head(&INTERVAL))
    }

    pub(super) fn interval(self, sink: &str, mut delivery: Value) -> String {
        delivery["sink"] = sink.into();
        self.write(&delivery, &INTERVAL, interval)
    }

    fn write(self, row: &Value, columns: &[&str], line: fn(&Value) -> String) -> String {
        match self {
            Self::Lines => line(row),
            Self::Json => row.to_string(),
            Self::Csv => {
                let mut written = Vec::new();
                csv::row(&mut written, columns, row, Texts::Harmless);
                without_end(&written)
            }
        }
    }
}

fn head(columns: &[&str]) -> String {
    without_end(&csv::header(columns))
}

fn without_end(written: &[u8]) -> String {
    String::from_utf8_lossy(written).trim_end_matches('\n').to_owned()
}

/// What a sink has of each report, and how long ago the oldest interval began that it does not have.
pub(super) fn summary(sink: &Value, now: Timestamp) -> Vec<Value> {
    let lines = sink["ledger"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut reports: Vec<&str> = lines.iter().filter_map(|line| line["report"].as_str()).collect();
    reports.dedup();
    let of_report = |report: &str| {
        let of_state =
            |state: &str| lines.iter().find(|line| line["report"] == report && line["state"] == state);
        let count = |state| of_state(state).and_then(|line| line["intervals"].as_u64()).unwrap_or_default();
        let oldest = |state| of_state(state)?["oldest"].as_str()?.parse::<Timestamp>().ok();
        let states = ["acknowledged", "waiting", "parked", "dropped"];
        let mut row = json!({"sink": sink["name"], "report": report, "expected": states.map(count).iter().sum::<u64>()});
        for state in states {
            row[state] = count(state).into();
        }
        let undelivered = oldest("waiting").into_iter().chain(oldest("parked")).min();
        row["oldest_undelivered"] = json!(undelivered);
        row["undelivered_s"] = json!(undelivered.map(|oldest| now.since(oldest).get().max(0) / 1000));
        row
    };
    reports.into_iter().map(of_report).collect()
}

fn summed_up(row: &Value) -> String {
    let oldest = match (row["oldest_undelivered"].as_str(), row["undelivered_s"].as_i64()) {
        (Some(oldest), Some(age)) => {
            format!(", the oldest that it does not have {oldest}, {} min ago", age / 60)
        }
        _ => String::new(),
    };
    format!(
        "{}  {}  {} expected, {} acknowledged, {} waiting, {} parked, {} dropped{oldest}",
        text(row, "sink"),
        text(row, "report"),
        row["expected"],
        row["acknowledged"],
        row["waiting"],
        row["parked"],
        row["dropped"],
    )
}

/// A sink of which agents' states are held back.
pub(super) fn held(sink: &Value) -> Option<String> {
    let hold = sink["hold"].as_object()?;
    let part = |key: &str| hold.get(key).and_then(Value::as_str).unwrap_or_default();
    let released = if part("released").is_empty() { "" } else { "; released, and being sent" };
    Some(format!("{}  held back since {}: {}{released}", text(sink, "name"), part("since"), part("reason")))
}

fn interval(row: &Value) -> String {
    let why = row["comment"].as_str().or(row["reason"].as_str());
    let why = why.map(|why| format!(": {why}")).unwrap_or_default();
    format!(
        "{}  {}@{}  {}  revision {}, {} acknowledged, {} tries{why}",
        text(row, "sink"),
        text(row, "report"),
        text(row, "interval_start"),
        text(row, "state"),
        row["revision"],
        row["acknowledged"],
        row["tries"],
    )
}

/// What is parked for one reason, in one line.
pub(super) fn parked(sink: &str, line: &Value) -> String {
    format!(
        "{sink}  {}  {} intervals from {} to {}: {}",
        text(line, "report"),
        line["intervals"],
        text(line, "oldest"),
        text(line, "newest"),
        text(line, "reason"),
    )
}

/// A refused state in one line.
pub(super) fn refused(sink: &str, state: &Value) -> String {
    format!(
        "{sink}  {}  {}  {} times, last {}: {}",
        text(state, "source"),
        text(state, "agent_id"),
        state["count"],
        text(state, "last_at"),
        text(state, "reason"),
    )
}

fn text<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name].as_str().unwrap_or("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(state: &str, intervals: u64, oldest: &str) -> Value {
        json!({"report": "r", "state": state, "intervals": intervals, "oldest": oldest, "newest": oldest})
    }

    #[test]
    fn a_report_is_summed_up_in_one_line() {
        let ledger = [
            line("acknowledged", 90, "2026-03-01T00:00:00Z"),
            line("parked", 2, "2026-03-01T08:00:00Z"),
            line("waiting", 4, "2026-03-01T09:00:00Z"),
        ];
        let rows =
            summary(&json!({"name": "wfm", "ledger": ledger}), "2026-03-01T09:30:00Z".parse().unwrap());
        let expected = "wfm  r  96 expected, 90 acknowledged, 4 waiting, 2 parked, 0 dropped, the oldest that it does not have \
                        2026-03-01T08:00:00Z, 90 min ago";
        assert_eq!(Format::Lines.summary(&rows), [expected]);
        let csv = [
            "sink,report,expected,acknowledged,waiting,parked,dropped,oldest_undelivered,undelivered_s",
            "wfm,r,96,90,4,2,0,2026-03-01T08:00:00Z,5400",
        ];
        assert_eq!(Format::Csv.summary(&rows), csv);
        let all_there = summary(&json!({"name": "wfm", "ledger": ledger[..1]}), Timestamp::MAX);
        assert!(Format::Lines.summary(&all_there)[0].ends_with("0 dropped"), "{all_there:?}");
    }

    #[test]
    fn s36_an_interval_is_a_line_and_its_reason_no_formula() {
        let delivery = json!({
            "report": "r", "interval_start": "T", "state": "parked", "revision": 2, "acknowledged": 1, "tries": 3,
            "reason": "=1+1",
        });
        let shown = Format::Lines.interval("wfm", delivery.clone());
        assert_eq!(shown, "wfm  r@T  parked  revision 2, 1 acknowledged, 3 tries: =1+1");
        assert_eq!(Format::Csv.interval("wfm", delivery), "wfm,r,T,parked,2,1,,3,,,,'=1+1,");
    }
}
