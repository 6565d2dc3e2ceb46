//! Archives in a bucket of Amazon S3. Each file is an object, which is there whole or not at all.

use std::fmt;
use std::ops::ControlFlow;

use pegboard_aws::{BucketConfig, BucketOnDemand, CallError, Clock, Fetched, Kept, OnlyIf};
use pegboard_model::{Millis, SourceName, Timestamp};

use super::file_name::hour_of;
use super::{FileName, MAX_STEP_BYTES};

/// How much of an object is asked for at once, in bytes: most are there with the first answer.
const PIECE: u32 = 8 << 20;

/// How large an object is made at most, in bytes, but for one of a single step: it is in memory as a whole.
pub const OBJECT_BYTES: usize = PIECE as usize;

/// The largest object that is read, in bytes: one of a single step that was hardly packed.
const MOST_OBJECT_BYTES: u64 = MAX_STEP_BYTES + OBJECT_BYTES as u64;

/// How often an object is read from its beginning because somebody wrote it anew meanwhile.
const ROUNDS: usize = 3;

/// What S3 is told of an object.
const CONTENT_TYPE: &str = "application/zstd";

/// A bucket, and what stands there before the names of files.
pub struct ArchiveBucket {
    bucket: BucketOnDemand,
    prefix: String,
    seed: u64,
}

impl fmt::Debug for ArchiveBucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ArchiveBucket").field(&self.to_string()).finish_non_exhaustive()
    }
}

impl fmt::Display for ArchiveBucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket.name(), self.prefix)
    }
}

/// What came of writing a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// It is there, with this very content.
    Whole,
    /// There is another one of its name already.
    Other {
        /// What names its content.
        etag: String,
    },
}

/// Why a file of an archive is not in its bucket, or cannot be had from there.
#[derive(Debug, thiserror::Error)]
pub enum BucketError {
    /// S3 does not do it.
    #[error(transparent)]
    Call(#[from] CallError),
    /// What was written is not what is there.
    #[error("{object} has {found} bytes where {written} were written; it is written again")]
    NotWhole {
        /// Which.
        object: String,
        /// How many bytes were written.
        written: u64,
        /// How many are there.
        found: u64,
    },
    /// Somebody else writes it.
    #[error("{object} was written anew by somebody else meanwhile; it is tried again")]
    Changed {
        /// Which.
        object: String,
    },
    /// Nothing that the hub has written.
    #[error("{object} has {bytes} bytes, more than any file of an archive: move it away")]
    TooLarge {
        /// Which.
        object: String,
        /// How many it has.
        bytes: u64,
    },
    /// It does not heed conditions, without which two nodes could overwrite each other.
    #[error(
        "{place}: it writes an object that is there although that was forbidden (If-None-Match): archive elsewhere"
    )]
    Unconditional {
        /// The bucket.
        place: String,
    },
}

/// An object with its content.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) bytes: Vec<u8>,
    pub(super) etag: String,
}

impl ArchiveBucket {
    /// A bucket; asks nobody yet. `clock` gives milliseconds since 1970 UTC; jitter starts from `seed`.
    pub fn new(config: BucketConfig, prefix: impl Into<String>, clock: Clock, seed: u64) -> Self {
        Self { bucket: BucketOnDemand::new(config, clock, seed), prefix: prefix.into(), seed }
    }

    /// Writes a file that is new, and makes sure that it is there.
    pub async fn write(&self, name: &FileName, body: &[u8]) -> Result<Stored, BucketError> {
        let kept = self.bucket.get().await?.put_if(&self.key(name), CONTENT_TYPE, body, OnlyIf::New).await?;
        if let Kept::Written { etag } = kept {
            return self.make_sure(name, &etag, body.len() as u64).await.map(|()| Stored::Whole);
        }
        // The hub was killed before it let go of what it had written; or another node was faster.
        match self.fetch(name).await? {
            Some(found) if found.bytes == body => Ok(Stored::Whole),
            Some(found) => Ok(Stored::Other { etag: found.etag }),
            None => Err(BucketError::Changed { object: self.object(name) }),
        }
    }

    /// Writes a file in the place of one that still has the content named by `etag`, and makes sure that it is there.
    pub async fn replace(&self, name: &FileName, body: &[u8], etag: &str) -> Result<(), BucketError> {
        let only_if = OnlyIf::Still { etag };
        match self.bucket.get().await?.put_if(&self.key(name), CONTENT_TYPE, body, only_if).await? {
            Kept::Written { etag } => self.make_sure(name, &etag, body.len() as u64).await,
            Kept::Differs => Err(BucketError::Changed { object: self.object(name) }),
        }
    }

    /// S3 itself has compared what came with the hash that was signed; this is whether it has kept it.
    async fn make_sure(&self, name: &FileName, etag: &str, written: u64) -> Result<(), BucketError> {
        let found = match self.bucket.get().await?.get(&self.key(name), 0, 1, Some(etag)).await? {
            Fetched::Piece(piece) if piece.length == written => return Ok(()),
            Fetched::Piece(piece) => piece.length,
            Fetched::Gone => 0,
            Fetched::Changed => return Err(BucketError::Changed { object: self.object(name) }),
        };
        Err(BucketError::NotWhole { object: self.object(name), written, found })
    }

    /// Removes files of hours that ended before `before`, the oldest first, at most `most`; answers how many. Whatever else is
    /// there stays.
    pub async fn remove_older(
        &self,
        source: &SourceName,
        before: Timestamp,
        most: usize,
    ) -> Result<usize, BucketError> {
        let mut old = Vec::new();
        self.each(source, None, &mut |name| {
            if name.hour() + Millis::from_hours(1) > before || old.len() == most {
                return ControlFlow::Break(());
            }
            old.push(name);
            ControlFlow::Continue(())
        })
        .await?;
        for name in &old {
            self.bucket.get().await?.delete(&self.key(name)).await?;
        }
        Ok(old.len())
    }

    /// Writes an object, reads it, and removes it again: whether all can be done here that an archive needs.
    pub async fn probe(&self) -> Result<String, BucketError> {
        const CONTENT: &[u8] = b"pegboard check";
        let bucket = self.bucket.get().await?;
        bucket.list(&self.prefix, None).await?;
        let key = format!("{}pegboard-check-{:x}", self.prefix, self.seed);
        bucket.put(&key, CONTENT_TYPE, CONTENT).await?;
        let read = bucket.get(&key, 0, PIECE, None).await;
        let again = bucket.put_if(&key, CONTENT_TYPE, CONTENT, OnlyIf::New).await;
        // First of all, so that nothing is left whatever the others say.
        bucket.delete(&key).await?;
        let found = match read? {
            Fetched::Piece(piece) => piece.bytes,
            Fetched::Gone | Fetched::Changed => Vec::new(),
        };
        if found != CONTENT {
            let (written, found) = (CONTENT.len() as u64, found.len() as u64);
            return Err(BucketError::NotWhole { object: key, written, found });
        }
        match again? {
            Kept::Differs => Ok(format!("{self} can be written, read, listed and cleared")),
            Kept::Written { .. } => Err(BucketError::Unconditional { place: self.to_string() }),
        }
    }

    /// The content of a file; nothing if there is none.
    pub(super) async fn fetch(&self, name: &FileName) -> Result<Option<Found>, BucketError> {
        let (bucket, key) = (self.bucket.get().await?, self.key(name));
        'anew: for _ in 0..ROUNDS {
            let (mut bytes, mut etag) = (Vec::new(), None::<String>);
            loop {
                let piece = match bucket.get(&key, bytes.len() as u64, PIECE, etag.as_deref()).await? {
                    Fetched::Piece(piece) => piece,
                    Fetched::Gone => return Ok(None),
                    Fetched::Changed => continue 'anew,
                };
                if is_too_large(piece.length) {
                    return Err(BucketError::TooLarge { object: self.object(name), bytes: piece.length });
                }
                bytes.extend_from_slice(&piece.bytes);
                if bytes.len() as u64 >= piece.length || piece.bytes.is_empty() {
                    return Ok(Some(Found { bytes, etag: piece.etag }));
                }
                etag = Some(piece.etag);
            }
        }
        Err(BucketError::Changed { object: self.object(name) })
    }

    /// Hands over the names of the files of a source, from an hour on, in the order of their hours.
    pub(super) async fn each(
        &self,
        source: &SourceName,
        from: Option<Timestamp>,
        take: &mut (dyn FnMut(FileName) -> ControlFlow<()> + Send),
    ) -> Result<(), BucketError> {
        let prefix = format!("{}{source}/", self.prefix);
        // What is in the folder of an hour comes behind its name.
        let behind = from.map(|from| format!("{prefix}{}", hour_of(from))).unwrap_or_default();
        let mut token = None;
        loop {
            let page = self.bucket.get().await?.list_behind(&prefix, &behind, token.as_deref()).await?;
            for object in &page.objects {
                let name = object.key.strip_prefix(&prefix).and_then(|rest| FileName::below(source, rest));
                if name.is_some_and(|name| take(name).is_break()) {
                    return Ok(());
                }
            }
            token = page.next;
            if token.is_none() {
                return Ok(());
            }
        }
    }

    fn key(&self, name: &FileName) -> String {
        format!("{}{name}", self.prefix)
    }

    /// A file, for people.
    pub(super) fn object(&self, name: &FileName) -> String {
        format!("{self}{name}")
    }
}

const fn is_too_large(length: u64) -> bool {
    length > MOST_OBJECT_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r28_an_object_that_would_fill_the_memory_is_refused() {
        assert!(!is_too_large(MOST_OBJECT_BYTES));
        assert!(is_too_large(MOST_OBJECT_BYTES + 1));
    }
}
