//! A scheduled report, and the names of objects.

use pegboard_connect::sources::amazon_connect::reports::{ReportFile, ReportReader, ReportSettings};
use pegboard_model::acd::{MAX_KEY_BYTES, Telling};
use pegboard_model::{AcdRow, Timestamp};

const AGENT_REPORT: &str = "Agent,StartInterval,EndInterval,Online time,Agent idle time\r\n\
    ann,2026-03-01T09:00:00Z,2026-03-01T09:15:00Z,0:15:00,12.5\r\n\
    \"b, o\"\"b\",2026-03-01T10:00:00+01:00,2026-03-01T09:15:00Z,-,\r\n";

pub(crate) fn corpus() -> Vec<Vec<u8>> {
    let queue_report = include_str!("../../src/sources/amazon_connect/fixtures/queue-report.csv");
    vec![queue_report.into(), AGENT_REPORT.into()]
}

pub(crate) fn names() -> Vec<Vec<u8>> {
    let names = [
        "connect/acme/Reports/AQR-2026-03-01T09%3A30%3A00Z.csv",
        "connect%2Facme/Reports/QR_x-2026-03-01T09_30_00.CSV",
        "Login_Logout report.csv",
    ];
    names.map(Into::into).into()
}

fn recognise(name: &str) -> (ReportReader, Option<ReportFile>) {
    let reader = ReportReader::new(ReportSettings::default());
    let file = reader.recognise(name, Timestamp::from_seconds(1));
    (reader, file)
}

/// A report is read whole or not at all, and each of its rows fits into every store and comes back out of it.
pub(crate) fn take(bytes: &[u8]) {
    let (reader, file) = recognise("report-2026-03-01T09:30:00Z.csv");
    match reader.read(&file.unwrap(), bytes) {
        Ok(read) => read.rows.into_iter().for_each(check),
        Err(error) => assert!(error.to_string().len() < 5_000, "a reason is for people: {error}"),
    }
}

fn check(mut row: AcdRow) {
    assert!(row.key().len() <= MAX_KEY_BYTES);
    row.telling = Telling::default();
    let body = serde_json::to_string(&row).unwrap();
    assert_eq!(serde_json::from_str::<AcdRow>(&body).unwrap(), row, "{body}");
}

/// Whatever an object is called, it is told what it is without a look into it.
pub(crate) fn take_name(bytes: &[u8]) {
    let (_, file) = recognise(&String::from_utf8_lossy(bytes));
    assert!(file.is_none_or(|file| !file.name.is_empty()));
}
