//! What one look at a file gives.

use pegboard_model::{Position, Timestamp};

use crate::framing::{BrokenFrame, Frame};
use crate::spec::{Broken, Record};

/// The most records that one look gives.
pub(super) const MAX_RECORDS: usize = 10_000;

/// What one look at a file gave.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) records: Vec<Record>,
    pub(super) broken: Vec<Broken>,
    /// Where reading goes on, in bytes of the plain content, also after a restart.
    pub(super) position: u64,
    /// Whether the end of the file was reached.
    pub(super) at_end: bool,
    /// Up to when the file is read completely, where its end was reached.
    pub(super) complete: Option<Timestamp>,
    /// Whether nothing of the file was left unread.
    pub(super) is_done: bool,
    /// Whether nothing more is to come.
    pub(super) ended: bool,
}

impl Record {
    /// The record in `frame`, where `base` bytes are before the beginning of its input.
    pub(super) fn from_frame(frame: Frame<'_>, base: u64) -> Self {
        Self { position: Position::Number(base + frame.offset), data: frame.bytes.to_vec() }
    }
}

impl Broken {
    /// The bytes in `frame`, where `base` bytes are before the beginning of its input.
    pub(super) fn from_frame(frame: BrokenFrame<'_>, base: u64) -> Self {
        Self {
            position: Position::Number(base + frame.offset),
            data: frame.bytes.to_vec(),
            reason: frame.reason.to_string(),
        }
    }
}
