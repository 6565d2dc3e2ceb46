//! CSV with a header, read with the place of every cell (RFC 4180; also with a byte-order mark and blank lines).

use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;

use super::fault::{ConfigErrors, Fault};
use super::nearest::nearest;
use super::text::{self, Lines};

/// A cell of a row, without its quotes and outer blanks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cell<'t> {
    pub(super) text: Cow<'t, str>,
    /// The bytes of the file, with the quotes.
    pub(super) span: Range<usize>,
}

/// A table whose `N` columns were found by their names.
#[derive(Debug)]
pub(super) struct Sheet<'t, const N: usize> {
    file: &'t Path,
    lines: Lines<'t>,
    columns: [&'static str; N],
    /// How many of the last columns may be missing.
    optional: usize,
    /// The cells of the columns, in the order of `columns`, row by row.
    rows: Vec<[Cell<'t>; N]>,
    faults: Vec<Fault>,
}

impl<'t, const N: usize> Sheet<'t, N> {
    /// Reads a table. Rows that are wrong are noted and left out; so is everything if a column is missing.
    pub(super) fn read(
        file: &'t Path,
        bytes: &'t [u8],
        columns: [&'static str; N],
    ) -> Result<Self, ConfigErrors> {
        Self::read_with(file, bytes, columns, 0)
    }

    /// The same, where the last columns, so many, may be missing: then their cells are empty.
    pub(super) fn read_with(
        file: &'t Path,
        bytes: &'t [u8],
        columns: [&'static str; N],
        optional: usize,
    ) -> Result<Self, ConfigErrors> {
        let text = text::decode(file, bytes)?;
        let lines = Lines::new(text);
        let mut sheet = Self { file, lines, columns, optional, rows: Vec::new(), faults: Vec::new() };
        let mut scanned = Scanner::new(text).rows(&mut sheet);
        if scanned.is_empty() {
            let message = format!("the file is empty; it begins with a header: {}", columns.join(","));
            return Err(Fault::of_file(file, message).into());
        }
        let header = scanned.remove(0);
        if let Some(order) = sheet.columns_in(&header) {
            for row in scanned {
                sheet.take_row(&order, header.len(), &row);
            }
        }
        Ok(sheet)
    }

    /// The rows, to be read while faults are noted.
    pub(super) fn take_rows(&mut self) -> Vec<[Cell<'t>; N]> {
        std::mem::take(&mut self.rows)
    }

    /// Notes what is wrong with a cell.
    pub(super) fn note(
        &mut self,
        span: &Range<usize>,
        column: Option<&str>,
        message: String,
        help: Option<String>,
    ) {
        self.faults.push(Fault {
            file: self.file.to_owned(),
            place: Some(self.lines.place(span.start)),
            key: column.map(|column| format!("column {column}")),
            message,
            help: help.into_iter().collect(),
            excerpt: Some(self.lines.excerpt(span, &[])),
        });
    }

    /// The number of the line that holds a cell.
    pub(super) fn line_of(&self, cell: &Cell<'_>) -> usize {
        self.lines.place(cell.span.start).line
    }

    /// What was made of the table, if nothing was wrong with it.
    pub(super) fn finish<T>(mut self, result: T) -> Result<T, ConfigErrors> {
        if self.faults.is_empty() {
            return Ok(result);
        }
        self.faults.sort_by_key(|fault| fault.place);
        Err(ConfigErrors::new(self.faults))
    }

    /// Where each column stands, if all do.
    fn columns_in(&mut self, header: &[Cell<'t>]) -> Option<[Option<usize>; N]> {
        if let [only] = header
            && only.text.contains([';', '\t'])
        {
            self.note(&only.span, None, "columns are separated by commas".to_owned(), None);
            return None;
        }
        self.check_header(header);
        let position = |column: &str| header.iter().position(|cell| cell.text.eq_ignore_ascii_case(column));
        let order = self.columns.map(position);
        let end = header.last().map_or(0, |cell| cell.span.end);
        let columns = self.columns;
        let required = N - self.optional;
        let missing = |(_, position): &(&&str, Option<usize>)| position.is_none();
        for (column, _) in columns.iter().zip(order).take(required).filter(missing) {
            self.note(&(end..end), None, format!("the column {column} is missing"), None);
        }
        order[..required].iter().all(Option::is_some).then_some(order)
    }

    fn check_header(&mut self, header: &[Cell<'t>]) {
        let columns = self.columns;
        for (index, cell) in header.iter().enumerate().filter(|(_, cell)| !cell.text.is_empty()) {
            let is_same = |other: &Cell<'_>| other.text.eq_ignore_ascii_case(&cell.text);
            if !columns.iter().any(|column| column.eq_ignore_ascii_case(&cell.text)) {
                let near = nearest(&cell.text, columns).map(|name| format!("did you mean {name}?"));
                let help = near.unwrap_or_else(|| format!("the columns are {}", columns.join(",")));
                self.note(&cell.span, None, format!("the column {:?} is not known", cell.text), Some(help));
            } else if header[..index].iter().any(is_same) {
                self.note(&cell.span, None, format!("the column {} is there twice", cell.text), None);
            }
        }
    }

    fn take_row(&mut self, order: &[Option<usize>; N], width: usize, row: &[Cell<'t>]) {
        if let Some(extra) = row.iter().skip(width).find(|cell| !cell.text.is_empty()) {
            let help = "a text that holds a comma is put in quotes".to_owned();
            self.note(&extra.span, None, "the row has more cells than the header".to_owned(), Some(help));
            return;
        }
        let end = row.last().map_or(0, |cell| cell.span.end);
        let absent = Cell { text: Cow::Borrowed(""), span: end..end };
        let cell = |index: Option<usize>| index.and_then(|index| row.get(index)).unwrap_or(&absent).clone();
        self.rows.push(order.map(cell));
    }
}

/// Splits a text into rows of cells.
struct Scanner<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Scanner<'t> {
    fn new(text: &'t str) -> Self {
        Self { text, at: if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 } }
    }

    /// All rows that are not blank.
    fn rows<const N: usize>(mut self, sheet: &mut Sheet<'t, N>) -> Vec<Vec<Cell<'t>>> {
        let mut rows = Vec::new();
        while self.at < self.text.len() {
            let row = self.row(sheet);
            if row.iter().any(|cell| !cell.text.is_empty()) {
                rows.push(row);
            }
        }
        rows
    }

    fn row<const N: usize>(&mut self, sheet: &mut Sheet<'t, N>) -> Vec<Cell<'t>> {
        let mut row = Vec::new();
        loop {
            row.push(self.cell(sheet));
            match self.rest().bytes().next() {
                Some(b',') => self.at += 1,
                _ => break,
            }
        }
        self.at += if self.rest().starts_with("\r\n") { 2 } else { usize::from(!self.rest().is_empty()) };
        row
    }

    /// A cell; what follows is a comma, a line end or nothing.
    fn cell<const N: usize>(&mut self, sheet: &mut Sheet<'t, N>) -> Cell<'t> {
        self.at += self.rest().len() - self.rest().trim_start_matches([' ', '\t']).len();
        if self.rest().starts_with('"') { self.quoted(sheet) } else { self.plain() }
    }

    fn plain(&mut self) -> Cell<'t> {
        let start = self.at;
        self.at += self.rest().find([',', '\n', '\r']).unwrap_or(self.rest().len());
        let text = self.text[start..self.at].trim();
        Cell { text: Cow::Borrowed(text), span: start..start + text.len() }
    }

    fn quoted<const N: usize>(&mut self, sheet: &mut Sheet<'t, N>) -> Cell<'t> {
        let start = self.at;
        let Some(length) = quoted_length(self.rest()) else {
            sheet.note(&(start..start + 1), None, "this quote is never closed".to_owned(), None);
            self.at = self.text.len();
            return Cell { text: Cow::Borrowed(""), span: start..self.at };
        };
        self.at += length;
        let inner = self.text[start + 1..self.at - 1].trim();
        let span = start..self.at;
        let after = self.plain();
        if !after.text.is_empty() {
            let help = "a quote within a quoted text is written twice".to_owned();
            sheet.note(&after.span, None, "text follows the closing quote".to_owned(), Some(help));
        }
        let is_plain = !inner.contains('"');
        Cell { text: if is_plain { Cow::Borrowed(inner) } else { inner.replace("\"\"", "\"").into() }, span }
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }
}

/// How long a quoted text is that stands at the start, with its quotes.
fn quoted_length(text: &str) -> Option<usize> {
    let mut at = 1;
    loop {
        at += text[at..].find('"')? + 1;
        if !text[at..].starts_with('"') {
            return Some(at);
        }
        at += 1;
    }
}
