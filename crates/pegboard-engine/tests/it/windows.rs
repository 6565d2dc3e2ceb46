//! Spans of a timeline within a window.

use crate::support::{at, day, spans, window};

const DAY: &str = "08:50 LOGIN Offline; 09:00 Available; 09:30 Break; 10:00 LOGOUT; 11:00 LOGIN Available";

fn clipped(from: &str, to: &str, known_until: &str) -> Vec<String> {
    spans(&day(DAY), window(from, to), at(known_until))
}

#[test]
fn spans_cover_the_window_without_gaps_the_time_before_the_first_evidence_included() {
    assert_eq!(
        clipped("08:00", "12:00", "12:00"),
        [
            "08:00-08:50 signed_out",
            "08:50-08:50 LOGIN",
            "08:50-09:00 signed_out",
            "09:00-09:30 available",
            "09:30-10:00 aux",
            "10:00-11:00 signed_out",
            "11:00-11:00 LOGIN",
            "11:00-12:00? available"
        ]
    );
}

#[test]
fn a_window_clips_what_goes_beyond_it() {
    assert_eq!(clipped("09:10", "09:50", "12:00"), ["09:10-09:30 available", "09:30-09:50 aux"]);
    assert_eq!(clipped("09:10", "09:20", "12:00"), ["09:10-09:20 available"]);
    assert_eq!(clipped("09:30", "10:00", "12:00"), ["09:30-10:00 aux"], "half-open on both sides");
}

#[test]
fn a_mark_belongs_to_the_window_that_it_starts() {
    assert_eq!(clipped("11:00", "11:10", "12:00"), ["11:00-11:00 LOGIN", "11:00-11:10? available"]);
    assert_eq!(clipped("10:50", "11:00", "12:00"), ["10:50-11:00 signed_out"]);
    assert_eq!(clipped("11:00:00.001", "11:10", "12:00"), ["11:00:00.001-11:10? available"]);
}

#[test]
fn only_a_state_that_no_evidence_has_ended_is_open() {
    assert_eq!(clipped("09:10", "09:20", "09:20"), ["09:10-09:20 available"], "it ended at 09:30");
    assert_eq!(clipped("11:10", "11:20", "12:00"), ["11:10-11:20? available"]);
}

#[test]
fn an_open_state_reaches_as_far_as_is_known() {
    assert_eq!(clipped("11:10", "12:00", "11:45"), ["11:10-11:45? available"]);
    assert!(clipped("11:50", "12:00", "11:45").is_empty());
}

#[test]
fn before_the_timeline_begins_there_is_nothing_to_say() {
    assert!(clipped("07:00", "08:50", "12:00").is_empty(), "it begins at the end of the window");
    assert_eq!(clipped("07:00", "08:50:00.001", "12:00")[0], "07:00-08:50 signed_out");
}

#[test]
fn the_time_before_the_first_evidence_is_led_in() {
    let told = day("09:00 Break team:Blue @08:55");
    let leading = told.timeline.leading_state();
    let first = told.timeline.spans(window("08:00", "10:00"), at("10:00"), &leading).next().expect("a span");
    assert!(first.leading);
    assert_eq!((first.start, first.end), (at("08:00"), at("08:55")));
    assert_eq!(
        &*first.state.profile.team, "Blue",
        "of what team the agent was is told by the first evidence"
    );
}
