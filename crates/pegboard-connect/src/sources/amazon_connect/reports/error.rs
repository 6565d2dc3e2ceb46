//! Why a report cannot be read.

use pegboard_model::Text;

use super::{MAX_CELL_BYTES, MAX_COLUMNS, MAX_FILE_BYTES, MAX_ROWS};

/// Why a file cannot be read: where, what, and what to do. It never repeats the contents of a cell, which may be
/// somebody's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("report `{file}`{place}: {problem}; {}", .problem.advice())]
pub struct ReportError {
    /// The object's key.
    pub file: Text,
    /// Where in the file.
    pub place: Place,
    /// What is wrong.
    pub problem: ReportProblem,
}

/// A place in a file, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// The line, from 1; the header is line 1.
    pub line: Option<usize>,
    /// The number of the column, from 1, and its label.
    pub column: Option<(usize, Text)>,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        match &self.column {
            Some((number, label)) if label.is_empty() => write!(f, ", column {number}"),
            Some((number, label)) => write!(f, ", column {number} (`{}`)", shown(label)),
            None => Ok(()),
        }
    }
}

/// As much of a label as a person reads.
fn shown(label: &str) -> &str {
    let end = label.char_indices().nth(80).map_or(label.len(), |(at, _)| at);
    &label[..end]
}

/// What is wrong with a report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum ReportProblem {
    #[error("longer than {MAX_FILE_BYTES} bytes")]
    TooLong,
    #[error("not UTF-8")]
    NotUtf8,
    #[error("a quote is never closed")]
    OpenQuote,
    #[error("something follows a closing quote")]
    AfterQuote,
    #[error("a cell is longer than {MAX_CELL_BYTES} bytes")]
    LongCell,
    #[error("more than {MAX_COLUMNS} columns")]
    ManyColumns,
    #[error("more than {MAX_ROWS} rows")]
    ManyRows,
    #[error("there is no header")]
    NoHeader,
    #[error("there is no column `{0}`")]
    NoColumn(&'static str),
    #[error("there is no column `{0}`")]
    NoLoginColumn(&'static str),
    #[error("the column is there twice")]
    Twice,
    #[error("{found} cells under a header of {wanted}")]
    Width { found: usize, wanted: usize },
    #[error("not a count")]
    NotACount,
    #[error("not a duration in seconds, m:ss or h:mm:ss")]
    NotADuration,
    #[error("not a percentage")]
    NotAPercentage,
    #[error("not a time such as 2026-03-01T09:15:00Z")]
    NotATime,
    #[error("a time that the clock of {zone} shows never or twice")]
    NotOnTheClock { zone: String },
    #[error("the interval is empty, or longer than 31 days")]
    Interval,
    #[error("the sign-out is before the sign-in, or more than a year after it")]
    Session,
    #[error("the names of the row are too long together")]
    LongKey,
    #[error("the rows of lines {first} and {second} are about the same and differ")]
    SameRow { first: usize, second: usize, unknown: Vec<Text> },
    #[error("it says something else than another column of the same meaning")]
    Contradiction,
    #[error("a {expected} is expected, and it is grouped by {grouped}")]
    OtherGrouping { expected: &'static str, grouped: &'static str },
}

impl ReportProblem {
    /// What the person can do who finds the file among the dead letters.
    fn advice(&self) -> String {
        match self {
            Self::TooLong | Self::ManyRows => {
                "schedule the report for a shorter time, or with fewer groups".to_owned()
            }
            Self::NotUtf8 => "put it there again as Amazon Connect wrote it, in UTF-8".to_owned(),
            Self::OpenQuote | Self::AfterQuote | Self::LongCell | Self::Width { .. } | Self::Session => {
                "mend the line and retry it; the file may have been cut or edited".to_owned()
            }
            Self::ManyColumns => "take metrics out of the report".to_owned(),
            Self::NoHeader | Self::NoColumn(_) => {
                "if this is no interval report, leave its name out by a pattern; if it is, its columns are separated by \
                 commas and grouped by interval"
                    .to_owned()
            }
            Self::NoLoginColumn(_) => {
                "say in the source's table of labels which column it is (`LABEL,agent`, `LABEL,start` or `LABEL,end`)".to_owned()
            }
            Self::Twice => "rename one of the two columns in the file and retry it".to_owned(),
            Self::NotACount | Self::NotADuration | Self::NotAPercentage | Self::NotATime => {
                "mend the cell and retry it, or say in the source's table of labels what the column means".to_owned()
            }
            Self::NotOnTheClock { .. } => "save the report in UTC, which has every hour once".to_owned(),
            Self::Interval => "save the report by intervals of 15 or 30 minutes".to_owned(),
            Self::LongKey => "shorten the names, or group the report by less".to_owned(),
            Self::SameRow { unknown, .. } if unknown.is_empty() => "take one of them out and retry it".to_owned(),
            Self::SameRow { unknown, .. } => format!(
                "if the report is grouped by one of {}, say so in the source's table of labels (`LABEL,grouping`)",
                unknown.iter().take(5).map(|label| format!("`{}`", shown(label))).collect::<Vec<_>>().join(", ")
            ),
            Self::Contradiction => "say in the source's table of labels what the two columns mean".to_owned(),
            Self::OtherGrouping { .. } => {
                "rename the saved report, or change the pattern that its name fits".to_owned()
            }
        }
    }
}

/// A problem at a place of the file being read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) place: Place,
    pub(super) problem: Box<ReportProblem>,
}

pub(super) type Read<T> = Result<T, Fault>;

impl Fault {
    pub(super) fn of(self, file: &Text) -> ReportError {
        ReportError { file: file.clone(), place: self.place, problem: *self.problem }
    }
}

impl ReportProblem {
    /// With the whole file.
    pub(super) fn of_file(self) -> Fault {
        Fault { place: Place::default(), problem: Box::new(self) }
    }

    /// Somewhere in a line.
    pub(super) fn in_line(self, line: usize) -> Fault {
        Fault { place: Place { line: Some(line), column: None }, problem: Box::new(self) }
    }

    /// With a cell; `index` counts columns from 0.
    pub(super) fn at(self, line: usize, index: usize, label: &Text) -> Fault {
        let column = Some((index + 1, label.clone()));
        Fault { place: Place { line: Some(line), column }, problem: Box::new(self) }
    }
}
