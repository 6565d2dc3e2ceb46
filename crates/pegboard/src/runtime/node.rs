//! This node among those that share the store: that it lives, and what it works on.
//!
//! A lease is advice, by the store's clock: it keeps two nodes from working on the same thing for nothing. Who may write
//! is decided by epochs in every commit. So nothing here has to be exact; it has to come to rest.

pub mod balance;
pub mod report;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pegboard_model::{Millis, SourceName, Text};
use pegboard_store::{Beat, NodeId, Part, Result, Roll, Store};

use self::balance::{Share, share};
use self::report::NodeReport;
use super::watch;

/// How a node shows that it lives.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// How often it says so.
    pub beat: Duration,
    /// For how long it then counts as alive, by the store's clock: long enough that two beats may be lost.
    pub lasts: Millis,
}

impl Default for Pace {
    /// Every 2 seconds, for 6: what a dead node worked on is taken over within 8 seconds and the time to open it.
    fn default() -> Self {
        Self { beat: Duration::from_secs(2), lasts: Millis::from_seconds(6) }
    }
}

/// How long it may take to say good-bye.
const LEAVE_WITHIN: Duration = Duration::from_secs(2);

/// A node, and what it knows of the others.
#[derive(Debug)]
pub struct Node {
    id: NodeId,
    name: Text,
    pace: Pace,
    store: Arc<dyn Store>,
    /// Who lived and held what at the last beat.
    roll: watch::Sender<Roll>,
    mine: Mutex<Mine>,
}

/// What this node works on.
#[derive(Debug, Default)]
struct Mine {
    held: BTreeSet<(SourceName, Part)>,
    /// Of these, what it is about to give up.
    leaving: BTreeSet<(SourceName, Part)>,
    /// How many partitions each source has to read; each of them wants one node that leads.
    open: BTreeMap<SourceName, usize>,
    /// How many sinks there are to deliver to.
    sinks: usize,
}

impl Mine {
    fn working(&self, kind: fn(&Part) -> bool) -> usize {
        self.held.difference(&self.leaving).filter(|(_, part)| kind(part)).count()
    }
}

impl Node {
    /// Joins the nodes of a store.
    pub async fn join(store: Arc<dyn Store>, name: Option<Text>, pace: Pace) -> Result<Arc<Self>> {
        let id = NodeId::random()?;
        let name = name.unwrap_or_else(|| id.as_str().into());
        let (roll, mine) = (watch::Sender::new(Roll::default()), Mutex::default());
        let node = Self { id, name, pace, store, roll, mine };
        node.beat(&NodeReport::default()).await?;
        Ok(Arc::new(node))
    }

    /// Its identity.
    pub fn id(&self) -> &NodeId {
        &self.id
    }

    /// Changes of what is known of the nodes.
    pub fn watch(&self) -> watch::Receiver<Roll> {
        self.roll.subscribe()
    }

    /// Whether no other node lived at the last beat.
    pub fn is_alone(&self) -> bool {
        self.roll.borrow().nodes.iter().all(|seen| seen.node == self.id)
    }

    /// Who lives and holds what, now.
    pub async fn roll(&self) -> Result<Roll> {
        self.store.roll().await
    }

    /// Says that it lives, again and again, until `stop` turns true.
    pub async fn live(&self, told: impl Fn() -> NodeReport, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            tokio::select! {
                biased;
                _ = stop.changed() => break,
                () = tokio::time::sleep(self.pace.beat) => {}
            }
            // Without the store nothing else works either, and says so.
            if let Err(error) = self.beat(&told()).await {
                tracing::warn!("cannot tell other nodes that this one lives: {error}");
            }
        }
    }

    async fn beat(&self, report: &NodeReport) -> Result<()> {
        let beat = Beat {
            node: self.id.clone(),
            name: self.name.clone(),
            lasts: self.pace.lasts,
            report: report.to_text(),
        };
        self.store.beat(beat).await?;
        let roll = self.store.roll().await?;
        self.release_unknown(&roll).await;
        let before = self.roll.send_replace(roll);
        self.tell_changes(&before);
        Ok(())
    }

    /// Releases what this node was given without ever being told: all others leave it alone, and nobody would ever work on
    /// it.
    async fn release_unknown(&self, roll: &Roll) {
        let own = roll.leases.iter().filter(|lease| lease.node == self.id);
        for lease in own {
            let is_held = self.mine().held.contains(&(lease.source.clone(), lease.part.clone()));
            if !is_held {
                self.release(&lease.source, &lease.part).await;
            }
        }
    }

    fn tell_changes(&self, before: &Roll) {
        let now = self.roll.borrow();
        let absent = |node: &NodeId, roll: &Roll| roll.nodes.iter().all(|seen| seen.node != *node);
        for seen in now.nodes.iter().filter(|seen| seen.node != self.id && absent(&seen.node, before)) {
            tracing::info!(node.id = %seen.node, node.name = %seen.name, "another node is there");
        }
        for seen in before.nodes.iter().filter(|seen| seen.node != self.id && absent(&seen.node, &now)) {
            tracing::warn!(node.id = %seen.node, node.name = %seen.name, "a node is gone: its work is shared out");
        }
    }

    fn mine(&self) -> MutexGuard<'_, Mine> {
        self.mine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes how many partitions of a source there are to read.
    pub fn note_open(&self, source: &SourceName, partitions: usize) {
        self.mine().open.insert(source.clone(), partitions);
    }

    /// Notes how many sinks there are to deliver to.
    pub fn note_sinks(&self, sinks: usize) {
        self.mine().sinks = sinks;
    }

    /// What this node should do about its share of what `kind` says.
    fn share(&self, mine: &Mine, kind: fn(&Part) -> bool) -> Share {
        let roll = self.roll.borrow();
        let others = roll.nodes.iter().filter(|seen| seen.node != self.id).map(|seen| {
            let own = roll.leases.iter().filter(|lease| lease.node == seen.node && kind(&lease.part));
            own.count()
        });
        let parts = if kind(&Part::Closer) {
            mine.open.len()
        } else if kind(&Part::Sink) {
            mine.sinks
        } else if kind(&Part::Alarms) {
            1
        } else {
            mine.open.values().sum()
        };
        share(parts, mine.working(kind), &others.collect::<Vec<_>>())
    }

    /// Takes a part of a source to work on, if it is free and within this node's share; one that it works on already is
    /// confirmed. Answers whether this node is to work on it.
    pub async fn take(&self, source: &SourceName, part: &Part) -> Result<bool> {
        let key = (source.clone(), part.clone());
        {
            let mut mine = self.mine();
            if !mine.held.contains(&key)
                && matches!(self.share(&mine, kind_of(part)), Share::Take(0) | Share::Give(_))
            {
                return Ok(false);
            }
            // Before it is known, so that other tasks do not take more than the share at the same time.
            mine.held.insert(key.clone());
        }
        let taken = self.store.take_lease(&self.id, source, part).await;
        if !matches!(taken, Ok(true)) {
            self.forget(&key);
        }
        taken
    }

    /// Makes sure that a part that this node works on counts as its own: a node that was thought dead for long is forgotten,
    /// and what it held with it.
    pub async fn confirm(&self, source: &SourceName, part: &Part) -> Result<()> {
        let is_held = self.mine().held.contains(&(source.clone(), part.clone()));
        if is_held && !self.is_own(source, part) {
            self.take(source, part).await?;
        }
        Ok(())
    }

    /// Whether this node should give up a part that it works on, because it has more than its share. If so, the part
    /// counts as left from now on, and is to be [released](Self::release) at the next calm moment.
    pub fn is_to_leave(&self, source: &SourceName, part: &Part) -> bool {
        let mut mine = self.mine();
        let key = (source.clone(), part.clone());
        if mine.leaving.contains(&key) || !mine.held.contains(&key) {
            return false;
        }
        let surplus = matches!(self.share(&mine, kind_of(part)), Share::Give(_));
        if surplus {
            mine.leaving.insert(key);
        }
        surplus
    }

    /// Ends the work on a part of a source, so that another node may go on.
    pub async fn release(&self, source: &SourceName, part: &Part) {
        self.forget(&(source.clone(), part.clone()));
        if let Err(error) = self.store.release_lease(&self.id, source, part).await {
            tracing::warn!(source.name = %source, ?part, "cannot release it: others wait until it expires: {error}");
        }
    }

    /// Notes that another node holds a part, which this one may have worked on before and does no longer: it is no part of
    /// its share.
    pub fn lost(&self, source: &SourceName, part: &Part) {
        self.forget(&(source.clone(), part.clone()));
    }

    fn forget(&self, key: &(SourceName, Part)) {
        let mut mine = self.mine();
        mine.held.remove(key);
        mine.leaving.remove(key);
    }

    /// Partitions of a source that this node holds.
    pub fn held(&self, source: &SourceName) -> Vec<Part> {
        let mine = self.mine();
        let own = mine.held.iter().filter(|(of, part)| of == source && matches!(part, Part::Partition(_)));
        own.map(|(_, part)| part.clone()).collect()
    }

    /// Whether another node that lives holds a part of a source, as of the last beat.
    pub fn is_anothers(&self, source: &SourceName, part: &Part) -> bool {
        self.holder(source, part).is_some_and(|holder| holder != self.id)
    }

    /// Whether this node held a part of a source at the last beat, and has not let go of it since.
    pub fn is_own(&self, source: &SourceName, part: &Part) -> bool {
        self.holder(source, part).is_some_and(|holder| holder == self.id)
            && self.mine().held.contains(&(source.clone(), part.clone()))
    }

    fn holder(&self, source: &SourceName, part: &Part) -> Option<NodeId> {
        let roll = self.roll.borrow();
        let found = roll.leases.iter().find(|lease| lease.source == *source && lease.part == *part);
        found.map(|lease| lease.node.clone())
    }

    /// Says good-bye, so that the others need not wait.
    pub async fn leave(&self) {
        match tokio::time::timeout(LEAVE_WITHIN, self.store.leave(&self.id)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!("cannot tell other nodes that this one leaves: {error}"),
            Err(_) => {
                tracing::warn!("cannot tell other nodes that this one leaves: the store does not answer");
            }
        }
    }
}

/// Parts that are shared out together with this one: partitions, the leading of sources, sinks, and the watch over alarms.
fn kind_of(part: &Part) -> fn(&Part) -> bool {
    match part {
        Part::Partition(_) => |part| matches!(part, Part::Partition(_)),
        Part::Closer => |part| *part == Part::Closer,
        Part::Sink => |part| *part == Part::Sink,
        Part::Alarms => |part| *part == Part::Alarms,
    }
}
