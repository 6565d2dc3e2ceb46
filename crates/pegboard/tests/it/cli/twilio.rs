//! Files of Twilio's events to reports.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::support::binary::{Ended, run, words};

/// 2026-01-01T09:00:00Z, in seconds.
const NINE: i64 = 1_767_258_000;

fn replay(folder: &Path, arguments: &str) -> Ended {
    run(folder, &words(&format!("replay --source twilio {arguments}")))
}

/// One event as it is posted, so many seconds after nine.
fn posted(id: &str, kind: &str, after: i64, more: &str) -> String {
    let at = NINE + after;
    format!("EventType={kind}&Sid={id}&Timestamp={at}&TimestampMs={at}000&WorkspaceSid=WS1{more}\n")
}

/// Ann is there for a quarter of an hour: one contact that waited 20 s, talked 60 s and took 30 s afterwards, then a break of
/// five minutes; and another contact gave up after 12 s.
fn morning() -> String {
    let worker = |version: u64, activity: &str| {
        format!(
            "&WorkerSid=WK1&WorkerName=ann%40example.com&WorkerVersion={version}&WorkerActivitySid=WA-{activity}&WorkerActivityName={activity}"
        )
    };
    let task = |id: &str, entered: i64| {
        let entered = NINE + entered;
        format!(
            "&TaskSid={id}&TaskChannelUniqueName=voice&TaskQueueSid=WQ1&TaskQueueName=Sales&TaskQueueEnteredDate={entered}"
        )
    };
    let reserved = |version: u64| {
        task("WT1", 40)
            + &format!("&ReservationSid=WR1&ReservationVersion={version}")
            + &worker(1, "Available")
    };
    let mut text = String::new();
    for (number, (kind, after, more)) in (1..).zip([
        ("worker.activity.update", 0, worker(1, "Available")),
        ("task-queue.entered", 40, task("WT1", 40)),
        ("reservation.created", 55, reserved(0)),
        ("reservation.accepted", 60, reserved(1)),
        ("task-queue.entered", 70, task("WT2", 70)),
        ("task.canceled", 82, task("WT2", 70) + "&TaskCanceledReason=hangup"),
        ("reservation.wrapup", 120, reserved(2)),
        ("reservation.completed", 150, reserved(3)),
        ("worker.activity.update", 600, worker(2, "Break")),
        ("worker.activity.update", 900, worker(3, "Offline")),
    ]) {
        write!(text, "{}", posted(&format!("EV{number:02}"), kind, after, &more)).unwrap();
    }
    text
}

fn column(table: &str, name: &str) -> Vec<String> {
    let mut lines = table.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let at = lines.next().unwrap().iter().position(|column| *column == name).unwrap();
    lines.map(|line| line[at].to_owned()).collect()
}

/// The first row has this many in the column.
#[track_caller]
fn assert_first(table: &str, name: &str, expected: u32) {
    let found: f64 = column(table, name)[0].parse().unwrap();
    assert!((found - f64::from(expected)).abs() < 0.0005, "{name}: {found}, not {expected}: {table}");
}

#[test]
fn callbacks_become_reports_of_queues_and_agents() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("events"), morning()).unwrap();
    let queues = replay(folder.path(), "--events events --report queue_interval").well().text();
    for (name, expected) in [("offered", 2), ("answered", 1), ("abandoned", 1), ("talk_s", 60), ("acw_s", 30)]
    {
        assert_first(&queues, name, expected);
    }
    let agents = replay(folder.path(), "--events events --report agent_interval").well().text();
    assert_first(&agents, "talk_s", 60);
    assert_first(&agents, "acw_s", 30);
    let alone = replay(folder.path(), "--events events --report agent_interval --site-style activity");
    assert_first(&alone.well().text(), "talk_s", 0);
}

#[test]
fn what_cannot_be_used_is_told_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let bad = posted("EV90", "reservation.accepted", 0, "");
    let old = posted("EV91", "task.created", -NINE, "&TaskSid=WT1");
    fs::write(folder.path().join("events"), format!("{bad}StatusCallbackEvent=start\n{old}[\n{}", morning()))
        .unwrap();
    let ended = replay(folder.path(), "--events events --report sessions").well();
    for told in [
        "3 records could not be used",
        "events:1: worker_sid: missing",
        "events:3: timestamp: 1970-",
        "events:4: not JSON",
    ] {
        assert!(ended.stderr.contains(told), "{told}: {}", ended.stderr);
    }
    assert!(ended.stderr.contains("left out: 1 record"), "{}", ended.stderr);
}

#[test]
fn files_of_another_source_and_what_is_made_of_it_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("events"), morning()).unwrap();
    let refused = |arguments: &str, said: &str| {
        replay(folder.path(), &format!("{arguments} --report sessions")).refused(64, &[said]);
    };
    refused("--agent-events events", "give --events FILE");
    refused("", "nothing to read: give --events FILE");
    refused("--events events --encode aspect-rta --out look", "Twilio has none");
}
