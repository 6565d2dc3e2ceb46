//! Opening hours of queues, by weekday, on the local clock.

use std::str::FromStr;

use jiff::tz::TimeZone;
use pegboard_model::{Millis, Timestamp};

use crate::grid::Interval;

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// When a queue is open: `Mon-Fri 08:00-18:00; Sat 09:00-13:00`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OpeningHours {
    /// For each weekday from Monday on, spans in milliseconds after midnight of the local clock.
    week: [Vec<Span>; 7],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    from: i64,
    to: i64,
}

/// Why a text is no opening hours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{part:?} is not a weekday (Mon to Sun), or two joined by a hyphen, and times such as 08:00-18:00; parts are separated by \
     semicolons, and hours past midnight are two parts"
)]
pub struct InvalidOpeningHours {
    /// The part that is wrong.
    pub part: String,
}

impl OpeningHours {
    /// Whether the queue is open at any time of an interval, whose local clock does not jump within it.
    pub fn touch(&self, interval: Interval, zone: &TimeZone) -> bool {
        let Some((weekday, from)) = on_the_clock(interval.start, zone) else { return false };
        let to = from + interval.length().get();
        self.week[weekday].iter().any(|open| from < open.to && open.from < to)
    }
}

/// The weekday, 0 for Monday, and the milliseconds after midnight that the local clock shows.
fn on_the_clock(at: Timestamp, zone: &TimeZone) -> Option<(usize, i64)> {
    let instant = jiff::Timestamp::from_millisecond(at.as_millis()).ok()?;
    let local = zone.to_datetime(instant);
    let weekday = usize::try_from(local.weekday().to_monday_zero_offset()).ok()?;
    let time = local.time();
    let seconds = i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second());
    Some((weekday, Millis::from_seconds(seconds).get() + i64::from(time.millisecond())))
}

impl FromStr for OpeningHours {
    type Err = InvalidOpeningHours;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut hours = Self::default();
        for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            let (days, span) =
                read_part(part).ok_or_else(|| InvalidOpeningHours { part: part.to_owned() })?;
            for day in days {
                hours.week[day].push(span);
            }
        }
        Ok(hours)
    }
}

fn read_part(part: &str) -> Option<(Vec<usize>, Span)> {
    let (days, times) = part.split_once(char::is_whitespace)?;
    let (first, last) = days.split_once('-').unwrap_or((days, days));
    let (first, last) = (weekday(first)?, weekday(last)?);
    let (from, to) = times.trim().split_once('-')?;
    let span = Span { from: time(from)?, to: time(to)? };
    // `Sat-Mon` goes around the end of the week.
    let days = (0..7).map(|day| (first + day) % 7).take((last + 7 - first) % 7 + 1).collect();
    (span.from < span.to).then_some((days, span))
}

fn weekday(name: &str) -> Option<usize> {
    DAYS.iter().position(|day| day.eq_ignore_ascii_case(name.trim()))
}

/// `08:00` to `24:00`, in milliseconds after midnight.
fn time(text: &str) -> Option<i64> {
    let (hours, minutes) = text.trim().split_once(':')?;
    let number = |digits: &str| {
        let is_number = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_digit());
        digits.parse::<i64>().ok().filter(|_| is_number)
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let time = Millis::from_minutes(hours * 60 + minutes);
    (minutes < 60 && time <= Millis::from_hours(24)).then_some(time.get())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(hours: &str, zone: &str, start: &str) -> bool {
        let start = Timestamp::parse(start).unwrap();
        let interval = Interval { start, end: start + Millis::from_minutes(15) };
        hours.parse::<OpeningHours>().unwrap().touch(interval, &TimeZone::get(zone).unwrap())
    }

    #[test]
    fn an_interval_is_within_them_if_any_of_it_is() {
        // A Monday.
        for (start, is_open) in [
            ("2026-03-02T07:44:00Z", false),
            ("2026-03-02T07:45:00Z", false),
            ("2026-03-02T07:45:00.001Z", true),
            ("2026-03-02T08:00:00Z", true),
            ("2026-03-02T17:59:59.999Z", true),
            ("2026-03-02T18:00:00Z", false),
            ("2026-03-07T12:00:00Z", false),
        ] {
            assert_eq!(open("Mon-Fri 08:00-18:00", "UTC", start), is_open, "{start}");
        }
    }

    #[test]
    fn the_local_clock_decides() {
        // Berlin is an hour ahead in winter, two in summer.
        assert!(open("Mon 08:00-09:00", "Europe/Berlin", "2026-03-02T07:00:00Z"));
        assert!(!open("Mon 08:00-09:00", "Europe/Berlin", "2026-03-02T08:00:00Z"));
        assert!(open("Mon 08:00-09:00", "Europe/Berlin", "2026-06-01T06:00:00Z"));
        assert!(open("Tue 00:00-01:00", "Europe/Berlin", "2026-03-02T23:30:00Z"), "it is Tuesday there");
    }

    #[test]
    fn parts_add_up_and_days_go_around_the_week() {
        let hours = "sat-mon 22:00-24:00; Mon 00:00-02:00";
        for (start, is_open) in [
            ("2026-03-01T23:45:00Z", true),
            ("2026-03-02T01:45:00Z", true),
            ("2026-03-02T02:00:00Z", false),
            ("2026-03-03T23:00:00Z", false),
        ] {
            assert_eq!(open(hours, "UTC", start), is_open, "{start}");
        }
        assert!(!open("", "UTC", "2026-03-02T12:00:00Z"));
    }

    #[test]
    fn what_is_no_opening_hours_is_refused_by_its_part() {
        for part in [
            "Mo 08:00-18:00",
            "Mon",
            "Mon 8:00-18:00",
            "Mon 18:00-08:00",
            "Mon 08:00-24:01",
            "Mon 08:60-09:00",
        ] {
            let refused = format!("Tue 08:00-09:00; {part}").parse::<OpeningHours>().unwrap_err();
            assert_eq!(refused.part, part);
        }
    }
}
