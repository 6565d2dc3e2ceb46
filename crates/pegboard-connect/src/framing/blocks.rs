//! Reads an input of any length in blocks that other threads can decode.

use std::io::{self, Read};
use std::ops::Range;

use super::{BrokenFrame, BrokenReason, Frame, Framer};

/// A stretch of an input, split into records.
#[derive(Debug, Clone)]
pub struct Block {
    bytes: Vec<u8>,
    places: Vec<Place>,
}

#[derive(Debug, Clone)]
struct Place {
    range: Range<usize>,
    line: u64,
    offset: u64,
    broken: Option<BrokenReason>,
}

impl Block {
    /// The records, and what is broken, in the order of the input.
    pub fn frames(&self) -> impl ExactSizeIterator<Item = Result<Frame<'_>, BrokenFrame<'_>>> {
        self.places.iter().map(|place| {
            let &Place { ref range, line, offset, broken } = place;
            let bytes = &self.bytes[range.clone()];
            match broken {
                None => Ok(Frame { bytes, line, offset }),
                Some(reason) => Err(BrokenFrame { bytes, line, offset, reason }),
            }
        })
    }

    /// How many records and broken records it holds.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }
}

/// The blocks of a reader. Holds one block and the record cut by its end, whatever the length of the input.
#[derive(Debug)]
pub struct Blocks<R> {
    reader: R,
    framer: Framer,
    /// What the last block left over: the start of a record.
    tail: Vec<u8>,
    size: usize,
    ended: bool,
}

impl<R: Read> Blocks<R> {
    /// Reads `reader` in blocks of about `size` bytes, at least two records of the greatest length.
    pub fn new(reader: R, framer: Framer, size: usize) -> Self {
        let size = size.max(framer.limit.saturating_mul(2)).max(1);
        Self { reader, framer, tail: Vec::new(), size, ended: false }
    }

    fn read(&mut self) -> io::Result<Block> {
        let mut bytes = Vec::with_capacity(self.size);
        bytes.append(&mut self.tail);
        let wanted = self.size.saturating_sub(bytes.len()).max(1);
        let read = self.reader.by_ref().take(wanted as u64).read_to_end(&mut bytes)?;
        self.ended = read < wanted;
        let start = self.framer.offset;
        let mut frames = std::mem::take(&mut self.framer).frames(&bytes, self.ended);
        let mut places = Vec::new();
        for frame in frames.by_ref() {
            let (bytes, line, offset, broken) = match frame {
                Ok(frame) => (frame.bytes, frame.line, frame.offset, None),
                Err(broken) => (broken.bytes, broken.line, broken.offset, Some(broken.reason)),
            };
            let from = usize::try_from(offset - start).map_err(io::Error::other)?;
            places.push(Place { range: from..from + bytes.len(), line, offset, broken });
        }
        let (framer, consumed) = frames.finish();
        self.framer = framer;
        self.tail.extend_from_slice(&bytes[consumed..]);
        Ok(Block { bytes, places })
    }
}

impl<R: Read> Iterator for Blocks<R> {
    type Item = io::Result<Block>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            match self.read() {
                Ok(block) if block.is_empty() => {}
                Ok(block) => return Some(Ok(block)),
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
        None
    }
}
