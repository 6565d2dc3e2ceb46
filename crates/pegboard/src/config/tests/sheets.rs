//! The tables beside the file.

use std::path::Path;

use pegboard_engine::queues::QueueGoals;
use pegboard_engine::{StatusTable, StatusType};
use pegboard_model::Millis;

use super::super::{labels, queue_settings, statuses};

fn status_table(content: &str) -> Result<StatusTable, String> {
    statuses::parse(Path::new("statuses.csv"), content.as_bytes()).map_err(|errors| errors.to_string())
}

fn goals_of(content: &str, queue: &str) -> QueueGoals {
    let goals = queue_settings::parse(Path::new("queues.csv"), content.as_bytes()).expect(content);
    goals.goals[queue]
}

#[test]
fn every_fault_of_a_table_of_labels_is_told_at_once() {
    let content =
        "label,metric\nWarteschlange,queue\n,text\n warteschlange ,text\nX,CONTACTS\nY,SERVICE_LEVEL(20)\n";
    let errors = labels::parse(Path::new("labels.csv"), content.as_bytes()).unwrap_err();
    let told: Vec<String> = errors
        .faults()
        .iter()
        .map(|fault| format!("{}: {}", fault.place.expect("a place").line, fault.message))
        .collect();
    assert_eq!(told[..2], ["3: the label is missing", "4: the label \"warteschlange\" is already there"]);
    assert!(told[2].starts_with("5: `CONTACTS` is no metric such as"), "{told:?}");
    assert_eq!(told.len(), 3);
}

#[test]
fn opening_hours_are_read_where_they_are_said() {
    let content = "queue,service_level_s,short_abandon_s,channel,opening_hours\n\
                   Sales,20,5,,Mon-Fri 08:00-18:00; Sat 09:00-13:00\nChats,60,5,chat,Mon-Sun 00:00-24:00\nOther,20,5,,\n";
    let settings = queue_settings::parse(Path::new("queues.csv"), content.as_bytes()).unwrap();
    assert_eq!(settings.goals.len(), 3);
    let open: Vec<_> =
        settings.open.iter().map(|(queue, open)| (queue.as_str(), open.channel.as_str())).collect();
    assert_eq!(open, [("Chats", "CHAT"), ("Sales", "VOICE")]);
    assert_eq!(settings.open["Chats"].hours, "Mon-Sun 00:00-24:00".parse().unwrap());

    let wrong =
        "queue,service_level_s,short_abandon_s,opening_hours,channel\nA,20,5,Mo 8-18,\nB,20,5,,CHAT\n";
    let told = queue_settings::parse(Path::new("queues.csv"), wrong.as_bytes()).unwrap_err().to_string();
    assert!(told.contains("\"Mo 8-18\" is not a weekday") && told.contains("queues.csv:2:8"), "{told}");
    assert!(
        told.contains("a channel without opening hours says nothing") && told.contains("queues.csv:3"),
        "{told}"
    );
}

fn goals(service_level: i64, short_abandon: i64) -> QueueGoals {
    let (service_level, short_abandon) = (Millis::new(service_level), Millis::new(short_abandon));
    QueueGoals { service_level, short_abandon }
}

#[test]
fn a_status_table_is_read_as_spreadsheets_write_it() {
    let mut expected = StatusTable::default();
    expected.set("Available", StatusType::Available);
    expected.set("Lunch, long \"break\"", StatusType::SignedIn);
    expected.set("Gone", StatusType::SignedOut);
    expected.set("Coaching", StatusType::Productive);
    let rows = "Available,A\n\"Lunch, long \"\"break\"\"\",1\n Gone , 0 \nCoaching,p";
    for content in [
        format!("StateName,StateType\n{rows}"),
        format!("\u{feff}statename , STATETYPE\n\n{rows}\n\n,\n"),
        format!("StateName,StateType\n{rows}\n").replace('\n', "\r\n"),
        format!("StateName,StateType,\n{}", rows.replace('\n', ",\n")),
    ] {
        assert_eq!(status_table(&content).as_ref(), Ok(&expected), "{content}");
    }
    let turned = "StateType,StateName\nA,Available\n1,\"Lunch, long \"\"break\"\"\"\n0,Gone\nP,\"Coaching\"";
    assert_eq!(status_table(turned), Ok(expected));
}

#[test]
fn a_quoted_name_may_hold_a_line_end() {
    let mut expected = StatusTable::default();
    expected.set("two\nlines", StatusType::Productive);
    assert_eq!(status_table("StateName,StateType\n\"two\nlines\",P\n"), Ok(expected));
}

#[test]
fn every_fault_of_a_status_table_is_told_at_once() {
    let content = "StateName,StateType\nBreak,B\nLunch\n,1\nBREAK,1\n\"a\"b,1\nx,1,y\n\"open,1\n";
    insta::assert_snapshot!(status_table(content).unwrap_err(), @r#"
    error: expected one of A, P, 1, 0, found "B"
     --> statuses.csv:2:7
      |
    2 | Break,B
      |       ^
      = key: column StateType
      = help: A is available, P productive, 1 signed in, 0 signed out

    error: expected one of A, P, 1, 0, found ""
     --> statuses.csv:3:6
      |
    3 | Lunch
      |      ^
      = key: column StateType
      = help: A is available, P productive, 1 signed in, 0 signed out

    error: the name of the status is missing
     --> statuses.csv:4:1
      |
    4 | ,1
      | ^
      = key: column StateName

    error: the status "BREAK" is already there, on line 2
     --> statuses.csv:5:1
      |
    5 | BREAK,1
      | ^^^^^
      = key: column StateName
      = help: case does not matter

    error: text follows the closing quote
     --> statuses.csv:6:4
      |
    6 | "a"b,1
      |    ^
      = help: a quote within a quoted text is written twice

    error: the row has more cells than the header
     --> statuses.csv:7:5
      |
    7 | x,1,y
      |     ^
      = help: a text that holds a comma is put in quotes

    error: this quote is never closed
     --> statuses.csv:8:1
      |
    8 | "open,1
      | ^
    "#);
}

#[test]
fn a_header_that_does_not_fit_is_told() {
    insta::assert_snapshot!(status_table("StateNam,Type,StateType,StateType\nBreak,A\n").unwrap_err(), @r#"
    error: the column "StateNam" is not known
     --> statuses.csv:1:1
      |
    1 | StateNam,Type,StateType,StateType
      | ^^^^^^^^
      = help: did you mean StateName?

    error: the column "Type" is not known
     --> statuses.csv:1:10
      |
    1 | StateNam,Type,StateType,StateType
      |          ^^^^
      = help: the columns are StateName,StateType

    error: the column StateType is there twice
     --> statuses.csv:1:25
      |
    1 | StateNam,Type,StateType,StateType
      |                         ^^^^^^^^^

    error: the column StateName is missing
     --> statuses.csv:1:34
      |
    1 | StateNam,Type,StateType,StateType
      |                                  ^
    "#);
    insta::assert_snapshot!(status_table("StateName;StateType\nBreak;A\n").unwrap_err(), @"
    error: columns are separated by commas
     --> statuses.csv:1:1
      |
    1 | StateName;StateType
      | ^^^^^^^^^^^^^^^^^^^
    ");
    insta::assert_snapshot!(status_table("\n\n").unwrap_err(), @"
    error: the file is empty; it begins with a header: StateName,StateType
     --> statuses.csv
    ");
}

#[test]
fn r28_thresholds_are_exact() {
    let content = "queue,service_level_s,short_abandon_s\nSales,20,5\n\"Support, EN\",12.5,0.005\nnone,0,0\nday,86400,1.25\n";
    assert_eq!(goals_of(content, "Sales"), goals(20_000, 5_000));
    assert_eq!(goals_of(content, "Support, EN"), goals(12_500, 5));
    assert_eq!(goals_of(content, "none"), goals(0, 0));
    assert_eq!(goals_of(content, "day"), goals(86_400_000, 1_250));
    assert_eq!(
        goals_of("short_abandon_s,queue,service_level_s\n3,Sales,30\n", "Sales"),
        goals(30_000, 3_000)
    );
}

#[test]
fn r28_every_fault_of_thresholds_is_told_at_once() {
    let content = "queue,service_level_s,short_abandon_s\nSales,20s,-1\nSales,86400.001,0.0005\n,20,\nx,1e3,٣\ny,.5,5.\n";
    let errors = queue_settings::parse(Path::new("queues.csv"), content.as_bytes()).unwrap_err();
    insta::assert_snapshot!(errors, @r#"
    error: expected seconds from 0 to 86400, with at most three decimals, found "20s"
     --> queues.csv:2:7
      |
    2 | Sales,20s,-1
      |       ^^^
      = key: column service_level_s

    error: expected seconds from 0 to 86400, with at most three decimals, found "-1"
     --> queues.csv:2:11
      |
    2 | Sales,20s,-1
      |           ^^
      = key: column short_abandon_s

    error: the queue "Sales" is already there, on line 2
     --> queues.csv:3:1
      |
    3 | Sales,86400.001,0.0005
      | ^^^^^
      = key: column queue

    error: expected seconds from 0 to 86400, with at most three decimals, found "86400.001"
     --> queues.csv:3:7
      |
    3 | Sales,86400.001,0.0005
      |       ^^^^^^^^^
      = key: column service_level_s

    error: expected seconds from 0 to 86400, with at most three decimals, found "0.0005"
     --> queues.csv:3:17
      |
    3 | Sales,86400.001,0.0005
      |                 ^^^^^^
      = key: column short_abandon_s

    error: the queue is missing
     --> queues.csv:4:1
      |
    4 | ,20,
      | ^
      = key: column queue

    error: expected seconds from 0 to 86400, with at most three decimals, found nothing
     --> queues.csv:4:5
      |
    4 | ,20,
      |     ^
      = key: column short_abandon_s

    error: expected seconds from 0 to 86400, with at most three decimals, found "1e3"
     --> queues.csv:5:3
      |
    5 | x,1e3,٣
      |   ^^^
      = key: column service_level_s

    error: expected seconds from 0 to 86400, with at most three decimals, found "٣"
     --> queues.csv:5:7
      |
    5 | x,1e3,٣
      |       ^
      = key: column short_abandon_s

    error: expected seconds from 0 to 86400, with at most three decimals, found ".5"
     --> queues.csv:6:3
      |
    6 | y,.5,5.
      |   ^^
      = key: column service_level_s

    error: expected seconds from 0 to 86400, with at most three decimals, found "5."
     --> queues.csv:6:6
      |
    6 | y,.5,5.
      |      ^^
      = key: column short_abandon_s
    "#);
}

#[test]
fn the_vendors_sample_is_read() {
    let sample = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/data/amazon-connect/agent-events/ASPECT_AGENT_STATUS_INFO.csv"
    );
    if !Path::new(sample).exists() {
        eprintln!("skipped: {sample} is not there");
        return;
    }
    let mut expected = StatusTable::default();
    expected.set("Available", StatusType::Available);
    expected.set("Offline", StatusType::SignedOut);
    assert_eq!(statuses::read(Path::new(sample)), Ok(expected));
}

#[test]
fn a_table_that_is_not_there_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let errors = statuses::read(&folder.path().join("none.csv")).unwrap_err().to_string();
    assert!(
        errors.starts_with("error: the table cannot be read: ") && errors.contains("none.csv"),
        "{errors}"
    );
}
