//! Outlets: whom alarms are told.
//!
//! Each has a task of its own, on the node that watches over alarms, so that one that does not answer delays no other. What
//! it was told is noted in the store once it has taken it: after a crash it is told again, under the same id.

mod mail;
mod message;
mod telling;
mod webhook;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use pegboard_model::{Text, Timestamp};
use pegboard_store::{Alarm, AlarmsAsked, Store, StoreError, Told};
use tokio::time::Instant;

pub use self::mail::MailOutlet;
pub use self::telling::{MOST_TOLD, PATIENCE, Telling};
pub use self::webhook::Webhook;

use self::telling::{due, message_id};
use super::condition::{Condition, Severity};
use super::standing::Standing;
use crate::clock::Clock;
use crate::runtime::watch;

/// How many alarms that are over are looked at, the newest first.
const LOOKED_AT: usize = 1000;

/// The pause after the first failure; each further one doubles it.
const FIRST_PAUSE: Duration = Duration::from_secs(5);

/// The longest pause after a failure.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// The longest pause that an outlet may ask for.
const LONGEST_ASKED: Duration = Duration::from_hours(1);

/// What an outlet is told at once.
#[derive(Debug, Clone, Copy)]
pub struct Notice<'a> {
    /// By what it knows the notice again.
    pub id: &'a str,
    /// When.
    pub at: Timestamp,
    /// Of what, [`MOST_TOLD`] alarms at most.
    pub telling: &'a [Telling<'a>],
}

/// Why an outlet was not told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotTold {
    /// Why, and who says so.
    pub reason: String,
    /// After how long it asks to be told again.
    pub after: Option<Duration>,
}

/// Whom alarms are told.
#[async_trait]
pub trait Outlet: Send + Sync + std::fmt::Debug {
    /// Tells it. It has time-outs of its own.
    async fn tell(&self, notice: Notice<'_>) -> Result<(), NotTold>;
}

/// An outlet, and what it is told.
#[derive(Debug, Clone)]
pub struct OutletSetup {
    /// Its name: what it was told is kept under it.
    pub name: Text,
    /// What is less bad is not told.
    pub severity: Severity,
    /// How long after one message the next may follow: what happens meanwhile is told together.
    pub pause: Duration,
    /// The outlet itself.
    pub outlet: Arc<dyn Outlet>,
}

/// Tells one outlet.
#[derive(Debug)]
pub(in crate::runtime) struct Teller {
    setup: OutletSetup,
    store: Arc<dyn Store>,
    clock: Clock,
    failing: Mutex<Option<Failing>>,
}

#[derive(Debug, Clone)]
struct Failing {
    since: Timestamp,
    times: u32,
    reason: String,
}

/// What a turn came to.
enum Turn {
    Nothing,
    Told,
    Failed(Duration),
}

impl Teller {
    pub(in crate::runtime) fn new(setup: OutletSetup, store: Arc<dyn Store>, clock: Clock) -> Self {
        Self { setup, store, clock, failing: Mutex::default() }
    }

    /// What is wrong with it, if anything is.
    pub(in crate::runtime) fn standing(&self) -> Option<Standing> {
        let Failing { since, times, reason } = self.failing()?;
        let text = format!("{times} tries in a row have failed, the last because of: {reason}");
        let standing = Standing::new(Condition::OutletFailing, &*self.setup.name, text);
        Some(Standing { since: Some(since), ..standing })
    }

    fn failing(&self) -> Option<Failing> {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, failing: Option<Failing>) {
        *self.failing.lock().unwrap_or_else(PoisonError::into_inner) = failing;
    }

    /// Tells what is due.
    async fn turn(&self) -> Result<Turn, StoreError> {
        let (name, now) = (&*self.setup.name, (self.clock)());
        let known = self.store.know_outlet(name, now).await?;
        let alarms = self.alarms().await?;
        let ids: Vec<u64> = alarms.iter().map(|alarm| alarm.id).collect();
        let told = self.store.told(name, &ids).await?;
        let telling = due(&alarms, &told, known, self.setup.severity, now);
        if telling.is_empty() {
            return Ok(Turn::Nothing);
        }
        let notice = Notice { id: &message_id(&telling), at: now, telling: &telling };
        match self.setup.outlet.tell(notice).await {
            Ok(()) => {
                self.note(None);
                let told: Vec<Told> = telling.iter().map(Telling::told).collect();
                self.store.note_told(name, &told, now).await?;
                Ok(Turn::Told)
            }
            Err(not_told) => Ok(Turn::Failed(self.failed(not_told, now))),
        }
    }

    /// The alarms that are open, and those that were over last.
    async fn alarms(&self) -> Result<Vec<Alarm>, StoreError> {
        let mut alarms = super::open(&*self.store).await?;
        let newest = self.store.alarms(AlarmsAsked { limit: LOOKED_AT, ..AlarmsAsked::default() }).await?;
        // One that was just over is in both, as it was and as it is.
        alarms.retain(|alarm| newest.iter().all(|known| known.id != alarm.id));
        alarms.extend(newest);
        Ok(alarms)
    }

    /// Takes note of a failure; answers how long to wait.
    fn failed(&self, NotTold { reason, after }: NotTold, now: Timestamp) -> Duration {
        tracing::warn!(outlet = &*self.setup.name, "cannot tell alarms: {reason}");
        let before = self.failing();
        let times = before.as_ref().map_or(0, |failing| failing.times) + 1;
        let since = before.map_or(now, |failing| failing.since);
        self.note(Some(Failing { since, times, reason }));
        pause_after(times, after)
    }
}

/// How long to wait after so many failures in a row.
fn pause_after(times: u32, asked: Option<Duration>) -> Duration {
    let doubled = FIRST_PAUSE * 2_u32.saturating_pow(times.saturating_sub(1).min(10));
    let own = doubled.min(LONGEST_PAUSE);
    asked.map_or(own, |asked| asked.clamp(own, LONGEST_ASKED.max(own)))
}

/// Tells until `stop` turns true, while `leads` is.
pub(in crate::runtime) async fn run(
    teller: Arc<Teller>,
    leads: watch::Receiver<bool>,
    every: Duration,
    mut stop: watch::Receiver<bool>,
) {
    let mut next = Instant::now();
    while !*stop.borrow() {
        if *leads.borrow() && Instant::now() >= next {
            // Dropped half-way it is told again.
            let turn = tokio::select! {
                biased;
                _ = stop.changed() => break,
                turn = teller.turn() => turn,
            };
            next = Instant::now()
                + match turn {
                    Ok(Turn::Nothing) => Duration::ZERO,
                    Ok(Turn::Told) => teller.setup.pause,
                    Ok(Turn::Failed(pause)) => pause,
                    Err(error) => {
                        tracing::warn!(outlet = &*teller.setup.name, "cannot tell alarms: {error}");
                        FIRST_PAUSE
                    }
                };
        }
        tokio::select! {
            biased;
            _ = stop.changed() => {}
            () = tokio::time::sleep(every) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_grows_to_five_minutes_and_an_outlet_may_ask_for_an_hour() {
        let own = |times| pause_after(times, None).as_secs();
        assert_eq!([1, 2, 3, 6, 7, 99].map(own), [5, 10, 20, 160, 300, 300]);
        let asked = |seconds| pause_after(3, Some(Duration::from_secs(seconds))).as_secs();
        assert_eq!([1, 60, 9999].map(asked), [20, 60, 3600]);
    }
}
