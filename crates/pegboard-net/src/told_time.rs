//! What time it is, as others say.

use jiff::fmt::rfc2822::DateTimeParser;
use pegboard_model::{Millis, Timestamp};
use tokio::time::Instant;

/// A time that an answer told, and when that was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ToldTime {
    date: Timestamp,
    heard: Instant,
}

impl ToldTime {
    /// What an answer tells that arrives now: its `Date` (RFC 9110, 6.6.1), in whole seconds. Nothing where that is no date.
    pub fn parse(date: &str) -> Option<Self> {
        let date = DateTimeParser::new().parse_timestamp(date.trim()).ok()?;
        Some(Self { date: Timestamp::from_millis(date.as_millisecond()), heard: Instant::now() })
    }

    /// How long ago it was heard.
    pub fn age(&self) -> Millis {
        Millis::new(i64::try_from(self.heard.elapsed().as_millis()).unwrap_or(i64::MAX))
    }

    /// What time it is now by the same clock.
    pub fn now(&self) -> Timestamp {
        self.date + self.age()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_goes_on_from_what_was_told() {
        let told = ToldTime::parse("Mon, 02 Mar 2026 09:01:30 GMT").unwrap();
        tokio::time::advance(Duration::from_secs(90)).await;
        assert_eq!(told.age(), Millis::from_seconds(90));
        assert_eq!(told.now(), Timestamp::parse("2026-03-02T09:03:00Z").unwrap());
    }

    #[test]
    fn what_is_no_date_tells_nothing() {
        for nothing in ["", "soon", "1772442090"] {
            assert_eq!(ToldTime::parse(nothing), None, "{nothing}");
        }
    }
}
