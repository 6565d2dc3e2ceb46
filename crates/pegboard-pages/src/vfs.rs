//! The module between SQLite and its own access to files: <https://sqlite.org/vfs.html>.
//!
//! It is SQLite's default one but for four things of a database's main file: a page is sealed on its way to the file,
//! looked at on its way from it, and read whole; and the file is not mapped into memory, where nobody would look.

use std::cell::Cell;
use std::ffi::{CStr, c_int, c_void};
use std::slice;
use std::sync::{Mutex, OnceLock, PoisonError};

use rusqlite::{Connection, Error, ffi};

use crate::seal;

/// What SQLite calls this module.
pub(crate) const NAME: &CStr = c"pegboard-pages";

thread_local! {
    static BROKEN: Cell<Option<u64>> = const { Cell::new(None) };
}

/// See [`crate::broken_page`].
pub(crate) fn take_broken() -> Option<u64> {
    BROKEN.take()
}

/// The module that does the work.
static DEFAULT: OnceLock<Module> = OnceLock::new();

#[derive(Clone, Copy)]
struct Module(*mut ffi::sqlite3_vfs);

// SAFETY: SQLite shares a registered module between all threads, and never changes what is used of it here.
unsafe impl Send for Module {}
// SAFETY: as above.
unsafe impl Sync for Module {}

/// Makes the module known to SQLite, once.
pub(crate) fn register() -> rusqlite::Result<()> {
    static REGISTERED: OnceLock<c_int> = OnceLock::new();
    let code = *REGISTERED.get_or_init(|| {
        // SAFETY: no name asks for the default module; the answer is null or lives as long as the process.
        let default = unsafe { ffi::sqlite3_vfs_find(std::ptr::null()) };
        if default.is_null() {
            return ffi::SQLITE_ERROR;
        }
        let default = DEFAULT.get_or_init(|| Module(default));
        // SAFETY: it is not null, and plain data. Its functions do not look at the module that they are called with,
        // but for `xOpen`, which `open` calls with its own.
        let mut module = unsafe { *default.0 };
        module.pNext = std::ptr::null_mut();
        module.zName = NAME.as_ptr();
        module.xOpen = Some(open);
        // SAFETY: what SQLite is given lives as long as the process, and is complete.
        unsafe { ffi::sqlite3_vfs_register(Box::leak(Box::new(module)), 0) }
    });
    succeeded(code)
}

/// Has the pages of a new file end in room for a seal. A file that has pages stays as it is.
pub(crate) fn reserve(connection: &Connection) -> rusqlite::Result<()> {
    let mut bytes = c_int::from(seal::SEAL_BYTES);
    // SAFETY: the handle is open while the connection is borrowed; the operation reads and writes one integer.
    let code = unsafe {
        ffi::sqlite3_file_control(
            connection.handle(),
            c"main".as_ptr(),
            ffi::SQLITE_FCNTL_RESERVE_BYTES,
            (&raw mut bytes).cast(),
        )
    };
    succeeded(code)
}

fn succeeded(code: c_int) -> rusqlite::Result<()> {
    if code == ffi::SQLITE_OK { Ok(()) } else { Err(Error::SqliteFailure(ffi::Error::new(code), None)) }
}

type ReadBytes = unsafe extern "C" fn(*mut ffi::sqlite3_file, *mut c_void, c_int, i64) -> c_int;
type WriteBytes = unsafe extern "C" fn(*mut ffi::sqlite3_file, *const c_void, c_int, i64) -> c_int;

type Traits = unsafe extern "C" fn(*mut ffi::sqlite3_file) -> c_int;

/// What can be done with a file of sealed pages. SQLite is given the first field, and what it hands back leads here.
#[repr(C)]
struct Methods {
    sealed: ffi::sqlite3_io_methods,
    of: *const ffi::sqlite3_io_methods,
    read: ReadBytes,
    write: WriteBytes,
    traits: Traits,
}

// SAFETY: never changed once it is made; what it points to is static data of the module that does the work.
unsafe impl Send for Methods {}
// SAFETY: as above.
unsafe impl Sync for Methods {}

/// The same methods, with seals; made once for each set of them that there is (they differ by file system).
///
/// # Safety
/// `of` must point to methods that live as long as the process.
unsafe fn with_seals(of: *const ffi::sqlite3_io_methods) -> Option<&'static Methods> {
    static KNOWN: Mutex<Vec<&'static Methods>> = Mutex::new(Vec::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(methods) = known.iter().find(|methods| std::ptr::eq(methods.of, of)) {
        return Some(methods);
    }
    // SAFETY: the caller says that it can be read; it is plain data.
    let mut sealed = unsafe { *of };
    let (read, write, traits) = (sealed.xRead?, sealed.xWrite?, sealed.xDeviceCharacteristics?);
    // The second version of the interface is the last without mapping into memory.
    sealed.iVersion = sealed.iVersion.min(2);
    sealed.xRead = Some(read_sealed);
    sealed.xWrite = Some(write_sealed);
    sealed.xDeviceCharacteristics = Some(without_parts);
    let methods: &'static Methods = Box::leak(Box::new(Methods { sealed, of, read, write, traits }));
    known.push(methods);
    Some(methods)
}

/// Opens a file as the default module does.
unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    flags_out: *mut c_int,
) -> c_int {
    let Some(default) = DEFAULT.get() else { return ffi::SQLITE_CANTOPEN };
    // SAFETY: it was not null when it was found, and is never unregistered.
    let Some(open) = (unsafe { (*default.0).xOpen }) else { return ffi::SQLITE_CANTOPEN };
    // SAFETY: SQLite's own arguments, handed on; `file` has the room that the default module asks for.
    let code = unsafe { open(default.0, name, file, flags, flags_out) };
    if code != ffi::SQLITE_OK || flags & ffi::SQLITE_OPEN_MAIN_DB == 0 {
        return code;
    }
    // SAFETY: an open file has methods, which are static data of the module that opened it.
    let Some(methods) = (unsafe { with_seals((*file).pMethods) }) else { return ffi::SQLITE_CANTOPEN };
    // SAFETY: `file` is ours to write until this returns.
    unsafe { (*file).pMethods = &raw const methods.sealed };
    code
}

/// The methods of a file that [`open`] opened.
///
/// # Safety
/// `file` must be such a file.
unsafe fn methods(file: *mut ffi::sqlite3_file) -> &'static Methods {
    // SAFETY: `open` let it point to the first field of such methods, which live as long as the process.
    unsafe { &*(*file).pMethods.cast::<Methods>() }
}

fn length(bytes: c_int) -> usize {
    usize::try_from(bytes).unwrap_or(0)
}

fn page_number(bytes: c_int, offset: i64) -> Option<u64> {
    seal::number(length(bytes), u64::try_from(offset).ok()?)
}

/// A long value goes on in pages of its own, of which SQLite would read no more than it needs: a part has no seal to look at, and one
/// as long as some page would be taken for it.
unsafe extern "C" fn without_parts(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: SQLite calls this for files with these methods only.
    let traits = unsafe { (methods(file).traits)(file) };
    traits & !ffi::SQLITE_IOCAP_SUBPAGE_READ
}

unsafe extern "C" fn read_sealed(
    file: *mut ffi::sqlite3_file,
    buffer: *mut c_void,
    bytes: c_int,
    offset: i64,
) -> c_int {
    // SAFETY: SQLite calls this for files with these methods only; its arguments are handed on.
    let code = unsafe { (methods(file).read)(file, buffer, bytes, offset) };
    // What is beyond the end of the file, or of what is left of it, has been filled with zeros.
    if code != ffi::SQLITE_OK && code != ffi::SQLITE_IOERR_SHORT_READ {
        return code;
    }
    let Some(number) = page_number(bytes, offset) else { return code };
    // SAFETY: `buffer` has `bytes` bytes, all of which have just been written.
    let page = unsafe { slice::from_raw_parts(buffer.cast::<u8>(), length(bytes)) };
    if seal::is_whole(number, page) {
        return code;
    }
    BROKEN.set(Some(number));
    // Not an error of input and output: for that SQLite would give up the whole transaction, and others with it.
    ffi::SQLITE_CORRUPT
}

unsafe extern "C" fn write_sealed(
    file: *mut ffi::sqlite3_file,
    buffer: *const c_void,
    bytes: c_int,
    offset: i64,
) -> c_int {
    // SAFETY: SQLite calls this for files with these methods only.
    let write = unsafe { methods(file).write };
    let Some(number) = page_number(bytes, offset) else {
        // SAFETY: SQLite's own arguments, handed on.
        return unsafe { write(file, buffer, bytes, offset) };
    };
    // SAFETY: `buffer` has `bytes` bytes. They are SQLite's, so a copy is sealed.
    let mut page = unsafe { slice::from_raw_parts(buffer.cast::<u8>(), length(bytes)) }.to_vec();
    seal::seal(number, &mut page);
    // SAFETY: the copy is as long as what was to be written.
    unsafe { write(file, page.as_ptr().cast(), bytes, offset) }
}
