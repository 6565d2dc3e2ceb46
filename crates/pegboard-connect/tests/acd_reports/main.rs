//! Report files are read as what they state. What they state, the simulator says, which wrote them and knows nothing of the
//! reader.

mod says;

use std::collections::BTreeMap;

use pegboard_connect::sources::amazon_connect::reports::{
    Expected, Labels, ReportPattern, ReportReader, ReportSettings,
};
use pegboard_model::{AcdRow, Millis};
use pegboard_sim::reports::{AcdTruth, Content, Plan, ReportFile, Reporter, RowKey, Stated};
use pegboard_sim::{Centre, Config};

use self::says::{assert_says, assert_says_sessions, key_of, ours};

/// The files of a day and a bit, and a reader for a site that knows what its planners have renamed.
fn site(seed: u64, plan: &Plan) -> (Vec<ReportFile>, ReportReader) {
    let start = "2026-03-02T00:00:00Z".parse().expect("a time");
    let day = Centre::new(Config::new(25, start, 24, seed)).run();
    let mut reporter = Reporter::new(day.organisation.clone(), start, plan);
    let mut settings = ReportSettings { patterns: patterns(plan), ..ReportSettings::default() };
    for (new, old) in reporter.layouts().flat_map(|layout| &layout.renamed) {
        let meaning = Labels::default().meaning(old).expect("everybody knows it");
        settings.labels.add(new, meaning);
    }
    let until = day.config.end() + Millis::from_hours(4);
    let files = reporter.advance(&day.changes, &day.contact_records, until);
    (files, ReportReader::new(settings))
}

/// Each report by the whole of its name, so that rows carry it.
fn patterns(plan: &Plan) -> Vec<ReportPattern> {
    let expected = |content| match content {
        Content::Logins => Expected::Logins,
        Content::Intervals(report, _) => Expected::Report(ours(report)),
    };
    let schedules = plan.schedules.iter();
    schedules
        .map(|schedule| ReportPattern { name: schedule.name.clone(), expected: expected(schedule.content) })
        .collect()
}

/// The rows of a file of intervals under what they are about.
fn read(reader: &ReportReader, file: &ReportFile) -> Vec<(RowKey, AcdRow)> {
    read_rows(reader, file).into_iter().map(|row| (key_of(&row), row)).collect()
}

fn read_rows(reader: &ReportReader, file: &ReportFile) -> Vec<AcdRow> {
    // The name tells when it was made.
    let modified = file.created + Millis::from_hours(100);
    let known = reader.recognise(&file.key, modified).expect("it is a report");
    assert_eq!(known.made, file.created);
    let read = reader.read(&known, &file.body).unwrap_or_else(|error| panic!("{}: {error}", file.key));
    read.rows
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the seeds of a longer run are the test's own setting")]
fn every_file_is_read_as_what_it_states() {
    let seeds = std::env::var("PEGBOARD_TEST_SEEDS").ok();
    let seeds = seeds.as_deref().and_then(|seeds| seeds.split_once(".."));
    let seeds = seeds.map_or(0..6, |(from, to)| from.parse().unwrap()..to.parse().unwrap());
    for seed in seeds {
        let (files, reader) = site(seed, &Plan::usual(seed));
        let (mut rows, mut sessions) = (0, 0);
        for file in &files {
            let stated = match &file.stated {
                Stated::Rows(stated) => stated,
                Stated::Sessions(stated) => {
                    sessions += assert_says_sessions(&read_rows(&reader, file), stated);
                    continue;
                }
            };
            let read = read(&reader, file);
            assert_eq!(read.len(), stated.len(), "seed {seed}, {}", file.key);
            for ((key, row), stated) in read.iter().zip(stated) {
                assert_eq!(*key, stated.key, "seed {seed}, {}", file.key);
                assert_says(row, stated, seed);
            }
            rows += read.len();
        }
        assert!(rows > 5_000 && sessions > 20, "seed {seed}: {rows} rows, {sessions} sessions");
    }
}

#[test]
fn whatever_order_files_come_in_the_newest_of_each_row_is_the_truth() {
    for seed in 0..4 {
        let (files, reader) = site(seed, &Plan { late: 0.2, ..Plan::usual(seed) });
        let mut truth = AcdTruth::default();
        for file in &files {
            truth.learn(file);
        }
        let mut kept: BTreeMap<RowKey, AcdRow> = BTreeMap::new();
        let is_of_rows = |file: &&ReportFile| matches!(file.stated, Stated::Rows(_));
        for file in files.iter().rev().filter(is_of_rows) {
            for (key, row) in read(&reader, file) {
                match kept.get(&key) {
                    Some(known) if known.telling.made > row.telling.made => {}
                    _ => drop(kept.insert(key, row)),
                }
            }
        }
        assert_eq!(kept.len(), truth.rows().count(), "seed {seed}");
        for (stated, (key, row)) in truth.rows().zip(&kept) {
            assert_eq!(*key, stated.key, "seed {seed}");
            assert_says(row, stated, seed);
        }
    }
}
