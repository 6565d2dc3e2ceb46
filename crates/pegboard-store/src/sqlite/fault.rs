//! What went wrong inside SQLite, in words that tell what to do.

use rusqlite::ErrorCode;

use super::check;
use crate::StoreError;

/// What a piece of work within a transaction answers.
pub(super) type Tried<T> = Result<T, Fault>;

/// Why a piece of work failed; becomes a [`StoreError`] once it is known what was being done.
#[derive(Debug)]
pub(super) enum Fault {
    /// SQLite failed.
    Sqlite(rusqlite::Error),
    /// The caller handed in something that cannot be stored.
    Unfit(serde_json::Error),
    /// The answer is an error of the store's own.
    Store(StoreError),
}

impl Fault {
    /// The error for the caller who asked for `operation`. To be made by the thread that failed, which knows which page
    /// it could not read.
    pub(super) fn during(self, operation: &'static str) -> StoreError {
        match self {
            Self::Sqlite(error) => Failure::from(&error).during(operation),
            Self::Unfit(error) => StoreError::Database { operation, cause: error.into() },
            Self::Store(error) => error,
        }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// A failure of SQLite that can be told to several askers.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}{advice}")]
pub(super) struct Failure {
    message: String,
    advice: &'static str,
    damaged: bool,
}

impl Failure {
    /// SQLite gave up a whole transaction because of what went wrong in one of its jobs.
    pub(super) fn abandoned(cause: Option<&StoreError>) -> Self {
        let cause = cause.map_or_else(|| "unknown".to_string(), ToString::to_string);
        Self { message: format!("the transaction was given up: {cause}"), advice: "", damaged: false }
    }

    /// The error for the caller who asked for `operation`.
    pub(super) fn during(&self, operation: &'static str) -> StoreError {
        if self.damaged {
            let detail = format!("{operation}: {self}");
            return StoreError::Damaged { what: "database file", detail };
        }
        StoreError::Database { operation, cause: Box::new(self.clone()) }
    }
}

impl From<&rusqlite::Error> for Failure {
    fn from(error: &rusqlite::Error) -> Self {
        use rusqlite::Error::{
            FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, Utf8Error,
        };
        let unreadable = matches!(
            error,
            FromSqlConversionFailure(..)
                | IntegralValueOutOfRange(..)
                | InvalidColumnType(..)
                | Utf8Error(..)
        );
        let code = error.sqlite_error_code();
        let damaged =
            unreadable || matches!(code, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase));
        let page = if damaged { pegboard_pages::broken_page() } else { None };
        let advice = match page {
            Some(_) => {
                ": stop the hub, keep the file for inspection, and restore a backup; or, if another program has written the file, \
                 take it as it is with `pegboard store reseal`"
            }
            None if damaged => ": stop the hub, keep the file for inspection, and restore a backup",
            None => code.map_or("", advice),
        };
        Self { message: page.map_or_else(|| error.to_string(), check::broken_page), advice, damaged }
    }
}

/// What the operator can do about it.
const fn advice(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::DiskFull => {
            ": free space on the disk, or raise the limit of the file; the store then goes on by itself"
        }
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied => {
            ": give the hub's user the right to write the file and its folder, or mount the disk writable"
        }
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            ": another program holds the file locked; close it, the store then goes on by itself"
        }
        ErrorCode::CannotOpen => {
            ": see that the folder exists, that the hub's user may write it, and that it is a local disk"
        }
        ErrorCode::SystemIoFailure => ": look at the disk and at the system's log",
        ErrorCode::OutOfMemory => ": give the hub more memory",
        _ => "",
    }
}
