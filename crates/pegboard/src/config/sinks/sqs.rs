//! What `[sink.sqs]` says: which queue is sent changes of agents' states.

use std::path::Path;

use pegboard_aws::FifoQueueRef;
use pegboard_sinks::SinkReport;
use toml::de::DeValue;

use super::table_of;
use crate::config::schema::credentials;
use crate::config::settings::KinesisCredentials;
use crate::config::table::Table;
use crate::config::value::{self, Read, Wrong};

/// Which queue is sent changes of agents' states.
#[derive(Debug, Clone, PartialEq)]
pub struct SqsSettings {
    /// The queue.
    pub queue: FifoQueueRef,
    /// Its region; without it that of the queue, then that of the usual AWS chain.
    pub region: Option<String>,
    /// Where the credentials come from.
    pub credentials: KinesisCredentials,
}

impl SqsSettings {
    /// It is sent no reports.
    pub fn reports(&self) -> Vec<SinkReport> {
        Vec::new()
    }

    pub(super) fn read(sink: &mut Table<'_, '_>, is_it: bool, folder: &Path) -> Option<Self> {
        let mut table = table_of(sink, is_it, "sqs");
        let queue = table.required("queue", fifo_queue);
        let region = table.optional("region", value::region);
        let credentials = credentials(&mut table, folder).unwrap_or(KinesisCredentials::Chain);
        table.finish();
        Some(Self { queue: queue?, region, credentials })
    }
}

fn fifo_queue(value: &DeValue<'_>) -> Read<FifoQueueRef> {
    let expected = "a FIFO queue of Amazon SQS: arn:aws:sqs:<region>:<account>:<name>.fifo, or its URL";
    let queue = value.as_str().and_then(|text| text.parse().ok());
    queue.ok_or_else(|| Wrong::expected(expected))
}
