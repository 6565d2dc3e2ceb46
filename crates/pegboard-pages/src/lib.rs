//! Checksums for the pages of a SQLite file.
//!
//! SQLite has none of its own: a bit that changes on the disk, within a value, is read as if it had been written. A
//! file that is opened here carries a seal in the last eight bytes of every page. It is made when the page is written to
//! the file and looked at whenever the page is read from it, whatever for, so no statement and no table has to know of
//! it. A page that is not as it was written fails what wanted to read it, and nothing else:
//! [`ErrorCode::DatabaseCorrupt`](rusqlite::ErrorCode::DatabaseCorrupt), and [`broken_page`] names the page.
//!
//! Pages of the write-ahead log have the log's own checksums, which SQLite looks at when it recovers the log after a
//! crash. They get their seal when they move to the file.
//!
//! Another program may read such a file. One that writes it, be it only a log that is left behind, leaves pages whose
//! seals do not fit.

mod seal;
mod vfs;

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

/// The fields of a file's head that tell how it was made, <https://sqlite.org/fileformat2.html#the_database_header>.
const HEAD_BYTES: usize = 100;
const PAGE_BYTES: usize = 16;
const RESERVED: usize = 20;

/// Opens a file of sealed pages, or makes one if the flags say so. A file without seals is opened, too, but reads as
/// broken.
pub fn open(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    vfs::register()?;
    let connection = Connection::open_with_flags_and_vfs(path, flags, vfs::NAME)?;
    vfs::reserve(&connection)?;
    Ok(connection)
}

/// Writes all that `connection` sees to a new file of sealed pages at `to`, which must be empty or not there. It is not
/// on the disk before the caller has synchronised it.
pub fn write_sealed(connection: &Connection, to: &Path) -> rusqlite::Result<()> {
    vfs::register()?;
    connection.execute("VACUUM INTO ?1", [uri(to)])?;
    Ok(())
}

/// Whether pages of the file at `path` have room for a seal; nothing if the file is empty.
pub fn has_seals(path: &Path) -> io::Result<Option<bool>> {
    let mut head = Vec::new();
    File::open(path)?.take(HEAD_BYTES as u64).read_to_end(&mut head)?;
    Ok(head.get(RESERVED).map(|reserved| *reserved == seal::SEAL_BYTES))
}

/// How many pages of the file at `path` are not as they were sealed. What stands in a write-ahead log is not looked at.
pub fn count_broken(path: &Path) -> io::Result<u64> {
    let mut file = BufReader::with_capacity(1 << 20, File::open(path)?);
    let mut head = [0; HEAD_BYTES];
    file.read_exact(&mut head)?;
    let page_bytes = match u16::from_be_bytes([head[PAGE_BYTES], head[PAGE_BYTES + 1]]) {
        1 => 65_536,
        bytes => usize::from(bytes),
    };
    if !page_bytes.is_power_of_two() || page_bytes < seal::LEAST_PAGE {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "not the head of a SQLite file"));
    }
    file.seek(SeekFrom::Start(0))?;
    let (mut page, mut broken) = (vec![0; page_bytes], 0);
    for number in 1_u64.. {
        match file.read_exact(&mut page) {
            Ok(()) => broken += u64::from(!seal::is_whole(number, &page)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
            Err(error) => return Err(error),
        }
    }
    Ok(broken)
}

/// Does some work, and tells the number of the last page that it found broken.
pub fn watch<T>(work: impl FnOnce() -> T) -> (T, Option<u64>) {
    vfs::take_broken();
    (work(), vfs::take_broken())
}

/// The number of the page, from 1, that was the last to be found broken by this thread, once.
#[must_use]
pub fn broken_page() -> Option<u64> {
    vfs::take_broken()
}

fn hex(digit: u8) -> char {
    char::from(b"0123456789ABCDEF"[usize::from(digit)])
}

/// The file as SQLite wants to be told of the module that writes it.
fn uri(path: &Path) -> String {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(byte) {
            uri.push(char::from(*byte));
        } else {
            uri.extend(['%', hex(byte >> 4), hex(byte & 15)]);
        }
    }
    let module = vfs::NAME.to_string_lossy();
    format!("{uri}?vfs={module}&reserve={}", seal::SEAL_BYTES)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use rusqlite::ErrorCode;
    use tempfile::TempDir;

    use super::*;

    const PAGE: usize = 4096;
    const NUMBERS: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)";

    fn folder() -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a b?c#d%.db");
        (folder, path)
    }

    fn fill(connection: &Connection) {
        let sql = format!(
            "CREATE TABLE t (i INTEGER PRIMARY KEY, v TEXT); INSERT INTO t {NUMBERS} SELECT i, 'v' || i FROM n;"
        );
        connection.execute_batch(&sql).unwrap();
    }

    fn filled(path: &Path) {
        let connection = open(path, OpenFlags::default()).unwrap();
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())).unwrap();
        fill(&connection);
    }

    fn sum(path: &Path) -> rusqlite::Result<i64> {
        open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?.query_row(
            "SELECT sum(substr(v, 2)) FROM t",
            [],
            |row| row.get(0),
        )
    }

    #[test]
    fn a_changed_bit_in_any_page_is_found_and_its_page_is_named() {
        let (_folder, path) = folder();
        filled(&path);
        assert_eq!(has_seals(&path).unwrap(), Some(true));
        assert_eq!(sum(&path).unwrap(), 3000 * 3001 / 2);
        let bytes = fs::read(&path).unwrap();
        for page in 0..bytes.len() / PAGE {
            let mut changed = bytes.clone();
            changed[page * PAGE + 2000 + page] ^= 1;
            fs::write(&path, changed).unwrap();
            let error = sum(&path).unwrap_err();
            assert_eq!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt), "{error}");
            assert_eq!(broken_page(), Some(page as u64 + 1));
            assert_eq!(broken_page(), None);
        }
    }

    #[test]
    fn values_of_any_length_read_back_and_a_changed_bit_in_them_is_found() {
        let (_folder, path) = folder();
        let connection = open(&path, OpenFlags::default()).unwrap();
        // Without a rowid, as tables of rows are: what is longer than a quarter of a page goes on in others.
        connection
            .execute_batch("CREATE TABLE long (i INTEGER PRIMARY KEY, v TEXT) WITHOUT ROWID; BEGIN")
            .unwrap();
        for length in 900..3200_u16 {
            let value = "v".repeat(usize::from(length));
            connection.execute("INSERT INTO long VALUES (?1, ?2)", rusqlite::params![length, value]).unwrap();
        }
        connection.execute_batch("COMMIT").unwrap();
        drop(connection);
        let read = || {
            let connection = open(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
            let mut query = connection.prepare("SELECT i, v FROM long")?;
            let misses = query.query_map([], |row| {
                let (length, value): (u16, String) = (row.get(0)?, row.get(1)?);
                Ok(usize::from(length).abs_diff(value.len()))
            })?;
            misses.sum::<rusqlite::Result<usize>>()
        };
        assert_eq!(read(), Ok(0));
        let mut bytes = fs::read(&path).unwrap();
        let page = bytes.len() / PAGE - 1;
        bytes[page * PAGE + 100] ^= 1;
        fs::write(&path, bytes).unwrap();
        assert_eq!(read().unwrap_err().sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt));
        assert_eq!(broken_page(), Some(page as u64 + 1));
    }

    #[test]
    fn pages_that_are_not_as_they_were_sealed_are_counted() {
        let (_folder, path) = folder();
        filled(&path);
        assert_eq!(count_broken(&path).unwrap(), 0);
        let mut bytes = fs::read(&path).unwrap();
        for page in [2, 5, 7] {
            bytes[page * PAGE + 100] ^= 1;
        }
        fs::write(&path, bytes).unwrap();
        assert_eq!(count_broken(&path).unwrap(), 3);
        fs::write(&path, [7; 4096]).unwrap();
        assert!(count_broken(&path).is_err());
    }

    #[test]
    fn a_file_that_grows_and_shrinks_is_whole() {
        let (_folder, path) = folder();
        filled(&path);
        for _ in 0..3 {
            let connection = open(&path, OpenFlags::default()).unwrap();
            connection.execute_batch("DELETE FROM t WHERE i % 3 = 0; VACUUM; DROP TABLE t; VACUUM;").unwrap();
            fill(&connection);
        }
        assert_eq!(sum(&path).unwrap(), 3000 * 3001 / 2);
        let bytes = fs::read(&path).unwrap();
        let unsealed =
            bytes.chunks(PAGE).zip(1..).filter(|(page, number)| !seal::is_whole(*number, page)).count();
        assert_eq!(unsealed, 0);
    }

    #[test]
    fn a_file_without_seals_is_written_anew_with_them() {
        let (_folder, path) = folder();
        let old = Connection::open_in_memory().unwrap();
        fill(&old);
        write_sealed(&old, &path).unwrap();
        assert_eq!(has_seals(&path).unwrap(), Some(true));
        assert_eq!(sum(&path).unwrap(), 3000 * 3001 / 2);
    }

    #[test]
    fn another_program_may_read_what_a_crash_has_left() {
        let (folder, path) = folder();
        let connection = open(&path, OpenFlags::default()).unwrap();
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())).unwrap();
        fill(&connection);
        let left = folder.path().join("left.db");
        for ending in ["", "-wal"] {
            fs::copy(format!("{}{ending}", path.display()), format!("{}{ending}", left.display())).unwrap();
        }
        let other = Connection::open_with_flags(&left, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let seen: i64 = other.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
        drop(other);
        assert_eq!(seen, 3000);
        assert_eq!(sum(&left).unwrap(), 3000 * 3001 / 2);
    }

    #[test]
    fn what_another_program_wrote_is_not_as_it_was_written() {
        let (_folder, path) = folder();
        filled(&path);
        Connection::open(&path).unwrap().execute_batch("UPDATE t SET v = 'v7' WHERE i = 1500").unwrap();
        assert!(sum(&path).is_err());
    }
}
