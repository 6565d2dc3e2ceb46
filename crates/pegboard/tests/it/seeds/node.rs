//! One node of the hub, as its readers see it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use pegboard::runtime::hub::{Hub, Running};
use pegboard::runtime::view::{Health, ReconcilerStatus, View as _};
use pegboard_model::{SourceName, Timestamp};
use tokio::time::Instant;

use super::journal::Journal;

/// How long an orderly stop may take.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// Up to when each source is known, or closed.
pub(super) type Until = BTreeMap<SourceName, Timestamp>;

pub(super) struct Node {
    pub(super) hub: Arc<Hub>,
    running: Running,
    watermarks: Until,
    closed_until: Until,
    /// How its looks at platforms do, if it is the one that looks.
    reconcilers: BTreeMap<SourceName, ReconcilerStatus>,
}

impl Node {
    /// A node that has just been started, of a hub that has shown `closed_until`.
    pub(super) fn new((hub, running): (Arc<Hub>, Running), closed_until: Until) -> Self {
        Self { hub, running, watermarks: Until::new(), closed_until, reconcilers: BTreeMap::new() }
    }

    /// Looks at how its sources do. What it shows as known or closed never goes back.
    pub(super) async fn observe(&mut self, journal: &Journal) {
        let Ok(sources) = self.hub.sources().await else { return };
        for source in sources {
            let what = || format!("{} stays stopped: {:?}", source.name, source.error);
            journal.check(source.health != Health::Stopped, what);
            if let Some(reconciler) = source.reconciler {
                self.reconcilers.insert(source.name.clone(), reconciler);
            }
            for (what, now, known) in [
                ("watermark", source.watermark, &mut self.watermarks),
                ("closed intervals", source.closed_until, &mut self.closed_until),
            ] {
                let Some(now) = now else { continue };
                let before = known.insert(source.name.clone(), now).unwrap_or(now);
                journal
                    .check(before <= now, || format!("{what} of {} went back: {before}, {now}", source.name));
            }
        }
    }

    /// Of how many agents the stream insists on something else than the platform shows.
    pub(super) fn disputed(&self) -> u64 {
        self.reconcilers.values().map(|reconciler| reconciler.disputed).sum()
    }

    /// What it has shown as closed.
    pub(super) fn closed_until(&self) -> &Until {
        &self.closed_until
    }

    /// Whether it has shown a source as known up to one instant, and closed up to another.
    pub(super) fn has_shown(&self, source: &SourceName, known: Timestamp, closed: Timestamp) -> bool {
        let reaches = |shown: &Until, end| shown.get(source).is_some_and(|until| end <= *until);
        reaches(&self.watermarks, known) && reaches(&self.closed_until, closed)
    }

    /// Stops it in order, and the store with it.
    pub(super) async fn stop(self, journal: &Journal) {
        let began = Instant::now();
        let stopped = self.running.stop().await;
        let took = began.elapsed();
        journal.check(stopped.is_ok() && took <= STOP_WITHIN, || format!("stopped in {took:?}: {stopped:?}"));
    }

    /// Stops it in order; the store and other nodes go on.
    pub(super) async fn leave(self, journal: &Journal) {
        let began = Instant::now();
        self.running.leave().await;
        let took = began.elapsed();
        journal.check(took <= STOP_WITHIN, || format!("left in {took:?}"));
    }
}
