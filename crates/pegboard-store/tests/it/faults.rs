//! What can happen to a file.

use std::fs;

use pegboard_store::{SqliteOptions, SqliteStore, Store, StoreError};
use rusqlite::{Connection, OpenFlags};

use crate::home::{Home, SqliteHome, clock};
use crate::sample::{commit_events, event, first_event, source};

fn open(home: &SqliteHome) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(&home.path(), SqliteHome::options())
}

#[tokio::test]
async fn a_store_that_is_held_is_refused_under_every_name() {
    let home = SqliteHome::new();
    let store = home.sqlite();
    assert!(matches!(open(&home), Err(StoreError::InUse { .. })));
    #[cfg(unix)]
    {
        let alias = home.path().with_file_name("alias.db");
        std::os::unix::fs::symlink(home.path(), &alias).unwrap();
        let refused = SqliteStore::open(&alias, SqliteHome::options()).unwrap_err();
        assert!(matches!(refused, StoreError::InUse { .. }), "{refused}");
    }
    drop(store);
    drop(open(&home).unwrap());
}

#[cfg(unix)]
#[tokio::test]
async fn files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;

    let home = SqliteHome::new();
    let store = home.open().await;
    commit_events(&*store, &["ann"]).await;
    let mut files: Vec<(String, u32)> = fs::read_dir(home.path().parent().unwrap())
        .unwrap()
        .map(Result::unwrap)
        .map(|file| {
            let mode = file.metadata().unwrap().permissions().mode() & 0o777;
            (file.file_name().into_string().unwrap(), mode)
        })
        .collect();
    files.sort();
    let expected = ["pegboard.db", "pegboard.db-shm", "pegboard.db-wal", "pegboard.db.lock"];
    assert_eq!(files, expected.map(|name| (name.to_string(), 0o600)));
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let home = SqliteHome::new();
    drop(home.sqlite());
    let newer = pegboard_pages::open(&home.path(), OpenFlags::default()).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    drop(newer);
    let before = fs::read(home.path()).unwrap();
    let refused = open(&home).unwrap_err();
    assert!(matches!(refused, StoreError::NewerSchema { found: 99, .. }), "{refused}");
    assert_eq!(fs::read(home.path()).unwrap(), before);
}

#[tokio::test]
async fn another_programs_database_is_refused_and_left_alone() {
    let home = SqliteHome::new();
    Connection::open(home.path()).unwrap().execute_batch("CREATE TABLE theirs (n INTEGER)").unwrap();
    let before = fs::read(home.path()).unwrap();
    let refused = open(&home).unwrap_err();
    assert!(refused.to_string().contains("another program's database"), "{refused}");
    assert_eq!(fs::read(home.path()).unwrap(), before);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let home = SqliteHome::new();
    fs::write(home.path(), "name,team\n".repeat(1000)).unwrap();
    let refused = open(&home).unwrap_err();
    assert!(matches!(refused, StoreError::Damaged { .. }), "{refused}");
    assert!(refused.to_string().contains("restore a backup"), "{refused}");
    assert_eq!(fs::read(home.path()).unwrap().len(), 10_000);
}

#[tokio::test]
async fn a_lock_of_another_program_is_an_error_and_passes() {
    let home = SqliteHome::new();
    let store = home.open().await;
    let epoch = commit_events(&*store, &["ann"]).await;
    let other = Connection::open(home.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = store.commit(first_event(epoch, 1, "bob")).await.unwrap_err();
    assert!(refused.to_string().contains("another program holds the file locked"), "{refused}");
    assert_eq!(store.agents(&[]).await.unwrap().agents.len(), 1, "reading goes on");
    other.execute_batch("ROLLBACK").unwrap();
    store.commit(first_event(epoch, 1, "bob")).await.unwrap();
    assert_eq!(store.agents(&[]).await.unwrap().agents.len(), 2);
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_named() {
    let home = SqliteHome::new();
    let path = home.path().parent().unwrap().join("nowhere/pegboard.db");
    let refused = SqliteStore::open(&path, SqliteHome::options()).unwrap_err();
    assert!(refused.to_string().contains("nowhere"), "{refused}");
}

/// A file that may not grow is a full disk.
#[tokio::test]
async fn a_full_disk_is_an_error_and_what_was_acknowledged_stays() {
    let home = SqliteHome::new();
    let limited = |bytes| SqliteOptions { max_bytes: Some(bytes), ..SqliteOptions::new(clock) };
    let store = SqliteStore::open(&home.path(), limited(400_000)).unwrap();
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
    let again = store.commit(event(epoch, acknowledged, "ann")).await;
    assert!(again.is_err(), "it is still full");
    drop(store);

    let store = SqliteStore::open(&home.path(), limited(4_000_000)).unwrap();
    let events = store.evidence(&source(), &"ann".into(), pegboard_model::Timestamp::MIN).await.unwrap();
    assert_eq!(events.len() as u64, acknowledged, "all that was acknowledged, and nothing else");
    store.commit(event(epoch, acknowledged, "ann")).await.unwrap();
}
