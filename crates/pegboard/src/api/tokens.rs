//! API tokens: random text that is shown once, and its hash, which is all that the store keeps.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pegboard_model::{SourceName, Timestamp};
use pegboard_store::{Role, Token, TokenWrite};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::api::audit::Deed;

/// The beginning of every token, by which people and secret scanners know it.
const PREFIX: &str = "pgb_";
/// 32 bytes in base64 without padding.
const TEXT_LENGTH: usize = 43;

/// SHA-256 of a secret.
pub(crate) type Hash = [u8; 32];

/// The text of a token. It is shown once, when it is made; `Debug` does not show it.
pub struct TokenText(String);

impl TokenText {
    /// The text, to be shown to the person who asked for the token.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenText(..)")
    }
}

/// A token as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenEntry {
    /// Its public id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it allows.
    pub role: Role,
    /// The sources it is limited to; all where empty.
    pub sources: Vec<SourceName>,
    /// When it was made.
    pub created: Timestamp,
    /// From when on it is refused.
    pub expires: Option<Timestamp>,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
}

impl TokenEntry {
    /// What the audit log says when it is made.
    pub fn creation(&self) -> Deed {
        Deed { action: "token.created", subject: self.id.clone(), before: None, after: Some(json!(self)) }
    }

    /// What the audit log says when it is revoked.
    pub fn revocation(&self, at: Timestamp) -> Deed {
        let revoked = Self { revoked: Some(self.revoked.unwrap_or(at)), ..self.clone() };
        let (before, after) = (Some(json!(self)), Some(json!(revoked)));
        Deed { action: "token.revoked", subject: self.id.clone(), before, after }
    }
}

impl From<Token> for TokenEntry {
    fn from(token: Token) -> Self {
        let Token { id, name, role, sources, created, expires, revoked } = token;
        Self { id, name, role, sources, created, expires, revoked }
    }
}

/// Makes a token: its text, and what the store writes of it.
///
/// `sources` limits it to these sources; empty, it sees all. From `expires` on it is refused.
pub fn create(
    name: &str,
    role: Role,
    sources: Vec<SourceName>,
    expires: Option<Timestamp>,
    now: Timestamp,
) -> (TokenText, TokenWrite) {
    let text = format!("{PREFIX}{}", random_text());
    let hash = hash(&text);
    let id = random_bytes::<8>().iter().fold(String::from("t"), |id, byte| format!("{id}{byte:02x}"));
    let token = Token { id, name: name.to_string(), role, sources, created: now, expires, revoked: None };
    (TokenText(text), TokenWrite { token, hash })
}

/// The hash of a text that has the form of a token; nothing for any other text.
///
/// Tokens are found by this hash. How long that takes can depend on the hash only, and nobody who does not know a
/// token can steer its hash towards that of another: looking up the hash is safe against timing by construction.
pub(crate) fn hash_of_presented(text: &str) -> Option<Hash> {
    let secret = text.strip_prefix(PREFIX)?;
    let well_formed = secret.len() == TEXT_LENGTH
        && secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    well_formed.then(|| hash(text))
}

/// SHA-256 of a text. Enough for secrets of 256 random bits: there is nothing to guess, so nothing to slow down.
pub(crate) fn hash(text: &str) -> Hash {
    Sha256::digest(text.as_bytes()).into()
}

/// 256 random bits as text that is safe in a header, a cookie and a URL.
pub(crate) fn random_text() -> String {
    URL_SAFE_NO_PAD.encode(random_bytes::<32>())
}

pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system has random bytes");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made() -> (TokenText, TokenWrite) {
        create("wall", Role::Viewer, vec!["acme".into()], None, Timestamp::from_seconds(7))
    }

    #[test]
    fn a_token_is_found_by_the_hash_of_its_text() {
        let (text, write) = made();
        assert_eq!(text.expose().len(), PREFIX.len() + TEXT_LENGTH);
        assert_eq!(hash_of_presented(text.expose()), Some(write.hash));
        assert_eq!(write.token.created, Timestamp::from_seconds(7));
        assert_eq!(write.token.sources, ["acme".into()]);
    }

    #[test]
    fn two_tokens_share_nothing() {
        let (a, b) = (made(), made());
        assert_ne!(a.0.expose(), b.0.expose());
        assert_ne!(a.1.hash, b.1.hash);
        assert_ne!(a.1.token.id, b.1.token.id);
    }

    #[test]
    fn what_has_not_the_form_of_a_token_is_not_looked_up() {
        let (text, _) = made();
        let text = text.expose();
        for wrong in ["", "pgb_", &text[4..], &text[..46], &format!("{text}a"), &text.replace("pgb_", "PGB_")]
        {
            assert_eq!(hash_of_presented(wrong), None, "{wrong}");
        }
        assert_eq!(hash_of_presented(&format!("pgb_{}é", &text[4..45])), None);
    }

    #[test]
    fn s20_the_text_of_a_token_is_not_in_its_debug_output() {
        let (text, _) = made();
        assert!(!format!("{text:?}").contains(&text.expose()[4..]));
    }
}
