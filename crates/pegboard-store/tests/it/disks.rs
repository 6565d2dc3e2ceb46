//! Disks that are full or cannot be written: a small file system in memory, where the tests may mount one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use pegboard_model::Timestamp;
use pegboard_store::{SqliteOptions, SqliteStore, Store};
use tempfile::TempDir;

use crate::home::clock;
use crate::sample::{commit_events, event, source};

/// A file system of its own, gone with the test.
struct Disk {
    folder: TempDir,
}

impl Disk {
    /// So many bytes; nothing, told on stderr, where the tests may not mount.
    fn mount(bytes: usize) -> Option<Self> {
        let disk = Self { folder: tempfile::tempdir().unwrap() };
        if run(&["mount", "-t", "tmpfs", "-o", &format!("size={bytes}"), "tmpfs"], disk.path()) {
            return Some(disk);
        }
        eprintln!("skipped: no right to mount a file system");
        None
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn store(&self) -> PathBuf {
        self.path().join("pegboard.db")
    }

    fn make_read_only(&self) {
        assert!(run(&["mount", "-o", "remount,ro"], self.path()));
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        run(&["umount", "--lazy"], self.folder.path());
    }
}

fn run(command: &[&str], path: &Path) -> bool {
    let ended = Command::new(command[0]).args(&command[1..]).arg(path).output();
    ended.is_ok_and(|ended| ended.status.success())
}

#[tokio::test]
async fn r24_a_full_disk_acknowledges_nothing_and_goes_on_when_there_is_room() {
    let Some(disk) = Disk::mount(16 << 20) else { return };
    let filler = disk.path().join("filler");
    fs::write(&filler, vec![1; 14 << 20]).unwrap();
    let store = SqliteStore::open(&disk.store(), SqliteOptions::new(clock)).unwrap();
    let epoch = commit_events(&store, &["ann"]).await;
    let mut acknowledged = 1;
    let full = loop {
        match store.commit(event(epoch, acknowledged, "ann")).await {
            Ok(_) => acknowledged += 1,
            Err(error) => break error,
        }
        assert!(acknowledged < 100_000, "the disk never filled: the test shows nothing");
    };
    assert!(full.to_string().contains("free space on the disk"), "{full}");
    assert!(store.commit(event(epoch, acknowledged, "ann")).await.is_err(), "it is still full");
    let kept = async || store.evidence(&source(), &"ann".into(), Timestamp::MIN).await.unwrap().len() as u64;
    assert_eq!(kept().await, acknowledged, "reading goes on, and shows what was acknowledged");

    fs::remove_file(&filler).unwrap();
    for _ in 0..100 {
        store.commit(event(epoch, acknowledged, "ann")).await.unwrap();
        acknowledged += 1;
    }
    assert_eq!(kept().await, acknowledged);
    store.shut_down().await.unwrap();
    let store = SqliteStore::open(&disk.store(), SqliteOptions::new(clock)).unwrap();
    let kept = store.evidence(&source(), &"ann".into(), Timestamp::MIN).await.unwrap();
    assert_eq!(kept.len() as u64, acknowledged);
}

#[tokio::test]
async fn r24_a_disk_that_is_full_from_the_start_is_an_error_and_passes() {
    let Some(disk) = Disk::mount(1 << 20) else { return };
    let filler = disk.path().join("filler");
    drop(fs::write(&filler, vec![1; 2 << 20]));
    let refused = SqliteStore::open(&disk.store(), SqliteOptions::new(clock)).unwrap_err();
    assert!(refused.to_string().contains("free space on the disk"), "{refused}");
    fs::remove_file(&filler).unwrap();
    let store = SqliteStore::open(&disk.store(), SqliteOptions::new(clock)).unwrap();
    commit_events(&store, &["ann"]).await;
}

#[tokio::test]
async fn r24_a_disk_that_cannot_be_written_is_an_error_that_names_it() {
    let Some(disk) = Disk::mount(4 << 20) else { return };
    let store = SqliteStore::open(&disk.store(), SqliteOptions::new(clock)).unwrap();
    commit_events(&store, &["ann"]).await;
    drop(store);
    disk.make_read_only();
    let refused = SqliteStore::open(&disk.store(), SqliteOptions::new(clock)).unwrap_err();
    let told = refused.to_string();
    assert!(told.contains("pegboard.db") && told.contains("Read-only file system"), "{told}");
}

/// The administrator may write everything, whatever the mode says: then there is nothing to see.
#[cfg(unix)]
#[tokio::test]
async fn r24_a_file_that_may_not_be_written_is_an_error_that_names_it() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pegboard.db");
    drop(SqliteStore::open(&path, SqliteOptions::new(clock)).unwrap());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    if fs::OpenOptions::new().write(true).open(&path).is_ok() {
        eprintln!("skipped: this user may write a file whose mode forbids it");
        return;
    }
    let refused = SqliteStore::open(&path, SqliteOptions::new(clock)).unwrap_err();
    let told = refused.to_string();
    assert!(told.contains("pegboard.db") && told.contains("Permission denied"), "{told}");
}
