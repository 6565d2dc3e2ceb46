//! One partition at work: read, prepare, commit, and again.

use std::sync::Arc;
use std::time::Duration;

use pegboard_connect::spec::{Chunk, Decode, Opening, PartitionReader, SourceError};
use pegboard_model::PartitionId;
use pegboard_store::{ArchiveWrite, Batch, Counts, EventsWrite, StoreError, failpoint};
use tokio::time::Instant;

use super::agents::Agents;
use super::ingest::{
    Decodings, Ground, IngestError, Prepared, Standing, Trust, decode, for_archive, for_sinks, gap,
    opening_batch, prepare,
};
use super::source::Shared;
use super::status::Step;
use super::watch;

/// The first pause after a failure; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// How often a partition that brings nothing has its watermark stored.
const IDLE_COMMIT: Duration = Duration::from_secs(5);

/// The longest pause after a failure.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// The pause before a partition that could not be opened is planned again.
const REOPEN_PAUSE: Duration = Duration::from_secs(5);

/// How a partition's task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The partition has ended, or the program stops.
    Finished,
    /// Somebody else owns it now, or it must be opened anew.
    Lost,
    /// It must not be read on: somebody has to act.
    Stopped,
}

/// Takes ownership of a partition, and remembers where it starts. Nothing if it has ended meanwhile.
pub async fn take(shared: &Shared, mut opening: Opening) -> Result<Option<(Opening, Standing)>, StoreError> {
    let source = &shared.config.name;
    let state = shared.store.take_partition(source, &opening.partition, &opening.parents).await?;
    failpoint!("partition.taken", fails);
    if state.finished {
        return Ok(None);
    }
    shared.status.taken(&state);
    shared.status.ask_what_is_carried(|partition| shared.source.carries(partition));
    shared.note_taken(&state).await;
    if let Some(position) = &state.position {
        // It may have gone on since the plan was made.
        opening.from = position.clone();
        opening.watermark = state.watermark;
    } else {
        let batch = opening_batch(source, &opening.partition, state.epoch, opening.from.clone());
        shared.store.commit(batch).await?;
    }
    let standing = Standing {
        partition: opening.partition.clone(),
        parents: opening.parents.as_slice().into(),
        epoch: state.epoch,
        position: Some(opening.from.clone()),
        newest: state.watermark,
        newest_event: None,
        trust: Trust::default(),
    };
    Ok(Some((opening, standing)))
}

/// Reads the partition until it ends, is lost, or `stop` turns true.
pub async fn run(
    shared: Arc<Shared>,
    opening: Opening,
    standing: Standing,
    mut stop: watch::Receiver<bool>,
) -> End {
    let reader = match shared.source.open(&opening) {
        Ok(reader) => reader,
        Err(error) => {
            note_failure(&shared, &opening.partition, &error.message, false);
            tokio::select! {
                biased;
                _ = stop.changed() => {}
                () = tokio::time::sleep(REOPEN_PAUSE) => {}
            }
            return End::Lost;
        }
    };
    let decoder = shared.source.decoder();
    let mut work =
        Work { shared: &shared, reader, decoder, standing, pause: FIRST_PAUSE, committed: None, idle: None };
    let end = work.run(&mut stop).await;
    if end == End::Finished && !*stop.borrow() {
        shared.replan.notify_one();
    }
    end
}

struct Work<'a> {
    shared: &'a Shared,
    reader: Box<dyn PartitionReader>,
    decoder: Box<dyn Decode>,
    standing: Standing,
    pause: Duration,
    /// When the last batch was committed.
    committed: Option<Instant>,
    /// A batch that says nothing but that time has passed, kept back until a second one is worth a commit.
    idle: Option<(Batch, Standing)>,
}

impl Work<'_> {
    /// Reads until the end; the last watermark is stored then, however little it says.
    async fn run(&mut self, stop: &mut watch::Receiver<bool>) -> End {
        let end = self.read(stop).await;
        if end == End::Finished
            && let Err(error) = self.store_idle().await
        {
            note_failure(self.shared, &self.standing.partition, &error.to_string(), false);
        }
        end
    }

    async fn read(&mut self, stop: &mut watch::Receiver<bool>) -> End {
        loop {
            let idle_due = self.committed.unwrap_or_else(Instant::now) + IDLE_COMMIT;
            let read = tokio::select! {
                biased;
                _ = stop.changed() => return End::Finished,
                read = self.reader.next() => read,
                () = tokio::time::sleep_until(idle_due), if self.idle.is_some() => {
                    match self.store_idle().await {
                        Ok(()) => continue,
                        Err(error @ StoreError::NotOwner { .. }) => {
                            tracing::warn!(source.name = %self.shared.config.name, "{error}");
                            return End::Lost;
                        }
                        Err(error) => Err(SourceError::passing(error.to_string())),
                    }
                }
            };
            let chunk = match read {
                Ok(chunk) => chunk,
                Err(error) if error.position_expired => return self.start_over(&error).await,
                Err(error) => {
                    note_failure(self.shared, &self.standing.partition, &error.message, false);
                    if !self.wait(stop).await {
                        return End::Finished;
                    }
                    continue;
                }
            };
            if !until_there_is_room(self.shared, stop).await {
                return End::Finished;
            }
            if let Some(end) = self.commit(&chunk, stop).await {
                return end;
            }
        }
    }

    /// Commits a chunk, however long it takes. Answers how the partition ended, if it did.
    async fn commit(&mut self, chunk: &Chunk, stop: &mut watch::Receiver<bool>) -> Option<End> {
        loop {
            match self.try_commit(chunk).await {
                Ok(()) => {
                    self.pause = FIRST_PAUSE;
                    self.shared.status.recovered(self.standing.partition.as_str());
                    return chunk.ended.then_some(End::Finished);
                }
                Err(IngestError::TooManyBad { .. }) if *stop.borrow() => return Some(End::Finished),
                Err(error @ IngestError::TooManyBad { .. }) => {
                    note_failure(self.shared, &self.standing.partition, &error.to_string(), true);
                    return Some(End::Stopped);
                }
                Err(IngestError::Store(error @ StoreError::NotOwner { .. })) => {
                    tracing::warn!(source.name = %self.shared.config.name, "{error}");
                    return Some(End::Lost);
                }
                Err(error @ (IngestError::Pack(_) | IngestError::Store(_))) => {
                    note_failure(self.shared, &self.standing.partition, &error.to_string(), false);
                    if !self.wait(stop).await {
                        return Some(End::Finished);
                    }
                }
            }
        }
    }

    async fn try_commit(&mut self, chunk: &Chunk) -> Result<(), IngestError> {
        let shared = self.shared;
        // Before the agents are held: other partitions of the source go on meanwhile.
        let decodings = self.decode(chunk);
        let archive = self.for_archive(chunk)?;
        let events = self.for_sinks(chunk, &decodings);
        let mut decodings = Some(decodings);
        let mut agents = shared.agents.lock().await;
        let counts = loop {
            shared.refresh(&mut agents).await?;
            failpoint!("partition.before_prepare", fails);
            let ground = Ground {
                config: &shared.config,
                agents: &agents,
                status: &shared.status,
                queues: &shared.queues,
                assembler: shared.assembler.as_deref(),
                store: &*shared.store,
                now: (shared.clock)(),
            };
            let decodings = decodings.take().unwrap_or_else(|| self.decode(chunk));
            let mut prepared = prepare(ground, decodings, &self.standing, chunk).await?;
            let (counts, is_whole) = (prepared.batch.counts, prepared.is_whole);
            if is_whole {
                prepared.batch.archive.clone_from(&archive);
                prepared.batch.events.clone_from(&events);
            }
            if self.store(&mut agents, prepared).await? && is_whole {
                break counts;
            }
        };
        // With the agents held: whoever has them next must know up to when those that fell silent were judged.
        self.note_step(chunk, counts, agents.count() as u64);
        Ok(())
    }

    fn decode(&mut self, chunk: &Chunk) -> Decodings {
        decode(&mut *self.decoder, &self.standing.partition, chunk)
    }

    fn for_archive(&self, chunk: &Chunk) -> std::io::Result<Option<ArchiveWrite>> {
        let Standing { partition, parents, position, .. } = &self.standing;
        let Some(from) = position else { return Ok(None) };
        for_archive(&self.shared.config, (partition, parents), (from, (self.shared.clock)()), chunk)
    }

    /// Bad records on a partition that brings no agents are no events.
    fn for_sinks(&self, chunk: &Chunk, decodings: &Decodings) -> Option<EventsWrite> {
        let Shared { config, status, clock, .. } = self.shared;
        let brings_agents = status.carries(&self.standing.partition).is_none_or(|carries| carries.agents);
        brings_agents.then(|| for_sinks(config, clock(), chunk, decodings)).flatten()
    }

    /// Commits what was prepared, or keeps it back if it is not worth a commit. False if it must be prepared again.
    async fn store(&mut self, agents: &mut Agents, prepared: Prepared) -> Result<bool, StoreError> {
        let Prepared { batch, staged, standing, .. } = prepared;
        let silence = staged.silence;
        let due = self.committed.is_none_or(|committed| committed.elapsed() >= IDLE_COMMIT);
        self.idle = None;
        if is_idle(&batch) && !due {
            self.idle = Some((batch, standing));
            return Ok(true);
        }
        if !self.shared.commit(agents, batch, staged).await? {
            return Ok(false);
        }
        self.standing = standing;
        self.committed = Some(Instant::now());
        if silence {
            self.shared.look.notify_one();
        }
        Ok(true)
    }

    /// Commits the batch that was kept back. Nothing of the agents is in it, so that they need not be held.
    async fn store_idle(&mut self) -> Result<(), StoreError> {
        if let Some((batch, standing)) = self.idle.clone() {
            self.shared.store.commit(batch).await?;
            self.standing = standing;
            self.committed = Some(Instant::now());
            self.idle = None;
        }
        Ok(())
    }

    fn note_step(&self, chunk: &Chunk, counts: Counts, agents: u64) {
        let step = Step {
            position: Some(chunk.position.clone()),
            watermark: chunk.watermark,
            behind: chunk.behind,
            finished: chunk.ended,
        };
        self.shared.status.stepped(&self.standing.partition, step, counts, agents);
        if counts.failed > 0 {
            tracing::warn!(
                source.name = %self.shared.config.name, partition = %self.standing.partition,
                records = counts.failed, "records went to the dead letters"
            );
        }
    }

    /// The stored position is older than what the stream keeps: records the gap, and starts again at the oldest
    /// record.
    async fn start_over(&mut self, error: &SourceError) -> End {
        note_failure(self.shared, &self.standing.partition, &error.message, false);
        let Some(position) = self.standing.position.clone() else { return End::Lost };
        let (source, partition) = (&self.shared.config.name, &self.standing.partition);
        let oldest = self.shared.source.oldest(partition);
        let mut batch = opening_batch(source, partition, self.standing.epoch, oldest);
        batch.expected = Some(position);
        batch.gaps.push(gap(&error.message, self.standing.newest, (self.shared.clock)()));
        match self.shared.store.commit(batch).await {
            Ok(_) => self.shared.replan.notify_one(),
            Err(error) => note_failure(self.shared, &self.standing.partition, &error.to_string(), false),
        }
        End::Lost
    }

    /// Waits after a failure, longer each time. False if the program stops meanwhile.
    async fn wait(&mut self, stop: &mut watch::Receiver<bool>) -> bool {
        let pause = self.pause;
        self.pause = (pause * 2).min(LONGEST_PAUSE);
        tokio::select! {
            biased;
            _ = stop.changed() => false,
            () = tokio::time::sleep(pause) => true,
        }
    }
}

/// Waits while so much waits for the archive that nothing more is to be taken. False if the program stops meanwhile.
async fn until_there_is_room(shared: &Shared, stop: &mut watch::Receiver<bool>) -> bool {
    let mut full = shared.archive_is_full.subscribe();
    while *full.borrow_and_update() {
        tokio::select! {
            biased;
            _ = stop.changed() => return false,
            _ = full.changed() => {}
        }
    }
    true
}

/// Whether a batch says nothing but that time has passed.
fn is_idle(batch: &Batch) -> bool {
    batch.counts.records == 0 && batch.agents.is_empty() && batch.gaps.is_empty() && !batch.finished
}

fn note_failure(shared: &Shared, partition: &PartitionId, message: &str, stopped: bool) {
    if stopped {
        tracing::error!(source.name = %shared.config.name, partition = %partition, "{message}");
    } else {
        tracing::warn!(source.name = %shared.config.name, partition = %partition, "{message}");
    }
    shared.status.failed(partition.as_str(), (shared.clock)(), message.into(), stopped);
}
