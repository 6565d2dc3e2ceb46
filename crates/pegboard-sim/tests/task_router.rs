//! A day as TaskRouter tells it, over its interface and by what it pushes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

use common::day;
use pegboard_model::Millis;
use pegboard_sim::disturb::Disturbance;
use pegboard_sim::stand_in::task_router::{
    Happening, KEY, SECRET, Settings, TaskRouterStandIn, WORKSPACE, Wrong, happenings, sign_form,
};
use serde_json::Value;

const LATE: Settings = Settings { late_by: Millis::from_seconds(20) };

/// Asks the stand-in; answers status, headers and body.
fn get(stand_in: &TaskRouterStandIn, path: &str, key: Option<&str>) -> (u16, String, Value) {
    let url = stand_in.url();
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let key = key.map_or(String::new(), |key| format!("authorization: Basic {key}\r\n"));
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\n{key}\r\n").unwrap();
    let mut answer = Vec::new();
    let mut piece = [0; 8192];
    loop {
        let read = stream.read(&mut piece).unwrap();
        answer.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&answer).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length: usize =
            head.split("content-length: ").nth(1).unwrap().lines().next().unwrap().parse().unwrap();
        if body.len() >= length || read == 0 {
            let status = head.split(' ').nth(1).unwrap().parse().unwrap();
            return (status, head.to_owned(), serde_json::from_str(body).unwrap_or_default());
        }
    }
}

/// `KEY:SECRET` in base64.
const BASIC: &str = "U0swMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMTphLXNlY3JldC1vZi10aGUtc3RhbmQtaW4=";

/// All entries of a list, page by page.
fn all(stand_in: &TaskRouterStandIn, list: &str, key: &str) -> Vec<Value> {
    let mut path = format!("/v1/Workspaces/{WORKSPACE}/{list}");
    let mut entries = Vec::new();
    loop {
        let (status, _, page) = get(stand_in, &path, Some(BASIC));
        assert_eq!(status, 200, "{path}: {page}");
        entries.extend(page[key].as_array().unwrap().iter().cloned());
        let Some(next) = page["meta"]["next_page_url"].as_str() else { return entries };
        next.strip_prefix(&stand_in.url()).unwrap().clone_into(&mut path);
    }
}

#[test]
fn reservations_go_the_way_that_task_router_knows() {
    let told = happenings(&day(5));
    assert!(told.is_sorted_by_key(|happening| happening.at));
    let mut of: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for happening in &told {
        if let Some(reservation) = happening.field("reservation_sid") {
            let ways = of.entry(reservation).or_default();
            ways.push(happening.kind.strip_prefix("reservation.").unwrap());
            assert_eq!(happening.field("reservation_version"), Some(&*ways.len().to_string()));
        }
    }
    let ways: BTreeSet<Vec<&str>> = of.into_values().collect();
    for way in &ways {
        assert_eq!(way[0], "created", "{way:?}");
        let rest = &way[1..];
        let known = [
            &["accepted", "wrapup", "completed"][..],
            &["accepted", "completed"],
            &["timeout"],
            &["rejected"],
            &["canceled"],
        ];
        assert!(known.iter().any(|known| known.starts_with(rest)), "{way:?}");
    }
    assert!(ways.contains(&vec!["created", "accepted", "wrapup", "completed"]));
    let kinds: BTreeSet<&str> = told.iter().map(|happening| happening.kind).collect();
    for kind in
        ["worker.activity.update", "task.created", "task-queue.entered", "task.canceled", "task.completed"]
    {
        assert!(kinds.contains(kind), "{kind}");
    }
}

#[test]
fn versions_of_a_worker_rise_with_his_record() {
    let mut versions: BTreeMap<String, u64> = BTreeMap::new();
    for happening in happenings(&day(5)) {
        let (Some(worker), Some(version)) =
            (happening.field("worker_sid"), happening.field("worker_version"))
        else {
            continue;
        };
        let last = versions.entry(worker.to_owned()).or_default();
        let of_record = ["worker.activity.update", "worker.attributes.update"].contains(&happening.kind);
        let expected = *last + u64::from(of_record);
        assert_eq!(version, expected.to_string());
        *last = expected;
    }
    assert!(versions.len() > 20);
}

#[test]
fn events_are_listed_for_30_days_page_by_page_and_late() {
    let day = day(6);
    let told = Arc::new(happenings(&day));
    let stand_in = TaskRouterStandIn::serve(day.organisation.clone(), told.clone(), LATE).unwrap();
    let end = day.config.end();
    stand_in.pass_to(end);
    let window = |from: Millis| {
        let list = format!("Events?StartDate={}&EndDate={end}&PageSize=100", end - from);
        all(&stand_in, &list, "events")
            .iter()
            .map(|event| event["sid"].as_str().unwrap().to_owned())
            .collect()
    };
    let listed: BTreeSet<String> = window(Millis::from_hours(2));
    let happened = |least: Millis| -> BTreeSet<String> {
        let since =
            told.iter().filter(|one| one.at >= end - Millis::from_hours(2) && end.since(one.at) >= least);
        since.filter(|one| one.at <= end).map(|one| one.sid.clone()).collect()
    };
    assert!(listed.len() > 100);
    assert!(listed.is_subset(&happened(Millis::new(0))) && listed.is_superset(&happened(LATE.late_by)));
    stand_in.pass_to(end + Millis::from_hours(30 * 24 + 30));
    let gone: BTreeSet<String> = window(Millis::from_hours(24));
    assert_eq!(gone.len(), 0, "nothing is kept for more than 30 days");
}

#[test]
fn agents_and_what_they_have_are_shown_as_events_told() {
    let day = day(6);
    let told = Arc::new(happenings(&day));
    let stand_in = TaskRouterStandIn::serve(day.organisation.clone(), told.clone(), LATE).unwrap();
    let noon = day.config.start + Millis::from_hours(12);
    stand_in.pass_to(noon);
    let workers = all(&stand_in, "Workers?PageSize=7", "workers");
    assert!(workers.iter().any(|worker| worker["available"] == true));
    let mut open = BTreeSet::new();
    for happening in told.iter().filter(|happening| happening.at <= noon) {
        if let Some(reservation) = happening.field("reservation_sid") {
            match happening.kind {
                "reservation.created" => drop(open.insert(reservation)),
                "reservation.accepted" | "reservation.wrapup" => {}
                _ => drop(open.remove(reservation)),
            }
        }
    }
    let mut shown = BTreeSet::new();
    for worker in &workers {
        let list = format!("Workers/{}/Reservations", worker["sid"].as_str().unwrap());
        for held in all(&stand_in, &list, "reservations") {
            if matches!(held["reservation_status"].as_str(), Some("pending" | "accepted" | "wrapping")) {
                shown.insert(held["sid"].as_str().unwrap().to_owned());
            }
        }
    }
    assert!(!open.is_empty());
    assert_eq!(shown, open.into_iter().map(str::to_owned).collect());
    let tasks = all(&stand_in, "Tasks?PageSize=1000", "tasks");
    assert!(!tasks.is_empty());
    let one = tasks[0]["sid"].as_str().unwrap();
    assert!(!all(&stand_in, &format!("Tasks/{one}/Reservations"), "reservations").is_empty());
    stand_in.pass_to(day.config.end() + Millis::from_hours(24));
    let completed = told.iter().find(|happening| happening.kind == "task.completed").unwrap();
    let path =
        format!("/v1/Workspaces/{WORKSPACE}/Tasks/{}/Reservations", completed.field("task_sid").unwrap());
    assert_eq!(get(&stand_in, &path, Some(BASIC)).0, 404, "a task that is over is gone");
}

#[test]
fn faults_and_wrong_questions_are_answered_as_twilio_does() {
    let day = day(6);
    let told = Arc::new(happenings(&day));
    let stand_in = TaskRouterStandIn::serve(day.organisation.clone(), told, LATE).unwrap();
    let path = format!("/v1/Workspaces/{WORKSPACE}/Workers?PageSize=1001");
    let (status, _, body) = get(&stand_in, &path, Some(BASIC));
    assert_eq!((status, body["code"].as_u64()), (400, Some(20001)));
    assert_eq!(get(&stand_in, &path, None).0, 401);
    assert_eq!(get(&stand_in, "/v1/Workspaces/WSother/Workers", Some(BASIC)).0, 404);
    stand_in.fail(Wrong::Throttled(Some(3)));
    let (status, head, body) = get(&stand_in, &path, Some(BASIC));
    assert!(head.contains("retry-after: 3"), "{head}");
    assert_eq!((status, body["code"].as_u64(), body["status"].as_u64()), (429, Some(20429), Some(429)));
    let counts = stand_in.counts();
    assert_eq!((counts.requests, counts.faults, counts.unauthorised), (4, 1, 1));
    assert!(KEY.starts_with("SK") && !SECRET.is_empty());
}

#[test]
fn what_is_pushed_can_be_lost_doubled_and_late_and_is_signed() {
    let told = happenings(&day(7));
    let disturbance = Disturbance { lost: 0.05, twice: 0.05, late: 0.2, ..Disturbance::none(7) };
    let pushed: Vec<Happening> = disturbance.disturb(&told);
    let distinct: BTreeSet<&str> = pushed.iter().map(|happening| &*happening.sid).collect();
    assert!(distinct.len() < told.len() && pushed.len() > distinct.len());
    assert!(!pushed.is_sorted_by_key(|happening| happening.at));
    let form = pushed[0].form();
    assert!(form.contains(&format!("&Sid={}", pushed[0].sid)) && form.contains("&TimestampMs="), "{form}");
    let fields = pushed[0].form_fields();
    let signature = sign_form("token", "https://hub.example.com/twilio", &fields);
    assert_ne!(signature, sign_form("another", "https://hub.example.com/twilio", &fields));
    let event = pushed[0].cloud_event();
    assert_eq!(event["data"]["payload"]["sid"], pushed[0].sid);
    assert_eq!(event["type"], format!("com.twilio.taskrouter.{}", pushed[0].kind));
}
