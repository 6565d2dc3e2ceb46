//! What the store must be like after every write, told from the writes alone.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use pegboard_model::{PartitionId, Position, SourceName, Timestamp};
use pegboard_store::{
    Batch, Close, Closed, CloserState, Committed, Counts, PartitionState, Result, SqliteStore, Store as _,
    StoreError,
};

use super::at_once::at_once;
use super::journal::Journal;
use super::stream::{Kind, Stream};

#[derive(Debug)]
pub(super) struct Witness {
    journal: Arc<Journal>,
    streams: BTreeMap<SourceName, Arc<Stream>>,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    partitions: BTreeMap<(SourceName, PartitionId), PartitionState>,
    last_state: BTreeMap<SourceName, u64>,
    closers: BTreeMap<SourceName, (u64, Option<Timestamp>)>,
}

impl Witness {
    pub(super) fn new(journal: Arc<Journal>, streams: BTreeMap<SourceName, Arc<Stream>>) -> Self {
        Self { journal, streams, inner: Mutex::default() }
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
        let mut inner = self.lock();
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
        let forward = batch.position >= known.position;
        self.journal.check(forward, || format!("a position went back: {known:?}, {batch:?}"));
        known.position = batch.position.clone().or(known.position.take());
        known.watermark = known.watermark.max(batch.watermark);
        known.behind = batch.behind.or(known.behind);
        known.finished |= batch.finished;
        add(&mut known.counts, batch.counts);
        self.check_counts(stream, known);
        let last = inner.last_state.entry(batch.source.clone()).or_default();
        *last += batch.states.len() as u64;
        let what = || format!("the feed ends at {committed:?}, not at {last}");
        self.journal.check(committed.last_state == *last, what);
    }

    /// What was acknowledged is in the counts, once.
    fn check_counts(&self, stream: &Stream, known: &PartitionState) {
        let Some(Position::Number(read)) = known.position else { return };
        let shard = stream.shard(&known.partition);
        let first = usize::try_from(read).unwrap();
        let Counts { records, events, contacts, duplicates, foreign, failed } = known.counts;
        let [bad, other] = [Kind::Bad, Kind::Foreign].map(|kind| shard.count(first, kind));
        let right = records == read
            && (failed, foreign) == (bad, other)
            && events + contacts + duplicates == read - bad - other;
        self.journal.check(right, || format!("of {read} records {bad} are bad, {other} foreign: {known:?}"));
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
                let right = *epoch == close.epoch && Some(close.closed_until) >= *until;
                let what =
                    || format!("closed to {}, epoch {}, after {until:?}", close.closed_until, close.epoch);
                self.journal.check(right, what);
                *until = Some(close.closed_until);
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
    pub(super) fn audit(&self, store: &SqliteStore) {
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
