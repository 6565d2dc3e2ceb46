//! Why something was not accepted, and whether it may be tried again.

use http::StatusCode;
use pegboard_net::{Answer, CallError, LoginError, RetryAfter};

use crate::{Refusal, WfmReportResponse};

/// Why a call failed: `CXoneWfmException`. No secret is in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no token.
    #[error("there is no token: {0}")]
    Login(LoginError),
    /// The key may not do this, or its token is not taken although it is new. Nothing is taken until somebody gives the key its rights.
    #[error("the service denies it: {0}; look at the user of the access key in CXone")]
    Denied(Refusal),
    /// The content is refused. It will be refused again.
    #[error("the service refuses it: {0}")]
    Rejected(Refusal),
    /// The body is too long. In parts it may be accepted.
    #[error("the service takes no body of this length: {0}")]
    TooLarge(Refusal),
    /// There is no such service at this address.
    #[error("the service is not at this address: {0}; look at the service URL and the paths")]
    NotThere(Refusal),
    /// It may be accepted later.
    #[error("the service cannot now: {refusal}")]
    Later {
        /// What it says.
        refusal: Refusal,
        /// When it asks to be asked again.
        after: Option<RetryAfter>,
    },
    /// The answer is a success that says nothing that is understood. Nobody knows what was done.
    #[error("the answer of the service is not understood: {0}; is it the right address?")]
    Unreadable(Refusal),
    /// There is no answer.
    #[error("{0}")]
    NoAnswer(Box<CallError>),
}

/// Whether the same request may be made again, under the same idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It changes nothing, until somebody acts.
    Never,
    /// Yes, after some time, or then when the service asks for it.
    Later(Option<RetryAfter>),
}

impl Error {
    /// What an answer means that is no success.
    pub(crate) fn of(answer: &Answer) -> Self {
        let refusal = Refusal::of(answer);
        match answer.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Self::Denied(refusal),
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge(refusal),
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::GONE => {
                Self::NotThere(refusal)
            }
            status if may_change(status) => Self::Later { refusal, after: answer.retry_after() },
            status if status.is_client_error() => Self::Rejected(refusal),
            _ => Self::NotThere(refusal),
        }
    }

    /// Whether the same request may be made again.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Later { after, .. } | Self::Login(LoginError::Later { after, .. }) => Retry::Later(*after),
            Self::NoAnswer(error) => match &**error {
                CallError::Refused { .. } => Retry::Never,
                CallError::TooLong { status, .. } if !may_change(*status) => Retry::Never,
                _ => Retry::Later(None),
            },
            Self::Unreadable(_) => Retry::Later(None),
            Self::Login(LoginError::Refused(_))
            | Self::Denied(_)
            | Self::Rejected(_)
            | Self::TooLarge(_)
            | Self::NotThere(_) => Retry::Never,
        }
    }

    /// The answer of the service, where there is one: `getResponse()`.
    pub fn response(&self) -> Option<&WfmReportResponse> {
        match self {
            Self::Denied(refusal)
            | Self::Rejected(refusal)
            | Self::TooLarge(refusal)
            | Self::NotThere(refusal)
            | Self::Unreadable(refusal)
            | Self::Later { refusal, .. } => refusal.response.as_deref(),
            Self::Login(_) | Self::NoAnswer(_) => None,
        }
    }
}

/// Whether a status may be another one later.
pub(crate) fn may_change(status: StatusCode) -> bool {
    let is_early =
        matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS);
    is_early || status.is_server_error()
}
