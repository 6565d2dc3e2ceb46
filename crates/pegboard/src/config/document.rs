//! The file as a whole: from bytes to tables, and from notes to faults that may be shown.

use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{ConfigErrors, Fault};
use super::schema;
use super::settings::Config;
use super::side_files::{Fetch, SideFiles};
use super::table::{Note, Notes, Table, is_name};
use super::text::Lines;

/// The largest configuration file, and the largest table beside it, in bytes.
pub const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// What the parser calls a key that is there twice. It keeps the first, so that the rest can still be read.
const DUPLICATE_KEY: &str = "duplicate key";

impl Config {
    /// Reads a configuration file and the tables that it names, and tells everything that is wrong with them.
    pub fn load(path: &Path) -> Result<Self, ConfigErrors> {
        let bytes = read_limited(path).map_err(|error| unreadable(path, &error))?;
        parse(path, &bytes, &read_limited).map(|(config, _)| config)
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Fault {
    let fault = Fault::of_file(path, format!("the configuration cannot be read: {error}"));
    match error.kind() {
        io::ErrorKind::NotFound => fault.with_help("`pegboard init` writes one to start from"),
        _ => fault,
    }
}

/// Reads a file unless it is too large.
pub(super) fn read_limited(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(io::Error::other(format!("it is larger than {MAX_FILE_BYTES} bytes")));
    }
    Ok(bytes)
}

/// Reads a table that somebody named.
pub(super) fn read_side_file(path: &Path) -> Result<Vec<u8>, ConfigErrors> {
    let fault = |error| Fault::of_file(path, format!("the table cannot be read: {error}"));
    Ok(read_limited(path).map_err(fault)?)
}

/// Reads the content of the file at `path`, which decides what paths in it are relative to.
pub(super) fn parse(path: &Path, bytes: &[u8], fetch: Fetch<'_>) -> Result<(Config, Notes), ConfigErrors> {
    let text = super::text::decode(path, bytes)?;
    let lines = Lines::new(text);
    let (document, errors) = DeTable::parse_recoverable(text);
    let document = document.get_ref();
    let mut faults: Vec<Fault> = errors.iter().map(|error| syntax_fault(path, &lines, error)).collect();
    // After any other fault of syntax the tables are not what was meant, and their faults would mislead.
    if errors.iter().any(|error| error.message() != DUPLICATE_KEY) {
        faults.sort_by_key(|fault| fault.place);
        return Err(ConfigErrors::new(faults));
    }

    let folder = path.parent().unwrap_or(Path::new(""));
    let mut notes = Notes::default();
    let mut side_files = SideFiles::new(fetch);
    let config = schema::config(Table::root(document, &mut notes), folder, &mut side_files);

    let hidden = hidden(document, &notes, &errors, &lines);
    faults.extend(notes.faults.drain(..).map(|note| shown(path, &lines, &hidden, note)));
    let side_faults = side_files.into_faults();
    match config {
        Some(config) if faults.is_empty() && side_faults.is_empty() => Ok((config, notes)),
        _ => {
            faults.sort_by_key(|fault| fault.place);
            faults.extend(side_faults);
            Err(ConfigErrors::new(faults))
        }
    }
}

fn syntax_fault(path: &Path, lines: &Lines<'_>, error: &toml::de::Error) -> Fault {
    let message = match error.message() {
        DUPLICATE_KEY => "this key is already there".to_owned(),
        message => message.to_owned(),
    };
    let span = error.span().unwrap_or_else(|| lines.end());
    let hidden: Vec<_> = unread_values(lines, span.start).into_iter().collect();
    let note = Note { span: Some(span), key: None, message, help: Vec::new() };
    shown(path, lines, &hidden, note)
}

fn shown(path: &Path, lines: &Lines<'_>, hidden: &[Range<usize>], note: Note) -> Fault {
    let Note { span, key, message, help } = note;
    let place = span.as_ref().map(|span| lines.place(span.start));
    let excerpt = span.map(|span| lines.excerpt(&span, hidden));
    Fault { file: path.to_owned(), place, key, message, help, excerpt }
}

/// What must not be shown: every value that was not asked for or may be a secret, comments, and what the parser did
/// not take.
fn hidden(
    document: &DeTable<'_>,
    notes: &Notes,
    errors: &[toml::de::Error],
    lines: &Lines<'_>,
) -> Vec<Range<usize>> {
    let mut parts = Parts::default();
    parts.gather(document, notes);
    parts.hidden.extend(lines.comments(&without_overlaps(parts.meaningful)));
    parts.hidden.extend(errors.iter().filter_map(|error| unread_values(lines, error.span()?.start)));
    without_overlaps(parts.hidden)
}

/// Where things stand in the file.
#[derive(Default)]
struct Parts {
    /// Keys and values that must not be shown.
    hidden: Vec<Range<usize>>,
    /// All keys and values: a `#` in them begins no comment.
    meaningful: Vec<Range<usize>>,
}

impl Parts {
    fn gather(&mut self, table: &DeTable<'_>, notes: &Notes) {
        for (key, value) in table {
            self.meaningful.push(key.span());
            if !is_name(key.get_ref()) {
                self.hidden.push(key.span());
            }
            self.gather_value(value, notes);
        }
    }

    fn gather_value(&mut self, value: &Spanned<DeValue<'_>>, notes: &Notes) {
        match value.get_ref() {
            DeValue::Table(table) => self.gather(table, notes),
            DeValue::Array(array) => array.iter().for_each(|value| self.gather_value(value, notes)),
            _ => {
                self.meaningful.push(value.span());
                if !notes.public.contains(&value.span().start) {
                    self.hidden.push(value.span());
                }
            }
        }
    }
}

/// The part of a line that the parser did not understand and that may hold a secret: all but the name of a table or
/// of a key. A line that begins otherwise may be the midst of a text.
fn unread_values(lines: &Lines<'_>, offset: usize) -> Option<Range<usize>> {
    let line = lines.line_at(offset);
    let text = lines.text(&line);
    let is_name = |char: char| char.is_ascii_lowercase() || "_.[] \t".contains(char);
    let name = text.find(|char| !is_name(char)).unwrap_or(text.len());
    let rest = &text[name..];
    let shown = match rest.strip_prefix('=') {
        Some(value) => text.len() - value.trim_start().len(),
        None if text.trim_start().starts_with('[') => name,
        None => 0,
    };
    (shown < text.len()).then(|| line.start + shown..line.end)
}

fn without_overlaps(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_by_key(|range| range.start);
    ranges.dedup_by(|next, kept| {
        let overlap = next.start < kept.end;
        if overlap {
            kept.end = kept.end.max(next.end);
        }
        overlap
    });
    ranges
}
