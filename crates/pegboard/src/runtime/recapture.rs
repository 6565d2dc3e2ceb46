//! When the day before is captured again.
//!
//! The [closer](super::closer) derives its rows again from what is stored by then. Here the source is made to read it once
//! more, as far as it can: what that brings comes in as everything else does, and makes dirty what it changes.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use pegboard_engine::Window;
use pegboard_model::{Millis, Timestamp};

use super::source::Shared;
use super::watch;

/// How often there is a look whether it is time.
const EVERY: Duration = Duration::from_secs(5);

/// Has the source read the day before once more, whenever it is time, until `stop` turns true; after a start once for the time
/// before it.
pub(super) async fn run(shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    let Some(time) = shared.config.recapture_at else { return };
    let mut done = None;
    while !*stop.borrow() {
        let due = due(&shared.config.time_zone, time, (shared.clock)());
        if let Some(due) = due.filter(|due| done < Some(due.at)) {
            shared.source.capture_again(due.day.from);
            done = Some(due.at);
        }
        tokio::select! {
            biased;
            _ = stop.changed() => {}
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// A recapture that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Due {
    /// Since when.
    pub(super) at: Timestamp,
    /// The local day before.
    pub(super) day: Window,
}

/// The latest recapture that was due at `now`: at `time` after midnight of the local clock, of the whole day before. Where the
/// clock jumps over that time it is as much later as the jump is wide, where it shows it twice the first of both.
pub(super) fn due(zone: &TimeZone, time: Millis, now: Timestamp) -> Option<Due> {
    let local = zone.to_datetime(jiff::Timestamp::from_millisecond(now.as_millis()).ok()?);
    let today = at_time(zone, local.date(), time)?;
    let date = if today <= now { local.date() } else { local.date().yesterday().ok()? };
    let at = at_time(zone, date, time)?;
    let midnight = |date| at_time(zone, date, Millis::ZERO);
    Some(Due { at, day: Window { from: midnight(date.yesterday().ok()?)?, to: midnight(date)? } })
}

fn at_time(zone: &TimeZone, date: jiff::civil::Date, time: Millis) -> Option<Timestamp> {
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
