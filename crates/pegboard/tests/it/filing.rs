//! Files are what a dry run writes, and are written again when something is corrected.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use pegboard::replay::Cut;
use pegboard::report_text::{Format, write_report};
use pegboard::runtime::deliver::SinkSetup;
use pegboard_model::report::{AgentInterval, Row};
use pegboard_model::{Millis, SinkName};
use pegboard_sinks::files::{FileFormat, FileReport, FilesSink};
use pegboard_sinks::iex::{CONTACT_HISTORY, Corrections, INTERVAL_FILES, IexSink};
use pegboard_sinks::place::{Folder, Place};
use pegboard_sinks::{Sink, encoder};
use pegboard_store::DeliveryState;

use crate::delivering::mapping;
use crate::support::clock;
use crate::support::day::{Day, late};
use crate::support::feeding::{all_arrived, feed, one_partition};
use crate::support::live::{Live, config, open_store, settings, until};
use crate::support::replayed::replay;
use crate::support::script::Script;

fn name() -> SinkName {
    "files".into()
}

fn place(folder: &Path) -> Place {
    Place::Folder(Folder::new(folder.to_owned()))
}

fn setup(day: &Day, sink: impl Sink + 'static) -> SinkSetup {
    SinkSetup { start: Some(day.start), mapping: mapping(day), ..SinkSetup::new(name(), Box::new(sink)) }
}

/// Everything below a folder.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(root: &Path, folder: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, found);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(folder, folder, &mut found);
    found
}

/// Waits until so many units are in the ledger and all are acknowledged.
async fn all_delivered(live: &Live, units: u64) {
    let delivered = async || {
        clock::set(clock::now() + Millis::from_seconds(1));
        let lines = live.store.ledger(&name()).await.unwrap();
        lines.iter().all(|line| line.state == DeliveryState::Acknowledged)
            && lines.iter().map(|line| line.units).sum::<u64>() >= units
    };
    until("every file is written", delivered).await;
}

fn intervals(day: &Day) -> u64 {
    (day.end.since(day.start).get() / 900_000).unsigned_abs()
}

#[tokio::test]
async fn the_files_of_iex_are_those_of_a_dry_run() {
    let day = Day::of(12, 3, 41);
    let (target, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let script = one_partition(&day, false);
    let sink = IexSink::new(place(target.path()), vec![INTERVAL_FILES, CONTACT_HISTORY], Corrections::Aside);
    let live = Live::delivering(open_store(folder.path()), &script, &config(), setup(&day, sink)).await;
    live.settle(&script, day.end).await;
    all_delivered(&live, 2 * intervals(&day)).await;
    live.stop().await;
    let known = replay(&day, &settings(&day)).known(Vec::new(), mapping(&day));
    let written = files(target.path());
    let dry = (encoder("iex-interval-file").unwrap().encode)(&known).documents;
    assert_eq!(dry.len() as u64, intervals(&day));
    for document in dry {
        let live = &written[&document.name];
        assert_eq!(
            String::from_utf8_lossy(live),
            String::from_utf8_lossy(&document.body),
            "{}",
            document.name
        );
    }
    // What was closed since the end of the day has its files, too.
    let histories = written.keys().filter(|name| name.starts_with("contact-history/History-")).count();
    assert!(histories as u64 >= intervals(&day), "{:?}", written.keys());
    assert_eq!(written.len(), 2 * histories, "and nothing else");
}

#[tokio::test]
async fn r12_a_file_is_written_again_when_it_is_corrected() {
    let day = Day::of(12, 3, 42).disturbed(&late(42, Millis::from_hours(1)));
    let (target, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let script = Script::new(false);
    script.add("0", &[]);
    feed(&script, "0", &day.deliveries(), |_| true, day.start, day.end);
    clock::set(day.end);
    let reports = [FileReport::Agents, FileReport::Queues, FileReport::Sessions];
    let reports: Vec<_> = reports.iter().map(|report| report.report(FileFormat::Csv)).collect();
    let sink = FilesSink::new(place(target.path()), reports);
    let live = Live::delivering(open_store(folder.path()), &script, &config(), setup(&day, sink)).await;
    live.read_all(&script).await;
    let some = async || files(target.path()).len() > 8;
    until("some files are there", some).await;
    feed(&script, "0", &day.deliveries(), |_| true, day.end, all_arrived(&day));
    clock::set(all_arrived(&day));
    live.settle(&script, day.end).await;
    all_delivered(&live, 3 * intervals(&day)).await;
    live.stop().await;
    let inputs = replay(&day, &settings(&day));
    let expected = text(inputs.agent_rows(Cut::Interval));
    let written = files(target.path());
    let first = "agent_interval/source=centre/day=2026-03-02/20260302T070000Z.csv";
    assert!(written.contains_key(first), "{:?}", written.keys());
    let end = "20260302T100000Z";
    let of = |report: &str| -> String {
        // What was closed since the end of the day has its files, too.
        let is_of = |name: &str| name.starts_with(report) && name.rsplit('/').next() < Some(end);
        let of_report = written.iter().filter(|(name, _)| is_of(name));
        of_report
            .map(|(_, body)| String::from_utf8_lossy(body).split_once('\n').unwrap().1.to_owned())
            .collect()
    };
    assert_eq!(of("agent_interval/"), expected, "the rows of all files, in the order of their names");
    let queues = text(&inputs.queue_rows(Cut::Interval));
    assert_eq!(of("queue_interval/"), queues);
}

/// Rows as CSV, without the header.
fn text<R: Row>(rows: &[R]) -> String {
    let mut text = Vec::new();
    write_report(rows, Format::Csv, &mut text).unwrap();
    String::from_utf8(text).unwrap().split_once('\n').unwrap().1.to_owned()
}

#[tokio::test]
async fn a_day_is_a_file_when_it_is_over() {
    let day = Day::of(4, 30, 43);
    let (target, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let script = one_partition(&day, false);
    let sink = FilesSink::new(place(target.path()), vec![FileReport::AgentsByDay.report(FileFormat::Csv)]);
    let live = Live::delivering(open_store(folder.path()), &script, &config(), setup(&day, sink)).await;
    live.settle(&script, day.end).await;
    all_delivered(&live, 1).await;
    live.stop().await;
    let written = files(target.path());
    let expected = "agent_day/source=centre/day=2026-03-02/20260302T000000Z.csv";
    assert_eq!(written.keys().collect::<Vec<_>>(), [expected], "the second day is not over");
    let inputs = replay(&day, &settings(&day));
    let rows = inputs.agent_rows(Cut::Day).iter();
    let rows: Vec<AgentInterval> = rows
        .filter(|row| row.interval_start == inputs.agent_rows(Cut::Day)[0].interval_start)
        .cloned()
        .collect();
    let columns = |text: &str| -> Vec<Vec<String>> {
        // A dry run begins its first day where its window begins.
        text.lines().map(|line| line.split(',').skip(2).map(str::to_owned).collect()).collect()
    };
    let body = String::from_utf8_lossy(&written[expected]).split_once('\n').unwrap().1.to_owned();
    let (live, dry) = (columns(&body), columns(&text(&rows)));
    assert_eq!(live.len(), dry.len());
    let login = |rows: &[Vec<String>]| rows.iter().map(|row| row[5].clone()).collect::<Vec<_>>();
    assert_eq!(login(&live), login(&dry), "the time that each agent was signed in");
}
