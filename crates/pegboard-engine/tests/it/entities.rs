//! Sources that send a version of one entity at a time: versions decide within an entity, time across entities.

use crate::support::day;

#[test]
fn statuses_and_contacts_come_one_by_one() {
    let told = day("09:00 STATUS Available @08:59 team:Blue
        09:05 CONTACT c1 VOICE INBOUND CONNECTING
        09:06 CONTACT c1 VOICE INBOUND CONNECTED @09:05:30
        09:07 STATUS Break
        09:08 CONTACT c2 CHAT INBOUND CONNECTED
        09:10 GONE c1
        09:12 GONE c2
        17:00 LOGOUT");
    assert_eq!(
        told.segments(),
        [
            "08:59-09:05 available Available",
            "09:05-09:05:30 ringing VOICE-INBOUND-CONNECTING (Available)",
            "09:05:30-09:07 talk VOICE-INBOUND-CONNECTED (Available)",
            "09:07-09:10 talk VOICE-INBOUND-CONNECTED (Break)",
            "09:10-09:12 talk CHAT-INBOUND-CONNECTED (Break)",
            "09:12-17:00 aux Break",
            "17:00- signed_out LOGOUT (Break)"
        ]
    );
}

#[test]
fn without_any_status_the_agent_is_unknown_when_the_contact_is_gone() {
    let told = day("09:00 CONTACT c1 VOICE INBOUND CONNECTED @08:58; 09:05 GONE c1; 09:06 STATUS Available");
    assert_eq!(told.classes(), "unknown, 08:58 talk, 09:05 unknown, 09:06 available");
}

#[test]
fn a_status_alone_leaves_the_contacts_and_a_profile_is_kept_until_told_anew() {
    let told =
        day("09:00 STATUS Available team:Blue; 09:05 CONTACT c1 VOICE INBOUND CONNECTED; 09:06 STATUS Break");
    let state = told.state_at("09:07").expect("a state");
    assert_eq!((state.class.as_str(), &*state.profile.team), ("talk", "Blue"));
}

#[test]
fn an_older_or_equal_version_with_a_later_time_changes_nothing() {
    let status = "09:00 STATUS Available v5 team:Blue";
    assert_eq!(
        day(&format!("{status}; 09:10 STATUS Break v4 team:Red")).classes(),
        "unknown, 09:00 available"
    );
    assert_eq!(day(&format!("{status}; 09:10 STATUS Break v5")).classes(), "unknown, 09:00 available");
    assert_eq!(
        day(&format!("{status}; 09:10 STATUS Break v6")).classes(),
        "unknown, 09:00 available, 09:10 aux"
    );
    let told = day(&format!("{status}; 09:10 STATUS Break v4 team:Red"));
    assert_eq!(&*told.track.profile().team, "Blue", "an outdated record tells no team either");
    let contact = "09:00 CONTACT c1 VOICE INBOUND CONNECTED v5";
    let ended = "CONTACT c1 VOICE INBOUND ENDED";
    assert_eq!(day(&format!("{contact}; 09:10 {ended} v4")).classes(), "unknown, 09:00 talk");
    assert_eq!(day(&format!("{contact}; 09:10 {ended} v5")).classes(), "unknown, 09:00 talk");
    assert_eq!(day(&format!("{contact}; 09:10 {ended} v6")).classes(), "unknown, 09:00 talk, 09:10 acw");
    assert_eq!(day(&format!("{contact}; 09:10 GONE c1 v4")).classes(), "unknown, 09:00 talk");
}

#[test]
fn versions_of_one_entity_say_nothing_about_another() {
    let told = day(
        "09:00 STATUS Available v90; 09:05 CONTACT c1 VOICE INBOUND CONNECTED v1; 09:06 CONTACT c2 CHAT INBOUND CONNECTED v7; 09:07 CONTACT c1 VOICE INBOUND ENDED v2",
    );
    assert_eq!(told.classes(), "unknown, 09:00 available, 09:05 talk, 09:07 talk");
    let decides = told.state_at("09:08").and_then(|state| state.contact.as_ref()).expect("a contact");
    assert_eq!(decides.id, "c2".into());
}

#[test]
fn without_versions_time_decides_alone() {
    let told = day(
        "09:00 STATUS Available v5; 09:10 STATUS Break; 09:20 CONTACT c1 VOICE INBOUND CONNECTED; 09:30 GONE c1",
    );
    assert_eq!(told.classes(), "unknown, 09:00 available, 09:10 aux, 09:20 talk, 09:30 aux");
}

#[test]
fn a_contact_that_departed_is_not_resurrected_by_an_older_version() {
    let talk = "09:00 STATUS Available; 09:01 CONTACT c1 VOICE INBOUND CONNECTED v5";
    let old = "09:20 CONTACT c1 VOICE INBOUND CONNECTED v6";
    let home = "unknown, 09:00 available, 09:01 talk, 09:10 available";
    assert_eq!(day(&format!("{talk}; 09:10 GONE c1 v7; {old}")).classes(), home);
    let twice = format!("{talk}; 09:10 GONE c1 v7; 09:15 GONE c1 v5; {old}");
    assert_eq!(day(&twice).classes(), home, "an older departure does not make the newer one forgotten");
    let unversioned = format!("{talk}; 09:10 GONE c1; 09:20 CONTACT c1 VOICE INBOUND CONNECTED v4");
    assert_eq!(day(&unversioned).classes(), home, "the version that departed is known");
}

#[test]
fn a_departure_that_comes_before_the_contact_keeps_it_away() {
    let told = day("09:00 STATUS Available; 09:05 GONE c1 v7; 09:06 CONTACT c1 VOICE INBOUND CONNECTED v6");
    assert_eq!(told.classes(), "unknown, 09:00 available");
}

#[test]
fn a_newer_version_brings_a_departed_contact_back() {
    let told = day("09:00 STATUS Available; 09:01 CONTACT c1 VOICE INBOUND CONNECTED v5; 09:10 GONE c1 v7
        09:20 CONTACT c1 VOICE TRANSFER CONNECTED v8; 09:25 CONTACT c1 VOICE TRANSFER ENDED v7");
    assert_eq!(told.classes(), "unknown, 09:00 available, 09:01 talk, 09:10 available, 09:20 talk");
}

#[test]
fn an_older_version_does_not_undo_a_sign_out() {
    let before = "09:00 STATUS Available v3; 09:01 CONTACT c1 VOICE INBOUND CONNECTED v5";
    let home = "unknown, 09:00 available, 09:01 talk, 09:10 signed_out";
    for sign_out in ["LOGOUT", "LOGOUT Offline"] {
        let after = |more: &str| day(&format!("{before}; 09:10 {sign_out}; {more}")).classes();
        assert_eq!(after("09:20 CONTACT c1 VOICE INBOUND CONNECTED v4"), home, "{sign_out}");
        assert_eq!(after("09:20 STATUS Break v2"), home, "{sign_out}");
        assert_eq!(after("09:20 STATUS Offline v5; 09:30 STATUS Available v4"), home, "{sign_out}");
        assert_eq!(after("09:20 STATUS Break v4"), format!("{home}, 09:20 aux"), "{sign_out}");
        assert_eq!(
            after("09:20 CONTACT c1 VOICE INBOUND CONNECTED v6"),
            format!("{home}, 09:20 talk"),
            "{sign_out}: a contact means that a sign-in was missed"
        );
    }
}

#[test]
fn a_snapshot_between_versions_does_not_make_them_forgotten() {
    let before = "09:00 STATUS Available v3; 09:01 CONTACT c1 VOICE INBOUND CONNECTED v5";
    let kept = day(&format!(
        "{before}; 09:05 BEAT Available + c1 VOICE INBOUND CONNECTED; 09:10 CONTACT c1 VOICE INBOUND CONNECTING v4; 09:11 STATUS Break v2"
    ));
    assert_eq!(kept.classes(), "unknown, 09:00 available, 09:01 talk");
    let gone = day(&format!("{before}; 09:05 BEAT Available; 09:10 CONTACT c1 VOICE INBOUND CONNECTING v4"));
    assert_eq!(gone.classes(), "unknown, 09:00 available, 09:01 talk, 09:05 available");
}

#[test]
fn an_observation_without_a_version_does_not_make_the_known_one_forgotten() {
    let status = day("09:00 STATUS Available v5; 09:05 STATUS Break; 09:10 STATUS Lunch v4");
    assert_eq!(status.classes(), "unknown, 09:00 available, 09:05 aux");
    assert_eq!(status.segments()[1], "09:05- aux Break");
    let contact = "09:00 CONTACT c1 VOICE INBOUND CONNECTED v5";
    let alone = day(&format!(
        "{contact}; 09:05 CONTACT c1 VOICE INBOUND ENDED; 09:10 CONTACT c1 VOICE INBOUND CONNECTED v4"
    ));
    assert_eq!(alone.classes(), "unknown, 09:00 talk, 09:05 acw");
    let in_snapshot = day(&format!(
        "{contact}; 09:05 Available + c1 VOICE INBOUND ENDED; 09:10 CONTACT c1 VOICE INBOUND CONNECTED v4"
    ));
    assert_eq!(in_snapshot.classes(), "unknown, 09:00 talk, 09:05 acw");
}

#[test]
fn departures_are_remembered_for_the_last_thirty_two_contacts() {
    let gone = |count: usize| {
        let departures: Vec<_> = (0..count).map(|contact| format!("09:01 GONE c{contact} v9")).collect();
        day(&format!(
            "09:00 STATUS Available; {}; 09:10 CONTACT c0 VOICE INBOUND CONNECTED v5",
            departures.join("; ")
        ))
    };
    assert_eq!(gone(32).classes(), "unknown, 09:00 available");
    assert_eq!(
        gone(33).classes(),
        "unknown, 09:00 available, 09:10 talk",
        "the limit: the oldest is forgotten"
    );
}

#[test]
fn a_monitored_contact_alone_does_not_sign_in() {
    let told = day("09:00 STATUS Available; 17:00 LOGOUT Offline; 17:10 CONTACT c1 VOICE MONITOR CONNECTED");
    assert_eq!(told.classes(), "unknown, 09:00 available, 17:00 signed_out");
}

#[test]
fn an_offline_status_after_a_sign_out_keeps_it_and_takes_over_the_team() {
    let told = day("09:00 STATUS Available team:Blue; 17:00 LOGOUT; 17:10 STATUS Offline team:Red");
    assert_eq!(told.classes(), "unknown, 09:00 available, 17:00 signed_out, 17:10 signed_out");
    assert_eq!(told.segments()[2], "17:10- signed_out LOGOUT (Available)");
}
