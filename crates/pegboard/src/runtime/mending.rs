//! Dead letters that are tried again.
//!
//! A file is fetched anew; of a record what was kept is read again, by what is known of the format now. What comes of it is
//! written down in a partition of its own, so that whoever reads the partition in which it stood goes on undisturbed. To mend
//! a letter twice does no harm: what it says is known by then.

use pegboard_connect::spec::{Chunk, Record, SourceError};
use pegboard_model::{PartitionId, Position};
use pegboard_store::{DeadLetter, PAYLOAD_BYTES, StoreError};

use super::ingest::{Ground, IngestError, Standing, Trust, decode, for_archive, prepare};
use super::source::Shared;

/// The name of the partition. No source gives one like it: streams, files and objects have a path in theirs.
const LANE: &str = "mended-letters";

/// Whether a partition is that of letters that were mended.
pub(super) fn is_lane(partition: &PartitionId) -> bool {
    partition.as_str() == LANE
}

/// Why a letter is not mended.
#[derive(Debug, thiserror::Error)]
pub enum NotMended {
    /// It is still bad.
    #[error("{0}")]
    StillBad(String),
    /// What was kept of the record is not all of it.
    #[error(
        "only the first 64 KiB of the record were kept, which cannot be read again; reload its day from where it came, or drop the \
         letter"
    )]
    Cut,
    /// Nothing was kept of what was read.
    #[error("nothing was kept of it that could be read again; write the object anew, or drop the letter")]
    Empty,
    /// No source of that name is configured.
    #[error("source {0} is not configured any more; drop the letter")]
    NoSource(String),
    /// What it was read from cannot be had now.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// It could not be written.
    #[error(transparent)]
    Ingest(#[from] IngestError),
}

impl From<StoreError> for NotMended {
    fn from(error: StoreError) -> Self {
        Self::Ingest(error.into())
    }
}

impl NotMended {
    /// Whether that says something about the letter, which counts as a try.
    pub const fn is_of_letter(&self) -> bool {
        match self {
            Self::StillBad(_) => true,
            Self::Source(error) => error.needs_action,
            Self::Cut | Self::Empty | Self::NoSource(_) | Self::Ingest(_) => false,
        }
    }
}

/// Reads again what a letter is about, and writes down what comes of it.
pub(super) async fn mend(shared: &Shared, letter: &DeadLetter) -> Result<(), NotMended> {
    let mut chunk = match shared.source.again(&letter.partition, &letter.position).await? {
        Some(chunk) => chunk,
        None => kept(letter)?,
    };
    if let Some(broken) = chunk.broken.first() {
        return Err(NotMended::StillBad(broken.reason.clone()));
    }
    let (source, lane) = (&shared.config.name, PartitionId::from(LANE));
    let state = shared.store.take_partition(source, &lane, &[]).await?;
    shared.note_taken(&state).await;
    let before = state.position.clone();
    let number = match before {
        Some(Position::Number(number)) => number + 1,
        _ => 1,
    };
    chunk.position = Position::Number(number);
    let standing = Standing {
        partition: lane,
        parents: [].into(),
        epoch: state.epoch,
        position: before,
        newest: None,
        newest_event: None,
        trust: Trust::default(),
    };
    commit(shared, &standing, &chunk).await
}

/// What was kept of a record, as it came.
fn kept(letter: &DeadLetter) -> Result<Chunk, NotMended> {
    match letter.payload.len() {
        0 => Err(NotMended::Empty),
        PAYLOAD_BYTES.. => Err(NotMended::Cut),
        _ => {
            let record = Record { position: letter.position.clone(), data: letter.payload.clone() };
            Ok(Chunk { records: vec![record], ..Chunk::at(letter.position.clone()) })
        }
    }
}

async fn commit(shared: &Shared, standing: &Standing, chunk: &Chunk) -> Result<(), NotMended> {
    let lane = (&standing.partition, &[][..]);
    let from = standing.position.clone().unwrap_or(Position::Number(0));
    let archive = for_archive(&shared.config, lane, (&from, (shared.clock)()), chunk);
    let archive = archive.map_err(IngestError::from)?;
    let mut agents = shared.agents.lock().await;
    loop {
        shared.refresh(&mut agents).await?;
        let ground = Ground {
            config: &shared.config,
            agents: &agents,
            status: &shared.status,
            queues: &shared.queues,
            assembler: shared.assembler.as_deref(),
            store: &*shared.store,
            now: (shared.clock)(),
        };
        let decodings = decode(&mut *shared.source.decoder(), &standing.partition, chunk);
        let mut prepared = prepare(ground, decodings, standing, chunk).await?;
        if let Some(refused) = prepared.batch.dead_letters.first() {
            return Err(NotMended::StillBad(refused.reason.to_string()));
        }
        prepared.batch.archive.clone_from(&archive);
        if shared.commit(&mut agents, prepared.batch, prepared.staged).await? {
            return Ok(());
        }
    }
}
