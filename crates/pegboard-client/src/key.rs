//! Idempotency keys.

use std::fmt;
use std::str::FromStr;

use http::HeaderValue;

/// The longest key, in bytes.
pub(crate) const MAX_KEY_BYTES: usize = 255;

/// By what the service knows a request again whose answer was lost. A request that is made again has the key that it had; a
/// request with another content has another: make it of what is sent and of its revision, such as
/// `queue/2025-08-01T12:00:00Z/2`.
///
/// It is not made of the content: a correction that takes back another one has the content of the first report, and
/// is a request of its own all the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(HeaderValue);

/// Why a text is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an idempotency key is 1 to {MAX_KEY_BYTES} visible characters of ASCII")]
pub struct InvalidKey;

impl IdempotencyKey {
    pub(crate) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

impl FromStr for IdempotencyKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_one =
            (1..=MAX_KEY_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        let value = HeaderValue::from_str(text).ok().filter(|_| is_one);
        value.map(Self).ok_or(InvalidKey)
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.to_str().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r28_a_key_of_a_request_has_255_visible_characters_at_most() {
        let key = |length: usize| "k".repeat(length).parse::<IdempotencyKey>();
        assert_eq!(key(MAX_KEY_BYTES).unwrap().to_string().len(), MAX_KEY_BYTES);
        assert_eq!(key(MAX_KEY_BYTES + 1), Err(InvalidKey));
        for text in ["", "a b", "a\nb", "grün"] {
            assert_eq!(text.parse::<IdempotencyKey>(), Err(InvalidKey), "{text}");
        }
    }
}
