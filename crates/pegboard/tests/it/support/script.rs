//! A source that brings what a test puts into it, chunk by chunk, and then waits.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use pegboard_connect::sources::amazon_connect::Decoder;
use pegboard_connect::spec::{
    Carries, Chunk, Decode, GivenAgain, Opening, PartitionReader, Plan, Progress, Record, Source, SourceError,
};
use pegboard_model::{AcdRow, PartitionId, Position, Timestamp};
use tokio::sync::watch;

/// A handle: copies are the same source, so that a test keeps one and goes on after a restart.
///
/// The position of a partition is the number of chunks read.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    has_heartbeat: bool,
    state: Arc<Mutex<State>>,
    grown: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    partitions: BTreeMap<PartitionId, Part>,
    /// How often a partition was opened.
    opened: usize,
    /// Whether opening fails.
    shut: bool,
    /// What is read only once it is captured again, as partition and records of chunks.
    kept_back: Vec<(String, Vec<String>)>,
    /// Whether something of that is still to be read.
    is_capturing: bool,
    /// How often it was captured again.
    captured: usize,
    /// What an input gives once more when it is asked for days.
    given: Vec<Given>,
}

/// An input that gives something once more.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub(crate) name: &'static str,
    pub(crate) reaches: Option<Timestamp>,
    pub(crate) partition: &'static str,
    pub(crate) records: Vec<String>,
}

#[derive(Debug, Default)]
struct Part {
    parents: Vec<PartitionId>,
    carries: Option<Carries>,
    chunks: Vec<Chunk>,
    /// How many of them are no longer to be had.
    expired: usize,
    records: u64,
    gone: bool,
}

impl Part {
    /// The chunk after so many.
    fn next(&self, read: usize) -> Result<Option<Chunk>, SourceError> {
        if read < self.expired {
            let message = "the position is older than what is kept".to_owned();
            return Err(SourceError { needs_action: false, position_expired: true, message });
        }
        Ok(self.chunks.get(read).cloned())
    }
}

impl Script {
    /// A source without partitions.
    pub(crate) fn new(has_heartbeat: bool) -> Self {
        Self { has_heartbeat, state: Arc::default(), grown: watch::channel(0).0 }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Adds a partition that starts when its parents have ended.
    pub(crate) fn add(&self, partition: &str, parents: &[&str]) {
        let parents = parents.iter().map(|parent| (*parent).into()).collect();
        self.state().partitions.insert(partition.into(), Part { parents, ..Part::default() });
    }

    /// Adds a partition that brings so much and no more.
    pub(crate) fn add_carrying(&self, partition: &str, carries: Carries) {
        self.state().partitions.insert(partition.into(), Part { carries: Some(carries), ..Part::default() });
    }

    /// Adds a chunk of records; after it the partition is complete up to `watermark`.
    pub(crate) fn push<R: AsRef<[u8]>>(&self, partition: &str, records: &[R], watermark: Timestamp) {
        self.push_chunk(partition, records, Some(watermark), false);
    }

    /// Adds a chunk of records that does not tell up to when the partition is complete.
    pub(crate) fn push_untold<R: AsRef<[u8]>>(&self, partition: &str, records: &[R]) {
        self.push_chunk(partition, records, None, false);
    }

    /// Adds a chunk of rows that the platform computed itself.
    pub(crate) fn push_rows(&self, partition: &str, rows: Vec<AcdRow>, watermark: Timestamp) {
        self.push_chunk_of::<&str>(partition, &[], rows, Some(watermark), false);
    }

    /// Ends a partition with an empty chunk.
    pub(crate) fn end(&self, partition: &str, watermark: Timestamp) {
        self.push_chunk::<&str>(partition, &[], Some(watermark), true);
    }

    fn push_chunk<R: AsRef<[u8]>>(
        &self,
        partition: &str,
        records: &[R],
        watermark: Option<Timestamp>,
        ended: bool,
    ) {
        self.push_chunk_of(partition, records, Vec::new(), watermark, ended);
    }

    fn push_chunk_of<R: AsRef<[u8]>>(
        &self,
        partition: &str,
        records: &[R],
        rows: Vec<AcdRow>,
        watermark: Option<Timestamp>,
        ended: bool,
    ) {
        let mut state = self.state();
        let part = state.partitions.get_mut(partition).unwrap();
        let first = part.records + 1;
        part.records += records.len() as u64;
        let records = (first..).zip(records).map(|(number, record)| Record {
            position: Position::Number(number),
            data: record.as_ref().to_vec(),
        });
        let chunk = Chunk {
            records: records.collect(),
            position: Position::Number(part.chunks.len() as u64 + 1),
            watermark,
            behind: None,
            ended,
            gap: None,
            broken: Vec::new(),
            rows,
            foreign: 0,
            is_judged: false,
        };
        part.chunks.push(chunk);
        drop(state);
        self.grown.send_modify(|count| *count += 1);
    }

    /// Makes a partition disappear before it was read to its end.
    pub(crate) fn lose(&self, partition: &str) {
        self.state().partitions.get_mut(partition).unwrap().gone = true;
    }

    /// Keeps only what comes after the first `chunks` of a partition.
    pub(crate) fn expire(&self, partition: &str, chunks: usize) {
        self.state().partitions.get_mut(partition).unwrap().expired = chunks;
    }

    /// From now on partitions can be opened, or cannot.
    pub(crate) fn shut(&self, shut: bool) {
        self.state().shut = shut;
    }

    /// Has a chunk come only when it is captured again.
    pub(crate) fn keep_back(&self, partition: &str, records: Vec<String>) {
        self.state().kept_back.push((partition.to_owned(), records));
    }

    /// Has an input give something once more, whenever it is asked for days.
    pub(crate) fn give(&self, given: Given) {
        self.state().given.push(given);
    }

    /// From now on all that was captured again is read.
    pub(crate) fn has_captured(&self) {
        self.state().is_capturing = false;
    }

    /// How often it was captured again.
    pub(crate) fn captured(&self) -> usize {
        self.state().captured
    }

    /// How often partitions were opened.
    pub(crate) fn opened(&self) -> usize {
        self.state().opened
    }

    /// Where each partition stands when everything is read.
    pub(crate) fn ends(&self) -> BTreeMap<PartitionId, Position> {
        let state = self.state();
        let end = |part: &Part| Position::Number(part.chunks.len() as u64);
        state.partitions.iter().map(|(partition, part)| (partition.clone(), end(part))).collect()
    }
}

#[async_trait]
impl Source for Script {
    fn kind(&self) -> &'static str {
        "script"
    }

    fn has_heartbeat(&self) -> bool {
        self.has_heartbeat
    }

    async fn probe(&self) -> Result<String, SourceError> {
        Ok("a test".into())
    }

    async fn plan(&self, known: &BTreeMap<PartitionId, Progress>) -> Result<Plan, SourceError> {
        let mut plan = Plan::default();
        for (partition, part) in &self.state().partitions {
            let (from, watermark) = match known.get(partition) {
                Some(Progress::Finished) => continue,
                Some(Progress::Started { .. }) if part.gone => {
                    plan.lost.push(partition.clone());
                    continue;
                }
                Some(Progress::Started { position, watermark }) => (position.clone(), *watermark),
                None => (Position::Number(0), None),
            };
            if part.parents.iter().all(|parent| known.get(parent) == Some(&Progress::Finished)) {
                let (partition, parents) = (partition.clone(), part.parents.clone());
                plan.open.push(Opening { partition, from, watermark, parents });
            } else {
                plan.waiting.push(partition.clone());
            }
        }
        Ok(plan)
    }

    fn carries(&self, partition: &PartitionId) -> Carries {
        let state = self.state();
        state.partitions.get(partition).and_then(|part| part.carries).unwrap_or(Carries::EVENTS)
    }

    fn oldest(&self, partition: &PartitionId) -> Position {
        Position::Number(self.state().partitions[partition].expired as u64)
    }

    fn open(&self, opening: &Opening) -> Result<Box<dyn PartitionReader>, SourceError> {
        let mut state = self.state();
        state.opened += 1;
        if state.shut {
            return Err(SourceError::passing("the source is shut"));
        }
        let Position::Number(read) = opening.from else {
            return Err(SourceError::permanent("no position of this source"));
        };
        let (script, grown) = (self.clone(), self.grown.subscribe());
        let read = usize::try_from(read).unwrap();
        Ok(Box::new(Reader { script, grown, partition: opening.partition.clone(), read }))
    }

    fn capture_again(&self, _from: Timestamp) {
        let mut state = self.state();
        state.captured += 1;
        let kept_back = std::mem::take(&mut state.kept_back);
        state.is_capturing |= !kept_back.is_empty();
        drop(state);
        for (partition, records) in kept_back {
            self.push_untold(&partition, &records);
        }
    }

    fn is_capturing_again(&self) -> bool {
        self.state().is_capturing
    }

    fn can_give_again(&self) -> bool {
        !self.state().given.is_empty()
    }

    async fn give_again(&self, _from: Timestamp, _to: Timestamp) -> Result<Vec<GivenAgain>, SourceError> {
        let of = |Given { name, reaches, partition, records }: Given| {
            let records: Vec<_> = records.iter().map(String::as_bytes).map(<[u8]>::to_vec).collect();
            let parts = records.chunks(7).map(<[_]>::to_vec).collect();
            let reader: Box<dyn PartitionReader> = Box::new(Once(parts));
            GivenAgain { name: name.to_owned(), reaches, readers: vec![(partition.into(), reader)] }
        };
        Ok(self.state().given.iter().cloned().map(of).collect())
    }

    fn decoder(&self) -> Box<dyn Decode> {
        Box::new(Decoder::new())
    }
}

/// Gives chunks of records once, the last ones first, and ends.
#[derive(Debug)]
struct Once(Vec<Vec<Vec<u8>>>);

#[async_trait]
impl PartitionReader for Once {
    async fn next(&mut self) -> Result<Chunk, SourceError> {
        let records = self.0.pop().unwrap_or_default();
        let records = (1..).zip(records).map(|(at, data)| Record { position: Position::Number(at), data });
        Ok(Chunk { records: records.collect(), ended: self.0.is_empty(), ..Chunk::at(Position::Number(0)) })
    }
}

#[derive(Debug)]
struct Reader {
    script: Script,
    grown: watch::Receiver<u64>,
    partition: PartitionId,
    read: usize,
}

#[async_trait]
impl PartitionReader for Reader {
    async fn next(&mut self) -> Result<Chunk, SourceError> {
        loop {
            self.grown.borrow_and_update();
            let next = self.script.state().partitions[&self.partition].next(self.read)?;
            if let Some(chunk) = next {
                self.read += 1;
                return Ok(chunk);
            }

            self.grown.changed().await.map_err(|error| SourceError::passing(error.to_string()))?;
        }
    }
}
