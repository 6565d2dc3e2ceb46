//! The clock of a hub under test: it stands where a test puts it. Each test has its own, since a test and its hub share
//! one thread.

use std::cell::Cell;

use pegboard_model::Timestamp;

thread_local! {
    static NOW: Cell<Timestamp> = const { Cell::new(Timestamp::from_millis(0)) };
}

pub(crate) fn set(now: Timestamp) {
    NOW.set(now);
}

/// For the hub.
pub(crate) fn now() -> Timestamp {
    NOW.get()
}

/// For the store, which has threads of its own: noon of the simulated day.
pub(crate) fn noon() -> Timestamp {
    "2026-03-02T12:00:00Z".parse().unwrap()
}
