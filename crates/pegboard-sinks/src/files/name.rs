//! How files are named: a template that a site sets, and that never leads out of its place.

use std::fmt;

use pegboard_model::{SourceName, Timestamp};

use crate::Known;
use crate::place::PlacePath;
use crate::report_text::Format;

/// The longest template, in bytes.
pub const MOST_TEMPLATE_BYTES: usize = 300;

/// What stands in braces.
const FIELDS: &[&str] = &["report", "source", "year", "month", "day", "start", "format"];

/// Without these two files would have one name.
const NEEDED: &[&str] = &["report", "source", "start"];

/// The name of a report, as a type.
pub(super) trait Named {
    const NAME: &'static str;
}

/// The template of the names of files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileNames(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Field(&'static str),
}

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFileNames {
    /// It is too long.
    #[error("a template has at most 300 bytes")]
    Long,
    /// Something in braces is unknown.
    #[error(
        "`{{{0}}}` stands for nothing: there are {{report}}, {{source}}, {{year}}, {{month}}, {{day}}, {{start}}, {{format}}"
    )]
    Field(String),
    /// A brace has no other.
    #[error("a brace is not closed")]
    Brace,
    /// Files would overwrite each other.
    #[error("`{{{0}}}` is missing: without it files would overwrite each other")]
    Missing(&'static str),
    /// It leads elsewhere.
    #[error("{0}")]
    Path(String),
}

impl Default for FileNames {
    fn default() -> Self {
        let [report, source, day, start, format] =
            ["report", "source", "day", "start", "format"].map(Part::Field);
        let text = |text: &str| Part::Text(text.to_owned());
        Self(vec![report, text("/source="), source, text("/day="), day, text("/"), start, text("."), format])
    }
}

impl FileNames {
    /// Reads a template. Whatever is put in for its fields, it names a file below its place.
    pub fn parse(text: &str) -> Result<Self, InvalidFileNames> {
        if text.len() > MOST_TEMPLATE_BYTES {
            return Err(InvalidFileNames::Long);
        }
        let (mut parts, mut rest) = (Vec::new(), text);
        let text = |text: &str| (!text.is_empty()).then(|| Part::Text(text.to_owned()));
        while let Some((before, after)) = rest.split_once('{') {
            let (field, after) = after.split_once('}').ok_or(InvalidFileNames::Brace)?;
            let known = FIELDS.iter().find(|known| **known == field);
            let known = known.ok_or_else(|| InvalidFileNames::Field(field.chars().take(50).collect()))?;
            parts.extend(text(before).into_iter().chain([Part::Field(known)]));
            rest = after;
        }
        parts.extend(text(rest));
        if parts.iter().any(|part| matches!(part, Part::Text(text) if text.contains(['{', '}']))) {
            return Err(InvalidFileNames::Brace);
        }
        if let Some(missing) = NEEDED.iter().find(|field| !parts.contains(&Part::Field(field))) {
            return Err(InvalidFileNames::Missing(missing));
        }
        let names = Self(parts);
        PlacePath::parse(&names.fill(|_| "x".to_owned()))
            .map_err(|error| InvalidFileNames::Path(error.to_string()))?;
        Ok(names)
    }

    fn fill(&self, value: impl Fn(&str) -> String) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Field(field) => value(field),
        };
        self.0.iter().map(part).collect()
    }

    /// The name of the file of a report that begins at `start`. Days are local.
    pub(super) fn name<N: Named>(
        &self,
        known: &Known,
        source: &SourceName,
        start: Timestamp,
        format: Format,
    ) -> String {
        let instant = jiff::Timestamp::from_millisecond(start.as_millis()).unwrap_or_default();
        let local = known.zone.to_datetime(instant);
        self.fill(|field| match field {
            "report" => N::NAME.to_owned(),
            "source" => source.to_string(),
            "year" => local.strftime("%Y").to_string(),
            "month" => local.strftime("%m").to_string(),
            "day" => local.strftime("%Y-%m-%d").to_string(),
            "start" => instant.strftime("%Y%m%dT%H%M%SZ").to_string(),
            _ => format.as_str().to_owned(),
        })
    }
}

impl fmt::Display for FileNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.fill(|field| format!("{{{field}}}")))
    }
}
