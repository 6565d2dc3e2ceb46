//! What the store must be like after every write, told from the writes alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use pegboard::runtime::reconcile::is_lane;
use pegboard_model::{Millis, PartitionId, Position, SourceName};
use pegboard_store::{
    Batch, Close, Closed, ClosedUntil, CloserState, Committed, Counts, PartitionState, Result, RowsOf, Store,
    StoreError,
};

use super::at_once::at_once;
use super::journal::Journal;
use super::stream::{Entry, Kind, Place, Shard, Stream};

#[derive(Debug)]
pub(super) struct Witness {
    journal: Arc<Journal>,
    streams: BTreeMap<SourceName, Arc<Stream>>,
    window: Window,
    inner: Mutex<Inner>,
}

/// What may still come, and what is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    /// How far behind the newest event of its partition a late one is still taken.
    pub(super) lateness: Millis,
    /// How much longer evidence is kept.
    pub(super) margin: Millis,
}

impl Window {
    /// Wider than any day here.
    pub(super) const WIDE: Self = Self { lateness: Millis::from_hours(24), margin: Millis::from_hours(24) };
}

/// What came of the records of a shard.
#[derive(Debug, Default)]
struct Fate {
    /// Which were read and committed, by their place in the shard.
    read: BTreeSet<usize>,
    /// Which of these were too late.
    refused: BTreeSet<u64>,
    /// How often a gap was recorded.
    gaps: u64,
}

/// What of a stream is in no report.
#[derive(Debug, Default)]
pub(super) struct Missing {
    /// Never read: it was no longer kept.
    pub(super) lost: BTreeSet<Place>,
    /// Read, listed, and too late.
    pub(super) refused: BTreeSet<Place>,
}

impl Missing {
    pub(super) fn all(&self) -> BTreeSet<Place> {
        self.lost.union(&self.refused).cloned().collect()
    }
}

#[derive(Debug, Default)]
struct Inner {
    partitions: BTreeMap<(SourceName, PartitionId), PartitionState>,
    fates: BTreeMap<(SourceName, PartitionId), Fate>,
    last_state: BTreeMap<SourceName, u64>,
    closers: BTreeMap<SourceName, (u64, ClosedUntil)>,
}

impl Witness {
    pub(super) fn new(
        journal: Arc<Journal>,
        streams: BTreeMap<SourceName, Arc<Stream>>,
        window: Window,
    ) -> Self {
        Self { journal, streams, window, inner: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    pub(super) fn took(&self, source: &SourceName, answer: &Result<PartitionState>) {
        let Ok(state) = answer else { return self.unexpected("take a partition", answer) };
        let mut inner = self.lock();
        let known = inner.partitions.insert((source.clone(), state.partition.clone()), state.clone());
        let expected = match known {
            Some(known) => PartitionState { epoch: known.epoch + 1, ..known },
            None => PartitionState {
                partition: state.partition.clone(),
                epoch: 1,
                position: None,
                watermark: None,
                behind: None,
                finished: false,
                parents: state.parents.clone(),
                counts: Counts::default(),
            },
        };
        self.journal
            .check(expected == *state, || format!("{source} taken: expected {expected:?}, {state:?}"));
    }

    /// A batch was written, or refused.
    pub(super) fn committed(&self, batch: &Batch, answer: &Result<Committed>) {
        let inner = &mut *self.lock();
        let key = (batch.source.clone(), batch.partition.clone());
        let Some(known) = inner.partitions.get_mut(&key) else {
            return self.journal.wrong(format!("{key:?} was never taken: {answer:?}"));
        };
        let stream = &self.streams[&batch.source];
        let fits = known.epoch == batch.epoch && known.position == batch.expected;
        let committed = match answer {
            Ok(committed) => committed,
            Err(StoreError::NotOwner { .. }) => {
                self.journal.count("witness: a batch is refused");
                let what = || format!("refused, but it is the owner's: {known:?}, {batch:?}");
                return self.journal.check(!fits, what);
            }
            // The agents were changed under another partition: the batch is prepared again.
            Err(StoreError::AgentMoved { .. }) => return self.journal.count("witness: agents have moved"),
            Err(_) => return self.unexpected("commit", answer),
        };
        self.journal.check(fits, || format!("written, but not by the owner: {known:?}, {batch:?}"));
        // After a gap it goes on at the oldest record.
        let forward = batch.position >= known.position || !batch.gaps.is_empty();
        self.journal.check(forward, || format!("a position went back: {known:?}, {batch:?}"));
        known.position = batch.position.clone().or(known.position.take());
        known.watermark = known.watermark.max(batch.watermark);
        known.behind = batch.behind.or(known.behind);
        known.finished |= batch.finished;
        add(&mut known.counts, batch.counts);
        if !is_lane(&batch.partition) {
            let fate = inner.fates.entry(key).or_default();
            fate.gaps += batch.gaps.len() as u64;
            self.note_read(stream.shard(&batch.partition), batch, fate);
            self.check_counts(stream, known, fate);
        }
        let last = inner.last_state.entry(batch.source.clone()).or_default();
        *last += batch.states.len() as u64;
        let what = || format!("the feed ends at {committed:?}, not at {last}");
        self.journal.check(committed.last_state == *last, what);
    }

    /// What a batch has read: the last records before its position.
    fn note_read(&self, shard: &Shard, batch: &Batch, fate: &mut Fate) {
        let (Some(Position::Number(position)), records) = (&batch.position, batch.counts.records) else {
            return;
        };
        let end = shard.read_until(*position);
        for index in end - usize::try_from(records).unwrap()..end {
            let is_new = fate.read.insert(index);
            self.journal.check(is_new, || format!("record {index} of {} is read twice", batch.partition));
        }
        for letter in &batch.dead_letters {
            let is_of = |entry: &&Entry| letter.position == Position::Number(entry.number);
            let Some(entry) = shard.entries.iter().find(is_of) else {
                return self.journal.wrong(format!("no record stands at {:?}", letter.position));
            };
            if entry.kind == Kind::Good {
                let is_right = self.is_too_late(shard, entry, &letter.reason, fate);
                self.journal
                    .check(is_right, || format!("{} at {:?} is refused", letter.reason, letter.position));
                fate.refused.insert(entry.number);
            }
        }
    }

    /// Whether an event may be refused for this reason.
    fn is_too_late(&self, shard: &Shard, entry: &Entry, reason: &str, fate: &Fate) -> bool {
        let Some(at) = entry.event else { return false };
        let Window { lateness, margin } = self.window;
        if reason.contains("later than the lateness window") {
            self.journal.count("seen: an event after the lateness window");
            let mut before = fate.read.iter().map(|index| &shard.entries[*index]);
            return before.any(|other| other.number < entry.number && other.event > Some(at + lateness));
        }
        self.journal.count("seen: an event older than what is kept of its agent");
        let others = self.streams.values().flat_map(|stream| &stream.shards).flat_map(|shard| &shard.entries);
        let mut of_agent = others.filter(|other| other.key == entry.key);
        reason.contains("older than the evidence that is kept")
            && of_agent.any(|other| other.event >= Some(at + lateness + margin))
    }

    /// What was acknowledged is in the counts, once.
    fn check_counts(&self, stream: &Stream, known: &PartitionState, fate: &Fate) {
        let shard = stream.shard(&known.partition);
        let count =
            |kind| fate.read.iter().filter(|index| shard.entries[**index].kind == kind).count() as u64;
        let Counts { records, events, contacts, duplicates, foreign, failed } = known.counts;
        let (read, refused) = (fate.read.len() as u64, fate.refused.len() as u64);
        let [bad, other] = [Kind::Bad, Kind::Foreign].map(count);
        let right = records == read
            && (failed, foreign) == (bad + refused, other)
            && events + contacts + duplicates == read - bad - refused - other;
        self.journal.check(right, || {
            format!("of {read} records {bad} are bad, {refused} too late, {other} foreign: {known:?}")
        });
    }

    /// What of a source's stream is in no report. What was lost between two records of a shard is a recorded gap.
    pub(super) fn missing(&self, source: &SourceName) -> Missing {
        let inner = self.lock();
        let stream = &self.streams[source];
        let mut missing = Missing::default();
        for shard in &stream.shards {
            let none = Fate::default();
            let fate = inner.fates.get(&(source.clone(), shard.id.clone())).unwrap_or(&none);
            let place = |number: u64| (shard.id.clone(), number);
            let mut stretches = 0;
            for (index, entry) in
                shard.entries.iter().enumerate().filter(|(index, _)| !fate.read.contains(index))
            {
                missing.lost.insert(place(entry.number));
                stretches += u64::from(index > 0 && fate.read.contains(&(index - 1)));
            }
            missing.refused.extend(fate.refused.iter().map(|number| place(*number)));
            self.journal.check(stretches <= fate.gaps, || {
                format!("{} lost {stretches} stretches, and {} are told", shard.id, fate.gaps)
            });
            self.journal
                .check(fate.gaps == 0 || stream.keeps.is_some(), || format!("{} has a gap", shard.id));
        }
        let nothing_goes = stream.keeps.is_some() || missing.lost.is_empty();
        self.journal.check(nothing_goes, || format!("lost: {:?}", missing.lost));
        missing
    }

    pub(super) fn took_closer(&self, source: &SourceName, answer: &Result<CloserState>) {
        let Ok(state) = answer else { return self.unexpected("take the closer", answer) };
        let mut inner = self.lock();
        let known = inner.closers.entry(source.clone()).or_default();
        let expected = CloserState { epoch: known.0 + 1, closed_until: known.1 };
        *known = (state.epoch, state.closed_until);
        self.journal
            .check(expected == *state, || format!("closer of {source}: expected {expected:?}, {state:?}"));
    }

    pub(super) fn closed(&self, close: &Close, answer: &Result<Closed>) {
        let mut inner = self.lock();
        let (epoch, until) = inner.closers.entry(close.source.clone()).or_default();
        match answer {
            Ok(_) => {
                let to = close.closed_until;
                let goes_on = |rows| to.get(rows).is_none_or(|to| Some(to) >= until.get(rows));
                let right = *epoch == close.epoch && RowsOf::ALL.into_iter().all(goes_on);
                let what = || format!("closed to {to:?}, epoch {}, after {until:?}", close.epoch);
                self.journal.check(right, what);
                *until = until.raised(to);
            }
            Err(StoreError::NotOwner { .. }) => {
                self.journal.count("witness: a closer is refused");
                let what = || format!("a closer was refused, but its epoch {epoch} is right");
                self.journal.check(*epoch != close.epoch, what);
            }
            Err(_) => self.unexpected("close", answer),
        }
    }

    fn unexpected<T: std::fmt::Debug>(&self, operation: &str, answer: &Result<T>) {
        self.journal.wrong(format!("{operation}: {answer:?}"));
    }

    /// The store itself says the same.
    pub(super) fn audit(&self, store: &dyn Store) {
        let inner = self.lock();
        for source in self.streams.keys() {
            let stored = at_once(store.partitions(source)).unwrap();
            let own = inner.partitions.iter().filter(|((of, _), _)| of == source);
            let expected: Vec<PartitionState> = own.map(|(_, state)| state.clone()).collect();
            self.journal.check(stored == expected, || format!("stored {stored:?}, written {expected:?}"));
        }
    }
}

fn add(total: &mut Counts, more: Counts) {
    total.records += more.records;
    total.events += more.events;
    total.contacts += more.contacts;
    total.duplicates += more.duplicates;
    total.foreign += more.foreign;
    total.failed += more.failed;
}
