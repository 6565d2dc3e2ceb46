//! `sessions`: from sign-in to sign-out.

use pegboard_engine::sessions::SessionReport;
use pegboard_engine::{StatusTable, StatusType};
use pegboard_model::policy::SessionPolicy;

use crate::support::{Day, at, clock, columns, day, day_with_silence, window};

fn report(policy: SessionPolicy, from: &str, to: &str) -> SessionReport {
    SessionReport {
        source: "acd".into(),
        window: window(from, to),
        known_until: at(to),
        policy,
        statuses: StatusTable::default(),
    }
}

/// `09:00-17:00` for each session, `09:00-(17:00)` for one that is open and lasts until 17:00 as far as the report goes.
fn shown(report: &SessionReport, day: &Day) -> Vec<String> {
    let sessions = report.rows(&day.timeline).into_iter();
    sessions
        .map(|row| {
            let end = row.sign_in + row.duration_s;
            assert!(row.sign_out.is_none_or(|sign_out| sign_out == end));
            let reach = if row.sign_out.is_some() { clock(end) } else { format!("({})", clock(end)) };
            format!("{}-{reach}", clock(row.sign_in))
        })
        .collect()
}

fn by_login(day: &Day) -> Vec<String> {
    shown(&report(SessionPolicy::Login, "00:00", "24:00"), day)
}

#[test]
fn a_session_is_a_maximal_span_that_is_not_signed_out() {
    let told = day(
        "09:00 LOGIN Offline; 09:01 Available; 12:00 Break + c1 VOICE INBOUND CONNECTED; 17:00 LOGOUT; 18:00 Available; 19:00 Offline",
    );
    assert_eq!(by_login(&told), ["09:01-17:00", "18:00-19:00"]);
}

#[test]
fn a_row_tells_who_where_and_how_long() {
    let told = day("09:00 Available team:Blue; 12:00 Available team:Red name:Ann_Lee; 17:00 LOGOUT");
    let rows = report(SessionPolicy::Login, "00:00", "24:00").rows(&told.timeline);
    assert_eq!(
        columns(&rows[0], "source agent_id agent_login agent_name team sign_in sign_out duration_s policy"),
        "source=acd agent_id=a1 agent_login=ann agent_name=Ann_Lee team=Red sign_in=2026-03-02T09:00:00Z \
         sign_out=2026-03-02T17:00:00Z duration_s=28800 policy=login",
        "the team is that at the end"
    );
}

#[test]
fn an_open_session_has_no_sign_out_and_lasts_to_the_end_of_the_report() {
    let told = day("09:00 Available");
    let rows = report(SessionPolicy::Login, "00:00", "10:30").rows(&told.timeline);
    assert_eq!(columns(&rows[0], "sign_out duration_s"), "sign_out= duration_s=5400");
}

#[test]
fn a_session_is_clipped_to_the_window() {
    let told = day("09:00 Available; 17:00 LOGOUT");
    assert_eq!(shown(&report(SessionPolicy::Login, "10:00", "12:00"), &told), ["10:00-(12:00)"]);
    assert!(shown(&report(SessionPolicy::Login, "17:00", "24:00"), &told).is_empty());
    assert!(shown(&report(SessionPolicy::Login, "08:00", "09:00"), &told).is_empty());
}

#[test]
fn what_lies_beyond_the_window_tells_only_whether_the_session_goes_on() {
    let told = day("09:00 Available team:Blue; 10:00 Break team:Red");
    let by_ten = SessionReport { known_until: at("24:00"), ..report(SessionPolicy::Login, "08:00", "10:00") };
    let rows = by_ten.rows(&told.timeline);
    assert_eq!(
        columns(&rows[0], "team sign_out duration_s"),
        "team=Blue sign_out= duration_s=3600",
        "nobody signed out at the end of the window"
    );
    let rows = report(SessionPolicy::Login, "08:00", "10:30").rows(&told.timeline);
    assert_eq!(columns(&rows[0], "team sign_out duration_s"), "team=Red sign_out= duration_s=5400");
}

#[test]
fn a_sign_in_within_a_session_does_not_end_it() {
    assert_eq!(by_login(&day("09:00 Available; 12:00 LOGIN Available; 17:00 LOGOUT")), ["09:00-17:00"]);
}

const SILENT_HOUR: &str = "09:00 Available; 09:03 BEAT Available";

#[test]
fn unknown_time_between_two_signed_in_spans_belongs_to_the_session() {
    let told = day_with_silence(&format!("{SILENT_HOUR}; 10:00 BEAT Available; 10:01 LOGOUT"));
    assert_eq!(told.classes(), "unknown, 09:00 available, 09:03 unknown, 10:00 available, 10:01 signed_out");
    assert_eq!(by_login(&told), ["09:00-10:01"]);
}

#[test]
fn unknown_time_before_the_first_and_after_the_last_signed_in_span_is_outside() {
    let told = day_with_silence(&format!("{SILENT_HOUR}; 10:00 LOGOUT"));
    assert_eq!(by_login(&told), ["09:00-09:03"]);
    let gone = day_with_silence(&format!("{SILENT_HOUR}; 23:00 Offline"));
    assert_eq!(by_login(&gone), ["09:00-09:03"]);
    let only_unknown = day("09:00 Available + c1 VOICE INBOUND DREAMING; 10:00 Offline");
    assert!(by_login(&only_unknown).is_empty());
    let first = day("09:00 Available + c1 VOICE INBOUND DREAMING; 10:00 Available; 11:00 Offline");
    assert_eq!(by_login(&first), ["10:00-11:00"]);
}

#[test]
fn a_sign_in_within_unknown_time_parts_two_sessions() {
    let told = day_with_silence(&format!("{SILENT_HOUR}; 10:00 LOGIN Available; 10:01 LOGOUT"));
    assert_eq!(by_login(&told), ["09:00-09:03", "10:00-10:01"]);
    let through_offline =
        day_with_silence(&format!("{SILENT_HOUR}; 10:00 LOGIN Offline; 10:01 Available; 10:02 LOGOUT"));
    assert_eq!(by_login(&through_offline), ["09:00-09:03", "10:01-10:02"]);
}

#[test]
fn unknown_time_at_the_edge_of_a_window_is_judged_by_the_whole_timeline() {
    let told = day_with_silence(&format!("{SILENT_HOUR}; 10:00 BEAT Available; 10:01 LOGOUT"));
    assert_eq!(shown(&report(SessionPolicy::Login, "09:00", "09:30"), &told), ["09:00-(09:30)"]);
    assert_eq!(shown(&report(SessionPolicy::Login, "09:30", "11:00"), &told), ["09:30-10:01"]);
    assert_eq!(shown(&report(SessionPolicy::Login, "09:10", "09:50"), &told), ["09:10-(09:50)"]);
}

#[test]
fn by_the_policy_staffed_a_session_is_a_maximal_span_of_staffed_time() {
    let told = day(
        "09:00 Available; 10:00 Lunch; 11:00 Available; 12:00 Home/offline; 13:00 Home/offline + c1 VOICE OUTBOUND CONNECTED; 14:00 LOGOUT",
    );
    let mut staffed = report(SessionPolicy::Staffed, "00:00", "24:00");
    assert_eq!(
        shown(&staffed, &told),
        ["09:00-12:00", "13:00-14:00"],
        "on a contact while offline is productive"
    );
    staffed.statuses.set("lunch", StatusType::SignedOut);
    assert_eq!(shown(&staffed, &told), ["09:00-10:00", "11:00-12:00", "13:00-14:00"]);
    staffed.statuses.set("HOME", StatusType::SignedIn);
    assert_eq!(shown(&staffed, &told), ["09:00-10:00", "11:00-14:00"]);
    assert_eq!(columns(&staffed.rows(&told.timeline)[0], "policy"), "policy=staffed");
}

#[test]
fn unknown_time_is_never_staffed() {
    let told = day_with_silence(&format!("{SILENT_HOUR}; 10:00 BEAT Available; 10:01 LOGOUT"));
    assert_eq!(
        shown(&report(SessionPolicy::Staffed, "00:00", "24:00"), &told),
        ["09:00-09:03", "10:00-10:01"]
    );
}
