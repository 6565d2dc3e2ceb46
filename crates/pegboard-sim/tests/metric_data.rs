//! The stand-in's statistics are those of the report files.

mod common;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;

use common::day;
use pegboard_model::{Millis, Timestamp};
use pegboard_sim::Simulation;
use pegboard_sim::reports::{AcdTruth, AgentTime, Begun, Measure, Part, Plan, Report, Reporter};
use pegboard_sim::stand_in::amazon_connect::{Fault, StandIn, Wrong};
use serde_json::{Value, json};

struct Asked {
    day: Simulation,
    stand_in: StandIn,
}

impl Asked {
    fn about(seed: u64) -> Self {
        let day = day(seed);
        let stand_in = StandIn::serve(day.organisation.clone()).expect("the stand-in answers");
        stand_in.remember(&day.changes, &day.contact_records, day.config.end() + Millis::from_hours(6));
        Self { day, stand_in }
    }

    /// Status and body of the answer to a signed request.
    fn ask(&self, body: &Value) -> (u16, Value) {
        let url = self.stand_in.url();
        let mut connection =
            TcpStream::connect(url.trim_start_matches("http://")).expect("the stand-in answers");
        let body = body.to_string();
        write!(
            connection,
            "POST /metrics/data HTTP/1.1\r\nx-amz-date: 20260302T090000Z\r\n\
             authorization: AWS4-HMAC-SHA256 Credential=a/20260302/eu-central-1/connect/aws4_request, SignedHeaders=host, \
             Signature=0\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .expect("the stand-in listens");
        connection.shutdown(std::net::Shutdown::Write).expect("the stand-in answers");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).expect("the stand-in answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("the stand-in answers");
        (
            head[9..12].parse().expect("the stand-in answers"),
            serde_json::from_str(body).expect("the stand-in answers"),
        )
    }

    fn request(&self, hours: (i64, i64)) -> Value {
        let at = |hour| (self.day.config.start + Millis::from_hours(hour)).as_millis() / 1000;
        json!({
            "ResourceArn": format!("arn:aws:connect:eu-central-1:123456789012:instance/{}", self.stand_in.instance()),
            "StartTime": at(hours.0), "EndTime": at(hours.1),
            "Interval": { "IntervalPeriod": "FIFTEEN_MIN", "TimeZone": "UTC" },
        })
    }

    /// Every result, page by page.
    fn all(&self, mut request: Value) -> Vec<Value> {
        let mut results = Vec::new();
        loop {
            let (status, mut page) = self.ask(&request);
            assert_eq!(status, 200, "{page}");
            let entries = page["MetricResults"].as_array_mut().expect("the stand-in answers");
            assert!(entries.len() <= 100);
            results.append(entries);
            match page.get("NextToken") {
                Some(token) => request["NextToken"] = token.clone(),
                None => return results,
            }
        }
    }
}

fn start_of(result: &Value) -> Timestamp {
    Timestamp::from_seconds(result["MetricInterval"]["StartTime"].as_i64().expect("the stand-in answers"))
}

fn filters() -> Value {
    json!({ "Name": "CONTACTS_HANDLED", "MetricFilters": [
        { "MetricFilterKey": "INITIATION_METHOD", "MetricFilterValues": ["INBOUND", "TRANSFER", "QUEUE_TRANSFER"] } ] })
}

#[test]
fn figures_of_queues_are_those_of_the_files() {
    let asked = Asked::about(3);
    let queues = &asked.day.organisation.queues;
    let ids: Vec<_> = queues.iter().map(|queue| queue.id.to_string()).collect();
    let mut request = asked.request((0, 24));
    request["Filters"] = json!([{ "FilterKey": "QUEUE", "FilterValues": ids }]);
    request["Groupings"] = json!(["QUEUE"]);
    request["Metrics"] = json!([
        { "Name": "CONTACTS_QUEUED" },
        filters(),
        { "Name": "SUM_HANDLE_TIME" },
        { "Name": "SERVICE_LEVEL", "Threshold": [{ "Comparison": "LT", "ThresholdValue": 60 }] },
        { "Name": "AVG_ABANDON_TIME" },
    ]);
    let measures = [
        Measure::Queued,
        Measure::Handled(Begun::Incoming),
        Measure::Sum(Part::Handle),
        Measure::ServiceLevel(Millis::from_seconds(60)),
        Measure::QueueAbandonTime,
    ];
    let names: BTreeMap<_, _> =
        queues.iter().map(|queue| (queue.id.to_string(), queue.name.clone())).collect();
    let mut figures = BTreeMap::new();
    let mut unknown = 0;
    for result in asked.all(request) {
        let id = result["Dimensions"]["QUEUE"].as_str().unwrap();
        assert!(result["Dimensions"]["QUEUE_ARN"].as_str().unwrap().ends_with(id));
        let values: Vec<_> = result["Collections"]
            .as_array()
            .unwrap()
            .iter()
            .map(|collection| collection["Value"].as_f64())
            .collect();
        unknown += values.iter().filter(|value| value.is_none()).count();
        figures.insert((start_of(&result), names[id].clone()), values);
    }
    assert!(figures.len() > 150 && unknown > 10, "{} {unknown}", figures.len());
    let mut compared = 0;
    for row in truth(&asked.day).rows().filter(|row| row.key.report == Report::Queue) {
        let key = (row.key.start, row.key.queue.clone().unwrap());
        let of = |measure| row.values.iter().find(|value| value.measure == Some(measure)).unwrap();
        let stated: Vec<Option<f64>> =
            measures.map(|measure| of(measure).value.as_ref().map(|value| value.parse().unwrap())).to_vec();
        match figures.get(&key) {
            Some(values) => {
                compared += 1;
                for (value, stated) in values.iter().zip(&stated) {
                    let near = value.zip(*stated).is_none_or(|(one, other)| (one - other).abs() < 0.006);
                    assert!(near && value.is_some() == stated.is_some(), "{key:?} {values:?} {stated:?}");
                }
            }
            None => assert_eq!(stated[0], Some(0.0), "{key:?}"),
        }
    }
    assert_eq!(compared, figures.len());
}

fn truth(day: &Simulation) -> AcdTruth {
    let mut reporter = Reporter::new(day.organisation.clone(), day.config.start, &Plan::daily(3));
    let mut truth = AcdTruth::default();
    let until = day.config.end() + Millis::from_hours(1);
    for file in reporter.advance(&day.changes, &day.contact_records, until) {
        truth.learn(&file);
    }
    truth
}

#[test]
fn figures_of_agents_are_those_of_the_files() {
    let asked = Asked::about(4);
    let organisation = &asked.day.organisation;
    let level = organisation.teams[0].levels[0].id.to_string();
    let mut request = asked.request((8, 18));
    request["Filters"] = json!([{ "FilterKey": "AGENT_HIERARCHY_LEVEL_ONE", "FilterValues": [level] }]);
    request["Groupings"] = json!(["AGENT"]);
    request["Metrics"] = json!([{ "Name": "SUM_ONLINE_TIME_AGENT" }, { "Name": "SUM_IDLE_TIME_AGENT" }]);
    let logins: BTreeMap<_, _> =
        organisation.agents.iter().map(|agent| (agent.id.to_string(), agent.login.clone())).collect();
    let rows = truth(&asked.day);
    let rows: BTreeMap<_, _> = rows
        .rows()
        .filter(|row| row.key.report == Report::Agent)
        .map(|row| ((row.key.start, row.key.agent.clone().unwrap()), row.values.clone()))
        .collect();
    let results = asked.all(request);
    assert!(results.len() > 100, "{}", results.len());
    for result in results {
        let login = logins[result["Dimensions"]["AGENT"].as_str().unwrap()].clone();
        let values = &rows[&(start_of(&result), login)];
        for (number, time) in [AgentTime::Online, AgentTime::Idle].into_iter().enumerate() {
            let stated = values.iter().find(|value| value.measure == Some(Measure::Agents(time))).unwrap();
            let stated: Option<f64> = stated.value.as_ref().map(|value| value.parse().unwrap());
            // Of an agent who has gone, and whose customer still spoke with somebody else, no time is known.
            let value = result["Collections"][number]["Value"].as_f64();
            let near = value.zip(stated).is_none_or(|(value, stated)| (value - stated).abs() < 0.006);
            assert!(near && value.is_some() == stated.is_some(), "{value:?} {stated:?}");
        }
    }
}

#[test]
fn refusals_have_the_words_of_the_model() {
    let asked = Asked::about(5);
    let base = || {
        let mut request = asked.request((0, 24));
        let queue = asked.day.organisation.queues[0].id.to_string();
        request["Filters"] = json!([{ "FilterKey": "QUEUE", "FilterValues": [queue] }]);
        request["Metrics"] = json!([{ "Name": "CONTACTS_QUEUED" }]);
        request
    };
    let refused = |change: &dyn Fn(&mut Value)| {
        let mut request = base();
        change(&mut request);
        let before = asked.stand_in.counts().refused.len();
        let (status, _) = asked.ask(&request);
        let refused = asked.stand_in.counts().refused;
        let words = refused.get(before).map_or("", |words| words.split(':').next().unwrap()).to_owned();
        (status, words)
    };
    let seconds = |hours: i64| (asked.day.config.start + Millis::from_hours(hours)).as_millis() / 1000;
    let invalid = (400, "InvalidParameterException".to_owned());
    assert_eq!(refused(&|_| {}).0, 200);
    assert_eq!(refused(&|request| request["EndTime"] = seconds(0).into()), invalid);
    assert_eq!(refused(&|request| request["EndTime"] = seconds(31).into()), invalid, "in the future");
    assert_eq!(refused(&|request| request["StartTime"] = seconds(-47).into()).0, 200, "less than three days");
    assert_eq!(refused(&|request| request["StartTime"] = seconds(-48).into()), invalid, "three days");
    assert_eq!(refused(&|request| request["MaxResults"] = 101.into()), invalid);
    assert_eq!(refused(&|request| request["Extra"] = 1.into()), invalid);
    let elsewhere = "arn:aws:connect:eu-central-1:123456789012:instance/none";
    let (status, words) = refused(&|request| request["ResourceArn"] = elsewhere.into());
    assert_eq!((status, words.as_str()), (404, "ResourceNotFoundException"));
    asked.stand_in.fail(Fault {
        operation: "GetMetricDataV2",
        later_pages_only: false,
        times: 1,
        what: Wrong::Throttled,
    });
    assert_eq!(refused(&|_| {}).0, 429);
    assert_eq!(refused(&|_| {}).0, 200);
}

#[test]
fn where_nothing_happened_there_is_no_result() {
    let asked = Asked::about(6);
    let mut request = asked.request((-24, -23));
    let queue = asked.day.organisation.queues[0].id.to_string();
    request["Filters"] = json!([{ "FilterKey": "QUEUE", "FilterValues": [queue] }]);
    request["Metrics"] = json!([{ "Name": "CONTACTS_QUEUED" }]);
    assert_eq!(asked.all(request), Vec::<Value>::new());
}
