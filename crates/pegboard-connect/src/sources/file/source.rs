//! Reads files as they grow.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use pegboard_model::{PartitionId, Position, Timestamp};

use super::partition::{Done, FilePartition};
use crate::sources::amazon_connect::Decoder;
use crate::spec::{Decode, Opening, PartitionReader, Plan, Progress, Source, SourceError};

/// The kind, as the configuration names it.
pub const KIND: &str = "file";

/// The most files of a folder that are read.
const MAX_FILES: usize = 10_000;

/// Reads the clock.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Records in a file, or in the files of a folder, in Amazon Connect's formats.
#[derive(Clone)]
pub struct FileSource {
    pub(super) path: PathBuf,
    pub(super) follow: bool,
    pub(super) clock: Clock,
    pub(super) done: Done,
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
        Self { path, follow, clock, done: Done::default() }
    }

    /// The files that are there now, by name.
    async fn files(&self) -> Result<Vec<PathBuf>, SourceError> {
        let path = self.path.clone();
        let listed = tokio::task::spawn_blocking(move || list(&path)).await;
        let listed = listed.map_err(|error| SourceError::passing(error.to_string()))?;
        listed.map_err(|error| failed(&self.path, &error))
    }
}

/// The file `path`, or those in the folder `path`, by name: hidden ones and folders left out.
fn list(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !fs::metadata(path)?.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path)? {
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

/// What the failure to read `path` means.
pub(super) fn failed(path: &Path, error: &io::Error) -> SourceError {
    let message = format!("{}: {error}", path.display());
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => SourceError::permanent(message),
        _ => SourceError::passing(message),
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
        let files = self.files().await?;
        let count = files.len();
        if let Some(first) = files.into_iter().next() {
            let opened = tokio::task::spawn_blocking(move || {
                File::open(&first).map(drop).map_err(|error| failed(&first, &error))
            });
            opened.await.map_err(|error| SourceError::passing(error.to_string()))??;
        }
        Ok(format!("{} has {count} files to read", self.path.display()))
    }

    async fn plan(&self, known: &BTreeMap<PartitionId, Progress>) -> Result<Plan, SourceError> {
        let files = self.files().await?;
        let listed: BTreeSet<PartitionId> =
            files.iter().map(|file| PartitionId::from(file.display().to_string())).collect();
        let mut plan = Plan::default();
        for (partition, progress) in known {
            let Progress::Started { position, watermark } = progress else { continue };
            // The reader of a file that was taken away when it was read notices that, and ends it.
            if listed.contains(partition) || self.done.contains(partition) {
                plan.open.push(Opening {
                    partition: partition.clone(),
                    from: position.clone(),
                    watermark: *watermark,
                    parents: Vec::new(),
                });
            } else {
                plan.lost.push(partition.clone());
            }
        }
        for partition in listed.into_iter().filter(|partition| !known.contains_key(partition)) {
            let from = self.oldest(&partition);
            plan.open.push(Opening { partition, from, watermark: None, parents: Vec::new() });
        }
        Ok(plan)
    }

    fn oldest(&self, _partition: &PartitionId) -> Position {
        Position::Number(0)
    }

    fn open(&self, opening: &Opening) -> Result<Box<dyn PartitionReader>, SourceError> {
        let Position::Number(position) = opening.from else {
            let message = format!("{}: {} is no position in a file", opening.partition, opening.from);
            return Err(SourceError::permanent(message));
        };
        Ok(Box::new(FilePartition::new(self, opening.partition.clone(), position)))
    }

    fn decoder(&self) -> Box<dyn Decode> {
        Box::new(Decoder::new())
    }
}
