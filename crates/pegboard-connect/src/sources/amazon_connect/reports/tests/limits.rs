use std::fmt::Write as _;

use super::*;

const HEADER: &str = "Queue,StartInterval,EndInterval";
const INTERVAL: &str = "2026-03-01T09:00:00Z,2026-03-01T09:15:00Z";

fn problem(text: &str) -> Option<ReportProblem> {
    read(text).err().map(|error| error.problem)
}

#[test]
fn r28_a_report_is_32_mib_long_at_most() {
    let note = "x".repeat(MAX_CELL_BYTES);
    let mut text = format!("{HEADER},Note\n");
    for number in 0.. {
        if text.len() + 2 * MAX_CELL_BYTES > MAX_FILE_BYTES {
            break;
        }
        writeln!(text, "{number},{INTERVAL},{note}").unwrap();
    }
    text.extend(std::iter::repeat_n('\n', MAX_FILE_BYTES - text.len()));
    assert_eq!(problem(&text), None);
    text.push('\n');
    assert_eq!(problem(&text), Some(ReportProblem::TooLong));
}

#[test]
fn r28_a_report_has_1000_columns_at_most() {
    let text = |columns: usize| {
        let cells = |cell: &str| format!(",{cell}").repeat(columns - 3);
        format!("{HEADER}{}\nq,{INTERVAL}{}\n", cells("x"), cells("1"))
    };
    assert_eq!(problem(&text(MAX_COLUMNS)), None);
    assert_eq!(problem(&text(MAX_COLUMNS + 1)), Some(ReportProblem::ManyColumns));
}

#[test]
fn r28_a_report_has_200_000_rows_at_most() {
    let text = |rows: usize| {
        let mut text = format!("{HEADER}\n");
        for number in 0..rows {
            writeln!(text, "{number},{INTERVAL}").unwrap();
        }
        text
    };
    assert_eq!(problem(&text(MAX_ROWS)), None);
    assert_eq!(problem(&text(MAX_ROWS + 1)), Some(ReportProblem::ManyRows));
}

#[test]
fn r28_a_cell_of_a_report_is_1_kib_long_at_most() {
    let plain = |length: usize| format!("{HEADER},Note\nq,{INTERVAL},{}\n", "x".repeat(length));
    let quoted = |length: usize| format!("{HEADER},Note\nq,{INTERVAL},\"{}\"\n", "x".repeat(length));
    assert_eq!(problem(&plain(MAX_CELL_BYTES)), None);
    assert_eq!(problem(&plain(MAX_CELL_BYTES + 1)), Some(ReportProblem::LongCell));
    assert_eq!(problem(&quoted(MAX_CELL_BYTES)), None);
    assert_eq!(problem(&quoted(MAX_CELL_BYTES + 1)), Some(ReportProblem::LongCell));
}

#[test]
fn r28_the_key_of_a_row_is_1_kib_long_at_most() {
    let around = "name=QR&interval_s=900&queue=".len();
    let text = |length: usize| format!("{HEADER}\n{},{INTERVAL}\n", "&".repeat(length));
    let most = (pegboard_model::acd::MAX_KEY_BYTES - around) / 3;
    assert_eq!(problem(&text(most)), None);
    assert_eq!(problem(&text(most + 1)), Some(ReportProblem::LongKey));
}

#[test]
fn r28_an_interval_of_a_report_is_31_days_long_at_most() {
    let text = |end: &str| format!("{HEADER}\nq,2026-03-01T09:00:00Z,{end}\n");
    assert_eq!(problem(&text("2026-04-01T10:00:00Z")), None);
    assert_eq!(problem(&text("2026-04-01T10:00:01Z")), Some(ReportProblem::Interval));
}

#[test]
fn r28_a_number_of_a_report_has_ten_digits_at_most() {
    let text = |number: &str| format!("{HEADER},Contacts queued\nq,{INTERVAL},{number}\n");
    assert_eq!(problem(&text("9999999999")), None);
    assert_eq!(problem(&text("10000000000")), Some(ReportProblem::NotACount));
    let text = |time: &str| format!("{HEADER},Customer hold time\nq,{INTERVAL},{time}\n");
    assert_eq!(problem(&text("9999999999")), None);
    assert_eq!(problem(&text("2777777:46:39")), None, "the same by the clock");
    assert_eq!(problem(&text("2777777:46:40")), Some(ReportProblem::NotADuration));
}
