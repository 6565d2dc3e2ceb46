//! Who is asking, and what of the sources he may see.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use pegboard_model::SourceName;
use pegboard_store::{Cursor, Role, Token};

use crate::api::error::{ApiError, Code};
use crate::api::sessions::{Csrf, Session};
use crate::api::state::{Access, ApiState, Transport};
use crate::api::tokens::{self, Hash};

/// The cookie of a session of the page.
pub(crate) const COOKIE: &str = "pegboard_session";

/// The address at the other end of the connection. The server adds it to every request.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// Who is asking.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The public id of the token.
    id: Arc<str>,
    name: String,
    role: Role,
    /// The sources the token is limited to; all where empty.
    sources: Vec<SourceName>,
    credential: Credential,
}

/// By what the caller is known.
#[derive(Debug, Clone)]
enum Credential {
    /// By being on this machine.
    Open,
    /// By a token in the header.
    Token(Hash),
    /// By a session of the page.
    Session { key: Hash, csrf: Csrf },
}

impl Caller {
    /// The caller behind these headers: by the token in `Authorization`, else by the cookie of a session. `None`
    /// where there is neither; an error where there is one that is not valid, or not from where it may come.
    pub async fn identify(
        state: &ApiState,
        headers: &HeaderMap,
        peer: Option<Peer>,
    ) -> Result<Option<Self>, ApiError> {
        if state.access == Access::Open {
            let elsewhere = || ApiError::new(Code::Forbidden, "this hub answers on its own machine only");
            let caller = is_local(state.transport, headers, peer).then(Self::open);
            return caller.map(Some).ok_or_else(elsewhere);
        }
        if let Some(header) = headers.get(header::AUTHORIZATION) {
            let text = header.to_str().ok().and_then(bearer).ok_or_else(ApiError::unauthenticated)?;
            return Self::by_token(state, text).await.map(Some);
        }
        let Some(cookie) = cookie(headers) else { return Ok(None) };
        let session = state.sessions.find(cookie, state.view.now());
        Self::by_session(state, session.ok_or_else(ApiError::unauthenticated)?).await.map(Some)
    }

    /// The bearer of the token with this text.
    pub(crate) async fn by_token(state: &ApiState, text: &str) -> Result<Self, ApiError> {
        let hash = tokens::hash_of_presented(text).ok_or_else(ApiError::unauthenticated)?;
        let token = valid_token(state, &hash).await?;
        Ok(Self::of(token, Credential::Token(hash)))
    }

    async fn by_session(state: &ApiState, session: Session) -> Result<Self, ApiError> {
        match valid_token(state, &session.token).await {
            Ok(token) => {
                let Session { key, csrf, .. } = session;
                Ok(Self::of(token, Credential::Session { key, csrf }))
            }
            Err(error) => {
                if error.code() == Code::Unauthenticated {
                    state.sessions.close(&session.key);
                }
                Err(error)
            }
        }
    }

    /// Whether the caller is still who he was: long answers ask this again and again.
    pub(crate) async fn is_still_valid(&self, state: &ApiState) -> bool {
        match &self.credential {
            Credential::Open => true,
            Credential::Token(hash) => valid_token(state, hash).await.is_ok(),
            Credential::Session { key, .. } => match state.sessions.by_key(key, state.view.now()) {
                Some(session) => Self::by_session(state, session).await.is_ok(),
                None => false,
            },
        }
    }

    fn open() -> Self {
        Self {
            id: "open".into(),
            name: "this machine".to_string(),
            role: Role::Admin,
            sources: Vec::new(),
            credential: Credential::Open,
        }
    }

    fn of(token: Token, credential: Credential) -> Self {
        Self { id: token.id.into(), name: token.name, role: token.role, sources: token.sources, credential }
    }

    /// The public id of the caller's token.
    pub fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// What people call the caller's token.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the caller may do.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The sources the caller is limited to; all where empty.
    pub fn sources(&self) -> &[SourceName] {
        &self.sources
    }

    /// What writes of this caller must carry in `X-CSRF-Token`, if he came by a session.
    pub fn csrf(&self) -> Option<&str> {
        self.csrf_proof().map(Csrf::as_str)
    }

    pub(crate) fn csrf_proof(&self) -> Option<&Csrf> {
        match &self.credential {
            Credential::Session { csrf, .. } => Some(csrf),
            _ => None,
        }
    }

    /// Whether the caller sent the token itself, which no other site can make a browser do.
    pub(crate) fn sent_token(&self) -> bool {
        matches!(self.credential, Credential::Token(_))
    }

    /// How the caller came, as the audit log says it.
    pub(crate) fn via(&self) -> &'static str {
        match self.credential {
            Credential::Open => "open",
            Credential::Token(_) => "token",
            Credential::Session { .. } => "session",
        }
    }

    /// The key of the session the caller came by.
    pub(crate) fn session_key(&self) -> Option<&Hash> {
        match &self.credential {
            Credential::Session { key, .. } => Some(key),
            _ => None,
        }
    }

    /// The hash of the token the caller sent.
    pub(crate) fn token_hash(&self) -> Option<Hash> {
        match self.credential {
            Credential::Token(hash) => Some(hash),
            _ => None,
        }
    }

    /// Whether the caller may see a source.
    pub(crate) fn sees(&self, source: &SourceName) -> bool {
        self.sources.is_empty() || self.sources.contains(source)
    }

    /// The sources to read for a caller who asked for `requested` (for everything, if that is empty): what a store
    /// takes, where nothing means all.
    ///
    /// A source that the caller may not see is refused with the very words for one that does not exist.
    pub(crate) async fn scope<'a>(
        &self,
        state: &ApiState,
        requested: impl Iterator<Item = &'a str>,
    ) -> Result<Vec<SourceName>, ApiError> {
        let requested: Vec<_> = requested.collect();
        if requested.is_empty() && self.sources.is_empty() {
            return Ok(Vec::new());
        }
        let configured = state.view.sources().await?.into_iter().map(|source| source.name);
        let visible: Vec<_> = configured.filter(|source| self.sees(source)).collect();
        if requested.is_empty() {
            let nothing = || ApiError::new(Code::NotFound, "no source that this token may see is configured");
            return if visible.is_empty() { Err(nothing()) } else { Ok(visible) };
        }
        requested
            .into_iter()
            .map(|name| {
                let found = visible.iter().find(|source| source.as_str() == name).cloned();
                found.ok_or_else(|| no_source(name))
            })
            .collect()
    }

    /// The cursor without what the caller may not see: the names of other sources, and how much happens there.
    pub(crate) fn narrow(&self, mut cursor: Cursor) -> Cursor {
        cursor.seen.retain(|source, _| self.sees(source));
        cursor
    }
}

fn no_source(name: &str) -> ApiError {
    ApiError::new(Code::NotFound, format!("there is no source '{name}'")).at("query.source")
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    /// The caller as the guard of the route found him. A route that is open to everybody has none.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts.extensions.get::<Self>().cloned().ok_or_else(ApiError::unauthenticated)
    }
}

/// The stored token of a hash, if it still counts.
async fn valid_token(state: &ApiState, hash: &Hash) -> Result<Token, ApiError> {
    let now = state.view.now();
    let token = state.store.token_by_hash(hash).await?;
    token
        .filter(|token| token.revoked.is_none() && token.expires.is_none_or(|expires| now < expires))
        .ok_or_else(ApiError::unauthenticated)
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let pairs = headers.get_all(header::COOKIE).iter().filter_map(|header| header.to_str().ok());
    pairs
        .flat_map(|pairs| pairs.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
        .filter(|value| !value.is_empty())
}

/// Whether a request was made on this machine, to this machine by name.
///
/// The name counts because a page from anywhere can make a browser on this machine resolve its own name to
/// loopback; that request carries the page's name as its host.
pub(crate) fn is_local(transport: Transport, headers: &HeaderMap, peer: Option<Peer>) -> bool {
    let by_proxy = transport == Transport::BehindProxy || headers.contains_key("x-forwarded-for");
    let on_loopback = peer.is_some_and(|Peer(address)| address.ip().to_canonical().is_loopback());
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    on_loopback && !by_proxy && host.is_some_and(names_loopback)
}

fn names_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The address the caller calls from: the peer, or what the proxy in front says.
pub(crate) fn address(transport: Transport, headers: &HeaderMap, peer: Option<Peer>) -> IpAddr {
    let forwarded = || {
        let last = headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
        last.rsplit(',').next()?.trim().parse().ok()
    };
    let by_proxy = if transport == Transport::BehindProxy { forwarded() } else { None };
    by_proxy.or(peer.map(|Peer(address)| address.ip())).unwrap_or(IpAddr::from([0, 0, 0, 0]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    fn peer(text: &str) -> Peer {
        Peer(text.parse().unwrap())
    }

    #[test]
    fn only_a_request_to_loopback_by_its_own_name_is_local() {
        let local = |host, from| is_local(Transport::Plain, &headers(&[("host", host)]), Some(peer(from)));
        for host in ["localhost", "LocalHost:8080", "127.0.0.1:80", "127.1.2.3", "[::1]:8080", "[::1]"] {
            assert!(local(host, "127.0.0.1:9"), "{host}");
        }
        assert!(local("localhost", "[::ffff:127.0.0.1]:9"));
        for host in
            ["evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil", "10.0.0.1"]
        {
            assert!(!local(host, "127.0.0.1:9"), "{host}");
        }
        assert!(!local("localhost", "192.0.2.1:9"));
        assert!(!is_local(Transport::Plain, &headers(&[("host", "localhost")]), None));
        let forwarded = headers(&[("host", "localhost"), ("x-forwarded-for", "192.0.2.1")]);
        assert!(!is_local(Transport::Plain, &forwarded, Some(peer("127.0.0.1:9"))));
        let plain = headers(&[("host", "localhost")]);
        assert!(!is_local(Transport::BehindProxy, &plain, Some(peer("127.0.0.1:9"))));
    }

    #[test]
    fn the_address_is_that_which_the_proxy_appended() {
        let forwarded = headers(&[("x-forwarded-for", "203.0.113.9, 192.0.2.1")]);
        let proxy = Some(peer("10.0.0.2:9"));
        assert_eq!(address(Transport::BehindProxy, &forwarded, proxy).to_string(), "192.0.2.1");
        assert_eq!(address(Transport::Plain, &forwarded, proxy).to_string(), "10.0.0.2");
        assert_eq!(address(Transport::BehindProxy, &headers(&[]), proxy).to_string(), "10.0.0.2");
    }

    #[test]
    fn finds_the_cookie_among_others() {
        let found = |header: &'static str| cookie(&headers(&[("cookie", header)])).map(str::to_string);
        assert_eq!(found("a=b; pegboard_session=xyz; c=d").as_deref(), Some("xyz"));
        assert_eq!(found("pegboard_session="), None);
        assert_eq!(found("not_pegboard_session=xyz"), None);
        assert_eq!(found("pegboard_session2=xyz"), None);
    }

    #[test]
    fn reads_a_bearer_header() {
        assert_eq!(bearer("Bearer abc"), Some("abc"));
        assert_eq!(bearer("bearer  abc "), Some("abc"));
        assert_eq!(bearer("Basic abc"), None);
        assert_eq!(bearer("Bearer"), None);
    }
}
