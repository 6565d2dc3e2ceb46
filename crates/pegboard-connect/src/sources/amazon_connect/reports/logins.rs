//! The rows of a login/logout report: one for each session of a user, who need not be an agent.
//!
//! It is no interval report: it covers the last 24 hours, once a day. A session that is not over has no logout time, and the next file
//! tells of it again if it ends by then (administrator guide, "Login/Logout reports"). Of its labels `Agent`, `First name` and
//! `Last name` are told by those who read the file; what the others are called a site can say in its table of labels.

use std::borrow::Cow;
use std::collections::HashMap;

use pegboard_model::acd::{
    AcdReport, Column, Extra, ExtraValue, Grouping, Known, MAX_KEY_BYTES, Telling, Value,
};
use pegboard_model::{AcdRow, Millis, Text, Timestamp};

use super::cell::is_absent;
use super::error::{Read, ReportProblem};
use super::meaning::{Labels, Meaning, normal};
use super::name::ReportFile;
use super::records::{Record, Records};
use super::rows::{Instants, text_of};
use super::{LONGEST_SESSION, MAX_ROWS, ReportRows, ReportSettings};
use crate::sources::intern::Interner;

/// The line of the header.
const HEADER: usize = 1;

const SIGN_INS: [&str; 2] = ["login time", "login timestamp"];
const SIGN_OUTS: [&str; 2] = ["logout time", "logout timestamp"];

/// What such a report says of a user besides; a new name or team makes no other session.
const ATTRIBUTES: [&str; 4] = ["first name", "last name", "session duration", "duration"];

/// Where everything stands.
struct Columns {
    labels: Vec<Text>,
    agent: usize,
    sign_in: usize,
    sign_out: usize,
    kept: Vec<usize>,
    unknown: Vec<Text>,
}

/// Reads a whole file.
pub(super) fn read(settings: &ReportSettings, file: &ReportFile, bytes: &[u8]) -> Read<ReportRows> {
    let mut records = Records::new(text_of(bytes)?);
    let Some(header) = records.next()? else { return Err(ReportProblem::NoHeader.of_file()) };
    let columns = columns(header.cells, &settings.labels)?;
    let telling = Telling { file: file.key.clone(), made: file.made };
    let mut texts = Interner::default();
    let mut instants = [Instants::new(&settings.time_zone), Instants::new(&settings.time_zone)];
    let mut rows = Vec::new();
    while let Some(Record { line, cells }) = records.next()? {
        if rows.len() == MAX_ROWS {
            return Err(ReportProblem::ManyRows.in_line(line));
        }
        let mut row = columns.row(line, cells, &file.name, &mut instants, &mut texts)?;
        row.telling = telling.clone();
        rows.push(row);
    }
    Ok(ReportRows { rows: without_repeats(rows), unknown: columns.unknown, unused: None })
}

fn columns(header: &[Cow<'_, str>], own: &Labels) -> Read<Columns> {
    let labels: Vec<Text> = header.iter().map(|label| label.trim().into()).collect();
    let (mut agent, mut sign_in, mut sign_out) = (None, None, None);
    let (mut kept, mut unknown) = (Vec::new(), Vec::new());
    for (index, label) in labels.iter().enumerate() {
        let place = match meaning(label, own) {
            Some(Meaning::Agent) => &mut agent,
            Some(Meaning::Start) => &mut sign_in,
            Some(Meaning::End) => &mut sign_out,
            known => {
                kept.push(index);
                if known.is_none() {
                    unknown.push(label.clone());
                }
                continue;
            }
        };
        if place.replace(index).is_some() {
            return Err(ReportProblem::Twice.at(HEADER, index, label));
        }
    }
    let column =
        |place: Option<usize>, name| place.ok_or_else(|| ReportProblem::NoLoginColumn(name).in_line(HEADER));
    Ok(Columns {
        agent: column(agent, "Agent")?,
        sign_in: column(sign_in, "Login time")?,
        sign_out: column(sign_out, "Logout time")?,
        kept,
        unknown,
        labels,
    })
}

/// What a label means in this report.
fn meaning(label: &str, own: &Labels) -> Option<Meaning> {
    let label = normal(label);
    let is_in = |labels: &[&str]| labels.contains(&label.as_str());
    let of_logins =
        [(&SIGN_INS[..], Meaning::Start), (&SIGN_OUTS, Meaning::End), (&ATTRIBUTES, Meaning::Text)];
    let here = || of_logins.into_iter().find(|(labels, _)| is_in(labels)).map(|(_, meaning)| meaning);
    own.meaning(&label).or_else(here)
}

impl Columns {
    fn row(
        &self,
        line: usize,
        cells: &[Cow<'_, str>],
        name: &Text,
        [sign_ins, sign_outs]: &mut [Instants<'_>; 2],
        texts: &mut Interner<Text>,
    ) -> Read<AcdRow> {
        let (found, wanted) = (cells.len(), self.labels.len());
        if found != wanted {
            return Err(ReportProblem::Width { found, wanted }.in_line(line));
        }
        let at = |instants: &mut Instants<'_>, index: usize| {
            instants.read(&cells[index]).map_err(|problem| problem.at(line, index, &self.labels[index]))
        };
        let sign_in = at(sign_ins, self.sign_in)?;
        let is_over = !is_absent(cells[self.sign_out].trim());
        let sign_out = is_over.then(|| at(sign_outs, self.sign_out)).transpose()?;
        let agent = Some(Known::Name(texts.text(&cells[self.agent])));
        let grouping = Grouping { agent, ..Grouping::default() };
        let mut row = AcdRow::new(AcdReport::Sessions, name.clone(), sign_in, Millis::ZERO, grouping);
        if let Some(length) = sign_out.map(|sign_out| sign_out.since(sign_in)) {
            if !(Millis::ZERO..=LONGEST_SESSION).contains(&length) {
                return Err(ReportProblem::Session.in_line(line));
            }
            row.put(Column::Session, Value::Duration(length));
        }
        for index in self.kept.iter().copied().filter(|index| !is_absent(cells[*index].trim())) {
            let value = ExtraValue::Text(texts.text(cells[index].trim()));
            row.keep(Extra { label: self.labels[index].clone(), metric: None, value });
        }
        if row.key().len() > MAX_KEY_BYTES {
            return Err(ReportProblem::LongKey.in_line(line));
        }
        Ok(row)
    }
}

/// Of two sessions of one user that begin in the same second the longer is kept: one that is not over, if there is one.
fn without_repeats(rows: Vec<AcdRow>) -> Vec<AcdRow> {
    let mut places: HashMap<(Timestamp, Option<Text>), usize> = HashMap::with_capacity(rows.len());
    let mut kept: Vec<AcdRow> = Vec::with_capacity(rows.len());
    for row in rows {
        let user = row.grouping.agent.as_ref().and_then(Known::name).map(Text::from);
        match places.get(&(row.interval_start, user.clone())).copied() {
            None => {
                places.insert((row.interval_start, user), kept.len());
                kept.push(row);
            }
            Some(place) if length(&kept[place]) < length(&row) => kept[place] = row,
            Some(_) => {}
        }
    }
    kept
}

fn length(row: &AcdRow) -> Millis {
    match row.get(Column::Session) {
        Some(Value::Duration(length)) => length,
        _ => Millis::new(i64::MAX),
    }
}
