//! A page of `GetMetricDataV2` to rows.

use pegboard_model::acd::{AcdReport, Grouping, Known, Telling, Unit, Value};
use pegboard_model::policy::Pegging;
use pegboard_model::{AcdRow, Channel, Fixed, Millis, QueueId, Text, Timestamp};
use serde::Deserialize;

use super::calls::{Call, Centre};
use crate::sources::amazon_connect::reports::{Field, Goals, METRICS, Metric};

/// What rows are called that no report of a site told.
const NAME: &str = "GetMetricDataV2";
/// No number is larger: seconds, and counts.
const MOST: f64 = 9_999_999_999.0;

/// Why a page cannot be read: where, and never what stands there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the answer cannot be read at {0}")]
pub struct Unreadable(String);

/// A page, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its rows, in its order.
    pub rows: Vec<AcdRow>,
    /// The token of the next page.
    pub next: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    next_token: Option<String>,
    metric_results: Option<Vec<MetricResult>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MetricResult {
    #[serde(default)]
    dimensions: Dimensions,
    metric_interval: Option<MetricInterval>,
    collections: Option<Vec<Collection>>,
}

#[derive(Debug, Default, Deserialize)]
struct Dimensions {
    #[serde(rename = "QUEUE")]
    queue: Option<String>,
    #[serde(rename = "AGENT")]
    agent: Option<String>,
    #[serde(rename = "CHANNEL")]
    channel: Option<String>,
}

/// Times are seconds since 1970 UTC.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MetricInterval {
    start_time: Option<f64>,
    end_time: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Collection {
    metric: Option<Told>,
    value: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Told {
    name: String,
    threshold: Option<Vec<Threshold>>,
    metric_filters: Option<Vec<ToldFilter>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Threshold {
    threshold_value: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ToldFilter {
    metric_filter_key: Option<String>,
    metric_filter_values: Option<Vec<String>>,
    negate: Option<bool>,
}

impl Answer {
    /// Reads a page of the answer to `call`, which was asked for at `asked`.
    pub fn read(body: &[u8], call: &Call, centre: &Centre, asked: Timestamp) -> Result<Self, Unreadable> {
        let mut json = serde_json::Deserializer::from_slice(body);
        let page: Page = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let place: String = error.path().to_string().chars().take(120).collect();
            Unreadable(place)
        })?;
        let telling = Telling { file: NAME.into(), made: asked };
        let results = page.metric_results.into_iter().flatten().enumerate();
        let rows = results.map(|(index, result)| {
            let mut row = result
                .row(call.report, centre)
                .map_err(|problem| Unreadable(format!("MetricResults[{index}]: {problem}")))?;
            row.telling = telling.clone();
            Ok(row)
        });
        Ok(Self {
            rows: rows.collect::<Result<_, _>>()?,
            next: page.next_token.filter(|next| !next.is_empty()),
        })
    }
}

impl MetricResult {
    fn row(self, report: AcdReport, centre: &Centre) -> Result<AcdRow, &'static str> {
        let interval = self.metric_interval.as_ref();
        let time = |seconds: Option<f64>| {
            seconds.and_then(|seconds| scaled(seconds, 1000.0)).map(Timestamp::from_millis)
        };
        let start = interval.and_then(|interval| time(interval.start_time));
        let end = interval.and_then(|interval| time(interval.end_time));
        let (start, end) = start.zip(end).ok_or("it has no interval")?;
        let length = end.since(start);
        if length <= Millis::ZERO {
            return Err("its interval is empty");
        }
        let grouping = self.dimensions.grouping(report)?;
        let goals = goals(&grouping, centre);
        let mut row = AcdRow::new(report, NAME.into(), start, length, grouping);
        row.pegging = (report != AcdReport::AgentInterval).then_some(Pegging::Disconnect);
        for collection in self.collections.into_iter().flatten() {
            let Some((told, number)) = collection.metric.zip(collection.value) else { continue };
            let Some((metric, threshold)) = told.metric() else { continue };
            let value = value(metric.unit, number).ok_or("a value is no number of its unit")?;
            let field = Field::of_metric(report, metric, threshold);
            field.tell(&mut row, value, goals).map_err(|_| "two values of one metric differ")?;
        }
        Ok(row)
    }
}

impl Dimensions {
    fn grouping(self, report: AcdReport) -> Result<Grouping, &'static str> {
        let by_queue = report != AcdReport::AgentInterval;
        let by_agent = report != AcdReport::QueueInterval;
        if by_queue && self.queue.is_none() || by_agent && self.agent.is_none() {
            return Err("a dimension is missing");
        }
        let id = |text: &str| Text::from(text.rsplit('/').next().unwrap_or(text));
        Ok(Grouping {
            queue: self.queue.filter(|_| by_queue).map(|queue| Known::Id(id(&queue).into())),
            agent: self.agent.filter(|_| by_agent).map(|agent| Known::Id(id(&agent).into())),
            channel: self.channel.map(|channel| Channel::from(channel.as_str())),
            ..Grouping::default()
        })
    }
}

fn goals(grouping: &Grouping, centre: &Centre) -> Goals {
    let queue = grouping.queue.as_ref().and_then(Known::id).map(QueueId::as_str);
    let known = centre.queues.iter().find(|(id, _)| Some(id.as_str()) == queue);
    known.map(|(_, goals)| *goals).unwrap_or_default()
}

impl Told {
    /// The metric of our table, with its threshold.
    fn metric(&self) -> Option<(&'static Metric, Option<Millis>)> {
        let threshold = self.threshold.iter().flatten().next();
        let threshold = threshold.and_then(|threshold| scaled(threshold.threshold_value?, 1000.0));
        let metric = METRICS.iter().find(|metric| {
            metric.name == self.name
                && metric.in_time.is_some() == threshold.is_some()
                && self.has_filter_of(metric)
        })?;
        Some((metric, threshold.map(Millis::new)))
    }

    fn has_filter_of(&self, metric: &Metric) -> bool {
        let told = self.metric_filters.iter().flatten().next();
        match (told, metric.filter) {
            (None, None) => true,
            (Some(told), Some(filter)) => {
                told.metric_filter_key.as_deref() == Some(filter.key)
                    && told.negate.unwrap_or(false) == filter.negate
                    && told.metric_filter_values.iter().flatten().eq(filter.values)
            }
            _ => false,
        }
    }
}

/// A number as a value of its unit.
fn value(unit: Unit, number: f64) -> Option<Value> {
    match unit {
        Unit::Count => {
            let count = scaled(number, 1.0).filter(|_| number.fract() == 0.0)?;
            u64::try_from(count).ok().map(Value::Count)
        }
        Unit::Duration => scaled(number, 1000.0).map(|ms| Value::Duration(Millis::new(ms))),
        Unit::Percent => scaled(number, 100.0).map(|units| Value::Percent(Fixed::new(units, 2))),
    }
}

/// In units of so many to one, rounded half up.
fn scaled(number: f64, scale: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "a whole number within the range")]
    (0.0..=MOST).contains(&number).then(|| (number * scale).round() as i64)
}
