//! A source that reads a [`Stream`] as its records arrive, and that fails now and then.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use pegboard_connect::sources::amazon_connect::Decoder;
use pegboard_connect::spec::{
    Chunk, Decode, Opening, PartitionReader, Plan, Progress, Record, Snapshots, Source, SourceError,
};
use pegboard_model::{PartitionId, Position};
use pegboard_sim::random::Random;

use super::clock;
use super::journal::Journal;
use super::platform::Platform;
use super::stream::Stream;

/// How often each thing goes wrong, per request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rates {
    /// A request fails.
    pub(super) fails: f64,
    /// An answer takes long.
    pub(super) slow: f64,
    /// The most records of one read.
    pub(super) most: usize,
    /// How often it is asked for more.
    pub(super) poll: Duration,
}

/// Copies are the same source.
#[derive(Debug, Clone)]
pub(super) struct Shards {
    pub(super) name: &'static str,
    pub(super) stream: Arc<Stream>,
    pub(super) has_heartbeat: bool,
    pub(super) wire: Wire,
    /// The platform, where it can be asked.
    pub(super) platform: Option<Platform>,
}

/// The way to a source and back. Copies are the same one.
#[derive(Debug, Clone)]
pub(super) struct Wire {
    pub(super) rates: Rates,
    pub(super) journal: Arc<Journal>,
    pub(super) random: Arc<Mutex<Random>>,
}

impl Wire {
    fn fires(&self, kind: &'static str, probability: f64) -> bool {
        self.journal.fires(kind, probability, &mut self.random.lock().unwrap())
    }

    fn below(&self, count: usize) -> usize {
        self.random.lock().unwrap().below(count)
    }

    /// Takes its time, and may fail.
    pub(super) async fn request(&self, slow: &'static str, fails: &'static str) -> Result<(), SourceError> {
        if self.fires(slow, self.rates.slow) {
            let pause = 1 + self.below(20_000);
            tokio::time::sleep(Duration::from_millis(pause as u64)).await;
        }
        if self.fires(fails, self.rates.fails) {
            return Err(SourceError::passing(fails));
        }
        Ok(())
    }
}

#[async_trait]
impl Source for Shards {
    fn kind(&self) -> &'static str {
        "simulated"
    }

    fn has_heartbeat(&self) -> bool {
        self.has_heartbeat
    }

    async fn probe(&self) -> Result<String, SourceError> {
        Ok("a simulation".into())
    }

    async fn plan(&self, known: &BTreeMap<PartitionId, Progress>) -> Result<Plan, SourceError> {
        self.wire.request("source: slow", "source: fails").await?;
        let now = clock::centre();
        let mut plan = Plan::default();
        for shard in self.stream.shards.iter().filter(|shard| shard.opened <= now) {
            let (from, watermark) = match known.get(&shard.id) {
                Some(Progress::Finished) => continue,
                Some(Progress::Started { position, watermark }) => (position.clone(), *watermark),
                None => (Position::Number(0), None),
            };
            if shard.parents.iter().all(|parent| known.get(parent) == Some(&Progress::Finished)) {
                let (partition, parents) = (shard.id.clone(), shard.parents.clone());
                plan.open.push(Opening { partition, from, watermark, parents });
            } else {
                plan.waiting.push(shard.id.clone());
            }
        }
        Ok(plan)
    }

    fn oldest(&self, _: &PartitionId) -> Position {
        Position::Number(0)
    }

    fn open(&self, opening: &Opening) -> Result<Box<dyn PartitionReader>, SourceError> {
        if self.wire.fires("source: does not open", self.wire.rates.fails) {
            return Err(SourceError::passing("the source is shut"));
        }
        let Position::Number(read) = opening.from else {
            return Err(SourceError::permanent("no position of this source"));
        };
        if !opening.parents.is_empty() && read == 0 {
            self.wire.journal.count("stream: a child is opened");
        }
        let read = self.stream.shard(&opening.partition).read_until(read);
        Ok(Box::new(Reader { source: self.clone(), shard: opening.partition.clone(), read, waits: false }))
    }

    fn decoder(&self) -> Box<dyn Decode> {
        Box::new(Decoder::new())
    }

    fn snapshots(&self) -> Option<&dyn Snapshots> {
        self.platform.as_ref().map(|platform| platform as &dyn Snapshots)
    }
}

#[derive(Debug)]
struct Reader {
    source: Shards,
    shard: PartitionId,
    read: usize,
    /// Whether the last read found all that there was.
    waits: bool,
}

#[async_trait]
impl PartitionReader for Reader {
    async fn next(&mut self) -> Result<Chunk, SourceError> {
        if self.waits {
            tokio::time::sleep(self.source.wire.rates.poll).await;
        }
        self.source.wire.request("source: slow", "source: fails").await?;
        let (now, shard) = (clock::centre(), self.source.stream.shard(&self.shard));
        let gone = shard.gone(now, self.source.stream.keeps);
        if self.read == 0 {
            self.read = gone;
        } else if self.read < gone {
            self.source.wire.journal.count("stream: a position expires");
            let message = format!("what stood at {} is no longer kept", self.read);
            return Err(SourceError { position_expired: true, ..SourceError::passing(message) });
        }
        let arrived = shard.arrived(now);
        let end = arrived.min(self.read + 1 + self.source.wire.below(self.source.wire.rates.most));
        let records = shard.entries[self.read..end]
            .iter()
            .map(|entry| Record { position: Position::Number(entry.number), data: entry.data.clone() });
        let complete = if end < arrived { shard.entries[end].at } else { now };
        let watermark = shard.closed.map_or(complete, |closed| closed.min(complete));
        let chunk = Chunk {
            records: records.collect(),
            position: Position::Number(shard.position(end)),
            watermark: Some(watermark),
            behind: Some(now.since(watermark)),
            ended: end == shard.entries.len() && shard.closed.is_some_and(|closed| closed <= now),
            gap: None,
            broken: Vec::new(),
            rows: Vec::new(),
            foreign: 0,
            is_judged: false,
        };
        self.source.wire.journal.note(&format!(
            "{} {} read {}..{end}{}",
            self.source.name,
            self.shard,
            self.read,
            if chunk.ended { ", its end" } else { "" }
        ));
        self.read = end;
        self.waits = end == arrived;
        Ok(chunk)
    }
}
