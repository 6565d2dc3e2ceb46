//! What is read: standard input, compressed files, both kinds in one, and records that cannot be used.

use std::fs;
use std::io::Write;
use std::path::Path;

use super::{FILES, small_day};
use crate::support::binary::{replay, run_with, words};
use crate::support::event::{change, minute};

/// All interval reports and segments of the files of a folder, as one text.
fn everything(folder: &Path, files: &str) -> String {
    let reports = "segments,sessions,agent_interval,group_interval,queue_interval,agent_queue_interval";
    let out = tempfile::tempdir().unwrap();
    let ended = replay(folder, &format!("{files} --report {reports} --out {}", out.path().display())).well();
    assert_eq!((ended.stderr.as_str(), ended.text().as_str()), ("", ""));
    reports
        .split(',')
        .map(|report| fs::read_to_string(out.path().join(format!("{report}.csv"))).unwrap())
        .collect()
}

#[test]
fn compressed_files_are_read_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    small_day(folder.path());
    let expected = everything(folder.path(), FILES);
    let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&read("agent-events.ndjson")).unwrap();
    fs::write(folder.path().join("agent-events.ndjson.gz"), gzip.finish().unwrap()).unwrap();
    let zstd = zstd::encode_all(&read("contact-records.ndjson")[..], 1).unwrap();
    fs::write(folder.path().join("contact-records.ndjson.zst"), zstd).unwrap();
    let files = "--agent-events agent-events.ndjson.gz --contact-records contact-records.ndjson.zst";
    assert_eq!(everything(folder.path(), files), expected);
}

#[test]
fn both_kinds_may_stand_in_one_file_or_each_in_several() {
    let folder = tempfile::tempdir().unwrap();
    small_day(folder.path());
    let expected = everything(folder.path(), FILES);
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let (events, records) = (read("agent-events.ndjson"), read("contact-records.ndjson"));
    // Objects without anything between them, as Firehose writes them.
    let mixed = records.replace('\n', "") + &events;
    fs::write(folder.path().join("mixed"), mixed).unwrap();
    assert_eq!(everything(folder.path(), "--agent-events mixed"), expected);
    assert_eq!(everything(folder.path(), "--contact-records mixed"), expected);
    let (first, second) = events.split_at(events[..events.len() / 2].rfind('\n').unwrap() + 1);
    fs::write(folder.path().join("second"), second).unwrap();
    fs::write(folder.path().join("first"), first).unwrap();
    let files = "--agent-events second --agent-events first --contact-records contact-records.ndjson";
    assert_eq!(everything(folder.path(), files), expected);
}

#[test]
fn a_dash_is_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    small_day(folder.path());
    let expected = replay(folder.path(), &format!("{FILES} --report segments")).well();
    let input = fs::read(folder.path().join("agent-events.ndjson")).unwrap();
    let arguments = "replay --source amazon-connect --agent-events - \
                     --contact-records contact-records.ndjson --report segments";
    let ended = run_with(folder.path(), &words(arguments), &input).well();
    assert_eq!(ended.stdout, expected.stdout);
}

#[test]
fn r07_bad_records_are_counted_and_the_first_are_shown_with_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let good = change(minute(0), "Available") + "\n";
    let end = change(minute(10), "Offline") + "\n";
    let nameless = change(minute(1), "Break").replace("EventId", "EventKey") + "\n";
    fs::write(folder.path().join("good"), format!("{good}{end}")).unwrap();
    fs::write(folder.path().join("one"), format!("{good}\n{nameless}{end}")).unwrap();
    fs::write(folder.path().join("two"), nameless.repeat(12) + &good + &end).unwrap();
    let expected = replay(folder.path(), "--agent-events good --report segments").well();

    let one = replay(folder.path(), "--agent-events one --report segments").well();
    assert_eq!(one.stdout, expected.stdout);
    assert_eq!(one.stderr, "pegboard: 1 record could not be used\n  one:3: EventId: missing\n");

    let all = replay(folder.path(), "--agent-events two --agent-events one --report segments").well();
    assert_eq!(all.stdout, expected.stdout);
    let lines: Vec<_> = all.stderr.lines().collect();
    assert_eq!(lines[0], "pegboard: 13 records could not be used");
    let shown: Vec<_> = (1..=10).map(|line| format!("  two:{line}: EventId: missing")).collect();
    assert_eq!(lines[1..11], shown);
    assert_eq!(lines[11..], ["  and 3 more"]);

    replay(folder.path(), "--agent-events one --report segments --strict")
        .refused(2, &["1 record could not be used", "one:3", "--strict"]);
    replay(folder.path(), "--agent-events good --report segments --strict").well();
}

#[test]
fn r07_a_record_that_is_cut_off_is_a_bad_record() {
    let folder = tempfile::tempdir().unwrap();
    let good = change(minute(0), "Available");
    fs::write(folder.path().join("cut"), format!("{good}\n{}", &good[..good.len() / 2])).unwrap();
    let ended = replay(folder.path(), "--agent-events cut --report segments").well();
    assert!(ended.stderr.contains("cut:2: the input ends inside the record"), "{}", ended.stderr);
    let broken = "\u{1f}\u{8b}not gzip";
    fs::write(folder.path().join("broken.gz"), [&[0x1f, 0x8b, 8, 0][..], broken.as_bytes()].concat())
        .unwrap();
    replay(folder.path(), "--agent-events broken.gz --report segments").refused(1, &["broken.gz"]);
}

#[test]
fn records_of_something_else_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let text = change(minute(0), "Available") + "{\"detail\":1}{\"detail\":2}";
    fs::write(folder.path().join("mixed"), text).unwrap();
    let ended = replay(folder.path(), "--agent-events mixed --report segments --strict").well();
    assert!(ended.stderr.contains("left out: 2 records that are neither"), "{}", ended.stderr);
}
