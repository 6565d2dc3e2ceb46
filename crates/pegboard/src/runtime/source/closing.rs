//! What the closer and reloads of a source have in common: the epoch under which both write, and whose turn it is.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Mutex, MutexGuard};

/// Between the closer and reloads of a source, on one node.
#[derive(Debug, Default)]
pub struct ClosingTurn {
    /// Under which this node closes the source; 0 where it does not.
    epoch: AtomicU64,
    /// Held by the closer for one look at marks and what follows from it.
    turn: Mutex<()>,
}

impl ClosingTurn {
    /// Notes that this node closes the source under this epoch.
    pub fn set_epoch(&self, epoch: u64) {
        self.epoch.store(epoch, Ordering::SeqCst);
    }

    /// The epoch under which this node closes the source, if it ever did.
    pub fn epoch(&self) -> Option<u64> {
        Some(self.epoch.load(Ordering::SeqCst)).filter(|epoch| *epoch > 0)
    }

    /// Waits until nobody else is at it. What is known to be held when the turn begins is held until it ends.
    pub async fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().await
    }
}
