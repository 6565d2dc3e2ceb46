//! Typed JSON at the speed of looking at it: one walk over the text, no look back, nothing copied.
//!
//! [`Scanner`] accepts exactly the JSON that `serde_json` accepts, also in the parts that it passes over, and reads the
//! same values from it. It never says what is wrong: where it is not sure (text that is no JSON, a wrong type, a field
//! given twice, a key with an escape, nesting beyond what anybody writes) it gives up, and the caller asks
//! [`json::parse`](super::json::parse), which knows all and explains it.
//!
//! Records repeat themselves: every event of an agent carries the agent's whole configuration, as the event before did,
//! and twice, because it shows the agent before and after. A scanner can be told of a text that is
//! [known](Scanner::with_known) to be one good object, and remembers those that it reads as [`Repeated`]; where the
//! input goes on with that very text, it is passed over at the speed of comparing memory.

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use super::json::{Object, Present, Str};

/// Arrays and objects inside each other that are read at most.
const MAX_DEPTH: u32 = 127;
/// How many objects are remembered.
const REPEATED: usize = 2;
/// Digits of which every number fits into an `i64`.
const SAFE_DIGITS: usize = 18;

/// A value that a [`Scanner`] can read.
pub(crate) trait Read<'a>: Sized {
    /// Reads the value that comes next. Nothing where the scanner gives up.
    fn read(scan: &mut Scanner<'a, '_>) -> Option<Self>;
}

/// Reads one value, which is all of the scanner's text. Nothing where the scanner gives up.
#[inline]
pub(crate) fn read<'a, T: Read<'a>>(mut scan: Scanner<'a, '_>) -> Option<T> {
    let value = T::read(&mut scan)?;
    scan.skip_blanks();
    (scan.at == scan.text.len()).then_some(value)
}

/// Implements [`Read`] for an object: the type of each field, and its key. Other keys are passed over.
macro_rules! read_object {
    ($Type:ident { $($key:literal => $field:ident,)* }) => {
        impl<'a> $crate::sources::scan::Read<'a> for $Type<'a> {
            fn read(scan: &mut $crate::sources::scan::Scanner<'a, '_>) -> Option<Self> {
                $(let mut $field = None;)*
                let mut key = scan.first_key()?;
                while let $crate::sources::scan::Key::Named(name) = key {
                    match name {
                        $($key => scan.read_once(&mut $field)?,)*
                        _ => scan.skip()?,
                    }
                    key = scan.next_key()?;
                }
                Some(Self { $($field: $field.unwrap_or_default(),)* })
            }
        }
    };
}
pub(crate) use read_object;

/// A place in a text of JSON.
#[derive(Debug, Clone)]
pub(crate) struct Scanner<'a, 'k> {
    text: &'a str,
    at: usize,
    known: &'k str,
    /// Objects of this text that may come again; the last few.
    read: [&'a str; REPEATED],
}

/// What an object goes on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key<'a> {
    /// A field of this name; its value comes next.
    Named(&'a str),
    /// Nothing: it is closed.
    End,
}

/// An object that may come a second time in the text, where it is only passed over.
#[derive(Debug)]
pub(crate) struct Repeated<T>(pub(crate) T);

impl<'a> Scanner<'a, '_> {
    /// A scanner at the start of `text`.
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0, known: "", read: [""; REPEATED] }
    }

    /// The same, told that `known` is an object that a scanner has read or passed over before.
    pub(crate) fn with_known<'n>(self, known: &'n str) -> Scanner<'a, 'n> {
        Scanner { text: self.text, at: self.at, known, read: self.read }
    }

    /// Passes the known object, if it comes next.
    pub(crate) fn pass_known(&mut self) -> bool {
        self.skip_blanks();
        self.pass(self.known)
    }

    /// Passes an object that was read before or is known, if it comes next.
    fn pass_repeated(&mut self) -> bool {
        self.pass(self.known) || self.read.into_iter().any(|read| self.pass(read))
    }

    fn pass(&mut self, object: &str) -> bool {
        let comes = !object.is_empty() && self.rest().starts_with(object.as_bytes());
        if comes {
            self.at += object.len();
        }
        comes
    }

    /// Reads a value, and answers its text too.
    pub(crate) fn with_text<T: Read<'a>>(&mut self) -> Option<(&'a str, T)> {
        self.skip_blanks();
        let start = self.at;
        let value = T::read(self)?;
        Some((&self.text[start..self.at], value))
    }

    /// Opens an object, up to its first value.
    pub(crate) fn first_key(&mut self) -> Option<Key<'a>> {
        self.take(b'{')?;
        if self.take(b'}').is_some() {
            return Some(Key::End);
        }
        self.key().map(Key::Named)
    }

    /// Goes on in an object, from one value to the next.
    pub(crate) fn next_key(&mut self) -> Option<Key<'a>> {
        match self.next()? {
            b',' => self.key().map(Key::Named),
            b'}' => Some(Key::End),
            _ => None,
        }
    }

    /// Reads the value of a field that may come once only.
    pub(crate) fn read_once<T: Read<'a>>(&mut self, field: &mut Option<T>) -> Option<()> {
        if field.is_some() {
            return None;
        }
        *field = Some(T::read(self)?);
        Some(())
    }

    /// Passes one value of any kind.
    pub(crate) fn skip(&mut self) -> Option<()> {
        let mut open = Nesting::default();
        loop {
            match self.peek()? {
                b'"' => self.skip_text()?,
                b'{' if self.pass_repeated() => {}
                b'{' => {
                    self.at += 1;
                    if self.take(b'}').is_none() {
                        open.push(true)?;
                        self.skip_key()?;
                        continue;
                    }
                }
                b'[' => {
                    self.at += 1;
                    if self.take(b']').is_none() {
                        open.push(false)?;
                        continue;
                    }
                }
                b't' => self.take_word(b"true")?,
                b'f' => self.take_word(b"false")?,
                b'n' => self.take_word(b"null")?,
                _ => self.skip_number()?,
            }
            loop {
                let Some(in_object) = open.innermost() else { return Some(()) };
                match (self.next()?, in_object) {
                    (b',', true) => {
                        self.skip_key()?;
                        break;
                    }
                    (b',', false) => break,
                    (b'}', true) | (b']', false) => open.pop(),
                    _ => return None,
                }
            }
        }
    }

    fn rest(&self) -> &'a [u8] {
        &self.text.as_bytes()[self.at..]
    }

    fn skip_blanks(&mut self) {
        while matches!(self.rest(), [b' ' | b'\n' | b'\t' | b'\r', ..]) {
            self.at += 1;
        }
    }

    /// The next byte that is not blank.
    fn peek(&mut self) -> Option<u8> {
        self.skip_blanks();
        self.rest().first().copied()
    }

    /// The same, passed.
    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// Passes `byte`, if it comes next.
    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn take_word(&mut self, word: &[u8]) -> Option<()> {
        self.rest().starts_with(word).then(|| self.at += word.len())
    }

    fn key(&mut self) -> Option<&'a str> {
        self.take(b'"')?;
        let key = self.plain_text()?;
        self.take(b':')?;
        Some(key)
    }

    fn skip_key(&mut self) -> Option<()> {
        if self.peek()? != b'"' {
            return None;
        }
        self.skip_text()?;
        self.take(b':')
    }

    /// Behind an opening quote: the text up to the closing one, which is passed. Nothing if it holds an escape.
    fn plain_text(&mut self) -> Option<&'a str> {
        let start = self.at;
        let end = start + plain_length(self.rest());
        if self.text.as_bytes().get(end) != Some(&b'"') {
            return None;
        }
        self.at = end + 1;
        Some(&self.text[start..end])
    }

    /// At an opening quote: the text with its quotes, which is passed. It has escapes; whether they are good is not yet
    /// known.
    fn escaped_text(&mut self) -> Option<&'a str> {
        let start = self.at;
        self.at += 1;
        loop {
            self.at += plain_length(self.rest());
            match self.rest() {
                [b'"', ..] => break,
                [b'\\', _, ..] => self.at += 2,
                _ => return None,
            }
        }
        self.at += 1;
        self.text.get(start..self.at)
    }

    fn skip_text(&mut self) -> Option<()> {
        let start = self.at;
        self.at += 1;
        if self.plain_text().is_some() {
            return Some(());
        }
        self.at = start;
        serde_json::from_str::<IgnoredAny>(self.escaped_text()?).ok().map(drop)
    }

    fn skip_number(&mut self) -> Option<()> {
        self.skip_integer()?;
        if self.rest().first() == Some(&b'.') {
            self.at += 1;
            self.skip_digits()?;
        }
        if let [b'e' | b'E', sign, ..] = self.rest() {
            self.at += if matches!(sign, b'+' | b'-') { 2 } else { 1 };
            self.skip_digits()?;
        }
        Some(())
    }

    fn skip_integer(&mut self) -> Option<()> {
        if self.rest().first() == Some(&b'-') {
            self.at += 1;
        }
        match self.rest() {
            [b'0', b'0'..=b'9', ..] => None,
            _ => self.skip_digits(),
        }
    }

    fn skip_digits(&mut self) -> Option<()> {
        let length = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += length;
        (length > 0).then_some(())
    }
}

/// How many bytes come before the first quote, backslash or control character.
#[inline]
fn plain_length(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some((stretch, _)) = bytes[at..].split_first_chunk::<16>() {
        let mut marks = [0; 16];
        for (mark, byte) in marks.iter_mut().zip(stretch) {
            *mark = ends_plain(*byte);
        }
        let marks = u128::from_le_bytes(marks);
        if marks != 0 {
            return at + marks.trailing_zeros() as usize / 8;
        }
        at += stretch.len();
    }
    at + bytes[at..].iter().take_while(|byte| ends_plain(**byte) == 0).count()
}

/// All bits for a quote, a backslash or a control character, none for all others. Without a branch, so that sixteen are
/// looked at in one go.
#[inline]
#[expect(clippy::needless_bitwise_bool, reason = "a branch would keep the compiler from vector instructions")]
fn ends_plain(byte: u8) -> u8 {
    if (byte < 0x20) | (byte == b'"') | (byte == b'\\') { 0xff } else { 0 }
}

/// The brackets that are open: one bit for each, the innermost lowest, 1 for an object.
#[derive(Default)]
struct Nesting {
    open: u128,
    depth: u32,
}

impl Nesting {
    fn push(&mut self, object: bool) -> Option<()> {
        self.open = self.open << 1 | u128::from(object);
        self.depth += 1;
        (self.depth <= MAX_DEPTH).then_some(())
    }

    fn pop(&mut self) {
        self.open >>= 1;
        self.depth -= 1;
    }

    /// Whether the innermost bracket is that of an object; nothing where none is open.
    fn innermost(&self) -> Option<bool> {
        (self.depth > 0).then_some(self.open & 1 == 1)
    }
}

impl<'a, T: Read<'a>> Read<'a> for Option<T> {
    fn read(scan: &mut Scanner<'a, '_>) -> Option<Self> {
        if scan.peek()? == b'n' {
            scan.take_word(b"null")?;
            return Some(None);
        }
        T::read(scan).map(Some)
    }
}

impl<'a, T: Read<'a>> Read<'a> for Vec<T> {
    fn read(scan: &mut Scanner<'a, '_>) -> Option<Self> {
        scan.take(b'[')?;
        let mut values = Self::new();
        if scan.take(b']').is_some() {
            return Some(values);
        }
        loop {
            values.push(T::read(scan)?);
            match scan.next()? {
                b',' => {}
                b']' => return Some(values),
                _ => return None,
            }
        }
    }
}

impl<'a, T: Read<'a>> Read<'a> for Object<T> {
    fn read(scan: &mut Scanner<'a, '_>) -> Option<Self> {
        T::read(scan).map(Self)
    }
}

impl<'a, T: Read<'a>> Read<'a> for Repeated<T> {
    fn read(scan: &mut Scanner<'a, '_>) -> Option<Self> {
        let (text, Object(value)) = scan.with_text()?;
        scan.read.rotate_right(1);
        scan.read[0] = text;
        Some(Self(value))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Repeated<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Object::deserialize(deserializer).map(|Object(value)| Self(value))
    }
}

impl<'a> Read<'a> for Str<'a> {
    fn read(scan: &mut Scanner<'a, '_>) -> Option<Self> {
        scan.take(b'"')?;
        let start = scan.at;
        if let Some(text) = scan.plain_text() {
            return Some(Self::borrowed(text));
        }
        scan.at = start - 1;
        serde_json::from_str(scan.escaped_text()?).ok().map(Self::owned)
    }
}

impl<'a> Read<'a> for i64 {
    fn read(scan: &mut Scanner<'a, '_>) -> Option<Self> {
        scan.skip_blanks();
        let start = scan.at;
        scan.skip_integer()?;
        let digits = &scan.text[start..scan.at];
        let goes_on = matches!(scan.rest(), [b'.' | b'e' | b'E', ..]);
        // A minus before zero makes a number with decimals of it.
        let plain = digits.len() <= SAFE_DIGITS && digits != "-0" && !goes_on;
        plain.then(|| digits.parse().ok()).flatten()
    }
}

impl<'a> Read<'a> for Present {
    fn read(scan: &mut Scanner<'a, '_>) -> Option<Self> {
        scan.skip().map(|()| Self(true))
    }
}

impl<'a> Read<'a> for IgnoredAny {
    fn read(scan: &mut Scanner<'a, '_>) -> Option<Self> {
        scan.skip().map(|()| Self)
    }
}

#[cfg(test)]
mod tests;
