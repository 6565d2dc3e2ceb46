//! The events of a workspace, window after window.

use std::time::Duration;

use pegboard_model::{Millis, Timestamp};
use tokio::time::{Instant, sleep_until};

use super::events::{EventRecord, EventsRead};
use super::given::{Given, Posted};
use super::repair::{Repair, RepairSettings};
use super::task_router::{MOST_EVENT_PAGES, TaskRouter};
use crate::sources::file::Clock;
use crate::sources::twilio::MAX_EVENTS;
use crate::spec::{Lost, SourceError};

/// How many events make a window sparse.
const SPARSE: usize = MOST_EVENT_PAGES * MAX_EVENTS / 4;

/// What a poll gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Polled {
    /// Events in order of time, each as the text of its record. Those that an earlier poll gave, or that were posted, are left
    /// out, as long as they are remembered.
    pub events: Vec<Vec<u8>>,
    /// Everything that happened up to then was given, by this poll or an earlier one.
    pub complete_until: Timestamp,
    /// A stretch that is no longer to be had.
    pub lost: Option<Lost>,
    /// Whether everything up to now was asked for; otherwise the next poll comes at once.
    pub is_caught_up: bool,
}

/// Asks for the events of a workspace, again and again.
pub struct EventsPoller {
    task_router: TaskRouter,
    repair: Repair,
    clock: Clock,
    given: Given,
    posted: Posted,
    /// When it is time for the next poll.
    due: Option<Instant>,
}

impl std::fmt::Debug for EventsPoller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let given = self.given.len();
        f.debug_struct("EventsPoller")
            .field("repair", &self.repair)
            .field("given", &given)
            .finish_non_exhaustive()
    }
}

impl EventsPoller {
    /// Polls what happened after the time up to which everything is known.
    pub fn new(task_router: TaskRouter, complete: Timestamp, settings: RepairSettings, clock: Clock) -> Self {
        let repair = Repair::new(complete, settings);
        let (given, posted) = (Given::default(), Posted::default());
        Self { task_router, repair, clock, given, posted, due: None }
    }

    /// The same, which leaves out what was posted.
    #[must_use]
    pub fn leaving_out(self, posted: Posted) -> Self {
        Self { posted, ..self }
    }

    /// Goes back to an earlier time up to which everything is known, and forgets what it gave: for whoever could not keep that.
    pub fn go_back(&mut self, complete: Timestamp) {
        self.repair = Repair::new(complete, *self.repair.settings());
        self.given = Given::default();
        self.due = None;
    }

    /// Waits until it is time to ask, and asks. After an error the next call asks for the same. Cancel-safe: what a call that was given up has read,
    /// the next one reads again.
    pub async fn next(&mut self) -> Result<Polled, SourceError> {
        if let Some(due) = self.due {
            sleep_until(due).await;
        }
        loop {
            let next = self.repair.next((self.clock)());
            let EventsRead { records, asked, whole } = self.task_router.events(next.window).await?;
            if !whole {
                self.repair.halve(&next).map_err(|error| SourceError::permanent(error.to_string()))?;
                continue;
            }
            self.repair.took(&next, asked, records.len() <= SPARSE);
            let every = Duration::from_millis(self.repair.settings().every.get().try_into().unwrap_or(0));
            self.due = next.is_last.then(|| Instant::now() + every);
            return Ok(Polled {
                events: self.new_of(records),
                complete_until: self.repair.complete(),
                lost: next.lost,
                is_caught_up: next.is_last,
            });
        }
    }

    /// Those that were not given yet, in order of time. One that does not say who or when it is comes always.
    fn new_of(&mut self, mut records: Vec<EventRecord>) -> Vec<Vec<u8>> {
        // Windows are widened to whole seconds.
        let asked_again = self.repair.asks_from() - Millis::from_seconds(1);
        self.given.forget_before(asked_again);
        self.posted.forget_before(asked_again);
        records.sort_by_key(|record| record.at);
        let mut fresh = Vec::with_capacity(records.len());
        for EventRecord { sid, at, json } in records {
            let is_new =
                sid.zip(at).is_none_or(|(sid, at)| !self.posted.has(&sid) && self.given.is_new(sid, at));
            if is_new {
                fresh.push(json);
            }
        }
        fresh
    }
}
