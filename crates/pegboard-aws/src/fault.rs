//! The SDK's many errors, reduced to the few causes that decide what a reader does.

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_kinesis::config::http::HttpResponse;
use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_types::event_stream::RawMessage;

/// Why a request failed, as far as it matters for what to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    Throttled,
    Unreachable,
    /// Something else is going on with it: a change of the stream, a subscription that somebody holds.
    InUse,
    /// The iterator is older than its five minutes of life.
    ExpiredIterator,
    /// The page token is older than its five minutes of life.
    ExpiredToken,
    InvalidArgument,
    NotFound,
    AccessDenied,
    /// The key that encrypts the stream may not be used.
    KeyDenied,
    Credentials,
    Other,
}

impl Cause {
    /// Whether trying again may help without anybody doing something.
    pub(crate) fn is_passing(self) -> bool {
        matches!(self, Self::Throttled | Self::Unreachable | Self::InUse | Self::ExpiredIterator)
    }
}

/// A failed request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) cause: Cause,
    /// What AWS or the network said.
    pub(crate) detail: String,
}

impl Fault {
    /// Something that is not ready.
    pub(crate) fn in_use(detail: impl Into<String>) -> Self {
        Self { cause: Cause::InUse, detail: detail.into() }
    }

    /// An answer that does not make sense.
    pub(crate) fn unreadable(detail: impl Into<String>) -> Self {
        Self { cause: Cause::Other, detail: detail.into() }
    }
}

impl<E> From<SdkError<E, HttpResponse>> for Fault
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    fn from(error: SdkError<E, HttpResponse>) -> Self {
        let status = error.raw_response().map(|response| response.status().as_u16());
        fault_of(&error, status)
    }
}

/// A failure in the middle of a subscription, which has no status of its own.
impl<E> From<SdkError<E, RawMessage>> for Fault
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    fn from(error: SdkError<E, RawMessage>) -> Self {
        fault_of(&error, None)
    }
}

fn fault_of<E, R>(error: &SdkError<E, R>, status: Option<u16>) -> Fault
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    let cause = match error {
        _ if is_about_credentials(error) => Cause::Credentials,
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) => Cause::Unreachable,
        SdkError::ServiceError(_) | SdkError::ResponseError(_) => cause_of(error.code(), status),
        _ => Cause::Other,
    };
    Fault { cause, detail: detail_of(error) }
}

fn detail_of<E, R>(error: &SdkError<E, R>) -> String
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        _ => chain(error).map(ToString::to_string).collect::<Vec<_>>().join(": "),
    }
}

fn is_about_credentials(error: &(dyn std::error::Error + 'static)) -> bool {
    chain(error).any(<dyn std::error::Error>::is::<CredentialsError>)
}

/// The error and what caused it, down to the root.
fn chain<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}

/// The codes are those of the API references of Kinesis ("Errors" of each action, "Common Error Types"), of S3 ("Error
/// responses") and of SQS.
pub(crate) fn cause_of(code: Option<&str>, status: Option<u16>) -> Cause {
    match code.unwrap_or_default() {
        "ProvisionedThroughputExceededException"
        | "LimitExceededException"
        | "KMSThrottlingException"
        | "ThrottlingException"
        | "Throttling"
        | "RequestLimitExceeded"
        | "SlowDown"
        | "RequestThrottled"
        | "KmsThrottled"
        | "TooManyRequestsException" => Cause::Throttled,
        "ExpiredIteratorException" => Cause::ExpiredIterator,
        "ExpiredNextTokenException" => Cause::ExpiredToken,
        "InvalidArgumentException"
        | "ValidationException"
        | "InvalidParameterValue"
        | "ReceiptHandleIsInvalid"
        | "MessageNotInflight" => Cause::InvalidArgument,
        "ResourceNotFoundException"
        | "NoSuchBucket"
        | "QueueDoesNotExist"
        | "AWS.SimpleQueueService.NonExistentQueue" => Cause::NotFound,
        "AccessDeniedException" | "AccessDenied" | "NotAuthorized" => Cause::AccessDenied,
        "KMSAccessDeniedException" | "KmsAccessDenied" => Cause::KeyDenied,
        "UnrecognizedClientException"
        | "InvalidSignatureException"
        | "IncompleteSignature"
        | "InvalidClientTokenId"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "ExpiredTokenException"
        | "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "RequestTimeTooSkewed"
        | "ExpiredToken"
        | "InvalidToken"
        | "OptInRequired" => Cause::Credentials,
        "ResourceInUseException" | "ConditionalRequestConflict" | "OperationAborted" => Cause::InUse,
        "InternalFailure"
        | "InternalFailureException"
        | "InternalError"
        | "RequestTimeout"
        | "ServiceUnavailable" => Cause::Unreachable,
        _ => cause_of_status(status),
    }
}

/// Proxies and load balancers in between answer without a code.
fn cause_of_status(status: Option<u16>) -> Cause {
    match status {
        Some(429) => Cause::Throttled,
        Some(403) => Cause::AccessDenied,
        // A success that is an error is an answer that broke off before it could be read.
        None | Some(200..300 | 408 | 500..) => Cause::Unreachable,
        Some(_) => Cause::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_decides_before_the_status() {
        assert_eq!(cause_of(Some("ProvisionedThroughputExceededException"), Some(400)), Cause::Throttled);
        assert_eq!(cause_of(Some("KMSAccessDeniedException"), Some(400)), Cause::KeyDenied);
        assert_eq!(cause_of(Some("ResourceInUseException"), Some(400)), Cause::InUse);
        assert_eq!(cause_of(Some("UnrecognizedClientException"), Some(403)), Cause::Credentials);
    }

    #[test]
    fn without_a_known_code_the_status_decides() {
        assert_eq!(cause_of(None, Some(503)), Cause::Unreachable);
        assert_eq!(cause_of(Some("BrandNewException"), Some(500)), Cause::Unreachable);
        assert_eq!(cause_of(None, Some(429)), Cause::Throttled);
        assert_eq!(cause_of(None, Some(403)), Cause::AccessDenied);
        assert_eq!(cause_of(Some("BrandNewException"), Some(400)), Cause::Other);
        assert_eq!(cause_of(None, None), Cause::Unreachable);
    }
}
