//! What is written: the columns of the contract, in four formats, the same bytes each time, cut to the window.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use super::{FILES, small_day};
use crate::support::binary::replay;

const REPORTS: [&str; 7] = [
    "segments",
    "activities",
    "sessions",
    "agent_interval",
    "group_interval",
    "queue_interval",
    "agent_queue_interval",
];

/// The columns of every report, as `docs/reports.md` has them: below a heading that names reports stands their list in
/// backquotes.
fn documented_columns() -> BTreeMap<String, String> {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reports.md")).unwrap();
    let mut columns = BTreeMap::new();
    for section in text.split("\n## ") {
        let Some((heading, body)) = section.split_once('\n') else { continue };
        let Some(list) = body.strip_prefix('`') else { continue };
        let list: Vec<_> = list.split('`').next().unwrap().split(',').map(str::trim).collect();
        let named = heading.split('`').skip(1).step_by(2);
        columns.extend(named.map(|report| (report.to_owned(), list.join(","))));
    }
    columns
}

#[test]
fn columns_are_those_of_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    small_day(folder.path());
    let mut documented = documented_columns();
    for of_the_hub_alone in ["completeness", "reconciliation"] {
        assert!(documented.remove(of_the_hub_alone).is_some(), "{of_the_hub_alone}");
    }
    assert_eq!(documented.keys().map(String::as_str).collect::<Vec<_>>(), {
        let mut reports = REPORTS;
        reports.sort_unstable();
        reports
    });
    replay(folder.path(), &format!("{FILES} --report {},daily --out out", REPORTS.join(","))).well();
    for (report, columns) in &documented {
        let header = |name: &str| {
            let csv = fs::read_to_string(folder.path().join("out").join(name)).unwrap();
            assert!(csv.lines().count() > 1, "{name} has no rows");
            assert!(csv.ends_with('\n') && !csv.contains('\r'));
            csv.lines().next().unwrap().to_owned()
        };
        assert_eq!(header(&format!("{report}.csv")), *columns);
        if let Some(daily) = report.strip_suffix("_interval") {
            assert_eq!(header(&format!("{daily}_daily.csv")), *columns, "by day");
        }
    }
    assert_eq!(fs::read_dir(folder.path().join("out")).unwrap().count(), 11);
}

#[test]
fn every_format_says_the_same() {
    let folder = tempfile::tempdir().unwrap();
    small_day(folder.path());
    for report in REPORTS {
        let output =
            |format| replay(folder.path(), &format!("{FILES} --report {report} --format {format}")).well();
        let json: Vec<Value> = serde_json::from_str(&output("json").text()).unwrap();
        let ndjson: Vec<Value> =
            output("ndjson").text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(json, ndjson);
        let csv = output("csv");
        let mut reader = csv::Reader::from_reader(&csv.stdout[..]);
        let columns = reader.headers().unwrap().clone();
        let mut rows = reader.records();
        for row in &json {
            let fields = rows.next().unwrap().unwrap();
            assert_eq!(row.as_object().unwrap().len(), columns.len());
            for (column, field) in columns.iter().zip(&fields) {
                let value = match &row[column] {
                    Value::Null => String::new(),
                    Value::String(text) => text.clone(),
                    number => number.to_string(),
                };
                assert_eq!(value, field, "{report}.{column}");
            }
        }
        assert!(rows.next().is_none() && !json.is_empty());
    }
}

#[test]
fn parquet_is_written_for_every_report() {
    let folder = tempfile::tempdir().unwrap();
    small_day(folder.path());
    let reports = REPORTS.join(",");
    replay(folder.path(), &format!("{FILES} --report {reports},daily --format parquet --out out")).well();
    for report in REPORTS {
        let file = fs::read(folder.path().join("out").join(format!("{report}.parquet"))).unwrap();
        assert!(file.starts_with(b"PAR1") && file.ends_with(b"PAR1"), "{report}");
    }
    assert_eq!(fs::read_dir(folder.path().join("out")).unwrap().count(), 11);
}

#[test]
fn r14_the_same_files_give_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    small_day(folder.path());
    let reports = REPORTS.join(",");
    let bytes = |out: &str| -> Vec<Vec<u8>> {
        replay(folder.path(), &format!("{FILES} --report {reports},daily --out {out}")).well();
        let mut files: Vec<_> =
            fs::read_dir(folder.path().join(out)).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files.iter().map(|file| fs::read(file).unwrap()).collect()
    };
    let first = bytes("first");
    assert_eq!(first.len(), 11);
    for run in 2..5 {
        assert_eq!(bytes(&format!("run-{run}")), first);
    }
}

#[test]
fn from_and_to_cut_every_report() {
    let folder = tempfile::tempdir().unwrap();
    small_day(folder.path());
    let (from, to) = ("2026-03-02T08:05:00Z", "2026-03-02T09:10:00Z");
    let rows = |report: &str| -> Vec<Value> {
        let arguments = format!("{FILES} --report {report} --format json --from {from} --to {to}");
        serde_json::from_str(&replay(folder.path(), &arguments).well().text()).unwrap()
    };
    for report in REPORTS {
        let rows = rows(report);
        assert!(!rows.is_empty());
        let (first, end) = match report {
            "sessions" => ("sign_in", "sign_out"),
            "segments" => ("start", "end"),
            // An activity belongs, whole, to the interval in which it ends.
            "activities" => continue,
            _ => ("interval_start", "interval_start"),
        };
        for row in &rows {
            assert!(row[first].as_str().unwrap() >= from, "{row}");
            assert!(row[end].as_str().is_none_or(|end| end <= to), "{row}");
        }
    }
    let mut lengths: Vec<(String, f64)> = rows("agent_interval")
        .iter()
        .map(|row| (row["interval_start"].as_str().unwrap().to_owned(), row["interval_s"].as_f64().unwrap()))
        .collect();
    lengths.dedup();
    let expected = [("08:05", 600.0), ("08:15", 900.0), ("08:30", 900.0), ("08:45", 900.0), ("09:00", 600.0)];
    let expected = expected.map(|(start, length)| (format!("2026-03-02T{start}:00Z"), length));
    assert_eq!(lengths, expected);
}

#[test]
fn intervals_follow_the_zone_and_the_length() {
    let folder = tempfile::tempdir().unwrap();
    small_day(folder.path());
    let arguments = format!("{FILES} --report agent_interval --interval 60m --time-zone Asia/Kathmandu");
    let text = replay(folder.path(), &arguments).well().text();
    // Kathmandu's clock is 5:45 ahead: its full hours lie at a quarter past.
    assert!(text.lines().skip(1).all(|line| line.contains(":15:00Z,3600,")), "{text}");
    let by_day =
        replay(folder.path(), &format!("{FILES} --report agent_daily --time-zone Asia/Kathmandu")).well();
    assert!(
        by_day
            .text()
            .lines()
            .skip(1)
            .all(|line| line.starts_with("2026-03-01T18:15:00Z,86400,") || line.starts_with("2026-03-02T")),
        "{}",
        by_day.text()
    );
}
