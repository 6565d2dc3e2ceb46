//! The disk of the store fills up while the hub runs, and somebody makes room.

use std::fs;
use std::process::Command;

use super::hub::Folder;
use super::input::Input;
use super::undisturbed;

/// The disk: enough for the store, and not for the store and what else is on it.
const DISK_BYTES: usize = 192 << 20;

/// What is left to the store until there is room: its schema, its log, and a little.
const LEFT_BYTES: usize = 3 << 20;

#[test]
fn r24_a_hub_whose_disk_is_full_goes_on_when_there_is_room_and_has_lost_nothing() {
    let input = Input::make();
    let mut folder = Folder::new();
    input.write(folder.path());
    folder.put_store("disk/pegboard.db");
    let disk = folder.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let mount = ["-t", "tmpfs", "-o", &format!("size={DISK_BYTES}"), "tmpfs"];
    if !Command::new("mount").args(mount).arg(&disk).output().is_ok_and(|ended| ended.status.success()) {
        eprintln!("skipped: no right to mount a file system");
        return;
    }
    let filler = disk.join("filler");
    fs::write(&filler, vec![1; DISK_BYTES - LEFT_BYTES]).unwrap();
    let said = folder.mend_while_it_runs(input.records(), || fs::remove_file(&filler).unwrap());
    assert!(said.contains("free space on the disk"), "{said}");
    input.write_late(folder.path());
    folder.finish(input.all_records());
    let outcome = folder.outcome(&input);
    assert!(Command::new("umount").arg("--lazy").arg(&disk).status().unwrap().success());
    undisturbed(&input).0.assert_same(&outcome);
}
