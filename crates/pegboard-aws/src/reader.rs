//! The reader of one shard: the [`Cursor`] decides, this makes the requests and waits.

use std::sync::Arc;

use rand_core::Rng;
use rand_pcg::Pcg32;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::batch::Batch;
use crate::config::ReadMode;
use crate::cursor::{Cursor, Step};
use crate::error::{KinesisError, Operation};
use crate::fault::{Cause, Fault};
use crate::observe::Event;
use crate::position::Position;
use crate::sequence::ShardId;
use crate::shards::Shard;
use crate::stream::Stream;
use crate::subscription::Subscription;

/// Reads one shard, batch by batch, at the pace of whoever asks.
#[derive(Debug)]
pub struct ShardReader {
    stream: Stream,
    cursor: Cursor,
    jitter: Pcg32,
    /// While the cursor listens.
    subscription: Option<Subscription>,
}

impl ShardReader {
    pub(crate) fn new(stream: Stream, shard: &Shard, from: Position) -> Self {
        let cursor = Cursor::new(shard.id.clone(), shard.closed, from, stream.config());
        let jitter = stream.jitter(shard.id.as_str());
        Self { stream, cursor, jitter, subscription: None }
    }

    /// Says that everything that arrived before this time (milliseconds since 1970 UTC) has been read
    /// already: the stored watermark. With it the reader notices what retention has removed since, and
    /// reports a [`Gap`](crate::Gap); a sequence number alone does not tell its age. A position by time
    /// says so itself.
    #[must_use]
    pub fn read_until(mut self, millis: i64) -> Self {
        self.cursor.read_until(millis);
        self
    }

    /// Says that a later listing shows the shard as closed. Needed only for servers that never end a
    /// closed shard ([`Ending::Drained`](crate::Ending::Drained)); harmless otherwise.
    pub fn mark_closed(&mut self) {
        self.cursor.closed();
    }

    /// The shard.
    pub fn shard(&self) -> &ShardId {
        self.cursor.shard()
    }

    /// Where reading goes on: the position of the last batch, or what was asked for at first.
    pub fn position(&self) -> &Position {
        self.cursor.position()
    }

    /// Waits until it is time to read, reads, and returns what came: perhaps no records, but then the
    /// batch moves the watermark. After the end of the shard every batch is empty and says so again.
    ///
    /// At the tip one call takes the poll interval; behind it, as long as the shard's limits ask for
    /// (five reads and 2 MB a second). By enhanced fan-out, a call takes until the next event, which is five seconds at
    /// most while all is well. Failures that pass are tried again, each told to the observer; after
    /// some in a row the error is returned, and the next call goes on where this one stopped. No error
    /// moves the position.
    ///
    /// Cancel-safe: a future that is dropped has read nothing.
    ///
    /// # Errors
    /// See [`ErrorKind`](crate::ErrorKind). A transient one needs no action but patience; after
    /// [`PositionExpired`](crate::ErrorKind::PositionExpired) the shard must be opened elsewhere, which
    /// is the caller's decision and his gap to record.
    pub async fn next(&mut self) -> Result<Batch, KinesisError> {
        let mut failures = 0;
        loop {
            let asked_ms = self.stream.now_ms();
            let failure = match self.cursor.step(Instant::now(), asked_ms) {
                Step::Wait(until) => {
                    sleep_until(until).await;
                    continue;
                }
                Step::Ended(batch) => return Ok(batch),
                Step::GetRecords(iterator) => match self.stream.client().get_records(&iterator).await {
                    Ok(reply) => {
                        let batch = self.cursor.replied(reply, asked_ms);
                        self.notice_read(&batch);
                        return Ok(batch);
                    }
                    Err(fault) => (Operation::GetRecords, fault),
                },
                Step::Subscribe(from) => {
                    let Some(consumer) = self.consumer().await? else { continue };
                    match self.subscribe(&consumer, &from, asked_ms).await {
                        Ok(()) => continue,
                        Err(fault) => (Operation::SubscribeToShard, fault),
                    }
                }
                Step::Listen(until) => match self.listen(until).await {
                    Ok(Some(batch)) => return Ok(batch),
                    Ok(None) => continue,
                    Err(fault) => (Operation::SubscribeToShard, fault),
                },
                Step::GetIterator(from) => {
                    match self.stream.client().get_iterator(self.cursor.shard(), &from).await {
                        Ok(iterator) => {
                            self.cursor.found(iterator, asked_ms);
                            continue;
                        }
                        Err(fault) => (Operation::GetShardIterator, fault),
                    }
                }
                Step::Describe => match self.stream.client().describe().await {
                    Ok(description) => {
                        self.cursor.described(&description, asked_ms);
                        continue;
                    }
                    Err(fault) => (Operation::DescribeStreamSummary, fault),
                },
            };
            failures += 1;
            self.fail(failure, failures)?;
        }
    }

    /// The consumer to subscribe with. Where there is none to be had, the shard is polled from here on.
    async fn consumer(&mut self) -> Result<Option<Arc<str>>, KinesisError> {
        let ReadMode::FanOut(fan_out) = &self.stream.config().read else {
            self.cursor.poll_instead();
            return Ok(None);
        };
        match self.stream.consumer(fan_out).await {
            Ok(consumer) => Ok(Some(consumer)),
            Err(error) if error.is_transient() => Err(error),
            Err(error) => {
                self.poll_instead(&error);
                Ok(None)
            }
        }
    }

    async fn subscribe(&mut self, consumer: &str, from: &Position, asked_ms: i64) -> Result<(), Fault> {
        self.subscription = None;
        let fault = match self.stream.client().subscribe(consumer, self.cursor.shard(), from).await {
            Ok(events) => {
                self.subscription = Some(Subscription::new(events, asked_ms));
                self.cursor.subscribed(Instant::now(), asked_ms);
                self.stream.notice(&Event::Subscribed { shard: self.cursor.shard() });
                return Ok(());
            }
            Err(fault) => fault,
        };
        match fault.cause {
            // The next look for the consumer finds that it cannot be had.
            Cause::AccessDenied => {
                let shard = Some(self.cursor.shard());
                let error = self.stream.error(shard, Operation::SubscribeToShard, false, &fault);
                self.stream.give_up_consumer(error).await;
                Ok(())
            }
            // The shard, or the consumer, which is looked for again the next time.
            Cause::NotFound => {
                self.stream.forget_consumer().await;
                Err(fault)
            }
            _ => Err(fault),
        }
    }

    /// What the subscription says until then. Nothing if it says nothing or has ended.
    async fn listen(&mut self, until: Instant) -> Result<Option<Batch>, Fault> {
        let Some(subscription) = &mut self.subscription else {
            self.cursor.unsubscribed();
            return Ok(None);
        };
        let stream = &self.stream;
        let heard = match timeout_at(until, subscription.next(|| stream.now_ms())).await {
            Err(_) => return Ok(None),
            Ok(heard) => heard?,
        };
        let Some((heard, sent_ms)) = heard else {
            self.subscription = None;
            self.cursor.unsubscribed();
            return Ok(None);
        };
        let batch = self.cursor.heard(heard, Instant::now(), sent_ms);
        if batch.end.is_some() {
            self.subscription = None;
        }
        self.notice_read(&batch);
        Ok(Some(batch))
    }

    fn poll_instead(&mut self, error: &KinesisError) {
        self.cursor.poll_instead();
        self.stream.notice(&Event::PolledInstead { shard: self.cursor.shard(), error });
    }

    /// Takes note of a failure, the n-th of this call, and returns it if the call should.
    fn fail(&mut self, (operation, fault): (Operation, Fault), failures: u32) -> Result<(), KinesisError> {
        let resuming = self.cursor.is_resuming();
        let error = self.stream.error(Some(self.cursor.shard()), operation, resuming, &fault);
        let wait = self.cursor.failed(fault.cause, Instant::now(), self.jitter.next_u32());
        if !fault.cause.is_passing() || failures >= self.stream.config().backoff.attempts {
            return Err(error);
        }
        let event = match fault.cause {
            Cause::ExpiredIterator => Event::IteratorRenewed { shard: self.cursor.shard() },
            _ => Event::Retry { error: &error, failures: self.cursor.failures(), wait },
        };
        self.stream.notice(&event);
        Ok(())
    }

    fn notice_read(&self, batch: &Batch) {
        self.stream.notice(&Event::Read {
            shard: self.cursor.shard(),
            records: batch.records.len(),
            bytes: batch.records.iter().map(|record| record.data.len()).sum(),
            millis_behind_latest: batch.millis_behind_latest,
        });
    }
}
