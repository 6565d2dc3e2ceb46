//! A lane as a part of a source.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pegboard_aws::{self as aws, Bucket, Fetched, Queue};
use pegboard_model::{PartitionId, Position, Timestamp};
use tokio::sync::OnceCell;

use super::content::{Pieces, Unfetched, Wanted};
use super::file::{self, Outcome};
use super::position::LanePosition;
use super::reader::LaneReader;
use super::{Content, LaneConfig};
use crate::spec::{Carries, Chunk, Ending, GivenAgain, Opening, PartitionReader, Progress, SourceError};

/// How soon a lane that is read aside finds that nothing came meanwhile.
const LIST_ASIDE_EVERY: Duration = Duration::from_millis(200);

/// Objects of a bucket, as an input of a source.
#[derive(Debug)]
pub struct ObjectInput {
    lane: Arc<Lane>,
    partition: PartitionId,
}

/// What all readers of a lane share.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) config: LaneConfig,
    environment: aws::Environment,
    bucket: OnceCell<Arc<Bucket>>,
    queue: OnceCell<Queue>,
    again: Mutex<Again>,
}

/// What is to be read although it was read before: from when on, in milliseconds since 1970 UTC.
#[derive(Debug, Default)]
struct Again {
    /// What somebody asked for, and no listing has chosen yet.
    asked_ms: Option<i64>,
    /// What a listing has chosen from, and is not read yet.
    chosen_ms: Option<i64>,
    /// How many readers there are.
    readers: u32,
}

impl Again {
    fn ask(&mut self, from_ms: i64) {
        self.asked_ms = Some(self.asked_ms.map_or(from_ms, |known| known.min(from_ms)));
    }
}

impl Lane {
    /// The bucket, connected when first asked for.
    pub(super) async fn bucket(&self) -> Result<&Arc<Bucket>, SourceError> {
        let connect = async || {
            let (clock, seed) = (self.environment.clock.clone(), self.environment.seed);
            Bucket::connect(self.config.bucket.clone(), clock, seed).await.map(Arc::new)
        };
        self.bucket.get_or_try_init(connect).await.map_err(|error| source_error(&error))
    }

    /// The queue, if there is one, connected when first asked for.
    pub(super) async fn queue(&self) -> Result<Option<&Queue>, SourceError> {
        let Some(config) = &self.config.queue else { return Ok(None) };
        let connect = || {
            let (clock, seed) = (self.environment.clock.clone(), self.environment.seed);
            Queue::connect(config.clone(), clock, seed)
        };
        self.queue.get_or_try_init(connect).await.map(Some).map_err(|error| source_error(&error))
    }

    fn lock(&self) -> MutexGuard<'_, Again> {
        self.again.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From when on objects are to be read once more.
    pub(super) fn again(&self) -> Option<i64> {
        self.lock().asked_ms
    }

    /// Somebody reads.
    pub(super) fn begins(&self) {
        self.lock().readers += 1;
    }

    /// A reader is gone. What it had chosen and not read is another's.
    pub(super) fn ends(&self) {
        let mut again = self.lock();
        again.readers -= 1;
        if let Some(chosen_ms) = again.chosen_ms.take() {
            again.ask(chosen_ms);
        }
    }

    /// What was chosen is read and committed.
    pub(super) fn read_again(&self) {
        self.lock().chosen_ms = None;
    }

    /// What was to be read once more from `done` on is chosen, but for what was written at or after `left`.
    pub(super) fn chosen_again(&self, done: Option<i64>, left: Option<i64>) {
        let mut again = self.lock();
        // Somebody may have asked for more meanwhile.
        if again.asked_ms == done {
            again.asked_ms = left;
        }
        again.chosen_ms = done.or(again.chosen_ms);
    }

    pub(super) fn now(&self) -> Timestamp {
        Timestamp::from_millis((self.environment.clock)())
    }
}

/// Why a file was not read.
fn unread(key: &str, error: &io::Error) -> SourceError {
    match Unfetched::of(error) {
        Some(Unfetched::Failed(error)) => source_error(&error),
        Some(Unfetched::Gone) => SourceError::permanent(format!(
            "object `{key}` is not there any more; put it back under that name, or drop the letter"
        )),
        Some(Unfetched::Changed) | None => SourceError::passing(format!("object `{key}`: {error}")),
    }
}

pub(super) fn source_error(error: &aws::CallError) -> SourceError {
    SourceError { needs_action: !error.is_transient(), position_expired: false, message: error.to_string() }
}

impl ObjectInput {
    /// An input that reads a lane. Asks nobody yet.
    pub fn new(config: LaneConfig, environment: aws::Environment) -> Self {
        let name = config.content.name();
        let partition = format!("{name}:s3://{}/{}", config.bucket.bucket, config.prefix).into();
        let lane = Lane {
            config,
            environment,
            bucket: OnceCell::new(),
            queue: OnceCell::new(),
            again: Mutex::default(),
        };
        Self { lane: Arc::new(lane), partition }
    }

    /// Its only partition.
    pub fn partition(&self) -> &PartitionId {
        &self.partition
    }

    /// What it brings.
    pub fn carries(&self) -> Carries {
        match self.lane.config.content {
            Content::ContactRecords => Carries::CONTACTS,
            Content::Reports(_) => Carries::ROWS,
        }
    }

    /// Where the lane begins where nothing is remembered.
    pub fn start(&self) -> Position {
        let since_ms = self.lane.config.start.map_or(0, Timestamp::as_millis);
        (&LanePosition { since_ms, up_to_ms: since_ms, chunks: 0, within: None }).into()
    }

    /// How to open it.
    pub fn opening(&self, known: &BTreeMap<PartitionId, Progress>) -> Opening {
        let (from, watermark) = match known.get(&self.partition) {
            Some(Progress::Started { position, watermark }) => (position.clone(), *watermark),
            Some(Progress::Finished) | None => (self.start(), None),
        };
        Opening { partition: self.partition.clone(), from, watermark, parents: Vec::new() }
    }

    /// A reader of the lane. Makes no request yet.
    pub fn open(&self, opening: &Opening) -> Result<Box<dyn PartitionReader>, SourceError> {
        let from = opening.from.to_string().parse::<LanePosition>();
        let from = from.map_err(|error| SourceError::permanent(format!("stored position: {error}")))?;
        Ok(Box::new(LaneReader::new(self.lane.clone(), from)))
    }

    /// Reads once more what was written at or after `from`.
    pub fn capture_again(&self, from: Timestamp) {
        self.lane.lock().ask(from.as_millis());
    }

    /// Whether somebody reads here who has not read and handed over all of that yet.
    pub fn is_capturing_again(&self) -> bool {
        let again = self.lane.lock();
        again.readers > 0 && (again.asked_ms.is_some() || again.chosen_ms.is_some())
    }

    /// Everything that is still there and was written at or after `from`, by a listing and reads of its own: no message is
    /// touched, and nobody is told which files there are.
    pub fn given_again(&self, from: Timestamp) -> GivenAgain {
        let known = &self.lane.config;
        let config = LaneConfig {
            content: known.content.aside(),
            queue: None,
            list_every: LIST_ASIDE_EVERY,
            ..known.clone()
        };
        let lane = Lane {
            config,
            environment: self.lane.environment.clone(),
            bucket: OnceCell::new_with(self.lane.bucket.get().cloned()),
            queue: OnceCell::new(),
            again: Mutex::default(),
        };
        let from_ms = from.as_millis();
        let from = LanePosition { since_ms: from_ms, up_to_ms: from_ms, chunks: 0, within: None };
        let reader = Ending::at(Timestamp::MAX, Box::new(LaneReader::new(Arc::new(lane), from)));
        let name = format!("objects below s3://{}/{}", known.bucket.bucket, known.prefix);
        GivenAgain { name, reaches: None, readers: vec![(self.partition.clone(), reader)] }
    }

    /// The file in which a dead letter stood, fetched and read anew. Nothing where the lane holds no files.
    pub async fn again(&self, position: &Position) -> Result<Option<Chunk>, SourceError> {
        let Content::Reports(files) = &self.lane.config.content else { return Ok(None) };
        let place = position.to_string();
        let key = place.rsplit_once('#').map_or(place.as_str(), |(key, _)| key).to_owned();
        let bucket = self.lane.bucket().await?.clone();
        let pieces = Pieces::fetch(Wanted { bucket, key: key.clone(), etag: None });
        let (files, now, name) = (Arc::clone(files), self.lane.now(), key.clone());
        let read = tokio::task::spawn_blocking(move || file::read(&*files, &name, (None, now), pieces)).await;
        let Outcome { rows, broken, .. } =
            read.map_err(io::Error::other).flatten().map_err(|error| unread(&key, &error))?;
        Ok(Some(Chunk { broken: broken.into_iter().collect(), rows, ..Chunk::at(position.clone()) }))
    }

    /// Tries what can be tried without taking anything from a hub that reads; says what was found. Every right that is missing
    /// is told at once.
    pub async fn probe(&self) -> Result<String, SourceError> {
        let (bucket, queue) = (self.probe_bucket().await, self.probe_queue().await);
        match (bucket, queue) {
            (Ok(bucket), Ok(queue)) => Ok(format!("{bucket}{queue}")),
            (Err(first), Err(second)) => Err(SourceError {
                needs_action: first.needs_action || second.needs_action,
                position_expired: false,
                message: format!("{first}; {second}"),
            }),
            (Err(error), _) | (_, Err(error)) => Err(error),
        }
    }

    async fn probe_bucket(&self) -> Result<String, SourceError> {
        let LaneConfig { bucket: config, prefix, .. } = &self.lane.config;
        let bucket = self.lane.bucket().await?;
        let page = bucket.list(prefix, None).await.map_err(|error| source_error(&error))?;
        let place = format!("bucket {} has", config.bucket);
        let Some(first) = page.objects.first() else {
            return Ok(format!("{place} nothing below `{prefix}` yet, so that s3:GetObject was not tried"));
        };
        let got = bucket.get(&first.key, 0, 1, None).await.map_err(|error| source_error(&error))?;
        let more = if page.next.is_some() { "more than " } else { "" };
        let readable = if got == Fetched::Gone { "" } else { ", which can be read" };
        Ok(format!("{place} {more}{} objects below `{prefix}`{readable}", page.objects.len()))
    }

    /// Receives nothing: what is received is hidden from the hub for a while. Deleting and hiding are tried with a receipt
    /// that is none.
    async fn probe_queue(&self) -> Result<String, SourceError> {
        let Some(queue) = self.lane.queue().await? else { return Ok(String::new()) };
        let state = queue.state().await.map_err(|error| source_error(&error))?;
        queue.delete(NO_RECEIPT).await.map_err(|error| source_error(&error))?;
        queue.hide(NO_RECEIPT, self.lane.config.hidden_for).await.map_err(|error| source_error(&error))?;
        let letters = if state.has_dead_letters { "a" } else { "no" };
        Ok(format!(
            "; its queue has about {} messages and {letters} dead-letter queue (sqs:ReceiveMessage was not tried)",
            state.waiting + state.hidden
        ))
    }
}

const NO_RECEIPT: &str = "pegboard-check";
