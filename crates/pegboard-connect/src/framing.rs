//! Splits bytes into records.
//!
//! A record is one JSON object. Between records there may be white space, a byte order mark, and the
//! brackets and commas of an array; so this reads one object per line, pretty-printed objects, objects
//! without any separator as Amazon Data Firehose writes them, an array of objects, and any mixture.
//!
//! A broken record costs only itself: a line end is never inside a string of valid JSON, so the scan takes
//! up again at the next line that begins with `{`, indented no deeper than the broken record was. Where the
//! next record begins right behind a brace of the broken one, it takes up there.

mod blocks;
mod object;
#[cfg(test)]
mod tests;

use memchr::{memchr, memchr_iter, memchr2_iter, memrchr};

pub use self::blocks::{Block, Blocks};
use self::object::{ObjectScan, Scan};

/// The longest record that is read, unless a caller asks for another limit.
///
/// Amazon's agent events have a few kilobytes, and the attributes of a contact record at most 32.
pub const MAX_RECORD_BYTES: usize = 1 << 20;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// One record and its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The object, from brace to brace.
    pub bytes: &'a [u8],
    /// The line on which it starts, from 1.
    pub line: u64,
    /// The number of bytes before it.
    pub offset: u64,
}

/// What stands where a record should be, and cannot be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BrokenFrame<'a> {
    /// The bytes that were given up, at most as many as a record may have.
    pub bytes: &'a [u8],
    /// The line on which they start, from 1.
    pub line: u64,
    /// The number of bytes before them.
    pub offset: u64,
    /// What is wrong.
    pub reason: BrokenReason,
}

/// Why bytes are not a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum BrokenReason {
    /// Something other than an object stands between records.
    #[error("not a JSON object")]
    NotAnObject,
    /// Something other than a record follows the record on its line.
    #[error("text after the closing brace of the record")]
    TextAfter,
    /// A string runs into the end of its line.
    #[error("a string without its closing quote")]
    LineEndInString,
    /// A brace where a bracket must be, or the reverse.
    #[error("a bracket closed by one of the other kind")]
    Mismatched,
    /// Another object begins where none can, as behind a record that was cut short.
    #[error("a record without its closing brace")]
    Unclosed,
    /// More nesting than is read.
    #[error("nested deeper than 127 levels")]
    TooDeep,
    /// More bytes than are read.
    #[error("longer than {limit} bytes")]
    TooLong {
        /// The most that is read.
        limit: usize,
    },
    /// The input ends first.
    #[error("the input ends inside the record")]
    Truncated,
}

/// Splits the whole of `input` into records.
pub fn frames(input: &[u8]) -> Frames<'_> {
    Framer::new().frames(input, true)
}

/// Where the splitting of an input stands between two chunks of it.
#[derive(Debug, Clone)]
pub struct Framer {
    limit: usize,
    line: u64,
    offset: u64,
    /// How many blanks precede on this line, where nothing else does.
    indent: Option<usize>,
    mode: Mode,
}

#[derive(Debug, Clone)]
enum Mode {
    /// Between records.
    Records,
    /// Inside a record that is too long, on the way to its end.
    Skipping(ObjectScan),
    /// Behind a broken record, on the way to a line with a record indented no deeper than this.
    Resync { indent: usize },
}

impl Default for Framer {
    fn default() -> Self {
        Self { limit: MAX_RECORD_BYTES, line: 1, offset: 0, indent: Some(0), mode: Mode::Records }
    }
}

impl Framer {
    /// A framer at the start of an input.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with another limit to the length of a record, in bytes.
    #[must_use]
    pub fn with_max_record(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    /// Splits the next chunk, which starts at the first byte that was not consumed. `last` says that
    /// nothing follows it; without it, a record at the end that may go on is left for the next chunk.
    pub fn frames(self, chunk: &[u8], last: bool) -> Frames<'_> {
        Frames { framer: self, input: chunk, at: 0, last }
    }
}

/// The records of a chunk, in order.
#[derive(Debug)]
pub struct Frames<'a> {
    framer: Framer,
    input: &'a [u8],
    at: usize,
    last: bool,
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<Frame<'a>, BrokenFrame<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if !matches!(self.framer.mode, Mode::Records) {
            self.leave_broken();
        }
        if !matches!(self.framer.mode, Mode::Records) {
            return None;
        }
        self.skip_separators();
        match self.rest().first()? {
            b'{' => self.record(),
            _ => self.stray(),
        }
    }
}

impl<'a> Frames<'a> {
    /// Where the splitting stands, and how many bytes of the chunk are done with. The others are to be the
    /// start of the next chunk.
    pub fn finish(self) -> (Framer, usize) {
        (self.framer, self.at)
    }

    fn rest(&self) -> &'a [u8] {
        &self.input[self.at..]
    }

    /// Passes white space and the punctuation of arrays.
    fn skip_separators(&mut self) {
        loop {
            match self.rest() {
                [b'\n', ..] => {
                    self.framer.line += 1;
                    self.framer.indent = Some(0);
                    self.step(1);
                }
                [b' ' | b'\t' | b'\r', ..] => {
                    self.framer.indent = self.framer.indent.map(|blanks| blanks + 1);
                    self.step(1);
                }
                [b',' | b'[' | b']', ..] => {
                    self.framer.indent = None;
                    self.step(1);
                }
                rest if rest.starts_with(BYTE_ORDER_MARK) => self.step(BYTE_ORDER_MARK.len()),
                _ => return,
            }
        }
    }

    fn step(&mut self, length: usize) {
        self.at += length;
        self.framer.offset += length as u64;
    }

    /// Passes `length` bytes of any kind.
    fn pass(&mut self, length: usize) {
        let passed = &self.rest()[..length];
        self.framer.line += memchr_iter(b'\n', passed).count() as u64;
        let (blanks, tail) = match memrchr(b'\n', passed) {
            Some(newline) => (Some(0), &passed[newline + 1..]),
            None => (self.framer.indent, passed),
        };
        self.framer.indent =
            blanks.filter(|_| tail.iter().copied().all(is_blank)).map(|blanks| blanks + tail.len());
        self.step(length);
    }

    /// The record that begins here.
    fn record(&mut self) -> Option<Result<Frame<'a>, BrokenFrame<'a>>> {
        if let Some(length) = self.plain_line() {
            let frame = self.frame(length);
            self.framer.indent = None;
            self.step(length);
            return Some(Ok(frame));
        }
        let rest = self.rest();
        let limit = self.framer.limit;
        let mut scan = ObjectScan::default();
        match scan.run(&rest[..rest.len().min(limit)]) {
            Scan::Done(length) => match what_follows(&rest[length..], self.last) {
                Follows::Nothing => {
                    let frame = self.frame(length);
                    self.pass(length);
                    Some(Ok(frame))
                }
                Follows::Unknown => None,
                Follows::Text { record } => {
                    self.broken(record.map(|at| length + at), BrokenReason::TextAfter)
                }
            },
            Scan::Broken(at, reason) => {
                let next = reason == BrokenReason::Unclosed
                    && scan.is_in_object()
                    && rest[at] == b'{'
                    && last_on_line(&rest[..at]) == Some(b'}');
                self.broken(next.then_some(at), reason)
            }
            Scan::More if rest.len() > limit => {
                let broken = self.broken_frame(limit, BrokenReason::TooLong { limit });
                self.pass(limit);
                self.framer.mode = Mode::Skipping(scan);
                Some(Err(broken))
            }
            Scan::More if self.last => self.broken(None, BrokenReason::Truncated),
            Scan::More => None,
        }
    }

    /// What is neither a record nor a separator.
    fn stray(&mut self) -> Option<Result<Frame<'a>, BrokenFrame<'a>>> {
        let rest = self.rest();
        if BYTE_ORDER_MARK.starts_with(rest) && !self.last {
            return None;
        }
        self.broken(None, BrokenReason::NotAnObject)
    }

    /// The length of the record that begins here, if it is all of its line, found without looking at each
    /// byte.
    ///
    /// The line begins with `{` and ends with the `}` that closes it, if no text holds a brace; and so does the
    /// next begin with `{`. Were the object still open at the end of its line, then a comma or a closing bracket would
    /// have to follow. So this is one object, or broken, and then the decoder says so. Where a text holds a brace,
    /// the braces hardly ever come out even, and the record is looked at byte by byte.
    fn plain_line(&self) -> Option<usize> {
        self.framer.indent?;
        let rest = self.rest();
        let end = memchr(b'\n', &rest[..rest.len().min(self.framer.limit.saturating_add(2))])?;
        let line = rest[..end].trim_ascii_end();
        let plain =
            line.len() <= self.framer.limit && self.record_or_end(&rest[end..]) && closes_at_its_end(line);
        plain.then_some(line.len())
    }

    fn record_or_end(&self, text: &[u8]) -> bool {
        match text.trim_ascii_start().first() {
            Some(byte) => *byte == b'{',
            None => self.last,
        }
    }

    fn frame(&self, length: usize) -> Frame<'a> {
        Frame { bytes: &self.rest()[..length], line: self.framer.line, offset: self.framer.offset }
    }

    fn broken_frame(&self, length: usize, reason: BrokenReason) -> BrokenFrame<'a> {
        let bytes = self.rest()[..length].trim_ascii_end();
        BrokenFrame { bytes, line: self.framer.line, offset: self.framer.offset, reason }
    }

    /// Gives up what begins here and goes to the next record: at `resume`, or on a line of its own before
    /// that. Nothing where that next record may still come within the reach of this one.
    fn broken(
        &mut self,
        resume: Option<usize>,
        reason: BrokenReason,
    ) -> Option<Result<Frame<'a>, BrokenFrame<'a>>> {
        let rest = self.rest();
        let limit = self.framer.limit;
        let indent = self.framer.indent.unwrap_or(0);
        let line = next_record_line(&rest[..resume.unwrap_or(rest.len())], indent);
        if let Some(next) = line.ok().or(resume) {
            let broken = self.broken_frame(next.min(limit), reason);
            self.pass(next);
            return Some(Err(broken));
        }
        if !self.last && rest.len() <= limit {
            return None;
        }
        let broken = self.broken_frame(rest.len().min(limit), reason);
        self.framer.mode = Mode::Resync { indent };
        self.leave_broken();
        Some(Err(broken))
    }

    /// Goes on to where records begin again, as far as this chunk reaches.
    fn leave_broken(&mut self) {
        if let Mode::Skipping(scan) = &mut self.framer.mode {
            let rest = &self.input[self.at..];
            let (length, mode) = match scan.run(rest) {
                Scan::Done(length) => (length, Mode::Records),
                Scan::More => (rest.len(), Mode::Skipping(std::mem::take(scan))),
                Scan::Broken(at, _) => (at, Mode::Resync { indent: 0 }),
            };
            self.pass(length);
            self.framer.mode = mode;
        }
        if let Mode::Resync { indent } = self.framer.mode {
            match next_record_line(self.rest(), indent) {
                Ok(length) => {
                    self.pass(length);
                    self.framer.mode = Mode::Records;
                }
                Err(_) if self.last => self.pass(self.rest().len()),
                Err(length) => self.pass(length),
            }
        }
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r')
}

fn count_blanks(text: &[u8]) -> usize {
    text.iter().take_while(|byte| is_blank(**byte)).count()
}

/// Whether a brace that stands behind `text` cannot belong to an object in it: it is another record's, or within a string.
fn stands_behind_a_record(text: &[u8]) -> bool {
    let blanks = text.iter().rev().take_while(|byte| is_blank(**byte)).count();
    let text = &text[..text.len() - blanks];
    text.ends_with(b"}") || text.ends_with(BYTE_ORDER_MARK)
}

/// Whether the brace that `line` begins with is closed by the one that it ends with, as far as counting tells: braces
/// within strings may come out even, but two records on one line are never taken for one.
fn closes_at_its_end(line: &[u8]) -> bool {
    let mut depth = 0_usize;
    for at in memchr2_iter(b'{', b'}', line) {
        if line[at] == b'{' {
            if stands_behind_a_record(&line[..at]) {
                return false;
            }
            depth += 1;
        } else if depth > 1 {
            depth -= 1;
        } else {
            return at + 1 == line.len();
        }
    }
    false
}

/// The last byte of `text` that is not a blank.
fn last_on_line(text: &[u8]) -> Option<u8> {
    text.iter().rev().copied().find(|byte| !is_blank(*byte))
}

/// What stands behind an object on its line.
enum Follows {
    /// The line ends, or another record or a separator follows.
    Nothing,
    /// The chunk ends before it is known.
    Unknown,
    /// Text that belongs to no record, and where after it a record begins if only brackets lie between.
    Text { record: Option<usize> },
}

fn what_follows(text: &[u8], last: bool) -> Follows {
    let at_end = if last { Follows::Nothing } else { Follows::Unknown };
    let blanks = count_blanks(text);
    match &text[blanks..] {
        [] => at_end,
        [b'\n' | b'{' | b'[' | b']', ..] => Follows::Nothing,
        [b',', more @ ..] => match more.trim_ascii_start().first() {
            None => at_end,
            Some(b'{' | b'[' | b']') => Follows::Nothing,
            Some(_) => Follows::Text { record: None },
        },
        more if more.starts_with(BYTE_ORDER_MARK) => Follows::Nothing,
        more => {
            let brackets =
                more.iter().take_while(|byte| is_blank(**byte) || matches!(byte, b'}' | b']')).count();
            let record = more.get(brackets).filter(|byte| **byte == b'{').map(|_| blanks + brackets);
            Follows::Text { record }
        }
    }
}

/// Where in `text`, behind its first line end, the first line begins with `{` indented by at most `indent`
/// blanks. Without one: up to where `text` need not be looked at again.
fn next_record_line(text: &[u8], indent: usize) -> Result<usize, usize> {
    for newline in memchr_iter(b'\n', text) {
        let line = &text[newline + 1..];
        let blanks = count_blanks(line);
        match line.get(blanks) {
            Some(b'{') if blanks <= indent => return Ok(newline + 1 + blanks),
            None => return Err(newline),
            Some(_) => {}
        }
    }
    Err(text.len())
}
