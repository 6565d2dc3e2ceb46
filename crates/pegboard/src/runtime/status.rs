//! How a source is doing, as its tasks tell it.

mod partitions;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pegboard_connect::spec::{Carries, Opening};
use pegboard_model::{Millis, PartitionId, Position, SourceName, Timestamp};
use pegboard_store::{ClosedUntil, PartitionState, RowsOf, SourceState};

use self::partitions::{Partition, Partitions, least, restored};
use super::clock_off::ClockOff;
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
    partitions: Partitions,
    /// Those that this node reads: of them it knows best how they stand.
    own: BTreeSet<PartitionId>,
    faults: BTreeMap<String, Fault>,
    planned: bool,
    of_agents: Marks,
    of_contacts: Marks,
    closed_until: ClosedUntil,
    agents: u64,
    reconciler: Option<ReconcilerStatus>,
    clocks: Clocks,
}

/// What was heard last of other clocks.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clocks {
    /// By the time of events.
    pub events: Option<ClockOff>,
    /// By the platform itself, when it was looked at.
    pub platform: Option<ClockOff>,
}

/// How far what some rows are made of is known.
#[derive(Debug, Default)]
struct Marks {
    /// The last watermark that was complete; it never goes back.
    complete: Option<Timestamp>,
    /// The last one that readers were told, of a run before this one too.
    known: Option<Timestamp>,
}

#[derive(Debug)]
struct Fault {
    shown: SourceFault,
    /// Whether the part stays as it is until somebody acts.
    stopped: bool,
}

/// Whether what is known of agents is of the present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// It is.
    Fresh,
    /// Nothing is known yet.
    Unread,
    /// It ends too long ago.
    Stale {
        /// Then.
        until: Timestamp,
    },
}

/// A failure of one part of the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The part: a partition, or work of the hub.
    pub part: String,
    /// Since when.
    pub at: Timestamp,
    /// What, where, and what to do.
    pub message: String,
    /// Whether the part stays as it is until somebody acts.
    pub stopped: bool,
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
    pub fn restore(&self, state: &SourceState, carries: impl Fn(&PartitionId) -> Carries) {
        let mut inner = self.lock();
        for state in state.partitions.iter().filter(|state| !is_lane(&state.partition)) {
            let carries = Some(carries(&state.partition));
            inner
                .partitions
                .insert(state.partition.clone(), Partition { carries, ..Partition::stored(state) });
        }
        for rows in RowsOf::ALL {
            inner.marks(rows).known = restored(&inner.partitions, rows);
        }
        inner.agents = state.agents;
        inner.closed_until = state.closed_until;
    }

    /// Notes what each partition brings of which that is not known yet.
    pub fn ask_what_is_carried(&self, carries: impl Fn(&PartitionId) -> Carries) {
        for (id, partition) in &mut self.lock().partitions {
            partition.carries.get_or_insert_with(|| carries(id));
        }
    }

    /// What a partition brings, if that is known.
    pub fn carries(&self, partition: &PartitionId) -> Option<Carries> {
        self.lock().partitions.get(partition)?.carries
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
        inner.closed_until = inner.closed_until.raised(state.closed_until);
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

    /// Up to when everything was read of which rows are made, for what must not change afterwards: the least over
    /// partitions that bring or brought some of it. Nothing before the first plan, and while nobody can tell what an unread
    /// partition holds. It never goes back.
    pub fn watermark(&self, rows: RowsOf) -> Option<Timestamp> {
        self.lock().watermark(rows)
    }

    /// Up to when that is known, for readers: the last watermark there was, in a run before this one too. It is there while
    /// partitions cannot be listed or read, and it never goes back.
    pub fn known_until(&self, rows: RowsOf) -> Option<Timestamp> {
        self.lock().known_until(rows)
    }

    /// Whether what is known of agents is of the present.
    pub fn freshness(&self, now: Timestamp, stale_after: Millis) -> Freshness {
        let mut inner = self.lock();
        match inner.known_until(RowsOf::Agents) {
            // Nothing more is to come: time passes without it.
            _ if inner.has_ended() => Freshness::Fresh,
            None => Freshness::Unread,
            Some(until) if now.since(until) > stale_after => Freshness::Stale { until },
            Some(_) => Freshness::Fresh,
        }
    }

    /// Notes how many agents there are.
    pub fn set_agents(&self, agents: u64) {
        self.lock().agents = agents;
    }

    /// Notes up to when intervals are closed.
    pub fn set_closed_until(&self, closed_until: ClosedUntil) {
        let mut inner = self.lock();
        inner.closed_until = inner.closed_until.raised(closed_until);
    }

    /// Up to when intervals are closed and their rows stored.
    pub fn closed_until(&self) -> ClosedUntil {
        self.lock().closed_until
    }

    /// Notes what a look at the platform's snapshot came to; nothing where this node does not look any more.
    pub fn reconciled(&self, status: Option<ReconcilerStatus>) {
        self.lock().reconciler = status;
    }

    /// Notes of when the newest event is that has just come.
    pub fn heard_event(&self, off: ClockOff) {
        self.lock().clocks.events = Some(off);
    }

    /// Notes what the platform has just said that the time is.
    pub fn heard_platform(&self, off: ClockOff) {
        self.lock().clocks.platform = Some(off);
    }

    /// What was heard last of other clocks.
    pub fn clocks(&self) -> Clocks {
        self.lock().clocks
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

    /// What fails, part by part.
    pub fn troubles(&self) -> Vec<Trouble> {
        let trouble = |(part, fault): (&String, &Fault)| Trouble {
            part: part.clone(),
            at: fault.shown.at,
            message: fault.shown.message.clone(),
            stopped: fault.stopped,
        };
        self.lock().faults.iter().map(trouble).collect()
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
        let watermark = inner.known_until(RowsOf::Agents);
        let contacts_watermark = inner.known_until(RowsOf::Contacts);
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
            contacts_watermark,
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
    const fn marks(&mut self, rows: RowsOf) -> &mut Marks {
        match rows {
            RowsOf::Agents => &mut self.of_agents,
            RowsOf::Contacts => &mut self.of_contacts,
        }
    }

    fn watermark(&mut self, rows: RowsOf) -> Option<Timestamp> {
        let now = if self.planned { least(&self.partitions, rows) } else { None };
        let marks = self.marks(rows);
        marks.complete = now.max(marks.complete);
        now.and(marks.complete)
    }

    fn known_until(&mut self, rows: RowsOf) -> Option<Timestamp> {
        let watermark = self.watermark(rows);
        let marks = self.marks(rows);
        marks.known = watermark.max(marks.known);
        marks.known
    }

    /// Whether everything was read to its end, and nothing more is to come.
    fn has_ended(&self) -> bool {
        let ended = |partition: &Partition| partition.finished && !partition.holding;
        self.planned && !self.partitions.is_empty() && self.partitions.values().all(ended)
    }
}

/// A status as it is shown.
#[derive(Debug)]
pub struct Shown {
    /// In one word.
    pub health: Health,
    /// Up to when all that agents did is known.
    pub watermark: Option<Timestamp>,
    /// Up to when all contacts are known.
    pub contacts_watermark: Option<Timestamp>,
    /// How far the slowest partition is behind.
    pub behind: Option<Millis>,
    /// Up to when intervals are closed.
    pub closed_until: ClosedUntil,
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
mod tests;
