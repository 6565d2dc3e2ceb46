//! Nodes and leases of an embedded store.
//!
//! One process holds the store, so all of its nodes end with it: what they hold is kept in memory, costs the disk
//! nothing, and no lease of an earlier process is in the way of a start.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pegboard_model::{Millis, SourceName, Text, Timestamp};

use crate::{Beat, Lease, NodeId, NodeSeen, Part, Roll};

/// How long a dead node is remembered.
const REMEMBERED: Millis = Millis::from_minutes(1);

/// Who is there and holds what.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    nodes: BTreeMap<NodeId, Known>,
    leases: BTreeMap<(SourceName, Part), NodeId>,
}

#[derive(Debug)]
struct Known {
    name: Text,
    started: Timestamp,
    expires: Timestamp,
    report: String,
}

impl Inner {
    fn lives(&self, node: &NodeId, now: Timestamp) -> bool {
        self.nodes.get(node).is_some_and(|known| now < known.expires)
    }

    fn forget_dead(&mut self, now: Timestamp) {
        let Self { nodes, leases } = self;
        nodes.retain(|_, known| now.since(known.expires) < REMEMBERED);
        leases.retain(|_, holder| nodes.contains_key(holder));
    }
}

impl Nodes {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn beat(&self, beat: &Beat, now: Timestamp) {
        let mut inner = self.lock();
        let started = inner.nodes.get(&beat.node).map_or(now, |known| known.started);
        let (name, report) = (beat.name.clone(), beat.report.clone());
        inner.nodes.insert(beat.node.clone(), Known { name, started, expires: now + beat.lasts, report });
        inner.forget_dead(now);
    }

    pub(super) fn roll(&self, now: Timestamp) -> Roll {
        let inner = self.lock();
        let living = inner.nodes.iter().filter(|(_, known)| now < known.expires);
        let nodes = living.map(|(node, known)| NodeSeen {
            node: node.clone(),
            name: known.name.clone(),
            started: known.started,
            report: known.report.clone(),
        });
        let held = inner.leases.iter().filter(|(_, holder)| inner.lives(holder, now));
        let leases = held.map(|((source, part), node)| Lease {
            source: source.clone(),
            part: part.clone(),
            node: node.clone(),
        });
        Roll { nodes: nodes.collect(), leases: leases.collect() }
    }

    pub(super) fn take(&self, node: &NodeId, source: &SourceName, part: &Part, now: Timestamp) -> bool {
        let mut inner = self.lock();
        let key = (source.clone(), part.clone());
        let others = inner.leases.get(&key).is_some_and(|holder| holder != node && inner.lives(holder, now));
        if others || !inner.lives(node, now) {
            return false;
        }
        inner.leases.insert(key, node.clone());
        true
    }

    pub(super) fn release(&self, node: &NodeId, source: &SourceName, part: &Part) {
        let mut inner = self.lock();
        let key = (source.clone(), part.clone());
        if inner.leases.get(&key) == Some(node) {
            inner.leases.remove(&key);
        }
    }

    pub(super) fn leave(&self, node: &NodeId) {
        let mut inner = self.lock();
        inner.nodes.remove(node);
        inner.leases.retain(|_, holder| holder != node);
    }
}
