//! A source that reads a [`Stream`] as its records arrive, and that fails now and then.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use pegboard_connect::sources::amazon_connect::Decoder;
use pegboard_connect::spec::{
    Chunk, Decode, Opening, PartitionReader, Plan, Progress, Record, Source, SourceError,
};
use pegboard_model::{PartitionId, Position};
use pegboard_sim::random::Random;

use super::clock;
use super::journal::Journal;
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
    pub(super) rates: Rates,
    pub(super) journal: Arc<Journal>,
    pub(super) random: Arc<Mutex<Random>>,
}

impl Shards {
    fn fires(&self, kind: &'static str, probability: f64) -> bool {
        self.journal.fires(kind, probability, &mut self.random.lock().unwrap())
    }

    fn below(&self, count: usize) -> usize {
        self.random.lock().unwrap().below(count)
    }

    /// The way to the source and back.
    async fn request(&self, what: &str) -> Result<(), SourceError> {
        if self.fires("source: slow", self.rates.slow) {
            let pause = 1 + self.below(20_000);
            tokio::time::sleep(Duration::from_millis(pause as u64)).await;
        }
        if self.fires("source: fails", self.rates.fails) {
            return Err(SourceError::passing(format!("{what}: the source does not answer")));
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
        self.request("plan").await?;
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
        if self.fires("source: does not open", self.rates.fails) {
            return Err(SourceError::passing("the source is shut"));
        }
        let Position::Number(read) = opening.from else {
            return Err(SourceError::permanent("no position of this source"));
        };
        if !opening.parents.is_empty() && read == 0 {
            self.journal.count("stream: a child is opened");
        }
        let read = usize::try_from(read).unwrap();
        Ok(Box::new(Reader { source: self.clone(), shard: opening.partition.clone(), read, waits: false }))
    }

    fn decoder(&self) -> Box<dyn Decode> {
        Box::new(Decoder::new())
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
            tokio::time::sleep(self.source.rates.poll).await;
        }
        self.source.request("read").await?;
        let (now, shard) = (clock::centre(), self.source.stream.shard(&self.shard));
        let arrived = shard.arrived(now);
        let end = arrived.min(self.read + 1 + self.source.below(self.source.rates.most));
        let records = (self.read..end).map(|index| Record {
            position: Position::Number(index as u64 + 1),
            data: shard.entries[index].data.clone(),
        });
        let complete = if end < arrived { shard.entries[end].at } else { now };
        let watermark = shard.closed.map_or(complete, |closed| closed.min(complete));
        let chunk = Chunk {
            records: records.collect(),
            position: Position::Number(end as u64),
            watermark: Some(watermark),
            behind: Some(now.since(watermark)),
            ended: end == shard.entries.len() && shard.closed.is_some_and(|closed| closed <= now),
            gap: None,
            broken: Vec::new(),
            rows: Vec::new(),
        };
        self.source.journal.note(&format!(
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
