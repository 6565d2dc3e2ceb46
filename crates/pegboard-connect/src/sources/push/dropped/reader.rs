//! A folder of dropped files, being read.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pegboard_model::{Millis, Position, Timestamp};

use super::Dropped;
use super::content::Item;
use super::folder::{self, Opened, Seen};
use super::position::{DroppedPosition, Within};
use crate::sources::file::Clock;
use crate::spec::{Broken, Chunk, PartitionReader, Record, SourceError};

/// The lane of what is dropped in the folder.
pub(in super::super) const FOLDER_LANE: &str = "files";

/// How often the folder is looked at. A file that is the same in two looks in a row is whole.
const POLL: Duration = Duration::from_secs(1);

/// The most records of one chunk.
const MOST: usize = 1000;

/// Reads the folder; without one, nothing comes.
pub(in super::super) struct DroppedReader {
    folder: Option<Arc<Dropped>>,
    clock: Clock,
    position: DroppedPosition,
    /// What the last look found.
    seen: BTreeSet<Seen>,
    /// The file at hand. Once all of it was handed over, the next call says that it is committed.
    open: Option<Opened>,
    has_looked: bool,
}

/// What a look at the folder finds.
enum Found {
    /// A file that is whole, read.
    File(Opened),
    /// No file at all, when it was looked at.
    Nothing { asked: Timestamp },
}

impl std::fmt::Debug for DroppedReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DroppedReader").field("position", &self.position).finish_non_exhaustive()
    }
}

impl Dropped {
    /// How many files wait; fails where the folder cannot be looked into.
    pub(in super::super) async fn probe(self: &Arc<Self>) -> Result<String, SourceError> {
        let seen = self.within(|dropped| folder::list(&dropped.path)).await?;
        Ok(format!("{} has {} files to read", self.path.display(), seen.len()))
    }

    /// Does something with the folder on a thread that may wait.
    async fn within<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> io::Result<T> + Send + 'static,
    ) -> Result<T, SourceError> {
        let dropped = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&dropped)).await;
        done.map_err(io::Error::other).flatten().map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &io::Error) -> SourceError {
        let message = format!("folder {}: {error}", self.path.display());
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => SourceError::permanent(message),
            _ => SourceError::passing(message),
        }
    }
}

impl DroppedReader {
    pub(in super::super) fn new(
        folder: Option<Arc<Dropped>>,
        clock: Clock,
        position: DroppedPosition,
    ) -> Self {
        Self { folder, clock, position, seen: BTreeSet::new(), open: None, has_looked: false }
    }

    /// The next file that is whole, read.
    async fn find(&mut self) -> Result<Found, SourceError> {
        loop {
            if self.has_looked {
                tokio::time::sleep(POLL).await;
            }
            self.has_looked = true;
            let asked = (self.clock)();
            let Some(folder) = self.folder.clone() else { return Ok(Found::Nothing { asked }) };
            let found = folder.within(|dropped| folder::list(&dropped.path)).await?;
            let whole = found.iter().find(|file| self.seen.contains(*file)).map(|file| file.name.clone());
            let is_empty = found.is_empty();
            self.seen = found.into_iter().collect();
            if is_empty {
                return Ok(Found::Nothing { asked });
            }
            let Some(name) = whole else { continue };
            if let Some(opened) = folder.within(move |dropped| folder::open(&dropped.path, &name)).await? {
                return Ok(Found::File(opened));
            }
        }
    }

    /// Begins a file, or goes on with it where the position is within it.
    fn begin(&mut self, mut opened: Opened) {
        let is_it = |within: &Within| within.name == opened.name && within.hash == opened.hash;
        let done = self.position.within.as_ref().filter(|within| is_it(within)).map(|within| within.records);
        let done = done.unwrap_or_default();
        opened.items.by_ref().take(usize::try_from(done).unwrap_or(usize::MAX)).for_each(drop);
        let (name, hash) = (opened.name.clone(), opened.hash);
        self.position.within = Some(Within { name, hash, records: done });
        self.open = Some(opened);
    }

    /// The next records of the file at hand; nothing at its end.
    fn read_on(&mut self) -> Option<Chunk> {
        let opened = self.open.as_mut()?;
        let mut chunk = Chunk { is_judged: true, ..Chunk::at(Position::Number(0)) };
        let first = self.position.records;
        for item in opened.items.by_ref().take(MOST) {
            self.position.records += 1;
            let position = Position::Number(self.position.records);
            match item {
                Item::Record(data) => chunk.records.push(Record { position, data }),
                Item::Row(row) => chunk.rows.push(*row),
                Item::Broken(data, reason) => chunk.broken.push(Broken { position, data, reason }),
            }
        }
        let read = self.position.records - first;
        if let Some(within) = &mut self.position.within {
            within.records += read;
        }
        chunk.position = (&self.position).into();
        (read > 0).then_some(chunk)
    }

    /// Puts the file at hand away: all of it is committed.
    async fn put_away(&mut self) -> Result<(), SourceError> {
        let (Some(opened), Some(folder)) = (self.open.take(), self.folder.clone()) else { return Ok(()) };
        let opened = Arc::new(opened);
        let moved = opened.clone();
        let put = folder.within(move |dropped| folder::put_away(&dropped.path, &moved)).await;
        if put.is_err() {
            // To be tried again: the file is read anew then, up to where it was.
            self.seen.clear();
        }
        // The next file follows at once.
        self.has_looked = false;
        put
    }
}

#[async_trait]
impl PartitionReader for DroppedReader {
    async fn next(&mut self) -> Result<Chunk, SourceError> {
        loop {
            if let Some(chunk) = self.read_on() {
                return Ok(chunk);
            }
            self.put_away().await?;
            match self.find().await? {
                Found::File(opened) => self.begin(opened),
                Found::Nothing { asked } => {
                    return Ok(Chunk {
                        watermark: Some(asked),
                        behind: Some(Millis::ZERO),
                        ..Chunk::at((&self.position).into())
                    });
                }
            }
        }
    }
}
