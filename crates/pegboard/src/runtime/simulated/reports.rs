//! The scheduled reports of the simulated centre, as the hub comes by them: some never come, some come late, and of some a
//! cell was typed over.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use pegboard_connect::sources::amazon_connect::reports::{ReportReader, ReportSettings};
use pegboard_connect::spec::Broken;
use pegboard_model::{AcdRow, Millis, Position, Timestamp};
use pegboard_sim::reports::{Plan, ReportFile, Reporter};
use pegboard_sim::{Organisation, Passage};

/// How much later than the platform wrote it a late file comes.
const LATE: Millis = Millis::from_minutes(75);

/// The report of which files come late, and the hours of the day at which they do.
const LATE_FILES: (&str, [i64; 3]) = ("ASPR", [4, 11, 18]);

/// The report of which a file was edited, and the quarters of the day at which one was.
const EDITED_FILES: (&str, [i64; 2]) = ("QR", [9 * 4 + 1, 15 * 4 + 2]);

/// How many of the files that were edited can be had again.
const MOST_PUT_BACK: usize = 100;

/// Files that were edited, as the platform wrote them, by the position of their dead letters: by the time that somebody tries one again it
/// has been put back.
#[derive(Debug, Default)]
pub(super) struct PutBack(Mutex<BTreeMap<u64, ReportFile>>);

impl PutBack {
    fn keep(&self, position: u64, file: ReportFile) {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        files.insert(position, file);
        if files.len() > MOST_PUT_BACK {
            files.pop_first();
        }
    }

    /// The rows of the file whose letter stands there, if it is one.
    pub(super) fn rows(&self, position: &Position) -> Option<Vec<AcdRow>> {
        let Position::Number(position) = position else { return None };
        let files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let file = files.get(position)?;
        let reader = ReportReader::new(ReportSettings::default());
        let known = reader.recognise(&file.key, file.created)?;
        reader.read(&known, &file.body).ok().map(|read| read.rows)
    }
}

/// What came of some files.
#[derive(Debug, Default)]
pub(super) struct Arrived {
    pub(super) rows: Vec<AcdRow>,
    pub(super) broken: Vec<Broken>,
}

/// The reports on their way.
#[derive(Debug)]
pub(super) struct Reports {
    reporter: Reporter,
    reader: ReportReader,
    late: Vec<(Timestamp, ReportFile)>,
    put_back: Arc<PutBack>,
}

impl Reports {
    /// Nothing has been reported yet, and it is `start`.
    pub(super) fn new(
        organisation: Arc<Organisation>,
        start: Timestamp,
        seed: u64,
        put_back: Arc<PutBack>,
    ) -> Self {
        let reporter = Reporter::new(organisation, start, &plan(seed));
        Self { reporter, reader: ReportReader::new(ReportSettings::default()), late: Vec::new(), put_back }
    }

    /// Takes in what has happened, everything since the last time, and reads the files that are there `until` then.
    pub(super) fn arrive(&mut self, passage: &Passage, until: Timestamp) -> Arrived {
        let written = self.reporter.advance(&passage.changes, &passage.contact_records, until);
        let (late, mut files): (Vec<_>, Vec<_>) = written.into_iter().partition(is_late);
        self.late.extend(late.into_iter().map(|file| (file.created + LATE, file)));
        files.extend(self.late.extract_if(.., |(at, _)| *at <= until).map(|(_, file)| file));
        let mut arrived = Arrived::default();
        for file in files {
            self.read(file, &mut arrived);
        }
        arrived
    }

    fn read(&self, file: ReportFile, arrived: &mut Arrived) {
        let Some(known) = self.reader.recognise(&file.key, file.created) else { return };
        let position = file.created.as_millis().unsigned_abs();
        let body = if is_at(&file, EDITED_FILES.0, &EDITED_FILES.1, Millis::from_minutes(15)) {
            let edited = edited(&file.body);
            self.put_back.keep(position, file);
            edited
        } else {
            file.body
        };
        match self.reader.read(&known, &body) {
            Ok(read) => arrived.rows.extend(read.rows),
            Err(error) => arrived.broken.push(Broken {
                position: Position::Number(position),
                data: body,
                reason: error.to_string(),
            }),
        }
    }
}

/// The reports that a WFM asks for. The platform makes them of the records that it sends, so that it knows of no contact later than
/// the hub does. That by agent and queue is run for no more than the time since the run before: what one of
/// its files does not tell is never told.
fn plan(seed: u64) -> Plan {
    let mut plan = Plan { unusual: false, missing: 0.05, late: 0.0, rearranged: 0.0, ..Plan::usual(seed) };
    for schedule in plan.schedules.iter_mut().filter(|schedule| schedule.name.starts_with("AQR")) {
        schedule.covers = schedule.every;
    }
    plan
}

fn is_late(file: &ReportFile) -> bool {
    is_at(file, LATE_FILES.0, &LATE_FILES.1, Millis::from_hours(1))
}

/// Whether it is a file of this report, written in one of these parts of a day.
fn is_at(file: &ReportFile, report: &str, parts: &[i64], length: Millis) -> bool {
    let name = file.key.rsplit('/').next().unwrap_or_default();
    let day = Millis::from_hours(24).get();
    let part = file.created.as_millis().rem_euclid(day) / length.get();
    name.starts_with(report) && parts.contains(&part)
}

/// A file in which somebody wrote a remark into the last cell of the second row.
fn edited(body: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(body);
    let lines = text.lines().enumerate().map(|(index, line)| match line.rsplit_once(',') {
        Some((cells, _)) if index == 2 => format!("{cells},see mail\n"),
        _ => format!("{line}\n"),
    });
    lines.collect::<String>().into_bytes()
}

#[cfg(test)]
mod tests {
    use pegboard_sim::{Centre, Config};

    use super::*;

    /// What came of the reports of a day, which began at midnight, until some hours later.
    fn day(agents: usize, step: Millis) -> Arrived {
        day_with(agents, step, Arc::default())
    }

    fn day_with(agents: usize, step: Millis, put_back: Arc<PutBack>) -> Arrived {
        let start = Timestamp::parse("2026-03-02T00:00:00Z").unwrap();
        let mut centre = Centre::new(Config::new(agents, start, 0, 7));
        let mut reports = Reports::new(centre.organisation().clone(), start, 7, put_back);
        let mut all = Arrived::default();
        let mut now = start;
        while now < start + Millis::from_hours(28) {
            now = now + step;
            let (_, passage) = centre.tell_until(now);
            let arrived = reports.arrive(&passage, now);
            all.rows.extend(arrived.rows);
            all.broken.extend(arrived.broken);
        }
        all
    }

    #[test]
    fn every_file_is_read_but_those_that_were_edited_and_these_say_where() {
        let Arrived { rows, broken } = day(30, Millis::from_minutes(15));
        assert!(rows.len() > 1000, "{}", rows.len());
        assert_eq!(broken.len(), EDITED_FILES.1.len());
        for broken in broken {
            assert!(broken.reason.contains(", line 3, column "), "{}", broken.reason);
            assert!(String::from_utf8_lossy(&broken.data).contains("see mail"));
        }
    }

    #[test]
    fn a_file_that_was_edited_can_be_had_again_as_it_was_written() {
        let put_back = Arc::<PutBack>::default();
        let Arrived { broken, .. } = day_with(30, Millis::from_minutes(15), put_back.clone());
        for letter in &broken {
            let rows = put_back.rows(&letter.position).unwrap();
            assert!(rows.len() > 3 && rows.iter().all(|row| &*row.name == "QR"), "{}", rows.len());
        }
        assert_eq!(put_back.rows(&Position::Number(17)), None, "a record of the stream");
    }

    #[test]
    fn the_steps_do_not_matter() {
        let (small, large) = (day(10, Millis::from_minutes(5)), day(10, Millis::from_hours(2)));
        let key = |row: &AcdRow| (row.interval_start, row.key(), row.telling.made);
        let keys = |arrived: &Arrived| {
            let mut keys: Vec<_> = arrived.rows.iter().map(key).collect();
            keys.sort();
            keys
        };
        assert_eq!(keys(&small), keys(&large));
    }

    #[test]
    fn of_the_report_by_agent_and_queue_some_intervals_are_never_told() {
        let told: std::collections::BTreeSet<_> = day(30, Millis::from_minutes(15))
            .rows
            .iter()
            .filter(|row| row.name.starts_with("AQR"))
            .map(|row| row.interval_start)
            .collect();
        let (first, last) = (*told.first().unwrap(), *told.last().unwrap());
        let spanned = last.since(first).get() / Millis::from_minutes(15).get() + 1;
        assert!(i64::try_from(told.len()).unwrap() < spanned, "{} of {spanned}", told.len());
    }
}
