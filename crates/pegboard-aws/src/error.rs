//! What went wrong, where, and what the person who must act can do.

use std::fmt;

use crate::fault::{Cause, Fault};
use crate::sequence::ShardId;

/// The requests that a reader makes. Each needs the IAM action of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Identity, age, retention and status of the stream.
    DescribeStreamSummary,
    /// All shards of the stream.
    ListShards,
    /// A place to read a shard from.
    GetShardIterator,
    /// The records themselves.
    GetRecords,
    /// Whether the consumer of enhanced fan-out is there.
    DescribeStreamConsumer,
    /// Making the consumer of enhanced fan-out.
    RegisterStreamConsumer,
    /// The records themselves, as they come.
    SubscribeToShard,
}

impl Operation {
    /// The IAM action that allows the request.
    pub fn action(self) -> &'static str {
        match self {
            Self::DescribeStreamSummary => "kinesis:DescribeStreamSummary",
            Self::ListShards => "kinesis:ListShards",
            Self::GetShardIterator => "kinesis:GetShardIterator",
            Self::GetRecords => "kinesis:GetRecords",
            Self::DescribeStreamConsumer => "kinesis:DescribeStreamConsumer",
            Self::RegisterStreamConsumer => "kinesis:RegisterStreamConsumer",
            Self::SubscribeToShard => "kinesis:SubscribeToShard",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.action().trim_start_matches("kinesis:"))
    }
}

/// What kind of failure it was, for whoever decides what happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The configuration cannot work; nothing was asked of AWS.
    Config,
    /// There is no such stream, or no such shard in it (any more).
    NotFound,
    /// The credentials work but do not allow this.
    AccessDenied {
        /// The missing IAM action.
        action: &'static str,
    },
    /// No credentials were found, or AWS does not accept them.
    Credentials,
    /// Other readers of the shard, or other callers of the account, used up the allowance. Passing.
    Throttled,
    /// The sequence number to go on after is not accepted: it is older than the stream's retention, or
    /// of a stream that was deleted and made again under the same name. Reading has not moved.
    PositionExpired,
    /// No answer, or only server errors. Passing.
    Unreachable,
    /// The stream is being changed, or another subscription of the same consumer is at this shard. Passing.
    InUse,
    /// The consumer of enhanced fan-out is not registered, and may not be registered from here.
    NoConsumer,
    /// Something else; the message says what.
    Other,
}

impl ErrorKind {
    /// Whether the same call may succeed later without anybody doing something.
    pub fn is_transient(self) -> bool {
        matches!(self, Self::Throttled | Self::Unreachable | Self::InUse)
    }

    fn advice(self) -> String {
        match self {
            Self::Config => "change the source's settings".to_owned(),
            Self::NotFound => "check the name, the region and the account of the stream".to_owned(),
            Self::AccessDenied { action: KMS_DECRYPT } => {
                format!("allow {KMS_DECRYPT} on the key that encrypts the stream")
            }
            Self::AccessDenied { action } if is_of_fan_out(action) => format!(
                "allow {action} on the stream and its consumer (enhanced fan-out needs \
                 kinesis:DescribeStreamConsumer and kinesis:SubscribeToShard besides what reading needs)"
            ),
            Self::AccessDenied { action } => format!(
                "allow {action} on the stream (a reader needs kinesis:DescribeStreamSummary, \
                 kinesis:ListShards, kinesis:GetShardIterator and kinesis:GetRecords)"
            ),
            Self::Credentials => {
                "check the access key, the role or the profile, and this machine's clock".to_owned()
            }
            Self::Throttled => "it goes on by itself; if it lasts, other consumers of the shard poll too \
                                often, or the stream needs more shards"
                .to_owned(),
            Self::PositionExpired => "open the shard again at the trim horizon and record a gap from the \
                                      last time that was read"
                .to_owned(),
            Self::Unreachable => "it goes on by itself; if it lasts, check the network, the endpoint and \
                                  the AWS status page"
                .to_owned(),
            Self::InUse => "it goes on by itself; if it lasts, another program reads with the same consumer \
                            name: each needs its own"
                .to_owned(),
            Self::NoConsumer => "register it (aws kinesis register-stream-consumer), or allow pegboard to: \
                                 register_consumer = true; it costs by the hour and shard"
                .to_owned(),
            Self::Other => "see the answer of AWS".to_owned(),
        }
    }
}

fn is_of_fan_out(action: &str) -> bool {
    [Operation::DescribeStreamConsumer, Operation::RegisterStreamConsumer, Operation::SubscribeToShard]
        .iter()
        .any(|operation| operation.action() == action)
}

const KMS_DECRYPT: &str = "kms:Decrypt";

/// A failed call, with everything needed to act on it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("kinesis stream `{stream}`{}: {kind}: {detail}; {}", self.place(), kind.advice())]
pub struct KinesisError {
    kind: ErrorKind,
    stream: Box<str>,
    shard: Option<ShardId>,
    operation: Option<Operation>,
    detail: Box<str>,
}

impl KinesisError {
    /// There is no such consumer, and none may be made.
    pub(crate) fn no_consumer(stream: &str, consumer: &str) -> Self {
        Self {
            kind: ErrorKind::NoConsumer,
            stream: stream.into(),
            shard: None,
            operation: Some(Operation::DescribeStreamConsumer),
            detail: format!("`{consumer}` is not registered").into(),
        }
    }

    pub(crate) fn config(stream: &str, detail: &str) -> Self {
        Self {
            kind: ErrorKind::Config,
            stream: stream.into(),
            shard: None,
            operation: None,
            detail: detail.into(),
        }
    }

    /// Gives a fault its place. `resuming` says whether the request named a sequence number.
    pub(crate) fn at(
        stream: &str,
        shard: Option<&ShardId>,
        operation: Operation,
        resuming: bool,
        fault: &Fault,
    ) -> Self {
        let kind = kind_of(fault.cause, operation, resuming);
        Self {
            kind,
            stream: stream.into(),
            shard: shard.cloned(),
            operation: Some(operation),
            detail: fault.detail.as_str().into(),
        }
    }

    /// The kind of failure.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The shard, if one was asked for.
    pub fn shard(&self) -> Option<&ShardId> {
        self.shard.as_ref()
    }

    /// The request that failed; none if the configuration already did.
    pub fn operation(&self) -> Option<Operation> {
        self.operation
    }

    /// Whether the same call may succeed later without anybody doing something.
    pub fn is_transient(&self) -> bool {
        self.kind.is_transient()
    }

    fn place(&self) -> String {
        let shard = self.shard.iter().map(|shard| format!(", shard {shard}"));
        let operation = self.operation.iter().map(|operation| format!(", {operation}"));
        shard.chain(operation).collect()
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config => f.write_str("bad configuration"),
            Self::NotFound => f.write_str("not found"),
            Self::AccessDenied { action } => write!(f, "access denied ({action} is not allowed)"),
            Self::Credentials => f.write_str("no usable credentials"),
            Self::Throttled => f.write_str("throttled"),
            Self::PositionExpired => f.write_str("the position to go on from has expired"),
            Self::Unreachable => f.write_str("no answer"),
            Self::InUse => f.write_str("in use"),
            Self::NoConsumer => f.write_str("no consumer for enhanced fan-out"),
            Self::Other => f.write_str("failed"),
        }
    }
}

fn kind_of(cause: Cause, operation: Operation, resuming: bool) -> ErrorKind {
    match cause {
        Cause::Throttled => ErrorKind::Throttled,
        // An iterator or a page token that expires again and again is a service that does not keep up.
        Cause::Unreachable | Cause::ExpiredIterator | Cause::ExpiredToken => ErrorKind::Unreachable,
        Cause::InUse => ErrorKind::InUse,
        Cause::NotFound => ErrorKind::NotFound,
        Cause::AccessDenied => ErrorKind::AccessDenied { action: operation.action() },
        Cause::KeyDenied => ErrorKind::AccessDenied { action: KMS_DECRYPT },
        Cause::Credentials => ErrorKind::Credentials,
        Cause::InvalidArgument if resuming && names_position(operation) => ErrorKind::PositionExpired,
        Cause::InvalidArgument | Cause::Other => ErrorKind::Other,
    }
}

fn names_position(operation: Operation) -> bool {
    matches!(operation, Operation::GetShardIterator | Operation::SubscribeToShard)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(cause: Cause, operation: Operation, resuming: bool) -> KinesisError {
        let fault = Fault { cause, detail: "said AWS".to_owned() };
        KinesisError::at("agents", Some(&ShardId::new("shardId-1")), operation, resuming, &fault)
    }

    #[test]
    fn a_denied_request_names_the_missing_action_and_all_that_a_reader_needs() {
        let message = error(Cause::AccessDenied, Operation::GetRecords, false).to_string();
        for part in ["`agents`", "shardId-1", "allow kinesis:GetRecords", "kinesis:ListShards", "said AWS"] {
            assert!(message.contains(part), "{part} is not in: {message}");
        }
    }

    #[test]
    fn a_denied_subscription_names_what_fan_out_needs() {
        let message = error(Cause::AccessDenied, Operation::SubscribeToShard, false).to_string();
        let parts =
            ["allow kinesis:SubscribeToShard on the stream and its consumer", "DescribeStreamConsumer"];
        assert!(parts.iter().all(|part| message.contains(part)), "{message}");
    }

    #[test]
    fn an_encrypted_stream_asks_for_the_key_not_for_the_stream() {
        let error = error(Cause::KeyDenied, Operation::GetRecords, false);
        assert_eq!(error.kind(), ErrorKind::AccessDenied { action: "kms:Decrypt" });
        assert!(error.to_string().contains("allow kms:Decrypt on the key"));
    }

    #[test]
    fn a_refused_sequence_number_is_an_expired_position() {
        let kind = |operation, resuming| error(Cause::InvalidArgument, operation, resuming).kind();
        assert_eq!(kind(Operation::GetShardIterator, true), ErrorKind::PositionExpired);
        assert_eq!(kind(Operation::SubscribeToShard, true), ErrorKind::PositionExpired);
        assert_eq!(kind(Operation::GetShardIterator, false), ErrorKind::Other);
        assert_eq!(kind(Operation::GetRecords, true), ErrorKind::Other);
    }

    #[test]
    fn only_what_passes_by_itself_is_transient() {
        assert!(error(Cause::Throttled, Operation::GetRecords, false).is_transient());
        assert!(error(Cause::Unreachable, Operation::GetRecords, false).is_transient());
        assert!(error(Cause::InUse, Operation::SubscribeToShard, false).is_transient());
        for cause in [Cause::NotFound, Cause::AccessDenied, Cause::Credentials, Cause::Other] {
            assert!(!error(cause, Operation::GetRecords, false).is_transient(), "{cause:?}");
        }
    }
}
