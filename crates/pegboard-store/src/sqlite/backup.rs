//! Copies of the store, and stores from copies.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use pegboard_model::Timestamp;
use rusqlite::backup::{Backup as Copying, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::fault::{Fault, Tried};
use super::lock::{self, StoreLock};
use super::migrate::{MIGRATIONS, check as check_schema};
use super::{check, seals};
use crate::{Backup, Result, StoreError, StoreId, failpoint};

/// How many pages are copied at once, between which the copy can be interrupted.
const PAGES: i32 = 1024;

/// Writes a copy of what `connection` sees to a new file beside the store at `path`, and checks it. Until it is whole
/// it has another name.
pub(super) fn write(connection: &Connection, path: &Path, now: Timestamp) -> Tried<Backup> {
    let target = beside(path, &format!(".{}.backup", in_a_name(now)));
    let part = beside(&target, ".part");
    if target.exists() {
        return Err(cannot("back up", &target, &io::Error::from(io::ErrorKind::AlreadyExists)).into());
    }
    drop(fs::remove_file(&part));
    drop(lock::create_private(&part)?);
    let written = copy(connection, &part).and_then(|()| {
        failpoint!("backup.written", fails);
        settle(&part, &target).map_err(|error| cannot("back up", &target, &error).into())
    });
    if written.is_err() {
        drop(fs::remove_file(&part));
    }
    written?;
    let bytes = fs::metadata(&target).map_err(|error| cannot("back up", &target, &error))?.len();
    Ok(Backup { path: target, bytes })
}

/// Copies the moment that `connection` sees, however long that takes and whatever is written meanwhile.
fn copy(connection: &Connection, part: &Path) -> Tried<()> {
    // From the first read on the connection sees one moment; without it the copy would begin anew after every commit.
    connection.query_row("SELECT count(*) FROM meta", [], |_| Ok(()))?;
    let mut target = pegboard_pages::open(part, OpenFlags::default())?;
    let copying = Copying::new(connection, &mut target)?;
    while copying.step(PAGES)? != StepResult::Done {}
    drop(copying);
    // One file, without a log beside it.
    target.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
    check::check(&target)?;
    target.close().map_err(|(_, error)| Fault::from(error))
}

/// Makes a new store at `to` from a copy: the same, under an identity of its own. One that is there is refused, or with
/// `replace` kept beside it as `<to>.replaced`.
pub(super) fn restore(from: &Path, to: &Path, replace: bool) -> Result<StoreId> {
    const OPERATION: &str = "restore the store";
    let to = lock::resolve(to)?;
    let _lock = StoreLock::take(&to)?;
    let occupied = to.exists();
    let replaced = beside(&to, ".replaced");
    if occupied && !replace {
        return Err(refused(format!("{} exists already, and is not to be replaced", to.display())));
    }
    if occupied && replaced.exists() {
        return Err(refused(format!(
            "{} is there from an earlier replacement: move it away",
            replaced.display()
        )));
    }
    let part = beside(&to, ".restoring");
    drop(fs::remove_file(&part));
    drop(lock::create_private(&part)?);
    let id = fill(from, &part).map_err(|fault| fault.during(OPERATION))?;
    failpoint!("restore.filled", fails);
    if occupied {
        set_aside(&to, &replaced).map_err(|error| cannot(OPERATION, &to, &error))?;
    }
    failpoint!("restore.set_aside", fails);
    settle(&part, &to).map_err(|error| cannot(OPERATION, &to, &error))?;
    Ok(id)
}

/// Fills a new file from a copy that is whole and of a schema that is known.
fn fill(from: &Path, part: &Path) -> Tried<StoreId> {
    let source = seals::open_copy(from)?;
    if check_schema(&source, MIGRATIONS)? == 0 {
        return Err(refused(format!("{} is no copy of a store", from.display())).into());
    }
    check::check(&source)?;
    pegboard_pages::write_sealed(&source, part)?;
    let target = pegboard_pages::open(part, OpenFlags::default())?;
    let id = StoreId::random()?;
    target.execute("INSERT OR REPLACE INTO meta (name, value) VALUES ('store_id', ?1)", [id.as_str()])?;
    target.close().map_err(|(_, error)| Fault::from(error))?;
    Ok(id)
}

/// Gives what is at `to` another name, with its log: the file keeps its own as well, until another one takes it.
fn set_aside(to: &Path, replaced: &Path) -> io::Result<()> {
    fs::hard_link(to, replaced)?;
    let (log, index) = (beside(to, "-wal"), beside(to, "-shm"));
    if log.exists() {
        fs::rename(&log, beside(replaced, "-wal"))?;
    }
    if index.exists() {
        fs::remove_file(index)?;
    }
    Ok(())
}

/// Gives a file its name once all of it is on the disk; the name is on the disk afterwards.
pub(super) fn settle(part: &Path, target: &Path) -> io::Result<()> {
    File::open(part)?.sync_all()?;
    fs::rename(part, target)?;
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path.as_os_str());
    name.push(ending);
    name.into()
}

/// `2026-03-02T09:00:00Z` without what some file systems do not take.
fn in_a_name(at: Timestamp) -> String {
    at.to_string().chars().filter(|char| !matches!(char, '-' | ':')).collect()
}

fn refused(cause: String) -> StoreError {
    StoreError::Database { operation: "restore the store", cause: cause.into() }
}

pub(super) fn cannot(operation: &'static str, path: &Path, error: &io::Error) -> StoreError {
    StoreError::Database { operation, cause: format!("{}: {error}", path.display()).into() }
}
