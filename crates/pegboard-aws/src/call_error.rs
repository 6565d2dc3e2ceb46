//! What went wrong with a bucket, a queue, a table or a function, and what the person who must act can do.

use crate::error::ErrorKind;
use crate::fault::{Cause, Fault};

/// A failed request to S3, SQS, DynamoDB or Lambda.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}{}: {kind}: {detail}; {}", self.operation(), self.advice())]
pub struct CallError {
    kind: ErrorKind,
    /// What was asked for: `bucket`, `queue`, `table`, `function`, and their names.
    place: Box<str>,
    /// The IAM action of the request; none if the configuration already failed.
    action: Option<&'static str>,
    detail: Box<str>,
}

const KMS_DECRYPT: &str = "kms:Decrypt";

impl CallError {
    pub(crate) fn config(place: String, detail: &str) -> Self {
        Self { kind: ErrorKind::Config, place: place.into(), action: None, detail: detail.into() }
    }

    pub(crate) fn at(place: String, action: &'static str, fault: &Fault) -> Self {
        let kind = match fault.cause {
            Cause::Throttled => ErrorKind::Throttled,
            Cause::Unreachable | Cause::InUse | Cause::ExpiredIterator | Cause::ExpiredToken => {
                ErrorKind::Unreachable
            }
            Cause::NotFound => ErrorKind::NotFound,
            Cause::AccessDenied => ErrorKind::AccessDenied { action },
            Cause::KeyDenied => ErrorKind::AccessDenied { action: KMS_DECRYPT },
            Cause::Credentials => ErrorKind::Credentials,
            Cause::InvalidArgument | Cause::Other => ErrorKind::Other,
        };
        Self { kind, place: place.into(), action: Some(action), detail: fault.detail.as_str().into() }
    }

    /// The kind of failure.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Whether the same request may succeed later without anybody doing something.
    pub fn is_transient(&self) -> bool {
        self.kind.is_transient()
    }

    fn operation(&self) -> String {
        self.action
            .and_then(|action| action.split_once(':'))
            .map(|(_, name)| format!(", {name}"))
            .unwrap_or_default()
    }

    fn advice(&self) -> String {
        match self.kind {
            ErrorKind::Config => "change the source's settings".to_owned(),
            ErrorKind::NotFound => "check the name, the region and the account".to_owned(),
            ErrorKind::AccessDenied { action: KMS_DECRYPT } => {
                format!("allow {KMS_DECRYPT} on the key that encrypts it")
            }
            ErrorKind::AccessDenied { action: "s3:ListBucket" } => {
                "allow s3:ListBucket on the bucket (arn:aws:s3:::BUCKET)".to_owned()
            }
            ErrorKind::AccessDenied { action: "s3:GetObject" } => {
                "allow s3:GetObject on what is below the prefix (arn:aws:s3:::BUCKET/PREFIX*)".to_owned()
            }
            ErrorKind::AccessDenied { action: "s3:PutObject" } => {
                "allow s3:PutObject on what is below the prefix (arn:aws:s3:::BUCKET/PREFIX*), and kms:GenerateDataKey on the key \
                 that encrypts the bucket, if one does"
                    .to_owned()
            }
            ErrorKind::AccessDenied { action: "s3:DeleteObject" } => {
                "allow s3:DeleteObject on what is below the prefix (arn:aws:s3:::BUCKET/PREFIX*)".to_owned()
            }
            ErrorKind::AccessDenied { action } if action.starts_with("dynamodb:") => {
                format!("allow {action} on the table")
            }
            ErrorKind::AccessDenied { action } if action.starts_with("lambda:") => {
                format!("allow {action} on the function")
            }
            ErrorKind::AccessDenied { action } => format!("allow {action} on the queue"),
            ErrorKind::Credentials => {
                "check the access key, the role or the profile, and this machine's clock".to_owned()
            }
            ErrorKind::Throttled => {
                "it is tried again; if it lasts, other programs ask for too much of it".to_owned()
            }
            ErrorKind::Unreachable => {
                "it is tried again; if it lasts, check the network, the endpoint and the AWS status page"
                    .to_owned()
            }
            ErrorKind::PositionExpired | ErrorKind::InUse | ErrorKind::NoConsumer | ErrorKind::Other => {
                "see the answer of AWS".to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(cause: Cause, action: &'static str) -> CallError {
        CallError::at("bucket `reports`".to_owned(), action, &Fault { cause, detail: "said AWS".to_owned() })
    }

    #[test]
    fn a_denied_request_names_the_missing_action_and_where_it_is_to_be_allowed() {
        let list = error(Cause::AccessDenied, "s3:ListBucket").to_string();
        assert!(list.starts_with("bucket `reports`, ListBucket: access denied"), "{list}");
        assert!(list.contains("said AWS; allow s3:ListBucket on the bucket"), "{list}");
        let get = error(Cause::AccessDenied, "s3:GetObject").to_string();
        assert!(get.contains("allow s3:GetObject on what is below the prefix"), "{get}");
        let receive = error(Cause::AccessDenied, "sqs:ReceiveMessage").to_string();
        assert!(receive.contains("allow sqs:ReceiveMessage on the queue"), "{receive}");
        let write = error(Cause::AccessDenied, "s3:PutObject").to_string();
        assert!(write.contains("allow s3:PutObject on what is below the prefix"), "{write}");
        let remove = error(Cause::AccessDenied, "s3:DeleteObject").to_string();
        assert!(remove.contains("allow s3:DeleteObject on what is below the prefix"), "{remove}");
        let row = error(Cause::AccessDenied, "dynamodb:PutItem").to_string();
        assert!(row.contains("allow dynamodb:PutItem on the table"), "{row}");
        let key = error(Cause::KeyDenied, "s3:GetObject").to_string();
        assert!(key.contains("allow kms:Decrypt on the key"), "{key}");
    }

    #[test]
    fn only_what_passes_by_itself_is_transient() {
        assert!(error(Cause::Throttled, "s3:GetObject").is_transient());
        assert!(error(Cause::Unreachable, "s3:GetObject").is_transient());
        assert!(!error(Cause::AccessDenied, "s3:GetObject").is_transient());
        assert!(!error(Cause::NotFound, "s3:GetObject").is_transient());
    }
}
