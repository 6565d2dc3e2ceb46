//! Reads a plain file that may grow.
//!
//! Nothing ends the last record of a file that grows: neither has it to end with a line, nor is a line end
//! outside of a record. So what may still go on is left standing, and taken once the file has not grown for a
//! while. Until then the file is not complete.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use pegboard_model::{Position, Timestamp};

use crate::framing::{Framer, MAX_RECORD_BYTES};
use crate::sources::look::{Look, MAX_RECORDS};
use crate::spec::{Broken, Record};

/// How many bytes one read takes: a few hundred records, and always more than the longest one.
const READ_BYTES: u64 = 2 * MAX_RECORD_BYTES as u64;

/// After how many looks at an unchanged file a whole record at its end is one.
const SETTLED: u32 = 4;

/// After how many looks at an unchanged file a part of a record at its end is broken: a minute, in which a writer
/// that holds back what it has written should have written something more.
const GIVEN_UP: u32 = 120;

/// Where the reading of a file stands.
#[derive(Debug)]
pub(super) struct Growing {
    follow: bool,
    framer: Framer,
    /// Where in the file `framer` began.
    base: u64,
    /// How many bytes `framer` is done with.
    offset: u64,
    /// Where another framer could go on: `offset`, but for a broken record whose end is not found yet.
    position: u64,
    seen: Option<Seen>,
    /// How many looks in a row found the file as it was.
    unchanged: u32,
    /// Up to when the file is read completely, while its tail is not.
    complete: Option<Timestamp>,
}

/// What the last look saw.
#[derive(Debug, Clone, Copy)]
struct Seen {
    length: u64,
    at: Timestamp,
}

impl Growing {
    /// Reads on from `position`; with `follow` the file may grow, otherwise its end is its end.
    pub(super) fn new(position: u64, follow: bool) -> Self {
        Self {
            follow,
            framer: Framer::new(),
            base: position,
            offset: position,
            position,
            seen: None,
            unchanged: 0,
            complete: None,
        }
    }

    /// Whether nothing was read yet.
    pub(super) fn is_untouched(&self) -> bool {
        self.offset == 0
    }

    /// Reads the next stretch of `file`. `now` is a time before the file was opened.
    pub(super) fn look(&mut self, file: &mut File, now: Timestamp) -> io::Result<Look> {
        let length = file.metadata()?.len();
        if length < self.offset {
            let message = format!(
                "has {length} bytes, and {} were read: it was replaced; give new content a new name",
                self.offset
            );
            return Err(io::Error::other(message));
        }
        let same = self.seen.is_some_and(|seen| seen.length == length);
        self.unchanged = if same { self.unchanged.saturating_add(1) } else { 0 };

        file.seek(SeekFrom::Start(self.offset))?;
        let mut bytes = Vec::new();
        file.take(READ_BYTES.min(length - self.offset)).read_to_end(&mut bytes)?;
        let reached_end = self.offset + bytes.len() as u64 == length;
        let split = self.split(&bytes, reached_end);

        let at_end = reached_end && !split.is_full;
        self.go_on(&split);
        let has_tail = at_end && self.offset < length;
        self.note_complete(has_tail, now);
        self.seen = Some(Seen { length, at: now });
        Ok(Look {
            records: split.records,
            broken: split.broken,
            position: self.position,
            at_end,
            complete: self.complete.filter(|_| at_end),
            is_done: at_end && !has_tail,
            ended: at_end && !self.follow,
        })
    }

    /// Splits `bytes`, with which the file ends as it is now if they `reach_end`.
    fn split(&self, bytes: &[u8], reach_end: bool) -> Split {
        if !self.follow {
            return Split::of(self.framer.clone(), bytes, self.base, reach_end);
        }
        let settled = reach_end && self.unchanged >= SETTLED;
        if settled {
            let whole = Split::of(self.framer.clone(), bytes, self.base, true);
            if whole.broken.is_empty() || self.unchanged >= GIVEN_UP {
                return whole;
            }
        }
        Split::of(self.framer.clone(), bytes, self.base, false)
    }

    fn go_on(&mut self, split: &Split) {
        self.offset += split.consumed;
        if split.is_last {
            // Whatever comes now, it is not the rest of what was taken as it was, or given up.
            self.framer = Framer::new();
            self.base = self.offset;
            self.position = self.offset;
            return;
        }
        self.framer = split.framer.clone();
        if is_between_records(&self.framer) {
            self.position = self.offset;
        } else if let Some(Position::Number(broken)) = split.broken.last().map(|broken| &broken.position) {
            self.position = *broken;
        }
    }

    /// All that was there at the last look is read if the tail begins behind it.
    fn note_complete(&mut self, has_tail: bool, now: Timestamp) {
        if !has_tail {
            self.complete = Some(now);
        } else if let Some(seen) = self.seen.filter(|seen| seen.length <= self.offset) {
            self.complete = Some(seen.at);
        }
    }
}

/// Bytes split into records.
struct Split {
    records: Vec<Record>,
    broken: Vec<Broken>,
    consumed: u64,
    framer: Framer,
    /// Whether it holds as many records as it may, so that there may be more.
    is_full: bool,
    /// Whether the end of the bytes was taken for the end of the input.
    is_last: bool,
}

impl Split {
    fn of(framer: Framer, bytes: &[u8], base: u64, last: bool) -> Self {
        let mut frames = framer.frames(bytes, last);
        let (mut records, mut broken) = (Vec::new(), Vec::new());
        for frame in frames.by_ref().take(MAX_RECORDS) {
            match frame {
                Ok(frame) => records.push(Record::from_frame(frame, base)),
                Err(frame) => broken.push(Broken::from_frame(frame, base)),
            }
        }
        let is_full = records.len() + broken.len() == MAX_RECORDS;
        let (framer, consumed) = frames.finish();
        Self { records, broken, consumed: consumed as u64, framer, is_full, is_last: last && !is_full }
    }
}

/// Whether `framer` is not on its way out of a broken record: only then does it take an object for one.
fn is_between_records(framer: &Framer) -> bool {
    matches!(framer.clone().frames(b"{}", true).next(), Some(Ok(_)))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// A file that grows, looked at once a second.
    struct Grown {
        file: tempfile::NamedTempFile,
        growing: Growing,
        second: i64,
    }

    impl Grown {
        fn new() -> Self {
            let file = tempfile::NamedTempFile::new().unwrap();
            Self { file, growing: Growing::new(0, true), second: 0 }
        }

        fn append(&mut self, text: &str) {
            self.file.write_all(text.as_bytes()).unwrap();
        }

        fn look(&mut self) -> Look {
            self.second += 1;
            let now = Timestamp::from_seconds(self.second);
            self.growing.look(&mut File::open(self.file.path()).unwrap(), now).unwrap()
        }

        /// Records and broken records of so many looks, and the last look.
        fn looks(&mut self, count: u32) -> (Vec<String>, usize, Look) {
            let (mut records, mut broken) = (Vec::new(), 0);
            let mut last = None;
            for _ in 0..count {
                let look = self.look();
                records.extend(
                    look.records.iter().map(|record| String::from_utf8(record.data.clone()).unwrap()),
                );
                broken += look.broken.len();
                last = Some(look);
            }
            (records, broken, last.unwrap())
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn records_without_line_ends_are_read_when_the_file_rests() {
        let mut grown = Grown::new();
        grown.append("{\"a\":1}{\"a\":2}{\"a\":3}");
        assert_eq!(grown.looks(1).0, ["{\"a\":1}", "{\"a\":2}"], "the last may go on");
        let (records, broken, look) = grown.looks(SETTLED);
        assert_eq!((records, broken), (vec!["{\"a\":3}".into()], 0));
        assert_eq!((look.position, look.is_done), (21, true));
        grown.append("{\"a\":4}\n");
        assert_eq!(grown.looks(1).0, ["{\"a\":4}"]);
    }

    #[test]
    fn a_record_flushed_by_halves_is_no_broken_one() {
        let mut grown = Grown::new();
        grown.append("{\n  \"a\": {\n");
        let (records, broken, look) = grown.looks(SETTLED + 10);
        assert_eq!((records.len(), broken, look.position, look.is_done), (0, 0, 0, false));
        grown.append("    \"b\": 1\n  }\n}");
        let (records, broken, _) = grown.looks(SETTLED + 1);
        assert_eq!((records, broken), (vec!["{\n  \"a\": {\n    \"b\": 1\n  }\n}".into()], 0));
    }

    #[test]
    fn half_a_record_that_never_goes_on_is_broken_and_the_next_is_read() {
        let mut grown = Grown::new();
        grown.append("{\"a\":1}\n{\"a\":");
        let (records, broken, look) = grown.looks(GIVEN_UP);
        assert_eq!((records.len(), broken, look.complete), (1, 0, None));
        let (_, broken, look) = grown.looks(1);
        assert_eq!((broken, look.position, look.is_done), (1, 13, true));
        assert_eq!(look.complete, Some(at(grown.second)));
        grown.append("{\"a\":3}\n");
        assert_eq!(grown.looks(1).0, ["{\"a\":3}"]);
    }

    #[test]
    fn while_a_tail_stands_the_file_is_complete_up_to_the_look_before_it_came() {
        let mut grown = Grown::new();
        grown.append("{\"a\":1}\n");
        assert_eq!(grown.look().complete, Some(at(1)));
        assert_eq!(grown.look().complete, Some(at(2)));
        grown.append("{\"a\":");
        assert_eq!(grown.look().complete, Some(at(2)));
        assert_eq!(grown.look().complete, Some(at(2)));
        grown.append("2}\n{\"a\"");
        assert_eq!(grown.look().complete, Some(at(4)), "the tail of now came after that look");
        grown.append(":3}\n");
        assert_eq!(grown.look().complete, Some(at(6)));
    }

    #[test]
    fn a_record_that_is_too_long_is_one_broken_record_over_several_reads() {
        let mut grown = Grown::new();
        grown.append("{\"a\":1}\n{\"b\":\"");
        let piece = "{x}, ".repeat(MAX_RECORD_BYTES / 5);
        let (mut broken, mut position) = (0, 0);
        for _ in 0..5 {
            grown.append(&piece);
            let look = grown.look();
            broken += look.broken.len();
            position = look.position;
        }
        assert_eq!((broken, position), (1, 8), "another framer must begin where the record does");
        grown.append("\"}\n{\"a\":2}\n");
        let (records, broken, look) = grown.looks(3);
        assert_eq!((records, broken, look.is_done), (vec!["{\"a\":2}".into()], 0, true));
    }

    #[test]
    fn r28_one_look_gives_only_so_many_records() {
        let mut grown = Grown::new();
        grown.append(&"{}\n".repeat(MAX_RECORDS + 1));
        let look = grown.look();
        assert_eq!((look.records.len(), look.at_end, look.complete), (MAX_RECORDS, false, None));
        assert_eq!(grown.look().records.len(), 1);
    }
}
