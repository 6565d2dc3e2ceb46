//! Finds the end of one JSON object.

use memchr::memchr3;

use super::BrokenReason;

/// Arrays and objects inside each other, the record itself included: what `serde_json` reads at most.
const MAX_DEPTH: u32 = 127;

/// What a stretch of bytes did to the scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scan {
    /// The object ends before this index.
    Done(usize),
    /// All is read, and the object goes on.
    More,
    /// No object can go on like this from this index.
    Broken(usize, BrokenReason),
}

/// A scan of one object, which can be carried on in a later stretch of bytes.
///
/// It knows strings, escapes, nesting, and where an opening bracket may stand; that is enough to find the
/// end of every valid object and to notice soon that one was cut short. The rest of the grammar is left to
/// the decoder.
#[derive(Debug, Clone, Default)]
pub(super) struct ObjectScan {
    /// One bit for each open bracket, the innermost lowest: 1 for an object.
    open: u128,
    depth: u32,
    /// The last byte that was neither blank nor inside a string; a closing quote for a string.
    before: u8,
    in_string: bool,
    escaped: bool,
}

impl ObjectScan {
    /// Reads on in `bytes`, which for a new scan must start with the opening brace.
    pub(super) fn run(&mut self, bytes: &[u8]) -> Scan {
        let mut at = 0;
        loop {
            if self.in_string {
                match self.finish_string(&bytes[at..]) {
                    Scan::Done(length) => at += length,
                    Scan::More => return Scan::More,
                    Scan::Broken(offset, reason) => return Scan::Broken(at + offset, reason),
                }
            }
            let Some(&byte) = bytes.get(at) else { return Scan::More };
            at += 1;
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => continue,
                b'"' => self.in_string = true,
                b'{' | b'[' => {
                    if let Err(reason) = self.open(byte == b'{') {
                        return Scan::Broken(at - 1, reason);
                    }
                }
                b'}' | b']' => {
                    if !self.close(byte == b'}') {
                        return Scan::Broken(at - 1, BrokenReason::Mismatched);
                    }
                    if self.depth == 0 {
                        return Scan::Done(at);
                    }
                }
                _ => {}
            }
            self.before = byte;
        }
    }

    /// Reads to the end of the string that the scan is in.
    fn finish_string(&mut self, bytes: &[u8]) -> Scan {
        let mut at = 0;
        loop {
            if self.escaped {
                match bytes.get(at) {
                    None => return Scan::More,
                    Some(b'\n') => return Scan::Broken(at, BrokenReason::LineEndInString),
                    Some(_) => at += 1,
                }
                self.escaped = false;
            }
            let Some(found) = memchr3(b'"', b'\\', b'\n', &bytes[at..]) else { return Scan::More };
            at += found + 1;
            match bytes[at - 1] {
                b'"' => {
                    self.in_string = false;
                    return Scan::Done(at);
                }
                b'\\' => self.escaped = true,
                _ => return Scan::Broken(at - 1, BrokenReason::LineEndInString),
            }
        }
    }

    /// Inside an object a bracket opens only after a colon, inside an array only after a comma or at its
    /// start. Anything else is the start of the next record while this one is not closed.
    fn open(&mut self, object: bool) -> Result<(), BrokenReason> {
        let allowed = match (self.depth, self.open & 1) {
            (0, _) => true,
            (_, 1) => self.before == b':',
            _ => matches!(self.before, b'[' | b','),
        };
        if !allowed {
            return Err(BrokenReason::Unclosed);
        }
        if self.depth == MAX_DEPTH {
            return Err(BrokenReason::TooDeep);
        }
        self.open = self.open << 1 | u128::from(object);
        self.depth += 1;
        Ok(())
    }

    /// Whether the innermost bracket is of this kind; it is closed then.
    fn close(&mut self, object: bool) -> bool {
        let matches = self.open & 1 == u128::from(object);
        self.open >>= 1;
        self.depth -= 1;
        matches
    }

    /// Whether the innermost bracket that is open is that of an object.
    pub(super) fn is_in_object(&self) -> bool {
        self.open & 1 == 1
    }
}
