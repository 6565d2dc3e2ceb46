//! What a label means.

use std::collections::HashMap;
use std::sync::LazyLock;

use pegboard_model::Millis;
use pegboard_model::acd::Column;

use super::metric::{METRICS, Metric};

/// What stands under a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// The first instant of the interval.
    Start,
    /// The first instant after it.
    End,
    /// The queue, by name.
    Queue,
    /// The agent, by login.
    Agent,
    /// The channel.
    Channel,
    /// Something else by which rows are told apart.
    Grouping,
    /// A metric, with its threshold where it has one.
    Metric(&'static Metric, Option<Millis>),
    /// One of our own columns.
    Column(Column),
    /// Something to be kept as it stands there.
    Text,
}

/// A text that stands for no meaning.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no metric such as CONTACTS_QUEUED or SERVICE_LEVEL(20), no column such as offered, and neither \
     `queue`, `agent`, `channel`, `grouping` nor `text`"
)]
pub struct UnknownMeaning(String);

impl std::str::FromStr for Meaning {
    type Err = UnknownMeaning;

    fn from_str(text: &str) -> Result<Self, UnknownMeaning> {
        let word = match text {
            "queue" => Some(Self::Queue),
            "agent" => Some(Self::Agent),
            "channel" => Some(Self::Channel),
            "start" => Some(Self::Start),
            "end" => Some(Self::End),
            "grouping" => Some(Self::Grouping),
            "text" => Some(Self::Text),
            _ => Column::from_name(text).map(Self::Column),
        };
        word.or_else(|| metric(text)).ok_or_else(|| UnknownMeaning(text.to_owned()))
    }
}

/// The metric of an id such as `SERVICE_LEVEL(20)`.
fn metric(id: &str) -> Option<Meaning> {
    let plain = |metric: &&Metric| metric.in_time.is_none() && metric.id(None) == id;
    if let Some(metric) = METRICS.iter().find(plain) {
        return Some(Meaning::Metric(metric, None));
    }
    let (name, seconds) = id.strip_suffix(')')?.split_once('(')?;
    let metric = METRICS.iter().find(|metric| metric.in_time.is_some() && metric.name == name)?;
    Some(Meaning::Metric(metric, Some(threshold(seconds, 1)?)))
}

/// The labels of a site, which go before those that everybody has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels {
    own: HashMap<String, Meaning>,
}

impl Labels {
    /// Says what a label means here. Answers whether it was said before, in which case that stays.
    pub fn add(&mut self, label: &str, meaning: Meaning) -> bool {
        let label = normal(label);
        let is_there = self.own.contains_key(&label);
        if !is_there {
            self.own.insert(label, meaning);
        }
        is_there
    }

    /// What a label means. Nothing where nobody knows it.
    pub fn meaning(&self, label: &str) -> Option<Meaning> {
        let label = normal(label);
        let known = self.own.get(&label).or_else(|| KNOWN.plain.get(&label)).copied();
        known.or_else(|| {
            let (stem, threshold) = split_threshold(&label)?;
            KNOWN.in_time.get(stem).map(|metric| Meaning::Metric(metric, Some(threshold)))
        })
    }
}

/// Labels that everybody has, in their normal form.
struct Known {
    plain: HashMap<String, Meaning>,
    /// What stands before `in X seconds`.
    in_time: HashMap<String, &'static Metric>,
}

/// Groupings. The first six are verified in importers of others; of the levels of the hierarchy, no file has been seen.
const GROUPINGS: &[(&str, Meaning)] = &[
    ("StartInterval", Meaning::Start),
    ("EndInterval", Meaning::End),
    ("Queue", Meaning::Queue),
    ("Agent", Meaning::Agent),
    ("Channel", Meaning::Channel),
    ("Routing profile", Meaning::Grouping),
    ("Phone number", Meaning::Grouping),
    ("Initiation method", Meaning::Grouping),
    ("Disconnect reason", Meaning::Grouping),
    ("Agent hierarchy", Meaning::Grouping),
    ("Agent hierarchy level one", Meaning::Grouping),
    ("Agent hierarchy level two", Meaning::Grouping),
    ("Agent hierarchy level three", Meaning::Grouping),
    ("Agent hierarchy level four", Meaning::Grouping),
    ("Agent hierarchy level five", Meaning::Grouping),
    ("Agent hierarchy level 1", Meaning::Grouping),
    ("Agent hierarchy level 2", Meaning::Grouping),
    ("Agent hierarchy level 3", Meaning::Grouping),
    ("Agent hierarchy level 4", Meaning::Grouping),
    ("Agent hierarchy level 5", Meaning::Grouping),
    // Attributes of the agent: a new name is not another agent.
    ("Agent name", Meaning::Text),
    ("Agent first name", Meaning::Text),
    ("Agent last name", Meaning::Text),
];

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let mut known = Known { plain: HashMap::new(), in_time: HashMap::new() };
    known.plain.extend(GROUPINGS.iter().map(|(label, meaning)| (normal(label), *meaning)));
    for metric in METRICS {
        for label in metric.labels.iter().map(|label| normal(label)) {
            if metric.in_time.is_some() {
                known.in_time.insert(label, metric);
            } else {
                known.plain.insert(label, Meaning::Metric(metric, None));
            }
        }
    }
    known
});

/// A label as it is compared: in small letters, with single blanks.
pub(super) fn normal(label: &str) -> String {
    let mut normal = String::with_capacity(label.len());
    for word in label.split_whitespace() {
        if !normal.is_empty() {
            normal.push(' ');
        }
        normal.extend(word.chars().flat_map(char::to_lowercase));
    }
    normal
}

/// `contacts answered in 40 seconds` as `contacts answered` and 40 seconds. Labels of custom thresholds drop the "in",
/// and may be in minutes.
fn split_threshold(label: &str) -> Option<(&str, Millis)> {
    let (rest, unit) = label.rsplit_once(' ')?;
    let seconds = match unit {
        "second" | "seconds" | "s" | "sec" => 1,
        "minute" | "minutes" | "min" => 60,
        "hour" | "hours" | "h" => 3600,
        "day" | "days" => 86_400,
        _ => return None,
    };
    let (stem, number) = rest.rsplit_once(' ')?;
    Some((stem.strip_suffix(" in").unwrap_or(stem), threshold(number, seconds)?))
}

/// So many units of so many seconds; Amazon Connect has thresholds of at most seven days.
fn threshold(number: &str, seconds: i64) -> Option<Millis> {
    let is_number = (1..=6).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
    let threshold = is_number.then(|| number.parse::<i64>().ok()).flatten()? * seconds;
    (1..=7 * 86_400).contains(&threshold).then(|| Millis::from_seconds(threshold))
}
