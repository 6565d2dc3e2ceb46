//! What a target is sent of a report of an interval, made of what the store has now: to be sent, or to be shown.

use pegboard_model::Timestamp;
use pegboard_sinks::{Document, Encoder};
use pegboard_store::{StoreError, Unit};

use super::unmapped::Remarks;
use super::{Deliverer, digest_of};

/// How many bytes of a digest tell two makings of a unit apart.
const DIGEST: usize = 8;

/// The documents of a unit.
pub(super) struct Made {
    pub(super) encoder: &'static Encoder,
    /// In order of sending; there is one at least.
    pub(super) documents: Vec<Document>,
    /// Of the documents.
    pub(super) digest: String,
    pub(super) remarks: Remarks,
}

/// Why there is no document of a unit, in words for whoever asks for it.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotMade {
    #[error("the sink is no longer set to take this report")]
    NotTaken,
    /// Made of what is left it would tell of silence.
    #[error("what it is made of is no longer kept")]
    NotKept,
    #[error("{reasons}")]
    Refused { reasons: String, remarks: Remarks },
    #[error("nothing came of it")]
    Nothing,
}

impl Deliverer {
    /// Makes the documents of a unit, where what they are made of is kept from `kept_from` on. Changes nothing.
    pub(super) async fn make(
        &self,
        unit: &Unit,
        kept_from: Timestamp,
    ) -> Result<Result<Made, NotMade>, StoreError> {
        let report = self.sink.reports().iter().find(|report| report.encoder.name == &*unit.report);
        let Some(report) = report else { return Ok(Err(NotMade::NotTaken)) };
        if unit.interval_start < kept_from {
            return Ok(Err(NotMade::NotKept));
        }
        let known = self.known_of(unit.interval_start, report).await?;
        let mut encoded = (report.encoder.encode)(&known);
        let remarks = Remarks { unmapped: encoded.unmapped, notes: encoded.notes };
        if let Some(refused) = encoded.refused.pop() {
            return Ok(Err(NotMade::Refused { reasons: refused.reasons.join("; "), remarks }));
        }
        if encoded.documents.is_empty() {
            return Ok(Err(NotMade::Nothing));
        }
        let digest = digest_of(&encoded.documents, DIGEST);
        Ok(Ok(Made { encoder: report.encoder, documents: encoded.documents, digest, remarks }))
    }
}
