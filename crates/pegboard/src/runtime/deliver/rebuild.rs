//! The body of a report of an interval, made anew for people: what was sent is not kept.

use pegboard_store::{StoreError, Unit};

use super::Deliverer;
use crate::runtime::view::Rebuilt;

impl Deliverer {
    /// What would be sent of a unit now. Sends nothing, and changes nothing in the ledger.
    pub(in crate::runtime) async fn rebuild(&self, unit: &Unit) -> Result<Rebuilt, StoreError> {
        self.remap().await?;
        self.know_kinds().await?;
        let made = match self.make(unit, self.kept_from().await?).await? {
            Ok(made) => made,
            Err(not) => return Ok(Rebuilt::Not(not.to_string())),
        };
        let bytes = made.documents.into_iter().flat_map(|document| document.body).collect();
        Ok(Rebuilt::Body { digest: made.digest.into(), bytes })
    }

    /// Learns what queues are for where this node has not delivered yet.
    pub(super) async fn know_kinds(&self) -> Result<(), StoreError> {
        if self.knows_no_kinds() { self.learn_kinds().await } else { Ok(()) }
    }
}
