//! Which shards may be read now, and from where: parents before children, nothing skipped.
//!
//! Splitting and merging close shards and make children of them. Records of one partition key (Amazon
//! Connect uses the agent) go to the parent until it closes and to a child afterwards, so a child
//! read before its parents have ended would turn the agent's time back. [`plan`] decides; it is a pure
//! function of the listing and of what the store remembers, and is asked again after every change.

use std::collections::{BTreeMap, BTreeSet};

use crate::position::Position;
use crate::sequence::{SequenceNumber, ShardId};

/// A shard as `ListShards` describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    /// Its name.
    pub id: ShardId,
    /// The shards it was made of: none, one (split), or two (merge: parent and adjacent parent). They
    /// are named even when retention has removed them.
    pub parents: Vec<ShardId>,
    /// Whether it takes no more records, that is, has an ending sequence number.
    pub closed: bool,
    /// The smallest sequence number that a record of it can have.
    pub starting_sequence: SequenceNumber,
}

/// What the store remembers of a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Reading has begun; this is where it goes on. Take it from [`Batch::position`](crate::Batch):
    /// `LATEST` stored in its place would skip what arrived while nobody read.
    Started(Position),
    /// Read to its end, or given up with a recorded gap.
    Finished,
}

/// A shard that may be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// The shard.
    pub shard: Shard,
    /// Where to start or to go on.
    pub from: Position,
}

/// A shard that must wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The shard.
    pub shard: ShardId,
    /// Its listed parents that have not ended.
    pub parents: Vec<ShardId>,
}

/// The decision over all shards of a stream. Every list is in the order of shard ids.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// May be read now, including those that are being read already.
    pub open: Vec<Opening>,
    /// Must wait for their parents.
    pub waiting: Vec<Waiting>,
    /// Began, never finished, and are no longer listed: retention has removed what was unread. Record a
    /// gap for each and remember it as finished.
    pub lost: Vec<ShardId>,
    /// Finished and no longer listed: nothing asks for them any more, the store may drop them.
    pub forgettable: Vec<ShardId>,
}

/// Decides which shards may be read, and from where.
///
/// - A shard that is known goes on at its stored position, or is finished.
/// - At the first start (`known` is empty) a shard without a listed parent starts where `start` says.
/// - Every other shard starts at the trim horizon whatever `start` says: it is a child, or it appeared
///   after the first listing, so all of it is news.
/// - A shard waits until each of its parents is finished or no longer listed.
///
/// So a first start at `LATEST` or at a time, on a stream that was resharded within its retention, reads
/// the children whole: more than asked, but nothing that comes later can be missed.
///
/// Store every opening of the first plan in one transaction, so that a crash in between does not turn
/// the rest into late-comers (which would read more than asked, never less). `listed` must be one complete
/// listing: a parent that is missing from it counts as gone.
///
/// ```
/// # use std::collections::BTreeMap;
/// use pegboard_aws::{Position, Progress, Shard, ShardId, plan};
///
/// let shard = |id, parents: &[&str]| Shard {
///     id: ShardId::new(id),
///     parents: parents.iter().map(|parent| ShardId::new(*parent)).collect(),
///     closed: false,
///     starting_sequence: "1".parse().unwrap(),
/// };
/// let listed = [shard("parent", &[]), shard("left", &["parent"]), shard("right", &["parent"])];
///
/// let at_first = plan(&listed, &BTreeMap::new(), &Position::Latest);
/// assert_eq!(at_first.open.len(), 1);
/// assert_eq!(at_first.open[0].from, Position::Latest);
///
/// let known = BTreeMap::from([(ShardId::new("parent"), Progress::Finished)]);
/// let later = plan(&listed, &known, &Position::Latest);
/// assert_eq!(later.open.len(), 2);
/// assert_eq!(later.open[0].from, Position::TrimHorizon);
/// ```
pub fn plan(listed: &[Shard], known: &BTreeMap<ShardId, Progress>, start: &Position) -> Plan {
    let by_id: BTreeMap<&ShardId, &Shard> = listed.iter().map(|shard| (&shard.id, shard)).collect();
    let mut plan = Plan::default();
    for (id, shard) in &by_id {
        let unfinished = unfinished_parents(shard, &by_id, known);
        match known.get(*id) {
            Some(Progress::Finished) => {}
            _ if !unfinished.is_empty() => {
                plan.waiting.push(Waiting { shard: (*id).clone(), parents: unfinished });
            }
            Some(Progress::Started(position)) => plan.open.push(opening(shard, position)),
            None if known.is_empty() && is_root(shard, &by_id) => plan.open.push(opening(shard, start)),
            None => plan.open.push(opening(shard, &Position::TrimHorizon)),
        }
    }
    for (id, progress) in known.iter().filter(|(id, _)| !by_id.contains_key(id)) {
        match progress {
            Progress::Started(_) => plan.lost.push(id.clone()),
            Progress::Finished => plan.forgettable.push(id.clone()),
        }
    }
    plan
}

fn opening(shard: &Shard, from: &Position) -> Opening {
    Opening { shard: shard.clone(), from: from.clone() }
}

fn is_root(shard: &Shard, listed: &BTreeMap<&ShardId, &Shard>) -> bool {
    !shard.parents.iter().any(|parent| listed.contains_key(parent))
}

fn unfinished_parents(
    shard: &Shard,
    listed: &BTreeMap<&ShardId, &Shard>,
    known: &BTreeMap<ShardId, Progress>,
) -> Vec<ShardId> {
    let distinct: BTreeSet<&ShardId> = shard.parents.iter().collect();
    distinct
        .into_iter()
        .filter(|parent| listed.contains_key(parent) && known.get(*parent) != Some(&Progress::Finished))
        .cloned()
        .collect()
}

#[cfg(test)]
#[path = "shards_tests.rs"]
mod tests;
