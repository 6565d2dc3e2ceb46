//! Records that could not be used: all are counted, the first few are shown.

use std::fmt;

/// How many bad records are kept to be shown.
const SHOWN: usize = 10;

/// A record that could not be used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BadRecord {
    /// The number of the file on the command line, which orders records of several files.
    pub file_number: usize,
    /// The line on which the record starts, from 1.
    pub line: u64,
    /// The file.
    pub file: String,
    /// Why, naming the field.
    pub reason: String,
}

/// All of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BadRecords {
    /// How many there are.
    pub count: u64,
    /// The first, by file and line.
    pub first: Vec<BadRecord>,
}

impl BadRecords {
    /// Counts a record, and keeps it if it is one of the first.
    pub fn add(&mut self, record: BadRecord) {
        self.count += 1;
        self.first.push(record);
        self.keep_first();
    }

    /// Takes over what another has counted.
    pub fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.first.extend(other.first);
        self.keep_first();
    }

    fn keep_first(&mut self) {
        self.first.sort();
        self.first.truncate(SHOWN);
    }
}

impl fmt::Display for BadRecords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noun = if self.count == 1 { "record" } else { "records" };
        write!(f, "{} {noun} could not be used", self.count)?;
        for bad in &self.first {
            write!(f, "\n  {}:{}: {}", bad.file, bad.line, bad.reason)?;
        }
        let more = self.count - self.first.len() as u64;
        if more > 0 {
            write!(f, "\n  and {more} more")?;
        }
        Ok(())
    }
}
