//! Sinks that are no longer configured: what waits for them waits for nobody.

use pegboard_model::{SinkName, Timestamp};
use pegboard_store::{DeliveryNote, DeliveryTry, LedgerFilter, Settle, Store, StoreError, TryOutcome};

/// How many units are parked in one step.
const STEP: usize = 1000;

/// Why they are.
const REASON: &str = "the sink is no longer configured";

/// Parks what waits for sinks that are not among those that are configured. Each is taken over, so that nobody delivers to it any
/// more.
pub(in crate::runtime) async fn park(
    store: &dyn Store,
    configured: &[SinkName],
    now: Timestamp,
) -> Result<(), StoreError> {
    for sink in store.known_sinks().await? {
        if !configured.contains(&sink) {
            park_all(store, sink, now).await?;
        }
    }
    Ok(())
}

async fn park_all(store: &dyn Store, sink: SinkName, now: Timestamp) -> Result<(), StoreError> {
    if store.due_deliveries(&sink, Timestamp::MAX, 1).await?.is_empty() {
        return Ok(());
    }
    let epoch = store.take_sink(&sink).await?.epoch;
    loop {
        let waiting = store.due_deliveries(&sink, Timestamp::MAX, STEP).await?;
        if waiting.is_empty() {
            tracing::warn!(sink.name = %sink, "{REASON}: what waited for it is parked");
            return Ok(());
        }
        let parked = waiting.into_iter().map(|delivery| DeliveryTry {
            unit: delivery.unit,
            changes: delivery.changes,
            revision: delivery.revision,
            digest: delivery.digest,
            at: now,
            outcome: TryOutcome::Parked { reason: REASON.into() },
        });
        let tried = parked.collect();
        store.note_deliveries(DeliveryNote { tried, ..DeliveryNote::new(sink.clone(), epoch) }).await?;
    }
}

/// What was parked because the sink was not configured is sent, for it is again.
pub(super) async fn unpark(store: &dyn Store, sink: &SinkName, now: Timestamp) -> Result<(), StoreError> {
    let filter = LedgerFilter { reason: Some(REASON.into()), ..LedgerFilter::default() };
    store.settle_deliveries(sink, &filter, Settle::Retry, now).await?;
    Ok(())
}
