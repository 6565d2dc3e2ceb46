//! Which window of events is asked for next, and up to when they are complete: pure.

use pegboard_model::{Millis, Timestamp};

use super::list::Window;
use crate::spec::Lost;

/// How far back Twilio has events.
pub const REACH: Millis = Millis::from_hours(30 * 24);

/// The shortest window that is asked for: Twilio reads whole seconds.
const SHORTEST: Millis = Millis::from_seconds(1);

/// How events are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RepairSettings {
    /// How much is asked for again at each poll, for what appeared late. At least as long as `settle`.
    pub overlap: Millis,
    /// How late an event may appear: what is younger is not said to be complete.
    pub settle: Millis,
    /// The longest window, while there is much to catch up with.
    pub longest: Millis,
    /// The pause between polls once nothing is left to catch up with.
    pub every: Millis,
}

impl Default for RepairSettings {
    /// Every minute, with an overlap of five, complete up to half a minute ago, an hour at once.
    fn default() -> Self {
        Self {
            overlap: Millis::from_minutes(5),
            settle: Millis::from_seconds(30),
            longest: Millis::from_hours(1),
            every: Millis::from_minutes(1),
        }
    }
}

/// A second with more events than are read of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("TaskRouter lists more events of one second ({0}) than the hub reads at once")]
pub struct TooDense(pub Timestamp);

/// What to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Next {
    /// The window.
    pub window: Window,
    /// Whether it reaches up to now.
    pub is_last: bool,
    /// A stretch before it that Twilio no longer has.
    pub lost: Option<Lost>,
}

/// How far the events of a workspace are known to be complete, and how that goes on.
///
/// Windows follow each other without a gap. One that ends in the present is complete up to `settle` before it only, and the next one
/// begins `overlap` before it.
#[derive(Debug, Clone)]
pub struct Repair {
    settings: RepairSettings,
    complete: Timestamp,
    from: Timestamp,
    span: Millis,
}

impl Repair {
    /// Goes on from the last time up to which everything is known.
    pub fn new(complete: Timestamp, settings: RepairSettings) -> Self {
        let overlap = settings.overlap.max(settings.settle);
        let longest = settings.longest.max(SHORTEST);
        let settings = RepairSettings { overlap, longest, ..settings };
        Self { settings, complete, from: complete - overlap, span: longest }
    }

    /// Up to when everything is known.
    pub const fn complete(&self) -> Timestamp {
        self.complete
    }

    /// From when on the next window asks.
    pub const fn asks_from(&self) -> Timestamp {
        self.from
    }

    /// How events are asked for.
    pub const fn settings(&self) -> &RepairSettings {
        &self.settings
    }

    /// The next window, at `now`.
    pub fn next(&self, now: Timestamp) -> Next {
        let oldest = now - REACH;
        let lost = (self.complete < oldest).then(|| Lost {
            from: Some(self.complete),
            to: Some(oldest),
            reason: "TaskRouter keeps events for 30 days".to_owned(),
        });
        // A clock that was put back asks for nothing that lies ahead.
        let from = self.from.max(oldest).min(now);
        let end = from + self.span;
        Next { window: Window { from, to: end.min(now) }, is_last: end >= now, lost }
    }

    /// A window had more events than are read: the next one is half as long.
    pub fn halve(&mut self, next: &Next) -> Result<(), TooDense> {
        let length = next.window.to.since(next.window.from);
        if length <= SHORTEST {
            return Err(TooDense(next.window.from));
        }
        self.span = Millis::new(length.get() / 2).max(SHORTEST);
        Ok(())
    }

    /// All of a window was read, first asked for at `asked`. `is_sparse` where a window of twice the length would have been read as well.
    pub fn took(&mut self, next: &Next, asked: Timestamp, is_sparse: bool) {
        // Of what lies ahead of Twilio's clock nobody can tell anything.
        let settled = next.window.to.min(asked - self.settings.settle);
        self.complete = self.complete.max(settled);
        self.from = if next.is_last { (asked - self.settings.overlap).min(settled) } else { settled };
        if is_sparse {
            self.span = Millis::new(self.span.get().saturating_mul(2)).min(self.settings.longest);
        }
    }
}
