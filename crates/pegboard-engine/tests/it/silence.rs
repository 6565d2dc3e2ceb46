//! Silence: a signed-in agent of whom nothing is heard.

use crate::support::{Day, at, day, day_with_silence, listening, shown};

/// What stands instead of the tail of the timeline once the partition is complete up to `watermark`.
fn silence_until(day: &Day, watermark: &str) -> Vec<String> {
    day.track.silence_until(at(watermark), &listening()).iter().map(shown).collect()
}

#[test]
fn a_bare_replay_ignores_it() {
    let told = day("09:00 Available; 33:00 BEAT Available");
    assert_eq!(told.classes(), "unknown, 09:00 available");
    assert!(told.track.silence_until(at("99:00"), &pegboard_engine::TimelinePolicy::default()).is_empty());
}

#[test]
fn unknown_from_the_last_evidence_on_if_the_next_is_stale_after_or_more_away() {
    let told =
        |next: &str| day_with_silence(&format!("09:00 Available; 09:02 BEAT Available; {next}")).classes();
    assert_eq!(told("09:06:59.999 BEAT Available"), "unknown, 09:00 available");
    assert_eq!(told("09:07 BEAT Available"), "unknown, 09:00 available, 09:02 unknown, 09:07 available");
    assert_eq!(told("09:10 Break"), "unknown, 09:00 available, 09:02 unknown, 09:10 aux");
    assert_eq!(told("09:10 LOGOUT"), "unknown, 09:00 available, 09:02 unknown, 09:10 signed_out");
    assert_eq!(
        told("09:10 LOGIN Offline"),
        "unknown, 09:00 available, 09:02 unknown, 09:10 LOGIN, 09:10 signed_out"
    );
}

#[test]
fn a_start_repaired_within_the_gap_ends_the_unknown_time_there() {
    let told = day_with_silence("09:00 Available; 09:10 Break @09:03");
    assert_eq!(
        told.classes(),
        "unknown, 09:00 unknown, 09:03 aux",
        "Available took no time before the silence"
    );
    let told = day_with_silence("08:59 Available; 09:00 BEAT Available; 09:10 Break @09:03");
    assert_eq!(told.classes(), "unknown, 08:59 available, 09:00 unknown, 09:03 aux");
    let told = day_with_silence("08:59 Available; 09:00 BEAT Available; 09:10 BEAT Available @08:59");
    assert_eq!(
        told.classes(),
        "unknown, 08:59 available, 09:00 unknown, 09:10 available",
        "the old start is no news"
    );
}

#[test]
fn signed_out_twelve_hours_after_the_last_evidence() {
    let told =
        |next: &str| day_with_silence(&format!("08:58 Available; 09:00 BEAT Available; {next}")).classes();
    assert_eq!(
        told("20:59:59.999 BEAT Available"),
        "unknown, 08:58 available, 09:00 unknown, 20:59:59.999 available"
    );
    assert_eq!(
        told("21:30 BEAT Available"),
        "unknown, 08:58 available, 09:00 unknown, 21:00 signed_out, 21:30 available"
    );
    assert_eq!(
        told("21:30 BEAT Available @20:00"),
        "unknown, 08:58 available, 09:00 unknown, 20:00 available",
        "the gap that counts ends at the repaired start"
    );
}

#[test]
fn who_is_signed_out_may_be_silent() {
    assert_eq!(
        day_with_silence("09:00 Offline; 20:00 Available").classes(),
        "unknown, 09:00 signed_out, 20:00 available"
    );
    let out = day_with_silence("09:00 Available; 09:01 LOGOUT; 20:00 BEAT Available");
    assert_eq!(out.classes(), "unknown, 09:00 available, 09:01 signed_out");
    assert!(silence_until(&out, "99:00").is_empty());
}

#[test]
fn who_is_on_a_contact_while_offline_is_signed_in() {
    let told = day_with_silence(
        "08:59 Offline + c1 VOICE OUTBOUND CONNECTED; 09:00 BEAT Offline + c1 VOICE OUTBOUND CONNECTED; 10:00 Offline",
    );
    assert_eq!(told.classes(), "unknown, 08:59 talk, 09:00 unknown, 10:00 signed_out");
}

#[test]
fn an_agent_in_a_phase_that_is_not_known_goes_home_too() {
    let told = day_with_silence(
        "08:59 Available + c1 VOICE INBOUND DREAMING; 09:00 BEAT Available + c1 VOICE INBOUND DREAMING; 33:00 Available",
    );
    assert_eq!(told.classes(), "unknown, 08:59 unknown, 09:00 unknown, 21:00 signed_out, 33:00 available");
    assert_eq!(told.segments()[1], "09:00-21:00 unknown", "nothing is known of the contact either");
}

#[test]
fn a_repeated_silence_is_one_span() {
    let told =
        day_with_silence("08:59 Available; 09:00 BEAT Available; 09:10 BEAT Available; 09:20 BEAT Available");
    assert_eq!(told.classes(), "unknown, 08:59 available, 09:00 unknown, 09:20 available");
    assert_eq!(
        silence_until(&told, "09:30"),
        ["09:20- unknown"],
        "what lies before the last evidence is not touched"
    );
}

#[test]
fn a_sign_in_keeps_what_it_told_even_if_nothing_is_heard_afterwards() {
    let told = day_with_silence("09:00 LOGIN Available; 09:10 BEAT Available");
    assert_eq!(
        told.segments(),
        ["09:00 available LOGIN (Available)", "09:00-09:10 unknown", "09:10- available Available"]
    );
}

#[test]
fn silence_about_whom_nothing_is_known_anyway_cuts_nothing() {
    let told = day_with_silence("09:00 GONE c1; 09:05 GONE c2; 10:00 GONE c3");
    assert_eq!(told.segments(), ["09:00- unknown"]);
}

#[test]
fn silent_time_belongs_to_the_team_of_before() {
    let told =
        day_with_silence("08:59 Available team:Blue; 09:00 BEAT Available; 09:10 BEAT Available team:Red");
    let team = |time: &str| told.state_at(time).expect("a state").profile.team.to_string();
    assert_eq!(team("09:05"), "Blue");
    assert_eq!(team("09:10"), "Red");
}

#[test]
fn the_watermark_makes_silence_known_without_another_event() {
    let told = day_with_silence("08:58 Available; 09:00 BEAT Available");
    assert!(silence_until(&told, "09:04:59.999").is_empty());
    assert_eq!(silence_until(&told, "09:05"), ["08:58-09:00 available Available", "09:00- unknown"]);
    assert_eq!(silence_until(&told, "20:59"), ["08:58-09:00 available Available", "09:00- unknown"]);
    assert_eq!(
        silence_until(&told, "21:00"),
        ["08:58-09:00 available Available", "09:00-21:00 unknown", "21:00- signed_out"]
    );
}

#[test]
fn evidence_that_comes_late_takes_the_silence_back() {
    // By the watermark the agent was silent at 09:20; then a heartbeat of 09:04 and one of 09:08 turn up.
    let silent = day_with_silence("08:58 Available; 09:00 BEAT Available");
    assert_eq!(silence_until(&silent, "09:20"), ["08:58-09:00 available Available", "09:00- unknown"]);
    let late =
        day_with_silence("08:58 Available; 09:00 BEAT Available; 09:08 BEAT Available; 09:04 BEAT Available");
    assert_eq!(late.classes(), "unknown, 08:58 available");
    assert_eq!(silence_until(&late, "09:20"), ["08:58-09:08 available Available", "09:08- unknown"]);
}

#[test]
fn a_sign_in_after_silence_starts_anew() {
    let told = day_with_silence("08:58 Available; 09:00 BEAT Available; 10:00 LOGIN Available @09:50");
    assert_eq!(
        told.classes(),
        "unknown, 08:58 available, 09:00 unknown, 09:50 available, 10:00 LOGIN, 10:00 available"
    );
}
