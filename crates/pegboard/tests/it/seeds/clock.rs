//! The one clock of a simulation. Its time passes only while nothing else is to be done, many times as fast as that of
//! tokio: polls, pauses and time-outs of the hub are far apart, as they are in a real day.

use std::cell::Cell;
use std::sync::atomic::{AtomicI64, Ordering};

use pegboard_model::{Millis, Timestamp};
use tokio::time::Instant;

#[derive(Debug, Clone, Copy)]
struct Running {
    began: Timestamp,
    since: Instant,
    speed: i64,
}

thread_local! {
    static RUNNING: Cell<Option<Running>> = const { Cell::new(None) };
    /// Where time stands still, while another runtime is waited for whose time is another.
    static HELD: Cell<Option<Instant>> = const { Cell::new(None) };
    /// How far the machine of the hub is ahead of the contact centre.
    static AHEAD: Cell<Millis> = const { Cell::new(Millis::ZERO) };
}

/// What the hub's clock showed at the last call of the store, whose threads cannot see the others.
static SHOWN: AtomicI64 = AtomicI64::new(0);

/// Lets time pass from `began` on, within the present runtime.
pub(super) fn start(began: Timestamp, speed: i64) {
    RUNNING.set(Some(Running { began, since: Instant::now(), speed }));
}

/// Lets time stand still until it is [released](release).
pub(super) fn hold() {
    HELD.set(Some(Instant::now()));
}

/// Lets time pass again.
pub(super) fn release() {
    HELD.set(None);
}

/// The time of the contact centre.
pub(super) fn centre() -> Timestamp {
    let Running { began, since, speed } = RUNNING.get().expect("the clock was started");
    let now = HELD.get().unwrap_or_else(Instant::now);
    let passed = i64::try_from(now.duration_since(since).as_millis()).expect("a simulation is short");
    began + Millis::new(passed * speed)
}

/// The time of the machine that the hub runs on.
pub(super) fn hub() -> Timestamp {
    centre() + AHEAD.get()
}

/// The hub's time, for the threads of the store.
pub(super) fn store() -> Timestamp {
    Timestamp::from_millis(SHOWN.load(Ordering::SeqCst))
}

/// Shows the hub's time to the store.
pub(super) fn show_to_store() {
    SHOWN.store(hub().as_millis(), Ordering::SeqCst);
}

/// Sets the machine's clock.
pub(super) fn step_to(ahead: Millis) {
    AHEAD.set(ahead);
}
