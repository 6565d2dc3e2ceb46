//! Where the reading of a folder stands, as text. Pure.

use std::fmt;
use std::str::FromStr;

use pegboard_model::Position;

/// Where the reading of a folder stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in super::super) struct DroppedPosition {
    /// How many records were handed over, of all files.
    pub(super) records: u64,
    /// The file that was read last, and how far.
    pub(super) within: Option<Within>,
}

/// A place within a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Within {
    pub(super) name: String,
    /// Of its content; in another content the place means nothing.
    pub(super) hash: u64,
    /// How many of its records are done with.
    pub(super) records: u64,
}

impl fmt::Display for DroppedPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.records)?;
        match &self.within {
            Some(Within { name, hash, records }) => write!(f, "/{records}/{hash:016x}/{name}"),
            None => Ok(()),
        }
    }
}

/// A text that is no place in a folder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no place in a folder of dropped files")]
pub(in super::super) struct InvalidDroppedPosition(String);

impl FromStr for DroppedPosition {
    type Err = InvalidDroppedPosition;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or_else(|| InvalidDroppedPosition(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<DroppedPosition> {
    let mut parts = text.splitn(4, '/');
    let records = parts.next()?.parse().ok()?;
    let within = match (parts.next(), parts.next(), parts.next()) {
        (None, ..) => None,
        (Some(done), Some(hash), Some(name)) => Some(Within {
            name: name.to_owned(),
            hash: u64::from_str_radix(hash, 16).ok()?,
            records: done.parse().ok()?,
        }),
        _ => return None,
    };
    Some(DroppedPosition { records, within })
}

impl From<&DroppedPosition> for Position {
    fn from(position: &DroppedPosition) -> Self {
        Self::Sequence(position.to_string().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_what_it_was_after_a_restart() {
        let within = Within { name: "a b.csv".to_owned(), hash: 7, records: 99 };
        for within in [None, Some(within)] {
            let position = DroppedPosition { records: 1234, within };
            assert_eq!(position.to_string().parse(), Ok(position));
        }
    }

    #[test]
    fn what_is_no_position_is_refused() {
        for text in ["", "x", "1/2", "1/2/3", "1/x/3/a.csv", "1/2/x/a.csv"] {
            assert!(text.parse::<DroppedPosition>().is_err(), "{text}");
        }
    }
}
