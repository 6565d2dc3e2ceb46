//! What a contact centre writes into its stream: shards that split and merge, and the records in each.

use std::collections::BTreeSet;

use pegboard_model::{Millis, PartitionId, Timestamp};
use pegboard_sim::random::Random;

use crate::support::day::Day;
use crate::support::feeding::all_arrived;

/// Into how many parts keys can be told apart.
const BUCKETS: usize = 16;

/// One record in so many is followed by one that cannot be used; far from so many that the format is doubted.
const BAD_EVERY: usize = 97;

/// One record in so many is followed by one of something else.
const FOREIGN_EVERY: usize = 61;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Good,
    Bad,
    Foreign,
}

#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) at: Timestamp,
    /// Its number in its shard, from 1.
    pub(super) number: u64,
    pub(super) key: String,
    pub(super) data: Vec<u8>,
    pub(super) kind: Kind,
    /// Which delivery of the day it is.
    pub(super) delivery: Option<usize>,
    /// When that happened, if it is an event.
    pub(super) event: Option<Timestamp>,
}

/// A record: its shard, and its number there.
pub(super) type Place = (PartitionId, u64);

#[derive(Debug, Clone)]
pub(super) struct Shard {
    pub(super) id: PartitionId,
    pub(super) parents: Vec<PartitionId>,
    /// Since when it is listed.
    pub(super) opened: Timestamp,
    /// From when on it takes no more records.
    pub(super) closed: Option<Timestamp>,
    /// In order of arrival.
    pub(super) entries: Vec<Entry>,
    /// How many were ever written.
    written: u64,
    first_bucket: usize,
    end_bucket: usize,
}

impl Shard {
    /// Where a reader stands who has read the first records.
    pub(super) fn position(&self, read: usize) -> u64 {
        self.entries.get(read).map_or(self.written, |next| next.number - 1)
    }

    /// How many of the records come before a position.
    pub(super) fn read_until(&self, position: u64) -> usize {
        self.entries.partition_point(|entry| entry.number <= position)
    }

    /// How many of the first records are no longer kept.
    pub(super) fn gone(&self, now: Timestamp, keeps: Option<Millis>) -> usize {
        keeps.map_or(0, |keeps| self.entries.partition_point(|entry| entry.at < now - keeps))
    }

    /// How many records have arrived.
    pub(super) fn arrived(&self, now: Timestamp) -> usize {
        self.entries.partition_point(|entry| entry.at <= now)
    }
}

#[derive(Debug, Clone)]
pub(super) struct Stream {
    pub(super) shards: Vec<Shard>,
    /// How long records are kept; without, always.
    pub(super) keeps: Option<Millis>,
    /// When all has arrived, and everything that silence means is known.
    pub(super) end: Timestamp,
}

impl Stream {
    /// Spreads a day over shards.
    pub(super) fn lay(day: &Day, keeps: Option<Millis>, random: &mut Random) -> Self {
        let mut stream = Self { shards: Vec::new(), keeps, end: all_arrived(day) + Millis::from_minutes(30) };
        let shards = 1 + random.below(4);
        for shard in 0..shards {
            let [first, end] = [shard, shard + 1].map(|bound| bound * BUCKETS / shards);
            stream.open(Vec::new(), day.start, first, end);
        }
        let length = usize::try_from(day.end.since(day.start).get()).unwrap();
        let reshards = random.below(5);
        let mut reshards: Vec<_> = (0..reshards)
            .map(|_| day.start + Millis::new(i64::try_from(random.below(length)).unwrap()))
            .collect();
        reshards.sort_unstable();
        let mut reshards = reshards.into_iter().peekable();
        let events = day.event_times();
        for (index, delivery) in day.deliveries().into_iter().enumerate() {
            let number = index + 1;
            while let Some(at) = reshards.next_if(|at| *at <= delivery.at) {
                stream.reshard(at, random);
            }
            let entry = |data: &[u8], kind| Entry {
                at: delivery.at,
                number: 0,
                key: delivery.partition_key.clone(),
                data: data.to_vec(),
                kind,
                delivery: None,
                event: None,
            };
            let json = delivery.json.as_bytes();
            if number % BAD_EVERY == 0 {
                stream.put(entry(&json[..json.len() / 2], Kind::Bad));
            }
            if number % FOREIGN_EVERY == 0 {
                stream.put(entry(br#"{"some":"thing"}"#, Kind::Foreign));
            }
            stream.put(Entry { delivery: Some(index), event: events[index], ..entry(json, Kind::Good) });
        }
        stream
    }

    /// The same without some records, as if they had never been written; those around them stand where they stood.
    pub(super) fn without(&self, missing: &BTreeSet<Place>) -> Self {
        let mut stream = Self { keeps: None, ..self.clone() };
        for Shard { id, entries, .. } in &mut stream.shards {
            entries.retain(|entry| !missing.contains(&(id.clone(), entry.number)));
        }
        stream
    }

    /// Which deliveries of the day some records are.
    pub(super) fn deliveries(&self, places: &BTreeSet<Place>) -> BTreeSet<usize> {
        let entries = self.shards.iter().flat_map(|shard| {
            let is_named = |entry: &&Entry| places.contains(&(shard.id.clone(), entry.number));
            shard.entries.iter().filter(is_named)
        });
        entries.filter_map(|entry| entry.delivery).collect()
    }

    fn open(&mut self, parents: Vec<PartitionId>, opened: Timestamp, first: usize, end: usize) {
        self.shards.push(Shard {
            id: format!("shard-{:02}", self.shards.len()).as_str().into(),
            parents,
            opened,
            closed: None,
            entries: Vec::new(),
            written: 0,
            first_bucket: first,
            end_bucket: end,
        });
    }

    /// Splits an open shard, or merges two that are neighbours.
    fn reshard(&mut self, at: Timestamp, random: &mut Random) {
        let mut open: Vec<usize> =
            (0..self.shards.len()).filter(|index| self.shards[*index].closed.is_none()).collect();
        open.sort_by_key(|index| self.shards[*index].first_bucket);
        let chosen = random.below(open.len());
        let (first, end) = (self.shards[open[chosen]].first_bucket, self.shards[open[chosen]].end_bucket);
        if let Some(next) = open.get(chosen + 1)
            && random.chance(0.5)
        {
            let end = self.shards[*next].end_bucket;
            let parents = vec![self.close(open[chosen], at), self.close(*next, at)];
            self.open(parents, at, first, end);
        } else if end - first > 1 {
            let middle = first + 1 + random.below(end - first - 1);
            let parent = self.close(open[chosen], at);
            self.open(vec![parent.clone()], at, first, middle);
            self.open(vec![parent], at, middle, end);
        }
    }

    fn close(&mut self, shard: usize, at: Timestamp) -> PartitionId {
        self.shards[shard].closed = Some(at);
        self.shards[shard].id.clone()
    }

    fn put(&mut self, mut entry: Entry) {
        let bucket = entry.key.bytes().map(usize::from).sum::<usize>() % BUCKETS;
        let takes = |shard: &&mut Shard| {
            shard.closed.is_none() && (shard.first_bucket..shard.end_bucket).contains(&bucket)
        };
        let shard = self.shards.iter_mut().find(takes).expect("open shards take every key");
        shard.written += 1;
        entry.number = shard.written;
        shard.entries.push(entry);
    }

    pub(super) fn shard(&self, id: &PartitionId) -> &Shard {
        self.shards.iter().find(|shard| shard.id == *id).expect("a shard of this stream")
    }
}
