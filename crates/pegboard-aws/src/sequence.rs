//! Names that Kinesis gives out: shards and sequence numbers.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The identity of a shard within its stream, such as `shardId-000000000003`. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShardId(Arc<str>);

impl ShardId {
    /// Takes the name as Kinesis or the store has it.
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        Self(id.into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ShardId({})", self.0)
    }
}

/// The place of a record in its shard: an unsigned whole number of up to 129 digits, too big for any
/// integer type, so it is kept as text and compared as the number it is.
///
/// The grammar is that of the `SequenceNumber` of the Kinesis API reference, `0|([1-9]\d{0,128})`, but for zeros in
/// front, which some servers write (ministack): the text is kept as it came, since it is sent back.
/// Numbers grow along one shard; they say nothing across shards.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SequenceNumber(Box<str>);

/// The most digits of a [`SequenceNumber`].
const MAX_DIGITS: usize = 129;

impl SequenceNumber {
    /// The decimal digits, as they came.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn significant(&self) -> &str {
        self.0.trim_start_matches('0')
    }
}

/// Why a text is not a [`SequenceNumber`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a Kinesis sequence number: 1 to {MAX_DIGITS} decimal digits are expected")]
pub struct InvalidSequenceNumber {
    text: String,
}

impl FromStr for SequenceNumber {
    type Err = InvalidSequenceNumber;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits_only = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if digits_only && text.len() <= MAX_DIGITS {
            return Ok(Self(text.into()));
        }
        Err(InvalidSequenceNumber { text: text.chars().take(MAX_DIGITS + 1).collect() })
    }
}

impl Ord for SequenceNumber {
    fn cmp(&self, other: &Self) -> Ordering {
        let (digits, others) = (self.significant(), other.significant());
        // Two spellings of one number are two texts.
        (digits.len(), digits, self.0.len()).cmp(&(others.len(), others, other.0.len()))
    }
}

impl PartialOrd for SequenceNumber {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for SequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SequenceNumber({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sequence(text: &str) -> SequenceNumber {
        text.parse().unwrap()
    }

    #[test]
    fn a_longer_number_is_greater_whatever_its_digits() {
        assert!(sequence("10") > sequence("9"));
        assert!(
            sequence("49590338271490256608559692538361571095921575989136588898")
                < sequence("149590338271490256608559692538361571095921575989136588898")
        );
        assert!(sequence("0") < sequence("1"));
    }

    #[test]
    fn numbers_beyond_128_bits_differ_in_their_last_digit() {
        let earlier = sequence("49590338271490256608559692538361571095921575989136588898");
        let later = sequence("49590338271490256608559692538361571095921575989136588899");
        assert!(earlier < later);
    }

    #[test]
    fn r28_only_decimal_digits_are_numbers() {
        let too_long = "1".repeat(MAX_DIGITS + 1);
        for text in ["", "-1", "+1", " 1", "1 ", "1e3", "٣", "TRIM_HORIZON", too_long.as_str()] {
            assert!(text.parse::<SequenceNumber>().is_err(), "{text:?} was taken for a sequence number");
        }
        assert!("1".repeat(MAX_DIGITS).parse::<SequenceNumber>().is_ok());
    }

    #[test]
    fn zeros_in_front_are_kept_and_change_no_order() {
        let padded = sequence("000017952723490730000000066");
        assert_eq!(padded.to_string(), "000017952723490730000000066");
        assert!(padded < sequence("000017952723490730000000067") && padded > sequence("9"));
        assert!(
            padded > sequence("17952723490730000000066") && padded != sequence("17952723490730000000066")
        );
    }

    proptest! {
        #[test]
        fn order_is_that_of_the_numbers(a: u128, b: u128) {
            prop_assert_eq!(sequence(&a.to_string()).cmp(&sequence(&b.to_string())), a.cmp(&b));
        }
    }
}
