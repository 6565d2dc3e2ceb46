//! A real store that answers slowly, fails before or after what it did took effect, and in whose calls the hub dies.

mod erasure;
mod intake;

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use pegboard_model::{
    AgentId, ContactEvent, ContactId, ContactLeg, Millis, Observation, PartitionId, Segment, SinkName,
    SourceName, Timestamp,
};
use pegboard_sim::random::Random;
use pegboard_store::{
    AgentBeginning, AgentsSnapshot, Alarm, AlarmMark, AlarmNote, Alarms, AlarmsAsked, ArchiveBacklog,
    ArchiveFile, ArchiveStep, AuditEntry, AuditWrite, Batch, Beat, Close, Closed, ClosedUntil, CloserState,
    Committed, Cursor, DeadLetter, Deliveries, Delivery, DeliveryNote, DirtyMark, EventMark, EventPage,
    Events, FeedKind, FeedPage, Fullness, Gap, Hold, LedgerFilter, LedgerLine, MappingVersion, MappingWrite,
    Mappings, NodeId, Origin, ParkedLine, Part, PartitionState, QueueName, RefusedState, Reload, ReloadDay,
    ReloadState, ReloadStep, ReloadWrite, Reloaded, Result, Roll, RowRevision, Settle, Silence, SinkState,
    SourceState, Store, StoreError, StoreId, StoredAcdRow, StoredAgent, StoredRow, Token, TokenWrite, Told,
    Unit, UnmappedName, UnmappedSeen,
};
use tokio::sync::{Notify, watch};

use super::at_once::at_once;
use super::clock;
use super::journal::Journal;
use super::witness::Witness;

/// How often each thing goes wrong, per call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rates {
    /// It fails and has done nothing.
    pub(super) fails_before: f64,
    /// It fails and has done everything; of writes only.
    pub(super) fails_after: f64,
    /// It takes long, before it does anything or before it answers.
    pub(super) slow: f64,
    /// The hub dies in it.
    pub(super) dies: f64,
    /// Nobody can take over the closing of intervals.
    pub(super) no_closer: f64,
}

/// Names for nodes, who name themselves at random.
#[derive(Debug, Default)]
pub(super) struct Names {
    known: Mutex<Vec<NodeId>>,
}

impl Names {
    /// The name of a node, by the order in which they appear.
    fn name(&self, node: &NodeId) -> NodeId {
        let mut known = self.known.lock().unwrap();
        let index = known.iter().position(|id| id == node).unwrap_or_else(|| {
            known.push(node.clone());
            known.len() - 1
        });
        NodeId::from(format!("node-{index:04}").as_str())
    }

    /// The node that has the name.
    fn node(&self, name: &NodeId) -> NodeId {
        let index: usize = name.as_str()["node-".len()..].parse().unwrap();
        self.known.lock().unwrap()[index].clone()
    }
}

/// Randomness for each thing that calls are about: who calls first decides nothing for the others.
#[derive(Debug)]
pub(super) struct Chance {
    seed: u64,
    of: Mutex<BTreeMap<String, Random>>,
}

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, of: Mutex::default() }
    }

    fn with<T>(&self, about: &str, draw: impl FnOnce(&mut Random) -> T) -> T {
        let fresh = || {
            let mut hasher = DefaultHasher::new();
            about.hash(&mut hasher);
            Random::new(self.seed, hasher.finish())
        };
        draw(self.of.lock().unwrap().entry(about.to_owned()).or_insert_with(fresh))
    }
}

pub(super) struct Unreliable {
    pub(super) store: Arc<dyn Store>,
    pub(super) witness: Arc<Witness>,
    pub(super) journal: Arc<Journal>,
    pub(super) rates: Rates,
    pub(super) chance: Arc<Chance>,
    pub(super) names: Arc<Names>,
    /// The hub dies now.
    pub(super) death: Arc<Notify>,
    /// For readers: the store's own signal comes from its thread, some time after the answer.
    pub(super) woken: Arc<Notify>,
}

impl fmt::Debug for Unreliable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.store.fmt(f)
    }
}

/// What becomes of a call before it does anything, and before it answers.
struct Fate {
    before: Mishap,
    after: Mishap,
}

struct Mishap {
    slow: Option<Duration>,
    ends: Ends,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    Well,
    Fails,
    /// The hub is no more.
    Dies,
}

fn injected(operation: &'static str) -> StoreError {
    StoreError::Database { operation, cause: "a fault of the simulation".into() }
}

impl Unreliable {
    fn fate(&self, about: &str, writes: bool) -> Fate {
        self.chance.with(about, |random| self.draw(random, writes))
    }

    fn draw(&self, random: &mut Random, writes: bool) -> Fate {
        let Rates { fails_before, fails_after, slow, dies, .. } = self.rates;
        let mut fires = |kind, probability| self.journal.fires(kind, probability, random);
        let writing = f64::from(u8::from(writes));
        let slow_before = fires("store: slow before", slow);
        let slow_after = fires("store: slow after", slow);
        let mut ends = |[dies, fails]: [(&'static str, f64); 2]| {
            if fires(dies.0, dies.1) {
                Ends::Dies
            } else if fires(fails.0, fails.1) {
                Ends::Fails
            } else {
                Ends::Well
            }
        };
        let before = ends([("hub: dies before a call", dies), ("store: fails before", fails_before)]);
        let after = match before {
            Ends::Well => ends([
                ("hub: dies after a call", dies * writing),
                ("store: fails after", fails_after * writing),
            ]),
            Ends::Fails | Ends::Dies => Ends::Well,
        };
        let mut mishap = |is_slow: bool, ends| {
            let pause = Duration::from_millis(1 + random.below(2_000) as u64);
            Mishap { slow: is_slow.then_some(pause), ends }
        };
        Fate { before: mishap(slow_before, before), after: mishap(slow_after, after) }
    }

    /// Lets happen what becomes of a call. Fails if that is a failure.
    async fn suffer(&self, operation: &'static str, mishap: Mishap) -> Result<()> {
        if let Some(pause) = mishap.slow {
            tokio::time::sleep(pause).await;
        }
        match mishap.ends {
            Ends::Well => Ok(()),
            Ends::Fails => {
                self.journal.note(&format!("{operation}: fails"));
                Err(injected(operation))
            }
            Ends::Dies => {
                self.death.notify_one();
                std::future::pending().await
            }
        }
    }

    /// Makes one call. What it does takes no time; whatever else there is to do is done before or after it.
    async fn call<T: Send>(
        &self,
        operation: &'static str,
        fate: Fate,
        work: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        self.suffer(operation, fate.before).await?;
        clock::show_to_store();
        let answer = at_once(work);
        let outcome = answer.as_ref().map_or_else(ToString::to_string, |_| "done".to_owned());
        self.journal.note(&format!("{operation}: {outcome}"));
        self.suffer(operation, fate.after).await?;
        answer
    }

    async fn read<T: Send>(
        &self,
        operation: &'static str,
        work: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        self.call(operation, self.fate(operation, false), work).await
    }

    async fn write<T: Send>(
        &self,
        operation: &'static str,
        work: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        self.call(operation, self.fate(operation, true), work).await
    }
}

#[async_trait]
impl Store for Unreliable {
    fn id(&self) -> &StoreId {
        self.store.id()
    }

    fn woken(&self) -> watch::Receiver<u64> {
        self.store.woken()
    }

    async fn take_partition(
        &self,
        source: &SourceName,
        partition: &PartitionId,
        parents: &[PartitionId],
    ) -> Result<PartitionState> {
        let work = async {
            let answer = self.store.take_partition(source, partition, parents).await;
            self.witness.took(source, &answer);
            answer
        };
        self.write("take a partition", work).await
    }

    async fn partitions(&self, source: &SourceName) -> Result<Vec<PartitionState>> {
        self.read("partitions", self.store.partitions(source)).await
    }

    async fn commit(&self, batch: Batch) -> Result<Committed> {
        let about = format!("commit {} {}", batch.source, batch.partition);
        let states: Vec<&str> = batch.states.iter().map(|now| now.agent_id.as_str()).collect();
        let told = format!(
            "{about} to {:?}, {} agents, states of {states:?}, {} marks",
            batch.position,
            batch.agents.len(),
            batch.dirty.len()
        );
        let work = async {
            let answer = self.store.commit(batch.clone()).await;
            self.journal.note(&told);
            self.witness.committed(&batch, &answer);
            self.woken.notify_waiters();
            answer
        };
        self.call("commit", self.fate(&about, true), work).await
    }

    async fn stored_agents(
        &self,
        source: &SourceName,
        after: Option<&AgentId>,
        limit: usize,
    ) -> Result<Vec<StoredAgent>> {
        self.read("stored agents", self.store.stored_agents(source, after, limit)).await
    }

    async fn agent_versions(
        &self,
        source: &SourceName,
        after: Option<&AgentId>,
        limit: usize,
    ) -> Result<Vec<(AgentId, u64)>> {
        self.read("versions of agents", self.store.agent_versions(source, after, limit)).await
    }

    async fn stored_agents_of(&self, source: &SourceName, agents: &[AgentId]) -> Result<Vec<StoredAgent>> {
        self.read("stored agents of", self.store.stored_agents_of(source, agents)).await
    }

    async fn evidence(
        &self,
        source: &SourceName,
        agent: &AgentId,
        from: Timestamp,
    ) -> Result<Vec<Observation>> {
        self.read("evidence", self.store.evidence(source, agent, from)).await
    }

    async fn base(&self, source: &SourceName, agent: &AgentId) -> Result<Option<String>> {
        self.read("base", self.store.base(source, agent)).await
    }

    async fn rebase(
        &self,
        source: &SourceName,
        agent: &AgentId,
        version: u64,
        until: Timestamp,
        base: String,
    ) -> Result<()> {
        let work = async {
            let answer = self.store.rebase(source, agent, version, until, base).await;
            if answer.is_ok() {
                self.journal.count("store: evidence is folded");
            }
            answer
        };
        self.write("rebase", work).await
    }

    fn keeps_agents(&self) -> Millis {
        self.store.keeps_agents()
    }

    async fn forget_agents(
        &self,
        source: &SourceName,
        agents: &[(AgentId, u64)],
        now: Timestamp,
    ) -> Result<Vec<AgentId>> {
        self.write("remove agents", self.store.forget_agents(source, agents, now)).await
    }

    async fn contact(&self, source: &SourceName, contact: &ContactId) -> Result<Option<ContactLeg>> {
        self.read("contact", self.store.contact(source, contact)).await
    }

    async fn contact_events(&self, source: &SourceName, contacts: &[ContactId]) -> Result<Vec<ContactEvent>> {
        self.read("events of contacts", self.store.contact_events(source, contacts)).await
    }

    async fn take_closer(&self, source: &SourceName) -> Result<CloserState> {
        let work = async {
            let answer = self.store.take_closer(source).await;
            self.witness.took_closer(source, &answer);
            answer
        };
        let mut fate = self.fate("take the closer", true);
        let none = |random: &mut Random| self.journal.fires("store: no closer", self.rates.no_closer, random);
        if self.chance.with("closer", none) {
            fate.before.ends = Ends::Fails;
        }
        self.call("take the closer", fate, work).await
    }

    async fn announce_closing(&self, source: &SourceName, epoch: u64, until: ClosedUntil) -> Result<()> {
        self.write("announce a closing", self.store.announce_closing(source, epoch, until)).await
    }

    async fn dirty(&self, source: &SourceName, limit: usize) -> Result<Vec<DirtyMark>> {
        self.read("dirty", self.store.dirty(source, limit)).await
    }

    async fn close(&self, close: Close) -> Result<Closed> {
        let work = async {
            let answer = self.store.close(close.clone()).await;
            self.journal.note(&format!(
                "close to {:?}, {} rows, {} answered",
                close.closed_until,
                close.rows.len(),
                close.answered.len()
            ));
            self.witness.closed(&close, &answer);
            answer
        };
        self.write("close", work).await
    }

    async fn add_reload(&self, reload: ReloadWrite, most_open: usize) -> Result<Option<u64>> {
        self.write("note a reload", self.store.add_reload(reload, most_open)).await
    }

    async fn reloads(
        &self,
        sources: &[SourceName],
        before: Option<u64>,
        only_open: bool,
        limit: usize,
    ) -> Result<Vec<Reload>> {
        self.read("reloads", self.store.reloads(sources, before, only_open, limit)).await
    }

    async fn cancel_reload(&self, id: u64) -> Result<Option<ReloadState>> {
        self.write("cancel a reload", self.store.cancel_reload(id)).await
    }

    async fn reload_day(&self, source: &SourceName) -> Result<Option<ReloadDay>> {
        self.read("day of a reload", self.store.reload_day(source)).await
    }

    async fn reload_step(&self, step: ReloadStep) -> Result<Reloaded> {
        self.write("step of a reload", self.store.reload_step(step)).await
    }

    async fn source_state(&self, source: &SourceName) -> Result<SourceState> {
        self.read("source state", self.store.source_state(source)).await
    }

    async fn beginnings(&self, source: &SourceName, after: Timestamp) -> Result<Vec<AgentBeginning>> {
        self.read("beginnings", self.store.beginnings(source, after)).await
    }

    async fn segments(
        &self,
        source: &SourceName,
        agent: Option<&AgentId>,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<(AgentId, Segment)>> {
        self.read("segments", self.store.segments(source, agent, from, to)).await
    }

    async fn contacts(&self, source: &SourceName, from: Timestamp, to: Timestamp) -> Result<Vec<ContactLeg>> {
        self.read("contacts", self.store.contacts(source, from, to)).await
    }

    async fn first_contact(&self, source: &SourceName) -> Result<Option<Timestamp>> {
        self.read("first contact", self.store.first_contact(source)).await
    }

    async fn rows(
        &self,
        source: &SourceName,
        report: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<StoredRow>> {
        self.read("rows", self.store.rows(source, report, from, to)).await
    }

    async fn acd_rows(
        &self,
        source: &SourceName,
        report: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<StoredAcdRow>> {
        self.read("rows of the acd", self.store.acd_rows(source, report, from, to)).await
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
        self.read("row history", self.store.row_history(source, origin, report, from, to, limit)).await
    }

    async fn queue_names(&self, source: &SourceName) -> Result<Vec<QueueName>> {
        self.read("names of queues", self.store.queue_names(source)).await
    }

    async fn agents(&self, sources: &[SourceName]) -> Result<AgentsSnapshot> {
        self.read("agents", self.store.agents(sources)).await
    }

    async fn feed(
        &self,
        kind: FeedKind,
        after: &Cursor,
        sources: &[SourceName],
        limit: usize,
    ) -> Result<FeedPage> {
        self.read("feed", self.store.feed(kind, after, sources, limit)).await
    }

    async fn feed_end(&self, kind: FeedKind) -> Result<Cursor> {
        self.read("feed end", self.store.feed_end(kind)).await
    }

    async fn dead_letters(
        &self,
        sources: &[SourceName],
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>> {
        self.read("dead letters", self.store.dead_letters(sources, before, limit)).await
    }

    async fn dead_letter(&self, id: i64) -> Result<Option<DeadLetter>> {
        self.read("a dead letter", self.store.dead_letter(id)).await
    }

    async fn note_dead_letter_tried(&self, id: i64, reason: &str, at: Timestamp) -> Result<bool> {
        self.write("note a try", self.store.note_dead_letter_tried(id, reason, at)).await
    }

    async fn remove_dead_letter(&self, id: i64) -> Result<bool> {
        self.write("remove a dead letter", self.store.remove_dead_letter(id)).await
    }

    async fn gaps(&self, source: &SourceName, limit: usize) -> Result<Vec<Gap>> {
        self.read("gaps", self.store.gaps(source, limit)).await
    }

    async fn archive_files(
        &self,
        source: &SourceName,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<ArchiveFile>> {
        self.read("archive files", self.store.archive_files(source, before, limit)).await
    }

    async fn archive_backlog(&self, source: &SourceName) -> Result<ArchiveBacklog> {
        self.read("archive backlog", self.store.archive_backlog(source)).await
    }

    async fn archive_steps(
        &self,
        source: &SourceName,
        file: &ArchiveFile,
        from: u64,
        limit: usize,
    ) -> Result<Vec<ArchiveStep>> {
        self.read("archive steps", self.store.archive_steps(source, file, from, limit)).await
    }

    async fn archive_written(&self, source: &SourceName, file: &ArchiveFile) -> Result<()> {
        self.write("archive written", self.store.archive_written(source, file)).await
    }

    async fn beat(&self, beat: Beat) -> Result<()> {
        let beat = Beat { node: self.names.name(&beat.node), ..beat };
        self.write("beat", self.store.beat(beat)).await
    }

    async fn roll(&self) -> Result<Roll> {
        let mut roll = self.read("roll", self.store.roll()).await?;
        roll.nodes.iter_mut().for_each(|seen| seen.node = self.names.node(&seen.node));
        roll.leases.iter_mut().for_each(|lease| lease.node = self.names.node(&lease.node));
        Ok(roll)
    }

    async fn take_lease(&self, node: &NodeId, source: &SourceName, part: &Part) -> Result<bool> {
        let name = self.names.name(node);
        let work = async {
            let answer = self.store.take_lease(&name, source, part).await;
            self.journal.note(&format!("{name} takes {source} {part:?}: {answer:?}"));
            answer
        };
        self.write("take a lease", work).await
    }

    async fn release_lease(&self, node: &NodeId, source: &SourceName, part: &Part) -> Result<()> {
        let name = self.names.name(node);
        self.journal.note(&format!("{name} releases {source} {part:?}"));
        self.write("release a lease", self.store.release_lease(&name, source, part)).await
    }

    async fn leave(&self, node: &NodeId) -> Result<()> {
        let name = self.names.name(node);
        self.write("leave", self.store.leave(&name)).await
    }

    async fn add_token(&self, token: TokenWrite) -> Result<()> {
        self.write("add a token", self.store.add_token(token)).await
    }

    async fn token_by_hash(&self, hash: &[u8; 32]) -> Result<Option<Token>> {
        self.read("token", self.store.token_by_hash(hash)).await
    }

    async fn tokens(&self) -> Result<Vec<Token>> {
        self.read("tokens", self.store.tokens()).await
    }

    async fn revoke_token(&self, id: &str, at: Timestamp) -> Result<bool> {
        self.write("revoke a token", self.store.revoke_token(id, at)).await
    }

    async fn append_audit(&self, entry: AuditWrite) -> Result<AuditEntry> {
        self.write("append to the audit log", self.store.append_audit(entry)).await
    }

    async fn audit(&self, before: Option<u64>, limit: usize) -> Result<Vec<AuditEntry>> {
        self.read("audit log", self.store.audit(before, limit)).await
    }

    async fn fullness(&self) -> Result<Option<Fullness>> {
        self.read("fullness", self.store.fullness()).await
    }

    async fn sweep(&self, now: Timestamp) -> Result<()> {
        self.write("sweep", self.store.sweep(now)).await
    }

    async fn shut_down(&self) -> Result<()> {
        at_once(self.store.shut_down())
    }
}

#[async_trait]
impl Alarms for Unreliable {
    async fn note_alarms(&self, note: AlarmNote) -> Result<()> {
        self.write("note alarms", self.store.note_alarms(note)).await
    }

    async fn alarms(&self, asked: AlarmsAsked<'_>) -> Result<Vec<Alarm>> {
        self.read("alarms", self.store.alarms(asked)).await
    }

    async fn alarm(&self, id: u64) -> Result<Option<Alarm>> {
        self.read("alarm", self.store.alarm(id)).await
    }

    async fn acknowledge_alarm(&self, id: u64, mark: AlarmMark) -> Result<bool> {
        self.write("acknowledge an alarm", self.store.acknowledge_alarm(id, mark)).await
    }

    async fn silence_alarm(&self, id: u64, silence: Silence) -> Result<bool> {
        self.write("silence an alarm", self.store.silence_alarm(id, silence)).await
    }

    async fn know_outlet(&self, outlet: &str, now: Timestamp) -> Result<Timestamp> {
        self.write("know an outlet", self.store.know_outlet(outlet, now)).await
    }

    async fn told(&self, outlet: &str, alarms: &[u64]) -> Result<Vec<Told>> {
        self.read("told", self.store.told(outlet, alarms)).await
    }

    async fn note_told(&self, outlet: &str, told: &[Told], at: Timestamp) -> Result<()> {
        self.write("note what an outlet was told", self.store.note_told(outlet, told, at)).await
    }
}

#[async_trait]
impl Events for Unreliable {
    async fn raw_events(&self, source: &SourceName, after: u64, limit: usize) -> Result<EventPage> {
        self.read("raw events", self.store.raw_events(source, after, limit)).await
    }

    async fn event_marks(&self, sink: &SinkName) -> Result<Vec<EventMark>> {
        self.read("event marks", self.store.event_marks(sink)).await
    }
}

#[async_trait]
impl Mappings for Unreliable {
    async fn mapping_versions(&self, sink: &SinkName) -> Result<Vec<MappingVersion>> {
        self.read("mapping versions", self.store.mapping_versions(sink)).await
    }

    async fn mapping_history(&self, sink: &SinkName, table: &str) -> Result<Vec<MappingVersion>> {
        self.read("mapping history", self.store.mapping_history(sink, table)).await
    }

    async fn mapping_content(&self, sink: &SinkName, table: &str, version: u64) -> Result<Option<String>> {
        self.read("mapping content", self.store.mapping_content(sink, table, version)).await
    }

    async fn write_mapping(&self, write: MappingWrite) -> Result<bool> {
        self.write("write a mapping", self.store.write_mapping(write)).await
    }
}

#[async_trait]
impl Deliveries for Unreliable {
    async fn known_sinks(&self) -> Result<Vec<SinkName>> {
        self.read("known sinks", self.store.known_sinks()).await
    }

    async fn take_sink(&self, sink: &SinkName) -> Result<SinkState> {
        self.write("take a sink", self.store.take_sink(sink)).await
    }

    async fn note_deliveries(&self, note: DeliveryNote) -> Result<()> {
        self.write("note deliveries", self.store.note_deliveries(note)).await
    }

    async fn due_deliveries(&self, sink: &SinkName, now: Timestamp, limit: usize) -> Result<Vec<Delivery>> {
        self.read("due deliveries", self.store.due_deliveries(sink, now, limit)).await
    }

    async fn deliveries(
        &self,
        sink: &SinkName,
        filter: &LedgerFilter,
        before: Option<&Unit>,
        limit: usize,
    ) -> Result<Vec<Delivery>> {
        self.read("deliveries", self.store.deliveries(sink, filter, before, limit)).await
    }

    async fn ledger(&self, sink: &SinkName) -> Result<Vec<LedgerLine>> {
        self.read("ledger", self.store.ledger(sink)).await
    }

    async fn undelivered(&self, sink: &SinkName) -> Result<Vec<LedgerLine>> {
        self.read("undelivered", self.store.undelivered(sink)).await
    }

    async fn parked(&self, sink: &SinkName, limit: usize) -> Result<Vec<ParkedLine>> {
        self.read("parked", self.store.parked(sink, limit)).await
    }

    async fn settle_deliveries(
        &self,
        sink: &SinkName,
        filter: &LedgerFilter,
        how: Settle,
        now: Timestamp,
    ) -> Result<u64> {
        self.write("settle deliveries", self.store.settle_deliveries(sink, filter, how, now)).await
    }

    async fn refused_states(&self, sink: &SinkName, limit: usize) -> Result<Vec<RefusedState>> {
        self.read("refused states", self.store.refused_states(sink, limit)).await
    }

    async fn drop_refused_state(
        &self,
        sink: &SinkName,
        source: &SourceName,
        agent: &AgentId,
    ) -> Result<bool> {
        self.write("drop a refused state", self.store.drop_refused_state(sink, source, agent)).await
    }

    async fn unmapped(&self, sink: &SinkName, limit: usize) -> Result<Vec<UnmappedSeen>> {
        self.read("unmapped", self.store.unmapped(sink, limit)).await
    }

    async fn forget_unmapped_names(&self, sink: &SinkName, names: Vec<UnmappedName>) -> Result<()> {
        self.write("forget what is mapped", self.store.forget_unmapped_names(sink, names)).await
    }

    async fn forget_unmapped(&self, sink: &SinkName) -> Result<u64> {
        self.write("forget unmapped", self.store.forget_unmapped(sink)).await
    }

    async fn hold(&self, sink: &SinkName) -> Result<Option<Hold>> {
        self.read("hold", self.store.hold(sink)).await
    }

    async fn release_hold(&self, sink: &SinkName, at: Timestamp) -> Result<bool> {
        self.write("release a hold", self.store.release_hold(sink, at)).await
    }
}
