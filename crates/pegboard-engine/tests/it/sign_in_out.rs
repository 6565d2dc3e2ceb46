//! Sign-in, sign-out, and what comes after a sign-out.

use pegboard_model::Mark;

use crate::support::{at, day};

#[test]
fn a_sign_in_leaves_a_mark_and_the_real_state_follows_at_once() {
    let told = day("09:00 LOGIN Available team:Blue; 09:10 Break");
    assert_eq!(
        told.segments(),
        ["09:00 available LOGIN (Available)", "09:00-09:10 available Available", "09:10- aux Break"]
    );
    let mark = &told.timeline.segments[0];
    assert_eq!(mark.mark, Some(Mark::SignIn));
    assert_eq!(mark.end, Some(at("09:00")));
    assert_eq!(&*mark.state.profile.team, "Blue", "its team is that of the state that follows");
}

#[test]
fn a_sign_in_without_a_snapshot_is_signed_out_until_a_status_comes() {
    let told = day("09:00 LOGIN Offline; 09:00:10 Available");
    assert_eq!(
        told.segments(),
        [
            "09:00 signed_out LOGIN (Offline)",
            "09:00-09:00:10 signed_out Offline",
            "09:00:10- available Available"
        ]
    );
}

#[test]
fn the_mark_cuts_a_state_that_started_before_the_sign_in() {
    let told = day("09:00 Offline; 09:10 LOGIN Available @09:05");
    assert_eq!(
        told.segments(),
        [
            "09:00-09:05 signed_out Offline",
            "09:05-09:10 available Available",
            "09:10 available LOGIN (Available)",
            "09:10- available Available"
        ]
    );
}

#[test]
fn a_sign_in_that_changes_nothing_leaves_a_mark_all_the_same() {
    let told = day("09:00 Available; 09:10 LOGIN Available");
    assert_eq!(
        told.segments(),
        [
            "09:00-09:10 available Available",
            "09:10 available LOGIN (Available)",
            "09:10- available Available"
        ]
    );
}

#[test]
fn the_mark_is_of_the_state_that_follows_it_even_within_one_instant() {
    let told = day("09:00 LOGIN Offline; 09:00 Available team:Blue");
    assert_eq!(told.segments(), ["09:00 available LOGIN (Available)", "09:00- available Available"]);
    assert_eq!(&*told.timeline.segments[0].state.profile.team, "Blue");
}

#[test]
fn a_sign_out_ends_the_session_whatever_its_snapshot_shows() {
    for snapshot in ["Available", "Break + c1 VOICE INBOUND CONNECTED", "Offline"] {
        let told = day(&format!("09:00 Available; 17:00 LOGOUT {snapshot}; 17:30 BEAT Available"));
        let status = snapshot.split(' ').next().expect("a status");
        assert_eq!(
            told.segments(),
            ["09:00-17:00 available Available".to_owned(), format!("17:00- signed_out LOGOUT ({status})")]
        );
    }
}

#[test]
fn a_sign_out_without_a_snapshot_keeps_the_last_known_status_as_its_reason() {
    let told = day("09:00 Break; 17:00 LOGOUT");
    assert_eq!(told.segments(), ["09:00-17:00 aux Break", "17:00- signed_out LOGOUT (Break)"]);
    assert_eq!(day("17:00 LOGOUT").segments(), ["17:00- signed_out LOGOUT"]);
}

#[test]
fn a_sign_out_starts_at_its_event_whatever_start_its_snapshot_reports() {
    let told = day("09:00 Available; 17:00 LOGOUT Offline @16:00");
    assert_eq!(told.classes(), "unknown, 09:00 available, 17:00 signed_out");
}

#[test]
fn a_sign_out_clears_all_contacts() {
    let told = day("09:00 Available + c1 CHAT INBOUND CONNECTED; 17:00 LOGOUT; 17:10 STATUS Available");
    assert_eq!(told.classes(), "unknown, 09:00 talk, 17:00 signed_out, 17:10 available");
}

#[test]
fn a_heartbeat_never_revives() {
    let told = day("09:00 Available; 17:00 LOGOUT
        17:02 BEAT Available; 17:04 BEAT Break + c1 VOICE INBOUND CONNECTED; 17:06 BEAT Offline team:Red");
    assert_eq!(told.classes(), "unknown, 09:00 available, 17:00 signed_out");
}

#[test]
fn a_change_after_a_sign_out_that_shows_somebody_means_that_a_sign_in_was_missed() {
    let after = |change: &str| {
        let told = day(&format!("09:00 Available; 17:00 LOGOUT Offline; {change}"));
        told.classes().replace("unknown, 09:00 available, 17:00 signed_out", "")
    };
    assert_eq!(after("17:10 Available"), ", 17:10 available");
    assert_eq!(after("17:10 Break @17:05"), ", 17:05 aux", "since when the platform says, in the gap");
    assert_eq!(after("17:10 Offline + c1 VOICE OUTBOUND CONNECTED"), ", 17:10 talk");
    assert_eq!(after("17:10 Offline + c1 VOICE INBOUND DREAMING"), ", 17:10 unknown");
    assert_eq!(after("17:10 Break + c1 VOICE MONITOR CONNECTED"), ", 17:10 aux");
    assert_eq!(
        after("17:10 Offline + c1 VOICE MONITOR CONNECTED"),
        "",
        "a lone monitored contact, offline: nobody"
    );
    assert_eq!(after("17:10 Offline"), "");
}

#[test]
fn an_offline_change_after_a_sign_out_keeps_it_and_takes_over_team_and_names() {
    let told = day(
        "09:00 Available team:Blue; 17:00 LOGOUT Break; 17:10 Offline team:Red; 17:20 Offline team:Red login:bob",
    );
    assert_eq!(
        told.segments(),
        [
            "09:00-17:00 available Available",
            "17:00-17:10 signed_out LOGOUT (Break)",
            "17:10- signed_out LOGOUT (Break)"
        ]
    );
    assert_eq!(&*told.state_at("17:30").expect("a state").profile.team, "Red");
    assert_eq!(&*told.track.profile().login, "bob", "the name is taken over without a cut");
}

#[test]
fn a_status_offline_without_a_sign_out_is_signed_out_under_its_own_name() {
    let told = day("09:00 Available; 12:00 Offline; 12:02 BEAT Available; 13:00 LOGOUT Offline");
    assert_eq!(
        told.segments(),
        [
            "09:00-12:00 available Available",
            "12:00-12:02 signed_out Offline",
            "12:02-13:00 available Available",
            "13:00- signed_out LOGOUT (Offline)"
        ],
        "Offline is no sign-out: a heartbeat repairs it"
    );
}

#[test]
fn an_explicit_sign_out_cuts_the_time_in_offline() {
    let told = day("09:00 Offline; 09:10 LOGOUT Offline");
    assert_eq!(told.segments(), ["09:00-09:10 signed_out Offline", "09:10- signed_out LOGOUT (Offline)"]);
}
