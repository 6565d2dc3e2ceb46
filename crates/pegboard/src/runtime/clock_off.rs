//! How far the clocks of others are from this machine's. Pure: time comes in.

use pegboard_connect::spec::Decoded;
use pegboard_model::{Millis, Timestamp};
use pegboard_net::ToldTime;

/// How far two clocks may be apart before somebody has to look.
pub const TOLERATED: Millis = Millis::from_minutes(1);

/// For how long what was heard counts.
const COUNTS: Millis = Millis::from_minutes(30);

/// What another clock said, beside this machine's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockOff {
    /// When it was heard.
    heard: Timestamp,
    /// How far it was ahead; negative where it was behind.
    ahead: Millis,
}

impl ClockOff {
    /// What records that came at `heard` tell by their newest event; nothing where they tell of none.
    pub fn of_events(heard: Timestamp, decoded: &[Result<Decoded, String>]) -> Option<Self> {
        let newest = decoded.iter().filter_map(|decoded| match decoded {
            Ok(Decoded::Agent(seen)) => Some(seen.at),
            Ok(Decoded::Told { seen, .. }) => seen.iter().map(|seen| seen.at).max(),
            Ok(Decoded::Contact(_) | Decoded::Foreign) | Err(_) => None,
        });
        newest.max().map(|newest| Self::of_event(heard, newest))
    }

    /// An event that lies ahead tells of a clock; one that lies behind was only long under way.
    fn of_event(heard: Timestamp, at: Timestamp) -> Self {
        Self { heard, ahead: at.since(heard).max(Millis::ZERO) }
    }

    /// A platform that says `told`, asked at `asked` and heard by `heard`: in between the two may agree.
    pub fn of_answer(told: Timestamp, asked: Timestamp, heard: Timestamp) -> Self {
        Self { heard, ahead: told.since(told.clamp(asked.min(heard), heard)) }
    }

    /// The target of a sink, which told its time some while before `now`.
    pub fn of_target(told: ToldTime, now: Timestamp) -> Self {
        Self { heard: now - told.age(), ahead: told.now().since(now) }
    }

    /// When it was heard.
    pub fn heard(&self) -> Timestamp {
        self.heard
    }

    /// How far it is off, in words; nothing where that is little, or was heard too long ago.
    pub fn told(&self, now: Timestamp) -> Option<String> {
        let seconds = self.ahead.get().abs() / 1000;
        if seconds * 1000 <= TOLERATED.get() || now.since(self.heard) > COUNTS {
            return None;
        }
        let way = if self.ahead > Millis::ZERO { "ahead of" } else { "behind" };
        Some(format!("{seconds} s {way} the clock of this machine, at {}", self.heard))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_800_000_000 + seconds)
    }

    fn words(off: ClockOff, now: i64) -> Option<String> {
        off.told(at(now)).map(|words| words.split(" the clock").next().unwrap().to_owned())
    }

    #[test]
    fn an_event_from_the_future_tells_of_a_clock_and_one_from_the_past_of_nothing() {
        let off = |newest| words(ClockOff::of_event(at(0), at(newest)), 0);
        assert_eq!(off(60), None);
        assert_eq!(off(61).as_deref(), Some("61 s ahead of"));
        assert_eq!(off(-86_400), None);
    }

    #[test]
    fn an_answer_tells_of_a_clock_both_ways_and_its_own_way_of_nothing() {
        // Asked at 0, and all of it read at 100.
        let off = |told| words(ClockOff::of_answer(at(told), at(0), at(100)), 100);
        assert_eq!([off(-60), off(0), off(100), off(160)], [None, None, None, None]);
        assert_eq!(off(-61).as_deref(), Some("61 s behind"));
        assert_eq!(off(161).as_deref(), Some("61 s ahead of"));
        let set_back_meanwhile = ClockOff::of_answer(at(0), at(0), at(-600));
        assert_eq!(words(set_back_meanwhile, -600).as_deref(), Some("600 s ahead of"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_target_that_told_its_time_is_heard_until_too_long_ago() {
        let told = ToldTime::parse("Mon, 02 Mar 2026 09:00:00 GMT").unwrap();
        let now = Timestamp::parse("2026-03-02T09:05:00Z").unwrap();
        let off = || ClockOff::of_target(told, now);
        assert_eq!(
            off().told(now).unwrap(),
            "300 s behind the clock of this machine, at 2026-03-02T09:05:00Z"
        );
        tokio::time::advance(std::time::Duration::from_mins(31)).await;
        assert_eq!(off().told(now), None);
    }
}
