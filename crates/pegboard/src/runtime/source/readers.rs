//! The readers of a source's partitions on this node.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use pegboard_connect::spec::Opening;
use pegboard_model::PartitionId;
use pegboard_store::Part;
use tokio::task::{AbortHandle, JoinSet};

use super::{Shared, supervised};
use crate::runtime::ingest::Standing;
use crate::runtime::partition::{self, End};
use crate::runtime::watch;

/// How long readers may take to end once they are told to stop: part of the ten seconds that an orderly stop may take.
const END_WITHIN: Duration = Duration::from_secs(5);

/// The readers at work, and those that must not be started again.
#[derive(Default)]
pub(super) struct Readers {
    tasks: JoinSet<(PartitionId, End)>,
    /// What ends each reader; one that has stopped for good stays in here, so that it is not started again.
    handles: BTreeMap<PartitionId, Handle>,
}

struct Handle {
    abort: AbortHandle,
    stop: watch::Sender<bool>,
}

impl Handle {
    fn works(&self) -> bool {
        !self.abort.is_finished() && !*self.stop.borrow()
    }
}

impl Readers {
    pub(super) fn start(&mut self, shared: &Arc<Shared>, opening: Opening, standing: Standing) {
        let (shared, id) = (shared.clone(), opening.partition.clone());
        let (stop, stopped) = watch::channel(false);
        let reader = async move {
            let partition = opening.partition.clone();
            let work = partition::run(shared.clone(), opening, standing, stopped);
            let end = supervised(&shared, partition.as_str(), work).await;
            (partition, end.unwrap_or(End::Stopped))
        };
        let abort = self.tasks.spawn(reader);
        self.handles.insert(id, Handle { abort, stop });
    }

    pub(super) fn has(&self, partition: &PartitionId) -> bool {
        self.handles.contains_key(partition)
    }

    /// Ends the reader of a partition that is no more, wherever it is.
    pub(super) fn cut_off(&mut self, partition: &PartitionId) {
        if let Some(handle) = self.handles.remove(partition) {
            handle.abort.abort();
        }
    }

    /// Has those readers end, once they have committed what they are at, whose partitions are more than this node's share,
    /// or another's already, as after this node has stood still for too long.
    pub(super) fn leave_to_others(&self, shared: &Shared) {
        let (node, source) = (&shared.node, &shared.config.name);
        for (partition, handle) in self.handles.iter().rev().filter(|(_, handle)| handle.works()) {
            let part = Part::Partition(partition.clone());
            if node.is_anothers(source, &part) || node.is_to_leave(source, &part) {
                tracing::info!(source.name = %source, %partition, "left to another node");
                handle.stop.send_replace(true);
            }
        }
    }

    /// Waits until a reader has ended, and answers whose, if it is not to stay ended; for ever if there is none.
    pub(super) async fn ended(&mut self) -> Option<(PartitionId, End)> {
        match self.tasks.join_next().await {
            Some(Ok((partition, end @ (End::Finished | End::Lost)))) => {
                self.handles.remove(&partition);
                Some((partition, end))
            }
            Some(Ok((_, End::Stopped)) | Err(_)) => None,
            None => std::future::pending().await,
        }
    }

    /// Tells all of them to stop, and waits for them.
    pub(super) async fn end(mut self, shared: &Shared) {
        self.handles.values().for_each(|handle| {
            handle.stop.send_replace(true);
        });
        let all = async {
            while !self.tasks.is_empty() {
                self.ended().await;
            }
        };
        if tokio::time::timeout(END_WITHIN, all).await.is_err() {
            let partitions: Vec<_> = self.handles.keys().map(PartitionId::as_str).collect();
            tracing::warn!(
                source.name = %shared.config.name, ?partitions,
                "readers did not end in time and are cut off: what they have not committed is read again"
            );
        }
    }
}
