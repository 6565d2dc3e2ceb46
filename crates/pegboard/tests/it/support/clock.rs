//! The clock of a hub under test: it stands where a test puts it. Each test has its own, since a test and its hub share
//! one thread.

use std::cell::Cell;
use std::sync::OnceLock;
use std::time::Instant;

use pegboard_model::{Millis, Timestamp};

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

/// For a store in which time passes: noon of the simulated day, and as much later as the process is old.
pub(crate) fn passing() -> Timestamp {
    static STARTED: OnceLock<Instant> = OnceLock::new();
    let passed = STARTED.get_or_init(Instant::now).elapsed();
    noon() + Millis::new(i64::try_from(passed.as_millis()).unwrap())
}

/// For the store, which has threads of its own: noon of the simulated day.
pub(crate) fn noon() -> Timestamp {
    "2026-03-02T12:00:00Z".parse().unwrap()
}
