//! How lanes of raw events go, for people.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pegboard_model::{SourceName, Timestamp};
use pegboard_sinks::EventLane;
use serde::Serialize;

use crate::runtime::deliver::status::LaneShown;

/// How a lane goes for a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventLaneShown {
    /// The lane, as the sink names it.
    pub lane: &'static str,
    /// The source.
    pub source: SourceName,
    /// How it goes: what was accepted are events, and so is what waits.
    #[serde(flatten)]
    pub shown: LaneShown,
    /// Events that the target could do nothing with, since the start.
    pub left_out: u64,
    /// Events that the store had let go of before the sink took them, since the start.
    pub lost: u64,
    /// What else there is to know.
    pub remark: Option<String>,
}

/// Which lane, of which source.
#[derive(Debug, Clone, Copy)]
pub(in crate::runtime::deliver) struct LaneOf<'a> {
    pub(super) lane: &'static str,
    pub(super) source: &'a SourceName,
}

/// The same of all lanes, as they go.
#[derive(Debug, Default)]
pub(in crate::runtime::deliver) struct EventStatus(Mutex<Vec<EventLaneShown>>);

impl EventStatus {
    fn lock(&self) -> MutexGuard<'_, Vec<EventLaneShown>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, of: LaneOf<'_>, change: impl FnOnce(&mut EventLaneShown)) {
        let mut lanes = self.lock();
        let known = lanes.iter().position(|known| known.lane == of.lane && known.source == *of.source);
        let index = known.unwrap_or_else(|| {
            let (lane, source, shown) = (of.lane, of.source.clone(), LaneShown::default());
            lanes.push(EventLaneShown { lane, source, shown, left_out: 0, lost: 0, remark: None });
            lanes.len() - 1
        });
        change(&mut lanes[index]);
    }

    pub(in crate::runtime::deliver) fn show(&self) -> Vec<EventLaneShown> {
        self.lock().clone()
    }

    /// Somebody else delivers.
    pub(in crate::runtime::deliver) fn clear(&self) {
        self.lock().clear();
    }

    /// The target takes what it is sent; so many events more are done with.
    pub(super) fn went_well(&self, of: LaneOf<'_>, at: Timestamp, events: u64, opened: &dyn EventLane) {
        self.change(of, |lane| {
            let LaneShown { accepted_at, accepted, waiting, failing_since, .. } = lane.shown;
            let accepted_at = if events > 0 { Some(at) } else { accepted_at };
            let accepted = accepted + events;
            lane.shown = LaneShown { accepted_at, accepted, waiting, ..LaneShown::default() };
            if let Some(trouble) = opened.trouble() {
                lane.shown.failing_since = failing_since.or(Some(at));
                (lane.shown.failures, lane.shown.error) = (1, Some(trouble));
            }
            (lane.left_out, lane.remark) = (opened.left_out(), opened.remark());
        });
    }

    pub(super) fn failed(&self, of: LaneOf<'_>, at: Timestamp, failures: u64, reason: &str) {
        self.change(of, |lane| {
            lane.shown.failures = failures;
            lane.shown.failing_since.get_or_insert(at);
            lane.shown.error = Some(reason.to_owned());
        });
    }

    pub(super) fn waiting(&self, of: LaneOf<'_>, events: u64) {
        self.change(of, |lane| lane.shown.waiting = events);
    }

    pub(super) fn lost(&self, of: LaneOf<'_>, events: u64) {
        self.change(of, |lane| lane.lost += events);
    }
}
