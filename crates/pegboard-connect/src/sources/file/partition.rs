//! A file being read.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use pegboard_model::{Millis, PartitionId, Position, Timestamp};
use tokio::task::JoinHandle;

use super::growing::Growing;
use super::source::{Clock, FileSource, failed};
use crate::sources::look::Look;
use crate::sources::packed::Packed;
use crate::spec::{Chunk, PartitionReader, SourceError};

/// How often the end of a file is looked at again.
const POLL: Duration = Duration::from_millis(500);

/// The beginnings of gzip and Zstandard, as `decompress` knows them.
const GZIP: &[u8] = b"\x1f\x8b\x08";
const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd";

/// The files of which nothing was left unread when they were last looked at.
#[derive(Debug, Clone, Default)]
pub(super) struct Done(Arc<Mutex<BTreeSet<PartitionId>>>);

impl Done {
    /// Whether nothing of `file` was left unread.
    pub(super) fn contains(&self, file: &PartitionId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(file)
    }

    /// Notes whether anything of `file` was left unread.
    pub(super) fn note(&self, file: &PartitionId, is_done: bool) {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !is_done {
            files.remove(file);
        } else if !files.contains(file) {
            files.insert(file.clone());
        }
    }
}

/// What a look at a file gives: what is known of its content then, and when it was asked.
type Looked = io::Result<(Content, Look, Timestamp)>;

/// How a file is read.
#[derive(Debug)]
enum Content {
    Growing(Growing),
    Packed(Box<Packed<File>>),
}

/// One look at the file at `path`, of which `content` is what is known, if it is.
fn look(path: &Path, content: Option<Content>, (position, follow): (u64, bool), now: Timestamp) -> Looked {
    if let Some(Content::Packed(mut packed)) = content {
        let look = packed.look(now)?;
        return Ok((Content::Packed(packed), look, now));
    }
    let mut file = File::open(path)?;
    let growing = match content {
        Some(Content::Growing(growing)) if !growing.is_untouched() => Some(growing),
        _ if is_packed(&mut file)? => None,
        Some(Content::Growing(growing)) => Some(growing),
        _ => Some(Growing::new(position, follow)),
    };
    if let Some(mut growing) = growing {
        let look = growing.look(&mut file, now)?;
        return Ok((Content::Growing(growing), look, now));
    }
    let mut packed = Box::new(Packed::open(file, position)?);
    let look = packed.look(now)?;
    Ok((Content::Packed(packed), look, now))
}

/// Whether `file` begins as a compressed one. Leaves it at its beginning.
fn is_packed(file: &mut File) -> io::Result<bool> {
    let mut start = Vec::new();
    file.take(ZSTD.len() as u64).read_to_end(&mut start)?;
    file.rewind()?;
    Ok(start.starts_with(GZIP) || start == ZSTD)
}

/// A file being read.
pub(super) struct FilePartition {
    partition: PartitionId,
    path: PathBuf,
    /// Whether it is one of a folder's, from which files may be taken away.
    in_folder: bool,
    follow: bool,
    clock: Clock,
    position: u64,
    at_end: bool,
    /// What is known of its content; nothing before the first look, and after a failure.
    content: Option<Content>,
    /// A look on its way, which a cancelled call has left behind.
    looking: Option<JoinHandle<Looked>>,
    done: Done,
}

impl std::fmt::Debug for FilePartition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FilePartition")
            .field("path", &self.path)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

impl FilePartition {
    /// Reads the file that `source` names, from `position` on.
    pub(super) fn new(source: &FileSource, partition: PartitionId, position: u64) -> Self {
        let path = PathBuf::from(partition.as_str());
        source.done.note(&partition, false);
        Self {
            in_folder: path != source.path,
            follow: source.follow,
            clock: source.clock.clone(),
            position,
            at_end: false,
            content: None,
            looking: None,
            done: source.done.clone(),
            partition,
            path,
        }
    }

    /// Looks at the file, or waits for the look that is on its way.
    async fn look(&mut self) -> io::Result<(Look, Timestamp)> {
        let looking = self.looking.get_or_insert_with(|| {
            let (path, content, now) = (self.path.clone(), self.content.take(), (self.clock)());
            let from = (self.position, self.follow);
            tokio::task::spawn_blocking(move || look(&path, content, from, now))
        });
        let looked = looking.await;
        self.looking = None;
        let (content, look, now) = looked.map_err(io::Error::other)??;
        self.content = Some(content);
        Ok((look, now))
    }

    /// Whether the file was read, and taken away from a folder that is still there.
    async fn was_taken_away(&self, error: &io::Error) -> bool {
        if error.kind() != io::ErrorKind::NotFound || !self.in_folder || !self.done.contains(&self.partition)
        {
            return false;
        }
        let Some(folder) = self.path.parent().map(Path::to_path_buf) else { return false };
        tokio::task::spawn_blocking(move || folder.is_dir()).await.unwrap_or(false)
    }

    /// The end of a file that was taken away after it was read.
    fn end(&self) -> Chunk {
        self.done.note(&self.partition, false);
        Chunk { ended: true, ..Chunk::at(Position::Number(self.position)) }
    }
}

#[async_trait]
impl PartitionReader for FilePartition {
    async fn next(&mut self) -> Result<Chunk, SourceError> {
        if self.at_end && self.looking.is_none() {
            tokio::time::sleep(POLL).await;
        }
        let (look, asked) = match self.look().await {
            Ok(looked) => looked,
            Err(error) if self.was_taken_away(&error).await => return Ok(self.end()),
            Err(error) => return Err(failed(&self.path, &error)),
        };
        self.at_end = look.at_end;
        self.position = look.position;
        self.done.note(&self.partition, look.is_done && !look.ended);
        Ok(Chunk {
            records: look.records,
            position: Position::Number(look.position),
            watermark: look.complete,
            behind: look.complete.map(|complete| asked.since(complete).max(Millis::ZERO)),
            ended: look.ended,
            gap: None,
            broken: look.broken,
            rows: Vec::new(),
            foreign: 0,
            is_judged: false,
        })
    }
}
