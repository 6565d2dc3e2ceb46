//! The one way in which the API says no.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use pegboard_store::StoreError;
use serde_json::json;

use crate::runtime::erasure::ErasureError;
use crate::runtime::reload::ReloadError;
use crate::runtime::view::ReportError;

/// What kind of no. Its text is part of the contract; the status follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// The request is wrong: the caller has to change it.
    BadRequest,
    /// There is no valid token: the caller has to sign in.
    Unauthenticated,
    /// The token does not allow this.
    Forbidden,
    /// There is no such thing, or the token may not see it.
    NotFound,
    /// The route does not know the method.
    MethodNotAllowed,
    /// Somebody else has changed meanwhile what the caller wants to change.
    Conflict,
    /// The cursor is of another store or too old: the caller has to take a new snapshot.
    CursorGone,
    /// The request, or what it asks for, is too large.
    TooLarge,
    /// The caller has to wait.
    TooManyRequests,
    /// The hub cannot answer now: it shuts down, or its store does not answer.
    Unavailable,
    /// A fault of the hub: the log says which.
    Internal,
}

impl Code {
    /// Every code.
    pub const ALL: [Self; 11] = [
        Self::BadRequest,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Conflict,
        Self::CursorGone,
        Self::TooLarge,
        Self::TooManyRequests,
        Self::Unavailable,
        Self::Internal,
    ];

    /// The code as the envelope writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadRequest => "bad_request",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::Conflict => "conflict",
            Self::CursorGone => "cursor_gone",
            Self::TooLarge => "too_large",
            Self::TooManyRequests => "too_many_requests",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }

    /// The status of a response with this code.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict => StatusCode::CONFLICT,
            Self::CursorGone => StatusCode::GONE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// By what a caller proves who he is, where he has not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Challenge {
    /// A token of the hub.
    #[default]
    Bearer,
    /// Id and secret of an access key, as user and password.
    Basic,
    /// What Twilio signs its posts with. No scheme of HTTP has this name: it says that none of them helps.
    TwilioSignature,
}

impl Challenge {
    const fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Bearer => "Bearer",
            Self::Basic => "Basic realm=\"pegboard\", charset=\"UTF-8\"",
            Self::TwilioSignature => "X-Twilio-Signature",
        })
    }
}

/// An answer that says no, in the one envelope that all routes share.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ApiError {
    code: Code,
    message: Cow<'static, str>,
    path: Option<Cow<'static, str>>,
    retry_after: Option<Duration>,
    challenge: Challenge,
}

impl ApiError {
    /// An error with a message for the person who has to act.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), path: None, retry_after: None, challenge: Challenge::default() }
    }

    /// The same, naming the part of the request that is wrong, such as `query.after`.
    #[must_use]
    pub fn at(mut self, path: impl Into<Cow<'static, str>>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// The same, saying when the caller may try again.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// The same, of a route that is not entered by a token.
    #[must_use]
    pub fn challenging(mut self, challenge: Challenge) -> Self {
        self.challenge = challenge;
        self
    }

    /// The request is wrong at `path`.
    pub fn bad_request(path: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::BadRequest, message).at(path)
    }

    /// There is no valid token.
    pub fn unauthenticated() -> Self {
        Self::new(
            Code::Unauthenticated,
            "a valid token is needed: send 'Authorization: Bearer <token>', or sign in",
        )
    }

    /// A limit of rate is reached.
    pub fn too_many(wait: Duration, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::TooManyRequests, message).retry_after(wait)
    }

    /// A fault of the hub. What it was is logged by the caller, not told.
    pub fn internal() -> Self {
        Self::new(Code::Internal, "a fault of the hub: its log says which")
    }

    /// The code.
    pub const fn code(&self) -> Code {
        self.code
    }
}

/// A failing store is logged here, once, in full; the caller is told only what he can do.
impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::CursorGone => Self::new(Code::CursorGone, error.to_string()),
            StoreError::Closed => {
                Self::new(Code::Unavailable, "the hub is shutting down").retry_after(Duration::from_secs(5))
            }
            StoreError::Database { .. } => {
                tracing::error!(error = %error, "the store failed");
                Self::new(Code::Unavailable, "the store does not answer: the log of the hub says why")
                    .retry_after(Duration::from_secs(5))
            }
            error => {
                tracing::error!(error = %error, "the store failed");
                Self::internal()
            }
        }
    }
}

impl From<ReportError> for ApiError {
    fn from(error: ReportError) -> Self {
        let message = error.to_string();
        match error {
            ReportError::UnknownReport(_) | ReportError::NoHistory(_) => {
                Self::new(Code::NotFound, message).at("path.name")
            }
            ReportError::UnknownSource(_) => Self::new(Code::NotFound, message).at("query.source"),
            ReportError::BadWindow(_) => Self::bad_request("query.from", message),
            ReportError::NoAgents(_) => Self::bad_request("query.agent", message),
            ReportError::NotOfAcd(_) => Self::bad_request("query.origin", message),
            ReportError::TooMany(_) => Self::new(Code::TooLarge, message),
            ReportError::Store(error) => error.into(),
        }
    }
}

impl From<ErasureError> for ApiError {
    fn from(error: ErasureError) -> Self {
        let message = error.to_string();
        match error {
            ErasureError::UnknownSource(_) => Self::new(Code::NotFound, message).at("body.source"),
            ErasureError::SignedIn => Self::bad_request("body.agent", message),
            ErasureError::TooManyOpen => Self::too_many(Duration::from_mins(1), message),
            ErasureError::Store(error) => error.into(),
        }
    }
}

impl From<ReloadError> for ApiError {
    fn from(error: ReloadError) -> Self {
        let message = error.to_string();
        match error {
            ReloadError::UnknownSource(_) => Self::new(Code::NotFound, message).at("body.source"),
            ReloadError::Unknown => Self::new(Code::NotFound, message).at("path.id"),
            ReloadError::BadDays(_) => Self::bad_request("body.from", message),
            ReloadError::TooManyOpen => Self::too_many(Duration::from_mins(1), message),
            ReloadError::TooManyRows => Self::new(Code::TooLarge, message),
            ReloadError::NoArchive | ReloadError::InPieces => Self::bad_request("body.from_archive", message),
            ReloadError::GivesNothing | ReloadError::FromBoth => {
                Self::bad_request("body.from_source", message)
            }
            ReloadError::NotTold(_) => Self::new(Code::Unavailable, message),
            ReloadError::Store(error) => error.into(),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut envelope = json!({"code": self.code.as_str(), "message": self.message});
        if let Some(path) = self.path {
            envelope["path"] = path.into();
        }
        let mut response = (self.code.status(), axum::Json(json!({"error": envelope}))).into_response();
        let headers = response.headers_mut();
        if self.code == Code::Unauthenticated {
            headers.insert(header::WWW_AUTHENTICATE, self.challenge.header());
        }
        if let Some(wait) = self.retry_after {
            headers.insert(header::RETRY_AFTER, whole_seconds(wait).into());
        }
        response
    }
}

/// Rounded up: who comes back after it is not told to wait again.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_own_text_and_status() {
        for (index, code) in Code::ALL.iter().enumerate() {
            for other in &Code::ALL[index + 1..] {
                assert_ne!(code.as_str(), other.as_str());
                assert_ne!(code.status(), other.status());
            }
        }
    }

    #[test]
    fn a_wait_is_rounded_up_to_whole_seconds() {
        assert_eq!(whole_seconds(Duration::from_millis(1)), 1);
        assert_eq!(whole_seconds(Duration::from_secs(2)), 2);
    }

    #[test]
    fn a_broken_store_is_not_described_to_the_caller() {
        let cause = "disk I/O error at /var/lib/secret".into();
        let error = ApiError::from(StoreError::Database { operation: "read the feed", cause });
        assert_eq!(error.code(), Code::Unavailable);
        assert!(!error.to_string().contains("secret"));
    }
}
