//! `X-Twilio-Signature`: who sent a post, and that it came as it was sent.
//!
//! HMAC-SHA1 over the public URL and, of a form, its fields; of JSON, the URL names the SHA-256 of the body
//! (<https://www.twilio.com/docs/usage/security>). Twilio itself is not of one mind whether the URL has its port, so both
//! count, as in its own libraries.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

/// The field of the query that names the hash of the body.
const BODY_HASH: &str = "bodySHA256";

/// What was posted, byte for byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content<'a> {
    /// `application/x-www-form-urlencoded`.
    Form(&'a [u8]),
    /// `application/json`, or anything else that is no form.
    Json(&'a [u8]),
}

/// A post that should be signed.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// The URL as Twilio knows it, with the query that came: the public one, not that behind a proxy.
    pub url: &'a str,
    /// The header `X-Twilio-Signature`.
    pub signature: &'a str,
    /// The body.
    pub content: Content<'a>,
}

/// A post that none of the tokens has signed. Which part is wrong is nobody's business outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the request is not signed by Twilio with an auth token that is known, for this URL and this body")]
pub struct NotSigned;

impl Signed<'_> {
    /// Checks that one of the auth tokens signed it; two are known while one replaces the other. Takes the same time
    /// whichever byte of a signature is wrong.
    pub fn check<T: AsRef<[u8]>>(&self, tokens: &[T]) -> Result<(), NotSigned> {
        let theirs = STANDARD.decode(self.signature).map_err(|_| NotSigned)?;
        let (url, _fragment) = self.url.split_once('#').unwrap_or((self.url, ""));
        let (fields, whole) = match self.content {
            Content::Form(body) => (text_of_fields(body), Choice::from(1)),
            Content::Json(body) => (String::new(), is_hash_of(url, body).ok_or(NotSigned)?),
        };
        let mut signed = Choice::from(0);
        for url in spellings(url) {
            for token in tokens {
                signed |= code(token.as_ref(), &url, &fields).ct_eq(&theirs);
            }
        }
        if bool::from(signed & whole) { Ok(()) } else { Err(NotSigned) }
    }
}

fn code(token: &[u8], url: &str, fields: &str) -> Vec<u8> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut code = Hmac::<Sha1>::new_from_slice(token).expect("a key of any length");
    code.update(url.as_bytes());
    code.update(fields.as_bytes());
    code.finalize().into_bytes().to_vec()
}

/// Names and values one after the other: names in order, of each name its different values in order. A blank value leaves
/// the name.
fn text_of_fields(body: &[u8]) -> String {
    let mut fields: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(body) {
        fields.entry(name.into_owned()).or_default().insert(value.into_owned());
    }
    let mut text = String::with_capacity(body.len());
    for (name, values) in &fields {
        for value in values {
            text.push_str(name);
            text.push_str(value);
        }
    }
    text
}

/// Whether the URL names the hash of this body; nothing where it names none.
fn is_hash_of(url: &str, body: &[u8]) -> Option<Choice> {
    let (_, query) = url.split_once('?')?;
    let (_, named) = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == BODY_HASH)?;
    let hash = Sha256::digest(body).iter().fold(String::new(), |mut text, byte| {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(digit.into(), 16).unwrap_or_default());
        }
        text
    });
    Some(hash.as_bytes().ct_eq(named.as_bytes()))
}

/// The URL with a port and without one: an explicit one stays as it is, a missing one is that of the scheme.
fn spellings(url: &str) -> [String; 2] {
    let Some((scheme, rest)) = url.split_once("://") else { return [url.to_owned(), url.to_owned()] };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host_at = authority.rfind('@').map_or(0, |at| at + 1);
    let colon = authority[host_at..].rfind(':').map(|at| host_at + at);
    let port_at = colon.filter(|at| {
        let port = &authority[at + 1..];
        !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
    });
    if let Some(at) = port_at {
        return [format!("{scheme}://{}{path}", &authority[..at]), url.to_owned()];
    }
    let port = if scheme.eq_ignore_ascii_case("https") { 443 } else { 80 };
    [url.to_owned(), format!("{scheme}://{authority}:{port}{path}")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_spelled_with_a_port_and_without() {
        let spelled = |url: &str| spellings(url).to_vec();
        assert_eq!(
            spelled("https://hub.example/a?b=1"),
            ["https://hub.example/a?b=1", "https://hub.example:443/a?b=1"]
        );
        assert_eq!(spelled("http://hub.example:8080"), ["http://hub.example", "http://hub.example:8080"]);
        assert_eq!(
            spelled("https://u:1@hub.example?a=:2"),
            ["https://u:1@hub.example?a=:2", "https://u:1@hub.example:443?a=:2"]
        );
        assert_eq!(spelled("https://[::1]:9/a"), ["https://[::1]/a", "https://[::1]:9/a"]);
        assert_eq!(spelled("https://[::1]/a"), ["https://[::1]/a", "https://[::1]:443/a"]);
        assert_eq!(spelled("nowhere"), ["nowhere", "nowhere"]);
    }

    #[test]
    fn fields_are_in_order_and_each_value_counts_once() {
        assert_eq!(text_of_fields(b"b=2&a=&b=1&b=2&c=%C3%A9+x"), "ab1b2cé x");
    }
}
