//! When which file is written, and over what.

use std::collections::BTreeMap;
use std::sync::Arc;

use pegboard_model::{Millis, Text, Timestamp};

use super::Report;
use super::activity::{Activity, PIECE, piece_of};
use super::contact::Contact;
use super::layout::{Column, Layout};
use super::logins::{COLUMNS, Logins, StatedSession};
use super::rows::{Interval, StatedRow};
use crate::events::ContactRecordOut;
use crate::organisation::Organisation;
use crate::random::Random;
use crate::world::Change;

/// How long after a run its file is written.
const WRITTEN_AFTER: Millis = Millis::from_minutes(15);

/// A report that is run again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Its name, with which the names of its files begin.
    pub name: Text,
    /// The folder of its files below `Reports/`, if it has one.
    pub prefix: Option<String>,
    /// What is in it.
    pub content: Content,
    /// How often it is run, from midnight UTC on.
    pub every: Millis,
    /// How much of the past a run covers.
    pub covers: Millis,
}

/// What is in a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Intervals of this length, a multiple of 15 minutes.
    Intervals(Report, Millis),
    /// Sessions of agents.
    Logins,
}

/// Which files are written, and what goes wrong with them.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What everything random follows from.
    pub seed: u64,
    /// The folder of everything, as a rule `connect/` and the alias of the instance; may be empty.
    pub folder: String,
    /// The reports.
    pub schedules: Vec<Schedule>,
    /// Whether reports have any of the habits that are known, or none.
    pub unusual: bool,
    /// How likely a file is missing, 0 to 1.
    pub missing: f64,
    /// How likely the platform knows a contact hours late, 0 to 1.
    pub late: f64,
    /// How likely somebody moves the columns of a report about before a run, 0 to 1.
    pub rearranged: f64,
}

impl Plan {
    /// The reports that WFM vendors ask for, every 15 or 30 minutes for the last two hours, with every trap.
    pub fn usual(seed: u64) -> Self {
        let schedule = |name: &str, prefix: Option<&str>, content, minutes, hours| Schedule {
            name: name.into(),
            prefix: prefix.map(str::to_owned),
            content,
            every: Millis::from_minutes(minutes),
            covers: Millis::from_hours(hours),
        };
        let quarter = PIECE;
        Self {
            seed,
            folder: "connect/example-centre".to_owned(),
            // The second name contains the first: only the longest that fits tells them apart.
            schedules: vec![
                schedule("QR-intraday", Some("WFM"), Content::Intervals(Report::Queue, quarter), 15, 2),
                schedule("AQR-intraday", Some("WFM"), Content::Intervals(Report::AgentQueue, quarter), 30, 2),
                schedule(
                    "ASPR (agents, 15 min)",
                    Some("WFM"),
                    Content::Intervals(Report::Agent, quarter),
                    30,
                    2,
                ),
                schedule("LoginLogout", None, Content::Logins, 24 * 60, 24),
            ],
            unusual: true,
            missing: 0.04,
            late: 0.02,
            rearranged: 0.01,
        }
    }

    /// The same three reports of intervals once a day, for the whole day before, and nothing goes wrong.
    pub fn daily(seed: u64) -> Self {
        let usual = Self::usual(seed);
        let daily = usual.schedules.iter().filter(|schedule| schedule.content != Content::Logins);
        let daily = daily.map(|schedule| Schedule {
            name: schedule.name.replace("intraday", "daily").into(),
            every: Millis::from_hours(24),
            covers: Millis::from_hours(24),
            ..schedule.clone()
        });
        let schedules = daily.collect();
        Self { schedules, unusual: false, missing: 0.0, late: 0.0, rearranged: 0.0, ..usual }
    }
}

/// A file that the platform has written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportFile {
    /// The key of the object, not encoded.
    pub key: String,
    /// The place of its report in [`Plan::schedules`].
    pub schedule: usize,
    /// When it was written.
    pub created: Timestamp,
    /// The bytes.
    pub body: Vec<u8>,
    /// What they say.
    pub stated: Stated,
}

/// What a file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stated {
    /// About intervals.
    Rows(Vec<StatedRow>),
    /// About sessions.
    Sessions(Vec<StatedSession>),
}

/// A report and its next run.
#[derive(Debug)]
struct Running {
    schedule: Schedule,
    layout: Layout,
    run: Timestamp,
    created: Timestamp,
}

/// Writes the report files of a contact centre as it lives.
#[derive(Debug)]
pub struct Reporter {
    organisation: Arc<Organisation>,
    folder: String,
    random: Random,
    /// Of its own, so that the steps in which things become known do not matter.
    delays: Random,
    missing: f64,
    late: f64,
    rearranged: f64,
    running: Vec<Running>,
    contacts: BTreeMap<Timestamp, Vec<Contact>>,
    activity: Activity,
    logins: Logins,
}

impl Reporter {
    /// Nothing has happened yet, and it is `start`.
    pub fn new(organisation: Arc<Organisation>, start: Timestamp, plan: &Plan) -> Self {
        let mut random = Random::new(plan.seed, 4);
        let running = plan.schedules.iter().map(|schedule| {
            let report = match schedule.content {
                Content::Intervals(report, _) => report,
                Content::Logins => Report::Agent,
            };
            let layout = if plan.unusual { Layout::draw(report, &mut random) } else { Layout::plain(report) };
            let into = Millis::new(start.as_millis().rem_euclid(schedule.every.get()));
            let run = start - into + schedule.every;
            let created = written_at(run, &mut random);
            Running { schedule: schedule.clone(), layout, run, created }
        });
        let running = running.collect();
        Self {
            organisation,
            folder: plan.folder.clone(),
            random,
            delays: Random::new(plan.seed, 5),
            missing: plan.missing,
            late: plan.late,
            rearranged: plan.rearranged,
            running,
            contacts: BTreeMap::new(),
            activity: Activity::new(),
            logins: Logins::default(),
        }
    }

    /// How the reports look now, in the order of [`Plan::schedules`].
    pub fn layouts(&self) -> impl Iterator<Item = &Layout> {
        self.running.iter().map(|running| &running.layout)
    }

    /// Takes in what has happened up to `until`, everything since the last time, and writes the files that were due,
    /// in order.
    pub fn advance(
        &mut self,
        changes: &[Change],
        records: &[ContactRecordOut],
        until: Timestamp,
    ) -> Vec<ReportFile> {
        for change in changes {
            self.activity.observe(change, &self.organisation);
            self.logins.observe(change);
        }
        for record in records.iter().filter(|record| record.edition == 0) {
            let late = self.delays.chance(self.late);
            let delay = if late { self.delays.minutes(20.0, 400.0) } else { Millis::ZERO };
            if let Some(contact) = Contact::of(record, record.delivered + delay) {
                self.contacts.entry(piece_of(contact.disconnected)).or_default().push(contact);
            }
        }
        self.activity.settle(until);
        let mut files = Vec::new();
        while let Some(next) = self.next_due(until) {
            files.extend(self.run(next));
        }
        self.forget();
        files
    }

    fn next_due(&self, until: Timestamp) -> Option<usize> {
        let due = self.running.iter().enumerate().filter(|(_, running)| running.created <= until);
        due.min_by_key(|(_, running)| running.created).map(|(index, _)| index)
    }

    /// Writes the next file of a report, unless it is to be missing.
    fn run(&mut self, index: usize) -> Option<ReportFile> {
        if self.random.chance(self.rearranged) {
            self.running[index].layout = self.running[index].layout.rearranged(&mut self.random);
        }
        let file = self.file(index);
        let running = &mut self.running[index];
        running.run = running.run + running.schedule.every;
        running.created = written_at(running.run, &mut self.random);
        (!self.random.chance(self.missing)).then_some(file)
    }

    fn file(&self, index: usize) -> ReportFile {
        let Running { schedule, layout, run, created } = &self.running[index];
        let from = *run - schedule.covers;
        let (header, lines, stated) = match schedule.content {
            Content::Logins => {
                let lines = self.logins.lines((from, *run), layout, &self.organisation);
                let (lines, stated) = lines.into_iter().unzip();
                (COLUMNS.map(str::to_owned).to_vec(), lines, Stated::Sessions(stated))
            }
            Content::Intervals(report, length) => {
                let (lines, stated) =
                    self.intervals(report, (&schedule.name, layout), (from, *run, length), *created);
                (layout.columns.iter().map(label).collect(), lines, Stated::Rows(stated))
            }
        };
        let folders = [self.folder.as_str(), "Reports", schedule.prefix.as_deref().unwrap_or_default()];
        let folders: Vec<_> = folders.into_iter().filter(|folder| !folder.is_empty()).collect();
        let key = format!("{}/{}-{created}.csv", folders.join("/"), schedule.name);
        ReportFile { key, schedule: index, created: *created, body: text(layout, &header, lines), stated }
    }

    fn intervals(
        &self,
        report: Report,
        (name, layout): (&Text, &Layout),
        (from, to, length): (Timestamp, Timestamp, Millis),
        known_by: Timestamp,
    ) -> (Vec<Vec<String>>, Vec<StatedRow>) {
        let mut start = from;
        let (mut lines, mut stated) = (Vec::new(), Vec::new());
        while start < to {
            let end = start + length;
            let contacts = self.contacts.range(start..end).flat_map(|(_, contacts)| contacts);
            let interval = Interval {
                report,
                name,
                layout,
                organisation: &self.organisation,
                start,
                end,
                contacts: contacts.filter(|contact| contact.known <= known_by).collect(),
                worked: self.activity.between(start, end),
            };
            for line in interval.lines() {
                lines.push(line.cells);
                stated.push(line.states);
            }
            start = end;
        }
        (lines, stated)
    }

    /// Forgets what no run covers any more.
    fn forget(&mut self) {
        let needed = self.running.iter().map(|running| running.run - running.schedule.covers).min();
        if let Some(needed) = needed.map(piece_of) {
            self.contacts = self.contacts.split_off(&needed);
            self.activity.forget_before(needed);
        }
    }
}

/// When the file of a run is written: seconds after the quarter of an hour that it takes.
fn written_at(run: Timestamp, random: &mut Random) -> Timestamp {
    let seconds = i64::try_from(random.below(240)).expect("is small");
    run + WRITTEN_AFTER + Millis::from_seconds(seconds)
}

fn label(column: &Column) -> String {
    match column {
        Column::Key(key) => key.label().to_owned(),
        Column::Start => "StartInterval".to_owned(),
        Column::End => "EndInterval".to_owned(),
        Column::Figure { label, .. } => label.clone(),
        Column::Unknown(label) => (*label).to_owned(),
    }
}

fn text(layout: &Layout, header: &[String], lines: Vec<Vec<String>>) -> Vec<u8> {
    let mut bytes = if layout.byte_order_mark { b"\xef\xbb\xbf".to_vec() } else { Vec::new() };
    let end = if layout.carriage_returns { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') };
    let quotes = if layout.all_quoted { csv::QuoteStyle::Always } else { csv::QuoteStyle::Necessary };
    let mut writer = csv::WriterBuilder::new().terminator(end).quote_style(quotes).from_writer(&mut bytes);
    writer.write_record(header).expect("a Vec takes everything");
    for line in lines {
        writer.write_record(line).expect("a Vec takes everything");
    }
    writer.flush().expect("a Vec takes everything");
    drop(writer);
    bytes
}
