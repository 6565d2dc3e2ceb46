//! What must hold of the reading of reports. Files are made up: no real one is to be had. The header that others have
//! seen is read where it is at hand.

mod cells;
mod errors;
mod layouts;
mod limits;
mod logins;
mod metrics;
mod names;
mod show;

use std::fmt::Write as _;

use pegboard_model::Fixed;
use pegboard_model::acd::{AcdReport, Column, ExtraValue, Known, Value};
use pegboard_model::policy::{Pegging, ServiceLevelFormula};

use super::*;

const NAME: &str = "QR-2026-03-01T09:30:00Z.csv";

fn modified() -> Timestamp {
    Timestamp::parse("2026-03-01T10:00:00Z").unwrap()
}

/// Reads a text under the name of a file.
fn read_as(reader: &ReportReader, name: &str, text: &str) -> Result<ReportRows, ReportError> {
    let key = format!("connect/acme/Reports/{name}");
    reader.read(&reader.recognise(&key, modified()).expect("a report"), text.as_bytes())
}

fn reader() -> ReportReader {
    ReportReader::new(ReportSettings::default())
}

fn read(text: &str) -> Result<ReportRows, ReportError> {
    read_as(&reader(), NAME, text)
}

/// The rows of a queue report with one metric, one row for each cell.
fn queue_rows(label: &str, cells: &[&str]) -> Vec<AcdRow> {
    let mut text = format!("Queue,StartInterval,EndInterval,\"{label}\"\n");
    for (number, cell) in cells.iter().enumerate() {
        writeln!(text, "q{number},2026-03-01T09:00:00Z,2026-03-01T09:15:00Z,{cell}").unwrap();
    }
    read(&text).unwrap().rows
}

fn seconds(seconds: i64) -> Value {
    Value::Duration(Millis::from_seconds(seconds))
}

fn percent(hundredths: i64) -> Value {
    Value::Percent(Fixed::new(hundredths, 2))
}

/// What the row says under our columns, by name.
fn said(row: &AcdRow) -> Vec<(&'static str, String)> {
    row.values().iter().map(|(column, value)| (column.as_str(), value.to_string())).collect()
}

#[test]
fn a_queue_report_says_what_our_columns_mean() {
    let text = "\u{feff}Queue,StartInterval,EndInterval,Contacts queued,Contacts handled,Contacts abandoned,Contacts \
                answered 20 seconds,Contacts abandoned in 20 seconds,Contacts abandoned in 5 seconds,Service level 20 \
                seconds,Agent interaction time,Customer hold time,After contact work time,Agent interaction and hold \
                time,Contacts transferred in,Contacts transferred out queue\r\n\
                Sales,2026-03-01T09:00:00Z,2026-03-01T09:15:00Z,12,10,1,8,1,0,66.67%,1200,0:30,0:05:00,1230,2,1\r\n";
    let rows = read(text).unwrap();
    assert_eq!(rows.unknown, [] as [Text; 0]);
    let [row] = &rows.rows[..] else { panic!("{rows:?}") };
    assert_eq!(
        row.key(),
        "name=QR&interval_s=900&queue=Sales",
        "files know queues by name, and this one no channel and no direction"
    );
    assert_eq!(
        (row.pegging, row.service_level_formula),
        (Some(Pegging::Disconnect), Some(ServiceLevelFormula::Aws))
    );
    let expected = [
        ("offered", "12"),
        ("answered", "10"),
        ("answered_in_sl", "8"),
        ("abandoned", "1"),
        ("abandoned_in_sl", "1"),
        ("abandoned_short", "0"),
        ("transferred_out", "1"),
        ("transferred_in", "2"),
        ("talk_s", "1200"),
        ("hold_s", "30"),
        ("acw_s", "300"),
        ("handle_s", "1230"),
        ("service_level_s", "20"),
        ("service_level_pct", "66.67"),
    ];
    assert_eq!(said(row), expected.map(|(column, value)| (column, value.to_owned())));
    assert_eq!(row.extra(), []);
    assert_eq!(&*row.telling.file, "connect/acme/Reports/QR-2026-03-01T09:30:00Z.csv");
    assert_eq!(row.telling.made.to_string(), "2026-03-01T09:30:00Z");
}

#[test]
fn an_agent_queue_report_says_what_our_columns_mean() {
    let text = "Agent,Queue,Channel,StartInterval,EndInterval,Contacts handled,Agent interaction time,Contacts \
                transferred out by agent,Agent idle time\n\
                ann,Sales,Voice,2026-03-01T09:00:00Z,2026-03-01T09:15:00Z,3,700,1,-\n\
                ann,-,Voice,2026-03-01T09:00:00Z,2026-03-01T09:15:00Z,1,60,0,\n";
    let rows = read_as(&reader(), "AQR-2026-03-01T09:30:00Z.csv", text).unwrap().rows;
    assert_eq!(rows[0].key(), "name=AQR&interval_s=900&queue=Sales&agent=ann&channel=VOICE");
    assert_eq!(
        said(&rows[0]),
        [("answered", "3"), ("talk_s", "700"), ("transferred_by_agent", "1")].map(|(c, v)| (c, v.to_owned()))
    );
    assert_eq!(
        rows[1].key(),
        "name=AQR&interval_s=900&queue=&agent=ann&channel=VOICE",
        "contacts without a queue"
    );
}

#[test]
fn an_agent_report_says_what_our_columns_mean() {
    let text = "Agent,StartInterval,EndInterval,Agent idle time,Online time,Non-Productive Time,Error status time,Agent \
                on contact time,Agent interaction time\n\
                ann,2026-03-01T09:00:00Z,2026-03-01T09:15:00Z,300,900,120,5,475,450\n";
    let rows = read_as(&reader(), "ASPR-2026-03-01T09:30:00Z.csv", text).unwrap().rows;
    let expected = [("login_s", "900"), ("available_s", "300"), ("error_s", "5"), ("aux_s", "120")];
    assert_eq!(said(&rows[0]), expected.map(|(column, value)| (column, value.to_owned())));
    assert_eq!(rows[0].pegging, None);
    let kept: Vec<_> = rows[0].extra().iter().map(|extra| (&*extra.label, extra.metric.as_deref())).collect();
    assert_eq!(
        kept,
        [
            ("Agent interaction time", Some("SUM_INTERACTION_TIME")),
            ("Agent on contact time", Some("SUM_CONTACT_TIME_AGENT"))
        ],
        "a contact's talk counts when it ends, an agent's by the clock"
    );
}

#[test]
fn what_is_not_known_is_absent_and_not_0() {
    let rows = queue_rows("Contacts queued", &["0", "-", "", " - "]);
    let said: Vec<_> = rows.iter().map(|row| row.get(Column::Offered)).collect();
    assert_eq!(said, [Some(Value::Count(0)), None, None, None]);
}

#[test]
fn averages_and_amazons_own_handle_time_feed_no_column() {
    for label in
        ["Average handle time", "Contact handle time", "Average queue answer time", "Maximum queued time"]
    {
        let rows = queue_rows(label, &["12.5"]);
        assert_eq!(rows[0].values(), [], "{label}");
        assert_eq!(rows[0].extra()[0].value, ExtraValue::Number(Value::Duration(Millis::new(12_500))));
    }
}

#[test]
fn the_threshold_of_the_queue_picks_its_column_and_the_others_are_kept() {
    let mut settings = ReportSettings::default();
    let goals = |service_level, short_abandon| Goals {
        service_level: Millis::from_seconds(service_level),
        short_abandon: Millis::from_seconds(short_abandon),
    };
    settings.goals.insert("Sales".to_owned(), goals(60, 15));
    let text = "Queue,StartInterval,EndInterval,Contacts answered in 20 seconds,Contacts answered in 60 \
                seconds,Contacts abandoned 15 seconds,Service level 60 seconds\n\
                Sales,2026-03-01T09:00:00Z,2026-03-01T09:15:00Z,3,7,1,70%\n\
                Care,2026-03-01T09:00:00Z,2026-03-01T09:15:00Z,4,8,2,-\n";
    let rows = read_as(&ReportReader::new(settings), NAME, text).unwrap().rows;
    let all = |row: &AcdRow| {
        (said(row), row.extra().iter().filter_map(|extra| extra.metric.clone()).collect::<Vec<_>>())
    };
    let (sales, kept) = all(&rows[0]);
    let expected = [
        ("answered_in_sl", "7"),
        ("abandoned_short", "1"),
        ("service_level_s", "60"),
        ("service_level_pct", "70"),
    ];
    assert_eq!(sales, expected.map(|(column, value)| (column, value.to_owned())));
    assert_eq!(kept, ["SUM_CONTACTS_ANSWERED_IN_X(20)".into()]);
    let (care, kept) = all(&rows[1]);
    assert_eq!(care, [("answered_in_sl", "4".to_owned()), ("service_level_s", "20".to_owned())]);
    assert_eq!(kept, ["SUM_CONTACTS_ABANDONED_IN_X(15)".into(), "SUM_CONTACTS_ANSWERED_IN_X(60)".into()]);
    assert_eq!(rows[1].service_level_formula, None);
}

#[test]
fn labels_that_nobody_knows_are_kept_and_told_by_name() {
    let text = "Queue,StartInterval,EndInterval,Contacts queued,Mood,Mood\n\
                Sales,2026-03-01T09:00:00Z,2026-03-01T09:15:00Z,1,\"good, \"\"fine\"\"\",bad\n";
    let read = read(text).unwrap();
    assert_eq!(read.unknown, ["Mood".into(), "Mood".into()]);
    let kept: Vec<_> = read.rows[0].extra().iter().map(|extra| (&*extra.label, &extra.value)).collect();
    let text = |text: &str| ExtraValue::Text(text.into());
    assert_eq!(kept, [("Mood", &text("good, \"fine\"")), ("Mood (2)", &text("bad"))]);
}

#[test]
fn a_site_says_what_its_labels_mean() {
    let mut labels = Labels::default();
    for (label, meaning) in [
        ("Warteschlange", "queue"),
        ("Kontakte", "CONTACTS_QUEUED"),
        ("Beantwortet", "answered"),
        ("In der Zeit", "SUM_CONTACTS_ANSWERED_IN_X(20)"),
        ("Standort", "grouping"),
        ("Contacts abandoned", "text"),
    ] {
        assert!(!labels.add(label, meaning.parse().unwrap()));
    }
    assert!(labels.add("  KONTAKTE ", Meaning::Text), "it is there already");
    let settings = ReportSettings { labels, ..ReportSettings::default() };
    let text = "Warteschlange,Standort,StartInterval,EndInterval,kontakte,Beantwortet,In der Zeit,Contacts abandoned\n\
                Sales,Bonn,2026-03-01T09:00:00Z,2026-03-01T09:15:00Z,5,4,3,1\n\
                Sales,Kiel,2026-03-01T09:00:00Z,2026-03-01T09:15:00Z,6,5,4,1\n";
    let read = read_as(&ReportReader::new(settings), NAME, text).unwrap();
    assert_eq!(read.unknown, [] as [Text; 0]);
    assert_eq!(read.rows[1].key(), "name=QR&interval_s=900&queue=Sales&by Standort=Kiel");
    let expected = [("offered", "6"), ("answered", "5"), ("answered_in_sl", "4"), ("service_level_s", "20")];
    assert_eq!(said(&read.rows[1]), expected.map(|(column, value)| (column, value.to_owned())));
    assert_eq!(read.rows[1].extra().len(), 1);
    for nonsense in ["", "CONTACTS", "SERVICE_LEVEL", "SERVICE_LEVEL(0)", "CONTACTS_QUEUED(20)"] {
        assert!(nonsense.parse::<Meaning>().is_err(), "{nonsense}");
    }
}

#[test]
fn a_report_is_taken_by_its_grouping_where_its_name_says_nothing() {
    let text = "StartInterval,EndInterval,Agent,Agent idle time\n\
                2026-03-01T09:00:00Z,2026-03-01T09:30:00Z,ann,60\n";
    let read = read_as(&reader(), "TeleoptiAgentPerformance-2026-03-01T09:30:00Z.csv", text).unwrap();
    assert_eq!(read.rows[0].report, AcdReport::AgentInterval);
    assert_eq!(read.rows[0].key(), "name=TeleoptiAgentPerformance&interval_s=1800&agent=ann");

    let text = "Routing profile,StartInterval,EndInterval,Contacts handled\nBasic,2026-03-01T09:00:00Z,2026-03-01T09:15:00Z,3\n";
    let read = read_as(&reader(), "Profiles-2026-03-01T09:30:00Z.csv", text).unwrap();
    assert_eq!((read.rows.len(), read.unused), (0, Some(Unused::Grouping)));
}

#[test]
fn a_row_that_stands_there_twice_is_there_once() {
    let row = "Sales,2026-03-01T09:00:00Z,2026-03-01T09:15:00Z,3\n";
    let other = "Sales,2026-03-01T09:15:00Z,2026-03-01T09:30:00Z,3\n";
    let text = format!("Queue,StartInterval,EndInterval,Contacts queued\n{row}{other}\n{row}");
    assert_eq!(read(&text).unwrap().rows.len(), 2);
}

#[test]
fn two_columns_of_one_meaning_may_say_the_same() {
    let text = |second| {
        format!(
            "Queue,StartInterval,EndInterval,Contacts answered in 20 seconds,Contacts answered 20 seconds\n\
             Sales,2026-03-01T09:00:00Z,2026-03-01T09:15:00Z,3,{second}\n"
        )
    };
    for second in ["3", "-"] {
        assert_eq!(
            read(&text(second)).unwrap().rows[0].get(Column::AnsweredInServiceLevel),
            Some(Value::Count(3))
        );
    }
    assert_eq!(read(&text("4")).unwrap_err().problem, ReportProblem::Contradiction);
}

#[test]
fn the_header_that_was_seen_in_the_wild_is_understood() {
    let Some(header) = crate::test_data::shared("reports/queue-report-headers-seen-in-the-wild.csv") else {
        return;
    };
    let cells = header.trim_end().split(',').skip(3).enumerate();
    let values: Vec<_> = cells
        .map(
            |(number, label)| if label.contains("level") { format!("{number}%") } else { number.to_string() },
        )
        .collect();
    let text = format!(
        "{}\nSales,2026-03-01T09:00:00Z,2026-03-01T09:15:00Z,{}\n",
        header.trim_end(),
        values.join(",")
    );
    let read = read(&text).unwrap();
    assert_eq!(read.unknown, [] as [Text; 0], "every label is known");
    let [row] = &read.rows[..] else { panic!("one row") };
    let columns: Vec<_> = row.values().iter().map(|(column, _)| column.as_str()).collect();
    assert_eq!(
        columns,
        ["offered", "answered_in_sl", "abandoned", "abandoned_in_sl", "talk_s", "hold_s", "service_level_s"]
    );
    assert_eq!(row.get(Column::Offered), Some(Value::Count(29)));
    assert!(row.extra().iter().all(|extra| extra.metric.is_some()));
    assert_eq!(row.values().len() - 1 + row.extra().len(), values.len(), "nothing is lost");
    let custom = row.extra().iter().find(|extra| &*extra.label == "Contacts answered 40 seconds").unwrap();
    assert_eq!(custom.metric.as_deref(), Some("SUM_CONTACTS_ANSWERED_IN_X(40)"));
    assert_eq!(custom.value, ExtraValue::Number(Value::Count(31)));
}
