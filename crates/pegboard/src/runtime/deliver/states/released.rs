//! Present states that waited for a row of the mapping: those that the target has refused, and those that were held because no row
//! named them.

use std::sync::Arc;

use pegboard_sinks::StateChange;
use pegboard_store::StoreError;

use super::Delivery;
use crate::runtime::deliver::waiting::key;

impl Delivery<'_> {
    /// Has them sent when the mapping has changed. What is over by now is not: a state is sent as long as it is the present one.
    pub(super) async fn take_up_released(&mut self) -> Result<(), StoreError> {
        let mapped = self.deliverer.mapping();
        if Arc::ptr_eq(&mapped, &self.mapped) {
            return Ok(());
        }
        let everybody = self.everybody().await?;
        self.take_up().await?;
        if self.whole.is_due || !self.waiting.reaches(&everybody.cursor) {
            // Somebody's state may be older than what waits: another look is had when that is sent.
            return Ok(());
        }
        for now in everybody.agents.into_iter().map(|agent| agent.now) {
            let was_held = self.mapped.mapping.holds_back(&now) && !mapped.mapping.holds_back(&now);
            let is_awaited = was_held || self.refused.contains(&key(&now));
            let change = StateChange::new(None, now);
            if is_awaited && !self.is_left_out(&change) {
                self.waiting.again(change);
            }
        }
        self.mapped = mapped;
        Ok(())
    }
}
