//! How the delivery to a sink goes, for people.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pegboard_model::Timestamp;
use pegboard_sinks::{Lane, Outcome};
use pegboard_store::StoreError;
use serde::Serialize;

pub use super::events::EventLaneShown;

/// How a lane goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LaneShown {
    /// When something was accepted last.
    pub accepted_at: Option<Timestamp>,
    /// Documents that were accepted since the start.
    pub accepted: u64,
    /// How many tries failed in a row.
    pub failures: u64,
    /// Since when.
    pub failing_since: Option<Timestamp>,
    /// Why the last one did.
    pub error: Option<String>,
    /// What waits: agents with a state to send; units that are due.
    pub waiting: u64,
}

/// How a sink is delivered to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DeliveryShown {
    /// Whether this node delivers to it.
    pub ours: bool,
    /// Whether the target does not answer, so that it is only tried now and then.
    pub left_alone: bool,
    /// What has to be done before the target takes anything, if it has said so last.
    pub shut: Option<String>,
    /// When the target was last told that the hub lives, where it wants to be told.
    pub heartbeat_at: Option<Timestamp>,
    /// Present states.
    pub states: LaneShown,
    /// Reports.
    pub rows: LaneShown,
    /// Raw events, by lane and source.
    pub events: Vec<EventLaneShown>,
    /// Why the store failed, if it did last.
    pub store_error: Option<String>,
}

/// The same, as it goes.
#[derive(Debug, Default)]
pub(in crate::runtime) struct DeliveryStatus(Mutex<DeliveryShown>);

impl DeliveryStatus {
    fn lock(&self) -> MutexGuard<'_, DeliveryShown> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lane(&self, lane: Lane, change: impl FnOnce(&mut LaneShown)) {
        let mut shown = self.lock();
        change(match lane {
            Lane::States => &mut shown.states,
            Lane::Rows => &mut shown.rows,
        });
    }

    pub(in crate::runtime) fn show(&self) -> DeliveryShown {
        self.lock().clone()
    }

    pub(super) fn is_ours(&self) {
        let mut shown = self.lock();
        shown.ours = true;
        shown.store_error = None;
    }

    pub(super) fn is_anothers(&self) {
        *self.lock() = DeliveryShown::default();
    }

    pub(super) fn beaten(&self, at: Timestamp) {
        self.lock().heartbeat_at = Some(at);
    }

    /// What the target says of being asked at all.
    pub(super) fn answered(&self, outcome: &Outcome) {
        self.lock().shut = match outcome {
            Outcome::Shut { reason } => Some(reason.clone()),
            _ => None,
        };
    }

    pub(super) fn store_failed(&self, error: &StoreError) {
        self.lock().store_error = Some(error.to_string());
    }

    pub(super) fn waiting(&self, lane: Lane, waiting: usize) {
        self.lane(lane, |lane| lane.waiting = waiting as u64);
    }

    pub(super) fn accepted(&self, lane: Lane, at: Timestamp) {
        self.lane(lane, |lane| {
            let (accepted, waiting) = (lane.accepted + 1, lane.waiting);
            *lane = LaneShown { accepted_at: Some(at), accepted, waiting, ..LaneShown::default() };
        });
    }

    /// Answers how many failures in a row that makes.
    pub(super) fn failed(&self, lane: Lane, at: Timestamp, error: &str) -> u64 {
        let mut failures = 0;
        self.lane(lane, |lane| {
            lane.failures += 1;
            lane.failing_since.get_or_insert(at);
            lane.error = Some(error.to_owned());
            failures = lane.failures;
        });
        failures
    }
}
