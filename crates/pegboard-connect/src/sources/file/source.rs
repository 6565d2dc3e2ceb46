//! Reads files as they grow.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pegboard_model::{Millis, PartitionId, Position, Timestamp};

use crate::decompress;
use crate::framing::{Framer, MAX_RECORD_BYTES};
use crate::sources::amazon_connect::Decoder;
use crate::spec::{
    Broken, Chunk, Decode, Opening, PartitionReader, Plan, Progress, Record, Source, SourceError,
};

/// The kind, as the configuration names it.
pub const KIND: &str = "file";

/// How many bytes one read takes: a few hundred records, and always more than the longest one.
const READ_BYTES: u64 = 2 * MAX_RECORD_BYTES as u64;

/// How often the end of a file is looked at again.
const POLL: Duration = Duration::from_millis(500);

/// The most files of a folder that are read.
const MAX_FILES: usize = 10_000;

/// Reads the clock.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Records in a file, or in the files of a folder, in Amazon Connect's formats.
#[derive(Clone)]
pub struct FileSource {
    path: PathBuf,
    follow: bool,
    clock: Clock,
}

impl std::fmt::Debug for FileSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileSource")
            .field("path", &self.path)
            .field("follow", &self.follow)
            .finish_non_exhaustive()
    }
}

impl FileSource {
    /// Reads `path`, a file or a folder; with `follow` it goes on at the end.
    pub fn new(path: PathBuf, follow: bool, clock: Clock) -> Self {
        Self { path, follow, clock }
    }

    /// The files that are there now, by name: hidden ones and folders left out.
    fn files(&self) -> io::Result<Vec<PathBuf>> {
        if !fs::metadata(&self.path)?.is_dir() {
            return Ok(vec![self.path.clone()]);
        }
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            if !hidden && entry.path().is_file() {
                files.push(entry.path());
            }
            if files.len() > MAX_FILES {
                return Err(io::Error::other(format!("more than {MAX_FILES} files: move old ones away")));
            }
        }
        files.sort();
        Ok(files)
    }

    fn failed(path: &Path, error: &io::Error) -> SourceError {
        let message = format!("{}: {error}", path.display());
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => SourceError::permanent(message),
            _ => SourceError::passing(message),
        }
    }
}

#[async_trait]
impl Source for FileSource {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn has_heartbeat(&self) -> bool {
        true
    }

    async fn probe(&self) -> Result<String, SourceError> {
        let files = self.files().map_err(|error| Self::failed(&self.path, &error))?;
        if let Some(first) = files.first() {
            File::open(first).map_err(|error| Self::failed(first, &error))?;
        }
        Ok(format!("{} has {} files to read", self.path.display(), files.len()))
    }

    async fn plan(&self, known: &BTreeMap<PartitionId, Progress>) -> Result<Plan, SourceError> {
        let files = self.files().map_err(|error| Self::failed(&self.path, &error))?;
        let mut plan = Plan::default();
        for file in &files {
            let partition = PartitionId::from(file.display().to_string());
            let (from, watermark) = match known.get(&partition) {
                Some(Progress::Finished) => continue,
                Some(Progress::Started { position, watermark }) => (position.clone(), *watermark),
                None => (Position::Number(0), None),
            };
            plan.open.push(Opening { partition, from, watermark, parents: Vec::new() });
        }
        let listed = |partition: &PartitionId| {
            files.iter().any(|file| file.display().to_string() == partition.as_str())
        };
        let lost = known
            .iter()
            .filter(|(partition, progress)| **progress != Progress::Finished && !listed(partition));
        plan.lost = lost.map(|(partition, _)| partition.clone()).collect();
        Ok(plan)
    }

    fn open(&self, opening: &Opening) -> Result<Box<dyn PartitionReader>, SourceError> {
        let Position::Number(offset) = opening.from else {
            let message = format!("{}: {} is no position in a file", opening.partition, opening.from);
            return Err(SourceError::permanent(message));
        };
        Ok(Box::new(FilePartition {
            path: opening.partition.as_str().into(),
            follow: self.follow,
            clock: self.clock.clone(),
            offset,
            at_end: false,
        }))
    }

    fn decoder(&self) -> Box<dyn Decode> {
        Box::new(Decoder::new())
    }
}

/// A file being read.
struct FilePartition {
    path: PathBuf,
    follow: bool,
    clock: Clock,
    offset: u64,
    at_end: bool,
}

impl std::fmt::Debug for FilePartition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FilePartition")
            .field("path", &self.path)
            .field("offset", &self.offset)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl PartitionReader for FilePartition {
    async fn next(&mut self) -> Result<Chunk, SourceError> {
        if self.at_end {
            tokio::time::sleep(POLL).await;
        }
        let (path, offset, follow) = (self.path.clone(), self.offset, self.follow);
        let asked = (self.clock)();
        let read = tokio::task::spawn_blocking(move || read_file(&path, offset, follow)).await;
        let read = read.map_err(|error| SourceError::passing(error.to_string()))?;
        let read = read.map_err(|error| FileSource::failed(&self.path, &error))?;
        self.offset = read.offset;
        self.at_end = read.at_end;
        Ok(Chunk {
            records: read.records,
            position: Position::Number(read.offset),
            watermark: read.at_end.then_some(asked),
            behind: read.at_end.then_some(Millis::ZERO),
            ended: read.at_end && (read.whole || !follow),
            gap: None,
            broken: read.broken,
        })
    }
}

/// What one look at a file gave.
struct FileRead {
    records: Vec<Record>,
    broken: Vec<Broken>,
    offset: u64,
    at_end: bool,
    /// Whether the file was read as a whole, because it is compressed, and cannot grow.
    whole: bool,
}

fn read_file(path: &Path, offset: u64, follow: bool) -> io::Result<FileRead> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    if length < offset {
        let message = format!(
            "has {length} bytes, and {offset} were read: it was replaced; give new content a new name"
        );
        return Err(io::Error::other(message));
    }
    let mut magic = [0; 4];
    let known = file.read(&mut magic)?;
    file.seek(SeekFrom::Start(0))?;
    if magic[..known].starts_with(b"\x1f\x8b") || magic[..known] == *b"\x28\xb5\x2f\xfd" {
        return read_compressed(file, offset, length);
    }
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.take(READ_BYTES).read_to_end(&mut bytes)?;
    let reached_end = offset + bytes.len() as u64 >= length;
    // While the file may grow, what is not ended by a line end is the start of a record still being written.
    let complete = if reached_end && follow {
        bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1)
    } else {
        bytes.len()
    };
    let (records, broken, consumed) = split(&bytes[..complete], offset, reached_end);
    Ok(FileRead { records, broken, offset: offset + consumed as u64, at_end: reached_end, whole: false })
}

/// Reads a compressed file, of which nothing was read before. Its positions are those of the plain content; the one
/// behind it is its own length, which says that it is done.
fn read_compressed(file: File, offset: u64, length: u64) -> io::Result<FileRead> {
    if offset == length {
        return Ok(FileRead { records: Vec::new(), broken: Vec::new(), offset, at_end: true, whole: true });
    }
    let mut bytes = Vec::new();
    decompress::reader(file)?.read_to_end(&mut bytes)?;
    let (records, broken, _) = split(&bytes, 0, true);
    Ok(FileRead { records, broken, offset: length, at_end: true, whole: true })
}

fn split(bytes: &[u8], base: u64, last: bool) -> (Vec<Record>, Vec<Broken>, usize) {
    let mut frames = Framer::new().frames(bytes, last);
    let (mut records, mut broken) = (Vec::new(), Vec::new());
    for frame in frames.by_ref() {
        match frame {
            Ok(frame) => records
                .push(Record { position: Position::Number(base + frame.offset), data: frame.bytes.to_vec() }),
            Err(frame) => broken.push(Broken {
                position: Position::Number(base + frame.offset),
                data: frame.bytes.to_vec(),
                reason: frame.reason.to_string(),
            }),
        }
    }
    let (_, consumed) = frames.finish();
    (records, broken, consumed)
}
