//! The cells of a file, line by line (RFC 4180).

use std::borrow::Cow;

use memchr::{memchr, memchr2};

use super::error::{Read, ReportProblem};
use super::{MAX_CELL_BYTES, MAX_COLUMNS};

/// The records of a text. Blank lines are passed over; lines end by LF or CRLF.
pub(super) struct Records<'t> {
    rest: &'t str,
    /// The line that `rest` begins in.
    line: usize,
    cells: Vec<Cow<'t, str>>,
}

/// A record: the line that it begins in, and its cells.
pub(super) struct Record<'r, 't> {
    pub(super) line: usize,
    pub(super) cells: &'r [Cow<'t, str>],
}

impl<'t> Records<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { rest: text.strip_prefix('\u{feff}').unwrap_or(text), line: 1, cells: Vec::new() }
    }

    /// The next record.
    pub(super) fn next(&mut self) -> Read<Option<Record<'_, 't>>> {
        self.skip_blank_lines();
        if self.rest.is_empty() {
            return Ok(None);
        }
        let line = self.line;
        self.cells.clear();
        loop {
            if self.cells.len() == MAX_COLUMNS {
                return Err(ReportProblem::ManyColumns.in_line(line));
            }
            let cell = if self.rest.starts_with('"') { self.quoted()? } else { self.plain() };
            if cell.len() > MAX_CELL_BYTES {
                return Err(self.fault(ReportProblem::LongCell));
            }
            self.cells.push(cell);
            if let Some(rest) = self.rest.strip_prefix(',') {
                self.rest = rest;
            } else {
                self.end_line();
                return Ok(Some(Record { line, cells: &self.cells }));
            }
        }
    }

    fn skip_blank_lines(&mut self) {
        while self.rest.starts_with(['\n', '\r']) && self.end_line() {}
    }

    /// Passes the end of a line, if one is here.
    fn end_line(&mut self) -> bool {
        let rest = self.rest.strip_prefix("\r\n").or_else(|| self.rest.strip_prefix('\n'));
        self.line += usize::from(rest.is_some());
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// A cell without quotes, up to the comma or the end of the line.
    fn plain(&mut self) -> Cow<'t, str> {
        let end = memchr2(b',', b'\n', self.rest.as_bytes()).unwrap_or(self.rest.len());
        let is_crlf = self.rest[end..].starts_with('\n') && self.rest[..end].ends_with('\r');
        let (cell, rest) = self.rest.split_at(end - usize::from(is_crlf));
        self.rest = rest;
        Cow::Borrowed(cell)
    }

    /// A cell in quotes, in which two quotes stand for one.
    fn quoted(&mut self) -> Read<Cow<'t, str>> {
        let text = &self.rest[1..];
        let mut cell = Cow::Borrowed("");
        let mut at = 0;
        loop {
            let Some(length) = memchr(b'"', &text.as_bytes()[at..]) else {
                return Err(self.fault(ReportProblem::OpenQuote));
            };
            let (piece, end) = (&text[at..at + length], at + length + 1);
            if cell.is_empty() {
                cell = Cow::Borrowed(piece);
            } else {
                cell.to_mut().push_str(piece);
            }
            if !text[end..].starts_with('"') {
                self.line += memchr::memchr_iter(b'\n', &text.as_bytes()[..end]).count();
                self.rest = &text[end..];
                break;
            }
            cell.to_mut().push('"');
            at = end + 1;
        }
        let is_end =
            self.rest.is_empty() || self.rest.starts_with([',', '\n']) || self.rest.starts_with("\r\n");
        if is_end { Ok(cell) } else { Err(self.fault(ReportProblem::AfterQuote)) }
    }

    /// A problem with the cell that is being read.
    fn fault(&self, problem: ReportProblem) -> super::error::Fault {
        problem.at(self.line, self.cells.len(), &"".into())
    }
}
