//! Activities: states that were told with their end.

use pegboard_engine::TimelinePolicy;

use crate::support::{Day, at, day, day_with_silence, shown};

fn known_until(day: &Day, watermark: &str) -> Vec<String> {
    day.track.silence_until(at(watermark), &TimelinePolicy::default()).iter().map(shown).collect()
}

#[test]
fn an_activity_ends_when_it_was_told_to_and_nothing_is_known_after_it() {
    let told = day("09:00 ACTIVITY until:09:10 Break; 09:30 Available");
    assert_eq!(
        told.segments(),
        ["09:00-09:10 aux Break", "09:10-09:30 unknown", "09:30- available Available"]
    );
    let again = day("09:00 ACTIVITY until:09:10 Break; 09:30 ACTIVITY until:09:40 Break");
    assert_eq!(
        again.classes(),
        "unknown, 09:00 aux, 09:10 unknown, 09:30 aux",
        "the same again is not the same still"
    );
}

#[test]
fn activities_that_follow_each_other_leave_nothing_unknown() {
    let told = day("09:00 ACTIVITY until:09:10 Break; 09:10 ACTIVITY until:09:20 Lunch; 09:20 Available");
    assert_eq!(told.classes(), "unknown, 09:00 aux, 09:10 aux, 09:20 available");
    let joined = day("09:00 ACTIVITY until:09:10 Break; 09:10 ACTIVITY until:09:20 Break; 09:30 Available");
    assert_eq!(joined.classes(), "unknown, 09:00 aux, 09:20 unknown, 09:30 available");
}

#[test]
fn whatever_is_told_in_between_holds_from_then_on() {
    let told = day("09:00 ACTIVITY until:09:30 Break; 09:10 Available; 09:50 Lunch");
    assert_eq!(told.classes(), "unknown, 09:00 aux, 09:10 available, 09:50 aux", "its end is no news then");
    let told = day("09:00 Break; 09:10 Available; 09:00 at:p/7 ACTIVITY until:09:10 Break");
    assert_eq!(told.classes(), "unknown, 09:00 aux, 09:10 available", "the log of what was told before");
    let told = day("09:00 ACTIVITY until:09:30 Break; 09:10 ACTIVITY until:09:20 Lunch; 09:40 Available");
    assert_eq!(
        told.classes(),
        "unknown, 09:00 aux, 09:10 aux, 09:20 unknown, 09:40 available",
        "what was interrupted is not taken up again"
    );
}

#[test]
fn a_contact_of_an_activity_ends_with_it() {
    let told = day("09:00 ACTIVITY until:09:05 Available + c1 VOICE INBOUND CONNECTED; 09:07 Available");
    assert_eq!(told.classes(), "unknown, 09:00 talk, 09:05 unknown, 09:07 available");
}

#[test]
fn a_reported_start_reaches_back_to_the_end_of_an_activity_at_most() {
    let told =
        |since: &str| day(&format!("09:00 ACTIVITY until:09:10 Break; 09:30 Available @{since}")).classes();
    assert_eq!(told("09:10"), "unknown, 09:00 aux, 09:10 unknown, 09:30 available");
    assert_eq!(told("09:15"), "unknown, 09:00 aux, 09:10 unknown, 09:15 available");
    assert_eq!(told("09:05"), "unknown, 09:00 aux, 09:10 unknown, 09:30 available");
}

#[test]
fn the_end_of_the_last_one_is_known_without_another_event() {
    let told = day("09:00 ACTIVITY until:09:10 Break");
    assert!(known_until(&told, "09:10").is_empty());
    assert_eq!(known_until(&told, "09:10:01"), ["09:00-09:10 aux Break", "09:10- unknown"]);
    assert_eq!(
        known_until(&told, "21:10"),
        ["09:00-09:10 aux Break", "09:10-21:10 unknown", "21:10- signed_out"],
        "who comes back does so within half a day"
    );
    let out = day("09:00 ACTIVITY until:09:10 Offline");
    assert!(known_until(&out, "99:00").is_empty(), "who is signed out stays so");
}

#[test]
fn where_there_are_heartbeats_silence_begins_with_the_end() {
    let told = day_with_silence("09:00 ACTIVITY until:09:30 Break; 09:40 BEAT Available");
    assert_eq!(told.classes(), "unknown, 09:00 aux, 09:30 unknown, 09:40 available");
}
