//! When a state starts.

use crate::support::{at, day};

#[test]
fn at_the_events_own_time() {
    assert_eq!(day("09:00 Available; 09:05 Break").classes(), "unknown, 09:00 available, 09:05 aux");
}

#[test]
fn at_the_reported_start_where_it_lies_strictly_between_the_two_events() {
    let starts = |since: &str| {
        let told = day(&format!("09:00 Available @09:00; 09:10 Break @{since}"));
        told.classes().replace("unknown, 09:00 available, ", "")
    };
    assert_eq!(starts("09:04"), "09:04 aux", "an event was missed");
    assert_eq!(starts("09:00:00.001"), "09:00:00.001 aux");
    assert_eq!(starts("09:09:59.999"), "09:09:59.999 aux");
    assert_eq!(starts("09:00"), "09:10 aux", "not at the event before");
    assert_eq!(starts("09:10"), "09:10 aux");
    assert_eq!(starts("08:00"), "09:10 aux", "not before the event before");
    assert_eq!(starts("09:11"), "09:10 aux", "not in the future");
}

#[test]
fn the_deciding_element_tells_and_no_other() {
    let contact = "09:00 Available @09:00; 09:10 Break @09:03 + c1 VOICE INBOUND CONNECTED @09:06";
    assert_eq!(day(contact).classes(), "unknown, 09:00 available, 09:06 talk");
    let silent_contact = "09:00 Available @09:00; 09:10 Break @09:03 + c1 VOICE INBOUND CONNECTED";
    assert_eq!(day(silent_contact).classes(), "unknown, 09:00 available, 09:10 talk");
    let weaker =
        "09:00 Available; 09:10 Available + c1 CHAT INBOUND ENDED @09:03 + c2 CHAT INBOUND CONNECTED @09:06";
    assert_eq!(day(weaker).classes(), "unknown, 09:00 available, 09:06 talk");
    let monitored = "09:00 Available; 09:10 Break @09:07 + c1 VOICE MONITOR CONNECTED @09:03";
    assert_eq!(day(monitored).classes(), "unknown, 09:00 available, 09:07 aux");
}

#[test]
fn the_event_before_counts_even_where_it_changed_nothing() {
    let told = day("09:00 Available; 09:05 BEAT Available; 09:10 Break @09:04");
    assert_eq!(
        told.classes(),
        "unknown, 09:00 available, 09:10 aux",
        "at 09:05 the agent was seen Available"
    );
    let ignored = day("09:00 Available; 09:01 LOGOUT; 09:05 BEAT Available; 09:10 Break @09:04");
    assert_eq!(ignored.classes(), "unknown, 09:00 available, 09:01 signed_out, 09:10 aux");
    let outdated = day("09:00 STATUS Available v5; 09:05 STATUS Break v4; 09:10 STATUS Lunch v6 @09:04");
    assert_eq!(outdated.classes(), "unknown, 09:00 available, 09:10 aux");
}

#[test]
fn a_hold_that_keeps_the_old_start_starts_with_its_event() {
    let told = day("09:00 Available
        09:01 Available + c1 VOICE INBOUND CONNECTED @09:01
        09:05 Available + c1 VOICE INBOUND CONNECTED_ONHOLD @09:01
        09:07 Available + c1 VOICE INBOUND CONNECTED @09:01");
    assert_eq!(told.classes(), "unknown, 09:00 available, 09:01 talk, 09:05 hold, 09:07 talk");
}

#[test]
fn a_heartbeat_repairs_what_was_missed() {
    let told = day("09:00 Available @09:00; 09:10 BEAT Break @09:04");
    assert_eq!(told.classes(), "unknown, 09:00 available, 09:04 aux");
}

#[test]
fn the_first_evidence_reaches_back_to_the_reported_start() {
    assert_eq!(day("30:00 Break @28:00").classes(), "unknown, 28:00 aux");
    assert_eq!(day("30:00 BEAT Break @28:00").classes(), "unknown, 28:00 aux");
    assert_eq!(day("30:00 Break @06:00").classes(), "unknown, 06:00 aux", "24 hours, not more");
    assert_eq!(day("30:00 Break @05:59:59.999").classes(), "unknown, 06:00 aux", "at most 24 hours");
    assert_eq!(day("30:00 Break @31:00").classes(), "unknown, 30:00 aux", "never after it");
    assert_eq!(day("30:00 Break").classes(), "unknown, 30:00 aux");
    let contact = day("30:00 Break @20:00 + c1 VOICE INBOUND CONNECTED @29:00");
    assert_eq!(contact.classes(), "unknown, 29:00 talk", "of the deciding element");
    let wordless = day("30:00 Break @20:00 + c1 VOICE INBOUND CONNECTED");
    assert_eq!(wordless.classes(), "unknown, 30:00 talk", "of the deciding element, even where it is silent");
}

#[test]
fn two_phases_reported_on_the_first_evidence_reach_back_alike() {
    // c1 decides at first; once it is gone, c2's own start is older than c3's by the platform's first word.
    let told = day("30:00 Available + c1 CHAT INBOUND CONNECTED @29:00 + c2 CHAT INBOUND ENDED @28:00 + c3 CHAT INBOUND ENDED @27:00
        30:10 Available + c2 CHAT INBOUND ENDED @28:00 + c3 CHAT INBOUND ENDED @27:00");
    let deciding = told.state_at("30:10").and_then(|state| state.contact.as_ref()).expect("a contact");
    assert_eq!(deciding.id, "c3".into());
    assert_eq!(told.classes(), "unknown, 29:00 talk, 30:10 acw");
}

#[test]
fn before_the_first_evidence_the_agent_is_unknown_or_signed_out_before_a_sign_in() {
    assert_eq!(day("30:00 BEAT Available @29:00").classes(), "unknown, 29:00 available");
    assert_eq!(day("30:00 LOGOUT Available @29:00").classes(), "unknown, 30:00 signed_out");
    let login = day("30:00 LOGIN Offline @29:00");
    assert_eq!(login.classes(), "signed_out, 29:00 signed_out, 30:00 LOGIN, 30:00 signed_out");
    assert_eq!(login.timeline.begins, at("29:00"));
}

#[test]
fn a_state_that_no_time_is_spent_in_leaves_no_segment() {
    let told = day("09:00 Available; 09:05 Break; 09:05 Lunch; 09:10 LOGOUT; 09:10 Available");
    assert_eq!(
        told.segments(),
        ["09:00-09:05 available Available", "09:05-09:10 aux Lunch", "09:10- available Available"]
    );
}

#[test]
fn a_state_that_comes_back_within_one_instant_was_never_left() {
    let told = day("09:00 Available; 09:05 Break; 09:05 Available; 09:10 Break");
    assert_eq!(told.segments(), ["09:00-09:10 available Available", "09:10- aux Break"]);
}

#[test]
fn an_instant_of_many_events_is_as_good_as_its_last_one() {
    let told = day("09:00 Available
        09:05 Available + c1 VOICE INBOUND CONNECTING
        09:05 Available + c1 VOICE INBOUND CONNECTED
        09:05 Available + c1 VOICE INBOUND ENDED
        09:05 Available; 09:20 BEAT Available");
    assert_eq!(told.segments(), ["09:00- available Available"]);
}
