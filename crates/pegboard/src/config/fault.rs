//! What is wrong with a file, where, and what to do about it.

use std::fmt;
use std::path::{Path, PathBuf};

use super::text::{Excerpt, Place};

/// The most faults that are written out. All are counted.
const MAX_SHOWN: usize = 200;

/// One thing that is wrong. It never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file.
    pub file: PathBuf,
    /// Where in the file; nothing if the file as a whole is wrong.
    pub place: Option<Place>,
    /// Which setting (`source[emea].kinesis.stream`), or which column of a table.
    pub key: Option<String>,
    /// What was expected and what was found.
    pub message: String,
    /// What would be right: the nearest name, the names that are known, what to do.
    pub help: Vec<String>,
    pub(super) excerpt: Option<Excerpt>,
}

impl Fault {
    /// A fault of a file as a whole.
    pub(super) fn of_file(file: &Path, message: String) -> Self {
        Self { file: file.to_owned(), place: None, key: None, message, help: Vec::new(), excerpt: None }
    }

    pub(super) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error: {}", self.message)?;
        let number = self.place.map_or_else(|| " ".to_owned(), |place| place.line.to_string());
        let margin = " ".repeat(number.len());
        write!(f, "{margin}--> {}", self.file.display())?;
        if let Some(Place { line, column }) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        if let Some(Excerpt { line, marked }) = &self.excerpt {
            let caret = format!("{}{}", " ".repeat(marked.start), "^".repeat(marked.len()));
            write!(f, "\n{margin} |\n{number} | {line}\n{margin} | {caret}")?;
        }
        if let Some(key) = &self.key {
            write!(f, "\n{margin} = key: {key}")?;
        }
        for help in &self.help {
            write!(f, "\n{margin} = help: {help}")?;
        }
        Ok(())
    }
}

/// Everything that is wrong with the configuration, in the order of the file; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(Vec<Fault>);

impl ConfigErrors {
    pub(super) fn new(faults: Vec<Fault>) -> Self {
        debug_assert!(!faults.is_empty(), "nothing is wrong");
        Self(faults)
    }

    /// Every fault.
    pub fn faults(&self) -> &[Fault] {
        &self.0
    }

    pub(super) fn into_faults(self) -> Vec<Fault> {
        self.0
    }
}

impl From<Fault> for ConfigErrors {
    fn from(fault: Fault) -> Self {
        Self(vec![fault])
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().take(MAX_SHOWN).enumerate() {
            let gap = if index == 0 { "" } else { "\n\n" };
            write!(f, "{gap}{fault}")?;
        }
        match self.0.len().saturating_sub(MAX_SHOWN) {
            0 => Ok(()),
            more => write!(f, "\n\nand {more} more"),
        }
    }
}

impl std::error::Error for ConfigErrors {}
