//! One source at work: what is read is planned again and again, each partition that this node reads has a task, and one
//! node closes intervals.

mod closing;
mod lead;
mod readers;
mod shared;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use pegboard_connect::spec::{Plan, Progress, SourceError};
use pegboard_model::PartitionId;
use pegboard_store::{Part, PartitionState, Roll, StoreError};
use tokio::task::JoinSet;
use tokio::time::Instant;

pub use self::shared::Shared;

use self::readers::Readers;
use super::archive;
use super::erasure;
use super::ingest::{gap, opening_batch};
use super::late_files;
use super::partition::{self, End};
use super::recapture;
use super::reconcile;
use super::reload;
use super::status::Step;
use super::watch;

/// How often partitions are listed without a reason.
const PLAN_EVERY: Duration = Duration::from_secs(30);

/// How long listing partitions may take. A listing asks page after page, and each request has limits of its own.
const PLAN_WITHIN: Duration = if cfg!(test) { Duration::from_secs(1) } else { Duration::from_mins(1) };

/// How often the closer looks at the watermark.
const CLOSE_EVERY: Duration = Duration::from_millis(500);

/// The pause after a failure of the plan or of the closer.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// Runs the source until `stop` turns true, then waits for its tasks.
pub async fn run(shared: Arc<Shared>, stop: watch::Receiver<bool>) {
    let closing = lead::while_leading(shared.clone(), stop.clone(), lead::close);
    let repairing = lead::while_leading(shared.clone(), stop.clone(), reconcile::run);
    let archiving = lead::while_leading(shared.clone(), stop.clone(), archive::run);
    let reloading = lead::while_leading(shared.clone(), stop.clone(), reload::run);
    let erasing = lead::while_leading(shared.clone(), stop.clone(), erasure::run);
    tokio::join!(
        supervised(&shared, "leading", lead::hold(shared.clone(), stop.clone())),
        supervised(&shared, "closer", closing),
        supervised(&shared, "reconciler", repairing),
        supervised(&shared, "archive", archiving),
        supervised(&shared, "archive backlog", archive::watch_backlog(shared.clone(), stop.clone())),
        supervised(&shared, "recapture", recapture::run(shared.clone(), stop.clone())),
        supervised(&shared, "late files", late_files::run(shared.clone(), stop.clone())),
        supervised(&shared, "reload", reloading),
        supervised(&shared, "erasure", erasing),
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
    let mut readers = Readers::default();
    let mut roll = shared.node.watch();
    let mut plan = Plan::default();
    let mut due = Instant::now();
    while !*stop.borrow() {
        // Asked for first: what changes during the turn is seen after it.
        let was_alone = shared.node.is_alone();
        tokio::select! {
            biased;
            _ = stop.changed() => break,
            () = turn(&shared, &mut plan, &mut due, &mut readers) => {}
        }
        tokio::select! {
            biased;
            _ = stop.changed() => break,
            () = tokio::time::sleep_until(due) => {}
            () = shared.replan.notified() => due = Instant::now(),
            ended = readers.ended() => {
                leave(&shared, ended).await;
                due = Instant::now();
            }
            changed = others_changed(&shared, &mut roll, was_alone) => if changed.is_err() { break },
        }
    }
    readers.end(&shared).await;
}

/// Waits until something may have changed among several nodes. A node that was alone and still is has nobody to share
/// with.
async fn others_changed(
    shared: &Shared,
    roll: &mut watch::Receiver<Roll>,
    was_alone: bool,
) -> Result<(), watch::Closed> {
    loop {
        roll.changed().await?;
        if !(was_alone && shared.node.is_alone()) {
            return Ok(());
        }
    }
}

/// Plans if that is due, takes what is free and in this node's share, and gives up what is more than that.
async fn turn(shared: &Arc<Shared>, plan: &mut Plan, due: &mut Instant, readers: &mut Readers) {
    if let Err(error) = shared.refresh_status().await {
        tracing::warn!(source.name = %shared.config.name, "cannot see what other nodes do: {error}");
    }
    if *due <= Instant::now() {
        *due = Instant::now() + plan_again(shared, plan, readers).await;
    }
    if !take_share(shared, plan, readers).await {
        *due = (*due).min(Instant::now() + AFTER_FAILURE);
    }
    readers.leave_to_others(shared);
}

/// Ends this node's part in a partition whose reader has ended. One that was lost is asked for again, and is this node's
/// unless another has it now.
async fn leave(shared: &Shared, ended: Option<(PartitionId, End)>) {
    let Some((partition, end)) = ended else { return };
    shared.status.left(&partition);
    if end == End::Finished {
        shared.status.recovered(partition.as_str());
        shared.node.release(&shared.config.name, &Part::Partition(partition)).await;
    }
}

/// Lists partitions anew. Answers when to do so again.
async fn plan_again(shared: &Arc<Shared>, plan: &mut Plan, readers: &mut Readers) -> Duration {
    match list(shared, readers).await {
        Ok(listed) => {
            shared.status.recovered("plan");
            shared.status.planned(&listed.open, &listed.waiting);
            shared.status.ask_what_is_carried(|partition| shared.source.carries(partition));
            shared.node.note_open(&shared.config.name, listed.open.len());
            release_unnamed(shared, &listed, readers).await;
            *plan = listed;
            PLAN_EVERY
        }
        Err(error) => {
            tracing::warn!(source.name = %shared.config.name, "cannot list what to read: {error:#}");
            shared.status.failed("plan", (shared.clock)(), error.to_string(), false);
            AFTER_FAILURE
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
    #[error("listing what to read took more than {} s: is the platform reachable?", PLAN_WITHIN.as_secs())]
    TooSlow,
}

async fn list(shared: &Shared, readers: &mut Readers) -> Result<Plan, PlanError> {
    let stored = shared.look_at_store().await?.partitions;
    let stored = stored.iter().filter(|state| !reconcile::is_lane(&state.partition));
    let known: BTreeMap<PartitionId, Progress> = stored.filter_map(progress).collect();
    let planning = tokio::time::timeout(PLAN_WITHIN, shared.source.plan(&known));
    let plan = planning.await.map_err(|_| PlanError::TooSlow)??;
    let unnamed = known.iter().filter(|(partition, progress)| {
        **progress != Progress::Finished
            && !plan.lost.contains(*partition)
            && !is_to_be_read(&plan, partition)
    });
    for lost in unnamed.map(|(partition, _)| partition).chain(&plan.lost) {
        give_up(shared, lost, readers).await?;
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

/// Records a gap for a partition that is gone before it was read to its end, and ends it; unless another node reads it,
/// which notices by itself.
async fn give_up(shared: &Shared, partition: &PartitionId, readers: &mut Readers) -> Result<(), StoreError> {
    let part = Part::Partition(partition.clone());
    if shared.node.is_anothers(&shared.config.name, &part) {
        return Ok(());
    }
    readers.cut_off(partition);
    let state = shared.store.take_partition(&shared.config.name, partition, &[]).await?;
    let now = (shared.clock)();
    let Some(position) = state.position.clone().filter(|_| !state.finished) else { return Ok(()) };
    let mut batch = opening_batch(&shared.config.name, partition, state.epoch, position.clone());
    batch.expected = Some(position.clone());
    batch.finished = true;
    batch.gaps.push(gap("it was gone before it was read to its end", state.watermark, now));
    match shared.store.commit(batch).await {
        Ok(_) => {}
        // Another node has noticed it at the same time.
        Err(StoreError::NotOwner { .. }) => return Ok(()),
        Err(error) => return Err(error),
    }
    let step = Step { position: Some(position), watermark: None, behind: None, finished: true };
    let agents = shared.agents.lock().await.count() as u64;
    shared.status.stepped(partition, step, pegboard_store::Counts::default(), agents);
    shared.status.recovered(partition.as_str());
    tracing::warn!(source.name = %shared.config.name, partition = %partition, "a partition is gone: gap recorded");
    Ok(())
}

/// Releases what this node holds and nobody is to read any more.
async fn release_unnamed(shared: &Shared, plan: &Plan, readers: &Readers) {
    for part in shared.node.held(&shared.config.name) {
        if let Part::Partition(partition) = &part
            && !readers.has(partition)
            && !plan.open.iter().any(|opening| opening.partition == *partition)
        {
            shared.status.left(partition);
            shared.node.release(&shared.config.name, &part).await;
        }
    }
}

/// Starts a reader for every partition of the plan that has none and is this node's to read. False if one could not be
/// taken.
async fn take_share(shared: &Arc<Shared>, plan: &Plan, readers: &mut Readers) -> bool {
    let mut all_taken = true;
    for opening in &plan.open {
        let partition = &opening.partition;
        let part = Part::Partition(partition.clone());
        if shared.node.is_anothers(&shared.config.name, &part) {
            if !readers.has(partition) {
                shared.node.lost(&shared.config.name, &part);
            }
            continue;
        }
        let taken = if readers.has(partition) {
            shared.node.confirm(&shared.config.name, &part).await
        } else {
            take(shared, opening.clone(), &part, readers).await
        };
        match taken {
            Ok(()) => {}
            Err(error) => {
                tracing::warn!(source.name = %shared.config.name, %partition, "cannot open: {error}");
                shared.status.failed(partition.as_str(), (shared.clock)(), error.to_string(), false);
                all_taken = false;
            }
        }
    }
    all_taken
}

async fn take(
    shared: &Arc<Shared>,
    opening: pegboard_connect::spec::Opening,
    part: &Part,
    readers: &mut Readers,
) -> Result<(), StoreError> {
    if !shared.node.take(&shared.config.name, part).await? {
        // Whatever went wrong with it here, it is another's now.
        shared.status.recovered(opening.partition.as_str());
        return Ok(());
    }
    match partition::take(shared, opening).await? {
        Some((opening, standing)) => {
            shared.status.recovered(opening.partition.as_str());
            readers.start(shared, opening, standing);
        }
        None => shared.node.release(&shared.config.name, part).await,
    }
    Ok(())
}

#[cfg(test)]
mod tests;
