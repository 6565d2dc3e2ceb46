//! Which calls rebuild the reports of an interval.

use std::collections::BTreeSet;

use pegboard_aws::{
    AskedMetric, MOST_FILTERED, MOST_SERVICE_LEVELS, MetricDataQuery, MetricPeriod, MetricScope,
};
use pegboard_model::acd::{AcdReport, Column};
use pegboard_model::{Millis, Timestamp};

use crate::sources::amazon_connect::reports::{Goals, InTime, METRICS, Metric};

/// Thresholds that Amazon Connect knows: whole seconds, up to seven days.
const LONGEST_THRESHOLD_S: i64 = 604_800;

/// Whom and what to ask for.
#[derive(Debug, Clone, Default)]
pub struct Centre {
    /// The ARN of the instance.
    pub instance_arn: String,
    /// Every queue by id, with its thresholds.
    pub queues: Vec<(String, Goals)>,
    /// Every routing profile, by id.
    pub routing_profiles: Vec<String>,
    /// Every agent, by id.
    pub agents: Vec<String>,
}

/// A stretch of whole intervals, less than three days long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The first instant, on the grid of the intervals.
    pub from: Timestamp,
    /// The first instant after.
    pub to: Timestamp,
    /// The length of the intervals.
    pub period: MetricPeriod,
}

/// A call, and what its answer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The report that it rebuilds a part of.
    pub report: AcdReport,
    /// The question.
    pub query: MetricDataQuery,
}

/// The calls that rebuild the reports of `window`.
pub fn calls(centre: &Centre, window: Window) -> Vec<Call> {
    let mut calls = queue_calls(centre, window);
    let queues: Vec<String> = centre.queues.iter().map(|(id, _)| id.clone()).collect();
    calls.extend(queues.chunks(MOST_FILTERED).map(|queues| {
        let report = AcdReport::AgentQueueInterval;
        call(centre, window, report, MetricScope::Queues(queues.to_vec()), plain_metrics(report))
    }));
    let report = AcdReport::AgentInterval;
    let scopes = agent_scopes(centre).into_iter();
    calls.extend(scopes.map(|scope| call(centre, window, report, scope, plain_metrics(report))));
    calls
}

/// Queues share a call as long as their thresholds fit into it.
fn queue_calls(centre: &Centre, window: Window) -> Vec<Call> {
    let mut queues: Vec<_> = centre.queues.iter().collect();
    queues.sort_by(|(a, of_a), (b, of_b)| {
        (of_a.service_level, of_a.short_abandon, a).cmp(&(of_b.service_level, of_b.short_abandon, b))
    });
    let mut calls = Vec::new();
    let (mut ids, mut levels, mut shorts) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for (id, goals) in queues {
        let is_new = !levels.contains(&goals.service_level);
        if ids.len() == MOST_FILTERED || (is_new && levels.len() == MOST_SERVICE_LEVELS) {
            calls.push(queue_call(centre, window, std::mem::take(&mut ids), &levels, &shorts));
            (levels, shorts) = (BTreeSet::new(), BTreeSet::new());
        }
        ids.push(id.clone());
        levels.insert(goals.service_level);
        shorts.insert(goals.short_abandon);
    }
    if !ids.is_empty() {
        calls.push(queue_call(centre, window, ids, &levels, &shorts));
    }
    calls
}

fn queue_call(
    centre: &Centre,
    window: Window,
    queues: Vec<String>,
    levels: &BTreeSet<Millis>,
    shorts: &BTreeSet<Millis>,
) -> Call {
    let report = AcdReport::QueueInterval;
    let mut metrics = plain_metrics(report);
    for metric in METRICS {
        let thresholds: BTreeSet<_> = match metric.in_time {
            Some(InTime::Answered | InTime::ServiceLevel) => levels.clone(),
            Some(InTime::Abandoned) => levels.union(shorts).copied().collect(),
            Some(InTime::Other) | None => continue,
        };
        let seconds = thresholds.into_iter().filter_map(whole_seconds);
        metrics.extend(seconds.map(|within| asked(metric, Some(within))));
    }
    call(centre, window, report, MetricScope::Queues(queues), metrics)
}

/// A threshold as Amazon Connect can have it. Of a queue with another one, nothing in time is known.
fn whole_seconds(threshold: Millis) -> Option<i64> {
    let seconds = threshold.get() / 1000;
    let is_whole = threshold.get() % 1000 == 0 && (1..=LONGEST_THRESHOLD_S).contains(&seconds);
    is_whole.then_some(seconds)
}

/// Routing profiles cover everybody, also those who were deleted since; but an agent who changes between profiles must not be
/// told twice, so they are asked for at once or not at all.
fn agent_scopes(centre: &Centre) -> Vec<MetricScope> {
    let profiles = &centre.routing_profiles;
    if (1..=MOST_FILTERED).contains(&profiles.len()) {
        return vec![MetricScope::RoutingProfiles(profiles.clone())];
    }
    centre.agents.chunks(MOST_FILTERED).map(|agents| MetricScope::Agents(agents.to_vec())).collect()
}

fn call(
    centre: &Centre,
    window: Window,
    report: AcdReport,
    scope: MetricScope,
    metrics: Vec<AskedMetric>,
) -> Call {
    let groupings: &[&str] = match report {
        AcdReport::QueueInterval => &["QUEUE", "CHANNEL"],
        AcdReport::AgentQueueInterval => &["AGENT", "QUEUE", "CHANNEL"],
        AcdReport::AgentInterval | AcdReport::Sessions => &["AGENT"],
    };
    let query = MetricDataQuery {
        instance_arn: centre.instance_arn.clone(),
        from_s: window.from.as_millis() / 1000,
        to_s: window.to.as_millis() / 1000,
        period: window.period,
        scope,
        groupings,
        metrics,
    };
    Call { report, query }
}

/// Everything that feeds a column of the report, whatever the thresholds. Where two do, one of them is restricted and the
/// more precise.
fn plain_metrics(report: AcdReport) -> Vec<AskedMetric> {
    let feeds = |column: Column| {
        let feeding = METRICS.iter().filter(move |metric| metric.column(report) == Some(column));
        feeding.max_by_key(|metric| metric.filter.is_some_and(|filter| filter.negate))
    };
    Column::ALL.iter().filter_map(|column| feeds(*column)).map(|metric| asked(metric, None)).collect()
}

fn asked(metric: &Metric, within_s: Option<i64>) -> AskedMetric {
    let filter = metric.filter.map(|filter| (filter.key, filter.values, filter.negate));
    AskedMetric { name: metric.name, within_s, filter }
}
