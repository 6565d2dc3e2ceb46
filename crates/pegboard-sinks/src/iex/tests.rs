//! Interval files and contact history, to the byte.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use pegboard_model::policy::SessionPolicy;
use pegboard_model::report::{QueueInterval, Session};
use pegboard_model::{Direction, Millis, Timestamp};

use super::IEX;
use crate::test_data::{START, agent, agent_queue, at, known, queue, seconds};
use crate::{ContactTypes, Encoded, Interval, Known};

fn encode(known: &Known) -> Encoded {
    let encoded = (IEX.encode)(known);
    assert_eq!(encoded.refused, []);
    encoded
}

fn body<'e>(encoded: &'e Encoded, name: &str) -> &'e str {
    let found = encoded.documents.iter().find(|document| document.name == name);
    let found = found.unwrap_or_else(|| panic!("{name} is not in {:?}", encoded.documents));
    std::str::from_utf8(&found.body).unwrap()
}

fn session(from: i64, to: Option<i64>) -> Session {
    Session {
        source: "amazon-connect".into(),
        agent_id: "1001".into(),
        agent_login: "jdoe".into(),
        agent_name: "J. Doe".into(),
        team: "".into(),
        sign_in: at(START) + seconds(from),
        sign_out: to.map(|to| at(START) + seconds(to)),
        duration_s: seconds(to.unwrap_or(0) - from),
        policy: SessionPolicy::Login,
    }
}

fn busy() -> Known {
    let mut out = agent_queue("1001", "");
    out.direction = Direction::Outbound;
    (out.answered, out.handle_s) = (2, Millis::new(61_500));
    Known {
        zone: TimeZone::get("America/New_York").unwrap(),
        queues: vec![queue("MAXHIHIX_Hawaiian_General_vcall")],
        agent_queues: vec![agent_queue("1001", "MAXHIHIX_Hawaiian_General_vcall"), out],
        agents: vec![agent("1001")],
        sessions: vec![session(-7200, Some(-1)), session(-3600, Some(61)), session(300, None)],
        ..known()
    }
}

#[test]
fn the_interval_file_of_voice() {
    let encoded = encode(&busy());
    assert_eq!(
        body(&encoded, "080125.0800"),
        "Contact Type Report\r\n08/01/25 08:00\r\n\
         CT Received Handled Aban Ans-Gos Aba-Gos HandleTime WorkTime Distributed Q-Delay Srlvl\r\n\
         MAXHIHIX_Hawaiian_General_vcall\t22\t18\t4\t17\t2\t1509\t83\t0\t60\t85\t\r\n\
         End Contact Type Report\r\n\
         Agent-Contact Type Report\r\n08/01/25 08:00\r\nCT Agent ID Handled HandleTime WorkTime\r\n\
         MAXHIHIX_Hawaiian_General_vcall\tjdoe\t4\t312\t55\t\r\nEnd Agent-Contact Type Report\r\n\
         Agent System Performance Report\r\n08/01/25 08:00\r\n\
         Agent ID InternalCalls InternalTime ReadyTime IdleTime OutCalls OutTime LoginTime\r\n\
         jdoe\t0\t0\t500\t100\t2\t62\t900\t\r\nEnd Agent System Performance Report\r\n\
         Agent Signon-Signoff Report\r\n08/01/25 08:00\r\nAgent ID Sign In Sign Out Reason Code\r\n\
         jdoe\t08/01/25 07:00\t08/01/25 08:01\t0\t\r\nEnd Agent Signon-Signoff Report\r\n"
    );
}

#[test]
fn the_multimedia_form_has_backlog_and_the_report_of_sign_ons_can_be_left_out() {
    let mut known = Known { sessions: vec![session(0, Some(1))], ..known() };
    known.queues = vec![QueueInterval { backlog: Some(7), backlog_expired: Some(2), ..queue("chat") }];
    known.queues[0].service_level_pct = None;
    known.mapping.settings.contact_types = ContactTypes::Multimedia;
    known.mapping.settings.sign_ons = false;
    let encoded = encode(&known);
    assert_eq!(
        body(&encoded, "080125.1200"),
        "Contact Type Report\r\n08/01/25 12:00\r\n\
         CT Received Handled Aban Ans-Gos Aba-Gos HandleTime WorkTime Distributed Q-Delay Srlvl Blog BlogNotExp BlogExp\r\n\
         chat\t22\t18\t4\t17\t2\t1509\t83\t0\t60\t0\t7\t5\t2\t\r\n\
         End Contact Type Report\r\n\
         Agent-Contact Type Report\r\n08/01/25 12:00\r\nCT Agent ID Handled HandleTime WorkTime\r\n\
         End Agent-Contact Type Report\r\n\
         Agent System Performance Report\r\n08/01/25 12:00\r\n\
         Agent ID InternalCalls InternalTime ReadyTime IdleTime OutCalls OutTime LoginTime\r\n\
         End Agent System Performance Report\r\n"
    );
}

#[test]
fn contact_history_is_one_file_of_the_whole_span() {
    let mut known = busy();
    known.mapping.keys.insert("ID".to_owned(), "Queue Tag".to_owned());
    let encoded = encode(&known);
    assert_eq!(
        body(&encoded, "contact-history/History-2508010800.txt"),
        "Queue Tag,Date,Time,Received,Handled,HandledWithin,Abandoned,AbandonedWithin,HandleTime,HoldTime,WorkTime,QueueDelay,ServiceLevel\r\n\
         MAXHIHIX_Hawaiian_General_vcall,08/01/25,08:00,22,18,17,4,2,1509,434,83,60,85\r\n"
    );
}

/// A day of quarters in a zone, with the same row in each.
fn day(zone: &str, from: &str, hours: i64) -> Known {
    let from: Timestamp = at(from);
    let quarter = Millis::from_minutes(15);
    let starts = (0..hours * 4).map(|number| from + Millis::from_minutes(15 * number));
    let intervals: Vec<_> = starts.map(|start| Interval { start, end: start + quarter }).collect();
    let queues = intervals
        .iter()
        .map(|interval| QueueInterval { interval_start: interval.start, ..queue("q") })
        .collect();
    Known { zone: TimeZone::get(zone).unwrap(), intervals, queues, ..known() }
}

#[test]
fn days_have_as_many_files_as_the_clock_has_names() {
    for (from, hours, files) in
        [("2026-03-28T23:00:00Z", 23, 92), ("2026-06-01T22:00:00Z", 24, 96), ("2026-10-24T22:00:00Z", 25, 96)]
    {
        let encoded = encode(&day("Europe/Berlin", from, hours));
        let names: Vec<_> = encoded.documents.iter().map(|document| document.name.clone()).collect();
        assert_eq!(names.len(), files + 1, "{from}: the files, and the history");
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "no name comes twice");
        assert!(names.is_sorted(), "names sort in order of sending: {names:?}");
    }
}

#[test]
fn the_hour_that_comes_twice_is_added_up_under_its_one_name() {
    let encoded = encode(&day("Europe/Berlin", "2026-10-24T22:00:00Z", 25));
    let line = |name: &str| body(&encoded, name).lines().nth(3).unwrap().to_owned();
    assert_eq!(line("102526.0145"), "q\t22\t18\t4\t17\t2\t1509\t83\t0\t60\t85\t");
    for name in ["102526.0200", "102526.0215", "102526.0230", "102526.0245"] {
        assert_eq!(line(name), "q\t44\t36\t8\t34\t4\t3018\t165\t0\t120\t85\t", "rounded once");
    }
    assert_eq!(line("102526.0300"), "q\t22\t18\t4\t17\t2\t1509\t83\t0\t60\t85\t");
    assert!(encoded.notes[0].contains("4 files hold two intervals"), "{:?}", encoded.notes);
    let received = encoded.documents[..96].iter().map(|document| {
        let text = String::from_utf8(document.body.clone()).unwrap();
        text.lines().nth(3).unwrap().split('\t').nth(1).unwrap().parse::<u64>().unwrap()
    });
    assert_eq!(received.sum::<u64>(), 100 * 22, "nothing of the day is lost");
}

#[test]
fn names_sort_over_the_turn_of_a_year() {
    let encoded = encode(&day("UTC", "2025-12-31T23:30:00Z", 1));
    let names: Vec<_> = encoded.documents.iter().map(|document| document.name.as_str()).collect();
    let expected = ["2025/123125.2330", "2025/123125.2345", "2026/010126.0000", "2026/010126.0015"];
    assert_eq!(names[..4], expected);
}

#[test]
fn what_would_break_the_file_is_held_back() {
    let mut known = Known { queues: vec![queue("a\tb")], ..known() };
    known.intervals[0].start = known.intervals[0].start + Millis::from_minutes(5);
    known.queues[0].interval_start = known.intervals[0].start;
    let encoded = (IEX.encode)(&known);
    assert!(encoded.documents.is_empty());
    let [interval, name] = &*encoded.refused[0].reasons else { panic!("{:?}", encoded.refused) };
    assert!(interval.contains("cuts it") && name.contains("a\\tb"), "{:?}", encoded.refused);
}
