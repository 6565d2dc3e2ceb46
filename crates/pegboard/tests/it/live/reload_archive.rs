//! Days that are made anew from what the archive tells.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use pegboard::config::SourceConfig;
use pegboard::runtime::folding::Upkeep;
use pegboard::runtime::hub::NodeOptions;
use pegboard::runtime::reload::{ReloadError, ReloadRequest};
use pegboard::runtime::view::View as _;
use pegboard_connect::archive::Archive;
use pegboard_model::{Millis, Timestamp};
use pegboard_store::{ReloadState, Store};
use serde_json::Value;

use super::reload::{both_days, other, over, reload, rows_of, two_days};
use crate::support::bucket::TestBucket;
use crate::support::day::{Day, late};
use crate::support::feeding::{ONLY, all_arrived, feed_only, one_partition};
use crate::support::live::{Live, SOURCE, Tables, assert_alike, config, open_store, until};
use crate::support::script::Script;
use crate::support::{archiving, clock};

/// The archive is kept in the folder, and what is later than half an hour is refused.
fn hasty(folder: &Path) -> SourceConfig {
    SourceConfig { lateness: Millis::from_minutes(30), ..keeping_in(folder, config()) }
}

fn keeping_in(folder: &Path, config: SourceConfig) -> SourceConfig {
    archiving::archiving(archiving::in_folder(folder), config)
}

async fn write_archive(store: &dyn Store, folder: &Path) {
    archiving::write_archive(store, &Archive::in_folder(&folder.join("archive"), &SOURCE.into())).await;
}

fn from_archive() -> ReloadRequest {
    ReloadRequest { from_archive: true, ..both_days() }
}

/// Two days of which a tenth comes two hours late.
fn late_days() -> (Day, Script) {
    let day = two_days().0.disturbed(&late(3, Millis::from_hours(2)));
    let script = one_partition(&day, false);
    (day, script)
}

/// What there is where nothing is refused.
async fn whole(day: &Day, script: &Script, config: &SourceConfig) -> Tables {
    let folder = tempfile::tempdir().unwrap();
    let live = Live::start(script, config, folder.path()).await;
    live.settle(script, day.end).await;
    let tables = live.tables(day.start, day.end).await;
    live.stop().await;
    tables
}

fn of_day(tables: &Tables, name: &str, local: &str) -> Vec<Value> {
    let is_of = |row: &&Value| row["interval_start"].as_str().unwrap().starts_with(local);
    tables[name].iter().filter(is_of).cloned().collect()
}

const STORED: [&str; 4] = ["agent_interval", "group_interval", "queue_interval", "agent_queue_interval"];

#[tokio::test]
async fn r24_what_was_refused_as_too_late_is_brought_back_from_the_archive() {
    let (day, script) = late_days();
    let folder = tempfile::tempdir().unwrap();
    let live = Live::start(&script, &hasty(folder.path()), folder.path()).await;
    live.settle(&script, day.end).await;
    write_archive(&*live.store, folder.path()).await;
    let expected = whole(&day, &script, &config()).await;
    let before = live.tables(day.start, day.end).await;
    assert!(live.status().await.counts.failed > 0, "nothing was refused");
    assert!(before["agent_interval"] != expected["agent_interval"], "nothing is lost");

    let written = live.report("agent_interval", day.start, day.end).await;
    let preview = live.hub.preview_reload(from_archive()).await.unwrap();
    assert_alike(&before, &live.tables(day.start, day.end).await);

    let done = reload(&live, from_archive()).await;
    assert_eq!((done.state, done.progress.notes.len()), (ReloadState::Done, 0), "{done:?}");
    assert!(done.progress.files > 0 && done.progress.files_read == done.progress.files, "{done:?}");
    assert!(done.progress.observations > 0 && done.progress.contacts > 0, "{done:?}");
    live.close(day.end).await;
    assert_alike(&expected, &live.tables(day.start, day.end).await);
    assert_eq!(done.progress.differ, rows_of(&preview), "as the preview said");
    let revised = live.report("agent_interval", day.start, day.end).await;
    let is_new = |row: &&Value| !written.contains(row);
    assert!(revised.iter().filter(is_new).all(|row| row["reason"] == "reload"), "nobody else wrote");

    let again = reload(&live, from_archive()).await;
    assert_eq!((again.state, again.progress.differ), (ReloadState::Done, 0));
    live.stop().await;
}

#[tokio::test]
async fn what_still_waits_for_a_bucket_is_brought_back_as_well() {
    let Some(bucket) = TestBucket::make().await else { return };
    let (day, script) = late_days();
    let folder = tempfile::tempdir().unwrap();
    let place = bucket.archive(folder.path());
    let keeping =
        SourceConfig { lateness: Millis::from_minutes(30), ..archiving::archiving(place, config()) };
    let live = Live::start(&script, &keeping, folder.path()).await;
    live.settle(&script, day.end).await;
    let expected = whole(&day, &script, &config()).await;
    assert!(archiving::all_of(&archiving::archive_of(&keeping)).await.is_empty(), "nothing is there yet");
    let done = reload(&live, from_archive()).await;
    assert_eq!((done.state, done.progress.notes.len()), (ReloadState::Done, 0), "{done:?}");
    assert!(done.progress.files > 0 && done.progress.files_read == done.progress.files, "{done:?}");
    live.close(day.end).await;
    assert_alike(&expected, &live.tables(day.start, day.end).await);
    let again = reload(&live, from_archive()).await;
    assert_eq!((again.state, again.progress.differ), (ReloadState::Done, 0));
    live.stop().await;
}

#[tokio::test]
async fn what_is_older_than_the_evidence_that_is_kept_is_brought_back_all_the_same() {
    let (day, script) = late_days();
    let folder = tempfile::tempdir().unwrap();
    let upkeep = Upkeep { every: Duration::from_millis(20), margin: Millis::new(0) };
    let options = NodeOptions { upkeep, ..NodeOptions::default() };
    let source = Box::new(script.clone());
    let live = Live::joining(open_store(folder.path()), source, &hasty(folder.path()), options).await;
    live.settle(&script, day.end).await;
    write_archive(&*live.store, folder.path()).await;
    let agents = live.store.stored_agents(&SOURCE.into(), None, 100).await.unwrap();
    until("evidence is folded", async || {
        let mut folded = 0;
        for agent in &agents {
            folded += usize::from(live.store.base(&SOURCE.into(), &agent.agent).await.unwrap().is_some());
        }
        folded * 2 > agents.len()
    })
    .await;
    let expected = whole(&day, &script, &config()).await;
    let before = live.tables(day.start, day.end).await;
    let done = reload(&live, from_archive()).await;
    assert_eq!(done.state, ReloadState::Done, "{done:?}");
    live.close(day.end).await;
    let after = live.tables(day.start, day.end).await;
    // Where an agent begins is not moved; on the second day all have begun.
    let second = |tables: &Tables| of_day(tables, "agent_interval", "2026-03-03");
    assert!(second(&before) != second(&expected), "nothing is lost on the second day");
    assert_eq!(second(&after), second(&expected));
    assert_eq!(after["queue_interval"], expected["queue_interval"]);
    live.stop().await;
}

/// A hub that reads from long before the day on, and writes a file for each of some hours.
async fn read_by_parts(day: &Day, script: &Script, folder: &Path) -> Live {
    clock::set(day.start - Millis::from_hours(9));
    script.add(ONLY, &[]);
    script.push::<&str>(ONLY, &[], day.start - Millis::from_hours(9));
    let live = Live::start(script, &keeping_in(folder, config()), folder).await;
    live.read_all(script).await;
    let mut from = day.start;
    for hours in [8, 16, 24] {
        let to = if hours == 24 { all_arrived(day) } else { day.start + Millis::from_hours(hours) };
        feed_only(script, day, from, to);
        live.read_all(script).await;
        from = to;
    }
    live.close(day.end).await;
    write_archive(&*live.store, folder).await;
    live
}

#[tokio::test]
async fn days_that_the_store_no_longer_keeps_are_made_of_the_archive() {
    let (day, script) = (Day::of(12, 24, 9), Script::new(false));
    let folder = tempfile::tempdir().unwrap();
    let live = read_by_parts(&day, &script, folder.path()).await;
    live.store.sweep(clock::now() + Millis::from_hours(70 * 24)).await.unwrap();
    let kept = live.store.source_state(&SOURCE.into()).await.unwrap().details_from;
    assert!(kept > "2026-03-03T00:00:00Z".parse::<Timestamp>().unwrap(), "{kept}: nothing was removed");
    live.stop().await;
    let expected = whole(&day, &script, &other()).await;

    let live = Live::start(&script, &keeping_in(folder.path(), other()), folder.path()).await;
    live.settle(&script, day.end).await;
    let stored = reload(&live, both_days()).await;
    assert_eq!((stored.progress.differ, stored.progress.notes.len()), (0, 2), "{stored:?}");
    let preview = live.hub.preview_reload(from_archive()).await.unwrap();
    let done = reload(&live, from_archive()).await;
    assert_eq!((done.state, done.progress.notes.len()), (ReloadState::Done, 0), "{done:?}");
    assert_eq!(done.progress.differ, rows_of(&preview), "as the preview said");
    for name in STORED {
        for local in ["2026-03-02", "2026-03-03"] {
            let mut rows = live.report(name, day.start, day.end).await;
            for row in &mut rows {
                for column in ["origin", "revision", "reason", "provisional"] {
                    row.as_object_mut().unwrap().remove(column);
                }
            }
            let found = Tables::from([(name, rows)]);
            assert_eq!(of_day(&found, name, local), of_day(&expected, name, local), "{name} of {local}");
        }
    }
    live.stop().await;
}

#[tokio::test]
async fn what_the_archive_has_lost_is_said_and_stays_as_it_is_stored() {
    let (day, script) = (Day::of(12, 24, 9), Script::new(false));
    let folder = tempfile::tempdir().unwrap();
    let live = read_by_parts(&day, &script, folder.path()).await;
    let before = live.tables(day.start, day.end).await;
    let mut files = Vec::new();
    let mut folders = vec![folder.path().join("archive")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    assert_eq!(files.len(), 4, "{files:?}");
    std::fs::remove_file(&files[2]).unwrap();
    let done = reload(&live, from_archive()).await;
    assert_eq!((done.state, done.progress.differ), (ReloadState::Done, 0), "{done:?}");
    assert!(done.progress.notes.iter().any(|note| note.contains("missing in its midst")), "{done:?}");
    live.close(day.end).await;
    assert_alike(&before, &live.tables(day.start, day.end).await);

    let whole = std::fs::read(&files[1]).unwrap();
    std::fs::write(&files[1], &whole[..whole.len() - 9]).unwrap();
    let failed = reload(&live, from_archive()).await;
    assert_eq!(failed.state, ReloadState::Failed);
    assert!(failed.progress.error.unwrap().contains("is damaged"));
    let refused = live.hub.preview_reload(from_archive()).await.unwrap_err();
    assert!(matches!(refused, ReloadError::NotTold(_)), "{refused}");
    live.stop().await;
}

#[tokio::test]
async fn without_an_archive_nothing_is_brought_back() {
    let (day, script) = two_days();
    let folder = tempfile::tempdir().unwrap();
    let live = Live::start(&script, &config(), folder.path()).await;
    live.settle(&script, day.end).await;
    let refused = live.hub.reload(from_archive(), "a test").await.unwrap_err();
    assert!(matches!(refused, ReloadError::NoArchive), "{refused}");
    live.stop().await;
}

/// What is stored of each local day, each report as one reading of it shows it.
async fn stored(live: &Live, day: &Day) -> BTreeSet<String> {
    let midnight = "2026-03-03T00:00:00Z".parse().unwrap();
    let mut days = BTreeSet::new();
    for (from, to) in [(day.start, midnight), (midnight, day.end)] {
        // Those of contacts are wholly told: of them nothing is refused.
        for name in ["agent_interval", "group_interval"] {
            let mut rows = String::new();
            for row in live.store.rows(&SOURCE.into(), name, from, to).await.unwrap() {
                writeln!(rows, "{name} {} {} {}", row.interval_start, row.key, row.body).unwrap();
            }
            days.insert(rows);
        }
    }
    days
}

/// Wherever a hub dies: nobody sees a report of a day that has only a part of what the archive tells.
#[tokio::test]
async fn r03_a_reload_from_the_archive_goes_on_after_a_crash() {
    let (day, script) = late_days();
    let folder = tempfile::tempdir().unwrap();
    let mut live = Live::start(&script, &hasty(folder.path()), folder.path()).await;
    live.settle(&script, day.end).await;
    write_archive(&*live.store, folder.path()).await;
    let (expected, old) = (whole(&day, &script, &config()).await, stored(&live, &day).await);
    let asked = live.hub.reload(from_archive(), "a test").await.unwrap();
    let (mut deaths, mut turns) = (0, 0_u32);
    let mut seen = BTreeSet::new();
    while live.hub.reloads(&[], None, 1).await.unwrap().remove(0).state.is_open() {
        seen.extend(stored(&live, &day).await);
        turns += 1;
        if live.store.reload_day(&SOURCE.into()).await.unwrap().is_some() && deaths < 6 && turns > 3 {
            (deaths, turns) = (deaths + 1, 0);
            let store = live.store.clone();
            live.die();
            for dead in store.roll().await.unwrap().nodes {
                store.leave(&dead.node).await.unwrap();
            }
            live = Live::over(store, Box::new(script.clone()), &hasty(folder.path())).await;
        }
        tokio::task::yield_now().await;
    }
    assert!(deaths > 0, "it was over before anybody died");
    assert_eq!(over(&live, asked.id).await.state, ReloadState::Done);
    let new = stored(&live, &day).await;
    assert!(seen.iter().all(|day| old.contains(day) || new.contains(day)), "a day is of both");
    assert!(!new.is_subset(&old), "all is as before");
    live.close(day.end).await;
    assert_alike(&expected, &live.tables(day.start, day.end).await);
    live.stop().await;
}
