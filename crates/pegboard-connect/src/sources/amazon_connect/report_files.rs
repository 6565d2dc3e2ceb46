//! Scheduled reports as files of a lane of objects: each is read as a whole, and those that are due and not there are known.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pegboard_model::{AcdRow, Text, Timestamp};

use super::reports::{MAX_FILE_BYTES, MissingFile, ReportReader, ReportRows, Runs, Schedule};
use crate::sources::objects::{FileFault, ReadFile};
use crate::spec::Remark;

/// The most reports of which is remarked that something in them is not understood.
const MOST_REMARKED: usize = 100;

/// How many labels a remark names.
const LABELS_NAMED: usize = 10;

/// The scheduled reports of a site.
#[derive(Debug)]
pub struct ReportFiles {
    reader: ReportReader,
    seen: Mutex<Seen>,
}

/// What was seen of the files.
#[derive(Debug)]
struct Seen {
    /// By what the site calls the report.
    runs: BTreeMap<String, Runs>,
    remarks: BTreeMap<Text, Remark>,
    /// Whether every file that there is was told of.
    is_listed: bool,
}

impl ReportFiles {
    /// The reports that `reader` reads, some of which are run on a schedule, under what the site calls them. It is `now`.
    pub fn new(
        reader: ReportReader,
        schedules: impl IntoIterator<Item = (String, Schedule)>,
        now: Timestamp,
    ) -> Self {
        let runs = schedules.into_iter().map(|(name, schedule)| (name, Runs::new(schedule, now)));
        let seen = Seen { runs: runs.collect(), remarks: BTreeMap::new(), is_listed: false };
        Self { reader, seen: Mutex::new(seen) }
    }

    /// Files that should be there at `now` and are not; none while nobody knows what is there.
    pub fn missing(&self, now: Timestamp) -> Vec<MissingFile> {
        let seen = self.seen();
        if !seen.is_listed {
            return Vec::new();
        }
        seen.runs.iter().flat_map(|(name, runs)| runs.missing(name, now)).collect()
    }

    /// What is in the newest files and is not understood, report by report.
    pub fn remarks(&self) -> Vec<Remark> {
        self.seen().remarks.values().cloned().collect()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Of a report the newest file counts.
    fn remark(&self, name: &Text, at: Timestamp, read: &ReportRows) {
        let mut seen = self.seen();
        let is_old = seen.remarks.get(name).is_some_and(|remark| at < remark.at);
        let is_new = !seen.remarks.contains_key(name);
        match remark_on(name, read) {
            _ if is_old => {}
            None => drop(seen.remarks.remove(name)),
            Some(_) if is_new && seen.remarks.len() >= MOST_REMARKED => {}
            Some(message) => drop(seen.remarks.insert(name.clone(), Remark { at, message })),
        }
    }
}

fn remark_on(name: &str, read: &ReportRows) -> Option<String> {
    if let Some(unused) = read.unused {
        return Some(format!("report {name:?} is not used: {unused}"));
    }
    if read.unknown.is_empty() {
        return None;
    }
    let named: Vec<String> =
        read.unknown.iter().take(LABELS_NAMED).map(|label| format!("{label:?}")).collect();
    let more = read.unknown.len().saturating_sub(LABELS_NAMED);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    Some(format!(
        "report {name:?} has columns that nobody knows, which are kept as text: {}{more}; say in the source's table of labels what they \
         mean",
        named.join(", ")
    ))
}

impl ReadFile for ReportFiles {
    fn is_wanted(&self, key: &str) -> bool {
        self.reader.recognise(key, Timestamp::default()).is_some_and(|file| file.is_wanted())
    }

    fn there_is(&self, key: &str, modified: Timestamp) {
        let Some(file) = self.reader.recognise(key, modified) else { return };
        if let Some(runs) = self.seen().runs.get_mut(&*file.name) {
            runs.there_is(&file);
        }
    }

    fn is_listed(&self, all: bool) {
        self.seen().is_listed = all;
    }

    fn max_bytes(&self) -> usize {
        MAX_FILE_BYTES
    }

    fn read(&self, key: &str, modified: Timestamp, bytes: &[u8]) -> Result<Vec<AcdRow>, FileFault> {
        let Some(file) = self.reader.recognise(key, modified) else { return Ok(Vec::new()) };
        match self.reader.read(&file, bytes) {
            Ok(read) => {
                self.remark(&file.name, file.made, &read);
                Ok(read.rows)
            }
            Err(error) => {
                let line = error.place.line.unwrap_or_default() as u64;
                Err(FileFault { line, reason: error.to_string() })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use pegboard_model::Millis;

    use super::super::reports::ReportSettings;
    use super::*;

    const HEADER: &str = "Queue,StartInterval,EndInterval,Contacts queued";

    fn files() -> ReportFiles {
        ReportFiles::new(ReportReader::new(ReportSettings::default()), [], Timestamp::default())
    }

    fn read(files: &ReportFiles, key: &str, text: &str) -> Result<Vec<AcdRow>, FileFault> {
        files.read(key, Timestamp::default(), text.as_bytes())
    }

    #[test]
    fn of_a_report_the_newest_file_says_what_is_not_understood() {
        let files = files();
        let row = "Sales,2026-03-01T09:00:00Z,2026-03-01T09:15:00Z,3";
        let odd = format!("{HEADER},Zufriedenheit\n{row},hoch\n");
        assert_eq!(read(&files, "r/QR-2026-03-01T09:31:00Z.csv", &odd).unwrap().len(), 1);
        let remarks = files.remarks();
        let [remark] = &remarks[..] else { panic!("{remarks:?}") };
        assert!(remark.message.contains("report \"QR\"") && remark.message.contains("\"Zufriedenheit\""));
        let plain = format!("{HEADER}\n{row}\n");
        read(&files, "r/QR-2026-03-01T09:16:00Z.csv", &plain).unwrap();
        assert_eq!(files.remarks().len(), 1, "an older file takes nothing back");
        read(&files, "r/QR-2026-03-01T09:46:00Z.csv", &plain).unwrap();
        assert_eq!(files.remarks(), []);
    }

    #[test]
    fn files_are_missing_once_it_is_known_what_is_there() {
        let start = Timestamp::parse("2026-03-01T09:00:00Z").unwrap();
        let schedule = Schedule { every: Millis::from_minutes(15), late_after: Millis::from_minutes(30) };
        let reader = ReportReader::new(ReportSettings::default());
        let files = ReportFiles::new(reader, [("QR".to_owned(), schedule)], start);
        let now = start + Millis::from_hours(1);
        assert_eq!(files.missing(now), []);
        files.is_listed(true);
        files.there_is("r/QR sales-2026-03-01T09:16:00Z.csv", start);
        let missing = files.missing(now);
        let names: Vec<&str> = missing.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["r/QR sales-2026-03-01T*.csv"; 2]);
        files.is_listed(false);
        assert_eq!(files.missing(now), []);
    }

    #[test]
    fn what_is_wrong_stands_in_a_line() {
        let text = format!("{HEADER}\nSales,2026-03-01T09:00:00Z,2026-03-01T09:15:00Z,many\n");
        let fault = read(&files(), "r/QR.csv", &text).unwrap_err();
        assert_eq!(fault.line, 2);
        assert!(fault.reason.starts_with("report `r/QR.csv`, line 2, column 4 (`Contacts queued`)"));
    }

    #[test]
    fn r28_so_many_reports_are_remarked_on() {
        let files = files();
        for report in 0..=MOST_REMARKED {
            let text = format!("{HEADER},New\n");
            read(&files, &format!("Z{report}.csv"), &text).unwrap();
        }
        assert_eq!(files.remarks().len(), MOST_REMARKED);
    }
}
