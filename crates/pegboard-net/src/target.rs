//! Where something is sent.

use std::fmt;
use std::str::FromStr;

use http::Uri;
use url::Url;

/// The longest address of a target, in bytes.
pub const MAX_TARGET_BYTES: usize = 2048;

/// The address of a target: `https://`, or `http://` within a network that was opened for it.
///
/// It is read as browsers read addresses, so that every spelling of a host (`0x7f.1`, `2130706433`, `[::ffff:127.0.0.1]`) is
/// the same host for all.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Target(Url);

/// Why a text is no address of a target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTarget {
    /// Too long.
    #[error("the address is longer than {MAX_TARGET_BYTES} bytes")]
    TooLong,
    /// No address at all.
    #[error("`{0}` is no address: {1}")]
    NotAnAddress(String, String),
    /// Another scheme.
    #[error("an address begins with https:// (or http://, within a network that is opened), not with {0}:")]
    Scheme(String),
    /// A password stands in it, most likely; it is not repeated.
    #[error("an address holds no user name and no password: say them by reference, in a key of their own")]
    Credentials,
    /// Something that is never sent.
    #[error("what follows # is never sent: leave it out")]
    Fragment,
}

impl Target {
    /// The host, as it is connected to: IPv6 without brackets.
    pub fn host(&self) -> &str {
        host_of(&self.0)
    }

    /// Whether it is spoken to by TLS.
    pub fn is_tls(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The address `path` below this one: slashes between are made one. `path` is percent-encoded already.
    #[must_use]
    pub fn below(&self, path: &str) -> Self {
        let mut url = self.0.clone();
        let base = url.path().trim_end_matches('/');
        let whole = format!("{base}/{}", path.trim_start_matches('/'));
        let (path, query) =
            whole.split_once('?').map_or((&*whole, None), |(path, query)| (path, Some(query)));
        url.set_path(path);
        if query.is_some() {
            url.set_query(query);
        }
        Self(url)
    }

    /// Whether both are reached by the same scheme at the same host and port.
    pub fn is_same_origin(&self, other: &Self) -> bool {
        self.0.origin() == other.0.origin()
    }

    /// The address as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The same for a request. Every address is one; an odd one that is none after all fails when it is sent.
    pub(crate) fn uri(&self) -> Result<Uri, http::uri::InvalidUri> {
        self.0.as_str().parse()
    }
}

/// The host of an address, as it is connected to.
fn host_of(url: &Url) -> &str {
    let host = url.host_str().unwrap_or_default();
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

impl FromStr for Target {
    type Err = InvalidTarget;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > MAX_TARGET_BYTES {
            return Err(InvalidTarget::TooLong);
        }
        let url = Url::parse(text).map_err(|error| {
            if text.contains('@') {
                return InvalidTarget::Credentials;
            }
            InvalidTarget::NotAnAddress(text.to_owned(), error.to_string())
        })?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(InvalidTarget::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidTarget::Credentials);
        }
        if url.fragment().is_some() {
            return Err(InvalidTarget::Fragment);
        }
        Ok(Self(url))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s02_every_spelling_of_a_host_is_the_same_host() {
        for (text, host) in [
            ("https://2130706433/", "127.0.0.1"),
            ("https://0x7f000001/", "127.0.0.1"),
            ("https://0177.0.0.1/", "127.0.0.1"),
            ("https://127.1/", "127.0.0.1"),
            ("https://[::FFFF:127.0.0.1]/", "::ffff:7f00:1"),
            ("https://LOCALHOST./", "localhost."),
            ("https://ⓔxample.com/", "example.com"),
            ("https://bücher.example/", "xn--bcher-kva.example"),
            ("https://example%2ecom/", "example.com"),
        ] {
            assert_eq!(text.parse::<Target>().unwrap().host(), host, "{text}");
        }
    }

    #[test]
    fn s02_what_hides_where_it_leads_is_no_target() {
        for (text, refused) in [
            (
                "https://user:hunter2@x.example/",
                "an address holds no user name and no password: say them by reference, in a key of their own",
            ),
            (
                "https://x.example@10.0.0.1/",
                "an address holds no user name and no password: say them by reference, in a key of their own",
            ),
            (
                "https://user:hunter2@/x",
                "an address holds no user name and no password: say them by reference, in a key of their own",
            ),
            (
                "ftp://x.example/",
                "an address begins with https:// (or http://, within a network that is opened), not with ftp:",
            ),
            (
                "file:///etc/passwd",
                "an address begins with https:// (or http://, within a network that is opened), not with file:",
            ),
            ("https://x.example/#a", "what follows # is never sent: leave it out"),
            ("x.example", "`x.example` is no address: relative URL without a base"),
            ("https://[fe80::1%25eth0]/", "`https://[fe80::1%25eth0]/` is no address: invalid IPv6 address"),
        ] {
            assert_eq!(text.parse::<Target>().unwrap_err().to_string(), refused, "{text}");
        }
    }

    #[test]
    fn a_path_stands_below_an_address_with_one_slash_between() {
        let below = |base: &str, path: &str| base.parse::<Target>().unwrap().below(path).to_string();
        assert_eq!(below("https://x.example", "asc/v1/token"), "https://x.example/asc/v1/token");
        assert_eq!(below("https://x.example/base/", "/token?a=b"), "https://x.example/base/token?a=b");
        assert_eq!(below("https://x.example:8443/base", "token"), "https://x.example:8443/base/token");
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let same = |one: &str, other: &str| {
            one.parse::<Target>().unwrap().is_same_origin(&other.parse::<Target>().unwrap())
        };
        assert!(same("https://x.example/a", "https://X.example:443/b?c=d"));
        for other in [
            "http://x.example/a",
            "https://x.example:8443/a",
            "https://y.x.example/a",
            "https://x.example./a",
        ] {
            assert!(!same("https://x.example/a", other), "{other}");
        }
    }

    #[test]
    fn r28_an_address_is_2048_bytes_long_at_most() {
        let address = |length: usize| format!("https://x.example/{}", "a".repeat(length - 18));
        assert!(address(MAX_TARGET_BYTES).parse::<Target>().is_ok());
        assert_eq!(address(MAX_TARGET_BYTES + 1).parse::<Target>(), Err(InvalidTarget::TooLong));
    }
}
