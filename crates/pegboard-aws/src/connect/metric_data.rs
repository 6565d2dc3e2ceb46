//! What is asked of `GetMetricDataV2`, as the API reference writes it.
//!
//! <https://docs.aws.amazon.com/connect/latest/APIReference/API_GetMetricDataV2.html>

use serde_json::{Value, json};

/// The most service levels that one request may ask for.
pub const MOST_SERVICE_LEVELS: usize = 20;

/// The most results of a page.
const PAGE: u32 = 100;

/// Statistics of an instance, by intervals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricDataQuery {
    /// The ARN of the instance.
    pub instance_arn: String,
    /// The first instant, in seconds since 1970 UTC; on the grid of the intervals.
    pub from_s: i64,
    /// The first instant after; less than three days later, and not in the future.
    pub to_s: i64,
    /// The length of the intervals.
    pub period: MetricPeriod,
    /// What is looked at, which decides the rights, too.
    pub scope: MetricScope,
    /// By what results are told apart; four at most.
    pub groupings: &'static [&'static str],
    /// What is asked for.
    pub metrics: Vec<AskedMetric>,
}

/// The length of the intervals of statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricPeriod {
    /// 15 minutes.
    Quarter,
    /// 30 minutes.
    Half,
    /// An hour.
    Hour,
}

impl MetricPeriod {
    /// Its length in seconds.
    pub const fn seconds(self) -> i64 {
        match self {
            Self::Quarter => 900,
            Self::Half => 1800,
            Self::Hour => 3600,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Quarter => "FIFTEEN_MIN",
            Self::Half => "THIRTY_MIN",
            Self::Hour => "HOUR",
        }
    }
}

/// What statistics are about: ids, at most [`MOST_FILTERED`](super::MOST_FILTERED) of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetricScope {
    /// These queues.
    Queues(Vec<String>),
    /// The agents of these routing profiles.
    RoutingProfiles(Vec<String>),
    /// These agents.
    Agents(Vec<String>),
}

/// A metric that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AskedMetric {
    /// Its name.
    pub name: &'static str,
    /// In less than how many seconds, where the metric has a threshold; 1 to 604,800.
    pub within_s: Option<i64>,
    /// A restriction: its key, its values, and whether those are left out.
    pub filter: Option<(&'static str, &'static [&'static str], bool)>,
}

impl AskedMetric {
    fn body(&self) -> Value {
        let mut body = json!({ "Name": self.name });
        if let Some(seconds) = self.within_s {
            body["Threshold"] = json!([{ "Comparison": "LT", "ThresholdValue": seconds }]);
        }
        if let Some((key, values, negate)) = self.filter {
            body["MetricFilters"] =
                json!([{ "MetricFilterKey": key, "MetricFilterValues": values, "Negate": negate }]);
        }
        body
    }
}

impl MetricDataQuery {
    /// The body of the request for the first page.
    pub(super) fn body(&self) -> Value {
        let (key, values) = match &self.scope {
            MetricScope::Queues(ids) => ("QUEUE", ids),
            MetricScope::RoutingProfiles(ids) => ("ROUTING_PROFILE", ids),
            MetricScope::Agents(ids) => ("AGENT", ids),
        };
        json!({
            "ResourceArn": self.instance_arn,
            "StartTime": self.from_s,
            "EndTime": self.to_s,
            "Interval": { "IntervalPeriod": self.period.name(), "TimeZone": "UTC" },
            "Filters": [{ "FilterKey": key, "FilterValues": values }],
            "Groupings": self.groupings,
            "Metrics": self.metrics.iter().map(AskedMetric::body).collect::<Vec<_>>(),
            "MaxResults": PAGE,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_written_as_the_reference_writes_it() {
        let query = MetricDataQuery {
            instance_arn: "arn:aws:connect:eu-central-1:1:instance/i-1".to_owned(),
            from_s: 1_772_409_600,
            to_s: 1_772_410_500,
            period: MetricPeriod::Quarter,
            scope: MetricScope::Queues(vec!["q-1".to_owned()]),
            groupings: &["QUEUE", "CHANNEL"],
            metrics: vec![
                AskedMetric { name: "SERVICE_LEVEL", within_s: Some(20), filter: None },
                AskedMetric {
                    name: "CONTACTS_HANDLED",
                    within_s: None,
                    filter: Some(("INITIATION_METHOD", &["OUTBOUND"], true)),
                },
            ],
        };
        let expected = json!({
            "ResourceArn": "arn:aws:connect:eu-central-1:1:instance/i-1",
            "StartTime": 1_772_409_600, "EndTime": 1_772_410_500,
            "Interval": { "IntervalPeriod": "FIFTEEN_MIN", "TimeZone": "UTC" },
            "Filters": [{ "FilterKey": "QUEUE", "FilterValues": ["q-1"] }],
            "Groupings": ["QUEUE", "CHANNEL"],
            "Metrics": [
                { "Name": "SERVICE_LEVEL", "Threshold": [{ "Comparison": "LT", "ThresholdValue": 20 }] },
                { "Name": "CONTACTS_HANDLED", "MetricFilters": [{
                    "MetricFilterKey": "INITIATION_METHOD", "MetricFilterValues": ["OUTBOUND"], "Negate": true,
                }] },
            ],
            "MaxResults": 100,
        });
        assert_eq!(query.body(), expected);
    }
}
