//! A dropped file, taken apart. Pure.

use std::fmt::Display;

use pegboard_model::acd::Telling;
use pegboard_model::{AcdRow, Order, PartitionId, Position};

use super::FOLDER_LANE;
use super::table::{self, Column};
use crate::sources::DecodeError;
use crate::sources::push::{Handed, PushDecoder};

/// The longest file, in bytes.
pub(super) const MAX_FILE_BYTES: usize = 16 << 20;

/// The most records of a file.
pub(super) const MAX_RECORDS: usize = 100_000;

/// The most records of a file that cannot be used; with one more the file is refused as a whole.
pub(super) const MOST_BAD: usize = 1000;

/// How much of a file that is refused is kept with the reason.
const SHOWN_BYTES: usize = 64 << 10;

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Csv,
    NdJson,
}

impl Format {
    /// By the end of a file's name; nothing if it is no file for us.
    pub(super) fn of(name: &str) -> Option<Self> {
        let (_, end) =
            name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty() && !name.starts_with('.'))?;
        match end.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "ndjson" | "jsonl" => Some(Self::NdJson),
            _ => None,
        }
    }
}

/// What came of one record of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// A record that can be decoded, as JSON.
    Record(Vec<u8>),
    /// A row that the ACD computed itself.
    Row(Box<AcdRow>),
    /// One that cannot be used, and why.
    Broken(Vec<u8>, String),
}

/// Why a file is refused as a whole: what is wrong, and in which line.
struct Refusal(String);

/// The records of a file; where it is refused as a whole, that and nothing else, and true.
pub(super) fn read(name: &str, format: Format, bytes: &[u8]) -> (Vec<Item>, bool) {
    let file = File { name };
    let items = match bytes.len() {
        0..=MAX_FILE_BYTES => file.items(format, bytes),
        _ => Err(file.refusal(format_args!("longer than {} MiB: cut it into several", MAX_FILE_BYTES >> 20))),
    };
    match items.and_then(|items| file.judged(items)) {
        Ok(items) => (items, false),
        Err(Refusal(reason)) => {
            let shown = bytes[..bytes.len().min(SHOWN_BYTES)].to_vec();
            (vec![Item::Broken(shown, reason)], true)
        }
    }
}

struct File<'a> {
    name: &'a str,
}

impl File<'_> {
    fn refusal(&self, problem: impl Display) -> Refusal {
        Refusal(format!("file `{}` is refused as a whole: {problem}", self.name))
    }

    fn items(&self, format: Format, bytes: &[u8]) -> Result<Vec<Item>, Refusal> {
        match format {
            Format::Csv => self.rows(bytes),
            Format::NdJson => self.lines(bytes),
        }
    }

    fn lines(&self, bytes: &[u8]) -> Result<Vec<Item>, Refusal> {
        let mut items = Vec::new();
        for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let line = line.trim_ascii();
            if !line.is_empty() {
                self.one_more(&items)?;
                items.push(self.item(index as u64 + 1, line.to_vec(), &[]));
            }
        }
        Ok(items)
    }

    fn rows(&self, bytes: &[u8]) -> Result<Vec<Item>, Refusal> {
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
        let columns = self.columns(&mut reader)?;
        let (mut items, mut row) = (Vec::new(), csv::ByteRecord::new());
        loop {
            let is_there = reader.read_byte_record(&mut row).map_err(|error| self.refusal(error))?;
            if !is_there {
                return Ok(items);
            }
            self.one_more(&items)?;
            let line = row.position().map_or(0, |position| line_of(bytes, position));
            items.push(self.row(line, &columns, &row));
        }
    }

    fn columns(&self, reader: &mut csv::Reader<&[u8]>) -> Result<Vec<Column>, Refusal> {
        let header = reader.byte_headers().map_err(|error| self.refusal(error))?;
        let column = |(index, cell): (usize, &[u8])| {
            let column = std::str::from_utf8(cell).ok().and_then(Column::read);
            column.ok_or_else(|| {
                let problem = "its header is no path of a field, such as `status.name`";
                self.refusal(format_args!("line 1, column {}: {problem}", index + 1))
            })
        };
        header.iter().enumerate().map(column).collect()
    }

    fn row(&self, line: u64, columns: &[Column], row: &csv::ByteRecord) -> Item {
        let cells: Result<Vec<&str>, usize> = row
            .iter()
            .enumerate()
            .map(|(index, cell)| std::str::from_utf8(cell).map_err(|_| index))
            .collect();
        let told = || row.iter().collect::<Vec<_>>().join(&b","[..]);
        let cells = match cells {
            Ok(cells) if cells.len() == columns.len() => cells,
            Ok(cells) => {
                let problem = format!("{} cells, and the header has {}", cells.len(), columns.len());
                return Item::Broken(told(), self.fault(line, None, problem));
            }
            Err(index) => return Item::Broken(told(), self.fault(line, Some(index), "not UTF-8")),
        };
        match table::record(columns, cells.into_iter()) {
            Ok(record) => self.item(line, record.to_string().into_bytes(), columns),
            Err(error) => Item::Broken(told(), self.told(line, columns, &error)),
        }
    }

    /// What a record says; `columns` where it was a row.
    fn item(&self, line: u64, record: Vec<u8>, columns: &[Column]) -> Item {
        let order = Order { partition: PartitionId::from(FOLDER_LANE), position: Position::Number(line) };
        match PushDecoder::read(&record, order) {
            Ok(Handed::Record(_)) => Item::Record(record),
            Ok(Handed::Row(mut row)) => {
                let file = format!("{} line {line}", self.name).into();
                row.telling = Telling { file, ..row.telling };
                Item::Row(Box::new(row))
            }
            Err(error) => Item::Broken(record, self.told(line, columns, &error)),
        }
    }

    /// What is wrong with a record, by its line, and by its column where that is known.
    fn told(&self, line: u64, columns: &[Column], error: &DecodeError) -> String {
        match error {
            DecodeError::Field { path, problem } => {
                match columns.iter().position(|column| column.name == *path) {
                    Some(index) => self.fault(line, Some(index), format_args!("(`{path}`): {problem}")),
                    None => self.fault(line, None, error),
                }
            }
            DecodeError::NotJson { problem, column, .. } => {
                self.fault(line, Some(column.saturating_sub(1)), format_args!("not JSON: {problem}"))
            }
            DecodeError::NotUtf8 { at } => self.fault(line, Some(*at), "not UTF-8"),
            DecodeError::TooLong { .. } => self.fault(line, None, error),
        }
    }

    fn fault(&self, line: u64, column: Option<usize>, problem: impl Display) -> String {
        let problem = problem.to_string();
        let place = format!("file `{}`, line {line}", self.name);
        match column {
            Some(index) if problem.starts_with('(') => format!("{place}, column {} {problem}", index + 1),
            Some(index) => format!("{place}, column {}: {problem}", index + 1),
            None => format!("{place}: {problem}"),
        }
    }

    fn one_more(&self, items: &[Item]) -> Result<(), Refusal> {
        match items.len() {
            0..MAX_RECORDS => Ok(()),
            _ => Err(self.refusal(format_args!("more than {MAX_RECORDS} records: cut it into several"))),
        }
    }

    /// Refuses a file of which nothing can be used, or so much cannot that it is not the records.
    fn judged(&self, items: Vec<Item>) -> Result<Vec<Item>, Refusal> {
        let mut reasons = items.iter().filter_map(|item| match item {
            Item::Broken(_, reason) => Some(reason),
            Item::Record(_) | Item::Row(_) => None,
        });
        let Some(first) = reasons.next().cloned() else { return Ok(items) };
        let bad = 1 + reasons.count();
        if bad > MOST_BAD || bad == items.len() {
            return Err(self.refusal(format_args!(
                "{bad} of its {} records cannot be used, the first because of: {first}",
                items.len()
            )));
        }
        Ok(items)
    }
}

/// The line in which a row begins: its position is before whatever blank lines are above it.
fn line_of(bytes: &[u8], position: &csv::Position) -> u64 {
    let from = usize::try_from(position.byte()).unwrap_or(bytes.len()).min(bytes.len());
    let above = bytes[from..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
    position.line() + above.filter(|byte| **byte == b'\n').count() as u64
}
