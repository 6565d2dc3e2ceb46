//! How often TaskRouter is asked: it counts requests of the workspace, and most of them are the site's own.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use pegboard_net::RateLimit;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep};

/// The most requests a second that a site may allow.
pub const MOST_PER_SECOND: u32 = 50;

/// The most requests at once that a site may allow.
pub const MOST_AT_ONCE: u32 = 10;

/// How long nothing is asked once an answer has said that nothing is left of the limit.
const NOTHING_LEFT: Duration = Duration::from_secs(1);

/// The hub's part of what a workspace may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    per_second: u32,
    at_once: u32,
}

/// Why that is no pace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("1 to {MOST_PER_SECOND} requests a second and 1 to {MOST_AT_ONCE} at once can be made of TaskRouter")]
pub struct InvalidPace;

impl Default for Pace {
    /// The usual one.
    fn default() -> Self {
        Self::USUAL
    }
}

impl Pace {
    /// Five requests a second, two at once.
    pub const USUAL: Self = Self { per_second: 5, at_once: 2 };

    /// How many requests a second.
    pub const fn per_second(self) -> u32 {
        self.per_second
    }

    /// How many at once.
    pub const fn at_once(self) -> u32 {
        self.at_once
    }

    /// So many requests a second on average, and so many on their way at once.
    pub const fn new(per_second: u32, at_once: u32) -> Result<Self, InvalidPace> {
        let possible =
            per_second >= 1 && per_second <= MOST_PER_SECOND && at_once >= 1 && at_once <= MOST_AT_ONCE;
        if possible { Ok(Self { per_second, at_once }) } else { Err(InvalidPace) }
    }
}

#[cfg(test)]
impl Pace {
    /// One that tests need not wait for.
    pub(super) const UNHURRIED: Self = Self { per_second: 1_000_000, at_once: 2 };
}

/// What was asked, and what TaskRouter says of its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// How many requests were made.
    pub asked: u64,
    /// How many of them were too many (429).
    pub throttled: u64,
    /// `X-Rate-Limit-Limit` of the last answer that had one.
    pub limit: Option<u64>,
    /// `X-Rate-Limit-Remaining` of the last answer that had one.
    pub remaining: Option<u64>,
}

/// Lets requests go, one after the other.
#[derive(Debug)]
pub(super) struct Budget {
    places: Semaphore,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    rate: RateLimit,
    /// Nothing is asked before.
    held_until: Option<Instant>,
    usage: Usage,
}

impl Budget {
    pub(super) fn new(pace: Pace) -> Self {
        let rate = RateLimit::new(pace.per_second, pace.at_once);
        let state = State { rate, held_until: None, usage: Usage::default() };
        let places = usize::try_from(pace.at_once).unwrap_or(1);
        Self { places: Semaphore::new(places), state: Mutex::new(state) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the turn of a request, which lasts as long as what comes out. Cancel-safe.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed.
        let place = self.places.acquire().await.ok();
        while let Err(wait) = self.take(Instant::now()) {
            sleep(wait).await;
        }
        place
    }

    fn take(&self, now: Instant) -> Result<(), Duration> {
        let mut state = self.lock();
        if let Some(held) = state.held_until.filter(|held| *held > now) {
            return Err(held - now);
        }
        state.rate.take(now)?;
        state.usage.asked += 1;
        Ok(())
    }

    /// Nobody asks for that long.
    pub(super) fn hold(&self, pause: Duration) {
        let until = Instant::now() + pause;
        let mut state = self.lock();
        state.held_until = Some(state.held_until.map_or(until, |held| held.max(until)));
    }

    /// Takes note of what an answer says of limits.
    pub(super) fn note(&self, headers: &HeaderMap, throttled: bool) {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
        let (limit, remaining) = (number("x-rate-limit-limit"), number("x-rate-limit-remaining"));
        {
            let mut state = self.lock();
            state.usage.limit = limit.or(state.usage.limit);
            state.usage.remaining = remaining.or(state.usage.remaining);
            state.usage.throttled += u64::from(throttled);
        }
        if remaining == Some(0) {
            self.hold(NOTHING_LEFT);
        }
    }

    pub(super) fn usage(&self) -> Usage {
        self.lock().usage
    }
}
