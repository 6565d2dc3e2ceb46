//! Content with what HTTP says about it: type, validator, lifetime, and what the browser must not do with it.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// What the page may do: load its own files and talk to its own origin. No inline script or style, no frame around it, and
/// no text that becomes markup (Trusted Types): a name with a tag in it stays a name.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";

/// What is the page's own; the server adds what all answers carry.
const HARDENING: [(HeaderName, &str); 2] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
];

/// How long a browser may use its copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Freshness {
    /// Only after asking whether it is still the same.
    Checked,
    /// For ever: the address changes with the content.
    Forever,
}

/// Something to serve that never changes while the program runs.
#[derive(Debug)]
pub(super) struct Content {
    bytes: Bytes,
    mime: &'static str,
    etag: HeaderValue,
}

impl Content {
    pub(super) fn new(bytes: Bytes, mime: &'static str) -> Self {
        let etag = format!("\"{}\"", digest([&bytes[..]]));
        let etag = HeaderValue::try_from(etag).expect("base64 is a header value");
        Self { bytes, mime, etag }
    }

    /// The answer to a GET with these headers: the content, or 304 if the browser has it.
    pub(super) fn answer(&self, request: &HeaderMap, freshness: Freshness) -> Response {
        let mut response = if self.is_held_by(request) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let mut response = Body::from(self.bytes.clone()).into_response();
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(self.mime));
            response
        };
        let headers = response.headers_mut();
        headers.insert(header::ETAG, self.etag.clone());
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(freshness.cache_control()));
        for (name, value) in HARDENING {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }

    fn is_held_by(&self, request: &HeaderMap) -> bool {
        let held = request.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        held.flat_map(|value| value.split(','))
            .map(|tag| tag.trim().trim_start_matches("W/"))
            .any(|tag| tag == "*" || tag.as_bytes() == self.etag.as_bytes())
    }
}

impl Freshness {
    const fn cache_control(self) -> &'static str {
        match self {
            Self::Checked => "no-cache",
            Self::Forever => "public, max-age=31536000, immutable",
        }
    }
}

/// A short name for exactly this content: 128 bits of its SHA-256.
pub(super) fn digest<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(u64::try_from(part.len()).expect("a length fits 64 bits").to_be_bytes());
        hash.update(part);
    }
    URL_SAFE_NO_PAD.encode(&hash.finalize()[..16])
}
