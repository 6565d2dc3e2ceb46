//! What `[sink.files]` says: which reports become files, and where.

use std::path::Path;

use pegboard_sinks::SinkReport;
use pegboard_sinks::files::{FileFormat, FileNames, FileReport};
use toml::de::DeValue;

use super::place::SinkPlace;
use crate::config::choice::choice;
use crate::config::table::Table;
use crate::config::value::{self, Read, Wrong};

/// Which reports become files, and where.
#[derive(Debug, Clone, PartialEq)]
pub struct FilesSettings {
    /// Where they go.
    pub place: SinkPlace,
    /// The reports.
    pub reports: Vec<FileReport>,
    /// How they are written.
    pub format: WrittenAs,
    /// How the files are named.
    pub names: FileNames,
}

choice! {
    /// How the files of reports are written.
    WrittenAs {
        /// CSV, every text as it is.
        Csv = "csv",
        /// CSV in which no text is run as a formula.
        SpreadsheetCsv = "spreadsheet-csv",
        /// A JSON object a line.
        Ndjson = "ndjson",
        /// Apache Parquet.
        Parquet = "parquet",
    }
}

impl From<WrittenAs> for FileFormat {
    fn from(format: WrittenAs) -> Self {
        match format {
            WrittenAs::Csv => Self::Csv,
            WrittenAs::SpreadsheetCsv => Self::SpreadsheetCsv,
            WrittenAs::Ndjson => Self::Ndjson,
            WrittenAs::Parquet => Self::Parquet,
        }
    }
}

impl FilesSettings {
    /// The reports that it is sent.
    pub fn reports(&self) -> Vec<SinkReport> {
        self.reports.iter().map(|report| report.report(self.format.into())).collect()
    }

    pub(super) fn read(sink: &mut Table<'_, '_>, is_it: bool, folder: &Path) -> Option<Self> {
        let mut table = super::table_of(sink, is_it, "files");
        let reports = table.required("reports", value::words_of(FileReport::NAMES));
        let mut format = WrittenAs::Csv;
        table.set("format", &mut format, value::word(WrittenAs::CHOICES));
        let mut names = FileNames::default();
        table.set("names", &mut names, names_of_files);
        table.finish();
        let place = SinkPlace::read(sink, is_it, folder);
        Some(Self { place: place?, reports: reports?, format, names })
    }
}

fn names_of_files(value: &DeValue<'_>) -> Read<FileNames> {
    let wrong =
        || Wrong::expected("a template of names, such as \"{report}/{source}/{day}/{start}.{format}\"");
    let given = value.as_str().ok_or_else(wrong)?;
    FileNames::parse(given).map_err(|error| wrong().help(error.to_string()))
}
