//! Where a lane of objects stands, as text. Pure.

use std::fmt;
use std::str::FromStr;

use pegboard_model::Position;

/// Where a lane stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LanePosition {
    /// What was written before is not read at all, in milliseconds since 1970 UTC. It stays what it was when the lane was first
    /// opened: a start "now" is that of the first time.
    pub(super) since_ms: i64,
    /// Everything that was last written up to here was read, in milliseconds since 1970 UTC by the clock of the bucket.
    pub(super) up_to_ms: i64,
    /// How many chunks were handed over, so that no two positions are the same: a batch that was committed and whose answer
    /// was lost is known by its position.
    pub(super) chunks: u64,
    /// The object that was read in part.
    pub(super) within: Option<Within>,
}

/// A place within an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Within {
    pub(super) key: String,
    /// What names its content; in another content the place means nothing.
    pub(super) etag: String,
    /// The bytes of the unpacked content that are done with.
    pub(super) offset: u64,
}

impl fmt::Display for LanePosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.since_ms, self.up_to_ms, self.chunks)?;
        match &self.within {
            Some(Within { key, etag, offset }) => write!(f, "/{offset}/{etag}/{key}"),
            None => Ok(()),
        }
    }
}

/// A text that is no position of a lane.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no position of a lane of objects")]
pub(super) struct InvalidLanePosition(String);

impl FromStr for LanePosition {
    type Err = InvalidLanePosition;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or_else(|| InvalidLanePosition(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<LanePosition> {
    let mut parts = text.splitn(6, '/');
    let since_ms = parts.next()?.parse().ok()?;
    let (up_to_ms, chunks) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let within = match (parts.next(), parts.next(), parts.next()) {
        (None, ..) => None,
        (Some(offset), Some(etag), Some(key)) => {
            Some(Within { key: key.to_owned(), etag: etag.to_owned(), offset: offset.parse().ok()? })
        }
        _ => return None,
    };
    Some(LanePosition { since_ms, up_to_ms, chunks, within })
}

impl From<&LanePosition> for Position {
    fn from(position: &LanePosition) -> Self {
        Self::Sequence(position.to_string().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_what_it_was_after_a_restart() {
        let whole = LanePosition { since_ms: -7, up_to_ms: -5, chunks: 7, within: None };
        let within = Within { key: "a/b/c d:é".to_owned(), etag: "\"x-2\"".to_owned(), offset: 99 };
        let half = LanePosition { within: Some(within), ..whole.clone() };
        for position in [whole, half] {
            assert_eq!(position.to_string().parse(), Ok(position));
        }
    }

    #[test]
    fn what_is_no_position_is_refused() {
        for text in ["", "7", "1/7", "0/a/1", "0/1/a", "0/1/2/3", "0/1/2/x/e/k"] {
            assert!(text.parse::<LanePosition>().is_err(), "{text}");
        }
    }
}
