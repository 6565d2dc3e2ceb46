//! Text in an address.

use std::fmt;

/// Percent-encoded but for the unreserved characters of RFC 3986.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Encoded<'a>(pub(crate) &'a str);

impl fmt::Display for Encoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_encoded(self.0, "-._~", f)
    }
}

/// The same, with slashes as they are: the parts of a path.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EncodedPath<'a>(pub(crate) &'a str);

impl fmt::Display for EncodedPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_encoded(self.0, "-._~/", f)
    }
}

fn write_encoded(text: &str, kept: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || kept.as_bytes().contains(&byte) {
            write!(f, "{}", char::from(byte))?;
        } else {
            write!(f, "%{byte:02X}")?;
        }
    }
    Ok(())
}

/// What is written with `+` for a blank and `%XX` for a byte, as forms are, and S3 writes keys. What is not encoded stays
/// as it is, and so does a `%` that begins no byte: a key is wrong in one place at most, and never refused.
pub fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let (decoded, passed) = match (byte, after) {
            (b'+', _) => (b' ', 1),
            (b'%', [high, low, ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, 3),
                _ => (byte, 1),
            },
            _ => (byte, 1),
        };
        bytes.push(decoded);
        rest = &rest[passed..];
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_path_keeps_its_slashes() {
        assert_eq!(EncodedPath("a b/c+d:é").to_string(), "a%20b/c%2Bd%3A%C3%A9");
        assert_eq!(Encoded("a/b").to_string(), "a%2Fb");
    }

    #[test]
    fn keys_come_in_three_spellings() {
        assert_eq!(decoded("ctr%2Fa+b%2Bc.json.gz"), "ctr/a b+c.json.gz");
        assert_eq!(decoded("ctr/a+b%2Bc.json.gz"), "ctr/a b+c.json.gz");
        assert_eq!(decoded("QR-2026-11-21T17:00:00Z.csv"), "QR-2026-11-21T17:00:00Z.csv");
        assert_eq!(decoded("100%"), "100%");
        assert_eq!(decoded("%zz%4"), "%zz%4");
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded(text: String) {
            prop_assert_eq!(decoded(&Encoded(&text).to_string()), text.clone());
            prop_assert_eq!(decoded(&EncodedPath(&text).to_string()), text);
        }
    }
}
