//! Repairs what the stream has lost, from the platform's own snapshot.
//!
//! At the start and then again and again the platform is asked who is signed in, and in what. Where that shows that
//! something was missed (see [`judge`]), what is shown is written down as evidence like any other, in a partition of
//! its own that is no stream: it has no watermark, holds nothing back, and nobody waits for its end.

pub(super) mod catching_up;
pub mod judge;

use std::sync::Arc;
use std::time::Duration;

use pegboard_connect::spec::{Chunk, Look, Record, SETTLE, Snapshots, SourceError, Whom};
use pegboard_engine::evidence::LIVE_TOLERANCE;
use pegboard_model::{AgentId, Observation, PartitionId, Position, Timestamp};
use pegboard_store::{ArchiveWrite, Batch, RowsOf, StoreError};
use tokio::time::Instant;

use self::catching_up::CatchingUp;
use self::judge::{Judge, Stream, missed};
use super::agents::{Agents, Staged};
use super::clock_off::ClockOff;
use super::ingest::{self, opening_batch};
use super::mending;
use super::reload;
use super::source::Shared;
use super::view::{Missed, ReconcilerStatus};
use super::watch;

/// The name of the partition. No source gives one like it: streams and files have a path in theirs.
const LANE: &str = "platform-snapshot";

/// How often it is seen whether the stream is still being caught up with: until then nobody is asked.
const WAIT: Duration = Duration::from_secs(1);

/// More suspects than this are looked at with everybody else.
const MOST_SUSPECTS: usize = 500;

/// The part of the source that fails when looking does.
pub(super) const PART: &str = "platform snapshot";

/// The partition that evidence from snapshots is in.
pub fn lane() -> PartitionId {
    PartitionId::from(LANE)
}

/// Whether a partition is of the hub's own making: that of snapshots, that of dead letters that were mended, or that of what was
/// brought back from the archive. Nobody waits for it, and who was last seen in it goes on anywhere.
pub fn is_lane(partition: &PartitionId) -> bool {
    partition.as_str() == LANE || mending::is_lane(partition) || reload::is_lane(partition)
}

/// Looks until `stop` turns true, if the source can be looked at.
pub async fn run(shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    let Some(snapshots) = shared.source.snapshots() else { return };
    let mut reconciler = Reconciler::new(&shared, snapshots).await;
    let mut due = Instant::now();
    while !*stop.borrow() {
        tokio::select! {
            biased;
            _ = stop.changed() => break,
            () = tokio::time::sleep_until(due) => {}
            () = shared.look.notified() => {
                due = due.min(reconciler.hurried().await);
                continue;
            }
        }
        // Dropped half-way it leaves nothing half done: what it writes, it writes as a whole or not at all.
        due = tokio::select! {
            biased;
            _ = stop.changed() => break,
            next = reconciler.turn() => next,
        };
    }
    shared.status.recovered(PART);
    shared.status.reconciled(None);
}

/// Why a look came to nothing.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("cannot pack it for the archive: {0}")]
    Pack(#[from] std::io::Error),
    #[error(
        "the platform's clock says {began}, more than 5 minutes ahead of this machine's: what is dated so is not believed. \
         Set the clock of this machine"
    )]
    Future { began: Timestamp },
    #[error(
        "{gone} of {signed_in} signed-in agents would be signed out at once, because the platform does not show them: \
         not believed. Check what its snapshot may show; when the stream tells of them again, this goes by itself"
    )]
    TooManyGone { gone: usize, signed_in: usize },
    #[error("the platform shows what cannot be kept, of {agents} agents; the first because of its {reason}")]
    Unfit { agents: usize, reason: String },
}

/// Where the partition stands.
#[derive(Debug)]
struct Owned {
    epoch: u64,
    position: Option<Position>,
}

struct Reconciler<'a> {
    shared: &'a Shared,
    snapshots: &'a dyn Snapshots,
    judge: Judge,
    owned: Option<Owned>,
    /// To be looked at before everybody is looked at again.
    suspects: Vec<AgentId>,
    /// When there was a look.
    looked: Option<Instant>,
    /// When everybody is looked at again.
    next_whole: Instant,
    catching_up: CatchingUp,
    stream: Stream,
    status: ReconcilerStatus,
}

impl<'a> Reconciler<'a> {
    async fn new(shared: &'a Shared, snapshots: &'a dyn Snapshots) -> Self {
        let policy = shared.agents.lock().await.policy();
        Self {
            shared,
            snapshots,
            judge: Judge::new(policy, snapshots.shown_as_connected()),
            owned: None,
            suspects: Vec::new(),
            looked: None,
            next_whole: Instant::now(),
            catching_up: CatchingUp::begin(Instant::now()),
            stream: Stream::Behind,
            status: ReconcilerStatus::default(),
        }
    }

    /// When to look, now that agents have fallen silent: at once, but not twice in a moment. They are asked for alone, so
    /// that a large floor is no reason for them to wait.
    async fn hurried(&mut self) -> Instant {
        let earliest = self.looked.map_or_else(Instant::now, |looked| looked + millis(SETTLE));
        let silent = to_be_asked_for(self.shared.agents.lock().await.silent());
        if silent.is_empty() {
            self.next_whole = self.next_whole.min(earliest);
            return self.next_whole;
        }
        self.suspects.extend(silent);
        self.suspects.sort_unstable();
        self.suspects.dedup();
        earliest
    }

    /// Looks once, at everybody or at those in doubt, and answers when to do so again.
    async fn turn(&mut self) -> Instant {
        let started = Instant::now();
        let Some(stream) = self.progress() else { return self.wait(started) };
        self.stream = stream;
        self.status.waits = false;
        self.looked = Some(started);
        let is_whole = self.suspects.is_empty() || started >= self.next_whole;
        let outcome = self.look(is_whole).await;
        self.status.took = started.elapsed();
        let every = millis(self.shared.config.reconcile_every);
        if is_whole || outcome.is_err() {
            self.next_whole = (started + every).max(Instant::now() + millis(SETTLE));
        }
        self.note(outcome);
        if self.suspects.is_empty() {
            return self.next_whole;
        }
        self.next_whole.min(Instant::now() + millis(SETTLE))
    }

    /// Leaves everything to the stream for now.
    fn wait(&mut self, now: Instant) -> Instant {
        if !self.status.waits {
            tracing::info!(
                source.name = %self.shared.config.name,
                "the platform's snapshot is not asked for while the stream is being caught up with"
            );
        }
        self.status.waits = true;
        self.shared.status.reconciled(Some(self.status.clone()));
        now + WAIT
    }

    async fn look(&mut self, is_whole: bool) -> Result<(), Failure> {
        let suspects = std::mem::take(&mut self.suspects);
        let asked = (!is_whole).then_some(&*suspects);
        let asked_at = (self.shared.clock)();
        let look = match self.snapshots.look(asked.map_or(Whom::Everybody, Whom::Only)).await {
            Ok(look) => look,
            Err(error) => {
                // They are no less in doubt: where everybody cannot be looked at, they can perhaps.
                self.suspects = suspects;
                return Err(error.into());
            }
        };
        self.shared.status.heard_platform(ClockOff::of_answer(look.began, asked_at, (self.shared.clock)()));
        if is_whole {
            self.status.shown = look.shown.len() as u64;
        }
        self.status.looked = Some(look.began);
        self.apply(&look, asked).await
    }

    /// Weighs a look and commits what it shows to have been missed.
    async fn apply(&mut self, look: &Look, asked: Option<&[AgentId]>) -> Result<(), Failure> {
        let shared = self.shared;
        if look.began > (shared.clock)() + LIVE_TOLERANCE {
            return Err(Failure::Future { began: look.began });
        }
        let mut owned = self.own().await?;
        let mut agents = shared.agents.lock().await;
        if !shared.node.is_alone() {
            // What others have written since is what stands.
            shared.set_stale();
        }
        shared.refresh(&mut agents).await?;
        let floor = agents.floor();
        // Where not everybody is shown, nobody is absent.
        let asked = if self.snapshots.shows_everybody() { asked } else { Some(&[][..]) };
        let weighed = self.judge.weigh(look, asked, &floor, self.stream);
        let (mut missed, mut unfit) = (missed(&weighed.repairs, &floor), Vec::new());
        drop(floor);
        let evidence: Vec<_> = weighed.repairs.into_iter().chain(weighed.confirmations).collect();
        self.status.disputed = weighed.disputed;
        if weighed.refused.is_none() {
            self.suspects = to_be_asked_for(weighed.suspects);
        }
        if !evidence.is_empty() {
            let position = Position::Number(look.began.as_millis().unsigned_abs());
            let prepared = prepare(shared, &agents, &owned, position.clone(), evidence).await?;
            unfit = prepared.unfit;
            if shared.commit(&mut agents, prepared.batch, prepared.staged).await? {
                owned.position = Some(position);
                // Nobody is known who cannot be kept.
                missed.signed_in = missed.signed_in.saturating_sub(unfit.len() as u64);
            } else {
                // Another node has written some of the agents just now. What is still to be repaired, the next look shows.
                missed = Missed::default();
            }
        }
        self.owned = Some(owned);
        shared.status.set_agents(agents.count() as u64);
        drop(agents);
        if missed.total() > 0 {
            self.status.missed += missed;
            self.status.repaired = self.status.missed.total();
            tracing::info!(
                source.name = %shared.config.name, agents = missed.total(),
                "the platform shows what the stream has not told: repaired"
            );
        }
        match (weighed.refused, unfit.first()) {
            (Some((gone, signed_in)), _) => {
                self.status.refused += 1;
                Err(Failure::TooManyGone { gone, signed_in })
            }
            (None, Some(reason)) => Err(Failure::Unfit { agents: unfit.len(), reason: reason.clone() }),
            (None, None) => Ok(()),
        }
    }

    /// The partition, taken over if this reconciler does not own it. It does not again until the batch is committed.
    async fn own(&mut self) -> Result<Owned, StoreError> {
        if let Some(owned) = self.owned.take() {
            return Ok(owned);
        }
        let state = self.shared.store.take_partition(&self.shared.config.name, &lane(), &[]).await?;
        self.shared.note_taken(&state).await;
        Ok(Owned { epoch: state.epoch, position: state.position })
    }

    /// How far the stream has been read; nothing while it is being caught up with. Once it was read up to the present, it
    /// counts as that.
    fn progress(&mut self) -> Option<Stream> {
        let now = (self.shared.clock)();
        let lag = self.shared.status.watermark(RowsOf::Agents).map(|watermark| now.since(watermark));
        let is_at_tip = lag.is_some_and(|lag| lag < self.shared.config.stale_after);
        if is_at_tip || self.stream == Stream::CaughtUp {
            return Some(Stream::CaughtUp);
        }
        (!self.catching_up.goes_on(Instant::now(), lag)).then_some(Stream::Behind)
    }

    fn note(&mut self, outcome: Result<(), Failure>) {
        let shared = self.shared;
        match outcome {
            Ok(()) => shared.status.recovered(PART),
            Err(error) => {
                tracing::warn!(source.name = %shared.config.name, "the platform's snapshot: {error}");
                shared.status.failed(PART, (shared.clock)(), error.to_string(), false);
            }
        }
        shared.status.reconciled(Some(self.status.clone()));
    }
}

/// What is to be committed.
struct Prepared {
    batch: Batch,
    /// What to accept once it is.
    staged: Staged,
    /// Why evidence is not in it that can never be stored.
    unfit: Vec<String>,
}

/// The batch that writes the evidence.
async fn prepare(
    shared: &Shared,
    agents: &Agents,
    owned: &Owned,
    position: Position,
    evidence: Vec<Observation>,
) -> Result<Prepared, Failure> {
    let mut staged = Staged::default();
    let unfit = evidence.into_iter().filter_map(|seen| agents.stage(seen, &mut staged).err()).collect();
    agents.settle(&mut staged, &*shared.store).await?;
    agents.tell_settled(&mut staged);
    let writes = agents.writes(&staged)?;
    let mut batch = opening_batch(&shared.config.name, &lane(), owned.epoch, position);
    batch.expected.clone_from(&owned.position);
    batch.agents = writes.agents;
    batch.evidence = writes.evidence;
    batch.segments = writes.segments;
    batch.dirty = writes.dirty;
    batch.states = writes.states;
    batch.archive = for_archive(shared, owned, &batch)?;
    Ok(Prepared { batch, staged, unfit })
}

/// What is kept for the archive: what was made of the look, which nobody can have again.
fn for_archive(shared: &Shared, owned: &Owned, batch: &Batch) -> Result<Option<ArchiveWrite>, Failure> {
    let Some(position) = batch.position.as_ref().filter(|_| shared.config.archive.is_some()) else {
        return Ok(None);
    };
    let record = |seen: &Observation| {
        let data = serde_json::to_vec(seen).map_err(std::io::Error::from)?;
        Ok(Record { position: seen.order.position.clone(), data })
    };
    let chunk = Chunk {
        records: batch.evidence.iter().map(record).collect::<std::io::Result<_>>()?,
        ..Chunk::at(position.clone())
    };
    let from = owned.position.clone().unwrap_or(Position::Number(0));
    let own = (&batch.partition, &[][..]);
    Ok(ingest::for_archive(&shared.config, own, (&from, (shared.clock)()), &chunk)?)
}

/// Whom to ask for alone: nobody if they are so many that asking for everybody is as fast.
fn to_be_asked_for(suspects: Vec<AgentId>) -> Vec<AgentId> {
    if suspects.len() <= MOST_SUSPECTS { suspects } else { Vec::new() }
}

fn millis(time: pegboard_model::Millis) -> Duration {
    Duration::from_millis(time.get().unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r28_five_hundred_agents_in_doubt_are_asked_for_alone_and_no_more() {
        let asked = |count: usize| to_be_asked_for(vec![AgentId::from("a"); count]).len();
        assert_eq!((asked(500), asked(501)), (500, 0));
    }
}
