//! Where files go: those of a sink, as `[sink.place]` says, and the archive.

use std::path::{Path, PathBuf};

use super::table_of;
use crate::config::schema::credentials;
use crate::config::settings::{KinesisCredentials, WebUrl};
use crate::config::table::Table;
use crate::config::value;

/// Where files go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlaceSettings {
    /// A folder of this machine.
    Folder(PathBuf),
    /// A bucket of Amazon S3.
    Bucket(BucketSettings),
}

/// A bucket of Amazon S3 that is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketSettings {
    /// Its name.
    pub bucket: String,
    /// What stands before the names of files.
    pub prefix: String,
    /// Its region; without it that of the usual AWS chain.
    pub region: Option<String>,
    /// Another address to reach S3 at.
    pub endpoint: Option<WebUrl>,
    /// Where the credentials come from.
    pub credentials: KinesisCredentials,
}

impl PlaceSettings {
    pub(super) fn read(sink: &mut Table<'_, '_>, is_it: bool, folder: &Path) -> Option<Self> {
        let mut table = table_of(sink, is_it, "place");
        let place = Self::of(&mut table, folder);
        if is_it && !table.has("folder") && !table.has("bucket") {
            table.lack("folder", "name a `folder` of this machine, or a `bucket` of Amazon S3");
        }
        table.finish();
        place
    }

    /// A place, of a table in which other things may stand, too; nothing if there is none, or if it is wrong.
    pub(in crate::config) fn of(table: &mut Table<'_, '_>, folder: &Path) -> Option<Self> {
        let path = table.optional("folder", value::path(folder));
        let bucket = table.optional("bucket", value::bucket);
        let prefix = table.optional("prefix", value::prefix).unwrap_or_default();
        let region = table.optional("region", value::region);
        let endpoint = table.optional("endpoint", value::web_url);
        let credentials = credentials(table, folder).unwrap_or(KinesisCredentials::Chain);
        table.excludes("bucket", "folder");
        for key in ["prefix", "region", "endpoint", "profile", "access_key_id"] {
            table.needs(key, "bucket");
        }
        match (path, bucket) {
            (Some(path), None) => Some(Self::Folder(path)),
            (None, Some(bucket)) => {
                Some(Self::Bucket(BucketSettings { bucket, prefix, region, endpoint, credentials }))
            }
            _ => None,
        }
    }
}
