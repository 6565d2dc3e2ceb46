//! The machine's clock: the one place that reads it.

use std::time::{SystemTime, UNIX_EPOCH};

use pegboard_model::Timestamp;

/// The present instant. Everything that needs the time takes one of these, so that tests and simulations can
/// bring their own.
pub type Clock = fn() -> Timestamp;

/// The machine's clock.
#[expect(clippy::disallowed_methods, reason = "this is the clock that all others are replaced by")]
pub fn system() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
