//! Where files go: a folder of this machine or, by SFTP, of another one, or a bucket of Amazon S3. A file is there whole, or not at all.

mod bucket;
mod folder;
mod path;
mod sftp;

pub use self::bucket::BucketPlace;
pub use self::folder::Folder;
pub use self::path::{InvalidPlacePath, MOST_PART_BYTES, MOST_PATH_BYTES, PlacePath};
pub use self::sftp::{InvalidSftpUrl, SftpPlace, SftpServer, SftpUrl, SshFile};
use crate::Outcome;

/// A place for files.
#[derive(Debug)]
pub enum Place {
    /// A folder of this machine.
    Folder(Folder),
    /// A bucket of Amazon S3.
    Bucket(Box<BucketPlace>),
    /// A folder of another machine.
    Sftp(SftpPlace),
}

/// Why a file is not where it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// It may be the next time.
    #[error("{0}")]
    Passing(String),
    /// It will not be until somebody acts.
    #[error("{0}")]
    Lasting(String),
}

impl Place {
    /// Writes a file. One that is there is replaced.
    pub async fn put(&self, path: &PlacePath, body: &[u8]) -> Result<(), PlaceError> {
        match self {
            Self::Folder(folder) => folder.put(path, body).await,
            Self::Bucket(bucket) => bucket.put(path, body).await,
            Self::Sftp(server) => server.put(path, body).await,
        }
    }

    /// Writes the file of this name, as the answer of a sink.
    pub async fn deliver(&self, name: &str, body: &[u8]) -> Outcome {
        let path = match PlacePath::parse(name) {
            Ok(path) => path,
            Err(error) => return Outcome::Refused { reason: error.to_string() },
        };
        match self.put(&path, body).await {
            Ok(()) => Outcome::Accepted,
            Err(PlaceError::Passing(reason)) => Outcome::Again { reason, after: None },
            Err(PlaceError::Lasting(reason)) => Outcome::Shut { reason },
        }
    }

    /// Whether files can be written here, as far as that can be said without leaving one.
    pub async fn probe(&self) -> Result<String, String> {
        match self {
            Self::Folder(folder) => folder.probe().await,
            Self::Bucket(bucket) => bucket.probe().await,
            Self::Sftp(server) => server.probe().await,
        }
        .map_err(|error| error.to_string())
    }
}
