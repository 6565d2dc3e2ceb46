//! Why there is no answer from TaskRouter.

use std::fmt;
use std::time::Duration;

use http::StatusCode;
use pegboard_net::CallError;
use serde::Deserialize;

use crate::sources::answer::Unreadable;
use crate::spec::SourceError;

/// How much of what Twilio says is shown, in characters.
const SHOWN: usize = 200;

/// What Twilio says of an error. Two bodies are read: the classic one (`code`, `message`), and that of RFC 9457 (`title`, `detail`, `code`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fault {
    /// Twilio's code, which <https://www.twilio.com/docs/api/errors> explains; such as 20429.
    pub code: Option<u64>,
    /// What it says, the first 200 characters without control characters.
    pub message: String,
}

impl Fault {
    /// Reads the body of an error; what is none says nothing.
    pub fn of(body: &[u8]) -> Self {
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Body {
            code: Option<u64>,
            message: Option<String>,
            title: Option<String>,
            detail: Option<String>,
        }

        let body: Body = serde_json::from_slice(body).unwrap_or_default();
        let said = body.message.or_else(|| match (body.title, body.detail) {
            (Some(title), Some(detail)) => Some(format!("{title}: {detail}")),
            (title, detail) => title.or(detail),
        });
        let said = said.unwrap_or_default();
        let message = said.chars().filter(|character| !character.is_control()).take(SHOWN).collect();
        Self { code: body.code, message }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "error {code}")?,
            None => f.write_str("an error without a code")?,
        }
        if self.message.is_empty() { Ok(()) } else { write!(f, ", \"{}\"", self.message) }
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum RestError {
    /// TaskRouter refuses, and will until somebody acts.
    #[error("TaskRouter answers {list} with {status}: {fault}{}", what_to_do(*status))]
    Refused {
        /// What was asked for.
        list: &'static str,
        /// The status.
        status: StatusCode,
        /// What it says.
        fault: Fault,
    },
    /// It cannot answer now, or has been asked too often.
    #[error("TaskRouter answers {list} with {status}: {fault}; it is asked again after {pause:?}")]
    Later {
        /// What was asked for.
        list: &'static str,
        /// The status.
        status: StatusCode,
        /// What it says.
        fault: Fault,
        /// When it may be asked again.
        pause: Duration,
    },
    /// There is no answer.
    #[error("{0}")]
    NoAnswer(Box<CallError>),
    /// An answer that is none of the documented ones.
    #[error("{list} of TaskRouter: {what}; update pegboard, or look at what stands between it and Twilio")]
    Unreadable {
        /// What was asked for.
        list: &'static str,
        /// Where it cannot be read.
        what: String,
    },
    /// The next page is said to be somewhere else. The key is not sent there.
    #[error(
        "{list} of TaskRouter names a next page that is not at {base}: it is not asked; if Twilio moved, say its new address"
    )]
    Astray {
        /// What was asked for.
        list: &'static str,
        /// The address that is asked.
        base: String,
    },
    /// More pages than any workspace has.
    #[error("{list} of TaskRouter has more than {most} pages")]
    Endless {
        /// What was asked for.
        list: &'static str,
        /// How many are read.
        most: usize,
    },
}

fn what_to_do(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "; look at the key, and whether it is of the region that is asked",
        StatusCode::FORBIDDEN => "; give the key the right to read TaskRouter",
        StatusCode::NOT_FOUND => "; look at the SID of the workspace, and at the region",
        _ => "",
    }
}

impl RestError {
    /// Something that cannot be read, or is not as it must be.
    pub(super) fn unreadable(list: &'static str, what: impl fmt::Display) -> Self {
        Self::Unreadable { list, what: what.to_string() }
    }

    pub(super) fn of(list: &'static str) -> impl Fn(Unreadable) -> Self {
        move |what| Self::unreadable(list, what)
    }

    /// Whether fewer entries on a page would help.
    pub(super) fn is_too_long(&self) -> bool {
        matches!(self, Self::NoAnswer(error) if matches!(**error, CallError::TooLong { .. }))
    }

    /// Whether it is worth asking again.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Later { .. } => true,
            Self::NoAnswer(error) => {
                !matches!(**error, CallError::Refused { .. } | CallError::TooLong { .. })
            }
            _ => false,
        }
    }
}

impl From<CallError> for RestError {
    fn from(error: CallError) -> Self {
        Self::NoAnswer(Box::new(error))
    }
}

impl From<RestError> for SourceError {
    fn from(error: RestError) -> Self {
        let message = error.to_string();
        if error.may_pass() { Self::passing(message) } else { Self::permanent(message) }
    }
}
