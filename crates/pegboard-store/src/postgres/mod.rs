//! The store of several nodes: a PostgreSQL database.

mod acd;
mod alarm;
mod archive;
mod audit;
mod close;
mod codec;
mod connect;
mod contact_events;
mod dead_letters;
mod delivery;
mod dirty;
mod erasure;
mod events;
mod fault;
mod feed;
mod history;
mod holds;
mod import;
mod ingest;
mod intake;
mod listen;
mod mapping;
mod migrate;
mod nodes;
mod partitions;
mod pool;
mod queue_names;
mod read;
mod reload;
mod session;
mod sweep;
mod tls;
mod tokens;
mod unmapped;
mod url;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pegboard_model::{
    AgentId, ContactEvent, ContactId, ContactLeg, Millis, Observation, PartitionId, Segment, SourceName,
    Timestamp,
};
use tokio::sync::watch;

pub use self::url::{InvalidPostgresUrl, PostgresUrl, SslMode};

use self::connect::{Connector, Use, check_server};
use self::fault::{Fault, Tried};
use self::listen::Waker;
use self::migrate::State;
use self::pool::{Lent, Pool};
use crate::{
    AgentBeginning, AgentsSnapshot, ArchiveBacklog, ArchiveFile, ArchiveStep, AuditEntry, AuditWrite, Batch,
    Beat, Close, Closed, ClosedUntil, CloserState, Committed, Cursor, DeadLetter, DirtyMark, FeedKind,
    FeedPage, Gap, NodeId, Origin, Part, PartitionState, QueueName, Reload, ReloadDay, ReloadState,
    ReloadStep, ReloadWork, ReloadWrite, Reloaded, Result, Retention, Roll, RowRevision, SourceState, Store,
    StoreId, StoredAcdRow, StoredAgent, StoredRow, Token, TokenWrite,
};

/// How often work is done again that the database gave up in favour of another transaction.
const TRIES: u32 = 5;

/// How a store is opened.
#[derive(Clone)]
pub struct PostgresOptions {
    /// The hub's clock; it dates what the calls do not date themselves: entries of feeds, for the sweep.
    pub clock: fn() -> Timestamp,
    /// What is kept for how long.
    pub retention: Retention,
    /// The password of the URL's user, where the server asks for one.
    pub password: Option<String>,
    /// How long to wait for a connection.
    pub connect_timeout: Duration,
    /// How long one statement may take; the work as a whole fails then.
    pub statement_timeout: Duration,
    /// How long to wait for a lock that another transaction holds.
    pub lock_timeout: Duration,
    /// How many connections write at once.
    pub writers: u32,
    /// How many connections read at once.
    pub readers: u32,
}

impl PostgresOptions {
    /// The usual: default retention, 5 seconds for a connection, 30 for a statement, 10 for a lock, 8 connections that
    /// write and 4 that read.
    pub fn new(clock: fn() -> Timestamp) -> Self {
        Self {
            clock,
            retention: Retention::default(),
            password: None,
            connect_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(30),
            lock_timeout: Duration::from_secs(10),
            writers: 8,
            readers: 4,
        }
    }
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { retention, connect_timeout, statement_timeout, lock_timeout, writers, readers, .. } = self;
        f.debug_struct("PostgresOptions")
            .field("retention", retention)
            .field("connect_timeout", connect_timeout)
            .field("statement_timeout", statement_timeout)
            .field("lock_timeout", lock_timeout)
            .field("writers", writers)
            .field("readers", readers)
            .finish_non_exhaustive()
    }
}

/// What a URL names, for people: see [`fmt::Display`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresFound {
    /// The schema.
    pub schema: String,
    /// The version of the store in it; nothing where it is empty.
    pub version: Option<u32>,
    /// The version of the server.
    pub server: String,
    /// Whether what the server has committed survives a power cut.
    pub keeps: bool,
    /// Whether the server notices that a page of its files is not as it was written.
    pub notices: bool,
}

impl fmt::Display for PostgresFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { schema, version, server, keeps, notices } = self;
        match version {
            Some(version) => write!(f, "schema {schema} holds a store of version {version}")?,
            None => write!(f, "the store will be made in schema {schema}")?,
        }
        write!(f, ", PostgreSQL {server}")?;
        if !keeps {
            f.write_str("; fsync is off: a power cut loses what was committed")?;
        }
        if !notices {
            f.write_str("; data_checksums is off: damage on the disk may go unnoticed (see pg_checksums)")?;
        }
        Ok(())
    }
}

/// A store in a schema of a PostgreSQL database, version 14 or newer. Any number of processes may have it open.
///
/// Every method is one transaction, and answers after the database has told that it is committed. When the connection is
/// lost meanwhile, that is an error, whether it was committed or not: the caller reads again where things stand. The next
/// call has another connection. What the database gives up because transactions stand in each other's way is tried again
/// up to 5 times.
///
/// One more connection listens for what other nodes commit. It needs a session of its own: a pooler that shares sessions
/// between transactions cannot stand between.
#[derive(Debug)]
pub struct PostgresStore {
    id: StoreId,
    clock: fn() -> Timestamp,
    retention: Retention,
    writers: Pool,
    readers: Pool,
    waker: Waker,
    /// For statements that are made as they are needed.
    connector: Arc<Connector>,
}

impl PostgresStore {
    /// Opens the store, or makes it in an empty schema, and brings it to the present schema; waits while another node
    /// does.
    ///
    /// Fails with [`StoreError::NewerSchema`](crate::StoreError::NewerSchema) if a newer program wrote it, and with
    /// [`StoreError::Damaged`](crate::StoreError::Damaged) if the schema holds another program's tables.
    pub async fn open(url: &PostgresUrl, options: PostgresOptions) -> Result<Self> {
        let id = prepare(url, &options).await?;
        let writers = Arc::new(Connector::new(url, &options, Use::Write)?);
        let readers = Arc::new(Connector::new(url, &options, Use::Read)?);
        Ok(Self {
            waker: Waker::start(readers.clone(), &id),
            connector: readers.clone(),
            id,
            clock: options.clock,
            retention: options.retention,
            writers: Pool::new(writers, options.writers),
            readers: Pool::new(readers, options.readers),
        })
    }

    /// Looks at what the URL names, and changes nothing. Fails as [`PostgresStore::open`] would, as far as that can be
    /// told before.
    pub async fn probe(url: &PostgresUrl, options: PostgresOptions) -> Result<PostgresFound> {
        let connector = Connector::new(url, &options, Use::Read)?;
        let look = async {
            let session = connector.connect().await?;
            let server = check_server(&session).await?;
            let version = match migrate::state(&session, url.schema()).await? {
                State::Empty => None,
                State::Store { version, .. } => Some(version),
                State::Foreign => return Err(migrate::foreign(url.schema()).into()),
            };
            migrate::refuse_newer(version.unwrap_or_default())?;
            Ok(PostgresFound {
                schema: url.schema().to_owned(),
                version,
                server: server.version,
                keeps: server.keeps,
                notices: server.notices,
            })
        };
        look.await.map_err(|fault: Fault| fault.during("look at the store"))
    }

    /// Does work that writes, in one transaction or none.
    async fn write<T, W>(&self, operation: &'static str, work: impl Fn(Lent) -> W) -> Result<T>
    where
        W: Future<Output = Tried<T>>,
    {
        let mut tries = 1;
        loop {
            match run(&self.writers, &work).await {
                Err(fault) if fault.is_transient() && tries < TRIES => tries += 1,
                outcome => return outcome.map_err(|fault| fault.during(operation)),
            }
        }
    }

    /// Does work that only reads. A connection that was lost while nobody used it is no error.
    async fn read<T, W>(&self, operation: &'static str, work: impl Fn(Lent) -> W) -> Result<T>
    where
        W: Future<Output = Tried<T>>,
    {
        let outcome = match run(&self.readers, &work).await {
            Err(fault) if fault.is_loss() => run(&self.readers, &work).await,
            outcome => outcome,
        };
        outcome.map_err(|fault| fault.during(operation))
    }
}

async fn run<T, W>(pool: &Pool, work: impl Fn(Lent) -> W) -> Tried<T>
where
    W: Future<Output = Tried<T>>,
{
    let outcome = work(pool.lend().await?).await;
    if outcome.as_ref().is_err_and(Fault::is_loss) {
        pool.forget();
    }
    outcome
}

/// Brings the schema to its newest version; that may take longer than anything else, and so may waiting for it.
async fn prepare(url: &PostgresUrl, options: &PostgresOptions) -> Result<StoreId> {
    let patient = PostgresOptions {
        statement_timeout: Duration::from_hours(1),
        lock_timeout: Duration::from_mins(10),
        ..options.clone()
    };
    let connector = Connector::new(url, &patient, Use::Read)?;
    let work = async {
        let session = connector.connect().await?;
        if !check_server(&session).await?.notices {
            tracing::warn!(
                "data_checksums of the PostgreSQL server is off: damage on its disk may go unnoticed (see pg_checksums)"
            );
        }
        migrate::migrate(&session, url.schema()).await
    };
    work.await.map_err(|fault| fault.during("open the store"))
}

#[async_trait]
impl Store for PostgresStore {
    fn id(&self) -> &StoreId {
        &self.id
    }

    fn woken(&self) -> watch::Receiver<u64> {
        self.waker.woken()
    }

    async fn take_partition(
        &self,
        source: &SourceName,
        partition: &PartitionId,
        parents: &[PartitionId],
    ) -> Result<PartitionState> {
        let now = (self.clock)();
        let work =
            |session: Lent| async move { partitions::take(&session, source, partition, parents, now).await };
        self.write("take a partition", work).await
    }

    async fn partitions(&self, source: &SourceName) -> Result<Vec<PartitionState>> {
        let work = |session: Lent| async move {
            session.call(partitions::list(source)).await?.iter().map(partitions::read).collect()
        };
        self.read("read partitions", work).await
    }

    async fn commit(&self, batch: Batch) -> Result<Committed> {
        let (batch, now) = (&batch, (self.clock)());
        let work = |session: Lent| async move { ingest::commit(&session, batch, now).await };
        let committed = self.write("commit a batch", work).await?;
        if !batch.states.is_empty() || !batch.acd_rows.is_empty() || batch.events.is_some() {
            self.waker.fed();
        }
        Ok(committed)
    }

    async fn stored_agents(
        &self,
        source: &SourceName,
        after: Option<&AgentId>,
        limit: usize,
    ) -> Result<Vec<StoredAgent>> {
        let work = |session: Lent| async move { read::stored_agents(&session, source, after, limit).await };
        self.read("read agents", work).await
    }

    async fn agent_versions(
        &self,
        source: &SourceName,
        after: Option<&AgentId>,
        limit: usize,
    ) -> Result<Vec<(AgentId, u64)>> {
        let work = |session: Lent| async move { read::agent_versions(&session, source, after, limit).await };
        self.read("read versions of agents", work).await
    }

    async fn stored_agents_of(&self, source: &SourceName, agents: &[AgentId]) -> Result<Vec<StoredAgent>> {
        let work = |session: Lent| async move { read::stored_agents_of(&session, source, agents).await };
        self.read("read agents", work).await
    }

    async fn evidence(
        &self,
        source: &SourceName,
        agent: &AgentId,
        from: Timestamp,
    ) -> Result<Vec<Observation>> {
        let work = |session: Lent| async move { read::evidence(&session, source, agent, from).await };
        self.read("read evidence", work).await
    }

    async fn base(&self, source: &SourceName, agent: &AgentId) -> Result<Option<String>> {
        let work = |session: Lent| async move { read::base(&session, source, agent).await };
        self.read("read the base of an agent", work).await
    }

    async fn rebase(
        &self,
        source: &SourceName,
        agent: &AgentId,
        version: u64,
        until: Timestamp,
        base: String,
    ) -> Result<()> {
        let base = base.as_str();
        let work = |session: Lent| async move {
            ingest::rebase(&session, source, agent, version, until, base).await
        };
        self.write("fold old evidence", work).await
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
        let before = now - self.keeps_agents();
        let work =
            |session: Lent| async move { sweep::forget_agents(&session, source, agents, before).await };
        self.write("remove agents", work).await
    }

    async fn contact(&self, source: &SourceName, contact: &ContactId) -> Result<Option<ContactLeg>> {
        let work = |session: Lent| async move { read::contact(&session, source, contact).await };
        self.read("read a contact", work).await
    }

    async fn contact_events(&self, source: &SourceName, contacts: &[ContactId]) -> Result<Vec<ContactEvent>> {
        let work = |session: Lent| async move { contact_events::read(&session, source, contacts).await };
        self.read("read events of contacts", work).await
    }

    async fn take_closer(&self, source: &SourceName) -> Result<CloserState> {
        let work = |session: Lent| async move { close::take_closer(&session, source).await };
        self.write("take the closer", work).await
    }

    async fn announce_closing(&self, source: &SourceName, epoch: u64, until: ClosedUntil) -> Result<()> {
        let work = |session: Lent| async move { close::announce(&session, source, epoch, until).await };
        self.write("announce a closing", work).await
    }

    async fn dirty(&self, source: &SourceName, limit: usize) -> Result<Vec<DirtyMark>> {
        let work = |session: Lent| async move { dirty::list(&session, source, limit).await };
        self.read("read dirty marks", work).await
    }

    async fn close(&self, close: Close) -> Result<Closed> {
        let (close, now) = (&close, (self.clock)());
        let work = |session: Lent| async move { close::close(&session, close, now).await };
        let closed = self.write("close intervals", work).await?;
        if closed.first + closed.revised > 0 {
            self.waker.fed();
        }
        Ok(closed)
    }

    async fn add_reload(&self, reload: ReloadWrite, most_open: usize) -> Result<Option<u64>> {
        let reload = &reload;
        let work = |session: Lent| async move { reload::add(&session, reload, most_open).await };
        self.write("note a reload", work).await
    }

    async fn reloads(
        &self,
        sources: &[SourceName],
        before: Option<u64>,
        only_open: bool,
        limit: usize,
    ) -> Result<Vec<Reload>> {
        let work =
            |session: Lent| async move { reload::list(&session, sources, before, only_open, limit).await };
        self.read("read reloads", work).await
    }

    async fn cancel_reload(&self, id: u64) -> Result<Option<ReloadState>> {
        let work = |session: Lent| async move { reload::cancel(&session, id).await };
        self.write("cancel a reload", work).await
    }

    async fn reload_day(&self, source: &SourceName) -> Result<Option<ReloadDay>> {
        let work = |session: Lent| async move { reload::day(&session, source).await };
        self.read("read which day is reloaded", work).await
    }

    async fn reload_step(&self, step: ReloadStep) -> Result<Reloaded> {
        let (step, now) = (&step, (self.clock)());
        let work = |session: Lent| async move { reload::step(&session, step, now).await };
        let reloaded = self.write("reload a day", work).await?;
        if matches!(step.work, ReloadWork::Swap { .. }) {
            self.waker.fed();
        }
        Ok(reloaded)
    }

    async fn source_state(&self, source: &SourceName) -> Result<SourceState> {
        let work = |session: Lent| async move { read::source_state(&session, source).await };
        self.read("read how a source stands", work).await
    }

    async fn beginnings(&self, source: &SourceName, after: Timestamp) -> Result<Vec<AgentBeginning>> {
        let work = |session: Lent| async move { read::beginnings(&session, source, after).await };
        self.read("read where timelines begin", work).await
    }

    async fn segments(
        &self,
        source: &SourceName,
        agent: Option<&AgentId>,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<(AgentId, Segment)>> {
        let work = |session: Lent| async move { read::segments(&session, source, agent, from, to).await };
        self.read("read segments", work).await
    }

    async fn first_contact(&self, source: &SourceName) -> Result<Option<Timestamp>> {
        let work = |session: Lent| async move { read::first_contact(&session, source).await };
        self.read("look for the first contact", work).await
    }

    async fn contacts(&self, source: &SourceName, from: Timestamp, to: Timestamp) -> Result<Vec<ContactLeg>> {
        let work = |session: Lent| async move { read::contacts(&session, source, from, to).await };
        self.read("read contacts", work).await
    }

    async fn rows(
        &self,
        source: &SourceName,
        report: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<StoredRow>> {
        let work = |session: Lent| async move { close::rows(&session, source, report, from, to).await };
        self.read("read rows", work).await
    }

    async fn acd_rows(
        &self,
        source: &SourceName,
        report: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<StoredAcdRow>> {
        let work = |session: Lent| async move { acd::rows(&session, source, report, from, to).await };
        self.read("read rows of the ACD", work).await
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
        let work = |session: Lent| async move {
            history::list(&session, source, origin, report, (from, to), limit).await
        };
        self.read("read the history of rows", work).await
    }

    async fn queue_names(&self, source: &SourceName) -> Result<Vec<QueueName>> {
        let work = |session: Lent| async move { queue_names::list(&session, source).await };
        self.read("read names of queues", work).await
    }

    async fn agents(&self, sources: &[SourceName]) -> Result<AgentsSnapshot> {
        let work = |session: Lent| async move { read::agents(&session, &self.id, sources).await };
        self.read("read agents", work).await
    }

    async fn feed(
        &self,
        kind: FeedKind,
        after: &Cursor,
        sources: &[SourceName],
        limit: usize,
    ) -> Result<FeedPage> {
        let work =
            |session: Lent| async move { feed::page(&session, &self.id, kind, after, sources, limit).await };
        self.read("read a feed", work).await
    }

    async fn feed_end(&self, kind: FeedKind) -> Result<Cursor> {
        let work = |session: Lent| async move { feed::end(&session, &self.id, kind).await };
        self.read("read the end of a feed", work).await
    }

    async fn dead_letters(
        &self,
        sources: &[SourceName],
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>> {
        let work = |session: Lent| async move { read::dead_letters(&session, sources, before, limit).await };
        self.read("read dead letters", work).await
    }

    async fn dead_letter(&self, id: i64) -> Result<Option<DeadLetter>> {
        let work = |session: Lent| async move { read::dead_letter(&session, id).await };
        self.read("read a dead letter", work).await
    }

    async fn note_dead_letter_tried(&self, id: i64, reason: &str, at: Timestamp) -> Result<bool> {
        let work = |session: Lent| async move { dead_letters::note_tried(&session, id, reason, at).await };
        self.write("note the try of a dead letter", work).await
    }

    async fn remove_dead_letter(&self, id: i64) -> Result<bool> {
        let work = |session: Lent| async move { dead_letters::remove(&session, id).await };
        self.write("remove a dead letter", work).await
    }

    async fn gaps(&self, source: &SourceName, limit: usize) -> Result<Vec<Gap>> {
        let work = |session: Lent| async move { read::gaps(&session, source, limit).await };
        self.read("read gaps", work).await
    }

    async fn beat(&self, beat: Beat) -> Result<()> {
        let beat = &beat;
        let work = |session: Lent| async move { nodes::beat(&session, beat).await };
        self.write("say that the node lives", work).await
    }

    async fn roll(&self) -> Result<Roll> {
        let work = |session: Lent| async move { nodes::roll(&session).await };
        self.read("read the roll of nodes", work).await
    }

    async fn take_lease(&self, node: &NodeId, source: &SourceName, part: &Part) -> Result<bool> {
        let work = |session: Lent| async move { nodes::take(&session, node, source, part).await };
        self.write("take a lease", work).await
    }

    async fn release_lease(&self, node: &NodeId, source: &SourceName, part: &Part) -> Result<()> {
        let work = |session: Lent| async move { nodes::release(&session, node, source, part).await };
        self.write("release a lease", work).await
    }

    async fn leave(&self, node: &NodeId) -> Result<()> {
        let work = |session: Lent| async move { nodes::leave(&session, node).await };
        self.write("take leave", work).await
    }

    async fn add_token(&self, token: TokenWrite) -> Result<()> {
        let token = &token;
        let work = |session: Lent| async move { tokens::add(&session, token).await };
        self.write("write a token", work).await
    }

    async fn token_by_hash(&self, hash: &[u8; 32]) -> Result<Option<Token>> {
        let work = |session: Lent| async move { tokens::by_hash(&session, hash).await };
        self.read("read a token", work).await
    }

    async fn tokens(&self) -> Result<Vec<Token>> {
        let work = |session: Lent| async move { tokens::list(&session).await };
        self.read("read tokens", work).await
    }

    async fn revoke_token(&self, id: &str, at: Timestamp) -> Result<bool> {
        let work = |session: Lent| async move { tokens::revoke(&session, id, at).await };
        self.write("revoke a token", work).await
    }

    async fn append_audit(&self, entry: AuditWrite) -> Result<AuditEntry> {
        let entry = &entry;
        let work = |session: Lent| async move { audit::append(&session, entry).await };
        self.write("write to the audit log", work).await
    }

    async fn audit(&self, before: Option<u64>, limit: usize) -> Result<Vec<AuditEntry>> {
        let work = |session: Lent| async move { audit::page(&session, before, limit).await };
        self.read("read the audit log", work).await
    }

    async fn archive_files(
        &self,
        source: &SourceName,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<ArchiveFile>> {
        let work = |session: Lent| async move { archive::files(&session, source, before, limit).await };
        self.read("read what waits for the archive", work).await
    }

    async fn archive_backlog(&self, source: &SourceName) -> Result<ArchiveBacklog> {
        let work = |session: Lent| async move { archive::backlog(&session, source).await };
        self.read("read what waits for the archive", work).await
    }

    async fn archive_steps(
        &self,
        source: &SourceName,
        file: &ArchiveFile,
        from: u64,
        limit: usize,
    ) -> Result<Vec<ArchiveStep>> {
        let work = |session: Lent| async move { archive::steps(&session, source, file, from, limit).await };
        self.read("read what waits for the archive", work).await
    }

    async fn archive_written(&self, source: &SourceName, file: &ArchiveFile) -> Result<()> {
        let work = |session: Lent| async move { archive::written(&session, source, file).await };
        self.write("let go of what is archived", work).await
    }

    async fn sweep(&self, now: Timestamp) -> Result<()> {
        let work = |session: Lent| async move { sweep::sweep(&session, now, &self.retention).await };
        self.write("sweep", work).await
    }

    async fn shut_down(&self) -> Result<()> {
        self.waker.stop();
        self.writers.shut_down().await;
        self.readers.shut_down().await;
        Ok(())
    }
}
