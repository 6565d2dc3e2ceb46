//! Reads content that is whole, packed or not, from its beginning to its end.
//!
//! Positions are those of the plain content, so that reading can go on in its midst: what lies before is unpacked
//! again and passed over. That the file is done with is said by its end and by no position.

use std::io::{self, Read};

use pegboard_model::Timestamp;

use crate::decompress;
use crate::framing::{Block, Blocks, Framer, MAX_RECORD_BYTES};
use crate::sources::look::{Look, MAX_RECORDS};
use crate::spec::{Broken, Record};

/// How many bytes are unpacked at once.
const BLOCK_BYTES: usize = 2 * MAX_RECORD_BYTES;

/// A whole content being read.
#[derive(Debug)]
pub(super) struct Packed<R: Read> {
    blocks: Blocks<decompress::Reader<R>>,
    /// Where in the plain content the blocks began.
    base: u64,
    position: u64,
    /// The block at hand, and how much of it was given.
    block: Option<(Block, usize)>,
}

impl<R: Read> Packed<R> {
    /// Reads `content` from `position` of what it holds unpacked on.
    pub(super) fn open(content: R, position: u64) -> io::Result<Self> {
        let mut reader = decompress::reader(content)?;
        let passed = io::copy(&mut reader.by_ref().take(position), &mut io::sink())?;
        if passed < position {
            let message = format!(
                "unpacks to {passed} bytes, and {position} were read: it was replaced; give new content a new name"
            );
            return Err(io::Error::other(message));
        }
        let blocks = Blocks::new(reader, Framer::new(), BLOCK_BYTES);
        Ok(Self { blocks, base: position, position, block: None })
    }

    /// Reads the next stretch. `now` is a time before this look.
    pub(super) fn look(&mut self, now: Timestamp) -> io::Result<Look> {
        let (block, given) = match self.block.take() {
            Some(block) => block,
            None => match self.blocks.next() {
                Some(block) => (block?, 0),
                None => return Ok(self.end(now)),
            },
        };
        let (mut records, mut broken) = (Vec::new(), Vec::new());
        for frame in block.frames().skip(given).take(MAX_RECORDS) {
            // Behind a broken record the next one is looked for, so another reader must begin where this one did.
            self.position = self.base
                + match frame {
                    Ok(frame) => frame.offset + frame.bytes.len() as u64,
                    Err(frame) => frame.offset,
                };
            match frame {
                Ok(frame) => records.push(Record::from_frame(frame, self.base)),
                Err(frame) => broken.push(Broken::from_frame(frame, self.base)),
            }
        }
        let given = given + records.len() + broken.len();
        self.block = (given < block.len()).then_some((block, given));
        Ok(Look {
            records,
            broken,
            position: self.position,
            at_end: false,
            complete: None,
            is_done: false,
            ended: false,
        })
    }

    fn end(&self, now: Timestamp) -> Look {
        Look {
            records: Vec::new(),
            broken: Vec::new(),
            position: self.position,
            at_end: true,
            complete: Some(now),
            is_done: true,
            ended: true,
        }
    }
}
