//! The folder itself: what is in it, and where what was read goes. For threads that may wait.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;
use std::time::SystemTime;

use xxhash_rust::xxh3::xxh3_64;

use super::content::{self, Format, Item, MAX_FILE_BYTES};

/// The most files that a folder holds.
pub(super) const MAX_FILES: usize = 10_000;

/// Where files go that were read.
pub(super) const DONE: &str = "done";

/// Where files go that were refused as a whole.
pub(super) const REFUSED: &str = "refused";

/// A file as a look finds it: whoever writes it changes one of the three.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Seen {
    modified: SystemTime,
    pub(super) name: String,
    length: u64,
}

/// A file that was read and is not put away yet.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) name: String,
    pub(super) hash: u64,
    pub(super) items: std::vec::IntoIter<Item>,
    length: u64,
    is_refused: bool,
}

/// The files of a folder that are for us, the oldest first. Hidden ones and those of other formats are left alone.
pub(super) fn list(folder: &Path) -> io::Result<Vec<Seen>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
        if Format::of(&name).is_none() {
            continue;
        }
        // It may be gone meanwhile.
        let Ok(about) = entry.metadata() else { continue };
        if about.is_file() {
            files.push(Seen { modified: about.modified()?, name, length: about.len() });
        }
        if files.len() > MAX_FILES {
            let message = format!("more than {MAX_FILES} files: drop fewer at once, or take some away");
            return Err(io::Error::other(message));
        }
    }
    files.sort();
    Ok(files)
}

/// Reads a file as a whole; nothing if it is gone.
pub(super) fn open(folder: &Path, name: &str) -> io::Result<Option<Opened>> {
    let Some(format) = Format::of(name) else { return Ok(None) };
    let file = match File::open(folder.join(name)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let (length, mut bytes) = (file.metadata()?.len(), Vec::new());
    file.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    let (items, is_refused) = content::read(name, format, &bytes);
    let hash = xxh3_64(&bytes);
    Ok(Some(Opened { name: name.to_owned(), hash, items: items.into_iter(), length, is_refused }))
}

/// Moves a file away that is done with, unless it is gone, or has grown and is to be read anew. What has its name there already stays.
pub(super) fn put_away(folder: &Path, opened: &Opened) -> io::Result<()> {
    let from = folder.join(&opened.name);
    match fs::metadata(&from) {
        Ok(about) if about.len() == opened.length => {}
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    }
    let place = folder.join(if opened.is_refused { REFUSED } else { DONE });
    fs::create_dir_all(&place)?;
    let plain = place.join(&opened.name);
    let to = if plain.exists() { place.join(format!("{}.{:016x}", opened.name, opened.hash)) } else { plain };
    fs::rename(from, to)
}
