//! Why a record cannot be decoded.

use std::fmt;

/// Why a record cannot be decoded. Names the place and what is wrong there, and never repeats contents: they
/// may be somebody's name or number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The record is longer than is read.
    #[error("longer than {limit} bytes")]
    TooLong {
        /// The most bytes that are read.
        limit: usize,
    },
    /// The bytes are not text.
    #[error("not UTF-8 from byte {at} on")]
    NotUtf8 {
        /// The number of good bytes before.
        at: usize,
    },
    /// The text is not JSON.
    #[error("not JSON: {problem} at line {line} column {column}")]
    NotJson {
        /// What the parser objects to.
        problem: String,
        /// The line inside the record, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// A field is not as it must be.
    #[error("{path}: {problem}")]
    Field {
        /// Where it is, such as `CurrentAgentSnapshot.Contacts[1].State`.
        path: String,
        /// What is wrong with it.
        problem: Problem,
    },
}

/// What is wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Problem {
    /// It is absent or null.
    #[error("missing")]
    Missing,
    /// It names nothing.
    #[error("empty")]
    Empty,
    /// It is of another type.
    #[error("wrong type: found {0}")]
    WrongType(Found),
    /// It stands there more than once.
    #[error("given twice")]
    Twice,
    /// It is not a time.
    #[error("not a time in RFC 3339 such as 2026-03-01T09:15:00Z")]
    NotATime,
    /// A duration below zero, or an end before its start.
    #[error("negative duration")]
    Negative,
    /// An end that is not later than its start.
    #[error("not later than the start")]
    NotLater,
    /// There is no such field, or no such choice.
    #[error("not known here")]
    Unknown,
    /// A number beyond all sense.
    #[error("too large")]
    TooLarge,
}

/// The type of a JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Found {
    Null,
    Boolean,
    Integer,
    Decimal,
    Text,
    List,
    Object,
    SomethingElse,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "null",
            Self::Boolean => "a boolean",
            Self::Integer => "an integer",
            Self::Decimal => "a number with decimals",
            Self::Text => "a text",
            Self::List => "a list",
            Self::Object => "an object",
            Self::SomethingElse => "something else",
        })
    }
}

impl DecodeError {
    /// A `problem` with the field `name`.
    pub(crate) fn field(name: &str, problem: Problem) -> Self {
        Self::Field { path: name.to_owned(), problem }
    }

    /// That the field `name` is missing.
    pub(crate) fn missing(name: &str) -> Self {
        Self::field(name, Problem::Missing)
    }

    /// The same error, seen from the object that has the field `name`.
    pub(crate) fn within(self, name: impl fmt::Display) -> Self {
        match self {
            Self::Field { path, problem } => Self::Field { path: format!("{name}.{path}"), problem },
            other => other,
        }
    }
}
