//! Folds evidence that is too old to matter into the agents' bases.
//!
//! Evidence is kept so that late events can be put where they belong. What is older than the lateness window is folded
//! into one track for each agent, from which derivations start; then it need not be kept.

use std::time::Duration;

use pegboard_model::Millis;
use pegboard_store::{StoreError, failpoint};

use super::source::Shared;
use super::watch;

/// How a node removes what is too old.
#[derive(Debug, Clone, Copy)]
pub struct Upkeep {
    /// How often it looks for it.
    pub every: Duration,
    /// How much longer than the lateness window evidence is kept, so that a window's last event still finds its
    /// predecessor.
    pub margin: Millis,
}

impl Default for Upkeep {
    /// Every ten minutes, and a day.
    fn default() -> Self {
        Self { every: Duration::from_mins(10), margin: Millis::from_hours(24) }
    }
}

/// Folds what may be folded of the source, one agent after the other, each under the agents' lock, until `stop` turns
/// true.
pub async fn fold(shared: &Shared, margin: Millis, stop: &watch::Receiver<bool>) -> Result<(), StoreError> {
    failpoint!("folding.before");
    let kept = shared.config.lateness + margin;
    let due = shared.agents.lock().await.due_for_folding(kept, |of| shared.looks_after(of));
    for (agent, until) in due {
        if *stop.borrow() {
            break;
        }
        match shared.agents.lock().await.fold(&agent, until, &*shared.store).await {
            // Another node has written that agent: there is another time.
            Ok(()) | Err(StoreError::AgentMoved { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
