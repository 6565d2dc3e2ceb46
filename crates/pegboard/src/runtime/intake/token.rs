//! Tokens that stand for the access key of a source. Pure.
//!
//! What a token says is signed with the key itself: nothing is kept, every node knows it, a restart changes nothing, and none is
//! good any more once the key is another one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use pegboard_model::{Millis, SourceName, Timestamp};
use sha2::Sha256;

use crate::config::Secret;

/// How long a token is good.
pub(crate) const LASTS: Millis = Millis::from_minutes(15);

/// How long another one is had for its refresh token: what clients take for granted where nothing is said.
pub(crate) const REFRESH_LASTS: Millis = Millis::from_hours(2);

/// The longest text that may be a token, in bytes.
const MOST_BYTES: usize = 128;

/// What a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// To hand something in.
    Access,
    /// To have another token.
    Refresh,
}

impl Use {
    const fn word(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Refresh => "refresh",
        }
    }
}

/// Why a text is no token that is good now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoToken {
    /// It does not look like one.
    Shapeless,
    /// It looks like one, and nobody here has made it.
    Forged,
    /// It was one.
    Expired,
}

/// The two that come together.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// By which something is handed in, for [`LASTS`].
    pub access: Secret,
    /// By which others are had, for [`REFRESH_LASTS`].
    pub refresh: Secret,
}

impl Tokens {
    pub(super) fn issue(key: &[u8; 32], source: &SourceName, now: Timestamp) -> Self {
        let token = |of: Use, lasts: Millis| Secret::new(written(key, source, of, now + lasts));
        Self { access: token(Use::Access, LASTS), refresh: token(Use::Refresh, REFRESH_LASTS) }
    }
}

/// Whether a text is a token of this source that is good for `of` at `now`.
pub(super) fn check(
    key: &[u8; 32],
    source: &SourceName,
    of: Use,
    text: &str,
    now: Timestamp,
) -> Result<(), NoToken> {
    let (until, code) = read(of, text).ok_or(NoToken::Shapeless)?;
    signed(key, source, of, until).verify_slice(&code).map_err(|_| NoToken::Forged)?;
    if now < until { Ok(()) } else { Err(NoToken::Expired) }
}

/// Whether a text looks like a token, whoever made it.
pub(crate) fn is_shaped(text: &str) -> bool {
    [Use::Access, Use::Refresh].into_iter().any(|of| read(of, text).is_some())
}

/// `access.1772442000000.CODE`: what it is good for, until when, and the code over both.
fn written(key: &[u8; 32], source: &SourceName, of: Use, until: Timestamp) -> String {
    let code = signed(key, source, of, until).finalize().into_bytes();
    format!("{}.{}.{}", of.word(), until.as_millis(), URL_SAFE_NO_PAD.encode(code))
}

fn read(of: Use, text: &str) -> Option<(Timestamp, Vec<u8>)> {
    let rest = text.strip_prefix(of.word()).filter(|_| text.len() <= MOST_BYTES)?.strip_prefix('.')?;
    let (until, code) = rest.split_once('.')?;
    let code = URL_SAFE_NO_PAD.decode(code).ok().filter(|code| code.len() == 32)?;
    Some((Timestamp::from_millis(until.parse().ok()?), code))
}

fn signed(key: &[u8; 32], source: &SourceName, of: Use, until: Timestamp) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut code = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    let said = format!("pegboard token\n{}\n{}\n{}", of.word(), until.as_millis(), source.as_str());
    code.update(said.as_bytes());
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_772_442_000 + seconds)
    }

    fn checked(source: &str, of: Use, token: &Secret, now: i64) -> Result<(), NoToken> {
        check(&KEY, &source.into(), of, token.expose(), at(now))
    }

    #[test]
    fn a_token_is_good_for_its_source_its_use_and_its_time() {
        let tokens = Tokens::issue(&KEY, &"pbx".into(), at(0));
        assert_eq!(checked("pbx", Use::Access, &tokens.access, 899), Ok(()));
        assert_eq!(checked("pbx", Use::Access, &tokens.access, 900), Err(NoToken::Expired));
        assert_eq!(checked("pbx", Use::Refresh, &tokens.refresh, 7199), Ok(()));
        assert_eq!(checked("pbx", Use::Refresh, &tokens.refresh, 7200), Err(NoToken::Expired));
        assert_eq!(checked("pbx", Use::Access, &tokens.refresh, 0), Err(NoToken::Shapeless));
        assert_eq!(checked("other", Use::Access, &tokens.access, 0), Err(NoToken::Forged));
        let other = check(&[8; 32], &"pbx".into(), Use::Access, tokens.access.expose(), at(0));
        assert_eq!(other, Err(NoToken::Forged), "another key signs otherwise");
    }

    #[test]
    fn no_byte_of_a_token_can_be_another_one() {
        let tokens = Tokens::issue(&KEY, &"pbx".into(), at(0));
        let good = tokens.access.expose();
        for place in 0..good.len() {
            let mut forged = good.as_bytes().to_vec();
            forged[place] = if forged[place] == b'1' { b'2' } else { b'1' };
            let forged = Secret::new(String::from_utf8(forged).unwrap());
            assert!(checked("pbx", Use::Access, &forged, 0).is_err(), "{place}");
        }
        for text in ["", "access", "access.", "access.1", "access.x.y", "pgb_x", &"access.1.".repeat(50)] {
            assert!(!is_shaped(text), "{text}");
        }
        assert!(is_shaped(good));
    }
}
