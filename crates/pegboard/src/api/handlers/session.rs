//! Signing in and out of the page.

use std::time::Instant;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use pegboard_model::SourceName;
use pegboard_store::Role;
use serde::{Deserialize, Serialize};

use crate::api::audit::{self, Deed, Origin};
use crate::api::caller::{COOKIE, Caller};
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
    origin: Origin,
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
    let attempt = state.sign_ins.attempt(origin.0, Instant::now());
    attempt.map_err(|wait| ApiError::too_many(wait, "too many failed sign-ins: wait, then try again"))?;
    let caller = match Caller::by_token(&state, token.trim()).await {
        Ok(caller) => caller,
        Err(error) => {
            if error.code() == Code::Unauthenticated {
                state.refusals.note(&state, origin).await;
            }
            return Err(refused(error));
        }
    };
    state.sign_ins.succeeded(origin.0);
    let hash = caller.token_hash().ok_or_else(ApiError::internal)?;
    audit::note(&state, &caller, origin, of_session("session.opened", &caller)).await?;
    // Whoever had a session before gets a new one: no cookie outlives a sign-in.
    close_session_of(&state, &headers).await;
    let (session, cookie) = state.sessions.open(hash, state.view.now());
    let set_cookie = set_cookie(&state, &cookie, LIFETIME.get() / 1000)?;
    Ok(([(header::SET_COOKIE, set_cookie)], Json(Who::new(&caller, Some(session.csrf.as_str()))))
        .into_response())
}

/// `DELETE /session`.
pub(crate) async fn sign_out(
    State(state): State<ApiState>,
    caller: Caller,
    origin: Origin,
) -> Result<Response, ApiError> {
    if let Some(key) = caller.session_key() {
        // It ends whether or not that can be written down.
        state.sessions.close(key);
        audit::note(&state, &caller, origin, of_session("session.closed", &caller)).await?;
    }
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, set_cookie(&state, "", 0)?)]).into_response())
}

/// What the audit log says of a session: whose it is. Nothing tells one session of a token from another.
fn of_session(action: &'static str, caller: &Caller) -> Deed {
    Deed { action, subject: caller.id().to_string(), before: None, after: None }
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
