//! The embedded store: one SQLite file, one thread that writes, a few connections that read.

mod acd;
mod alarm;
mod archive;
mod audit;
mod backup;
mod check;
mod close;
mod codec;
mod connection;
mod contact_events;
mod dead_letters;
mod delivery;
mod dirty;
mod erasure;
mod events;
mod export;
mod fault;
mod feed;
mod history;
mod holds;
mod ingest;
mod intake;
mod lock;
mod mapping;
mod migrate;
mod nodes;
mod partitions;
mod queue_names;
mod read;
mod reader;
mod reload;
mod seals;
mod sweep;
mod tokens;
mod unmapped;
mod writer;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use pegboard_model::{
    AgentId, ContactEvent, ContactId, ContactLeg, Millis, Observation, PartitionId, Segment, SourceName,
    Timestamp,
};
use rusqlite::{Connection, OptionalExtension};
use tokio::sync::watch;

pub use self::sweep::Retention;

use self::check::{Checking, Soundness};
use self::fault::Tried;
use self::lock::StoreLock;
use self::nodes::Nodes;
use self::reader::Readers;
use self::writer::Writer;
use crate::Fullness;
use crate::{
    AgentBeginning, AgentsSnapshot, ArchiveBacklog, ArchiveFile, ArchiveStep, AuditEntry, AuditWrite, Backup,
    Batch, Beat, Close, Closed, ClosedUntil, CloserState, Committed, Cursor, DeadLetter, DirtyMark, FeedKind,
    FeedPage, Gap, NodeId, Origin, Part, PartitionState, QueueName, Reload, ReloadDay, ReloadState,
    ReloadStep, ReloadWrite, Reloaded, Result, Roll, RowRevision, SourceState, Store, StoreError, StoreId,
    StoredAcdRow, StoredAgent, StoredRow, Token, TokenWrite, failpoint,
};

const DAY: Millis = Millis::from_hours(24);

/// How a store is opened.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// The hub's clock; it dates what the calls do not date themselves: entries of feeds, for the sweep.
    pub clock: fn() -> Timestamp,
    /// What is kept for how long.
    pub retention: Retention,
    /// How long to wait for another program that holds the file locked.
    pub busy_timeout: Duration,
    /// To what the file may grow, in bytes; the disk's end where there is none. A commit beyond fails as on a full
    /// disk.
    pub max_bytes: Option<u64>,
}

impl SqliteOptions {
    /// The usual: default retention, 5 seconds of patience, no limit of the file's size.
    pub fn new(clock: fn() -> Timestamp) -> Self {
        Self { clock, retention: Retention::default(), busy_timeout: Duration::from_secs(5), max_bytes: None }
    }
}

/// A store in one SQLite file.
///
/// One process holds it: a lock on `<path>.lock`. The file, its log and its lock are made for their owner alone
/// (0600). Commits wait for the disk (write-ahead log, `synchronous=FULL`) before they are acknowledged.
///
/// Limits: 128 jobs wait for the writer, further ones wait outside; up to 64 of them are committed together; 4
/// queries read at once; a page of a feed has at most 10,000 entries; 64 KiB of a dead letter's payload are kept. How
/// long each table keeps its rows: [`Retention`].
///
/// Every page carries a checksum, which is looked at whenever the page is read from the disk: what reads a page that is
/// not as it was written fails with [`StoreError::Damaged`], everything else goes on. A file of up to 256 MiB is read
/// as a whole before it is used, a larger one while it is used. One whose pages are as they were written and do not fit
/// together is refused; of a large one, everything fails once that is found.
///
/// Dropping it waits for the jobs that were handed in, as [`Store::shut_down`] does.
#[derive(Debug)]
pub struct SqliteStore {
    id: StoreId,
    path: PathBuf,
    woken: watch::Receiver<u64>,
    retention: Retention,
    clock: fn() -> Timestamp,
    nodes: Nodes,
    /// The check of a large file, until it is closed.
    checking: Mutex<Option<Checking>>,
    writer: Writer,
    readers: Readers,
}

impl SqliteStore {
    /// Opens the store at `path`, or makes one, and brings it to the present schema.
    ///
    /// Fails with [`StoreError::InUse`] if a process holds it, this one included, and with
    /// [`StoreError::NewerSchema`] if a newer program wrote it. Waits for the disk.
    pub fn open(path: &Path, options: SqliteOptions) -> Result<Self> {
        let path = lock::resolve(path)?;
        let lock = StoreLock::take(&path)?;
        // SQLite gives the log the mode that it finds on the file.
        drop(lock::create_private(&path)?);
        let soundness = Soundness::default();
        let Prepared { connection, id, checking } =
            prepare(&path, &options, &soundness).map_err(|fault| fault.during("open the store"))?;
        let (wake, woken) = watch::channel(0);
        let writer = Writer::start(connection, lock, options.clock, wake, soundness.clone())?;
        let (retention, clock, nodes) = (options.retention.clone(), options.clock, Nodes::default());
        let readers = Readers::new(path.clone(), options, soundness);
        Ok(Self { id, path, woken, retention, clock, nodes, checking: Mutex::new(checking), writer, readers })
    }
}

impl SqliteStore {
    /// Makes a store at `to` from a copy that [`Store::backup`] made: the same, under an identity of its own, so that
    /// cursors of the one that was copied are refused. A store that is there is refused; with `replace` it is kept as
    /// `<to>.replaced`.
    ///
    /// Fails with [`StoreError::InUse`] if a process holds the store, with [`StoreError::NewerSchema`] if a newer
    /// program wrote the copy, and with [`StoreError::Damaged`] if it is no whole copy. Waits for the disk.
    pub fn restore(from: &Path, to: &Path, replace: bool) -> Result<StoreId> {
        backup::restore(from, to, replace)
    }

    /// Takes the store at `path` as it is, although another program has written it so that the checksums of its pages do not
    /// fit: writes it anew, with checksums of what stands there now, and keeps what was there as `<path>.unsealed`. Answers
    /// how many pages were not as this program had written them. Nothing can tell what another program has written from
    /// what a disk has damaged: that is for the caller to know.
    ///
    /// Fails with [`StoreError::InUse`] if a process holds the store, and with [`StoreError::Damaged`] if its pages do not
    /// fit together. It takes as much room again, and waits for the disk.
    pub fn reseal(path: &Path) -> Result<u64> {
        seals::reseal(path)
    }
}

impl SqliteStore {
    /// Removes ranges of rows, and gives the room back to the disk.
    async fn remove(&self, mut ranges: VecDeque<sweep::Range>) -> Result<()> {
        while !ranges.is_empty() {
            ranges = self.writer.run("sweep", move |step| sweep::bite(step, ranges)).await?;
        }
        while self.writer.run("give room back", sweep::give_back).await? {}
        Ok(())
    }

    /// Removes details, a day at a time, until the file is within its budget. Fails if it cannot be.
    async fn keep_budget(&self, now: Timestamp) -> Result<()> {
        let Some(budget) = self.retention.disk_budget else { return Ok(()) };
        let mut last = None;
        loop {
            let used = self.readers.run("measure the store", sweep::used).await?;
            if used <= budget {
                if used > budget / 10 * 9 {
                    tracing::warn!(used, budget, "the store has nearly used up its disk budget");
                }
                return Ok(());
            }
            let oldest = self.readers.run("look for old details", sweep::oldest_detail).await?;
            let until = now - sweep::KEPT_DETAILS;
            let Some(oldest) = oldest.filter(|oldest| *oldest < until && Some(*oldest) > last) else {
                return Err(over_budget(used, budget));
            };
            tracing::warn!(used, budget, %oldest, "details are removed early: the store is over its disk budget");
            last = Some(oldest);
            let (before, too_old) = ((oldest + DAY).min(until), now - self.retention.history);
            let plan = move |connection: &Connection| {
                let mut ranges = VecDeque::new();
                sweep::plan_details(connection, before, too_old, &mut ranges).map(|()| ranges)
            };
            self.remove(self.readers.run("look for old details", plan).await?).await?;
        }
    }
}

fn over_budget(used: u64, budget: u64) -> StoreError {
    let cause = format!(
        "it holds {used} bytes, its disk budget is {budget}, and all details that may go are gone: raise the budget, or keep rows \
         for a shorter time"
    );
    StoreError::Database { operation: "keep the store within its disk budget", cause: cause.into() }
}

/// A file that is ready to be written.
struct Prepared {
    connection: Connection,
    id: StoreId,
    checking: Option<Checking>,
}

fn prepare(path: &Path, options: &SqliteOptions, soundness: &Soundness) -> Tried<Prepared> {
    seals::seal_old(path)?;
    let mut connection = connection::open_writer(path, options)?;
    let takes_long = check::takes_long(&connection)?;
    if !takes_long {
        check::look(&connection)?;
    }
    migrate::migrate(&mut connection, migrate::MIGRATIONS)?;
    let id = identity(&connection)?;
    let checking = takes_long.then(|| Checking::start(path, options, soundness)).transpose()?;
    Ok(Prepared { connection, id, checking })
}

/// The identity of the store, made when there is none.
fn identity(connection: &Connection) -> Tried<StoreId> {
    let known = connection
        .query_row("SELECT value FROM meta WHERE name = 'store_id'", [], |row| row.get(0))
        .optional()?;
    if let Some(id) = known {
        return Ok(StoreId(id));
    }
    failpoint!("open.before_identity", fails);
    let id = StoreId::random()?;
    connection.execute("INSERT INTO meta (name, value) VALUES ('store_id', ?1)", [id.as_str()])?;
    Ok(id)
}

#[async_trait]
impl Store for SqliteStore {
    fn id(&self) -> &StoreId {
        &self.id
    }

    fn woken(&self) -> watch::Receiver<u64> {
        self.woken.clone()
    }

    async fn take_partition(
        &self,
        source: &SourceName,
        partition: &PartitionId,
        parents: &[PartitionId],
    ) -> Result<PartitionState> {
        let (source, partition, parents) = (source.clone(), partition.clone(), parents.to_vec());
        let work = move |step: &mut writer::Step<'_>| partitions::take(step, &source, &partition, &parents);
        self.writer.run("take a partition", work).await
    }

    async fn partitions(&self, source: &SourceName) -> Result<Vec<PartitionState>> {
        let source = source.clone();
        self.readers.run("read partitions", move |connection| partitions::list(connection, &source)).await
    }

    async fn commit(&self, batch: Batch) -> Result<Committed> {
        self.writer.run("commit a batch", move |step| ingest::commit(step, &batch)).await
    }

    async fn stored_agents(
        &self,
        source: &SourceName,
        after: Option<&AgentId>,
        limit: usize,
    ) -> Result<Vec<StoredAgent>> {
        let (source, after) = (source.clone(), after.cloned());
        let query =
            move |connection: &Connection| read::stored_agents(connection, &source, after.as_ref(), limit);
        self.readers.run("read agents", query).await
    }

    async fn agent_versions(
        &self,
        source: &SourceName,
        after: Option<&AgentId>,
        limit: usize,
    ) -> Result<Vec<(AgentId, u64)>> {
        let (source, after) = (source.clone(), after.cloned());
        let query =
            move |connection: &Connection| read::agent_versions(connection, &source, after.as_ref(), limit);
        self.readers.run("read versions of agents", query).await
    }

    async fn stored_agents_of(&self, source: &SourceName, agents: &[AgentId]) -> Result<Vec<StoredAgent>> {
        let (source, agents) = (source.clone(), agents.to_vec());
        let query = move |connection: &Connection| read::stored_agents_of(connection, &source, &agents);
        self.readers.run("read agents", query).await
    }

    async fn evidence(
        &self,
        source: &SourceName,
        agent: &AgentId,
        from: Timestamp,
    ) -> Result<Vec<Observation>> {
        let (source, agent) = (source.clone(), agent.clone());
        let query = move |connection: &Connection| read::evidence(connection, &source, &agent, from);
        self.readers.run("read evidence", query).await
    }

    async fn base(&self, source: &SourceName, agent: &AgentId) -> Result<Option<String>> {
        let (source, agent) = (source.clone(), agent.clone());
        let query = move |connection: &Connection| read::base(connection, &source, &agent);
        self.readers.run("read the base of an agent", query).await
    }

    async fn rebase(
        &self,
        source: &SourceName,
        agent: &AgentId,
        version: u64,
        until: Timestamp,
        base: String,
    ) -> Result<()> {
        let (source, agent) = (source.clone(), agent.clone());
        let job =
            move |step: &mut writer::Step<'_>| ingest::rebase(step, &source, &agent, version, until, &base);
        self.writer.run("fold old evidence", job).await
    }

    fn keeps_agents(&self) -> Millis {
        self.retention.agents()
    }

    async fn forget_agents(
        &self,
        source: &SourceName,
        agents: &[(AgentId, u64)],
        now: Timestamp,
    ) -> Result<Vec<AgentId>> {
        let (source, agents, before) = (source.clone(), agents.to_vec(), now - self.keeps_agents());
        let job = move |step: &mut writer::Step<'_>| sweep::forget_agents(step, &source, &agents, before);
        self.writer.run("remove agents", job).await
    }

    async fn contact(&self, source: &SourceName, contact: &ContactId) -> Result<Option<ContactLeg>> {
        let (source, contact) = (source.clone(), contact.clone());
        let query = move |connection: &Connection| read::contact(connection, &source, &contact);
        self.readers.run("read a contact", query).await
    }

    async fn contact_events(&self, source: &SourceName, contacts: &[ContactId]) -> Result<Vec<ContactEvent>> {
        let (source, contacts) = (source.clone(), contacts.to_vec());
        let query = move |connection: &Connection| contact_events::read(connection, &source, &contacts);
        self.readers.run("read events of contacts", query).await
    }

    async fn take_closer(&self, source: &SourceName) -> Result<CloserState> {
        let source = source.clone();
        self.writer.run("take the closer", move |step| close::take_closer(step, &source)).await
    }

    async fn announce_closing(&self, source: &SourceName, epoch: u64, until: ClosedUntil) -> Result<()> {
        let source = source.clone();
        let job = move |step: &mut writer::Step<'_>| close::announce(step, &source, epoch, until);
        self.writer.run("announce the closing of intervals", job).await
    }

    async fn dirty(&self, source: &SourceName, limit: usize) -> Result<Vec<DirtyMark>> {
        let source = source.clone();
        self.readers.run("read dirty marks", move |connection| dirty::list(connection, &source, limit)).await
    }

    async fn close(&self, close: Close) -> Result<Closed> {
        self.writer.run("close intervals", move |step| close::close(step, &close)).await
    }

    async fn add_reload(&self, reload: ReloadWrite, most_open: usize) -> Result<Option<u64>> {
        self.writer.run("note a reload", move |step| reload::add(step, &reload, most_open)).await
    }

    async fn reloads(
        &self,
        sources: &[SourceName],
        before: Option<u64>,
        only_open: bool,
        limit: usize,
    ) -> Result<Vec<Reload>> {
        let sources = sources.to_vec();
        let query =
            move |connection: &Connection| reload::list(connection, &sources, before, only_open, limit);
        self.readers.run("read reloads", query).await
    }

    async fn cancel_reload(&self, id: u64) -> Result<Option<ReloadState>> {
        self.writer.run("cancel a reload", move |step| reload::cancel(step, id)).await
    }

    async fn reload_day(&self, source: &SourceName) -> Result<Option<ReloadDay>> {
        let source = source.clone();
        let query = move |connection: &Connection| reload::day(connection, &source);
        self.readers.run("read which day is reloaded", query).await
    }

    async fn reload_step(&self, step: ReloadStep) -> Result<Reloaded> {
        self.writer.run("reload a day", move |writing| reload::step(writing, &step)).await
    }

    async fn source_state(&self, source: &SourceName) -> Result<SourceState> {
        let source = source.clone();
        let query = move |connection: &Connection| read::source_state(connection, &source);
        self.readers.run("read how a source stands", query).await
    }

    async fn beginnings(&self, source: &SourceName, after: Timestamp) -> Result<Vec<AgentBeginning>> {
        let source = source.clone();
        let query = move |connection: &Connection| read::beginnings(connection, &source, after);
        self.readers.run("read where timelines begin", query).await
    }

    async fn segments(
        &self,
        source: &SourceName,
        agent: Option<&AgentId>,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<(AgentId, Segment)>> {
        let (source, agent) = (source.clone(), agent.cloned());
        let query =
            move |connection: &Connection| read::segments(connection, &source, agent.as_ref(), from, to);
        self.readers.run("read segments", query).await
    }

    async fn first_contact(&self, source: &SourceName) -> Result<Option<Timestamp>> {
        let source = source.clone();
        let query = move |connection: &Connection| read::first_contact(connection, &source);
        self.readers.run("look for the first contact", query).await
    }

    async fn contacts(&self, source: &SourceName, from: Timestamp, to: Timestamp) -> Result<Vec<ContactLeg>> {
        let source = source.clone();
        let query = move |connection: &Connection| read::contacts(connection, &source, from, to);
        self.readers.run("read contacts", query).await
    }

    async fn rows(
        &self,
        source: &SourceName,
        report: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<StoredRow>> {
        let (source, report) = (source.clone(), report.to_string());
        let query = move |connection: &Connection| read::rows(connection, &source, &report, from, to);
        self.readers.run("read rows", query).await
    }

    async fn acd_rows(
        &self,
        source: &SourceName,
        report: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<StoredAcdRow>> {
        let (source, report) = (source.clone(), report.to_string());
        let query = move |connection: &Connection| acd::rows(connection, &source, &report, from, to);
        self.readers.run("read rows of the ACD", query).await
    }

    async fn row_history(
        &self,
        source: &SourceName,
        origin: Origin,
        report: &str,
        from: Timestamp,
        to: Timestamp,
        limit: usize,
    ) -> Result<Vec<RowRevision>> {
        let (source, report) = (source.clone(), report.to_string());
        let query = move |connection: &Connection| {
            history::list(connection, &source, origin, &report, (from, to), limit)
        };
        self.readers.run("read the history of rows", query).await
    }

    async fn queue_names(&self, source: &SourceName) -> Result<Vec<QueueName>> {
        let source = source.clone();
        self.readers
            .run("read names of queues", move |connection| queue_names::list(connection, &source))
            .await
    }

    async fn agents(&self, sources: &[SourceName]) -> Result<AgentsSnapshot> {
        let (id, sources) = (self.id.clone(), sources.to_vec());
        self.readers.run("read agents", move |connection| read::agents(connection, &id, &sources)).await
    }

    async fn feed(
        &self,
        kind: FeedKind,
        after: &Cursor,
        sources: &[SourceName],
        limit: usize,
    ) -> Result<FeedPage> {
        let (id, after, sources) = (self.id.clone(), after.clone(), sources.to_vec());
        let query = move |connection: &Connection| feed::page(connection, &id, kind, &after, &sources, limit);
        self.readers.run("read a feed", query).await
    }

    async fn feed_end(&self, kind: FeedKind) -> Result<Cursor> {
        let store = self.id.clone();
        let query =
            move |connection: &Connection| Ok(Cursor { store, seen: feed::heads(connection, kind, &[])? });
        self.readers.run("read the end of a feed", query).await
    }

    async fn dead_letters(
        &self,
        sources: &[SourceName],
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>> {
        let sources = sources.to_vec();
        let query = move |connection: &Connection| read::dead_letters(connection, &sources, before, limit);
        self.readers.run("read dead letters", query).await
    }

    async fn dead_letter(&self, id: i64) -> Result<Option<DeadLetter>> {
        self.readers.run("read a dead letter", move |connection| read::dead_letter(connection, id)).await
    }

    async fn note_dead_letter_tried(&self, id: i64, reason: &str, at: Timestamp) -> Result<bool> {
        let reason = reason.to_string();
        self.writer
            .run("note the try of a dead letter", move |step| dead_letters::note_tried(step, id, &reason, at))
            .await
    }

    async fn remove_dead_letter(&self, id: i64) -> Result<bool> {
        self.writer.run("remove a dead letter", move |step| dead_letters::remove(step, id)).await
    }

    async fn gaps(&self, source: &SourceName, limit: usize) -> Result<Vec<Gap>> {
        let source = source.clone();
        self.readers.run("read gaps", move |connection| read::gaps(connection, &source, limit)).await
    }

    async fn beat(&self, beat: Beat) -> Result<()> {
        self.nodes.beat(&beat, (self.clock)());
        Ok(())
    }

    async fn roll(&self) -> Result<Roll> {
        Ok(self.nodes.roll((self.clock)()))
    }

    async fn take_lease(&self, node: &NodeId, source: &SourceName, part: &Part) -> Result<bool> {
        Ok(self.nodes.take(node, source, part, (self.clock)()))
    }

    async fn release_lease(&self, node: &NodeId, source: &SourceName, part: &Part) -> Result<()> {
        self.nodes.release(node, source, part);
        Ok(())
    }

    async fn leave(&self, node: &NodeId) -> Result<()> {
        self.nodes.leave(node);
        Ok(())
    }

    async fn add_token(&self, token: TokenWrite) -> Result<()> {
        self.writer.run("write a token", move |step| tokens::add(step, &token)).await
    }

    async fn token_by_hash(&self, hash: &[u8; 32]) -> Result<Option<Token>> {
        let hash = *hash;
        self.readers.run("read a token", move |connection| tokens::by_hash(connection, &hash)).await
    }

    async fn tokens(&self) -> Result<Vec<Token>> {
        self.readers.run("read tokens", tokens::list).await
    }

    async fn revoke_token(&self, id: &str, at: Timestamp) -> Result<bool> {
        let id = id.to_string();
        self.writer.run("revoke a token", move |step| tokens::revoke(step, &id, at)).await
    }

    async fn append_audit(&self, entry: AuditWrite) -> Result<AuditEntry> {
        self.writer.run("write to the audit log", move |step| audit::append(step, entry)).await
    }

    async fn audit(&self, before: Option<u64>, limit: usize) -> Result<Vec<AuditEntry>> {
        let query = move |connection: &Connection| audit::page(connection, before, limit);
        self.readers.run("read the audit log", query).await
    }

    async fn archive_files(
        &self,
        source: &SourceName,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<ArchiveFile>> {
        let source = source.clone();
        let query = move |connection: &Connection| archive::files(connection, &source, before, limit);
        self.readers.run("read what waits for the archive", query).await
    }

    async fn archive_backlog(&self, source: &SourceName) -> Result<ArchiveBacklog> {
        let source = source.clone();
        let query = move |connection: &Connection| archive::backlog(connection, &source);
        self.readers.run("read what waits for the archive", query).await
    }

    async fn archive_steps(
        &self,
        source: &SourceName,
        file: &ArchiveFile,
        from: u64,
        limit: usize,
    ) -> Result<Vec<ArchiveStep>> {
        let (source, file) = (source.clone(), file.clone());
        let query = move |connection: &Connection| archive::steps(connection, &source, &file, from, limit);
        self.readers.run("read what waits for the archive", query).await
    }

    async fn archive_written(&self, source: &SourceName, file: &ArchiveFile) -> Result<()> {
        let (source, file) = (source.clone(), file.clone());
        let job = move |step: &mut writer::Step<'_>| archive::written(step, &source, &file);
        self.writer.run("let go of what is archived", job).await
    }

    async fn sweep(&self, now: Timestamp) -> Result<()> {
        let retention = self.retention.clone();
        let plan = move |connection: &Connection| sweep::plan(connection, now, &retention);
        self.remove(self.readers.run("look for what is past its time", plan).await?).await?;
        self.keep_budget(now).await
    }

    async fn fullness(&self) -> Result<Option<Fullness>> {
        let Some(budget) = self.retention.disk_budget else { return Ok(None) };
        let used = self.readers.run("measure the store", sweep::used).await?;
        Ok(Some(Fullness { used, budget }))
    }

    async fn backup(&self) -> Result<Backup> {
        let (path, now) = (self.path.clone(), (self.clock)());
        self.readers.run("back up the store", move |connection| backup::write(connection, &path, now)).await
    }

    async fn shut_down(&self) -> Result<()> {
        drop(self.checking.lock().unwrap_or_else(PoisonError::into_inner).take());
        self.readers.shut_down().await;
        self.writer.shut_down().await;
        Ok(())
    }
}
