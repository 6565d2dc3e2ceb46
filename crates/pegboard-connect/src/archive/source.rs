//! An archive, read as the source that it came from.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use pegboard_model::{Observation, Order, PartitionId, Position};
use tokio::sync::{OnceCell, mpsc, watch};

use super::{Archive, ArchiveError, FileName, Step};
use crate::sources::DecodeError;
use crate::spec::{
    Assemble, Carries, Chunk, Decode, Decoded, Lost, Opening, PartitionReader, Plan, Progress, Source,
    SourceError,
};

/// How many steps are read ahead.
const AHEAD: usize = 2;

/// Why there is a gap where there was none when it was archived.
const HOLE: &str = "the archive lacks what came between its files";

/// The archive of a source, as that source: the same partitions, records and positions, step by step. Whatever is read
/// from it goes on with the source itself where the archive ends.
#[derive(Debug)]
pub struct ArchiveSource {
    archive: Archive,
    source: Box<dyn Source>,
    /// The partition whose records are observations already, as JSON.
    observed: PartitionId,
    partitions: OnceCell<BTreeMap<PartitionId, Archived>>,
    read: watch::Sender<BTreeSet<PartitionId>>,
}

/// What there is of a partition.
#[derive(Debug, Clone)]
struct Archived {
    files: Vec<FileName>,
    /// Where it stood before its first step.
    from: Position,
    parents: Vec<PartitionId>,
}

/// Tells when everything was read.
#[derive(Debug)]
pub struct Exhausted(watch::Receiver<BTreeSet<PartitionId>>);

impl Exhausted {
    /// Waits until so many partitions were read to the end of the archive, and what they brought was taken: they have ended,
    /// or are asked for more.
    pub async fn wait(&mut self, partitions: usize) {
        // The sender lives as long as the source, without which nobody waits for anything.
        drop(self.0.wait_for(|read| read.len() >= partitions).await);
    }
}

impl ArchiveSource {
    /// What `archive` holds, to be decoded as `source` does. Records of the partition `observed` are observations already.
    pub fn new(archive: Archive, source: Box<dyn Source>, observed: PartitionId) -> Self {
        Self { archive, source, observed, partitions: OnceCell::new(), read: watch::Sender::default() }
    }

    /// Tells when everything was read.
    pub fn exhausted(&self) -> Exhausted {
        Exhausted(self.read.subscribe())
    }

    /// How many partitions there are.
    pub async fn count(&self) -> Result<usize, SourceError> {
        Ok(self.partitions().await?.len())
    }

    async fn partitions(&self) -> Result<&BTreeMap<PartitionId, Archived>, SourceError> {
        let look = || async {
            let archive = self.archive.clone();
            let listed = tokio::task::spawn_blocking(move || list(&archive)).await;
            let listed = listed.map_err(|error| SourceError::passing(error.to_string()))?;
            listed.map_err(|error| SourceError::permanent(error.to_string()))
        };
        self.partitions.get_or_try_init(look).await
    }
}

/// Everything that there is, by partition.
fn list(archive: &Archive) -> Result<BTreeMap<PartitionId, Archived>, ArchiveError> {
    let mut partitions = BTreeMap::new();
    for files in archive.files()? {
        let Some(file) = files.first() else { continue };
        let Some(first) = archive.steps(file)?.next().transpose()? else { continue };
        let archived = Archived { files, from: first.from, parents: first.parents };
        partitions.insert(first.partition, archived);
    }
    Ok(partitions)
}

#[async_trait]
impl Source for ArchiveSource {
    fn kind(&self) -> &'static str {
        self.source.kind()
    }

    fn has_heartbeat(&self) -> bool {
        self.source.has_heartbeat()
    }

    async fn probe(&self) -> Result<String, SourceError> {
        let partitions = self.partitions().await?;
        let files: usize = partitions.values().map(|archived| archived.files.len()).sum();
        Ok(format!("{} holds {files} files of {} partitions", self.archive.shown(), partitions.len()))
    }

    async fn plan(&self, known: &BTreeMap<PartitionId, Progress>) -> Result<Plan, SourceError> {
        let partitions = self.partitions().await?;
        let mut plan = Plan::default();
        for (partition, archived) in partitions {
            let (from, watermark) = match known.get(partition) {
                Some(Progress::Finished) => {
                    // Nobody asks for more of it.
                    self.read.send_if_modified(|read| read.insert(partition.clone()));
                    continue;
                }
                Some(Progress::Started { position, watermark }) => (position.clone(), *watermark),
                None => (archived.from.clone(), None),
            };
            let under_way = |parent: &PartitionId| {
                partitions.contains_key(parent) && known.get(parent) != Some(&Progress::Finished)
            };
            if archived.parents.iter().any(under_way) {
                plan.waiting.push(partition.clone());
                continue;
            }
            let parents = archived.parents.clone();
            plan.open.push(Opening { partition: partition.clone(), from, watermark, parents });
        }
        Ok(plan)
    }

    fn oldest(&self, partition: &PartitionId) -> Position {
        let archived = self.partitions.get().and_then(|partitions| partitions.get(partition));
        archived.map_or(Position::Number(0), |archived| archived.from.clone())
    }

    fn carries(&self, partition: &PartitionId) -> Carries {
        self.source.carries(partition)
    }

    fn open(&self, opening: &Opening) -> Result<Box<dyn PartitionReader>, SourceError> {
        let Some(archived) = self.partitions.get().and_then(|all| all.get(&opening.partition)) else {
            let message = format!("{}: the archive holds nothing of it", opening.partition);
            return Err(SourceError::permanent(message));
        };
        let (send, steps) = mpsc::channel(AHEAD);
        let (archive, files, from) = (self.archive.clone(), archived.files.clone(), opening.from.clone());
        tokio::task::spawn_blocking(move || read(&archive, &files, &from, &send));
        Ok(Box::new(ArchivedPartition {
            partition: opening.partition.clone(),
            steps,
            read: self.read.clone(),
        }))
    }

    fn assembler(&self) -> Option<Arc<dyn Assemble>> {
        self.source.assembler()
    }

    fn decoder(&self) -> Box<dyn Decode> {
        Box::new(ArchiveDecoder::new(self.observed.clone(), self.source.decoder()))
    }
}

/// Hands over the steps of a partition from `from` on, until there are no more or nobody wants them.
fn read(
    archive: &Archive,
    files: &[FileName],
    from: &Position,
    send: &mpsc::Sender<Result<Chunk, ArchiveError>>,
) {
    let mut reached = None;
    for file in files {
        let steps = match archive.steps(file) {
            Ok(steps) => steps,
            Err(error) => return drop(send.blocking_send(Err(error))),
        };
        for step in steps {
            let chunk = match step {
                Ok(step) if reached.is_none() && step.from != *from => continue,
                Ok(step) => Ok(with_hole(step, reached.as_ref())),
                Err(error) => Err(error),
            };
            let (is_last, position) = match &chunk {
                Ok(chunk) => (false, Some(chunk.position.clone())),
                Err(_) => (true, None),
            };
            reached = position;
            if send.blocking_send(chunk).is_err() || is_last {
                return;
            }
        }
    }
}

/// A step, with a gap before it if something is missing there.
fn with_hole(step: Step, reached: Option<&Position>) -> Chunk {
    let mut chunk = step.chunk;
    if reached.is_some_and(|reached| *reached != step.from) && chunk.gap.is_none() {
        chunk.gap = Some(Lost { from: None, to: Some(step.read), reason: HOLE.to_owned() });
    }
    chunk
}

/// A partition of an archive, being read.
#[derive(Debug)]
struct ArchivedPartition {
    partition: PartitionId,
    steps: mpsc::Receiver<Result<Chunk, ArchiveError>>,
    read: watch::Sender<BTreeSet<PartitionId>>,
}

#[async_trait]
impl PartitionReader for ArchivedPartition {
    async fn next(&mut self) -> Result<Chunk, SourceError> {
        if let Some(chunk) = self.steps.recv().await {
            return chunk.map_err(|error| SourceError::permanent(error.to_string()));
        }
        self.read.send_if_modified(|read| read.insert(self.partition.clone()));
        // The partition has not ended: it goes on where the archive does not.
        std::future::pending().await
    }
}

/// Decodes what the source itself would, and observations that are archived as such.
#[derive(Debug)]
pub struct ArchiveDecoder {
    observed: PartitionId,
    decoder: Box<dyn Decode>,
}

impl ArchiveDecoder {
    /// Decodes as `decoder` does, but for records of the partition `observed`, which are observations already.
    pub fn new(observed: PartitionId, decoder: Box<dyn Decode>) -> Self {
        Self { observed, decoder }
    }
}

impl Decode for ArchiveDecoder {
    fn decode(&mut self, bytes: &[u8], order: Order) -> Result<Decoded, DecodeError> {
        if order.partition != self.observed {
            return self.decoder.decode(bytes, order);
        }
        let seen: Observation = serde_json::from_slice(bytes).map_err(|error| DecodeError::NotJson {
            problem: "not an observation".to_owned(),
            line: error.line(),
            column: error.column(),
        })?;
        Ok(Decoded::Agent(seen))
    }
}
