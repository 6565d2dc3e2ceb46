//! Signing in and out of the page.

use std::time::Instant;

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use pegboard_model::SourceName;
use pegboard_store::Role;
use serde::{Deserialize, Serialize};

use crate::api::caller::{self, COOKIE, Caller, Peer};
use crate::api::error::{ApiError, Code};
use crate::api::json_body::JsonBody;
use crate::api::sessions::LIFETIME;
use crate::api::state::{Access, ApiState};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignIn {
    token: String,
}

/// Who is asking.
#[derive(Serialize)]
pub(crate) struct Who {
    name: String,
    role: Role,
    sources: Vec<SourceName>,
    csrf: Option<String>,
}

impl Who {
    fn new(caller: &Caller, csrf: Option<&str>) -> Self {
        Self {
            name: caller.name().to_string(),
            role: caller.role(),
            sources: caller.sources().to_vec(),
            csrf: csrf.map(str::to_string),
        }
    }
}

/// `GET /session`.
pub(crate) async fn who(caller: Caller) -> Json<Who> {
    Json(Who::new(&caller, caller.csrf()))
}

/// `POST /session`.
pub(crate) async fn sign_in(
    State(state): State<ApiState>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    if state.access == Access::Open {
        return Err(ApiError::new(
            Code::BadRequest,
            "this hub needs no token: there is nothing to sign in to",
        ));
    }
    let SignIn { token } = parse(&body)?;
    let address = caller::address(state.transport, &headers, peer.map(|Extension(peer)| peer));
    let attempt = state.sign_ins.attempt(address, Instant::now());
    attempt.map_err(|wait| ApiError::too_many(wait, "too many failed sign-ins: wait, then try again"))?;
    let caller = Caller::by_token(&state, token.trim()).await.map_err(refused)?;
    state.sign_ins.succeeded(address);
    let hash = caller.token_hash().ok_or_else(ApiError::internal)?;
    // Whoever had a session before gets a new one: no cookie outlives a sign-in.
    close_session_of(&state, &headers).await;
    let (session, cookie) = state.sessions.open(hash, state.view.now());
    let set_cookie = set_cookie(&state, &cookie, LIFETIME.get() / 1000)?;
    Ok(([(header::SET_COOKIE, set_cookie)], Json(Who::new(&caller, Some(session.csrf.as_str()))))
        .into_response())
}

/// `DELETE /session`.
pub(crate) async fn sign_out(State(state): State<ApiState>, caller: Caller) -> Result<Response, ApiError> {
    if let Some(key) = caller.session_key() {
        state.sessions.close(key);
    }
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, set_cookie(&state, "", 0)?)]).into_response())
}

fn parse(body: &[u8]) -> Result<SignIn, ApiError> {
    serde_json::from_slice(body).map_err(|_| {
        // The parser's own words could repeat the token.
        ApiError::bad_request("body", "the body must be {\"token\": \"...\"} and nothing else")
    })
}

fn refused(error: ApiError) -> ApiError {
    match error.code() {
        Code::Unauthenticated => ApiError::new(
            Code::Unauthenticated,
            "this token is not valid: it is mistyped, expired or revoked; `pegboard token create` makes a new one",
        )
        .at("body.token"),
        _ => error,
    }
}

async fn close_session_of(state: &ApiState, headers: &HeaderMap) {
    if let Ok(Some(caller)) = Caller::identify(state, headers, None).await
        && let Some(key) = caller.session_key()
    {
        state.sessions.close(key);
    }
}

fn set_cookie(state: &ApiState, value: &str, seconds: i64) -> Result<HeaderValue, ApiError> {
    let secure = if state.transport.is_secure() { "; Secure" } else { "" };
    let text = format!("{COOKIE}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}");
    HeaderValue::try_from(text).map_err(|_| ApiError::internal())
}
