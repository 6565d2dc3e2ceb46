//! The content of an object, fetched piece by piece while it is read.

use std::io::{self, Read};
use std::sync::{Arc, OnceLock};

use pegboard_aws::{Bucket, CallError, Fetched, Piece};
use pegboard_model::Timestamp;
use tokio::sync::mpsc;

use crate::sources::look::Look;
use crate::sources::packed::Packed;

/// How much of an object is fetched at once, in bytes.
pub(super) const PIECE_BYTES: u32 = 4 << 20;

/// Why an object could not be fetched. Comes as the source of an [`io::Error`]; any other error is of its content.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum Unfetched {
    #[error("it is not there")]
    Gone,
    #[error("it was written anew while it was read")]
    Changed,
    #[error(transparent)]
    Failed(#[from] CallError),
}

impl Unfetched {
    /// What `error` tells of fetching, if it does.
    pub(super) fn of(error: &io::Error) -> Option<Self> {
        let mut source: Option<&(dyn std::error::Error + 'static)> = error.get_ref().map(|inner| inner as _);
        while let Some(inner) = source {
            if let Some(unfetched) = inner.downcast_ref::<Self>() {
                return Some(unfetched.clone());
            }
            source =
                inner.downcast_ref::<io::Error>().and_then(|inner| inner.get_ref().map(|inner| inner as _));
        }
        None
    }
}

/// Which content of which object.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) bucket: Arc<Bucket>,
    pub(super) key: String,
    /// What names the content; without it, whatever there is.
    pub(super) etag: Option<String>,
}

/// An object as it is read, for a thread that may wait. A task fetches it, at most two pieces ahead; it ends when nobody reads
/// any more, and reading ends when it does.
#[derive(Debug)]
pub(super) struct Pieces {
    fetched: mpsc::Receiver<Result<Piece, Unfetched>>,
    piece: Vec<u8>,
    given: usize,
    /// How much was taken, and how long the object is, once that is known.
    taken: u64,
    length: Option<u64>,
    /// What is known of the content, for whoever reads it.
    about: Arc<OnceLock<About>>,
}

/// What is known of a content once something of it was fetched.
#[derive(Debug, Clone)]
pub(super) struct About {
    /// What names it.
    pub(super) etag: String,
    /// When it was written, in milliseconds since 1970 UTC, where that is told.
    pub(super) modified_ms: Option<i64>,
}

impl Pieces {
    /// Begins to fetch. For a task, not for a thread that may wait.
    pub(super) fn fetch(wanted: Wanted) -> Self {
        let (sender, fetched) = mpsc::channel(1);
        tokio::spawn(wanted.fetch(sender));
        Self { fetched, piece: Vec::new(), given: 0, taken: 0, length: None, about: Arc::default() }
    }

    /// What is known of the content, once something was fetched.
    pub(super) fn about(&self) -> Option<&About> {
        self.about.get()
    }
}

impl Wanted {
    /// Fetches piece after piece, up to the end or the first failure.
    async fn fetch(self, pieces: mpsc::Sender<Result<Piece, Unfetched>>) {
        let Self { bucket, key, mut etag } = self;
        let mut at = 0;
        loop {
            let fetched = match bucket.get(&key, at, PIECE_BYTES, etag.as_deref()).await {
                Ok(Fetched::Piece(piece)) => Ok(piece),
                Ok(Fetched::Gone) => Err(Unfetched::Gone),
                Ok(Fetched::Changed) => Err(Unfetched::Changed),
                Err(error) => Err(Unfetched::Failed(error)),
            };
            let is_last = fetched.as_ref().map_or(true, |piece| {
                at += piece.bytes.len() as u64;
                etag.get_or_insert_with(|| piece.etag.clone());
                piece.bytes.is_empty() || at >= piece.length
            });
            if pieces.send(fetched).await.is_err() || is_last {
                return;
            }
        }
    }
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given == self.piece.len() && self.length.is_none_or(|length| self.taken < length) {
            // What ends before its end was not fetched.
            let fetched = self.fetched.blocking_recv().unwrap_or(Err(Unfetched::Changed));
            let piece = fetched.map_err(io::Error::other)?;
            self.taken += piece.bytes.len() as u64;
            self.length = Some(if piece.bytes.is_empty() { self.taken } else { piece.length });
            self.about.get_or_init(|| About { etag: piece.etag, modified_ms: piece.modified_ms });
            (self.piece, self.given) = (piece.bytes, 0);
        }
        let length = buffer.len().min(self.piece.len() - self.given);
        buffer[..length].copy_from_slice(&self.piece[self.given..self.given + length]);
        self.given += length;
        Ok(length)
    }
}

/// An object of records being read. All of it is for a thread that may wait.
#[derive(Debug)]
pub(super) struct Records {
    content: Packed<Pieces>,
    about: Arc<OnceLock<About>>,
}

impl Records {
    /// Begins at `offset` of the unpacked content.
    pub(super) fn open(pieces: Pieces, offset: u64) -> io::Result<Self> {
        let about = Arc::clone(&pieces.about);
        Ok(Self { content: Packed::open(pieces, offset)?, about })
    }

    pub(super) fn look(&mut self, now: Timestamp) -> io::Result<Look> {
        self.content.look(now)
    }

    /// What names the content that is read, once something was fetched.
    pub(super) fn etag(&self) -> Option<&str> {
        self.about.get().map(|about| about.etag.as_str())
    }
}
