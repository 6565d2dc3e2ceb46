//! The program is killed while it makes days anew: each day is wholly old or wholly new.

use std::collections::BTreeMap;
use std::fs;

use jiff::civil::Date;
use pegboard::runtime::archive;
use pegboard_connect::archive::Archive;
use pegboard_model::{Millis, Timestamp};
use pegboard_store::{ReloadState, ReloadWrite};

use super::hub::Folder;
use super::input::{Input, SOURCES};

/// Where the program is killed, and at which passing of it.
const RELOADING: [(&str, u64); 8] = [
    ("reload.before", 1),
    ("reload.begun", 1),
    ("reload.set_aside", 2),
    ("reload.built", 1),
    ("reload.swapping", 1),
    ("reload.swapped", 1),
    ("reload.moved", 1),
    ("reload.after", 6),
];

/// The same where facts are brought back from the archive first.
const FROM_ARCHIVE: [(&str, u64); 8] = [
    ("reload.before", 2),
    ("reload.begun", 1),
    ("reload.brought", 2),
    ("reload.all_brought", 1),
    ("reload.built", 1),
    ("reload.swapping", 1),
    ("reload.swapped", 1),
    ("reload.all_brought", 1),
];

/// The same where the hub itself captures the day before again: that is one day.
const RECAPTURING: [(&str, u64); 9] = [
    ("recapture.asked", 1),
    ("reload.before", 1),
    ("recapture.read", 1),
    ("reload.set_aside", 1),
    ("reload.built", 1),
    ("reload.swapping", 1),
    ("reload.swapped", 1),
    ("reload.moved", 1),
    ("reload.after", 1),
];

/// Rows of a day, as they are seen.
type Days = BTreeMap<Date, Vec<String>>;

/// Has nearly every row of queues be another.
fn change_settings(folder: &Folder) {
    let file = folder.path().join("pegboard.toml");
    let settings = fs::read_to_string(&file).unwrap();
    let others = "lateness = \"30m\"\nservice_level = \"1s\"\nshort_abandon = \"1h\"\n";
    let changed = settings.replace("lateness = \"30m\"\n", others);
    assert_ne!(settings, changed);
    fs::write(&file, changed).unwrap();
}

/// Has the first source capture the day before again, which was due an hour ago. Answers which day that is.
fn configure_recapture(folder: &Folder) -> Date {
    let due = pegboard::clock::system() - Millis::from_hours(1);
    let time = jiff::Timestamp::from_millisecond(due.as_millis()).unwrap().to_zoned(jiff::tz::TimeZone::UTC);
    let file = folder.path().join("pegboard.toml");
    let settings = fs::read_to_string(&file).unwrap();
    let nightly = format!("lateness = \"30m\"\nrecapture_at = \"{}\"\n", time.strftime("%H:%M"));
    fs::write(&file, settings.replacen("lateness = \"30m\"\n", &nightly, 1)).unwrap();
    time.date().yesterday().unwrap()
}

fn date(at: Timestamp) -> Date {
    jiff::Timestamp::from_millisecond(at.as_millis()).unwrap().to_zoned(jiff::tz::TimeZone::UTC).date()
}

fn rows(folder: &Folder) -> Days {
    folder.look(async |store| {
        let mut days = Days::new();
        for report in ["queue_interval", "agent_queue_interval"] {
            for row in store.rows(&SOURCES[0].into(), report, Timestamp::MIN, Timestamp::MAX).await.unwrap() {
                let line =
                    format!("{report} {} {} {} {}", row.interval_start, row.key, row.revision, row.body);
                days.entry(date(row.interval_start)).or_default().push(line);
            }
        }
        days
    })
}

/// Has everything archived that is read.
fn configure_archive(folder: &Folder) {
    let file = folder.path().join("pegboard.toml");
    let settings = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("[archive]\nfolder = \"archive\"\n{settings}")).unwrap();
}

/// Writes what waits.
fn write_archive(folder: &Folder) {
    let archive = Archive::in_folder(&folder.path().join("archive"), &SOURCES[0].into());
    folder.look(async |store| archive::write_all(store, &archive).await.unwrap());
}

fn ask(folder: &Folder, days: &Days, from_archive: bool) {
    let (from, to) = (days.keys().next().unwrap(), days.keys().next_back().unwrap());
    let asked = format!(
        "{{\"source\":\"{}\",\"from\":\"{from}\",\"to\":\"{to}\",\"queues\":[],\"agents\":[],\
         \"from_archive\":{from_archive}}}",
        SOURCES[0]
    );
    let (source, at) = (SOURCES[0].into(), pegboard::clock::system());
    let write = ReloadWrite { source, at, asked, progress: "{}".to_owned() };
    folder.look(async |store| assert!(store.add_reload(write, 9).await.unwrap().is_some()));
}

fn is_done(folder: &Folder) -> bool {
    folder.look(async |store| {
        let reload = store.reloads(&[], None, false, 1).await.unwrap().remove(0);
        assert!(reload.state.is_open() || reload.state == ReloadState::Done, "{reload:?}");
        reload.state == ReloadState::Done
    })
}

#[test]
fn r03_a_kill_while_days_are_made_anew_leaves_each_wholly_old_or_wholly_new() {
    let counts = killed(&Folder::new(), RELOADING, false);
    assert!(counts.is_sorted() && counts[0] == 0 && counts[7] > 0, "{counts:?}");
}

#[test]
fn r03_a_kill_while_days_are_made_anew_leaves_each_wholly_old_or_wholly_new_on_postgres() {
    let Some(folder) = Folder::on_postgres() else { return };
    let counts = killed(&folder, RELOADING, false);
    assert!(counts.is_sorted() && counts[0] == 0 && counts[7] > 0, "{counts:?}");
}

#[test]
fn r03_a_kill_while_a_day_is_captured_again_leaves_it_wholly_old_or_wholly_new() {
    recaptured(&Folder::new());
}

#[test]
fn r03_a_kill_while_a_day_is_captured_again_leaves_it_wholly_old_or_wholly_new_on_postgres() {
    if let Some(folder) = Folder::on_postgres() {
        recaptured(&folder);
    }
}

fn recaptured(folder: &Folder) {
    let input = Input::until_lately();
    input.write(folder.path());
    folder.configure_store();
    folder.finish(input.records());
    change_settings(folder);
    let day = configure_recapture(folder);
    let of_the_day = || rows(folder).remove(&day).unwrap();
    let old = of_the_day();
    let mut seen = Vec::new();
    for (name, hit) in RECAPTURING {
        folder.kill_at(name, hit);
        seen.push((name, of_the_day()));
    }
    folder.finish_reloads(SOURCES[0]);
    folder.finish(input.records());
    let new = of_the_day();
    assert_ne!(old, new);
    let is_new = |(name, found): &(&str, Vec<String>)| {
        assert!(*found == old || *found == new, "{day} is of both after {name}");
        *found == new
    };
    let news: Vec<bool> = seen.iter().map(is_new).collect();
    assert_eq!(news, [false, false, false, false, false, false, true, true, true]);
    folder.look(async |store| {
        let asked = store.reloads(&[SOURCES[0].into()], None, false, 9).await.unwrap();
        assert_eq!(asked.len(), 1, "it is asked for once");
    });
}

#[test]
fn r03_a_kill_while_days_are_brought_back_from_the_archive_leaves_each_wholly_old_or_wholly_new() {
    let counts = killed(&Folder::new(), FROM_ARCHIVE, true);
    assert!(counts.is_sorted() && counts[0] == 0 && counts[7] > 0, "{counts:?}");
}

#[test]
fn r03_a_kill_while_days_are_brought_back_leaves_each_wholly_old_or_wholly_new_on_postgres() {
    let Some(folder) = Folder::on_postgres() else { return };
    let counts = killed(&folder, FROM_ARCHIVE, true);
    assert!(counts.is_sorted() && counts[0] == 0 && counts[7] > 0, "{counts:?}");
}

/// How many days are made anew after each kill.
fn killed(folder: &Folder, points: [(&str, u64); 8], from_archive: bool) -> Vec<usize> {
    let input = Input::make();
    input.write(folder.path());
    folder.configure_store();
    configure_archive(folder);
    folder.finish(input.records());
    write_archive(folder);
    let old = rows(folder);
    change_settings(folder);
    ask(folder, &old, from_archive);
    let mut seen = Vec::new();
    for (name, hit) in points {
        folder.kill_at(name, hit);
        seen.push((name, rows(folder)));
    }
    folder.finish_reloads(SOURCES[0]);
    folder.finish(input.records());
    assert!(is_done(folder));
    let new = rows(folder);
    assert!(old.iter().all(|(day, rows)| new[day] != *rows), "every day is another");
    for (name, found) in &seen {
        for (day, rows) in found {
            assert!(*rows == old[day] || *rows == new[day], "{day} is of both after {name}");
        }
    }
    let news = |(_, found): &(&str, Days)| found.iter().filter(|(day, rows)| **rows == new[*day]).count();
    seen.iter().map(news).collect()
}
