//! A text by lines: where an offset is, and what of a line may be shown.

use std::ops::Range;
use std::path::Path;

use super::fault::{ConfigErrors, Fault};

/// What stands in an excerpt for text that is not shown.
const MASK: &str = "***";

/// The most characters of a line that an excerpt shows.
const MAX_EXCERPT: usize = 120;

/// How many characters before the caret are shown of a line that is too long.
const BEFORE_CARET: usize = 40;

/// A place in a file, both numbers from 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The character of the line.
    pub column: usize,
}

/// A line as a fault shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Excerpt {
    /// The line, without what must not be seen.
    pub(super) line: String,
    /// The characters of it that the fault is about.
    pub(super) marked: Range<usize>,
}

/// The bytes of a file as text. A byte-order mark stays in it.
pub(super) fn decode<'b>(file: &Path, bytes: &'b [u8]) -> Result<&'b str, ConfigErrors> {
    std::str::from_utf8(bytes).map_err(|error| {
        let valid = std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
        let place = Some(Lines::new(valid).place(valid.len()));
        let fault = Fault::of_file(file, "this is not UTF-8".to_owned());
        Fault { place, ..fault }.with_help("save the file with the encoding UTF-8").into()
    })
}

/// A text and where its lines start.
#[derive(Debug)]
pub(super) struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let after_each = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { text, starts: std::iter::once(0).chain(after_each).collect() }
    }

    /// The very end.
    pub(super) fn end(&self) -> Range<usize> {
        self.text.len()..self.text.len()
    }

    pub(super) fn text(&self, range: &Range<usize>) -> &'t str {
        &self.text[range.clone()]
    }

    pub(super) fn place(&self, offset: usize) -> Place {
        let index = self.line_index(offset);
        let before = &self.text[self.starts[index]..self.char_start(offset)];
        Place { line: index + 1, column: before.trim_start_matches('\u{feff}').chars().count() + 1 }
    }

    /// The line that holds `offset`, without its end.
    pub(super) fn line_at(&self, offset: usize) -> Range<usize> {
        let index = self.line_index(offset);
        let start = self.starts[index];
        let end = self.starts.get(index + 1).copied().unwrap_or(self.text.len());
        start..start + self.text[start..end].trim_end_matches(['\n', '\r']).len()
    }

    /// The line in which `span` starts. What lies in `hidden`, ordered and without overlaps, is masked.
    pub(super) fn excerpt(&self, span: &Range<usize>, hidden: &[Range<usize>]) -> Excerpt {
        let part = self.part_around(span.start);
        let first_hidden = hidden.partition_point(|range| range.end <= part.start);
        let mut hidden = hidden[first_hidden..].iter().take_while(|range| range.start < part.end).peekable();
        let mut shown = Shown::default();
        for (at, char) in self.text[part.clone()].char_indices().map(|(at, char)| (part.start + at, char)) {
            while hidden.next_if(|range| range.end <= at).is_some() {}
            let mask = hidden.peek().filter(|range| range.contains(&at));
            let is_marked = at == span.start
                || span.contains(&at)
                || mask.is_some_and(|range| range.contains(&span.start));
            match mask {
                None if char == '\u{feff}' => {}
                None => shown.push(char, is_marked),
                Some(range) if at == range.start.max(part.start) => {
                    MASK.chars().for_each(|char| shown.push(char, is_marked));
                }
                Some(_) => {}
            }
        }
        shown.finish()
    }

    /// The line that holds `offset`, or what is around it: a line may be as long as the file.
    fn part_around(&self, offset: usize) -> Range<usize> {
        let line = self.line_at(offset);
        // The end of a line is as long as somebody likes who writes it with carriage returns.
        let start = self.char_start(offset.saturating_sub(MAX_EXCERPT)).clamp(line.start, line.end);
        start..self.char_start(offset + 8 * MAX_EXCERPT).min(line.end)
    }

    /// What follows each `#` up to the end of its line, unless the `#` is in one of the `meaningful` parts, which are
    /// in order and without overlaps.
    pub(super) fn comments(&self, meaningful: &[Range<usize>]) -> Vec<Range<usize>> {
        let mut comments: Vec<Range<usize>> = Vec::new();
        for (at, _) in self.text.match_indices('#') {
            let in_comment = comments.last().is_some_and(|comment| at < comment.end);
            let part = meaningful.get(meaningful.partition_point(|part| part.end <= at));
            if !in_comment && !part.is_some_and(|part| part.contains(&at)) {
                comments.push(at + 1..self.line_at(at).end);
            }
        }
        comments.retain(|comment| !comment.is_empty());
        comments
    }

    fn line_index(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset) - 1
    }

    /// The offset, or that of the start of the character in whose midst it lies.
    fn char_start(&self, offset: usize) -> usize {
        self.text.floor_char_boundary(offset)
    }
}

/// An excerpt in the making.
#[derive(Default)]
struct Shown {
    line: Vec<char>,
    marked: Option<Range<usize>>,
}

impl Shown {
    fn push(&mut self, char: char, is_marked: bool) {
        let at = self.line.len();
        // A terminal takes one column for each of these, and obeys none.
        self.line.push(if char.is_control() { ' ' } else { char });
        if is_marked {
            self.marked = Some(self.marked.as_ref().map_or(at, |marked| marked.start)..at + 1);
        }
    }

    /// At least one character is marked, if need be the one after the end.
    fn finish(self) -> Excerpt {
        let end = self.line.len();
        let marked = self.marked.unwrap_or(end..end + 1);
        let skipped = if end > MAX_EXCERPT { marked.start.saturating_sub(BEFORE_CARET) } else { 0 };
        let kept = self.line.iter().skip(skipped).take(MAX_EXCERPT);
        let start = marked.start - skipped;
        let last = (marked.end - skipped).min(MAX_EXCERPT + 1);
        Excerpt { line: kept.collect(), marked: start..last.max(start + 1) }
    }
}
