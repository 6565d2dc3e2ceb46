//! What went wrong between here and the database, in words that tell what to do.

use std::error::Error as _;
use std::time::Duration;

use tokio_postgres::Error;
use tokio_postgres::error::{DbError, SqlState};
use tokio_postgres::types::WrongType;

use crate::StoreError;

/// What a piece of work on a session answers.
pub(super) type Tried<T> = Result<T, Fault>;

/// Why a piece of work failed; becomes a [`StoreError`] once it is known what was being done.
#[derive(Debug)]
pub(super) enum Fault {
    /// The database or the way to it failed.
    Postgres(Error),
    /// The database did not answer in time.
    Silent(Duration),
    /// The caller handed in something that cannot be stored.
    Unfit(serde_json::Error),
    /// The answer is an error of the store's own.
    Store(StoreError),
}

impl Fault {
    /// The error for the caller who asked for `operation`.
    pub(super) fn during(self, operation: &'static str) -> StoreError {
        let cause: Box<dyn std::error::Error + Send + Sync> = match self {
            Self::Store(error) => return error,
            Self::Postgres(error) if error.as_db_error().is_none() && is_unreadable(&error) => {
                return StoreError::Damaged { what: "column", detail: whole(&error) };
            }
            Self::Postgres(error) => told(&error).into(),
            Self::Silent(waited) => {
                format!("no answer within {} s: see that the database is reachable", waited.as_secs()).into()
            }
            Self::Unfit(error) => error.into(),
        };
        StoreError::Database { operation, cause }
    }

    /// Whether the same work may succeed at once: the database gave up the transaction in favour of another.
    pub(super) fn is_transient(&self) -> bool {
        let again = [SqlState::T_R_DEADLOCK_DETECTED, SqlState::T_R_SERIALIZATION_FAILURE];
        self.code().is_some_and(|code| again.contains(code))
    }

    /// Whether the connection is gone, and others of the same age most likely with it.
    pub(super) fn is_loss(&self) -> bool {
        let ended = [
            SqlState::ADMIN_SHUTDOWN,
            SqlState::CRASH_SHUTDOWN,
            SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
        ];
        match self {
            Self::Postgres(error) => {
                error.is_closed() || self.code().map_or_else(|| is_io(error), |code| ended.contains(code))
            }
            Self::Silent(_) => true,
            Self::Unfit(_) | Self::Store(_) => false,
        }
    }

    fn code(&self) -> Option<&SqlState> {
        match self {
            Self::Postgres(error) => error.code(),
            _ => None,
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Postgres(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

fn is_io(error: &Error) -> bool {
    error.source().is_some_and(<dyn std::error::Error>::is::<std::io::Error>)
}

/// Whether a column holds what it never holds: the driver's other errors come from the connection.
fn is_unreadable(error: &Error) -> bool {
    error.source().is_some_and(<dyn std::error::Error>::is::<WrongType>)
}

/// The message and what to do. The detail of a database error is left out: it quotes values.
fn told(error: &Error) -> String {
    match error.as_db_error() {
        Some(refusal) => {
            format!("{} ({}){}", refusal.message(), refusal.code().code(), advice(refusal))
        }
        None => format!("{}{}", whole(error), LOST),
    }
}

const LOST: &str = ": see that the database runs and is reachable; the store then goes on by itself";

/// An error of the driver with its causes.
fn whole(error: &Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        message.push_str(": ");
        message.push_str(&inner.to_string());
        cause = inner.source();
    }
    message
}

/// What the operator can do about it.
fn advice(refusal: &DbError) -> &'static str {
    let advice = [
        (SqlState::INVALID_PASSWORD, ": see the user of the store's URL and its password"),
        (SqlState::INVALID_AUTHORIZATION_SPECIFICATION, ": see the user of the store's URL and pg_hba.conf"),
        (SqlState::INVALID_CATALOG_NAME, ": create it, or name another one in the store's URL"),
        (
            SqlState::INSUFFICIENT_PRIVILEGE,
            ": give the hub's user the right to use, and once to create, its schema",
        ),
        (
            SqlState::TOO_MANY_CONNECTIONS,
            ": raise max_connections of the database, or end other programs' connections",
        ),
        (SqlState::DISK_FULL, ": free space on the database's disk; the store then goes on by itself"),
        (SqlState::OUT_OF_MEMORY, ": give the database more memory"),
        (
            SqlState::READ_ONLY_SQL_TRANSACTION,
            ": it is a standby; name the primary in the store's URL, or all hosts",
        ),
        (
            SqlState::LOCK_NOT_AVAILABLE,
            ": another program holds the lock; end it, the store then goes on by itself",
        ),
        (SqlState::QUERY_CANCELED, ": it took too long or was cancelled; look at the load of the database"),
        (SqlState::CANNOT_CONNECT_NOW, LOST),
        (SqlState::ADMIN_SHUTDOWN, LOST),
        (SqlState::CRASH_SHUTDOWN, LOST),
        (SqlState::DATA_CORRUPTED, ": stop the hub and restore the database from a backup"),
        (SqlState::INDEX_CORRUPTED, ": stop the hub and restore the database from a backup"),
    ];
    advice.iter().find(|(code, _)| code == refusal.code()).map_or("", |(_, advice)| advice)
}
