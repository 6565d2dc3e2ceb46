use super::*;

fn recognised(name: &str) -> Option<(String, Expected, String)> {
    let file = reader().recognise(&format!("connect/acme/Reports/wfm/{name}"), modified())?;
    Some((file.name.to_string(), file.expected, file.made.to_string()))
}

#[test]
fn the_longest_pattern_that_fits_says_what_a_file_is() {
    let report = Expected::Report;
    for (name, called, expected) in [
        ("QR-2026-03-01T09:30:00Z.csv", "QR", report(AcdReport::QueueInterval)),
        ("qr sales-2026-03-01T09:30:00Z.csv", "QR", report(AcdReport::QueueInterval)),
        ("AQR-2026-03-01T09:30:00Z.csv", "AQR", report(AcdReport::AgentQueueInterval)),
        ("ASPR_15min-2026-03-01T09:30:00Z.CSV", "ASPR", report(AcdReport::AgentInterval)),
        ("LoginLogout-2026-03-01T00:15:00Z.csv", "LoginLogout", Expected::Logins),
        ("Login_Logout report.csv", "Login_Logout", Expected::Logins),
        ("sfIntervalQueue-2026-03-01T09:30:00Z.csv", "sfIntervalQueue", Expected::ByGrouping),
    ] {
        let found = recognised(name);
        assert_eq!(
            found.map(|(name, expected, _)| (name, expected)),
            Some((called.to_owned(), expected)),
            "{name}"
        );
    }
    for name in ["QR-2026-03-01T09:30:00Z.csv.gz", "QR", ".csv", "", "notes.txt", "QR.csv/"] {
        assert_eq!(recognised(name), None, "{name}");
    }
}

#[test]
fn a_mark_may_stand_anywhere() {
    let pattern = |name: &str, expected| ReportPattern { name: name.into(), expected };
    let patterns = vec![
        pattern("*QR", Expected::Report(AcdReport::QueueInterval)),
        pattern("*AQR", Expected::Report(AcdReport::AgentQueueInterval)),
        pattern("Calabrio*Agent", Expected::Nothing),
    ];
    let reader = ReportReader::new(ReportSettings { patterns, ..ReportSettings::default() });
    let kind = |name: &str| reader.recognise(name, modified()).map(|file| file.expected);
    assert_eq!(kind("Sales QR-2026-03-01.csv"), Some(Expected::Report(AcdReport::QueueInterval)));
    assert_eq!(kind("Sales AQR-2026-03-01.csv"), Some(Expected::Report(AcdReport::AgentQueueInterval)));
    assert_eq!(kind("Calabrio_AgentProductivity-2026-03-01.csv"), Some(Expected::Nothing));
    assert_eq!(
        kind("Calabrio_ServiceHistorical-2026-03-01.csv"),
        None,
        "no pattern for everything, no report"
    );
}

#[test]
fn the_time_in_the_name_is_read_as_it_comes() {
    for name in [
        "QR-2026-03-01T09:30:00Z.csv",
        "QR-2026-03-01T09%3A30%3A00Z.csv",
        "QR-2026-03-01T09_30_00Z.csv",
        "QR-2026-03-01T09-30-00.csv",
        "QR-2026-03-01T093000Z.csv",
        "QR-2025-01-01-2026-03-01T09:30:00.000Z.csv",
        "QR%2F..%2FQR-2026-03-01T09:30:00Z.csv",
    ] {
        assert_eq!(
            recognised(name).map(|(.., made)| made).as_deref(),
            Some("2026-03-01T09:30:00Z"),
            "{name}"
        );
    }
    assert_eq!(
        recognised("QR-2026-03-01.csv").map(|(.., made)| made).as_deref(),
        Some("2026-03-01T00:00:00Z")
    );
    for name in ["QR.csv", "QR-2026-13-01T09:30:00Z.csv", "QR-2026-03-01T99:30:00Z.csv", "QR-%zz%E4.csv"] {
        assert_eq!(recognised(name).map(|(.., made)| made), Some(modified().to_string()), "{name}");
    }
}

#[test]
fn settings_name_what_is_expected() {
    for name in Expected::names() {
        assert!(Expected::from_name(name).is_some(), "{name}");
    }
    assert_eq!(Expected::from_name("queues"), None);
}
