//! One source at work: what is read is planned again and again, each partition has a task, and one closes intervals.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use pegboard_connect::spec::{Plan, Progress, Source, SourceError};
use pegboard_engine::track::Beginning;
use pegboard_engine::{Silence, TimelinePolicy};
use pegboard_model::{AgentId, PartitionId, Timestamp};
use pegboard_store::{GapWrite, PartitionState, Store, StoreError};
use tokio::sync::{Mutex, Notify, watch};
use tokio::task::JoinSet;

use super::agents::Agents;
use super::closer::Closer;
use super::ingest::opening_batch;
use super::partition::{self, End};
use super::status::{Status, Step};
use crate::clock::Clock;
use crate::config::SourceConfig;

/// How often partitions are listed without a reason.
const PLAN_EVERY: Duration = Duration::from_secs(30);

/// How often the closer looks at the watermark.
const CLOSE_EVERY: Duration = Duration::from_millis(500);

/// The pause after a failure of the plan or of the closer.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// What the tasks of a source share.
#[derive(Debug)]
pub struct Shared {
    /// Its settings.
    pub config: SourceConfig,
    /// What reads it.
    pub source: Box<dyn Source>,
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// The clock.
    pub clock: Clock,
    /// How it is doing.
    pub status: Status,
    /// Its agents. Held from staging a batch until it is committed.
    pub agents: Mutex<Agents>,
    /// Wakes the planning of partitions.
    pub replan: Notify,
    /// Up to when intervals are closed, or about to be; `i64::MIN` where none is.
    closing: AtomicI64,
}

impl Shared {
    /// Loads what is stored of the source.
    pub async fn load(
        config: SourceConfig,
        source: Box<dyn Source>,
        store: Arc<dyn Store>,
        clock: Clock,
    ) -> Result<Self, StoreError> {
        let silence =
            source.has_heartbeat().then(|| Silence { stale_after: config.stale_after, ..Silence::default() });
        let policy = TimelinePolicy { precedence: config.precedence, silence };
        let stored = store.stored_agents(&config.name).await?;
        let agents = Agents::load(config.name.clone(), policy, stored)?;
        let status = Status::default();
        status.restore(&store.partitions(&config.name).await?);
        status.set_agents(agents.count() as u64);
        Ok(Self {
            config,
            source,
            store,
            clock,
            status,
            agents: Mutex::new(agents),
            replan: Notify::new(),
            closing: AtomicI64::new(i64::MIN),
        })
    }

    /// Up to when intervals are closed, or about to be.
    pub fn closing(&self) -> Option<Timestamp> {
        let closing = self.closing.load(Ordering::SeqCst);
        (closing != i64::MIN).then(|| Timestamp::from_millis(closing))
    }

    /// Notes that intervals up to `until` are closed, or about to be: from now on every change before that leaves
    /// a mark.
    pub fn set_closing(&self, until: Timestamp) {
        self.closing.fetch_max(until.as_millis(), Ordering::SeqCst);
    }

    /// Where each agent's timeline begins. Waits for a batch that is on its way.
    pub async fn beginnings(&self) -> HashMap<AgentId, Beginning> {
        self.agents.lock().await.beginnings()
    }

    /// The earliest instant that anything is known of an agent.
    pub async fn first_fact(&self) -> Option<Timestamp> {
        self.beginnings().await.values().map(|beginning| beginning.at).min()
    }

    /// Reloads the agents from the store, after another owner has written.
    pub async fn reload(&self) -> Result<(), StoreError> {
        let mut agents = self.agents.lock().await;
        let stored = self.store.stored_agents(&self.config.name).await?;
        *agents = agents.reloaded(stored)?;
        Ok(())
    }
}

/// Runs the source until `stop` turns true, then waits for its tasks.
pub async fn run(shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    let closer = tokio::spawn(close(shared.clone(), stop.clone()));
    let mut readers: JoinSet<(PartitionId, End)> = JoinSet::new();
    let mut reading: BTreeSet<PartitionId> = BTreeSet::new();
    while !*stop.borrow() {
        let pause = match plan(&shared).await {
            Ok(plan) => {
                shared.status.recovered("plan");
                start(&shared, &plan, &stop, &mut readers, &mut reading).await
            }
            Err(error) => {
                tracing::warn!(source.name = %shared.config.name, "cannot list what to read: {error:#}");
                shared.status.failed("plan", (shared.clock)(), error.to_string(), false);
                AFTER_FAILURE
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shared.replan.notified() => {}
            _ = stop.changed() => {}
            Some(ended) = readers.join_next() => match ended {
                Ok((partition, End::Finished | End::Lost)) => {
                    reading.remove(&partition);
                }
                // A partition that must not go on stays in `reading`, so that it is not started again.
                Ok((_, End::Stopped)) => {}
                Err(panic) => {
                    tracing::error!(source.name = %shared.config.name, "a reader failed: {panic}");
                    shared.status.failed("reader", (shared.clock)(), panic.to_string(), true);
                }
            }
        }
    }
    while readers.join_next().await.is_some() {}
    if let Err(error) = closer.await {
        tracing::error!(source.name = %shared.config.name, "the closer failed: {error}");
    }
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
enum PlanError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

async fn plan(shared: &Shared) -> Result<Plan, PlanError> {
    let stored = shared.store.partitions(&shared.config.name).await?;
    let known: BTreeMap<PartitionId, Progress> = stored.iter().filter_map(progress).collect();
    let plan = shared.source.plan(&known).await?;
    let unnamed = known.iter().filter(|(partition, progress)| {
        **progress != Progress::Finished
            && !plan.lost.contains(*partition)
            && !is_to_be_read(&plan, partition)
    });
    for lost in unnamed.map(|(partition, _)| partition).chain(&plan.lost) {
        give_up(shared, lost).await?;
    }
    Ok(plan)
}

/// Whether the plan still names a partition. One that it does not name, such as one of a stream that was made anew under
/// its old name, would hold the watermark of the source for ever.
fn is_to_be_read(plan: &Plan, partition: &PartitionId) -> bool {
    plan.waiting.contains(partition) || plan.open.iter().any(|opening| opening.partition == *partition)
}

fn progress(state: &PartitionState) -> Option<(PartitionId, Progress)> {
    let progress = match (&state.position, state.finished) {
        (_, true) => Progress::Finished,
        (Some(position), false) => {
            Progress::Started { position: position.clone(), watermark: state.watermark }
        }
        // Taken, but the opening was never committed: as if it had never been seen.
        (None, false) => return None,
    };
    Some((state.partition.clone(), progress))
}

/// Records a gap for a partition that is gone before it was read to its end, and ends it.
async fn give_up(shared: &Shared, partition: &PartitionId) -> Result<(), StoreError> {
    let state = shared.store.take_partition(&shared.config.name, partition, &[]).await?;
    let now = (shared.clock)();
    let position = state.position.clone();
    let Some(position) = position else { return Ok(()) };
    let mut batch = opening_batch(&shared.config.name, partition, state.epoch, position.clone());
    batch.expected = Some(position.clone());
    batch.finished = true;
    batch.gaps.push(GapWrite {
        reason: "it was gone before it was read to its end".into(),
        from: state.watermark,
        to: None,
        at: now,
    });
    shared.store.commit(batch).await?;
    let step = Step { position: Some(position), watermark: None, behind: None, finished: true };
    let agents = shared.agents.lock().await.count() as u64;
    shared.status.stepped(partition, step, pegboard_store::Counts::default(), agents);
    tracing::warn!(source.name = %shared.config.name, partition = %partition, "a partition is gone: gap recorded");
    Ok(())
}

/// Starts a reader for every partition of the plan that has none. Answers when to plan again.
async fn start(
    shared: &Arc<Shared>,
    plan: &Plan,
    stop: &watch::Receiver<bool>,
    readers: &mut JoinSet<(PartitionId, End)>,
    reading: &mut BTreeSet<PartitionId>,
) -> Duration {
    let mut pause = PLAN_EVERY;
    for opening in &plan.open {
        if reading.contains(&opening.partition) {
            continue;
        }
        match partition::take(shared, opening).await {
            Ok(standing) => {
                shared.status.recovered(opening.partition.as_str());
                reading.insert(opening.partition.clone());
                readers.spawn(partition::run(shared.clone(), opening.clone(), standing, stop.clone()));
            }
            Err(error) => {
                tracing::warn!(source.name = %shared.config.name, partition = %opening.partition, "cannot open: {error}");
                shared.status.failed(opening.partition.as_str(), (shared.clock)(), error.to_string(), false);
                pause = AFTER_FAILURE;
            }
        }
    }
    shared.status.planned(&plan.open, &plan.waiting);
    pause
}

/// Closes intervals until `stop` turns true.
async fn close(shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    let mut closer: Option<Closer> = None;
    while !*stop.borrow() {
        let outcome = close_once(&shared, &mut closer).await;
        let pause = match outcome {
            Ok(more) => {
                shared.status.recovered("closer");
                if more { Duration::ZERO } else { CLOSE_EVERY }
            }
            Err(error) => {
                tracing::warn!(source.name = %shared.config.name, "cannot close intervals: {error}");
                shared.status.failed("closer", (shared.clock)(), error.to_string(), false);
                closer = None;
                AFTER_FAILURE
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stop.changed() => {}
        }
    }
}

async fn close_once(shared: &Shared, closer: &mut Option<Closer>) -> Result<bool, StoreError> {
    let taken = match closer.take() {
        Some(taken) => taken,
        None => Closer::take(shared).await?,
    };
    closer.insert(taken).run(shared).await
}
