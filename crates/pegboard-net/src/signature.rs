//! Signatures of what is pushed, by the [Standard Webhooks] scheme 1.0: HMAC-SHA256 over id, time and body.
//!
//! [Standard Webhooks]: https://www.standardwebhooks.com

use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use pegboard_model::{Millis, Timestamp};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::Secret;

/// What a key looks like as text.
const PREFIX: &str = "whsec_";

/// How far the time of a message may be from now.
pub const TOLERANCE: Millis = Millis::from_minutes(5);

/// The most signatures that are looked at.
const MOST_SIGNATURES: usize = 10;

/// A key that messages are signed with: `whsec_` and 24 to 64 bytes in base64.
#[derive(Clone)]
pub struct SigningKey(Zeroizing<Vec<u8>>);

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// Why a text is no key. It never holds the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSigningKey {
    /// Without its beginning.
    #[error("a signing key begins with whsec_")]
    Prefix,
    /// No base64.
    #[error("what follows whsec_ is no base64")]
    Base64,
    /// Too short to be safe, or too long to be one.
    #[error("a signing key has 24 to 64 bytes, not {0}")]
    Length(usize),
}

impl SigningKey {
    /// Reads a key.
    pub fn parse(secret: &Secret) -> Result<Self, InvalidSigningKey> {
        let text = secret.expose().trim().strip_prefix(PREFIX).ok_or(InvalidSigningKey::Prefix)?;
        let key = Zeroizing::new(STANDARD.decode(text).map_err(|_| InvalidSigningKey::Base64)?);
        if !(24..=64).contains(&key.len()) {
            return Err(InvalidSigningKey::Length(key.len()));
        }
        Ok(Self(key))
    }

    /// The signature of a message: what stands in the header `webhook-signature`. `at` stands in `webhook-timestamp`, in
    /// whole seconds; `id` in `webhook-id`.
    pub fn sign(&self, id: &str, at: Timestamp, body: &[u8]) -> String {
        let code = self.code(id, &seconds(at).to_string(), body).finalize().into_bytes();
        format!("v1,{}", STANDARD.encode(code))
    }

    fn code(&self, id: &str, seconds: &str, body: &[u8]) -> Hmac<Sha256> {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let mut code = Hmac::<Sha256>::new_from_slice(&self.0).expect("a key of any length");
        for part in [id.as_bytes(), b".", seconds.as_bytes(), b".", body] {
            code.update(part);
        }
        code
    }
}

/// The time of a message as its header says it.
pub(crate) fn seconds(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(1000)
}

/// The signatures of all keys, while one replaces the other: receivers take the message by either.
pub(crate) fn sign_by_all(keys: &[SigningKey], id: &str, at: Timestamp, body: &[u8]) -> String {
    let signatures: Vec<_> = keys.iter().map(|key| key.sign(id, at, body)).collect();
    signatures.join(" ")
}

/// What a signed message says of itself.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// The header `webhook-id`.
    pub id: &'a str,
    /// The header `webhook-timestamp`.
    pub timestamp: &'a str,
    /// The header `webhook-signature`.
    pub signature: &'a str,
    /// The body, byte for byte.
    pub body: &'a [u8],
}

/// A message that is not signed by any of the keys, or not now. Which of it is nobody's business outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the message is not signed by a key that is known, or not within five minutes of now")]
pub struct NotSigned;

impl Signed<'_> {
    /// Checks that one of the keys signed the message, within [`TOLERANCE`] of `now`. Takes the same time whichever byte of
    /// a signature is wrong.
    pub fn check(&self, keys: &[SigningKey], now: Timestamp) -> Result<(), NotSigned> {
        let said = i64::from_str(self.timestamp).map_err(|_| NotSigned)?;
        let apart = said.abs_diff(seconds(now));
        if apart > TOLERANCE.get().unsigned_abs() / 1000 {
            return Err(NotSigned);
        }
        let known =
            self.signature.split(' ').take(MOST_SIGNATURES).filter_map(|text| text.strip_prefix("v1,"));
        let mut signed = subtle::Choice::from(0);
        for theirs in known.filter_map(|text| STANDARD.decode(text).ok()) {
            for key in keys {
                let ours = key.code(self.id, self.timestamp, self.body).finalize().into_bytes();
                signed |= ours.as_slice().ct_eq(&theirs);
            }
        }
        if bool::from(signed) { Ok(()) } else { Err(NotSigned) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> SigningKey {
        SigningKey::parse(&Secret::new(text.to_owned())).unwrap()
    }

    fn of_bytes(byte: u8) -> SigningKey {
        key(&format!("whsec_{}", STANDARD.encode([byte; 32])))
    }

    /// The example of the specification's reference libraries.
    #[test]
    fn s11_the_example_of_the_specification_is_signed_as_there() {
        let signature = key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").sign(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            Timestamp::from_seconds(1_614_265_330),
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn s11_either_of_two_keys_is_enough_while_one_replaces_the_other() {
        let now = Timestamp::from_seconds(1_700_000_000);
        let (old, new) = (of_bytes(1), of_bytes(2));
        let signature = sign_by_all(&[old.clone(), new.clone()], "m1", now, b"{}");
        let message = Signed { id: "m1", timestamp: "1700000000", signature: &signature, body: b"{}" };
        assert_eq!(message.check(&[old], now), Ok(()));
        assert_eq!(message.check(&[new], now), Ok(()));
        assert_eq!(message.check(&[of_bytes(3)], now), Err(NotSigned));
    }

    #[test]
    fn s12_what_is_not_signed_so_is_refused() {
        let now = Timestamp::from_seconds(1_700_000_000);
        let keys = [of_bytes(1)];
        let signature = keys[0].sign("m1", now, b"{}");
        let good = Signed { id: "m1", timestamp: "1700000000", signature: &signature, body: b"{}" };
        assert_eq!(good.check(&keys, now), Ok(()));
        let bare = &signature[3..];
        for (why, bad) in [
            ("another id", Signed { id: "m2", ..good }),
            ("another body", Signed { body: b"{ }", ..good }),
            ("another time", Signed { timestamp: "1700000001", ..good }),
            ("no time", Signed { timestamp: "", ..good }),
            ("the time written otherwise", Signed { timestamp: "01700000000", ..good }),
            ("no signature", Signed { signature: "", ..good }),
            ("no version", Signed { signature: bare, ..good }),
            ("another version", Signed { signature: &format!("v2,{bare}"), ..good }),
            ("cut", Signed { signature: &signature[..signature.len() - 4], ..good }),
            ("empty", Signed { signature: "v1,", ..good }),
            (
                "the signature behind ten others",
                Signed { signature: &format!("{}{signature}", "v1,AAAA ".repeat(10)), ..good },
            ),
        ] {
            assert_eq!(bad.check(&keys, now), Err(NotSigned), "{why}");
        }
        let second_of_two = format!("v1,AAAA {signature}");
        assert_eq!(Signed { signature: &second_of_two, ..good }.check(&keys, now), Ok(()));
    }

    #[test]
    fn s11_a_message_is_good_for_five_minutes_either_way() {
        let at = Timestamp::from_seconds(1_700_000_000);
        let keys = [of_bytes(1)];
        let signature = keys[0].sign("m1", at, b"{}");
        let message = Signed { id: "m1", timestamp: "1700000000", signature: &signature, body: b"{}" };
        for (seconds, good) in [(-301, false), (-300, true), (300, true), (301, false)] {
            let now = at + Millis::new(seconds * 1000);
            assert_eq!(message.check(&keys, now).is_ok(), good, "{seconds} s");
        }
    }

    #[test]
    fn r28_a_key_has_24_to_64_bytes() {
        let parse = |bytes: usize| {
            let text = format!("whsec_{}", STANDARD.encode(vec![7; bytes]));
            SigningKey::parse(&Secret::new(text)).map(drop)
        };
        assert_eq!(parse(23), Err(InvalidSigningKey::Length(23)));
        assert_eq!((parse(24), parse(64)), (Ok(()), Ok(())));
        assert_eq!(parse(65), Err(InvalidSigningKey::Length(65)));
        for (text, error) in [("x", InvalidSigningKey::Prefix), ("whsec_?", InvalidSigningKey::Base64)] {
            assert_eq!(SigningKey::parse(&Secret::new(text.to_owned())).map(drop), Err(error));
        }
    }
}
