//! What cuts a segment, and what does not.

use crate::support::day;

/// How many segments two snapshots make.
fn segments(first: &str, second: &str) -> usize {
    day(&format!("09:00 {first}; 09:10 {second}")).timeline.segments.len()
}

#[test]
fn everything_that_a_row_shows_cuts() {
    let cuts = [
        ("class", "Available", "Available + c1 VOICE INBOUND CONNECTED"),
        ("status", "Break", "Lunch"),
        ("status id", "Break#1", "Break#2"),
        ("status name", "Break#1", "Pause#1"),
        (
            "status under a contact",
            "Available + c1 VOICE INBOUND CONNECTED",
            "Break + c1 VOICE INBOUND CONNECTED",
        ),
        ("contact", "Available + c1 VOICE INBOUND CONNECTED", "Available + c2 VOICE INBOUND CONNECTED"),
        ("queue", "Available + c1 VOICE INBOUND ENDED queue:a", "Available + c1 VOICE INBOUND ENDED queue:b"),
        ("channel", "Available + c1 VOICE INBOUND ENDED", "Available + c1 CHAT INBOUND ENDED"),
        ("initiation", "Available + c1 VOICE INBOUND ENDED", "Available + c1 VOICE TRANSFER ENDED"),
        ("phase", "Available + c1 TASK INBOUND CONNECTED_ONHOLD", "Available + c1 TASK INBOUND PAUSED"),
        (
            "phase within ringing",
            "Available + c1 VOICE INBOUND INCOMING",
            "Available + c1 VOICE INBOUND CONNECTING",
        ),
        ("team", "Available team:Blue", "Available team:Red"),
        ("top level", "Available level1:Blue", "Available level1:Red"),
        ("bottom level", "Available level5:Blue", "Available level5:Red"),
        ("routing profile", "Available routing:Sales", "Available routing:Service"),
        ("sign-out", "Offline", "LOGOUT Offline"),
    ];
    for (what, first, second) in cuts {
        assert_eq!(segments(first, second), 2, "{what}");
        assert_eq!(segments(second, second), 1, "{what}, unchanged");
    }
}

#[test]
fn what_no_row_shows_does_not_cut() {
    let joins = [
        ("login", "Available team:Blue login:ann", "Available team:Blue login:ann.lee"),
        ("name", "Available team:Blue name:Ann", "Available team:Blue name:Anne"),
        ("a profile that is not told", "Available team:Blue", "Available"),
        (
            "another contact",
            "Available + c1 VOICE INBOUND CONNECTED",
            "Available + c1 VOICE INBOUND CONNECTED + c2 CHAT INBOUND ENDED",
        ),
        (
            "the reported start",
            "Available + c1 VOICE INBOUND CONNECTED",
            "Available + c1 VOICE INBOUND CONNECTED @08:00",
        ),
        ("a monitored contact", "Available", "Available + c1 VOICE MONITOR CONNECTED"),
    ];
    for (what, first, second) in joins {
        assert_eq!(segments(first, second), 1, "{what}");
    }
}

#[test]
fn a_cut_within_contact_work_starts_at_its_event() {
    let told = day("09:00 Available team:Blue
        09:05 Available + c1 VOICE INBOUND CONNECTED @09:05
        09:10 Break @09:08 team:Red + c1 VOICE INBOUND CONNECTED @09:05");
    assert_eq!(told.classes(), "unknown, 09:00 available, 09:05 talk, 09:10 talk");
}
