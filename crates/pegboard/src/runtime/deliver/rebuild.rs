//! The body of a report of an interval, made anew for people: what was sent is not kept.

use pegboard_store::{StoreError, Unit};

use super::{Deliverer, digest_of};
use crate::runtime::view::Rebuilt;

impl Deliverer {
    /// What would be sent of a unit now. Sends nothing, and changes nothing in the ledger.
    pub(in crate::runtime) async fn rebuild(&self, unit: &Unit) -> Result<Rebuilt, StoreError> {
        let report = self.sink.reports().iter().find(|report| report.encoder.name == &*unit.report);
        let Some(report) = report else {
            return Ok(Rebuilt::Not("the sink is no longer set to take this report".to_owned()));
        };
        if unit.interval_start < self.kept_from().await? {
            return Ok(Rebuilt::Not("what it is made of is no longer kept".to_owned()));
        }
        self.know_kinds().await?;
        let mut encoded = (report.encoder.encode)(&self.known_of(unit.interval_start, report).await?);
        if let Some(refused) = encoded.refused.pop() {
            return Ok(Rebuilt::Not(refused.reasons.join("; ")));
        }
        if encoded.documents.is_empty() {
            return Ok(Rebuilt::Not("nothing came of it".to_owned()));
        }
        let digest = digest_of(&encoded.documents, 8).into();
        let bytes = encoded.documents.into_iter().flat_map(|document| document.body).collect();
        Ok(Rebuilt::Body { digest, bytes })
    }

    /// Learns what queues are for where this node has not delivered yet.
    async fn know_kinds(&self) -> Result<(), StoreError> {
        if self.knows_no_kinds() { self.learn_kinds().await } else { Ok(()) }
    }
}
