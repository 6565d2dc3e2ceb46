//! How a source is doing, as its tasks tell it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pegboard_model::{Millis, PartitionId, Position, Timestamp};
use pegboard_store::PartitionState;

use super::view::{Health, PartitionStatus, SourceCounts, SourceFault};

/// How many ended partitions are shown.
const ENDED_SHOWN: usize = 10;

/// The status of one source. Everything is behind one lock that nobody holds while waiting.
#[derive(Debug, Default)]
pub struct Status {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    partitions: BTreeMap<PartitionId, Partition>,
    faults: BTreeMap<String, SourceFault>,
    stopped: bool,
    planned: bool,
    watermark: Option<Timestamp>,
    closed_until: Option<Timestamp>,
    agents: u64,
    counts: SourceCounts,
}

#[derive(Debug, Clone, Default)]
struct Partition {
    position: Option<Position>,
    watermark: Option<Timestamp>,
    behind: Option<Millis>,
    finished: bool,
    /// Whether children of it may not be known yet: until the next plan it holds the watermark.
    holding: bool,
}

/// What a batch changed about a partition.
#[derive(Debug, Clone)]
pub struct Step {
    /// Where it stands.
    pub position: Option<Position>,
    /// Up to when it is complete.
    pub watermark: Option<Timestamp>,
    /// How far it is behind.
    pub behind: Option<Millis>,
    /// Whether it has ended.
    pub finished: bool,
}

impl Status {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over what was stored of the partitions.
    pub fn restore(&self, partitions: &[PartitionState]) {
        let mut inner = self.lock();
        for state in partitions {
            inner.counts += state.counts;
            let partition = Partition {
                position: state.position.clone(),
                watermark: state.watermark,
                behind: state.behind,
                finished: state.finished,
                holding: false,
            };
            inner.partitions.insert(state.partition.clone(), partition);
        }
    }

    /// Notes which partitions are to be read or wait, once they are known to be all. One that has ended since then goes
    /// on holding: its children may not be among them.
    pub fn planned(&self, unfinished: impl IntoIterator<Item = PartitionId>) {
        let mut inner = self.lock();
        let unfinished: BTreeSet<PartitionId> = unfinished.into_iter().collect();
        for (id, partition) in &mut inner.partitions {
            partition.holding &= unfinished.contains(id);
        }
        for partition in unfinished {
            inner.partitions.entry(partition).or_default();
        }
        inner.planned = true;
    }

    /// Whether a partition has ended.
    pub fn has_ended(&self, partition: &PartitionId) -> bool {
        self.lock().partitions.get(partition).is_some_and(|partition| partition.finished)
    }

    /// Notes what a committed batch did.
    pub fn stepped(&self, partition: &PartitionId, step: Step, counts: pegboard_store::Counts, agents: u64) {
        let mut inner = self.lock();
        inner.counts += counts;
        inner.agents = agents;
        let known = inner.partitions.entry(partition.clone()).or_default();
        known.position = step.position.or(known.position.take());
        known.watermark = step.watermark.max(known.watermark);
        known.behind = step.behind.or(known.behind);
        known.holding |= step.finished && !known.finished;
        known.finished |= step.finished;
    }

    /// Up to when everything of the source is known: the least over unfinished partitions. Nothing while one of
    /// them has not been read. It never goes back.
    pub fn watermark(&self) -> Option<Timestamp> {
        let mut inner = self.lock();
        if !inner.planned {
            return inner.watermark;
        }
        let open = inner.partitions.values().filter(|partition| !partition.finished || partition.holding);
        let least = open.map(|partition| partition.watermark).min();
        let now = match least {
            Some(least) => least,
            None => inner.partitions.values().filter_map(|partition| partition.watermark).max(),
        };
        inner.watermark = now.max(inner.watermark);
        now.and(inner.watermark)
    }

    /// Notes how many agents there are.
    pub fn set_agents(&self, agents: u64) {
        self.lock().agents = agents;
    }

    /// Notes up to when intervals are closed.
    pub fn set_closed_until(&self, closed_until: Timestamp) {
        self.lock().closed_until = Some(closed_until);
    }

    /// Up to when intervals are closed and their rows stored.
    pub fn closed_until(&self) -> Option<Timestamp> {
        self.lock().closed_until
    }

    /// Notes a failure of one part of the source, named by `part`; it stands until [`Status::recovered`].
    pub fn failed(&self, part: &str, at: Timestamp, message: String, stopped: bool) {
        let mut inner = self.lock();
        inner.stopped |= stopped;
        let since = inner.faults.get(part).map_or(at, |fault| fault.at);
        inner.faults.insert(part.into(), SourceFault { at: since, message });
    }

    /// Notes that a part works.
    pub fn recovered(&self, part: &str) {
        self.lock().faults.remove(part);
    }

    /// Everything, for readers. `stale_after` is how far behind is too far.
    pub fn show(&self, now: Timestamp, stale_after: Millis) -> Shown {
        let watermark = self.watermark();
        let inner = self.lock();
        let lag = watermark.map(|watermark| now.since(watermark));
        let health = match (&inner.faults.is_empty(), watermark, lag) {
            _ if inner.stopped => Health::Stopped,
            (false, ..) => Health::Failing,
            (true, None, _) => Health::Starting,
            (true, _, Some(lag)) if lag > stale_after => Health::Lagging,
            _ => Health::Ok,
        };
        let ended =
            inner.partitions.iter().rev().filter(|(_, partition)| partition.finished).take(ENDED_SHOWN);
        let open = inner.partitions.iter().filter(|(_, partition)| !partition.finished);
        let partitions = open.chain(ended).map(|(id, partition)| PartitionStatus {
            id: id.to_string(),
            position: partition.position.clone(),
            watermark: partition.watermark,
            behind: partition.behind,
            finished: partition.finished,
        });
        Shown {
            health,
            watermark,
            behind: inner
                .partitions
                .values()
                .filter(|partition| !partition.finished)
                .filter_map(|p| p.behind)
                .max(),
            closed_until: inner.closed_until,
            agents: inner.agents,
            counts: inner.counts,
            partitions: partitions.collect(),
            error: inner.faults.values().next().cloned(),
        }
    }
}

/// A status as it is shown.
#[derive(Debug)]
pub struct Shown {
    /// In one word.
    pub health: Health,
    /// Up to when everything is known.
    pub watermark: Option<Timestamp>,
    /// How far the slowest partition is behind.
    pub behind: Option<Millis>,
    /// Up to when intervals are closed.
    pub closed_until: Option<Timestamp>,
    /// Agents known.
    pub agents: u64,
    /// Totals.
    pub counts: SourceCounts,
    /// Partitions.
    pub partitions: Vec<PartitionStatus>,
    /// The first of the present faults.
    pub error: Option<SourceFault>,
}

#[cfg(test)]
mod tests {
    use pegboard_store::Counts;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn step(status: &Status, partition: &str, watermark: i64, finished: bool) {
        let step = Step { position: None, watermark: Some(at(watermark)), behind: None, finished };
        status.stepped(&partition.into(), step, Counts::default(), 0);
    }

    #[test]
    fn the_slowest_partition_holds_the_watermark() {
        let status = Status::default();
        status.planned(["a".into(), "b".into()]);
        step(&status, "a", 10, false);
        assert_eq!(status.watermark(), None, "b was not read yet");
        step(&status, "b", 5, false);
        assert_eq!(status.watermark(), Some(at(5)));
    }

    #[test]
    fn a_parent_that_ended_holds_until_its_children_are_known_and_read() {
        let status = Status::default();
        status.planned(["parent".into(), "other".into()]);
        step(&status, "parent", 10, true);
        step(&status, "other", 50, false);
        assert_eq!(status.watermark(), Some(at(10)));
        status.planned(["other".into(), "child".into()]);
        assert_eq!(status.watermark(), None);
        step(&status, "child", 20, false);
        assert_eq!(status.watermark(), Some(at(20)));
    }

    #[test]
    fn a_parent_that_ends_while_it_is_planned_holds_until_the_next_plan() {
        let status = Status::default();
        status.planned(["parent".into(), "other".into()]);
        step(&status, "other", 50, false);
        step(&status, "parent", 10, true);
        status.planned(["parent".into(), "other".into()]);
        assert_eq!(status.watermark(), Some(at(10)), "that plan did not know of its children");
        status.planned(["other".into(), "child".into()]);
        step(&status, "child", 60, false);
        assert_eq!(status.watermark(), Some(at(50)));
    }

    #[test]
    fn when_all_have_ended_all_is_known() {
        let status = Status::default();
        status.planned(["a".into(), "b".into()]);
        step(&status, "a", 10, true);
        step(&status, "b", 30, true);
        status.planned([]);
        assert_eq!(status.watermark(), Some(at(30)));
    }
}
