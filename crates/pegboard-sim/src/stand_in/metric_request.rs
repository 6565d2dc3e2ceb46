//! Requests for `GetMetricDataV2`, read as the service model has them: whatever it does not allow is refused.

use pegboard_model::{Millis, Timestamp};
use serde_json::{Map, Value};

use super::amazon_connect::{Refusal, invalid};
use crate::reports::{AgentTime, Begun, Contact, Measure, Part};

/// The most filters of a request.
const MOST_FILTERS: usize = 5;
/// The most values of all its filters together; channels do not count.
const MOST_VALUES: usize = 100;
/// The most dimensions that results are grouped by.
const MOST_GROUPINGS: usize = 4;
/// The most service levels of a request.
const MOST_SERVICE_LEVELS: usize = 20;
/// The most filters of a metric, and the most values of one.
const MOST_METRIC_FILTERS: (usize, usize) = (2, 10);
/// The longest threshold, in seconds.
const LONGEST_THRESHOLD: f64 = 604_800.0;

/// A request that the model allows.
#[derive(Debug)]
pub(super) struct Query {
    pub(super) resource: String,
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    /// The word for the length of an interval.
    pub(super) period: &'static str,
    /// Its length; nothing where the whole time is one.
    pub(super) length: Option<Millis>,
    pub(super) filters: Vec<Filter>,
    pub(super) groupings: Vec<Dimension>,
    pub(super) metrics: Vec<Metric>,
}

/// What has to be so.
#[derive(Debug)]
pub(super) struct Filter {
    pub(super) dimension: Dimension,
    pub(super) values: Vec<String>,
}

/// By what results are grouped and filtered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dimension {
    Agent,
    Queue,
    RoutingProfile,
    /// A level of the hierarchy, from 0.
    Level(usize),
    Channel,
    Initiation,
}

/// The levels of a hierarchy.
const LEVELS: [&str; 5] = [
    "AGENT_HIERARCHY_LEVEL_ONE",
    "AGENT_HIERARCHY_LEVEL_TWO",
    "AGENT_HIERARCHY_LEVEL_THREE",
    "AGENT_HIERARCHY_LEVEL_FOUR",
    "AGENT_HIERARCHY_LEVEL_FIVE",
];

/// A figure that is asked for.
#[derive(Debug)]
pub(super) struct Metric {
    /// As the request has it; it stands in every result.
    pub(super) told: Value,
    pub(super) measure: Measure,
    pub(super) filters: Vec<MetricFilter>,
}

/// Which contacts count for a figure.
#[derive(Debug)]
pub(super) struct MetricFilter {
    by_reason: bool,
    values: Vec<String>,
    negate: bool,
}

impl MetricFilter {
    pub(super) fn fits(&self, contact: &Contact) -> bool {
        let told = if self.by_reason { contact.reason } else { contact.initiation.as_str() };
        self.values.iter().any(|value| value == told) != self.negate
    }
}

impl Dimension {
    fn read(name: &str) -> Result<Self, Refusal> {
        let level = || LEVELS.iter().position(|level| *level == name).map(Self::Level);
        match name {
            "AGENT" => Ok(Self::Agent),
            "QUEUE" => Ok(Self::Queue),
            "ROUTING_PROFILE" => Ok(Self::RoutingProfile),
            "CHANNEL" => Ok(Self::Channel),
            "INITIATION_METHOD" => Ok(Self::Initiation),
            other => level().ok_or_else(|| invalid(format!("the stand-in has no dimension {other}"))),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Agent => "AGENT",
            Self::Queue => "QUEUE",
            Self::RoutingProfile => "ROUTING_PROFILE",
            Self::Level(level) => LEVELS[level],
            Self::Channel => "CHANNEL",
            Self::Initiation => "INITIATION_METHOD",
        }
    }

    /// The word before the id in its ARN, where it has one.
    pub(super) const fn kind_of_arn(self) -> Option<&'static str> {
        match self {
            Self::Agent => Some("agent"),
            Self::Queue => Some("queue"),
            Self::RoutingProfile => Some("routing-profile"),
            Self::Level(_) => Some("agent-group"),
            Self::Channel | Self::Initiation => None,
        }
    }

    /// Whether a request may be authorised by it.
    const fn is_resource(self) -> bool {
        matches!(self, Self::Agent | Self::Queue | Self::RoutingProfile | Self::Level(_))
    }
}

impl Query {
    pub(super) fn read(body: &Map<String, Value>) -> Result<Self, Refusal> {
        for name in ["ResourceArn", "StartTime", "EndTime", "Filters", "Metrics"] {
            if body.get(name).is_none_or(Value::is_null) {
                return Err((400, "InvalidRequestException", format!("{name} is required")));
            }
        }
        let (period, length) = period(body.get("Interval"))?;
        let query = Self {
            resource: body.get("ResourceArn").and_then(Value::as_str).unwrap_or_default().to_owned(),
            start: time(body, "StartTime")?,
            end: time(body, "EndTime")?,
            period,
            length,
            filters: filters(list(body, "Filters")?)?,
            groupings: groupings(list(body, "Groupings")?)?,
            metrics: metrics(list(body, "Metrics")?)?,
        };
        query.check_combinations()?;
        Ok(query)
    }

    /// Whether anything is about agents' time.
    pub(super) fn is_of_agents(&self) -> bool {
        self.metrics.iter().any(|metric| metric.measure.is_of_agents())
    }

    /// Below what length the time of the request must be.
    pub(super) fn longest(&self) -> Millis {
        match self.length {
            Some(length) if length <= Millis::from_hours(1) => Millis::from_hours(3 * 24),
            _ => Millis::from_hours(35 * 24),
        }
    }

    /// What cannot be asked together.
    fn check_combinations(&self) -> Result<(), Refusal> {
        let by = |dimension: Dimension| {
            self.groupings.contains(&dimension)
                || self.filters.iter().any(|filter| filter.dimension == dimension)
        };
        for Metric { measure, .. } in &self.metrics {
            let within = matches!(
                measure,
                Measure::AnsweredIn(_) | Measure::AbandonedIn(_) | Measure::ServiceLevel(_)
            );
            if measure.is_of_agents()
                && *measure != Measure::Missed
                && (by(Dimension::Queue) || by(Dimension::Channel))
            {
                return Err(invalid(format!("{} has no grouping or filter by queue", measure.id())));
            }
            if within && by(Dimension::Agent) {
                return Err(invalid(format!("{} has no grouping or filter by agent", measure.id())));
            }
        }
        Ok(())
    }
}

fn list<'a>(body: &'a Map<String, Value>, name: &str) -> Result<&'a [Value], Refusal> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(list)) => Ok(list),
        Some(_) => Err((400, "InvalidRequestException", format!("{name} is no list"))),
    }
}

fn time(body: &Map<String, Value>, name: &str) -> Result<Timestamp, Refusal> {
    let seconds = body.get(name).and_then(Value::as_f64);
    let seconds = seconds.filter(|seconds| seconds.fract() == 0.0 && (0.0..1e11).contains(seconds));
    #[expect(clippy::cast_possible_truncation, reason = "a whole number within the range above")]
    let seconds = seconds.map(|seconds| seconds as i64);
    seconds
        .map(Timestamp::from_seconds)
        .ok_or_else(|| (400, "InvalidRequestException", format!("{name} is no time in whole seconds")))
}

fn period(interval: Option<&Value>) -> Result<(&'static str, Option<Millis>), Refusal> {
    let Some(interval) = interval.and_then(Value::as_object) else { return Ok(("TOTAL", None)) };
    let zone = interval.get("TimeZone").and_then(Value::as_str).unwrap_or("UTC");
    let length = match interval.get("IntervalPeriod").and_then(Value::as_str).unwrap_or("TOTAL") {
        "FIFTEEN_MIN" => ("FIFTEEN_MIN", Some(Millis::from_minutes(15))),
        "THIRTY_MIN" => ("THIRTY_MIN", Some(Millis::from_minutes(30))),
        "HOUR" => ("HOUR", Some(Millis::from_hours(1))),
        "DAY" => ("DAY", Some(Millis::from_hours(24))),
        "WEEK" => ("WEEK", Some(Millis::from_hours(7 * 24))),
        "TOTAL" => ("TOTAL", None),
        other => return Err(invalid(format!("there is no interval period {other}"))),
    };
    let long = length.1.is_some_and(|length| length > Millis::from_hours(1));
    if long && zone != "UTC" {
        return Err(invalid("the stand-in has days of UTC only"));
    }
    Ok(length)
}

fn texts(value: Option<&Value>) -> Vec<String> {
    let list = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(Value::as_str).map(|text| last_part(text).to_owned()).collect()
}

/// Filters take ids and ARNs alike.
fn last_part(arn: &str) -> &str {
    arn.rsplit_once('/').map_or(arn, |(_, id)| id)
}

fn filters(list: &[Value]) -> Result<Vec<Filter>, Refusal> {
    if list.is_empty() || list.len() > MOST_FILTERS {
        return Err(invalid(format!("Filters: 1 to {MOST_FILTERS}")));
    }
    let mut filters = Vec::new();
    for filter in list {
        let key = filter.get("FilterKey").and_then(Value::as_str).unwrap_or_default();
        let values = texts(filter.get("FilterValues"));
        if values.is_empty() || values.len() > MOST_VALUES {
            return Err(invalid(format!("FilterValues: 1 to {MOST_VALUES}")));
        }
        filters.push(Filter { dimension: Dimension::read(key)?, values });
    }
    let counted = filters.iter().filter(|filter| filter.dimension != Dimension::Channel);
    if counted.map(|filter| filter.values.len()).sum::<usize>() > MOST_VALUES {
        return Err(invalid(format!("at most {MOST_VALUES} filter values over all keys")));
    }
    if !filters.iter().any(|filter| filter.dimension.is_resource()) {
        return Err(invalid(
            "one filter must be of a queue, a routing profile, an agent or a hierarchy level",
        ));
    }
    Ok(filters)
}

fn groupings(list: &[Value]) -> Result<Vec<Dimension>, Refusal> {
    if list.len() > MOST_GROUPINGS {
        return Err(invalid(format!("Groupings: at most {MOST_GROUPINGS}")));
    }
    list.iter().map(|name| Dimension::read(name.as_str().unwrap_or_default())).collect()
}

fn metrics(list: &[Value]) -> Result<Vec<Metric>, Refusal> {
    if list.is_empty() {
        return Err((400, "InvalidRequestException", "Metrics is empty".to_owned()));
    }
    let metrics: Vec<_> = list.iter().map(metric).collect::<Result<_, _>>()?;
    let levels = metrics.iter().filter(|metric| matches!(metric.measure, Measure::ServiceLevel(_)));
    if levels.count() > MOST_SERVICE_LEVELS {
        return Err(invalid(format!("at most {MOST_SERVICE_LEVELS} SERVICE_LEVEL metrics")));
    }
    Ok(metrics)
}

fn metric(metric: &Value) -> Result<Metric, Refusal> {
    let name = metric.get("Name").and_then(Value::as_str).unwrap_or_default();
    let threshold = threshold(metric.get("Threshold"))?;
    let measure = measure(name, threshold)?;
    let told = metric.get("MetricFilters").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if told.len() > MOST_METRIC_FILTERS.0 {
        return Err(invalid(format!("MetricFilters: at most {}", MOST_METRIC_FILTERS.0)));
    }
    let filters = told.iter().map(metric_filter).collect::<Result<_, _>>()?;
    Ok(Metric { told: metric.clone(), measure, filters })
}

fn metric_filter(filter: &Value) -> Result<MetricFilter, Refusal> {
    let by_reason = match filter.get("MetricFilterKey").and_then(Value::as_str).unwrap_or_default() {
        "INITIATION_METHOD" => false,
        "DISCONNECT_REASON" => true,
        other => return Err(invalid(format!("the stand-in has no metric filter {other}"))),
    };
    let values = texts(filter.get("MetricFilterValues"));
    if values.is_empty() || values.len() > MOST_METRIC_FILTERS.1 {
        return Err(invalid(format!("MetricFilterValues: 1 to {}", MOST_METRIC_FILTERS.1)));
    }
    let negate = filter.get("Negate").and_then(Value::as_bool).unwrap_or(false);
    Ok(MetricFilter { by_reason, values, negate })
}

/// The threshold of a metric, if it has one.
fn threshold(told: Option<&Value>) -> Result<Option<Millis>, Refusal> {
    let told = told.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let [threshold] = told else {
        return if told.is_empty() { Ok(None) } else { Err(invalid("Threshold: at most 1")) };
    };
    let more = match threshold.get("Comparison").and_then(Value::as_str) {
        Some("LT") => 0,
        // Waits are whole seconds.
        Some("LTE") => 1,
        _ => return Err(invalid("Comparison: LT or LTE")),
    };
    let seconds = threshold.get("ThresholdValue").and_then(Value::as_f64).unwrap_or_default();
    if !(1.0..=LONGEST_THRESHOLD).contains(&seconds) || seconds.fract() != 0.0 {
        return Err(invalid("ThresholdValue: 1 to 604800, whole"));
    }
    #[expect(clippy::cast_possible_truncation, reason = "a whole number within the range above")]
    let seconds = seconds as i64;
    Ok(Some(Millis::from_seconds(seconds + more)))
}

fn measure(name: &str, threshold: Option<Millis>) -> Result<Measure, Refusal> {
    let with = |measure: fn(Millis) -> Measure| {
        threshold.map(measure).ok_or_else(|| invalid(format!("{name} needs a Threshold")))
    };
    let parts = [
        Part::Interaction,
        Part::Hold,
        Part::InteractionAndHold,
        Part::AfterContactWork,
        Part::Handle,
        Part::Flow,
    ];
    let times = [
        AgentTime::Online,
        AgentTime::Idle,
        AgentTime::NonProductive,
        AgentTime::OnContact,
        AgentTime::Error,
    ];
    let others = [
        Measure::Queued,
        Measure::Created(Begun::Anyhow),
        Measure::Handled(Begun::Anyhow),
        Measure::Abandoned,
        Measure::PutOnHold,
        Measure::TransferredOut,
        Measure::TransferredOutByAgent,
        Measure::TransferredOutFromQueue,
        Measure::QueueAnswerTime,
        Measure::QueueAbandonTime,
        Measure::MaximumQueuedTime,
        Measure::Occupancy,
        Measure::Missed,
    ];
    let plain = parts.into_iter().flat_map(|part| [Measure::Sum(part), Measure::Average(part)]);
    let mut plain = plain.chain(times.map(Measure::Agents)).chain(others);
    match name {
        "SUM_CONTACTS_ANSWERED_IN_X" => with(Measure::AnsweredIn),
        "SUM_CONTACTS_ABANDONED_IN_X" => with(Measure::AbandonedIn),
        "SERVICE_LEVEL" => with(Measure::ServiceLevel),
        other => plain
            .find(|measure| measure.id() == other)
            .ok_or_else(|| invalid(format!("the stand-in has no metric {other}"))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What the model allows: one queue, two metrics.
    fn body() -> Value {
        json!({
            "ResourceArn": "arn:aws:connect:eu-central-1:123456789012:instance/i",
            "StartTime": 1_772_409_600, "EndTime": 1_772_413_200,
            "Interval": { "IntervalPeriod": "FIFTEEN_MIN" },
            "Filters": [{ "FilterKey": "QUEUE", "FilterValues": ["arn:aws:connect:x:y:instance/i/queue/q"] }],
            "Groupings": ["QUEUE"],
            "Metrics": [
                { "Name": "CONTACTS_QUEUED" },
                { "Name": "SERVICE_LEVEL", "Threshold": [{ "Comparison": "LT", "ThresholdValue": 20 }] },
            ],
        })
    }

    fn read(body: &Value) -> Result<Query, Refusal> {
        Query::read(body.as_object().expect("is one"))
    }

    fn values(count: usize) -> Value {
        (0..count).map(|number| format!("q{number}")).collect::<Vec<_>>().into()
    }

    #[test]
    fn what_the_model_allows_is_read() {
        let query = read(&body()).unwrap();
        assert_eq!(query.length, Some(Millis::from_minutes(15)));
        assert_eq!(query.filters[0].values, ["q"], "an id stands for its ARN");
        assert_eq!(query.metrics[1].measure, Measure::ServiceLevel(Millis::from_seconds(20)));
    }

    #[test]
    fn what_is_required_is_required() {
        for name in ["ResourceArn", "StartTime", "EndTime", "Filters", "Metrics"] {
            let mut body = body();
            body[name] = Value::Null;
            assert_eq!(read(&body).unwrap_err().1, "InvalidRequestException", "{name}");
        }
    }

    #[test]
    fn every_limit_is_kept() {
        let with = |change: &dyn Fn(&mut Value)| {
            let mut body = body();
            change(&mut body);
            read(&body).map(|_| ()).map_err(|(status, code, _)| (status, code))
        };
        let refused = Err((400, "InvalidParameterException"));
        assert_eq!(with(&|body| body["Filters"][0]["FilterValues"] = values(100)), Ok(()));
        assert_eq!(with(&|body| body["Filters"][0]["FilterValues"] = values(101)), refused);
        let two = |count| {
            json!([
                { "FilterKey": "QUEUE", "FilterValues": values(60) },
                { "FilterKey": "ROUTING_PROFILE", "FilterValues": values(count) },
                { "FilterKey": "CHANNEL", "FilterValues": ["VOICE", "CHAT", "TASK", "EMAIL"] },
            ])
        };
        assert_eq!(with(&|body| body["Filters"] = two(40)), Ok(()));
        assert_eq!(with(&|body| body["Filters"] = two(41)), refused);
        let channel_only = json!([{ "FilterKey": "CHANNEL", "FilterValues": ["VOICE"] }]);
        assert_eq!(with(&|body| body["Filters"] = channel_only.clone()), refused);
        let four = ["QUEUE", "CHANNEL", "ROUTING_PROFILE", "INITIATION_METHOD"];
        assert_eq!(with(&|body| body["Groupings"] = json!(four)), Ok(()));
        let five = [four.as_slice(), &["AGENT_HIERARCHY_LEVEL_ONE"]].concat();
        assert_eq!(with(&|body| body["Groupings"] = json!(five)), refused);
        let levels = |count| Value::from(vec![body()["Metrics"][1].clone(); count]);
        assert_eq!(with(&|body| body["Metrics"] = levels(20)), Ok(()));
        assert_eq!(with(&|body| body["Metrics"] = levels(21)), refused);
        let threshold = |seconds: i64| {
            with(&|body| body["Metrics"][1]["Threshold"][0]["ThresholdValue"] = seconds.into())
        };
        assert_eq!((threshold(604_800), threshold(604_801), threshold(0)), (Ok(()), refused, refused));
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        let with = |groupings: Value, metric: Value| {
            let mut body = body();
            body["Groupings"] = groupings;
            body["Metrics"] = json!([metric]);
            read(&body).map(|_| ()).map_err(|(_, code, _)| code)
        };
        let refused = Err("InvalidParameterException");
        assert_eq!(with(json!(["QUEUE"]), json!({ "Name": "SUM_ONLINE_TIME_AGENT" })), refused);
        let level = body()["Metrics"][1].clone();
        assert_eq!(with(json!(["AGENT"]), level), refused);
        assert_eq!(with(json!(["AGENT"]), json!({ "Name": "SUM_HANDLE_TIME" })), Ok(()));
        assert_eq!(with(json!(["QUEUE"]), json!({ "Name": "CONTACTS_GUESSED" })), refused);
    }
}
