//! How fast requests may follow each other.

use std::time::Duration;

use tokio::time::Instant;

/// A steady pace, of which a few requests may be ahead.
///
/// Amazon Connect allows two requests a second for each operation, and five at once, to all callers of an account
/// and region together (API reference, "Amazon Connect service quotas"); others must be left their part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The pause from one request to the next in the long run.
    pub every: Duration,
    /// How many may be made at once after a rest.
    pub at_once: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self { every: Duration::from_millis(600), at_once: 3 }
    }
}

/// When the next request is due.
#[derive(Debug, Default)]
pub(super) struct Paced {
    /// When the allowance is whole again, but for what may be ahead of it.
    due: Option<Instant>,
}

impl Paced {
    /// Takes the next place; answers when that is.
    pub(super) fn take(&mut self, pace: Pace, now: Instant) -> Instant {
        let ahead = pace.every * pace.at_once.saturating_sub(1);
        let due = self.due.map_or(now, |due| due.max(now));
        self.due = Some(due + pace.every);
        due.checked_sub(ahead).map_or(now, |start| start.max(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r28_a_few_go_at_once_and_the_others_at_the_pace() {
        let pace = Pace { every: Duration::from_millis(600), at_once: 3 };
        let (mut paced, start) = (Paced::default(), Instant::now());
        let taken: Vec<_> = (0..6).map(|_| (paced.take(pace, start) - start).as_millis()).collect();
        assert_eq!(taken, [0, 0, 0, 600, 1200, 1800]);
        let later = start + Duration::from_mins(1);
        let again: Vec<_> = (0..4).map(|_| (paced.take(pace, later) - later).as_millis()).collect();
        assert_eq!(again, [0, 0, 0, 600], "a rest fills the allowance, and no further");
    }
}
