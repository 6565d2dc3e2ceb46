//! The same where the store is on PostgreSQL: whoever dies between two exchanges leaves an open transaction, a lease and a
//! name on the roll.

use super::hub::Folder;
use super::input::Input;
use super::{FOLDING, Point, STOPPING, kill_at, undisturbed};
use crate::support::binary::run;

/// From an empty schema to the first records.
const STARTING: [Point; 8] = [
    ("lease.before", 1),
    ("lease.after", 1),
    ("take_closer.before", 1),
    ("take_closer.after", 2),
    ("lease.after", 3),
    ("take_partition.before", 2),
    ("take_partition.after", 3),
    ("partition.taken", 2),
];

/// While records are read. A batch is two exchanges; the second ends with the commit.
const READING: [Point; 9] = [
    ("ingest.before", 3),
    ("ingest.position_moved", 2),
    ("ingest.before_feed", 2),
    ("group.before_commit", 3),
    ("group.after_commit", 2),
    ("partition.before_prepare", 2),
    ("partition.prepared", 1),
    ("partition.committed", 1),
    ("partition.accepted", 1),
];

/// While intervals are closed.
const CLOSING: [Point; 9] = [
    ("closer.loaded", 2),
    ("announce.held", 1),
    ("announce.after", 1),
    ("close.before", 2),
    ("close.rows_written", 3),
    ("close.after", 2),
    ("closer.closed", 2),
    ("sweep.before", 1),
    ("sweep.after", 1),
];

/// While rows are revised because something came late.
const REVISING: [Point; 3] =
    [("closer.late_loaded", 1), ("closer.late_written", 1), ("close.rows_written", 2)];

/// While it stops in order: a node that shares its store takes leave.
const LEAVING: [Point; 2] = [("leave.before", 1), ("leave.after", 1)];

#[test]
fn r01_r03_a_kill_at_every_named_point_changes_nothing_on_postgres() {
    let Some(folder) = Folder::on_postgres() else { return };
    let input = Input::make();
    let (expected, _) = undisturbed(&input);
    input.write(folder.path());
    folder.configure_store();
    kill_at(&folder, &STARTING);
    kill_at(&folder, &READING);
    kill_at(&folder, &CLOSING);
    folder.finish(input.records());
    input.write_late(folder.path());
    kill_at(&folder, &REVISING);
    for (name, hit) in STOPPING.into_iter().chain(LEAVING) {
        folder.kill_in_stopping(name, hit);
    }
    folder.finish(input.all_records());
    expected.assert_same(&folder.outcome(&input));

    let folder = Folder::on_postgres().unwrap();
    input.write(folder.path());
    folder.configure_store();
    kill_at(&folder, &FOLDING);
    folder.finish(input.records());
    input.write_late(folder.path());
    folder.finish(input.all_records());
    expected.assert_same(&folder.outcome(&input));
}

/// All steps of a migration are one transaction: whoever comes next finds all of them done, or none.
#[test]
fn r26_a_migration_that_is_killed_is_finished_by_the_next_start_on_postgres() {
    let Some(folder) = Folder::on_postgres() else { return };
    Input::write_settings(folder.path());
    folder.configure_store();
    for (name, hit) in
        [("migration.before", 1), ("migration.within", 1), ("migration.before", 3), ("migration.within", 4)]
    {
        folder.kill_command(&["token", "list"], name, hit);
        assert_eq!(folder.version(), None, "what was broken off did not happen: {name}");
    }
    folder.kill_command(&["token", "list"], "migration.after", 1);
    let version = folder.version();
    assert!(version.is_some(), "what was done stays done");
    folder.kill_command(&["token", "create", "--name", "first"], "token.before", 1);
    folder.kill_command(&["token", "create", "--name", "second"], "token.after", 1);
    let listed = run(folder.path(), &["token", "list"]).well().text();
    let there = ["first", "second"].map(|name| listed.contains(name));
    assert_eq!((there, folder.version()), ([false, true], version), "{listed}");
}
