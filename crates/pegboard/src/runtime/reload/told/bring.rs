//! Brings what is told of a day into the store, beside live work.
//!
//! Evidence that is young enough for timelines to be derived from it is committed like any other that comes late, and so are
//! contacts and rows of the ACD. Where evidence is no longer kept, timelines themselves are laid over the stored ones.
//! To bring the same twice changes nothing.

use pegboard_connect::spec::{Chunk, Decoded, Record};
use pegboard_engine::Window;
use pegboard_model::acd::Telling;
use pegboard_model::{
    AcdRow, AgentId, ContactEvent, ContactLeg, Millis, Observation, PartitionId, Position, Segment,
};
use pegboard_store::{SegmentsWrite, StoreError, failpoint};

use super::facts::by_agent;
use super::overlay::overlaid;
use super::sieve::ToldRow;
use super::{AgentDay, DayFacts};
use crate::config::SourceConfig;
use crate::runtime::agents::Staged;
use crate::runtime::ingest::{Decodings, Ground, IngestError, Standing, Trust, opening_batch, prepare};
use crate::runtime::source::Shared;

/// The name of the partition. No source gives one like it: streams, files and objects have a path in theirs.
const LANE: &str = "archived-days";

/// How many records are committed at once: live work of the source waits for it.
const RECORDS_AT_ONCE: usize = 200;

/// Whether a partition is that of what was brought back.
pub(in crate::runtime) fn is_lane(partition: &PartitionId) -> bool {
    partition.as_str() == LANE
}

/// One thing to be committed.
#[derive(Clone, Copy)]
enum Brought<'a> {
    Event(&'a Observation),
    Contact(&'a ContactLeg),
    Row(&'a ToldRow),
    Piece(&'a ContactEvent),
}

/// Commits events of contacts that are told of piece by piece.
pub(super) async fn bring_pieces(shared: &Shared, pieces: &[ContactEvent]) -> Result<(), IngestError> {
    let brought: Vec<_> = pieces.iter().map(Brought::Piece).collect();
    if brought.is_empty() {
        return Ok(());
    }
    let mut lane = Lane::take(shared).await?;
    for some in parts(&brought) {
        lane.commit(shared, some).await?;
    }
    Ok(())
}

impl DayFacts {
    /// Commits all of it. What was committed when this fails stays.
    pub(in crate::runtime::reload) async fn bring(
        &self,
        shared: &Shared,
        day: Window,
    ) -> Result<(), IngestError> {
        let mut lane = Lane::take(shared).await?;
        for some in parts(&self.brought()) {
            lane.commit(shared, some).await?;
            failpoint!("reload.brought", fails);
        }
        lane.lay_segments(shared, self.segment_writes(shared, day).await?).await?;
        Ok(())
    }

    fn brought(&self) -> Vec<Brought<'_>> {
        let events = self.agents.values().flat_map(|agent| &agent.missing).map(Brought::Event);
        let contacts = self.contacts.values().map(Brought::Contact);
        events.chain(contacts).chain(self.rows.iter().map(Brought::Row)).collect()
    }

    /// What of the timelines differs where evidence is no longer kept.
    async fn segment_writes(&self, shared: &Shared, day: Window) -> Result<Vec<SegmentsWrite>, StoreError> {
        let touching = with_neighbours(day);
        let (store, source) = (&shared.store, &shared.config.name);
        let mut stored = by_agent(store.segments(source, None, touching.from, touching.to).await?);
        let write = |(agent, told): (&AgentId, &AgentDay)| {
            told.laid_over(day, &stored.remove(agent).unwrap_or_default())
        };
        Ok(self.agents.iter().filter_map(write).collect())
    }
}

/// A day, and whatever ends where it begins or begins where it ends.
fn with_neighbours(day: Window) -> Window {
    Window { from: day.from - Millis::new(1), to: day.to + Millis::new(1) }
}

impl AgentDay {
    fn laid_over(&self, day: Window, stored: &[Segment]) -> Option<SegmentsWrite> {
        let floor = self.floor?;
        let clip = |stretch: Window| Window { to: stretch.to.min(floor), ..stretch };
        let valid: Vec<_> = self.valid().into_iter().map(clip).filter(|one| one.from < one.to).collect();
        let segments = overlaid(stored, &self.segments, &valid);
        if segments == stored {
            return None;
        }
        let touching = with_neighbours(day);
        let from = segments.first()?.start.min(stored.first().map_or(day.from, |first| first.start));
        // A mark before what was looked at is not among it.
        let keep_mark = from < touching.from;
        Some(SegmentsWrite { agent: self.agent.clone(), from, until: Some(touching.to), segments, keep_mark })
    }
}

/// The partition, while something is brought.
struct Lane {
    standing: Standing,
    /// The settings of the source, but that nothing is too late: what is too late for the stream is what this is for.
    config: SourceConfig,
}

impl Lane {
    async fn take(shared: &Shared) -> Result<Self, StoreError> {
        let lane = PartitionId::from(LANE);
        let state = shared.store.take_partition(&shared.config.name, &lane, &[]).await?;
        shared.note_taken(&state).await;
        let standing = Standing {
            partition: lane,
            parents: [].into(),
            epoch: state.epoch,
            position: state.position,
            newest: None,
            newest_event: None,
            trust: Trust::default(),
        };
        let config = SourceConfig { lateness: Millis::new(i64::MAX), ..shared.config.clone() };
        Ok(Self { standing, config })
    }

    fn next(&self) -> Position {
        match self.standing.position {
            Some(Position::Number(number)) => Position::Number(number + 1),
            _ => Position::Number(1),
        }
    }

    async fn commit(&mut self, shared: &Shared, brought: &[Brought<'_>]) -> Result<(), IngestError> {
        let mut chunk = Chunk::at(self.next());
        for one in brought {
            match one {
                Brought::Row(told) => chunk.rows.push(row(told)),
                Brought::Event(_) | Brought::Contact(_) | Brought::Piece(_) => {
                    chunk.records.push(Record { position: self.next(), data: Vec::new() });
                }
            }
        }
        let mut agents = shared.agents.lock().await;
        loop {
            shared.refresh(&mut agents).await?;
            let ground = Ground {
                config: &self.config,
                agents: &agents,
                status: &shared.status,
                queues: &shared.queues,
                assembler: shared.assembler.as_deref(),
                store: &*shared.store,
                now: (shared.clock)(),
            };
            let mut prepared = prepare(ground, decodings(brought), &self.standing, &chunk).await?;
            // What cannot be used any more was folded meanwhile, and is in the timelines that are laid over.
            prepared.batch.dead_letters.clear();
            if shared.commit(&mut agents, prepared.batch, prepared.staged).await? {
                self.standing = prepared.standing;
                return Ok(());
            }
        }
    }

    /// Replaces stretches of timelines that no evidence stands behind any more.
    async fn lay_segments(&mut self, shared: &Shared, writes: Vec<SegmentsWrite>) -> Result<(), StoreError> {
        for some in parts(&writes) {
            let Standing { partition, epoch, position, .. } = &self.standing;
            let next = self.next();
            let mut batch = opening_batch(&shared.config.name, partition, *epoch, next.clone());
            batch.expected.clone_from(position);
            batch.segments = some.to_vec();
            let mut agents = shared.agents.lock().await;
            shared.refresh(&mut agents).await?;
            // Nobody's version is at stake, so that it is committed or fails.
            shared.commit(&mut agents, batch, Staged::default()).await?;
            self.standing.position = Some(next);
            failpoint!("reload.laid", fails);
        }
        Ok(())
    }
}

fn parts<T>(all: &[T]) -> impl Iterator<Item = &[T]> {
    all.chunks(RECORDS_AT_ONCE)
}

fn row(told: &ToldRow) -> AcdRow {
    let mut row = told.row.clone();
    row.telling = Telling { file: told.file.clone(), made: told.made };
    row
}

/// What stands for the records among them.
fn decodings(brought: &[Brought<'_>]) -> Decodings {
    let mut decodings = Vec::new();
    for one in brought {
        match one {
            Brought::Event(seen) => decodings.push(Ok(Decoded::Agent((*seen).clone()))),
            Brought::Contact(leg) => decodings.push(Ok(Decoded::Contact((*leg).clone()))),
            Brought::Piece(piece) => {
                decodings.push(Ok(Decoded::Told { seen: Vec::new(), of_contacts: vec![(*piece).clone()] }));
            }
            Brought::Row(_) => {}
        }
    }
    decodings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r28_so_many_records_are_brought_back_in_one_transaction() {
        let all: Vec<usize> = (0..=RECORDS_AT_ONCE).collect();
        assert_eq!(parts(&all).map(<[_]>::len).collect::<Vec<_>>(), [200, 1]);
        assert_eq!(parts(&all).flatten().copied().collect::<Vec<_>>(), all);
    }
}
