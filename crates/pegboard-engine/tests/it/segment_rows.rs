//! `segments` and `activities`.

use pegboard_engine::segments::{activity_rows, segment_rows};
use pegboard_model::report::{Activity, SegmentRow};

use crate::support::{at, columns, day, window};

fn segments(script: &str, from: &str, to: &str) -> Vec<SegmentRow> {
    segment_rows(&"acd".into(), &day(script).timeline, window(from, to), at(to))
}

fn activities(script: &str, from: &str, to: &str) -> Vec<Activity> {
    activity_rows(&"acd".into(), &day(script).timeline, window(from, to), at(to))
}

const TIME_AND_EVENT: &str = "duration_s class event_id reason";

#[test]
fn a_segment_tells_everything_of_its_state() {
    let rows = segments(
        "09:00 Available#s1 team:Blue login:ann; 09:05 Available#s1 + c1 VOICE INBOUND CONNECTED queue:sales; 09:06:30.500 Break#s2",
        "09:00",
        "10:00",
    );
    assert_eq!(
        columns(
            &rows[1],
            "source agent_id agent_login start end duration_s class status_id status_name contact_id channel initiation \
             queue_id queue_name event_id reason"
        ),
        "source=acd agent_id=a1 agent_login=ann start=2026-03-02T09:05:00Z end=2026-03-02T09:06:30.500Z duration_s=90.5 \
         class=talk status_id=s1 status_name=Available contact_id=c1 channel=VOICE initiation=INBOUND queue_id=sales \
         queue_name=SALES event_id=VOICE-INBOUND-CONNECTED reason=Available"
    );
    assert_eq!(
        columns(
            &rows[2],
            "end duration_s class status_id contact_id channel initiation queue_id queue_name event_id reason"
        ),
        "end= duration_s=3209.5 class=aux status_id=s2 contact_id= channel= initiation= queue_id= queue_name= \
         event_id=Break reason=",
        "an open segment has an empty end and lasts to the end of the report"
    );
}

#[test]
fn event_ids_are_those_of_real_time_adherence() {
    let rows = segments(
        "09:00 LOGIN Offline; 09:01 Available; 09:02 Break + c1 CHAT API CONNECTED_ONHOLD; 09:03 LOGOUT Available",
        "08:59",
        "09:04",
    );
    let shown: Vec<_> = rows.iter().map(|row| columns(row, TIME_AND_EVENT)).collect();
    assert_eq!(
        shown,
        [
            "duration_s=60 class=signed_out event_id= reason=",
            "duration_s=0 class=signed_out event_id=LOGIN reason=Offline",
            "duration_s=60 class=signed_out event_id=Offline reason=",
            "duration_s=60 class=available event_id=Available reason=",
            "duration_s=60 class=hold event_id=CHAT-API-CONNECTED_ONHOLD reason=Break",
            "duration_s=60 class=signed_out event_id=LOGOUT reason=Available",
        ]
    );
}

#[test]
fn segments_are_clipped_to_the_window() {
    let rows = segments("09:00 Available; 09:30 Break", "09:10", "09:20");
    assert_eq!(rows.len(), 1);
    assert_eq!(
        columns(&rows[0], "start end duration_s"),
        "start=2026-03-02T09:10:00Z end=2026-03-02T09:20:00Z duration_s=600"
    );
    let rows = segments("09:00 Available", "09:10", "09:20");
    assert_eq!(columns(&rows[0], "start end duration_s"), "start=2026-03-02T09:10:00Z end= duration_s=600");
}

#[test]
fn a_row_before_the_name_is_known_borrows_the_first_one_told() {
    let rows = segments("09:00 LOGIN Offline; 09:10 Available team:Blue login:ann", "08:00", "10:00");
    assert!(rows.iter().all(|row| &*row.agent_login == "ann"), "{rows:?}");
}

#[test]
fn activities_join_segments_while_event_and_reason_stay_the_same() {
    let rows = activities(
        "09:00 Available team:Blue
         09:05 Available + c1 CHAT INBOUND CONNECTED queue:a
         09:06 Available + c2 CHAT INBOUND CONNECTED queue:b
         09:07 Break + c2 CHAT INBOUND CONNECTED queue:b
         09:08 Break
         09:09 Break team:Red
         09:10 Available team:Blue",
        "09:00",
        "09:12",
    );
    let shown: Vec<_> =
        rows.iter().map(|row| columns(row, "start contact_id duration_s event_id reason")).collect();
    assert_eq!(
        shown,
        [
            "start=2026-03-02T09:00:00Z contact_id= duration_s=300 event_id=Available reason=",
            "start=2026-03-02T09:05:00Z contact_id=c1 duration_s=120 event_id=CHAT-INBOUND-CONNECTED reason=Available",
            "start=2026-03-02T09:07:00Z contact_id=c2 duration_s=60 event_id=CHAT-INBOUND-CONNECTED reason=Break",
            "start=2026-03-02T09:08:00Z contact_id= duration_s=120 event_id=Break reason=",
            "start=2026-03-02T09:10:00Z contact_id= duration_s=120 event_id=Available reason=",
        ]
    );
}

#[test]
fn an_activity_ends_where_its_last_segment_ends() {
    let rows = activities("09:00 Break team:Blue; 09:10 Break team:Red; 09:20 Available", "09:00", "10:00");
    assert_eq!(columns(&rows[0], "end duration_s"), "end=2026-03-02T09:20:00Z duration_s=1200");
    let open = activities("09:00 Break team:Blue; 09:10 Break team:Red", "09:00", "10:00");
    assert_eq!(open.len(), 1);
    assert_eq!(columns(&open[0], "end duration_s"), "end= duration_s=3600");
}

#[test]
fn a_sign_in_parts_two_activities() {
    let rows = activities("09:00 Available; 09:10 LOGIN Available", "09:00", "09:20");
    let shown: Vec<_> = rows.iter().map(|row| columns(row, TIME_AND_EVENT)).collect();
    assert_eq!(
        shown,
        [
            "duration_s=600 class=available event_id=Available reason=",
            "duration_s=0 class=available event_id=LOGIN reason=Available",
            "duration_s=600 class=available event_id=Available reason=",
        ]
    );
}
