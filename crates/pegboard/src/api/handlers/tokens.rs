//! The tokens: who gets in.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use pegboard_model::{SourceName, Timestamp};
use pegboard_store::Role;
use serde::Serialize;

use crate::api::audit::{self, Origin};
use crate::api::caller::Caller;
use crate::api::error::{ApiError, Code};
use crate::api::guard::role_name;
use crate::api::json_body::{Fields, JsonBody};
use crate::api::query::InPath;
use crate::api::state::ApiState;
use crate::api::token_request::{TokenFault, TokenRequest};
use crate::api::tokens::TokenEntry;

#[derive(Serialize)]
pub(crate) struct Tokens {
    tokens: Vec<TokenEntry>,
}

/// A token that was just made.
#[derive(Serialize)]
pub(crate) struct Made {
    #[serde(flatten)]
    entry: TokenEntry,
    /// Its text, here and never again.
    secret: String,
}

/// `GET /tokens`.
pub(crate) async fn list(State(state): State<ApiState>) -> Result<Json<Tokens>, ApiError> {
    let tokens = state.store.tokens().await?.into_iter().map(TokenEntry::from).collect();
    Ok(Json(Tokens { tokens }))
}

/// `POST /tokens`.
pub(crate) async fn create(
    State(state): State<ApiState>,
    caller: Caller,
    origin: Origin,
    JsonBody(body): JsonBody,
) -> Result<(StatusCode, Json<Made>), ApiError> {
    let Wanted { name, role, sources, expires } = Wanted::read(&body)?;
    let configured: Vec<_> = state.view.sources().await?.into_iter().map(|source| source.name).collect();
    let now = state.view.now();
    let request = TokenRequest::new(&name, role, sources, expires, &configured, now)?;
    let (text, write) = request.make(now);
    let entry = TokenEntry::from(write.token.clone());
    audit::note(&state, &caller, origin, entry.creation()).await?;
    state.store.add_token(write).await?;
    tracing::info!(made = entry.id, role = role_name(role), by = &**caller.id(), "a token was made");
    Ok((StatusCode::CREATED, Json(Made { entry, secret: text.expose().to_string() })))
}

/// `DELETE /tokens/{id}`.
pub(crate) async fn revoke(
    State(state): State<ApiState>,
    caller: Caller,
    origin: Origin,
    InPath(id): InPath,
) -> Result<StatusCode, ApiError> {
    let unknown = || ApiError::new(Code::NotFound, "there is no token with this id").at("path.id");
    let token = state.store.tokens().await?.into_iter().find(|token| token.id == id).ok_or_else(unknown)?;
    let now = state.view.now();
    audit::note(&state, &caller, origin, TokenEntry::from(token).revocation(now)).await?;
    if !state.store.revoke_token(&id, now).await? {
        return Err(unknown());
    }
    tracing::info!(revoked = id, by = &**caller.id(), "a token was revoked");
    Ok(StatusCode::NO_CONTENT)
}

impl From<TokenFault> for ApiError {
    fn from(fault: TokenFault) -> Self {
        Self::bad_request(format!("body.{}", fault.path()), fault.to_string())
    }
}

/// The body of a request for a token: every field of its own type, and no field that is not known.
struct Wanted {
    name: String,
    role: Role,
    sources: Vec<SourceName>,
    expires: Option<Timestamp>,
}

impl Wanted {
    fn read(body: &[u8]) -> Result<Self, ApiError> {
        let mut fields = Fields::read(body)?;
        let wanted = Self {
            name: fields.required("name", "a text")?,
            role: fields.required("role", "one of viewer, operator, admin")?,
            sources: fields.optional("sources", "a list of names of sources")?.unwrap_or_default(),
            expires: fields.optional("expires", "a time in RFC 3339, such as 2026-03-01T00:00:00Z")?,
        };
        fields.end("a token has name, role, sources and expires")?;
        Ok(wanted)
    }
}
