//! The hub on statistics that it asks the platform for, and on everything that can go wrong with the answers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use pegboard::runtime::view::{ReportRequest, View as _};
use pegboard_aws as aws;
use pegboard_connect::sources::amazon_connect::ConnectInputs;
use pegboard_connect::sources::amazon_connect::metric_data::{MetricConfig, MetricInput};
use pegboard_connect::sources::amazon_connect::reports::Goals;
use pegboard_connect::spec::Source;
use pegboard_model::{Millis, Timestamp};
use pegboard_sim::reports::{AcdTruth, AgentTime, Measure, Plan, Report, Reporter};
use pegboard_sim::stand_in::amazon_connect::{Fault, StandIn, Wrong};
use pegboard_store::{Origin, ReloadState};
use serde_json::Value;

use crate::live::reload::reload;
use crate::live::reload_source::from_source;
use crate::objects::policy::allowed;
use crate::snapshots::watched::connect;
use crate::support::clock;
use crate::support::day::Day;
use crate::support::live::{Live, config, until};

const OPERATION: &str = "GetMetricDataV2";

/// Whom a row is about, when, and what it says.
type Figures = BTreeMap<(String, Timestamp), f64>;

/// A day of which the platform knows everything.
struct Asked {
    day: Day,
    stand_in: StandIn,
    now: Timestamp,
}

impl Asked {
    fn about(seed: u64) -> Self {
        let day = Day::of(12, 4, seed);
        let now = day.end + Millis::from_hours(2);
        let stand_in = StandIn::serve(day.organisation.clone()).unwrap();
        stand_in.remember(&day.changes, &day.records, now);
        clock::set(now);
        Self { day, stand_in, now }
    }

    fn source(&self) -> Box<dyn Source> {
        self.covering(Millis::from_hours(8))
    }

    /// Asks for so much of the past each time.
    fn covering(&self, covers: Millis) -> Box<dyn Source> {
        let now = self.now.as_millis();
        let environment = aws::Environment {
            clock: Arc::new(move || now),
            seed: 1,
            observer: Arc::new(aws::Counters::default()),
        };
        let metrics = MetricConfig {
            connect: connect(&self.stand_in),
            period: aws::MetricPeriod::Quarter,
            every: Millis::from_seconds(1),
            covers,
            default_goals: Goals::default(),
            goals: std::collections::HashMap::new(),
        };
        Box::new(ConnectInputs::new().with_metrics(MetricInput::new(metrics, environment)))
    }

    /// What the platform's own files state of the day.
    fn truth(&self) -> AcdTruth {
        let mut reporter = Reporter::new(self.day.organisation.clone(), self.day.start, &Plan::daily(1));
        let until = self.day.end + Millis::from_hours(24);
        let mut truth = AcdTruth::default();
        for file in reporter.advance(&self.day.changes, &self.day.records, until) {
            truth.learn(&file);
        }
        truth
    }

    fn stated(&self, report: Report, measure: Measure) -> Figures {
        let mut figures = Figures::new();
        let is_within = |start: Timestamp| self.day.start <= start && start < self.day.end;
        let truth = self.truth();
        for row in truth.rows().filter(|row| row.key.report == report && is_within(row.key.start)) {
            let about = row.key.queue.as_ref().or(row.key.agent.as_ref()).unwrap().to_string();
            let stated = row.values.iter().find(|value| value.measure == Some(measure));
            if let Some(value) = stated.and_then(|stated| stated.value.as_ref()) {
                *figures.entry((about, row.key.start)).or_default() += value.parse::<f64>().unwrap();
            }
        }
        without_nothing(figures)
    }

    async fn rows(&self, live: &Live, report: &'static str) -> Vec<Value> {
        let request = ReportRequest {
            origin: Origin::Acd,
            from: Some(self.day.start),
            to: Some(self.day.end),
            ..ReportRequest::new(report)
        };
        live.hub.report(request).await.unwrap().values()
    }

    async fn found(&self, live: &Live, report: &'static str, about: &str, column: &str) -> Figures {
        let mut figures = Figures::new();
        for row in self.rows(live, report).await {
            let start = row["interval_start"].as_str().unwrap().parse().unwrap();
            let about = row[about].as_str().unwrap_or_else(|| panic!("{row}")).to_owned();
            *figures.entry((about, start)).or_default() += row[column].as_f64().unwrap_or_default();
        }
        without_nothing(figures)
    }

    async fn assert_true(&self, live: &Live) {
        let queued = self.stated(Report::Queue, Measure::Queued);
        let online = self.stated(Report::Agent, Measure::Agents(AgentTime::Online));
        assert!(queued.len() > 10 && online.len() > 50, "{} and {}", queued.len(), online.len());
        until("rows are there", async || !self.rows(live, "agent_interval").await.is_empty()).await;
        assert_alike(&self.found(live, "queue_interval", "queue_name", "offered").await, &queued);
        assert_alike(&self.found(live, "agent_interval", "agent_login", "login_s").await, &online);
        assert!(!self.rows(live, "agent_queue_interval").await.is_empty());
    }
}

/// Files have two decimals.
fn assert_alike(found: &Figures, stated: &Figures) {
    let about = |figures: &Figures| figures.keys().cloned().collect::<Vec<_>>();
    assert_eq!(about(found), about(stated));
    for (about, figure) in stated {
        assert!((found[about] - figure).abs() < 0.01, "{about:?}: {} and {figure}", found[about]);
    }
}

/// Files leave out what the API tells as 0.
fn without_nothing(mut figures: Figures) -> Figures {
    figures.retain(|_, figure| *figure != 0.0);
    figures
}

#[tokio::test]
async fn statistics_are_the_rows_of_the_reports_under_the_names_that_files_know() {
    let asked = Asked::about(41);
    let folder = tempfile::tempdir().unwrap();
    let live = Live::reading(asked.source(), &config(), folder.path()).await;
    asked.assert_true(&live).await;
    let row = asked.rows(&live, "queue_interval").await.remove(0);
    assert_eq!((&row["acd_report"], &row["file"]), (&"QR".into(), &OPERATION.into()));
    let again = async || asked.stand_in.counts().requests[OPERATION] > 12;
    until("they are asked for again", again).await;
    let rows = asked.rows(&live, "queue_interval").await;
    assert!(rows.iter().all(|row| row["revision"] == 1), "what is told again is no revision");
    let counts = asked.stand_in.counts();
    assert_eq!(counts.refused, Vec::<String>::new(), "nothing is asked for that the model does not allow");
    live.stop().await;
}

#[tokio::test]
async fn statistics_that_were_never_asked_for_are_there_once_their_day_is_reloaded_from_the_source() {
    let asked = Asked::about(45);
    let folder = tempfile::tempdir().unwrap();
    let source = asked.covering(Millis::from_minutes(15));
    let live = Live::reading(source, &config(), folder.path()).await;
    until("they are asked for", async || asked.stand_in.counts().requests.contains_key(OPERATION)).await;
    assert!(asked.rows(&live, "queue_interval").await.is_empty());
    let done = reload(&live, from_source(asked.day.start, asked.day.end)).await;
    assert_eq!(done.state, ReloadState::Done, "{done:?}");
    asked.assert_true(&live).await;
    assert_eq!(asked.stand_in.counts().refused, Vec::<String>::new());
    live.stop().await;
}

#[tokio::test]
async fn s22_statistics_ask_for_what_the_policy_allows_and_nothing_else() {
    let asked = Asked::about(44);
    asked.source().probe().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let live = Live::reading(asked.source(), &config(), folder.path()).await;
    asked.assert_true(&live).await;
    live.stop().await;
    let operations: BTreeSet<String> =
        asked.stand_in.counts().requests.keys().map(|operation| format!("connect:{operation}")).collect();
    assert_eq!(operations, allowed("Statistics"));
}

#[tokio::test]
async fn answers_that_fail_cost_time_and_no_row() {
    let asked = Asked::about(42);
    let fail = |what, later_pages_only, times| {
        asked.stand_in.fail(Fault { operation: OPERATION, later_pages_only, times, what });
    };
    fail(Wrong::Throttled, false, 2);
    fail(Wrong::ServerError, true, 1);
    fail(Wrong::BreaksOff, true, 1);
    fail(Wrong::Garbled, true, 1);
    let folder = tempfile::tempdir().unwrap();
    let live = Live::reading(asked.source(), &config(), folder.path()).await;
    until("an unreadable answer is told", async || live.status().await.error.is_some()).await;
    let told = live.status().await.error.unwrap().message;
    assert!(told.contains("GetMetricDataV2 of Amazon Connect: the answer cannot be read"), "{told}");
    assert!(asked.rows(&live, "queue_interval").await.is_empty(), "nothing of a half answer is taken");
    asked.assert_true(&live).await;
    until("the fault is over", async || live.status().await.error.is_none()).await;
    assert_eq!(asked.stand_in.counts().faults, 5, "each fault has happened");
    live.stop().await;
}

#[tokio::test]
async fn r28_statistics_have_1000_pages_at_most() {
    let asked = Asked::about(43);
    asked.stand_in.fail(Fault {
        operation: OPERATION,
        later_pages_only: false,
        times: 1000,
        what: Wrong::Endless,
    });
    let folder = tempfile::tempdir().unwrap();
    let live = Live::reading(asked.source(), &config(), folder.path()).await;
    until("an endless answer is told", async || live.status().await.error.is_some()).await;
    let told = live.status().await.error.unwrap().message;
    assert!(told.contains("more than 1000 pages"), "{told}");
    asked.assert_true(&live).await;
    live.stop().await;
}
