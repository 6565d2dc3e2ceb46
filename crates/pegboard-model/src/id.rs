//! Identifiers: one type for each kind of thing, so that a queue is never taken for an agent.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Text;

macro_rules! text_id {
    ($(#[$doc:meta])* $Name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $Name(Text);

        impl $Name {
            /// The id as the platform writes it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl<T: Into<Text>> From<T> for $Name {
            fn from(text: T) -> Self {
                Self(text.into())
            }
        }

        impl std::borrow::Borrow<str> for $Name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $Name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $Name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }
    };
}

text_id! {
    /// An agent, by the platform's own id.
    AgentId
}
text_id! {
    /// A queue, by the platform's own id.
    QueueId
}
text_id! {
    /// A status (an entry of the platform's status list), by the platform's own id.
    StatusId
}
text_id! {
    /// A configured source, by its name in the configuration.
    SourceName
}
text_id! {
    /// A configured sink, by its name in the configuration.
    SinkName
}
text_id! {
    /// An ordered stream of one source: a shard, a webhook lane, a polled cursor, a file.
    PartitionId
}

/// An id of something that occurs once, such as an event or a contact.
///
/// Platforms mostly write UUIDs; a canonical one is kept in 16 bytes without an allocation. Order and
/// equality are those of the text, whichever way it is kept.
#[derive(Clone, PartialEq, Eq, Hash)]
enum OnceId {
    Uuid([u8; 16]),
    Text(Text),
}

impl OnceId {
    fn new(text: &str) -> Self {
        match parse_canonical_uuid(text.as_bytes()) {
            Some(bytes) => Self::Uuid(bytes),
            None => Self::Text(text.into()),
        }
    }
}

impl Ord for OnceId {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Uuid(a), Self::Uuid(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Uuid(_), Self::Text(b)) => self.to_string().as_str().cmp(b),
            (Self::Text(a), Self::Uuid(_)) => (**a).cmp(other.to_string().as_str()),
        }
    }
}

impl PartialOrd for OnceId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for OnceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Uuid(bytes) => {
                for (index, byte) in bytes.iter().enumerate() {
                    if matches!(index, 4 | 6 | 8 | 10) {
                        f.write_str("-")?;
                    }
                    write!(f, "{byte:02x}")?;
                }
                Ok(())
            }
        }
    }
}

/// The bytes of a UUID in its canonical form (lower case, hyphens), the only form whose text can be
/// restored from the bytes.
fn parse_canonical_uuid(text: &[u8]) -> Option<[u8; 16]> {
    if text.len() != 36 {
        return None;
    }
    let mut bytes = [0; 16];
    let mut at = 0;
    for (index, byte) in bytes.iter_mut().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            if text[at] != b'-' {
                return None;
            }
            at += 1;
        }
        *byte = hex(text[at])? << 4 | hex(text[at + 1])?;
        at += 2;
    }
    Some(bytes)
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

macro_rules! once_id {
    ($(#[$doc:meta])* $Name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $Name(OnceId);

        impl From<&str> for $Name {
            fn from(text: &str) -> Self {
                Self(OnceId::new(text))
            }
        }

        impl fmt::Display for $Name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $Name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "\"{}\"", self.0)
            }
        }

        impl Serialize for $Name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $Name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Ok(Self::from(&*text))
            }
        }
    };
}

once_id! {
    /// An event, by the platform's own id. Two deliveries with one id are one event.
    EventId
}
once_id! {
    /// A contact (or the leg of one), by the platform's own id.
    ContactId
}

/// A place in a partition. Positions of one partition are ordered; those of two are not comparable.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Position {
    /// A plain number: the line of a file, the number of a row.
    Number(u64),
    /// A decimal number of any length, such as the sequence number of a stream; ordered by value.
    Sequence(Text),
}

impl Ord for Position {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.cmp(b),
            (Self::Sequence(a), Self::Sequence(b)) => by_value(a, b),
            (Self::Number(a), Self::Sequence(b)) => by_value(&a.to_string(), b),
            (Self::Sequence(a), Self::Number(b)) => by_value(a, &b.to_string()),
        }
    }
}

impl PartialOrd for Position {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Decimal numbers without leading zeros: the longer is the greater.
fn by_value(a: &str, b: &str) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Sequence(text) => f.write_str(text),
        }
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const UUID: &str = "8d2daa4f-a6b4-4c3c-8599-08c355a20f80";

    #[test]
    fn a_canonical_uuid_needs_no_allocation_and_reads_back() {
        let id = EventId::from(UUID);
        assert!(matches!(id.0, OnceId::Uuid(_)));
        assert_eq!(id.to_string(), UUID);
    }

    #[test]
    fn any_other_text_is_kept_to_the_letter() {
        for text in ["EventId-1", "", &UUID.to_uppercase(), &UUID.replace('-', "x"), &UUID[1..]] {
            assert_eq!(EventId::from(text).to_string(), text);
        }
    }

    #[test]
    fn sequence_numbers_are_ordered_by_value() {
        let long = Position::Sequence("49590338271490256608559692538361571095921575989136588898".into());
        let short = Position::Sequence("9".into());
        assert!(short < long);
        assert!(Position::Number(10) > short);
        assert!(Position::Number(u64::MAX) < long);
    }

    proptest! {
        #[test]
        fn order_is_that_of_the_text(a in "[0-9a-f-]{0,3}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
                                     b in "[0-9a-f-]{0,3}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}") {
            prop_assert_eq!(EventId::from(a.as_str()).cmp(&EventId::from(b.as_str())), a.cmp(&b));
        }
    }
}
