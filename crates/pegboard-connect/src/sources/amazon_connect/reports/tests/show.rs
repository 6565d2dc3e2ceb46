//! A file with everything at once, as it is read.

use super::*;

const FILE: &str = include_str!("../../fixtures/queue-report.csv");

#[test]
fn a_queue_report_with_every_trap_is_read() {
    let read = read(FILE).unwrap();
    let bodies: Vec<_> = read.rows.iter().map(|row| serde_json::to_string(row).unwrap()).collect();
    let unknown = read.unknown.join(", ");
    insta::assert_snapshot!(format!("unknown: {unknown}\n{}", bodies.join("\n")));
}
