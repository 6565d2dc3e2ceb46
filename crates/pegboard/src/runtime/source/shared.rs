//! What the tasks of a source share.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};

use pegboard_connect::archive::Archive;
use pegboard_connect::spec::{Assemble, Source};
use pegboard_engine::{Silence, TimelinePolicy};
use pegboard_model::PartitionId;
use pegboard_store::{Batch, PartitionState, SourceState, Store, StoreError, failpoint};
use tokio::sync::{Mutex, Notify};

use super::closing::ClosingTurn;
use crate::clock::Clock;
use crate::config::SourceConfig;
use crate::runtime::agents::{Agents, Staged};
use crate::runtime::build;
use crate::runtime::names::QueueNames;
use crate::runtime::node::Node;
use crate::runtime::status::Status;
use crate::runtime::watch;

/// What the tasks of a source share.
#[derive(Debug)]
pub struct Shared {
    /// Its settings.
    pub config: SourceConfig,
    /// What reads it.
    pub source: Box<dyn Source>,
    /// What puts its contacts together, where they are told of piece by piece.
    pub assembler: Option<Arc<dyn Assemble>>,
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// The clock.
    pub clock: Clock,
    /// How it is doing.
    pub status: Status,
    /// Its agents. Held from staging a batch until it is committed.
    pub agents: Mutex<Agents>,
    /// What its queues are called.
    pub queues: QueueNames,
    /// Wakes the planning of partitions.
    pub replan: Notify,
    /// Wakes the look at the platform's snapshot.
    pub look: Notify,
    /// This node among those that share the store.
    pub node: Arc<Node>,
    /// Whether this node leads the source: closes its intervals, and repairs what its stream has lost.
    pub leads: watch::Sender<bool>,
    /// Between its closer and its reloads.
    pub closing: ClosingTurn,
    /// Wakes the look whether days are to be reloaded.
    pub reload: Notify,
    /// The time of the last recapture for which the source was asked to read once more, in milliseconds since 1970 UTC.
    pub read_again: AtomicI64,
    /// Wakes the look whether somebody is to be forgotten.
    pub erase: Notify,
    /// Where what is read of it is archived, if it is.
    pub archive: Option<Archive>,
    /// Whether so much waits for it that nothing more is to be read.
    pub archive_is_full: watch::Sender<bool>,
    /// Held while files of the archive are written.
    pub archiving: Mutex<()>,
    /// How often the closer has found nothing to do.
    pub quiet_turns: AtomicU64,
    /// Whether the agents may differ from what is stored. Written with their lock held.
    stale: AtomicBool,
    /// How partitions stood when the agents were loaded, until this node takes them.
    at_load: std::sync::Mutex<BTreeMap<PartitionId, PartitionState>>,
}

/// The archive of a source, with its credentials.
fn archive_of(config: &SourceConfig, clock: Clock) -> Result<Option<Archive>, StoreError> {
    let Some(settings) = &config.archive else { return Ok(None) };
    let place = build::archive(&settings.place, clock).map_err(|error| StoreError::Database {
        operation: "fetch the credentials of the archive",
        cause: error.into(),
    })?;
    Ok(Some(Archive::new(place, &config.name)))
}

impl Shared {
    /// Loads what is stored of the source.
    pub async fn load(
        config: SourceConfig,
        source: Box<dyn Source>,
        store: Arc<dyn Store>,
        clock: Clock,
        node: Arc<Node>,
    ) -> Result<Self, StoreError> {
        let archive = archive_of(&config, clock)?;
        let silence =
            source.has_heartbeat().then(|| Silence { stale_after: config.stale_after, ..Silence::default() });
        let policy = TimelinePolicy { precedence: config.precedence, silence };
        // Before the agents: what somebody commits meanwhile moves a partition from where it is known to stand.
        let state = store.source_state(&config.name).await?;
        let agents = Agents::load(config.name.clone(), policy, &*store).await?;
        // Known to be there before it is known what there is to read: somebody has to lead it.
        node.note_open(&config.name, 0);
        let queues = QueueNames::of(&store.queue_names(&config.name).await?);
        let status = Status::default();
        status.restore(&state, |partition| source.carries(partition));
        let at_load = state.partitions.into_iter().map(|state| (state.partition.clone(), state)).collect();
        Ok(Self {
            config,
            assembler: source.assembler(),
            source,
            store,
            clock,
            status,
            agents: Mutex::new(agents),
            queues,
            replan: Notify::new(),
            look: Notify::new(),
            node,
            leads: watch::Sender::new(false),
            closing: ClosingTurn::default(),
            reload: Notify::new(),
            read_again: AtomicI64::new(i64::MIN),
            erase: Notify::new(),
            archive,
            archive_is_full: watch::Sender::new(false),
            archiving: Mutex::new(()),
            quiet_turns: AtomicU64::new(0),
            stale: AtomicBool::new(false),
            at_load: std::sync::Mutex::new(at_load),
        })
    }

    /// Notes that the agents may differ from what is stored: somebody else has written, or nobody knows whether a batch
    /// was committed. They are reloaded before the next batch. The caller holds their lock.
    pub fn set_stale(&self) {
        self.stale.store(true, Ordering::SeqCst);
    }

    /// Whether the agents may differ from what is stored.
    pub(super) fn is_stale(&self) -> bool {
        self.stale.load(Ordering::SeqCst)
    }

    /// Notes that the agents, whose lock the caller holds, are those that are stored.
    pub fn set_fresh(&self) {
        self.stale.store(false, Ordering::SeqCst);
    }

    /// Notes that this node has taken a partition. Whoever owned it until now may have written since the agents were
    /// loaded, but not without moving it on; and where there are other nodes, they write through others.
    pub async fn note_taken(&self, taken: &PartitionState) {
        let at_load = self.at_load.lock().unwrap_or_else(PoisonError::into_inner).remove(&taken.partition);
        let has_moved = match at_load {
            Some(known) => PartitionState { epoch: known.epoch + 1, ..known } != *taken,
            None => taken.position.is_some(),
        };
        if has_moved || !self.node.is_alone() {
            let _held = self.agents.lock().await;
            self.set_stale();
        }
    }

    /// Reloads the agents from the store that may differ from it.
    pub async fn refresh(&self, agents: &mut Agents) -> Result<(), StoreError> {
        if !self.is_stale() {
            return Ok(());
        }
        agents.reload(&*self.store).await?;
        self.set_fresh();
        self.refresh_status().await
    }

    /// Commits a batch, and takes over what was staged for it. False, with nothing written, if another node has written
    /// some of the agents since they were loaded, which are loaded anew, or has told more of the contacts: the caller is to
    /// prepare the batch again.
    pub async fn commit(
        &self,
        agents: &mut Agents,
        batch: Batch,
        staged: Staged,
    ) -> Result<bool, StoreError> {
        // Until the outcome is known and taken over, which it never is if this task is ended meanwhile.
        self.set_stale();
        failpoint!("partition.prepared", fails);
        let names = batch.queue_names.clone();
        match self.store.commit(batch).await {
            Ok(_) => {
                self.queues.note(&names);
                failpoint!("partition.committed", fails);
                agents.accept(staged);
                self.set_fresh();
                failpoint!("partition.accepted");
                Ok(true)
            }
            Err(StoreError::AgentMoved { agents: moved, .. }) => {
                tracing::debug!(source.name = %self.config.name, agents = moved.len(), "another node was faster");
                agents.reload_these(&moved, &*self.store).await?;
                self.set_fresh();
                // Whether an agent is silent depends on how far its partition has come by then.
                self.refresh_status().await?;
                Ok(false)
            }
            Err(StoreError::ContactsMoved { .. }) => {
                // The agents are as they were: nothing of the batch was written.
                self.set_fresh();
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Looks at how the source stands after what other nodes have done to it.
    pub async fn refresh_status(&self) -> Result<(), StoreError> {
        if self.node.is_alone() {
            return Ok(());
        }
        self.look_at_store().await.map(drop)
    }

    /// Takes over how the source stands in the store, whoever wrote it: other nodes, or this one without ever being told
    /// that it had. Notes partitions that have ended so: what follows them must be planned, and their agents are nobody's
    /// in particular from now on.
    pub async fn look_at_store(&self) -> Result<SourceState, StoreError> {
        let state = self.store.source_state(&self.config.name).await?;
        let any_ended = self.status.refresh(&state);
        self.status.ask_what_is_carried(|partition| self.source.carries(partition));
        if any_ended {
            self.set_stale();
            self.replan.notify_one();
        }
        Ok(state)
    }

    /// Whether an agent that was last seen in this partition is this node's to look after.
    pub fn looks_after(&self, partition: &PartitionId) -> bool {
        self.status.is_own(partition) || *self.leads.borrow()
    }
}
