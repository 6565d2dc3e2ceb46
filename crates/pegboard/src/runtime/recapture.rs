//! When the day before is captured again.
//!
//! The node that leads the source asks for it as for any [reload](super::reload): that holds the day, has the source read it once
//! more, as far as it can, and swaps the rows that follow from all there is then, as a whole. Here is when, and on which nodes the
//! source reads.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use pegboard_engine::Window;
use pegboard_model::{Millis, Timestamp};
use pegboard_store::{ReloadWrite, RowsOf, StoreError, failpoint};

use super::local_day::local_day;
use super::reload::{MOST_OPEN, ReloadProgress, ReloadRequest};
use super::source::Shared;
use super::watch;

/// How often there is a look whether it is time.
const EVERY: Duration = Duration::from_secs(5);

/// Who asks for it.
const BY: &str = "recapture";

/// Among how many of the latest reloads of a source it is looked for whether one is done already.
const LATEST: usize = 100;

/// Has the source read the day before once more whenever it is time, until `stop` turns true; after a start once for the time
/// before it. Where there are rows to be swapped, the node that leads does so when it has the day held.
pub(super) async fn run(shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    let Some(time) = shared.config.recapture_at else { return };
    while !*stop.borrow() {
        let leads = *shared.leads.borrow() || shared.node.is_alone();
        let is_swapped = leads && is_anything_closed(&shared);
        let due = due(&shared.config.time_zone, time, (shared.clock)());
        if let Some(due) = due.filter(|_| !is_swapped) {
            read_again(&shared, due.at, due.day.from);
        }
        tokio::select! {
            biased;
            _ = stop.changed() => {}
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// Has the source read once more what was written at or after `from`, unless it was asked to for this recapture.
pub(super) fn read_again(shared: &Shared, due: Timestamp, from: Timestamp) {
    if shared.read_again.fetch_max(due.as_millis(), Ordering::SeqCst) < due.as_millis() {
        shared.source.capture_again(from);
    }
}

fn is_anything_closed(shared: &Shared) -> bool {
    RowsOf::ALL.iter().any(|rows| shared.status.closed_until().get(*rows).is_some())
}

/// Asks for the recapture that is due, once its day is closed, and once only. Notes in `asked` which that was.
pub(super) async fn ask(shared: &Shared, asked: &mut Option<Timestamp>) -> Result<(), StoreError> {
    let Some(time) = shared.config.recapture_at else { return Ok(()) };
    let due = due(&shared.config.time_zone, time, (shared.clock)());
    let Some(due) = due.filter(|due| *asked < Some(due.at)) else { return Ok(()) };
    let closed = shared.status.closed_until();
    let is_open = |rows: &RowsOf| closed.get(*rows).is_some_and(|until| until < due.day.to);
    if !is_anything_closed(shared) || RowsOf::ALL.iter().any(is_open) {
        return Ok(());
    }
    let (store, source) = (&shared.store, &shared.config.name);
    let latest = store.reloads(std::slice::from_ref(source), None, false, LATEST).await?;
    let is_it = |request: ReloadRequest| request.recapture == Some(due.at);
    if latest.iter().any(|reload| ReloadRequest::read(&reload.asked).is_ok_and(is_it)) {
        *asked = Some(due.at);
        return Ok(());
    }
    let request =
        ReloadRequest { recapture: Some(due.at), ..ReloadRequest::of_day(source.clone(), due.date) };
    let progress = ReloadProgress { by: BY.to_owned(), days: 1, ..ReloadProgress::default() };
    let write = ReloadWrite {
        source: source.clone(),
        at: (shared.clock)(),
        asked: request.to_json(),
        progress: progress.to_json(),
    };
    if store.add_reload(write, MOST_OPEN).await?.is_some() {
        failpoint!("recapture.asked", fails);
        *asked = Some(due.at);
    }
    Ok(())
}

/// A recapture that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Due {
    /// Since when.
    pub(super) at: Timestamp,
    /// The local day before.
    pub(super) date: Date,
    /// From when to when that is.
    pub(super) day: Window,
}

/// The latest recapture that was due at `now`: at `time` after midnight of the local clock, of the whole day before. Where the
/// clock jumps over that time it is as much later as the jump is wide, where it shows it twice the first of both.
pub(super) fn due(zone: &TimeZone, time: Millis, now: Timestamp) -> Option<Due> {
    let local = zone.to_datetime(jiff::Timestamp::from_millisecond(now.as_millis()).ok()?);
    let today = at_time(zone, local.date(), time)?;
    let date = if today <= now { local.date() } else { local.date().yesterday().ok()? };
    let before = date.yesterday().ok()?;
    Some(Due { at: at_time(zone, date, time)?, date: before, day: local_day(zone, before)? })
}

fn at_time(zone: &TimeZone, date: Date, time: Millis) -> Option<Timestamp> {
    let minutes = time.get() / 60_000;
    let (hour, minute) = (i8::try_from(minutes / 60).ok()?, i8::try_from(minutes % 60).ok()?);
    let local = date.at(hour, minute, 0, 0);
    let instant = zone.to_ambiguous_timestamp(local).compatible().ok()?;
    Some(Timestamp::from_millis(instant.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(zone: &str, time: i64, now: &str) -> [String; 3] {
        let zone = TimeZone::get(zone).unwrap();
        let due = due(&zone, Millis::from_minutes(time), Timestamp::parse(now).unwrap()).unwrap();
        [due.at, due.day.from, due.day.to].map(|at| at.to_string())
    }

    #[test]
    fn it_is_of_the_local_day_before_at_the_time_of_the_local_clock() {
        let expected = ["2026-03-02T01:30:00Z", "2026-02-28T23:00:00Z", "2026-03-01T23:00:00Z"];
        assert_eq!(found("Europe/Berlin", 150, "2026-03-02T01:30:00Z"), expected, "at the very instant");
        assert_eq!(found("Europe/Berlin", 150, "2026-03-03T01:29:59Z"), expected, "until the next");
    }

    #[test]
    fn a_day_has_as_many_hours_as_the_zone_makes_of_it() {
        // On the 29th the clock jumps from 02:00 to 03:00.
        let short = ["2026-03-30T00:30:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"];
        assert_eq!(found("Europe/Berlin", 150, "2026-03-30T06:00:00Z"), short);
        let at_the_jump = found("Europe/Berlin", 150, "2026-03-29T12:00:00Z");
        assert_eq!(at_the_jump[0], "2026-03-29T01:30:00Z");
    }
}
