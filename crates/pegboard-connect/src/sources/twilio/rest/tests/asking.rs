use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use http::StatusCode;
use pegboard_model::Timestamp;
use pegboard_net::{Answer, CallError, Client, ClientOptions, Secret, Target};
use serde_json::json;

use super::super::{
    Credentials, Exchange, Fault, Holder, Https, InvalidPace, InvalidRegion, InvalidSid, MAX_SID_BYTES,
    MOST_AT_ONCE, MOST_PER_SECOND, Pace, RestError, Sid, TaskRouter, Window, regional,
};
use super::{Played, answer, noon, workers, workspace};
use crate::spec::SourceError;

#[tokio::test]
async fn pages_are_followed_until_there_is_none() {
    let second = "https://taskrouter.twilio.com/v1/Workspaces/WS1/Workers?PageSize=1000&Page=1&PageToken=PTx";
    let played = Played::new(move |asked| {
        Ok(if asked.contains("PageToken") {
            workers(&["WK3"], None)
        } else {
            workers(&["WK1", "WK2"], Some(second))
        })
    });
    let listed = workspace(&played).workers().await.unwrap();
    assert_eq!(listed.iter().map(|worker| &*worker.sid).collect::<Vec<_>>(), ["WK1", "WK2", "WK3"]);
    assert_eq!(
        played.asked(),
        ["https://taskrouter.twilio.com/v1/Workspaces/WS1/Workers?PageSize=1000", second]
    );
}

#[tokio::test]
async fn s02_no_answer_sends_the_key_to_another_address() {
    for next in [
        "https://evil.example/v1/Workspaces/WS1/Workers?Page=1",
        "http://taskrouter.twilio.com/v1/Workspaces/WS1/Workers?Page=1",
        "https://taskrouter.twilio.com:8443/v1/Workspaces/WS1/Workers?Page=1",
        "https://taskrouter.twilio.com.evil.example/v1",
        "https://taskrouter.twilio.com@evil.example/v1",
        "https://evil.taskrouter.twilio.com/v1",
        "//evil.example/v1",
        "/v1/Workspaces/WS1/Workers?Page=1",
        "file:///etc/passwd",
    ] {
        let played = Played::new(move |_| Ok(workers(&["WK1"], Some(next))));
        let error = workspace(&played).workers().await.unwrap_err();
        assert!(matches!(error, RestError::Astray { .. }), "{next}: {error}");
        assert_eq!(played.asked().len(), 1, "{next}");
        assert!(SourceError::from(error).needs_action);
    }
}

#[tokio::test]
async fn a_page_that_names_itself_as_the_next_ends_the_list() {
    let same = "https://taskrouter.twilio.com/v1/Workspaces/WS1/Workers?PageSize=1000";
    let played = Played::new(move |_| Ok(workers(&["WK1"], Some(same))));
    let error = workspace(&played).workers().await.unwrap_err();
    assert!(error.to_string().contains("a page names itself as the next"), "{error}");
    assert_eq!(played.asked().len(), 1);
}

/// A list of so many pages.
fn pages(count: usize) -> Arc<Played> {
    Played::new(move |asked| {
        let page: usize = asked.rsplit_once("&Page=").map_or(0, |(_, page)| page.parse().unwrap());
        let next = format!(
            "https://taskrouter.twilio.com/v1/Workspaces/WS1/Workers?PageSize=1000&Page={}",
            page + 1
        );
        Ok(workers(&["WK1"], (page + 1 < count).then_some(&*next)))
    })
}

#[tokio::test]
async fn r28_a_list_of_task_router_has_100_pages_at_most() {
    assert_eq!(workspace(&pages(100)).workers().await.unwrap().len(), 100);
    let error = workspace(&pages(101)).workers().await.unwrap_err();
    assert!(matches!(error, RestError::Endless { most: 100, .. }), "{error}");
}

#[tokio::test]
async fn r28_a_page_of_task_router_has_1000_entries_at_most() {
    let of = |count: usize| Played::new(move |_| Ok(workers(&vec!["WK1"; count], None)));
    assert_eq!(workspace(&of(1000)).workers().await.unwrap().len(), 1000);
    let error = workspace(&of(1001)).workers().await.unwrap_err();
    assert!(error.to_string().contains("workers: more than 1000 entries on a page"), "{error}");
}

#[tokio::test]
async fn an_answer_that_is_longer_than_is_read_comes_in_smaller_pages() {
    let played = Played::new(|asked| {
        let target: Target = asked.parse().unwrap();
        if asked.ends_with("PageSize=250") {
            Ok(workers(&["WK1"], None))
        } else {
            Err(CallError::TooLong { target, status: StatusCode::OK, most: 1 })
        }
    });
    assert_eq!(workspace(&played).workers().await.unwrap().len(), 1);
    assert_eq!(played.asked().len(), 2);
    let never = Played::new(|asked| {
        Err(CallError::TooLong { target: asked.parse().unwrap(), status: StatusCode::OK, most: 1 })
    });
    assert!(workspace(&never).workers().await.is_err());
    assert_eq!(never.asked().len(), 3, "with 1000, 250 and 50 entries a page");
}

#[tokio::test]
async fn a_refusal_says_what_to_do_and_is_final() {
    for (status, code, advice) in [
        (401, 20003, "look at the key"),
        (403, 20006, "give the key the right to read TaskRouter"),
        (404, 20404, "look at the SID of the workspace"),
        (400, 20001, "error 20001"),
    ] {
        let body = json!({ "code": code, "message": "no\u{1b}pe", "more_info": "https://x.example", "status": status });
        let played = Played::new(move |_| Ok(answer(status, &[], &body.to_string())));
        let error = workspace(&played).workers().await.unwrap_err();
        let said = error.to_string();
        assert!(said.contains(advice) && said.contains(&format!("error {code}, \"nope\"")), "{said}");
        assert_eq!(played.asked().len(), 1);
        assert!(SourceError::from(error).needs_action);
    }
}

#[test]
fn both_bodies_of_errors_are_read() {
    let classic =
        r#"{"code":20429,"message":"Too Many Requests","more_info":"https://x.example","status":429}"#;
    assert_eq!(
        Fault::of(classic.as_bytes()),
        Fault { code: Some(20429), message: "Too Many Requests".to_owned() }
    );
    let newer =
        r#"{"type":"https://x.example/59004","title":"Throttled","status":429,"code":59004,"detail":"wait"}"#;
    assert_eq!(
        Fault::of(newer.as_bytes()),
        Fault { code: Some(59004), message: "Throttled: wait".to_owned() }
    );
    for neither in ["", "<html>", "[]", "{}", r#"{"code":"x"}"#] {
        assert_eq!(Fault::of(neither.as_bytes()).to_string(), "an error without a code", "{neither}");
    }
}

#[test]
fn r28_200_characters_are_shown_of_what_twilio_says() {
    let said = |length: usize| {
        Fault::of(json!({ "message": "x".repeat(length) }).to_string().as_bytes()).message.len()
    };
    assert_eq!((said(200), said(201)), (200, 200));
}

/// Says `status` so often, then lists an agent.
fn busy(status: u16, times: u32, retry_after: &'static str) -> Arc<Played> {
    let left = AtomicU32::new(times);
    Played::new(move |_| {
        let is_busy =
            left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        let headers =
            [("retry-after", retry_after), ("x-rate-limit-limit", "50"), ("x-rate-limit-remaining", "7")];
        Ok(if is_busy { answer(status, &headers, r#"{"code":20429}"#) } else { workers(&["WK1"], None) })
    })
}

#[tokio::test]
async fn whoever_has_asked_too_often_asks_again_when_told_to() {
    for status in [429, 500, 503] {
        let played = busy(status, 2, "0");
        let task_router = workspace(&played);
        assert_eq!(task_router.workers().await.unwrap().len(), 1, "{status}");
        let usage = task_router.usage();
        assert_eq!((usage.asked, usage.throttled), (3, if status == 429 { 2 } else { 0 }));
        assert_eq!((usage.limit, usage.remaining), (Some(50), Some(7)));
    }
}

#[tokio::test]
async fn r28_a_question_is_put_four_times_at_most() {
    assert_eq!(workspace(&busy(429, 3, "0")).workers().await.unwrap().len(), 1);
    let played = busy(429, 4, "0");
    let error = workspace(&played).workers().await.unwrap_err();
    assert!(matches!(error, RestError::Later { .. }), "{error}");
    assert!(!SourceError::from(error).needs_action);
    assert_eq!(played.asked().len(), 4);
}

#[tokio::test]
async fn r28_nobody_waits_for_more_than_a_minute_inside_a_question() {
    let played = busy(429, 1, "61");
    let error = workspace(&played).workers().await.unwrap_err();
    assert!(matches!(error, RestError::Later { pause, .. } if pause == Duration::from_secs(61)), "{error}");
    assert_eq!(played.asked().len(), 1);
}

#[test]
fn r28_a_pace_is_50_a_second_and_10_at_once_at_most() {
    assert!(Pace::new(MOST_PER_SECOND, MOST_AT_ONCE).is_ok() && Pace::new(1, 1).is_ok());
    for (per_second, at_once) in [(MOST_PER_SECOND + 1, 1), (1, MOST_AT_ONCE + 1), (0, 1), (1, 0)] {
        assert_eq!(Pace::new(per_second, at_once), Err(InvalidPace));
    }
}

/// Counts how many ask at once.
#[derive(Debug, Default)]
struct Counting {
    now: AtomicU32,
    most: AtomicU32,
}

#[async_trait]
impl Exchange for Counting {
    async fn get(&self, _target: &Target) -> Result<Answer, CallError> {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        self.now.fetch_sub(1, Ordering::SeqCst);
        Ok(workers(&["WK1"], None))
    }
}

#[tokio::test]
async fn r28_no_more_requests_are_on_their_way_than_the_pace_has() {
    let counting = Arc::new(Counting::default());
    let task_router = workspace(&counting);
    let ask = || task_router.workers();
    let (one, two, three, four) = tokio::join!(ask(), ask(), ask(), ask());
    assert!([one, two, three, four].iter().all(Result::is_ok));
    assert_eq!(counting.most.load(Ordering::SeqCst), 2);
}

#[test]
fn r28_a_sid_has_64_letters_and_digits_at_most() {
    assert!("x".repeat(MAX_SID_BYTES).parse::<Sid>().is_ok());
    for text in [&*"x".repeat(MAX_SID_BYTES + 1), "", "WS1/../..", "WS1?x", "WS 1", "WSé"] {
        assert_eq!(text.parse::<Sid>(), Err(InvalidSid), "{text}");
    }
}

#[test]
fn a_region_and_an_edge_are_an_address() {
    let of = |region, edge| regional(region, edge).map(|target| target.to_string());
    assert_eq!(of(None, None).unwrap(), "https://taskrouter.twilio.com/");
    assert_eq!(of(Some("ie1"), Some("dublin")).unwrap(), "https://taskrouter.dublin.ie1.twilio.com/");
    assert_eq!(of(None, Some("ashburn")).unwrap(), "https://taskrouter.ashburn.us1.twilio.com/");
    assert_eq!(of(Some("ie1"), None), Err(InvalidRegion::NoEdge("ie1".to_owned())));
    for odd in ["a.b", "", "evil.example/", "x@y"] {
        assert!(of(Some("ie1"), Some(odd)).is_err() && of(Some(odd), Some("dublin")).is_err(), "{odd}");
    }
}

#[tokio::test]
async fn s03_no_log_shows_the_key() {
    let client = Client::new(ClientOptions::default()).unwrap();
    let credentials = Credentials { user: "SK1".to_owned(), password: Secret::new("hunter2".to_owned()) };
    let https = Arc::new(Https::new(client, &credentials));
    for shown in [format!("{credentials:?}"), format!("{https:?}"), format!("{:?}", workspace(&https))] {
        assert!(!shown.contains("hunter2") && !shown.contains("U0sxOmh1bnRlcjI"), "{shown}");
    }
}

#[tokio::test]
async fn windows_are_widened_to_whole_seconds() {
    let played = Played::new(|_| Ok(answer(200, &[], r#"{"events":[]}"#)));
    let at = |millis: i64| Timestamp::from_millis(noon().as_millis() + millis);
    workspace(&played).events(Window { from: at(1500), to: at(2001) }).await.unwrap();
    workspace(&played).events(Window { from: at(1000), to: at(2000) }).await.unwrap();
    let ends: Vec<_> =
        played.asked().iter().map(|asked| asked.split_once('?').unwrap().1.to_owned()).collect();
    assert_eq!(
        ends,
        [
            "StartDate=2026-01-01T12:00:01Z&EndDate=2026-01-01T12:00:03Z&PageSize=1000",
            "StartDate=2026-01-01T12:00:01Z&EndDate=2026-01-01T12:00:02Z&PageSize=1000"
        ]
    );
}

#[tokio::test]
async fn the_time_of_a_question_is_that_of_the_clock_that_is_behind() {
    for (date, expected) in
        [("Thu, 01 Jan 2026 11:58:00 GMT", -120_000), ("Thu, 01 Jan 2026 12:05:00 GMT", 0)]
    {
        let played = Played::new(move |_| Ok(answer(200, &[("date", date)], r#"{"events":[]}"#)));
        let read = workspace(&played).events(Window { from: noon(), to: noon() }).await.unwrap();
        assert_eq!(read.asked.since(noon()).get(), expected, "{date}");
    }
}

/// Every request that is made, by path and names of its query, is one of the OpenAPI document.
#[tokio::test]
async fn every_question_is_documented() {
    let Some(document) = crate::sources::twilio::tests::sample("openapi/twilio_taskrouter_v1.json") else {
        return;
    };
    let played = Played::new(|_| Ok(answer(404, &[], "{}")));
    let task_router: TaskRouter = workspace(&played);
    let sid: Sid = "SID1".parse().unwrap();
    drop(task_router.workers().await);
    drop(task_router.activities().await);
    drop(task_router.task_queues().await);
    drop(task_router.task_channels().await);
    drop(task_router.workflows().await);
    drop(task_router.open_tasks().await);
    drop(task_router.reservations(Holder::Worker(&sid)).await);
    drop(task_router.reservations(Holder::Task(&sid)).await);
    drop(task_router.events(Window { from: noon(), to: noon() }).await);
    let asked = played.asked();
    assert_eq!(asked.len(), 9);
    for asked in asked {
        let (path, query) =
            asked.strip_prefix("https://taskrouter.twilio.com").unwrap().split_once('?').unwrap();
        let path = path.replace("WS1", "{WorkspaceSid}");
        let path =
            path.replace("Workers/SID1", "Workers/{WorkerSid}").replace("Tasks/SID1", "Tasks/{TaskSid}");
        let listed = document["paths"][&path]["get"]["parameters"].as_array();
        let listed = listed.unwrap_or_else(|| panic!("{path} is not documented"));
        for name in query.split('&').map(|pair| pair.split_once('=').unwrap().0) {
            assert!(listed.iter().any(|parameter| parameter["name"] == name), "{path}: {name}");
        }
    }
}
