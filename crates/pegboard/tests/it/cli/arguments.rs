//! Arguments that cannot be are refused with code 64 and the reason, before anything is read.

use super::{FILES, small_day};
use crate::support::binary::{replay, run};

#[test]
fn arguments_that_cannot_be_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    small_day(folder.path());
    for (arguments, said) in [
        (format!("{FILES} --report segment"), &["no report 'segment'", "segments", "agent_queue_daily"][..]),
        (format!("{FILES} --report segments,sessions"), &["--out"]),
        (format!("{FILES} --report daily"), &["--out"]),
        (FILES.into(), &["--report"]),
        (format!("{FILES} --report segments --time-zone Mars/Base"), &["Mars/Base", "IANA"]),
        (format!("{FILES} --report segments --interval 7m"), &["5m, 10m, 15m, 30m or 60m"]),
        (format!("{FILES} --report segments --interval 24h"), &["5m, 10m, 15m, 30m or 60m"]),
        (format!("{FILES} --report segments --pegging never"), &["never", "acw_end"]),
        (format!("{FILES} --report segments --service-level soon"), &["--service-level", "seconds"]),
        (format!("{FILES} --report segments --from yesterday"), &["--from"]),
        (
            format!("{FILES} --report segments --from 2026-03-02T09:00:00Z --to 2026-03-02T09:00:00Z"),
            &["window is empty", "2026-03-02T09:00:00Z"],
        ),
        (
            format!("{FILES} --report segments --from 2026-03-02T09:00:00Z --to 2026-03-02T08:00:00Z"),
            &["window is empty"],
        ),
        ("--report segments".into(), &["nothing to read", "--agent-events"]),
        ("--agent-events missing.ndjson --report segments".into(), &["missing.ndjson"]),
        ("--agent-events . --report segments".into(), &["is a folder"]),
        ("--agent-events - --contact-records - --report segments".into(), &["standard input", "once"]),
        (format!("{FILES} --report segments --statuses missing.csv"), &["missing.csv"]),
        (format!("{FILES} --report segments --queue-settings agent-events.ndjson"), &["agent-events.ndjson"]),
        (format!("{FILES} --report segments --format xml"), &["xml"]),
        (format!("{FILES} --report segments --format json --spreadsheet"), &["--spreadsheet", "csv"]),
        (format!("{FILES} --report segments --colour"), &["--colour"]),
    ] {
        replay(folder.path(), &arguments).refused(64, said);
    }
    run(folder.path(), &["replay", "--source", "webex", "--report", "segments"]).refused(64, &["webex"]);
    run(folder.path(), &["replya"]).refused(64, &["replya"]);
    let names: Vec<_> = folder.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "nothing was written: {names:?}");
}

#[test]
fn a_window_whose_other_side_is_found_in_the_files_may_be_empty_too() {
    let folder = tempfile::tempdir().unwrap();
    small_day(folder.path());
    replay(folder.path(), &format!("{FILES} --report segments --from 2027-01-01T00:00:00Z"))
        .refused(64, &["window is empty"]);
}

#[test]
fn help_and_version_are_answers() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, said) in
        [("--help", "Usage: pegboard"), ("--version", "pegboard 0."), ("replay --help", "--contact-records")]
    {
        let ended = run(folder.path(), &arguments.split(' ').collect::<Vec<_>>()).well();
        assert!(ended.text().contains(said), "{}", ended.text());
        assert_eq!(ended.stderr, "");
    }
}
