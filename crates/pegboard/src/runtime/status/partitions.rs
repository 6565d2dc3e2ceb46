//! Partitions of a source, and how far the whole of it is known.

use std::collections::{BTreeMap, BTreeSet};

use pegboard_connect::spec::Carries;
use pegboard_model::{Millis, PartitionId, Position, Timestamp};
use pegboard_store::{PartitionState, RowsOf};

use crate::runtime::gaps;
use crate::runtime::view::SourceCounts;

/// A partition, as far as it is known.
#[derive(Debug, Clone, Default)]
pub(super) struct Partition {
    pub(super) position: Option<Position>,
    pub(super) watermark: Option<Timestamp>,
    pub(super) behind: Option<Millis>,
    pub(super) finished: bool,
    /// The partitions that had to end before it could start, where known.
    pub(super) parents: Vec<PartitionId>,
    /// Whether it waits for them.
    pub(super) waiting: bool,
    /// Whether children of it may not be known yet: until the next plan it holds the watermark.
    pub(super) holding: bool,
    /// What it brings; nothing while that was not asked: then it may be anything.
    pub(super) carries: Option<Carries>,
    /// All that was ever read from it.
    pub(super) counts: SourceCounts,
}

/// All partitions of a source.
pub(super) type Partitions = BTreeMap<PartitionId, Partition>;

/// Up to when everything was read of which rows are made: the least over what holds the watermark; the latest of all once
/// nothing holds it any more.
pub(super) fn least(all: &Partitions, rows: RowsOf) -> Option<Timestamp> {
    let partitions = bringing(all, rows);
    let waits = partitions.iter().any(|(_, partition)| partition.only_waits());
    let parents: BTreeSet<&PartitionId> = partitions.iter().flat_map(|(_, known)| &known.parents).collect();
    // What waits is held by its parents, but its plan does not name them: any that ended and has no known child may be one.
    let holds = |id: &PartitionId, partition: &Partition| {
        !partition.finished || partition.holding || (waits && !parents.contains(id))
    };
    let holding = partitions.iter().filter(|(id, partition)| holds(id, partition));
    let least = holding
        .filter(|(_, partition)| !partition.only_waits())
        .map(|(_, partition)| bound(all, partition))
        .min();
    match least {
        Some(least) => least,
        None if waits => None,
        None => partitions.iter().filter_map(|(_, partition)| partition.watermark).max(),
    }
}

/// What readers knew before a restart, as far as it was stored.
pub(super) fn restored(all: &Partitions, rows: RowsOf) -> Option<Timestamp> {
    let partitions = bringing(all, rows);
    let open = partitions.iter().filter(|(_, partition)| !partition.finished);
    let least = open.filter_map(|(_, partition)| bound(all, partition)).min();
    least.or_else(|| partitions.iter().filter_map(|(_, partition)| partition.watermark).max())
}

/// The partitions that bring what rows are made of. Where none does, time passes as it does for whatever else is brought:
/// rows that nobody brings anything for are complete with it.
fn bringing(all: &Partitions, rows: RowsOf) -> Vec<(&PartitionId, &Partition)> {
    let brings = |is_meant: &dyn Fn(Carries) -> bool| -> Vec<_> {
        let meant = |partition: &Partition| is_meant(partition.carries.unwrap_or(Carries::EVENTS));
        all.iter().filter(|(_, partition)| meant(partition)).collect()
    };
    let own = brings(&|carries| gaps::brings(carries, rows));
    if !own.is_empty() {
        return own;
    }
    let facts = brings(&|carries| carries.agents || carries.contacts);
    if facts.is_empty() { all.iter().collect() } else { facts }
}

/// Up to when a partition misses nothing: one that was not read yet has nothing before its parents ended.
fn bound(partitions: &Partitions, partition: &Partition) -> Option<Timestamp> {
    let of_parent = |parent| partitions.get(parent).and_then(|parent: &Partition| parent.watermark);
    partition.watermark.or_else(|| partition.parents.iter().filter_map(of_parent).min())
}

impl Partition {
    pub(super) fn stored(state: &PartitionState) -> Self {
        let mut counts = SourceCounts::default();
        counts += state.counts;
        Self {
            position: state.position.clone(),
            watermark: state.watermark,
            behind: state.behind,
            finished: state.finished,
            parents: state.parents.clone(),
            waiting: false,
            holding: false,
            carries: None,
            counts,
        }
    }

    /// Takes over what is stored. Of a partition that this node reads it may be older than what is known: a watermark
    /// without records is stored now and then only.
    pub(super) fn catch_up(&mut self, state: &PartitionState, own: bool) {
        self.holding |= state.finished && !self.finished;
        if own {
            self.finished |= state.finished;
            return;
        }
        let (waiting, holding, carries) = (self.waiting, self.holding, self.carries);
        let watermark = state.watermark.max(self.watermark);
        *self = Self { watermark, waiting, holding, carries, ..Self::stored(state) };
    }

    /// Whether anything was read of it.
    pub(super) fn is_begun(&self) -> bool {
        self.finished || self.position.is_some() || self.watermark.is_some()
    }

    fn only_waits(&self) -> bool {
        self.waiting && !self.is_begun()
    }
}
