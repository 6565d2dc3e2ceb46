//! Bodies of requests, which are JSON.

use axum::body::Bytes;
use axum::extract::{FromRequest, MatchedPath, Request};
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::api::error::ApiError;
use crate::api::observe::{body_limit, too_large};

/// The bytes of a body that says it is JSON. What is in them is for the route to read.
pub(crate) struct JsonBody(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if !says_json(request.headers()) {
            return Err(ApiError::bad_request("header.content-type", "the body must be application/json"));
        }
        bytes_of(request, state).await.map(Self)
    }
}

/// The bytes of a body, whatever they are.
pub(crate) async fn bytes_of<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, ApiError> {
    let limit = body_limit(request.extensions().get::<MatchedPath>());
    Bytes::from_request(request, state).await.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => too_large(limit),
        _ => ApiError::bad_request("body", "the body could not be read to its end"),
    })
}

fn says_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// The fields of a body that is a JSON object: each is taken once, and what is left at the end is refused.
pub(crate) struct Fields(Map<String, Value>);

impl Fields {
    pub(crate) fn read(body: &[u8]) -> Result<Self, ApiError> {
        let refused = |_| ApiError::bad_request("body", "the body must be a JSON object");
        serde_json::from_slice(body).map(Self).map_err(refused)
    }

    pub(crate) fn required<T: DeserializeOwned>(&mut self, name: &str, what: &str) -> Result<T, ApiError> {
        self.optional(name, what)?.ok_or_else(|| Self::unfit(name, what))
    }

    /// The value of a field; nothing where it is missing or null.
    pub(crate) fn optional<T: DeserializeOwned>(
        &mut self,
        name: &str,
        what: &str,
    ) -> Result<Option<T>, ApiError> {
        let value = self.0.remove(name).unwrap_or(Value::Null);
        serde_json::from_value(value).map_err(|_| Self::unfit(name, what))
    }

    /// The error for a field that is not `what` it must be.
    pub(crate) fn unfit(name: &str, what: &str) -> ApiError {
        ApiError::bad_request(format!("body.{name}"), format!("{name} must be {what}"))
    }

    /// Refuses what was not taken; `known` says what there is.
    pub(crate) fn end(self, known: &str) -> Result<(), ApiError> {
        let Some(name) = self.0.keys().next() else { return Ok(()) };
        let shown: String = name.chars().take(40).collect();
        let message = format!("there is no field '{shown}' here: {known}");
        Err(ApiError::bad_request(format!("body.{shown}"), message))
    }
}
