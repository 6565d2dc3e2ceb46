//! One source at work: what is read is planned again and again, each partition has a task, and one closes intervals.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use pegboard_connect::spec::{Opening, Plan, Progress, Source, SourceError};
use pegboard_engine::track::Beginning;
use pegboard_engine::{Silence, TimelinePolicy};
use pegboard_model::{AgentId, PartitionId, Timestamp};
use pegboard_store::{GapWrite, PartitionState, Store, StoreError};
use tokio::sync::{Mutex, Notify, watch};
use tokio::task::{AbortHandle, JoinSet};

use super::agents::Agents;
use super::closer::Closer;
use super::ingest::{Standing, opening_batch};
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

/// How long readers may take to end once they are told to stop: part of the ten seconds that an orderly stop may take.
const END_WITHIN: Duration = Duration::from_secs(5);

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
    /// Whether the agents may differ from what is stored. Written with their lock held.
    stale: AtomicBool,
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
            stale: AtomicBool::new(false),
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

    /// Notes that the agents may differ from what is stored: somebody else has written, or nobody knows whether a batch
    /// was committed. They are reloaded before the next batch. The caller holds their lock.
    pub fn set_stale(&self) {
        self.stale.store(true, Ordering::SeqCst);
    }

    /// Notes that the agents, whose lock the caller holds, are those that are stored.
    pub fn set_fresh(&self) {
        self.stale.store(false, Ordering::SeqCst);
    }

    /// Reloads the agents from the store if they may differ from it.
    pub async fn refresh(&self, agents: &mut Agents) -> Result<(), StoreError> {
        if !self.stale.load(Ordering::SeqCst) {
            return Ok(());
        }
        let stored = self.store.stored_agents(&self.config.name).await?;
        *agents = agents.reloaded(stored)?;
        self.set_fresh();
        Ok(())
    }
}

/// Runs the source until `stop` turns true, then waits for its tasks, at most [`END_WITHIN`].
pub async fn run(shared: Arc<Shared>, stop: watch::Receiver<bool>) {
    tokio::join!(
        supervised(&shared, "closer", close(shared.clone(), stop.clone())),
        supervised(&shared, "source", read(shared.clone(), stop)),
    );
}

/// Runs one part of the source as a task of its own. Nothing if it panicked, which is told at once, and the part stays
/// stopped.
pub async fn supervised<T: Send + 'static>(
    shared: &Shared,
    part: &str,
    work: impl Future<Output = T> + Send + 'static,
) -> Option<T> {
    // A set, and not a handle: it ends its task when it is dropped.
    let mut task = JoinSet::new();
    task.spawn(work);
    match task.join_next().await? {
        Ok(done) => Some(done),
        Err(panic) => {
            tracing::error!(source.name = %shared.config.name, part, "a part of the source failed and stays stopped: {panic}");
            let message = format!("{part} failed and stays stopped until pegboard is restarted: {panic}");
            shared.status.failed(part, (shared.clock)(), message, true);
            None
        }
    }
}

/// Plans and reads until `stop` turns true.
async fn read(shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    let told = stop.clone();
    let mut readers = Readers::default();
    while !*stop.borrow() {
        let pause = tokio::select! {
            pause = plan_and_start(&shared, &told, &mut readers) => pause,
            _ = stop.changed() => break,
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shared.replan.notified() => {}
            () = readers.ended() => {}
            _ = stop.changed() => break,
        }
    }
    readers.end(&shared).await;
}

async fn plan_and_start(
    shared: &Arc<Shared>,
    stop: &watch::Receiver<bool>,
    readers: &mut Readers,
) -> Duration {
    match plan(shared, readers).await {
        Ok(plan) => {
            shared.status.recovered("plan");
            start(shared, &plan, stop, readers).await
        }
        Err(error) => {
            tracing::warn!(source.name = %shared.config.name, "cannot list what to read: {error:#}");
            shared.status.failed("plan", (shared.clock)(), error.to_string(), false);
            AFTER_FAILURE
        }
    }
}

/// The readers at work, and those that must not be started again.
#[derive(Default)]
struct Readers {
    tasks: JoinSet<(PartitionId, End)>,
    /// What ends each reader; one that has stopped for good stays in here, so that it is not started again.
    handles: BTreeMap<PartitionId, AbortHandle>,
}

impl Readers {
    fn start(
        &mut self,
        shared: &Arc<Shared>,
        opening: Opening,
        standing: Standing,
        stop: watch::Receiver<bool>,
    ) {
        let (shared, id) = (shared.clone(), opening.partition.clone());
        let reader = async move {
            let partition = opening.partition.clone();
            let work = partition::run(shared.clone(), opening, standing, stop);
            let end = supervised(&shared, partition.as_str(), work).await;
            (partition, end.unwrap_or(End::Stopped))
        };
        let handle = self.tasks.spawn(reader);
        self.handles.insert(id, handle);
    }

    fn has(&self, partition: &PartitionId) -> bool {
        self.handles.contains_key(partition)
    }

    /// Ends the reader of a partition that is no more, wherever it is.
    fn cut_off(&mut self, partition: &PartitionId) {
        if let Some(handle) = self.handles.remove(partition) {
            handle.abort();
        }
    }

    /// Waits until a reader has ended; for ever if there is none.
    async fn ended(&mut self) {
        match self.tasks.join_next().await {
            Some(Ok((partition, End::Finished | End::Lost))) => {
                self.handles.remove(&partition);
            }
            Some(Ok((_, End::Stopped)) | Err(_)) => {}
            None => std::future::pending().await,
        }
    }

    /// Waits for all of them, once they are told to stop.
    async fn end(mut self, shared: &Shared) {
        let all = async {
            while !self.tasks.is_empty() {
                self.ended().await;
            }
        };
        if tokio::time::timeout(END_WITHIN, all).await.is_err() {
            let partitions: Vec<_> = self.handles.keys().map(PartitionId::as_str).collect();
            tracing::warn!(
                source.name = %shared.config.name, ?partitions,
                "readers did not end in time and are cut off: what they have not committed is read again"
            );
        }
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

async fn plan(shared: &Shared, readers: &mut Readers) -> Result<Plan, PlanError> {
    let stored = shared.store.partitions(&shared.config.name).await?;
    let known: BTreeMap<PartitionId, Progress> = stored.iter().filter_map(progress).collect();
    let plan = shared.source.plan(&known).await?;
    let unnamed = known.iter().filter(|(partition, progress)| {
        **progress != Progress::Finished
            && !plan.lost.contains(*partition)
            && !is_to_be_read(&plan, partition)
    });
    for lost in unnamed.map(|(partition, _)| partition).chain(&plan.lost) {
        readers.cut_off(lost);
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
    shared.status.recovered(partition.as_str());
    tracing::warn!(source.name = %shared.config.name, partition = %partition, "a partition is gone: gap recorded");
    Ok(())
}

/// Starts a reader for every partition of the plan that has none. Answers when to plan again.
async fn start(
    shared: &Arc<Shared>,
    plan: &Plan,
    stop: &watch::Receiver<bool>,
    readers: &mut Readers,
) -> Duration {
    let mut pause = PLAN_EVERY;
    for opening in &plan.open {
        if readers.has(&opening.partition) {
            continue;
        }
        match partition::take(shared, opening).await {
            Ok(standing) => {
                shared.status.recovered(opening.partition.as_str());
                readers.start(shared, opening.clone(), standing, stop.clone());
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
        // Dropped half-way it leaves nothing half done: what it writes, it writes as a whole or not at all.
        let outcome = tokio::select! {
            outcome = close_once(&shared, &mut closer) => outcome,
            _ = stop.changed() => return,
        };
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

#[cfg(test)]
mod tests;
