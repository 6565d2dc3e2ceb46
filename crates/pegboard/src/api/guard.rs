//! What stands before every route: who asks, whether he may, how often, and whether he asks for what there is.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::api::caller::{self, Caller, Peer};
use crate::api::error::{ApiError, Code};
use crate::api::query::Params;
use crate::api::routes::{Needs, Route, RouteId};
use crate::api::state::ApiState;

/// The header in which writes of the page prove that they are its own.
const CSRF_HEADER: &str = "x-csrf-token";

/// The public id of the token behind a response, for the log.
#[derive(Debug, Clone)]
pub(crate) struct TokenId(pub(crate) Arc<str>);

/// Lets a request through to its route, or answers why not.
pub(crate) async fn guard(
    State((state, route)): State<(ApiState, &'static Route)>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let caller = match admit(&state, route, &parts).await {
        Ok(caller) => caller,
        Err(error) => return error.into_response(),
    };
    let id = caller.as_ref().map(|caller| TokenId(caller.id().clone()));
    let mut response = match prepare(route, caller, &mut parts) {
        Ok(()) => answer_in_time(limit(&state, route), next.run(Request::from_parts(parts, body))).await,
        Err(error) => error.into_response(),
    };
    if let Some(id) = id {
        response.extensions_mut().insert(id);
    }
    response
}

/// The caller, if he may use the route; nobody, if the route is open to everybody.
async fn admit(state: &ApiState, route: &Route, parts: &Parts) -> Result<Option<Caller>, ApiError> {
    let Parts { method, headers, extensions, .. } = parts;
    let peer = extensions.get::<Peer>().copied();
    let role = match route.needs {
        Needs::Nothing | Needs::SourceKey | Needs::SourceToken | Needs::Signature => {
            refuse_other_sites(method, headers)?;
            return Ok(None);
        }
        Needs::Role(role) | Needs::RoleOverAll(role) | Needs::RoleUnlessLocal(role) => role,
    };
    let Some(caller) = Caller::identify(state, headers, peer).await? else {
        let open = matches!(route.needs, Needs::RoleUnlessLocal(_));
        let local = open && caller::is_local(state.transport, headers, peer);
        return if local { Ok(None) } else { Err(ApiError::unauthenticated()) };
    };
    let taken = state.requests.take(caller.id(), Instant::now());
    taken.map_err(|wait| ApiError::too_many(wait, "too many requests with this token"))?;
    if caller.role() < role {
        let message = format!(
            "this needs the role {}, and the token has {}",
            role_name(role),
            role_name(caller.role())
        );
        return Err(ApiError::new(Code::Forbidden, message));
    }
    if matches!(route.needs, Needs::RoleOverAll(_)) && !caller.sources().is_empty() {
        let message = "this is about all sources, and the token is limited to some";
        return Err(ApiError::new(Code::Forbidden, message));
    }
    if !caller.sent_token() {
        refuse_other_sites(method, headers)?;
    }
    refuse_unproven_writes(&caller, method, headers)?;
    Ok(Some(caller))
}

/// Hands the route what it reads: the query, and the caller.
fn prepare(route: &'static Route, caller: Option<Caller>, parts: &mut Parts) -> Result<(), ApiError> {
    let params = Params::parse(parts.uri.query().unwrap_or_default(), route.query)?;
    parts.extensions.insert(params);
    if let Some(caller) = caller {
        parts.extensions.insert(caller);
    }
    Ok(())
}

/// How long the answer of a route may take to begin.
fn limit(state: &ApiState, route: &Route) -> Duration {
    match route.id {
        RouteId::Backup | RouteId::PreviewReload => state.limits.backup_time,
        _ => state.limits.answer_time,
    }
}

async fn answer_in_time(limit: Duration, answer: impl Future<Output = Response>) -> Response {
    tokio::time::timeout(limit, answer).await.unwrap_or_else(|_| {
        let message = format!("this took longer than {} s: ask for less", limit.as_secs());
        ApiError::new(Code::Unavailable, message).into_response()
    })
}

fn is_write(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD)
}

/// Refuses writes that a browser sends on behalf of another site. Programs send neither header.
fn refuse_other_sites(method: &Method, headers: &HeaderMap) -> Result<(), ApiError> {
    if !is_write(method) || comes_from_own_site(headers) {
        return Ok(());
    }
    Err(ApiError::new(Code::Forbidden, "this request comes from another site").at("header.origin"))
}

fn comes_from_own_site(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin" || site == "none";
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    origin.zip(host).is_some_and(|(origin, host)| origin.eq_ignore_ascii_case(host))
}

fn refuse_unproven_writes(caller: &Caller, method: &Method, headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(proof) = caller.csrf_proof().filter(|_| is_write(method)) else { return Ok(()) };
    if headers.get(CSRF_HEADER).is_some_and(|header| proof.matches(header.as_bytes())) {
        return Ok(());
    }
    let message = "the header X-CSRF-Token must carry the csrf value of the session";
    Err(ApiError::new(Code::Forbidden, message).at("header.x-csrf-token"))
}

pub(crate) fn role_name(role: pegboard_store::Role) -> &'static str {
    match role {
        pegboard_store::Role::Viewer => "viewer",
        pegboard_store::Role::Operator => "operator",
        pegboard_store::Role::Admin => "admin",
    }
}

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts.extensions.remove::<Self>().ok_or_else(ApiError::internal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own_site(pairs: &[(&'static str, &'static str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, value.parse().unwrap());
        }
        comes_from_own_site(&headers)
    }

    #[test]
    fn a_write_counts_as_own_only_from_the_own_origin() {
        let host = ("host", "hub.example:8080");
        assert!(own_site(&[host]), "a program");
        assert!(own_site(&[host, ("origin", "https://hub.example:8080")]));
        assert!(!own_site(&[host, ("origin", "https://hub.example")]));
        assert!(!own_site(&[host, ("origin", "https://evil.example")]));
        assert!(!own_site(&[host, ("origin", "null")]));
        assert!(!own_site(&[("origin", "https://evil.example")]));
    }

    #[test]
    fn what_the_browser_says_of_the_site_outranks_the_origin() {
        assert!(own_site(&[
            ("sec-fetch-site", "same-origin"),
            ("origin", "https://hub.example"),
            ("host", "inner")
        ]));
        assert!(own_site(&[("sec-fetch-site", "none")]));
        assert!(!own_site(&[("sec-fetch-site", "cross-site")]));
        assert!(!own_site(&[("sec-fetch-site", "same-site")]), "a neighbour's page is not ours");
    }
}
