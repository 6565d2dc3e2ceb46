//! What a reader of Kinesis tells on the way goes to the log: where it has to poll, as a warning; the rest, for those who look
//! into it.

use pegboard_aws::{Event, Observer};

/// Writes to the log. Which stream and shard it is about, the errors say themselves.
#[derive(Debug)]
pub(super) struct KinesisLog;

impl Observer for KinesisLog {
    fn notice(&self, event: &Event<'_>) {
        match event {
            Event::PolledInstead { shard, error } => {
                tracing::warn!(%shard, "polled, because enhanced fan-out cannot be had: {error}");
            }
            Event::Retry { error, failures, wait } => {
                tracing::debug!(failures, ?wait, "tried again: {error}");
            }
            Event::IteratorRenewed { shard } => tracing::debug!(%shard, "iterator renewed"),
            Event::Subscribed { shard } => tracing::debug!(%shard, "subscribed"),
            Event::Read { shard, records, bytes, millis_behind_latest } => {
                tracing::trace!(%shard, records, bytes, millis_behind_latest, "read");
            }
        }
    }
}
