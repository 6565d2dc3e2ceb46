//! How a source is doing, as its tasks tell it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pegboard_connect::spec::Opening;
use pegboard_model::{Millis, PartitionId, Position, SourceName, Timestamp};
use pegboard_store::{PartitionState, SourceState};

use super::node::report::ToldFault;
use super::reconcile::is_lane;
use super::view::{Health, PartitionStatus, ReconcilerStatus, SourceCounts, SourceFault};

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
    /// Those that this node reads: of them it knows best how they stand.
    own: BTreeSet<PartitionId>,
    faults: BTreeMap<String, Fault>,
    planned: bool,
    /// The last watermark that was complete; it never goes back.
    complete: Option<Timestamp>,
    /// The last one that readers were told, of a run before this one too.
    known: Option<Timestamp>,
    closed_until: Option<Timestamp>,
    agents: u64,
    reconciler: Option<ReconcilerStatus>,
}

#[derive(Debug)]
struct Fault {
    shown: SourceFault,
    /// Whether the part stays as it is until somebody acts.
    stopped: bool,
}

#[derive(Debug, Clone, Default)]
struct Partition {
    position: Option<Position>,
    watermark: Option<Timestamp>,
    behind: Option<Millis>,
    finished: bool,
    /// The partitions that had to end before it could start, where known.
    parents: Vec<PartitionId>,
    /// Whether it waits for them.
    waiting: bool,
    /// Whether children of it may not be known yet: until the next plan it holds the watermark.
    holding: bool,
    /// All that was ever read from it.
    counts: SourceCounts,
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

    /// Takes over what was stored of the source. Readers go on where they were, whether or not the source can be reached.
    pub fn restore(&self, state: &SourceState) {
        let mut inner = self.lock();
        for state in state.partitions.iter().filter(|state| !is_lane(&state.partition)) {
            inner.partitions.insert(state.partition.clone(), Partition::stored(state));
        }
        inner.agents = state.agents;
        inner.closed_until = state.closed_until;
        inner.known = inner.restored();
    }

    /// Takes over how the source stands in the store. Answers whether a partition has ended without this status being told.
    pub fn refresh(&self, state: &SourceState) -> bool {
        let mut inner = self.lock();
        let Inner { partitions, own, .. } = &mut *inner;
        let mut any_ended = false;
        for state in state.partitions.iter().filter(|state| !is_lane(&state.partition)) {
            let known = partitions.entry(state.partition.clone()).or_default();
            any_ended |= state.finished && !known.finished;
            known.catch_up(state, own.contains(&state.partition));
        }
        for ended in state.partitions.iter().filter(|state| state.finished) {
            inner.faults.remove(ended.partition.as_str());
        }
        inner.agents = state.agents;
        inner.closed_until = state.closed_until.max(inner.closed_until);
        any_ended
    }

    /// Notes that this node reads a partition from now on, from where it stands.
    pub fn taken(&self, state: &PartitionState) {
        let mut inner = self.lock();
        inner.partitions.entry(state.partition.clone()).or_default().catch_up(state, false);
        inner.own.insert(state.partition.clone());
    }

    /// Notes that this node reads a partition no longer.
    pub fn left(&self, partition: &PartitionId) {
        self.lock().own.remove(partition);
    }

    /// Whether this node reads a partition.
    pub fn is_own(&self, partition: &PartitionId) -> bool {
        self.lock().own.contains(partition)
    }

    /// Up to when a partition is complete.
    pub fn watermark_of(&self, partition: &PartitionId) -> Option<Timestamp> {
        self.lock().partitions.get(partition)?.watermark
    }

    /// Notes which partitions are to be read and which wait, once they are known to be all. One that has ended since then
    /// goes on holding: its children may not be among them. One that was never read and is not among them is no more.
    pub fn planned(&self, open: &[Opening], waiting: &[PartitionId]) {
        let mut inner = self.lock();
        let named: BTreeSet<&PartitionId> =
            open.iter().map(|opening| &opening.partition).chain(waiting).collect();
        inner.partitions.retain(|id, partition| partition.is_begun() || named.contains(id));
        for (id, partition) in &mut inner.partitions {
            partition.holding &= named.contains(id);
            partition.waiting = false;
        }
        for opening in open {
            let partition = inner.partitions.entry(opening.partition.clone()).or_default();
            partition.parents.clone_from(&opening.parents);
        }
        for id in waiting {
            inner.partitions.entry(id.clone()).or_default().waiting = true;
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
        inner.agents = agents;
        let known = inner.partitions.entry(partition.clone()).or_default();
        known.counts += counts;
        known.position = step.position.or(known.position.take());
        known.watermark = step.watermark.max(known.watermark);
        known.behind = step.behind.or(known.behind);
        known.holding |= step.finished && !known.finished;
        known.finished |= step.finished;
    }

    /// Up to when everything of the source was read, for what must not change afterwards: the least over partitions that
    /// bring or brought something. Nothing before the first plan, and while nobody can tell what an unread partition
    /// holds. It never goes back.
    pub fn watermark(&self) -> Option<Timestamp> {
        self.lock().watermark()
    }

    /// Up to when the source is known, for readers: the last watermark there was, in a run before this one too. It is
    /// there while partitions cannot be listed or read, and it never goes back.
    pub fn known_until(&self) -> Option<Timestamp> {
        self.lock().known_until()
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

    /// Notes what a look at the platform's snapshot came to.
    pub fn reconciled(&self, status: ReconcilerStatus) {
        self.lock().reconciler = Some(status);
    }

    /// Notes a failure of one part of the source, named by `part`; it stands until [`Status::recovered`].
    pub fn failed(&self, part: &str, at: Timestamp, message: String, stopped: bool) {
        let mut inner = self.lock();
        let since = inner.faults.get(part).map_or(at, |fault| fault.shown.at);
        inner.faults.insert(part.into(), Fault { shown: SourceFault { at: since, message }, stopped });
    }

    /// Notes that a part works.
    pub fn recovered(&self, part: &str) {
        self.lock().faults.remove(part);
    }

    /// What fails, as other nodes are told.
    pub fn faults(&self, source: &SourceName) -> Vec<ToldFault> {
        let told = |fault: &Fault| ToldFault {
            source: source.clone(),
            at: fault.shown.at,
            message: fault.shown.message.clone(),
            stopped: fault.stopped,
        };
        self.lock().faults.values().map(told).collect()
    }

    /// Everything, for readers. `stale_after` is how far behind is too far; `told` is what fails on other nodes.
    pub fn show(&self, now: Timestamp, stale_after: Millis, told: Vec<ToldFault>) -> Shown {
        let mut inner = self.lock();
        let is_stopped =
            inner.faults.values().any(|fault| fault.stopped) || told.iter().any(|fault| fault.stopped);
        let is_failing = !inner.faults.is_empty() || !told.is_empty();
        let watermark = inner.known_until();
        let lag = watermark.map(|watermark| now.since(watermark));
        let health = match (watermark, lag) {
            _ if is_stopped => Health::Stopped,
            _ if is_failing => Health::Failing,
            // Nothing more is to come: time passes without it.
            _ if inner.has_ended() => Health::Ok,
            (None, _) => Health::Starting,
            (_, Some(lag)) if lag > stale_after => Health::Lagging,
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
            node: None,
        });
        let own = inner.faults.values().map(|fault| fault.shown.clone());
        let told = told.into_iter().map(|fault| SourceFault { at: fault.at, message: fault.message });
        let mut counts = SourceCounts::default();
        inner.partitions.values().for_each(|partition| counts += partition.counts);
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
            counts,
            partitions: partitions.collect(),
            reconciler: inner.reconciler.clone(),
            error: own.chain(told).max_by_key(|fault| fault.at),
        }
    }
}

impl Inner {
    fn watermark(&mut self) -> Option<Timestamp> {
        let now = if self.planned { self.least() } else { None };
        self.complete = now.max(self.complete);
        now.and(self.complete)
    }

    fn known_until(&mut self) -> Option<Timestamp> {
        self.known = self.watermark().max(self.known);
        self.known
    }

    /// The least over what holds the watermark; the latest of all once nothing holds it any more.
    fn least(&self) -> Option<Timestamp> {
        let waits = self.partitions.values().any(Partition::only_waits);
        let parents: BTreeSet<&PartitionId> =
            self.partitions.values().flat_map(|known| &known.parents).collect();
        // What waits is held by its parents, but its plan does not name them: any that ended and has no known child may
        // be one.
        let holds = |id: &PartitionId, partition: &Partition| {
            !partition.finished || partition.holding || (waits && !parents.contains(id))
        };
        let holding = self.partitions.iter().filter(|(id, partition)| holds(id, partition));
        let least = holding
            .filter(|(_, partition)| !partition.only_waits())
            .map(|(_, partition)| self.bound(partition))
            .min();
        match least {
            Some(least) => least,
            None if waits => None,
            None => self.partitions.values().filter_map(|partition| partition.watermark).max(),
        }
    }

    /// Up to when a partition misses nothing: one that was not read yet has nothing before its parents ended.
    fn bound(&self, partition: &Partition) -> Option<Timestamp> {
        let of_parent = |parent| self.partitions.get(parent).and_then(|parent| parent.watermark);
        partition.watermark.or_else(|| partition.parents.iter().filter_map(of_parent).min())
    }

    /// What readers knew before a restart, as far as it was stored.
    fn restored(&self) -> Option<Timestamp> {
        let open = self.partitions.values().filter(|partition| !partition.finished);
        let least = open.filter_map(|partition| self.bound(partition)).min();
        least.or_else(|| self.partitions.values().filter_map(|partition| partition.watermark).max())
    }

    /// Whether everything was read to its end, and nothing more is to come.
    fn has_ended(&self) -> bool {
        let ended = |partition: &Partition| partition.finished && !partition.holding;
        self.planned && !self.partitions.is_empty() && self.partitions.values().all(ended)
    }
}

impl Partition {
    fn stored(state: &PartitionState) -> Self {
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
            counts,
        }
    }

    /// Takes over what is stored. Of a partition that this node reads it may be older than what is known: a watermark
    /// without records is stored now and then only.
    fn catch_up(&mut self, state: &PartitionState, own: bool) {
        self.holding |= state.finished && !self.finished;
        if own {
            self.finished |= state.finished;
            return;
        }
        let (waiting, holding) = (self.waiting, self.holding);
        let watermark = state.watermark.max(self.watermark);
        *self = Self { watermark, waiting, holding, ..Self::stored(state) };
    }

    /// Whether anything was read of it.
    fn is_begun(&self) -> bool {
        self.finished || self.position.is_some() || self.watermark.is_some()
    }

    fn only_waits(&self) -> bool {
        self.waiting && !self.is_begun()
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
    /// What the last look at the platform's snapshot came to.
    pub reconciler: Option<ReconcilerStatus>,
    /// The latest of the present faults.
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

    fn opening(partition: &str, parents: &[&str]) -> Opening {
        Opening {
            partition: partition.into(),
            from: Position::Number(0),
            watermark: None,
            parents: parents.iter().map(|parent| (*parent).into()).collect(),
        }
    }

    fn plan(status: &Status, open: &[&str], waiting: &[&str]) {
        let open: Vec<_> = open.iter().map(|partition| opening(partition, &[])).collect();
        let waiting: Vec<_> = waiting.iter().map(|partition| (*partition).into()).collect();
        status.planned(&open, &waiting);
    }

    fn plan_children(status: &Status, open: &[&str], child: (&str, &[&str])) {
        let open = open.iter().map(|partition| opening(partition, &[])).chain([opening(child.0, child.1)]);
        status.planned(&open.collect::<Vec<_>>(), &[]);
    }

    fn stored(partition: &str, watermark: Option<i64>, finished: bool) -> PartitionState {
        PartitionState {
            partition: partition.into(),
            epoch: 1,
            position: Some(Position::Number(1)),
            watermark: watermark.map(at),
            behind: None,
            finished,
            parents: Vec::new(),
            counts: Counts::default(),
        }
    }

    fn state(partitions: Vec<PartitionState>) -> SourceState {
        SourceState { partitions, closed_until: None, agents: 0 }
    }

    fn restore(status: &Status, partitions: Vec<PartitionState>) {
        status.restore(&state(partitions));
    }

    fn health(status: &Status, now: i64) -> Health {
        status.show(at(now), Millis::from_seconds(60), Vec::new()).health
    }

    #[test]
    fn the_slowest_partition_holds_the_watermark() {
        let status = Status::default();
        plan(&status, &["a", "b"], &[]);
        step(&status, "a", 10, false);
        assert_eq!(status.watermark(), None, "b was not read yet");
        step(&status, "b", 5, false);
        assert_eq!(status.watermark(), Some(at(5)));
    }

    #[test]
    fn a_parent_that_ended_holds_until_its_children_are_known_and_read() {
        let status = Status::default();
        plan(&status, &["parent", "other"], &[]);
        step(&status, "parent", 10, true);
        step(&status, "other", 50, false);
        assert_eq!(status.watermark(), Some(at(10)));
        plan_children(&status, &["other"], ("child", &["parent"]));
        assert_eq!(status.watermark(), Some(at(10)), "the child has nothing before its parent ended");
        step(&status, "child", 20, false);
        assert_eq!(status.watermark(), Some(at(20)));
    }

    #[test]
    fn a_parent_that_ends_while_it_is_planned_holds_until_the_next_plan() {
        let status = Status::default();
        plan(&status, &["parent", "other"], &[]);
        step(&status, "other", 50, false);
        step(&status, "parent", 10, true);
        plan(&status, &["parent", "other"], &[]);
        assert_eq!(status.watermark(), Some(at(10)), "that plan did not know of its children");
        plan(&status, &["other", "child"], &[]);
        step(&status, "child", 60, false);
        assert_eq!(status.watermark(), Some(at(50)));
    }

    #[test]
    fn when_all_have_ended_all_is_known() {
        let status = Status::default();
        plan(&status, &["a", "b"], &[]);
        step(&status, "a", 10, true);
        step(&status, "b", 30, true);
        plan(&status, &[], &[]);
        assert_eq!(status.watermark(), Some(at(30)));
    }

    #[test]
    fn readers_know_what_was_stored_before_the_source_is_reached() {
        let status = Status::default();
        let partitions =
            vec![stored("a", Some(30), false), stored("b", Some(20), false), stored("c", Some(5), true)];
        restore(&status, partitions);
        assert_eq!(status.known_until(), Some(at(20)));
        assert_eq!(status.watermark(), None, "children of c may not be known: nothing may be closed");
        plan(&status, &["a", "b"], &[]);
        assert_eq!(status.watermark(), Some(at(20)));
    }

    #[test]
    fn readers_know_what_was_stored_of_a_source_that_has_ended() {
        let status = Status::default();
        restore(&status, vec![stored("a", Some(30), true), stored("b", Some(20), true)]);
        assert_eq!(status.known_until(), Some(at(30)));
    }

    #[test]
    fn what_was_restored_closes_nothing_that_a_new_child_may_change() {
        let status = Status::default();
        restore(&status, vec![stored("parent", Some(10), true), stored("other", Some(50), false)]);
        plan_children(&status, &["other"], ("child", &["parent"]));
        assert_eq!(status.watermark(), Some(at(10)));
        assert_eq!(status.known_until(), Some(at(50)));
    }

    #[test]
    fn a_new_file_that_is_unread_takes_nothing_from_readers() {
        let status = Status::default();
        plan(&status, &["a"], &[]);
        step(&status, "a", 10, false);
        assert_eq!(status.known_until(), Some(at(10)));
        plan(&status, &["a", "b"], &[]);
        assert_eq!((status.watermark(), status.known_until()), (None, Some(at(10))));
    }

    #[test]
    fn a_child_that_waits_is_held_by_its_parents_also_by_one_that_has_ended() {
        let status = Status::default();
        plan(&status, &["first", "second"], &["merged"]);
        step(&status, "first", 10, false);
        step(&status, "second", 30, false);
        assert_eq!(status.watermark(), Some(at(10)), "its parents are open");
        step(&status, "first", 20, true);
        plan(&status, &["second"], &["merged"]);
        assert_eq!(status.watermark(), Some(at(20)), "what came after it is in the child");
        step(&status, "second", 40, true);
        plan_children(&status, &[], ("merged", &["first", "second"]));
        assert_eq!(status.watermark(), Some(at(20)));
        step(&status, "merged", 50, false);
        assert_eq!(status.watermark(), Some(at(50)));
    }

    #[test]
    fn nothing_is_complete_while_all_that_there_is_waits() {
        let status = Status::default();
        plan(&status, &[], &["child"]);
        assert_eq!(status.watermark(), None);
    }

    #[test]
    fn an_unread_partition_that_is_no_longer_listed_holds_nothing() {
        let status = Status::default();
        plan(&status, &["a"], &["b"]);
        step(&status, "a", 10, false);
        plan(&status, &["a", "c"], &[]);
        plan(&status, &["a"], &[]);
        assert_eq!(status.watermark(), Some(at(10)));
    }

    #[test]
    fn a_source_that_has_ended_does_not_lag() {
        let status = Status::default();
        plan(&status, &["a"], &[]);
        step(&status, "a", 10, false);
        assert_eq!(health(&status, 500), Health::Lagging);
        step(&status, "a", 10, true);
        assert_eq!(health(&status, 500), Health::Lagging, "more may follow it");
        plan(&status, &[], &[]);
        assert_eq!(health(&status, 500), Health::Ok);
    }

    #[test]
    fn the_latest_fault_is_shown() {
        let status = Status::default();
        status.failed("z", at(10), "earlier".into(), false);
        status.failed("m", at(30), "latest".into(), false);
        status.failed("a", at(20), "between".into(), false);
        let error = status.show(at(40), Millis::from_seconds(60), Vec::new()).error;
        assert_eq!(error.map(|fault| fault.message), Some("latest".into()));
    }

    #[test]
    fn the_slowest_partition_of_all_nodes_holds_the_watermark() {
        let status = Status::default();
        plan(&status, &["mine", "theirs"], &[]);
        status.taken(&stored("mine", None, false));
        step(&status, "mine", 50, false);
        assert_eq!(status.watermark(), None, "theirs was not read yet");
        assert!(
            !status.refresh(&state(vec![stored("mine", Some(40), false), stored("theirs", Some(30), false)]))
        );
        assert_eq!(status.watermark(), Some(at(30)));
        assert_eq!(status.watermark_of(&"mine".into()), Some(at(50)), "its own it knows best");
    }

    #[test]
    fn a_partition_that_ends_on_another_node_holds_until_its_children_are_planned() {
        let status = Status::default();
        plan(&status, &["parent", "mine"], &[]);
        step(&status, "mine", 50, false);
        assert!(status.refresh(&state(vec![stored("parent", Some(10), true)])), "it ended elsewhere");
        assert!(!status.refresh(&state(vec![stored("parent", Some(10), true)])), "that is known");
        assert_eq!(status.watermark(), Some(at(10)));
        plan_children(&status, &["mine"], ("child", &["parent"]));
        assert_eq!(status.watermark(), Some(at(10)), "another node has not read it yet");
        status.refresh(&state(vec![stored("child", Some(60), false)]));
        assert_eq!(status.watermark(), Some(at(50)));
    }

    #[test]
    fn a_partition_whose_end_was_written_without_an_answer_holds_nothing_and_is_no_fault() {
        let status = Status::default();
        plan(&status, &["ended", "other"], &[]);
        step(&status, "ended", 10, false);
        step(&status, "other", 50, false);
        status.failed("ended", at(11), "commit: no answer".into(), false);
        assert!(
            status.refresh(&state(vec![stored("ended", Some(20), true), stored("other", Some(50), false)]))
        );
        plan(&status, &["other"], &[]);
        assert_eq!((status.watermark(), health(&status, 51)), (Some(at(50)), Health::Ok));
    }

    #[test]
    fn what_fails_on_another_node_is_shown_too() {
        let status = Status::default();
        let told = ToldFault { source: "s".into(), at: at(1), message: "no answer".into(), stopped: false };
        let shown = status.show(at(2), Millis::from_seconds(60), vec![told]);
        assert_eq!(
            (shown.health, shown.error.map(|fault| fault.message)),
            (Health::Failing, Some("no answer".into()))
        );
    }
}
