//! Leading a source: one node closes its intervals, and repairs what its stream has lost.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use pegboard_store::{Part, StoreError};

use super::{AFTER_FAILURE, CLOSE_EVERY, Shared};
use crate::runtime::closer::Closer;
use crate::runtime::watch;

/// Leads the source whenever no other node does, until `stop` turns true.
pub(super) async fn hold(shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    let mut roll = shared.node.watch();
    while !*stop.borrow() {
        roll.borrow_and_update();
        let leads = *shared.leads.borrow();
        match keep(&shared).await {
            Ok(keeps) if keeps != leads => {
                shared.leads.send_replace(keeps);
                tracing::debug!(source.name = %shared.config.name, leads = keeps, "leading");
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(source.name = %shared.config.name, "cannot tell who is to close intervals: {error}");
            }
        }
        tokio::select! {
            biased;
            _ = stop.changed() => {}
            _ = roll.changed() => {}
        }
    }
    shared.leads.send_replace(false);
}

/// Whether this node is to lead from now on.
async fn keep(shared: &Shared) -> Result<bool, StoreError> {
    let source = &shared.config.name;
    if shared.node.is_to_leave(source, &Part::Closer) {
        shared.leads.send_replace(false);
        shared.node.release(source, &Part::Closer).await;
        return Ok(false);
    }
    if shared.node.is_own(source, &Part::Closer) {
        return Ok(true);
    }
    // Also where another node holds it: then it is no longer this node's.
    shared.node.take(source, &Part::Closer).await
}

/// Does `work` whenever this node leads the source, until `stop` turns true. The work is told by its own signal when to
/// end.
pub(super) async fn while_leading<W: Future<Output = ()>>(
    shared: Arc<Shared>,
    mut stop: watch::Receiver<bool>,
    work: impl Fn(Arc<Shared>, watch::Receiver<bool>) -> W,
) {
    let mut leads = shared.leads.subscribe();
    loop {
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return,
            led = leads.wait_for(|leads| *leads) => if led.is_err() { return },
        }
        let (end, ended) = watch::channel(false);
        let mut work = std::pin::pin!(work(shared.clone(), ended));
        let over = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => false,
            () = &mut work => true,
            _ = leads.wait_for(|leads| !*leads) => false,
        };
        if over {
            // It has nothing to do with this source.
            return;
        }
        end.send_replace(true);
        work.await;
    }
}

/// Closes intervals until `stop` turns true.
pub(super) async fn close(shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    let mut closer: Option<Closer> = None;
    while !*stop.borrow() {
        // Dropped half-way it leaves nothing half done: what it writes, it writes as a whole or not at all.
        let outcome = tokio::select! {
            biased;
            _ = stop.changed() => break,
            outcome = close_once(&shared, &mut closer) => outcome,
        };
        let pause = match outcome {
            Ok(true) => {
                shared.status.recovered("closer");
                std::time::Duration::ZERO
            }
            Ok(false) => {
                shared.status.recovered("closer");
                shared.quiet_turns.fetch_add(1, Ordering::SeqCst);
                CLOSE_EVERY
            }
            Err(error) => {
                tracing::warn!(source.name = %shared.config.name, "cannot close intervals: {error}");
                shared.status.failed("closer", (shared.clock)(), error.to_string(), false);
                closer = None;
                AFTER_FAILURE
            }
        };
        tokio::select! {
            biased;
            _ = stop.changed() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
    shared.status.recovered("closer");
}

async fn close_once(shared: &Shared, closer: &mut Option<Closer>) -> Result<bool, StoreError> {
    let taken = match closer.take() {
        Some(taken) => taken,
        None => Closer::take(shared).await?,
    };
    closer.insert(taken).run(shared).await
}
