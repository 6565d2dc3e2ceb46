//! The program is killed, at named points and at random moments, and started again until everything is read: what it
//! then shows is what it shows if nobody had killed it.

mod archive;
mod delivery;
mod disk_full;
mod erasure;
mod hub;
mod input;
mod many;
mod on_postgres;
mod outcome;
mod reload;
mod wfm;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use self::hub::Folder;
use self::input::Input;
use self::outcome::Outcome;

/// Where the program is killed, and at which passing of it.
type Point = (&'static str, u64);

/// From an empty folder to the first records.
const STARTING: [Point; 9] = [
    ("migration.before", 1),
    ("migration.within", 1),
    ("migration.after", 1),
    ("open.before_identity", 1),
    ("take_closer.before", 1),
    ("take_closer.after", 2),
    ("take_partition.before", 2),
    ("take_partition.after", 3),
    ("partition.taken", 2),
];

/// While records are read.
const READING: [Point; 15] = [
    ("group.begun", 6),
    ("ingest.before", 5),
    ("ingest.position_moved", 2),
    ("ingest.evidence_written", 2),
    ("ingest.segments_written", 1),
    ("ingest.before_feed", 2),
    ("ingest.after", 1),
    ("group.between_jobs", 1),
    ("group.before_commit", 9),
    ("group.after_commit", 9),
    ("group.answered", 9),
    ("partition.before_prepare", 2),
    ("partition.prepared", 1),
    ("partition.committed", 1),
    ("partition.accepted", 1),
];

/// While old evidence is folded: that begins with a start, and the first of them leaves it something to fold.
const FOLDING: [Point; 4] =
    [("closer.closed", 5), ("rebase.before", 1), ("rebase.base_written", 1), ("rebase.after", 2)];

/// While intervals are closed.
const CLOSING: [Point; 8] = [
    ("closer.loaded", 2),
    ("close.before", 2),
    ("close.rows_written", 3),
    ("close.after", 2),
    ("closer.closed", 2),
    ("group.after_commit", 14),
    ("sweep.before", 1),
    ("sweep.after", 1),
];

/// While rows are revised because something came late.
const REVISING: [Point; 5] = [
    ("closer.late_loaded", 1),
    ("close.history_written", 1),
    ("close.history_written", 3),
    ("closer.late_written", 1),
    ("close.rows_written", 2),
];

/// While it stops in order.
const STOPPING: [Point; 3] = [("stop.begun", 1), ("stop.sources_ended", 1), ("stop.store_closed", 1)];

/// What an undisturbed run comes to, and how long it takes to read and close all but what comes late.
fn undisturbed(input: &Input) -> (Outcome, Duration) {
    let folder = Folder::new();
    input.write(folder.path());
    let took = folder.finish(input.records());
    input.write_late(folder.path());
    folder.finish(input.all_records());
    let outcome = folder.outcome(input);
    outcome.assert_shows_something();
    outcome.assert_conserves(input);
    (outcome, took)
}

fn kill_at(folder: &Folder, points: &[Point]) {
    for (name, hit) in points {
        folder.kill_at(name, *hit);
    }
}

#[test]
fn r01_r03_a_kill_at_every_named_point_changes_nothing() {
    let input = Input::make();
    let (expected, _) = undisturbed(&input);
    let folder = Folder::new();
    input.write(folder.path());
    kill_at(&folder, &STARTING);
    kill_at(&folder, &READING);
    kill_at(&folder, &CLOSING);
    folder.finish(input.records());
    input.write_late(folder.path());
    kill_at(&folder, &REVISING);
    for (name, hit) in STOPPING {
        folder.kill_in_stopping(name, hit);
    }
    folder.finish(input.all_records());
    expected.assert_same(&folder.outcome(&input));

    let folder = Folder::new();
    input.write(folder.path());
    kill_at(&folder, &FOLDING);
    folder.finish(input.records());
    input.write_late(folder.path());
    folder.finish(input.all_records());
    expected.assert_same(&folder.outcome(&input));
}

#[test]
fn r03_a_token_is_there_or_is_not() {
    let folder = Folder::new();
    Input::write_settings(folder.path());
    folder.kill_command(&["token", "create", "--name", "first"], "token.before", 1);
    folder.kill_command(&["token", "create", "--name", "second"], "token.after", 1);
    // The first commit is that of the audit log.
    folder.kill_command(&["token", "create", "--name", "third"], "group.after_commit", 2);
    let listed = crate::support::binary::run(folder.path(), &["token", "list"]).well().text();
    let there = ["first", "second", "third"].map(|name| listed.contains(name));
    assert_eq!(there, [false, false, true], "{listed}");
}

/// Each step of an upgrade is done as a whole or not at all, and by whoever comes next.
#[test]
fn r26_an_upgrade_that_is_killed_is_finished_by_the_next_start() {
    let folder = Folder::new();
    Input::write_settings(folder.path());
    let store = folder.path().join("pegboard.db");
    crate::old_store::load_schema_1(&store);
    let version = || {
        let database = crate::old_store::open(&store);
        database.pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0)).unwrap()
    };
    let sealed = || pegboard_pages::has_seals(&store).unwrap() == Some(true);
    folder.kill_command(&["token", "list"], "seal.before", 1);
    folder.kill_command(&["token", "list"], "seal.written", 1);
    assert!(!sealed(), "what was not finished did not happen");
    folder.kill_command(&["token", "list"], "seal.after", 1);
    assert!(sealed());
    folder.kill_command(&["token", "list"], "migration.before", 1);
    folder.kill_command(&["token", "list"], "migration.within", 1);
    assert_eq!(version(), 1, "what was broken off did not happen");
    folder.kill_command(&["token", "list"], "migration.after", 1);
    assert_eq!(version(), 2, "what was done stays done");
    folder.kill_command(&["token", "list"], "migration.within", 1);
    crate::support::binary::run(folder.path(), &["token", "list"]).well();
    assert!(version() > 2);
    let evidence = "SELECT count(*) FROM evidence";
    let kept: u32 = crate::old_store::open(&store).query_row(evidence, [], |row| row.get(0)).unwrap();
    assert_eq!(kept, 36, "and nothing is lost");
}

/// How many kills one store survives; before the last of them something comes late.
const KILLS: u64 = 20;
const KILLS_BEFORE_LATE: u64 = 14;

#[test]
fn r01_r03_kills_at_random_moments_change_nothing() {
    kill_at_random_moments(Folder::new);
}

#[test]
fn r01_r03_kills_at_random_moments_change_nothing_on_postgres() {
    if Folder::on_postgres().is_some() {
        kill_at_random_moments(|| Folder::on_postgres().unwrap());
    }
}

fn kill_at_random_moments(make: impl Fn() -> Folder) {
    let stores = hub::soak_kills().map_or(1, |kills| kills.div_ceil(KILLS));
    let seed = hub::seed();
    eprintln!("{KILLS} random kills of each of {stores} stores; PEGBOARD_SEED={seed} gives the same again");
    let input = Input::make();
    let (expected, took) = undisturbed(&input);
    let mut random = seed;
    let mut moments = BTreeSet::new();
    for store in 1..=stores {
        let folder = make();
        input.write(folder.path());
        folder.configure_store();
        for kill in 0..KILLS {
            if kill == KILLS_BEFORE_LATE {
                folder.finish(input.records());
                input.write_late(folder.path());
            }
            // Oftener early, so that reading has not ended with the first of them.
            let longest = next(&mut random) % u64::try_from(took.as_micros()).unwrap();
            let delay = next(&mut random) % longest.max(1);
            moments.insert(folder.kill_after(Duration::from_micros(delay)));
        }
        folder.finish(input.all_records());
        expected.assert_same(&folder.outcome(&input));
        eprintln!("{} kills of ingest on {}: nothing is lost", store * KILLS, folder.store_kind());
    }
    eprintln!("records committed when it was killed: {moments:?}");
    // A file is read in a few large commits, so that there are not many moments to tell apart.
    assert!(moments.len() > 1, "all kills hit the same moment: {moments:?}");
}

/// A xorshift: all that is asked of it is to be repeatable.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// From the start of the process to the first batch that was committed from where the last one stopped.
#[test]
fn r03_a_restart_reads_on_within_five_seconds() {
    let input = Input::make();
    let folder = Folder::new();
    input.write(folder.path());
    folder.kill_at("partition.accepted", 3);
    let started = Instant::now();
    folder.kill_at("partition.committed", 1);
    let took = started.elapsed();
    eprintln!("process start to first new events committed: {took:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");
}
