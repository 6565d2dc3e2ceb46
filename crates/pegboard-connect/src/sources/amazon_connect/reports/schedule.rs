//! Which files of a report are missing, by its schedule. Pure.
//!
//! Amazon Connect tells nobody when a run fails: the file just is not there. Runs are counted from midnight UTC, whatever the zone
//! of the report (administrator guide, "Schedule a historical metrics report").

use std::collections::BTreeSet;

use pegboard_model::{Millis, Timestamp};
use serde::Serialize;

use super::name::ReportFile;

/// A file is written some 6 to 16 minutes after its run: no sooner than this.
const WRITTEN_AFTER: Millis = Millis::from_minutes(5);

/// The most runs that are remembered of a report.
const MOST_RUNS: usize = 200;

/// The most missing files that are named of a report.
pub const MOST_MISSING: usize = 100;

/// For how long a file is missed that never came, while later ones did.
const MISSED_FOR: Millis = Millis::from_hours(24);

/// How often a report is run, and when its file is late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// How often, from midnight UTC on.
    pub every: Millis,
    /// How long after its run a file is late that is not there.
    pub late_after: Millis,
}

/// The runs of which a file is there.
#[derive(Debug)]
pub(in super::super) struct Runs {
    schedule: Schedule,
    /// The last run before anybody looked.
    since: Timestamp,
    there: BTreeSet<Timestamp>,
    /// How the newest file is called before its time, with its folder.
    stem: Option<String>,
}

/// A file that should be there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MissingFile {
    /// What the site calls the report, as its settings do.
    pub report: String,
    /// What its key looks like; `*` stands for what nobody knows before it is written.
    pub name: String,
    /// The run that should have written it, which is the end of the interval that nothing but this file tells first.
    pub run: Timestamp,
    /// The start of that interval.
    pub from: Timestamp,
    /// Whether no later file is there: what was due is not repaired either.
    pub is_late: bool,
}

impl Runs {
    /// Nothing is there yet, and it is `now`.
    pub(in super::super) fn new(schedule: Schedule, now: Timestamp) -> Self {
        let mut runs = Self { schedule, since: now, there: BTreeSet::new(), stem: None };
        runs.since = runs.run_of(now);
        runs
    }

    /// The run that wrote what was made then.
    fn run_of(&self, made: Timestamp) -> Timestamp {
        let written = made - WRITTEN_AFTER;
        written - Millis::new(written.as_millis().rem_euclid(self.schedule.every.get()))
    }

    /// Notes a file that is there.
    pub(in super::super) fn there_is(&mut self, file: &ReportFile) {
        let run = self.run_of(file.made);
        if self.there.last().is_none_or(|last| *last <= run) {
            self.stem = Some(file.stem());
        }
        self.there.insert(run);
        if self.there.len() > MOST_RUNS {
            self.there.pop_first();
        }
    }

    /// Files that should be there at `now` and are not, the oldest first, of a report that the settings call so.
    pub(in super::super) fn missing(&self, report: &str, now: Timestamp) -> Vec<MissingFile> {
        let Schedule { every, late_after } = self.schedule;
        let newest = self.there.last().copied();
        // What was missing before the first file that is known may have been removed.
        let first = self.there.first().copied().unwrap_or(self.since);
        let missed = newest.map_or(first, |newest| (newest - MISSED_FOR).max(first));
        let mut run = self.run_of(missed + WRITTEN_AFTER) + every;
        let mut missing = Vec::new();
        while run + late_after <= now && missing.len() < MOST_MISSING {
            if !self.there.contains(&run) {
                let is_late = newest.is_none_or(|newest| newest < run);
                missing.push(MissingFile {
                    report: report.to_owned(),
                    name: self.name_of(report, run),
                    run,
                    from: run - every,
                    is_late,
                });
            }
            run = run + every;
        }
        missing
    }

    /// `.../QR-2026-03-01T*.csv`: the day is that of the run, unless it runs just before midnight.
    fn name_of(&self, report: &str, run: Timestamp) -> String {
        let stem = self.stem.clone().unwrap_or_else(|| format!("{report}*"));
        let written = (run + Millis::from_minutes(15)).to_string();
        format!("{stem}-{}T*.csv", written.get(..10).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::super::name::{Expected, ReportPattern, recognise};
    use super::*;

    fn at(clock: &str) -> Timestamp {
        Timestamp::parse(&format!("2026-03-01T{clock}:00Z")).unwrap()
    }

    fn file(clock: &str) -> ReportFile {
        let any = [ReportPattern { name: "QR".into(), expected: Expected::ByGrouping }];
        recognise(&format!("r/QR day-2026-03-01T{clock}:31Z.csv"), at("00:00"), &any).unwrap()
    }

    fn runs(now: &str) -> Runs {
        let schedule = Schedule { every: Millis::from_minutes(15), late_after: Millis::from_minutes(30) };
        Runs::new(schedule, at(now))
    }

    fn told(runs: &Runs, now: &str) -> Vec<(String, bool)> {
        let missing = runs.missing("QR", at(now));
        missing.into_iter().map(|file| (file.run.to_string()[11..16].to_owned(), file.is_late)).collect()
    }

    #[test]
    fn a_file_is_late_when_its_time_has_passed_and_named_by_the_one_before() {
        let mut runs = runs("09:00");
        // Written 6 and 16 minutes after its run.
        runs.there_is(&file("09:36"));
        runs.there_is(&file("10:01"));
        assert_eq!(told(&runs, "10:29"), []);
        assert_eq!(told(&runs, "10:30"), [("10:00".to_owned(), true)]);
        assert_eq!(told(&runs, "10:45"), [("10:00".to_owned(), true), ("10:15".to_owned(), true)]);
        let missing = runs.missing("QR", at("10:30")).remove(0);
        assert_eq!((missing.name.as_str(), missing.from), ("r/QR day-2026-03-01T*.csv", at("09:45")));
        runs.there_is(&file("10:16"));
        assert_eq!(told(&runs, "10:30"), []);
    }

    #[test]
    fn a_file_that_never_came_while_later_ones_did_is_missed_for_a_day_and_not_late() {
        let mut runs = runs("09:00");
        runs.there_is(&file("09:35"));
        runs.there_is(&file("10:05"));
        assert_eq!(told(&runs, "10:20"), [("09:45".to_owned(), false)]);
        let next_day = Timestamp::parse("2026-03-02T10:36:00Z").unwrap();
        let any = [ReportPattern { name: "QR".into(), expected: Expected::ByGrouping }];
        let file = recognise("r/QR.csv", next_day, &any).unwrap();
        runs.there_is(&file);
        assert!(told(&runs, "10:20").iter().all(|(run, _)| run != "09:45"));
    }

    #[test]
    fn a_report_of_which_no_file_ever_came_is_late_from_the_first_run_that_is_watched() {
        let runs = runs("09:01");
        assert_eq!(told(&runs, "09:29"), []);
        assert_eq!(told(&runs, "09:30"), [("09:00".to_owned(), true)]);
        assert_eq!(runs.missing("QR", at("09:30"))[0].name, "QR*-2026-03-01T*.csv");
    }

    #[test]
    fn r28_a_hundred_missing_files_of_a_report_are_named_at_most() {
        let runs = runs("00:00");
        let later = Timestamp::parse("2026-03-09T00:00:00Z").unwrap();
        assert_eq!(runs.missing("QR", later).len(), MOST_MISSING);
    }

    #[test]
    fn r28_two_hundred_runs_of_a_report_are_remembered() {
        let mut runs = runs("00:00");
        let any = [ReportPattern { name: "QR".into(), expected: Expected::ByGrouping }];
        for run in 0..=i64::try_from(MOST_RUNS).unwrap() {
            let made = at("00:07") + Millis::from_minutes(15 * run);
            runs.there_is(&recognise("QR.csv", made, &any).unwrap());
        }
        assert_eq!((runs.there.len(), runs.there.first()), (MOST_RUNS, Some(&at("00:15"))));
    }
}
