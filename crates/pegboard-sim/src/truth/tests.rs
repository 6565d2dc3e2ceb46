//! The sentences of `docs/timelines.md`, each on events made by hand.

use std::sync::Arc;

use pegboard_model::policy::Precedence;
use pegboard_model::{Class, Millis, Timestamp};

use super::{ReportSettings, Silence, Truth};
use crate::config::Config;
use crate::events::{
    AgentEventRecord, AgentView, Channel, ContactState, ContactView, EventKind, Initiation, Uuid,
};
use crate::organisation::{AgentNo, Organisation, ProfileNo, StatusNo, TeamNo};

const BREAK: StatusNo = StatusNo::BREAK;
const AVAILABLE: StatusNo = StatusNo::AVAILABLE;
const OFFLINE: StatusNo = StatusNo::OFFLINE;

/// A time of the day in seconds, as `hh:mm:ss`.
fn at(time: &str) -> Timestamp {
    format!("2026-03-02T{time}Z").parse().unwrap()
}

fn view(status: StatusNo, since: &str) -> AgentView {
    let status_since = at(since);
    AgentView {
        status,
        status_since,
        next: None,
        team: TeamNo(0),
        profile: ProfileNo(0),
        contacts: Vec::new(),
    }
}

fn with(mut view: AgentView, contacts: &[ContactView]) -> AgentView {
    view.contacts.extend_from_slice(contacts);
    view
}

fn call(id: u8, state: ContactState, since: &str) -> ContactView {
    ContactView {
        id: Uuid([id; 16]),
        initial: None,
        channel: Channel::Voice,
        initiation: Initiation::Inbound,
        state,
        told_since: at(since),
        since: at(since),
        connected: None,
        via: None,
        queued: None,
    }
}

fn event(kind: EventKind, time: &str, view: AgentView) -> AgentEventRecord {
    let time = at(time);
    let mut id = [0; 16];
    id[..8].copy_from_slice(&time.as_millis().to_be_bytes());
    AgentEventRecord {
        id: Uuid(id),
        at: time,
        delivered: time,
        agent: AgentNo(0),
        kind,
        current: Arc::new(view),
        previous: None,
    }
}

fn change(time: &str, view: AgentView) -> AgentEventRecord {
    event(EventKind::StateChange, time, view)
}

fn login(time: &str, view: AgentView) -> AgentEventRecord {
    event(EventKind::Login, time, view)
}

fn logout(time: &str, view: AgentView) -> AgentEventRecord {
    event(EventKind::Logout, time, view)
}

fn beat(time: &str, view: AgentView) -> AgentEventRecord {
    event(EventKind::HeartBeat, time, view)
}

fn settings() -> ReportSettings {
    ReportSettings::new(at("08:00:00"), at("18:00:00"))
}

fn truth(events: &[AgentEventRecord], settings: &ReportSettings) -> Truth {
    let organisation = Organisation::found(&Config::new(60, at("00:00:00"), 24, 1));
    Truth::knowable(&organisation, events, &[], settings)
}

/// The segments as `start class event_id`, and how the last one ends.
fn segments(events: &[AgentEventRecord], settings: &ReportSettings) -> Vec<String> {
    let rows = truth(events, settings).segments;
    let time = |at: Timestamp| at.to_string()[11..].trim_end_matches('Z').to_owned();
    let mut lines: Vec<_> = rows
        .iter()
        .map(|row| {
            format!("{} {} {}", time(row.start), row.class.as_str(), row.event_id).trim_end().to_owned()
        })
        .collect();
    lines.push(rows.last().and_then(|row| row.end).map_or("open".to_owned(), time));
    lines
}

fn told(events: &[AgentEventRecord]) -> Vec<String> {
    segments(events, &settings())
}

#[test]
fn a_day_from_login_to_logout() {
    let events = [
        login("08:30:00", view(OFFLINE, "08:30:00")),
        change("08:31:00", view(AVAILABLE, "08:31:00")),
        change("09:00:00", view(BREAK, "09:00:00")),
        logout("09:15:00", view(BREAK, "09:00:00")),
        beat("09:17:00", view(BREAK, "09:00:00")),
    ];
    let expected = [
        "08:00:00 signed_out",
        "08:30:00 signed_out LOGIN",
        "08:30:00 signed_out Offline",
        "08:31:00 available Available",
        "09:00:00 aux Break",
        "09:15:00 signed_out LOGOUT",
        "open",
    ];
    assert_eq!(told(&events), expected);
    let reasons: Vec<_> =
        truth(&events, &settings()).segments.iter().map(|row| row.reason.to_string()).collect();
    assert_eq!(reasons, ["", "Offline", "", "", "", "Break"]);
}

#[test]
fn before_the_first_evidence_the_agent_is_unknown_but_for_what_it_says_itself() {
    let events = [beat("09:00:00", view(AVAILABLE, "08:20:00"))];
    assert_eq!(told(&events), ["08:00:00 unknown", "08:20:00 available Available", "open"]);
    let talking = with(view(AVAILABLE, "08:20:00"), &[call(1, ContactState::Connected, "08:50:00")]);
    let expected = ["08:00:00 unknown", "08:50:00 talk VOICE-INBOUND-CONNECTED", "open"];
    assert_eq!(told(&[beat("09:00:00", talking)]), expected);
}

#[test]
fn the_first_state_reaches_back_a_day_at_most_and_never_forward() {
    let mut long_ago = view(AVAILABLE, "08:00:00");
    long_ago.status_since = at("08:00:00") - Millis::from_hours(100);
    let wide = ReportSettings { from: at("08:00:00") - Millis::from_hours(48), ..settings() };
    let rows = truth(&[beat("09:00:00", long_ago)], &wide).segments;
    assert_eq!(rows[1].start, at("09:00:00") - Millis::from_hours(24));
    let future = truth(&[beat("09:00:00", view(AVAILABLE, "09:30:00"))], &settings()).segments;
    assert_eq!(future[1].start, at("09:00:00"));
}

#[test]
fn a_start_between_two_events_means_that_an_event_was_missed() {
    let events = [
        change("09:00:00", view(AVAILABLE, "09:00:00")),
        beat("09:10:00", view(BREAK, "09:04:00")),
        change("09:20:00", with(view(BREAK, "09:04:00"), &[call(1, ContactState::Connected, "09:10:00")])),
    ];
    let expected = [
        "08:00:00 unknown",
        "09:00:00 available Available",
        "09:04:00 aux Break",
        "09:20:00 talk VOICE-INBOUND-CONNECTED",
        "open",
    ];
    assert_eq!(told(&events), expected, "09:10 is not strictly between: the event before was then");
}

#[test]
fn an_event_that_changes_nothing_is_still_the_event_before() {
    let events = [
        change("09:00:00", view(AVAILABLE, "09:00:00")),
        beat("09:06:00", view(AVAILABLE, "09:00:00")),
        change("09:10:00", view(BREAK, "09:04:00")),
    ];
    assert_eq!(told(&events)[2..], ["09:10:00 aux Break", "open"]);
}

#[test]
fn hold_begins_with_its_event_though_the_platform_keeps_the_old_start() {
    let on = |state| with(view(AVAILABLE, "08:30:00"), &[call(1, state, "09:00:00")]);
    let events =
        [change("09:00:00", on(ContactState::Connected)), change("09:05:00", on(ContactState::OnHold))];
    assert_eq!(told(&events)[2..], ["09:05:00 hold VOICE-INBOUND-CONNECTED_ONHOLD", "open"]);
}

#[test]
fn of_two_held_contacts_the_one_decides_that_was_put_on_hold_first() {
    // The platform says that the first one has been so since 08:50, when it was connected.
    let first = |state| call(1, state, "08:50:00");
    let second = |state, since| call(2, state, since);
    let both = |a, b| with(view(AVAILABLE, "08:30:00"), &[a, b]);
    let events = [
        change("08:55:00", both(first(ContactState::Connected), second(ContactState::Connected, "08:52:00"))),
        change("09:00:00", both(first(ContactState::Connected), second(ContactState::OnHold, "09:00:00"))),
        change("09:05:00", both(first(ContactState::OnHold), second(ContactState::OnHold, "09:00:00"))),
    ];
    let last = truth(&events, &settings()).segments.pop().unwrap();
    assert_eq!((last.class, last.start), (Class::Hold, at("09:05:00")));
    assert_eq!(last.contact_id.unwrap().to_string(), Uuid([2; 16]).to_string());
}

#[test]
fn precedence_orders_contacts() {
    let both = |other| with(view(AVAILABLE, "08:30:00"), &[call(1, ContactState::Missed, "08:50:00"), other]);
    let class = |other: ContactView, precedence| {
        let settings = ReportSettings { precedence, ..settings() };
        truth(&[change("09:00:00", both(other))], &settings).segments.pop().unwrap().class
    };
    let ringing = call(2, ContactState::Connecting, "08:55:00");
    assert_eq!(class(ringing.clone(), Precedence::ContactFirst), Class::Ringing);
    assert_eq!(class(ringing, Precedence::Aws), Class::Error);
    let listening =
        ContactView { initiation: Initiation::Monitor, ..call(2, ContactState::Connected, "08:55:00") };
    assert_eq!(class(listening, Precedence::ContactFirst), Class::Error);
}

#[test]
fn what_follows_a_logout() {
    let out = || logout("09:00:00", view(AVAILABLE, "08:30:00"));
    let after = |event| told(&[change("08:30:00", view(AVAILABLE, "08:30:00")), out(), event])[2..].to_vec();
    let gone = ["09:00:00 signed_out LOGOUT", "open"];
    assert_eq!(after(beat("09:02:00", view(AVAILABLE, "08:30:00"))), gone, "a heartbeat revives nobody");
    assert_eq!(after(change("09:02:00", view(OFFLINE, "09:00:00"))), gone);
    let listening =
        ContactView { initiation: Initiation::Monitor, ..call(2, ContactState::Connected, "09:02:00") };
    assert_eq!(
        after(change("09:02:00", with(view(OFFLINE, "09:00:00"), std::slice::from_ref(&listening)))),
        gone
    );
    let back = ["09:00:00 signed_out LOGOUT", "09:05:00 available Available", "open"];
    assert_eq!(after(change("09:07:00", view(AVAILABLE, "09:05:00"))), back, "a login was missed");
    assert_eq!(after(change("09:07:00", with(view(AVAILABLE, "09:05:00"), &[listening]))), back);
    let calling = with(view(OFFLINE, "09:00:00"), &[call(1, ContactState::Connected, "09:06:00")]);
    let expected = ["09:00:00 signed_out LOGOUT", "09:06:00 talk VOICE-INBOUND-CONNECTED", "open"];
    assert_eq!(after(change("09:07:00", calling)), expected);
}

#[test]
fn a_change_of_team_cuts_even_a_sign_out() {
    let moved = AgentView { team: TeamNo(1), ..view(OFFLINE, "09:00:00") };
    let events = [logout("09:00:00", view(BREAK, "08:30:00")), change("09:10:00", moved)];
    let rows = truth(&events, &settings()).segments;
    let words: Vec<_> = rows.iter().map(|row| (row.start, &*row.event_id, &*row.reason)).collect();
    let expected =
        [(at("08:00:00"), "", ""), (at("09:00:00"), "LOGOUT", "Break"), (at("09:10:00"), "LOGOUT", "Break")];
    assert_eq!(words, expected);
}

#[test]
fn a_sign_in_cuts_the_state_that_began_before_it() {
    let events = [
        logout("08:30:00", view(BREAK, "08:10:00")),
        login("09:30:00", view(OFFLINE, "09:00:00")),
        login("09:40:00", view(OFFLINE, "09:00:00")),
    ];
    let expected = [
        "08:30:00 signed_out LOGOUT",
        "09:00:00 signed_out Offline",
        "09:30:00 signed_out LOGIN",
        "09:30:00 signed_out Offline",
        "09:40:00 signed_out LOGIN",
        "09:40:00 signed_out Offline",
        "open",
    ];
    assert_eq!(told(&events)[1..], expected);
}

#[test]
fn duplicates_and_order_of_arrival_change_nothing() {
    let events = [
        login("08:30:00", view(OFFLINE, "08:30:00")),
        change("08:31:00", view(AVAILABLE, "08:31:00")),
        change("09:00:00", view(BREAK, "09:00:00")),
    ];
    let mut shuffled = vec![events[2].clone(), events[0].clone(), events[1].clone(), events[0].clone()];
    shuffled.push(events[2].clone());
    assert_eq!(truth(&events, &settings()), truth(&shuffled, &settings()));
}

#[test]
fn the_window_cuts_and_only_what_goes_on_is_open() {
    let events =
        [change("08:30:00", view(AVAILABLE, "08:30:00")), change("11:00:00", view(BREAK, "11:00:00"))];
    let window = |from, to| segments(&events, &ReportSettings::new(at(from), at(to)));
    assert_eq!(window("09:00:00", "10:00:00"), ["09:00:00 available Available", "10:00:00"]);
    assert_eq!(window("10:30:00", "12:00:00")[1..], ["11:00:00 aux Break", "open"]);
    assert_eq!(window("07:00:00", "08:00:00"), ["open"], "the timeline begins only later");
}

fn live(watermark: &str) -> ReportSettings {
    let silence = Silence { stale_after: Millis::from_minutes(5), watermark: at(watermark) };
    ReportSettings { silence: Some(silence), ..settings() }
}

#[test]
fn silence_makes_an_agent_unknown_from_the_last_evidence_on() {
    let events = [
        change("09:00:00", view(AVAILABLE, "09:00:00")),
        beat("09:04:59", view(AVAILABLE, "09:00:00")),
        beat("09:09:59", view(AVAILABLE, "09:00:00")),
        beat("09:11:00", view(AVAILABLE, "09:00:00")),
        change("09:20:00", view(BREAK, "09:15:00")),
    ];
    let expected = [
        "09:00:00 available Available",
        "09:04:59 unknown",
        "09:09:59 available Available",
        "09:11:00 unknown",
        "09:15:00 aux Break",
        "open",
    ];
    assert_eq!(segments(&events, &live("09:24:59"))[1..], expected, "five minutes are silence, less is not");
    assert_eq!(segments(&events, &live("09:25:00"))[5..], ["09:15:00 aux Break", "09:20:00 unknown", "open"]);
}

/// Else the interval of the first evidence would have no row.
#[test]
fn what_is_unknown_after_the_first_evidence_is_apart_from_what_was_before_it() {
    let events = [
        change("09:00:00", view(AVAILABLE, "09:00:00")),
        change("10:00:00", view(BREAK, "10:00:00")),
        beat("10:02:00", view(BREAK, "10:00:00")),
    ];
    let expected = ["08:00:00 unknown", "09:00:00 unknown", "10:00:00 aux Break", "10:02:00 unknown", "open"];
    assert_eq!(segments(&events, &live("11:00:00")), expected);
    let rows = truth(&events, &live("11:00:00")).agent_intervals;
    assert_eq!(rows[0].interval_start, at("09:00:00"));
}

#[test]
fn a_silence_that_only_the_watermark_tells_of_touches_nothing_before_the_last_evidence() {
    let mut events = vec![
        change("09:00:00", view(AVAILABLE, "09:00:00")),
        beat("09:02:00", view(AVAILABLE, "09:00:00")),
        beat("09:10:00", view(AVAILABLE, "09:00:00")),
    ];
    let expected =
        ["08:00:00 unknown", "09:00:00 available Available", "09:02:00 unknown", "09:10:00 unknown", "open"];
    assert_eq!(segments(&events, &live("11:00:00")), expected);
    events.push(beat("09:20:00", view(AVAILABLE, "09:00:00")));
    let joined = ["09:02:00 unknown", "09:20:00 unknown", "open"];
    assert_eq!(segments(&events, &live("11:00:00"))[2..], joined, "more was heard");
}

#[test]
fn after_twelve_hours_of_silence_an_agent_is_signed_out() {
    let events =
        [change("02:00:00", view(AVAILABLE, "02:00:00")), change("16:00:00", view(AVAILABLE, "15:00:00"))];
    let expected = ["08:00:00 unknown", "14:00:00 signed_out", "15:00:00 available Available", "open"];
    assert_eq!(segments(&events, &live("16:01:00")), expected);
}

#[test]
fn a_session_bridges_what_is_unknown_between_two_spans_signed_in() {
    let sessions = |events: &[AgentEventRecord]| -> Vec<(Timestamp, Option<Timestamp>)> {
        truth(events, &live("18:00:00")).sessions.iter().map(|row| (row.sign_in, row.sign_out)).collect()
    };
    let before =
        [change("09:00:00", view(AVAILABLE, "09:00:00")), beat("09:02:00", view(AVAILABLE, "09:00:00"))];
    let after = [change("09:30:00", view(BREAK, "09:30:00")), beat("09:32:00", view(BREAK, "09:30:00"))];
    let events = [&before[..], &after[..]].concat();
    assert_eq!(sessions(&events), [(at("09:00:00"), Some(at("09:32:00")))]);
    let sign_in =
        [login("09:20:00", view(AVAILABLE, "09:20:00")), beat("09:22:00", view(AVAILABLE, "09:20:00"))];
    let events = [&before[..], &sign_in[..]].concat();
    let apart = [(at("09:00:00"), Some(at("09:02:00"))), (at("09:20:00"), Some(at("09:22:00")))];
    assert_eq!(sessions(&events), apart, "a sign-in lies between");
}
