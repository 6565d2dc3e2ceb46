//! Rows as files: CSV, JSON, NDJSON, and Parquet through `report_parquet`. Encodes, and computes nothing.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::str::FromStr;

use pegboard_model::report::{Cell, Row};

use crate::report_parquet;

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180 with a header, UTF-8, lines ended by `\n`, and every text as it is.
    Csv,
    /// The same for people who open it in a spreadsheet: no text in it is run as a formula.
    SpreadsheetCsv,
    /// One array of objects.
    Json,
    /// One object a line.
    Ndjson,
    /// Apache Parquet: columns with types.
    Parquet,
}

impl Format {
    /// The names of all formats.
    pub const CHOICES: [&'static str; 4] = ["csv", "json", "ndjson", "parquet"];

    /// The same format for people who open it in a spreadsheet; nothing for one in which no text is run as a formula.
    pub const fn for_spreadsheets(self) -> Option<Self> {
        match self {
            Self::Csv | Self::SpreadsheetCsv => Some(Self::SpreadsheetCsv),
            Self::Json | Self::Ndjson | Self::Parquet => None,
        }
    }

    /// The name, which is also the ending of a file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Csv | Self::SpreadsheetCsv => "csv",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Parquet => "parquet",
        }
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "csv" => Ok(Self::Csv),
            "json" => Ok(Self::Json),
            "ndjson" => Ok(Self::Ndjson),
            "parquet" => Ok(Self::Parquet),
            other => Err(format!("'{other}' is none of {}", Self::CHOICES.join(", "))),
        }
    }
}

/// Writes a whole report.
pub fn write_report<R: Row>(rows: &[R], format: Format, out: impl Write) -> io::Result<()> {
    match format {
        Format::Csv => write_csv(rows, out, |text| text.into()),
        Format::SpreadsheetCsv => write_csv(rows, out, harmless),
        Format::Json => write_json(rows, out),
        Format::Ndjson => write_ndjson(rows, out),
        Format::Parquet => report_parquet::write_rows(rows, out),
    }
}

fn write_csv<R: Row>(rows: &[R], out: impl Write, text: fn(&str) -> Cow<'_, str>) -> io::Result<()> {
    let mut writer = csv::WriterBuilder::new().from_writer(out);
    writer.write_record(R::COLUMNS)?;
    let mut cells = Vec::with_capacity(R::COLUMNS.len());
    let mut field = String::new();
    for row in rows {
        row.cells(&mut cells);
        for cell in cells.drain(..) {
            field.clear();
            match cell {
                Cell::Text(content) => field.push_str(&text(content)),
                Cell::Made(content) => field.push_str(&text(&content)),
                other => write!(field, "{other}").map_err(io::Error::other)?,
            }
            writer.write_field(&field)?;
        }
        writer.write_record(None::<&[u8]>)?;
    }
    writer.flush()
}

/// A text as it may stand in a CSV file that people open in a spreadsheet: one that would be run there as a formula, as an
/// agent could name himself, gets an apostrophe in front.
pub fn harmless(text: &str) -> Cow<'_, str> {
    match text.as_bytes().first() {
        Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r') => format!("'{text}").into(),
        _ => text.into(),
    }
}

fn write_json<R: Row>(rows: &[R], mut out: impl Write) -> io::Result<()> {
    out.write_all(b"[")?;
    for (index, row) in rows.iter().enumerate() {
        let separator = if index == 0 { "\n" } else { ",\n" };
        write!(out, "{separator}{}", json_object(row))?;
    }
    out.write_all(if rows.is_empty() { b"]\n" } else { b"\n]\n" })
}

fn write_ndjson<R: Row>(rows: &[R], mut out: impl Write) -> io::Result<()> {
    rows.iter().try_for_each(|row| writeln!(out, "{}", json_object(row)))
}

/// A row as a JSON object, its columns in order. Empty cells are `null`, numbers are numbers.
pub fn json_object<R: Row>(row: &R) -> String {
    let mut cells = Vec::with_capacity(R::COLUMNS.len());
    row.cells(&mut cells);
    let mut object = String::with_capacity(32 * cells.len());
    for (column, cell) in R::COLUMNS.iter().zip(&cells) {
        object.push(if object.is_empty() { '{' } else { ',' });
        push_json_text(&mut object, column);
        object.push(':');
        match cell {
            Cell::Empty => object.push_str("null"),
            Cell::Text(text) => push_json_text(&mut object, text),
            Cell::Made(text) => push_json_text(&mut object, text),
            Cell::Count(_) | Cell::Number(_) => object.push_str(&cell.to_string()),
            Cell::Time(time) => {
                object.push('"');
                object.push_str(&time.to_string());
                object.push('"');
            }
        }
    }
    object.push('}');
    object
}

fn push_json_text(out: &mut String, text: &str) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

#[cfg(test)]
mod tests {
    use pegboard_model::policy::SessionPolicy;
    use pegboard_model::report::Session;
    use pegboard_model::{Millis, Timestamp};

    use super::*;

    fn text(format: Format) -> String {
        let row = Session {
            source: "a".into(),
            agent_id: "7".into(),
            agent_login: "=cmd".into(),
            agent_name: "Ann \"A\", née B".into(),
            team: "EMEA / North".into(),
            sign_in: Timestamp::from_millis(1_526_487_799_019),
            sign_out: None,
            duration_s: Millis::new(580_040),
            policy: SessionPolicy::Login,
        };
        let mut out = Vec::new();
        write_report(&[row.clone(), row], format, &mut out).expect("writes to memory");
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn csv_is_exact() {
        insta::assert_snapshot!(text(Format::Csv), @r#"
        source,agent_id,agent_login,agent_name,team,sign_in,sign_out,duration_s,policy
        a,7,=cmd,"Ann ""A"", née B",EMEA / North,2018-05-16T16:23:19.019Z,,580.04,login
        a,7,=cmd,"Ann ""A"", née B",EMEA / North,2018-05-16T16:23:19.019Z,,580.04,login
        "#);
    }

    #[test]
    fn s36_csv_for_spreadsheets_quotes_and_runs_nothing() {
        insta::assert_snapshot!(text(Format::SpreadsheetCsv), @r#"
        source,agent_id,agent_login,agent_name,team,sign_in,sign_out,duration_s,policy
        a,7,'=cmd,"Ann ""A"", née B",EMEA / North,2018-05-16T16:23:19.019Z,,580.04,login
        a,7,'=cmd,"Ann ""A"", née B",EMEA / North,2018-05-16T16:23:19.019Z,,580.04,login
        "#);
    }

    #[test]
    fn json_keeps_types() {
        let parsed: serde_json::Value = serde_json::from_str(&text(Format::Json)).expect("JSON");
        assert_eq!(parsed[1]["duration_s"], 580.04);
        assert_eq!(parsed[1]["sign_out"], serde_json::Value::Null);
        assert_eq!(parsed[1]["agent_login"], "=cmd");
        assert_eq!(text(Format::Ndjson).lines().count(), 2);
    }
}
