//! Where reading of a shard starts or goes on, and what retention has taken away meanwhile.

use std::fmt;
use std::str::FromStr;

use crate::sequence::{InvalidSequenceNumber, SequenceNumber, ShardId};

/// A place in a shard, as it is configured, stored and asked for.
///
/// Its text form is what the store keeps: `TRIM_HORIZON`, `LATEST`, `AT_TIMESTAMP:<ms>`,
/// `AFTER_SEQUENCE_NUMBER:<digits>`; the words are the `ShardIteratorType`s of the Kinesis API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Position {
    /// The oldest record that the stream still keeps.
    TrimHorizon,
    /// After the newest record at the moment of opening.
    Latest,
    /// The first record that arrived at or after this time, in milliseconds since 1970 UTC.
    AtTimestamp(i64),
    /// After the record with this sequence number.
    AfterSequence(SequenceNumber),
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TrimHorizon => f.write_str("TRIM_HORIZON"),
            Self::Latest => f.write_str("LATEST"),
            Self::AtTimestamp(millis) => write!(f, "AT_TIMESTAMP:{millis}"),
            Self::AfterSequence(sequence) => write!(f, "AFTER_SEQUENCE_NUMBER:{sequence}"),
        }
    }
}

/// Why a text is not a [`Position`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPosition {
    /// The word before the colon is none of the four.
    #[error(
        "`{0}` is not a position in a shard: TRIM_HORIZON, LATEST, AT_TIMESTAMP:<ms> or AFTER_SEQUENCE_NUMBER:<digits> is expected"
    )]
    UnknownKind(String),
    /// The time is not a whole number of milliseconds.
    #[error("`{0}` after AT_TIMESTAMP is not a time in milliseconds since 1970")]
    Timestamp(String),
    /// The digits are no sequence number.
    #[error(transparent)]
    Sequence(#[from] InvalidSequenceNumber),
}

impl FromStr for Position {
    type Err = InvalidPosition;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            None if text == "TRIM_HORIZON" => Ok(Self::TrimHorizon),
            None if text == "LATEST" => Ok(Self::Latest),
            Some(("AT_TIMESTAMP", millis)) => millis
                .parse()
                .map(Self::AtTimestamp)
                .map_err(|_| InvalidPosition::Timestamp(millis.to_owned())),
            Some(("AFTER_SEQUENCE_NUMBER", digits)) => Ok(Self::AfterSequence(digits.parse()?)),
            _ => Err(InvalidPosition::UnknownKind(text.to_owned())),
        }
    }
}

/// A stretch of time whose records retention may have removed before they were read. It is an upper
/// bound: an idle shard may have had no record in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The shard that was read too late.
    pub shard: ShardId,
    /// Records that arrived before this time were read. Milliseconds since 1970 UTC.
    pub from_ms: i64,
    /// Records that arrived at or after this time are still kept. Milliseconds since 1970 UTC.
    pub to_ms: i64,
}

const MILLIS_PER_HOUR: i64 = 3_600_000;

/// The least retention that Kinesis offers. What is younger cannot have been removed.
pub(crate) const LEAST_RETENTION_HOURS: i32 = 24;

/// Whether records that arrived from `read_until_ms` on may have been removed, whatever the retention.
pub(crate) fn may_be_trimmed(read_until_ms: i64, now_ms: i64) -> bool {
    read_until_ms < trim_horizon(now_ms, LEAST_RETENTION_HOURS)
}

/// What retention has removed of a shard that was read up to `read_until_ms`, in a stream that exists
/// since `created_ms`.
pub(crate) fn trimmed(
    shard: &ShardId,
    read_until_ms: i64,
    created_ms: i64,
    retention_hours: i32,
    now_ms: i64,
) -> Option<Gap> {
    let from_ms = read_until_ms.max(created_ms);
    let to_ms = trim_horizon(now_ms, retention_hours);
    (from_ms < to_ms).then(|| Gap { shard: shard.clone(), from_ms, to_ms })
}

fn trim_horizon(now_ms: i64, retention_hours: i32) -> i64 {
    now_ms.saturating_sub(i64::from(retention_hours) * MILLIS_PER_HOUR)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * MILLIS_PER_HOUR;
    const NOW: i64 = 1_700_000_000_000;

    #[test]
    fn a_position_survives_being_stored_as_text() {
        let positions = [
            Position::TrimHorizon,
            Position::Latest,
            Position::AtTimestamp(-5),
            Position::AtTimestamp(NOW),
            Position::AfterSequence("4959033827149025660855969253836157109592".parse().unwrap()),
        ];
        for position in positions {
            assert_eq!(position.to_string().parse(), Ok(position));
        }
    }

    #[test]
    fn a_text_that_is_no_position_is_refused_with_the_part_that_is_wrong() {
        assert_eq!("".parse::<Position>(), Err(InvalidPosition::UnknownKind(String::new())));
        assert_eq!("latest".parse::<Position>(), Err(InvalidPosition::UnknownKind("latest".into())));
        assert_eq!("LATEST:1".parse::<Position>(), Err(InvalidPosition::UnknownKind("LATEST:1".into())));
        assert_eq!("AT_TIMESTAMP:soon".parse::<Position>(), Err(InvalidPosition::Timestamp("soon".into())));
        assert!(matches!("AFTER_SEQUENCE_NUMBER:x".parse::<Position>(), Err(InvalidPosition::Sequence(_))));
    }

    #[test]
    fn what_is_older_than_retention_is_a_gap_up_to_the_trim_horizon() {
        let shard = ShardId::new("shardId-000000000000");
        let gap = trimmed(&shard, NOW - 3 * DAY, NOW - 9 * DAY, 24, NOW);
        assert_eq!(gap, Some(Gap { shard, from_ms: NOW - 3 * DAY, to_ms: NOW - DAY }));
    }

    #[test]
    fn a_longer_retention_keeps_more() {
        let shard = ShardId::new("shardId-000000000000");
        assert!(may_be_trimmed(NOW - 3 * DAY, NOW));
        assert_eq!(trimmed(&shard, NOW - 3 * DAY, NOW - 9 * DAY, 72, NOW), None);
    }

    #[test]
    fn nothing_is_missing_from_before_the_stream_was_made() {
        let shard = ShardId::new("shardId-000000000000");
        assert_eq!(trimmed(&shard, 0, NOW - DAY, 24, NOW), None);
        assert_eq!(
            trimmed(&shard, 0, NOW - DAY - 1, 24, NOW),
            Some(Gap { shard, from_ms: NOW - DAY - 1, to_ms: NOW - DAY })
        );
    }

    #[test]
    fn the_least_retention_decides_at_its_very_edge() {
        assert!(!may_be_trimmed(NOW - DAY, NOW));
        assert!(may_be_trimmed(NOW - DAY - 1, NOW));
    }
}
