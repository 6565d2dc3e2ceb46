//! What waited for a row of the mapping goes out when there is one: intervals that were refused for a name, and, where what has no row
//! is held, those from which it was left out.
//!
//! This looks at what is listed and at the mapping that holds, and at nothing else, so that it does not matter who has edited what, on
//! which node, and whether this one has died meanwhile. A name is taken off the list last.

use pegboard_model::{Millis, Text, Timestamp};
use pegboard_sinks::UnmappedPolicy;
use pegboard_sinks::mapping::{MappedKind, Mapping};
use pegboard_store::{DeliveryNote, LedgerFilter, Settle, StoreError, Unit, UnmappedName, UnmappedSeen};

use super::Deliverer;
use crate::runtime::mapping::{listed_name, named};

/// The most names that are looked at: as many as are kept.
const MOST_LISTED: usize = 10_000;

/// The most reasons for which intervals are parked that are looked at.
const MOST_REASONS: usize = 10_000;

/// How many intervals are marked in one step.
const STEP: usize = 1000;

/// How long before something is seen an interval may begin that it is in: a report may be about a day.
const AROUND: Millis = Millis::from_hours(25);

/// Has everything sent that waited for a name that has a row by now, and takes these names off the list.
pub(super) async fn release(deliverer: &Deliverer, epoch: u64) -> Result<(), StoreError> {
    let (store, sink, held) = (&deliverer.store, &deliverer.name, deliverer.mapping());
    let listed = store.unmapped(sink, MOST_LISTED).await?;
    let named = named(&held.mapping, listed);
    if named.is_empty() {
        return Ok(());
    }
    let retried = retry(deliverer, &held.mapping, &named).await?;
    if held.mapping.settings.unmapped == UnmappedPolicy::Hold {
        make_again(deliverer, epoch, &named).await?;
    }
    let (names, count) = (named.into_iter().map(UnmappedName::from).collect(), retried);
    store.forget_unmapped_names(sink, names).await?;
    tracing::info!(sink.name = %sink, intervals = count, "names have a row by now: what waited for them is sent");
    Ok(())
}

/// Retries the intervals whose reason tells of one of the names.
async fn retry(deliverer: &Deliverer, mapping: &Mapping, named: &[UnmappedSeen]) -> Result<u64, StoreError> {
    let (store, sink) = (&deliverer.store, &deliverer.name);
    let told: Vec<Text> =
        named.iter().filter_map(listed_name).flat_map(|name| mapping.told_as(name)).collect();
    let mut retried = 0;
    for line in store.parked(sink, MOST_REASONS).await? {
        if told.iter().any(|name| tells_of(&line.reason, name)) {
            let (report, reason) = (Some(line.report), Some(line.reason));
            let filter = LedgerFilter { report, reason, ..LedgerFilter::default() };
            retried += store.settle_deliveries(sink, &filter, Settle::Retry, deliverer.now()).await?;
        }
    }
    Ok(retried)
}

/// Has the intervals made again in which the names were seen. One whose content is the same is not sent.
async fn make_again(deliverer: &Deliverer, epoch: u64, named: &[UnmappedSeen]) -> Result<(), StoreError> {
    let in_reports =
        || named.iter().filter(|seen| MappedKind::from_name(&seen.kind) != Some(MappedKind::State));
    let first = in_reports().map(|seen| seen.first).min();
    let (Some(first), Some(last)) = (first, in_reports().map(|seen| seen.last).max()) else { return Ok(()) };
    let filter = LedgerFilter { from: first - AROUND, to: last + Millis::new(1), ..LedgerFilter::default() };
    let mut before: Option<Unit> = None;
    loop {
        let page = deliverer.store.deliveries(&deliverer.name, &filter, before.as_ref(), STEP).await?;
        let Some(oldest) = page.last() else { return Ok(()) };
        before = Some(oldest.unit.clone());
        let due: Timestamp = deliverer.now();
        let changed = page.into_iter().map(|delivery| (delivery.unit, due)).collect();
        let note = DeliveryNote { changed, ..DeliveryNote::new(deliverer.name.clone(), epoch) };
        deliverer.store.note_deliveries(note).await?;
    }
}

/// Whether a reason has a name in it, as a word of its own.
fn tells_of(reason: &str, name: &str) -> bool {
    let is_part = |character: char| character.is_alphanumeric() || matches!(character, '-' | '_' | '.');
    reason.match_indices(name).any(|(at, _)| {
        let (before, after) = (reason[..at].chars().next_back(), reason[at + name.len()..].chars().next());
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_tells_of_a_name_that_stands_by_itself() {
        for (reason, name, is_told) in [
            ("q-1: queueReport[0].queueId: no such queue", "q-1", true),
            ("no such queue \"q-1\"", "q-1", true),
            ("q-12: no such queue", "q-1", false),
            ("my-q-1: no such queue", "q-1", false),
            ("Sales (Nord): unknown", "Sales (Nord)", true),
            ("status 503", "q-1", false),
        ] {
            assert_eq!(tells_of(reason, name), is_told, "{reason}");
        }
    }
}
