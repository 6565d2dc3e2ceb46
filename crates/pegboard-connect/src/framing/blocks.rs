//! Reads an input of any length in blocks that other threads can decode.

use std::io::{self, Read};
use std::ops::Range;

use super::{BrokenFrame, BrokenReason, Frame, Framer};

/// A stretch of an input, split into records.
#[derive(Debug, Clone, Default)]
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
    /// What becomes the next blocks, so that their memory need not be asked for.
    spare: Vec<Block>,
    size: usize,
    ended: bool,
}

impl<R: Read> Blocks<R> {
    /// Reads `reader` in blocks of about `size` bytes, at least two records of the greatest length.
    pub fn new(reader: R, framer: Framer, size: usize) -> Self {
        let size = size.max(framer.limit.saturating_mul(2)).max(1);
        Self { reader, framer, tail: Vec::new(), spare: Vec::new(), size, ended: false }
    }

    /// Takes back a block that is done with, to read another one into. New memory has to be cleared page by page,
    /// which takes longer than to read what is in it.
    pub fn reuse(&mut self, block: Block) {
        self.spare.push(block);
    }

    fn read(&mut self) -> io::Result<Block> {
        let Block { mut bytes, mut places } = self.spare.pop().unwrap_or_default();
        places.clear();
        let length = self.fill(&mut bytes)?;
        let start = self.framer.offset;
        let mut frames = std::mem::take(&mut self.framer).frames(&bytes[..length], self.ended);
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
        self.tail.clear();
        self.tail.extend_from_slice(&bytes[consumed..length]);
        Ok(Block { bytes, places })
    }

    /// Puts the tail and what is read next into `bytes`, which may be longer than that; answers how much it is.
    fn fill(&mut self, bytes: &mut Vec<u8>) -> io::Result<usize> {
        let mut length = self.tail.len();
        let room = length + self.size;
        if bytes.len() < room {
            bytes.resize(room, 0);
        }
        bytes[..length].copy_from_slice(&self.tail);
        while length < room {
            match self.reader.read(&mut bytes[length..room]) {
                Ok(0) => {
                    self.ended = true;
                    break;
                }
                Ok(read) => length += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(length)
    }
}

impl<R: Read> Iterator for Blocks<R> {
    type Item = io::Result<Block>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            match self.read() {
                Ok(block) if block.is_empty() => self.reuse(block),
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
