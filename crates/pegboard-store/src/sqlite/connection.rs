//! How connections to the file are set up.

use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::SqliteOptions;
use super::fault::Tried;
use super::migrate::{MIGRATIONS, check};
use crate::StoreError;

/// The size of a page of the file, SQLite's own default.
const PAGE_BYTES: u64 = 4096;

/// Pages of the write-ahead log after which it is written back to the file: 16 MiB.
const CHECKPOINT_PAGES: i64 = 4096;

/// To what the write-ahead log is cut back if a long read made it grow beyond: 64 MiB.
const LOG_BYTES: i64 = 64 << 20;

/// Pages that are free are given back to the disk when they are asked for.
const INCREMENTAL: i64 = 2;

/// The writer's cache: 32 MiB. Negative, as SQLite wants it for KiB.
const WRITER_CACHE: i64 = -(32 << 10);

/// A reader's cache: 8 MiB.
const READER_CACHE: i64 = -(8 << 10);

/// More statements than there are in this crate, so that each is parsed once.
const STATEMENTS: usize = 128;

/// The one connection that writes. Fails before anything is written if the file is not ours to write.
pub(super) fn open_writer(path: &Path, options: &SqliteOptions) -> Tried<Connection> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE, options)?;
    check(&connection, MIGRATIONS)?;
    // Only a file that holds nothing yet can learn to give pages back; one of an older program may keep them for itself.
    give_pages_back(&connection)?;
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        let cause = "its file system has no shared memory: put the store on a local disk".into();
        return Err(StoreError::Database { operation: "open the store", cause }.into());
    }
    let pragmas: [(&str, i64); 8] = [
        ("synchronous", 2), // FULL: a commit is on the disk before it is answered
        ("fullfsync", 1),   // where fsync alone does not reach the disk (macOS)
        ("checkpoint_fullfsync", 1),
        ("foreign_keys", 1),
        ("cell_size_check", 1), // damage is found where it is read, not where it hurts
        ("cache_size", WRITER_CACHE),
        ("wal_autocheckpoint", CHECKPOINT_PAGES),
        ("journal_size_limit", LOG_BYTES),
    ];
    for (name, value) in pragmas {
        set(&connection, name, value)?;
    }
    if let Some(bytes) = options.max_bytes {
        set(&connection, "max_page_count", i64::try_from(bytes / PAGE_BYTES).unwrap_or(i64::MAX).max(1))?;
    }
    Ok(connection)
}

/// A connection that only reads.
pub(super) fn open_reader(path: &Path, options: &SqliteOptions) -> Tried<Connection> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY, options)?;
    set(&connection, "query_only", 1)?;
    set(&connection, "cache_size", READER_CACHE)?;
    Ok(connection)
}

fn open(path: &Path, access: OpenFlags, options: &SqliteOptions) -> Tried<Connection> {
    let connection = pegboard_pages::open(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(options.busy_timeout)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Without this, every new value of a bound range has the statement planned again.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    set(&connection, "trusted_schema", 0)?;
    set(&connection, "temp_store", 2)?; // memory: nothing of ours in other folders
    Ok(connection)
}

/// Lets a file that is about to be made give free pages back when it is asked to.
pub(super) fn give_pages_back(connection: &Connection) -> Tried<()> {
    set(connection, "auto_vacuum", INCREMENTAL)
}

/// Gives at most so many free pages back to the disk.
pub(super) fn give_back(connection: &Connection, pages: i64) -> Tried<()> {
    set(connection, "incremental_vacuum", pages)
}

/// Sets a pragma, whether it answers or not.
fn set(connection: &Connection, name: &str, value: i64) -> Tried<()> {
    let mut statement = connection.prepare(&format!("PRAGMA {name} = {value}"))?;
    let mut answer = statement.query([])?;
    while answer.next()?.is_some() {}
    Ok(())
}
