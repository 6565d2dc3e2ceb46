//! Reading one shard, without the reading: what to ask next, when, and what the answers mean.
//!
//! A [`Cursor`] holds the whole state of a shard's reader. It changes only when an answer or a failure
//! is given to it, never across a wait, so that a reader dropped while it waits loses nothing.

use std::time::Duration;

use tokio::time::Instant;

use crate::backoff::Backoff;
use crate::batch::{Batch, EndOfShard, Ending, Record};
use crate::config::{KinesisConfig, ReadMode, SUBSCRIPTION_SPACING};
use crate::fault::Cause;
use crate::position::{self, Gap, Position};
use crate::sequence::{SequenceNumber, ShardId};
use crate::stream::StreamDescription;

/// A shard takes five reads a second from all its readers together (Kinesis quotas); 210 ms keeps
/// any window of a second to five.
const LEAST_SPACING: Duration = Duration::from_millis(210);

/// A shard gives 2 MB a second; reading more at once makes the next reads fail until it is made up for
/// (`GetRecords` in the API reference).
const SHARD_BYTES_PER_MICROSECOND: u64 = 2;

/// How far the clocks of this machine and of AWS are taken to differ, when a time of ours stands in for
/// a sequence number. Too much reads some records again; too little would skip some.
const CLOCK_MARGIN_MS: i64 = 60_000;

/// How many empty reads at the tip of a closed shard stand for its end. Kinesis itself says when a
/// shard ends; this is for servers that do not (moto).
const QUIET_READS_AT_END: u32 = 3;

/// A subscription says something every five seconds, if only that there is nothing. One that is silent for so long is
/// broken, whatever the connection says.
const LONGEST_SILENCE: Duration = Duration::from_secs(30);

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Wait(Instant),
    /// Find out how long the stream keeps records: the position may be older.
    Describe,
    GetIterator(Position),
    GetRecords(String),
    Subscribe(Position),
    /// Wait for the next event of the subscription until then, and ask what to do if none has come.
    Listen(Instant),
    /// There is nothing more to ask; this is the answer.
    Ended(Batch),
}

/// An answer to `GetRecords`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) records: Vec<Record>,
    pub(crate) next_iterator: Option<String>,
    pub(crate) millis_behind_latest: i64,
    pub(crate) children: Vec<ShardId>,
}

/// An event of a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) records: Vec<Record>,
    /// Where to go on, with records or without. None at the end of the shard.
    pub(crate) continuation: Option<SequenceNumber>,
    pub(crate) millis_behind_latest: i64,
    pub(crate) children: Vec<ShardId>,
}

/// How a shard is read by enhanced fan-out.
#[derive(Debug)]
struct FanOut {
    renew_after: Duration,
    /// Up to where the subscription has told of the shard: past the position while nothing is written. Not stored, as
    /// only subscriptions are known to take it.
    continuation: Option<SequenceNumber>,
    subscribed_at: Option<Instant>,
    heard_at: Option<Instant>,
}

#[derive(Debug)]
enum Phase {
    Seeking { retention_checked: bool },
    Reading { iterator: String },
    Subscribed,
    Ended(EndOfShard),
}

#[derive(Debug)]
pub(crate) struct Cursor {
    shard: ShardId,
    poll_interval: Duration,
    max_records: usize,
    backoff: Backoff,
    /// None if the shard is polled.
    fan_out: Option<FanOut>,
    phase: Phase,
    position: Position,
    /// What arrived before this has been read, as far as known.
    read_until_ms: Option<i64>,
    gap: Option<Gap>,
    requested_at: Option<Instant>,
    not_before: Option<Instant>,
    failures: u32,
    closed: bool,
    quiet_reads: u32,
}

impl Cursor {
    pub(crate) fn new(shard: ShardId, closed: bool, position: Position, config: &KinesisConfig) -> Self {
        let fan_out = match &config.read {
            ReadMode::Polling => None,
            ReadMode::FanOut(fan_out) => Some(FanOut {
                renew_after: fan_out.renew_after,
                continuation: None,
                subscribed_at: None,
                heard_at: None,
            }),
        };
        let read_until_ms = match position {
            Position::AtTimestamp(millis) => Some(millis),
            _ => None,
        };
        Self {
            shard,
            poll_interval: config.poll_interval,
            max_records: config.max_records as usize,
            backoff: config.backoff,
            fan_out,
            phase: Phase::Seeking { retention_checked: false },
            position,
            read_until_ms,
            gap: None,
            requested_at: None,
            not_before: None,
            failures: 0,
            closed,
            quiet_reads: 0,
        }
    }

    pub(crate) fn shard(&self) -> &ShardId {
        &self.shard
    }

    pub(crate) fn position(&self) -> &Position {
        &self.position
    }

    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// Whether the next iterator is asked for by sequence number.
    pub(crate) fn is_resuming(&self) -> bool {
        matches!(self.position, Position::AfterSequence(_))
    }

    pub(crate) fn read_until(&mut self, millis: i64) {
        self.read_until_ms = Some(self.read_until_ms.map_or(millis, |known| known.max(millis)));
    }

    pub(crate) fn closed(&mut self) {
        self.closed = true;
    }

    /// Decides what to do. Asking for records counts as done: whoever gets that step makes the request.
    pub(crate) fn step(&mut self, now: Instant, now_ms: i64) -> Step {
        if let Some(until) = self.not_before.filter(|until| *until > now) {
            return Step::Wait(until);
        }
        match &self.phase {
            Phase::Seeking { retention_checked: false } if self.may_have_been_trimmed(now_ms) => {
                Step::Describe
            }
            Phase::Seeking { .. } => self.seek(now),
            Phase::Reading { iterator } => {
                let step = Step::GetRecords(iterator.clone());
                self.requested_at = Some(now);
                self.not_before = Some(now + self.poll_interval.max(LEAST_SPACING));
                step
            }
            Phase::Subscribed => {
                if let Some(until) = self.listening_until().filter(|until| *until > now) {
                    return Step::Listen(until);
                }
                self.unsubscribed();
                self.step(now, now_ms)
            }
            Phase::Ended(end) => {
                let end = end.clone();
                self.not_before = Some(now + self.poll_interval.max(LEAST_SPACING));
                Step::Ended(self.batch(vec![], 0, now_ms, Some(end)))
            }
        }
    }

    fn seek(&self, now: Instant) -> Step {
        let Some(fan_out) = &self.fan_out else { return Step::GetIterator(self.position.clone()) };
        let allowed = fan_out.subscribed_at.map_or(now, |at| at + SUBSCRIPTION_SPACING);
        if allowed > now {
            return Step::Wait(allowed);
        }
        let continued = fan_out.continuation.clone().map(Position::AfterSequence);
        Step::Subscribe(continued.unwrap_or_else(|| self.position.clone()))
    }

    /// Until when to listen to the subscription before it is renewed: the second takes over from the first, after what
    /// was heard of it.
    fn listening_until(&self) -> Option<Instant> {
        let fan_out = self.fan_out.as_ref()?;
        Some((fan_out.subscribed_at? + fan_out.renew_after).min(fan_out.heard_at? + LONGEST_SILENCE))
    }

    fn may_have_been_trimmed(&self, now_ms: i64) -> bool {
        let wants_history = self.position != Position::Latest;
        wants_history && self.read_until_ms.is_some_and(|millis| position::may_be_trimmed(millis, now_ms))
    }

    pub(crate) fn described(&mut self, stream: &StreamDescription, now_ms: i64) {
        self.phase = Phase::Seeking { retention_checked: true };
        let Some(read_until_ms) = self.read_until_ms else { return };
        let gap =
            position::trimmed(&self.shard, read_until_ms, stream.created_ms, stream.retention_hours, now_ms);
        self.gap = gap.or_else(|| self.gap.take());
    }

    pub(crate) fn found(&mut self, iterator: String, now_ms: i64) {
        self.phase = Phase::Reading { iterator };
        if self.position == Position::Latest {
            // Asking for LATEST once more would skip what arrives meanwhile.
            self.position = Position::AtTimestamp(now_ms - CLOCK_MARGIN_MS);
        }
    }

    /// Takes note that a subscription has begun.
    pub(crate) fn subscribed(&mut self, now: Instant, now_ms: i64) {
        self.found(String::new(), now_ms);
        self.phase = Phase::Subscribed;
        if let Some(fan_out) = &mut self.fan_out {
            fan_out.subscribed_at = Some(now);
            fan_out.heard_at = Some(now);
        }
    }

    /// Takes note that the subscription has ended, which is no failure: each does after five minutes.
    pub(crate) fn unsubscribed(&mut self) {
        // It may have fallen silent because the machine slept for days.
        self.phase = Phase::Seeking { retention_checked: false };
    }

    /// Polls from here on.
    pub(crate) fn poll_instead(&mut self) {
        self.fan_out = None;
        self.phase = Phase::Seeking { retention_checked: false };
    }

    /// Takes an event that was sent after `sent_ms`.
    pub(crate) fn heard(&mut self, heard: Heard, now: Instant, sent_ms: i64) -> Batch {
        let behind = heard.millis_behind_latest.max(0);
        self.failures = 0;
        self.advance(&heard.records, sent_ms - behind);
        if let Some(fan_out) = &mut self.fan_out {
            fan_out.heard_at = Some(now);
            fan_out.continuation = heard.continuation.or_else(|| fan_out.continuation.take());
        }
        let end = (!heard.children.is_empty())
            .then_some(EndOfShard { ending: Ending::Reported, children: heard.children });
        if let Some(end) = &end {
            self.phase = Phase::Ended(end.clone());
        }
        self.batch(heard.records, behind, sent_ms, end)
    }

    /// Takes an answer; `asked_ms` is the time at which it was asked for.
    pub(crate) fn replied(&mut self, reply: Reply, asked_ms: i64) -> Batch {
        let behind = reply.millis_behind_latest.max(0);
        self.failures = 0;
        self.advance(&reply.records, asked_ms - behind);
        self.pace(&reply.records, behind);
        self.count_quiet(&reply.records, behind);

        self.phase = match reply.next_iterator {
            None => Phase::Ended(EndOfShard { ending: Ending::Reported, children: reply.children }),
            Some(_) if self.quiet_reads >= QUIET_READS_AT_END => {
                Phase::Ended(EndOfShard { ending: Ending::Drained, children: reply.children })
            }
            Some(iterator) => Phase::Reading { iterator },
        };
        let end = match &self.phase {
            Phase::Ended(end) => Some(end.clone()),
            _ => None,
        };
        self.batch(reply.records, behind, asked_ms, end)
    }

    fn advance(&mut self, records: &[Record], read_until_ms: i64) {
        self.read_until(read_until_ms);
        match (records.last(), &self.position) {
            (Some(last), _) => self.position = Position::AfterSequence(last.sequence.clone()),
            (None, Position::AtTimestamp(millis)) => {
                self.position = Position::AtTimestamp((read_until_ms - CLOCK_MARGIN_MS).max(*millis));
            }
            (None, _) => {}
        }
    }

    fn pace(&mut self, records: &[Record], behind_ms: i64) {
        let bytes: usize = records.iter().map(|record| record.data.len()).sum();
        let transfer = Duration::from_micros(bytes as u64 / SHARD_BYTES_PER_MICROSECOND);
        let is_behind = Duration::from_millis(behind_ms.unsigned_abs()) > self.poll_interval;
        let more_is_there = is_behind || records.len() >= self.max_records;
        let interval = if more_is_there { LEAST_SPACING } else { self.poll_interval };
        self.not_before = self.requested_at.map(|at| at + interval.max(LEAST_SPACING).max(transfer));
    }

    fn count_quiet(&mut self, records: &[Record], behind_ms: i64) {
        let is_quiet = self.closed && records.is_empty() && behind_ms == 0;
        self.quiet_reads = if is_quiet { self.quiet_reads + 1 } else { 0 };
    }

    fn batch(&mut self, records: Vec<Record>, behind: i64, asked_ms: i64, end: Option<EndOfShard>) -> Batch {
        Batch {
            records,
            millis_behind_latest: behind,
            read_at_ms: asked_ms,
            position: self.position.clone(),
            gap: self.gap.take(),
            end,
        }
    }

    /// Takes note of a failed request and says how long to wait.
    pub(crate) fn failed(&mut self, cause: Cause, now: Instant, random: u32) -> Duration {
        self.failures = self.failures.saturating_add(1);
        let renewing = cause == Cause::ExpiredIterator;
        if renewing || !cause.is_passing() || matches!(self.phase, Phase::Subscribed) {
            // The position is worth more than the iterator: the next try starts from it.
            self.phase = Phase::Seeking { retention_checked: false };
        }
        if let Some(fan_out) = self.fan_out.as_mut().filter(|_| !cause.is_passing()) {
            // It may be what was refused; the position says so itself, if it is.
            fan_out.continuation = None;
        }
        let may_read_again = self
            .requested_at
            .map_or(Duration::ZERO, |at| (at + LEAST_SPACING).saturating_duration_since(now));
        let is_first_renewal = renewing && self.failures == 1;
        let patience =
            if is_first_renewal { Duration::ZERO } else { self.backoff.delay(self.failures, random) };
        let in_use = if cause == Cause::InUse && self.fan_out.is_some() {
            SUBSCRIPTION_SPACING
        } else {
            Duration::ZERO
        };
        let wait = patience.max(may_read_again).max(in_use);
        self.not_before = Some(now + wait);
        wait
    }
}

#[cfg(test)]
#[path = "cursor_tests.rs"]
mod tests;
