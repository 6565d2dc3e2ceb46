//! When somebody asks to be asked again.

use std::time::Duration;

use jiff::fmt::rfc2822::DateTimeParser;
use pegboard_model::Timestamp;

/// The longest pause that is heard: whoever asks for more is asked again after a day.
const LONGEST: Duration = Duration::from_hours(24);

/// What a `Retry-After` says (RFC 9110, 10.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    /// After so long.
    Pause(Duration),
    /// Not before this instant.
    At(Timestamp),
}

impl RetryAfter {
    /// Reads the header; nothing where it says nothing that can be understood.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            let seconds = text.parse().unwrap_or(u64::MAX);
            return Some(Self::Pause(Duration::from_secs(seconds)));
        }
        let at = DateTimeParser::new().parse_timestamp(text).ok()?;
        Some(Self::At(Timestamp::from_millis(at.as_millisecond())))
    }

    /// How long that is from `now` on: nothing for what is past, a day at most.
    pub fn pause(self, now: Timestamp) -> Duration {
        let pause = match self {
            Self::Pause(pause) => pause,
            Self::At(at) => Duration::from_millis(at.since(now).get().try_into().unwrap_or(0)),
        };
        pause.min(LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_seconds_or_a_date_or_nothing() {
        let now = Timestamp::parse("2026-03-02T09:00:00Z").unwrap();
        let pause = |text: &str| RetryAfter::parse(text).map(|after| after.pause(now));
        assert_eq!(pause("121"), Some(Duration::from_secs(121)));
        assert_eq!(pause(" 0 "), Some(Duration::ZERO));
        assert_eq!(pause("Mon, 02 Mar 2026 09:01:30 GMT"), Some(Duration::from_secs(90)));
        assert_eq!(pause("Mon, 02 Mar 2026 08:00:00 GMT"), Some(Duration::ZERO), "what is past is now");
        for nothing in ["", "soon", "-1", "1.5", "2026-03-02"] {
            assert_eq!(pause(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn r28_nobody_is_left_alone_for_more_than_a_day() {
        let now = Timestamp::parse("2026-03-02T09:00:00Z").unwrap();
        let pause = |text: &str| RetryAfter::parse(text).map(|after| after.pause(now));
        assert_eq!(pause("86400"), Some(LONGEST));
        for longer in ["86401", "99999999999999999999999", "Tue, 02 Mar 2027 09:00:00 GMT"] {
            assert_eq!(pause(longer), Some(LONGEST), "{longer}");
        }
    }
}
