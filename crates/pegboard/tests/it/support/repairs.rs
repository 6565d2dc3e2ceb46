//! What stands in the evidence of an agent that no stream has told.

use pegboard::runtime::reconcile::is_lane;
use pegboard_model::{Observation, What};

fn is_repair(seen: &Observation) -> bool {
    is_lane(&seen.order.partition) && !matches!(seen.what, What::Confirmation(_))
}

/// What a platform showed that had been missed.
pub(crate) fn repairs(evidence: &[Observation]) -> impl Iterator<Item = &Observation> {
    evidence.iter().filter(|seen| is_repair(seen))
}

/// Two repairs that follow each other and say the same: the second is one too many.
pub(crate) fn said_twice(evidence: &[Observation]) -> Option<&[Observation]> {
    evidence.windows(2).find(|pair| pair.iter().all(is_repair) && says_the_same(&pair[0].what, &pair[1].what))
}

fn says_the_same(one: &What, other: &What) -> bool {
    match (one, other) {
        (What::Snapshot(one), What::Snapshot(other)) => {
            (&one.status, &one.contacts) == (&other.status, &other.contacts)
        }
        (What::SignOut(_), What::SignOut(_)) => true,
        _ => false,
    }
}
