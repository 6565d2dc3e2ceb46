//! Whether the file is whole.
//!
//! A file that is not is refused when it is opened. A large one is used while it is checked, since a hub that starts
//! has no time for that; once damage is found, nothing more is read or written.

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

/// Looks at every page: its form, its keys and their order, and that each belongs to one tree. What stands within a
/// value it does not see.
pub(super) fn check(connection: &Connection) -> Tried<()> {
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(damaged(&found).into()) }
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
            let checked = check(&connection).map_err(|fault| fault.during("check the store"));
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

    #[test]
    fn a_check_beside_tells_of_damage() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let connection = Connection::open(&path).unwrap();
        let numbers = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)";
        connection.execute_batch(&format!("CREATE TABLE t AS {numbers} SELECT i, 'text' FROM n")).unwrap();
        drop(connection);
        let options = SqliteOptions::new(|| Timestamp::MIN);
        let soundness = Soundness::default();
        Checking::start(&path, &options, &soundness).unwrap().wait();
        soundness.check().unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[4096 * 5..4096 * 5 + 8].fill(0x55);
        std::fs::write(&path, bytes).unwrap();
        Checking::start(&path, &options, &soundness).unwrap().wait();
        let found = soundness.check().unwrap_err();
        assert!(found.to_string().contains("restore a backup"), "{found}");
    }
}
