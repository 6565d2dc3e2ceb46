//! `reconciliation`: where the ACD's own rows differ from the computed ones, and why, as far as that is known.

use std::collections::BTreeMap;

use pegboard_engine::{Grid, IntervalLength, Window};
use pegboard_model::acd::{AcdReport, AcdRow, Column, Unit, Value as Number};
use pegboard_model::policy::RingIn;
use pegboard_model::{Millis, Timestamp};
use serde_json::{Map, Value, json};

use crate::config::SourceConfig;
use crate::runtime::acd_rows;
use crate::runtime::names::Directory;
use crate::runtime::reports::days;
use crate::runtime::rows::over_time;
use crate::runtime::source::Shared;
use crate::runtime::view::{ReportError, ReportRequest};

/// The columns, in order.
pub(in crate::runtime) const COLUMNS: [&str; 17] = [
    "interval_start",
    "interval_s",
    "source",
    "report",
    "acd_report",
    "queue_id",
    "queue_name",
    "agent_id",
    "agent_login",
    "channel",
    "direction",
    "measure",
    "acd",
    "computed",
    "difference",
    "agrees",
    "reason",
];

/// What tells which rows are about the same.
const ABOUT: [&str; 6] = ["queue_id", "queue_name", "agent_id", "agent_login", "channel", "direction"];

type Row = Map<String, Value>;

/// A row of the ACD, as it is shown and as it is.
struct Told {
    row: AcdRow,
    shown: Row,
}

/// The numbers of one source that differ, and those that agree where they are asked for.
pub(in crate::runtime) async fn rows(
    shared: &Shared,
    window: Window,
    request: &ReportRequest,
    room: usize,
) -> Result<Vec<Value>, ReportError> {
    let directory = Directory::load(&*shared.store, &shared.config.name).await?;
    let mut found = Vec::new();
    for report in AcdReport::ALL {
        let mut told = Vec::new();
        for day in days(window) {
            let source = &shared.config.name;
            for stored in shared.store.acd_rows(source, report.as_str(), day.from, day.to).await? {
                let row = acd_rows::read(&stored.row.body)?;
                let shown = acd_rows::show(source, &row, &directory);
                told.push(Told { row, shown });
            }
            if told.len() > room {
                return Err(ReportError::too_many());
            }
        }
        if told.is_empty() {
            continue;
        }
        let latest = told.iter().map(|told| told.row.interval_start + told.row.interval_s).max();
        let window = Window { to: latest.map_or(window.to, |latest| latest.max(window.to)), ..window };
        let computed = over_time(shared, report.as_str(), window, None, room).await?;
        let closed = computed.into_iter().filter(|row| row["provisional"] == false);
        let computed = Computed::of(closed.filter_map(into_object));
        let (tolerance, agreeing) = (request.tolerance, request.agreeing);
        let comparison = Comparison { config: &shared.config, report, tolerance, agreeing };
        found.extend(comparison.rows(told, &computed, window, request.by_day));
    }
    Ok(found)
}

fn into_object(row: Value) -> Option<Row> {
    match row {
        Value::Object(row) => Some(row),
        _ => None,
    }
}

/// Computed rows by the start of their interval.
struct Computed {
    by_start: BTreeMap<Timestamp, Vec<Row>>,
}

impl Computed {
    fn of(rows: impl Iterator<Item = Row>) -> Self {
        let mut by_start: BTreeMap<Timestamp, Vec<Row>> = BTreeMap::new();
        for row in rows {
            let start = row.get("interval_start").and_then(Value::as_str).map(Timestamp::parse);
            if let Some(Ok(start)) = start {
                by_start.entry(start).or_default().push(row);
            }
        }
        Self { by_start }
    }

    /// The rows that say of their own what a row of the ACD says: within its interval, and about no more than it is grouped by.
    fn like<'a>(&'a self, told: &'a Told) -> impl Iterator<Item = &'a Row> {
        let (start, end) = (told.row.interval_start, told.row.interval_start + told.row.interval_s);
        let rows = self.by_start.range(start..end).flat_map(|(_, rows)| rows);
        rows.filter(move |row| is_about_the_same(&told.shown, row))
    }
}

/// Whether a computed row is about what a row of the ACD is about. What the ACD does not tell apart is no matter; an id that
/// nobody knows is looked for by its name.
fn is_about_the_same(told: &Row, computed: &Row) -> bool {
    let same = |column: &str| {
        told.get(column).is_none_or(|told| told.is_null() || computed.get(column) == Some(told))
    };
    let named = |id: &str, name: &str| match told.get(id) {
        Some(known) if !known.is_null() => computed.get(id) == Some(known),
        _ => same(name),
    };
    named("queue_id", "queue_name")
        && named("agent_id", "agent_login")
        && same("channel")
        && same("direction")
}

/// One number of both sides.
#[derive(Debug, Clone, Copy, Default)]
struct Pair {
    acd: i64,
    computed: i64,
    /// How much they may differ.
    allowed: i64,
}

impl Pair {
    const fn differs(self) -> bool {
        (self.acd - self.computed).abs() > self.allowed
    }

    fn add(&mut self, other: Self) {
        self.acd += other.acd;
        self.computed += other.computed;
        self.allowed += other.allowed;
    }
}

/// What an ACD may call ready besides the time of waiting. Amazon's idle time has contained ringing since 2025, and the time in which a
/// missed contact blocks routing all along (administrator guide, "Historical metrics definitions").
const READY_TIMES: [&str; 3] = ["is productive", "contains ringing", "contains ringing and errors"];

/// What is compared: of a stretch, about something.
struct Line {
    start: Timestamp,
    length: Millis,
    about: Row,
    acd_report: String,
    pairs: BTreeMap<Column, Pair>,
    /// What the ready time would be otherwise, as [`READY_TIMES`] has it, where it is told.
    ready: Option<[i64; READY_TIMES.len()]>,
    told_pegging: Option<pegboard_model::policy::Pegging>,
}

struct Comparison<'a> {
    config: &'a SourceConfig,
    report: AcdReport,
    tolerance: Millis,
    /// Whether numbers that agree are shown too.
    agreeing: bool,
}

impl Comparison<'_> {
    fn rows(&self, told: Vec<Told>, computed: &Computed, window: Window, by_day: bool) -> Vec<Value> {
        let closed = told.into_iter().filter(|told| computed.by_start.contains_key(&told.row.interval_start));
        let lines: Vec<Line> = closed.map(|told| self.line(&told, computed)).collect();
        let by_day_lines = self.days(&lines, window);
        if by_day {
            return by_day_lines.values().flat_map(|line| self.told(line, None)).collect();
        }
        let day_of = |line: &Line| by_day_lines.get(&self.day_key(line, window));
        lines.iter().flat_map(|line| self.told(line, day_of(line))).collect()
    }

    fn line(&self, told: &Told, computed: &Computed) -> Line {
        let rows: Vec<&Row> = computed.like(told).collect();
        let mut pairs = BTreeMap::new();
        let contacts: i64 = rows.iter().map(|row| whole(row.get("answered"))).sum();
        for (column, value) in told.row.values().iter().filter(|(column, _)| is_summed(*column)) {
            let own: i64 = rows.iter().map(|row| units(*column, row.get(column.as_str()))).sum();
            // The ACD cuts the duration of each contact to whole seconds.
            let allowed = match column.unit() {
                Unit::Duration => self.tolerance.get() * contacts.max(1),
                Unit::Count | Unit::Percent => 0,
            };
            pairs.insert(*column, Pair { acd: told_units(*value), computed: own, allowed });
        }
        let sum = |column: &str| rows.iter().map(|row| millis(row.get(column))).sum::<i64>();
        let ringing = sum("available_s") + sum("ringing_s");
        let productive = sum("login_s") - sum("aux_s") - sum("error_s");
        let ready = [productive, ringing, ringing + sum("error_s")];
        let about = ABOUT.iter().map(|column| {
            let known = told.shown.get(*column).filter(|value| !value.is_null());
            let found = known.or_else(|| rows.first().filter(|_| rows.len() == 1)?.get(*column));
            ((*column).to_owned(), found.cloned().unwrap_or(Value::Null))
        });
        Line {
            start: told.row.interval_start,
            length: told.row.interval_s,
            about: about.collect(),
            acd_report: told.row.name.to_string(),
            pairs,
            ready: (self.report == AcdReport::AgentInterval).then_some(ready),
            told_pegging: told.row.pegging,
        }
    }

    fn day_key(&self, line: &Line, window: Window) -> (Timestamp, String, String) {
        let around =
            Window { from: window.from - Millis::from_hours(48), to: window.to + Millis::from_hours(48) };
        let day = Grid::new(IntervalLength::Day, &self.config.time_zone, around).interval_at(line.start);
        let about: Vec<String> = line.about.values().map(Value::to_string).collect();
        (day.start, line.acd_report.clone(), about.join("\u{1f}"))
    }

    /// The same by local day.
    fn days(&self, lines: &[Line], window: Window) -> BTreeMap<(Timestamp, String, String), Line> {
        let mut days: BTreeMap<(Timestamp, String, String), Line> = BTreeMap::new();
        for line in lines {
            let key = self.day_key(line, window);
            let day = days.entry(key.clone()).or_insert_with(|| Line {
                start: key.0,
                length: Millis::ZERO,
                about: line.about.clone(),
                acd_report: line.acd_report.clone(),
                pairs: BTreeMap::new(),
                ready: line.ready.map(|_| Default::default()),
                told_pegging: line.told_pegging,
            });
            day.length += line.length;
            for (day, line) in day.ready.iter_mut().flatten().zip(line.ready.iter().flatten()) {
                *day += line;
            }
            for (column, pair) in &line.pairs {
                day.pairs.entry(*column).or_default().add(*pair);
            }
        }
        days
    }

    /// The numbers of a line that are shown; `day` is the local day that it belongs to.
    fn told(&self, line: &Line, day: Option<&Line>) -> Vec<Value> {
        let shown = line.pairs.iter().filter(|(_, pair)| self.agreeing || pair.differs());
        shown.map(|(column, pair)| self.row(line, *column, *pair, day)).collect()
    }

    fn row(&self, line: &Line, column: Column, pair: Pair, day: Option<&Line>) -> Value {
        let mut row = line.about.clone();
        let mut say = |name: &str, value: Value| row.insert(name.to_owned(), value);
        say("interval_start", line.start.to_string().into());
        say("interval_s", json!(line.length.get() / 1000));
        say("source", self.config.name.as_str().into());
        say("report", self.report.as_str().into());
        say("acd_report", line.acd_report.as_str().into());
        say("measure", column.as_str().into());
        say("acd", shown(column, pair.acd));
        say("computed", shown(column, pair.computed));
        say("difference", shown(column, pair.acd - pair.computed));
        say("agrees", (!pair.differs()).into());
        let reason = if pair.differs() { self.reason(line, column, pair, day) } else { String::new() };
        say("reason", reason.into());
        Value::Object(row)
    }

    /// Why, where that is known; empty where it is not.
    fn reason(&self, line: &Line, column: Column, pair: Pair, day: Option<&Line>) -> String {
        let of_contacts = self.report != AcdReport::AgentInterval;
        if of_contacts && let Some(told) = line.told_pegging.filter(|told| *told != self.config.pegging) {
            return format!("pegging: the ACD counts by {told}, here by {}", self.config.pegging);
        }
        let mut ready = READY_TIMES.iter().zip(line.ready.iter().flatten());
        let other = ready.find(|(_, ready)| (pair.acd - **ready).abs() <= pair.allowed);
        if let Some((other, _)) = other.filter(|_| column == Column::Available) {
            return format!("ready_time: the ACD's {other}, here it is waiting");
        }
        let day_agrees = day.and_then(|day| day.pairs.get(&column)).is_some_and(|pair| !pair.differs());
        if of_contacts && day_agrees {
            return "pegging: the day agrees, so contacts are counted in another interval".to_owned();
        }
        let waits = [Column::QueueAnswered, Column::QueueAbandoned, Column::Handle];
        if self.config.ring_in != RingIn::Queue && waits.contains(&column) {
            return format!("ring_in: here ring time counts as {}", self.config.ring_in);
        }
        String::new()
    }
}

/// Whether numbers of a column add up.
fn is_summed(column: Column) -> bool {
    let is_no_sum = [Column::QueueAnsweredMax, Column::QueueAbandonedMax, Column::ServiceLevelThreshold]
        .contains(&column);
    !is_no_sum && column.unit() != Unit::Percent
}

/// A number of the ACD: a count, or milliseconds.
fn told_units(value: Number) -> i64 {
    match value {
        Number::Count(count) => i64::try_from(count).unwrap_or(i64::MAX),
        Number::Duration(duration) => duration.get(),
        Number::Percent(percent) => percent.units(),
    }
}

/// The same of a computed row.
fn units(column: Column, value: Option<&Value>) -> i64 {
    if column.unit() == Unit::Duration { millis(value) } else { whole(value) }
}

fn whole(value: Option<&Value>) -> i64 {
    value.and_then(Value::as_i64).unwrap_or_default()
}

/// Seconds with at most three decimals, exactly.
fn millis(value: Option<&Value>) -> i64 {
    let seconds = value.and_then(Value::as_f64).unwrap_or_default();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "rounded, and no duration comes near 2^53 milliseconds"
    )]
    let millis = (seconds * 1000.0).round() as i64;
    millis
}

fn shown(column: Column, units: i64) -> Value {
    if column.unit() == Unit::Duration && units % 1000 != 0 {
        #[expect(clippy::cast_precision_loss, reason = "no duration comes near 2^53 milliseconds")]
        return json!(units as f64 / 1000.0);
    }
    if column.unit() == Unit::Duration { json!(units / 1000) } else { json!(units) }
}

#[cfg(test)]
mod tests {
    use pegboard_model::Channel;
    use pegboard_model::acd::{Grouping, Known};
    use pegboard_model::policy::Pegging;

    use super::*;
    use crate::config::{FileSettings, SourceInput};

    fn at(minutes: i64) -> Timestamp {
        Timestamp::parse("2026-03-01T09:00:00Z").unwrap() + Millis::from_minutes(minutes)
    }

    fn computed(minutes: i64, channel: &str, answered: i64, talk: f64) -> Row {
        let row = json!({
            "interval_start": at(minutes).to_string(), "queue_id": "q-1", "queue_name": "Sales", "channel": channel,
            "direction": "inbound", "answered": answered, "talk_s": talk,
        });
        into_object(row).unwrap()
    }

    /// A row of the queue report, which knows the queue by its name alone.
    fn told(minutes: i64, length: i64, channel: Option<Channel>, answered: u64, talk: i64) -> Told {
        let grouping = Grouping { queue: Some(Known::Name("Sales".into())), channel, ..Grouping::default() };
        let length = Millis::from_minutes(length);
        let mut row = AcdRow::new(AcdReport::QueueInterval, "QR".into(), at(minutes), length, grouping);
        row.put(Column::Answered, Number::Count(answered));
        row.put(Column::Talk, Number::Duration(Millis::from_seconds(talk)));
        let shown = acd_rows::show(&"acme".into(), &row, &Directory::default());
        Told { row, shown }
    }

    fn config() -> SourceConfig {
        SourceConfig::new("acme", SourceInput::File(FileSettings::new("x".into())))
    }

    /// Measure, difference and reason of each difference.
    fn found(told: Vec<Told>, computed: Vec<Row>, by_day: bool) -> Vec<(String, Value, String)> {
        let rows = compared(told, computed, by_day, false);
        assert!(rows.iter().all(|row| row["agrees"] == false));
        assert!(rows.iter().all(|row| COLUMNS.iter().all(|column| row.get(*column).is_some())));
        let text = |row: &Value, column: &str| row[column].as_str().unwrap().to_owned();
        rows.iter()
            .map(|row| (text(row, "measure"), row["difference"].clone(), text(row, "reason")))
            .collect()
    }

    fn compared(told: Vec<Told>, computed: Vec<Row>, by_day: bool, agreeing: bool) -> Vec<Value> {
        let (config, tolerance) = (config(), Millis::from_seconds(1));
        let comparison =
            Comparison { config: &config, report: AcdReport::QueueInterval, tolerance, agreeing };
        let window = Window { from: at(0), to: at(60) };
        comparison.rows(told, &Computed::of(computed.into_iter()), window, by_day)
    }

    #[test]
    fn what_agrees_is_shown_where_it_is_asked_for_and_says_so() {
        let told = vec![told(0, 15, Some(Channel::Voice), 4, 98)];
        let rows = compared(told, vec![computed(0, "VOICE", 3, 100.5)], false, true);
        let said: Vec<_> =
            rows.iter().map(|row| (&row["measure"], &row["difference"], &row["agrees"])).collect();
        assert_eq!(
            said,
            [(&json!("answered"), &json!(1), &json!(false)), (&json!("talk_s"), &json!(-2.5), &json!(true)),]
        );
    }

    fn none() -> Vec<(String, Value, String)> {
        Vec::new()
    }

    #[test]
    fn what_agrees_within_a_second_for_each_contact_is_no_difference() {
        let rows = || vec![computed(0, "VOICE", 3, 100.5)];
        assert_eq!(found(vec![told(0, 15, Some(Channel::Voice), 3, 98)], rows(), false), none());
        let talk = ("talk_s".to_owned(), json!(-3.5), String::new());
        assert_eq!(found(vec![told(0, 15, Some(Channel::Voice), 3, 97)], rows(), false), [talk]);
        let answered = ("answered".to_owned(), json!(1), String::new());
        assert_eq!(found(vec![told(0, 15, Some(Channel::Voice), 4, 100)], rows(), false), [answered]);
    }

    #[test]
    fn what_the_acd_does_not_tell_apart_adds_up() {
        let rows = || {
            vec![computed(0, "VOICE", 3, 100.0), computed(0, "CHAT", 1, 10.0), computed(15, "VOICE", 2, 20.0)]
        };
        assert_eq!(found(vec![told(0, 30, None, 6, 130)], rows(), false), none());
        assert_eq!(found(vec![told(0, 15, None, 4, 110)], rows(), false), none());
        assert_eq!(found(vec![told(0, 30, Some(Channel::Chat), 1, 10)], rows(), false), none());
        assert_eq!(
            found(vec![told(45, 15, None, 9, 9)], rows(), false),
            none(),
            "nothing is stored of that interval"
        );
    }

    #[test]
    fn a_day_that_agrees_shows_that_contacts_are_counted_elsewhere() {
        let rows = || vec![computed(0, "VOICE", 3, 100.0), computed(15, "VOICE", 2, 20.0)];
        let told = || vec![told(0, 15, None, 2, 80), told(15, 15, None, 3, 40)];
        let reasons = found(told(), rows(), false);
        assert_eq!(reasons.len(), 4);
        assert!(
            reasons.iter().all(|(.., reason)| reason.starts_with("pegging: the day agrees")),
            "{reasons:?}"
        );
        assert_eq!(found(told(), rows(), true), none());
    }

    #[test]
    fn a_pegging_that_the_acd_names_is_the_reason() {
        let mut other = told(0, 15, None, 2, 100);
        other.row.pegging = Some(Pegging::Enqueue);
        let found = found(vec![other], vec![computed(0, "VOICE", 3, 100.0)], true);
        assert_eq!(found[0].2, "pegging: the ACD counts by enqueue, here by disconnect");
    }

    /// The reason and the difference of a ready time that the ACD tells in seconds.
    fn ready(told: i64) -> (Value, Value) {
        let grouping = Grouping { agent: Some(Known::Name("ann".into())), ..Grouping::default() };
        let quarter = Millis::from_minutes(15);
        let mut row = AcdRow::new(AcdReport::AgentInterval, "ASPR".into(), at(0), quarter, grouping);
        row.put(Column::Available, Number::Duration(Millis::from_seconds(told)));
        let shown = acd_rows::show(&"acme".into(), &row, &Directory::default());
        let own = json!({
            "interval_start": at(0).to_string(), "agent_id": "a-1", "agent_login": "ann", "login_s": 900, "aux_s": 90,
            "error_s": 10, "available_s": 300, "ringing_s": 25,
        });
        let config = config();
        let (report, tolerance) = (AcdReport::AgentInterval, Millis::from_seconds(1));
        let comparison = Comparison { config: &config, report, tolerance, agreeing: false };
        let computed = Computed::of(into_object(own).into_iter());
        let window = Window { from: at(0), to: at(15) };
        let rows = comparison.rows(vec![Told { row, shown }], &computed, window, false);
        assert_eq!(rows[0]["agent_id"], "a-1");
        (rows[0]["reason"].clone(), rows[0]["difference"].clone())
    }

    #[test]
    fn a_ready_time_that_is_another_one_is_recognised() {
        let reason = |other| json!(format!("ready_time: the ACD's {other}, here it is waiting"));
        assert_eq!(ready(800), (reason("is productive"), json!(500)));
        assert_eq!(ready(325), (reason("contains ringing"), json!(25)));
        assert_eq!(ready(335), (reason("contains ringing and errors"), json!(35)));
        assert_eq!(ready(350), (json!(""), json!(50)));
    }
}
