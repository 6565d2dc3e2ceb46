//! Numbers for Prometheus, in its text format.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::Method;
use pegboard_model::{SinkName, Timestamp};
use pegboard_store::{Alarm, DeliveryState};

use crate::runtime::alarms::condition::Condition;
use crate::runtime::deliver::status::EventLaneShown;
use crate::runtime::reload::ReloadStatus;
use crate::runtime::view::{Health, Missed, SinkStatus, SourceStatus};

/// A family of numbers: what `docs/metrics.md` lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// `counter`, `gauge` or `summary`.
    pub kind: &'static str,
    /// What it tells.
    pub help: &'static str,
    /// What tells its numbers apart.
    pub labels: &'static [&'static str],
}

macro_rules! families {
    ($($NAME:ident = $kind:literal $name:literal [$($label:literal),*] $help:literal;)+) => {
        $(const $NAME: Family =
            Family { name: $name, kind: $kind, help: $help, labels: &[$($label),*] };)+
        /// Every family, in the order of the output.
        pub const FAMILIES: &[Family] = &[$($NAME),+];
    };
}

families! {
    INFO = "gauge" "pegboard_info" ["version"] "Always 1; the label tells the version of the program.";
    HEALTH = "gauge" "pegboard_source_health" ["source", "health"]
        "1 for the present health of the source, 0 for each other: starting, ok, lagging, failing, stopped.";
    LAG = "gauge" "pegboard_source_lag_seconds" ["source"]
        "How far the slowest partition of the source is behind the newest record.";
    WATERMARK_AGE = "gauge" "pegboard_source_watermark_age_seconds" ["source"]
        "The time since the instant up to which everything of the source is known.";
    CLOSED_AGE = "gauge" "pegboard_source_closed_age_seconds" ["source"]
        "The time since the instant up to which the intervals of the source are closed.";
    AGENTS = "gauge" "pegboard_source_agents" ["source"] "Agents of the source that are known.";
    RECORDS = "counter" "pegboard_source_records_total" ["source"] "Records that were read from the source.";
    ITEMS = "counter" "pegboard_source_items_total" ["source", "kind"]
        "What the records came to: event, contact, duplicate, foreign, failed.";
    PARTITION_LAG = "gauge" "pegboard_partition_lag_seconds" ["source", "partition"]
        "How far the partition is behind the newest record.";
    FALLBACK = "gauge" "pegboard_source_fallback" ["source"]
        "1 where the source does something in another way than configured (polls instead of enhanced fan-out), else 0.";
    LOOK_AGE = "gauge" "pegboard_reconciler_look_age_seconds" ["source"]
        "The time since the platform's own snapshot was last looked at, on the node that looks.";
    LOOK_SECONDS = "gauge" "pegboard_reconciler_look_seconds" ["source"] "How long the last look took.";
    SHOWN = "gauge" "pegboard_reconciler_shown_agents" ["source"]
        "Agents shown when everybody was last looked at.";
    WAITS = "gauge" "pegboard_reconciler_waits" ["source"]
        "1 while the stream is being caught up with and nobody is looked at, else 0.";
    REPAIRED = "counter" "pegboard_reconciler_repaired_total" ["source", "missed"]
        "Agents put right, by what the stream had not told: signed_in, changed, signed_out.";
    REFUSED = "counter" "pegboard_reconciler_refused_total" ["source"]
        "Looks that were not believed, because they would have signed out most agents at once.";
    DISPUTED = "gauge" "pegboard_reconciler_disputed_agents" ["source"]
        "Agents of whom the stream insists on something else than the platform shows.";
    MISSING_FILES = "gauge" "pegboard_source_missing_files" ["source", "late"]
        "Files of reports of the ACD that should be there: late ones, and those that never came while later ones did.";
    RELOADS = "gauge" "pegboard_reloads" ["source"] "Reloads of days that are under way or wait.";
    RELOAD_FILES = "gauge" "pegboard_reload_files_left" ["source"]
        "Files of the archive that the reloads under way have still to read.";
    RELOAD_DAYS = "gauge" "pegboard_reload_days_left" ["source"]
        "Days that the reloads that are under way or wait have still to make.";
    SINK_FAILURES = "gauge" "pegboard_sink_failures" ["sink", "lane"]
        "Tries in a row that failed, by states and rows, on the node that delivers to the sink.";
    SINK_ACCEPTED = "counter" "pegboard_sink_accepted_total" ["sink", "lane"]
        "Documents that the target of the sink has accepted, on the node that delivers to it.";
    SINK_LEFT_ALONE = "gauge" "pegboard_sink_left_alone" ["sink"]
        "1 while the target of the sink does not answer and is only tried now and then, on the node that delivers to it.";
    SINK_HELD = "gauge" "pegboard_sink_snapshot_held" ["sink"]
        "1 while a sink is not told everybody's present state because that may be wrong, else 0.";
    SINK_INTERVALS = "gauge" "pegboard_sink_intervals" ["sink", "report", "state"]
        "Intervals of a report in the ledger, by how they stand: waiting, acknowledged, parked, dropped.";
    SINK_AGE = "gauge" "pegboard_sink_oldest_waiting_seconds" ["sink", "report"]
        "The time since the start of the oldest interval that waits to be delivered.";
    ALARMS = "gauge" "pegboard_alarm_active" ["condition", "severity"]
        "Alarms of a condition that are open; 0 where there is none. docs/alarms.md lists the conditions.";
    SINK_EVENT_FAILURES = "gauge" "pegboard_sink_event_failures" ["sink", "lane", "source"]
        "Tries in a row that failed to pass events on, on the node that delivers to the sink.";
    SINK_EVENTS = "counter" "pegboard_sink_events_total" ["sink", "lane", "source", "outcome"]
        "Events that a sink passes on as they came: taken, left_out (nothing can be done with them), lost (no longer kept).";
    SINK_EVENTS_WAITING = "gauge" "pegboard_sink_events_waiting" ["sink", "lane", "source"]
        "Events that the sink has not taken yet.";
    STREAMS = "gauge" "pegboard_stream_readers" [] "Readers of the stream of agents at this moment.";
    CUT_OFF = "counter" "pegboard_stream_cut_off_total" []
        "Readers of the stream that were cut off because they did not keep up.";
    REQUESTS = "counter" "pegboard_http_requests_total" ["method", "route", "status"]
        "Requests that were answered.";
    REQUEST_SECONDS = "summary" "pegboard_http_request_seconds" ["method", "route"]
        "The time until the answer began: sum and count.";
}

const HEALTHS: [(Health, &str); 5] = [
    (Health::Starting, "starting"),
    (Health::Ok, "ok"),
    (Health::Lagging, "lagging"),
    (Health::Failing, "failing"),
    (Health::Stopped, "stopped"),
];

/// The methods that have a label of their own; a caller can make up any number of others.
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"];

/// What the API counts itself.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    requests: Mutex<BTreeMap<Answered, Times>>,
    cut_off: AtomicU64,
}

/// Answers that are counted together. There are as many as routes, methods and statuses: few.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Answered {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, Copy, Default)]
struct Times {
    count: u64,
    took: Duration,
}

/// What the hub tells at the moment of asking.
#[derive(Debug)]
pub(crate) struct Numbers<'a> {
    pub(crate) now: Timestamp,
    pub(crate) sources: &'a [SourceStatus],
    pub(crate) sinks: &'a [SinkStatus],
    /// Those that are open.
    pub(crate) alarms: &'a [Alarm],
    /// Those that are not over.
    pub(crate) reloads: &'a [ReloadStatus],
    pub(crate) streams: usize,
}

impl Metrics {
    /// An answer began.
    pub(crate) fn answered(&self, method: &Method, route: &str, status: u16, took: Duration) {
        let method = METHODS.into_iter().find(|known| *known == method.as_str()).unwrap_or("other");
        let key = Answered { method, route: route.to_string(), status };
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let times = requests.entry(key).or_default();
        times.count += 1;
        times.took += took;
    }

    /// A reader of the stream was cut off.
    pub(crate) fn stream_cut_off(&self) {
        self.cut_off.fetch_add(1, Ordering::Relaxed);
    }

    /// All numbers as text.
    pub(crate) fn encode(&self, numbers: &Numbers<'_>) -> String {
        let mut text = Text::default();
        text.family(&INFO).sample(&[&env!("CARGO_PKG_VERSION")], 1);
        encode_sources(&mut text, numbers);
        encode_reconcilers(&mut text, numbers);
        encode_reloads(&mut text, numbers);
        encode_sinks(&mut text, numbers);
        encode_alarms(&mut text, numbers.alarms);
        text.family(&STREAMS).sample(&[], numbers.streams);
        text.family(&CUT_OFF).sample(&[], self.cut_off.load(Ordering::Relaxed));
        self.encode_requests(&mut text);
        text.0
    }

    fn encode_requests(&self, text: &mut Text) {
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut family = text.family(&REQUESTS);
        let mut by_route: BTreeMap<(&str, &str), Times> = BTreeMap::new();
        for (Answered { method, route, status }, times) in &requests {
            family.sample(&[method, route, status], times.count);
            let sum = by_route.entry((method, route)).or_default();
            sum.count += times.count;
            sum.took += times.took;
        }
        let mut family = text.family(&REQUEST_SECONDS);
        for ((method, route), times) in by_route {
            family.part("_sum", &[&method, &route], times.took.as_secs_f64());
            family.part("_count", &[&method, &route], times.count);
        }
    }
}

fn encode_sources(text: &mut Text, Numbers { now, sources, .. }: &Numbers<'_>) {
    // A duration shows itself in seconds, as Prometheus wants it.
    let age = |at: Option<Timestamp>| at.map(|at| now.since(at));
    let mut family = text.family(&HEALTH);
    for source in *sources {
        for (health, name) in HEALTHS {
            family.sample(&[&source.name, &name], u8::from(source.health == health));
        }
    }
    text.for_each(&LAG, sources, |source| source.behind);
    text.for_each(&WATERMARK_AGE, sources, |source| age(source.watermark));
    text.for_each(&CLOSED_AGE, sources, |source| age(source.closed_until));
    text.for_each(&AGENTS, sources, |source| Some(source.agents));
    text.for_each(&RECORDS, sources, |source| Some(source.counts.records));
    let mut family = text.family(&ITEMS);
    for source in *sources {
        let counts = source.counts;
        let kinds = [
            ("event", counts.events),
            ("contact", counts.contacts),
            ("duplicate", counts.duplicates),
            ("foreign", counts.foreign),
            ("failed", counts.failed),
        ];
        for (kind, count) in kinds {
            family.sample(&[&source.name, &kind], count);
        }
    }
    let mut family = text.family(&PARTITION_LAG);
    for source in *sources {
        for partition in source.partitions.iter().filter(|partition| !partition.finished) {
            if let Some(behind) = partition.behind {
                family.sample(&[&source.name, &partition.id], behind);
            }
        }
    }
    let mut family = text.family(&MISSING_FILES);
    for source in *sources {
        for late in [true, false] {
            let missing = source.missing_files.iter().filter(|file| file.is_late == late).count();
            family.sample(&[&source.name, &late], missing);
        }
    }
    text.for_each(&FALLBACK, sources, |source| Some(u8::from(source.fallback.is_some())));
}

fn encode_sinks(text: &mut Text, Numbers { now, sinks, .. }: &Numbers<'_>) {
    let lanes = |sink: &'_ SinkStatus| {
        [("states", sink.delivery.states.clone()), ("rows", sink.delivery.rows.clone())]
    };
    let ours = || sinks.iter().filter(|sink| sink.delivery.ours);
    let mut family = text.family(&SINK_FAILURES);
    for sink in ours() {
        for (name, lane) in lanes(sink) {
            family.sample(&[&sink.name, &name], lane.failures);
        }
    }
    let mut family = text.family(&SINK_ACCEPTED);
    for sink in ours() {
        for (name, lane) in lanes(sink) {
            family.sample(&[&sink.name, &name], lane.accepted);
        }
    }
    let mut family = text.family(&SINK_LEFT_ALONE);
    for sink in ours() {
        family.sample(&[&sink.name], u8::from(sink.delivery.left_alone));
    }
    let mut family = text.family(&SINK_HELD);
    for sink in *sinks {
        let is_held = sink.hold.as_ref().is_some_and(|hold| hold.released.is_none());
        family.sample(&[&sink.name], u8::from(is_held));
    }
    encode_events(text, || {
        ours().flat_map(|sink| sink.delivery.events.iter().map(|lane| (&sink.name, lane)))
    });
    let mut family = text.family(&SINK_INTERVALS);
    for sink in *sinks {
        for line in &sink.ledger {
            family.sample(&[&sink.name, &line.report, &line.state], line.intervals);
        }
    }
    let mut family = text.family(&SINK_AGE);
    for sink in *sinks {
        for line in sink.ledger.iter().filter(|line| line.state == DeliveryState::Waiting.as_str()) {
            family.sample(&[&sink.name, &line.report], now.since(line.oldest));
        }
    }
}

fn encode_events<'a, L>(text: &mut Text, lanes: impl Fn() -> L)
where
    L: Iterator<Item = (&'a SinkName, &'a EventLaneShown)>,
{
    let mut family = text.family(&SINK_EVENT_FAILURES);
    for (sink, lane) in lanes() {
        family.sample(&[sink, &lane.lane, &lane.source], lane.shown.failures);
    }
    let mut family = text.family(&SINK_EVENTS);
    for (sink, lane) in lanes() {
        let outcomes = [("taken", lane.shown.accepted), ("left_out", lane.left_out), ("lost", lane.lost)];
        for (outcome, events) in outcomes {
            family.sample(&[sink, &lane.lane, &lane.source, &outcome], events);
        }
    }
    let mut family = text.family(&SINK_EVENTS_WAITING);
    for (sink, lane) in lanes() {
        family.sample(&[sink, &lane.lane, &lane.source], lane.shown.waiting);
    }
}

fn encode_alarms(text: &mut Text, alarms: &[Alarm]) {
    let mut family = text.family(&ALARMS);
    for condition in Condition::ALL {
        let open = alarms.iter().filter(|alarm| *alarm.condition == *condition.as_str()).count();
        family.sample(&[condition, &condition.severity().as_str()], open);
    }
}

/// How far days are that are made anew.
fn encode_reloads(text: &mut Text, Numbers { sources, reloads, .. }: &Numbers<'_>) {
    let sum = |source: &SourceStatus, left: fn(&ReloadStatus) -> u64| {
        let own = reloads.iter().filter(|reload| reload.request.source == source.name);
        Some(own.map(left).sum::<u64>())
    };
    text.for_each(&RELOADS, sources, |source| sum(source, |_| 1));
    text.for_each(&RELOAD_FILES, sources, |source| {
        sum(source, |reload| reload.progress.files.saturating_sub(reload.progress.files_read))
    });
    text.for_each(&RELOAD_DAYS, sources, |source| {
        sum(source, |reload| reload.progress.days.saturating_sub(reload.progress.days_done) as u64)
    });
}

/// How the repair from platforms' own snapshots is doing, on the node that does it.
fn encode_reconcilers(text: &mut Text, Numbers { now, sources, .. }: &Numbers<'_>) {
    let of = |source: &SourceStatus| source.reconciler.clone();
    text.for_each(&LOOK_AGE, sources, |source| of(source)?.looked.map(|at| now.since(at)));
    text.for_each(&LOOK_SECONDS, sources, |source| Some(of(source)?.took.as_secs_f64()));
    text.for_each(&SHOWN, sources, |source| Some(of(source)?.shown));
    text.for_each(&WAITS, sources, |source| Some(u8::from(of(source)?.waits)));
    let mut family = text.family(&REPAIRED);
    for (source, reconciler) in sources.iter().filter_map(|source| Some((source, of(source)?))) {
        let Missed { signed_in, changed, signed_out } = reconciler.missed;
        for (missed, times) in [("signed_in", signed_in), ("changed", changed), ("signed_out", signed_out)] {
            family.sample(&[&source.name, &missed], times);
        }
    }
    text.for_each(&REFUSED, sources, |source| Some(of(source)?.refused));
    text.for_each(&DISPUTED, sources, |source| Some(of(source)?.disputed));
}

/// The text format of Prometheus, version 0.0.4.
#[derive(Default)]
struct Text(String);

/// One family in it.
struct Samples<'a> {
    text: &'a mut String,
    family: &'static Family,
}

impl Text {
    fn family(&mut self, family: &'static Family) -> Samples<'_> {
        let Family { name, kind, help, .. } = family;
        // Writing to a text does not fail, here and below.
        let _infallible = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
        Samples { text: &mut self.0, family }
    }

    /// A family with the source as its label; a source without the number has no sample.
    fn for_each<N: Display>(
        &mut self,
        family: &'static Family,
        sources: &[SourceStatus],
        number: impl Fn(&SourceStatus) -> Option<N>,
    ) {
        let mut family = self.family(family);
        for source in sources {
            if let Some(number) = number(source) {
                family.sample(&[&source.name], number);
            }
        }
    }
}

impl Samples<'_> {
    fn sample(&mut self, labels: &[&dyn Display], number: impl Display) {
        self.part("", labels, number);
    }

    fn part(&mut self, suffix: &str, labels: &[&dyn Display], number: impl Display) {
        debug_assert_eq!(labels.len(), self.family.labels.len(), "{}", self.family.name);
        self.text.push_str(self.family.name);
        self.text.push_str(suffix);
        for (index, (label, value)) in self.family.labels.iter().zip(labels).enumerate() {
            let before = if index == 0 { '{' } else { ',' };
            let _infallible = write!(self.text, "{before}{label}=\"{}\"", escaped(&value.to_string()));
        }
        let after = if labels.is_empty() { "" } else { "}" };
        let _infallible = writeln!(self.text, "{after} {number}");
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_labels_are_escaped() {
        assert_eq!(escaped("a\"b\\c\nd"), "a\\\"b\\\\c\\nd");
    }

    #[test]
    fn an_unknown_method_does_not_make_a_label() {
        let metrics = Metrics::default();
        for n in 0..100 {
            let method = Method::from_bytes(format!("M{n}").as_bytes()).unwrap();
            metrics.answered(&method, "/x", 405, Duration::ZERO);
        }
        assert_eq!(metrics.requests.lock().unwrap().len(), 1);
    }
}
