//! Rows of reports: windows, filters, formats, limits.

use std::sync::atomic::Ordering;
use std::time::Duration;

use pegboard::api::{Access, ApiOptions, Transport};
use pegboard::runtime::view::all_reports;
use serde_json::json;

use crate::hub::{Ask, Hub};

#[tokio::test]
async fn the_reports_are_listed() {
    assert_eq!(Hub::new().get("/api/v1/reports").await.json(), json!({"reports": all_reports()}));
}

#[tokio::test]
async fn rows_come_as_json_with_their_columns() {
    let hub = Hub::new();
    let answer =
        hub.get("/api/v1/reports/queue_interval?from=2026-03-01T00:00:00Z&to=2026-03-01T09:00:00Z").await;
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(
        answer.json(),
        json!({
            "report": "queue_interval",
            "from": "2026-03-01T00:00:00Z",
            "to": "2026-03-01T09:00:00Z",
            "columns": ["interval_start", "queue_name", "offered", "service_level_pct"],
            "rows": [
                {"interval_start": "2026-03-01T09:00:00Z", "queue_name": "=Sales, \"inbound\"", "offered": 0,
                 "service_level_pct": null},
                {"interval_start": "2026-03-01T09:00:00Z", "queue_name": "=Sales, \"inbound\"", "offered": 1,
                 "service_level_pct": 87.5},
            ],
        })
    );
}

#[tokio::test]
async fn s36_csv_for_spreadsheets_is_safe_to_open() {
    let hub = Hub::new();
    let answer = hub.get("/api/v1/reports/queue_interval?format=csv&spreadsheet=true").await;
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8; header=present");
    assert_eq!(answer.header("content-disposition"), "attachment; filename=\"queue_interval.csv\"");
    assert_eq!(
        answer.text,
        "interval_start,queue_name,offered,service_level_pct\n\
         2026-03-01T09:00:00Z,\"'=Sales, \"\"inbound\"\"\",0,\n\
         2026-03-01T09:00:00Z,\"'=Sales, \"\"inbound\"\"\",1,87.5\n"
    );
}

#[tokio::test]
async fn csv_is_exact_unless_it_is_for_spreadsheets() {
    let hub = Hub::new();
    for query in ["format=csv", "format=csv&spreadsheet=false"] {
        let answer = hub.get(&format!("/api/v1/reports/queue_interval?{query}")).await;
        assert_eq!(answer.text.lines().nth(1), Some("2026-03-01T09:00:00Z,\"=Sales, \"\"inbound\"\"\",0,"));
    }
    for query in ["spreadsheet=true", "format=ndjson&spreadsheet=true", "format=csv&spreadsheet=yes"] {
        let answer = hub.get(&format!("/api/v1/reports/queue_interval?{query}")).await;
        assert_eq!(answer.status.as_u16(), 400, "{query}");
        assert_eq!(answer.json()["error"]["path"], "query.spreadsheet", "{query}");
    }
}

#[tokio::test]
async fn parquet_is_a_file_to_download() {
    let hub = Hub::new();
    for count in [0, 2] {
        hub.view.rows.store(count, Ordering::SeqCst);
        let path = "/api/v1/reports/queue_interval?format=parquet";
        let response = Ask::new("GET", path).token(&hub.admin).begin(&hub.router).await;
        assert_eq!(response.headers()["content-type"], "application/vnd.apache.parquet");
        let disposition = "attachment; filename=\"queue_interval.parquet\"";
        assert_eq!(response.headers()["content-disposition"], disposition);
        let file = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        assert!(file.starts_with(b"PAR1") && file.ends_with(b"PAR1"));
    }
}

#[tokio::test]
async fn many_rows_arrive_whole_in_every_format() {
    let hub = Hub::new();
    for count in [0, 1, 511, 512, 513, 5000] {
        hub.view.rows.store(count, Ordering::SeqCst);
        let json = hub.get("/api/v1/reports/queue_interval").await.json();
        let offered: Vec<_> =
            json["rows"].as_array().unwrap().iter().map(|row| row["offered"].as_u64()).collect();
        assert_eq!(offered, (0..count as u64).map(Some).collect::<Vec<_>>());
        let ndjson = hub.get("/api/v1/reports/queue_interval?format=ndjson").await;
        assert_eq!(ndjson.header("content-type"), "application/x-ndjson");
        let rows: Vec<serde_json::Value> =
            ndjson.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(json["rows"], json!(rows));
        let csv = hub.get("/api/v1/reports/queue_interval?format=csv").await;
        assert_eq!(csv.text.lines().count(), count + 1);
    }
}

#[tokio::test]
async fn the_request_reaches_the_hub_as_it_was_made() {
    let hub = Hub::new();
    let query = "source=globex&agent=ana&from=2026-02-01T00:00:00%2B01:00&to=2026-03-01T00:00:00Z";
    hub.get(&format!("/api/v1/reports/queue_interval?{query}")).await;
    let asked = hub.view.asked.lock().unwrap().pop().unwrap();
    assert_eq!(asked.name, "queue_interval");
    assert_eq!(asked.sources, ["globex".into()]);
    assert_eq!(asked.agent, Some("ana".into()));
    assert_eq!(asked.from.unwrap().to_string(), "2026-01-31T23:00:00Z");
    assert_eq!(asked.to.unwrap().to_string(), "2026-03-01T00:00:00Z");
    hub.get("/api/v1/reports/queue_interval").await;
    let asked = hub.view.asked.lock().unwrap().pop().unwrap();
    assert_eq!((asked.sources.len(), asked.agent, asked.from, asked.to), (0, None, None, None));
}

#[tokio::test]
async fn a_timeline_is_the_segments_of_one_agent() {
    let hub = Hub::new();
    let answer = hub.get("/api/v1/agents/a%2Fb%20c/timeline?source=acme").await;
    assert_eq!(answer.json()["report"], "segments");
    let asked = hub.view.asked.lock().unwrap().pop().unwrap();
    assert_eq!(asked.name, "segments");
    assert_eq!(asked.agent, Some("a/b c".into()));
    assert_eq!(asked.sources, ["acme".into()]);
}

#[tokio::test]
async fn r28_s32_a_window_is_31_days_long_at_most_and_not_empty() {
    let hub = Hub::new();
    let window = |query: &'static str| {
        let hub = &hub;
        async move { hub.get(&format!("/api/v1/reports/segments?{query}")).await.status.as_u16() }
    };
    assert_eq!(window("from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z").await, 200);
    assert_eq!(window("from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00.001Z").await, 400);
    assert_eq!(window("from=2026-01-29T09:15:00Z").await, 200, "up to now");
    assert_eq!(window("from=2026-01-29T09:14:59Z").await, 400);
    assert_eq!(window("from=2026-02-01T00:00:00Z&to=2026-02-01T00:00:00Z").await, 400);
    assert_eq!(window("from=2026-02-02T00:00:00Z&to=2026-02-01T00:00:00Z").await, 400);
    assert_eq!(window("from=2026-03-02T00:00:00Z").await, 400, "starts after now");
    assert_eq!(window("to=2020-01-01T00:00:00Z").await, 200, "the day before");
}

#[tokio::test]
async fn r28_s32_a_report_has_a_limit_of_rows() {
    let mut options = ApiOptions::new(Access::Tokens, Transport::Plain);
    options.limits.report_rows = 10;
    let hub = Hub::with(options);
    hub.view.rows.store(10, Ordering::SeqCst);
    assert_eq!(hub.get("/api/v1/reports/segments").await.status, 200);
    hub.view.rows.store(11, Ordering::SeqCst);
    assert_eq!(hub.get("/api/v1/reports/segments").await.code(), "too_large");
}

#[tokio::test]
async fn r28_s32_one_token_computes_two_reports_at_once() {
    let hub = Hub::new();
    hub.view.hold_reports.store(true, Ordering::SeqCst);
    let start = |token: &str| {
        let ask = Ask::get("/api/v1/reports/segments").token(token);
        let router = hub.router.clone();
        tokio::spawn(async move { ask.send(&router).await })
    };
    let mut held: Vec<_> = (0..2).map(|_| start(&hub.viewer)).collect();
    while hub.view.asked.lock().unwrap().len() < 2 {
        tokio::task::yield_now().await;
    }
    let third = start(&hub.viewer).await.unwrap();
    assert_eq!((third.code().as_str(), third.header("retry-after")), ("too_many_requests", "1"));
    held.push(start(&hub.admin));
    while hub.view.asked.lock().unwrap().len() < 3 {
        tokio::task::yield_now().await;
    }
    hub.view.hold_reports.store(false, Ordering::SeqCst);
    hub.view.go_on.notify_waiters();
    for report in held {
        assert_eq!(report.await.unwrap().status, 200, "another token is not held up");
    }
    assert_eq!(start(&hub.viewer).await.unwrap().status, 200, "and there is room again");
}

#[tokio::test]
async fn r28_s32_an_answer_that_takes_too_long_is_given_up() {
    let mut options = ApiOptions::new(Access::Tokens, Transport::Plain);
    options.limits.answer_time = Duration::from_millis(50);
    let hub = Hub::with(options);
    hub.view.hold_reports.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        assert_eq!(hub.get("/api/v1/reports/segments").await.code(), "unavailable", "and frees its place");
    }
}

#[tokio::test]
async fn the_history_of_a_report_is_asked_for_as_it_was_meant() {
    let hub = Hub::new();
    let path = "/api/v1/reports/queue_interval/history";
    let answer = hub.get(&format!("{path}?origin=acd&queue=Sales&from=2026-03-01T09:00:00Z")).await.json();
    let row = &answer["rows"][0];
    assert_eq!((&row["origin"], &row["queue"]), (&json!("acd"), &json!("Sales")));
    assert_eq!(row["changed"], json!({"offered": [3, 4]}));
    assert_eq!(hub.get(&format!("{path}?queue=Sales")).await.json()["rows"][0]["origin"], "computed");
    let csv = hub.get(&format!("{path}?format=csv")).await;
    assert!(csv.text.starts_with("interval_start,origin,queue,revision,changed\n"), "{}", csv.text);
    let missing = Ask::get("/api/v1/reports/segments/history").token(&hub.viewer).send(&hub.router).await;
    assert_eq!((missing.status.as_u16(), missing.json()["error"]["path"].clone()), (404, json!("path.name")));
}

#[tokio::test]
async fn origin_and_virtual_queues_reach_the_hub() {
    let hub = Hub::new();
    hub.get("/api/v1/reports/queue_interval").await;
    hub.get("/api/v1/reports/queue_interval?origin=acd&virtual_queues=true").await;
    let asked: Vec<_> = hub
        .view
        .asked
        .lock()
        .unwrap()
        .iter()
        .map(|asked| (asked.origin.as_str(), asked.virtual_queues))
        .collect();
    assert_eq!(asked, [("computed", false), ("acd", true)]);
}
