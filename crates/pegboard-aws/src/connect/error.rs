//! What went wrong when Amazon Connect was asked, and what the person who must act can do.

use crate::error::ErrorKind;
use crate::fault::{Cause, Fault};

use super::request::ConnectRequest;

/// A failed request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("amazon connect instance `{instance}`{}: {kind}: {detail}; {}", self.place(), self.advice())]
pub struct ConnectError {
    kind: ErrorKind,
    instance: Box<str>,
    operation: Option<&'static str>,
    detail: Box<str>,
}

impl ConnectError {
    pub(super) fn config(instance: &str, detail: &str) -> Self {
        Self { kind: ErrorKind::Config, instance: instance.into(), operation: None, detail: detail.into() }
    }

    pub(super) fn at(instance: &str, request: &ConnectRequest<'_>, fault: &Fault) -> Self {
        let kind = match fault.cause {
            Cause::Throttled => ErrorKind::Throttled,
            Cause::Unreachable | Cause::InUse | Cause::ExpiredIterator | Cause::ExpiredToken => {
                ErrorKind::Unreachable
            }
            Cause::NotFound => ErrorKind::NotFound,
            Cause::AccessDenied | Cause::KeyDenied => ErrorKind::AccessDenied { action: request.action() },
            Cause::Credentials => ErrorKind::Credentials,
            Cause::InvalidArgument | Cause::Other => ErrorKind::Other,
        };
        let operation = Some(request.operation());
        Self { kind, instance: instance.into(), operation, detail: fault.detail.as_str().into() }
    }

    /// The kind of failure.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Whether the same request may succeed later without anybody doing something.
    pub fn is_transient(&self) -> bool {
        self.kind.is_transient()
    }

    fn place(&self) -> String {
        self.operation.map(|operation| format!(", {operation}")).unwrap_or_default()
    }

    fn advice(&self) -> String {
        match self.kind {
            ErrorKind::Config => "change the source's settings".to_owned(),
            ErrorKind::NotFound => "check the instance id, the region and the account".to_owned(),
            ErrorKind::AccessDenied { action } => {
                format!("allow {action} on the instance and everything in it (instance/ID and instance/ID/*)")
            }
            ErrorKind::Credentials => {
                "check the access key, the role or the profile, and this machine's clock".to_owned()
            }
            ErrorKind::Throttled => {
                "it is tried again; if it lasts, other programs of this account ask Amazon Connect \
                                     too often"
                    .to_owned()
            }
            ErrorKind::Unreachable => {
                "it is tried again; if it lasts, check the network, the endpoint and the AWS \
                                       status page"
                    .to_owned()
            }
            _ => "see the answer of AWS".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denied_request_names_the_missing_action() {
        let fault = Fault { cause: Cause::AccessDenied, detail: "said AWS".to_owned() };
        let error = ConnectError::at("i-1", &ConnectRequest::UsersByIds(&[]), &fault);
        let message = error.to_string();
        for part in ["`i-1`", "GetCurrentUserData", "allow connect:GetCurrentUserData", "said AWS"] {
            assert!(message.contains(part), "{part} is not in: {message}");
        }
        assert!(!error.is_transient());
    }
}
