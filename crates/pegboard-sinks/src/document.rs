//! What a sink gives: the bodies of its messages and files, in order of sending.

use std::fmt;

use crate::mapping::Inbox;

/// One message or file, as it is sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Document {
    /// Its name: that of the file, or one under which the bodies of messages sort in order of sending. Slashes part folders.
    pub name: String,
    /// Its bytes.
    pub body: Vec<u8>,
}

/// A document that was not made, because its target would not take it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The name that it would have had.
    pub name: String,
    /// What is wrong: of what, when, and which rule says so.
    pub reasons: Vec<String>,
}

/// Everything that came of what is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Encoded {
    /// In order of sending.
    pub documents: Vec<Document>,
    /// What is held back.
    pub refused: Vec<Refused>,
    /// What no row of the mapping names.
    pub unmapped: Inbox,
    /// What whoever reads the documents should know besides: what they leave out, and why.
    pub notes: Vec<String>,
}

impl Document {
    /// A document of text.
    pub fn new(name: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), body: body.into() }
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, String::from_utf8_lossy(&self.body))
    }
}
