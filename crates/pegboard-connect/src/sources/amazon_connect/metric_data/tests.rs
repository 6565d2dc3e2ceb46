//! What is asked, and what answers mean. Answers are written here as the API reference shows them.

use pegboard_aws::{MOST_FILTERED, MOST_SERVICE_LEVELS, MetricPeriod, MetricScope};
use pegboard_model::acd::{AcdReport, Column, Value};
use pegboard_model::{Millis, Timestamp};
use serde_json::json;

use super::*;
use crate::sources::amazon_connect::reports::Goals;

fn window() -> Window {
    let from = Timestamp::parse("2026-03-01T09:00:00Z").unwrap();
    Window { from, to: from + Millis::from_minutes(15), period: MetricPeriod::Quarter }
}

fn goals(service_level: i64) -> Goals {
    Goals { service_level: Millis::from_seconds(service_level), short_abandon: Millis::from_seconds(5) }
}

fn centre(queues: usize, profiles: usize, agents: usize) -> Centre {
    let ids =
        |kind: &str, count: usize| (0..count).map(|number| format!("{kind}-{number}")).collect::<Vec<_>>();
    Centre {
        instance_arn: "arn:aws:connect:eu-central-1:1:instance/i-1".to_owned(),
        queues: ids("q", queues).into_iter().map(|id| (id, goals(20))).collect(),
        routing_profiles: ids("p", profiles),
        agents: ids("a", agents),
    }
}

/// How many calls there are of each report.
fn counts(calls: &[Call]) -> [usize; 3] {
    AcdReport::INTERVALS.map(|report| calls.iter().filter(|call| call.report == report).count())
}

/// The metrics of a call as `NAME`, `NAME(20)` or `NAME(!KEY)`.
fn asked(call: &Call) -> Vec<String> {
    let text = |metric: &pegboard_aws::AskedMetric| match (metric.within_s, metric.filter) {
        (Some(seconds), _) => format!("{}({seconds})", metric.name),
        (None, Some((key, _, negate))) => format!("{}({}{key})", metric.name, if negate { "!" } else { "" }),
        (None, None) => metric.name.to_owned(),
    };
    call.query.metrics.iter().map(text).collect()
}

#[test]
fn three_calls_rebuild_the_reports() {
    let calls = calls(&centre(3, 2, 500), window());
    assert_eq!(counts(&calls), [1, 1, 1]);
    let [queue, agent_queue, agent] = &calls[..] else { panic!("{calls:?}") };
    assert_eq!(
        asked(queue),
        [
            "CONTACTS_QUEUED",
            "CONTACTS_HANDLED(!INITIATION_METHOD)",
            "CONTACTS_ABANDONED",
            "CONTACTS_TRANSFERRED_OUT_FROM_QUEUE",
            "CONTACTS_CREATED(INITIATION_METHOD)",
            "SUM_INTERACTION_TIME",
            "SUM_HOLD_TIME",
            "SUM_AFTER_CONTACT_WORK_TIME",
            "SUM_INTERACTION_AND_HOLD_TIME",
            "SUM_CONTACTS_ABANDONED_IN_X(5)",
            "SUM_CONTACTS_ABANDONED_IN_X(20)",
            "SUM_CONTACTS_ANSWERED_IN_X(20)",
            "SERVICE_LEVEL(20)",
        ]
    );
    assert_eq!(queue.query.groupings, ["QUEUE", "CHANNEL"]);
    assert_eq!(
        asked(agent_queue),
        [
            "CONTACTS_HANDLED",
            "SUM_INTERACTION_TIME",
            "SUM_HOLD_TIME",
            "SUM_AFTER_CONTACT_WORK_TIME",
            "SUM_INTERACTION_AND_HOLD_TIME",
            "CONTACTS_TRANSFERRED_OUT_BY_AGENT",
        ]
    );
    assert_eq!(agent_queue.query.groupings, ["AGENT", "QUEUE", "CHANNEL"]);
    assert_eq!(
        asked(agent),
        [
            "SUM_ONLINE_TIME_AGENT",
            "SUM_IDLE_TIME_AGENT",
            "SUM_ERROR_STATUS_TIME_AGENT",
            "SUM_NON_PRODUCTIVE_TIME_AGENT"
        ]
    );
    assert_eq!(agent.query.groupings, ["AGENT"]);
    assert!(matches!(&agent.query.scope, MetricScope::RoutingProfiles(ids) if ids.len() == 2));
    assert_eq!((queue.query.from_s, queue.query.to_s), (1_772_355_600, 1_772_356_500));
}

#[test]
fn r28_a_call_names_100_queues_profiles_or_agents_at_most() {
    assert_eq!(counts(&calls(&centre(MOST_FILTERED, MOST_FILTERED, 0), window())), [1, 1, 1]);
    assert_eq!(counts(&calls(&centre(MOST_FILTERED + 1, MOST_FILTERED + 1, 201), window())), [2, 2, 3]);
    assert_eq!(counts(&calls(&Centre::default(), window())), [0, 0, 0], "nothing to ask for");
}

#[test]
fn r28_a_call_asks_for_20_service_levels_at_most() {
    let levels = |count: usize| {
        let mut centre = centre(60, 1, 0);
        for (number, (_, goals)) in centre.queues.iter_mut().enumerate() {
            goals.service_level = Millis::from_seconds(i64::try_from(10 + number % count).unwrap());
        }
        let calls = calls(&centre, window());
        let queues = calls.iter().filter(|call| call.report == AcdReport::QueueInterval);
        queues
            .map(|call| call.query.metrics.iter().filter(|metric| metric.name == "SERVICE_LEVEL").count())
            .collect::<Vec<_>>()
    };
    assert_eq!(levels(MOST_SERVICE_LEVELS), [20]);
    assert_eq!(levels(MOST_SERVICE_LEVELS + 1), [20, 1]);
}

#[test]
fn a_threshold_that_amazon_connect_cannot_have_is_not_asked_for() {
    let mut centre = centre(1, 1, 0);
    centre.queues[0].1 = Goals { service_level: Millis::new(20_500), short_abandon: Millis::ZERO };
    let calls = calls(&centre, window());
    assert!(calls[0].query.metrics.iter().all(|metric| metric.within_s.is_none()));
}

fn read(report: AcdReport, results: &serde_json::Value) -> Result<Answer, Unreadable> {
    let mut centre = centre(2, 1, 0);
    centre.queues[1].1 = goals(60);
    let call = calls(&centre, window()).into_iter().find(|call| call.report == report).unwrap();
    let body = json!({ "NextToken": "n", "MetricResults": results }).to_string();
    Answer::read(body.as_bytes(), &call, &centre, Timestamp::from_seconds(1_772_360_000))
}

fn within(name: &str, seconds: i64, value: f64) -> serde_json::Value {
    let threshold = json!([{ "Comparison": "LT", "ThresholdValue": seconds }]);
    json!({ "Metric": { "Name": name, "Threshold": threshold }, "Value": value })
}

#[test]
fn an_answer_says_what_a_queue_report_says() {
    let answer = read(
        AcdReport::QueueInterval,
        &json!([{
            "Dimensions": { "QUEUE": "q-1", "QUEUE_ARN": "arn:aws:connect:x:1:instance/i/queue/q-1", "CHANNEL": "VOICE" },
            "MetricInterval": { "Interval": "FIFTEEN_MIN", "StartTime": 1_772_355_600, "EndTime": 1_772_356_500.0 },
            "Collections": [
                { "Metric": { "Name": "CONTACTS_QUEUED" }, "Value": 3.0 },
                { "Metric": { "Name": "CONTACTS_HANDLED", "MetricFilters": [{
                    "MetricFilterKey": "INITIATION_METHOD", "MetricFilterValues": ["OUTBOUND", "EXTERNAL_OUTBOUND", "AGENT_REPLY"], "Negate": true }] },
                  "Value": 2.0 },
                { "Metric": { "Name": "CONTACTS_ABANDONED" }, "Value": null },
                { "Metric": { "Name": "SUM_INTERACTION_TIME" }, "Value": 123.4567 },
                { "Metric": { "Name": "BRAND_NEW" }, "Value": 1.0 },
                within("SUM_CONTACTS_ANSWERED_IN_X", 20, 1.0),
                within("SUM_CONTACTS_ANSWERED_IN_X", 60, 2.0),
                within("SERVICE_LEVEL", 60, 66.666_666_7),
            ],
        }]),
    )
    .unwrap();
    assert_eq!(answer.next.as_deref(), Some("n"));
    let [row] = &answer.rows[..] else { panic!("{answer:?}") };
    assert_eq!(row.key(), "name=GetMetricDataV2&interval_s=900&queue_id=q-1&channel=VOICE");
    let said: Vec<_> =
        row.values().iter().map(|(column, value)| (column.as_str(), value.to_string())).collect();
    let expected = [
        ("offered", "3"),
        ("answered", "2"),
        ("answered_in_sl", "2"),
        ("talk_s", "123.457"),
        ("service_level_s", "60"),
        ("service_level_pct", "66.67"),
    ];
    assert_eq!(said, expected.map(|(column, value)| (column, value.to_owned())));
    assert_eq!(row.get(Column::Abandoned), None, "null is not 0");
    assert_eq!(row.extra().len(), 1, "the threshold of the other queue");
    assert_eq!(row.telling.made, Timestamp::from_seconds(1_772_360_000));
}

#[test]
fn an_answer_says_what_an_agent_report_says() {
    let answer = read(
        AcdReport::AgentInterval,
        &json!([{
            "Dimensions": { "AGENT": "arn:aws:connect:x:1:instance/i/agent/a-1" },
            "MetricInterval": { "StartTime": 1_772_355_600, "EndTime": 1_772_356_500 },
            "Collections": [{ "Metric": { "Name": "SUM_ONLINE_TIME_AGENT" }, "Value": 900 }],
        }]),
    )
    .unwrap();
    assert_eq!(answer.rows[0].key(), "name=GetMetricDataV2&interval_s=900&agent_id=a-1");
    assert_eq!(answer.rows[0].get(Column::Login), Some(Value::Duration(Millis::from_seconds(900))));
    assert_eq!(answer.rows[0].pegging, None);
}

#[test]
fn an_answer_that_cannot_be_read_says_where_and_not_what() {
    let result = |dimensions: serde_json::Value, end: serde_json::Value, value: serde_json::Value| {
        let results = json!([{
            "Dimensions": dimensions,
            "MetricInterval": { "StartTime": 1_772_355_600, "EndTime": end },
            "Collections": [{ "Metric": { "Name": "CONTACTS_QUEUED" }, "Value": value }],
        }]);
        read(AcdReport::QueueInterval, &results).map_err(|error| error.to_string())
    };
    let queue = || json!({ "QUEUE": "q-1" });
    assert!(result(queue(), json!(1_772_356_500), json!(1)).is_ok());
    for (dimensions, end, value, expected) in [
        (json!({}), json!(1_772_356_500), json!(1), "MetricResults[0]: a dimension is missing"),
        (queue(), json!(null), json!(1), "MetricResults[0]: it has no interval"),
        (queue(), json!(1_772_355_600), json!(1), "MetricResults[0]: its interval is empty"),
        (queue(), json!(1_772_356_500), json!(1.5), "MetricResults[0]: a value is no number of its unit"),
        (queue(), json!(1_772_356_500), json!(-1), "MetricResults[0]: a value is no number of its unit"),
        (queue(), json!(1_772_356_500), json!("Ann"), "MetricResults[0].Collections[0].Value"),
    ] {
        assert_eq!(
            result(dimensions, end, value),
            Err(format!("the answer cannot be read at {expected}")),
            "{expected}"
        );
    }
}
