//! A stream: how it is reached, what it is, which shards it has.

use std::fmt;
use std::sync::Arc;

use rand_core::Rng;
use rand_pcg::Pcg32;
use tokio::sync::Mutex;

use crate::client::Client;
use crate::config::KinesisConfig;
use crate::consumer::Known;
use crate::error::{KinesisError, Operation};
use crate::fault::Fault;
use crate::observe::{Event, Observer};
use crate::position::Position;
use crate::reader::ShardReader;
use crate::sequence::ShardId;
use crate::shards::Shard;

/// The time now, in milliseconds since 1970 UTC.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// What comes in from outside, so that tests can make it up.
#[derive(Clone)]
pub struct Environment {
    /// Says when a read was made.
    pub clock: Clock,
    /// Where the jitter of waits starts from. Let it differ between processes.
    pub seed: u64,
    /// Is told of retries, renewals and reads.
    pub observer: Arc<dyn Observer>,
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("seed", &self.seed)
            .field("observer", &self.observer)
            .finish_non_exhaustive()
    }
}

/// What identifies a stream, and how long it keeps records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamDescription {
    /// Its ARN. Name positions by ARN *and* time of creation: a stream that was deleted and made again has
    /// the same ARN and other sequence numbers.
    pub arn: String,
    /// When it was made, in milliseconds since 1970 UTC.
    pub created_ms: i64,
    /// How long it keeps records, in hours: 24 to 8,760.
    pub retention_hours: i32,
    /// `CREATING`, `DELETING`, `ACTIVE` or `UPDATING`.
    pub status: String,
}

/// The most pages of one listing: 100,000 shards.
const MAX_PAGES: usize = 100;

/// A stream that can be read. Cheap to clone; owns no task.
#[derive(Debug, Clone)]
pub struct Stream {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: KinesisConfig,
    client: Client,
    environment: Environment,
    consumer: Mutex<Known>,
}

impl Stream {
    /// Resolves region and credentials source. Kinesis is not asked yet: [`describe`](Self::describe) is
    /// the first request and the way to try a connection.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config), naming every fault at once.
    pub async fn connect(config: KinesisConfig, environment: Environment) -> Result<Self, KinesisError> {
        let faults: Vec<String> = config.faults().iter().map(ToString::to_string).collect();
        if !faults.is_empty() {
            return Err(KinesisError::config(config.stream.name(), &faults.join("; ")));
        }
        let client = Client::build(&config).await?;
        Ok(Self { inner: Arc::new(Inner { config, client, environment, consumer: Mutex::default() }) })
    }

    /// Asks what the stream is.
    pub async fn describe(&self) -> Result<StreamDescription, KinesisError> {
        self.retrying(Operation::DescribeStreamSummary, || self.client().describe()).await
    }

    /// Lists all shards, closed ones included until retention removes them. The listing is complete or an
    /// error.
    pub async fn shards(&self) -> Result<Vec<Shard>, KinesisError> {
        let operation = Operation::ListShards;
        let mut shards = Vec::new();
        let mut token: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let page = self.retrying(operation, || self.client().list_shards(token.as_deref())).await?;
            shards.extend(page.shards);
            token = page.next;
            if token.is_none() {
                return Ok(shards);
            }
        }
        let fault = Fault::unreadable(format!("the listing has more than {MAX_PAGES} pages"));
        Err(self.error(None, operation, false, &fault))
    }

    /// Opens a shard for reading. Nothing is asked before the first [`ShardReader::next`].
    pub fn open(&self, shard: &Shard, from: Position) -> ShardReader {
        ShardReader::new(self.clone(), shard, from)
    }

    pub(crate) fn client(&self) -> &Client {
        &self.inner.client
    }

    pub(crate) fn config(&self) -> &KinesisConfig {
        &self.inner.config
    }

    pub(crate) fn now_ms(&self) -> i64 {
        (self.inner.environment.clock)()
    }

    pub(crate) fn notice(&self, event: &Event<'_>) {
        self.inner.environment.observer.notice(event);
    }

    /// Randomness of its own for each purpose, so that waits do not fall together.
    pub(crate) fn jitter(&self, purpose: &str) -> Pcg32 {
        let stream =
            purpose.bytes().fold(0, |hash: u64, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
        Pcg32::new(self.inner.environment.seed, stream)
    }

    pub(crate) fn error(
        &self,
        shard: Option<&ShardId>,
        operation: Operation,
        resuming: bool,
        fault: &Fault,
    ) -> KinesisError {
        KinesisError::at(self.config().stream.name(), shard, operation, resuming, fault)
    }

    pub(crate) fn known_consumer(&self) -> &Mutex<Known> {
        &self.inner.consumer
    }

    pub(crate) async fn retrying<T, R>(
        &self,
        operation: Operation,
        request: impl Fn() -> R,
    ) -> Result<T, KinesisError>
    where
        R: Future<Output = Result<T, Fault>>,
    {
        let backoff = self.config().backoff;
        let mut jitter = self.jitter(operation.action());
        let mut failures = 0;
        loop {
            let fault = match request().await {
                Ok(answer) => return Ok(answer),
                Err(fault) => fault,
            };
            failures += 1;
            let error = self.error(None, operation, false, &fault);
            if !fault.cause.is_passing() || failures >= backoff.attempts {
                return Err(error);
            }
            let wait = backoff.delay(failures, jitter.next_u32());
            self.notice(&Event::Retry { error: &error, failures, wait });
            tokio::time::sleep(wait).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::error::ErrorKind;
    use crate::observe::Counters;

    fn assert_send(_: impl Send) {}

    #[tokio::test]
    async fn settings_that_cannot_work_are_refused_with_all_their_faults() {
        let mut config = KinesisConfig::new("agents".parse().unwrap());
        config.endpoint = Some("kinesis".to_owned());
        config.max_records = 0;
        let environment =
            Environment { clock: Arc::new(|| 0), seed: 0, observer: Arc::new(Counters::default()) };
        let error = Stream::connect(config, environment).await.unwrap_err();
        assert_eq!((error.kind(), error.operation()), (ErrorKind::Config, None));
        let message = error.to_string();
        assert!(message.contains("`kinesis` is no URL") && message.contains("0 records a read"), "{message}");
    }

    #[test]
    fn calls_may_run_on_any_thread() {
        // Never called: it is enough that it compiles.
        let _ = |stream: &Stream, reader: &mut ShardReader| {
            assert_send(stream.describe());
            assert_send(stream.shards());
            assert_send(reader.next());
        };
    }
}
