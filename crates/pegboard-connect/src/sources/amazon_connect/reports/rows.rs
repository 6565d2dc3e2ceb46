//! The rows of a file.

use std::borrow::Cow;
use std::collections::HashMap;

use jiff::tz::TimeZone;
use pegboard_model::acd::{
    AcdReport, Column, Extra, ExtraValue, Grouping, Known, MAX_KEY_BYTES, Telling, Value,
};
use pegboard_model::policy::{Pegging, ServiceLevelFormula};
use pegboard_model::{AcdRow, Channel, Millis, Text, Timestamp};

use super::cell::{self, is_absent};
use super::error::{Fault, Read, ReportProblem};
use super::instant::instant;
use super::layout::{self, Field, Layout, Role};
use super::metric::InTime;
use super::name::{Expected, ReportFile};
use super::records::{Record, Records};
use super::{Goals, MAX_FILE_BYTES, MAX_INTERVAL, MAX_ROWS, ReportRows, ReportSettings};
use crate::sources::intern::Interner;

/// Reads a whole file. Nothing where it is a report whose rows none of ours has.
pub(super) fn read(settings: &ReportSettings, file: &ReportFile, bytes: &[u8]) -> Read<Option<ReportRows>> {
    let mut records = Records::new(text_of(bytes)?);
    let Some(header) = records.next()? else { return Err(ReportProblem::NoHeader.of_file()) };
    let Some(layout) = layout::read(header.cells, &settings.labels)? else { return Ok(None) };
    check_grouping(file.expected, layout.report)?;
    let mut reader = Reader {
        settings,
        name: file.name.clone(),
        telling: Telling { file: file.key.clone(), made: file.made },
        layout,
        texts: Interner::default(),
        instants: [Instants::new(&settings.time_zone), Instants::new(&settings.time_zone)],
    };
    let (mut rows, mut lines) = (Vec::new(), Vec::new());
    while let Some(Record { line, cells }) = records.next()? {
        if rows.len() == MAX_ROWS {
            return Err(ReportProblem::ManyRows.in_line(line));
        }
        rows.push(reader.row(line, cells)?);
        lines.push(line);
    }
    let rows = without_repeats(rows, &lines, &reader.layout.unknown)?;
    Ok(Some(ReportRows { rows, unknown: reader.layout.unknown, unused: None }))
}

/// A file as text, if it is one.
pub(super) fn text_of(bytes: &[u8]) -> Read<&str> {
    if bytes.len() > MAX_FILE_BYTES {
        return Err(ReportProblem::TooLong.of_file());
    }
    simdutf8::basic::from_utf8(bytes).map_err(|_| ReportProblem::NotUtf8.of_file())
}

/// The name of a report and its groups must agree, or one of the two is a mistake.
fn check_grouping(expected: Expected, found: AcdReport) -> Read<()> {
    let Expected::Report(wanted) = expected else { return Ok(()) };
    if wanted == found {
        return Ok(());
    }
    let expected = match wanted {
        AcdReport::QueueInterval => "queue report",
        AcdReport::AgentQueueInterval => "agent queue report",
        AcdReport::AgentInterval => "agent report",
        AcdReport::Sessions => "login/logout report",
    };
    let grouped = match found {
        AcdReport::QueueInterval => "queue",
        AcdReport::AgentQueueInterval => "agent and queue",
        AcdReport::AgentInterval => "agent",
        AcdReport::Sessions => "session",
    };
    Err(ReportProblem::OtherGrouping { expected, grouped }.in_line(1))
}

struct Reader<'a> {
    settings: &'a ReportSettings,
    name: Text,
    telling: Telling,
    layout: Layout,
    texts: Interner<Text>,
    /// Starts and ends: row after row has the same.
    instants: [Instants<'a>; 2],
}

impl Reader<'_> {
    fn row(&mut self, line: usize, cells: &[Cow<'_, str>]) -> Read<AcdRow> {
        let wanted = self.layout.labels.len();
        if cells.len() != wanted {
            return Err(ReportProblem::Width { found: cells.len(), wanted }.in_line(line));
        }
        let (start, length) = self.interval(line, cells)?;
        let grouping = self.grouping(cells);
        let goals = self.goals(&grouping);
        let mut row = AcdRow::new(self.layout.report, self.name.clone(), start, length, grouping);
        if row.report != AcdReport::AgentInterval {
            row.pegging = Some(Pegging::Disconnect);
        }
        for field in &self.layout.fields {
            let cell = cells[field.index].trim();
            if is_absent(cell) {
                continue;
            }
            let told = match field.role {
                Role::Text => {
                    row.keep(field.extra(ExtraValue::Text(self.texts.text(cell))));
                    continue;
                }
                Role::Column(column) => cell::value(column.unit(), cell),
                Role::InTime(_, _, unit) | Role::Number(unit) => cell::value(unit, cell),
            };
            let fault =
                |problem: ReportProblem| problem.at(line, field.index, &self.layout.labels[field.index]);
            field.tell(&mut row, told.map_err(fault)?, goals).map_err(fault)?;
        }
        if key_bytes(&row) > MAX_KEY_BYTES && row.key().len() > MAX_KEY_BYTES {
            return Err(ReportProblem::LongKey.in_line(line));
        }
        row.telling = self.telling.clone();
        Ok(row)
    }

    fn interval(&mut self, line: usize, cells: &[Cow<'_, str>]) -> Read<(Timestamp, Millis)> {
        let Layout { start, end, labels, .. } = &self.layout;
        let [starts, ends] = &mut self.instants;
        let at = |instants: &mut Instants<'_>, index: usize| {
            instants.read(&cells[index]).map_err(|problem| problem.at(line, index, &labels[index]))
        };
        let (start, end) = (at(starts, *start)?, at(ends, *end)?);
        let length = end.since(start);
        if length <= Millis::ZERO || length > MAX_INTERVAL {
            return Err(ReportProblem::Interval.in_line(line));
        }
        Ok((start, length))
    }

    fn grouping(&mut self, cells: &[Cow<'_, str>]) -> Grouping {
        let texts = &mut self.texts;
        // Names are kept to the letter, but for one that says that there is none.
        let mut text = |index: usize| {
            let cell: &str = &cells[index];
            texts.text(if is_absent(cell.trim()) { "" } else { cell })
        };
        let layout = &self.layout;
        Grouping {
            queue: layout.queue.map(|index| Known::Name(text(index))),
            agent: layout.agent.map(|index| Known::Name(text(index))),
            channel: layout.channel.map(|index| channel(&text(index))),
            direction: None,
            further: layout
                .further
                .iter()
                .map(|index| (layout.labels[*index].clone(), text(*index)))
                .collect(),
        }
    }

    fn goals(&self, grouping: &Grouping) -> Goals {
        let queue = grouping.queue.as_ref().and_then(Known::name);
        queue.and_then(|queue| self.settings.goals.get(queue)).copied().unwrap_or(self.settings.default_goals)
    }
}

/// `Voice`, as reports write it, is the `VOICE` of everything else.
fn channel(text: &Text) -> Channel {
    Channel::from(text.to_uppercase().as_str())
}

/// No more bytes than this has the key, if nothing in it is escaped: three for each at most.
fn key_bytes(row: &AcdRow) -> usize {
    let groups = &row.grouping;
    let known = |name: Option<&str>| name.map_or(0, |name| 16 + 3 * name.len());
    64 + 3 * row.name.len()
        + known(groups.queue.as_ref().and_then(Known::name))
        + known(groups.agent.as_ref().and_then(Known::name))
        + known(groups.channel.as_ref().map(Channel::as_str))
        + groups.further.iter().map(|(label, text)| 8 + 3 * (label.len() + text.len())).sum::<usize>()
}

impl Field {
    fn extra(&self, value: ExtraValue) -> Extra {
        Extra { label: self.label.clone(), metric: self.metric.clone(), value }
    }

    /// Says a number under its column, or keeps it beside the columns.
    pub(in super::super) fn tell(
        &self,
        row: &mut AcdRow,
        value: Value,
        goals: Goals,
    ) -> Result<(), ReportProblem> {
        match self.role {
            Role::Column(column) => say(row, column, value),
            Role::InTime(in_time, threshold, _) => {
                let columns = in_time_columns(in_time, threshold, goals);
                if columns == [None, None] {
                    row.keep(self.extra(ExtraValue::Number(value)));
                    return Ok(());
                }
                for column in columns.into_iter().flatten() {
                    say(row, column, value)?;
                }
                if threshold == goals.service_level {
                    row.put(Column::ServiceLevelThreshold, Value::Duration(threshold));
                }
                if in_time == InTime::ServiceLevel {
                    row.service_level_formula = Some(ServiceLevelFormula::Aws);
                }
                Ok(())
            }
            Role::Number(_) | Role::Text => {
                row.keep(self.extra(ExtraValue::Number(value)));
                Ok(())
            }
        }
    }
}

/// The columns of a queue with such goals that count what was in such a time.
fn in_time_columns(in_time: InTime, threshold: Millis, goals: Goals) -> [Option<Column>; 2] {
    let within = |goal: Millis, column| (threshold == goal).then_some(column);
    match in_time {
        InTime::Answered => [within(goals.service_level, Column::AnsweredInServiceLevel), None],
        InTime::Abandoned => [
            within(goals.service_level, Column::AbandonedInServiceLevel),
            within(goals.short_abandon, Column::AbandonedShort),
        ],
        InTime::ServiceLevel => [within(goals.service_level, Column::ServiceLevel), None],
        InTime::Other => [None, None],
    }
}

/// Says a value under a column, where no other column of the file has said another one.
fn say(row: &mut AcdRow, column: Column, value: Value) -> Result<(), ReportProblem> {
    if row.get(column).is_some_and(|said| said != value) {
        return Err(ReportProblem::Contradiction);
    }
    row.put(column, value);
    Ok(())
}

/// The instants of one column; the last one is remembered.
pub(super) struct Instants<'a> {
    zone: &'a TimeZone,
    text: String,
    at: Timestamp,
}

impl<'a> Instants<'a> {
    pub(super) fn new(zone: &'a TimeZone) -> Self {
        Self { zone, text: String::new(), at: Timestamp::default() }
    }

    pub(super) fn read(&mut self, cell: &str) -> Result<Timestamp, ReportProblem> {
        if self.text.is_empty() || self.text != cell {
            self.at = instant(cell.trim(), self.zone)?;
            cell.clone_into(&mut self.text);
        }
        Ok(self.at)
    }
}

/// What tells the rows of a file apart.
type About<'a> = (Timestamp, Millis, &'a Grouping);

/// A row that stands there twice is there once; two that differ are a mistake.
fn without_repeats(rows: Vec<AcdRow>, lines: &[usize], unknown: &[Text]) -> Read<Vec<AcdRow>> {
    let mut first: HashMap<About<'_>, usize> = HashMap::with_capacity(rows.len());
    let mut repeats = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        match first.insert((row.interval_start, row.interval_s, &row.grouping), index) {
            None => {}
            Some(other) if rows[other] == *row => repeats.push(index),
            Some(other) => return Err(same_row(lines[other], lines[index], unknown)),
        }
    }
    if repeats.is_empty() {
        return Ok(rows);
    }
    let mut repeats = repeats.into_iter().peekable();
    let kept = rows.into_iter().enumerate().filter(|(index, _)| repeats.next_if_eq(index).is_none());
    Ok(kept.map(|(_, row)| row).collect())
}

fn same_row(first: usize, second: usize, unknown: &[Text]) -> Fault {
    ReportProblem::SameRow { first, second, unknown: unknown.to_vec() }.in_line(second)
}
