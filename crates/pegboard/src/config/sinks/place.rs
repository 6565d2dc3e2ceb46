//! Where files go: those of a sink, as `[sink.place]` says, and the archive.

use std::path::{Path, PathBuf};

use pegboard_sinks::place::{InvalidSftpUrl, SftpServer, SftpUrl, SshFile};
use toml::de::DeValue;

use super::table_of;
use crate::config::schema::credentials;
use crate::config::settings::{KinesisCredentials, WebUrl};
use crate::config::table::Table;
use crate::config::value::{self, Read, Wrong};

/// Where files go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlaceSettings {
    /// A folder of this machine.
    Folder(PathBuf),
    /// A bucket of Amazon S3.
    Bucket(BucketSettings),
}

/// Where the files of a sink go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SinkPlace {
    /// Where an archive could be, too.
    Own(PlaceSettings),
    /// A folder of another machine.
    Sftp(SftpServer),
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

impl SinkPlace {
    pub(super) fn read(sink: &mut Table<'_, '_>, is_it: bool, folder: &Path) -> Option<Self> {
        let mut table = table_of(sink, is_it, "place");
        let own = PlaceSettings::of(&mut table, folder);
        let url = table.optional("sftp", sftp_url);
        let identity = table.optional("identity_file", ssh_file(folder));
        let known_hosts = table.optional("known_hosts", ssh_file(folder));
        table.excludes("sftp", "folder");
        table.excludes("sftp", "bucket");
        table.need_each_other("sftp", "identity_file");
        table.need_each_other("sftp", "known_hosts");
        if is_it && !["folder", "bucket", "sftp"].iter().any(|key| table.has(key)) {
            let help =
                "name a `folder` of this machine, a `bucket` of Amazon S3, or a server's folder as `sftp`";
            table.lack("folder", help);
        }
        table.finish();
        let sftp = || Some(SftpServer { url: url?, identity: identity?, known_hosts: known_hosts? });
        own.map(Self::Own).or_else(|| sftp().map(Self::Sftp))
    }
}

impl PlaceSettings {
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

/// A folder of a server. One with a password in it is not shown.
fn sftp_url(value: &DeValue<'_>) -> Read<SftpUrl> {
    let wrong =
        || Wrong::expected("the folder of a server, such as \"sftp://pegboard@files.example.com/in\"");
    let given = value.as_str().ok_or_else(wrong)?;
    given.parse().map_err(|error: InvalidSftpUrl| {
        let wrong = wrong().help(error.to_string());
        if given.contains('@') { wrong.secret() } else { wrong }
    })
}

/// A file for `ssh`, relative to `folder`.
fn ssh_file(folder: &Path) -> impl Fn(&DeValue<'_>) -> Read<SshFile> {
    move |given| {
        let path = value::path(folder)(given)?;
        SshFile::new(path).ok_or_else(|| {
            Wrong::expected("a path that `ssh` takes as it is: letters, digits and / . _ - + = , @")
        })
    }
}
