//! Whether the file is whole.
//!
//! Pages are looked at when they are read, too: damage to one of them fails what reads it, and nothing else. So the check
//! of a file as a whole only tells of it. A file whose pages are as they were written, and yet do not fit together, is
//! refused. A large one is used while it is checked, since a hub that starts has no time for that; once it is found not
//! to fit together, nothing more is read or written.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

use rusqlite::{Connection, InterruptHandle};

use super::SqliteOptions;
use super::connection::open_reader;
use super::fault::Tried;
use crate::{Result, StoreError};

/// Files up to this size, in bytes, are checked before they are used: it takes about a second for a gibibyte.
const CHECKED_AT_ONCE: u64 = 256 << 20;

/// Whether the file is so large that it is checked while it is used.
pub(super) fn takes_long(connection: &Connection) -> Tried<bool> {
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    Ok(number("page_count")?.saturating_mul(number("page_size")?).unsigned_abs() > CHECKED_AT_ONCE)
}

/// Looks at every page: that it is as it was written, its form, its keys and their order, and that each belongs to one
/// tree.
pub(super) fn check(connection: &Connection) -> Tried<()> {
    match find_damage(connection)? {
        None => Ok(()),
        Some(Damage::Page(number)) => Err(damaged(&broken_page(number)).into()),
        Some(Damage::Whole(found)) => Err(damaged(&found).into()),
    }
}

/// The same of a file that is to be used: of a damaged page it only tells.
pub(super) fn look(connection: &Connection) -> Tried<()> {
    match find_damage(connection)? {
        None => Ok(()),
        Some(Damage::Page(number)) => {
            tell_of_page(number);
            Ok(())
        }
        Some(Damage::Whole(found)) => Err(damaged(&found).into()),
    }
}

/// Looks at everything in a file whose pages prove nothing: also that each index has what its table has.
pub(super) fn check_all(connection: &Connection) -> Tried<()> {
    let found: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(damaged(&found).into()) }
}

enum Damage {
    /// A page is not as it was written. There may be more of them.
    Page(u64),
    /// Pages do not fit together.
    Whole(String),
}

fn find_damage(connection: &Connection) -> Tried<Option<Damage>> {
    let look = || connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    let (found, broken) = pegboard_pages::watch(look);
    if let Some(number) = broken {
        return Ok(Some(Damage::Page(number)));
    }
    let found = found?;
    Ok((found != "ok").then_some(Damage::Whole(found)))
}

/// What is said of a page that is not as it was written.
pub(super) fn broken_page(number: u64) -> String {
    format!("page {number} of the file is not as it was written")
}

fn tell_of_page(number: u64) {
    tracing::error!(
        page = number,
        "a page of the store is not as it was written: what stands in it cannot be read, everything else goes on: \
         stop the hub, keep the file for inspection, and restore a backup; or, if another program has written the file, \
         take it as it is with `pegboard store reseal`"
    );
}

fn damaged(found: &str) -> StoreError {
    let detail = format!("{found}: stop the hub, keep the file for inspection, and restore a backup");
    StoreError::Damaged { what: "database file", detail }
}

/// What the check of a file that is in use has found.
#[derive(Debug, Clone, Default)]
pub(super) struct Soundness(Arc<OnceLock<String>>);

impl Soundness {
    /// Fails once damage is found.
    pub(super) fn check(&self) -> Result<()> {
        self.0.get().map_or(Ok(()), |found| Err(damaged(found)))
    }
}

/// A check that goes on in a thread of its own; dropping it ends it.
pub(super) struct Checking {
    interrupt: InterruptHandle,
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Checking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Checking").finish_non_exhaustive()
    }
}

impl Checking {
    /// Begins to check the file at `path`, and tells `soundness` what it finds.
    pub(super) fn start(path: &Path, options: &SqliteOptions, soundness: &Soundness) -> Tried<Self> {
        let connection = open_reader(path, options)?;
        let (interrupt, soundness) = (connection.get_interrupt_handle(), soundness.clone());
        let thread = std::thread::Builder::new().name("store-check".to_string()).spawn(move || {
            let checked = look(&connection).map_err(|fault| fault.during("check the store"));
            // Whatever else fails here, such as the interruption, fails where it matters, too.
            if let Err(StoreError::Damaged { detail, .. }) = checked {
                drop(soundness.0.set(detail));
            }
        });
        let thread = thread
            .map_err(|error| StoreError::Database { operation: "check the store", cause: error.into() })?;
        Ok(Self { interrupt, thread: Some(thread) })
    }

    /// Waits for the end of the check.
    #[cfg(test)]
    pub(super) fn wait(mut self) {
        drop(self.thread.take().map(JoinHandle::join));
    }
}

impl Drop for Checking {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.interrupt.interrupt();
            drop(thread.join());
        }
    }
}

#[cfg(test)]
mod tests {
    use pegboard_model::Timestamp;

    use super::*;

    const NUMBERS: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)";

    /// What the check of a file with many pages says, after `change`.
    fn check_beside(change: impl FnOnce(&Connection, &Path)) -> Result<()> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let connection = pegboard_pages::open(&path, rusqlite::OpenFlags::default()).unwrap();
        let table = "CREATE TABLE t (i INTEGER PRIMARY KEY, word TEXT); CREATE TABLE u (n INTEGER NOT NULL)";
        connection
            .execute_batch(&format!("{table}; INSERT INTO t {NUMBERS} SELECT i, 'text' FROM n"))
            .unwrap();
        change(&connection, &path);
        drop(connection);
        let soundness = Soundness::default();
        Checking::start(&path, &SqliteOptions::new(|| Timestamp::MIN), &soundness).unwrap().wait();
        soundness.check()
    }

    #[test]
    fn a_check_beside_lets_a_whole_file_be() {
        check_beside(|_, _| ()).unwrap();
    }

    #[test]
    fn a_check_beside_tells_of_pages_that_do_not_fit_together() {
        let found = check_beside(|connection, _| {
            // As a fault of a program would leave it: written as it is, and not right.
            let schema = "PRAGMA writable_schema = 1; INSERT INTO u VALUES (1);
                 UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 't')
                 WHERE name = 'u'";
            connection.execute_batch(schema).unwrap();
        });
        let found = found.unwrap_err();
        assert!(found.to_string().contains("restore a backup"), "{found}");
    }

    #[test]
    fn a_damaged_page_does_not_stop_what_reads_others() {
        check_beside(|_, path| {
            let mut bytes = std::fs::read(path).unwrap();
            bytes[4096 * 5 + 100] ^= 1;
            std::fs::write(path, bytes).unwrap();
        })
        .unwrap();
    }
}
