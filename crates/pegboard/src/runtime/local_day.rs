//! Days of a local clock.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use pegboard_engine::Window;
use pegboard_model::Timestamp;

/// A day from midnight to midnight; nothing where the calendar ends.
pub(super) fn local_day(zone: &TimeZone, date: Date) -> Option<Window> {
    let midnight = |date: Date| {
        let zoned = zone.to_ambiguous_zoned(date.at(0, 0, 0, 0)).compatible().ok()?;
        Some(Timestamp::from_millis(zoned.timestamp().as_millisecond()))
    };
    Some(Window { from: midnight(date)?, to: midnight(date.tomorrow().ok()?)? })
}

/// The day before that of an instant.
pub(super) fn yesterday(zone: &TimeZone, at: Timestamp) -> Option<Date> {
    let instant = jiff::Timestamp::from_millisecond(at.as_millis()).ok()?;
    zone.to_datetime(instant).date().yesterday().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_as_long_as_the_clock_makes_it() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let hours = |date: &str| {
            let day = local_day(&zone, date.parse().unwrap()).unwrap();
            day.to.since(day.from).get() / 3_600_000
        };
        assert_eq!(["2026-03-28", "2026-03-29", "2026-10-25"].map(hours), [24, 23, 25]);
        assert_eq!(local_day(&zone, Date::MAX), None);
        let yesterday = |at: &str| yesterday(&zone, at.parse().unwrap()).unwrap().to_string();
        assert_eq!(yesterday("2026-03-28T22:59:59Z"), "2026-03-27");
        assert_eq!(yesterday("2026-03-28T23:00:00Z"), "2026-03-28");
    }
}
