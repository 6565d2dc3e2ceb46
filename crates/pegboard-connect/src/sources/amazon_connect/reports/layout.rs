//! What stands in which column of a file, by its header.

use std::borrow::Cow;

use pegboard_model::acd::{AcdReport, Column, Unit};
use pegboard_model::{Millis, Text};

use super::error::{Read, ReportProblem};
use super::meaning::{Labels, Meaning};
use super::metric::{InTime, Metric};

/// The line of the header.
const HEADER: usize = 1;

/// Where everything stands.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) report: AcdReport,
    pub(super) labels: Vec<Text>,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) queue: Option<usize>,
    pub(super) agent: Option<usize>,
    pub(super) channel: Option<usize>,
    /// In the order of the labels.
    pub(super) further: Vec<usize>,
    /// First what feeds columns, in their order; then the others, in the order of the labels.
    pub(super) fields: Vec<Field>,
    pub(super) unknown: Vec<Text>,
}

/// A column of the file that is kept.
#[derive(Debug, Clone)]
pub(in super::super) struct Field {
    pub(super) index: usize,
    pub(super) role: Role,
    /// What it is called where no column of ours holds it: its label, told apart from others of the same label.
    pub(super) label: Text,
    pub(super) metric: Option<Text>,
}

/// What becomes of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// It stands under a column of ours.
    Column(Column),
    /// It does if the threshold is that of the queue.
    InTime(InTime, Millis, Unit),
    /// It is kept as a number.
    Number(Unit),
    /// It is kept as it is.
    Text,
}

impl Role {
    fn of(report: AcdReport, metric: &Metric, threshold: Option<Millis>) -> Self {
        match (metric.column(report), metric.in_time, threshold) {
            (Some(column), ..) => Self::Column(column),
            (None, Some(in_time), Some(threshold)) if report == AcdReport::QueueInterval => {
                Self::InTime(in_time, threshold, metric.unit)
            }
            _ => Self::Number(metric.unit),
        }
    }
}

/// The columns that are no numbers, as they are found.
#[derive(Default)]
struct Found {
    start: Option<usize>,
    end: Option<usize>,
    queue: Option<usize>,
    agent: Option<usize>,
    channel: Option<usize>,
    further: Vec<usize>,
}

impl Found {
    /// The place for a column of that meaning, where there can be one only.
    fn single(&mut self, meaning: Meaning) -> Option<&mut Option<usize>> {
        match meaning {
            Meaning::Start => Some(&mut self.start),
            Meaning::End => Some(&mut self.end),
            Meaning::Queue => Some(&mut self.queue),
            Meaning::Agent => Some(&mut self.agent),
            Meaning::Channel => Some(&mut self.channel),
            _ => None,
        }
    }

    /// The report of ours whose rows these are.
    fn report(&self) -> Option<AcdReport> {
        match (self.queue, self.agent) {
            (Some(_), None) => Some(AcdReport::QueueInterval),
            (Some(_), Some(_)) => Some(AcdReport::AgentQueueInterval),
            (None, Some(_)) => Some(AcdReport::AgentInterval),
            (None, None) => None,
        }
    }
}

/// Reads a header. Nothing where it is that of a report whose rows none of ours has.
pub(super) fn read(header: &[Cow<'_, str>], own: &Labels) -> Read<Option<Layout>> {
    let labels: Vec<Text> = header.iter().map(|label| label.trim().into()).collect();
    let mut found = Found::default();
    let mut kept = Vec::new();
    let mut unknown = Vec::new();
    for (index, label) in labels.iter().enumerate() {
        let meaning = own.meaning(label);
        match meaning {
            Some(Meaning::Grouping) => found.further.push(index),
            Some(meaning) => match found.single(meaning) {
                Some(place @ None) => *place = Some(index),
                Some(Some(_)) => return Err(ReportProblem::Twice.at(HEADER, index, label)),
                None => kept.push((index, meaning)),
            },
            None => {
                unknown.push(label.clone());
                kept.push((index, Meaning::Text));
            }
        }
    }
    let column =
        |place: Option<usize>, name| place.ok_or_else(|| ReportProblem::NoColumn(name).in_line(HEADER));
    let start = column(found.start, "StartInterval")?;
    let end = column(found.end, "EndInterval")?;
    let Some(report) = found.report() else { return Ok(None) };
    found.further.sort_by(|a, b| labels[*a].cmp(&labels[*b]));
    if let Some(pair) = found.further.windows(2).find(|pair| labels[pair[0]] == labels[pair[1]]) {
        return Err(ReportProblem::Twice.at(HEADER, pair[1], &labels[pair[1]]));
    }
    let mut layout = Layout {
        report,
        start,
        end,
        queue: found.queue,
        agent: found.agent,
        channel: found.channel,
        further: found.further,
        fields: Vec::with_capacity(kept.len()),
        unknown,
        labels,
    };
    for (index, meaning) in kept {
        layout.add_field(index, meaning);
    }
    layout.fields.sort_by(|a, b| (a.column(), &a.label).cmp(&(b.column(), &b.label)));
    Ok(Some(layout))
}

impl Layout {
    fn add_field(&mut self, index: usize, meaning: Meaning) {
        let (role, metric) = match meaning {
            Meaning::Column(column) if self.report.has(column) => (Role::Column(column), None),
            Meaning::Column(column) => (Role::Number(column.unit()), None),
            Meaning::Metric(metric, threshold) => {
                let role = Role::of(self.report, metric, threshold);
                (role, Some(metric.id(threshold).into()))
            }
            _ => (Role::Text, None),
        };
        let label = self.own_label(index);
        self.fields.push(Field { index, role, label, metric });
    }

    /// The label of a column; the second of two equal ones is `LABEL (2)`.
    fn own_label(&self, index: usize) -> Text {
        let label = &self.labels[index];
        let before = self.labels[..index].iter().filter(|other| *other == label).count();
        if before == 0 { label.clone() } else { format!("{label} ({})", before + 1).into() }
    }
}

impl Field {
    /// The field of a metric that stands in no file: called as files call it.
    pub(in super::super) fn of_metric(
        report: AcdReport,
        metric: &'static Metric,
        threshold: Option<Millis>,
    ) -> Self {
        let id: Text = metric.id(threshold).into();
        let label = metric
            .labels
            .first()
            .filter(|_| threshold.is_none())
            .map_or_else(|| id.clone(), |label| (*label).into());
        Self { index: 0, role: Role::of(report, metric, threshold), label, metric: Some(id) }
    }

    /// The column that it feeds for certain, those without one last.
    fn column(&self) -> (bool, Option<Column>) {
        match self.role {
            Role::Column(column) => (false, Some(column)),
            _ => (true, None),
        }
    }
}
