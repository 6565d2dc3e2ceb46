//! Numbers for Prometheus, and their documentation.

use std::collections::{BTreeMap, BTreeSet};

use pegboard::api::metrics::FAMILIES;

use crate::hub::{Ask, Hub};

const DOC: &str = include_str!("../../../../docs/metrics.md");

#[tokio::test]
async fn the_numbers_of_sources_are_there() {
    let text = Hub::new().get("/metrics").await.text;
    for line in [
        "pegboard_source_health{source=\"acme\",health=\"ok\"} 1",
        "pegboard_source_health{source=\"acme\",health=\"failing\"} 0",
        "pegboard_source_lag_seconds{source=\"acme\"} 1.5",
        "pegboard_source_watermark_age_seconds{source=\"acme\"} 2",
        "pegboard_source_closed_age_seconds{source=\"globex\"} 900",
        "pegboard_source_agents{source=\"acme\"} 3",
        "pegboard_source_records_total{source=\"acme\"} 10",
        "pegboard_source_items_total{source=\"acme\",kind=\"event\"} 6",
        "pegboard_source_items_total{source=\"acme\",kind=\"duplicate\"} 1",
        "pegboard_partition_lag_seconds{source=\"acme\",partition=\"shard-1\"} 1.5",
        "pegboard_source_missing_files{source=\"acme\",late=\"true\"} 1",
        "pegboard_source_missing_files{source=\"acme\",late=\"false\"} 0",
        "pegboard_sink_failures{sink=\"wfm\",lane=\"states\"} 3",
        "pegboard_sink_accepted_total{sink=\"wfm\",lane=\"rows\"} 0",
        "pegboard_sink_event_failures{sink=\"wfm\",lane=\"rta\",source=\"one\"} 3",
        "pegboard_sink_events_total{sink=\"wfm\",lane=\"rta\",source=\"one\",outcome=\"taken\"} 7",
        "pegboard_sink_events_waiting{sink=\"wfm\",lane=\"rta\",source=\"one\"} 5",
        "pegboard_sink_intervals{sink=\"wfm\",report=\"queue-report\",state=\"parked\"} 2",
        "pegboard_sink_oldest_waiting_seconds{sink=\"wfm\",report=\"queue-report\"} 0",
        "pegboard_alarm_active{condition=\"source-failing\",severity=\"critical\"} 0",
        "pegboard_stream_readers 0",
        "pegboard_stream_cut_off_total 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}

#[tokio::test]
async fn reloads_that_are_not_over_are_counted() {
    // One is under way already.
    let hub = Hub::new();
    let body = serde_json::json!({"source": "acme", "from": "2026-02-27", "to": "2026-02-28"});
    let asked = Ask::new("POST", "/api/v1/reloads").token(&hub.operator).json(&body).send(&hub.router).await;
    assert_eq!(asked.status, 201);
    let text = hub.get("/metrics").await.text;
    for line in [
        "pegboard_reloads{source=\"acme\"} 2",
        "pegboard_reloads{source=\"globex\"} 0",
        "pegboard_reload_files_left{source=\"acme\"} 0",
        "pegboard_reload_days_left{source=\"acme\"} 2",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}

#[tokio::test]
async fn requests_and_readers_are_counted() {
    let hub = Hub::new();
    hub.get("/api/v1/agents").await;
    hub.get("/api/v1/agents").await;
    hub.get("/api/v1/agents?x=1").await;
    let stream = Ask::get("/api/v1/agents/stream").token(&hub.viewer).begin(&hub.router).await;
    let text = hub.get("/metrics").await.text;
    for line in [
        "pegboard_http_requests_total{method=\"GET\",route=\"/api/v1/agents\",status=\"200\"} 2",
        "pegboard_http_requests_total{method=\"GET\",route=\"/api/v1/agents\",status=\"400\"} 1",
        "pegboard_http_request_seconds_count{method=\"GET\",route=\"/api/v1/agents\"} 3",
        "pegboard_stream_readers 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    drop(stream);
}

#[tokio::test]
async fn pages_and_files_are_counted_by_a_bounded_number_of_labels() {
    let hub = Hub::new();
    for path in pegboard::console::paths() {
        assert_eq!(Ask::get(&path).begin(&hub.router).await.status(), 200, "{path}");
    }
    for n in 0..50 {
        Ask::get(&format!("/assets/x{n}/none{n}.js")).begin(&hub.router).await;
        Ask::get(&format!("/none{n}")).begin(&hub.router).await;
    }
    let text = hub.get("/metrics").await.text;
    let counted: Vec<_> =
        text.lines().filter(|line| line.starts_with("pegboard_http_requests_total")).collect();
    assert_eq!(
        counted.len(),
        10 + 3 + 1,
        "documents, files found and not, the icon, what is nowhere: {counted:?}"
    );
    for line in [
        "pegboard_http_requests_total{method=\"GET\",route=\"/\",status=\"200\"} 1",
        "pegboard_http_requests_total{method=\"GET\",route=\"/queues\",status=\"200\"} 1",
        "pegboard_http_requests_total{method=\"GET\",route=\"/assets/{version}/{*path}\",status=\"404\"} 50",
        "pegboard_http_requests_total{method=\"GET\",route=\"other\",status=\"404\"} 50",
    ] {
        assert!(counted.contains(&line), "{line}\n{counted:?}");
    }
}

#[tokio::test]
async fn every_sample_belongs_to_a_declared_family_and_every_family_has_one() {
    let hub = Hub::new();
    hub.get("/healthz").await;
    let text = hub.get("/metrics").await.text;
    let mut sampled = BTreeSet::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(['{', ' ']).next().unwrap();
        let family = FAMILIES.iter().find(|family| {
            let part = name.strip_prefix(family.name);
            part == Some("") || (family.kind == "summary" && matches!(part, Some("_sum" | "_count")))
        });
        sampled.insert(family.unwrap_or_else(|| panic!("{line}")).name);
        assert!(line.rsplit(' ').next().unwrap().parse::<f64>().is_ok(), "{line}");
    }
    assert_eq!(sampled, FAMILIES.iter().map(|family| family.name).collect());
}

#[test]
fn the_documentation_lists_every_family_and_nothing_else() {
    let rows = DOC.lines().filter_map(|line| line.strip_prefix("| `pegboard_"));
    let documented: BTreeMap<_, _> = rows
        .map(|row| {
            let cells: Vec<_> =
                format!("`pegboard_{row}").split('|').map(|cell| cell.trim().to_string()).collect();
            (cells[0].trim_matches('`').to_string(), cells[1..4].join(" / "))
        })
        .collect();
    let declared: BTreeMap<_, _> = FAMILIES
        .iter()
        .map(|family| {
            let labels: Vec<_> = family.labels.iter().map(|label| format!("`{label}`")).collect();
            (family.name.to_string(), format!("{} / {} / {}", family.kind, labels.join(", "), family.help))
        })
        .collect();
    assert_eq!(documented, declared);
}
