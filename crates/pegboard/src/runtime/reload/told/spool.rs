//! Facts on their way from where they are told to their days: on disk, because they are more than fits into memory, and gone with the
//! process.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// From how many bytes on what waits for a place is written.
const BLOCK: usize = 64 * 1024;

/// How hard is packed: it is read once, soon.
const LEVEL: i32 = 1;

/// How many facts one place holds, because they are in memory together.
pub(super) const MOST_OF_PLACE: u64 = if cfg!(test) { 1000 } else { 4_000_000 };

/// A file without a name, in which facts lie by place.
#[derive(Debug)]
pub(super) struct Spool {
    file: File,
    end: u64,
    places: HashMap<Place, Stretches>,
}

/// Where facts lie that are read together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// What was observed of some agents.
    Evidence(u64),
    /// Versions of some contacts.
    Versions(u64),
    /// Events of some contacts that are told of piece by piece.
    Pieces(u64),
    /// The agents of a day.
    Agents(usize),
    /// The contacts of a day.
    Contacts(usize),
    /// The rows of a day that the ACD computed.
    Rows(usize),
}

#[derive(Debug, Default)]
struct Stretches {
    count: u64,
    written: BTreeMap<u64, u64>,
    waiting: Vec<u8>,
}

impl Spool {
    /// An empty one, on the disk of `folder`.
    pub(super) fn in_folder(folder: &Path) -> io::Result<Self> {
        Ok(Self::of(tempfile::tempfile_in(folder)?))
    }

    /// An empty one, where this machine keeps what is temporary (`TMPDIR`).
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self::of(tempfile::tempfile()?))
    }

    fn of(file: File) -> Self {
        Self { file, end: 0, places: HashMap::new() }
    }

    /// Adds a fact. Fails if the place is full.
    pub(super) fn push(&mut self, place: Place, fact: &impl Serialize) -> io::Result<()> {
        let stretches = self.places.entry(place).or_default();
        if stretches.count == MOST_OF_PLACE {
            let message = "there is more of these days than can be looked at together: ask for fewer days";
            return Err(io::Error::new(io::ErrorKind::QuotaExceeded, message));
        }
        stretches.count += 1;
        serde_json::to_writer(&mut stretches.waiting, fact)?;
        stretches.waiting.push(b'\n');
        if stretches.waiting.len() < BLOCK {
            return Ok(());
        }
        let packed = zstd::encode_all(&*stretches.waiting, LEVEL)?;
        stretches.waiting.clear();
        stretches.written.insert(self.end, packed.len() as u64);
        self.file.seek(SeekFrom::Start(self.end))?;
        self.file.write_all(&packed)?;
        self.end += packed.len() as u64;
        Ok(())
    }

    /// All facts of a place, in the order in which they came.
    pub(super) fn read<T: DeserializeOwned>(&mut self, place: Place) -> io::Result<Vec<T>> {
        let Some(stretches) = self.places.get(&place) else { return Ok(Vec::new()) };
        let mut facts = Vec::new();
        for (at, length) in &stretches.written {
            self.file.seek(SeekFrom::Start(*at))?;
            let text = zstd::decode_all((&mut self.file).take(*length))?;
            parse(&text, &mut facts)?;
        }
        parse(&stretches.waiting, &mut facts)?;
        Ok(facts)
    }

    /// Forgets what lies at a place. What it took on the disk is given back with the file.
    pub(super) fn forget(&mut self, place: Place) {
        self.places.remove(&place);
    }
}

fn parse<T: DeserializeOwned>(text: &[u8], facts: &mut Vec<T>) -> io::Result<()> {
    for fact in serde_json::Deserializer::from_slice(text).into_iter() {
        facts.push(fact?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_come_back_by_place_in_their_order() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::in_folder(folder.path()).unwrap();
        let text = |number: usize| format!("{number} {}", "x".repeat(1000));
        for number in 0..400 {
            let place = if number % 2 == 0 { Place::Agents(0) } else { Place::Rows(0) };
            spool.push(place, &text(number)).unwrap();
        }
        assert!(spool.end > 0, "some of it is on the disk");
        let even: Vec<String> = (0..400).step_by(2).map(text).collect();
        for _ in 0..2 {
            assert_eq!(spool.read::<String>(Place::Agents(0)).unwrap(), even);
        }
        spool.forget(Place::Agents(0));
        assert_eq!(spool.read::<String>(Place::Agents(0)).unwrap(), [""; 0]);
        assert_eq!(spool.read::<String>(Place::Rows(0)).unwrap().len(), 200);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nobody else sees it");
    }

    #[test]
    fn r28_what_would_not_fit_into_memory_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::in_folder(folder.path()).unwrap();
        for fact in 0..MOST_OF_PLACE {
            spool.push(Place::Evidence(7), &fact).unwrap();
        }
        let refused = spool.push(Place::Evidence(7), &0).unwrap_err().to_string();
        assert!(refused.contains("ask for fewer days"), "{refused}");
        spool.push(Place::Evidence(8), &0).unwrap();
    }
}
