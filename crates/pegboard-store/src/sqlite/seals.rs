//! Stores of programs that did not seal their pages yet: written anew, once, before they are used.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::backup::{beside, cannot, settle};
use super::fault::{Fault, Tried};
use super::lock::StoreLock;
use super::{check, connection, lock, migrate};
use crate::{Result, StoreError, failpoint};

const RESEAL: &str = "seal the store again";

/// The first schema whose pages are sealed.
const SEALED_SINCE: u32 = 7;

/// Opens a copy of a store to read it, whether its pages are sealed or not yet.
pub(super) fn open_copy(path: &Path) -> Tried<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    if has_seals(path)? == Some(false) {
        let connection = Connection::open_with_flags(path, flags)?;
        if migrate::check(&connection, migrate::MIGRATIONS)? < SEALED_SINCE {
            return Ok(connection);
        }
    }
    Ok(pegboard_pages::open(path, flags)?)
}

/// Writes a store whose pages have no seals anew, with seals: in a file beside it, which takes its name once it is
/// whole. It takes as much room again.
pub(super) fn seal_old(path: &Path) -> Tried<()> {
    if has_seals(path)? != Some(false) {
        return Ok(());
    }
    let old = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    if migrate::check(&old, migrate::MIGRATIONS)? >= SEALED_SINCE {
        // Not old but damaged, just where it says what its pages are like. Whoever reads it will see.
        return Ok(());
    }
    check::check(&old)?;
    let bytes = fs::metadata(path).map_err(|error| cannot("open the store", path, &error))?.len();
    tracing::info!(bytes, "the store is written anew, once, with checksums of its pages");
    failpoint!("seal.before", fails);
    let part = write_anew(path, old)?;
    failpoint!("seal.written", fails);
    settle(&part, path).map_err(|error| cannot("open the store", path, &error))?;
    failpoint!("seal.after", fails);
    Ok(())
}

/// Writes all that a connection without seals sees to a new file beside the store, with seals.
fn write_anew(path: &Path, old: Connection) -> Tried<PathBuf> {
    // The log is written back and goes: it must not be taken for that of the new file.
    old.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
    connection::give_pages_back(&old)?;
    let part = beside(path, ".sealing");
    drop(fs::remove_file(&part));
    drop(lock::create_private(&part)?);
    pegboard_pages::write_sealed(&old, &part)?;
    old.close().map_err(|(_, error)| Fault::from(error))?;
    Ok(part)
}

/// Takes a store as it is that another program has written: writes it anew, with seals of what its pages hold now. What was
/// there is kept beside it as `<path>.unsealed`. Answers how many pages of it were not as this program had written them.
pub(super) fn reseal(path: &Path) -> Result<u64> {
    let path = lock::resolve(path)?;
    let _lock = StoreLock::take(&path)?;
    let kept = beside(&path, ".unsealed");
    if kept.exists() {
        return Err(refused(format!("{} is there from before: move it away", kept.display())));
    }
    reseal_alone(&path, &kept).map_err(|fault| fault.during(RESEAL))
}

fn reseal_alone(path: &Path, kept: &Path) -> Tried<u64> {
    if has_seals(path)? != Some(true) {
        let cause = format!(
            "{} is no store with checksums: one of an older program has them made at its start",
            path.display()
        );
        return Err(refused(cause).into());
    }
    let old = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    if migrate::check(&old, migrate::MIGRATIONS)? < SEALED_SINCE {
        return Err(refused(format!("{} is no store", path.display())).into());
    }
    check::check_all(&old)?;
    let broken = pegboard_pages::count_broken(path).map_err(|error| cannot(RESEAL, path, &error))?;
    let part = write_anew(path, old)?;
    fs::hard_link(path, kept).map_err(|error| cannot(RESEAL, kept, &error))?;
    settle(&part, path).map_err(|error| cannot(RESEAL, path, &error))?;
    Ok(broken)
}

fn refused(cause: String) -> StoreError {
    StoreError::Database { operation: RESEAL, cause: cause.into() }
}

fn has_seals(path: &Path) -> Tried<Option<bool>> {
    Ok(pegboard_pages::has_seals(path).map_err(|error| cannot("open the store", path, &error))?)
}
