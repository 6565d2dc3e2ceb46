//! Durable state.
//!
//! [`Store`] is what the hub asks of a database; [`SqliteStore`] is the embedded one, [`PostgresStore`] that of several
//! nodes. No other crate knows a table. What stands in one [`Batch`] commits together or not at all, and only while its owner still owns the
//! partition: that is the whole of the guarantee that nothing acknowledged is lost and nothing counts twice.

mod alarm;
mod archive;
mod audit;
mod batch;
mod column;
mod copy;
mod delivery;
mod erasure;
mod error;
mod events;
pub mod failpoint;
mod hold;
mod intake;
mod mapping;
mod nodes;
mod paging;
mod postgres;
mod read;
mod reload;
mod sqlite;
mod unmapped;

pub use alarm::{Alarm, AlarmMark, AlarmNote, AlarmSeen, Alarms, AlarmsAsked, Silence, Told};
pub use archive::{ArchiveBacklog, ArchiveFile, ArchiveStep, ArchiveWrite};
pub use audit::{AuditChain, AuditEntry, AuditFault, AuditHash, AuditWrite, ParseHashError};
pub use batch::{
    AcdRowWrite, AgentWrite, Batch, Close, Closed, Committed, ContactEventsWrite, Counts, DeadLetterWrite,
    DirtyMark, GapWrite, PAYLOAD_BYTES, RowWrite, SegmentsWrite,
};
pub use copy::CopiedTable;
pub use delivery::{
    Deliveries, Delivery, DeliveryNote, DeliveryState, DeliveryTry, LedgerFilter, LedgerLine, ParkedLine,
    ParseUnitError, RefusedState, Settle, SinkState, TryOutcome, Unit,
};
pub use erasure::{
    Cell, Eraser, Erasure, ErasureNote, ErasureState, ErasureWrite, Erasures, MOST_CHANGES, RowChange,
};
pub use error::StoreError;
pub use events::{EventMark, EventPage, EventWrite, Events, EventsWrite, RawEvent};
pub use hold::{Hold, HoldNote, Present, StaleNote};
pub use intake::{HandIn, HandedIn, HandedRecord, Intake, KEYS_KEPT, LaneEnds};
pub use mapping::{MappingVersion, MappingWrite, Mappings};
pub use nodes::{Beat, Lease, NodeId, NodeSeen, Part, Roll};
pub use postgres::{InvalidPostgresUrl, PostgresFound, PostgresOptions, PostgresStore, PostgresUrl, SslMode};
pub use read::{
    AgentBeginning, AgentEntry, AgentsSnapshot, Backup, ClosedUntil, CloserState, Cursor, DeadLetter,
    FeedEntry, FeedKind, FeedPage, Fullness, Gap, Origin, ParseCursorError, PartitionState, QueueName, Role,
    RowRevision, RowsOf, SourceState, StoreId, StoredAcdRow, StoredAgent, StoredRow, Token, TokenWrite,
};
pub use reload::{Reload, ReloadDay, ReloadState, ReloadStep, ReloadWork, ReloadWrite, Reloaded};
pub use sqlite::{Retention, SqliteOptions, SqliteStore};
pub use unmapped::{UnmappedName, UnmappedSeen};

use async_trait::async_trait;
use pegboard_model::{
    AgentId, ContactEvent, ContactLeg, Millis, Observation, PartitionId, Segment, SourceName, Timestamp,
};
use tokio::sync::watch;

/// Result of everything that a store is asked.
pub type Result<T> = std::result::Result<T, StoreError>;

/// What the hub asks of a database.
///
/// Every method may wait for the disk; none blocks the caller's thread.
#[async_trait]
pub trait Store:
    Deliveries + Mappings + Alarms + Intake + Events + Erasures + Send + Sync + std::fmt::Debug
{
    /// Which store this is. A restored copy is another store, so that old cursors do not fit it.
    fn id(&self) -> &StoreId;

    /// Wakes readers after every commit that added to a feed. The number counts commits and means nothing else;
    /// the feed is the truth.
    fn woken(&self) -> watch::Receiver<u64>;

    // Ingest.

    /// Takes ownership of a partition, creating it if it is new: raises its epoch, so that every batch of an
    /// earlier owner fails from now on. `parents` are remembered when it is created.
    async fn take_partition(
        &self,
        source: &SourceName,
        partition: &PartitionId,
        parents: &[PartitionId],
    ) -> Result<PartitionState>;

    /// All partitions of a source that were ever taken.
    async fn partitions(&self, source: &SourceName) -> Result<Vec<PartitionState>>;

    /// Commits a batch. Fails with [`StoreError::NotOwner`] if the partition has another epoch or stands at another
    /// position than the batch expects, or if it is its first position and a parent was begun and has not ended; with
    /// [`StoreError::AgentMoved`] if an agent has another version than the batch was derived from; with
    /// [`StoreError::ContactsMoved`] if a contact has other events than the batch was derived from. Then nothing of it is
    /// written.
    async fn commit(&self, batch: Batch) -> Result<Committed>;

    /// What the engine keeps of the agents of a source, by id: of those after `after`, or of all, at most `limit`. Each
    /// agent is of one moment; two pages need not be.
    async fn stored_agents(
        &self,
        source: &SourceName,
        after: Option<&AgentId>,
        limit: usize,
    ) -> Result<Vec<StoredAgent>>;

    /// How often each of them was written, in the same pages.
    async fn agent_versions(
        &self,
        source: &SourceName,
        after: Option<&AgentId>,
        limit: usize,
    ) -> Result<Vec<(AgentId, u64)>>;

    /// What the engine keeps of these agents, as far as they are stored.
    async fn stored_agents_of(&self, source: &SourceName, agents: &[AgentId]) -> Result<Vec<StoredAgent>>;

    /// The evidence of one agent from `from` on, in no particular order.
    async fn evidence(
        &self,
        source: &SourceName,
        agent: &AgentId,
        from: Timestamp,
    ) -> Result<Vec<Observation>>;

    /// The track that stands for the evidence of an agent that is no longer kept, as JSON; nothing while all is kept.
    async fn base(&self, source: &SourceName, agent: &AgentId) -> Result<Option<String>>;

    /// Lets `base` stand for all evidence of an agent up to and with `until`, and removes that, in one transaction.
    /// `version` is the stored version that it was derived from; it is one more afterwards. Fails with
    /// [`StoreError::AgentMoved`] if another one is stored, or none.
    async fn rebase(
        &self,
        source: &SourceName,
        agent: &AgentId,
        version: u64,
        until: Timestamp,
        base: String,
    ) -> Result<()>;

    /// For how long after their last evidence agents are kept who have signed out: as long as anything that names them.
    fn keeps_agents(&self) -> Millis;

    /// Removes agents with all that is left of them, in one transaction, and answers whom. Whoever was heard of within
    /// [`Store::keeps_agents`] before `now`, has another version than is given, or a mark that the closer has not
    /// answered, stays.
    async fn forget_agents(
        &self,
        source: &SourceName,
        agents: &[(AgentId, u64)],
        now: Timestamp,
    ) -> Result<Vec<AgentId>>;

    /// One contact, as newest known.
    async fn contact(
        &self,
        source: &SourceName,
        contact: &pegboard_model::ContactId,
    ) -> Result<Option<ContactLeg>>;

    /// The events of these contacts, in no particular order.
    async fn contact_events(
        &self,
        source: &SourceName,
        contacts: &[pegboard_model::ContactId],
    ) -> Result<Vec<ContactEvent>>;

    // Closing intervals.

    /// Takes over the closing of a source's intervals: raises its epoch.
    async fn take_closer(&self, source: &SourceName) -> Result<CloserState>;

    /// Announces that intervals up to `until` are about to be closed: every batch that commits after this leaves a mark
    /// of what it changes before that, and every batch that committed before it is seen by whoever reads after this. It
    /// never goes back, and where nothing is said it stays as it is. Fails with [`StoreError::NotOwner`] under another
    /// epoch.
    async fn announce_closing(&self, source: &SourceName, epoch: u64, until: ClosedUntil) -> Result<()>;

    /// Marks of what changed within closed intervals, oldest first: of agents at most `limit`, and the one of contacts.
    async fn dirty(&self, source: &SourceName, limit: usize) -> Result<Vec<DirtyMark>>;

    /// Writes the rows of closed intervals. A row whose content is the same as the stored one is not written; a
    /// different one becomes the next revision. Fails with [`StoreError::NotOwner`] under another epoch.
    async fn close(&self, close: Close) -> Result<Closed>;

    // Reloading days.

    /// Notes that days of a source are to be made anew; answers the number of the reload. Nothing if `most_open` of the
    /// source are not over yet.
    async fn add_reload(&self, reload: ReloadWrite, most_open: usize) -> Result<Option<u64>>;

    /// Reloads of the sources (of all where empty) with numbers below `before`, newest first, at most `limit`; with
    /// `only_open` those that are not over.
    async fn reloads(
        &self,
        sources: &[SourceName],
        before: Option<u64>,
        only_open: bool,
        limit: usize,
    ) -> Result<Vec<Reload>>;

    /// Has a reload end as soon as it can; answers how it stands then, if there is one.
    async fn cancel_reload(&self, id: u64) -> Result<Option<ReloadState>>;

    /// The day of a source that is being reloaded.
    async fn reload_day(&self, source: &SourceName) -> Result<Option<ReloadDay>>;

    /// Does a step of a reload. Fails with [`StoreError::NotOwner`] under another epoch than that of the source's closer.
    async fn reload_step(&self, step: ReloadStep) -> Result<Reloaded>;

    // Reading.

    /// How a source stands, as all of its writers have left it.
    async fn source_state(&self, source: &SourceName) -> Result<SourceState>;

    /// Where the timelines of a source begin that begin after `after`.
    async fn beginnings(&self, source: &SourceName, after: Timestamp) -> Result<Vec<AgentBeginning>>;

    /// Segments of one agent, or of all agents of a source, that touch `[from, to)`, by agent and start.
    async fn segments(
        &self,
        source: &SourceName,
        agent: Option<&AgentId>,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<(AgentId, Segment)>>;

    /// The earliest instant that a contact of a source is pegged to.
    async fn first_contact(&self, source: &SourceName) -> Result<Option<Timestamp>>;

    /// Contacts pegged in `[from, to)`.
    async fn contacts(&self, source: &SourceName, from: Timestamp, to: Timestamp) -> Result<Vec<ContactLeg>>;

    /// The latest revision of every row of a report whose interval starts in `[from, to)`, by interval and key.
    async fn rows(
        &self,
        source: &SourceName,
        report: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<StoredRow>>;

    /// The latest revision of every row of a report that the ACD computed itself, whose interval starts in `[from, to)`, by
    /// interval and key.
    async fn acd_rows(
        &self,
        source: &SourceName,
        report: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<StoredAcdRow>>;

    /// All revisions of the rows of a report whose interval starts in `[from, to)`, by interval, key and number, at most
    /// `limit`.
    async fn row_history(
        &self,
        source: &SourceName,
        origin: Origin,
        report: &str,
        from: Timestamp,
        to: Timestamp,
        limit: usize,
    ) -> Result<Vec<RowRevision>>;

    /// All names of the queues of a source, by queue and name.
    async fn queue_names(&self, source: &SourceName) -> Result<Vec<QueueName>>;

    /// The present state of every agent of the sources (all sources where empty), and the cursor from which the
    /// state feed goes on: snapshot and cursor are of one moment.
    async fn agents(&self, sources: &[SourceName]) -> Result<AgentsSnapshot>;

    /// The entries of a feed after `cursor`, at most `limit`, for the sources (all where empty). Fails with
    /// [`StoreError::CursorGone`] if the cursor is of another store or older than what is kept.
    async fn feed(
        &self,
        kind: FeedKind,
        after: &Cursor,
        sources: &[SourceName],
        limit: usize,
    ) -> Result<FeedPage>;

    /// The cursor at the end of a feed.
    async fn feed_end(&self, kind: FeedKind) -> Result<Cursor>;

    /// Dead letters, newest first, older than `before` (an id), at most `limit`.
    async fn dead_letters(
        &self,
        sources: &[SourceName],
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>>;

    /// One dead letter.
    async fn dead_letter(&self, id: i64) -> Result<Option<DeadLetter>>;

    /// Notes that a dead letter was tried again, and why that came to nothing. False if there is none with this id.
    async fn note_dead_letter_tried(&self, id: i64, reason: &str, at: Timestamp) -> Result<bool>;

    /// Removes a dead letter: it is mended, or given up. False if there is none with this id.
    async fn remove_dead_letter(&self, id: i64) -> Result<bool>;

    /// Gaps of a source, newest first, at most `limit`.
    async fn gaps(&self, source: &SourceName, limit: usize) -> Result<Vec<Gap>>;

    // Nodes.

    /// Notes that a node lives, and what it tells. Nodes that have long been dead are forgotten.
    async fn beat(&self, beat: Beat) -> Result<()>;

    /// Who lives, and works on what.
    async fn roll(&self) -> Result<Roll>;

    /// Lets a node work on a part of a source, unless somebody else does who lives, or the node itself counts as dead.
    /// Answers whether it may.
    async fn take_lease(&self, node: &NodeId, source: &SourceName, part: &Part) -> Result<bool>;

    /// Ends a node's work on a part of a source, if it is the node's.
    async fn release_lease(&self, node: &NodeId, source: &SourceName, part: &Part) -> Result<()>;

    /// Ends all work of a node, and forgets it.
    async fn leave(&self, node: &NodeId) -> Result<()>;

    // Access.

    /// Writes a new token. The store sees its hash only.
    async fn add_token(&self, token: TokenWrite) -> Result<()>;

    /// The token with this hash, unless it was revoked.
    async fn token_by_hash(&self, hash: &[u8; 32]) -> Result<Option<Token>>;

    /// All tokens, without their hashes.
    async fn tokens(&self) -> Result<Vec<Token>>;

    /// Revokes a token; answers whether there was one.
    async fn revoke_token(&self, id: &str, at: Timestamp) -> Result<bool>;

    // Audit.

    /// Appends an entry to the audit log, chained to the newest one; answers it as it stands there.
    async fn append_audit(&self, entry: AuditWrite) -> Result<AuditEntry>;

    /// Entries of the audit log, newest first, with numbers below `before`, at most `limit`.
    async fn audit(&self, before: Option<u64>, limit: usize) -> Result<Vec<AuditEntry>>;

    // Archive.

    /// What waits for the archive of a source: files of hours that ended at or before `before`, the oldest first, at most
    /// `limit`.
    async fn archive_files(
        &self,
        source: &SourceName,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<ArchiveFile>>;

    /// How much waits for the archive of a source.
    async fn archive_backlog(&self, source: &SourceName) -> Result<ArchiveBacklog>;

    /// The steps of such a file from number `from` on, in order, at most `limit`.
    async fn archive_steps(
        &self,
        source: &SourceName,
        file: &ArchiveFile,
        from: u64,
        limit: usize,
    ) -> Result<Vec<ArchiveStep>>;

    /// Lets go of the steps of a file, now that they are in the archive.
    async fn archive_written(&self, source: &SourceName, file: &ArchiveFile) -> Result<()>;

    // Upkeep.

    /// Removes what is older than its table keeps: feed entries, dead letters, old rows. Idempotent. Evidence is
    /// removed by [`Store::rebase`] alone.
    async fn sweep(&self, now: Timestamp) -> Result<()>;

    /// How full the store is, where it has a budget.
    async fn fullness(&self) -> Result<Option<Fullness>> {
        Ok(None)
    }

    /// Writes a copy of the whole store, as it is at one moment, to a new file beside it; reading and writing go on
    /// meanwhile. Fails where the database has tools of its own for that, which the error names.
    async fn backup(&self) -> Result<Backup> {
        let cause = "a PostgreSQL store is copied with pg_dump or the server's own archive".into();
        Err(StoreError::Database { operation: "back up the store", cause })
    }

    /// Waits until everything handed in is committed and closes the store.
    async fn shut_down(&self) -> Result<()>;
}
