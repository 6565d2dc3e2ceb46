//! Has agents leave of whom nothing is told any more.
//!
//! Who is signed out, and was not heard of for as long as anything is kept that names him, is in nobody's numbers: he is
//! removed. Readers have known for as long that he is signed out, so they are not told; their next snapshot is without
//! him. Heard of again, he is new.

use pegboard_model::Millis;
use pegboard_store::StoreError;

use super::source::Shared;
use super::watch;

/// How many leave at once: with their last evidence some thousand rows.
const LEAVE_AT_ONCE: usize = 16;

/// How many leave in one sweep.
const MOST_LEAVE: usize = 2000;

/// So much later they are removed from the store than from the memory of nodes that do not lead: nobody is to hold a
/// version of an agent who may have come back with the same.
const LATER: Millis = Millis::from_hours(24);

/// Removes those of the source, if this node leads it: some at a time under the agents' lock, until `stop` turns true.
/// Other nodes only forget them.
pub async fn leave(shared: &Shared, stop: &watch::Receiver<bool>) -> Result<(), StoreError> {
    let (now, source) = ((shared.clock)(), &shared.config.name);
    let before = now - shared.store.keeps_agents();
    if !*shared.leads.borrow() {
        if !shared.node.is_alone() {
            shared.agents.lock().await.forget_unheard(before);
        }
        return Ok(());
    }
    let due = shared.agents.lock().await.due_for_leaving(before - LATER, MOST_LEAVE);
    for some in due.chunks(LEAVE_AT_ONCE) {
        if *stop.borrow() {
            return Ok(());
        }
        let mut agents = shared.agents.lock().await;
        let gone = shared.store.forget_agents(source, some, now).await?;
        agents.forget(&gone);
        shared.status.set_agents(agents.count() as u64);
        tracing::debug!(source.name = %source, agents = gone.len(), "agents have left");
    }
    Ok(())
}
