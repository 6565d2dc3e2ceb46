use pegboard_model::acd::{Column, Grouping, Known, Value as Number};
use pegboard_model::policy::Pegging;
use pegboard_model::{Channel, Millis};
use serde_json::json;

use super::sessions::{MOST_SESSIONS, Session, Users, paired};
use super::*;
use crate::config::{FileSettings, SourceConfig, SourceInput};

fn at(minutes: i64) -> Timestamp {
    Timestamp::parse("2026-03-01T09:00:00Z").unwrap() + Millis::from_minutes(minutes)
}

fn computed(minutes: i64, channel: &str, answered: i64, talk: f64) -> Row {
    let row = json!({
        "interval_start": at(minutes).to_string(), "queue_id": "q-1", "queue_name": "Sales", "channel": channel,
        "direction": "inbound", "answered": answered, "talk_s": talk,
    });
    into_object(row).unwrap()
}

/// A row of the queue report, which knows the queue by its name alone.
fn told(minutes: i64, length: i64, channel: Option<Channel>, answered: u64, talk: i64) -> Told {
    let grouping = Grouping { queue: Some(Known::Name("Sales".into())), channel, ..Grouping::default() };
    let length = Millis::from_minutes(length);
    let mut row = AcdRow::new(AcdReport::QueueInterval, "QR".into(), at(minutes), length, grouping);
    row.put(Column::Answered, Number::Count(answered));
    row.put(Column::Talk, Number::Duration(Millis::from_seconds(talk)));
    let shown = acd_rows::show(&"acme".into(), &row, &Directory::default());
    Told { row, shown }
}

fn window() -> Window {
    Window { from: at(0), to: at(60) }
}

fn sides(told: Vec<Told>, computed: Vec<Row>) -> Sides {
    let unqueued = Computed::of_no_queue(computed.clone());
    let with_queue = computed.into_iter().filter(|row| row.get("queue_id").is_none_or(|queue| queue != ""));
    Sides { intervals: told, days: Vec::new(), computed: Computed::of(with_queue), unqueued }
}

fn config() -> SourceConfig {
    SourceConfig::new("acme", SourceInput::File(FileSettings::new("x".into())))
}

/// Measure, difference and reason of each difference.
fn found(told: Vec<Told>, computed: Vec<Row>, by_day: bool) -> Vec<(String, Value, String)> {
    let rows = compared(told, computed, by_day, false);
    assert!(rows.iter().all(|row| row["agrees"] == false));
    assert!(rows.iter().all(|row| COLUMNS.iter().all(|column| row.get(*column).is_some())));
    let text = |row: &Value, column: &str| row[column].as_str().unwrap().to_owned();
    rows.iter().map(|row| (text(row, "measure"), row["difference"].clone(), text(row, "reason"))).collect()
}

fn compared(told: Vec<Told>, computed: Vec<Row>, by_day: bool, agreeing: bool) -> Vec<Value> {
    let (config, tolerance) = (config(), Millis::from_seconds(1));
    let comparison = Comparison { config: &config, report: AcdReport::QueueInterval, tolerance, agreeing };
    comparison.rows(&sides(told, computed), window(), by_day)
}

#[test]
fn what_agrees_is_shown_where_it_is_asked_for_and_says_so() {
    let told = vec![told(0, 15, Some(Channel::Voice), 4, 98)];
    let rows = compared(told, vec![computed(0, "VOICE", 3, 100.5)], false, true);
    let said: Vec<_> = rows.iter().map(|row| (&row["measure"], &row["difference"], &row["agrees"])).collect();
    assert_eq!(
        said,
        [(&json!("answered"), &json!(1), &json!(false)), (&json!("talk_s"), &json!(-2.5), &json!(true)),]
    );
}

fn none() -> Vec<(String, Value, String)> {
    Vec::new()
}

#[test]
fn what_agrees_within_a_second_for_each_contact_is_no_difference() {
    let rows = || vec![computed(0, "VOICE", 3, 100.5)];
    assert_eq!(found(vec![told(0, 15, Some(Channel::Voice), 3, 98)], rows(), false), none());
    let talk = ("talk_s".to_owned(), json!(-3.5), String::new());
    assert_eq!(found(vec![told(0, 15, Some(Channel::Voice), 3, 97)], rows(), false), [talk]);
    let answered = ("answered".to_owned(), json!(1), String::new());
    assert_eq!(found(vec![told(0, 15, Some(Channel::Voice), 4, 100)], rows(), false), [answered]);
}

#[test]
fn what_the_acd_does_not_tell_apart_adds_up() {
    let rows =
        || vec![computed(0, "VOICE", 3, 100.0), computed(0, "CHAT", 1, 10.0), computed(15, "VOICE", 2, 20.0)];
    assert_eq!(found(vec![told(0, 30, None, 6, 130)], rows(), false), none());
    assert_eq!(found(vec![told(0, 15, None, 4, 110)], rows(), false), none());
    assert_eq!(found(vec![told(0, 30, Some(Channel::Chat), 1, 10)], rows(), false), none());
    assert_eq!(
        found(vec![told(45, 15, None, 9, 9)], rows(), false),
        none(),
        "nothing is stored of that interval"
    );
}

#[test]
fn a_day_that_agrees_shows_that_contacts_are_counted_elsewhere() {
    let rows = || vec![computed(0, "VOICE", 3, 100.0), computed(15, "VOICE", 2, 20.0)];
    let told = || vec![told(0, 15, None, 2, 80), told(15, 15, None, 3, 40)];
    let reasons = found(told(), rows(), false);
    assert_eq!(reasons.len(), 4);
    assert!(reasons.iter().all(|(.., reason)| reason.starts_with("pegging: the day agrees")), "{reasons:?}");
    assert_eq!(found(told(), rows(), true), none());
}

#[test]
fn a_pegging_that_the_acd_names_is_the_reason() {
    let mut other = told(0, 15, None, 2, 100);
    other.row.pegging = Some(Pegging::Enqueue);
    let found = found(vec![other], vec![computed(0, "VOICE", 3, 100.0)], true);
    assert_eq!(found[0].2, "pegging: the ACD counts by enqueue, here by disconnect");
}

/// The reason and the difference of a ready time that the ACD tells in seconds.
fn ready(told: i64) -> (Value, Value) {
    let grouping = Grouping { agent: Some(Known::Name("ann".into())), ..Grouping::default() };
    let quarter = Millis::from_minutes(15);
    let mut row = AcdRow::new(AcdReport::AgentInterval, "ASPR".into(), at(0), quarter, grouping);
    row.put(Column::Available, Number::Duration(Millis::from_seconds(told)));
    let shown = acd_rows::show(&"acme".into(), &row, &Directory::default());
    let own = json!({
        "interval_start": at(0).to_string(), "agent_id": "a-1", "agent_login": "ann", "login_s": 900, "aux_s": 90,
        "error_s": 10, "available_s": 300, "ringing_s": 25,
    });
    let config = config();
    let (report, tolerance) = (AcdReport::AgentInterval, Millis::from_seconds(1));
    let comparison = Comparison { config: &config, report, tolerance, agreeing: false };
    let sides = sides(vec![Told { row, shown }], into_object(own).into_iter().collect());
    let rows = comparison.rows(&sides, window(), false);
    assert_eq!(rows[0]["agent_id"], "a-1");
    (rows[0]["reason"].clone(), rows[0]["difference"].clone())
}

#[test]
fn a_ready_time_that_is_another_one_is_recognised() {
    let reason = |other| json!(format!("ready_time: the ACD's {other}, here it is waiting"));
    assert_eq!(ready(800), (reason("is productive"), json!(500)));
    assert_eq!(ready(325), (reason("contains ringing"), json!(25)));
    assert_eq!(ready(335), (reason("contains ringing and errors"), json!(35)));
    assert_eq!(ready(310), (reason("contains some of the ringing or of the errors"), json!(10)));
    assert_eq!(ready(350), (json!(""), json!(50)));
}

/// The reason of what an agent's interval differs in: login 600 s of which 200 s work, 30 s ringing, 40 s error and 50 s in breaks.
fn of_agent(column: Column, told: i64, computed: i64) -> String {
    let grouping = Grouping { agent: Some(Known::Name("ann".into())), ..Grouping::default() };
    let quarter = Millis::from_minutes(15);
    let mut row = AcdRow::new(AcdReport::AgentInterval, "ASPR".into(), at(0), quarter, grouping);
    row.put(column, Number::Duration(Millis::from_seconds(told)));
    let shown = acd_rows::show(&"acme".into(), &row, &Directory::default());
    let mut own = json!({
        "interval_start": at(0).to_string(), "agent_id": "a-1", "agent_login": "ann", "login_s": 600, "aux_s": 50, "error_s": 40,
        "available_s": 280, "ringing_s": 30, "talk_s": 150, "hold_s": 20, "acw_s": 30, "unknown_s": 25,
    });
    own[column.as_str()] = json!(computed);
    let config = config();
    let (report, tolerance) = (AcdReport::AgentInterval, Millis::from_seconds(1));
    let comparison = Comparison { config: &config, report, tolerance, agreeing: false };
    let sides = sides(vec![Told { row, shown }], into_object(own).into_iter().collect());
    comparison.rows(&sides, window(), false)[0]["reason"]
        .as_str()
        .unwrap()
        .split(':')
        .next()
        .unwrap()
        .to_owned()
}

#[test]
fn work_that_counts_before_the_status_is_a_reason_as_far_as_there_is_some() {
    assert_eq!(of_agent(Column::Login, 350, 600), "offline", "200 s of work, 30 s ringing and 40 s error");
    assert_eq!(of_agent(Column::Login, 320, 600), "");
    assert_eq!(of_agent(Column::Aux, 300, 50), "precedence");
    assert_eq!(of_agent(Column::Aux, 330, 50), "");
    assert_eq!(of_agent(Column::Error, 340, 40), "precedence");
    assert_eq!(of_agent(Column::Login, 620, 600), "unknown", "25 s of which nobody told");
    assert_eq!(of_agent(Column::Login, 630, 600), "");
}

#[test]
fn contacts_that_never_entered_the_queue_are_a_reason_as_far_as_there_are_some() {
    let outbound = |answered, talk| {
        let row = json!({
            "interval_start": at(0).to_string(), "queue_id": "", "queue_name": "", "channel": "VOICE", "direction": "outbound",
            "agent_id": "a-1", "agent_login": "ann", "answered": answered, "talk_s": talk,
        });
        into_object(row).unwrap()
    };
    let reasons = |answered, talk| {
        let found = found(
            vec![told(0, 15, None, answered, talk)],
            vec![computed(0, "VOICE", 3, 100.0), outbound(2, 60)],
            false,
        );
        found.into_iter().map(|(.., reason)| reason.starts_with("not queued")).collect::<Vec<_>>()
    };
    assert_eq!(reasons(5, 160), [true, true]);
    assert_eq!(reasons(6, 190), [false, false]);
    assert_eq!(reasons(2, 40), [false, false], "the ACD counts less");
}

#[test]
fn pauses_of_tasks_and_late_corrections_are_reasons() {
    let mut task = computed(0, "TASK", 1, 100.0);
    task.insert("hold_s".into(), json!(70));
    let mut told_hold = told(0, 15, None, 1, 100);
    told_hold.row.put(Column::Hold, Number::Duration(Millis::ZERO));
    let paused = found(vec![told_hold], vec![task], false);
    assert_eq!(paused[0].0, "hold_s");
    assert!(paused[0].2.starts_with("pauses"), "{paused:?}");

    let late = |revision: u64| {
        let mut row = computed(0, "VOICE", 3, 100.0);
        row.extend([("reason".to_owned(), json!("late")), ("revision".to_owned(), json!(revision))]);
        found(vec![told(0, 15, None, 2, 100)], vec![row], false)[0].2.starts_with("late")
    };
    assert!(late(2) && !late(1), "one that was never corrected is late for no file");
}

#[test]
fn a_day_that_the_acd_tells_itself_goes_before_the_sum_of_its_intervals() {
    let day = |answered| told(-9 * 60, 24 * 60, None, answered, 120);
    let rows = || vec![computed(0, "VOICE", 3, 100.0), computed(15, "VOICE", 2, 20.0)];
    let compared = |days: Vec<Told>, by_day| {
        let config = config();
        let (report, tolerance) = (AcdReport::QueueInterval, Millis::from_seconds(1));
        let comparison = Comparison { config: &config, report, tolerance, agreeing: true };
        let intervals = vec![told(0, 15, None, 3, 100), told(15, 15, None, 1, 20)];
        let rows = comparison.rows(&Sides { days, ..sides(intervals, rows()) }, window(), by_day);
        let answered = rows.iter().filter(|row| row["measure"] == "answered");
        answered
            .map(|row| (row["acd"].clone(), row["computed"].clone(), row["interval_s"].clone()))
            .collect::<Vec<_>>()
    };
    let summed = [(json!(4), json!(5), json!(1800))];
    assert_eq!(compared(Vec::new(), true), summed);
    assert_eq!(compared(vec![day(5)], true), [(json!(5), json!(5), json!(86400))]);
    assert_eq!(compared(vec![day(5)], false).len(), 2, "by interval a day says nothing");
}

/// Sessions from minute to minute; one without an end is not over.
fn sessions(spans: &[(i64, Option<i64>)]) -> Vec<Session> {
    spans.iter().map(|(from, to)| Session { sign_in: at(*from), sign_out: to.map(at) }).collect()
}

#[test]
fn sessions_that_overlap_or_begin_together_are_one() {
    let pairs = |told: &[(i64, Option<i64>)], own: &[(i64, Option<i64>)]| {
        let pairs = paired(&sessions(told), &sessions(own));
        let minute =
            |session: Option<Session>| session.map(|session| session.sign_in.since(at(0)).get() / 60_000);
        pairs.into_iter().map(|(told, own)| (minute(told), minute(own))).collect::<Vec<_>>()
    };
    let (one, two) = ((0, Some(60)), (90, Some(120)));
    assert_eq!(pairs(&[one, two], &[one, two]), [(Some(0), Some(0)), (Some(90), Some(90))]);
    assert_eq!(pairs(&[one, two], &[(80, None)]), [(Some(0), None), (Some(90), Some(80))], "not over yet");
    assert_eq!(pairs(&[two], &[one]), [(Some(90), None), (None, Some(0))]);
    assert_eq!(pairs(&[(64, Some(70))], &[(60, Some(60))]), [(Some(64), Some(60))], "within five minutes");
    assert_eq!(
        pairs(&[(0, Some(300))], &[(1, Some(100)), (101, Some(300))]),
        [(Some(0), Some(1)), (None, Some(101))]
    );
}

#[test]
fn r28_a_month_of_sessions_is_more_than_a_report_has_rows_and_has_an_end() {
    let directory = Directory::default();
    let session = |agent: usize| {
        let grouping = Grouping { agent: Some(Known::Name(agent.to_string().into())), ..Grouping::default() };
        let row = AcdRow::new(AcdReport::Sessions, "LoginLogout".into(), at(0), Millis::ZERO, grouping);
        let shown = acd_rows::show(&"acme".into(), &row, &directory);
        Told { row, shown }
    };
    let mut users = Users::default();
    for agent in 0..MOST_SESSIONS {
        users.take(&session(agent % 10), &directory, None).unwrap();
    }
    users.take(&session(0), &directory, Some(&"somebody else".into())).unwrap();
    assert!(users.take(&session(0), &directory, None).is_err());
}
