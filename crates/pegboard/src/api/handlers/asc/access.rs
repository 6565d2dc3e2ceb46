//! Who calls: by the access key first, then by the tokens that are had for it.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::api::audit::Origin;
use crate::api::error::{ApiError, Code};
use crate::api::query::InPath;
use crate::api::state::ApiState;
use crate::runtime::intake::Gate;
use crate::runtime::intake::token::{NoToken, is_shaped};

/// A request for a token: the access key alone, or within an object of its own beside a tenant, as the SDK asks. There is no tenant here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct LoginBody {
    access_key_id: Option<String>,
    access_key_secret: Option<String>,
    access_key_token_request: Option<AccessKey>,
    #[serde(rename = "tenantName")]
    _tenant_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AccessKey {
    access_key_id: String,
    access_key_secret: String,
}

impl LoginBody {
    /// Id and secret.
    pub(super) fn key(&self) -> Result<(&str, &str), ApiError> {
        match self {
            Self {
                access_key_id: Some(id),
                access_key_secret: Some(secret),
                access_key_token_request: None,
                ..
            } => Ok((id, secret)),
            Self {
                access_key_id: None,
                access_key_secret: None,
                access_key_token_request: Some(key),
                ..
            } => Ok((&key.access_key_id, &key.access_key_secret)),
            _ => Err(unfit()),
        }
    }
}

/// A request for a token by a refresh token. What the SDK says besides is about browsers.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RefreshBody {
    pub(super) token: String,
    #[serde(rename = "updateCookie")]
    _update_cookie: Option<bool>,
    #[serde(rename = "toggleEnabled")]
    _toggle_enabled: Option<bool>,
}

/// Reads a request for a token. What is in it is not repeated.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(body).map_err(|_| unfit())
}

fn unfit() -> ApiError {
    let message = "the body must be a request for a token, by an access key or a refresh token";
    ApiError::bad_request("body", message)
}

/// Who asks for a token of the source in the path; whether there is such a source is not told.
pub(crate) struct Caller {
    pub(super) gate: Option<Arc<Gate>>,
    origin: Origin,
}

impl Caller {
    /// The answer to somebody without the access key, or with a forged token: after a few he has to wait.
    pub(super) async fn refuse(self, state: &ApiState) -> ApiError {
        if let Err(wait) = state.sign_ins.attempt(self.origin.0, Instant::now()) {
            return ApiError::too_many(wait, "too many wrong keys: wait, then try again");
        }
        state.refusals.note(state, self.origin).await;
        refused()
    }

    /// The answer to somebody whose token is not good. One that was, or that is none at all, is no try.
    pub(super) async fn refuse_token(self, state: &ApiState, token: &str, fault: NoToken) -> ApiError {
        match fault {
            NoToken::Forged if is_shaped(token) => self.refuse(state).await,
            NoToken::Forged | NoToken::Shapeless | NoToken::Expired => refused(),
        }
    }
}

fn refused() -> ApiError {
    let message = "the access key or the token is not that of a source of this name, or past its time";
    ApiError::new(Code::Unauthenticated, message)
}

impl FromRequestParts<ApiState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        let InPath(source) = InPath::from_request_parts(parts, state).await?;
        let gate = state.gates.of(&source.as_str().into()).cloned();
        let Ok(origin) = Origin::from_request_parts(parts, state).await;
        Ok(Self { gate, origin })
    }
}

/// The gate of the source in the path, for whoever has a token of it. Looked at before the body.
pub(crate) struct Bearer(pub(super) Arc<Gate>);

impl FromRequestParts<ApiState> for Bearer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let given = parts.headers.get(header::AUTHORIZATION).and_then(|given| given.to_str().ok());
        let token = given
            .and_then(|given| given.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map_or("", |(_, token)| token.trim());
        match &caller.gate {
            Some(gate) => match gate.knows(token) {
                Ok(()) => Ok(Self(gate.clone())),
                Err(fault) => Err(caller.refuse_token(state, token, fault).await),
            },
            None => Err(caller.refuse_token(state, token, NoToken::Forged).await),
        }
    }
}
