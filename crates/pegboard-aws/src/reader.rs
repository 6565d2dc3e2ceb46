//! The reader of one shard: the [`Cursor`] decides, this makes the requests and waits.

use rand_core::Rng;
use rand_pcg::Pcg32;
use tokio::time::{Instant, sleep_until};

use crate::batch::Batch;
use crate::cursor::{Cursor, Step};
use crate::error::{KinesisError, Operation};
use crate::fault::{Cause, Fault};
use crate::observe::Event;
use crate::position::Position;
use crate::sequence::ShardId;
use crate::shards::Shard;
use crate::stream::Stream;

/// Reads one shard, batch by batch, at the pace of whoever asks.
#[derive(Debug)]
pub struct ShardReader {
    stream: Stream,
    cursor: Cursor,
    jitter: Pcg32,
}

impl ShardReader {
    pub(crate) fn new(stream: Stream, shard: &Shard, from: Position) -> Self {
        let config = stream.config();
        let cursor = Cursor::new(
            shard.id.clone(),
            shard.closed,
            from,
            config.poll_interval,
            config.max_records as usize,
            config.backoff,
        );
        let jitter = stream.jitter(shard.id.as_str());
        Self { stream, cursor, jitter }
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
    /// (five reads and 2 MB a second). Failures that pass are tried again, each told to the observer; after
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
